"""A target over the small systems: the write protocol of C.5 with the product's guard and results.

What the two real targets do over HTTP is done here over the world's API: look before a create,
read, judge, write under a precondition, read back, and hand every result to the product's outbox.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.delivery import verdict
from reverse_sf.delivery.outbox import Outbox
from reverse_sf.delivery.results import Exchange, Heading, Result, Withheld
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.mapper.toward_activities import ACTIVITY_DONE, NAME
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.envelope import USERS_PAIR, Action, Envelope
from reverse_sf.merge.identity import UNKNOWN_OUTCOME
from tests.convergence import activities
from tests.convergence.reference import canon
from tests.convergence.shape import (
    COMPONENTS,
    DEFAULT_OWNER,
    EXTERNAL_ID,
    PEOPLE,
    TAP_NAMES,
    P,
    S,
)
from tests.convergence.staffing import Org, Tenant
from tests.convergence.world import Gone, Moved, Refused, TimeoutFault, Where, Write, field_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reverse_sf.delivery.results import Overruled
    from tests.convergence.world import Row, World

logger = logging.getLogger("convergence")
logger.setLevel(logging.CRITICAL)
_LOOKS = 4
DIRECTION = {P: Direction.TO_SPOTIO, S: Direction.TO_SALESFORCE}
"""The direction that writes a side."""
_HEADING = {
    P: Heading(Direction.TO_SPOTIO, Side.SPOTIO, "SPOTIO"),
    S: Heading(Direction.TO_SALESFORCE, Side.SALESFORCE, "Salesforce"),
}
_SALESFORCE_ID = dict(PEOPLE)
_SPOTIO_ID = {one: name for name, one in PEOPLE.items()}


@dataclass
class Operation:
    """One decided write."""

    stream: str
    record: dict[str, Any]
    envelope: Envelope
    shown: str = ""

    @classmethod
    def of(cls, stream: str, record: Mapping[str, Any]) -> Operation:
        """From a record with its envelope."""
        values = dict(record)
        return cls(stream, values, msgspec.convert(values.pop("_sync"), Envelope))


class Target:
    """Applies what the mapper emits.

    Args:
        world: the systems.
        ledger: where names are resolved and outcomes go.
        side: the written one.
        run_id: the mapper's run.
        faults: by number of the call, what goes wrong with it.
        commit_every: results in one commit.
    """

    def __init__(
        self,
        world: World,
        ledger: Any,
        side: str,
        run_id: str,
        *,
        faults: Mapping[int, str],
        commit_every: int,
    ) -> None:
        self._world = world
        self._ledger = ledger
        self._side = side
        self._run_id = run_id
        self._faults = faults
        self._commit_every = commit_every
        complete = _complete if side == S else _complete_activities
        self._outbox = Outbox(ledger, run_id, _HEADING[side], logger, complete)
        self._waiting: list[Operation] = []
        self._calls = 0
        self._taken = 0
        self._tenant: Tenant | None = None
        if world.config.users and side == P:
            self._tenant = Tenant(world, ledger, self._call, self._add)
        org = Org(world, ledger) if world.config.users and side == S else None
        self._owners: Tenant | Org | None = self._tenant or org

    def take(self, operation: Operation) -> None:
        """Collect one operation."""
        self._waiting.append(operation)

    def flush(self) -> None:
        """Apply what was collected, parents first; when it returns all outcomes are committed."""
        ready, self._waiting = self._waiting, []
        users = [one for one in ready if one.envelope.pair == USERS_PAIR]
        if self._tenant is not None and users:
            try:
                self._tenant.apply(users)
            finally:
                self._outbox.flush()
        ready = [one for one in ready if one.envelope.pair != USERS_PAIR]
        last = max(map(_depth, ready), default=0)
        for operation in sorted(ready, key=_depth):
            self._add(self._apply(operation))
            if _depth(operation) < last:
                self._outbox.flush()
        self._outbox.flush()

    def finish(self) -> None:
        """Apply what waited for its parent."""
        self.flush()
        tried: set[str] = set()
        while True:
            released = [
                one
                for one in self._ledger.released(self._run_id, DIRECTION[self._side])
                if one.operation_id not in tried
            ]
            if not released:
                return
            tried |= {one.operation_id for one in released}
            for intent in released:
                config, sobject = self._world.config, intent.pair.split(":")[0]
                stream = config.stream(self._side, config.kind(self._side, sobject))
                envelope = msgspec.convert(intent.envelope, Envelope)
                self.take(Operation(stream, intent.record, envelope))
            self.flush()

    def _add(self, result: Result) -> None:
        self._outbox.add(result)
        self._taken += 1
        if self._taken % self._commit_every == 0:
            self._outbox.flush()

    # --- one operation -------------------------------------------------------------------------

    def _apply(self, operation: Operation) -> Result:
        task = Task(self._world, operation, self._side, self._owners)
        waiting = task.resolve(self._counterparts(operation))
        if waiting is not None:
            why = Withheld("", "waiting_for_parent", "its parent is not there yet")
            status = OperationStatus.WAITING
            return Result(operation, status, "waiting", withheld=[why], waiting_for=waiting)
        if operation.envelope.action is Action.CREATE and task.where is None:
            return self._create(task)
        return self._update(task)

    def _counterparts(self, operation: Operation) -> dict[str, str]:
        wanted = [
            one["link_id"]
            for one in operation.record.values()
            if isinstance(one, dict) and "link_id" in one
        ]
        if not wanted:
            return {}
        if self._side == S:
            found: dict[str, str] = self._ledger.counterparts_in_salesforce(wanted)
        else:
            found = self._ledger.counterparts(wanted)
        return found

    def _call(self, do: Callable[[], Any]) -> Any:
        self._calls += 1
        self._world.calls += 1
        fault = self._faults.get(self._calls)
        self._world.effect("call")
        if fault:
            self._world.faults += 1
        if fault == "locked":
            raise TimeoutFault("locked")
        if fault == "before":
            raise TimeoutFault
        answer = do()
        self._world.effect("called")
        if fault == "after":
            raise TimeoutFault
        return answer

    def _create(self, task: Task) -> Result:
        world = self._world
        if task.is_nameless and task.envelope.reissued:
            return task.refused(_in_doubt())
        for _ in range(_LOOKS):
            found = task.look(again=task.envelope.reissued or task.doubtful)
            if found is not None:
                task.where, task.linking = Where(self._side, task.kind, found), True
                return self._update(task)
            values = task.outer({**task.values, **task.own_key()})
            write = task.write_of(values)
            try:
                where = self._call(lambda v=values, w=write: self._made(task, v, w))
            except TimeoutFault as error:
                if error.args:
                    return task.refused(Withheld("", "locked", "locked", by_time=True))
                if task.is_nameless:
                    return task.refused(_in_doubt())
                task.doubtful = True
                continue
            except Refused as error:
                if not task.withhold(error.keys):
                    return task.refused(Withheld("", "rejected", "no"))
                continue
            task.where = where
            world.effect("read")
            row = world.read(where)
            if row is None:
                return task.result(OperationStatus.APPLIED, "created", None, [])
            return task.result(OperationStatus.APPLIED, "created", row, list(task.values))
        return task.refused(Withheld("", "busy", "no answer", by_time=True))

    def _made(self, task: Task, values: dict[str, Any], write: Write) -> Where:
        where = self._world.create(self._side, task.kind, values, write)
        self._world.rows[where].unlisted = True
        task.acknowledge()
        return where

    def _update(self, task: Task) -> Result:
        world = self._world
        where = task.where
        called = False
        for _ in range(_LOOKS):
            row = world.read(where) if where else None
            world.effect("read")
            if row is None or where is None:
                if task.envelope.action is Action.DELETE:
                    return task.result(OperationStatus.AGREED, "agreed", None, [])
                if task.envelope.named:
                    return task.parted()
                return task.refused(Withheld("", "missing", "there is no such record"))
            current = task.current(row)
            if task.envelope.action is Action.DELETE:
                return self._delete(task, row, current)
            if not task.claim(row):
                why = Withheld("", "already_linked", "it belongs to another record")
                return task.parted(why) if task.envelope.named else task.refused(why, row)
            judged = verdict.judge(task.values, current, task.envelope.expected, task.same)
            write, stale = judged.write, [*judged.stale, *task.beside(current)]
            if task.linking:
                write, stale = [name for name in write if task.wins(name)], []
            write = [name for name in write if name not in task.withheld_names]
            if stale:
                result = task.result(OperationStatus.STALE, "stale", row, [])
                result.stale = stale
                return result
            agreed = judged.agreed
            if task.linking:
                # Of a found record's address only what was sent is known to agree.
                agreed = [name for name in agreed if not task.is_part(name)]
            if not write:
                return task.unwritten(row, agreed, called=called)
            if task.is_done(row):
                task.withheld += [
                    Withheld(task.record_key(one), ACTIVITY_DONE, "") for one in write
                ]
                return task.result(OperationStatus.REJECTED, "rejected", row, [])
            payload = {name: task.values[name] for name in write}
            record = task.write_of(task.outer(payload))
            # A crash between the call and its outcome would lose what only this read has shown.
            foreseen = task.overruled(write, current, {**current, **payload})
            self._outbox.journal([(task.envelope, foreseen)])
            task.calls.append(Exchange("PATCH", f"{task.kind}/{where.id}", 0, payload))
            try:
                self._call(lambda v=row.version, p=payload, r=record: self._put(task, p, v, r))
            except TimeoutFault as error:
                if error.args:
                    return task.refused(Withheld("", "locked", "locked", by_time=True), row)
                called = True
                continue
            except Moved:
                continue
            except Gone:
                return task.refused(Withheld("", "missing", "there is no such record"))
            except Refused as error:
                if not task.withhold(error.keys):
                    return task.refused(Withheld("", "rejected", "no"), row)
                continue
            world.effect("read")
            after = world.read(where)
            if after is None:
                return task.result(OperationStatus.APPLIED, "updated", None, [])
            return task.written(row, after, write, agreed)
        return task.refused(Withheld("", "busy", "it keeps changing", by_time=True))

    def _put(self, task: Task, payload: dict[str, Any], version: int, write: Write) -> None:
        if task.where is not None:
            self._world.write(task.where, task.outer(payload), version, write)
        task.acknowledge()

    def _delete(self, task: Task, row: Row, current: dict[str, Any]) -> Result:
        expected = task.envelope.expected
        stale = [
            name
            for name, value in expected.items()
            if name in current and not task.same(name, value, current[name])
        ]
        if stale:
            result = task.result(OperationStatus.STALE, "stale", row, [])
            result.stale = stale
            return result
        write = task.write_of({})
        try:
            self._call(lambda: self._removed(task, row, write))
        except TimeoutFault:
            return task.refused(Withheld("", "locked", "locked", by_time=True), row)
        except Moved:
            return task.refused(Withheld("", "busy", "it changed", by_time=True), row)
        return task.result(OperationStatus.APPLIED, "deleted", None, [])

    def _removed(self, task: Task, row: Row, write: Write) -> None:
        if task.where is None:
            return
        here = self._world.rows[task.where]
        if here.version != row.version:
            raise Moved
        write.at = self._world.now
        write.before = {
            key: value for (where, key), value in self._world.pending.items() if where == task.where
        }
        self._world.writes.append(write)
        self._world.delete(task.where, "sync")


class Task:
    """One operation on its way."""

    def __init__(
        self, world: World, operation: Operation, side: str, owners: Tenant | Org | None = None
    ) -> None:
        self._world = world
        self._owners = owners
        self.operation = operation
        self.envelope = operation.envelope
        self._side = side
        self.sobject = self.envelope.pair.split(":")[0]
        self.kind = world.config.kind(side, self.sobject)
        own = self.envelope.salesforce_id if side == S else self.envelope.spotio_id
        self.where = Where(side, self.kind, own) if own else None
        across = P if side == S else S
        other = self.envelope.spotio_id if side == S else self.envelope.salesforce_id
        self.source = Where(across, world.config.kind(across, self.sobject), other or "")
        self.values: dict[str, Any] = {}
        self.awaited: str | None = None
        self.withheld: list[Withheld] = []
        self.withheld_names: set[str] = set()
        self.tried: set[str] = set()
        self.stand_ins: set[str] = set()
        self.linking = False
        self.doubtful = False
        self.calls: list[Exchange] = []
        """Calls that were made, answered or not."""

    @property
    def is_nameless(self) -> bool:
        """Whether nothing in the record tells whose counterpart it is: a SPOTIO activity."""
        return self._side == P and self.kind in activities.KINDS

    def is_done(self, row: Row) -> bool:
        """Whether SPOTIO lets nothing of the record be changed."""
        return self.is_nameless and activities.is_done(row.values)

    # --- what it asks for ----------------------------------------------------------------------

    def resolve(self, ids: dict[str, str]) -> str | None:
        """Turn owners and references into ids; answer the link that is not there yet."""
        for name, value in self.operation.record.items():
            if self.is_nameless and name not in activities.TOLD:
                if name != NAME:
                    self.withheld.append(Withheld(name, "not_writable", "SPOTIO takes it not back"))
                continue
            if isinstance(value, dict) and "link_id" in value:
                known = ids.get(value["link_id"])
                if known is None:
                    return str(value["link_id"])
                self.values[name] = known
            elif isinstance(value, dict) and "keep_on_update" in value:
                self._owner(name, value)
            elif name not in (EXTERNAL_ID, "externalDataObjectId"):
                self.values[name] = value
        return None

    def _owner(self, name: str, value: Mapping[str, Any]) -> None:
        if self._owners is not None:
            self._own(name, value, self._owners)
            return
        table = _SALESFORCE_ID if self._side == S else _SPOTIO_ID
        theirs = value["spotio_id" if self._side == S else "salesforce_id"]
        found = table.get(theirs)
        if found is None and self.envelope.action is not Action.CREATE and value["keep_on_update"]:
            self.awaited = theirs
            return
        found = found or (DEFAULT_OWNER[self._side] if value.get("default") else None)
        if found is None:
            key = "owner" if name == "OwnerId" else name
            self.withheld.append(Withheld(key, "owner_unknown", "nobody stands in"))
            return
        self.values[name] = found

    def _own(self, name: str, value: Mapping[str, Any], owners: Tenant | Org) -> None:
        """Find an owner among users that are synced, as the two targets do."""
        user = value["spotio_id" if self._side == S else "salesforce_id"]
        found = owners.owner(value)
        default = owners.default() if value.get("default") else None
        if found is None and self.envelope.action is not Action.CREATE and value["keep_on_update"]:
            self.awaited = user
            return
        known = (None, default) if self._side == P else (None,)
        if not (value.get("email") or value.get("nobody")) and found in known:
            # Once it is known who this is, the owner is decided again.
            self.stand_ins.add(name)
            self.awaited = user
        found = found or default
        if found is None:
            self.awaited = user
            key = "owner" if name == "OwnerId" else name
            self.withheld.append(Withheld(key, "owner_unknown", "nobody stands in"))
        else:
            self.values[name] = found

    def own_key(self) -> dict[str, Any]:
        """The external id that a record of this operation carries."""
        name = EXTERNAL_ID if self._side == S else "externalDataObjectId"
        told = self.operation.record.get(name)
        return {name: told} if told else {}

    def look(self, *, again: bool) -> str | None:
        """The record that an earlier attempt made, or that names the source by itself."""
        told = next(iter(self.own_key().values()), None)
        if told is None:
            return None
        found = self._world.find(self._side, self.kind, told)
        if found is None:
            return None
        row = self._world.rows[Where(self._side, self.kind, found)]
        if self._side == P and row.unlisted and not again:
            # SPOTIO's feed does not show it yet; only who knows of an open attempt waits for that.
            return None
        row.unlisted = False
        return found

    def claim(self, row: Row) -> bool:
        """Put the external id into what is written; whether the record is free."""
        if self.is_nameless or (not self.linking and self.envelope.action is not Action.LINK):
            return True
        name = EXTERNAL_ID if self._side == S else "externalDataObjectId"
        told = self.operation.record.get(name)
        if told is None and self._side == P:
            told = self.envelope.salesforce_id
        if told is None:
            return True
        held = row.values.get(name)
        if held not in (None, told):
            return False
        self.values[name] = told
        return True

    def wins(self, name: str) -> bool:
        """Whether a value replaces what a record that was found holds."""
        if name in (EXTERNAL_ID, "externalDataObjectId"):
            return True
        return name in self.envelope.on_link

    # --- how it compares -----------------------------------------------------------------------

    def current(self, row: Row) -> dict[str, Any]:
        """The record as just read, in the vocabulary of the operation."""
        if self._side == S:
            return dict(row.values)
        wanted = [*self.values, *self.envelope.expected, "externalDataObjectId"]
        return {name: row.values.get(TAP_NAMES.get(name, name)) for name in wanted}

    def same(self, name: str, one: Any, other: Any) -> bool:
        """Whether two values of a name are one."""
        if name == "address" and self._side == P:
            scope = set(self.values.get("address") or COMPONENTS) & set(COMPONENTS)
            return all(
                canon(P, part, (one or {}).get(part)) == canon(P, part, (other or {}).get(part))
                for part in scope
            )
        return bool(self.normal(name, one) == self.normal(name, other))

    def beside(self, current: Mapping[str, Any]) -> list[str]:
        """An address of which a component that is not written has changed unseen."""
        sent, known = self.values.get("address"), self.envelope.expected.get("address")
        if not isinstance(sent, dict) or not isinstance(known, dict):
            return []
        held = current.get("address") or {}
        others = [part for part in known if part not in sent]
        changed = any(
            canon(P, part, known[part]) != canon(P, part, held.get(part)) for part in others
        )
        return ["address"] if changed else []

    def is_part(self, name: str) -> bool:
        """Whether a name is an address, or one of its components."""
        return name == "address" or name in COMPONENTS.values()

    def normal(self, name: str, value: Any) -> Any:
        """The canonical form of a value under its name on this side."""
        if isinstance(value, dict):
            value = value.get("spotio_id") or value.get("salesforce_id")
        return canon(self._side, self.key_of(name), value)

    def key_of(self, name: str) -> str:
        """Record key behind a name."""
        if self._side == P:
            return name
        key = field_names(self.sobject).get(name, name)
        return name if key == "address" else key

    def places(self) -> dict[str, tuple[str, ...]]:
        """The names of the destination's record, by record key."""
        if self._side == P:
            return {key: (TAP_NAMES.get(key, key),) for key in self.operation.record}
        found: dict[str, tuple[str, ...]] = {}
        for key, place in self.envelope.keys.items():
            found[key] = (place,) if isinstance(place, str) else tuple(place.values())
        return found

    # --- what is written -----------------------------------------------------------------------

    def write_of(self, payload: Mapping[str, Any]) -> Write:
        """The write, as the world remembers it."""
        return Write(
            operation=self.envelope.operation_id,
            where=self.where,
            source=self.source,
            action=self.envelope.action.value,
            payload=dict(payload),
            places=self.places(),
            expected=dict(self.envelope.expected),
            on_link=frozenset(self.envelope.on_link),
            linking=self.linking,
        )

    def acknowledge(self) -> None:
        """The source's values behind the operation have arrived."""
        carried = self._world.carried.get(self.envelope.operation_id, {})
        for key, value in carried.items():
            self._world.acknowledge(self.source, key, value)

    def withhold(self, names: Sequence[str]) -> bool:
        """Withhold the values that were complained of; whether the rest may be tried."""
        named = [name for name in names if name in self._outer()]
        if not named or self.withheld:
            return False
        for name in named:
            inner = self._outer()[name]
            self.withheld.append(Withheld(self.record_key(inner), "rejected", "no"))
            self.withheld_names.add(inner)
            if self.where is None:
                self.values.pop(inner, None)
        return True

    def outer(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """A payload as the system itself names its fields."""
        if self._side == S:
            return dict(payload)
        return {TAP_NAMES.get(name, name): value for name, value in payload.items()}

    def _outer(self) -> dict[str, str]:
        """Names of the system to the names of the operation."""
        if self._side == S:
            return {name: name for name in self.values}
        return {TAP_NAMES.get(name, name): name for name in self.values}

    def record_key(self, name: str) -> str:
        """Record key of the pair behind a name of the operation."""
        if self._side == P:
            return name
        return next((key for key, place in self.places().items() if name in place), name)

    # --- what came of it -----------------------------------------------------------------------

    def result(
        self, status: OperationStatus, counter: str, row: Row | None, names: Sequence[str]
    ) -> Result:
        """The result; ``names`` are settled now."""
        result = Result(
            self.operation,
            status,
            counter,
            record_id=self.where.id if self.where else None,
            withheld=list(self.withheld),
            calls=self.calls,
            awaited=self.awaited,
        )
        if row is None:
            return result
        result.modified_at = self._world.told(row.stamp)
        if counter in ("created", "updated", "linked") and self.where is not None:
            written = {self.record_key(name) for name in (*names, *self.tried)}
            if counter == "created":
                # What was left out on purpose is settled as it is read back, too.
                written |= set(self.envelope.settles)
            written -= self._world.brought_back(self.envelope.operation_id)
            self._world.read_back(self.where, written & set(self._world.config.keys(self.sobject)))
        kept = [name for name in names if name not in {*self.withheld_names, *self.stand_ins}]
        if self.is_nameless:
            # Which record it is on its answers do not tell as something that was written.
            kept = [name for name in kept if name != "parent"]
        if self._side == S:
            result.image = {**row.values, "SystemModstamp": result.modified_at}
            result.written, result.base = self._settled(set(kept), row)
        else:
            result.image = self._image(row)
            result.written = [one for one in kept if one != "externalDataObjectId"]
        return result

    def _settled(self, names: set[str], row: Row) -> tuple[list[str], dict[str, Any]]:
        written: list[str] = []
        base: dict[str, Any] = {}
        for key, place in self.envelope.keys.items():
            parts = {"": place} if isinstance(place, str) else dict(place)
            decided = set(self.operation.record) & set(parts.values())
            if not decided or not decided <= names:
                continue
            normal = {part: _wire(self, name, row.values.get(name)) for part, name in parts.items()}
            written.append(key)
            of_parts = normal if any(one is not None for one in normal.values()) else None
            base[key] = normal[""] if isinstance(place, str) else of_parts
        return written, base

    def _image(self, row: Row) -> dict[str, Any]:
        config = self._world.config
        keys = config.keys(self.sobject)
        keys = [key for key in keys if config.rule(key, self.sobject) != "do_not_sync"]
        image = {key: _wire(self, key, row.values.get(TAP_NAMES.get(key, key))) for key in keys}
        if self.is_nameless:
            return {key: one for key, one in image.items() if key in activities.TOLD}
        return image | {"externalDataObjectId": row.values["externalDataObjectId"]}

    def written(
        self, before: Row, after: Row, write: Sequence[str], agreed: Sequence[str]
    ) -> Result:
        """The result of a write that was made."""
        old, new = self.current(before), self.current(after)
        self.tried = set(write)
        kept: list[str] = []
        for name in write:
            geocoded = name == "address" and not (self.values[name] or {}).get(
                "skip_geocoding", True
            )
            if (
                geocoded
                or self.same(name, new[name], self.values[name])
                or not self.same(name, new[name], old.get(name))
            ):
                kept.append(name)
            else:
                self.withheld.append(Withheld(self.record_key(name), "not_taken", "kept the old"))
        links = self.linking or self.envelope.action is Action.LINK
        status = OperationStatus.APPLIED
        result = self.result(status, "linked" if links else "updated", after, [*kept, *agreed])
        result.overruled = self.overruled(kept, old, new)
        return result

    def overruled(
        self, names: Sequence[str], old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> list[Overruled]:
        """Of written names, the values that the decision had not seen."""
        links = self.linking or self.envelope.action is Action.LINK
        unseen = {
            self.record_key(name): name
            for name in names
            if (links or name not in self.envelope.expected)
            and name not in (EXTERNAL_ID, "externalDataObjectId")
            and canon(self._side, self.key_of(name), old[name]) is not None
        }
        return [
            (key, self._held(key, name, old), self._held(key, name, new))
            for key, name in unseen.items()
        ]

    def _held(self, key: str, name: str, values: Mapping[str, Any]) -> Any:
        place = self.envelope.keys.get(key)
        if isinstance(place, dict):
            return {part: values.get(one) for part, one in place.items()}
        return values[name]

    def unwritten(self, row: Row, agreed: Sequence[str], *, called: bool) -> Result:
        """The result of a record that needed no write."""
        if self.withheld and not agreed:
            return self.result(OperationStatus.REJECTED, "rejected", row, [])
        if self.linking or self.envelope.action is Action.LINK:
            return self.result(OperationStatus.APPLIED, "linked", row, agreed)
        if called and not self.withheld:
            return self.result(OperationStatus.APPLIED, "updated", row, agreed)
        return self.result(OperationStatus.AGREED, "agreed", row, agreed)

    def refused(self, why: Withheld, row: Row | None = None) -> Result:
        """The result of a write that did not happen."""
        self.withheld.append(why)
        result = self.result(OperationStatus.REJECTED, "rejected", row, [])
        if row is None and self.envelope.action is Action.CREATE and not self.linking:
            result.record_id = None
        return result

    def parted(self, why: Withheld | None = None) -> Result:
        """The result where the named record is another's, or not there."""
        held = [why] if why else []
        status = OperationStatus.REJECTED if why else OperationStatus.STALE
        return Result(self.operation, status, status.value, withheld=held, parted=True)


def _wire(task: Task, name: str, value: Any) -> Any:
    """A value as the ledger keeps it: canonical, JSON."""
    if name == "address":
        return None if not value else {part: value.get(part) for part in COMPONENTS}
    found = task.normal(name, value)
    if task._side == S and task.key_of(name) == activities.ALL_DAY:
        return bool(value)
    if isinstance(found, tuple):
        return list(found) if task._side == P else ";".join(found)
    return int(found) if isinstance(found, float) and found.is_integer() else found


def _complete(ledger: Any, results: Sequence[Result]) -> None:
    """Keep what the tap knows of a record and the target did not read."""
    images = {
        one.operation.envelope.link_id: one
        for one in results
        if one.operation.envelope and one.image is not None
    }
    if not images:
        return
    for link_id, snapshot in ledger.snapshots(list(images)).items():
        result = images[link_id]
        if snapshot.salesforce_image and snapshot.link.salesforce_id == result.record_id:
            result.image = {**snapshot.salesforce_image, **(result.image or {})}


def _complete_activities(ledger: Any, results: Sequence[Result]) -> None:
    """SPOTIO's read-back is whole, but of an activity it shows only what it takes back."""
    images = {
        one.operation.envelope.link_id: one.image
        for one in results
        if one.operation.stream == activities.STREAM and one.image is not None
    }
    for link_id, snapshot in (ledger.snapshots(list(images)) if images else {}).items():
        for key, value in (snapshot.spotio_image or {}).items():
            images[link_id].setdefault(key, value)


def _depth(operation: Operation) -> int:
    """Parents come before children, and activities after the records that they are on."""
    if operation.stream in (activities.STREAM, *activities.KINDS):
        return 2
    return 0 if operation.stream in ("Account", "Accounts") else 1


def _in_doubt() -> Withheld:
    return Withheld("", UNKNOWN_OUTCOME, "nothing tells whether it was made")
