"""Workflow facts inside a stream's JSON Schema, and back: who has the schema needs no call.

tap-spotio puts them under ``x-spotio``: per property and for the record type. :func:`record_keys`
is the one place that says under which key a record carries a field.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.definition import STAGE
from reverse_sf.mapping.workflow import SpotioField, SpotioType, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

FACTS = "x-spotio"
COMPANY = "companyId"
"""The fact of a record type that says whose it is."""

VISIT_RESULT = "Last Visit Result"
"""The key of the name of a record's last visit's result, as ``sync.yml`` calls it."""

NATIVE_KEYS = frozenset(
    {
        "id", "name", "externalDataObjectId", "deleted", "deletedAt", STAGE, "stageId", "ownerId",
        "parentId", "address", "fullAddress", "placeId", "pinId", "addressUnit", "value", "source",
        "phones", "emails", "textOptedIn", "createdAt", "createdById", "updatedAt", "updatedById",
        "stageUpdatedAt", "stageUpdatedById", "dateOfAssignment", "territoryId", "territoryIds",
        "collaboratorIds", "visitsCount", "lastVisitDate", VISIT_RESULT, "lastVisitResultId",
        "lastVisitNote", "callsCount", "lastCallDate", "lastCallResult", "lastCallResultId",
        "lastActivityTime", "lastActivityOwnerId", "nextActivityTime", "lastLocationStatus",
        "lastContractSignedDate", "owner", "parent",
    }
)  # fmt: skip
"""Keys of a record that are not fields, and two that the mapper's records use."""


def record_keys(record_type: SpotioType) -> dict[str, str]:
    """Record key by field id: the label, or ``id:<field id>`` where the label is not clear.

    As in ``sync.yml``, where a label that means several fields must be given by its id.
    """
    labels = Counter(one.label for one in record_type.fields)
    return {
        one.id: f"id:{one.id}"
        if not one.label
        or one.label in NATIVE_KEYS
        or labels[one.label] > 1
        or one.label.startswith(("id:", "role:"))
        else one.label
        for one in record_type.fields
    }


def type_facts(record_type: SpotioType, parent: SpotioType | None) -> dict[str, Any]:
    """The facts of a record type, for the top level of its schema."""
    return _present(
        {
            "id": record_type.id,
            "name": record_type.name,
            "parentId": record_type.parent_id,
            "parentName": parent.name if parent else None,
            "parentRequired": record_type.parent_required,
            "hasAddress": record_type.has_address,
            "inheritOwnerFromParent": record_type.inherit_owner_from_parent,
            "stages": stage_facts(record_type),
        }
    )


def stage_facts(record_type: SpotioType) -> list[dict[str, Any]]:
    """The stages of a record type, in order."""
    return [
        _present(
            {
                "id": one.id,
                "name": one.name,
                "group": one.group,
                "lossReasons": list(one.loss_reasons),
            }
        )
        for one in record_type.stages
    ]


def field_facts(field: SpotioField, record_type: SpotioType) -> dict[str, Any]:
    """The facts of a field, for its property; ``requiredByStage`` holds ids of stages."""
    stages = [one.id for one in record_type.stages if one.id in field.required_in_stages]
    strangers = sorted(field.required_in_stages.difference(stages))
    return _present(
        {
            "id": field.id,
            "label": field.label,
            "type": field.type,
            "role": field.role,
            "systemRole": field.system_role,
            "options": list(field.options),
            "readonly": field.read_only,
            "inherited": field.inherited,
            "required": field.required,
            "requiredByStage": stages + strangers,
        }
    )


def type_from_schema(schema: Mapping[str, Any]) -> SpotioType | None:
    """The record type that a stream's schema was made of; None where it carries no facts."""
    facts = schema.get(FACTS) or {}
    if not facts.get("id"):
        return None
    properties = (one.get(FACTS) or {} for one in (schema.get("properties") or {}).values())
    return SpotioType(
        id=str(facts["id"]),
        name=facts.get("name") or "",
        fields=tuple(_field(one) for one in properties if one.get("id")),
        stages=tuple(
            Stage(
                one["id"], one.get("name") or "", one["group"], tuple(one.get("lossReasons") or ())
            )
            for one in facts.get("stages") or ()
        ),
        parent_id=facts.get("parentId"),
        parent_required=bool(facts.get("parentRequired")),
        has_address=bool(facts.get("hasAddress")),
        inherit_owner_from_parent=bool(facts.get("inheritOwnerFromParent")),
    )


def _field(facts: Mapping[str, Any]) -> SpotioField:
    return SpotioField(
        id=str(facts["id"]),
        label=facts.get("label") or "",
        type=facts.get("type") or "Text",
        role=facts.get("role"),
        system_role=facts.get("systemRole"),
        options=tuple(facts.get("options") or ()),
        read_only=bool(facts.get("readonly")),
        inherited=bool(facts.get("inherited")),
        required=bool(facts.get("required")),
        required_in_stages=frozenset(facts.get("requiredByStage") or ()),
    )


def _present(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What says something: a false flag or an empty list says nothing."""
    return {key: value for key, value in facts.items() if value}
