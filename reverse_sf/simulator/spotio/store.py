"""Where the tenant's rows live: dictionaries with the indexes that feeds need, and a SQLite file.

Reads never touch the file; every change is written through to it, so that a restarted server goes
on where it stopped.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from reverse_sf.simulator.errors import StartError
from reverse_sf.simulator.spotio.records import (
    Activity,
    Appointment,
    Assignment,
    Deletion,
    Member,
    Pin,
    Record,
    Series,
    Team,
    Territory,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: dict[str, type[msgspec.Struct]] = {
    "record": Record,
    "pin": Pin,
    "deletion": Deletion,
    "activity": Activity,
    "member": Member,
    "appointment": Appointment,
    "series": Series,
    "assignment": Assignment,
    "team": Team,
    "territory": Territory,
}
_STALE_SHARE = 2
"""The update index is rebuilt when it holds that many times as many entries as there are rows."""


class UpdateIndex:
    """Record ids in the order of their last update; old positions are skipped when read."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, str]] = []

    def note(self, record: Record, records: dict[str, Record]) -> None:
        """Give the record its new position."""
        insort(self._entries, (record.updated, record.id))
        if len(self._entries) > _STALE_SHARE * len(records) + 1000:
            self._entries = sorted((row.updated, row.id) for row in records.values())

    def since(self, ticks: int, records: dict[str, Record]) -> Iterator[Record]:
        """Records updated at that instant or later, oldest first."""
        for updated, identifier in self._entries[bisect_left(self._entries, (ticks, "")) :]:
            record = records.get(identifier)
            if record is not None and record.updated == updated:
                yield record


class Watcher(Protocol):
    """Who is told of changes while it watches."""

    def record_saved(self, record: Record, before: Record | None) -> None:
        """A record is stored."""

    def record_deleted(self, record: Record) -> None:
        """A record is deleted."""

    def activity_saved(self, activity: Activity, before: Activity | None) -> None:
        """An activity is stored."""

    def activity_deleted(self, activity: Activity) -> None:
        """An activity is deleted."""

    def appointment_saved(self, appointment: Appointment, before: Appointment | None) -> None:
        """An appointment is stored."""

    def appointment_deleted(self, appointment: Appointment) -> None:
        """An appointment is deleted."""


