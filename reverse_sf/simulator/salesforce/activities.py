"""Tasks and events: what Salesforce refuses of them, and their columns that follow from others.

Facts are from the Object Reference (Task, Event). Where it does not give the words of a refusal,
the code is the one that integrations report and the words are ours.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.instants import parse_instant, stamp
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.salesforce.metadata import Schema, SObject
    from reverse_sf.simulator.salesforce.store import Store
    from reverse_sf.simulator.salesforce.surroundings import Surroundings

    Row = dict[str, Any]

MINUTES_PER_DAY = 24 * 60
LONGEST_DAYS = 14
"""An event lasts that long at most where events of several days are allowed."""
ACTIVITIES = frozenset({"Task", "Event"})
_LIVING = '"IsDeleted" = 0'
_LAST, _BELONGS = "LastActivityDate", ("WhoId", "WhatId", "AccountId")


def task(old: Mapping[str, Any] | None, new: Row, now: str, around: Surroundings) -> Row:
    """The derived columns of a task.

    Raises:
        ApiFault: it is related to a lead and to something else, or to a converted lead.
    """
    _check_relations(old, new, around)
    closed = new.get("Status") == "Completed"
    changes: Row = {
        "IsClosed": int(closed),
        "IsHighPriority": int(new.get("Priority") == "High"),
        "WhoCount": int(new.get("WhoId") is not None),
        "WhatCount": int(new.get("WhatId") is not None),
        "AccountId": account_of(new, around),
    }
    if closed and not (old and old.get("IsClosed")):
        changes["CompletedDateTime"] = now
    elif not closed:
        changes["CompletedDateTime"] = None
    if old is None:
        changes["TaskSubtype"] = new.get("TaskSubtype") or "Task"
    return changes


def event(old: Mapping[str, Any] | None, new: Row, _now: str, around: Surroundings) -> Row:
    """The derived columns of an event: start, end and duration agree.

    Raises:
        ApiFault: its times contradict each other or are too far apart, or as for :func:`task`.
    """
    _check_relations(old, new, around)
    start = _start(old, new)
    all_day = bool(new.get("IsAllDayEvent"))
    begins = parse_instant(start)
    # What the end of an all-day event falls short of its duration, see the switch.
    short = MINUTES_PER_DAY if all_day and _ends_within(around) else 0
    minutes = _duration(old, new, begins, short)
    longest = MINUTES_PER_DAY * (LONGEST_DAYS if around.switches["multiday_events"] else 1)
    if not 0 <= minutes <= longest:
        raise _integrity(
            f"Duration must be between 0 and {longest} minutes: Duration", "DurationInMinutes"
        )
    last = begins + timedelta(minutes=minutes - (MINUTES_PER_DAY if all_day else 0))
    changes: Row = {
        "StartDateTime": start,
        "ActivityDateTime": start,
        "ActivityDate": start[:10],
        "DurationInMinutes": minutes,
        "EndDateTime": stamp(begins + timedelta(minutes=minutes - short)),
        "EndDate": stamp(last)[:10],
        "AccountId": account_of(new, around),
    }
    if old is None:
        changes["EventSubtype"] = new.get("EventSubtype") or "Event"
    return changes


def account_of(row: Mapping[str, Any], around: Surroundings) -> str | None:
    """The account of an activity: of what it is related to, else of the contact it is about."""
    found = around.account_of(row.get("WhatId"))
    if found is not None:
        return found
    who = row.get("WhoId")
    return around.account_of(who) if who and who.startswith("003") else None


def settle_account(store: Store, child: SObject, record_id: str, around: Surroundings) -> None:
    """Bring an activity's account in line after one of its relations was moved or cleared."""
    row = store.row(child, record_id)
    if child.name in ACTIVITIES and row is not None and child.has("AccountId"):
        store.update(child, record_id, {"AccountId": account_of(row, around)})


