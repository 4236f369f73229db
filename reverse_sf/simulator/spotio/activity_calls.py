"""Operations on activities: ``/api/v2/activities``, and the history of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.distance import METRES_PER_MILE
from reverse_sf.simulator.spotio.records import shown
from reverse_sf.simulator.spotio.refusals import Refusal, not_found

if TYPE_CHECKING:
    from reverse_sf.simulator.spotio.exchange import Exchange
    from reverse_sf.simulator.spotio.records import Activity


_UNITS = {"metres": 1.0, "kilometres": 1000.0, "miles": METRES_PER_MILE}


def create(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/v2/activities``."""
    exchange.touch(1)
    return _response(_added(exchange, exchange.object()))


def create_many(exchange: Exchange) -> list[int]:
    """``POST /api/v2/activities/many``: the ids; see switch ``many_activities``."""
    requests = exchange.body()
    if not isinstance(requests, list) or not all(isinstance(each, dict) for each in requests):
        raise Refusal(400, "The body must be an array of objects.")
    tenant, actor = exchange.tenant, exchange.actor
    records = [tenant.visible(str(each.get("dataObjectId") or ""), actor) for each in requests]
    if tenant.declared["many_activities"] == "until_error":
        kept = [
            tenant.logbook.add(record, each, actor)
            for record, each in zip(records, requests, strict=True)
        ]
    else:
        drafts = [
            tenant.logbook.draft(record, each, actor)
            for record, each in zip(records, requests, strict=True)
        ]
        kept = [tenant.logbook.keep(draft, actor) for draft in drafts]
    exchange.touch(len(kept))
    return [activity.id for activity in kept]


def read(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/v2/activities/{activityId}``."""
    exchange.touch(1)
    return _response(_activity(exchange))


def replace(exchange: Exchange) -> dict[str, Any]:
    """``PUT /api/v2/activities/{activityId}``: planned ones only."""
    return _changed(exchange, whole=True)


def patch(exchange: Exchange) -> dict[str, Any]:
    """``PATCH /api/v2/activities/{activityId}``: a merge patch."""
    return _changed(exchange, whole=False)


def historical(exchange: Exchange) -> dict[str, Any]:
    """``GET`` and ``POST /api/DataObjects/{dataObjectId}/activities/historical``: newest first."""
    tenant = exchange.tenant
    record = tenant.visible(exchange.path("dataObjectId"), exchange.actor)
    wanted = {part.strip() for part in (exchange.query("activityTemplateIds") or "").split(",")}
    if exchange.raw:
        wanted = {str(each) for each in exchange.object().get("activityTemplateIds") or ("",)}
    done = [
        row
        for row in tenant.store.logged_on(record.id)
        if row.done and (wanted == {""} or str(row.template_id) in wanted)
    ]
    cursor = exchange.object().get("scrollId") if exchange.raw else exchange.query("scrollId")
    page, scroll, _ = tenant.cursors.page(
        cursor, tenant.declared["feed_page"], lambda: [row.id for row in done[::-1]]
    )
    found = [tenant.store.activity_by_id[each] for each in page]
    exchange.touch(len(found))
    unit = tenant.declared["historical_distance"]
    return {**scroll, "items": [historical_shape(activity, unit) for activity in found]}


def one_historical(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/DataObjects/{dataObjectId}/activities/{activityId}``: a done one."""
    found = _activity(exchange)
    if not found.done or found.data_object_id != exchange.path("dataObjectId"):
        raise not_found("Activity", found.id)
    exchange.touch(1)
    return historical_shape(found, exchange.tenant.declared["historical_distance"])


def historical_shape(activity: Activity, unit: str = "metres") -> dict[str, Any]:
    """``HistoricalDataObjectActivityDto``."""
    row: dict[str, Any] = {
        "id": str(activity.id),
        "activityTemplateId": text(activity.template_id),
        "type": activity.type[0].lower() + activity.type[1:],
        "ownerId": str(activity.owner_id),
        "title": activity.title,
        "notes": activity.notes,
        "date": shown(activity.date),
        "durationSeconds": activity.duration_seconds,
        "allDay": activity.all_day,
        "resultId": text(activity.result_id),
        "email": activity.email,
        "phoneNumber": activity.phone,
        "reference": activity.reference,
        "dataObjectId": activity.data_object_id,
        "documents": [],
        "text": activity.text,
        "snippet": activity.snippet,
        "verified": activity.verified,
        "distance": None if activity.distance is None else activity.distance / _UNITS[unit],
        "appointmentId": text(activity.appointment_id),
        "access": "full",
    }
    if activity.planned is not None:
        row["plannedDate"] = shown(activity.planned)
    return row | optional(activity)


def _added(exchange: Exchange, request: dict[str, Any]) -> Activity:
    record = exchange.tenant.visible(str(request.get("dataObjectId") or ""), exchange.actor)
    return exchange.tenant.logbook.add(record, request, exchange.actor)


def _activity(exchange: Exchange) -> Activity:
    found = exchange.tenant.logbook.get(exchange.path("activityId"))
    exchange.tenant.visible(found.data_object_id, exchange.actor)
    return found


def _changed(exchange: Exchange, *, whole: bool) -> dict[str, Any]:
    request = exchange.object()
    if not isinstance(request, dict):
        raise Refusal(400, "The body must be an object.")
    found = _activity(exchange)
    exchange.touch(1)
    return _response(exchange.tenant.logbook.change(found, request, exchange.actor, whole=whole))


def _response(activity: Activity) -> dict[str, Any]:
    """``ActivityResponse``."""
    row: dict[str, Any] = {
        "id": str(activity.id),
        "dataObjectId": activity.data_object_id,
        "type": activity.type[0].lower() + activity.type[1:],
        "done": activity.done,
        "isNote": activity.type == "Note",
        "activityTemplateId": text(activity.template_id),
        "resultId": text(activity.result_id),
        "ownerId": str(activity.owner_id),
        "title": activity.title,
        "notes": activity.notes,
        "date": shown(activity.date),
        "duration": activity.duration,
        "durationSeconds": activity.duration_seconds,
        "allDay": activity.all_day,
        "allDayDate": activity.all_day_date,
        "email": activity.email,
        "phoneNumber": activity.phone,
        "reference": activity.reference,
        "isRead": activity.is_read,
        "activityLat": activity.lat,
        "activityLng": activity.lng,
        "mobileId": activity.mobile_id,
        "autoExecution": False,
        "verified": activity.verified,
        "appointmentId": text(activity.appointment_id),
    }
    return row | optional(activity)


def optional(activity: Activity) -> dict[str, Any]:
    """The keys that an activity shows only where they say something."""
    found = {
        "transition": activity.transition,
        "ownerChanged": activity.owner_changed,
        "direction": activity.direction,
    }
    return {key: given for key, given in found.items() if given is not None}


def text(number: int | None) -> str | None:
    """An id as most shapes show it."""
    return None if number is None else str(number)
