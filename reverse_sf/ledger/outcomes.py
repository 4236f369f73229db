"""Committing what became of the target's writes, before STATE is emitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from reverse_sf.errors import StopError
from reverse_sf.ledger.dialects import Update, keys
from reverse_sf.ledger.differing import (
    BESIDE,
    after_read_back,
    back_at_base,
    bases_of,
    changed_beside,
    replaced_images,
)
from reverse_sf.ledger.encoding import digest_of, from_text, sortable, to_text
from reverse_sf.ledger.facts import read_places
from reverse_sf.ledger.leases import Leases, add_counts
from reverse_sf.ledger.rows import LinkState, OperationStatus, Parked
from reverse_sf.ledger.tables import links, operations, parked
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
from reverse_sf.merge.adoption import ADOPTS, NORMALISED, adopted_keys, is_marked, marked
from reverse_sf.merge.identity import ALREADY_LINKED, link_id_of
from reverse_sf.merge.union import UNCARRIED, settled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

    from reverse_sf.ledger.rows import Conflict, LogRow, Outcome, Outcomes

_SUCCEEDED = {OperationStatus.APPLIED, OperationStatus.AGREED}
_STILL_OPEN = {OperationStatus.INTENDED, OperationStatus.WAITING}
_DESTINATION = {Direction.TO_SPOTIO: Side.SPOTIO, Direction.TO_SALESFORCE: Side.SALESFORCE}
_decided = (
    select(
        operations.c.number,
        operations.c.operation_id,
        operations.c.link,
        links.c.link_id,
        operations.c.pair,
        operations.c.direction,
        operations.c.action,
        operations.c.source,
        operations.c.decision,
        operations.c.issued_at,
        links.c.state,
        links.c.salesforce_id,
        links.c.spotio_id,
    )
    .select_from(operations.join(links, links.c.number == operations.c.link))
    .where(links.c.link_id.in_(keys()), operations.c.operation_id.in_(keys("operation_ids")))
    .order_by(operations.c.number)
)
_HOLDERS = {
    side: select(links.c.pair, links.c[side], links.c.link_id).where(
        links.c.pair.in_(keys("pairs")), links.c[side].in_(keys())
    )
    for side in ("spotio_id", "salesforce_id")
}
_withheld = select(parked.c.link_id, parked.c.key).where(
    parked.c.direction == bindparam("direction"), parked.c.link_id.in_(keys())
)
_close = Update(operations, ("status", "closed_at", "error_code", "error"), identity=("number",))
_join = Update(links, ("state", "salesforce_id", "spotio_id"), identity=("number",))
_release = Update(parked, ("next_attempt_at",), identity=("waiting_for",))


class OutcomeCommits(Leases):
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
            accepted, refused = self._accepted(connection, outcomes)
            flagged = [(link_id, to.value, reason) for link_id, to, reason in outcomes.flagged]
            if accepted:
                flagged += self._apply(connection, outcomes.direction, accepted)
            drop_parked.execute(connection, _refused_keys(accepted, outcomes.parked))
            put_parked(connection, [*outcomes.parked, *refused], run)
            add_flags.execute(connection, flagged)
            add_conflicts(connection, outcomes.conflicts)
            drop_conflicts(connection, outcomes.spared)
            write_log(connection, outcomes.log)
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

    def _accepted(
        self, connection: Connection, outcomes: Outcomes
    ) -> tuple[list[tuple[Outcome, Row[Any]]], list[Parked]]:
        """Pair outcomes with their operations; close the ones whose id is another link's."""
        if not outcomes.outcomes:
            return [], []
        wanted = [outcome.operation_id for outcome in outcomes.outcomes]
        of_links = [outcome.link_id for outcome in outcomes.outcomes]
        rows = connection.execute(
            _decided, {"keys": to_text(of_links), "operation_ids": to_text(wanted)}
        ).all()
        decided = {row.operation_id: row for row in rows}
        for operation_id in wanted:
            if operation_id not in decided:
                raise StopError(
                    f"the ledger {self.address.shown} knows no operation {operation_id}: the "
                    "records were decided with another ledger; give the mapper and the target the "
                    "same ledger_uri"
                )
        taken = self._taken(connection, outcomes.outcomes, decided)
        accepted: list[tuple[Outcome, Row[Any]]] = []
        refused: list[tuple[Outcome, Row[Any], str]] = []
        for outcome in outcomes.outcomes:
            row = decided[outcome.operation_id]
            other = None
            for side, value in _new_ids(outcome, row):
                holder = taken.setdefault((row.pair, side, value), row.link_id)
                other = other or (holder if holder != row.link_id else None)
            if other is None:
                accepted.append((outcome, row))
            else:
                refused.append((outcome, row, other))
        _close.execute(
            connection,
            [
                (OperationStatus.REJECTED.value, it.at, ALREADY_LINKED, other, row.number)
                for it, row, other in refused
            ],
        )
        return accepted, [
            Parked(
                link_id=row.link_id,
                direction=Direction(row.direction),
                pair=row.pair,
                reason=ALREADY_LINKED,
                message=(
                    f"its counterpart {outcome.spotio_id or outcome.salesforce_id} is linked to "
                    f"another record already (link {other}); unlink or merge one of them"
                ),
                at=outcome.at,
                run_id=outcomes.run_id,
            )
            for outcome, row, other in refused
        ]

    def _taken(
        self,
        connection: Connection,
        outcomes: Sequence[Outcome],
        decided: Mapping[str, Row[Any]],
    ) -> dict[tuple[str, str, str], str]:
        """Who holds the ids that the outcomes would bring: by pair, side and id."""
        taken: dict[tuple[str, str, str], str] = {}
        for side, statement in _HOLDERS.items():
            values = [
                value
                for outcome in outcomes
                for its_side, value in _new_ids(outcome, decided[outcome.operation_id])
                if its_side == side
            ]
            if not values:
                continue
            pairs = sorted({row.pair for row in decided.values()})
            rows = connection.execute(statement, {"pairs": to_text(pairs), "keys": to_text(values)})
            taken.update(((pair, side, value), link_id) for pair, value, link_id in rows)
        return taken

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
        side = _DESTINATION[direction]
        back = next(one.value for one in Direction if one is not direction)
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
                base = _base_after(outcome, row)
                read_back.append((outcome, row, base))
                if base:
                    settled.setdefault(row.link, {}).update(base)
                adopted = [key for key, entry in base.items() if is_marked(entry, side)]
                if adopted:
                    # The other direction copies back what came out of it.
                    flags.append((row.link_id, back, NORMALISED + ", ".join(adopted)))
            if outcome.status in _SUCCEEDED:
                written.setdefault(row.link_id, {""}).update(outcome.written)
        _close.execute(connection, [_closing(outcome, row) for outcome, row in accepted])
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

    def _image_rows(
        self,
        connection: Connection,
        direction: Direction,
        read_back: Sequence[tuple[Outcome, Row[Any], dict[str, list[Any]]]],
    ) -> tuple[list[tuple[Any, ...]], list[tuple[str, str, str]]]:
        """Rows of what was read back, with what a person has changed there; and flags for that."""
        side = _DESTINATION[direction]
        replaced = replaced_images(connection, side.value, [row.link for _, row, _ in read_back])
        differing: list[dict[str, list[Any]] | None] = []
        flagged: list[tuple[str, str, str]] = []
        for outcome, row, base in read_back:
            places = self._places(connection, row.pair) if side is Side.SALESFORCE else None
            known = None
            if side is Side.SPOTIO or places is not None:
                hi = outcome.image_modified_at or outcome.at
                before, image = replaced.get(row.link), outcome.image or {}
                known = after_read_back(before, image, hi, set(base), places)
                beside = changed_beside(before, image, set(base), places)
                if beside:
                    flagged.append((row.link_id, direction.value, BESIDE + ", ".join(beside)))
            differing.append(known)
        of_links = [row.link for (_, row, _), one in zip(read_back, differing, strict=True) if one]
        bases = bases_of(connection, of_links)
        rows = []
        for (outcome, row, _), found in zip(read_back, differing, strict=True):
            left = found
            if found:
                places = self._places(connection, row.pair) if side is Side.SALESFORCE else None
                base = bases.get(row.link, {})
                left = back_at_base(found, outcome.image or {}, base, side, places)
            rows.append(_image_row(outcome, row, left))
        return rows, flagged

    def _places(self, connection: Connection, pair: str) -> dict[str, Any] | None:
        """The Salesforce fields behind the record keys of a pair, as the mapper has noted them."""
        if pair not in self._known_places:
            self._known_places[pair] = read_places(connection, pair)
        return self._known_places[pair]


