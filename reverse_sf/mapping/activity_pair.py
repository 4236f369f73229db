"""How the dates and durations of activities travel: Salesforce has ways of its own with both."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from reverse_sf.mapping import canon
from reverse_sf.mapping.activities import EVENT
from reverse_sf.mapping.activity_fields import ACTIVITY_DATE, DURATION
from reverse_sf.mapping.describe import SalesforceField, SalesforceObject
from reverse_sf.mapping.kinds import Kind
from reverse_sf.mapping.values import Reason, Undefined

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.mapping.conversion import FieldConverter
    from reverse_sf.mapping.pair import PairConverter

LONGEST_EVENT = 14 * 24 * 60
"""Minutes that an event lasts at most (Object Reference, Event, DurationInMinutes)."""
ASKED_OF_EVENTS = frozenset({"ActivityDateTime", "StartDateTime", "DurationInMinutes"})
"""Without these, as far as they are mapped, an event is refused."""
_EVENT_TIMES = frozenset({"ActivityDateTime", "StartDateTime", "EndDateTime"})
"""Of an event that lasts all day these are midnight UTC, whatever the zone (same page)."""


def with_activity_values(
    pair: PairConverter, zone: str | None, facts: SalesforceObject
) -> PairConverter:
    """The compiled pair of an activity mapping, with dates in the org's zone.

    Args:
        pair: as compiled from the fields' types.
        zone: name of the zone; None is UTC.
        facts: what it was compiled from.
    """
    fields = dict(pair.fields)
    is_event = pair.mapping.salesforce == EVENT
    if ACTIVITY_DATE in fields:
        dated = _dated(fields[ACTIVITY_DATE], ZoneInfo(zone or "UTC"), is_event)
        fields[ACTIVITY_DATE] = dated if dated.field in facts.fields else _unknown(dated)
    if is_event and DURATION in fields and fields[DURATION].field == "DurationInMinutes":
        fields[DURATION] = _bounded(fields[DURATION])
    return replace(pair, fields=fields)


def kept_time(value: Any, held: Any, zone: str | None) -> Any:
    """A day that Salesforce sets, at the time of day that the activity has already.

    Args:
        value: what SPOTIO is to hold, a day.
        held: what it holds, a moment where the activity does not last all day.
        zone: the org's zone, in which the day is meant.
    """
    if not canon.is_day(value) or not canon.is_instant(held):
        return value
    there = ZoneInfo(zone or "UTC")
    then = _moment(held).astimezone(there)
    return _spelled(datetime.combine(date.fromisoformat(value), then.time(), there))


def _dated(one: FieldConverter, zone: ZoneInfo, is_event: bool) -> FieldConverter:  # noqa: FBT001 -- private
    kind = one.salesforce_kind
    own_time = is_event and one.field in _EVENT_TIMES
    limit = one.to_salesforce

    def canonical(value: Any) -> Any:
        text = canon.text(value)
        return text if canon.is_day(text) else canon.instant(value)

    def to_salesforce(value: Any) -> Any:
        value = canonical(value)
        if canon.is_instant(value) and kind is Kind.DATE:
            value = _moment(value).astimezone(zone).date().isoformat()
        elif canon.is_day(value) and kind is Kind.INSTANT:
            day = date.fromisoformat(value)
            begins = timezone.utc if own_time else zone
            value = _spelled(datetime.combine(day, time(), begins))
        if kind in {Kind.DATE, Kind.INSTANT}:
            return one.canon_salesforce(value)
        return limit(value)

    def to_spotio(value: Any) -> Any:
        return canonical(one.canon_salesforce(value))

    def agrees(spotio: Any, salesforce: Any) -> bool:
        ours, theirs = canonical(spotio), one.canon_salesforce(salesforce)
        if ours is None or theirs is None:
            return ours is theirs
        return bool(to_salesforce(ours) == theirs or to_spotio(theirs) == ours)

    return replace(
        one,
        canon_spotio=canonical,
        to_salesforce=to_salesforce,
        to_spotio=to_spotio,
        agrees=agrees,
    )


def _unknown(one: FieldConverter) -> FieldConverter:
    """Of a field of the org's own nobody has told yet whether it holds a date or a moment."""
    words = (
        f"whether {one.field} holds a date or a moment is not known yet: target-salesforce tells"
        " it with its first run"
    )
    undefined = Undefined(Reason.TYPE_MISMATCH, words)

    def to_salesforce(value: Any) -> Any:
        return None if value is None else undefined

    return replace(one, to_salesforce=to_salesforce)


def _bounded(one: FieldConverter) -> FieldConverter:
    convert: Callable[[Any], Any] = one.to_salesforce

    def to_salesforce(value: Any) -> Any:
        image = convert(value)
        if isinstance(image, (int, float)) and image > LONGEST_EVENT:
            words = (
                f"the activity lasts {image:g} minutes, and an event in Salesforce at most"
                f" {LONGEST_EVENT} (14 days): shorten it in SPOTIO, or map it to a Task"
            )
            return Undefined(Reason.OUT_OF_RANGE, words)
        return image

    return replace(one, to_salesforce=to_salesforce)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:19]).replace(tzinfo=timezone.utc)


def _spelled(at: datetime) -> str:
    return f"{at.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}Z"


def standard_object(name: str) -> SalesforceObject:
    """What every org has of Task and Event, for as long as nobody has told more of this one.

    Types and lengths are those of a describe; a field that is not here is one of the org's own.
    """
    of_both = {
        "Subject": ("combobox", 255),
        "Description": ("textarea", 32_000),
        "ActivityDate": ("date", 0),
    }
    own = _OF_EVENTS if name == EVENT else _OF_TASKS
    return SalesforceObject(
        name,
        {
            field: SalesforceField(
                field, type=kind, length=length, nillable=True, createable=True, updateable=True
            )
            for field, (kind, length) in {**of_both, **own}.items()
        },
    )


_OF_TASKS = {
    "Status": ("picklist", 255),
    "Priority": ("picklist", 255),
    "CallType": ("picklist", 255),
    "CallDurationInSeconds": ("int", 0),
    "CallDisposition": ("string", 255),
    "CallObject": ("string", 255),
    "TaskSubtype": ("picklist", 40),
}
_OF_EVENTS = {
    "ActivityDateTime": ("datetime", 0),
    "StartDateTime": ("datetime", 0),
    "EndDateTime": ("datetime", 0),
    "DurationInMinutes": ("int", 0),
    "IsAllDayEvent": ("boolean", 0),
    "Location": ("string", 255),
    "ShowAs": ("picklist", 40),
    "EventSubtype": ("picklist", 40),
}
