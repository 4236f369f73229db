"""Activities across records: the feed of done ones, and the two exports of all of them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio import activity_filters
from reverse_sf.simulator.spotio.activity_calls import optional, text
from reverse_sf.simulator.spotio.distance import FEET_PER_METRE
from reverse_sf.simulator.spotio.records import TICKS, read_ticks, shown
from reverse_sf.simulator.spotio.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reverse_sf.simulator.spotio.exchange import Exchange
    from reverse_sf.simulator.spotio.records import Activity, Member, Record
    from reverse_sf.simulator.spotio.tenant import Tenant

_UNSUPPORTED = ("territoryId", "territoryIds")
_LABELS = {"OwnerChanged": "Owner Changed"}


def feed(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/v2/activities/feed``: done ones only, newest first unless ``SortBy`` says else."""
    sort = (exchange.query("SortBy") or "-time").lower()
    key = _sorts(exchange.tenant).get(sort.lstrip("-"))
    if key is None:
        raise Refusal(400, {"sortBy": f"The local server does not sort activities by {sort}."})
    asked = {
        "startDate": exchange.query("StartDate"),
        "endDate": exchange.query("EndDate"),
        "dataObjectTypeId": exchange.query("SingleType"),
        "filterId": exchange.query("FilterId"),
        "territoryId": exchange.query("TerritoryId"),
    }
    wanted = (exchange.query("IncludeCustomFieldIds") or "").split(",")
    page, scroll, _ = _page(
        exchange, asked, done_only=True, key=key, descending=sort.startswith("-")
    )
    return {**scroll, "items": [_fed(exchange.tenant, row, wanted) for row in page]}


