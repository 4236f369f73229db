"""Writes of which nobody knows yet whether they happened, creates toward Salesforce above all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, bindparam, exists, or_, select

from reverse_sf.ledger.dialects import keys
from reverse_sf.ledger.encoding import from_text, to_text
from reverse_sf.ledger.observations import IS_OPEN
from reverse_sf.ledger.rows import LinkState
from reverse_sf.ledger.session import Session
from reverse_sf.ledger.tables import links, operations, parked
from reverse_sf.mapping.definition import Direction
from reverse_sf.merge.identity import UNKNOWN_OUTCOME

if TYPE_CHECKING:
    from collections.abc import Sequence

_CREATE = "create"
_SOURCE_IS_GONE = links.c.state == LinkState.TOMBSTONE.value
_creates = (
    select(
        links.c.link_id,
        links.c.spotio_id,
        operations.c.issued_at,
        operations.c.closed_at,
        operations.c.record,
        _SOURCE_IS_GONE.label("source_is_gone"),
    )
    .select_from(operations.join(links, links.c.number == operations.c.link))
    .where(
        links.c.pair == bindparam("pair"),
        links.c.salesforce_id.is_(None),
        links.c.spotio_id.is_not(None),
        operations.c.direction == Direction.TO_SALESFORCE.value,
        operations.c.action == _CREATE,
        or_(
            IS_OPEN,
            and_(_SOURCE_IS_GONE, operations.c.error_code == UNKNOWN_OUTCOME),
            exists().where(
                parked.c.link_id == links.c.link_id,
                parked.c.direction == Direction.TO_SALESFORCE.value,
                parked.c.key == "",
                parked.c.reason == UNKNOWN_OUTCOME,
            ),
        ),
    )
    .order_by(operations.c.number)
)

_under_way = (
    select(links.c.link_id)
    .select_from(links.join(operations, operations.c.link == links.c.number))
    .where(links.c.link_id.in_(keys()), IS_OPEN)
)


class UnansweredCreate(msgspec.Struct):
    """A SPOTIO record that Salesforce may have already.

    Attributes:
        link_id: its link, which has no Salesforce Id.
        spotio_id: the record.
        begins: when the create was first decided.
        ends: when its outcome was given up; None while a run may still be at it.
        records: what the attempts sent.
        source_is_gone: the record was deleted since, so that nothing more is sent for it.
    """

    link_id: str
    spotio_id: str
    begins: str
    ends: str | None
    records: list[dict[str, Any]]
    source_is_gone: bool = False


class Unanswered(Session):
    """What is asked before a record is taken for new, or for one that nothing is under way for."""

    def under_way(self, link_ids: Sequence[str]) -> set[str]:
        """Which of these links have a write of either direction whose outcome is open."""
        if not link_ids:
            return set()
        with self._reading() as connection:
            return set(connection.scalars(_under_way, {"keys": to_text(list(link_ids))}))

    def unanswered_creates(self, pair: str) -> list[UnansweredCreate]:
        """The creates of a pair toward Salesforce that are without an outcome, by link."""
        found: dict[str, UnansweredCreate] = {}
        with self._reading() as connection:
            for row in connection.execute(_creates, {"pair": pair}):
                record = from_text(row.record)
                known = found.get(row.link_id)
                if known is None:
                    found[row.link_id] = UnansweredCreate(
                        row.link_id,
                        row.spotio_id,
                        row.issued_at,
                        row.closed_at,
                        [record],
                        bool(row.source_is_gone),
                    )
                    continue
                known.records.append(record)
                known.begins = min(known.begins, row.issued_at)
                is_over = known.ends is not None and row.closed_at is not None
                known.ends = max(known.ends, row.closed_at) if is_over else None
        return list(found.values())
