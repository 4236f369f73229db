"""Creates: look before creating, in bulk above a threshold, never twice.

SPOTIO has neither an upsert nor an idempotency key. What keeps a create from happening twice is the
index of external ids, looked up before every attempt, and patience: a record whose fate is unknown
is looked for until it must have become visible.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.delivery.results import Result, Withheld
from reverse_sf.errors import RetryError
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.mapping.values import is_blank
from reverse_sf.spotio.errors import AmbiguousOutcomeError, WriteRefusedError
from reverse_sf.spotio.instants import format_instant
from target_spotio.operations import PARENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reverse_sf.spotio.client import Spotio
    from reverse_sf.spotio.record import Record
    from target_spotio.bulk_creating import BulkCreates
    from target_spotio.external_ids import ExternalIds
    from target_spotio.pool import Pool
    from target_spotio.tasks import Task

_ATTEMPTS = 4
_POLL = 0.5


@dataclass
class Unsettled:
    """A create whose fate is unknown.

    Attributes:
        since: when it was last in doubt, on the monotonic clock.
        attempts: how often it was tried in this run.
    """

    task: Task
    since: float
    attempts: int = 0


class Creates:
    """Creates records that do not exist yet.

    Args:
        spotio: the tenant.
        external_ids: the index.
        bulk: writes many.
        pool: runs single calls side by side.
        report: takes each result as soon as it is known.
        tick: called now and then while waiting.
        bulk_threshold: from so many records on, a bulk job writes them.
        settle_seconds: after so long a record that was written is visible in SPOTIO's feed.
    """

    def __init__(
        self,
        spotio: Spotio,
        external_ids: ExternalIds,
        bulk: BulkCreates,
        pool: Pool,
        *,
        report: Callable[[Result], None],
        tick: Callable[[], None],
        bulk_threshold: int,
        settle_seconds: float,
    ) -> None:
        self._spotio = spotio
        self._external_ids = external_ids
        self._bulk = bulk
        self._pool = pool
        self._report = report
        self._tick = tick
        self._bulk_threshold = bulk_threshold
        self._settle_seconds = settle_seconds
        # Whatever an earlier run left in doubt was sent before this moment.
        self._began = time.monotonic()
        self.unsettled: list[Unsettled] = []

    def apply(self, tasks: Sequence[Task]) -> list[Task]:
        """Create what does not exist; returns the tasks whose record was found instead.

        Raises:
            RetryError: SPOTIO does not answer.
        """
        if not any(task.operation.external_id for task in tasks):
            self._create(list(tasks))
            return []
        self._bulk.finish_earlier()
        self._external_ids.ensure_fresh()
        found, absent = self._look(tasks)
        new: list[Task] = []
        for task in absent:
            envelope = task.operation.envelope
            if envelope is not None and envelope.reissued:
                self.unsettled.append(Unsettled(task, self._began))
            else:
                new.append(task)
        self._create(new)
        return found

    def create_anew(self, tasks: Sequence[Task]) -> None:
        """Create records that the index knew and SPOTIO no longer has."""
        self._external_ids.forget([task.record_id for task in tasks if task.record_id])
        for task in tasks:
            task.record_id, task.linking = None, False
        self._create(list(tasks))

    def settle(self) -> list[Task]:
        """Settle every create in doubt; returns the tasks whose record was found.

        Raises:
            RetryError: SPOTIO does not answer.
        """
        found: list[Task] = []
        while self.unsettled:
            found += self._look_again()
            if not self.unsettled:
                break
            due = max(one.since for one in self.unsettled) + self._settle_seconds
            while time.monotonic() < due:
                time.sleep(min(_POLL, max(0.0, due - time.monotonic())))
                self._tick()
            found += self._look_again()
            doubtful, self.unsettled = self.unsettled, []
            for one in doubtful:
                if one.attempts >= _ATTEMPTS:
                    raise RetryError(
                        f"SPOTIO left the fate of {len(doubtful)} creates open {_ATTEMPTS} times;"
                        " they are looked for first when this runs again"
                    )
            before = {id(one.task): one.attempts for one in doubtful}
            self._create([one.task for one in doubtful], bulk=False)
            for one in self.unsettled:
                one.attempts = before.get(id(one.task), 0) + 1
        return found

    def _look_again(self) -> list[Task]:
        self._external_ids.refresh()
        doubtful = self.unsettled
        found, absent = self._look([one.task for one in doubtful])
        waiting = {id(task) for task in absent}
        self.unsettled = [one for one in doubtful if id(one.task) in waiting]
        return found

    def _look(self, tasks: Sequence[Task]) -> tuple[list[Task], list[Task]]:
        """Split tasks into found and absent; ambiguous ones are reported at once."""
        by_type: dict[str, list[str]] = {}
        for task in tasks:
            if task.operation.external_id:
                of_type = by_type.setdefault(task.vocabulary.type.id, [])
                of_type.append(task.operation.external_id)
        known = {
            type_id: self._external_ids.find(type_id, external_ids)
            for type_id, external_ids in by_type.items()
        }
        found: list[Task] = []
        absent: list[Task] = []
        for task in tasks:
            external_id = task.operation.external_id
            ids = known[task.vocabulary.type.id].get(external_id, []) if external_id else []
            if len(ids) > 1:
                words = f"several SPOTIO records carry the external id {external_id}: "
                self._report(task.refused(Withheld("", "ambiguous", words + ", ".join(ids))))
            elif ids:
                task.record_id, task.linking = ids[0], True
                found.append(task)
            else:
                absent.append(task)
        return found, absent

    def _create(self, tasks: list[Task], *, bulk: bool = True) -> None:
        keyed = [task for task in tasks if task.operation.external_id]
        if bulk and self._bulk_threshold and len(keyed) >= self._bulk_threshold:
            single, doubtful = self._bulk.create(keyed)
            now = time.monotonic()
            self.unsettled += [Unsettled(task, now) for task in doubtful]
            tasks = single + [task for task in tasks if not task.operation.external_id]
        if tasks:
            self._pool.run(self._post, tasks, self._keep)

    def _keep(self, outcome: Result | Unsettled) -> None:
        if isinstance(outcome, Unsettled):
            self.unsettled.append(outcome)
            return
        self._report(outcome)

    def _post(self, task: Task) -> Result | Unsettled:
        while True:
            body = body_of(task)
            try:
                written = self._spotio.create(body)
            except AmbiguousOutcomeError as error:
                task.note(error.call)
                if task.operation.external_id is None:
                    return task.refused(Withheld("", "unknown_outcome", str(error), by_time=True))
                return Unsettled(task, time.monotonic())
            except WriteRefusedError as error:
                task.note(error.call)
                if not withhold_named(task, error.complaints):
                    return task.refused(Withheld("", "rejected", str(error)))
                continue
            task.note(written.call)
            return created(task, written.record)


def body_of(task: Task) -> dict[str, Any]:
    """The body that creates the task's record, without what is withheld of it."""
    vocabulary, operation = task.vocabulary, _allowed(task)
    wanted = vocabulary.wanted(operation, creating=True, parent=task.parent)
    return vocabulary.body(wanted, operation.external_id)