def export(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/Exports/activities/data/flexible``: labels rather than ids."""
    page, scroll, _ = _page(exchange, exchange.object(optional=True))
    return {**scroll, "items": [_flexible(exchange.tenant, row) for row in page]}


def classic_export(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/Exports/activities/data``: in the words of the time when all were leads."""
    page, scroll, total = _page(exchange, exchange.object(optional=True))
    rows = [_classic(exchange.tenant, row) for row in page]
    return {**scroll, "totalCount": total, "activityList": rows}


def _page(
    exchange: Exchange,
    asked: Mapping[str, Any],
    *,
    done_only: bool = False,
    key: Callable[[Activity], Any] | None = None,
    descending: bool = False,
) -> tuple[list[Activity], dict[str, Any], int]:
    tenant, actor = exchange.tenant, exchange.actor

    def snapshot() -> list[int]:
        dated = [
            (key(activity) if key else instant, activity.id)
            for instant, activity in _selected(tenant, asked, actor)
            if activity.done or not done_only
        ]
        order = tenant.declared["activity_order"]
        found = [
            n for _, n in sorted(dated, reverse=descending or (key is None and order == "desc"))
        ]
        if key is None and order == "random":
            random.Random(len(found)).shuffle(found)  # noqa: S311 a repeatable disorder, no secret
        return found

    ids, scroll, total = tenant.cursors.page(
        exchange.query("scrollId"),
        tenant.declared["feed_page"],
        snapshot,
        window=tenant.declared["export_window"],
    )
    found = [tenant.store.activity_by_id.get(number) for number in ids]
    # Activities and records may have been deleted since the cursor was made.
    living = [row for row in found if row and row.data_object_id in tenant.store.records]
    exchange.touch(len(living))
    return living, scroll, total


def _selected(
    tenant: Tenant, asked: Mapping[str, Any], viewer: Member
) -> Iterable[tuple[int, Activity]]:
    """The activities that a request means, each with the instant that its dates compare.

    Raises:
        Refusal: a condition that this server does not evaluate, or a bad one.
    """
    refused = [key for key in _UNSUPPORTED if asked.get(key)]
    if refused:
        raise Refusal(400, f"The local server does not evaluate: {', '.join(refused)}.")
    start, end = _instant(asked, "startDate"), _instant(asked, "endDate")
    users = {str(number) for number in asked.get("userIds") or ()}
    type_id = str(asked.get("dataObjectTypeId") or "")
    saved = tenant.filters.get(str(asked["filterId"])) if asked.get("filterId") else None
    tests = activity_filters.tests(saved, viewer) if saved is not None else []
    attribute = tenant.declared["activity_dates"]
    if tenant.declared["activity_period"] == "exclusive":
        start, end = start and start + 1, end and end - 1
    settled = tenant.diary.now() - int(tenant.declared["activity_delay_s"] * TICKS)
    for activity in tenant.store.activity_by_id.values():
        record = tenant.store.records.get(activity.data_object_id)
        if record is None or (viewer.limited and record.owner_id != viewer.id):
            continue
        if activity.created > settled:
            continue
        instant = getattr(activity, attribute)
        if (
            (start is None or instant >= start)
            and (end is None or instant <= end)
            and (not users or str(activity.owner_id) in users)
            and type_id in ("", str(record.type_id))
            and all(test(activity, record) for test in tests)
        ):
            yield instant, activity


def rows(
    tenant: Tenant, asked: Mapping[str, Any], viewer: Member
) -> list[tuple[dict[str, Any], bool]]:
    """What an export of activities has, and of each whether it is done.

    Raises:
        Refusal: as for the feeds.
    """
    found = sorted((at, one.id) for at, one in _selected(tenant, asked, viewer))
    kept = [tenant.store.activity_by_id[number] for _, number in found]
    return [(_flexible(tenant, one), one.done) for one in kept]


def _sorts(tenant: Tenant) -> Mapping[str, Callable[[Activity], Any]]:
    """What the feed can be sorted by."""

    def record(one: Activity) -> Record:
        return tenant.store.records[one.data_object_id]

    def address(one: Activity) -> str:
        pin = tenant.store.pins.get(record(one).pin_id or 0)
        return (pin.address if pin else None) or ""

    return {
        "time": lambda one: getattr(one, tenant.declared["activity_dates"]),
        "schedule": lambda one: one.planned or 0,
        "activity": lambda one: one.template_id or 0,
        "status": lambda one: record(one).stage_id,
        "address": address,
        "visitcount": lambda one: record(one).visits,
        "callcount": lambda one: record(one).calls,
    }


def _instant(asked: Mapping[str, Any], key: str) -> int | None:
    if not asked.get(key):
        return None
    try:
        return read_ticks(str(asked[key]))
    except ValueError:
        raise Refusal(400, {key: f"The value '{asked[key]}' is not valid."}) from None


def _fed(tenant: Tenant, activity: Activity, wanted: list[str]) -> dict[str, Any]:
    """``ActivityFeedDto``."""
    row: dict[str, Any] = {
        "id": str(activity.id),
        "activityTemplateId": text(activity.template_id),
        "type": activity.type[0].lower() + activity.type[1:],
        "done": activity.done,
        "isNote": activity.type == "Note",
        "ownerId": str(activity.owner_id),
        "date": shown(activity.date),
        "allDay": activity.all_day,
        "resultId": text(activity.result_id),
        "verified": activity.verified,
        "distance": activity.distance,
        "text": activity.text,
        "snippet": activity.snippet,
        "duration": activity.duration,
        "durationSeconds": activity.duration_seconds,
        "title": activity.title,
        "notes": activity.notes,
        "email": activity.email,
        "phoneNumber": activity.phone,
        "reference": activity.reference,
        "isRead": activity.is_read,
        "autoExecution": False,
        "access": "full",
        "createdAt": shown(activity.created),
        "updatedAt": shown(activity.updated),
        "dataObject": _fed_record(tenant, activity, wanted),
    }
    return row | optional(activity)


def _fed_record(tenant: Tenant, activity: Activity, wanted: list[str]) -> dict[str, Any]:
    """``DataObjectFeedDto``."""
    record = tenant.store.records[activity.data_object_id]
    fields = tenant.workflow.type(record.type_id).fields
    ids = [field.id for field in fields if "*" in wanted or str(field.id) in wanted]
    found = tenant.shapes.found(record, field_ids=ids, parent=False, external_user=False)
    pin = tenant.store.pins.get(record.pin_id or 0)
    row: dict[str, Any] = {
        "id": record.id,
        "typeId": found["typeId"],
        "name": record.name,
        "territoryId": None,
        "stageId": found["stageId"],
        "ownerId": found["ownerId"],
        "value": found["value"],
        "visitCount": record.visits,
        "callCount": record.calls,
        "address": pin.address if pin else None,
        "lat": pin.lat if pin else None,
        "lng": pin.lng if pin else None,
        "externalDataObjectId": record.external_id,
        "fields": found["fields"],
    }
    if activity.changed_field is not None:
        row["fieldDiff"] = {
            "fieldType": "detailsCustomField",
            "reference": activity.changed_field,
            "oldValue": activity.old_value,
            "newValue": activity.new_value,
        }
    return {key: given for key, given in row.items() if given is not None}


def _flexible(tenant: Tenant, activity: Activity) -> dict[str, Any]:
    """``ActivityExportItem``."""
    template = tenant.workflow.template(activity.template_id or 0)
    before, after = _owners(tenant, activity)
    return {
        **_labels(tenant, activity),
        "activityTemplateType": template.system_role if template else None,
        "previousDataObjectOwner": before,
        "newDataObjectOwner": after,
        "distanceFromTheDataObjectInFeet": _feet(activity),
        "dataObjectId": activity.data_object_id,
    }


def _classic(tenant: Tenant, activity: Activity) -> dict[str, Any]:
    """``ActivityDto``."""
    record = tenant.store.records[activity.data_object_id]
    found = tenant.shapes.found(record, field_ids=(), parent=False, external_user=False)
    pin = tenant.store.pins.get(record.pin_id or 0)
    owner = tenant.store.members.get(record.owner_id)
    member = tenant.store.members.get(activity.owner_id)
    before, after = _owners(tenant, activity)
    row = {
        **_labels(tenant, activity),
        "address": pin.address if pin else None,
        "previousLeadOwner": before,
        "newLeadOwner": after,
        "territory": None,
        "company": record.name,
        "value": found["value"],
        "visitCount": record.visits,
        "leadId": record.id,
        "leadOwnerEmail": owner.email if owner else None,
        "leadOwnerExternalUserId": owner.external_id if owner else None,
        "activityOwnerEmail": member.email if member else None,
        "contacts": [],
        "visitVerificationInMeter": activity.distance,
        "visitVerificationInFeet": _feet(activity),
    }
    changed = _changed_field(tenant, record, activity)
    return row if changed is None else {**row, "field": changed}


def _labels(tenant: Tenant, activity: Activity) -> dict[str, Any]:
    """What both exports show alike."""
    record = tenant.store.records[activity.data_object_id]
    record_type = tenant.workflow.type(record.type_id)
    stages = {str(stage.id): stage.name for stage in record_type.stages}
    moved = activity.transition or {}
    template = tenant.workflow.template(activity.template_id or 0)
    results = dict(template.results) if template else {}
    member = tenant.store.members.get(activity.owner_id)
    kind = _LABELS.get(activity.type, activity.type)
    return {
        "id": str(activity.id),
        "activityDate": shown(activity.date),
        "owner": _name(member),
        "latitude": activity.lat,
        "longitude": activity.lng,
        "title": activity.title,
        "notes": activity.notes,
        "activityType": template.name if template else kind,
        "fromStage": stages.get(str(moved.get("fromStageId"))),
        "toStage": stages.get(str(moved.get("toStageId"))),
        "result": results.get(activity.result_id or 0),
        "duration": activity.duration or 0,
        "direction": activity.direction,
        "content": activity.text if activity.text is not None else activity.snippet,
        "activityOwnerExternalUserId": member.external_id if member else None,
        "createdAt": shown(activity.created),
        "updatedAt": shown(activity.updated),
    }


def _owners(tenant: Tenant, activity: Activity) -> tuple[str | None, str | None]:
    """Names of the owners before and after."""
    change = activity.owner_changed or {}
    before, after = (
        tenant.store.members.get(int(change.get(key) or 0))
        for key in ("previousDataObjectOwnerId", "newDataObjectOwnerId")
    )
    return _name(before), _name(after)


def _changed_field(tenant: Tenant, record: Record, activity: Activity) -> dict[str, Any] | None:
    reference = activity.changed_field or ""
    if not reference.isdigit():
        return None
    field = tenant.workflow.type(record.type_id).field(int(reference))
    if field is None:
        return None
    return {
        "id": field.id,
        "name": field.name,
        "previousValue": activity.old_value,
        "value": activity.new_value,
    }


def _feet(activity: Activity) -> float | None:
    return None if activity.distance is None else round(activity.distance * FEET_PER_METRE, 2)


def _name(member: Member | None) -> str | None:
    return f"{member.first} {member.last}" if member else None
