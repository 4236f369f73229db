"""What Salesforce checks before it stores a record: names, rights, types, links, uniqueness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.activities import ACTIVITIES
from reverse_sf.simulator.salesforce.refusal import ApiFault, malformed_id
from reverse_sf.simulator.salesforce.values import stored_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.salesforce.metadata import Field, Schema, SObject
    from reverse_sf.simulator.salesforce.store import Store

CONVERTED_ALLOWED = frozenset({"OwnerId", "IsUnreadByOwner"})


class Validation:
    """Checks requests against the schema and the stored rows."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store

    def values(
        self, one: SObject, request: Mapping[str, Any], *, creating: bool, system: bool = False
    ) -> dict[str, Any]:
        """The request as stored values, by the fields' own spelling.

        With ``system`` the org itself writes, so that read-only fields are allowed.

        Raises:
            ApiFault: the first thing that Salesforce would refuse; missing required fields are
                told together.
        """
        row: dict[str, Any] = {}
        for name, value in request.items():
            if name == "attributes":
                continue
            field = self._field(one, name, value, row)
            if field is None:
                continue
            allowed = field.createable if creating else field.updateable
            if not allowed and not system:
                raise _not_writable(field.name)
            row[field.name] = stored_value(field, value)
        if creating:
            self._defaults(one, row)
        self._required(one, row, creating=creating)
        self._references(one, row)
        return row

    def _field(self, one: SObject, name: str, value: Any, row: dict[str, Any]) -> Field | None:
        """The field of a request key; a nested object by external id is resolved in place."""
        field = one.find(name)
        if field is not None:
            return field
        relation = one.relationships.get(name.lower())
        if relation is not None and isinstance(value, dict):
            row[relation.name] = self._foreign_key(relation, value)
            return None
        raise ApiFault("INVALID_FIELD", f"No such column '{name}' on sobject of type {one.name}")

    def _foreign_key(self, relation: Field, value: Mapping[str, Any]) -> str:
        """The Id behind ``{"Account": {"Ext__c": "x"}}``."""
        keys = [key for key in value if key not in {"attributes", "type"}]
        wanted = value.get("attributes", {}).get("type") or value.get("type")
        for target in [wanted] if wanted else relation.refers_to:
            parent = self._schema.find(target)
            field = parent.find(keys[0]) if parent and len(keys) == 1 else None
            if parent is None or field is None or not (field.id_lookup or field.external_id):
                continue
            text = stored_value(field, value[keys[0]])
            found = self.ids_by(parent, field, text)
            if len(found) == 1:
                return found[0]
            raise ApiFault(
                "INVALID_FIELD",
                f"Foreign key external ID: {str(text).lower()} not found for field {field.name} "
                f"in entity {parent.name}",
            )
        raise ApiFault(
            "INVALID_FIELD",
            f"External ID field {', '.join(keys)} not found for relationship "
            f"{relation.relationship}",
        )

    def ids_by(self, one: SObject, field: Field, value: Any) -> list[str]:
        """Ids of the records, not deleted, with that value."""
        alive = ' AND "IsDeleted" = 0' if one.has("IsDeleted") else ""
        sql = f'SELECT "Id" FROM "{one.name}" WHERE "{field.name}" = ?{alive}'
        return [row[0] for row in self._store.rows(sql, (value,))]

    def unique(self, one: SObject, record_id: str | None, row: Mapping[str, Any]) -> None:
        """Refuse a value that another record holds in a unique field.

        Raises:
            ApiFault: DUPLICATE_VALUE, naming the other record.
        """
        for field in one.fields:
            value = row.get(field.name)
            if not field.unique or value is None:
                continue
            others = [found for found in self.ids_by(one, field, value) if found != record_id]
            if others:
                code = "DUPLICATE_USERNAME" if field.name == "Username" else "DUPLICATE_VALUE"
                raise ApiFault(
                    code,
                    f"duplicate value found: {field.name} duplicates value on record with id: "
                    f"{others[0][:15]}",
                    fields=(field.name,),
                )

    @staticmethod
    def _defaults(one: SObject, row: dict[str, Any]) -> None:
        for field in one.stored:
            if field.name not in row and field.default is not None:
                default = field.default
                row[field.name] = int(default) if field.type == "boolean" else default

    @staticmethod
    def _required(one: SObject, row: Mapping[str, Any], *, creating: bool) -> None:
        missing = []
        for field in one.fields:
            if creating and field.required and row.get(field.name) is None:
                missing.append(field.name)
            elif field.name in row and row[field.name] is None and not field.nillable:
                if field.type == "boolean":
                    raise ApiFault(
                        "INVALID_TYPE_ON_FIELD_IN_RECORD",
                        f"{field.label}: value not of required type: ",
                        fields=(field.name,),
                    )
                missing.append(field.name)
        if missing:
            raise ApiFault(
                "REQUIRED_FIELD_MISSING",
                f"Required fields are missing: [{', '.join(missing)}]",
                fields=missing,
            )

    def _references(self, one: SObject, row: Mapping[str, Any]) -> None:
        for name, value in row.items():
            field = one.by_name[name.lower()]
            if field.type != "reference" or value is None:
                continue
            parent = self._schema.by_prefix(value[:3])
            if parent is None or parent.name not in field.refers_to:
                raise _wrong_target(one, field, value)
            found = self._store.row(parent, value)
            if found is None:
                raise ApiFault(
                    "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=(name,)
                )
            if found.get("IsDeleted"):
                raise ApiFault("ENTITY_IS_DELETED", "entity is deleted", fields=(name,))
            if parent.name == "Group" and name == "OwnerId":
                self._check_queue(one, found)
            if parent.name == "User" and name == "OwnerId" and not found["IsActive"]:
                raise ApiFault(
                    "INACTIVE_OWNER_OR_USER",
                    "operation performed with inactive user ["
                    + value[:15]
                    + "] as owner of "
                    + one.name.lower(),
                )

    def _check_queue(self, one: SObject, group: Mapping[str, Any]) -> None:
        """A queue owns records of the objects that it is set up for; other groups own none."""
        queues = self._schema.find("QueueSobject")
        sql = 'SELECT 1 FROM "QueueSobject" WHERE "QueueId" = ? AND "SobjectType" = ?'
        if group["Type"] == "Queue":
            if queues is None or self._store.rows(sql, (group["Id"], one.name)):
                return
            raise ApiFault(
                "INVALID_OPERATION",
                "Queue not associated with this SObject type",
                fields=("OwnerId",),
            )
        raise ApiFault(
            "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=("OwnerId",)
        )


def _wrong_target(one: SObject, field: Field, value: str) -> ApiFault:
    """An id of an object that the field cannot point to; activities have a code of their own."""
    fault = malformed_id(value, field.label)
    if one.name in ACTIVITIES and field.name in {"WhoId", "WhatId"}:
        return ApiFault("FIELD_INTEGRITY_EXCEPTION", fault.message, fields=(field.name,))
    return fault


def _not_writable(name: str) -> ApiFault:
    return ApiFault(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {name}. Please check the security settings of this "
        "field and verify that it is read/write for your profile or permission set.",
        fields=(name,),
    )
