"""Operations on records: ``/api/DataObjects``, search, filters and the export feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from reverse_sf.simulator.spotio.records import read_ticks
from reverse_sf.simulator.spotio.refusals import Refusal

if TYPE_CHECKING:
    from reverse_sf.simulator.spotio.exchange import Exchange
    from reverse_sf.simulator.spotio.records import Record


def create(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/DataObjects``."""
    body = exchange.object()
    request = body.get("dataObject")
    if not isinstance(request, dict):
        raise Refusal(400, {"dataObject": "The dataObject field is required."})
    tenant, actor = exchange.tenant, exchange.actor
    record = tenant.create(request, actor)
    if isinstance(body.get("activity"), dict):
        tenant.logbook.add(record, body["activity"], actor)
        record = tenant.writing.existing(record.id)
    exchange.touch(1)
    return tenant.shapes.with_parent(record, actor)


def read(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/DataObjects/{dataObjectId}``."""
    record = _record(exchange)
    exchange.touch(1)
    return exchange.tenant.shapes.with_parent(record, exchange.actor)


def many(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/DataObjects/many``: those that exist and may be seen, without their parents."""
    wanted = (exchange.query("dataObjectsIds") or "").split(",")
    store, actor = exchange.tenant.store, exchange.actor
    found = [
        record
        for identifier in dict.fromkeys(text.strip() for text in wanted)
        if (record := store.records.get(identifier)) is not None
        and (not actor.limited or record.owner_id == actor.id)
    ]
    exchange.touch(len(found))
    return [exchange.tenant.shapes.data_object(record, actor) for record in found]


def patch(exchange: Exchange) -> dict[str, Any]:
    """``PATCH /api/DataObjects/{dataObjectId}/jsonp``."""
    record = exchange.tenant.patch(
        _record(exchange),
        exchange.body(),
        exchange.actor,
        validate_required=exchange.flag("validateRequiredFields", default=True),
    )
    exchange.touch(1)
    return exchange.tenant.shapes.data_object(record, exchange.actor)


def patch_with_activity(exchange: Exchange) -> dict[str, Any]:
    """``PATCH /api/DataObjects/{dataObjectId}/jsonp/withActivity``: both, or neither is done."""
    tenant, actor, body = exchange.tenant, exchange.actor, exchange.object()
    record = _record(exchange)
    logged = body.get("activity")
    draft = tenant.logbook.draft(record, logged, actor) if isinstance(logged, dict) else None
    required = exchange.flag("validateRequiredFields", default=True)
    tenant.patch(record, body.get("dataObject") or [], actor, validate_required=required)
    if draft is not None:
        tenant.logbook.keep(draft, actor)
    exchange.touch(1)
    return tenant.shapes.data_object(tenant.writing.existing(record.id), actor)


def delete(exchange: Exchange) -> Response:
    """``DELETE /api/DataObjects/{dataObjectId}``."""
    request = exchange.object(optional=True)
    actor = exchange.actor
    record = _record(exchange)
    if actor.limited:
        raise Refusal(403, "You are not allowed to delete data objects.")
    exchange.touch(exchange.tenant.succession.delete(record, actor, request))
    return Response(status_code=200)


def move(exchange: Exchange) -> Response:
    """``POST /api/DataObjects/move``."""
    body = exchange.object()
    moves = [entry for entry in body.get("dataObjects") or () if isinstance(entry, dict)]
    for entry in moves:
        exchange.tenant.visible(str(entry.get("id")), exchange.actor)
    pin_id = str(body.get("pinId") or "0")
    count = exchange.tenant.writing.move(
        moves, int(pin_id) if pin_id.isdigit() else 0, exchange.actor
    )
    exchange.touch(count)
    return Response(status_code=200)


def deleted(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/DataObjects/deleted``, oldest deletion first."""
    tenant, actor = exchange.tenant, exchange.actor
    start, end = _instant(exchange, "startDate"), _instant(exchange, "endDate")

    def snapshot() -> list[str]:
        found = [
            (deletion.at, deletion.record.id)
            for deletion in tenant.store.deletions.values()
            if (tenant.declared["merged_in_deleted"] or deletion.merged_into is None)
            and (tenant.declared["permanent_in_deleted"] or not deletion.permanently)
            and (start is None or deletion.at >= start)
            and (end is None or deletion.at <= end)
            and (not actor.limited or deletion.record.owner_id == actor.id)
        ]
        return [identifier for _, identifier in sorted(found)]

    size = tenant.declared["feed_page"]
    ids, scroll, _ = tenant.cursors.page(exchange.query("scrollId"), size, snapshot)
    exchange.touch(len(ids))
    deletions = (tenant.store.deletions[identifier] for identifier in ids)
    return {**scroll, "deletedDataObjects": [tenant.shapes.deleted(row) for row in deletions]}


def duplicates(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/DataObjects/{dataObjectId}/duplicatesByAddress``."""
    record, tenant = _record(exchange), exchange.tenant
    if record.pin_id is None:
        return []
    others = [row for row in tenant.store.at_pin(record.pin_id) if row.id != record.id]
    exchange.touch(len(others))
    return [tenant.shapes.simple(row) for row in others]


def export(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/Exports/dataObjects/data``."""
    tenant, actor = exchange.tenant, exchange.actor
    after = exchange.query("updatedAfter")
    ids, scroll, _ = tenant.cursors.page(
        exchange.query("scrollId"),
        tenant.declared["feed_page"],
        lambda: tenant.exported_ids(after, actor),
        window=_window(exchange),
    )
    records = _living(exchange, ids)
    exchange.touch(len(records))
    return {**scroll, "items": [tenant.shapes.exported(record) for record in records]}


def search_by_query(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/DataObjectsSearch``."""
    return _search(exchange, exchange.queries())


def search_by_body(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/DataObjectsSearch``."""
    return _search(exchange, {**exchange.queries(), **exchange.object(optional=True)})


def save_filter(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/v2/filters``."""
    return exchange.tenant.filters.save(exchange.object(), exchange.actor)


def read_filter(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/v2/filters/{filterId}``."""
    return exchange.tenant.filters.get(exchange.path("filterId"))


def _search(exchange: Exchange, request: dict[str, Any]) -> dict[str, Any]:
    tenant, actor = exchange.tenant, exchange.actor
    size = str(request.get("perPage") or tenant.declared["feed_page"])
    if not size.isdigit() or size == "0":
        raise Refusal(400, {"perPage": f"The value '{size}' is not valid."})
    ids, scroll, total = tenant.cursors.page(
        request.get("scrollId"),
        int(size),
        lambda: tenant.search.ids(request, actor, tenant.settled_before()),
        window=_window(exchange),
    )
    wanted = str(request.get("includeCustomFieldIds") or "").split(",")
    records = _living(exchange, ids)
    exchange.touch(len(records))
    items = [
        tenant.shapes.found(
            record,
            field_ids=[int(text) for text in wanted if text.strip().isdigit()],
            parent=_true(request.get("includeParentData")),
            external_user=_true(request.get("includeOwnerExternalUserId")),
        )
        for record in records
    ]
    return {**scroll, "totalCount": total, "totalValue": None, "items": items}


def _record(exchange: Exchange) -> Record:
    return exchange.tenant.visible(exchange.path("dataObjectId"), exchange.actor)


def _living(exchange: Exchange, ids: list[str]) -> list[Record]:
    records = exchange.tenant.store.records
    return [records[identifier] for identifier in ids if identifier in records]


def _window(exchange: Exchange) -> int | None:
    window = exchange.tenant.declared["export_window"]
    return None if window is None else int(window)


def _instant(exchange: Exchange, name: str) -> int | None:
    text = exchange.query(name)
    if text is None:
        return None
    try:
        return read_ticks(text)
    except ValueError:
        raise Refusal(400, {name: f"The value '{text}' is not valid."}) from None


def _true(given: Any) -> bool:
    return str(given).lower() == "true"
