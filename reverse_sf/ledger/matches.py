"""What ``reverse-sf link`` leaves in the ledger beside its index: links, and doubts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, exists, func, select

from reverse_sf.ledger.dialects import Delete, Insert, Update, keys
from reverse_sf.ledger.encoding import moment, to_text
from reverse_sf.ledger.leases import add_counts
from reverse_sf.ledger.match_index import MatchIndex
from reverse_sf.ledger.observations import IS_OPEN
from reverse_sf.ledger.rows import Count, LinkState, LogRow, Parked
from reverse_sf.ledger.tables import links, operations, parked
from reverse_sf.ledger.taking_over import take_over
from reverse_sf.ledger.writing import drop_parked, put_flags, put_parked, write_log
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.identity import DOUBTS, link_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

_SOURCE = {Side.SALESFORCE: Direction.TO_SPOTIO, Side.SPOTIO: Direction.TO_SALESFORCE}
_LINKED = LinkState.LINKED.value
_PENDING = LinkState.PENDING.value


class KnownLink(msgspec.Struct, frozen=True, gc=False):
    """A link as far as matching must know it."""

    link_id: str
    salesforce_id: str | None
    spotio_id: str | None


class NewPair(msgspec.Struct, frozen=True, gc=False):
    """Two records that were found to be one thing, and the rule that found it."""

    salesforce_id: str
    spotio_id: str
    rule: str


class Doubt(msgspec.Struct, frozen=True, gc=False):
    """A record whose counterpart is in doubt: why, in a word of ``DOUBTS`` and a sentence."""

    side: Side
    record_id: str
    reason: str
    message: str


_of_pair = select(
    links.c.number,
    links.c.link_id,
    links.c.origin,
    links.c.salesforce_id,
    links.c.spotio_id,
    exists().where(operations.c.link == links.c.number, IS_OPEN).label("is_open"),
).where(links.c.pair == bindparam("pair"))
_COLUMNS = {Side.SALESFORCE: links.c.salesforce_id, Side.SPOTIO: links.c.spotio_id}
_by_id = {side: _of_pair.where(column.in_(keys())) for side, column in _COLUMNS.items()}
_add_links = Insert(
    links, ("number", "link_id", "pair", "origin", "state", "salesforce_id", "spotio_id")
)
_last_number = select(func.coalesce(func.max(links.c.number), 0))
_join_links = Update(links, ("state", "salesforce_id", "spotio_id"), identity=("number",))
_whole_record = Delete(parked, ("link_id", "key"))
_doubtful = (
    select(parked.c.link_id, parked.c.direction, links.c.salesforce_id, links.c.spotio_id)
    .select_from(parked.join(links, links.c.link_id == parked.c.link_id))
    .where(parked.c.pair == bindparam("pair"), parked.c.key == "", parked.c.reason.in_(keys()))
)


class Matches(MatchIndex):
    """The commits of ``reverse-sf link``; whoever matches holds the leases of both directions."""

    def links_of_pair(self, pair: str) -> list[KnownLink]:
        """All links of a pair, those with one record as well."""
        statement = select(links.c.link_id, links.c.salesforce_id, links.c.spotio_id)
        with self._reading() as connection:
            rows = connection.execute(statement.where(links.c.pair == pair)).all()
        return [KnownLink(*row) for row in rows]

    def link_pairs(self, run_id: str, pair: str, found: Sequence[NewPair]) -> list[NewPair]:
        """Link pairs, each in one link, and let both directions decide them.

        A record that has a link of its own without a counterpart brings its image along.

        Returns:
            Those that were not linked, because a write of one of the two is under way.
        """
        with self._writing() as connection:
            run = self._fence(connection, run_id)
            at = moment(self._now(connection))
            by_salesforce = _known(connection, Side.SALESFORCE, pair, found)
            by_spotio = _known(connection, Side.SPOTIO, pair, found)
            busy: list[NewPair] = []
            new: list[tuple[Any, ...]] = []
            joined: list[tuple[Any, ...]] = []
            merged: list[tuple[Row[Any], Row[Any]]] = []
            names: list[tuple[str, NewPair]] = []
            for one in found:
                own, other = by_salesforce.get(one.salesforce_id), by_spotio.get(one.spotio_id)
                rows = [row for row in (own, other) if row is not None]
                if any(row.is_open or (row.salesforce_id and row.spotio_id) for row in rows):
                    busy.append(one)
                    continue
                if own is not None and other is not None:
                    merged.append((own, other))
                kept = rows[0] if rows else None
                if kept is None:
                    link_id = link_id_of(pair, one.salesforce_id)
                    origin = Side.SALESFORCE.value
                    ids = (one.salesforce_id, one.spotio_id)
                    new.append((link_id, pair, origin, _LINKED, *ids))
                else:
                    link_id = kept.link_id
                    joined.append((_LINKED, one.salesforce_id, one.spotio_id, kept.number))
                names.append((link_id, one))
            take_over(connection, merged)
            _join_links.execute(connection, joined)
            insert_links(connection, new)
            _whole_record.execute(connection, [(link_id, "") for link_id, _ in names])
            why = "linked by matching"
            put_flags.execute(
                connection, [(link_id, to.value, why) for link_id, _ in names for to in Direction]
            )
            write_log(
                connection,
                [
                    LogRow(
                        at=at,
                        run_id=run_id,
                        direction=Direction(run.direction),
                        kind="match",
                        pair=pair,
                        link_id=link_id,
                        salesforce_id=one.salesforce_id,
                        spotio_id=one.spotio_id,
                        outcome="linked",
                        reason=f"C4 1 candidate, unlinked: {one.rule}",
                    )
                    for link_id, one in names
                ],
            )
            _count(connection, run_id, pair, "linked", [one.rule for _, one in names])
        return busy

    def park_doubts(
        self, run_ids: Mapping[Direction, str], pair: str, doubts: Sequence[Doubt]
    ) -> list[Doubt]:
        """Park records whose counterpart is in doubt, and release those where it no longer is.

        Args:
            run_ids: the run of each direction.
            pair: the object mapping.
            doubts: all of the pair; whatever else was in doubt may be created again.

        Returns:
            Those that were not parked, because a write of theirs is under way.
        """
        with self._writing() as connection:
            runs = {to: self._fence(connection, run_id) for to, run_id in run_ids.items()}
            at = moment(self._now(connection))
            before = connection.execute(
                _doubtful, {"pair": pair, "keys": to_text(sorted(DOUBTS))}
            ).all()
            busy: list[Doubt] = []
            for side, direction in _SOURCE.items():
                of_side = [one for one in doubts if one.side is side]
                known = _known(connection, side, pair, of_side)
                barred = [one for one in of_side if not _is_open(known.get(one.record_id))]
                busy += [one for one in of_side if _is_open(known.get(one.record_id))]
                insert_links(
                    connection,
                    [
                        pending_link(pair, one.side, one.record_id)
                        for one in barred
                        if one.record_id not in known
                    ],
                )
                withheld = [
                    Parked(
                        link_id=known[one.record_id].link_id
                        if one.record_id in known
                        else link_id_of(pair, one.record_id, side),
                        direction=direction,
                        pair=pair,
                        reason=one.reason,
                        message=one.message,
                        at=at,
                        run_id=run_ids[direction],
                    )
                    for one in barred
                ]
                put_parked(connection, withheld, runs[direction])
                of_run = [one.reason for one in withheld]
                _count(connection, run_ids[direction], pair, "parked", of_run)
                _release(connection, before, direction, {one.link_id for one in withheld})
        return busy


def known_links(
    connection: Connection, side: Side, pair: str, record_ids: Sequence[str]
) -> dict[str, Row[Any]]:
    """Links of a side's records, by record, and whether a write of theirs is under way."""
    rows = connection.execute(_by_id[side], {"pair": pair, "keys": to_text(list(record_ids))}).all()
    return {getattr(row, _COLUMNS[side].name): row for row in rows}


