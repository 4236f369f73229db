"""Plays a history, brings it to rest, and asks every invariant."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reverse_sf.cli.restore import inverse, refuse_off, restore_conflict
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.mapper.keys import MOVED
from tests.convergence import activity_laws, invariants, people, restored
from tests.convergence.activities import KINDS
from tests.convergence.edits import (
    Add,
    Configure,
    Convert,
    Edit,
    History,
    Life,
    Refuse,
    Restore,
    Revert,
    Select,
    Staff,
    State,
    Twin,
    Wait,
)
from tests.convergence.roster import KEY_OWNER
from tests.convergence.shape import EXTERNAL_ID, PARENT_FIELD, P, S, definition_of, places
from tests.convergence.sync import Plan, Sync, one_time, open_ledger
from tests.convergence.world import Where, World

if TYPE_CHECKING:
    from tests.convergence.edits import Step

MOST_CYCLES = 8
"""So many cycles are tried before a history counts as one that never comes to rest."""

_NOT_WISHED = frozenset({"address", "owner", "parent"})
"""Keys of several fields or of other records: nobody wants them back in these histories."""


@dataclass
class Played:
    """A history that was played to its end.

    Attributes:
        cycles: cycles until no write was tried any more.
    """

    world: World
    sync: Sync
    history: History
    cycles: int = 0
    restless: int = 0
    """Writes of the further cycle, the full reading and the replay at rest."""
    violations: list[str] = field(default_factory=list)


class Machine:
    """One world under way; :meth:`perform` takes a step, :meth:`rest` ends it."""

    def __init__(self, history: History, kind: str = "memory") -> None:
        self.history = history
        self.world = World(history.config, history.behaviour())
        self.sync = Sync(self.world, open_ledger(self.world, kind), perform=self.perform)
        self.reconfigured = False

    def perform(self, step: Step) -> None:
        """Let one thing happen."""
        world = self.world
        if not isinstance(step, (Plan, Wait)):
            world.now += 3
        if isinstance(step, Plan):
            self.sync.run(step)
        elif isinstance(step, Edit):
            where = self._pick(step.side, step.sobject, step.number)
            if where is not None:
                world.edit(where, self._owned(step.side, step.values))
        elif isinstance(step, Add):
            self._add(step)
        elif isinstance(step, Life):
            self._live(step)
        elif isinstance(step, Convert):
            self._convert(step)
        elif isinstance(step, Twin):
            self._twin(step)
        elif isinstance(step, Configure):
            self._configure(step)
        elif isinstance(step, Staff):
            self._staff(step)
        elif isinstance(step, Select):
            world.config = replace(world.config, users=step.users)
            world.faults += 1
            self.reconfigured = True
        elif isinstance(step, Refuse):
            self._refuse(step)
        elif isinstance(step, State):
            self._forget(step)
        elif isinstance(step, (Restore, Revert)):
            self._want_back(step)
        elif step.side:
            world.switches.skew[step.side] += 0
            world.now += step.milliseconds
        else:
            world.now += step.milliseconds

    def _pick(self, side: str, sobject: str, number: int, *, dead: bool = False) -> Where | None:
        found = [
            where
            for where, row in self.world.rows.items()
            if where[:2] == (side, sobject) and row.deleted is dead
        ]
        return found[number % len(found)] if found else None

    def _add(self, step: Add) -> None:
        values = self._owned(step.side, step.values)
        config = self.world.config
        if step.sobject in KINDS or (step.sobject == "Contact" and config.contacts):
            parent = self._pick(step.side, config.parents(step.sobject)[-1], step.parent)
            name = PARENT_FIELD[step.sobject] if step.side == S else "parentId"
            values[name] = parent.id if parent else None
            if parent is None and step.side == P and step.sobject in KINDS:
                # SPOTIO's activities are on a record.
                return
            if parent is not None and self.world.rows[parent].became:
                return
        self.world.add(step.side, step.sobject, values)

    def _twin(self, step: Twin) -> None:
        s = self.world.add(S, "Account", dict(step.s))
        p = self.world.add(P, "Account", {**dict(step.p), "externalDataObjectId": s.id})
        if step.both:
            self.world.rows[s].values[EXTERNAL_ID] = p.id
        self.world.settle(p)

    def _convert(self, step: Convert) -> None:
        lead = self._pick(S, "Lead", step.number)
        contact = None if step.into is None else self._pick(S, "Contact", step.into)
        if lead is not None:
            self.world.convert(lead, contact, keeps_id=step.keeps_id)

    def _live(self, step: Life) -> None:
        world = self.world
        if step.what == "undelete":
            if step.side == P and step.sobject in KINDS:
                return
            where = self._pick(step.side, step.sobject, step.number, dead=True)
            if where is not None:
                world.undelete(where)
            return
        where = self._pick(step.side, step.sobject, step.number)
        if where is None or self._is_last_activity(where):
            return
        row = world.rows[where]
        if step.what == "late":
            row.late = True
        elif step.what in ("delete", "purge"):
            world.delete(where)
            row.purged = step.what == "purge"
        elif step.what == "name":
            named = self._pick(P, "Lead", step.other)
            if named is not None and world.find(S, "Contact", named.id) is None:
                world.edit(where, {EXTERNAL_ID: named.id})
        elif step.what == "parent" and step.sobject == "Contact":
            parent = self._pick(step.side, "Account", step.other)
            if parent is not None:
                name = "AccountId" if step.side == S else "parentId"
                world.edit(where, {name: parent.id})
        elif step.what == "merge" and step.side == S and step.sobject not in KINDS:
            winner = self._pick(S, step.sobject, step.other)
            if winner is not None and winner != where and not row.became:
                world.delete(where, winner=winner.id)
                world.move(where, winner)
                world.edit(winner, {})

    def _owned(self, side: str, values: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
        """Values that somebody writes; nobody gives a record to who is not there, or is out."""
        name, people = places(side, "Account", "owner")[0], self.world.roster.of[side]
        told = dict(values)
        if self.world.config.users is not None and name in told:
            owner = people.get(told[name])
            if (
                owner is None
                or owner.values.get("suspended")
                or not owner.values.get("IsActive", 1)
            ):
                del told[name]
        return told

    def _staff(self, step: Staff) -> None:
        world, roster = self.world, self.world.roster
        now, values = world.stamp(step.side), dict(step.values)
        if step.what == "hire":
            name = roster.hire(step.side, now, values)
            world.events.append(("hire", step.side, name, repr(values)))
            return
        people = roster.of[step.side]
        if not people:
            return
        name = sorted(people)[step.number % len(people)]
        if step.what == "dismiss":
            if name == KEY_OWNER:
                return
            roster.dismiss(name)
        elif step.what in ("hide", "show"):
            people[name].shown = step.what == "show"
        else:
            roster.change(step.side, name, values, now)
        world.events.append((step.what, step.side, name, repr(values)))

    def _is_last_activity(self, where: Where) -> bool:
        """The tap tells of no other: a full reading without any would stop the run, and rightly."""
        living = [
            one
            for one, row in self.world.rows.items()
            if one.side == P and one.sobject in KINDS and not row.deleted
        ]
        return living == [where]

    def _configure(self, step: Configure) -> None:
        config = self.world.config
        config = config.with_rule(step.key, step.rule)
        if step.scope_p is not None:
            config = replace(config, scope_p=step.scope_p)
        if step.choices is not None:
            config = replace(config, choices=step.choices)
        self.world.config = config
        self.world.faults += 1
        self.reconfigured = True

    def _refuse(self, step: Refuse) -> None:
        refusing = self.world.switches.refusing[step.side]
        if step.on:
            refusing[step.text] = step.named
        else:
            refusing.pop(step.text, None)

    def _forget(self, step: State) -> None:
        marks = self.sync.bookmarks
        past = self.sync.past_bookmarks
        old = past[-min(len(past), step.back + 1)] if step.back and past else {}
        for side, stream in list(marks):
            if side == step.side:
                marks.pop((side, stream))
                if (side, stream) in old:
                    marks[side, stream] = old[side, stream]

    def _want_back(self, step: Restore | Revert) -> None:
        """What the two commands do; what they refuse is told to whoever called them."""
        ledger, definition = self.sync.watched, definition_of(self.world.config)
        try:
            if isinstance(step, Restore):
                journal = ledger.conflicts(limit=10_000)
                rows = sorted(one.number for one in journal if one.key not in _NOT_WISHED)
                if rows:
                    restore_conflict(rows[step.number % len(rows)], ledger, definition)
                return
            runs = list(ledger.issued)
            if runs:
                run_id = runs[step.number % len(runs)]
                found, _ = inverse(ledger, run_id, ledger.issued[run_id])
                wanted = [one for one in found if one.key not in _NOT_WISHED]
                for pair in sorted({one.pair for one in wanted}):
                    refuse_off(definition, pair, ledger.issued[run_id])
                ledger.ask(ledger.issued[run_id], wanted, run_id)
        except (ConfigurationError, UsageError) as error:
            self.world.events.append(("cannot be wanted back", str(error)))

    # --- the end -------------------------------------------------------------------------------

    def _was_told_too_early(self) -> bool:
        """Whether what a lead became was told before it had a link: only a whole reading helps."""
        world, ledger = self.world, self.sync.ledger
        if not world.config.leads or P in world.config.enabled:
            return False
        return any(
            one.salesforce_digest == MOVED
            for ids in ledger.linked_ids(world.config.pair("Contact"))
            for one in ledger.snapshots(ids).values()
        )

    def rest(self) -> Played:
        """No more edits, no more faults: come to rest, and ask the invariants."""
        world, sync = self.world, self.sync
        played = Played(world, sync, self.history)
        if not self.history.keep_refusing:
            world.switches.refusing = {P: {}, S: {}}
        for row in world.rows.values():
            row.late = False
        # Without an Admin behind the key no target runs: somebody sees to that.
        keeper = {"role": "Admin", "suspended": False, "isReadonly": False}
        world.roster.change(P, KEY_OWNER, keeper, world.now)
        # What was refused is tried again on demand; what was locked, when its time has come.
        world.now += 10 * 24 * 3600 * 1000
        for course in (S, P):
            direction = invariants.DIRECTION_FROM[course]
            sync.ledger.retry_parked(direction, now=world.told(world.now))
        if self.reconfigured:
            # A wider filter is told of by whoever widens it: everything is read once more.
            played.cycles = min(1, self.cycle(full=True))
        quiet = number = 0
        while number < MOST_CYCLES and quiet < 2:
            number += 1
            quiet = 0 if self.cycle() else quiet + 1
            played.cycles = played.cycles if quiet else number + self.reconfigured
        if self._was_told_too_early():
            self.cycle(full=True)
        before = world.calls
        self.cycle()
        self.cycle(full=True)
        played.restless = world.calls - before
        # A replay may try once more what was refused; it must not write.
        before = len(world.writes)
        self.cycle(replay=True)
        played.restless += len(world.writes) - before
        checks = (*restored.CHECKS, *activity_laws.CHECKS, *people.CHECKS)
        played.violations = invariants.violations(played, checks)
        return played

    def cycle(self, *, full: bool = False, replay: bool = False) -> int:
        """Both directions once; answers how many writes were tried."""
        before = self.world.calls
        for side in self.history.order:
            self.sync.run(Plan(side, full=full, replay=replay, batch=1 if replay else 100))
        return self.world.calls - before


def play(history: History, kind: str = "memory") -> Played:
    """Play a history to its end."""
    machine = Machine(history, kind)
    with one_time(machine.world, fast=kind == "memory"):
        for step in history.steps:
            machine.perform(step)
        return machine.rest()


def shrunk(history: History, fails: Any) -> History:
    """The same failure with as few steps as can be found."""
    steps = list(history.steps)
    size = max(1, len(steps) // 2)
    while size:
        at = 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size :]
            if fails(replace(history, steps=tuple(fewer))):
                steps = fewer
            else:
                at += size
        size //= 2
    history = replace(history, steps=tuple(steps))
    for name, _ in history.switches:
        plainer = replace(
            history, switches=tuple(one for one in history.switches if one[0] != name)
        )
        if fails(plainer):
            history = plainer
    for at, step in enumerate(history.steps):
        if not isinstance(step, Plan):
            continue
        for name in Plan.__dataclass_fields__:
            plain = Plan(step.source)
            if name == "source" or getattr(step, name) == getattr(plain, name):
                continue
            simpler = replace(history.steps[at], **{name: getattr(plain, name)})
            changed = replace(
                history, steps=(*history.steps[:at], simpler, *history.steps[at + 1 :])
            )
            if fails(changed):
                history = changed
    for key, _ in history.config.rules[1:]:
        rules = tuple(one for one in history.config.rules if one[0] != key)
        if key in ("First Name", "Last Name", "parent"):
            continue
        fewer_keys = replace(history, config=replace(history.config, rules=rules))
        if fails(fewer_keys):
            history = fewer_keys
    return history


def spelled(history: History) -> str:
    """A history with all that its configuration says."""
    return repr(history).replace(repr(history.config), history.config.spelled)
