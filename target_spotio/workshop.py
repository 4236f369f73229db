"""The connected part of the target: applies operations in the order in which they must go out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from reverse_sf.delivery.desk import RefusedRecordsError
from reverse_sf.delivery.outbox import Outbox
from reverse_sf.delivery.results import Heading, Result, Withheld
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.envelope import Action
from reverse_sf.spotio.instants import format_instant, now
from target_spotio.activities import ActivityWrites
from target_spotio.bulk_creating import BulkCreates
from target_spotio.canary import Forgetful, Patcher
from target_spotio.creating import Creates
from target_spotio.external_ids import ExternalIds, Memory
from target_spotio.operations import EXTERNAL_ID, PARENT, Operation
from target_spotio.pool import Pool
from target_spotio.tasks import Task
from target_spotio.updating import Updates
from target_spotio.users import UserWrites, keep_users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_sf.ledger.store import Ledger
    from target_spotio.settings import Settings
    from target_spotio.tenant import Tenant


HEADING = Heading(Direction.TO_SPOTIO, Side.SPOTIO, "SPOTIO")
logger = logging.getLogger("target-spotio")

_AT_ONCE = 500
_FINGERPRINT = "spotio_fingerprint"
_NOT_KEPT = frozenset({EXTERNAL_ID, "deleted"})


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
        self.outbox = Outbox(ledger, run_id, HEADING, logger, _complete)
        pool = Pool(settings.max_workers)
        self._release_parked()
        patcher = Patcher(tenant.spotio, ledger or Forgetful())
        patcher.repair()
        self._activities = ActivityWrites(tenant, pool, self._report)
        self._users = UserWrites(tenant.spotio, ledger, self._report)
        self._updates = Updates(
            tenant.spotio, patcher, pool, report=self._report, journal=self.outbox.journal
        )
        bulk = BulkCreates(
            tenant.spotio,
            ledger,
            run_id,
            report=self._report,
            committed=self._commit,
            tick=tick,
            patience=settings.bulk_timeout,
        )
        self._creates = Creates(
            tenant.spotio,
            self._external_ids,
            bulk,
            pool,
            report=self._report,
            tick=tick,
            bulk_threshold=settings.bulk_threshold,
            settle_seconds=settings.settle_seconds,
        )

    def close(self) -> None:
        """Give the connections back."""
        self.tenant.spotio.close()

    def _release_parked(self) -> None:
        """Where workflow or users have changed, let the next run decide parked work again."""
        if self._ledger is None or not self._run_id:
            return
        known, now_is = self._ledger.setting(_FINGERPRINT), self.tenant.fingerprint
        if known == now_is:
            return
        if self._ledger.users(Side.SPOTIO):
            # The mapper finds owners among them, and the tap tells nobody who is gone.
            keep_users(self._ledger, self.tenant.spotio.all_users())
        self._ledger.set_setting(_FINGERPRINT, now_is)
        if known is not None:
            released = self._ledger.retry_parked(Direction.TO_SPOTIO, now=format_instant(now()))
            logger.info(
                "SPOTIO's workflow or users have changed: the next run tries %d parked ones again",
                released,
            )

    def _report(self, result: Result) -> None:
        """Take one result."""
        operation = result.operation
        key = None
        if isinstance(operation, Operation) and not (operation.of_user or operation.of_activity):
            key = operation.external_id
        if result.counter == "created" and key and result.record_id:
            self._made.setdefault(operation.stream, []).append((key, result.record_id))
        self.outbox.add(result)

    def _commit(self) -> None:
        self.outbox.flush()
        for stream, entries in self._made.items():
            vocabulary = self.tenant.vocabulary(stream, self._properties[stream])
            self._external_ids.add(vocabulary.type.id, entries)
        self._made.clear()

    def apply(self, operations: Iterable[Operation]) -> None:
        """Apply operations, users and types of parents first; commits what was done in any case."""
        by_stream: dict[str, list[Operation]] = {}
        of_users: list[Operation] = []
        of_activities: list[Operation] = []
        for operation in operations:
            if operation.of_user:
                of_users.append(operation)
                continue
            if operation.of_activity:
                of_activities.append(operation)
                continue
            by_stream.setdefault(operation.stream, []).append(operation)
        # All streams are resolved before anything is written: a misspelt one stops the run clean.
        for stream in by_stream:
            self.tenant.vocabulary(stream, self._properties[stream])
        try:
            if of_users:
                self.tenant.meet(self._users.apply(of_users))
                if self._ledger is not None:
                    # What we have changed ourselves makes no refused value good.
                    self._ledger.set_setting(_FINGERPRINT, self.tenant.fingerprint)
                self._commit()
            for stream in sorted(by_stream, key=self.tenant.depth):
                self._apply_stream(stream, by_stream[stream])
                self._commit()
            if of_activities:
                self._activities.apply(of_activities, self._parents(of_activities))
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
                    self._report(_waiting(operation, parent_link))
                    continue
            elif isinstance(parent, dict):
                parent = parent.get("spotio_id")
            task = Task(operation, vocabulary, operation.spotio_id, parent=parent)
            if operation.action is Action.SUSPEND:
                words = "only users can be suspended, and this is a record"
                self._report(task.refused(Withheld("", "unsupported", words)))
            elif operation.action is Action.DELETE and self._ignore_deletions:
                words = "target-spotio is set to on_delete: ignore"
                self._report(task.refused(Withheld("", "deletion_ignored", words)))
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
            if task.named:
                self._report(task.parted())
            elif task.operation.action is Action.DELETE:
                self._report(Result(task.operation, OperationStatus.AGREED, "agreed"))
            else:
                words = f"SPOTIO has no record {task.record_id} any more"
                self._report(task.refused(Withheld("", "missing_in_spotio", words)))
        if anew:
            self._creates.create_anew(anew)

    def _parents(self, operations: list[Operation]) -> dict[str, str]:
        wanted = list(dict.fromkeys(one.parent_link for one in operations if one.parent_link))
        return self._ledger.counterparts(wanted) if wanted and self._ledger else {}

    def finish(self) -> None:
        """Settle what is in doubt and apply what waited, until nothing more can be done.

        Raises:
            RefusedRecordsError: records that no mapper decided were refused.
        """
        tried: set[str] = set()
        try:
            while True:
                progress = self._release(tried)
                if self._creates.unsettled:
                    self._update(self._creates.settle())
                    self._commit()
                    progress = True
                if not progress:
                    break
        finally:
            self._commit()
        if self.outbox.refused:
            total = self.outbox.tally["withheld"]
            raise RefusedRecordsError(total, self.outbox.refused, "SPOTIO")

    def _release(self, tried: set[str]) -> bool:
        if self._ledger is None or not self._run_id:
            return False
        progress = False
        while True:
            intents = [
                intent
                for intent in self._ledger.released(
                    self._run_id, Direction.TO_SPOTIO, limit=len(tried) + _AT_ONCE
                )
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


def _complete(ledger: Ledger, results: Sequence[Result]) -> None:
    """Keep what the tap has told and the calls of this run did not, such as the parent.

    What a link or a create has just changed is not kept: who owns the record, and that it was
    gone.
    """
    images = {
        result.operation.envelope.link_id: result.image
        for result in results
        if result.operation.envelope and result.image is not None
    }
    if not images:
        return
    for link_id, snapshot in ledger.snapshots(list(images)).items():
        image = images[link_id]
        for key, value in (snapshot.spotio_image or {}).items():
            if key not in image and key not in _NOT_KEPT:
                image[key] = value
