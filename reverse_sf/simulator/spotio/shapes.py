"""Records as the service shows them, each operation with its own names, gaps and id types.

Where the schema has a reference to a whole object or an enumeration and there is nothing to show,
the key is left out; everything else that is unknown is null. Enumerations are camelCase (developer
guide, "Introduction") although the OpenAPI file spells them in PascalCase.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio import values
from reverse_sf.simulator.spotio.records import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reverse_sf.simulator.spotio.quirks import Settings
    from reverse_sf.simulator.spotio.records import Deletion, Member, Pin, Record
    from reverse_sf.simulator.spotio.store import Store
    from reverse_sf.simulator.spotio.workflow import Field, RecordType, Workflow


class Shapes:
    """Shows the rows of one tenant under the present switches."""

    def __init__(self, store: Store, workflow: Workflow, switches: Settings) -> None:
        self._store = store
        self._workflow = workflow
        self._switches = switches

    def data_object(self, record: Record, viewer: Member) -> dict[str, Any]:
        """``DataObject``: ids are texts, addresses and ``values`` complete, no parent."""
        record_type = self._workflow.type(record.type_id)
        phones = self._texts(record, record_type, "Phone")
        row: dict[str, Any] = {
            "id": record.id,
            "name": record.name,
            "typeId": str(record.type_id),
            "stageId": str(record.stage_id),
            "ownerId": str(record.owner_id),
            "source": record.source,
            "externalDataObjectId": record.external_id,
            "createdAt": shown(record.created),
            "createdById": str(record.created_by),
            "updatedAt": shown(record.updated),
            "updatedById": str(record.updated_by),
            "stageUpdatedAt": shown(record.stage_updated),
            "stageUpdatedById": str(record.stage_updated_by),
            "dateOfAssignment": shown(record.assigned),
            "territoryId": None,
            "territories": [],
            "visitsCount": record.visits,
            "lastVisitDate": _maybe(record.last_visit),
            "lastVisitResultId": _text(record.last_visit_result),
            "lastVisitNote": record.last_visit_note,
            "callsCount": record.calls,
            "lastCallDate": _maybe(record.last_call),
            "lastCallResultId": _text(record.last_call_result),
            "lastActivityTime": _maybe(record.last_activity),
            "nextActivityTime": _maybe(record.next_activity),
            "lastLocationStatus": record.location,
            "access": "full" if not viewer.limited else "editable",
            "fields": self.entries(record),
            "phones": phones,
            "emails": self._texts(record, record_type, "Email"),
            "phonesFullInfo": [{"phone": phone, "textOptedIn": False} for phone in phones],
            "textOptedIn": False,
            "value": self._value(record, record_type),
            "addressUnit": self._system(record, record_type, "Unit"),
            "collaboratorIds": [str(user) for user in record.collaborators],
        }
        if record.pin_id is not None:
            row["pin"] = pin_shape(self._store.pins[record.pin_id])
        return row

    def with_parent(self, record: Record, viewer: Member) -> dict[str, Any]:
        """``DataObjectWithParent``: the chain of parents, nearest first."""
        parents: list[dict[str, Any]] = []
        parent = self._store.records.get(record.parent_id or "")
        while parent is not None and len(parents) < len(self._workflow.types):
            parents.append({"id": parent.id, "name": parent.name})
            parent = self._store.records.get(parent.parent_id or "")
        return {**self.data_object(record, viewer), "parentsInfo": parents}

    def entries(self, record: Record) -> list[dict[str, Any]]:
        """``fields`` as the single record shows them; blank ones have no entry."""
        record_type = self._workflow.type(record.type_id)
        return [
            {
                "fieldId": str(field.id),
                "label": field.name,
                **values.shape(field, kept, self._switches),
            }
            for field, kept in self._contents(record, record_type)
        ]

    def exported(self, record: Record) -> dict[str, Any]:
        """``DataObjectExportItem``: integer ids; no parent, no ``values``, half an address."""
        record_type = self._workflow.type(record.type_id)
        row: dict[str, Any] = {
            "id": record.id,
            "typeId": record.type_id,
            "name": record.name,
            "stageId": record.stage_id,
            "ownerId": record.owner_id,
            "value": self._value(record, record_type),
            "addressUnit": self._system(record, record_type, "Unit"),
            "source": record.source,
            "externalDataObjectId": record.external_id,
            "createdAt": shown(record.created),
            "createdById": record.created_by,
            "updatedAt": shown(record.updated),
            "updatedById": record.updated_by,
            "stageUpdatedAt": shown(record.stage_updated),
            "stageUpdatedById": record.stage_updated_by,
            "dateOfAssignment": shown(record.assigned),
            "territoryId": None,
            "visitsCount": record.visits,
            "lastVisitDate": _maybe(record.last_visit),
            "lastVisitResultId": record.last_visit_result,
            "callCount": record.calls,
            "lastCallDate": _maybe(record.last_call),
            "lastCallResultId": record.last_call_result,
            "lastContractSignedDate": None,
            "lastActivityTime": _maybe(record.last_activity),
            "lastActivityOwnerId": record.last_activity_owner,
            "nextActivityTime": _maybe(record.next_activity),
            "lastLocationStatus": record.location,
            "fields": [
                {"fieldId": field.id, "value": values.exported(field, kept, self._switches)}
                for field, kept in self._contents(record, record_type)
            ],
        }
        if record.pin_id is not None:
            pin = self._store.pins[record.pin_id]
            row["pin"] = {**small_pin(pin), "id": pin.id}
        return row

    def found(
        self, record: Record, *, field_ids: Iterable[int], parent: bool, external_user: bool
    ) -> dict[str, Any]:
        """``SearchDataObjectDto``: only the fields that were asked for."""
        record_type = self._workflow.type(record.type_id)
        wanted = set(field_ids)
        row = self.exported(record)
        for key in ("typeId", "stageId", "ownerId", "createdById", "updatedById"):
            row[key] = str(row[key])
        for key in ("stageUpdatedById", "lastVisitResultId", "lastCallResultId"):
            row[key] = _text(row[key])
        row["lastActivityOwnerId"] = _text(row["lastActivityOwnerId"])
        del row["dateOfAssignment"]
        entries = (
            (field, values.shape(field, kept, self._switches))
            for field, kept in self._contents(record, record_type)
            if field.id in wanted
        )
        row["fields"] = [
            {"fieldId": str(field.id), "value": entry["value"], "values": entry["values"]}
            for field, entry in entries
        ]
        row["phones"] = self._texts(record, record_type, "Phone")
        row["emails"] = self._texts(record, record_type, "Email")
        if record.pin_id is not None:
            row["pin"] = small_pin(self._store.pins[record.pin_id])
        above = self._store.records.get(record.parent_id or "")
        if parent and above is not None:
            row["parent"] = {"id": above.id, "name": above.name}
        if external_user:
            owner = self._store.members.get(record.owner_id)
            row["ownerExternalUserId"] = owner.external_id if owner else None
        return row

    def simple(self, record: Record) -> dict[str, Any]:
        """``SearchSimpleDataObjectDto``, as duplicates are listed."""
        record_type = self._workflow.type(record.type_id)
        phones = self._texts(record, record_type, "Phone")
        row: dict[str, Any] = {
            "id": record.id,
            "typeId": str(record.type_id),
            "name": record.name,
            "stageId": str(record.stage_id),
            "phones": phones,
            "emails": self._texts(record, record_type, "Email"),
            "visitsCount": record.visits,
            "textOptedIn": False,
            "phonesFullInfo": [{"phone": phone, "textOptedIn": False} for phone in phones],
        }
        if record.pin_id is not None:
            row["pin"] = small_pin(self._store.pins[record.pin_id])
        return row

    def at_pin(self, record: Record) -> dict[str, Any]:
        """``Pin.V2.DataObjectDto``."""
        row = self.found(record, field_ids=(), parent=False, external_user=False)
        for key in ("pin", "externalDataObjectId", "lastContractSignedDate", "lastActivityTime"):
            row.pop(key, None)
        for key in ("lastActivityOwnerId", "nextActivityTime", "lastLocationStatus"):
            row.pop(key, None)
        return {**row, "value": row["value"] or 0.0, "ghost": False}

    def deleted(self, deletion: Deletion) -> dict[str, Any]:
        """``DeletedDataObjectMetadata``."""
        record = deletion.record
        inner: dict[str, Any] = {
            "stageId": str(record.stage_id),
            "ownerId": str(record.owner_id),
            "typeId": str(record.type_id),
            "source": record.source,
            "territoryId": None,
            "value": self._value(record, self._workflow.type(record.type_id)),
            "externalDataObjectId": record.external_id,
            "createdAt": shown(record.created),
            "updatedAt": shown(record.updated),
        }
        if record.pin_id is not None:
            pin = self._store.pins[record.pin_id]
            inner["pin"] = {"id": str(pin.id), "address": pin.address}
        return {
            "id": record.id,
            "deletedAt": shown(deletion.at),
            "deletedById": str(deletion.by),
            "dataObject": inner,
        }

    def _contents(self, record: Record, record_type: RecordType) -> list[tuple[Field, Any]]:
        found = []
        for field in record_type.fields:
            kept = record.fields.get(field.id)
            if field.inherited:
                kept = self._inherited(record, field)
            if kept is not None:
                found.append((field, kept))
        return found

    def _inherited(self, record: Record, field: Field) -> Any:
        parent = self._store.records.get(record.parent_id or "")
        return parent.fields.get(field.id) if parent is not None else None

    def _texts(self, record: Record, record_type: RecordType, kind: str) -> list[str]:
        kept = (record.fields.get(field.id) for field in record_type.of_kind(kind))
        return [text for text in kept if text]

    def texts(self, record: Record, kind: str) -> list[str]:
        """What the record has in its fields of a kind, such as ``Phone``."""
        return self._texts(record, self._workflow.type(record.type_id), kind)

    def _system(self, record: Record, record_type: RecordType, role: str) -> str | None:
        for field in record_type.fields:
            if field.system_role == role:
                return record.fields.get(field.id)
        return None

    def _value(self, record: Record, record_type: RecordType) -> float | None:
        text = self._system(record, record_type, "Value")
        return float(text) if text is not None else None


def pin_shape(pin: Pin) -> dict[str, Any]:
    """``Pin`` with all components."""
    return {
        **small_pin(pin),
        "street": pin.street,
        "houseNumber": pin.house_number,
        "city": pin.city,
        "state": pin.state,
        "country": pin.country,
        "shortAddress": pin.short_address,
    }


def small_pin(pin: Pin) -> dict[str, Any]:
    """A pin as search and map show it."""
    return {
        "id": str(pin.id),
        "lat": pin.lat,
        "lng": pin.lng,
        "placeId": pin.place_id,
        "address": pin.address,
        "zip": pin.zip,
    }


def _maybe(ticks: int | None) -> str | None:
    return None if ticks is None else shown(ticks)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
