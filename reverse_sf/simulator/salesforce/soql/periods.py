"""Date literals such as ``LAST_N_DAYS:30`` as spans of days.

SOQL and SOSL Reference, "Date Formats and Date Literals". Weeks begin on Sunday, as in an
``en_US`` org; fiscal years are calendar years.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

_FIXED = {
    "YESTERDAY": (-1, 0),
    "TODAY": (0, 1),
    "TOMORROW": (1, 2),
    "LAST_90_DAYS": (-90, 1),
    "NEXT_90_DAYS": (1, 91),
}
_UNITS = {
    "DAY": "DAY",
    "WEEK": "WEEK",
    "MONTH": "MONTH",
    "QUARTER": "QUARTER",
    "YEAR": "YEAR",
    "FISCAL_QUARTER": "QUARTER",
    "FISCAL_YEAR": "YEAR",
}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


@dataclass(frozen=True)
class Span:
    """Days from ``first`` up to, but not including, ``end``."""

    first: date
    end: date


def span(word: str, number: int | None, today: date) -> Span | None:
    """The days a date literal means, seen from ``today``; None where it is no date literal."""
    word = word.upper()
    if word in _FIXED and number is None:
        before, after = _FIXED[word]
        return Span(today + timedelta(days=before), today + timedelta(days=after))
    for name, unit in _UNITS.items():
        found = _unit_span(word, name, unit, number, today)
        if found is not None:
            return found
    return None


def _unit_span(word: str, name: str, unit: str, number: int | None, today: date) -> Span | None:
    start = _start(unit, today)
    if number is None:
        steps = {f"LAST_{name}": -1, f"THIS_{name}": 0, f"NEXT_{name}": 1}
        if name == "DAY" or word not in steps:
            return None
        return Span(_step(unit, start, steps[word]), _step(unit, start, steps[word] + 1))
    if word == f"LAST_N_{name}S":
        # Days count today; larger units end before the one that is running.
        return Span(_step(unit, start, -number), _step(unit, start, 1 if unit == "DAY" else 0))
    if word == f"NEXT_N_{name}S":
        return Span(_step(unit, start, 1), _step(unit, start, number + 1))
    if word == f"N_{name}S_AGO":
        return Span(_step(unit, start, -number), _step(unit, start, 1 - number))
    return None


def _start(unit: str, day: date) -> date:
    if unit == "DAY":
        return day
    if unit == "WEEK":
        return day - timedelta(days=(day.weekday() + 1) % 7)
    width = _MONTHS[unit]
    return date(day.year, (day.month - 1) // width * width + 1, 1)


def _step(unit: str, day: date, steps: int) -> date:
    if unit == "DAY":
        return day + timedelta(days=steps)
    if unit == "WEEK":
        return day + timedelta(weeks=steps)
    months = day.year * 12 + day.month - 1 + _MONTHS[unit] * steps
    return date(months // 12, months % 12 + 1, 1)
