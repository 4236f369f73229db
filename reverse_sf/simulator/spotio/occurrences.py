"""The appointments of one tenant as they are shown: stored ones, and those that a series makes up.

Of a series the first occurrence is stored, and every one that somebody changed; the others are made
up from the series when they are asked for, and have an id like ``0-5173-638186040000000000``: no
stored one, the series, and the original start in ticks since the year 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_sf.simulator.spotio import recurrence
from reverse_sf.simulator.spotio.records import (
    DAY,
    TICKS_BEFORE_1970,
    Activity,
    Appointment,
    Series,
    shown,
)
from reverse_sf.simulator.spotio.refusals import not_found, read_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.spotio.diary import Diary
    from reverse_sf.simulator.spotio.logbook import Logbook
    from reverse_sf.simulator.spotio.quirks import Settings
    from reverse_sf.simulator.spotio.records import Record
    from reverse_sf.simulator.spotio.store import Store
    from reverse_sf.simulator.spotio.workflow import Workflow


@dataclass(frozen=True)
class Occurrence:
    """An appointment as it is shown: a stored one, or one that its series makes up.

    Attributes:
        activity: the related activity; of a made up one it has the id 0 and is not kept.
        appointment: likewise.
        series: the series that it belongs to.
    """

    activity: Activity
    appointment: Appointment
    series: Series | None = None

    @property
    def stored(self) -> bool:
        """Whether the service keeps it."""
        return self.appointment.id != 0

    @property
    def id(self) -> str:
        """The id, in one of its two formats."""
        if self.stored or self.series is None:
            return str(self.appointment.id)
        start = (self.appointment.original or 0) + TICKS_BEFORE_1970
        return f"0-{self.series.id}-{start}"


class Occurrences:
    """Finds the appointments of one tenant."""

    def __init__(
        self,
        store: Store,
        workflow: Workflow,
        logbook: Logbook,
        diary: Diary,
        switches: Settings,
    ) -> None:
        self._store = store
        self._workflow = workflow
        self._logbook = logbook
        self._diary = diary
        self._switches = switches

    def get(self, identifier: str) -> Occurrence:
        """The appointment with that id, in either format.

        Raises:
            Refusal: 404.
        """
        found = self.find(identifier)
        if found is None:
            raise not_found("Appointment", identifier)
        return found

    def find(self, identifier: str) -> Occurrence | None:
        """The appointment with that id, if there is one."""
        if identifier.isdigit():
            kept = self._store.appointments.get(int(identifier))
            return self._stored(kept) if kept is not None else None
        parts = identifier.split("-")
        if len(parts) == 3 and all(part.isdigit() for part in parts) and parts[0] == "0":  # noqa: PLR2004 - the format has three parts
            series = self._store.series.get(int(parts[1]))
            if series is not None and series.data_object_id in self._store.records:
                for one in self.occurrences(series):
                    if one.appointment.original == int(parts[2]) - TICKS_BEFORE_1970:
                        return one
        return None

    def by_activity(self, activity_id: int) -> Occurrence:
        """The appointment of an activity.

        Raises:
            Refusal: 404.
        """
        activity = self._store.activity_by_id.get(activity_id)
        found = self._store.appointments.get((activity and activity.appointment_id) or 0)
        if found is None:
            raise not_found("Appointment of activity", activity_id)
        return self._stored(found)

    def upcoming(self, record: Record) -> list[Occurrence]:
        """The record's appointments that are not done, made up ones within the horizon, by date."""
        found = [self._stored(row) for row in self._store.appointments_on(record.id)]
        planned = [one for one in found if not one.activity.done]
        now = self._diary.now()
        horizon = now + self._switches["series_horizon_days"] * DAY
        for series in self._store.series_on(record.id):
            for one in self.occurrences(series):
                if one.activity.date > horizon:
                    break
                if not one.stored and one.activity.date >= now:
                    planned.append(one)
        return sorted(planned, key=lambda one: (one.activity.date, one.id))

    def occurrences(self, series: Series) -> Iterator[Occurrence]:
        """The occurrences of a series in their original order, without those that were deleted."""
        kept = {
            row.original: row
            for row in self._store.appointments_on(series.data_object_id)
            if row.series_id == series.id
        }
        for original in recurrence.starts(series.definition, series.start):
            if original in kept:
                yield self._stored(kept[original])
            elif original not in series.gone:
                yield self._made_up(series, original)

    def _stored(self, appointment: Appointment) -> Occurrence:
        series = self._store.series.get(appointment.series_id or 0)
        activity = self._store.activity_by_id[appointment.activity_id]
        return Occurrence(activity, appointment, series)

    def _made_up(self, series: Series, original: int) -> Occurrence:
        record = self._store.records[series.data_object_id]
        creator = self._store.members[series.created_by]
        contents = {key: given for key, given in series.contents.items() if given is not None}
        activity = self._logbook.draft(record, {**contents, "done": False}, creator)
        move(activity, original)
        appointment = Appointment(
            id=0,
            activity_id=0,
            data_object_id=record.id,
            created_by=creator.id,
            updated=series.updated,
            updated_by=creator.id,
            remind_before=read_number(contents.get("remindBeforeInSeconds")),
            send_invitation=bool(contents.get("sendInvitation")),
            invitation=contents.get("invitationDescription"),
            series_id=series.id,
            original=original,
        )
        return Occurrence(activity, appointment, series)


def move(activity: Activity, to: int) -> None:
    """Let an activity begin at another instant."""
    activity.date = to
    activity.planned = None if activity.done else to
    if activity.all_day:
        activity.all_day_date = day_of(to)


def day_of(ticks: int) -> str:
    """The day of an instant, in UTC."""
    return shown(ticks)[:10]
