"""Operations on appointments: ``/api/v2/appointments``, and the upcoming ones of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from reverse_sf.simulator.spotio.activity_calls import text
from reverse_sf.simulator.spotio.records import shown
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.spotio.exchange import Exchange
    from reverse_sf.simulator.spotio.occurrences import Occurrence
    from reverse_sf.simulator.spotio.records import Member, Record
    from reverse_sf.simulator.spotio.tenant import Tenant

MOST = 20
"""Appointments of one call (``/multiple``, OpenAPI file)."""


def create(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/v2/appointments``."""
    exchange.touch(1)
    made = added(exchange.tenant, exchange.object(), exchange.actor)
    return shape(exchange.tenant, made)


def create_multiple(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/v2/appointments/multiple``: each for itself, twenty at most."""
    requests = exchange.object().get("appointments")
    if not isinstance(requests, list) or not all(isinstance(each, dict) for each in requests):
        raise Refusal(400, {"appointments": "Appointments must be a list of objects."})
    if not 0 < len(requests) <= MOST:
        raise Refusal(VALIDATION, {"appointments": f"There must be 1 to {MOST} appointments."})
    results = []
    for place, request in enumerate(requests):
        row: dict[str, Any] = {"index": place, "success": True, "errors": []}
        try:
            made = added(exchange.tenant, request, exchange.actor)
            row["appointment"] = shape(exchange.tenant, made)
        except Refusal as refusal:
            wrong = [{"code": key, "message": said} for key, said in refusal.errors.items()]
            row |= {"success": False, "errors": wrong}
        results.append(row)
    good = sum(row["success"] for row in results)
    exchange.touch(good)
    return {"results": results, "successCount": good, "failureCount": len(results) - good}


def create_bulk(exchange: Exchange) -> Response:
    """``POST /api/v2/appointments/bulk/create``: the same one on many records, or on none."""
    request, tenant = exchange.object(), exchange.tenant
    refused = [key for key in ("polygon", "filterId", "q", "singleType") if request.get(key)]
    if refused:
        raise Refusal(400, f"The local server does not evaluate: {', '.join(refused)}.")
    wanted = request.get("appointment") or {}
    ids = [str(each) for each in request.get("dataObjectIds") or ()]
    records = [tenant.visible(each, exchange.actor) for each in ids]
    for record in records:
        tenant.appointments.add(record, wanted, exchange.actor)
    exchange.touch(len(records))
    return Response(status_code=200)


def read(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/v2/appointments/{appointmentId}``."""
    return _whole(exchange, _found(exchange))


def read_by_activity(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/v2/appointments/byActivity/{activityId}``."""
    number = exchange.path("activityId")
    if not number.isdigit():
        raise Refusal(400, {"activityId": f"The value '{number}' is not valid."})
    found = exchange.tenant.appointments.by_activity(int(number))
    exchange.tenant.visible(found.appointment.data_object_id, exchange.actor)
    return _whole(exchange, found)


def replace(exchange: Exchange) -> dict[str, Any]:
    """``PUT /api/v2/appointments/{appointmentId}``."""
    return _changed(exchange, whole=True)


def patch(exchange: Exchange) -> dict[str, Any]:
    """``PATCH /api/v2/appointments/{appointmentId}``: a merge patch."""
    return _changed(exchange, whole=False)


def upcoming(exchange: Exchange) -> dict[str, Any]:
    """``GET`` and ``POST /api/DataObjects/{dataObjectId}/appointments/upcoming``."""
    tenant = exchange.tenant
    record = tenant.visible(exchange.path("dataObjectId"), exchange.actor)
    asked = exchange.object(optional=True) if exchange.raw else {}
    templates = {int(each) for each in asked.get("activityTemplateIds") or ()}
    types = {int(each) for each in asked.get("dataObjectTypeIds") or ()}

    def snapshot() -> list[str]:
        family = [record, *tenant.store.children(record.id)]
        records = [row for row in family if row.type_id in types] if types else [record]
        found = [one for row in records for one in tenant.appointments.upcoming(row)]
        return [one.id for one in found if not templates or one.activity.template_id in templates]

    ids, scroll, _ = tenant.cursors.page(
        exchange.query("scrollId"), tenant.declared["feed_page"], snapshot
    )
    # Appointments may have been deleted since the cursor was made.
    found = [one for each in ids if (one := tenant.appointments.find(each)) is not None]
    items = [_upcoming(tenant, one) for one in found]
    exchange.touch(len(items))
    return {**scroll, "items": items}


def added(tenant: Tenant, request: Mapping[str, Any], actor: Member) -> Occurrence:
    """Make an appointment on the record that the request names.

    Raises:
        Refusal: a value is not accepted.
    """
    if not request.get("dataObjectId"):
        raise Refusal(VALIDATION, {"dataObjectId": "DataObjectId is required."})
    record = tenant.visible(str(request["dataObjectId"]), actor)
    return tenant.appointments.add(record, request, actor)


def _found(exchange: Exchange) -> Occurrence:
    found = exchange.tenant.appointments.get(exchange.path("appointmentId"))
    exchange.tenant.visible(found.appointment.data_object_id, exchange.actor)
    return found


def _changed(exchange: Exchange, *, whole: bool) -> dict[str, Any]:
    tenant = exchange.tenant
    found = _found(exchange)
    changed = tenant.appointments.change(found, exchange.object(), exchange.actor, whole=whole)
    exchange.touch(1)
    return shape(tenant, changed)


def shape(tenant: Tenant, one: Occurrence) -> dict[str, Any]:
    """``AppointmentV2``."""
    activity, appointment = one.activity, one.appointment
    record = tenant.store.records[appointment.data_object_id]
    row: dict[str, Any] = {
        "id": one.id,
        "dataObjectId": appointment.data_object_id,
        "ownerId": str(activity.owner_id),
        "date": shown(activity.date),
        "duration": activity.duration or 0,
        "title": activity.title,
        "notes": activity.notes,
        "activityId": str(activity.id) if one.stored else None,
        "allDay": activity.all_day,
        "allDayDate": activity.all_day_date,
        "done": activity.done,
        "activityTemplateId": text(activity.template_id),
        "remindBeforeInSeconds": appointment.remind_before,
        "auto": False,
        "createdById": str(appointment.created_by),
        "dataObjectTypeId": record.type_id,
        "access": "full",
        "sendInvitation": appointment.send_invitation,
        "invitationDescription": appointment.invitation,
    }
    if appointment.send_invitation:
        row["invitationStatus"] = "noreply"
    if one.series is not None:
        row["recurringDefinition"] = {**one.series.definition, "id": str(one.series.id)}
    return row


def _whole(exchange: Exchange, one: Occurrence) -> dict[str, Any]:
    """``AppointmentWithDataObject``."""
    tenant = exchange.tenant
    record = tenant.store.records[one.appointment.data_object_id]
    shown_record = _record(tenant, record)
    parent = tenant.store.records.get(record.parent_id or "")
    if parent is not None:
        shown_record["parent"] = _record(tenant, parent)
    exchange.touch(1)
    return {
        **shape(tenant, one),
        "updatedAt": shown(one.appointment.updated),
        "updatedById": one.appointment.updated_by,
        "dataObject": shown_record,
    }


def _record(tenant: Tenant, record: Record) -> dict[str, Any]:
    pin = tenant.store.pins.get(record.pin_id or 0)
    return {
        "id": record.id,
        "typeId": str(record.type_id),
        "stageId": str(record.stage_id),
        "externalDataObjectId": record.external_id,
        "territoryId": None,
        "name": record.name,
        "address": pin.address if pin else None,
        "phones": tenant.shapes.texts(record, "Phone"),
        "emails": tenant.shapes.texts(record, "Email"),
    }


def _upcoming(tenant: Tenant, one: Occurrence) -> dict[str, Any]:
    """``UpcomingDataObjectAppointmentDto``."""
    record = tenant.store.records[one.appointment.data_object_id]
    full = shape(tenant, one)
    kept = (
        *("id", "activityTemplateId", "ownerId", "title", "notes", "date", "duration", "allDay"),
        *("allDayDate", "remindBeforeInSeconds", "activityId", "access", "sendInvitation"),
        *("invitationStatus", "invitationDescription", "recurringDefinition"),
    )
    of = _record(tenant, record)
    about = {key: of[key] for key in ("id", "typeId", "stageId", "name", "address")}
    original = one.appointment.original
    return {
        **{key: full[key] for key in kept if key in full},
        "durationSeconds": (one.activity.duration or 0) * 60,
        "phoneNumber": one.activity.phone,
        "email": one.activity.email,
        "originalStartDate": None if original is None else shown(original),
        "autoExecution": False,
        "dataObject": {**about, "phones": of["phones"], "emails": of["emails"]},
    }