class Store:
    """All rows of one tenant.

    Args:
        database: path of a SQLite file; ``:memory:`` keeps nothing.

    Raises:
        StartError: the file cannot be opened.
    """

    def __init__(self, database: str) -> None:
        self._database = None if database == ":memory:" else database
        self._connection: sqlite3.Connection | None = None
        self.watcher: Watcher | None = None
        self._clear()
        if self._database is not None:
            try:
                self._connection = sqlite3.connect(
                    self._database, check_same_thread=False, isolation_level=None
                )
                self._connection.execute("pragma journal_mode = wal")
                self._connection.execute("pragma synchronous = off")
                self._connection.execute(
                    "create table if not exists spotio_rows"
                    " (kind text, id text, content blob, primary key (kind, id)) without rowid"
                )
                self._load(self._connection)
            except sqlite3.Error as error:
                raise StartError(f"cannot open {self._database}: {error}") from error

    @property
    def empty(self) -> bool:
        """Whether nothing was ever stored."""
        return not self.members

    def wipe(self) -> None:
        """Forget everything."""
        self._clear()
        if self._connection is not None:
            self._connection.execute("delete from spotio_rows")

    def begin(self) -> None:
        """Hold back writing to the file until :meth:`commit`; for many rows at once."""
        if self._connection is not None and not self._connection.in_transaction:
            self._connection.execute("begin")

    def commit(self) -> None:
        """Write what was held back."""
        if self._connection is not None and self._connection.in_transaction:
            self._connection.execute("commit")

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def save_record(self, record: Record) -> None:
        """Store a new or changed record; its position in all indexes follows."""
        before = self.records.get(record.id)
        self._place(record)
        self._write("record", record.id, record)
        if self.watcher is not None:
            self.watcher.record_saved(record, before)

    def save_pin(self, pin: Pin) -> None:
        """Store a pin."""
        self.pins[pin.id] = pin
        self._write("pin", str(pin.id), pin)

    def save_member(self, member: Member) -> None:
        """Store a user."""
        self.members[member.id] = member
        self._write("member", str(member.id), member)

    def save_activity(self, activity: Activity) -> None:
        """Store a new or changed activity; it may have moved to another record."""
        known = self.activity_by_id.get(activity.id)
        if known is not None:
            del self.activities[known.data_object_id][known.id]
        self._place_activity(activity)
        self._write("activity", str(activity.id), activity)
        if self.watcher is not None:
            self.watcher.activity_saved(activity, known)

    def next_activity_id(self) -> int:
        """The id of the next activity; none is used again."""
        return self._last_activity + 1

    def delete_activity(self, activity_id: int) -> None:
        """Forget an activity."""
        gone = self.activity_by_id.pop(activity_id)
        del self.activities[gone.data_object_id][activity_id]
        self._forget("activity", str(activity_id))
        if self.watcher is not None:
            self.watcher.activity_deleted(gone)

    def next_appointment_id(self, first: int) -> int:
        """The id of the next appointment; none is used again."""
        return max(self._last_appointment, first - 1) + 1

    def save_appointment(self, appointment: Appointment) -> None:
        """Store a new or changed appointment."""
        known = self.appointments.get(appointment.id)
        self._place_appointment(appointment)
        self._write("appointment", str(appointment.id), appointment)
        if self.watcher is not None:
            self.watcher.appointment_saved(appointment, known)

    def delete_appointment(self, appointment_id: int) -> None:
        """Forget an appointment; its activity stays."""
        gone = self.appointments.pop(appointment_id)
        del self._planned[gone.data_object_id][appointment_id]
        self._forget("appointment", str(appointment_id))
        if self.watcher is not None:
            self.watcher.appointment_deleted(gone)

    def hand_over_appointments(self, record_id: str, winner_id: str) -> None:
        """Give the appointments and series of a record to another, as a merge does."""
        for row in self.appointments_on(record_id):
            self.save_appointment(msgspec.structs.replace(row, data_object_id=winner_id))
        for series in self.series_on(record_id):
            self.save_series(msgspec.structs.replace(series, data_object_id=winner_id))

    def appointments_on(self, record_id: str) -> list[Appointment]:
        """The appointments of a record, oldest first."""
        return [self.appointments[number] for number in self._planned.get(record_id, ())]

    def series_on(self, record_id: str) -> list[Series]:
        """The series of a record, oldest first."""
        return [self.series[number] for number in self._series_of.get(record_id, ())]

    def save_series(self, series: Series) -> None:
        """Store a series."""
        self._place_series(series)
        self._write("series", str(series.id), series)

    def log_assignment(self, assignment: Assignment) -> None:
        """Append to the log of the teams."""
        self.assignments[assignment.id] = assignment
        self._write("assignment", str(assignment.id), assignment)

    def save_team(self, team: Team) -> None:
        """Store a team."""
        self.teams[team.id] = team
        self._write("team", str(team.id), team)

    def delete_team(self, team_id: int) -> None:
        """Forget a team."""
        del self.teams[team_id]
        self._forget("team", str(team_id))

    def save_territory(self, territory: Territory) -> None:
        """Store a territory."""
        self.territories[territory.id] = territory
        self._write("territory", str(territory.id), territory)

    def delete_record(self, deletion: Deletion) -> None:
        """Move a record to the deleted ones."""
        record = deletion.record
        del self.records[record.id]
        self._leave(record.id)
        self.deletions[record.id] = deletion
        self._forget("record", record.id)
        self._write("deletion", record.id, deletion)
        if self.watcher is not None:
            self.watcher.record_deleted(record)

    def logged_on(self, record_id: str) -> list[Activity]:
        """The activities of a record, in the order of their ids."""
        found = self.activities.get(record_id, {})
        return [found[number] for number in sorted(found)]

    def at_pin(self, pin_id: int) -> list[Record]:
        """Records at a pin, oldest first."""
        return [self.records[identifier] for identifier in self._by_pin.get(pin_id, ())]

    def children(self, parent_id: str) -> list[Record]:
        """Records whose parent it is, oldest first."""
        return [self.records[identifier] for identifier in self._by_parent.get(parent_id, ())]

    def updated_since(self, ticks: int) -> Iterator[Record]:
        """Records updated at that instant or later, oldest first."""
        return self._updates.since(ticks, self.records)

    def _clear(self) -> None:
        self.records: dict[str, Record] = {}
        self.pins: dict[int, Pin] = {}
        self.deletions: dict[str, Deletion] = {}
        self.members: dict[int, Member] = {}
        self.activities: dict[str, dict[int, Activity]] = {}
        self.activity_by_id: dict[int, Activity] = {}
        self._last_activity = 0
        self.appointments: dict[int, Appointment] = {}
        self._last_appointment = 0
        self.series: dict[int, Series] = {}
        self._planned: dict[str, dict[int, None]] = {}
        self._series_of: dict[str, dict[int, None]] = {}
        self.assignments: dict[int, Assignment] = {}
        self.teams: dict[int, Team] = {}
        self.territories: dict[int, Territory] = {}
        self._updates = UpdateIndex()
        # Dictionaries as ordered sets: leaving a crowded place must not cost a scan.
        self._by_pin: dict[int, dict[str, None]] = {}
        self._by_parent: dict[str, dict[str, None]] = {}
        self._homes: dict[str, tuple[int | None, str | None]] = {}

    def _place(self, record: Record) -> None:
        known = self.records.get(record.id)
        self.records[record.id] = record
        # A change without a new stamp keeps its place: a second one would show it twice.
        if known is None or known.updated != record.updated:
            self._updates.note(record, self.records)
        home = (record.pin_id, record.parent_id)
        if self._homes.get(record.id) != home:
            self._leave(record.id)
            self._homes[record.id] = home
            if record.pin_id is not None:
                self._by_pin.setdefault(record.pin_id, {})[record.id] = None
            if record.parent_id is not None:
                self._by_parent.setdefault(record.parent_id, {})[record.id] = None

    def _leave(self, record_id: str) -> None:
        pin_id, parent_id = self._homes.pop(record_id, (None, None))
        if pin_id is not None:
            self._by_pin[pin_id].pop(record_id, None)
        if parent_id is not None:
            self._by_parent[parent_id].pop(record_id, None)

    def _load(self, connection: sqlite3.Connection) -> None:
        decoders = {kind: msgspec.json.Decoder(row) for kind, row in _KINDS.items()}
        keep: dict[str, Any] = {
            "record": self._place,
            "pin": lambda pin: self.pins.__setitem__(pin.id, pin),
            "deletion": lambda row: self.deletions.__setitem__(row.record.id, row),
            "member": lambda row: self.members.__setitem__(row.id, row),
            "activity": self._place_activity,
            "appointment": self._place_appointment,
            "series": self._place_series,
            "assignment": lambda row: self.assignments.__setitem__(row.id, row),
            "team": lambda row: self.teams.__setitem__(row.id, row),
            "territory": lambda row: self.territories.__setitem__(row.id, row),
        }
        rows = connection.execute("select kind, content from spotio_rows order by kind, id")
        for kind, content in rows:
            keep[kind](decoders[kind].decode(content))

    def _place_appointment(self, appointment: Appointment) -> None:
        known = self.appointments.get(appointment.id)
        if known is not None:
            del self._planned[known.data_object_id][known.id]
        self.appointments[appointment.id] = appointment
        self._planned.setdefault(appointment.data_object_id, {})[appointment.id] = None
        self._last_appointment = max(self._last_appointment, appointment.id)

    def _place_series(self, series: Series) -> None:
        known = self.series.get(series.id)
        if known is not None:
            del self._series_of[known.data_object_id][known.id]
        self.series[series.id] = series
        self._series_of.setdefault(series.data_object_id, {})[series.id] = None

    def _place_activity(self, activity: Activity) -> None:
        self._last_activity = max(self._last_activity, activity.id)
        self.activity_by_id[activity.id] = activity
        self.activities.setdefault(activity.data_object_id, {})[activity.id] = activity

    def _write(self, kind: str, identifier: str, row: msgspec.Struct) -> None:
        if self._connection is not None:
            self._connection.execute(
                "insert or replace into spotio_rows values (?, ?, ?)",
                (kind, identifier, msgspec.json.encode(row)),
            )

    def _forget(self, kind: str, identifier: str) -> None:
        if self._connection is not None:
            self._connection.execute(
                "delete from spotio_rows where kind = ? and id = ?", (kind, identifier)
            )
