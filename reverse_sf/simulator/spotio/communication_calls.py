"""What the calling user has said and written: calls, texts and e-mails, and the log of all three.

They are the done activities whose template has that role (``/api/Communication``, OpenAPI file);
these operations have an error shape of their own.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio import activity_filters
from reverse_sf.simulator.spotio.activity_calls import text
from reverse_sf.simulator.spotio.exchange import json_response
from reverse_sf.simulator.spotio.records import shown
from reverse_sf.simulator.spotio.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from reverse_sf.simulator.spotio.exchange import Exchange
    from reverse_sf.simulator.spotio.records import Activity, Record
    from reverse_sf.simulator.spotio.tenant import Tenant

ROLES = ("Call", "Text", "Email")
_BAD_REQUEST = 400


def _told_apart(answer: Callable[[Exchange], Any]) -> Callable[[Exchange], Any]:
    """Answer a bad request in the shape of these operations."""

    @wraps(answer)
    def wrapped(exchange: Exchange) -> dict[str, Any] | Response:
        try:
            found: dict[str, Any] = answer(exchange)
        except Refusal as refusal:
            body = {"message": refusal.sentence, "memberName": None, "filePath": None, "line": 0}
            return json_response(body, _BAD_REQUEST)
        return found

    return wrapped


@_told_apart
def calls(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/Communication/v3/calls``."""
    page, scroll = _page(exchange, ("Call",))
    items = [
        {
            **_common(exchange.tenant, one),
            "durationSeconds": one.duration_seconds,
            "notes": one.notes,
            "resultId": text(one.result_id),
            "phoneNumber": one.phone,
            "voicemailUrl": None,
            "isNew": one.is_read is False,
            "textOptedIn": False,
        }
        for one in page
    ]
    return {**scroll, "items": items}


@_told_apart
def texts(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/Communication/v3/texts``."""
    page, scroll = _page(exchange, ("Text",))
    items = [
        {
            **_common(exchange.tenant, one),
            "message": one.text,
            "phoneNumber": one.phone,
            "isRead": one.is_read,
            "unreadCount": int(one.is_read is False),
            "hasAttachments": False,
            "textOptedIn": False,
        }
        for one in page
    ]
    return {**scroll, "items": items}


@_told_apart
def mails(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/Communication/v3/mails``."""
    page, scroll = _page(exchange, ("Email",))
    return {**scroll, "items": [_mail(exchange.tenant, one) for one in page]}


def one_mail(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/Communication/v3/mails/{id}``: with the whole body."""
    tenant = exchange.tenant
    one = tenant.logbook.get(exchange.path("id"))
    if one.owner_id != exchange.actor.id or _role(tenant, one) != "Email":
        raise Refusal(404)
    exchange.touch(1)
    whole: dict[str, Any] = {"body": one.snippet, "attachments": []}
    return {**_mail(tenant, one), **whole, "userId": str(one.owner_id)}


@_told_apart
def log(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/Communication/v2/log``: all three, newest first unless ``sortBy=date``."""
    sort = exchange.query("sortBy") or "-date"
    if sort.lstrip("-").lower() != "date":
        raise Refusal(400, {"sortBy": f"The local server does not sort the log by {sort}."})
    directions = {each.lower() for each in exchange.query_list("directions")}
    page, scroll = _page(exchange, ROLES, directions=directions, oldest_first=sort[:1] != "-")
    items = []
    for one in page:
        record = exchange.tenant.store.records[one.data_object_id]
        row = {
            **_common(exchange.tenant, one),
            "dataObject": _record(exchange.tenant, record, stage=False),
            "activityTemplateId": text(one.template_id),
            "notes": one.notes,
            "ownerId": str(one.owner_id),
            "email": one.email,
            "phoneNumber": one.phone,
            "resultId": text(one.result_id),
            "duration": one.duration,
            "text": one.text if one.text is not None else one.snippet,
            "reference": one.reference,
        }
        items.append(row)
    return {**scroll, "items": items}


def _page(
    exchange: Exchange,
    roles: tuple[str, ...],
    *,
    directions: set[str] | None = None,
    oldest_first: bool = False,
) -> tuple[list[Activity], dict[str, Any]]:
    tenant, actor = exchange.tenant, exchange.actor
    key, single = exchange.query("filterId"), exchange.query("singleType")
    tests = activity_filters.tests(tenant.filters.get(key), actor) if key else []

    def snapshot() -> list[int]:
        found = []
        for one in tenant.store.activity_by_id.values():
            record = tenant.store.records.get(one.data_object_id)
            if (
                record is not None
                and one.done
                and one.owner_id == actor.id
                and _role(tenant, one) in roles
                and (not directions or one.direction in directions)
                and single in (None, str(record.type_id))
                and all(test(one, record) for test in tests)
            ):
                found.append((one.date, one.id))
        return [number for _, number in sorted(found, reverse=not oldest_first)]

    ids, scroll, _ = tenant.cursors.page(
        exchange.query("scrollId"), tenant.declared["feed_page"], snapshot
    )
    kept = [tenant.store.activity_by_id.get(number) for number in ids]
    living = [one for one in kept if one and one.data_object_id in tenant.store.records]
    exchange.touch(len(living))
    return living, scroll


def _role(tenant: Tenant, activity: Activity) -> str:
    template = tenant.workflow.template(activity.template_id or 0)
    return template.system_role if template else ""


def _common(tenant: Tenant, activity: Activity) -> dict[str, Any]:
    record = tenant.store.records[activity.data_object_id]
    row: dict[str, Any] = {
        "id": str(activity.id),
        "dataObject": _record(tenant, record),
        "date": shown(activity.date),
    }
    return row if activity.direction is None else {**row, "direction": activity.direction}


def _mail(tenant: Tenant, activity: Activity) -> dict[str, Any]:
    """``EmailWithDataObjectsDto``."""
    row = _common(tenant, activity)
    about = {
        "dataObject": row.pop("dataObject"),
        "email": activity.email,
        "resultId": text(activity.result_id),
        "activityId": str(activity.id),
    }
    return {
        **row,
        "dataObjects": [about],
        "hasAttachments": False,
        "snippet": activity.snippet,
        "subject": activity.title,
        "isRead": activity.is_read is not False,
    }


def _record(tenant: Tenant, record: Record, *, stage: bool = True) -> dict[str, Any]:
    row = _small(record, stage=stage)
    parent = tenant.store.records.get(record.parent_id or "")
    return row if parent is None else {**row, "parent": _small(parent, stage=stage)}


def _small(record: Record, *, stage: bool) -> dict[str, Any]:
    row = {"id": record.id, "typeId": str(record.type_id), "name": record.name}
    return {**row, "stageId": str(record.stage_id)} if stage else row
