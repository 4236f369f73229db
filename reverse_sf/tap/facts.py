"""From a describe to a stream's JSON Schema that carries the describe's facts.

The facts lie under ``x-salesforce``: per property and for the object. Whoever reads the SCHEMA
message or the catalog (mapper, ``check``, the tap itself in a later run) needs no describe call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.describe import FACTS_KEY, ORGANIZATION
from reverse_sf.salesforce.bulk import UNSUPPORTED_TYPES
from reverse_sf.salesforce.values import NUMBER_TYPES, WHOLE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FACTS = FACTS_KEY

# Best first. LoginHistory has only LoginTime (observed).
REPLICATION_KEYS = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")

_OBJECT_FACTS = ("label", "custom", "keyPrefix", "replicateable")
_FIELD_FACTS = (
    "type",
    "length",
    "precision",
    "scale",
    "digits",
    "nillable",
    "createable",
    "updateable",
    "defaultedOnCreate",
    "calculated",
    "externalId",
    "unique",
    "idLookup",
    "restrictedPicklist",
    "referenceTo",
    "relationshipName",
    "label",
    "compoundFieldName",
    "controllerName",
)
_TEXT = {"type": ["string", "null"]}
_COMPOUND = {"type": ["object", "null"], "additionalProperties": True}
_JSON_TYPES: dict[str, dict[str, Any]] = {
    "boolean": {"type": ["boolean", "null"]},
    **{key: {"type": ["integer", "null"]} for key in WHOLE_TYPES},
    **{key: {"type": ["number", "null"]} for key in NUMBER_TYPES},
    "date": {"type": ["string", "null"], "format": "date"},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
    **dict.fromkeys(("address", "location", "complexvalue"), _COMPOUND),
    "base64": {"type": ["string", "null"], "contentEncoding": "base64"},
    "anyType": {"type": ["string", "number", "boolean", "null"]},
}


def schema_of(describe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an object's records, with the facts."""
    return {
        "type": "object",
        FACTS: _present(describe, _OBJECT_FACTS),
        "properties": {field["name"]: _property(field) for field in describe["fields"]},
    }


def of_org(object_facts: Mapping[str, Any], organization_id: str | None) -> dict[str, Any]:
    """Return an object's facts with whose they are, as this run's login tells it.

    A catalog may be older than the login.
    """
    return {**object_facts, **({ORGANIZATION: organization_id} if organization_id else {})}


def field_types(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return the describe type of every property that carries facts."""
    return {
        name: declared[FACTS]["type"]
        for name, declared in schema.get("properties", {}).items()
        if declared.get(FACTS, {}).get("type")
    }


def compounds_and_files(schema: Mapping[str, Any]) -> set[str]:
    """Return fields that are not offered unless asked for.

    A compound's parts are fields of their own, and a file's column holds an address, not the file.
    """
    return {name for name, kind in field_types(schema).items() if kind in UNSUPPORTED_TYPES}


def replication_key_of(names: Iterable[str]) -> str | None:
    """Return the field that tells when a row was last changed, or None."""
    present = set(names)
    return next((key for key in REPLICATION_KEYS if key in present), None)


def _property(field: Mapping[str, Any]) -> dict[str, Any]:
    facts = _present(field, _FIELD_FACTS)
    if values := field.get("picklistValues"):
        facts["picklistValues"] = [
            {key: value.get(key) for key in ("value", "label", "active")} for value in values
        ]
    return {**_json_type(field), FACTS: facts}


def _json_type(field: Mapping[str, Any]) -> dict[str, Any]:
    if field["name"] == "Id":
        return {"type": "string"}
    return dict(_JSON_TYPES.get(field["type"], _TEXT))


def _present(described: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Keep what says something: a false flag, a zero length or an empty list says nothing."""
    return {key: described[key] for key in keys if described.get(key)}
