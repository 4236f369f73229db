"""Everything that happened to one record, for ``reverse-sf explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import or_, select

from reverse_sf.ledger.dialects import keys
from reverse_sf.ledger.encoding import from_text, to_text
from reverse_sf.ledger.facts import read_places
from reverse_sf.ledger.rows import Link, LinkState
from reverse_sf.ledger.session import Session
from reverse_sf.ledger.tables import links, operations
from reverse_sf.mapping.definition import Direction, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

_of_links = (
    select(
        operations.c.operation_id,
        links.c.link_id,
        operations.c.direction,
        operations.c.action,
        operations.c.status,
        operations.c.run_id,
        operations.c.issued_at,
        operations.c.closed_at,
        operations.c.error,
        operations.c.record,
        operations.c.source,
        operations.c.decision,
    )
    .join_from(operations, links, links.c.number == operations.c.link)
    .where(links.c.link_id.in_(keys()))
    .order_by(operations.c.number)
)


class KeptOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation with the decision behind it.

    Attributes:
        record: what was to be written, in the destination's own terms.
        source: by key of the pair, the source's values that the decision used.
        decision: by key, the rule, the row and the values; the key ``""`` is the whole record.
    """

    operation_id: str
    link_id: str
    direction: Direction
    action: str
    status: str
    run_id: str
    issued_at: str
    closed_at: str | None
    error: str | None
    record: dict[str, Any]
    source: dict[str, Any]
    decision: dict[str, dict[str, Any]]


class Histories(Session):
    """Reading one record's history."""

    def links_of(self, record_id: str, pair: str | None = None) -> list[Link]:
        """The links of the record with an id of either system; several pairs may have one.

        Args:
            record_id: of Salesforce or of SPOTIO.
            pair: only of this object mapping.
        """
        statement = select(links).where(
            or_(links.c.salesforce_id == record_id, links.c.spotio_id == record_id)
        )
        if pair is not None:
            statement = statement.where(links.c.pair == pair)
        with self._reading() as connection:
            rows = connection.execute(statement.order_by(links.c.pair)).all()
        return [
            Link(
                link_id=row.link_id,
                pair=row.pair,
                origin=Side(row.origin),
                state=LinkState(row.state),
                salesforce_id=row.salesforce_id,
                spotio_id=row.spotio_id,
            )
            for row in rows
        ]

    def operations_of_links(self, link_ids: Sequence[str]) -> list[KeptOperation]:
        """Every operation of these links that is still kept, oldest first."""
        with self._reading() as connection:
            rows = connection.execute(_of_links, {"keys": to_text(list(link_ids))}).all()
        return [
            KeptOperation(
                operation_id=row.operation_id,
                link_id=row.link_id,
                direction=Direction(row.direction),
                action=row.action,
                status=row.status,
                run_id=row.run_id,
                issued_at=row.issued_at,
                closed_at=row.closed_at,
                error=row.error,
                record=from_text(row.record),
                source=from_text(row.source),
                decision=from_text(row.decision),
            )
            for row in rows
        ]

    def places(self, pair: str) -> dict[str, Any]:
        """The Salesforce fields behind the keys of a pair, as the mapper has noted them."""
        with self._reading() as connection:
            return read_places(connection, pair) or {}
