"""One SPOTIO tenant: its schema, users, records, jobs and switches, without any HTTP."""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio import editing, patching, quirks, seeding, seeding_activities
from reverse_sf.simulator.spotio.appointments import Appointments
from reverse_sf.simulator.spotio.bulk import Jobs
from reverse_sf.simulator.spotio.demo_workflow import demo_workflow
from reverse_sf.simulator.spotio.diary import Diary
from reverse_sf.simulator.spotio.export_calls import Exports
from reverse_sf.simulator.spotio.folding import folded
from reverse_sf.simulator.spotio.logbook import Logbook
from reverse_sf.simulator.spotio.paging import Cursors
from reverse_sf.simulator.spotio.places import Places
from reverse_sf.simulator.spotio.records import TICKS, read_ticks
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal
from reverse_sf.simulator.spotio.search import Filters, Search
from reverse_sf.simulator.spotio.shapes import Shapes, pin_shape
from reverse_sf.simulator.spotio.store import Store
from reverse_sf.simulator.spotio.succession import Succession
from reverse_sf.simulator.spotio.tokens import Tokens
from reverse_sf.simulator.spotio.webhooks import Webhooks
from reverse_sf.simulator.spotio.writing import Writing
from reverse_sf.simulator.switches import Switches
from reverse_sf.simulator.world import DEFAULT_RECORDS, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.spotio.records import Member, Record

ADMIN, MANAGER, SALES = 10, 11, 0
"""Indices in the world's users of those who own the API keys or act for people."""
KEYS = {
    "demo-client": ("demo-secret", seeding.user_id(ADMIN)),
    "sales-client": ("sales-secret", seeding.user_id(SALES)),
}
_CLEARED = ("parentId", "externalDataObjectId", "fields", "pin", "collaboratorIds")
"""What a whole record that lacks it has no more."""
_ID_PREFIX = "6650d0f0"


