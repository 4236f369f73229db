"""Updates: read many, guard each key, patch what differs, keep what comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.delivery.results import Result, Withheld
from reverse_sf.delivery.verdict import Verdict, judge
from reverse_sf.errors import RecordError, RetryError
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.mapping.values import is_blank
from reverse_sf.merge.envelope import Action
from reverse_sf.spotio.client import MANY
from reverse_sf.spotio.errors import AmbiguousOutcomeError, NotFoundError, WriteRefusedError
from reverse_sf.spotio.instants import format_instant
from reverse_sf.spotio.patches import Dialect
from target_spotio.canary import ChangedMeanwhileError
from target_spotio.operations import ADDRESS, EXTERNAL_ID, PARENT
from target_spotio.sameness import same

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reverse_sf.delivery.results import Overruled
    from reverse_sf.merge.envelope import Envelope
    from reverse_sf.spotio.client import Spotio
    from reverse_sf.spotio.record import Record
    from target_spotio.canary import Patcher
    from target_spotio.pool import Pool
    from target_spotio.tasks import Task
    from target_spotio.vocabulary import Wanted

_LOOKS = 4
_ID = re.compile("[0-9a-fA-F]{24}")
"""An id of SPOTIO; what a person wrote into Salesforce's field may be anything."""
_GONE = Withheld("", "missing_in_spotio", "SPOTIO has no such record")
_WORTH_A_PROBE = 5


@dataclass
class _Plan:
    """What the guard lets be written to one record."""

    task: Task
    record: Record
    wanted: Wanted
    current: dict[str, Any]
    write: list[str]
    agreed: list[str]
    stale: list[str]


class Updates:
    """Brings records that exist up to date.

    Args:
        spotio: the tenant.
        patcher: writes in the tenant's dialect.
        pool: runs single calls side by side.
        report: takes each result as soon as it is known.
        journal: keeps values before a link overwrites them.
    """

    def __init__(
        self,
        spotio: Spotio,
        patcher: Patcher,
        pool: Pool,
        *,
        report: Callable[[Result], None],
        journal: Callable[[Sequence[tuple[Envelope, Sequence[Overruled]]]], None],
    ) -> None:
        self._spotio = spotio
        self._patcher = patcher
        self._pool = pool
        self._report = report
        self._journal = journal

    def apply(self, tasks: Sequence[Task]) -> list[Task]:
        """Apply updates, links and deletions; returns those whose record does not exist.

        Raises:
            RetryError: SPOTIO does not answer.
            RefusedError: SPOTIO refuses all of us.
        """
        missing: list[Task] = []
        for start in range(0, len(tasks), MANY):
            missing += self._apply(tasks[start : start + MANY])
        return missing

    def _apply(self, tasks: Sequence[Task]) -> list[Task]:
        """Apply as many as one call reads, so that little time passes between guard and write."""
        records = self._read(tasks)
        missing: list[Task] = []
        plans: list[_Plan] = []
        for task in tasks:
            record = records.get(task.record_id or "")
            if record is None or (task.named and record.type_id != task.vocabulary.type.id):
                missing.append(task)
                continue
            task.vocabulary.learn(record)
            plan = _plan(task, record)
            if plan.stale or (not plan.write and task.operation.action is not Action.DELETE):
                self._report(_unwritten(plan))
            else:
                plans.append(plan)
        deletions = [plan for plan in plans if plan.task.operation.action is Action.DELETE]
        plans = [plan for plan in plans if plan.task.operation.action is not Action.DELETE]
        self._journal([pair for plan in plans for pair in _foreseen(plan)])
        while plans and self._patcher.dialect is None:
            self._report(self._write(plans.pop(0)))
        if len(plans) >= _WORTH_A_PROBE:
            self._patcher.probe_tests(plans[0].record)
        if plans:
            self._pool.run(self._write, plans, self._report)
        if deletions:
            self._pool.run(self._delete, deletions, self._report)
        return missing

    def _read(self, tasks: Sequence[Task]) -> dict[str, Record]:
        with_parent: dict[str, None] = {}
        plain: dict[str, None] = {}
        for task in tasks:
            of_its_kind = with_parent if PARENT in task.operation.record else plain
            if not task.named or _ID.fullmatch(task.record_id or ""):
                of_its_kind[task.record_id or ""] = None
        found = {record.id: record for record in self._spotio.many(list(plain))}

        def keep(record: Record | None) -> None:
            if record is not None:
                found[record.id] = record

        if with_parent:
            # Only the single call tells the parent, so only where it is at stake is it made.
            self._pool.run(self._spotio.read, list(with_parent), keep)
        return found

    def _write(self, plan: _Plan) -> Result:
        if self._patcher.relies_on_read:
            plan = self._again(plan) or plan
        for _ in range(_LOOKS):
            if plan.stale or not plan.write:
                return _unwritten(plan)
            change = plan.task.vocabulary.change(plan.wanted, plan.write, plan.record)
            try:
                written = self._patcher.patch(plan.record, change)
            except ChangedMeanwhileError:
                again = self._again(plan)
                if again is None:
                    return _refused(plan, _GONE)
                plan = again
                continue
            except (AmbiguousOutcomeError, NotFoundError, WriteRefusedError) as error:
                plan.task.note(error.call)
                outcome = self._after(plan, error)
                if isinstance(outcome, Result):
                    return outcome
                plan = outcome
                continue
            plan.task.note(written.call)
            read_back = written.record
            if PARENT in plan.write:
                # The answer of a patch does not tell the parent.
                read_back = self._spotio.read(read_back.id) or read_back
            return _written(plan, read_back)
        raise RetryError(f"SPOTIO did not confirm the update of {plan.record.id}; run again later")

    def _after(
        self, plan: _Plan, error: AmbiguousOutcomeError | NotFoundError | WriteRefusedError
    ) -> _Plan | Result:
        """What to try after a patch that failed, or the result if there is nothing to try."""
        if isinstance(error, WriteRefusedError):
            again = self._changed(plan, error)
            if again is not None:
                return again
            if _withhold(plan, error):
                return plan
            return _refused(plan, Withheld("", "rejected", str(error)))
        if isinstance(error, AmbiguousOutcomeError):
            seen = self._again(plan)
            if seen is not None:
                return seen
        return _refused(plan, _GONE)

    def _again(self, plan: _Plan) -> _Plan | None:
        """The plan from a fresh read; None where the record is gone."""
        seen = self._spotio.read(plan.record.id)
        return None if seen is None else _plan(plan.task, seen)

    def _changed(self, plan: _Plan, error: RecordError) -> _Plan | None:
        """A fresh plan, where a patch was refused because the record changed after it was read."""
        if error.fields or self._patcher.dialect is not Dialect.INDEX_TESTED:
            return None
        again = self._again(plan)
        if again is None or again.record.entries == plan.record.entries:
            return None
        return again

    def _delete(self, plan: _Plan) -> Result:
        task = plan.task
        try:
            call = self._spotio.delete(plan.record.id, spare_types=task.vocabulary.child_types)
        except RecordError as error:
            return _refused(plan, Withheld("", "rejected", str(error)))
        if call is not None:
            task.note(call)
        return Result(
            task.operation,
            OperationStatus.APPLIED,
            "deleted",
            record_id=plan.record.id,
            calls=task.calls,
        )


