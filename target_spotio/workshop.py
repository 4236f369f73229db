"""The connected part of the target: applies operations in the order in which they must go out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.merge.envelope import Action
from target_spotio.bulk_creating import BulkCreates
from target_spotio.canary import Forgetful, Patcher
from target_spotio.creating import Creates
from target_spotio.external_ids import ExternalIds, Memory
from target_spotio.operations import PARENT, Operation
from target_spotio.outbox import Outbox
from target_spotio.pool import Pool
from target_spotio.results import DIRECTION, Result
from target_spotio.updating import Task, Updates
from target_spotio.vocabulary import Withheld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reverse_sf.ledger.store import Ledger
    from target_spotio.settings import Settings
    from target_spotio.tenant import Tenant


class Workshop:
    """Applies operations to one tenant, types of parents before types of children.

    Args:
        tenant: the tenant.
        settings: the target's settings.
        ledger: None for a run without one.
        run_id: the mapper's run, empty for a run without one.
        properties: stream to its declared properties; may grow.
        tick: called now and then on long work.
    """

    def __init__(
        self,
        tenant: Tenant,
        settings: Settings,
        ledger: Ledger | None,
        *,
        run_id: str,
        properties: Mapping[str, Mapping[str, Any]],
        tick: Callable[[], None],
    ) -> None:
        self.tenant = tenant
        self._ledger = ledger
        self._run_id = run_id
        self._properties = properties
        self._ignore_deletions = settings.on_delete == "ignore"
        self._external_ids = ExternalIds(tenant.spotio.feeds, ledger or Memory(), tick)
        self._made: dict[str, list[tuple[str, str]]] = {}
        self.outbox = Outbox(ledger, run_id, self._note_created)
        pool = Pool(settings.max_workers)
        patcher = Patcher(tenant.spotio, ledger or Forgetful())
        patcher.repair()
        self._updates = Updates(tenant.spotio, patcher, pool, self.outbox.add)
        bulk = BulkCreates(
            tenant.spotio,
            ledger,
            run_id,
            report=self.outbox.add,
            committed=self._commit,
            tick=tick,
            patience=settings.bulk_timeout,
        )
        self._creates = Creates(
            tenant.spotio,
            self._external_ids,
            bulk,
            pool,
            report=self.outbox.add,
            tick=tick,
            bulk_threshold=settings.bulk_threshold,
            settle_seconds=settings.settle_seconds,
        )

    def _note_created(self, stream: str, external_id: str, record_id: str) -> None:
        self._made.setdefault(stream, []).append((external_id, record_id))

    def _commit(self) -> None:
        self.outbox.flush()
        for stream, entries in self._made.items():
            vocabulary = self.tenant.vocabulary(stream, self._properties[stream])
            self._external_ids.add(vocabulary.type.id, entries)
        self._made.clear()

    def apply(self, operations: Iterable[Operation]) -> None:
        """Apply operations, types of parents first; commits what was done, also on failure."""
        by_stream: dict[str, list[Operation]] = {}
        for operation in operations:
            by_stream.setdefault(operation.stream, []).append(operation)
        # All streams are resolved before anything is written: a misspelt one stops the run clean.
        for stream in by_stream:
            self.tenant.vocabulary(stream, self._properties[stream])
        try:
            for stream in sorted(by_stream, key=self.tenant.depth):
                self._apply_stream(stream, by_stream[stream])
                self._commit()
        finally:
            self._commit()

    def _apply_stream(self, stream: str, operations: list[Operation]) -> None:
        vocabulary = self.tenant.vocabulary(stream, self._properties[stream])
        creates: list[Task] = []
        updates: list[Task] = []
        parents = self._parents(operations)
        for operation in _merged(operations):
            parent_link = operation.parent_link
            parent = operation.record.get(PARENT)
            if parent_link is not None:
                parent = parents.get(parent_link)
                if parent is None and operation.action is not Action.DELETE:
                    self.outbox.add(_waiting(operation, parent_link))
                    continue
            elif isinstance(parent, dict):
                parent = parent.get("spotio_id")
            task = Task(operation, vocabulary, operation.spotio_id, parent=parent)
            if operation.action is Action.SUSPEND:
                words = "only users can be suspended, and this is a record"
                self.outbox.add(_rejected(task, "unsupported", words))
            elif operation.action is Action.DELETE and self._ignore_deletions:
                words = "target-spotio is set to on_delete: ignore"
                self.outbox.add(_rejected(task, "deletion_ignored", words))
            elif operation.creates and operation.spotio_id is None:
                creates.append(task)
            else:
                updates.append(task)
        if creates:
            updates += self._creates.apply(creates)
        if updates:
            self._update(updates)

    def _update(self, tasks: list[Task]) -> None:
        missing = self._updates.apply(tasks)
        anew = [task for task in missing if task.operation.creates]
        for task in missing:
            if task.operation.creates:
                continue
            if task.operation.action is Action.DELETE:
                self.outbox.add(Result(task.operation, OperationStatus.AGREED, "agreed"))
            else:
                words = f"SPOTIO has no record {task.record_id} any more"
                self.outbox.add(_rejected(task, "missing_in_spotio", words))
        if anew:
            self._creates.create_anew(anew)

    def _parents(self, operations: list[Operation]) -> dict[str, str]:
        wanted = list(dict.fromkeys(one.parent_link for one in operations if one.parent_link))
        return self._ledger.counterparts(wanted) if wanted and self._ledger else {}

    def finish(self) -> None:
        """Settle what is in doubt and apply what waited, until nothing more can be done."""
        tried: set[str] = set()
        try:
            while True:
                progress = self._release(tried)
                if self._creates.unsettled:
                    self._update(self._creates.settle())
                    self._commit()
                    progress = True
                if not progress:
                    return
        finally:
            self._commit()

    def _release(self, tried: set[str]) -> bool:
        if self._ledger is None or not self._run_id:
            return False
        progress = False
        while True:
            intents = [
                intent
                for intent in self._ledger.released(self._run_id, DIRECTION, limit=len(tried) + 500)
                if intent.operation_id not in tried
            ]
            if not intents:
                return progress
            tried |= {intent.operation_id for intent in intents}
            self.apply([Operation.from_intent(intent) for intent in intents])
            progress = True


def _merged(operations: list[Operation]) -> list[Operation]:
    """One operation per external id where no mapper decided: later values win, key by key."""
    merged: dict[Any, Operation] = {}
    for position, operation in enumerate(operations):
        if operation.envelope is not None or operation.external_id is None:
            merged[position] = operation
            continue
        earlier = merged.get(operation.external_id)
        record = {**earlier.record, **operation.record} if earlier else operation.record
        merged[operation.external_id] = Operation(
            operation.stream, record, None, operation.external_id
        )
    return list(merged.values())


def _waiting(operation: Operation, parent_link: str) -> Result:
    words = "its parent has no SPOTIO record yet"
    return Result(
        operation,
        OperationStatus.WAITING,
        "waiting",
        withheld=[Withheld("", "waiting_for_parent", words)],
        waiting_for=parent_link,
    )


def _rejected(task: Task, reason: str, words: str) -> Result:
    return Result(
        task.operation,
        OperationStatus.REJECTED,
        "rejected",
        withheld=[Withheld("", reason, words)],
        calls=task.calls,
    )