class Tenant:
    """Everything the API and the ``/_simulator/`` calls reach.

    Args:
        clock: the server's clock.
        database: path of a SQLite file that keeps the state, or ``:memory:``.
        seed: of the demo world.
        records: size of the demo world, in Salesforce records.
        empty: users and schema only.

    Raises:
        StartError: the file cannot be opened.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        database: str = ":memory:",
        seed: int = 1,
        records: int = DEFAULT_RECORDS,
        empty: bool = False,
    ) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.declared = Switches(quirks.SWITCHES)
        self._seed, self._size, self._empty = seed, records, empty
        self.store = Store(database)
        self._build()
        if self.store.empty:
            self._fill()

    def _build(self) -> None:
        self.workflow = demo_workflow()
        self.places = Places(self.store)
        self.diary = Diary(self.store, self.clock)
        self.logbook = Logbook(self.store, self.workflow, self.diary, self.declared)
        self.appointments = Appointments(
            self.store, self.workflow, self.logbook, self.diary, self.declared
        )
        self.writing = Writing(self.store, self.workflow, self.places, self.declared, self.diary)
        self.succession = Succession(
            self.store,
            self.workflow,
            self.declared,
            writing=self.writing,
            diary=self.diary,
            logbook=self.logbook,
        )
        self.webhooks = Webhooks(self.store, self.workflow, self.diary, self.declared)
        self.shapes = Shapes(self.store, self.workflow, self.declared)
        self.filters = Filters()
        self.search = Search(self.store, self.workflow, self.filters, self.declared)
        self.cursors = Cursors(self.declared)
        self.exports = Exports()
        self.jobs = Jobs(self.write_line, self.diary.now, self.batch, self.declared)
        self.tokens = Tokens(self.clock, KEYS)

    def _fill(self) -> None:
        world = World.generate(self._seed, 0 if self._empty else self._size)
        self.store.begin()
        for member in seeding.members(world):
            self.store.save_member(member)
        for team in seeding.teams():
            self.store.save_team(team)
        self.store.save_territory(seeding.territory())
        seeding.seed(
            lambda request, actor, identifier, at: self.writing.create(
                request, actor, identifier=identifier, at=at
            ),
            world,
            self.workflow,
            self.store.members,
        )
        seeding_activities.fill(self)
        self.store.commit()

    # What every backend of the control calls offers.

    @property
    def switches(self) -> dict[str, Any]:
        """All settings by name."""
        return self.declared.settings()

    def set_switches(self, changes: dict[str, Any]) -> None:
        """Change some settings; ControlError where a name or setting is not known."""
        with self.lock:
            self.declared.set(changes)

    def rows(self, object_name: str) -> list[dict[str, Any]]:
        """All rows of ``dataObjects``, a record type, ``users``, ``activities`` or ``pins``."""
        with self.lock:
            return editing.rows(self, object_name)

    def edit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Edit as a person in the web app would; ControlError where that is refused."""
        with self.lock:
            return editing.edit(self, body)

    def reset(self) -> None:
        """Back to the seed, with default switches."""
        with self.lock:
            self.webhooks.clear()
            self.declared.reset()
            self.store.wipe()
            self._build()
            self._fill()

    @property
    def further(self) -> Mapping[str, Callable[[dict[str, Any] | None], Any]]:
        """Control calls that only this server has."""
        return {
            "webhooks": self._webhooks,
            "meanings": lambda _body: self.declared.explained(),
        }

    def _webhooks(self, body: dict[str, Any] | None) -> dict[str, Any]:
        with self.lock:
            return self.webhooks.control(body)

    def close(self) -> None:
        """End the deliveries and close the file."""
        self.webhooks.clear()
        self.store.close()

    # What the API's operations are made of.

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Write many rows at one instant and in one transaction of the file."""
        self.store.begin()
        try:
            with self.diary.one_instant():
                yield
        finally:
            self.store.commit()

    def visible(self, identifier: str, viewer: Member) -> Record:
        """The record, if the viewer may see it.

        Raises:
            Refusal: 404, or 403 for another's record and a Sales user.
        """
        record = self.writing.existing(identifier)
        if viewer.limited and record.owner_id != viewer.id:
            raise Refusal(403, "You do not have access to this data object.")
        return record

    def create(self, request: Mapping[str, Any], actor: Member) -> Record:
        """Add a record with a new id."""
        number = len(self.store.records) + len(self.store.deletions) + 1
        return self.writing.create(
            dict(request), actor, identifier=f"{_ID_PREFIX}{self._seed:04x}{number:012x}"
        )

    def document(self, record: Record) -> dict[str, Any]:
        """The record as a request would describe it: what a patch is applied to."""
        pin = None
        if record.pin_id is not None:
            pin = pin_shape(self.store.pins[record.pin_id])
        return {
            "typeId": record.type_id,
            "stageId": record.stage_id,
            "ownerId": record.owner_id,
            "parentId": record.parent_id,
            "source": record.source,
            "externalDataObjectId": record.external_id,
            "collaboratorIds": list(record.collaborators),
            "pin": pin,
            "fields": self.shapes.entries(record),
        }

    def patch(
        self, record: Record, operations: Any, actor: Member, *, validate_required: bool
    ) -> Record:
        """Apply a JSON Patch."""
        changes = patching.patched(self.document(record), operations, self.declared)
        return self.writing.change(record, changes, actor, validate_required=validate_required)

    def write_line(
        self, operation: str, type_id: int, line: Mapping[str, Any], actor: Member
    ) -> str:
        """Write one line of a bulk job; the record's id."""
        request = folded(line)
        if str(request.get("typeId") or type_id) != str(type_id):
            message = f"The job is for type {type_id}."
            raise Refusal(VALIDATION, {"typeId": message})
        request["typeId"] = type_id
        identifier = request.pop("id", None)
        if operation == "create":
            if identifier:
                raise Refusal(VALIDATION, {"id": "A record to create has no id."})
            return self.create(request, actor).id
        if not identifier:
            raise Refusal(VALIDATION, {"id": "A record to change needs its id."})
        record = self.visible(str(identifier), actor)
        meaning = self.declared["bulk_update"]
        if meaning == "whole" and operation == "update":
            request = {**dict.fromkeys(_CLEARED), **request}
        elif meaning != "keys" and "fields" in request:
            request["fields"] = self._merged(record, request["fields"])
        return self.writing.change(record, request, actor).id

    def _merged(self, record: Record, sent: Any) -> list[dict[str, Any]]:
        if not isinstance(sent, list) or not all(isinstance(entry, dict) for entry in sent):
            raise Refusal(400, {"fields": "Fields must be a list of objects."})
        entries = {str(entry["fieldId"]): entry for entry in self.shapes.entries(record)}
        return list({**entries, **{str(entry.get("fieldId")): entry for entry in sent}}.values())

    def settled_before(self) -> int:
        """Records created up to here are seen in feeds (switch ``feed_delay_s``)."""
        return self.diary.now() - int(self.declared["feed_delay_s"] * TICKS)

    def exported_ids(self, updated_after: str | None, viewer: Member) -> list[str]:
        """Ids of the export feed, in the order of the switch.

        Raises:
            Refusal: 400, ``updatedAfter`` is not a date-time.
        """
        after = 0
        if updated_after:
            try:
                after = read_ticks(updated_after)
            except ValueError:
                message = f"The value '{updated_after}' is not valid."
                raise Refusal(400, {"updatedAfter": message}) from None
        exclusive = self.declared["updated_after"] == "exclusive"
        before = self.settled_before()
        ids = [
            record.id
            for record in self.store.updated_since(after)
            if record.created <= before
            and not (exclusive and record.updated == after)
            and (not viewer.limited or record.owner_id == viewer.id)
        ]
        order = self.declared["feed_order"]
        if order == "updated_desc":
            ids.reverse()
        elif order == "random":
            random.Random(len(ids)).shuffle(ids)  # noqa: S311 a repeatable disorder, no secret
        return ids
