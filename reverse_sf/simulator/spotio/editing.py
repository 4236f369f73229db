"""What a person does in the web app, and what there is to see behind the API.

Rows show canonical values by label, whatever the switches say, so that two runs under different
switches can be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.spotio import appointment_calls, user_calls
from reverse_sf.simulator.spotio.activity_calls import historical_shape
from reverse_sf.simulator.spotio.records import shown
from reverse_sf.simulator.spotio.refusals import Refusal
from reverse_sf.simulator.spotio.seeding import entries
from reverse_sf.simulator.spotio.shapes import pin_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.spotio.records import Activity, Deletion, Member, Record
    from reverse_sf.simulator.spotio.tenant import Tenant
    from reverse_sf.simulator.spotio.workflow import RecordType

KNOWN = "dataObjects, a record type, users, activities, appointments, pins"
_KEYS = {"object", "id", "set", "create", "delete", "merge", "log", "tokens", "as", "field"}
_MEMBER_KEYS = {
    "email": "email",
    "firstName": "first",
    "lastName": "last",
    "role": "role",
    "externalSystemUserId": "external_id",
    "suspended": "suspended",
    "isReadonly": "readonly",
    "phone": "phone",
    "status": "status",
}
_LOGGED = (
    *("notes", "title", "date", "done", "duration", "durationSeconds", "direction", "email"),
    *("phoneNumber", "activityLat", "activityLng", "mobileId", "allDay", "allDayDate"),
)
PERSON = "ops@example.com"
"""Who edits, unless ``as`` names another user."""


def rows(tenant: Tenant, object_name: str) -> list[dict[str, Any]]:
    """All rows of an object, deleted ones with their mark.

    Raises:
        ControlError: there is no such object.
    """
    store = tenant.store
    if object_name == "users":
        return [_member_row(member) for member in store.members.values()]
    if object_name == "pins":
        return [pin_shape(pin) for pin in store.pins.values()]
    if object_name == "activities":
        return [
            {
                **historical_shape(activity),
                "done": activity.done,
                "changedField": activity.changed_field,
                "oldValue": activity.old_value,
                "newValue": activity.new_value,
            }
            for activity in store.activity_by_id.values()
        ]
    if object_name == "appointments":
        kept = [row for row in store.appointments.values() if row.data_object_id in store.records]
        found = [tenant.appointments.get(str(row.id)) for row in kept]
        return [appointment_calls.shape(tenant, one) for one in found]
    record_type = tenant.workflow.named(object_name)
    if record_type is None and object_name != "dataObjects":
        names = ", ".join(row.name for row in tenant.workflow.types)
        raise ControlError(f"no object {object_name!r}; known are: {KNOWN} ({names})")
    living = [_record_row(tenant, record) for record in store.records.values()]
    dead = [_deleted_row(tenant, deletion) for deletion in store.deletions.values()]
    wanted = None if record_type is None else record_type.name
    return [row for row in (*living, *dead) if wanted is None or row["type"] == wanted]


def edit(tenant: Tenant, body: dict[str, Any]) -> dict[str, Any]:
    """Do what a person asks for.

    That is ``{object, id, set}``, ``{object, create}``, ``{object, id, delete: true or {mode,
    reassignTypes, newParent, permanently}}``, ``{object, merge: {winner, losers, set}}`` or
    ``{object, id, log: {template, result, notes, title, date, done, owner, duration,
    durationSeconds, direction, email, phoneNumber, text, snippet, activityLat, activityLng,
    mobileId}}``; ``{object: "activities", id, set or delete}`` with the keys of ``log``;
    ``{object: "appointments", create or id with set or delete}`` with the keys of the API;
    ``{object: "users", create}``; for a field of the schema ``{object: "workflow", id: record type,
    field: label, set}``, and ``{tokens: "expire"}``. ``as`` is the e-mail of the person.

    ``set`` and ``create`` name fields by label, and ``Stage``, ``Owner`` (e-mail), ``Parent`` (id),
    ``Address`` (one line or components) and ``External Id``; null clears.

    Raises:
        ControlError: an unknown key or row, or the tenant's rules refuse it.
    """
    unknown = sorted(set(body) - _KEYS)
    if unknown:
        known = ", ".join(sorted(_KEYS))
        raise ControlError(f"unknown keys: {', '.join(unknown)}; known are: {known}")
    if body.get("tokens") == "expire":
        tenant.tokens.expire()
        return {"tokens": "expired"}
    try:
        if body.get("object") == "users":
            return _edit_member(tenant, body)
        if body.get("object") == "workflow":
            return _edit_field(tenant, body)
        if body.get("object") == "activities":
            return _edit_activity(tenant, body)
        if body.get("object") == "appointments":
            return _edit_appointment(tenant, body)
        return _edit_record(tenant, body)
    except Refusal as refusal:
        raise ControlError(f"refused with {refusal.status}: {refusal.sentence}") from refusal


def _edit_record(tenant: Tenant, body: Mapping[str, Any]) -> dict[str, Any]:
    actor = _member(tenant, str(body.get("as") or PERSON))
    if "create" in body:
        type_id = _type_id(tenant, body.get("object"))
        request = _request(tenant, tenant.workflow.type(type_id), body["create"])
        record = tenant.create({"typeId": type_id, **request}, actor)
        return _record_row(tenant, record)
    if "merge" in body:
        return _merge(tenant, body["merge"], actor)
    record = tenant.writing.existing(str(body.get("id")))
    record_type = tenant.workflow.type(record.type_id)
    if body.get("object") not in (record_type.name, "dataObjects"):
        raise ControlError(f"{record.id} is of type {record_type.name}, not {body.get('object')}")
    if body.get("delete"):
        asked = body["delete"] if isinstance(body["delete"], dict) else {}
        tenant.succession.delete(record, actor, _deletion(tenant, asked))
        return {"id": record.id, "deleted": True}
    if isinstance(body.get("log"), dict):
        made = tenant.logbook.draft(record, _activity(tenant, body["log"]), actor)
        _say(made, body["log"])
        tenant.logbook.keep(made, actor)
        return {**_record_row(tenant, tenant.writing.existing(record.id)), "activity": str(made.id)}
    if not isinstance(body.get("set"), dict):
        raise ControlError("one of set, create, delete, merge and log is needed")
    request = _change(tenant, record, body["set"])
    return _record_row(tenant, tenant.writing.change(record, request, actor))


def _merge(tenant: Tenant, asked: Any, actor: Member) -> dict[str, Any]:
    if not isinstance(asked, dict) or not {"winner", "losers"} <= set(asked):
        raise ControlError("merge takes winner (an id), losers (a list of ids) and maybe set")
    winner = tenant.writing.existing(str(asked["winner"]))
    losers = [tenant.writing.existing(str(each)) for each in asked["losers"]]
    changes = _change(tenant, winner, asked.get("set") or {})
    return _record_row(tenant, tenant.succession.merge(winner, losers, changes, actor))


def _deletion(tenant: Tenant, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a DELETE behind a person's wish; types are named."""
    unknown = sorted(set(asked) - {"mode", "reassignTypes", "newParent", "permanently"})
    if unknown:
        raise ControlError(f"unknown keys of a deletion: {', '.join(unknown)}")
    return {
        "mode": asked.get("mode"),
        "reassignTypesIds": [_type_id(tenant, name) for name in asked.get("reassignTypes") or ()],
        "newParentId": asked.get("newParent"),
        "permanently": asked.get("permanently"),
    }


