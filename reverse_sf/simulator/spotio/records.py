"""What the local SPOTIO keeps: records, pins, activities, deletions, users.

Instants are ticks: tenths of a microsecond since 1970, because the service shows seven digits.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

TICKS = 10_000_000
"""Ticks of one second."""
DAY = 24 * 3600 * TICKS
TICKS_BEFORE_1970 = 621_355_968_000_000_000
"""Ticks from the year 1 to 1970: .NET counts from the former."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICRO = timedelta(microseconds=1)


class Pin(msgspec.Struct, kw_only=True):
    """A place on the map, shared by all records there."""

    id: int
    lat: float = 0.0
    lng: float = 0.0
    place_id: str | None = None
    address: str | None = None
    street: str | None = None
    house_number: str | None = None
    zip: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    short_address: str | None = None


class Record(msgspec.Struct, kw_only=True):
    """A data object; ``fields`` maps field id to text, list of options or attachment.

    Texts are canonical whatever the switches say: dates ``YYYY-MM-DD``, instants ISO 8601 in UTC
    with ``Z``, numbers plain decimals. A blank field has no entry.
    """

    id: str
    type_id: int
    stage_id: int
    owner_id: int
    created: int
    created_by: int
    updated: int
    updated_by: int
    stage_updated: int
    stage_updated_by: int
    assigned: int
    name: str = ""
    parent_id: str | None = None
    pin_id: int | None = None
    fields: dict[int, Any] = {}
    source: str | None = None
    external_id: str | None = None
    collaborators: list[int] = []
    visits: int = 0
    last_visit: int | None = None
    last_visit_result: int | None = None
    last_visit_note: str | None = None
    calls: int = 0
    last_call: int | None = None
    last_call_result: int | None = None
    last_activity: int | None = None
    last_activity_owner: int | None = None
    next_activity: int | None = None
    location: str = "unknown"


class Deletion(msgspec.Struct, kw_only=True):
    """A deleted record, with the instant and the user; ``merged_into`` is a merge's winner."""

    record: Record
    at: int
    by: int
    permanently: bool = False
    merged_into: str | None = None


class Activity(msgspec.Struct, kw_only=True):
    """Something that happened to a record: done by a person, or noted by the service itself."""

    id: int
    data_object_id: str
    type: str
    owner_id: int
    date: int
    created: int
    updated: int = 0
    template_id: int | None = None
    result_id: int | None = None
    title: str | None = None
    notes: str | None = None
    done: bool = True
    transition: dict[str, Any] | None = None
    owner_changed: dict[str, Any] | None = None
    changed_field: str | None = None
    old_value: str | None = None
    new_value: str | None = None
    duration: int | None = None
    duration_seconds: int | None = None
    all_day: bool = False
    all_day_date: str | None = None
    direction: str | None = None
    email: str | None = None
    phone: str | None = None
    reference: str | None = None
    is_read: bool | None = None
    lat: float | None = None
    lng: float | None = None
    mobile_id: str | None = None
    appointment_id: int | None = None
    planned: int | None = None
    text: str | None = None
    snippet: str | None = None
    distance: float | None = None
    verified: bool = True


class Appointment(msgspec.Struct, kw_only=True):
    """A stored appointment; the activity that belongs to it says when and what.

    ``series_id`` is the series that it belongs to, ``original`` when it began in that.
    """

    id: int
    activity_id: int
    data_object_id: str
    created_by: int
    updated: int
    updated_by: int
    remind_before: int | None = None
    invitation: str | None = None
    send_invitation: bool = False
    series_id: int | None = None
    original: int | None = None


class Series(msgspec.Struct, kw_only=True):
    """A recurring appointment: when its occurrences are, and what they have in common.

    ``gone`` are the original starts of the occurrences that were deleted.
    """

    id: int
    data_object_id: str
    definition: dict[str, Any]
    start: int
    contents: dict[str, Any]
    created_by: int
    gone: list[int] = []
    updated: int = 0


class Assignment(msgspec.Struct, kw_only=True):
    """A user who joined a team or left it, in the log of the teams."""

    id: int
    user_id: int
    team_id: int
    at: int
    by: int
    added: bool


class Team(msgspec.Struct, kw_only=True):
    """A team of users."""

    id: int
    name: str
    parent_id: int | None = None
    users: list[int] = []
    created: int = 0
    created_by: int = 0
    updated: int = 0
    updated_by: int = 0


class Territory(msgspec.Struct, kw_only=True):
    """A part of the map that users work in."""

    id: int
    title: str
    color: str = "#2f80ed"
    parent_id: int | None = None
    everywhere: bool = False
    users: list[int] = []
    polygons: list[dict[str, Any]] = []
    locations: list[Any] = []
    zips: list[str] = []
    properties: list[Any] = []
    updated: int = 0


class Member(msgspec.Struct, kw_only=True):
    """A user of the tenant."""

    id: int
    email: str
    first: str
    last: str
    role: str
    external_id: str | None = None
    suspended: bool = False
    readonly: bool = False
    status: str = "active"
    phone: str | None = None
    timezone: str | None = None
    everywhere: bool = True
    territories: list[int] = []
    visible: bool = True
    in_reports: bool = True
    inviter: int | None = None
    invited: int | None = None
    created: int = 0
    updated: int = 0

    @property
    def limited(self) -> bool:
        """Whether the user sees and changes own records only: Sales, and the fourth role."""
        return self.role not in ("Admin", "Manager")


def to_ticks(instant: datetime) -> int:
    """Ticks of an aware instant."""
    return (instant - _EPOCH) // _MICRO * 10


def from_ticks(ticks: int) -> datetime:
    """The instant, to the microsecond, in UTC."""
    return _EPOCH + timedelta(microseconds=ticks // 10)


def shown(ticks: int) -> str:
    """An instant as the service shows it: up to seven digits and an explicit offset."""
    seconds, rest = divmod(ticks, TICKS)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{rest:07d}".rstrip("0")
    return f"{text}.{fraction}+00:00" if fraction else f"{text}+00:00"


def read_ticks(text: str) -> int:
    """Ticks of an ISO 8601 instant with up to seven digits; without an offset it is UTC.

    Raises:
        ValueError: it is not an ISO 8601 instant.
    """
    plain = text.strip().replace(" ", "+").replace("Z", "+00:00").replace("z", "+00:00")
    head, point, tail = plain.partition(".")
    rest = 0
    if point:
        digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
        if not digits:
            raise ValueError(f"{text!r} is not a date-time")
        rest = int(digits[:7].ljust(7, "0"))
        plain = head + tail[len(digits) :]
    instant = datetime.fromisoformat(plain)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=timezone.utc)
    return to_ticks(instant) + rest
