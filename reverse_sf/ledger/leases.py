"""Runs, and the lease that lets one runner at a time work in a direction."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, exists, insert, or_, select, true, update

from reverse_sf.errors import LeaseHeldError, StopError
from reverse_sf.ledger.dialects import Insert
from reverse_sf.ledger.encoding import later, moment
from reverse_sf.ledger.holder import gone, joined
from reverse_sf.ledger.rows import Count, Run
from reverse_sf.ledger.session import Session
from reverse_sf.ledger.tables import counts, leases, links, runs
from reverse_sf.mapping.definition import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Row

RUNNING = "running"
FAILED = "failed"
INTERRUPTED = "interrupted"
"""Given to a run that vanished without an end, when the next one begins."""

UNFINISHED = (RUNNING, FAILED, INTERRUPTED)
"""Ends of a run that are no good end."""

_take = Insert(
    leases,
    ("direction", "run_id", "holder", "since", "expires_at"),
    identity=("direction",),
    changes=lambda _, given: {
        "run_id": given.run_id,
        "holder": given.holder,
        "since": given.since,
        "expires_at": given.expires_at,
    },
)
_add_counts = Insert(
    counts,
    ("run_id", "pair", "counter", "reason", "number"),
    identity=("run_id", "pair", "counter", "reason"),
    changes=lambda table, given: {"number": table.c.number + given.number},
)


def add_counts(connection: Connection, tallies: list[Count]) -> None:
    """Add to the tallies of a run, inside the caller's transaction."""
    total: dict[tuple[str, str, str, str], int] = {}
    for it in tallies:
        name = (it.run_id, it.pair, it.counter, it.reason)
        total[name] = total.get(name, 0) + it.number
    _add_counts.execute(connection, [(*name, number) for name, number in total.items()])


