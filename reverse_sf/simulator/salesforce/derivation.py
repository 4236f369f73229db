"""Stored fields that follow from others: names, opportunity stages, activity states."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.instants import parse_instant, stamp
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.simulator.salesforce.metadata import SObject

Row = dict[str, Any]
_MINUTES_PER_DAY = 24 * 60
_PROBABILITY = {
    "Prospecting": 10,
    "Qualification": 10,
    "Needs Analysis": 20,
    "Value Proposition": 50,
    "Id. Decision Makers": 60,
    "Perception Analysis": 70,
    "Proposal/Price Quote": 75,
    "Negotiation/Review": 90,
    "Closed Won": 100,
    "Closed Lost": 0,
}


def derive(one: SObject, old: Mapping[str, Any] | None, new: Row, now: str) -> Row:
    """The derived columns of a row about to be written.

    ``old`` is the row before, None for a new one; ``new`` the row as it will be.

    Raises:
        ApiFault: an event whose times contradict each other.
    """
    changes: Row = {}
    if one.has("FirstName") and one.has("LastName"):
        changes["Name"] = " ".join(p for p in (new.get("FirstName"), new.get("LastName")) if p)
    rule = _RULES.get(one.name)
    if rule is not None:
        changes.update(rule(old, new, now))
    if one.custom and not new.get("Name"):
        changes["Name"] = new["Id"]
    return {name: value for name, value in changes.items() if one.has(name)}


def _opportunity(old: Mapping[str, Any] | None, new: Row, now: str) -> Row:
    stage, closing = new.get("StageName"), new.get("CloseDate")
    if stage is None or closing is None:
        # An administrator hid the field.
        return {}
    changed = old is None or old["StageName"] != stage
    changes: Row = {
        "IsClosed": int(stage.startswith("Closed")),
        "IsWon": int(stage == "Closed Won"),
    }
    probability = new.get("Probability")
    if probability is None or (changed and old is not None and old["Probability"] == probability):
        probability = float(_PROBABILITY.get(stage, 50))
        changes["Probability"] = probability
    if changed:
        changes["LastStageChangeDate"] = None if old is None else now
    amount = new.get("Amount")
    changes["ExpectedRevenue"] = None if amount is None else round(amount * probability / 100, 2)
    year, quarter = int(closing[:4]), (int(closing[5:7]) + 2) // 3
    changes.update(FiscalYear=year, FiscalQuarter=quarter, Fiscal=f"{year} {quarter}")
    closed_as = "Closed" if changes["IsWon"] else "Omitted"
    category = closed_as if changes["IsClosed"] else "Pipeline"
    return changes | {"ForecastCategory": category, "ForecastCategoryName": category}


def _task(old: Mapping[str, Any] | None, new: Row, now: str) -> Row:
    closed = new.get("Status") == "Completed"
    changes: Row = {"IsClosed": int(closed), "IsHighPriority": int(new.get("Priority") == "High")}
    if closed and not (old and old.get("IsClosed")):
        changes["CompletedDateTime"] = now
    elif not closed:
        changes["CompletedDateTime"] = None
    if old is None:
        changes["TaskSubtype"] = new.get("TaskSubtype") or "Task"
    return changes | _account(new)


def _event(old: Mapping[str, Any] | None, new: Row, _now: str) -> Row:
    """Start, end and duration must agree; an all-day event lasts a day (Object Reference)."""
    start = new.get("StartDateTime")
    if old is None or old.get("StartDateTime") == start:
        due = new.get("ActivityDateTime")
        if due and (start is None or (old is not None and old.get("ActivityDateTime") != due)):
            start = due
    if start is None and new.get("ActivityDate"):
        start = f"{new['ActivityDate']}T00:00:00.000Z"
    if start is None:
        raise ApiFault(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [StartDateTime]",
            fields=("StartDateTime",),
        )
    begins = parse_instant(start)
    minutes = _duration(old, new, begins)
    changes: Row = {
        "StartDateTime": start,
        "ActivityDateTime": start,
        "ActivityDate": start[:10],
        "DurationInMinutes": minutes,
        "EndDateTime": stamp(begins + timedelta(minutes=minutes)),
    }
    changes["EndDate"] = changes["EndDateTime"][:10]
    if old is None:
        changes["EventSubtype"] = new.get("EventSubtype") or "Event"
    return changes | _account(new)


def _duration(old: Mapping[str, Any] | None, new: Row, begins: datetime) -> int:
    minutes, end = new.get("DurationInMinutes"), new.get("EndDateTime")
    if old is not None:
        # Of the two, the one that this write changed counts.
        if old.get("DurationInMinutes") != minutes:
            end = None if old.get("EndDateTime") == end else end
        elif old.get("EndDateTime") != end:
            minutes = None
        else:
            end = None
    if end is not None:
        spanned = int((parse_instant(end) - begins).total_seconds()) // 60
        if spanned < 0 or (minutes is not None and minutes != spanned):
            raise ApiFault(
                "FIELD_INTEGRITY_EXCEPTION",
                "Duration: the event's end and its duration do not agree"
                if spanned >= 0
                else "End Date Time: the event ends before it starts",
                fields=("DurationInMinutes", "EndDateTime"),
            )
        return spanned
    if minutes is not None:
        return int(minutes)
    if new.get("IsAllDayEvent"):
        return _MINUTES_PER_DAY
    raise ApiFault(
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [DurationInMinutes]",
        fields=("DurationInMinutes",),
    )


def _account(new: Row) -> Row:
    what = new.get("WhatId")
    return {"AccountId": what if what and str(what).startswith("001") else None}


_RULES: Mapping[str, Callable[[Mapping[str, Any] | None, Row, str], Row]] = {
    "Opportunity": _opportunity,
    "Task": _task,
    "Event": _event,
}