def _withhold(plan: _Plan, error: WriteRefusedError) -> bool:
    """Withhold the keys that SPOTIO complains of; whether the rest may be tried once more."""
    task = plan.task
    named = task.vocabulary.keys_named(error.complaints, task.operation)
    named = {key: words for key, words in named.items() if key in plan.write}
    if not named or task.withheld:
        return False
    task.withheld += [Withheld(key, "rejected", words) for key, words in named.items()]
    plan.write = [key for key in plan.write if key not in named]
    return True


def _plan(task: Task, record: Record) -> _Plan:
    operation = task.operation
    wanted = task.vocabulary.wanted(operation, creating=False, parent=task.parent)
    current = task.vocabulary.image(record)
    if operation.action is Action.DELETE:
        expected = dict(operation.expected)
        stale = _judge(expected, current, {}).write
        return _Plan(task, record, wanted, current, [], [], stale)
    if operation.action is Action.LINK and operation.external_id:
        _claim(operation.external_id, record, wanted, task)
    verdict = _judge(wanted.values, current, operation.expected)
    write, stale = verdict.write, verdict.stale
    if task.linking and operation.envelope is not None:
        write, stale = [key for key in write if key in operation.envelope.on_link], []
    agreed = [key for key in verdict.agreed if key != EXTERNAL_ID]
    if task.linking:
        # Of a found record's address only the components that were sent were compared.
        agreed = [key for key in agreed if key != ADDRESS]
    held_back = {one.key for one in task.withheld}
    return _Plan(
        task,
        record,
        wanted,
        current,
        [] if "" in held_back else [key for key in write if key not in held_back],
        agreed,
        stale,
    )


