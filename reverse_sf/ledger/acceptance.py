"""Outcomes find the operations that they are of; an id that another link has is not accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from reverse_sf.errors import StopError
from reverse_sf.ledger.dialects import Update, keys
from reverse_sf.ledger.encoding import to_text
from reverse_sf.ledger.rows import OperationStatus, Parked
from reverse_sf.ledger.tables import links, operations
from reverse_sf.mapping.definition import Direction
from reverse_sf.merge.identity import ALREADY_LINKED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

    from reverse_sf.ledger.batches import Outcomes
    from reverse_sf.ledger.rows import Outcome

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
close_operations = Update(
    operations, ("status", "closed_at", "error_code", "error"), identity=("number",)
)


def accepted_of(
    connection: Connection, outcomes: Outcomes, ledger: str
) -> tuple[list[tuple[Outcome, Row[Any]]], list[Parked]]:
    """Pair outcomes with their operations; close the ones whose id is another link's.

    Args:
        connection: of the commit.
        outcomes: what a target commits.
        ledger: its address, as it may be shown.

    Raises:
        StopError: the ledger knows an operation not.
    """
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
                f"the ledger {ledger} knows no operation {operation_id}: the "
                "records were decided with another ledger; give the mapper and the target the "
                "same ledger_uri"
            )
    taken = _taken(connection, outcomes.outcomes, decided)
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
    close_operations.execute(
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


def _new_ids(outcome: Outcome, row: Row[Any]) -> list[tuple[str, str]]:
    return [
        (side, value)
        for side, value, known in (
            ("spotio_id", outcome.spotio_id, row.spotio_id),
            ("salesforce_id", outcome.salesforce_id, row.salesforce_id),
        )
        if value and value != known
    ]
