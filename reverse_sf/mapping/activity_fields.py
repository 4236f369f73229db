"""What of a SPOTIO activity can be mapped: the fields of the native integration, and their meaning.

SPOTIO's own names and meanings (help article "Salesforce Integration", activities): one value each
of an activity as ``tap-spotio`` sends it. Which of them SPOTIO takes back is what its API can write
of a planned activity (``PUT`` and ``PATCH /api/v2/activities/{id}``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reverse_sf.mapping import canon
from reverse_sf.mapping.workflow import SpotioField, SpotioType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ACTIVITIES: Final = "activities"
"""The tap's stream of activities, and the record type that they are to a definition."""
APPOINTMENTS: Final = "appointments"
"""The tap's stream of what a series of appointments holds for the future; of the same shape."""

DESCRIBED: Final = "described "
"""Before an sObject's name: what target-salesforce has told of it, whose tap may never run."""

NOTE: Final = "Note"
"""The name of plain notes, which have no template."""
_PAIR = re.compile(r"(Task|Event):.+ \(.+:.+\)")
COMPLETED: Final = "Completed"
NOT_STARTED: Final = "Not Started"
NAME: Final = "Name"
STATUS: Final = "Status"
ACTIVITY_DATE: Final = "Activity Date"
DURATION: Final = "Duration"
ALL_DAY: Final = "All Day"
ACTIVITY_DONE: Final = "activity_done"
"""Reason of a value that comes too late for SPOTIO."""
TOO_LATE: Final = (
    "the activity is done, and SPOTIO lets only planned ones be changed: what Salesforce says stays"
    " in Salesforce"
)
TITLE_LENGTH: Final = 128
NOTES_LENGTH: Final = 512
"""Most characters of ``title`` and ``notes`` (OpenAPI, ``ActivityRequest``)."""


class Activity(msgspec.Struct, rename="camel", kw_only=True):
    """An activity as ``tap-spotio`` sends it; absent in SPOTIO is None."""

    id: str
    data_object_id: str | None = None
    data_object_type: str | None = None
    template: str | None = None
    template_role: str | None = None
    template_category: str | None = None
    template_type: str | None = None
    is_note: bool | None = None
    done: bool | None = None
    date: str | None = None
    all_day: bool | None = None
    all_day_date: str | None = None
    title: str | None = None
    notes: str | None = None
    duration: float | None = None
    duration_seconds: float | None = None
    owner_id: str | None = None
    owner_email: str | None = None
    owner_name: str | None = None
    result: str | None = None
    direction: str | None = None
    email: str | None = None
    phone_number: str | None = None
    text: str | None = None
    snippet: str | None = None
    verified: bool | None = None
    distance: float | None = None
    activity_lat: float | None = None
    activity_lng: float | None = None
    updated_at: str | None = None

    @property
    def name(self) -> str | None:
        """What a definition calls activities of this kind: the template's name, or Note."""
        return self.template or (NOTE if self.is_note else None)


@dataclass(frozen=True)
class ActivityField:
    """One value of an activity.

    Attributes:
        name: as the native integration names it.
        type: SPOTIO's type of a field that would hold it.
        value: reads it.
        property: what SPOTIO's API calls it where it takes it back, in a request on the activity.
        roles: only activities of these system roles have it; none means all.
        longest: characters that SPOTIO takes back.
        options: all its values, where they are fixed.
    """

    name: str
    type: str
    value: Callable[[Activity], Any]
    property: str | None = None
    roles: tuple[str, ...] = ()
    longest: int | None = None
    options: tuple[str, ...] = ()


_DIRECTIONS = {"in": "Inbound", "out": "Outbound"}
_CATEGORIES = {"inperson": "In Person", "virtual": "Virtual"}
_CALL, _TEXT, _EMAIL = ("Call",), ("Text", "OptInText"), ("Email",)


def _date(one: Activity) -> str | None:
    """When it is: a moment, or a day where it lasts all day."""
    if one.all_day and (one.all_day_date or one.date):
        return (one.all_day_date or one.date or "")[:10]
    moment: str | None = canon.instant(one.date)
    return moment


def _description(one: Activity) -> str | None:
    if one.template_role in _TEXT:
        return one.text or one.notes
    return one.notes


def _minutes(one: Activity) -> float | None:
    if one.duration is None and one.duration_seconds is not None:
        return one.duration_seconds // 60
    return one.duration


def _seconds(one: Activity) -> float | None:
    if one.duration_seconds is None and one.duration is not None:
        return one.duration * 60
    return one.duration_seconds


def _verified(one: Activity) -> str | None:
    return None if one.verified is None else str(one.verified).lower()


