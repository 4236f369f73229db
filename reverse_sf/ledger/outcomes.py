"""Committing what became of the target's writes, before STATE is emitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from reverse_sf.ledger.acceptance import accepted_of, close_operations
from reverse_sf.ledger.awaited import note_awaited
from reverse_sf.ledger.dialects import Update, keys
from reverse_sf.ledger.encoding import from_text, sortable, to_text
from reverse_sf.ledger.leases import add_counts
from reverse_sf.ledger.read_back import ReadBacks
from reverse_sf.ledger.rows import LinkState, OperationStatus
from reverse_sf.ledger.settlement import base_after
from reverse_sf.ledger.tables import links, parked
from reverse_sf.ledger.writing import (
    add_conflicts,
    add_flags,
    drop_conflicts,
    drop_parked,
    merge_bases,
    put_images,
    put_parked,
    write_log,
)
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.adoption import NORMALISED, is_marked
from reverse_sf.merge.identity import link_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from reverse_sf.ledger.batches import Outcomes
    from reverse_sf.ledger.rows import Conflict, LogRow, Outcome, Parked

_SUCCEEDED = {OperationStatus.APPLIED, OperationStatus.AGREED}
_STILL_OPEN = {OperationStatus.INTENDED, OperationStatus.WAITING}
_withheld = select(parked.c.link_id, parked.c.key).where(
    parked.c.direction == bindparam("direction"), parked.c.link_id.in_(keys())
)
_join = Update(links, ("state", "salesforce_id", "spotio_id"), identity=("number",))
_release = Update(parked, ("next_attempt_at",), identity=("waiting_for",))


class OutcomeCommits(ReadBacks):
    """The target's commit."""

    def commit_outcomes(self, outcomes: Outcomes) -> None:
        """Commit what a batch of calls brought, in one transaction; then STATE may be emitted.

        Operations are closed (a waiting one stays open). Links learn ids and become linked. The
        image read back is stored as the destination's, and for each written key that it holds the
        base becomes the pair of the value read back and the source value that the decision used.
        What was withheld of a written record or key no longer is, and children that waited for a
        link that now has its counterpart are due. A link whose read-back shows another value of a
        key that was not written is decided again: the direction that reads it may be off.

        An id that belongs to another link of the pair already is not stored: that operation is
        rejected and the record parked as ``already_linked``; the rest of the batch goes on. Where
        an outcome says ``parted`` the link forgets its counterpart and waits for another one.

        A run that lost its lease may still commit: what it wrote has happened.

        Raises:
            StopError: the ledger knows the run or an operation not: another ledger decided it.
        """
        with self._writing() as connection:
            run = self._run(connection, outcomes.run_id)
            accepted, refused = accepted_of(connection, outcomes, self.address.shown)
            flagged = [(link_id, to.value, reason) for link_id, to, reason in outcomes.flagged]
            if accepted:
                flagged += self._apply(connection, outcomes.direction, accepted)
            drop_parked.execute(connection, _spoken_for(accepted, outcomes.parked))
            put_parked(connection, [*outcomes.parked, *refused], run)
            add_flags.execute(connection, flagged)
            add_conflicts(connection, outcomes.conflicts)
            drop_conflicts(connection, outcomes.spared)
            write_log(connection, outcomes.log)
            note_awaited(connection, outcomes.awaited, outcomes.run_id)
            add_counts(connection, outcomes.counts)

    def journal(self, rows: Sequence[Conflict]) -> None:
        """Keep values that are about to be overruled, before the call that overrules them.

        :attr:`Outcomes.spared` takes a row back where the call then left the value alone.
        """
        with self._writing() as connection:
            add_conflicts(connection, rows)

    def add_log(self, rows: Sequence[LogRow]) -> None:
        """Add to the log outside a batch, such as a failed login or a workflow that was read."""
        with self._writing() as connection:
            write_log(connection, rows)

    def _apply(
        self,
        connection: Connection,
        direction: Direction,
        accepted: Sequence[tuple[Outcome, Row[Any]]],
    ) -> list[tuple[str, str, str]]:
        """Apply outcomes; answer the flags of what was read back changed."""
        joined: list[tuple[Any, ...]] = []
        released: list[tuple[str, str]] = []
        read_back: list[tuple[Outcome, Row[Any], dict[str, list[Any]]]] = []
        settled: dict[int, dict[str, list[Any]]] = {}
        written: dict[str, set[str]] = {}
        side, back = direction.destination, direction.back.value
        flags: list[tuple[str, str, str]] = []
        for outcome, row in accepted:
            link = _link_after(outcome, row, direction)
            if link != (row.state, row.salesforce_id, row.spotio_id):
                joined.append((*link, row.link))
                if link[1] and link[2]:
                    at = sortable(outcome.at)
                    released += [(at, one) for one in _by_either_side(row, link)]
            elif link[1] and link[2]:
                released.append((sortable(outcome.at), row.link_id))
            if outcome.image is not None:
                base = base_after(outcome, row)
                read_back.append((outcome, row, base))
                if base:
                    settled.setdefault(row.link, {}).update(base)
                adopted = [key for key, entry in base.items() if is_marked(entry, side)]
                if adopted:
                    # The other direction copies back what came out of it.
                    flags.append((row.link_id, back, NORMALISED + ", ".join(adopted)))
            if outcome.status in _SUCCEEDED:
                written.setdefault(row.link_id, {""}).update(outcome.written)
        close_operations.execute(connection, [_closing(outcome, row) for outcome, row in accepted])
        _join.execute(connection, joined)
        image_rows, flagged = self._image_rows(connection, direction, read_back)
        put_images.execute(connection, image_rows)
        merge_bases(connection, settled)
        if written:
            rows = connection.execute(
                _withheld, {"direction": direction.value, "keys": to_text(list(written))}
            ).all()
            drop_parked.execute(
                connection,
                [
                    (link_id, direction.value, key)
                    for link_id, key in rows
                    if key in written[link_id]
                ],
            )
        _release.execute(connection, released)
        return flagged + flags


