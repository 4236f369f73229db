"""What one row of an ingest job does to the org, by the job's operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.jobs import Order
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.simulator.salesforce.behaviour import WriteOptions
    from reverse_sf.simulator.salesforce.org import Org

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")


@dataclass(frozen=True, kw_only=True)
class IngestOrder(Order):
    """What a client asked for."""

    external_id: str | None
    options: WriteOptions


class RowWriter:
    """Writes the rows of one job.

    Args:
        org: the org.
        order: the job's.
    """

    def __init__(self, org: Org, order: IngestOrder) -> None:
        self._org = org
        self._order = order
        self._writing: dict[str, Any] = {"user_id": order.user_id, "options": order.options}

    def write(self, values: dict[str, Any]) -> tuple[str, bool]:
        """Write one row; its Id, and whether it was created.

        Raises:
            ApiFault: the row is refused.
        """
        if self._order.operation == "insert":
            return self._org.create(self._order.object_name, values, **self._writing), True
        if self._order.operation == "upsert":
            return self._upsert(values)
        return self._change(values), False

    def _change(self, values: dict[str, Any]) -> str:
        name, user = self._order.object_name, self._order.user_id
        record_id = values.pop("Id", None)
        if not record_id:
            raise ApiFault("MISSING_ARGUMENT", "Id not specified in an update call")
        changes: dict[str, Callable[[], None]] = {
            "update": lambda: self._org.update(name, record_id, values, **self._writing),
            "delete": lambda: self._org.delete(name, record_id, user_id=user),
            "hardDelete": lambda: self._org.hard_delete(name, record_id, user_id=user),
        }
        try:
            changes[self._order.operation]()
        except ApiFault as fault:
            if fault.code != "NOT_FOUND":
                raise
            raise ApiFault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id") from fault
        return str(record_id)

    def _upsert(self, values: dict[str, Any]) -> tuple[str, bool]:
        name = self._order.object_name
        key = self._org.schema.typed(name).by_name[str(self._order.external_id).lower()].name
        value = values.pop(key, None)
        found = self._found(key, value)
        if len(found) > 1:
            raise ApiFault(
                "DUPLICATE_EXTERNAL_ID",
                f"{key}: more than one record found for external id field: [{', '.join(found)}]",
                fields=[key],
            )
        if found:
            self._org.update(name, found[0], values, **self._writing)
            return found[0], False
        if key != "Id":
            values[key] = value
        return self._org.create(name, values, **self._writing), True

    def _found(self, key: str, value: Any) -> list[str]:
        if key == "Id":
            return [str(value)] if value else []
        if value is None:
            raise ApiFault("MISSING_ARGUMENT", f"{key} not specified", fields=[key])
        return self._org.find_by_external_id(self._order.object_name, key, value)