def withhold_named(task: Task, complaints: Mapping[str, str]) -> bool:
    """Withhold the keys that SPOTIO complains of; whether the rest is worth another attempt."""
    named = task.vocabulary.keys_named(complaints, _allowed(task))
    if not named or task.withheld:
        return False
    task.withheld += [Withheld(key, "rejected", words) for key, words in named.items()]
    return True


def _allowed(task: Task) -> Any:
    return task.operation.without({one.key for one in task.withheld})


def created(task: Task, record: Record) -> Result:
    """The result of a create, from the record as read back."""
    operation = _allowed(task)
    wanted = task.vocabulary.wanted(operation, creating=True, parent=task.parent)
    image = task.vocabulary.image(record)
    result = Result(
        task.operation,
        OperationStatus.APPLIED,
        "created",
        record_id=record.id,
        image=image,
        modified_at=format_instant(record.updated_at) if record.updated_at else None,
        withheld=[*wanted.withheld, *task.withheld],
        awaited=wanted.awaited,
        calls=task.calls,
    )
    for key, value in wanted.values.items():
        if not is_blank(value) and is_blank(image.get(key)) and key != PARENT and key in image:
            words = "SPOTIO created the record but left this out"
            result.withheld.append(Withheld(key, "not_taken", words))
        elif key not in wanted.stand_ins:
            result.written.append(key)
    return result


def unread(task: Task, record_id: str) -> Result:
    """The result of a create whose record could not be read back: linked, nothing settled."""
    return Result(
        task.operation, OperationStatus.APPLIED, "created", record_id=record_id, calls=task.calls
    )