def _judge(
    wanted: Mapping[str, Any], current: Mapping[str, Any], expected: Mapping[str, Any]
) -> Verdict:
    """The guard; of an address the components to be written count, then all expected ones."""
    verdict = judge(
        wanted,
        current,
        {name: value for name, value in expected.items() if name in wanted},
        lambda key, one, other: same(key, one, other, wanted[key]),
    )
    sent, known = wanted.get(ADDRESS), expected.get(ADDRESS)
    if ADDRESS in current and isinstance(sent, dict) and isinstance(known, dict):
        others = {name: known[name] for name in known if name not in sent}
        if not same(ADDRESS, others, current[ADDRESS], others):
            verdict.write = [key for key in verdict.write if key != ADDRESS]
            verdict.agreed = [key for key in verdict.agreed if key != ADDRESS]
            verdict.stale = [*(key for key in verdict.stale if key != ADDRESS), ADDRESS]
    return verdict


def _claim(external_id: str, record: Record, wanted: Wanted, task: Task) -> None:
    """A record may be linked only while no other source record owns it."""
    if record.external_id in (None, external_id):
        wanted.values[EXTERNAL_ID] = external_id
    elif not any(one.reason == "already_linked" for one in task.withheld):
        words = f"SPOTIO record {record.id} carries the external id {record.external_id} already"
        task.withheld.append(Withheld("", "already_linked", words))


def _result(plan: _Plan, status: OperationStatus, counter: str, record: Record) -> Result:
    image = {**plan.current, **plan.task.vocabulary.image(record)}
    return Result(
        plan.task.operation,
        status,
        counter,
        record_id=record.id,
        image=image,
        modified_at=format_instant(record.updated_at) if record.updated_at else None,
        withheld=[*plan.wanted.withheld, *plan.task.withheld],
        awaited=plan.wanted.awaited,
        calls=plan.task.calls,
    )


def _foreseen(plan: _Plan) -> list[tuple[Envelope, list[Overruled]]]:
    """What a plan would overwrite that the decision did not see."""
    envelope = plan.task.operation.envelope
    if envelope is None:
        return []
    overruled = [
        (key, plan.current[key], plan.wanted.values[key])
        for key in plan.write
        if _unseen(plan, key)
    ]
    return [(envelope, overruled)]


def _unseen(plan: _Plan, key: str) -> bool:
    """Whether a value is about to be overwritten that only this read has shown."""
    if key == EXTERNAL_ID or is_blank(plan.current.get(key)):
        return False
    return plan.task.links or key not in plan.task.operation.expected


def _written(plan: _Plan, record: Record) -> Result:
    counter = "linked" if plan.task.links else "updated"
    result = _result(plan, OperationStatus.APPLIED, counter, record)
    image = result.image or {}
    for key in plan.write:
        before, wanted, after = plan.current.get(key), plan.wanted.values[key], image.get(key)
        if key == EXTERNAL_ID:
            continue
        # A geocoder may bring a new spelling back to the very address that was there before.
        geocoded = key == ADDRESS and not plan.wanted.skip_geocoding
        if geocoded or same(key, after, wanted, wanted) or not same(key, after, before, wanted):
            if key not in plan.wanted.stand_ins:
                result.written.append(key)
            if _unseen(plan, key):
                result.overruled.append((key, before, after))
        else:
            # A good answer does not prove that the value was taken.
            words = f"SPOTIO accepted the update but kept {after!r}"
            result.withheld.append(Withheld(key, "not_taken", words))
    result.written += plan.agreed
    return result


def _unwritten(plan: _Plan) -> Result:
    task = plan.task
    if plan.stale:
        result = _result(plan, OperationStatus.STALE, "stale", plan.record)
        result.stale = plan.stale
        return result
    if any(one.key == "" for one in task.withheld):
        if task.named:
            return task.parted()
        return _result(plan, OperationStatus.REJECTED, "rejected", plan.record)
    if task.calls and not task.withheld:
        # A call without an answer turned out to have been carried out.
        result = _result(plan, OperationStatus.APPLIED, "updated", plan.record)
    elif task.links:
        result = _result(plan, OperationStatus.APPLIED, "linked", plan.record)
    elif plan.agreed:
        result = _result(plan, OperationStatus.AGREED, "agreed", plan.record)
    else:
        withheld = bool(plan.wanted.withheld or task.withheld)
        status = OperationStatus.REJECTED if withheld else OperationStatus.AGREED
        result = _result(plan, status, "rejected" if withheld else "agreed", plan.record)
    result.written = list(plan.agreed)
    return result


def _refused(plan: _Plan, why: Withheld) -> Result:
    result = _result(plan, OperationStatus.REJECTED, "rejected", plan.record)
    result.withheld.append(why)
    return result
