"""Activities in the two small systems: Tasks of accounts, and Events of leads.

SPOTIO's activities go by the sObject that they become, as its records do: what is on an account is
a Task on both sides, what is on a lead an Event. The row of an activity holds its values by record
key; only :func:`told` spells it as tap-spotio does. A day instead of a moment under Activity Date
means that it lasts all day.
"""

from __future__ import annotations

from typing import Any

TASK, EVENT = "Task", "Event"
KINDS = (TASK, EVENT)
STREAM = "activities"
TEMPLATE = "Visit"
ZONE = "America/Denver"
"""Of the org: what is the fifth of May there may be the sixth in UTC."""
COMPLETED, NOT_STARTED = "Completed", "Not Started"
DATE, DURATION, ALL_DAY, PRIORITY = "Activity Date", "Duration", "All Day", "Priority"

FIELD_OF = {
    TASK: {
        "Subject": "Subject",
        "Status": "Status",
        DATE: "ActivityDate",
        "Description": "Description",
        PRIORITY: "Priority",
    },
    EVENT: {
        "Subject": "Subject",
        "Description": "Description",
        DATE: "ActivityDateTime",
        DURATION: "DurationInMinutes",
        ALL_DAY: "IsAllDayEvent",
    },
}
ASKED = ("ActivityDateTime", "DurationInMinutes")
"""Salesforce takes no event without these."""
TAKEN_BACK = frozenset({"Subject", "Status", DATE, "Description", DURATION, "owner"})
"""The keys that SPOTIO lets be changed from outside, of an activity that is not done."""
TOLD = TAKEN_BACK | {"parent"}
"""The keys that SPOTIO's answer to a single call shows."""
DAY = 24 * 60
_DAY_LENGTH = len("2026-05-06")

POOL: dict[str, dict[str, tuple[Any, ...]]] = {
    "Subject": {
        "P": ("Ring", "Visit Zoë", " Ring ", None),
        "S": ("Ring", "Visit Zoe\u0308", "Mail", None, "x" * 130),
    },
    "Status": {
        "P": (COMPLETED, NOT_STARTED, NOT_STARTED),
        "S": (COMPLETED, NOT_STARTED, NOT_STARTED, "In Progress"),
    },
    DATE: {
        # In Denver the first is the evening of the fifth; the last is an hour that its day in the
        # small hours of March does not have.
        "P": (
            "2026-05-06T02:15:00Z",
            "2026-05-05T20:00:00Z",
            "2026-05-06T18:00:00Z",
            "2026-05-06",
            None,
            "2026-03-07T09:30:00Z",
        ),
        "S": ("2026-05-05", "2026-05-06", "2026-03-08", None),
    },
    "Description": {"P": ("roof", None, "false"), "S": ("roof", None, "gate", "y" * 600)},
    PRIORITY: {"S": ("Normal", "High", "Low")},
    DURATION: {"P": (30, 45, None, 0, 30_000)},
}
POOL_OF_EVENTS = {DATE: {"P": POOL[DATE]["P"], "S": ("2026-05-06T02:15:00Z",)}}

FACTS: dict[str, dict[str, dict[str, Any]]] = {
    TASK: {
        "Id": {"type": "id"},
        "IsDeleted": {"type": "boolean"},
        "SystemModstamp": {"type": "datetime"},
        "Subject": {"type": "combobox", "length": 255, "nillable": True},
        "Status": {"type": "picklist", "defaultedOnCreate": True},
        "Priority": {"type": "picklist", "defaultedOnCreate": True},
        "ActivityDate": {"type": "date", "nillable": True},
        "Description": {"type": "textarea", "length": 32000, "nillable": True},
        "OwnerId": {"type": "reference", "referenceTo": ["User"], "defaultedOnCreate": True},
        "WhatId": {"type": "reference", "referenceTo": ["Account"], "nillable": True},
        "WhoId": {"type": "reference", "referenceTo": ["Contact", "Lead"], "nillable": True},
    },
    EVENT: {
        "Id": {"type": "id"},
        "IsDeleted": {"type": "boolean"},
        "SystemModstamp": {"type": "datetime"},
        "Subject": {"type": "combobox", "length": 255, "nillable": True},
        "ActivityDateTime": {"type": "datetime", "nillable": True},
        "DurationInMinutes": {"type": "int", "nillable": True},
        "IsAllDayEvent": {"type": "boolean", "defaultedOnCreate": True},
        "Description": {"type": "textarea", "length": 32000, "nillable": True},
        "OwnerId": {"type": "reference", "referenceTo": ["User"], "defaultedOnCreate": True},
        "WhoId": {"type": "reference", "referenceTo": ["Contact", "Lead"], "nillable": True},
    },
}
"""As Salesforce describes them."""
BLANK = {
    ("P", TASK): {"Subject": None, "Status": NOT_STARTED, DATE: None, "Description": None},
    ("S", TASK): {"Status": NOT_STARTED, "Priority": "Normal"},
    ("P", EVENT): {
        "Subject": None,
        "Status": NOT_STARTED,
        DATE: None,
        "Description": None,
        DURATION: None,
    },
    ("S", EVENT): {"IsAllDayEvent": False},
}
"""What a new one holds by itself."""


def is_day(value: Any) -> bool:
    """Whether a date is a day, and no moment."""
    return isinstance(value, str) and len(value) == _DAY_LENGTH


def held(key: str, values: dict[str, Any]) -> Any:
    """What SPOTIO's activity tells of a key; some it does not hold, they follow from others."""
    if key == PRIORITY:
        return "Normal"
    all_day = is_day(values.get(DATE))
    if key == ALL_DAY:
        return all_day
    if key == DURATION:
        return max(values.get(DURATION) or 0, DAY if all_day else 0)
    return values.get("ownerId" if key == "owner" else "parentId" if key == "parent" else key)


def is_done(values: dict[str, Any]) -> bool:
    """Whether SPOTIO lets nothing of an activity be changed any more."""
    return values.get("Status") == COMPLETED


def told(kind: str, values: dict[str, Any], updated_at: str) -> dict[str, Any]:
    """An activity as tap-spotio tells it."""
    date = values.get(DATE)
    all_day = is_day(date)
    return {
        "id": values["id"],
        "dataObjectId": values["parentId"],
        "dataObjectType": "Accounts" if kind == TASK else "Leads",
        "template": TEMPLATE,
        "templateRole": TEMPLATE,
        "done": is_done(values),
        "date": f"{date}T00:00:00Z" if all_day else date,
        "allDay": all_day,
        "allDayDate": date if all_day else None,
        "title": values.get("Subject"),
        "notes": values.get("Description"),
        "duration": values.get(DURATION),
        "ownerId": values.get("ownerId"),
        "updatedAt": updated_at,
    }