def _refused_keys(
    accepted: Sequence[tuple[Outcome, Row[Any]]], withheld: Sequence[Parked]
) -> list[tuple[str, str, str]]:
    """The rows of single keys that went out again and came back refused with their whole record.

    From here on the record's own row speaks for them. Left alone, a key that was due would stay
    due, and the same call would be made in every run.
    """
    whole = {(one.link_id, one.direction.value) for one in withheld if not one.key}
    return [
        (row.link_id, row.direction, key)
        for outcome, row in accepted
        if outcome.status is OperationStatus.REJECTED and (row.link_id, row.direction) in whole
        for key in from_text(row.source)
    ]


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


def _new_ids(outcome: Outcome, row: Row[Any]) -> list[tuple[str, str]]:
    return [
        (side, value)
        for side, value, known in (
            ("spotio_id", outcome.spotio_id, row.spotio_id),
            ("salesforce_id", outcome.salesforce_id, row.salesforce_id),
        )
        if value and value != known
    ]


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


def _image_row(
    outcome: Outcome, row: Row[Any], differing: dict[str, list[Any]] | None
) -> tuple[Any, ...]:
    """The image's row; it was read after the operation was issued, we know no better."""
    image = outcome.image or {}
    return (
        row.link,
        _DESTINATION[Direction(row.direction)].value,
        digest_of(image),
        outcome.image_modified_at,
        row.issued_at,
        False,
        to_text(image),
        None if differing is None else to_text(differing),
    )


