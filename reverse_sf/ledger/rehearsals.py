"""What a run decided, read from the ledger that it was decided on: for plans and their outcome."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from reverse_sf.ledger.encoding import from_text
from reverse_sf.ledger.session import Session
from reverse_sf.ledger.tables import conflicts, links, operations, parked

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import Direction


class RunOperation(NamedTuple):
    """An operation of a run.

    Attributes:
        decision: by field, the rule, the row and the values; the key ``""`` is the whole record.
        error: why it was not carried out, in the API's words.
        source: by field, the source's values that the decision used.
    """

    operation_id: str
    link_id: str
    pair: str
    action: str
    status: str
    error: str | None
    decision: dict[str, dict[str, Any]]
    source: dict[str, Any]


class Rehearsals(Session):
    """Reading a run back."""

    def operations_of(self, run_id: str) -> dict[str, RunOperation]:
        """The operations that a run issued, by their ids, in their order."""
        columns = (
            operations.c.operation_id,
            links.c.link_id,
            operations.c.pair,
            operations.c.action,
            operations.c.status,
            operations.c.error,
            operations.c.decision,
            operations.c.source,
        )
        with self._reading() as connection:
            rows = connection.execute(
                select(*columns)
                .join_from(operations, links, links.c.number == operations.c.link)
                .where(operations.c.run_id == run_id)
                .order_by(operations.c.number)
            )
            return {
                row.operation_id: RunOperation(
                    row.operation_id,
                    row.link_id,
                    row.pair,
                    row.action,
                    row.status,
                    row.error,
                    from_text(row.decision),
                    from_text(row.source),
                )
                for row in rows
            }

    def overruled_in(self, run_id: str) -> set[tuple[str | None, str]]:
        """Operation and field of every value that a run overruled."""
        with self._reading() as connection:
            rows = connection.execute(
                select(conflicts.c.operation_id, conflicts.c.key).where(
                    conflicts.c.run_id == run_id
                )
            )
            return {(row.operation_id, row.key) for row in rows}

    def parked_in(self, run_id: str, direction: Direction) -> dict[str, int]:
        """What a run withheld, counted by reason."""
        with self._reading() as connection:
            rows = connection.scalars(
                select(parked.c.reason).where(
                    parked.c.run_id == run_id, parked.c.direction == direction.value
                )
            )
            return dict(Counter(rows))
