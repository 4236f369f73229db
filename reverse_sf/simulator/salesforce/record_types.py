"""Record types of the org's objects: the rows behind what declarations name, and who gets which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.declaration import RECORD_TYPE
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.stamps import stamps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.salesforce.metadata import Schema, SObject
    from reverse_sf.simulator.salesforce.store import Store


def add_missing(schema: Schema, store: Store, now: str, user: str) -> None:
    """Make the RecordType rows that declarations name and the org lacks."""
    entity = schema.typed("RecordType")
    for one in schema:
        for declared in one.traits.get("record_types", ()):
            sql = 'SELECT 1 FROM "RecordType" WHERE "SobjectType" = ? AND "DeveloperName" = ?'
            if store.rows(sql, (one.name, declared["developer_name"])):
                continue
            store.insert(
                entity,
                {
                    "Id": salesforce_id(entity.prefix, store.next_number(entity.prefix)),
                    "Name": declared["name"],
                    "DeveloperName": declared["developer_name"],
                    "SobjectType": one.name,
                    "IsActive": 1,
                    "IsPersonType": int(bool(declared.get("person"))),
                    **stamps(now, user, created=True),
                },
            )


def described(one: SObject, store: Store) -> list[tuple[str, str, str, bool]]:
    """Id, name, developer name and whether it is the default of each active record type."""
    default = _default_name(one)
    found = store.rows(
        'SELECT "Id", "Name", "DeveloperName" FROM "RecordType" '
        'WHERE "SobjectType" = ? AND "IsActive" = 1 ORDER BY "Name"',
        (one.name,),
    )
    return [(row[0], row[1], row[2], row[2] == default) for row in found]


def choose(one: SObject, store: Store, row: dict[str, Any], *, creating: bool) -> None:
    """Give a new record its object's default, and refuse a record type that is not the object's.

    Raises:
        ApiFault: INVALID_CROSS_REFERENCE_KEY.
    """
    if not one.has(RECORD_TYPE):
        return
    if creating and row.get(RECORD_TYPE) is None:
        row[RECORD_TYPE] = next((each for each, *_, is_it in described(one, store) if is_it), None)
    wanted = row.get(RECORD_TYPE)
    if wanted is not None and wanted not in {each[0] for each in described(one, store)}:
        raise ApiFault(
            "INVALID_CROSS_REFERENCE_KEY",
            f"Record Type ID: this ID value isn't valid for the user: {wanted}",
            fields=(RECORD_TYPE,),
        )


def _default_name(one: SObject) -> str | None:
    listed: list[Mapping[str, Any]] = one.traits.get("record_types", [])
    named = [str(each["developer_name"]) for each in listed if each.get("default")]
    return named[0] if named else None
