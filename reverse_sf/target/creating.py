"""Creates: look before creating, upsert where there is a key, never twice.

With an external id field a create is an upsert on it: repeating it harms nobody. Without one
nothing in Salesforce tells one attempt from another: equal values in a window of time may be
somebody else's record, and a record that is not there may be on its way. So a create whose outcome
is unknown is parked, and stays parked, until an external id field is configured, a person has
linked the record, or says that it is to be created all the same (``repeat_unknown_creates``). The
one exception is a Bulk API 2.0 job, which tells for seven days which rows it created.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.delivery.results import Withheld
from reverse_sf.errors import ReverseSFError
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.mapping.definition import Direction
from reverse_sf.merge.identity import UNKNOWN_OUTCOME
from reverse_sf.salesforce.lookup import find_by
from reverse_sf.target.carrier import Delivery, Parcel, Route
from reverse_sf.target.vocabulary import ID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reverse_sf.delivery.results import Result
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.salesforce.client import SalesforceClient
    from reverse_sf.target.carrier import Carrier
    from reverse_sf.target.tasks import Task

_UNKNOWN_WORDS = (
    "an attempt to create it had no answer, so Salesforce may have it already. Configure an"
    " external id field for {sobject} (external_id_fields), link the record, or, when it is not"
    " there, run once with repeat_unknown_creates"
)


class Creates:
    """Creates records of one object that do not exist yet.

    Args:
        client: the org.
        carrier: sends records.
        ledger: what was left in doubt before.
        report: takes each result as soon as it is known.
        repeat_unknown: create although an earlier attempt may have worked.
    """

    def __init__(
        self,
        client: SalesforceClient,
        carrier: Carrier,
        ledger: Ledger | None,
        report: Callable[[Result], None],
        *,
        repeat_unknown: bool,
    ) -> None:
        self._client = client
        self._carrier = carrier
        self._ledger = ledger
        self._report = report
        self._repeat_unknown = repeat_unknown

    def apply(self, tasks: Sequence[Task], fields: Sequence[str]) -> list[Task]:
        """Create what does not exist.

        Args:
            tasks: of one object.
            fields: what to read back.

        Returns:
            Tasks whose record was found instead, with its Id.
        """
        self._carrier.finish_earlier()
        keyed = [task for task in tasks if task.key is not None]
        found, absent = self._look(keyed)
        if absent:
            self._create(absent, fields)
        unkeyed = [task for task in tasks if task.key is None]
        if unkeyed:
            made, new = self._sure(unkeyed)
            found += made
            self._create(new, fields)
        return found

    def _look(self, tasks: Sequence[Task]) -> tuple[list[Task], list[Task]]:
        """Split tasks into found and absent by their key; ambiguous ones are reported at once."""
        by_field: dict[str, list[Task]] = {}
        for task in tasks:
            if task.key is not None:
                by_field.setdefault(task.key[0], []).append(task)
        found: list[Task] = []
        absent: list[Task] = []
        for name, of_field in by_field.items():
            vocabulary = of_field[0].vocabulary
            values = [task.key[1] for task in of_field if task.key]
            kind = vocabulary.fields[name].type
            folded = _exact if vocabulary.fields[name].case_sensitive else _folded
            ids: dict[Any, list[str]] = {}
            for record in find_by(self._client, vocabulary.sobject, name, values, kind=kind):
                ids.setdefault(folded(record[name]), []).append(record[ID])
            for task in of_field:
                value = task.key[1] if task.key else None
                known = ids.get(folded(value), [])
                if len(known) > 1:
                    words = f"several {task.sobject} records hold {name} {value}: "
                    why = Withheld("", "ambiguous", words + ", ".join(known))
                    self._report(task.refused(why))
                elif known:
                    task.record_id, task.linking = known[0], True
                    found.append(task)
                else:
                    absent.append(task)
        return found, absent

    def _sure(self, tasks: Sequence[Task]) -> tuple[list[Task], list[Task]]:
        """Split tasks without a key into made by an earlier job, and surely not made."""
        doubtful = {task.envelope.link_id for task in tasks if task.envelope.reissued}
        if self._ledger is not None:
            parked = self._ledger.parked([task.envelope.link_id for task in tasks])
            doubtful |= {
                link_id
                for link_id, rows in parked.items()
                for row in rows
                if row.reason == UNKNOWN_OUTCOME and row.direction is Direction.TO_SALESFORCE
            }
        made: list[Task] = []
        new: list[Task] = []
        for task in tasks:
            if task.envelope.link_id not in doubtful:
                new.append(task)
                continue
            record_id = self._carrier.made_earlier(task.sobject, _values(task))
            if record_id is not None:
                task.record_id, task.linking = record_id, True
                made.append(task)
            elif self._repeat_unknown:
                new.append(task)
            else:
                self._report(_unknown(task))
        return made, new

    def _create(self, tasks: Sequence[Task], fields: Sequence[str]) -> None:
        ready = list(tasks)
        while ready:
            done: list[Task] = []
            again: list[Task] = []
            key = ready[0].key
            operation = "insert" if key is None else "upsert"
            route = Route(ready[0].sobject, operation, key[0] if key else None)
            parcels = [Parcel(_values(task), task) for task in ready]
            try:
                for delivery in self._carrier.send(route, parcels):
                    task: Task = delivery.parcel.tag
                    task.tries += 1
                    task.sent(delivery, delivery.parcel.values)
                    self._sort(task, delivery, done, again)
            finally:
                self._read_back(done, fields)
            ready = again

    def _sort(self, task: Task, delivery: Delivery, done: list[Task], again: list[Task]) -> None:
        saved = delivery.saved
        if saved.success:
            task.record_id = saved.id
            task.linking = saved.created is False
            done.append(task)
        elif saved.unknown:
            self._report(_unknown(task))
        elif task.withhold_named(saved.complaints, delivery.parcel.values):
            held = {one.key for one in task.withheld}
            task.values = {name: one for name, one in task.values.items() if name not in held}
            again.append(task)
        else:
            self._report(task.refused(task.rejection(saved)))

    def _read_back(self, tasks: Sequence[Task], fields: Sequence[str]) -> None:
        if not tasks:
            return
        wanted = [task.record_id for task in tasks if task.record_id]
        try:
            records = self._carrier.collections.retrieve(tasks[0].sobject, wanted, fields)
        except ReverseSFError:
            # The Ids are known and must not be lost: without a key they cannot be found again.
            for task in tasks:
                self._report(task.result(OperationStatus.APPLIED, "created", ()))
            raise
        for task in tasks:
            task.current = records.get(task.record_id or "")
            if task.current is not None:
                task.record_id = task.current[ID]
            counter = "linked" if task.linking else "created"
            self._report(task.result(OperationStatus.APPLIED, counter, _taken(task)))


def _values(task: Task) -> dict[str, Any]:
    """What a create sends; the key always goes along."""
    return task.values | ({task.key[0]: task.key[1]} if task.key is not None else {})


def _taken(task: Task) -> list[str]:
    """Fields that are settled; one that Salesforce left out is withheld."""
    current = task.current or {}
    taken: list[str] = []
    for name, value in task.values.items():
        if name in current and not _blank(value) and _blank(current[name]):
            words = "Salesforce created the record but left this out"
            task.withheld.append(Withheld(name, "not_taken", words))
        else:
            taken.append(name)
    return taken


def _unknown(task: Task) -> Result:
    words = _UNKNOWN_WORDS.format(sobject=task.sobject)
    return task.refused(Withheld("", UNKNOWN_OUTCOME, words))


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _exact(value: Any) -> Any:
    return value


def _folded(value: Any) -> Any:
    """External ids are compared without regard to case, unless their definition says otherwise."""
    return value.strip().lower() if isinstance(value, str) else value
