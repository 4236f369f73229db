"""Operations on users, teams, territories and pins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.spotio import geocoder
from reverse_sf.simulator.spotio.records import Member, shown
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal
from reverse_sf.simulator.spotio.shapes import small_pin

if TYPE_CHECKING:
    from reverse_sf.simulator.spotio.exchange import Exchange
    from reverse_sf.simulator.spotio.records import Pin

_ROLES = ("Admin", "Manager", "Sales")
_CHANGED = {
    "email": "email",
    "firstName": "first",
    "lastName": "last",
    "role": "role",
    "externalSystemUserId": "external_id",
    "isReadonly": "readonly",
    "phone": "phone",
}
_V2_PAGE, _SEARCH_PAGE, _NEAREST = 20, 50, 10


def token(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/users/apitoken``."""
    tenant = exchange.tenant
    issued = tenant.tokens.issue(
        exchange.object(), tenant.store.members, tenant.declared["login_status"]
    )
    return {"accessToken": issued}


def users(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/users``: all of them, unpaged."""
    found = [_user(member) for member in exchange.tenant.store.members.values()]
    exchange.touch(len(found))
    return found


def list_users(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/v2/users/list``."""
    tenant = exchange.tenant
    ids, scroll, _ = tenant.cursors.page(
        exchange.query("scrollId"),
        exchange.number("pageSize", _V2_PAGE),
        lambda: [member.id for member in _matching(exchange, exchange.query("q"))],
    )
    exchange.touch(len(ids))
    return {**scroll, "items": [_user(tenant.store.members[number]) for number in ids]}


def search_users(exchange: Exchange) -> dict[str, Any]:
    """``GET`` and ``POST /api/users/search``, whose ``scrollId`` is an integer."""
    request = exchange.object(optional=True) if exchange.raw else exchange.queries()
    size = exchange.number("pageSize", _SEARCH_PAGE)
    start = str(request.get("scrollId") or 0)
    found = _matching(exchange, request.get("name"))
    if not start.isdigit():
        raise Refusal(400, {"scrollId": "scrollId is not valid."})
    end = int(start) + size
    page = found[int(start) : end]
    exchange.touch(len(page))
    return {
        "scrollId": end if end < len(found) else None,
        "items": [_user(member) for member in page],
    }


def by_external_id(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/users/externalSystemUserId``."""
    wanted = exchange.query("id")
    for member in exchange.tenant.store.members.values():
        if wanted and member.external_id == wanted:
            exchange.touch(1)
            return _user(member)
    # The operation declares no 404.
    raise Refusal(400, {"id": f"User with external system id: {wanted} does not exist."})


def create_user(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/Users``."""
    _administrator(exchange)
    request, store = exchange.object(), exchange.tenant.store
    email = str(request.get("email") or "")
    if "@" not in email:
        raise Refusal(VALIDATION, {"email": "Email is not valid."})
    if any(member.email.lower() == email.lower() for member in store.members.values()):
        raise Refusal(VALIDATION, {"email": "Email has to be unique."})
    now = exchange.tenant.diary.now()
    member = Member(
        id=max(store.members) + 1,
        email=email,
        first=str(request.get("firstName") or ""),
        last=str(request.get("lastName") or ""),
        role=_role(request.get("role") or "Sales"),
        external_id=request.get("externalSystemUserId"),
        readonly=bool(request.get("isReadonly")),
        phone=request.get("phone"),
        status="invited",
        created=now,
        updated=now,
    )
    store.save_member(member)
    exchange.touch(1)
    return _details(member)


def change_user(exchange: Exchange) -> bool:
    """``PUT /api/users/{id}``."""
    _administrator(exchange)
    request, member = exchange.object(), _member(exchange)
    changes = {_CHANGED[key]: given for key, given in request.items() if key in _CHANGED}
    if "role" in changes:
        changes["role"] = _role(changes["role"])
    _save(exchange, member, **changes)
    return True


def block_user(exchange: Exchange) -> bool:
    """``POST /api/users/{id}/block``."""
    _administrator(exchange)
    _save(exchange, _member(exchange), suspended=True, status="suspended")
    return True


def invite_user(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/users/{id}/invite``."""
    _administrator(exchange)
    return _details(_save(exchange, _member(exchange), status="invited"))


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


def _matching(exchange: Exchange, text: Any) -> list[Member]:
    wanted = str(text or "").lower()
    return [
        member
        for member in exchange.tenant.store.members.values()
        if wanted in f"{member.first} {member.last} {member.email}".lower()
    ]


def _pin(exchange: Exchange, identifier: str) -> Pin:
    found = exchange.tenant.store.pins.get(int(identifier)) if identifier.isdigit() else None
    if found is None:
        raise Refusal(404)
    return found


def _member(exchange: Exchange) -> Member:
    identifier = exchange.path("id")
    members = exchange.tenant.store.members
    found = members.get(int(identifier)) if identifier.isdigit() else None
    if found is None:
        # The operations declare no 404.
        raise Refusal(400, {"id": f"User with id: {identifier} does not exist."})
    return found


def _save(exchange: Exchange, member: Member, **changes: Any) -> Member:
    changed = msgspec.structs.replace(member, updated=exchange.tenant.diary.now(), **changes)
    exchange.tenant.store.save_member(changed)
    exchange.touch(1)
    return changed


def _administrator(exchange: Exchange) -> None:
    if exchange.actor.role != "Admin":
        raise Refusal(403, "Only an administrator may manage users.")


def _role(given: Any) -> str:
    found = next((role for role in _ROLES if role.lower() == str(given).lower()), None)
    if found is None:
        raise Refusal(VALIDATION, {"role": f"Role {given} does not exist."})
    return found


def _user(member: Member) -> dict[str, Any]:
    return {
        "id": str(member.id),
        "email": member.email,
        "firstName": member.first,
        "lastName": member.last,
        "role": member.role,
        "status": member.status,
        "suspended": member.suspended,
        "isReadonly": member.readonly,
        "isInSalesforce": member.external_id is not None,
        "externalSystemUserId": member.external_id,
        "territoryGlobalAccess": True,
        "visible": True,
        "visibleInReports": True,
        "userPicUrl": None,
        "chatUserId": None,
        "authorizationProvider": "spotio",
    }


def _details(member: Member) -> dict[str, Any]:
    return {
        **_user(member),
        "phone": member.phone,
        "territoryIds": [],
        "teamsIds": [],
        "createdAt": shown(member.created),
        "updatedAt": shown(member.updated),
        "deletable": False,
    }
