"""What a target looks up before it writes: counterparts, released children, external ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from reverse_sf.ledger.dialects import Delete, Insert, keys
from reverse_sf.ledger.encoding import from_text, sortable, to_text
from reverse_sf.ledger.facts import WATERMARK, Facts, put_fact
from reverse_sf.ledger.observations import IS_OPEN, has_both
from reverse_sf.ledger.rows import Intent, OperationStatus
from reverse_sf.ledger.tables import external_ids, links, operations, parked
from reverse_sf.mapping.definition import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

_counterparts = select(links.c.link_id, links.c.spotio_id).where(
    links.c.link_id.in_(keys()), links.c.spotio_id.is_not(None)
)
_counterparts_in_salesforce = select(links.c.link_id, links.c.salesforce_id).where(
    links.c.link_id.in_(keys()), links.c.salesforce_id.is_not(None)
)
_parent = links.alias("parent")
_released = (
    select(operations, links.c.link_id)
    .select_from(
        operations.join(links, links.c.number == operations.c.link).join(
            _parent, _parent.c.link_id == operations.c.waiting_for
        )
    )
    .where(
        operations.c.run_id == bindparam("run_id"),
        operations.c.direction == bindparam("direction"),
        operations.c.status == OperationStatus.WAITING.value,
        IS_OPEN,
        has_both(_parent),
    )
    .order_by(operations.c.link)
    .limit(bindparam("page"))
)
_spotio_ids = (
    select(external_ids.c.external_id, external_ids.c.spotio_id)
    .where(external_ids.c.type_id == bindparam("type_id"), external_ids.c.external_id.in_(keys()))
    .order_by(external_ids.c.spotio_id)
)
_put_external_ids = Insert(
    external_ids,
    ("spotio_id", "type_id", "external_id"),
    identity=("spotio_id",),
    changes=lambda _, given: {"type_id": given.type_id, "external_id": given.external_id},
)
_forget_external_ids = Delete(external_ids, ("spotio_id",))


def external_ids_watermark(type_id: str) -> str:
    """Name of the watermark that :meth:`Resolution.store_external_ids` keeps for a type."""
    return f"external_ids:{type_id}"


class Resolution(Facts):
    """Names and links turned into the destination's ids."""

    def counterparts(self, link_ids: Sequence[str]) -> dict[str, str]:
        """SPOTIO ids by link id, only where known."""
        return self._by_link(_counterparts, link_ids)

    def counterparts_in_salesforce(self, link_ids: Sequence[str]) -> dict[str, str]:
        """Salesforce Ids by link id, only where known."""
        return self._by_link(_counterparts_in_salesforce, link_ids)

    def _by_link(self, statement: Any, link_ids: Sequence[str]) -> dict[str, str]:
        if not link_ids:
            return {}
        with self._reading() as connection:
            rows = connection.execute(statement, {"keys": to_text(list(link_ids))}).all()
        return {row[0]: row[1] for row in rows}

    def released(self, run_id: str, direction: Direction, limit: int = 500) -> list[Intent]:
        """Operations of this run that waited for a parent which has its counterpart now.

        They stay waiting until their outcome is committed: ask again only after that.
        """
        with self._reading() as connection:
            rows = connection.execute(
                _released, {"run_id": run_id, "direction": direction.value, "page": limit}
            ).all()
        return [_intent(row) for row in rows]

    def retry_parked(
        self,
        direction: Direction,
        *,
        now: str,
        reason: str | None = None,
        pair: str | None = None,
        link_ids: Sequence[str] | None = None,
    ) -> int:
        """Let everything withheld in a direction be decided again at its next run.

        For when the destination's schema or users have changed: what was refused may be taken now;
        and for a person who asks for it. Work that waits for a parent or for its own time is left
        as it is.

        Args:
            direction: which.
            now: the moment, UTC.
            reason: only what is withheld for this reason.
            pair: only of this object mapping.
            link_ids: only of these links.

        Returns:
            How many rows were released.
        """
        with self._writing() as connection:
            return connection.execute(
                update(parked)
                .where(
                    parked.c.direction == direction.value,
                    parked.c.waiting_for.is_(None),
                    parked.c.next_attempt_at.is_(None),
                    *(() if reason is None else (parked.c.reason == reason,)),
                    *(() if pair is None else (parked.c.pair == pair,)),
                    *(() if link_ids is None else (parked.c.link_id.in_(link_ids),)),
                )
                .values(next_attempt_at=sortable(now))
            ).rowcount

    def external_ids(self, type_id: str, external_ids: Sequence[str]) -> dict[str, list[str]]:
        """SPOTIO ids by external id, of one record type; more than one is ambiguous."""
        if not external_ids:
            return {}
        with self._reading() as connection:
            rows = connection.execute(
                _spotio_ids, {"type_id": type_id, "keys": to_text(list(external_ids))}
            ).all()
        found: dict[str, list[str]] = {}
        for external_id, spotio_id in rows:
            found.setdefault(external_id, []).append(spotio_id)
        return found

    def store_external_ids(
        self, type_id: str, entries: Sequence[tuple[str, str]], *, watermark: str | None = None
    ) -> None:
        """Add to the index of external ids, with the feed position reached, in one transaction.

        A SPOTIO record has one external id: a later entry of the same record replaces it.

        Args:
            type_id: the record type.
            entries: ``(external id, SPOTIO id)``.
            watermark: kept under :func:`external_ids_watermark`.
        """
        with self._writing() as connection:
            _put_external_ids.execute(
                connection, [(spotio_id, type_id, external) for external, spotio_id in entries]
            )
            if watermark is not None:
                put_fact.execute(
                    connection, [(WATERMARK, external_ids_watermark(type_id), watermark)]
                )

    def forget_external_ids(self, spotio_ids: Sequence[str]) -> None:
        """Take records out of the index: they were deleted, or have no external id any more."""
        if not spotio_ids:
            return
        with self._writing() as connection:
            _forget_external_ids.execute(connection, [(it,) for it in spotio_ids])


def _intent(row: Row[Any]) -> Intent:
    return Intent(
        operation_id=row.operation_id,
        link_id=row.link_id,
        pair=row.pair,
        direction=Direction(row.direction),
        action=row.action,
        run_id=row.run_id,
        record=from_text(row.record),
        envelope=from_text(row.envelope),
        source=from_text(row.source),
        decision=from_text(row.decision),
        issued_at=row.issued_at,
        waiting_for=row.waiting_for,
    )
