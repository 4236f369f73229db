"""Appointments of one tenant are made, changed and deleted, recurring ones too.

"Every appointment has related activity" (OpenAPI file): the activity says when, what and whether it
is done; the appointment adds the reminder, the invitation and the series.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.spotio import recurrence
from reverse_sf.simulator.spotio.occurrences import Occurrence, Occurrences, move
from reverse_sf.simulator.spotio.records import (
    Activity,
    Appointment,
    Series,
    read_ticks,
    shown,
)
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal, read_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.spotio.records import Member, Record

FIRST_ID, FIRST_SERIES = 997, 5173
DEFAULT_MINUTES = 60
INTENTIONS = ("single", "singlefromrecurring", "allinfuturefromrecurring", "allfromrecurring")
_SINGLE, _ONE, _FUTURE, _ALL = INTENTIONS
_CONTENTS = (
    *("ownerId", "duration", "title", "notes", "activityTemplateId", "allDay"),
    *("remindBeforeInSeconds", "sendInvitation", "invitationDescription"),
)
"""What the occurrences of a series have in common."""
_OF_ACTIVITY = (
    *("ownerId", "date", "duration", "title", "notes", "activityTemplateId", "allDay"),
    *("allDayDate", "done"),
)


class Appointments(Occurrences):
    """Makes, changes and deletes the appointments of one tenant."""

    # Making

    def add(self, record: Record, request: Mapping[str, Any], actor: Member) -> Occurrence:
        """Keep a new appointment, or a series with its first occurrence.

        Raises:
            Refusal: a value is not accepted.
        """
        asked = self._asked(request, record)
        recurring = asked.get("recurringDefinition")
        definition = recurrence.checked(recurring) if recurring else None
        activity = self._activity(record, asked, actor)
        if definition is None or definition["periodicity"] == "none":
            return self._keep(activity, asked, actor, None, None)
        series = Series(
            id=max(self._store.series, default=FIRST_SERIES - 1) + 1,
            data_object_id=record.id,
            definition=definition,
            start=activity.date,
            contents={key: asked.get(key) for key in _CONTENTS},
            created_by=actor.id,
        )
        first = next(iter(recurrence.starts(definition, activity.date)), None)
        if first is None:
            raise Refusal(VALIDATION, {"recurringDefinition": "The series has no occurrence."})
        self._store.save_series(series)
        move(activity, first)
        return self._keep(activity, asked, actor, series, first)

    def _asked(self, request: Mapping[str, Any], record: Record) -> dict[str, Any]:
        """The request with what follows from it."""
        asked = dict(request)
        if asked.get("activityTemplateId") is None:
            template = self._workflow.template_of("Appointment")
            asked["activityTemplateId"] = template.id if template else None
        if asked.get("appendRecordNameToTitle"):
            asked["title"] = " - ".join(part for part in (asked.get("title"), record.name) if part)
        if asked.get("allDay"):
            if not asked.get("allDayDate"):
                raise Refusal(VALIDATION, {"allDayDate": "The date of an all-day appointment."})
            asked["date"] = f"{str(asked['allDayDate'])[:10]}T00:00:00Z"
            asked["duration"] = 0
        elif not asked.get("date"):
            raise Refusal(VALIDATION, {"date": "Date is required."})
        if asked.get("duration") is None:
            asked["duration"] = DEFAULT_MINUTES
        return asked

    def _activity(self, record: Record, asked: Mapping[str, Any], actor: Member) -> Activity:
        wanted = {key: asked[key] for key in _OF_ACTIVITY if asked.get(key) is not None}
        known = read_number(asked.get("activityId"))
        if known is None:
            return self._logbook.draft(record, {"done": False, **wanted}, actor)
        activity = self._logbook.get(str(known))
        if activity.data_object_id != record.id:
            raise Refusal(VALIDATION, {"activityId": "The activity is of another record."})
        if activity.appointment_id is not None:
            raise Refusal(VALIDATION, {"activityId": "The activity has an appointment."})
        return self._logbook.change(activity, wanted, actor, whole=False)

    def _keep(
        self,
        activity: Activity,
        asked: Mapping[str, Any],
        actor: Member,
        series: Series | None,
        original: int | None,
    ) -> Occurrence:
        appointment = Appointment(
            id=self._store.next_appointment_id(FIRST_ID),
            activity_id=activity.id,
            data_object_id=activity.data_object_id,
            created_by=actor.id,
            updated=self._diary.now(),
            updated_by=actor.id,
            remind_before=read_number(asked.get("remindBeforeInSeconds")),
            send_invitation=bool(asked.get("sendInvitation")),
            invitation=asked.get("invitationDescription"),
            series_id=series.id if series else None,
            original=original,
        )
        activity.appointment_id = appointment.id
        if activity.id:
            self._logbook.rewrite(activity, actor)
        else:
            self._logbook.keep(activity, actor)
        appointment.activity_id = activity.id
        self._store.save_appointment(appointment)
        return Occurrence(activity, appointment, series)

    # Changing

    def change(
        self, found: Occurrence, request: Mapping[str, Any], actor: Member, *, whole: bool
    ) -> Occurrence:
        """Change an appointment, or with an ``intention`` the others of its series too.

        Raises:
            Refusal: it is done already, or a value is not accepted; nothing changed.
        """
        asked = dict(request)
        if asked.get("allDay") and asked.get("allDayDate"):
            asked["date"] = f"{str(asked['allDayDate'])[:10]}T00:00:00Z"
        intention = self._intention(found, asked)
        if intention == _ALL and found.series is not None:
            return self._change_all(found, found.series, asked, actor, whole=whole)
        if intention == _FUTURE and found.series is not None:
            return self._split(found, found.series, asked, actor)
        kept = self.keep_made_up(found, actor)
        if intention == _SINGLE and kept.series is not None and asked.get("recurringDefinition"):
            raise Refusal(VALIDATION, {"intention": "One occurrence has no recurrence of its own."})
        return self._change_one(kept, asked, actor, whole=whole)

    @staticmethod
    def _intention(found: Occurrence, asked: Mapping[str, Any]) -> str:
        given = str(asked.get("intention") or "").lower()
        if given and given not in INTENTIONS:
            raise Refusal(VALIDATION, {"intention": f"Intention {given} does not exist."})
        if found.series is None and given not in ("", _SINGLE):
            raise Refusal(VALIDATION, {"intention": "The appointment does not recur."})
        return given or (_SINGLE if found.series is None else _ONE)

    def keep_made_up(self, found: Occurrence, actor: Member) -> Occurrence:
        """Store an occurrence that was made up until now."""
        if found.stored:
            return found
        extra = {
            "remindBeforeInSeconds": found.appointment.remind_before,
            "sendInvitation": found.appointment.send_invitation,
            "invitationDescription": found.appointment.invitation,
        }
        original = found.appointment.original
        return self._keep(found.activity, extra, actor, found.series, original)

    def _change_one(
        self, found: Occurrence, asked: Mapping[str, Any], actor: Member, *, whole: bool
    ) -> Occurrence:
        wanted = {key: asked[key] for key in _OF_ACTIVITY if key in asked}
        if whole:
            wanted.setdefault("activityTemplateId", found.activity.template_id)
        else:
            wanted = {key: given for key, given in wanted.items() if given is not None}
        changed = self._logbook.change(found.activity, wanted, actor, whole=whole)
        appointment = msgspec.structs.replace(
            found.appointment, updated=self._diary.now(), updated_by=actor.id
        )
        if whole or "remindBeforeInSeconds" in asked:
            appointment.remind_before = read_number(asked.get("remindBeforeInSeconds"))
        if whole or "sendInvitation" in asked:
            appointment.send_invitation = bool(asked.get("sendInvitation"))
        if whole or "invitationDescription" in asked:
            appointment.invitation = asked.get("invitationDescription")
        self._store.save_appointment(appointment)
        return Occurrence(changed, appointment, found.series)

    def _change_all(
        self,
        found: Occurrence,
        series: Series,
        asked: Mapping[str, Any],
        actor: Member,
        *,
        whole: bool,
    ) -> Occurrence:
        """Change the series and all its occurrences that are not done; a new date moves them."""
        moved = 0
        if asked.get("date") is not None:
            moved = _instant(asked["date"]) - found.activity.date
        changed = self._redefined(series, asked, whole=whole)
        changed.start = series.start + moved
        changed.gone = [each + moved for each in series.gone]
        each_asked = {key: asked[key] for key in _CONTENTS if key in asked}
        if "done" in asked and bool(asked["done"]):
            raise Refusal(VALIDATION, {"done": "A series is not done, its occurrences are."})
        # A value that is refused is refused here, before anything is written.
        self._made_up(changed, changed.start)
        kept = self._store.appointments_on(series.data_object_id)
        rows = [row for row in kept if row.series_id == series.id]
        open_ones = [one for one in map(self._stored, rows) if not one.activity.done]
        for one in open_ones:
            self._change_one(one, each_asked, actor, whole=False)
            self._shift(one, moved, actor)
        self._store.save_series(changed)
        original = (found.appointment.original or 0) + moved
        for one in self.occurrences(changed):
            if one.appointment.original == original:
                return one
        raise Refusal(
            VALIDATION, {"recurringDefinition": "The series has this occurrence no more."}
        )

    def _shift(self, one: Occurrence, moved: int, actor: Member) -> None:
        if not moved:
            return
        activity = self._store.activity_by_id[one.activity.id]
        shifted = msgspec.structs.replace(activity)
        move(shifted, activity.date + moved)
        self._logbook.rewrite(shifted, actor)
        original = None if one.appointment.original is None else one.appointment.original + moved
        kept = self._store.appointments[one.appointment.id]
        self._store.save_appointment(msgspec.structs.replace(kept, original=original))

    def _split(
        self, found: Occurrence, series: Series, asked: Mapping[str, Any], actor: Member
    ) -> Occurrence:
        """End the series before this occurrence and begin another one with the changes."""
        original = found.appointment.original or 0
        rest = {
            "date": shown(found.activity.date),
            "recurringDefinition": self._rest(series, original),
            **{key: given for key, given in series.contents.items() if given is not None},
            **{key: given for key, given in asked.items() if given is not None},
        }
        record = self._store.records[series.data_object_id]
        begun = self.add(record, {**rest, "intention": None, "activityId": None}, actor)
        ended = msgspec.structs.replace(series, definition={**series.definition, "count": None})
        ended.definition["until"] = shown(original - 1)
        for row in self._store.appointments_on(series.data_object_id):
            if row.series_id == series.id and (row.original or 0) >= original:
                one = self._stored(row)
                if not one.activity.done:
                    self._remove(one, actor)
        self._store.save_series(ended)
        return begun

    def _rest(self, series: Series, original: int) -> dict[str, Any]:
        """The definition for what is left of a series from an occurrence on."""
        number = series.definition["count"]
        if number is None:
            return dict(series.definition)
        before = sum(
            1 for each in recurrence.starts(series.definition, series.start) if each < original
        )
        return {**series.definition, "count": number - before}

    def _redefined(self, series: Series, asked: Mapping[str, Any], *, whole: bool) -> Series:
        definition = series.definition
        if asked.get("recurringDefinition"):
            given = asked["recurringDefinition"]
            definition = recurrence.checked(given if whole else {**definition, **given})
        contents = {**series.contents, **{key: asked[key] for key in _CONTENTS if key in asked}}
        return msgspec.structs.replace(
            series, definition=definition, contents=contents, updated=self._diary.now()
        )

    # Ending

    def delete(self, found: Occurrence, actor: Member) -> None:
        """Delete one appointment with its activity, as a person does in the web app."""
        if found.series is not None and found.appointment.original is not None:
            gone = [*found.series.gone, found.appointment.original]
            self._store.save_series(msgspec.structs.replace(found.series, gone=gone))
        if found.stored:
            self._remove(found, actor)

    def _remove(self, found: Occurrence, actor: Member) -> None:
        self._store.delete_appointment(found.appointment.id)
        self._logbook.delete(found.activity, actor)


def _instant(given: Any) -> int:
    try:
        return read_ticks(str(given))
    except ValueError:
        raise Refusal(VALIDATION, {"date": f"The value '{given}' is not valid."}) from None
