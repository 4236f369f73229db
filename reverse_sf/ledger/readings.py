"""What people read: the log, the conflict journal, runs and their tallies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, or_, select

from reverse_sf.ledger.encoding import from_text
from reverse_sf.ledger.leases import Leases, run_of
from reverse_sf.ledger.observations import has_both
from reverse_sf.ledger.rows import Conflict, LinkState, LogRow, Run
from reverse_sf.ledger.tables import conflicts, links, log, runs
from reverse_sf.mapping.definition import Direction, Side

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Row, Select, Table


_is_linked = and_(links.c.pair == bindparam("pair"), links.c.state == LinkState.LINKED.value)
_linked_number = select(func.count()).select_from(links).where(_is_linked)
_linked_ids = (
    select(links.c.link_id)
    .where(_is_linked, has_both(links), links.c.link_id > bindparam("after"))
    .order_by(links.c.link_id)
    .limit(bindparam("page"))
)


class Readings(Leases):
    """Reports; newest first, never more than ``limit`` rows. And which records are linked."""

    def linked_number(self, pair: str) -> int:
        """How many records of a pair are linked."""
        with self._reading() as connection:
            found = connection.scalar(_linked_number, {"pair": pair})
        return int(found or 0)

    def linked_pairs(self, pair: str) -> dict[str, str]:
        """SPOTIO id by Salesforce Id of every link of a pair that joins two; for small pairs."""
        statement = select(links.c.salesforce_id, links.c.spotio_id).where(
            links.c.pair == pair, links.c.state == LinkState.LINKED.value
        )
        with self._reading() as connection:
            rows = connection.execute(statement).all()
        return {row.salesforce_id: row.spotio_id for row in rows}

    def linked_ids(self, pair: str, *, batch: int = 1000) -> Iterator[list[str]]:
        """The links of a pair whose both sides are known, a batch at a time."""
        after = ""
        while True:
            with self._reading() as connection:
                given = {"pair": pair, "after": after, "page": batch}
                page = list(connection.scalars(_linked_ids, given))
            if page:
                yield page
            if len(page) < batch:
                return
            after = page[-1]

    def log_rows(
        self,
        *,
        run_id: str | None = None,
        direction: Direction | None = None,
        pair: str | None = None,
        kind: str | None = None,
        outcome: str | None = None,
        link_id: str | None = None,
        salesforce_id: str | None = None,
        spotio_id: str | None = None,
        operation_id: str | None = None,
        method: str | None = None,
        status: int | None = None,
        since: str | None = None,
        until: str | None = None,
        record_id: str | None = None,
        text: str | None = None,
        objects: Collection[str] = (),
        number: int | None = None,
        behind: int | None = None,
        limit: int = 100,
    ) -> list[LogRow]:
        """Calls and decisions, newest first; every filter given must hold.

        Args:
            run_id: of this run.
            direction: of this direction.
            pair: of this object mapping.
            kind: ``object`` and the other kinds of the log.
            outcome: such as ``rejected``.
            link_id: of this link.
            salesforce_id: of the record with this Id.
            spotio_id: of the record with this id.
            operation_id: of this operation.
            method: HTTP method.
            status: HTTP status.
            since: not older than this UTC instant.
            until: older than this UTC instant.
            record_id: of the record with this id in either system.
            text: that is found in the reason, the path, the payload or the answer.
            objects: of these Salesforce objects.
            number: the row with this number.
            behind: rows with a greater number.
            limit: at most so many.
        """
        statement = _filtered(
            log,
            run_id=run_id,
            direction=None if direction is None else direction.value,
            pair=pair,
            kind=kind,
            outcome=outcome,
            link_id=link_id,
            salesforce_id=salesforce_id,
            spotio_id=spotio_id,
            operation_id=operation_id,
            method=method,
            status=status,
            number=number,
        )
        if since is not None:
            statement = statement.where(log.c.at >= since)
        if until is not None:
            statement = statement.where(log.c.at < until)
        if record_id is not None:
            statement = statement.where(
                or_(log.c.salesforce_id == record_id, log.c.spotio_id == record_id)
            )
        if text:
            places = (log.c.reason, log.c.path, log.c.payload, log.c.answer)
            statement = statement.where(
                or_(*(one.icontains(text, autoescape=True) for one in places))
            )
        if objects:
            pairs = (log.c.pair.startswith(f"{one}:", autoescape=True) for one in objects)
            statement = statement.where(or_(*pairs))
        if behind is not None:
            statement = statement.where(log.c.number > behind)
        with self._reading() as connection:
            rows = connection.execute(statement.limit(limit)).all()
        return [_log_row(row) for row in rows]

    def conflicts(
        self,
        *,
        run_id: str | None = None,
        pair: str | None = None,
        link_id: str | None = None,
        number: int | None = None,
        limit: int = 100,
    ) -> list[Conflict]:
        """Overruled values, newest first; every filter given must hold."""
        statement = _filtered(conflicts, run_id=run_id, pair=pair, link_id=link_id, number=number)
        with self._reading() as connection:
            rows = connection.execute(statement.limit(limit)).all()
        return [
            Conflict(
                link_id=row.link_id,
                pair=row.pair,
                key=row.key,
                loser=Side(row.loser),
                losing_value=from_text(row.losing_value),
                winning_value=from_text(row.winning_value),
                rule=row.rule,
                row=row.row,
                at=row.at,
                run_id=row.run_id,
                operation_id=row.operation_id,
                number=row.number,
            )
            for row in rows
        ]

    def conflicts_by_pair(self, run_id: str) -> dict[str, int]:
        """How many values a run overruled, by pair."""
        number = func.count()
        statement = select(conflicts.c.pair, number).where(conflicts.c.run_id == run_id)
        with self._reading() as connection:
            rows = connection.execute(statement.group_by(conflicts.c.pair)).all()
        return {pair: int(count) for pair, count in rows}

    def calls_of(self, run_id: str) -> int:
        """How many requests of a run wrote something: those that the log has."""
        statement = select(func.count()).select_from(log)
        with self._reading() as connection:
            found = connection.scalar(statement.where(log.c.run_id == run_id, log.c.method != ""))
        return int(found or 0)

    def runs(self, limit: int = 20) -> list[Run]:
        """The latest runs of both directions."""
        with self._reading() as connection:
            rows = connection.execute(
                select(runs).order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(limit)
            ).all()
        return [run_of(row) for row in rows]

    def counts_by_pair(self, run_id: str) -> dict[str, dict[str, int]]:
        """The tallies of a run: pair to counter to number, reasons added up."""
        found: dict[str, dict[str, int]] = {}
        for count in self.counts(run_id):
            of_pair = found.setdefault(count.pair, {})
            of_pair[count.counter] = of_pair.get(count.counter, 0) + count.number
        return found


def _filtered(table: Table, **equal: str | int | None) -> Select[Any]:
    conditions = [table.c[name] == value for name, value in equal.items() if value is not None]
    return select(table).where(*conditions).order_by(table.c.number.desc())


def _log_row(row: Row[Any]) -> LogRow:
    return LogRow(
        at=row.at,
        run_id=row.run_id,
        direction=Direction(row.direction),
        kind=row.kind,
        pair=row.pair,
        link_id=row.link_id,
        operation_id=row.operation_id,
        salesforce_id=row.salesforce_id,
        spotio_id=row.spotio_id,
        method=row.method,
        path=row.path,
        status=row.status,
        outcome=row.outcome,
        reason=row.reason,
        payload=from_text(row.payload),
        answer=from_text(row.answer),
        number=row.number,
    )
