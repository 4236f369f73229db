"""Operations on teams and territories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from reverse_sf.simulator.spotio.records import Assignment, Team, Territory, shown
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal, not_found, read_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.spotio.exchange import Exchange

_SORTS = {"name": "name", "createdat": "created"}
_DRAWN = {"polygons": "polygons", "locations": "locations", "zips": "zips"}


def teams(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/Teams/all``."""
    return [
        {**_small(team), "visible": True, "assignable": True}
        for team in exchange.tenant.store.teams.values()
    ]


def team_list(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/Teams/list``: those whose name has the text, in the order asked for."""
    text = (exchange.query("name") or "").lower()
    asked = exchange.query("sortBy") or "name"
    attribute = _SORTS.get(asked.lstrip("-").lower())
    if attribute is None:
        raise Refusal(400, {"sortBy": f"Sorting by {asked} is not supported."})
    found = [row for row in exchange.tenant.store.teams.values() if text in row.name.lower()]
    found.sort(key=lambda row: (getattr(row, attribute), row.id), reverse=asked.startswith("-"))
    rights = ("editable", "assignable", "deletable", "accessible", "visible")
    may = not exchange.actor.limited
    return [
        {
            **_small(team),
            "createdAt": shown(team.created),
            "userCount": len(team.users),
            "withinAssigned": exchange.actor.id in team.users,
            **{right: may or right in ("accessible", "visible") for right in rights},
        }
        for team in found
    ]


def team_users(exchange: Exchange) -> dict[str, list[str]]:
    """``GET /api/Teams/users``: user ids by team id."""
    rows = exchange.tenant.store.teams.values()
    return {str(team.id): [str(number) for number in team.users] for team in rows}


def team_logs(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/Teams/logs``: who joined and left teams, newest first; an integer ``scrollId``."""
    wanted = {name: exchange.query(name) for name in ("teamId", "userId")}
    start = exchange.query("scrollId") or "0"
    if not start.isdigit():
        raise Refusal(400, {"scrollId": "scrollId is not valid."})
    found = [
        row
        for row in reversed(exchange.tenant.store.assignments.values())
        if wanted["teamId"] in (None, str(row.team_id))
        and wanted["userId"] in (None, str(row.user_id))
    ]
    end = int(start) + int(exchange.tenant.declared["feed_page"])
    page = found[int(start) : end]
    exchange.touch(len(page))
    items = [
        {
            "id": str(row.id),
            "userId": str(row.user_id),
            "teamId": str(row.team_id),
            "when": shown(row.at),
            "who": str(row.by),
            "action": "added" if row.added else "removed",
            "source": "api",
        }
        for row in page
    ]
    return {"items": items, "scrollId": end if end < len(found) else None}


def read_team(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/Teams/{teamId}``."""
    return _full(_team(exchange))


def create_team(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/Teams``."""
    _administrator(exchange)
    store = exchange.tenant.store
    now = exchange.tenant.diary.now()
    number = max(store.teams, default=0) + 1
    team = Team(id=number, name="", created=now, created_by=exchange.actor.id)
    return _save_team(exchange, team, exchange.object())


def change_team(exchange: Exchange) -> dict[str, Any]:
    """``PUT /api/Teams/{teamId}``."""
    _administrator(exchange)
    return _save_team(exchange, _team(exchange), exchange.object())


def add_users(exchange: Exchange) -> Response:
    """``PUT /api/Teams/{teamId}/addUsers``."""
    _administrator(exchange)
    team = _team(exchange)
    added = _users(exchange, exchange.object())
    _save_team(exchange, team, {"usersIds": list(dict.fromkeys((*team.users, *added)))})
    return Response(status_code=200)


def delete_team(exchange: Exchange) -> Response:
    """``DELETE /api/Teams/{teamId}``; see switch ``team_children``."""
    _administrator(exchange)
    _delete(exchange, _team(exchange))
    return Response(status_code=200)


def delete_teams(exchange: Exchange) -> Response:
    """``DELETE /api/Teams/many``: all of them, or none where one is unknown."""
    _administrator(exchange)
    for team in [_known(exchange, str(each)) for each in exchange.object().get("teamsIds") or ()]:
        _delete(exchange, team)
    return Response(status_code=200)


def territories(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/Territories/all``."""
    return [_basic(exchange, row) for row in exchange.tenant.store.territories.values()]


def read_territory(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/Territories/{id}``."""
    return _whole(exchange, _territory(exchange))


def create_territory(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/Territories``."""
    _administrator(exchange)
    number = max(exchange.tenant.store.territories, default=0) + 1
    return _save_territory(exchange, Territory(id=number, title=""))


def change_territory(exchange: Exchange) -> dict[str, Any]:
    """``PUT /api/Territories/{id}``."""
    _administrator(exchange)
    return _save_territory(exchange, _territory(exchange))


def _small(team: Team) -> dict[str, Any]:
    return {"id": str(team.id), "name": team.name, "parentId": _text(team.parent_id)}


def _full(team: Team) -> dict[str, Any]:
    """``Team``."""
    return {
        **_small(team),
        "createdById": str(team.created_by),
        "createdAt": shown(team.created),
        "updatedById": str(team.updated_by),
        "updatedAt": shown(team.updated),
        "usersIds": [str(number) for number in team.users],
    }


def _team(exchange: Exchange) -> Team:
    return _known(exchange, exchange.path("teamId"))


def _known(exchange: Exchange, identifier: str) -> Team:
    team = exchange.tenant.store.teams.get(int(identifier)) if identifier.isdigit() else None
    if team is None:
        raise not_found("Team", identifier)
    return team


def _save_team(exchange: Exchange, team: Team, request: Mapping[str, Any]) -> dict[str, Any]:
    changed = msgspec.structs.replace(
        team,
        name=str(request.get("name") or team.name),
        updated=exchange.tenant.diary.now(),
        updated_by=exchange.actor.id,
    )
    if not changed.name:
        raise Refusal(VALIDATION, {"name": "Name is required."})
    if "parentId" in request:
        changed.parent_id = read_number(request["parentId"])
        _check_parent(exchange.tenant.store.teams, changed)
    if request.get("usersIds") is not None:
        changed.users = _users(exchange, request)
    _log(exchange, changed.id, team.users, changed.users)
    exchange.tenant.store.save_team(changed)
    exchange.touch(1)
    return _full(changed)


def _log(exchange: Exchange, team_id: int, before: list[int], after: list[int]) -> None:
    """Note who joined and who left."""
    store = exchange.tenant.store
    moves = [(user, False) for user in before if user not in after]
    moves += [(user, True) for user in after if user not in before]
    for user, added in moves:
        store.log_assignment(
            Assignment(
                id=len(store.assignments) + 1,
                user_id=user,
                team_id=team_id,
                at=exchange.tenant.diary.now(),
                by=exchange.actor.id,
                added=added,
            )
        )


def _delete(exchange: Exchange, team: Team) -> None:
    store = exchange.tenant.store
    now = store.teams.get(team.id)
    if now is None:
        # Gone with a team above it, of the same request.
        return
    for child in [row for row in store.teams.values() if row.parent_id == team.id]:
        if exchange.tenant.declared["team_children"] == "gone":
            _delete(exchange, child)
        else:
            store.save_team(msgspec.structs.replace(child, parent_id=now.parent_id))
    _log(exchange, team.id, now.users, [])
    store.delete_team(team.id)


def _users(exchange: Exchange, request: Mapping[str, Any], key: str = "usersIds") -> list[int]:
    members = {str(number): number for number in exchange.tenant.store.members}
    asked = [str(each) for each in request.get(key) or ()]
    unknown = [each for each in asked if each not in members]
    if unknown:
        raise Refusal(VALIDATION, {key: f"User with id: {unknown[0]} does not exist."})
    return [members[each] for each in asked]


def _check_parent(known: Mapping[int, Team | Territory], row: Team | Territory) -> None:
    """Refuse a parent that is unknown or below the row itself."""
    above = row.parent_id
    while above is not None:
        if above == row.id or above not in known:
            raise Refusal(VALIDATION, {"parentId": f"{row.parent_id} cannot be the parent."})
        above = known[above].parent_id


def _territory(exchange: Exchange) -> Territory:
    identifier = exchange.path("id")
    known = exchange.tenant.store.territories
    found = known.get(int(identifier)) if identifier.isdigit() else None
    if found is None:
        raise not_found("Territory", identifier)
    return found


def _basic(exchange: Exchange, row: Territory) -> dict[str, Any]:
    """``TerritoryBasic``."""
    users = exchange.tenant.store.members if row.everywhere else row.users
    return {
        "id": str(row.id),
        "title": row.title,
        "color": row.color,
        "parentId": _text(row.parent_id),
        "global": row.everywhere,
        "userIds": [str(number) for number in users],
        "updatedAt": shown(row.updated),
    }


def _whole(exchange: Exchange, row: Territory) -> dict[str, Any]:
    """``TerritoryFull``, without its area."""
    drawn = {key: getattr(row, attribute) for key, attribute in _DRAWN.items()}
    return {**_basic(exchange, row), **drawn}


def _save_territory(exchange: Exchange, row: Territory) -> dict[str, Any]:
    request = exchange.object()
    changed = msgspec.structs.replace(
        row,
        title=str(request.get("title") or row.title),
        color=str(request.get("color") or row.color),
        updated=exchange.tenant.diary.now(),
    )
    if not changed.title:
        raise Refusal(VALIDATION, {"title": "Title is required."})
    if "parentId" in request:
        changed.parent_id = read_number(request["parentId"])
        _check_parent(exchange.tenant.store.territories, changed)
    if request.get("userIds") is not None:
        changed.users = _users(exchange, request, "userIds")
    for key, attribute in _DRAWN.items():
        if request.get(key) is not None:
            setattr(changed, attribute, request[key])
    exchange.tenant.store.save_territory(changed)
    exchange.touch(1)
    return _whole(exchange, changed)


def _administrator(exchange: Exchange) -> None:
    if exchange.actor.limited:
        raise Refusal(403, "You are not allowed to change teams and territories.")


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
