"""One direction of the sync over the small systems: a tap, the real mapper, a target, a ledger."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.delivery import results
from reverse_sf.errors import ReverseSFError
from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.rows import RESTORED, Run, UserRow
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapper import run as running
from reverse_sf.mapper import streams
from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO
from reverse_sf.mapper.keys import MOVED
from reverse_sf.mapper.messages import Writer
from reverse_sf.mapper.run import MappingRun
from reverse_sf.mapper.suspicion import Limits
from reverse_sf.mapping import known_pair
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.envelope import USERS_PAIR, Action
from tests.convergence import activities
from tests.convergence.memory import MemoryLedger
from tests.convergence.reference import Known, canon, in_scope
from tests.convergence.roster import known_of, someone
from tests.convergence.shape import (
    EMAILS,
    PARENT_FIELD,
    PEOPLE,
    STRANGER,
    USERS_STREAM,
    P,
    S,
    definition_of,
    held,
    line,
    schema_line,
    users_schema_line,
)
from tests.convergence.target import Operation, Target
from tests.convergence.world import OVERLAP, Asked, Crash, Decided, DecidedUser, Where

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reverse_sf.ledger.batches import Outcomes
    from reverse_sf.ledger.rows import Conflict, Intent, Restore
    from tests.convergence.world import Row, World

logger = logging.getLogger("convergence")
LEASE_SECONDS = 300.0
COURSE = {S: TO_SPOTIO, P: TO_SALESFORCE}
"""The direction that reads a side."""
OTHER = {P: S, S: P}


@dataclass(frozen=True)
class Plan:
    """How one run of one direction goes.

    Attributes:
        source: the side that is read.
        batch: records that the mapper decides together.
        commit_every: results in one commit of the target.
        crash: dies at so many effects after the begin; 0 = lives.
        survives: the target is a process of its own and finishes what it was sent.
        eager: the target works while the mapper still decides.
        faults: by number of the call, what goes wrong.
        edits: by number of the effect, what somebody does at that very moment.
        full: the tap reads everything.
        order: seed of the order in which records come; 0 = the tap's own.
        twice: every record comes twice.
        partial: keys that are absent from an additional, earlier copy of each record.
        replay: messages of earlier runs come once more, after the new ones.
        state_each: STATE comes after every stream, not only at the end.
        children_first: the child's stream comes first.
    """

    source: str
    batch: int = 100
    commit_every: int = 200
    crash: int = 0
    survives: bool = False
    eager: bool = False
    faults: tuple[tuple[int, str], ...] = ()
    edits: tuple[tuple[int, Any], ...] = ()
    full: bool = False
    order: int = 0
    twice: bool = False
    partial: tuple[str, ...] = ()
    replay: bool = False
    state_each: bool = False
    children_first: bool = False


@dataclass
class Sync:
    """Both directions over one ledger, with what is kept between runs.

    Attributes:
        bookmarks: by side and stream, where the tap goes on.
        past_bookmarks: all that were ever kept.
        told: every message that a tap ever sent, for replays.
        emitted: records that mappers emitted, in all.
        perform: lets something happen in the world.
        passed: records that STATE went past although nobody had decided them.
    """

    world: World
    ledger: Any
    bookmarks: dict[tuple[str, str], int] = field(default_factory=dict)
    past_bookmarks: list[dict[tuple[str, str], int]] = field(default_factory=list)
    told: dict[str, list[tuple[str, dict[str, Any]]]] = field(
        default_factory=lambda: {P: [], S: []}
    )
    emitted: int = 0
    perform: Any = None
    passed: list[str] = field(default_factory=list)
    _now_told: list[tuple[Where, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watched = Watched(self.ledger, self.world)
        if self.world.config.users is None:
            self._tell_people()
        else:
            self.world.known = self._truth

    def _truth(self) -> Known:
        return self.world.roster.known(self.ledger.linked_pairs(USERS_PAIR))

    def _tell_people(self) -> None:
        """Where users are not synced, both sides are known from the beginning."""
        people = []
        for spotio_id, salesforce_id in PEOPLE.items():
            email = EMAILS[spotio_id]
            people.append(UserRow(side=Side.SALESFORCE, user_id=salesforce_id, email=email))
            people.append(UserRow(side=Side.SPOTIO, user_id=spotio_id, email=email))
        for side, name in ((Side.SALESFORCE, STRANGER[S]), (Side.SPOTIO, STRANGER[P])):
            people.append(UserRow(side=side, user_id=name, email=EMAILS[name]))
        run = Run(
            run_id="people",
            direction=Direction.TO_SPOTIO,
            started_at="2026-01-01T00:00:00.000Z",
            definition_fingerprint="",
            holder="",
        )
        self.ledger.begin_run(run, ttl_seconds=1.0)
        self.ledger.commit_decisions(Decisions(run_id="people", users=people))
        self.ledger.finish_run("people", "failed")

    def run(self, plan: Plan) -> int:
        """One run; answers how many records the mapper emitted."""
        world = self.world
        course = COURSE[plan.source]
        if plan.source not in world.config.enabled:
            return 0
        world.crash_at = world.effects + plan.crash if plan.crash else None
        began, moments = world.effects, dict(plan.edits)

        def interrupt(_: str) -> None:
            edit = moments.pop(world.effects - began, None)
            if edit is not None:
                self.perform(edit)

        world.interrupt = interrupt if moments else None
        told = self._tap(plan)
        definition = definition_of(world.config)
        pipe = Pipe(self, plan)
        writer = Writer(pipe, course)  # type: ignore[arg-type]
        mapping = MappingRun(
            definition,
            self.watched,  # type: ignore[arg-type]
            writer,
            logger=logger,
            limits=Limits(batch_size=plan.batch, lease_ttl=LEASE_SECONDS),
            course=course,
            clock=lambda: world.told(world.now),
        )
        pipe.run_id = mapping.run_id
        try:
            try:
                with mapping:
                    mapping.read(told)
            except Crash:
                if not plan.survives or plan.eager:
                    raise
                # The target is another process: it reads what it was sent to the end.
                world.dead, world.crash_at = False, None
            pipe.drain()
            pipe.finish()
        except Crash:
            world.dead = False
        except ReverseSFError as error:
            if not world.config.users:
                raise
            # A target that gets no answer about a user, or whose key is worth nothing, gives up.
            world.faults += 1
            world.events.append(("gave up", str(error)))
            self.ledger.finish_run(pipe.run_id, "failed")
        finally:
            world.interrupt, world.crash_at = None, None
        if plan.crash:
            # Whoever starts next has to wait for the lease of the dead.
            world.now += int(LEASE_SECONDS * 1000) + 1000
        self.emitted += pipe.records
        return pipe.records

    # --- the tap -------------------------------------------------------------------------------

    def _tap(self, plan: Plan) -> list[bytes]:
        world, side = self.world, plan.source
        at = world.told(world.now)
        kinds = world.config.kinds(side)
        if plan.children_first:
            kinds.reverse()
        self._now_told = []
        lines: list[bytes] = []
        marks: dict[str, Any] = {}
        if world.config.users and not plan.children_first:
            lines += self._users(plan, at, marks)
        streams: dict[str, list[str]] = {}
        for kind in kinds:
            streams.setdefault(world.config.stream(side, kind), []).append(kind)
        known = self.bookmarks.get((side, activities.STREAM))
        if known is not None and not plan.full:
            # A tap tells where it stands in every stream. Where all that it would read once more
            # was deleted, the stream is empty without being read anew.
            marks[activities.STREAM] = {
                "replication_key_value": world.told(known),
                "at": known,
                "unread": True,
            }
        for stream, of in streams.items():
            lines.append(schema_line(side, of[0]))
            since = None if plan.full else self.bookmarks.get((side, stream))
            rows = [one for kind in of for one in world.read_since(side, kind, since)]
            rows.sort(key=lambda one: (one[1].stamp, one[0].id))
            # What an index has not got yet is young: the overlap of the next read covers it.
            young = world.stamp(side) - OVERLAP // 2
            read = [(where, row) for where, row in rows if not (row.late and row.stamp > young)]
            for _, row in rows:
                row.late = False
            messages = self._messages(plan, read)
            self.told[side] += [(stream, one) for one in messages]
            if plan.replay:
                messages += [one for name, one in self.told[side] if name == stream]
            lines += [
                line({"type": "RECORD", "stream": stream, "record": one, "time_extracted": at})
                for one in messages
            ]
            self._now_told += [(where, row.stamp) for where, row in read if not row.deleted]
            newest = max([row.stamp for _, row in read], default=since)
            if newest is not None:
                marks[stream] = {"replication_key_value": world.told(newest), "at": newest}
            if plan.state_each:
                lines.append(line({"type": "STATE", "value": {"bookmarks": dict(marks)}}))
        if world.config.users and plan.children_first:
            lines += self._users(plan, at, marks)
        lines.append(line({"type": "STATE", "value": {"bookmarks": dict(marks)}}))
        return lines

    def _users(self, plan: Plan, at: str, marks: dict[str, Any]) -> list[bytes]:
        """What the tap says of users; they come first but with a tap that sorts its streams."""
        roster, stream = self.world.roster, USERS_STREAM[plan.source]
        if plan.source == S:
            mark = None if plan.full else self.bookmarks.get((S, stream))
            since = None if mark is None else mark - OVERLAP
            found = roster.of_salesforce(since)
            told = [{**one, "SystemModstamp": self.world.told(stamp)} for one, stamp in found]
            newest = max([stamp for _, stamp in found], default=mark)
            if newest is not None:
                marks[stream] = {"replication_key_value": self.world.told(newest), "at": newest}
            schema = users_schema_line(S, roster.fields, whole=roster.switches.tells_details)
            self.watched.told.update((one["Id"], one) for one in told)
            self.watched.listed = frozenset(one["Id"] for one in told)
            self.watched.is_whole = roster.switches.tells_details and not plan.children_first
        else:
            told, schema = roster.listed(), users_schema_line(P, ("id", "email", "role"))
        if plan.order:
            Random(plan.order).shuffle(told)
        told += told if plan.twice else []
        message = {"type": "RECORD", "stream": stream, "time_extracted": at}
        return [schema, *(line({**message, "record": one}) for one in told)]

    def _messages(self, plan: Plan, read: list[tuple[Where, Row]]) -> list[dict[str, Any]]:
        world = self.world
        told = [world.message(where, row) for where, row in read]
        if plan.twice:
            told += told
        if plan.partial:
            without = frozenset(plan.partial)
            told = [world.message(where, row, without) for where, row in read] + told
        if plan.order:
            Random(plan.order).shuffle(told)
        return told

    # --- what the target keeps of STATE --------------------------------------------------------

    def keep(self, state: dict[str, Any], source: str) -> None:
        """The target passes STATE on, and Meltano keeps it."""
        world = self.world
        world.effect("state")
        for stream, mark in state["bookmarks"].items():
            self.bookmarks[source, stream] = mark["at"]
        self.past_bookmarks.append(dict(self.bookmarks))
        self._look_back(source, state["bookmarks"])
        world.effect("state kept")

    def _look_back(self, source: str, marks: dict[str, Any]) -> None:
        """Every record of this run that STATE is past is known to the ledger, or takes no part."""
        side = Side.SALESFORCE if source == S else Side.SPOTIO
        config = self.world.config
        for sobject in config.objects:
            if not config.reads(source, sobject):
                continue
            kind = config.kind(source, sobject)
            told = {one.id: at for one, at in self._now_told if one.sobject == kind}
            mark = marks.get(config.stream(source, kind), {"unread": True})
            if mark.get("unread") or not told:
                continue
            known = self.ledger.observed(config.pair(sobject), list(told), side=side)
            for record_id, at in told.items():
                seen, where = known.get(record_id), Where(source, kind, record_id)
                row = self.world.rows[where]
                if seen is not None:
                    if (seen.modified_at or "") < self.world.told(at) and row.stamp == at:
                        self._compare(where, row, sobject, seen.link_id)
                elif not config.creates(sobject, source):
                    continue
                elif row.stamp == at and in_scope(config, source, sobject, row.values):
                    self.passed.append(f"STATE is past {record_id}, which nobody has decided")

    def _compare(self, where: Where, row: Row, sobject: str, link_id: str) -> None:
        snapshot = self.ledger.snapshots([link_id])[link_id]
        image = snapshot.salesforce_image if where.side == S else snapshot.spotio_image
        if where.side == S and snapshot.salesforce_digest == MOVED:
            # What a lead was converted to, or the winner of a merge, had no link yet when it was
            # read: nobody kept it. The write of its id, or its next change, brings it; I1 asks
            # whether that was enough.
            return
        for key in self.world.config.keys(sobject):
            if self.world.config.rule(key, sobject) == "do_not_sync" or row.deleted:
                continue
            told = canon(where.side, key, held(*where[:2], key, row.values))
            kept = canon(where.side, key, raw(where.side, sobject, key, image or {}))
            if told != kept:
                self.passed.append(f"STATE is past {key} = {told!r} of {where.id}, not {kept!r}")


class Pipe:
    """What lies between the mapper and its target."""

    def __init__(self, sync: Sync, plan: Plan) -> None:
        self._sync = sync
        self._plan = plan
        self._text = b""
        self._target: Target | None = None
        self.run_id = ""
        self.records = 0

    def write(self, text: bytes) -> int:
        """The mapper emits."""
        self._sync.world.effect("emit")
        self._text += text
        self._sync.world.effect("emitted")
        return len(text)

    def flush(self) -> None:
        """The mapper has emitted."""
        if self._plan.eager:
            self.drain()

    def drain(self) -> None:
        """The target works on what has come."""
        text, self._text = self._text, b""
        for told in text.splitlines():
            message = json.loads(told)
            if message["type"] == "RECORD":
                self.records += 1
                self._workshop().take(Operation.of(message["stream"], message["record"]))
            elif message["type"] == "STATE":
                if self._target is not None:
                    self._target.flush()
                self._sync.keep(message["value"], self._plan.source)

    def finish(self) -> None:
        """The mapper has closed the pipe."""
        if self._target is not None:
            self._target.finish()
            self._sync.watched.finish_run(self.run_id, "done")

    def _workshop(self) -> Target:
        if self._target is None:
            self._target = Target(
                self._sync.world,
                self._sync.watched,
                OTHER[self._plan.source],
                self.run_id,
                faults=dict(self._plan.faults),
                commit_every=self._plan.commit_every,
            )
        return self._target


class Watched:
    """A ledger every write of which is an effect, and which notes what decisions were made from."""

    def __init__(self, ledger: Any, world: World) -> None:
        self._ledger = ledger
        self._world = world
        self.issued: dict[str, Direction] = {}
        """The runs that had something to write, with their directions."""
        self.told: dict[str, dict[str, Any]] = {}
        """Users of Salesforce as the tap has told them last."""
        self.listed: frozenset[str] = frozenset()
        """Those of this run."""
        self.is_whole = False
        """Whether the listing shows everybody, and is known to have come to its end."""
        self._known = Known({}, {P: {}, S: {}})
        """What the mapper knows of users: as it was when the run began, and what was told since."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def begin_run(self, run: Run, *, ttl_seconds: float) -> None:
        self._world.effect("begin")
        self._known = known_of(self._ledger)
        self._world.knew.append(self._known)
        self._ledger.begin_run(run, ttl_seconds=ttl_seconds)
        self._world.effect("begun")

    def finish_run(self, run_id: str, status: str) -> None:
        self._world.effect("finish")
        self._ledger.finish_run(run_id, status)

    def commit_decisions(self, decisions: Decisions) -> None:
        self._world.effect("decide")
        for one in decisions.users:
            side = P if one.side is Side.SPOTIO else S
            self._known.of[side][one.user_id] = someone(one)
        self._note(decisions)
        self._ledger.commit_decisions(decisions)
        self._world.roster.learnt(decisions.users)
        self._world.effect("decided")

    def replace_users(self, side: Side, rows: Sequence[UserRow]) -> None:
        self._world.effect("users")
        self._ledger.replace_users(side, rows)
        self._world.roster.learnt(rows)
        self._world.effect("users kept")

    def commit_outcomes(self, outcomes: Outcomes) -> None:
        self._world.effect("settle")
        self._ledger.commit_outcomes(outcomes)
        for one in outcomes.outcomes:
            self._world.roster.in_doubt.pop(one.operation_id, None)
        self._world.effect("settled")

    def journal(self, rows: Sequence[Conflict]) -> None:
        self._world.effect("journal")
        self._ledger.journal(rows)
        self._world.effect("journaled")

    def ask(self, direction: Direction, wanted: Sequence[Restore], run_id: str = "") -> None:
        """A command's process, not the sync's: it does not die with it."""
        self._ledger.ask(direction, wanted)
        side = P if direction is Direction.TO_SPOTIO else S
        found = self._ledger.snapshots([one.link_id for one in wanted])
        for one in wanted:
            link = found[one.link_id].link
            record_id = link.spotio_id if side == P else link.salesforce_id
            world = self._world
            kind = world.config.kind(side, one.pair.split(":")[0])
            where = Where(side, kind, record_id or "")
            world.asked.append(Asked(where, one, world.now, run_id, world.config))
            world.events.append(("asked", *where, one.key, repr(one.value), one.why))

    def _parents(
        self,
        sobject: str,
        source: dict[str, Any],
        other: dict[str, Any],
        to: str,
        snapshot: Any,
    ) -> dict[tuple[str, str], str | None]:
        """Counterparts of the parents that the images name, as the ledger knows them."""
        salesforce, spotio = (other, source) if to == S else (source, other)
        base = (snapshot.base if snapshot else {}).get("parent") or [None, None]
        ledger, config = self._ledger, self._world.config
        known: dict[tuple[str, str], str | None] = {}
        for name in map(config.pair, reversed(config.parents(sobject))):
            for one in {salesforce.get(PARENT_FIELD[sobject]), base[1]} - {None}:
                link = ledger.link_ids(name, [one]).get(one)
                if link:
                    known[S, one] = ledger.counterparts([link]).get(link, "?")
            for one in {spotio.get("parent"), base[0]} - {None}:
                link = ledger.link_ids_of_spotio(name, [one]).get(one)
                if link:
                    known[P, one] = ledger.counterparts_in_salesforce([link]).get(link, "?")
        return known

    def _note(self, decisions: Decisions) -> None:
        if not decisions.intents:
            return
        world = self._world
        direction = decisions.intents[0].direction
        self.issued.setdefault(decisions.run_id, direction)
        restores: dict[str, dict[str, Restore]] = {}
        for one in decisions.issued:
            restores.setdefault(one.link_id, {})[one.key] = one
        wanted = [one.link_id for one in decisions.intents]
        before = self._ledger.snapshots(wanted, direction=direction)
        new = {one.link_id: one for one in decisions.images}
        states = {one.link_id: one for one in decisions.links}
        to = P if direction is Direction.TO_SPOTIO else S
        for intent in decisions.intents:
            if intent.pair == USERS_PAIR:
                self._note_user(intent)
                continue
            snapshot = before.get(intent.link_id)
            link = states.get(intent.link_id) or (snapshot.link if snapshot else None)
            if link is None:
                raise AssertionError(f"an intent of the unknown link {intent.link_id}")
            told = new.get(intent.link_id)
            stored = (None, None)
            if snapshot is not None:
                stored = (snapshot.salesforce_image, snapshot.spotio_image)
            source = _values(told) if told is not None else stored[to == S]
            other = stored[to == P]
            sobject = intent.pair.split(":")[0]
            own = link.spotio_id if to == S else link.salesforce_id
            record = msgspec.json.decode(msgspec.json.encode(intent.record))
            carried = msgspec.json.decode(msgspec.json.encode(intent.source))
            envelope = msgspec.json.decode(msgspec.json.encode(intent.envelope))
            decision = msgspec.json.decode(msgspec.json.encode(intent.decision))
            world.decided[intent.operation_id] = Decided(
                config=world.config,
                link_id=intent.link_id,
                sobject=sobject,
                to=to,
                action=intent.action,
                source_id=own or "",
                other_id=link.salesforce_id if to == S else link.spotio_id,
                source=source or {},
                other=other or {},
                base=snapshot.base if snapshot else {},
                record=record,
                decision=decision,
                keys=envelope.get("keys", {}),
                state=snapshot.link.state.value if snapshot else "new",
                source_deleted=bool(told.deleted) if told is not None else False,
                at=world.now,
                parents=self._parents(
                    sobject, source or {}, other or {}, to, before.get(intent.link_id)
                ),
                run_id=decisions.run_id,
                restores=restores.get(intent.link_id, {}),
                users=self._users_known() if world.config.users else None,
            )
            world.carried[intent.operation_id] = {
                key: canon(OTHER[to], key, value)
                for key, value in carried.items()
                # What a person wanted back is not the source's value.
                if decision.get(key, {}).get("row") != RESTORED
            }

    def _users_known(self) -> Known:
        joined, of = self._known
        return Known(joined, {side: dict(of[side]) for side in (P, S)})

    def _note_user(self, intent: Intent) -> None:
        told = [msgspec.json.encode(one) for one in (intent.envelope, intent.record)]
        envelope, record = map(msgspec.json.decode, told)
        if intent.action == Action.SUSPEND.value:
            self._world.roster.in_doubt[intent.operation_id] = envelope["spotio_id"]
        self._world.decided_users[intent.operation_id] = DecidedUser(
            link_id=intent.link_id,
            user=envelope["salesforce_id"],
            told=self.told[envelope["salesforce_id"]],
            is_listed=envelope["salesforce_id"] in self.listed,
            is_whole=self.is_whole,
            action=intent.action,
            facts=envelope["user"],
            record=record,
            decision=msgspec.json.decode(msgspec.json.encode(intent.decision)),
            section=self._world.config.users,
            at=self._world.now,
            run_id=intent.run_id,
        )


