"""What rules see beyond the record itself: the records it points to, and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.salesforce.metadata import Schema, SObject
    from reverse_sf.simulator.salesforce.store import Store
    from reverse_sf.simulator.switches import Switches


class Surroundings:
    """The org's other records and its settings.

    Args:
        schema: which object an id belongs to.
        store: the records.
        switches: the org's settings.
    """

    def __init__(self, schema: Schema, store: Store, switches: Switches) -> None:
        self._schema = schema
        self._store = store
        self.switches = switches

    def entity(self, record_id: str | None) -> SObject | None:
        """The object that an id belongs to."""
        return self._schema.by_prefix(record_id[:3]) if record_id else None

    def row(self, record_id: str | None) -> dict[str, Any] | None:
        """The stored row of an id, deleted or not."""
        one = self.entity(record_id)
        return None if one is None or record_id is None else self._store.row(one, record_id)

    def rows_where(self, name: str, values: Mapping[str, Any]) -> list[str]:
        """Ids of the records, not deleted, that hold those values."""
        tests = " AND ".join(f'"{field}" = ?' for field in values)
        sql = f'SELECT "Id" FROM "{name}" WHERE {tests} AND "IsDeleted" = 0'
        return [row[0] for row in self._store.rows(sql, tuple(values.values()))]

    def account_of(self, record_id: str | None) -> str | None:
        """The account of an account, contact or opportunity, or of a custom child of accounts."""
        one = self.entity(record_id)
        if one is None or one.name == "Account":
            return record_id if one else None
        toward = [field for field in one.stored if field.refers_to == ("Account",)]
        if one.name not in {"Contact", "Opportunity"} and not one.custom:
            return None
        if not toward:
            return None
        row = self.row(record_id) or {}
        return row.get(toward[0].name)