def _base_after(outcome: Outcome, row: Row[Any]) -> dict[str, list[Any]]:
    """The new base: always ``[spotio, salesforce]``; a key that was not read back has none."""
    source = from_text(row.source)
    image = (outcome.image or {}) if outcome.base is None else outcome.base
    if UNCARRIED in row.decision:
        image = without_uncarried(image, from_text(row.decision), Direction(row.direction))
    decision = from_text(row.decision) if ADOPTS in row.decision else {}
    return base_of_write(image, source, outcome.written, (row.direction, decision))


def base_of_write(
    image: Mapping[str, Any],
    source: Mapping[str, Any],
    written: Sequence[str],
    decided: tuple[str, Mapping[str, Any]],
) -> dict[str, list[Any]]:
    """The base of the written keys; of one to be adopted it remembers which side was written.

    Args:
        image: the values read back, by key.
        source: the source's values behind the write.
        written: the keys.
        decided: the direction's value, and the decision.
    """
    to_spotio = decided[0] == Direction.TO_SPOTIO.value
    adopts = adopted_keys(decided[1])
    base = {
        key: [image[key], source[key]] if to_spotio else [source[key], image[key]]
        for key in written
        if key in image and key in source
    }
    side = Side.SPOTIO if to_spotio else Side.SALESFORCE
    return {key: marked(it, side) if key in adopts else it for key, it in base.items()}


def without_uncarried(
    image: Mapping[str, Any], decision: Mapping[str, Any], direction: Direction
) -> dict[str, Any]:
    """The values of a base, less what the written side has changed itself and nobody has carried.

    Args:
        image: the values read back, by key.
        decision: what was decided, by key.
        direction: of the write.
    """
    found = dict(image)
    for key, one in decision.items():
        if key in found and UNCARRIED in one:
            found[key] = settled(found[key], one[UNCARRIED], _DESTINATION[direction])
    return found
