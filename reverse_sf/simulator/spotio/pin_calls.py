"""Operations on pins: where records are, and what the geocoder makes of an address."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio import geocoder
from reverse_sf.simulator.spotio.refusals import Refusal
from reverse_sf.simulator.spotio.shapes import small_pin

if TYPE_CHECKING:
    from reverse_sf.simulator.spotio.exchange import Exchange
    from reverse_sf.simulator.spotio.records import Pin

_NEAREST = 10


def pin(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/PinsV2/{pinId}``: the pin with its records."""
    found = _pin(exchange, exchange.path("pinId"))
    shapes, store = exchange.tenant.shapes, exchange.tenant.store
    records = store.at_pin(found.id)
    exchange.touch(len(records))
    rows = [
        {
            **shapes.at_pin(record),
            "address": found.address,
            "children": [shapes.at_pin(child) for child in store.children(record.id)],
            "totalChildren": len(store.children(record.id)),
            "scrollId": None,
        }
        for record in records
    ]
    return {**small_pin(found), "dataObjects": rows, "totalCount": len(rows), "scrollId": None}


def search_pin(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/PinsV2/search`` by place id."""
    wanted = exchange.query("placeId")
    store = exchange.tenant.store
    found = next((row for row in store.pins.values() if wanted and row.place_id == wanted), None)
    if found is None:
        raise Refusal(404)
    rows = [exchange.tenant.shapes.at_pin(record) for record in store.at_pin(found.id)]
    exchange.touch(len(rows))
    return {**small_pin(found), "dataObjects": rows, "scrollId": None}


def nearest_pins(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/PinsV2/nearest``."""
    try:
        lat, lng = (float(exchange.query(name) or "nan") for name in ("lat", "lng"))
    except ValueError:
        raise Refusal(400) from None
    if math.isnan(lat) or math.isnan(lng):
        raise Refusal(400)
    store = exchange.tenant.store
    ranked = sorted(store.pins.values(), key=lambda row: math.hypot(row.lat - lat, row.lng - lng))
    return [
        {
            "id": str(row.id),
            "lat": row.lat,
            "lng": row.lng,
            "dataObjectIds": [record.id for record in store.at_pin(row.id)],
        }
        for row in ranked[: exchange.number("limit", _NEAREST)]
    ]


def format_address(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/PinsV2/format-address``: what the geocoder would make of it."""
    request = exchange.object()
    try:
        found = geocoder.geocoded(geocoder.from_request(request))
    except ValueError as error:
        raise Refusal(400, str(error)) from error
    return {
        "id": request.get("id"),
        "lat": found.lat,
        "lng": found.lng,
        "placeId": found.place_id,
        "address": found.address,
        "street": found.street,
        "houseNumber": found.house_number,
        "zip": found.zip,
        "city": found.city,
        "state": found.state,
        "country": found.country,
    }


def _pin(exchange: Exchange, identifier: str) -> Pin:
    found = exchange.tenant.store.pins.get(int(identifier)) if identifier.isdigit() else None
    if found is None:
        raise Refusal(404)
    return found
