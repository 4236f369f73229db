"""Withheld work that a person has let go of: settled as it is, or set aside until it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, select

from reverse_sf.ledger.dialects import keys
from reverse_sf.ledger.encoding import moment, to_text
from reverse_sf.ledger.facts import Facts, put_fact
from reverse_sf.ledger.rows import Link, LogRow, Parked
from reverse_sf.ledger.tables import bases, facts, flags, images, links, operations, parked
from reverse_sf.ledger.writing import drop_parked, merge_bases, write_log
from reverse_sf.mapping.definition import Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_ASIDE = "set aside:"
_numbers = select(links.c.link_id, links.c.number).where(links.c.link_id.in_(keys()))


class Release(msgspec.Struct, kw_only=True):
    """What becomes of one link whose withheld work a person lets go of.

    Attributes:
        rows: what is no longer withheld.
        settled: by key, SPOTIO's and Salesforce's value, which become the base as they are.
        aside: the digest of a record without a counterpart, which the ledger forgets: the record is
            new again as soon as it is told with another one.
    """

    link: Link
    rows: list[Parked] = []
    settled: dict[str, list[Any]] = {}
    aside: str | None = None


class Releases(Facts):
    """What ``reverse-sf parked release`` leaves in the ledger."""

    def release(self, found: Sequence[Release], *, why: str) -> None:
        """Let go of withheld work, in one transaction, and put it into the log.

        Args:
            found: what; the caller keeps runs out meanwhile.
            why: who did it and why, for the log.
        """
        with self._writing() as connection:
            at = moment(self._now(connection))
            given = {"keys": to_text([one.link.link_id for one in found])}
            numbers = {row[0]: row[1] for row in connection.execute(_numbers, given)}
            merge_bases(
                connection,
                {numbers[one.link.link_id]: one.settled for one in found if one.settled},
            )
            drop_parked.execute(
                connection,
                [(row.link_id, row.direction.value, row.key) for one in found for row in one.rows],
            )
            _set_aside(connection, [one for one in found if one.aside is not None], numbers)
            write_log(connection, [row for one in found for row in _told(one, at, why)])

    def set_aside(self, pair: str, side: Side) -> dict[str, str]:
        """Records of a side that are left as they are, by id: the digest of what they hold."""
        with self._reading() as connection:
            rows = connection.execute(
                select(facts.c.name, facts.c.value).where(facts.c.kind == _kind(pair, side))
            ).all()
        return {row[0]: row[1] for row in rows}

    def aside_pairs(self, record_id: str) -> list[str]:
        """The pairs in which a record, given by its id in either system, is set aside."""
        with self._reading() as connection:
            kinds = connection.scalars(
                select(facts.c.kind).where(
                    facts.c.name == record_id, facts.c.kind.startswith(_ASIDE, autoescape=True)
                )
            ).all()
        return sorted(kind.split(":", 2)[2] for kind in kinds)

    def take_up(self, pair: str | None = None, record_id: str | None = None) -> int:
        """Forget that records were set aside: each is new when the tap tells it next.

        Args:
            pair: only of this object mapping.
            record_id: only this record.

        Returns:
            How many were set aside.
        """
        kinds = None if pair is None else [_kind(pair, side) for side in Side]
        with self._writing() as connection:
            return connection.execute(
                delete(facts).where(
                    facts.c.kind.startswith(_ASIDE, autoescape=True)
                    if kinds is None
                    else facts.c.kind.in_(kinds),
                    *(() if record_id is None else (facts.c.name == record_id,)),
                )
            ).rowcount


def _set_aside(connection: Connection, found: Sequence[Release], numbers: dict[str, int]) -> None:
    """Forget links of one record, and remember what that record holds."""
    if not found:
        return
    put_fact.execute(
        connection,
        [(_kind(one.link.pair, _side(one.link)), _record_id(one.link), one.aside) for one in found],
    )
    names = [one.link.link_id for one in found]
    for table in (parked, flags):
        connection.execute(delete(table).where(table.c.link_id.in_(names)))
    of_links = [numbers[name] for name in names]
    for table in (images, bases, operations):
        connection.execute(delete(table).where(table.c.link.in_(of_links)))
    connection.execute(delete(links).where(links.c.number.in_(of_links)))


def _told(one: Release, at: str, why: str) -> list[LogRow]:
    how = "set aside until it changes" if one.aside is not None else "left as it is"
    return [
        LogRow(
            at=at,
            run_id="",
            direction=row.direction,
            kind="release",
            pair=one.link.pair,
            link_id=one.link.link_id,
            salesforce_id=one.link.salesforce_id,
            spotio_id=one.link.spotio_id,
            outcome="released",
            reason=f"{row.key or 'the whole record'}: {how} {why}; it was {row.reason}",
            payload=one.settled or None,
        )
        for row in one.rows
    ]


def _side(link: Link) -> Side:
    return Side.SPOTIO if link.salesforce_id is None else Side.SALESFORCE


def _record_id(link: Link) -> str:
    return link.salesforce_id or link.spotio_id or ""


def _kind(pair: str, side: Side) -> str:
    return f"{_ASIDE}{side.value}:{pair}"
