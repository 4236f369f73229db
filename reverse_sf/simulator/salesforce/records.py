"""Calls on single records: create, read, update, delete, upsert, and what changed when."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.behaviour import WriteOptions
from reverse_sf.simulator.salesforce.exchange import Answer, Call
from reverse_sf.simulator.salesforce.metadata_calls import object_name
from reverse_sf.simulator.salesforce.refusal import ApiFault, not_found

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.service import Service

_FIRST_WITH_UPSERT_BODY = 46.0


def create(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``POST /sobjects/X`` -> 201."""
    name = object_name(service, named)
    service.locks.check_single("")
    record_id = service.org.create(
        name, _values(call), user_id=call.user_id, options=write_options(call)
    )
    call.records = 1
    return Answer(
        {"id": record_id, "success": True, "errors": []},
        201,
        {"Location": f"{call.base}/sobjects/{name}/{record_id}"},
    )


def retrieve(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET /sobjects/X/<id>?fields=``."""
    return _record(service, call, object_name(service, named), named["id"])


def update(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``PATCH /sobjects/X/<id>`` -> 204."""
    name = object_name(service, named)
    values = _values(call)
    service.locks.check_single(named["id"])
    _check_unmodified(service, call, name, named["id"])
    service.org.update(name, named["id"], values, user_id=call.user_id, options=write_options(call))
    call.records = 1
    return Answer(None, 204)


def delete(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``DELETE /sobjects/X/<id>`` -> 204."""
    name = object_name(service, named)
    service.org.delete(name, named["id"], user_id=call.user_id)
    call.records = 1
    return Answer(None, 204, limit_info=False)


def retrieve_by_key(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET /sobjects/X/<ExtField>/<value>``."""
    name, _field, found = _by_key(service, named)
    if not found:
        raise not_found()
    if len(found) > 1:
        return _several(call, name, found)
    return _record(service, call, name, found[0])


def delete_by_key(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``DELETE /sobjects/X/<ExtField>/<value>`` -> 204."""
    name, _field, found = _by_key(service, named)
    if not found:
        raise not_found()
    if len(found) > 1:
        return _several(call, name, found)
    service.org.delete(name, found[0], user_id=call.user_id)
    call.records = 1
    return Answer(None, 204, limit_info=False)


def upsert(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``PATCH /sobjects/X/<ExtField>/<value>`` -> 201, 200 or 300 (``dome_upsert``)."""
    name, key_field, found = _by_key(service, named)
    values = _values(call)
    if any(given.lower() == key_field.lower() for given in values):
        raise ApiFault(
            "INVALID_FIELD",
            f"The {key_field} field should not be specified in the sobject data.",
            fields=[key_field],
        )
    if len(found) > 1:
        return _several(call, name, found)
    call.records = 1
    if found:
        service.org.update(
            name, found[0], values, user_id=call.user_id, options=write_options(call)
        )
        if float(call.version) < _FIRST_WITH_UPSERT_BODY:
            return Answer(None, 204)
        return Answer({"id": found[0], "success": True, "errors": [], "created": False})
    if key_field == "Id" or call.query.get("updateOnly", "").lower() == "true":
        raise not_found()
    record_id = service.org.create(
        name, {**values, key_field: named["key"]}, user_id=call.user_id, options=write_options(call)
    )
    return Answer(
        {"id": record_id, "success": True, "errors": [], "created": True},
        201,
        {"Location": f"{call.base}/sobjects/{name}/{record_id}"},
    )


def deleted(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET /sobjects/X/deleted?start&end``: at most 15 days back."""
    answer = service.org.deleted(*_span(service, call, named))
    call.records = len(answer["deletedRecords"])
    return Answer(answer)


def updated(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET /sobjects/X/updated?start&end``: at most 30 days back, by SystemModstamp."""
    answer = service.org.updated(*_span(service, call, named))
    call.records = len(answer["ids"])
    return Answer(answer)


def _values(call: Call) -> dict[str, Any]:
    return {name: value for name, value in call.json_object().items() if name != "attributes"}


def write_options(call: Call) -> WriteOptions:
    """What the headers ask for; an absent Sforce-Auto-Assign means that rules run."""
    duplicates = call.headers.get("sforce-duplicate-rule-header", "").lower().replace(" ", "")
    return WriteOptions(
        auto_assign=call.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE",
        allow_duplicates="allowsave=true" in duplicates,
    )


def _record(service: Service, call: Call, name: str, record_id: str) -> Answer:
    asked = call.query.get("fields")
    fields = [field.strip() for field in asked.split(",") if field.strip()] if asked else None
    call.records = 1
    return Answer(service.org.retrieve(name, record_id, fields, version=call.version))


def _by_key(service: Service, named: dict[str, str]) -> tuple[str, str, list[str]]:
    name = object_name(service, named)
    key_field = service.org.schema.get(name).find(named["field"])
    found = service.org.find_by_external_id(name, named["field"], named["key"])
    return name, key_field.name if key_field else named["field"], found


def _several(call: Call, name: str, found: list[str]) -> Answer:
    return Answer([f"{call.base}/sobjects/{name}/{record_id}" for record_id in found], 300)


def _check_unmodified(service: Service, call: Call, name: str, record_id: str) -> None:
    since = call.headers.get("if-unmodified-since")
    if since is None:
        return
    found = service.org.retrieve(name, record_id, ["LastModifiedDate"])
    modified = datetime.strptime(found["LastModifiedDate"], "%Y-%m-%dT%H:%M:%S.%f%z")
    if modified > parsedate_to_datetime(since):
        raise ApiFault(
            "PRECONDITION_FAILED", "The record was modified after the given date", status=412
        )


def _span(service: Service, call: Call, named: dict[str, str]) -> tuple[str, datetime, datetime]:
    name = object_name(service, named)
    if not service.org.describe(name)["replicateable"]:
        raise not_found()
    return name, _instant(call, "start"), _instant(call, "end")


def _instant(call: Call, name: str) -> datetime:
    given = call.query.get(name, "").replace(" ", "+").replace("Z", "+00:00")
    try:
        instant = datetime.fromisoformat(_with_colon(given))
    except ValueError as error:
        raise ApiFault("INVALID_REPLICATION_DATE", f"invalid {name} date: {given}") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)


def _with_colon(text: str) -> str:
    """``+0000`` as ``+00:00``, which Python 3.10 insists on, and milliseconds cut off."""
    head, sign, zone = text[:19], "", ""
    for mark in "+-":
        if mark in text[19:]:
            sign, zone = mark, text[19:].rsplit(mark, maxsplit=1)[-1]
    if sign and ":" not in zone:
        zone = f"{zone[:2]}:{zone[2:]}"
    return f"{head}{sign}{zone}"
