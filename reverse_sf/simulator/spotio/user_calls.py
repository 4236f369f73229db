"""Operations on users.

What is known: e-mails are unique, ``PUT`` takes the whole user, users are blocked and never deleted
(SPOTIO OpenAPI file); users that a Salesforce sync makes are read-only, not billed, and not invited
(spotio_api.md 4.5). How a blocked user comes back and what a missing key of a PUT means are
switches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.spotio.records import Member, shown
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reverse_sf.simulator.spotio.exchange import Exchange
    from reverse_sf.simulator.spotio.tenant import Tenant

_ROLES = ("Admin", "Manager", "Sales")
_CHANGED = {
    "email": "email",
    "firstName": "first",
    "lastName": "last",
    "role": "role",
    "externalSystemUserId": "external_id",
    "isReadonly": "readonly",
    "phone": "phone",
    "timezone": "timezone",
    "visible": "visible",
    "visibleInReports": "in_reports",
    "territoryGlobalAccess": "everywhere",
    "territoryIds": "territories",
}
_BLANK: Mapping[str, Any] = {
    **dict.fromkeys(("firstName", "lastName"), ""),
    **dict.fromkeys(("externalSystemUserId", "phone", "timezone")),
    "territoryIds": [],
    **dict.fromkeys(("isReadonly", "visible", "visibleInReports", "territoryGlobalAccess"), False),
}
"""What a whole user that lacks a key has in its place."""
_FLAGS = frozenset({"isReadonly", "visible", "visibleInReports", "territoryGlobalAccess"})
_V2_PAGE, _SEARCH_PAGE, _DETAILS_PAGE = 20, 50, 50


def token(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/users/apitoken``."""
    tenant = exchange.tenant
    issued = tenant.tokens.issue(
        exchange.object(), tenant.store.members, tenant.declared["login_status"]
    )
    return {"accessToken": issued}


