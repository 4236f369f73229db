"""The streams ``activities`` and ``appointments``; neither costs anything unless it is selected."""

from __future__ import annotations

from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.activities import Activities
from reverse_sf.spotio.activity_calls import ActivityCalls
from reverse_sf.spotio.client import User
from reverse_sf.spotio.search import Search
from tap_spotio.activity_reading import BLOCK, ActivityReading, Found
from tap_spotio.activity_shape import PROPERTIES, ActivityShape
from tap_spotio.activity_templates import Choice, Vocabulary
from tap_spotio.base import WindowedStream
from tap_spotio.properties import identifier
from tap_spotio.stamps import stamp_of
from tap_spotio.standings import Standings
from tap_spotio.window import digest_of, is_after

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from tap_spotio.activity_shape import Standing
    from tap_spotio.tap import TapSpotio
    from tap_spotio.window import ReadEnd

    Row = Mapping[str, Any]

ACTIVITIES = "activities"
APPOINTMENTS = "appointments"
STANDINGS = "standings"
"""Where in the state it stands which occurrences were moved."""

_DESCRIPTIONS = {
    ACTIVITIES: (
        "Activities, planned and done. SPOTIO's API does not tell which ones were deleted; that a"
        " record was deleted, with its activities, its own stream tells. appointmentId is known of"
        " what is planned, and of what is done where its template is Appointment or recurs."
    ),
    APPOINTMENTS: (
        "Upcoming appointments of each record, those too that a recurring one makes up and SPOTIO"
        " has not stored yet. updatedAt is when they were read. What is no longer upcoming is not"
        " told: it was deleted, moved into another series or, as activities tells, done."
    ),
}


class Names:
    """Names of owners, templates and results; asked for when they are needed first."""

    def __init__(self, tap: TapSpotio) -> None:
        self._tap = tap
        self._vocabulary: tuple[int, Vocabulary] | None = None
        self._users: dict[str, User] = {}
        self._all_users = False

    def vocabulary(self, rows: Iterable[Row] = ()) -> Vocabulary:
        """The templates; SPOTIO is asked anew where a row has one that is not known."""
        found = self._present()
        if self._tap.templates_are_stale and not all(found.knows(row) for row in rows):
            self._tap.renew_setup()
            found = self._present()
        return found

    def _present(self) -> Vocabulary:
        templates = self._tap.tenant_setup.templates
        if self._vocabulary is None or self._vocabulary[0] != id(templates):
            self._vocabulary = (id(templates), Vocabulary(templates))
        return self._vocabulary[1]

    def owner(self, user_id: str) -> User | None:
        """The user with that id, suspended ones too."""
        if not self._users:
            self._users = {user.id: user for user in map(User.from_api, self._tap.users())}
        if user_id not in self._users and not self._all_users:
            self._all_users = True
            for user in self._tap.spotio.all_users():
                self._users.setdefault(user.id, user)
        return self._users.get(user_id)

    def choice(self) -> Choice:
        """Which activities the settings ask for.

        Raises:
            ConfigurationError: there is no such template.
        """
        names = [str(one) for one in self._tap.config.get("activity_templates") or ()]
        automatic = bool(self._tap.config["automatic_activities"])
        if not names:
            return Choice(automatic=automatic)
        vocabulary = self._present()
        if self._tap.templates_are_stale and not vocabulary.names.issuperset(names):
            self._tap.renew_setup()
        return Choice.of(names, self._present(), automatic=automatic)


class _Diary(WindowedStream):
    """What both streams have in common."""

    selected_by_default = False

    def __init__(self, tap: TapSpotio, table: str, name: str) -> None:
        schema = {
            "type": "object",
            "description": _DESCRIPTIONS[table],
            "properties": {key: dict(one) for key, one in PROPERTIES.items()},
        }
        super().__init__(tap, schema, name)

    def _sync_records(
        self,
        context: Mapping[str, Any] | None = None,
        *,
        write_messages: bool = True,
    ) -> Generator[dict[str, Any], Any, Any]:
        """Read everything.

        Yields:
            Nothing: records go out in blocks.
        """
        del context, write_messages
        limit = self._left = self.ABORT_AT_RECORD_COUNT
        with ExitStack() as stack:
            counter = stack.enter_context(self.get_record_counter())
            stack.enter_context(self.get_sync_timer())
            if self.stored_bookmark is None:
                self._tap.users()
            end = self._tap.read_end()
            self.begin(end, counter)
            pool = ThreadPoolExecutor(int(self.config["max_workers"]), "tap-spotio")
            stack.callback(pool.shutdown, cancel_futures=True)
            self._read(end, pool, limit)
        if limit is None:
            self._tap.write_state()
        yield from ()

    @abstractmethod
    def _read(self, end: ReadEnd, pool: Executor, limit: int | None) -> None:
        """Read the window, so many records at most, and move the bookmark where it is whole."""

    def _send_selected(self, records: Sequence[Mapping[str, Any]]) -> None:
        names = [
            name
            for name in self.schema["properties"]
            if name in self.always or self.mask["properties", name]
        ]
        workflow = self._tap.tenant_setup.workflow
        sent = []
        for one in records:
            record_type = workflow.type_by_id(str(one["dataObjectTypeId"]))
            whole = {**one, "dataObjectType": record_type.name if record_type else None}
            sent.append({name: whole[name] for name in names if name in whole})
        self._send(sent)