def _values(image: Any) -> dict[str, Any]:
    values = image.values
    return msgspec.json.decode(values) if isinstance(values, msgspec.Raw) else dict(values)


def raw(side: str, sobject: str, key: str, image: dict[str, Any]) -> Any:
    """A key's value in an image of the ledger."""
    return image.get(key) if side == P else held(S, sobject, key, image)


# --- time and names that do not depend on the machine -------------------------------------------


class _Clock:
    """Stands in for ``datetime`` where the product asks for the time."""

    world: World

    @classmethod
    def now(cls, _zone: Any = None) -> Any:
        return cls.world.clock()


class _Names:
    """Stands in for ``secrets``."""

    world: World

    @classmethod
    def token_hex(cls, _size: int) -> str:
        cls.world.runs += 1
        return f"{cls.world.runs:06d}"


class _Still:
    """A lease's heartbeat where nobody else is."""

    def __init__(self, *_: object) -> None:
        """Nothing to keep."""

    def start(self) -> None:
        """Nobody waits."""

    stop = check = start


def _remembered(make: Any) -> Any:
    """Make a thing once for the same objects; they are kept, so that none takes another's place."""
    made: dict[tuple[int, ...], Any] = {}

    def recall(*arguments: Any) -> Any:
        names = tuple(id(one) for one in arguments)
        if names not in made:
            made[names] = (make(*arguments), arguments)
        return made[names][0]

    return recall