def _type_id(tenant: Tenant, name: Any) -> int:
    record_type = tenant.workflow.named(str(name))
    if record_type is None:
        raise ControlError(f"no record type {name!r}")
    return record_type.id


def _activity(tenant: Tenant, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The activity behind what a person logs; template and result are named."""
    known = {"template", "result", "owner", "text", "snippet", *_LOGGED}
    unknown = sorted(set(asked) - known)
    if unknown:
        raise ControlError(f"unknown keys of an activity: {', '.join(unknown)}")
    request = {key: asked[key] for key in _LOGGED if key in asked}
    if "owner" in asked:
        request["ownerId"] = _member(tenant, str(asked["owner"])).id
    if "template" not in asked:
        return {**request, "isNote": True}
    template = next((t for t in tenant.workflow.templates if t.name == asked["template"]), None)
    if template is None:
        raise ControlError(f"no activity template {asked['template']!r}")
    request["activityTemplateId"] = template.id
    if asked.get("result") is not None:
        results = {name: number for number, name in template.results}
        if asked["result"] not in results:
            raise ControlError(f"{template.name} has no result {asked['result']!r}")
        request["resultId"] = results[asked["result"]]
    return request


def _say(activity: Activity, asked: Mapping[str, Any]) -> None:
    """Put in what only SPOTIO's own phone and mailbox know: what was written."""
    activity.text = asked.get("text", activity.text)
    activity.snippet = asked.get("snippet", activity.snippet)


def _edit_activity(tenant: Tenant, body: Mapping[str, Any]) -> dict[str, Any]:
    actor = _member(tenant, str(body.get("as") or PERSON))
    activity = tenant.logbook.get(str(body.get("id")))
    if body.get("delete"):
        appointment = tenant.store.appointments.get(activity.appointment_id or 0)
        if appointment is None:
            tenant.logbook.delete(activity, actor)
        else:
            tenant.appointments.delete(tenant.appointments.get(str(appointment.id)), actor)
        return {"id": str(activity.id), "deleted": True}
    asked = body.get("set")
    if not isinstance(asked, dict):
        raise ControlError("one of set and delete is needed")
    template = next((t for t in tenant.workflow.templates if t.id == activity.template_id), None)
    named = {"template": template.name, **asked} if template else dict(asked)
    request = _activity(tenant, named)
    request.pop("isNote", None)
    changed = tenant.logbook.change(activity, request, actor, whole=False, person=True)
    _say(changed, asked)
    tenant.logbook.rewrite(changed, actor)
    return historical_shape(changed)


def _edit_appointment(tenant: Tenant, body: Mapping[str, Any]) -> dict[str, Any]:
    actor = _member(tenant, str(body.get("as") or PERSON))
    if "create" in body:
        made = appointment_calls.added(tenant, body["create"], actor)
        return appointment_calls.shape(tenant, made)
    found = tenant.appointments.get(str(body.get("id")))
    if body.get("delete"):
        tenant.appointments.delete(found, actor)
        return {"id": found.id, "deleted": True}
    if not isinstance(body.get("set"), dict):
        raise ControlError("one of set, create and delete is needed")
    changed = tenant.appointments.change(found, body["set"], actor, whole=False)
    return appointment_calls.shape(tenant, changed)


def _change(tenant: Tenant, record: Record, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The request behind a person's changes of a record; its other fields stay."""
    request = _request(tenant, tenant.workflow.type(record.type_id), changes)
    if "fields" in request:
        changed = {entry["fieldId"]: entry for entry in request["fields"]}
        kept = {entry["fieldId"]: entry for entry in tenant.shapes.entries(record)}
        request["fields"] = list({**kept, **changed}.values())
    return request


def _request(tenant: Tenant, record_type: RecordType, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The request behind a person's changes."""
    request: dict[str, Any] = {}
    contents = dict(changes)
    if "Stage" in contents:
        name = contents.pop("Stage")
        found = next((stage.id for stage in record_type.stages if stage.name == name), None)
        if found is None:
            raise ControlError(f"{record_type.name} has no stage {name!r}")
        request["stageId"] = found
    if "Owner" in contents:
        request["ownerId"] = _member(tenant, str(contents.pop("Owner"))).id
    if "Parent" in contents:
        request["parentId"] = contents.pop("Parent")
    if "External Id" in contents:
        request["externalDataObjectId"] = contents.pop("External Id")
    if "Address" in contents:
        address = contents.pop("Address")
        request["pin"] = {"address": address} if isinstance(address, str) else address
    if contents:
        try:
            request["fields"] = entries(record_type, contents)
        except KeyError as error:
            names = ", ".join(field.name for field in record_type.fields)
            raise ControlError(
                f"{record_type.name} has no field {error}; known are: Stage, Owner, Parent,"
                f" External Id, {names}"
            ) from error
    return request


def _edit_member(tenant: Tenant, body: Mapping[str, Any]) -> dict[str, Any]:
    if "create" in body:
        actor = _member(tenant, str(body.get("as") or PERSON))
        return _member_row(user_calls.created(tenant, body["create"], actor))
    member = _member(tenant, str(body.get("id")))
    changes = body.get("set") or {}
    unknown = sorted(set(changes) - set(_MEMBER_KEYS))
    if unknown:
        known = ", ".join(_MEMBER_KEYS)
        raise ControlError(f"unknown keys of a user: {', '.join(unknown)}; known are: {known}")
    changed = msgspec.structs.replace(
        member,
        updated=tenant.diary.now(),
        **{_MEMBER_KEYS[key]: given for key, given in changes.items()},
    )
    tenant.store.save_member(changed)
    return _member_row(changed)


def _edit_field(tenant: Tenant, body: Mapping[str, Any]) -> dict[str, Any]:
    record_type = tenant.workflow.named(str(body.get("id")))
    field = record_type.named(str(body.get("field"))) if record_type else None
    if record_type is None or field is None:
        raise ControlError("a workflow edit names the record type as id and a field by its label")
    changes = dict(body.get("set") or {})
    unknown = sorted(set(changes) - {"name", "activeOptions", "requiredWithoutStage", "readonly"})
    if unknown:
        raise ControlError(f"unknown keys of a field: {', '.join(unknown)}")
    if "activeOptions" in changes:
        options = tuple(changes.pop("activeOptions"))
        gone = tuple(option for option in field.options if option not in options)
        changes |= {"options": options, "removed": (*field.removed, *gone)}
    if "requiredWithoutStage" in changes:
        changes["required"] = changes.pop("requiredWithoutStage")
    changed = tenant.workflow.change_field(record_type.id, field.id, **changes)
    return {"id": str(changed.id), "name": changed.name, "activeOptions": list(changed.options)}


def _member(tenant: Tenant, wanted: str) -> Member:
    for member in tenant.store.members.values():
        if wanted in (str(member.id), member.email):
            return member
    raise ControlError(f"no user {wanted!r}")


def _record_row(tenant: Tenant, record: Record) -> dict[str, Any]:
    record_type = tenant.workflow.type(record.type_id)
    stage = record_type.stage(record.stage_id)
    owner = tenant.store.members.get(record.owner_id)
    pin = tenant.store.pins.get(record.pin_id or 0)
    return {
        "id": record.id,
        "type": record_type.name,
        "name": record.name,
        "stage": stage.name if stage else None,
        "owner": owner.email if owner else None,
        "parentId": record.parent_id,
        "externalDataObjectId": record.external_id,
        "fields": {
            field.name: record.fields[field.id]
            for field in record_type.fields
            if field.id in record.fields
        },
        "pin": pin_shape(pin) if pin else None,
        "source": record.source,
        "createdAt": shown(record.created),
        "updatedAt": shown(record.updated),
        "updatedById": str(record.updated_by),
        "lastVisitResult": _result(tenant, record.last_visit_result),
        "visits": record.visits,
        "calls": record.calls,
        "deleted": False,
    }


def _result(tenant: Tenant, wanted: int | None) -> str | None:
    """The name of an activity's result."""
    names = {number: name for row in tenant.workflow.templates for number, name in row.results}
    return names.get(wanted or 0)


def _deleted_row(tenant: Tenant, deletion: Deletion) -> dict[str, Any]:
    row = _record_row(tenant, deletion.record)
    return {
        **row,
        "deleted": True,
        "deletedAt": shown(deletion.at),
        "mergedInto": deletion.merged_into,
    }


def _member_row(member: Member) -> dict[str, Any]:
    return {
        "id": str(member.id),
        "email": member.email,
        "firstName": member.first,
        "lastName": member.last,
        "role": member.role,
        "externalSystemUserId": member.external_id,
        "suspended": member.suspended,
        "isReadonly": member.readonly,
        "status": user_calls.status(member),
        "phone": member.phone,
    }