class ActivityStream(_Diary):
    """Activities that changed, planned and done."""

    def _read(self, end: ReadEnd, pool: Executor, limit: int | None) -> None:
        names = self._tap.activity_names
        choice = names.choice()
        ids = choice.template_ids(names.vocabulary()) if choice.names else []
        source = Activities(self._tap.spotio.session, self.start, ids)
        calls = ActivityCalls(self._tap.spotio.session)
        standings = Standings(calls, pool, self.stream_state.get(STANDINGS) or {})
        reading = ActivityReading(
            self._tap.spotio,
            source,
            calls,
            standings,
            pool,
            choice=choice,
            vocabulary=names.vocabulary,
            start=self.start,
            began=end.at if end.certain else None,
            overlap=self.overlap,
            until=self._tap.end_date,
        )
        for block in reading.read(limit):
            self._take(block)
            for one in block:
                reading.note(one.exported)
        if limit is None:
            self.finish(end, reading.latest)
            self.stream_state[STANDINGS] = standings.kept()

    def _take(self, block: Sequence[Found]) -> None:
        names = self._tap.activity_names
        shape = ActivityShape(names.vocabulary(), names.owner)
        gone = sum(one.type_id is None for one in block)
        if gone:
            self.logger.info("%d activities are of records that are no longer there", gone)
        self._send_selected(
            [
                shape.fed(one.exported, one.told, one.standing)
                if one.in_feed
                else shape.single(one.exported, one.told, one.standing, one.type_id)
                for one in block
                if one.type_id is not None
            ]
        )
        if self._tap.config["upcoming_appointments"]:
            self._tap.activities_sent |= {str(one.told["id"]) for one in block}


class AppointmentStream(_Diary):
    """Upcoming appointments, one call a record: only where a setting asks for them."""

    most_kept = 5000

    def _read(self, end: ReadEnd, pool: Executor, limit: int | None) -> None:
        if not self.config["upcoming_appointments"]:
            self.logger.info("%s: off, see setting upcoming_appointments", self.name)
            return
        if is_after(end.at, self._tap.end_date):
            # They count as updated when they are read, and that is after the last moment wanted.
            return
        calls = ActivityCalls(self._tap.spotio.session)
        standings = Standings(calls, pool, {})
        read_at = stamp_of(end.at)
        for ids in self._records(limit):
            rows = [
                row
                for found in pool.map(lambda one: list(calls.upcoming(one)), ids)
                for row in found
            ]
            fresh = [row for row in rows if digest_of(row) not in self.overlap]
            self._send_selected(self._made(fresh, calls, standings, pool, read_at))
            for row in rows:
                self.overlap.note(end.at, digest_of(row))
        if limit is None:
            self.finish(end, end.at)

    def _records(self, limit: int | None) -> Iterator[list[str]]:
        """Ids of the records whose appointments are wanted, in blocks."""
        types = self._tap.type_ids("appointment_types")
        search = Search(self._tap.spotio.session, page_size=int(self.config["page_size"]))
        # All of them before the first appointment is read: a cursor may not live that long.
        ids = list(
            dict.fromkeys(
                str(row["id"])
                for page in islice(search.updated(None, type_ids=types), limit and 1)
                for row in page
            )
        )[:limit]
        for at in range(0, len(ids), BLOCK):
            yield ids[at : at + BLOCK]

    def _made(
        self,
        rows: Sequence[Row],
        calls: ActivityCalls,
        standings: Standings,
        pool: Executor,
        read_at: str,
    ) -> list[dict[str, Any]]:
        """Records of upcoming appointments; the stored ones that this run has sent are left out."""
        names = self._tap.activity_names
        choice = names.choice()
        vocabulary = names.vocabulary(rows)
        shape = ActivityShape(vocabulary, names.owner)
        wanted: list[tuple[Row, str | None, Standing]] = [
            (row, identifier(row.get("activityId")), standings.of_row(row))
            for row in rows
            if choice.wants(row, vocabulary)
        ]
        stored = [one for _, one, _ in wanted if one and one not in self._tap.activities_sent]
        told = dict(zip(stored, pool.map(calls.stored, stored), strict=True))
        made = []
        for row, activity_id, standing in wanted:
            if activity_id is None:
                made.append(shape.made_up(row, standing, read_at))
                continue
            activity = told.get(activity_id)
            if activity is not None:
                made.append(shape.stored(row, activity, standing, read_at))
        return made
