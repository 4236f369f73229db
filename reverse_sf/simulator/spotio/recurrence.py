"""When the occurrences of a recurring appointment begin ("Equivalent to RRule", OpenAPI file)."""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from itertools import count, islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reverse_sf.simulator.spotio.records import from_ticks, read_ticks, to_ticks
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PERIODS = ("none", "seconds", "minutes", "hours", "days", "weeks", "months", "years")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCKED = {"seconds": 1, "minutes": 60, "hours": 3600}
_MONTHS = 12
MOST = 1000
"""Occurrences that are looked at of a series without an end."""


def checked(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition in its canonical form.

    Raises:
        Refusal: with all that is wrong.
    """
    errors: dict[str, str] = {}
    period = str(definition.get("periodicity") or "none").lower()
    if period not in PERIODS:
        errors["recurringDefinition.periodicity"] = f"Periodicity {period} does not exist."
    interval = definition.get("interval", 1)
    if not isinstance(interval, int) or isinstance(interval, bool) or interval < 1:
        errors["recurringDefinition.interval"] = "The interval must be a positive number."
    days = [str(day).lower() for day in definition.get("repeatOn") or ()]
    if not set(days) <= set(DAYS):
        errors["recurringDefinition.repeatOn"] = "A day of the week does not exist."
    number = definition.get("count")
    if number is not None and (not isinstance(number, int) or number < 1):
        errors["recurringDefinition.count"] = "The count must be a positive number."
    until = definition.get("until")
    if until is not None:
        try:
            read_ticks(str(until))
        except ValueError:
            errors["recurringDefinition.until"] = f"The value '{until}' is not valid."
    zone = definition.get("timezone")
    if zone is not None and _zone(zone) is None:
        errors["recurringDefinition.timezone"] = f"Time zone {zone} does not exist."
    if errors:
        raise Refusal(VALIDATION, errors)
    return {
        "periodicity": period,
        "interval": interval,
        "repeatOn": days or None,
        "until": None if until is None else str(until),
        "count": number,
        "timezone": zone,
    }


def starts(definition: Mapping[str, Any], first: int) -> Iterator[int]:
    """The instants at which occurrences begin, oldest first; ``first`` is the series' own start."""
    last = None
    if definition.get("until"):
        last = read_ticks(str(definition["until"]))
        if len(str(definition["until"])) == len("2026-01-01"):
            last = to_ticks(from_ticks(last) + timedelta(days=1)) - 1
    found = islice(_endless(definition, first), definition.get("count") or MOST)
    for instant in found:
        if last is not None and instant > last:
            return
        yield instant


def _endless(definition: Mapping[str, Any], first: int) -> Iterator[int]:
    zone = _zone(definition.get("timezone")) or timezone.utc
    began = from_ticks(first).astimezone(zone)
    period, interval = definition["periodicity"], definition["interval"]
    days = {DAYS.index(day) for day in definition.get("repeatOn") or ()}
    if period == "none":
        yield first
    elif period in _CLOCKED:
        step = timedelta(seconds=_CLOCKED[period] * interval)
        for number in count():
            instant = from_ticks(first) + number * step
            if not days or instant.astimezone(zone).weekday() in days:
                yield to_ticks(instant)
    else:
        clock = began.timetz().replace(tzinfo=None)
        for day in _days(period, interval, began.date(), days):
            yield _at(day, clock, zone)


def _days(period: str, interval: int, began: date, days: set[int]) -> Iterator[date]:
    for number in count():
        if period == "days":
            day = began + timedelta(days=number * interval)
            if not days or day.weekday() in days:
                yield day
        elif period == "weeks":
            monday = began - timedelta(days=began.weekday()) + timedelta(weeks=number * interval)
            for place in sorted(days or {began.weekday()}):
                if monday + timedelta(days=place) >= began:
                    yield monday + timedelta(days=place)
        else:
            months = number * interval * (_MONTHS if period == "years" else 1)
            year, month = divmod(began.month - 1 + months, _MONTHS)
            year, month = began.year + year, month + 1
            # A month that lacks the day has no occurrence.
            if year <= date.max.year and began.day <= calendar.monthrange(year, month)[1]:
                yield date(year, month, began.day)


def _at(day: date, clock: time, zone: tzinfo) -> int:
    return to_ticks(datetime.combine(day, clock, zone).astimezone(timezone.utc))


def _zone(name: Any) -> tzinfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