def _spoken_for(
    accepted: Sequence[tuple[Outcome, Row[Any]]], withheld: Sequence[Parked]
) -> list[tuple[str, str, str]]:
    """The rows of earlier refusals that a new one speaks for from here on.

    Single keys went out again and came back refused with their whole record, or the whole record
    did and only keys of it are refused by now. Left alone, what was due would stay due, and the
    same call would be made in every run.
    """
    whole = {(one.link_id, one.direction.value) for one in withheld if not one.key}
    single = {(one.link_id, one.direction.value) for one in withheld if one.key} - whole
    found: list[tuple[str, str, str]] = []
    for outcome, row in accepted:
        if outcome.status is not OperationStatus.REJECTED:
            continue
        link = (row.link_id, row.direction)
        if link in whole:
            found += [(*link, key) for key in from_text(row.source)]
        elif link in single:
            found.append((*link, ""))
    return found


def _by_either_side(row: Row[Any], link: tuple[str, str | None, str | None]) -> set[str]:
    """The names of a link: its own, and what a child called it that knew one of its records only.

    A child that came before its parent's link names it by the parent's id on its own side. The link
    may have begun on the other side since.
    """
    _, salesforce_id, spotio_id = link
    return {
        row.link_id,
        link_id_of(row.pair, salesforce_id or "", Side.SALESFORCE),
        link_id_of(row.pair, spotio_id or "", Side.SPOTIO),
    }


def _state_after(outcome: Outcome, row: Row[Any]) -> str:
    if row.action in {"delete", "archive"} and outcome.status in _SUCCEEDED:
        return LinkState.TOMBSTONE.value
    if row.action == "link" and outcome.status is OperationStatus.REJECTED:
        return str(row.state)
    both = (outcome.salesforce_id or row.salesforce_id) and (outcome.spotio_id or row.spotio_id)
    if row.state == LinkState.PENDING.value and both:
        return LinkState.LINKED.value
    return str(row.state)


def _link_after(outcome: Outcome, row: Row[Any], direction: Direction) -> tuple[Any, ...]:
    """State and ids of the link."""
    if outcome.parted:
        to_spotio = direction is Direction.TO_SPOTIO
        kept = (row.salesforce_id, None) if to_spotio else (None, row.spotio_id)
        return (LinkState.PENDING.value, *kept)
    return (
        _state_after(outcome, row),
        outcome.salesforce_id or row.salesforce_id,
        outcome.spotio_id or row.spotio_id,
    )


def _closing(outcome: Outcome, row: Row[Any]) -> tuple[Any, ...]:
    closed_at = None if outcome.status in _STILL_OPEN else outcome.at
    return (
        outcome.status.value,
        closed_at,
        outcome.error_code,
        outcome.error,
        row.number,
    )