def users(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/users``: all of them, unpaged."""
    wanted = {"territoryIds": exchange.query("territoryIds")}
    found = [_user(member) for member in _selected(exchange, wanted)]
    exchange.touch(len(found))
    return found


def list_users(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/v2/users/list``."""
    tenant = exchange.tenant
    wanted = {
        key: exchange.query(key)
        for key in ("q", "statuses", "roles", "userIds", "territoryIds", "visible")
    }
    ids, scroll, _ = tenant.cursors.page(
        exchange.query("scrollId"),
        exchange.number("pageSize", _V2_PAGE),
        lambda: [member.id for member in _selected(exchange, wanted)],
    )
    exchange.touch(len(ids))
    return {**scroll, "items": [_user(tenant.store.members[number]) for number in ids]}


def user_details(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/users/details``: a bare array whose pages the ``scrollId`` numbers."""
    start = exchange.query("scrollId") or "0"
    if not start.isdigit():
        raise Refusal(400, {"scrollId": "scrollId is not valid."})
    wanted = {
        "q": exchange.query("query"),
        "statuses": exchange.query("status"),
        "territoryIds": exchange.query("territoryId"),
        "teamId": exchange.query("teamId"),
    }
    found = list(_selected(exchange, wanted))[int(start) : int(start) + _DETAILS_PAGE]
    exchange.touch(len(found))
    return [_user(member) for member in found]


def search_users(exchange: Exchange) -> dict[str, Any]:
    """``GET`` and ``POST /api/users/search``, whose ``scrollId`` is an integer."""
    request, found = _searched(exchange)
    size = int(request.get("pageSize") or _SEARCH_PAGE)
    start = str(request.get("scrollId") or 0)
    if not start.isdigit():
        raise Refusal(400, {"scrollId": "scrollId is not valid."})
    end = int(start) + size
    page = found[int(start) : end]
    exchange.touch(len(page))
    return {
        "scrollId": end if end < len(found) else None,
        "items": [_user(member) for member in page],
    }


def count_users(exchange: Exchange) -> dict[str, int]:
    """``GET`` and ``POST /api/users/search/totalCount``."""
    return {"userCount": len(_searched(exchange)[1])}


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
    """``POST /api/Users``: invited, unless the user is read-only."""
    _administrator(exchange)
    exchange.touch(1)
    return _details(exchange.tenant, created(exchange.tenant, exchange.object(), exchange.actor))


def created(tenant: Tenant, request: Mapping[str, Any], actor: Member) -> Member:
    """Add a user.

    Raises:
        Refusal: a value is not accepted, or no licence is left.
    """
    now = tenant.diary.now()
    member = Member(
        id=max(tenant.store.members) + 1,
        email="",
        first="",
        last="",
        role="Sales",
        created=now,
        inviter=actor.id,
    )
    given = {key: value for key, value in request.items() if value is not None}
    member = _changed(tenant, member, given)
    if not member.readonly:
        member.status, member.invited = tenant.declared["invited_status"], now
    tenant.store.save_member(member)
    return member


def change_user(exchange: Exchange) -> bool:
    """``PUT /api/users/{id}``; see switches ``user_put`` and ``user_restore``."""
    _administrator(exchange)
    tenant, request, member = exchange.tenant, exchange.object(), _member(exchange)
    if tenant.declared["user_put"] == "whole":
        missing = [key for key in ("email", "role") if not request.get(key)]
        if missing:
            raise Refusal(VALIDATION, {key: f"{key} is required." for key in missing})
        request = {**_BLANK, **request}
    changed = _changed(tenant, member, request)
    if request.get("suspended") is not None and tenant.declared["user_restore"] == "put":
        changed.suspended = bool(request["suspended"])
    tenant.store.save_member(changed)
    exchange.touch(1)
    return True


def block_user(exchange: Exchange) -> bool:
    """``POST /api/users/{id}/block``; under one setting of ``user_restore`` it unblocks as well."""
    _administrator(exchange)
    tenant, member = exchange.tenant, _member(exchange)
    restores = member.suspended and tenant.declared["user_restore"] == "block"
    changed = msgspec.structs.replace(member, suspended=not restores, updated=tenant.diary.now())
    tenant.store.save_member(changed)
    exchange.touch(1)
    return True


def invite_user(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/users/{id}/invite``."""
    _administrator(exchange)
    tenant, member = exchange.tenant, _member(exchange)
    if member.suspended:
        raise Refusal(VALIDATION, "A suspended user cannot be invited.")
    now = tenant.diary.now()
    changed = msgspec.structs.replace(
        member, status=tenant.declared["invited_status"], invited=now, updated=now
    )
    tenant.store.save_member(changed)
    exchange.touch(1)
    return {**_details(tenant, changed), "salesforceEnabled": changed.external_id is not None}


def _changed(tenant: Tenant, member: Member, request: Mapping[str, Any]) -> Member:
    """The user with the request's values.

    Raises:
        Refusal: with all that is wrong.
    """
    errors: dict[str, str] = {}
    changes = {
        _CHANGED[key]: bool(given) if key in _FLAGS else given
        for key, given in request.items()
        if key in _CHANGED
    }
    if "role" in changes:
        changes["role"] = _role(tenant, changes["role"], errors)
    if "territories" in changes:
        changes["territories"] = _territories(tenant, changes["territories"], errors)
    changed = msgspec.structs.replace(member, updated=tenant.diary.now(), **changes)
    others = [row for row in tenant.store.members.values() if row.id != member.id]
    _check_email(changed, others, errors)
    unique = tenant.declared["user_external_ids"] == "unique"
    if unique and changed.external_id in {row.external_id for row in others if row.external_id}:
        errors["externalSystemUserId"] = "External system user id has to be unique."
    licences = tenant.declared["licences"]
    billed = sum(not row.readonly and not row.suspended for row in others)
    if licences is not None and not changed.readonly and billed >= licences:
        errors["isReadonly"] = "There is no licence left."
    if errors:
        raise Refusal(VALIDATION, errors)
    return changed


def _check_email(changed: Member, others: Iterable[Member], errors: dict[str, str]) -> None:
    head, at, domain = str(changed.email or "").partition("@")
    if not (head and at and domain) or " " in changed.email:
        errors["email"] = "Email is not valid."
    elif any(row.email.lower() == changed.email.lower() for row in others):
        errors["email"] = "Email has to be unique."


def _role(tenant: Tenant, given: Any, errors: dict[str, str]) -> str:
    known = (*_ROLES, tenant.declared["fourth_role"])
    found = next((role for role in known if role and role.lower() == str(given).lower()), None)
    if found is None:
        errors["role"] = f"Role {given} does not exist."
    return found or ""


def _territories(tenant: Tenant, given: Any, errors: dict[str, str]) -> list[int]:
    known = {str(number): number for number in tenant.store.territories}
    asked = [str(each) for each in given or ()]
    unknown = [each for each in asked if each not in known]
    if unknown:
        errors["territoryIds"] = f"Territory with id: {unknown[0]} does not exist."
    return [known[each] for each in asked if each in known]


def _searched(exchange: Exchange) -> tuple[Mapping[str, Any], list[Member]]:
    request = exchange.object(optional=True) if exchange.raw else exchange.queries()
    asked = request.get("groups")
    groups = [str(each).lower() for each in asked] if isinstance(asked, list) else _split(asked)
    found = []
    for member in _selected(
        exchange, {"q": request.get("name"), "visible": request.get("visible")}
    ):
        of = {status(member), member.role.lower(), *(("readonly",) if member.readonly else ())}
        if not groups or of & set(groups):
            found.append(member)
    return request, found


def _selected(exchange: Exchange, wanted: Mapping[str, Any]) -> Iterable[Member]:
    """The users that a request means; suspended ones only where they are asked for or listed."""
    tenant = exchange.tenant
    text = str(wanted.get("q") or "").lower()
    statuses, roles, ids, territories = (
        _split(wanted.get(key)) for key in ("statuses", "roles", "userIds", "territoryIds")
    )
    visible = wanted.get("visible")
    hidden = tenant.declared["suspended_users"] == "hidden" and "suspended" not in statuses
    for member in tenant.store.members.values():
        own = {str(number) for number in member.territories}
        if (
            text in f"{member.first} {member.last} {member.email}".lower()
            and (not statuses or status(member) in statuses)
            and (not roles or member.role.lower() in roles)
            and (not ids or str(member.id) in ids)
            and (not territories or member.everywhere or own & set(territories))
            and (visible is None or member.visible == (str(visible).lower() == "true"))
            and (not wanted.get("teamId") or _in_team(tenant, member, str(wanted["teamId"])))
            and not (hidden and member.suspended)
        ):
            yield member


def _in_team(tenant: Tenant, member: Member, team_id: str) -> bool:
    team = tenant.store.teams.get(int(team_id)) if team_id.isdigit() else None
    return team is not None and member.id in team.users


def _split(text: Any) -> list[str]:
    return [part.strip().lower() for part in str(text or "").split(",") if part.strip()]


def _member(exchange: Exchange) -> Member:
    identifier = exchange.path("id")
    members = exchange.tenant.store.members
    found = members.get(int(identifier)) if identifier.isdigit() else None
    if found is None:
        # The operations declare no 404.
        raise Refusal(400, {"id": f"User with id: {identifier} does not exist."})
    return found


def _administrator(exchange: Exchange) -> None:
    if exchange.actor.role != "Admin":
        raise Refusal(403, "Only an administrator may manage users.")


def status(member: Member) -> str:
    """The state that the service shows of a user."""
    if member.suspended:
        return "suspended"
    return "readonly" if member.readonly and member.invited is None else member.status


def _user(member: Member) -> dict[str, Any]:
    """``User``."""
    return {
        "id": str(member.id),
        "email": member.email,
        "firstName": member.first,
        "lastName": member.last,
        "role": member.role,
        "status": status(member),
        "suspended": member.suspended,
        "isReadonly": member.readonly,
        "isInSalesforce": member.external_id is not None,
        "externalSystemUserId": member.external_id,
        "territoryGlobalAccess": member.everywhere,
        "visible": member.visible,
        "visibleInReports": member.in_reports,
        "userPicUrl": None,
        "chatUserId": None,
        "authorizationProvider": "spotio",
    }


def _details(tenant: Tenant, member: Member) -> dict[str, Any]:
    """``UserDetails``."""
    row: dict[str, Any] = {
        **_user(member),
        "phone": member.phone,
        "timezone": member.timezone,
        "territoryIds": [str(number) for number in member.territories],
        "teamsIds": [
            str(team.id) for team in tenant.store.teams.values() if member.id in team.users
        ],
        "createdAt": shown(member.created),
        "updatedAt": shown(member.updated),
        "invitedAt": None if member.invited is None else shown(member.invited),
        "lastLoginAt": None,
        "deletable": False,
    }
    inviter = tenant.store.members.get(member.inviter or 0)
    if inviter is not None:
        row["inviter"] = {
            "id": str(inviter.id),
            "role": inviter.role,
            "firstName": inviter.first,
            "lastName": inviter.last,
        }
    return row
