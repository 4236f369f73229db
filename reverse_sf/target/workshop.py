"""The connected part of the target: applies what the mapper decided, parents before children."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from reverse_sf.delivery.outbox import Outbox
from reverse_sf.delivery.results import Heading, Result, Withheld
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.mapping import canon
from reverse_sf.mapping.activity_fields import DESCRIBED, is_of_activities
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.envelope import KEY_MARK, Action
from reverse_sf.target.creating import Creates
from reverse_sf.target.operations import Operation, is_owner
from reverse_sf.target.people import People
from reverse_sf.target.tasks import Task
from reverse_sf.target.updating import Updates
from reverse_sf.target.vocabulary import ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.merge.envelope import Envelope
    from reverse_sf.target.carrier import Carrier
    from reverse_sf.target.org import Org
    from reverse_sf.target.plain import PlainWrites
    from reverse_sf.target.settings import Settings
    from reverse_sf.target.vocabulary import Vocabulary

HEADING = Heading(Direction.TO_SALESFORCE, Side.SALESFORCE, "Salesforce")
logger = logging.getLogger("target-salesforce")

_AT_ONCE = 500
_FINGERPRINTS = "salesforce_fingerprints"


class Workshop:
    """Applies operations to one org.

    Args:
        org: the org.
        carrier: sends records.
        settings: the target's settings.
        ledger: None for a run without one.
        run_id: the mapper's run, empty for a run without one.
        properties: stream to its declared properties; may grow.
        plain: makes the writer of records that no mapper decided.
    """

    def __init__(
        self,
        org: Org,
        carrier: Carrier,
        settings: Settings,
        ledger: Ledger | None,
        *,
        run_id: str,
        properties: Mapping[str, Mapping[str, Any]],
        plain: Callable[[Outbox], PlainWrites],
    ) -> None:
        self._org = org
        self._carrier = carrier
        self._settings = settings
        self._ledger = ledger
        self._run_id = run_id
        self._properties = properties
        self.outbox = Outbox(ledger, run_id, HEADING, logger, _complete)
        self._plain = plain(self.outbox)
        self._people: People | None = None
        self._updates = Updates(
            carrier,
            report=self.outbox.add,
            journal=self.outbox.journal,
            bulk_threshold=settings.bulk_threshold,
        )
        self._creates = Creates(
            org.client,
            carrier,
            ledger,
            self.outbox.add,
            repeat_unknown=settings.repeat_unknown_creates,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._org.client.close()

    def apply(self, operations: Iterable[Operation]) -> None:
        """Apply operations, objects of parents first; commits what was done, also on failure."""
        by_stream: dict[str, list[Operation]] = {}
        for operation in operations:
            by_stream.setdefault(operation.stream, []).append(operation)
        # All streams are resolved before anything is written: a misspelt one stops the run clean.
        shapes = {stream: self._shape(stream, of_it) for stream, of_it in by_stream.items()}
        self._org.learn(shapes)
        for stream, shape in shapes.items():
            vocabulary = self._org.vocabulary(stream)
            self._org.key_field(vocabulary, unique=bool(self._run_id))
            for name, declared in shape.items():
                if isinstance(declared, dict) and declared.get(KEY_MARK):
                    setting = "salesforce_external_id in the sync definition"
                    vocabulary.key(name, unique=True, setting=setting)
        self._release_parked(self._org.vocabulary(stream) for stream in by_stream)
        self._describe(by_stream)
        try:
            for stream in self._org.ordered(by_stream, self._properties):
                self._apply_stream(stream, by_stream[stream])
                self.outbox.flush()
                # Only now: the results of a job tell what it did until that is committed.
                self._carrier.forget_jobs()
        finally:
            self.outbox.flush()

    def _shape(self, stream: str, operations: Sequence[Operation]) -> Mapping[str, Any]:
        """The declared properties; those of the records where a stream was declared elsewhere."""
        declared = self._properties.get(stream)
        if declared is not None:
            return declared
        return dict.fromkeys(name for one in operations for name in one.record)

    def _release_parked(self, vocabularies: Iterable[Vocabulary]) -> None:
        """Where an object is not what it was, let the next run decide parked work again."""
        if self._ledger is None or not self._run_id:
            return
        known: dict[str, str] = self._ledger.setting(_FINGERPRINTS) or {}
        now = known | {one.sobject: one.fingerprint for one in vocabularies}
        if now == known:
            return
        self._ledger.set_setting(_FINGERPRINTS, now)
        if any(now[name] != mark for name, mark in known.items()):
            logger.info(
                "Salesforce's fields have changed: the next run tries %d parked ones again",
                self._retry_parked(self._ledger),
            )

    def _describe(self, by_stream: Mapping[str, Sequence[Operation]]) -> None:
        """Let the mapper know the fields of Task and Event, whose taps may never be run."""
        if self._ledger is None or not self._run_id:
            return
        for stream, operations in by_stream.items():
            envelope = operations[0].envelope
            if envelope is None or not is_of_activities(envelope.pair):
                continue
            told = self._org.vocabulary(stream).schema
            name = DESCRIBED + stream
            if self._ledger.catalog(Side.SALESFORCE, name) == told:
                continue
            self._ledger.store_catalog(Side.SALESFORCE, name, told)
            self._retry_parked(self._ledger)

    @staticmethod
    def _retry_parked(ledger: Ledger) -> int:
        at = datetime.now(timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds")
        return ledger.retry_parked(Direction.TO_SALESFORCE, now=f"{at}Z")

    def _apply_stream(self, stream: str, operations: list[Operation]) -> None:
        vocabulary = self._org.vocabulary(stream)
        decided = [(one, one.envelope) for one in operations if one.envelope is not None]
        plain = [one for one in operations if one.envelope is None]
        if plain:
            self._plain.apply(vocabulary, plain)
        if not decided:
            return
        people = self._owners(one for one, _ in decided)
        ids = self._counterparts([one for one, _ in decided])
        key = self._org.key_field(vocabulary, unique=True)
        shape = self._shape(stream, operations)
        fields = vocabulary.readable([*shape, *([key] if key else [])])
        creates: list[Task] = []
        updates: list[Task] = []
        for operation, envelope in decided:
            task = self._task(operation, envelope, vocabulary, key)
            waiting = self._missing(operation, ids)
            if waiting is not None and envelope.action is not Action.DELETE:
                self.outbox.add(_waiting(task, waiting))
            elif envelope.action is Action.SUSPEND:
                words = "only users can be suspended, and this is a record"
                self.outbox.add(task.refused(Withheld("", "unsupported", words)))
            elif envelope.action is Action.DELETE and self._settings.on_delete == "ignore":
                words = "target-salesforce is set to on_delete: ignore"
                why = Withheld("", "deletion_ignored", words)
                self.outbox.add(task.refused(why))
            else:
                creating = task.record_id is None
                if envelope.action is not Action.DELETE:
                    task.resolve(people, ids, creating=creating)
                (creates if creating else updates).append(task)
        found = self._creates.apply(creates, fields) if creates else []
        if found or updates:
            self._update([*updates, *found], fields)

    def _task(
        self, operation: Operation, envelope: Envelope, vocabulary: Vocabulary, key: str | None
    ) -> Task:
        task = Task(operation, envelope, vocabulary)
        task.record_id = canon.record_id(envelope.salesforce_id)
        if envelope.action not in {Action.CREATE, Action.LINK}:
            return task
        given = {
            facts.name: value
            for name, value in operation.record.items()
            if (facts := vocabulary.find(name)) is not None
        }
        if key is None:
            # The definition may map SPOTIO's own id onto an external id field.
            for name, value in given.items():
                facts = vocabulary.fields[name]
                if facts.external_id and facts.unique and str(value) == envelope.spotio_id:
                    key = name
        value = given.get(key or "", envelope.spotio_id)
        if key is not None and value not in (None, ""):
            task.key = (key, value)
        return task

    def _update(self, tasks: Sequence[Task], fields: Sequence[str]) -> None:
        for task in self._updates.apply(tasks, fields):
            if task.envelope.named:
                self.outbox.add(task.parted())
            elif task.envelope.action is Action.DELETE:
                self.outbox.add(task.result(OperationStatus.AGREED, "agreed", ()))
            else:
                # An update never becomes a create: the record was there once, and somebody or
                # something took it away.
                words = f"Salesforce has no record {task.record_id} any more"
                self.outbox.add(task.refused(Withheld("", "missing_in_salesforce", words)))

    def _owners(self, operations: Iterable[Operation]) -> People:
        if self._people is None:
            self._people = People(self._org.client, self._ledger)
        wanted = [value for one in operations for value in one.record.values() if is_owner(value)]
        if wanted:
            self._people.look_up(wanted)
        return self._people

    def _counterparts(self, operations: Sequence[Operation]) -> dict[str, str]:
        wanted = list(dict.fromkeys(link for one in operations for _, link, _ in one.references))
        return self._ledger.counterparts_in_salesforce(wanted) if wanted and self._ledger else {}

    @staticmethod
    def _missing(operation: Operation, ids: Mapping[str, str]) -> str | None:
        """The link that the record names and that has no Salesforce record yet."""
        for _, link_id, known in operation.references:
            if link_id not in ids and not known:
                return link_id
        return None

    def finish(self) -> None:
        """Apply what waited, until nothing more can be done."""
        if self._ledger is None or not self._run_id:
            return
        tried: set[str] = set()
        while True:
            intents = [
                intent
                for intent in self._ledger.released(
                    self._run_id, Direction.TO_SALESFORCE, limit=len(tried) + _AT_ONCE
                )
                if intent.operation_id not in tried
            ]
            if not intents:
                return
            tried |= {intent.operation_id for intent in intents}
            self.apply([Operation.from_intent(intent) for intent in intents])


def _waiting(task: Task, link_id: str) -> Result:
    words = "a record that it belongs to is not in Salesforce yet"
    why = Withheld("", "waiting_for_parent", words)
    return Result(
        task.operation,
        OperationStatus.WAITING,
        "waiting",
        withheld=[why],
        waiting_for=link_id,
    )


def _complete(ledger: Ledger, results: Sequence[Result]) -> None:
    """Keep what the tap knows of a record and this stream does not map."""
    images = {
        result.operation.envelope.link_id: result
        for result in results
        if result.operation.envelope and result.image is not None
    }
    if not images:
        return
    for link_id, snapshot in ledger.snapshots(list(images)).items():
        result = images[link_id]
        if snapshot.salesforce_image and snapshot.link.salesforce_id == result.record_id:
            result.image = {
                **snapshot.salesforce_image,
                **(result.image or {}),
                ID: result.record_id,
            }
