"""Groups of the demo world: a queue, public groups in one another, and those that roles bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.oddities import BEGINNING
from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.instants import stamp
from reverse_sf.simulator.salesforce.stamps import stamps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Row = dict[str, Any]

_ADMIN = salesforce_id("005", 10)
_QUEUE, _FIELD, _CREW, _OFFICE, _EVERYBODY, _ROLES = range(6)
"""Numbers of the groups; those of the roles come last."""
_QUEUED = ("Lead", "Site__c")
"""What the queue can own."""


def rows(roles: Sequence[str]) -> Iterator[tuple[str, list[Row]]]:
    """Groups, their members, and what the queue is for.

    Field Force holds a crew, which is a group of its own, and some people; Back Office holds the
    group of a role. Nobody is a member of the role groups: a role's users are meant by it.
    """
    office = next((place for place, role in enumerate(roles) if role == "Sales Manager"), 0)
    yield "Group", _groups(roles)
    members = [
        *((_QUEUE, _user(place)) for place in range(2)),
        *((_CREW, _user(place)) for place in (2, 3, 4)),
        (_FIELD, _group(_CREW)),
        *((_FIELD, _user(place)) for place in (0, 4, 12)),
        (_OFFICE, _group(_ROLES + 2 * office)),
        (_OFFICE, _ADMIN),
    ]
    yield "GroupMember", [_member(place, *each) for place, each in enumerate(members)]
    yield "QueueSobject", [_queued(place, name) for place, name in enumerate(_QUEUED)]


def _groups(roles: Sequence[str]) -> list[Row]:
    made = [
        _row(_QUEUE, "Inside Sales", "Queue"),
        _row(_FIELD, "Field Force", "Regular"),
        _row(_CREW, "Crew North", "Regular"),
        _row(_OFFICE, "Back Office", "Regular"),
        _row(_EVERYBODY, "AllInternalUsers", "Organization"),
    ]
    for place, role in enumerate(roles):
        related = salesforce_id("00E", place)
        for step, kind in enumerate(("Role", "RoleAndSubordinates")):
            number = _ROLES + 2 * place + step
            made.append(_row(number, role, kind) | {"RelatedId": related})
    return made


def _row(number: int, name: str, kind: str) -> Row:
    return {
        "Id": _group(number),
        "Name": name,
        "DeveloperName": name.replace(" ", "_"),
        "Type": kind,
        "OwnerId": _ADMIN,
        "DoesIncludeBosses": 1,
        **_audit(),
    }


def _member(place: int, group: int, member: str) -> Row:
    return {
        "Id": salesforce_id("011", place),
        "GroupId": _group(group),
        "UserOrGroupId": member,
        "SystemModstamp": stamp(BEGINNING),
    }


def _queued(place: int, name: str) -> Row:
    return {
        "Id": salesforce_id("03g", place),
        "QueueId": _group(_QUEUE),
        "SobjectType": name,
        **{name: value for name, value in _audit().items() if not name.startswith("LastModified")},
    }


def _audit() -> Row:
    return dict(stamps(stamp(BEGINNING), _ADMIN, created=True))


def _group(number: int) -> str:
    return salesforce_id("00G", number)


def _user(place: int) -> str:
    return salesforce_id("005", place)
