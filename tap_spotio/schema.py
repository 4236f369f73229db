"""The JSON Schema of a record type's stream, with the workflow's facts under ``x-spotio``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.definition import STAGE
from reverse_sf.spotio.facts import (
    COMPANY,
    FACTS,
    VISIT_RESULT,
    field_facts,
    record_keys,
    stage_facts,
    type_facts,
)
from tap_spotio.properties import MOMENT, NATIVES, NUMBER, OBJECT, TEXT, TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.mapping.workflow import SpotioType
    from tap_spotio.tenant import TenantSetup

CALL_RESULT = "lastCallResult"
RESULT_KEYS = {VISIT_RESULT: "lastVisitResultId", CALL_RESULT: "lastCallResultId"}
"""Key of a result's name, and the key of its id."""

_FIELD_TYPES: dict[str, dict[str, Any]] = {
    "MultiChoice": TEXTS,
    "Number": NUMBER,
    "Currency": NUMBER,
    "Date": {"type": ["string", "null"], "format": "date"},
    "DateTime": MOMENT,
    "Attachment": OBJECT,
}


def schema_of(record_type: SpotioType, setup: TenantSetup) -> dict[str, Any]:
    """The JSON Schema of a record type's records."""
    parent = setup.workflow.type_by_id(record_type.parent_id or "")
    has = {"every": True, "address": record_type.has_address, "parent": parent is not None}
    properties: dict[str, Any] = {"id": {"type": "string"}}
    properties |= {one.key: dict(one.schema) for one in NATIVES if has[one.of]}
    if record_type.parent_id:
        properties["parentId"] = dict(TEXT)
    properties[STAGE] = {
        **TEXT,
        FACTS: {
            "type": STAGE,
            "options": [one.name for one in record_type.stages],
            "stages": stage_facts(record_type),
        },
    }
    properties[VISIT_RESULT] = _result_schema("VisitResult", setup.visit_results)
    properties[CALL_RESULT] = _result_schema("CallResult", setup.call_results)
    keys = record_keys(record_type)
    for one in record_type.fields:
        declared = _FIELD_TYPES.get(one.type, TEXT)
        properties[keys[one.id]] = {**declared, FACTS: field_facts(one, record_type)}
    facts = type_facts(record_type, parent)
    if setup.company_id:
        facts[COMPANY] = setup.company_id
    return {"type": "object", FACTS: facts, "properties": properties}


def _result_schema(kind: str, results: Mapping[str, str]) -> dict[str, Any]:
    facts = {
        "type": kind,
        "options": list(dict.fromkeys(results.values())),
        "results": [{"id": key, "name": name} for key, name in results.items()],
    }
    return {**TEXT, FACTS: facts}


def results_from_schema(schema: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Name of each result by its id, by the key that carries the name."""
    properties = schema.get("properties") or {}
    return {
        key: {
            str(one["id"]): str(one["name"])
            for one in ((properties.get(key) or {}).get(FACTS) or {}).get("results") or ()
        }
        for key in RESULT_KEYS
    }
