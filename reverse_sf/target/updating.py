"""Updates: read many, guard each field, write what differs, read back what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.delivery.results import Withheld
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.mapping.values import is_blank
from reverse_sf.merge.envelope import Action
from reverse_sf.salesforce.collections import MOST_RETRIEVED
from reverse_sf.salesforce.values import moment_of, normal_stamp
from reverse_sf.target.carrier import Parcel, Route
from reverse_sf.target.vocabulary import ID, MODIFIED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_sf.delivery.results import Overruled, Result
    from reverse_sf.merge.envelope import Envelope
    from reverse_sf.target.carrier import Carrier
    from reverse_sf.target.tasks import Task

_LOOKS = 4
"""How often a record that somebody else keeps changing is looked at."""


class Updates:
    """Brings records of one object that exist up to date.

    Args:
        carrier: sends records.
        report: takes each result as soon as it is known.
        journal: keeps values before a link overwrites them.
        bulk_threshold: from so many records on they are written by one job.
    """

    def __init__(
        self,
        carrier: Carrier,
        *,
        report: Callable[[Result], None],
        journal: Callable[[Sequence[tuple[Envelope, Sequence[Overruled]]]], None],
        bulk_threshold: int,
    ) -> None:
        self._carrier = carrier
        self._report = report
        self._journal = journal
        self._at_once = MOST_RETRIEVED
        self._bulk_threshold = bulk_threshold

    def apply(self, tasks: Sequence[Task], fields: Sequence[str]) -> list[Task]:
        """Apply updates, links and deletions of one object.

        Args:
            tasks: with their Ids.
            fields: what to read of the object.

        Returns:
            Those whose record does not exist.
        """
        missing: list[Task] = []
        by_job = bool(self._bulk_threshold) and len(tasks) >= self._bulk_threshold
        # As many as one call reads, so that little time passes between guard and write.
        size = len(tasks) if by_job else self._at_once
        for start in range(0, len(tasks), size or 1):
            missing += self._apply(tasks[start : start + size], fields)
        return missing

    def _apply(self, tasks: Sequence[Task], fields: Sequence[str]) -> list[Task]:
        missing: list[Task] = []
        open_tasks = list(tasks)
        for _ in range(_LOOKS):
            records = self._read(open_tasks, fields)
            ready: list[Task] = []
            deletions: list[Task] = []
            for task in open_tasks:
                record = records.get(task.record_id or "")
                if record is None:
                    missing.append(task)
                    continue
                if task.gone is not None and not task.blame_references():
                    self._report(task.refused(task.rejection(task.gone)))
                elif self._planned(task, record):
                    (deletions if _deletes(task) else ready).append(task)
            open_tasks = self._write(ready, fields)
            self._delete(deletions)
            if not open_tasks:
                break
        for task in open_tasks:
            words = f"somebody else changed it {_LOOKS} times while it was to be written"
            self._report(task.refused(Withheld("", "busy", words, by_time=True)))
        return missing

    def _read(self, tasks: Sequence[Task], fields: Sequence[str]) -> dict[str, dict[str, Any]]:
        if not tasks:
            return {}
        wanted = [task.record_id for task in tasks if task.record_id]
        return self._carrier.collections.retrieve(tasks[0].sobject, wanted, fields)

    def _planned(self, task: Task, record: Mapping[str, Any]) -> bool:
        """Guard a record; whether anything is to be written."""
        task.record_id = record[ID]
        task.current = dict(record)
        if task.links:
            task.claim()
        task.plan(record)
        if _deletes(task):
            task.stale = _changed(task)
            if not task.stale:
                return True
        if not task.stale and task.write:
            return True
        self._report(_unwritten(task))
        return False

    def _write(self, tasks: Sequence[Task], fields: Sequence[str]) -> list[Task]:
        """Write what was planned; returns tasks to be looked at again."""
        modified: list[Task] = []
        ready = list(tasks)
        route = Route(tasks[0].sobject, "update", guarded=True) if tasks else None
        while ready and route is not None:
            done: list[Task] = []
            again: list[Task] = []
            self._journal([(task.envelope, _foreseen(task)) for task in ready])
            parcels = [_parcel(task) for task in ready]
            try:
                for delivery in self._carrier.send(route, parcels):
                    task: Task = delivery.parcel.tag
                    task.tries += 1
                    task.sent(delivery, delivery.parcel.values)
                    saved = delivery.saved
                    if saved.success:
                        done.append(task)
                    elif saved.modified or saved.unknown or (saved.gone and not task.gone):
                        # Whatever happened, the record itself tells.
                        task.gone = task.gone or (saved if saved.gone else None)
                        modified.append(task)
                    elif task.withhold_named(saved.complaints, task.write):
                        held = {one.key for one in task.withheld}
                        task.write = [name for name in task.write if name not in held]
                        (again if task.write else done).append(task)
                    else:
                        self._report(task.refused(task.rejection(saved)))
            finally:
                self._read_back(done, fields)
            ready = again
        return modified

    def _read_back(self, tasks: Sequence[Task], fields: Sequence[str]) -> None:
        """Keep what Salesforce made of the values, also where the writing broke off."""
        if not tasks:
            return
        records = self._read(tasks, fields)
        for task in tasks:
            before, after = task.current or {}, records.get(task.record_id or "")
            if after is None:
                # Deleted since; what was written is no base for anything.
                task.current = None
                self._report(task.result(OperationStatus.APPLIED, "updated", ()))
            else:
                task.current = after
                self._report(_written(task, before))

    def _delete(self, tasks: Sequence[Task]) -> None:
        if not tasks:
            return
        parcels = [Parcel({ID: task.record_id}, task) for task in tasks]
        for delivery in self._carrier.send(Route(tasks[0].sobject, "delete"), parcels):
            task: Task = delivery.parcel.tag
            task.sent(delivery, delivery.parcel.values)
            if delivery.saved.success or delivery.saved.gone:
                self._report(task.result(OperationStatus.APPLIED, "deleted", ()))
            else:
                self._report(task.refused(task.rejection(delivery.saved)))


def _deletes(task: Task) -> bool:
    return task.envelope.action is Action.DELETE


def _changed(task: Task) -> list[str]:
    """Fields that a deletion expected otherwise: a change wins over a deletion."""
    current = task.current or {}
    return [
        name
        for name, value in task.envelope.expected.items()
        if (facts := task.vocabulary.find(name)) is not None
        and facts.name in current
        and not task.vocabulary.same(facts.name, value, current[facts.name])
    ]


def _parcel(task: Task) -> Parcel:
    values = {ID: task.record_id, **{name: task.values[name] for name in task.write}}
    modified = (task.current or {}).get(MODIFIED)
    since = moment_of(normal_stamp(modified)) if modified else None
    return Parcel(values, task, since)


def _written(task: Task, before: Mapping[str, Any]) -> Result:
    agreed = [
        name
        for name, value in task.values.items()
        if name not in task.write
        and name in before
        and task.vocabulary.same(name, value, before[name])
    ]
    after = task.current or {}
    kept: list[str] = []
    for name in task.write:
        if name not in task.vocabulary.fields or name not in after:
            continue
        same = task.vocabulary.same
        if same(name, after[name], task.values[name]) or not same(
            name, after[name], before.get(name)
        ):
            kept.append(name)
        else:
            # A good answer does not prove that the value was taken.
            words = f"Salesforce accepted the update but kept {after[name]!r}"
            task.withheld.append(Withheld(name, "not_taken", words))
    if not task.write and not agreed:
        result = task.result(OperationStatus.REJECTED, "rejected", ())
    else:
        counter = "linked" if task.links else "updated"
        result = task.result(OperationStatus.APPLIED, counter, [*kept, *agreed])
    result.overruled = _overruled(task, kept, before, after)
    return result


def _foreseen(task: Task) -> list[Overruled]:
    """What a task would overwrite that the decision did not see."""
    before = task.current or {}
    return _overruled(task, task.write, before, {**before, **task.values})


def _overruled(
    task: Task, names: Iterable[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Overruled]:
    """Of written fields, the values that only this read has shown."""
    own = task.key[0] if task.key else ""
    overruled = [
        name
        for name in names
        if (task.links or name not in task.envelope.expected)
        and name != own
        and not is_blank(before.get(name))
    ]
    return [
        (key, task.held(key, name, before), task.held(key, name, after))
        for key, name in task.keys_of(overruled).items()
    ]


def _unwritten(task: Task) -> Result:
    """The result of a record that needed no write, or must not have one."""
    if task.stale:
        return task.result(OperationStatus.STALE, "stale", ())
    current = task.current or {}
    fields = [
        name
        for name, value in task.values.items()
        if name in current and task.vocabulary.same(name, value, current[name])
    ]
    if task.envelope.named and any(one.key == "" for one in task.withheld):
        return task.parted()
    if any(one.key == "" for one in task.withheld) or (task.withheld and not fields):
        return task.result(OperationStatus.REJECTED, "rejected", ())
    if task.links:
        return task.result(OperationStatus.APPLIED, "linked", fields)
    if task.calls and not task.withheld:
        # A call whose outcome was open turned out to have been carried out.
        return task.result(OperationStatus.APPLIED, "updated", fields)
    return task.result(OperationStatus.AGREED, "agreed", fields)