def _known(
    connection: Connection, side: Side, pair: str, found: Sequence[NewPair] | Sequence[Doubt]
) -> dict[str, Row[Any]]:
    column = _COLUMNS[side].name
    wanted = [one.record_id if isinstance(one, Doubt) else getattr(one, column) for one in found]
    return known_links(connection, side, pair, wanted)


def _is_open(row: Row[Any] | None) -> bool:
    return row is not None and bool(row.is_open)


def insert_links(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add links: id, pair, origin, state, Salesforce Id, SPOTIO id."""
    first: int = connection.execute(_last_number).scalar_one() + 1
    _add_links.execute(connection, [(at, *row) for at, row in enumerate(rows, first)])


def pending_link(pair: str, side: Side, record_id: str) -> tuple[Any, ...]:
    """A link of one record, for :func:`insert_links`."""
    ids = (record_id, None) if side is Side.SALESFORCE else (None, record_id)
    return (link_id_of(pair, record_id, side), pair, side.value, _PENDING, *ids)


def _release(
    connection: Connection, before: Sequence[Row[Any]], direction: Direction, kept: set[str]
) -> None:
    """Let records whose doubt is gone be decided again by their direction."""
    gone = [
        row.link_id
        for row in before
        if row.direction == direction.value
        and row.link_id not in kept
        and not (row.salesforce_id and row.spotio_id)
    ]
    drop_parked.execute(connection, [(link_id, direction.value, "") for link_id in gone])
    why = "its counterpart is no longer in doubt"
    put_flags.execute(connection, [(link_id, direction.value, why) for link_id in gone])


def _count(
    connection: Connection, run_id: str, pair: str, counter: str, reasons: Sequence[str]
) -> None:
    add_counts(
        connection,
        [Count(run_id=run_id, pair=pair, counter=counter, reason=reason) for reason in reasons],
    )
