"""Which appointment an activity has, and which occurrence of a series it is.

Neither listing tells it. A planned activity names its appointment; that the appointment recurs, and
when the occurrence was to begin before somebody moved it, is told by the upcoming appointments of
its record. Of a done one the appointment must be asked for, one call each: so it is where the
template's role is Appointment, or where a series with that template was seen before.

When a done occurrence was to begin originally is told by no call at all. What was moved while it
was planned is therefore remembered from run to run; otherwise it began when it was planned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.instants import ticks_of
from tap_spotio.activity_shape import Standing
from tap_spotio.activity_templates import APPOINTMENT
from tap_spotio.properties import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import Executor

    from reverse_sf.spotio.activity_calls import ActivityCalls
    from tap_spotio.activity_templates import Vocabulary

    Row = Mapping[str, Any]

_MOST_MOVED = 2000


class Standings:
    """Finds the standings of one run's activities.

    Args:
        calls: reads single activities and appointments.
        pool: where calls are made side by side.
        kept: what :meth:`kept` said in the run before.
    """

    def __init__(self, calls: ActivityCalls, pool: Executor, kept: Mapping[str, Any]) -> None:
        self._calls = calls
        self._pool = pool
        self._moved: dict[str, str] = dict(kept.get("moved") or {})
        self._recurring: set[str] = set(kept.get("recurring") or ())

    def kept(self) -> dict[str, Any]:
        """What the next run has to know; the latest of what was moved, within bounds."""
        moved = dict(list(self._moved.items())[-_MOST_MOVED:])
        return {"moved": moved, "recurring": sorted(self._recurring)}

    def of_planned(self, activities: Sequence[Row]) -> dict[str, Standing]:
        """Standings of activities that were read by themselves, by id."""
        wanted: dict[str, set[str]] = {}
        for one in activities:
            if identifier(one.get("appointmentId")):
                wanted.setdefault(str(one["dataObjectId"]), set()).add(str(one["id"]))
        found: dict[str, Row] = {}
        for rows in self._pool.map(self._upcoming, wanted, wanted.values()):
            found |= rows
        missing = [one for ids in wanted.values() for one in ids if one not in found]
        standings = {one: self.of_row(row) for one, row in found.items()}
        return standings | self._asked(
            [one for one in activities if str(one["id"]) in frozenset(missing)]
        )

    def of_done(self, activities: Iterable[Row], vocabulary: Vocabulary) -> dict[str, Standing]:
        """Standings of done activities, by id; those without an appointment are left out."""
        return self._asked(
            [
                one
                for one in activities
                if vocabulary.role(identifier(one.get("activityTemplateId"))) == APPOINTMENT
                or identifier(one.get("activityTemplateId")) in self._recurring
            ]
        )

    def of_row(self, row: Row) -> Standing:
        """The standing of an upcoming appointment, stored or not."""
        activity_id = identifier(row.get("activityId"))
        series = identifier((row.get("recurringDefinition") or {}).get("id"))
        identity = None
        if series is not None:
            self._learn(row)
            original = ticks_of(str(row.get("originalStartDate") or row["date"]))
            identity = f"0-{series}-{original}"
            if activity_id is not None:
                # The latest ones last.
                self._moved.pop(activity_id, None)
                if original != ticks_of(str(row["date"])):
                    self._moved[activity_id] = identity
        return Standing(
            identity=identity,
            appointment_id=identifier(row.get("id")),
            type_id=identifier((row.get("dataObject") or {}).get("typeId")),
            day=row.get("allDayDate"),
        )

    def _upcoming(self, record_id: str, wanted: set[str]) -> dict[str, Row]:
        """Rows of the wanted activities among a record's upcoming appointments."""
        found: dict[str, Row] = {}
        for row in self._calls.upcoming(record_id):
            activity_id = identifier(row.get("activityId"))
            if activity_id in wanted:
                found[activity_id] = row
                if len(found) == len(wanted):
                    break
        return found

    def _asked(self, activities: Sequence[Row]) -> dict[str, Standing]:
        """Standings by asking for each activity's appointment."""
        asked = self._pool.map(self._calls.appointment_of, [str(one["id"]) for one in activities])
        found = [(one, told) for one, told in zip(activities, asked, strict=True) if told]
        return dict(self._pool.map(self._of_asked, found))

    def _of_asked(self, pair: tuple[Row, Row]) -> tuple[str, Standing]:
        activity, told = pair
        activity_id = str(activity["id"])
        series = identifier((told.get("recurringDefinition") or {}).get("id"))
        identity = None
        if series is not None:
            self._learn(activity)
            identity = self._moved.get(activity_id)
            if identity is None:
                record_id = str(told["dataObjectId"])
                history = (
                    self._calls.history_of(record_id, activity_id) if activity.get("done") else None
                )
                began = (history or {}).get("plannedDate") or activity["date"]
                identity = f"0-{series}-{ticks_of(str(began))}"
        return activity_id, Standing(
            identity=identity,
            appointment_id=identifier(told.get("id")),
            type_id=identifier(told.get("dataObjectTypeId")),
            day=told.get("allDayDate"),
        )

    def _learn(self, row: Row) -> None:
        template_id = identifier(row.get("activityTemplateId"))
        if template_id is not None:
            self._recurring.add(template_id)