class Leases(Session):
    """Taking, keeping and giving back the lease of a direction."""

    def begin_run(self, run: Run, *, ttl_seconds: float) -> None:
        """Take the lease of the run's direction and record the run, in one transaction.

        An expired lease is taken over, and so is one whose holders were killed on this machine.
        Runs of the direction that never ended are then marked as interrupted, because nobody is
        left to end them.

        Args:
            run: the run; ``run.holder`` is shown to a second runner.
            ttl_seconds: the lease ends so long after the last heartbeat.

        Raises:
            LeaseHeldError: another run holds it.
        """
        with self._writing() as connection:
            now = self._now(connection)
            held = self._lease(connection, leases.c.direction == run.direction.value)
            if held is not None and held.run_id != run.run_id and _is_held(held, now):
                raise held_by(held)
            connection.execute(
                update(runs)
                .where(runs.c.direction == run.direction.value, runs.c.ended_at.is_(None))
                .values(ended_at=moment(now), status=INTERRUPTED)
            )
            connection.execute(
                insert(runs).values(
                    run_id=run.run_id,
                    direction=run.direction.value,
                    started_at=run.started_at,
                    definition_fingerprint=run.definition_fingerprint,
                    ended_at=run.ended_at,
                    status=run.status,
                    holder=run.holder,
                )
            )
            self._take_lease(
                connection, (run.run_id, run.direction.value, run.holder), now, ttl_seconds
            )

    def refuse_held(self, direction: Direction) -> None:
        """Look, before a run is begun, whether another one is at work in its direction.

        Raises:
            LeaseHeldError: one is.
        """
        with self._reading() as connection:
            held = self._lease(connection, leases.c.direction == direction.value)
            if held is not None and _is_held(held, self._now(connection)):
                raise held_by(held)

    @contextmanager
    def kept_out(self, name: str, holder: str, *, ttl_seconds: float = 60.0) -> Iterator[None]:
        """Take the leases of both directions while a person's word is written, without a run.

        What counts as the last run, and its definition and counts, stays what it was.

        Args:
            name: stands where a run's id would, for whoever is kept out.
            holder: who takes them.
            ttl_seconds: they end so long after, should nobody give them back.

        Raises:
            LeaseHeldError: a run is at work in one of the directions.
        """
        with self._writing() as connection:
            now = self._now(connection)
            for direction in Direction:
                held = self._lease(connection, leases.c.direction == direction.value)
                if held is not None and _is_held(held, now):
                    raise held_by(held)
            for direction in Direction:
                self._take_lease(connection, (name, direction.value, holder), now, ttl_seconds)
        try:
            yield
        finally:
            with self._writing() as connection:
                connection.execute(delete(leases).where(leases.c.run_id == name))

    def heartbeat(self, run_id: str, *, ttl_seconds: float, holder: str | None = None) -> None:
        """Keep the lease of a run; call it several times within ``ttl_seconds``.

        A lease that ended while nobody else took it is simply taken again.

        Args:
            run_id: the run.
            ttl_seconds: the lease ends so long after this call.
            holder: a process that joins those who hold it (``reverse_sf.ledger.holder``).

        Raises:
            LeaseHeldError: another run has taken the lease over; stop writing.
            StopError: this ledger knows no such run.
        """
        with self._writing() as connection:
            now = self._now(connection)
            held = self._lease(connection, leases.c.run_id == run_id)
            if held is not None:
                holders = joined(held.holder, holder) if holder else held.holder
                connection.execute(
                    update(leases)
                    .where(leases.c.run_id == run_id)
                    .values(expires_at=later(now, ttl_seconds), holder=holders)
                )
                return
            run = self._run(connection, run_id)
            held = self._lease(connection, leases.c.direction == run.direction)
            if held is not None and held.expires_at > moment(now):
                raise held_by(held)
            taker = (run_id, run.direction, holder or run.holder)
            self._take_lease(connection, taker, now, ttl_seconds)

    def finish_run(self, run_id: str, status: str) -> None:
        """End a run and release its lease.

        The first end counts: a run that the mapper ended as failed stays failed when its target
        ends well.

        Args:
            run_id: the run.
            status: ``done``, ``failed``, or another word that ``reverse-sf`` shows.
        """
        with self._writing() as connection:
            connection.execute(
                update(runs)
                .where(runs.c.run_id == run_id, runs.c.ended_at.is_(None))
                .values(ended_at=moment(self._now(connection)), status=status)
            )
            connection.execute(delete(leases).where(leases.c.run_id == run_id))

    def last_run(self, direction: Direction) -> Run | None:
        """The latest run of a direction that was begun."""
        with self._reading() as connection:
            row = connection.execute(
                select(runs)
                .where(runs.c.direction == direction.value)
                .order_by(runs.c.started_at.desc(), runs.c.run_id.desc())
                .limit(1)
            ).first()
        return None if row is None else run_of(row)

    def counts(self, run_id: str) -> list[Count]:
        """The tallies of a run, by pair, counter and reason."""
        with self._reading() as connection:
            rows = connection.execute(
                select(counts)
                .where(counts.c.run_id == run_id)
                .order_by(counts.c.pair, counts.c.counter, counts.c.reason)
            ).all()
        return [
            Count(
                run_id=row.run_id,
                pair=row.pair,
                counter=row.counter,
                reason=row.reason,
                number=row.number,
            )
            for row in rows
        ]

    @property
    def is_new(self) -> bool:
        """Nothing was ever linked here, and no run has come to a good end.

        A run that failed leaves a new ledger new: the check for a lost ledger must still hold in
        the run after it.
        """
        with self._reading() as connection:
            known = connection.scalar(
                select(
                    or_(
                        exists(select(true()).select_from(links)),
                        exists(select(true()).where(runs.c.status.not_in(UNFINISHED))),
                    )
                )
            )
        return not known

    def _fence(self, connection: Connection, run_id: str) -> Row[Any]:
        """Stop a run that sleeps through its lease from deciding what another now decides."""
        run = self._run(connection, run_id)
        if run.lease_run_id is not None and run.lease_run_id != run_id:
            held = self._lease(connection, leases.c.direction == run.direction)
            if held is not None:
                raise held_by(held)
        return run

    def _run(self, connection: Connection, run_id: str) -> Row[Any]:
        row = connection.execute(
            select(
                runs.c.direction,
                runs.c.definition_fingerprint,
                runs.c.holder,
                leases.c.run_id.label("lease_run_id"),
            )
            .select_from(runs.outerjoin(leases, leases.c.direction == runs.c.direction))
            .where(runs.c.run_id == run_id)
        ).first()
        if row is None:
            raise StopError(
                f"the ledger {self.address.shown} knows no run {run_id}: the records were decided "
                "with another ledger; give the mapper and the target the same ledger_uri"
            )
        return row

    def _lease(self, connection: Connection, condition: Any) -> Row[Any] | None:
        return connection.execute(select(leases).where(and_(condition))).first()

    def _take_lease(
        self, connection: Connection, run: tuple[str, str, str], now: datetime, ttl_seconds: float
    ) -> None:
        run_id, direction, holder = run
        row = (direction, run_id, holder, moment(now), later(now, ttl_seconds))
        _take.execute(connection, [row])


def run_of(row: Row[Any]) -> Run:
    """Make the value of a row of ``sync_runs``."""
    return Run(
        run_id=row.run_id,
        direction=Direction(row.direction),
        started_at=row.started_at,
        definition_fingerprint=row.definition_fingerprint,
        ended_at=row.ended_at,
        status=row.status,
        holder=row.holder,
    )


def _is_held(lease: Row[Any], now: datetime) -> bool:
    return bool(lease.expires_at > moment(now)) and not gone(lease.holder)


def held_by(lease: Row[Any]) -> LeaseHeldError:
    """Say who holds a lease; takes a row of ``sync_leases``."""
    return LeaseHeldError(
        f"the direction {lease.direction} is at work: run {lease.run_id} of "
        f"{lease.holder or 'an unnamed runner'} holds the ledger's lease since {lease.since}; "
        f"let it end, or wait until {lease.expires_at} if it was killed, then run again"
    )