class _Facts:
    """Stands in for ``SalesforceObject``."""

    from_schema: Any


@contextmanager
def _compiled_once() -> Iterator[None]:
    """Let a history compile each mapping once, not in each of its runs."""
    homes = {
        "compile_pair": known_pair,
        "type_from_schema": streams,
        "SalesforceObject": streams,
        "SalesforceReader": streams,
        "SpotioReader": streams,
        "ActivityReader": streams,
        "missing_names": streams,
    }
    kept = {name: getattr(home, name) for name, home in homes.items()}
    read = kept["SalesforceObject"].from_schema
    of_schema = _remembered(lambda schema: (schema, {}))

    def from_schema(name: str, schema: Any) -> Any:
        known = of_schema(schema)[1]
        if name not in known:
            known[name] = read(name, schema)
        return known[name]

    _Facts.from_schema = staticmethod(from_schema)
    streams.SalesforceObject = _Facts  # type: ignore[assignment,misc]
    for name, home in homes.items():
        if name != "SalesforceObject":
            setattr(home, name, _remembered(kept[name]))
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(homes[name], name, value)


@contextmanager
def one_time(world: World, *, fast: bool) -> Iterator[None]:
    """Let the product see the world's time, and name runs by number."""
    _Clock.world = _Names.world = world
    kept = (running.datetime, running.secrets, results.datetime)
    heart = running.Heartbeat
    running.datetime, running.secrets = _Clock, _Names  # type: ignore[assignment,misc]
    results.datetime = _Clock  # type: ignore[assignment,misc]
    if fast:
        running.Heartbeat = _Still  # type: ignore[assignment,misc]
    try:
        with _compiled_once() if fast else nullcontext():
            yield
    finally:
        running.datetime, running.secrets, results.datetime = kept  # type: ignore[misc]
        running.Heartbeat = heart  # type: ignore[misc]


def open_ledger(world: World, kind: str) -> Any:
    """A ledger: the real one over SQLite in memory, or its double."""
    if kind == "memory":
        return MemoryLedger()
    return Ledger.open("sqlite://", clock=world.clock)