class LastActivity:
    """Keeps ``LastActivityDate`` of what activities belong to, without a stamp of its own.

    It is the latest date of an event, or of a closed task (Object Reference, Account).
    """

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store

    def follow(
        self,
        child: SObject,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> None:
        """Bring those in line that an activity belongs to, by its row before and after a write.

        All activities are looked through only where the latest one is so no longer.
        """
        if child.name not in ACTIVITIES:
            return
        gone, come = self._dates(child, before), self._dates(child, after)
        for parent in {**gone, **come}:
            one = self._schema.by_prefix(parent[:3])
            if one is None or not one.has(_LAST):
                continue
            sql = f'SELECT "{_LAST}" FROM "{one.name}" WHERE "Id" = ?'
            found = self._store.rows(sql, (parent,))
            shown = found[0][0] if found else None
            now = come.get(parent)
            if now is not None and (shown is None or now >= shown):
                latest: str | None = now
            elif gone.get(parent) is not None and gone[parent] == shown:
                latest = self._latest(parent)
            else:
                continue
            if latest != shown:
                self._store.update(one, parent, {_LAST: latest})

    @staticmethod
    def _dates(child: SObject, row: Mapping[str, Any] | None) -> dict[str, str]:
        """What an activity belongs to, with its date, where it counts."""
        if not row or row.get("IsDeleted") or not row.get("ActivityDate"):
            return {}
        if child.name == "Task" and not row.get("IsClosed"):
            return {}
        return {row[name]: row["ActivityDate"] for name in _BELONGS if row.get(name)}

    def _latest(self, parent: str) -> str | None:
        selects = [
            f'SELECT MAX("ActivityDate") FROM "{name}" WHERE "{field}" = ? AND {counts}'
            for name, counts in (("Task", f'{_LIVING} AND "IsClosed"'), ("Event", _LIVING))
            for field in _BELONGS
        ]
        found = self._store.rows(" UNION ALL ".join(selects), (parent,) * len(selects))
        return max((row[0] for row in found if row[0]), default=None)

    def fill(self) -> None:
        """All of them at once, for a fresh org."""
        for name in sorted(ACTIVITIES):
            child = self._schema.typed(name)
            for (each,) in self._store.rows(f'SELECT "Id" FROM "{name}"'):
                self.follow(child, None, self._store.row(child, each))


def _check_relations(old: Mapping[str, Any] | None, new: Row, around: Surroundings) -> None:
    if old is None and new.get("IsRecurrence"):
        raise _integrity("The local org makes no series of activities", "IsRecurrence")
    who, what = new.get("WhoId"), new.get("WhatId")
    if old is not None and (old.get("WhoId"), old.get("WhatId")) == (who, what):
        return
    about = around.entity(who)
    if about is None or about.name != "Lead":
        return
    if what is not None:
        raise _integrity(
            "Related To ID: an activity of a lead cannot be related to another record",
            "WhoId",
            "WhatId",
        )
    if (around.row(who) or {}).get("IsConverted"):
        raise ApiFault("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def _start(old: Mapping[str, Any] | None, new: Row) -> str:
    """When the event begins; of its three columns, those that this write names must agree."""
    before = old or {}
    written = {
        name: str(new[name])
        for name in ("StartDateTime", "ActivityDateTime", "ActivityDate")
        if new.get(name) is not None and new[name] != before.get(name)
    }
    given = written.get("StartDateTime") or written.get("ActivityDateTime")
    if given is None and new.get("IsAllDayEvent") and "ActivityDate" in written:
        given = f"{written['ActivityDate']}T00:00:00.000Z"
    start = given or new.get("StartDateTime")
    if start is None or (old is not None and new.get("StartDateTime") is None and given is None):
        raise _missing("StartDateTime")
    if new.get("IsAllDayEvent"):
        # The date counts; the time is always midnight UTC.
        start = f"{start[:10]}T00:00:00.000Z"
    for name in ("ActivityDateTime", "ActivityDate"):
        digits = 10 if name == "ActivityDate" or new.get("IsAllDayEvent") else len(start)
        if name in written and written[name][:digits] != start[:digits]:
            raise _integrity(f"{name} and StartDateTime do not agree", "StartDateTime", name)
    return str(start)


def _duration(old: Mapping[str, Any] | None, new: Row, begins: datetime, short: int) -> int:
    minutes, end = new.get("DurationInMinutes"), new.get("EndDateTime")
    all_day = bool(new.get("IsAllDayEvent"))
    if old is not None:
        # Of the two, what this write changed counts; a mere change of the start keeps the length.
        if old.get("DurationInMinutes") != minutes:
            end = None if old.get("EndDateTime") == end else end
        elif old.get("EndDateTime") != end:
            minutes = None if end is not None else minutes
        else:
            end = None
            if all_day and not old.get("IsAllDayEvent") and minutes is not None:
                minutes = max(minutes, MINUTES_PER_DAY)
    if end is not None:
        spanned = int((parse_instant(end) - begins).total_seconds()) // 60 + short
        if minutes is not None and minutes != spanned:
            raise _integrity(
                "Duration: the event's end and its duration do not agree",
                "DurationInMinutes",
                "EndDateTime",
            )
        return spanned
    if minutes is not None:
        return int(minutes)
    if all_day:
        return MINUTES_PER_DAY
    raise _missing("DurationInMinutes")


def _ends_within(around: Surroundings) -> bool:
    return bool(around.switches["all_day_end"] == "last_midnight")


def _integrity(message: str, *fields: str) -> ApiFault:
    return ApiFault("FIELD_INTEGRITY_EXCEPTION", message, fields=fields)


def _missing(name: str) -> ApiFault:
    return ApiFault(
        "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{name}]", fields=(name,)
    )