def _result(one: Activity) -> str | None:
    return one.result if one.done else None


def _distance(one: Activity) -> float | None:
    return one.distance if one.done else None


def _direction(one: Activity) -> str | None:
    return _DIRECTIONS.get((one.direction or "").lower())


def _of_roles(
    roles: tuple[str, ...], value: Callable[[Activity], Any]
) -> Callable[[Activity], Any]:
    return lambda one: value(one) if one.template_role in roles else None


def _not_of_calls(one: Activity) -> str | None:
    """Every template has results of its own; those of calls have a field of their own."""
    return None if one.template_role in _CALL else _result(one)


def _field(
    name: str,
    kind: str,
    value: Callable[[Activity], Any],
    property: str | None = None,  # noqa: A002 -- what the API's documents call it
    *,
    roles: tuple[str, ...] = (),
    longest: int | None = None,
    options: tuple[str, ...] = (),
) -> ActivityField:
    read = _of_roles(roles, value) if roles else value
    return ActivityField(name, kind, read, property, roles, longest, options)


FIELDS: Final[Mapping[str, ActivityField]] = MappingProxyType(
    {
        one.name: one
        for one in (
            _field(
                STATUS,
                "SingleChoice",
                lambda one: COMPLETED if one.done else NOT_STARTED,
                "done",
                options=(NOT_STARTED, COMPLETED),
            ),
            _field(ACTIVITY_DATE, "DateTime", _date, "date"),
            _field("Description", "MultiLine", _description, "notes", longest=NOTES_LENGTH),
            _field("Subject", "Text", lambda one: one.title, "title", longest=TITLE_LENGTH),
            _field("Priority", "SingleChoice", lambda _: "Normal", options=("Normal",)),
            _field(DURATION, "Number", _minutes, "duration"),
            _field("Duration In Seconds", "Number", _seconds, "durationSeconds"),
            _field("OwnerEmail", "Email", lambda one: one.owner_email),
            _field("OwnerUserName", "Text", lambda one: one.owner_name),
            _field(NAME, "Text", lambda one: one.name),
            _field("Type", "Text", lambda one: (one.template_type or "task").lower()),
            _field(
                "Category",
                "SingleChoice",
                lambda one: _CATEGORIES.get((one.template_category or "").lower()),
                options=("In Person", "Virtual"),
            ),
            _field("Distance", "Number", _distance),
            _field("Location Verified", "SingleChoice", _verified, options=("true", "false")),
            _field("Lat", "Number", lambda one: one.activity_lat),
            _field("Lng", "Number", lambda one: one.activity_lng),
            _field("VisitResult", "Text", _not_of_calls, "resultId"),
            _field("CallResult", "Text", _result, "resultId", roles=_CALL),
            _field(
                "CallPhoneNumber", "Phone", lambda one: one.phone_number, "phoneNumber", roles=_CALL
            ),
            _field("CallDirection", "Text", _direction, "direction", roles=_CALL),
            _field("Email", "Email", lambda one: one.email, "email", roles=_EMAIL),
            _field("EmailSnippet", "MultiLine", lambda one: one.snippet or one.notes, roles=_EMAIL),
            _field("EmailDirection", "Text", _direction, "direction", roles=_EMAIL),
            _field("Text", "MultiLine", lambda one: one.text or one.notes, roles=_TEXT),
            _field(
                "TextPhoneNumber", "Phone", lambda one: one.phone_number, "phoneNumber", roles=_TEXT
            ),
            _field("TextDirection", "Text", _direction, "direction", roles=_TEXT),
            _field(
                ALL_DAY,
                "SingleChoice",
                lambda one: str(bool(one.all_day)).lower(),
                options=("true", "false"),
            ),
        )
    }
)
"""Every field, by name. ``All Day`` is ours: Salesforce asks for it of events."""


def values_of(one: Activity, names: Iterable[str]) -> dict[str, Any]:
    """The values of an activity, by name; blank ones are None."""
    return {name: FIELDS[name].value(one) for name in names}


def is_of_activities(pair: str) -> bool:
    """Whether a pair's name is one of activities, such as ``Task:Call (Lead:Leads)``."""
    return _PAIR.fullmatch(pair) is not None


def activity_type() -> SpotioType:
    """The record type that activities are to a definition."""
    return SpotioType(
        id=ACTIVITIES,
        name=ACTIVITIES,
        fields=tuple(
            SpotioField(
                id=one.name,
                label=one.name,
                type=one.type,
                options=one.options,
                read_only=one.property is None,
                max_length=one.longest,
            )
            for one in FIELDS.values()
        ),
    )
