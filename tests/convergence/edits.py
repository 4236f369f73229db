"""What can happen, and histories of it drawn from one source of chance.

A step names records by a number that is taken modulo what is there, so any step can follow any
other: a history can be cut down without being told again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any

from tests.convergence.activities import EVENT, KINDS, TASK
from tests.convergence.shape import (
    EMAILS,
    FIELD_OF,
    MAILS,
    NEWCOMERS,
    PEOPLE,
    POOL,
    RULES,
    STAFF,
    STRANGER,
    P,
    Role,
    S,
    Switches,
    Users,
    places,
    pool,
    some_config,
)
from tests.convergence.sync import Plan

if TYPE_CHECKING:
    from tests.convergence.shape import Config


@dataclass(frozen=True)
class Add:
    """Somebody creates a record; a child gets the parent of a number."""

    side: str
    sobject: str
    values: tuple[tuple[str, Any], ...]
    parent: int = 0


@dataclass(frozen=True)
class Edit:
    """Somebody edits keys of a record."""

    side: str
    sobject: str
    number: int
    values: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Life:
    """Somebody deletes, undeletes, purges, merges or re-parents a record, or it is indexed late.

    Or somebody writes the id of a SPOTIO record into a contact.
    """

    what: str
    side: str
    sobject: str
    number: int
    other: int = 0


@dataclass(frozen=True)
class Convert:
    """Somebody converts a lead: to the contact of a number, or to a new one.

    Attributes:
        keeps_id: the org's mapping of lead fields brings the lead's external id along.
    """

    number: int
    into: int | None = None
    keeps_id: bool = False


@dataclass(frozen=True)
class Twin:
    """Two records that belong together, unseen by the sync; SPOTIO's names the other."""

    p: tuple[tuple[str, Any], ...]
    s: tuple[tuple[str, Any], ...]
    both: bool = True


@dataclass(frozen=True)
class Configure:
    """The definition is edited: another rule for a key, other filters, other choices."""

    key: str
    rule: str
    scope_p: tuple[str, ...] | None = None
    choices: int | None = None


@dataclass(frozen=True)
class Staff:
    """Something happens to a user of either side.

    Attributes:
        what: ``hire``, ``change``, ``hide`` or ``show`` (Salesforce), ``dismiss`` (SPOTIO).
        values: by the names of the side.
    """

    what: str
    side: str
    number: int = 0
    values: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Select:
    """The section of users is edited."""

    users: Users


@dataclass(frozen=True)
class Refuse:
    """A system begins or ceases to refuse a text."""

    side: str
    text: str
    on: bool
    named: bool = True


@dataclass(frozen=True)
class State:
    """STATE of a side is lost, or an earlier one comes back."""

    side: str
    back: int = 0


@dataclass(frozen=True)
class Wait:
    """Time passes; of one side only where its clock steps."""

    milliseconds: int
    side: str = ""


@dataclass(frozen=True)
class Restore:
    """Somebody wants the losing value of a conflict back: ``reverse-sf conflicts restore``."""

    number: int


@dataclass(frozen=True)
class Revert:
    """Somebody takes back what a run wrote: ``reverse-sf revert``."""

    number: int


LOGGED = 0.5
"""The share of activities among the histories that are widened."""
ACTIVE = 0.45
"""The share of activities in what happens to records, where they take part."""
AWAITED = 0.5
"""The share of those in which the owner of a record is nobody's counterpart for a while."""
OWNED = 0.8
"""The share of histories with users in which they own records, at least."""
_NAMES = {
    "Account": ("Company",),
    "Lead": ("Last Name", "Firm"),
    **dict.fromkeys(KINDS, ("Subject",)),
}
"""The keys without which nobody makes a record."""

Step = (
    Add
    | Edit
    | Life
    | Convert
    | Twin
    | Configure
    | Staff
    | Select
    | Refuse
    | State
    | Wait
    | Restore
    | Revert
    | Plan
)


@dataclass(frozen=True)
class History:
    """A world's configuration, how its systems behave, and what happens.

    Attributes:
        switches: fields of :class:`Switches`, by name.
        keep_refusing: what is refused at the end stays refused.
        order: of the two directions in a cycle at the end.
    """

    config: Config
    switches: tuple[tuple[str, Any], ...] = ()
    steps: tuple[Step, ...] = field(default=())
    keep_refusing: bool = False
    order: str = "SP"

    def behaviour(self) -> Switches:
        """The switches, fresh."""
        found = Switches()
        for name, value in self.switches:
            setattr(found, name, dict(value) if name == "skew" else value)
        return found


def some_history(random: Random, *, faults: bool = True, length: int = 14) -> History:
    """Any history; without faults nothing goes wrong but everything is edited."""
    config = some_config(random)
    switches = [
        (name, True)
        for name, chance in (
            ("trims", 0.4),
            ("geocodes", 0.5),
            ("flow", 0.25),
            ("stage_flow", 0.15),
            ("children", 0.15),
        )
        if random.random() < chance
    ]
    if random.random() < 0.4:
        skew = {P: random.choice((-900, 0, 900)), S: random.choice((-900, 0, 900))}
        switches.append(("skew", tuple(skew.items())))
    steps: list[Step] = [some_add(random, config) for _ in range(random.randint(1, 2))]
    if random.random() < 0.2:
        steps.append(some_twin(random, config))
    steps += [Plan(S), Plan(P)] if random.random() < 0.7 else [Plan(P), Plan(S)]
    for _ in range(random.randint(3, length)):
        steps += some_steps(random, config, faults=faults)
    return History(
        config,
        tuple(switches),
        tuple(steps),
        keep_refusing=random.random() < 0.3,
        order=random.choice(("SP", "PS")),
    )


def some_steps(random: Random, config: Config, *, faults: bool) -> list[Step]:
    """One thing that happens, or a few that belong together."""
    chance = random.random()
    if chance < 0.03 and config.rule("Rating", "Account"):
        # Two choices of SPOTIO are one of Salesforce: both sides pick what agrees already.
        number = random.randrange(4)
        cool = Edit(P, "Account", number, (("Rating", random.choice(("Cool", "Lukewarm"))),))
        return [cool, Edit(S, "Account", number, (("Rating", "Warm"),))]
    if chance < 0.42:
        return [some_edit(random, config)]
    if chance < 0.66:
        return [some_plan(random, config, faults=faults)]
    if chance < 0.74:
        return [Plan(S), Plan(P)]
    if chance < 0.79:
        return [some_add(random, config)]
    if chance < 0.89:
        return [some_life(random, config)]
    if chance < 0.92:
        return [Wait(random.choice((0, 1, 1_500, 2_500, 700_000)))]
    if not faults:
        return [some_edit(random, config)]
    if chance < 0.945:
        text = random.choice(("a.io", "call", "Hot", "b.io", "Acme"))
        return [Refuse(random.choice("PS"), text, random.random() < 0.7, random.random() < 0.7)]
    if chance < 0.965:
        return [State(random.choice("PS"), random.choice((0, 1, 2)))]
    if chance < 0.985:
        return [some_configure(random, config)]
    return [Wait(random.choice((1_000, 5_000)), random.choice("PS"))]


def widened(random: Random, history: History, *, faults: bool) -> History:
    """The history with more in it: leads that are converted, activities, or both."""
    # From the history itself: one that has no activities tells what it told before there were any.
    config = history.config
    own = Random(f"activities {config.drawn_from} {history.switches} {history.steps}")
    logged = P in config.enabled and own.random() < LOGGED
    if not config.contacts and not (logged and own.random() < LOGGED):
        history = with_leads(random, history, faults=faults)
    return with_activities(own, history, faults=faults) if logged else history


def with_leads(random: Random, history: History, *, faults: bool) -> History:
    """The history with leads in it, and the contacts that they are converted to."""
    config = history.config
    leads = [("First Name", random.choice(RULES)), ("Last Name", "two_way")]
    leads += [("Remark", random.choice(RULES)), ("Firm", "two_way")]
    config = replace(config, rules=(*config.rules, *leads), leads=True)
    first: list[Step] = [some_lead(random, config) for _ in range(random.randint(1, 3))]
    steps = [*first, *history.steps]
    for _ in range(random.randint(4, 12)):
        at = random.randint(len(first), len(steps))
        steps[at:at] = some_more_steps(random, config, faults=faults)
    return replace(history, config=config, steps=(*steps,))


def with_activities(random: Random, history: History, *, faults: bool) -> History:
    """The history with activities in it.

    A create in SPOTIO that had no answer cannot be told from one that never came: so activities of
    Salesforce's own take part only where nothing goes wrong.
    """
    modes = ["push"]
    if history.config.enabled == "PS":
        modes += ["two_way", "two_way"] if faults else ["two_way", "from_salesforce"]
    config = replace(history.config, activities=random.choice(modes))
    steps = list(history.steps)
    # Early, so that much can happen to them once they are on both sides.
    at = random.randint(1, (len(steps) + 1) // 2)
    first: list[Step] = [some_activity(random, config) for _ in range(random.randint(1, 3))]
    steps[at:at] = [*first, *random.choice(((Plan(S), Plan(P)), (Plan(P), Plan(S), Plan(P))))]
    for _ in range(random.randint(6, 14)):
        chance = random.random()
        if chance < 0.1:
            more: list[Step] = [some_activity(random, config)]
        elif chance < 0.45:
            more = [some_activity_edit(random, config)]
        elif chance < 0.52:
            more = [some_activity_edit(random, config), some_activity_edit(random, config)]
        elif chance < 0.58:
            more = [some_completion(random, config)]
        elif chance < 0.68:
            edit = random.choice((some_completion, some_activity_edit))
            edits = ((random.randint(1, 24), edit(random, config)),)
            more = [replace(some_plan(random, config, faults=faults), edits=edits)]
        elif chance < 0.75:
            more = [some_life(random, config)]
        else:
            more = [Plan(S), Plan(P)] if random.random() < 0.5 else [Plan(P), Plan(S)]
        then = random.randint(at, len(steps))
        steps[then:then] = more
    return replace(history, config=config, steps=(*steps,))


def some_activity(random: Random, config: Config) -> Add:
    """Somebody logs an activity, in SPOTIO more often than not."""
    side = P if random.random() < 0.75 else S
    kind = some_kind(random, config)
    values = dict(some_values(random, config, side, kind, 5))
    values.setdefault("Subject", random.choice(pool(side, kind, "Subject")))
    return Add(side, kind, tuple(values.items()), random.randrange(4))


def some_kind(random: Random, config: Config) -> str:
    """What an activity is in Salesforce."""
    return random.choice((TASK, EVENT)) if config.leads else TASK


def some_activity_edit(random: Random, config: Config) -> Edit:
    """Somebody edits an activity, on either side."""
    side, kind = random.choice("PS"), some_kind(random, config)
    values = some_values(random, config, side, kind, 3)
    return Edit(side, kind, random.randrange(4), values)


def some_completion(random: Random, _: Config) -> Edit:
    """Somebody is done with an activity, on either side."""
    return Edit(random.choice("PPS"), TASK, random.randrange(4), (("Status", "Completed"),))


def some_more_steps(random: Random, config: Config, *, faults: bool) -> list[Step]:
    """What happens where there are leads."""
    chance = random.random()
    if chance < 0.3:
        return [some_convert(random) for _ in range(random.choice((1, 1, 2)))]
    if chance < 0.4:
        return [some_lead(random, config)]
    if chance < 0.6:
        return [some_edit(random, config)]
    if chance < 0.7:
        edits = ((random.randint(1, 24), some_convert(random)),)
        return [replace(some_plan(random, config, faults=faults), edits=edits)]
    if chance < 0.8:
        return [some_life(random, config)]
    return [Plan(S), Plan(P)]


def some_lead(random: Random, config: Config) -> Add:
    """A lead of either side."""
    return some_record(random, config, random.choice("PS"), "Lead")


def some_convert(random: Random) -> Convert:
    """A lead is converted, now and then to a contact that is there already."""
    into = random.choice((None, None, None, random.randrange(4)))
    return Convert(random.randrange(4), into, random.random() < 0.3)


def staffed(random: Random, history: History, *, faults: bool) -> History:
    """The history with users in it, who are synced and own records."""
    rules = dict(history.config.rules)
    if random.random() < OWNED:
        rules.setdefault("owner", random.choice(RULES))
    config = replace(history.config, users=some_users(random), rules=tuple(rules.items()))
    switches = list(history.switches)
    for name, values in (
        ("hides_suspended", (False, False, True)),
        ("restores", ("put", "put", "block", "never")),
        ("names_owner", (True, True, True, False)),
        ("tells_details", (True, True, False)),
    ):
        switches.append((name, random.choice(values)))
    steps = list(history.steps)
    for _ in range(random.randint(0, 3)):
        steps.insert(0, some_staff(random))
    for _ in range(random.randint(4, 14)):
        at = random.randint(0, len(steps))
        steps[at:at] = some_staffing(random, config, faults=faults)
    steps = [_newly_owned(random, step) for step in steps]
    rule = config.rule("owner", "Account")
    if rule and random.random() < AWAITED:
        steps += some_awaited(random, rule)
    return replace(history, config=config, switches=tuple(switches), steps=tuple(steps))


def some_awaited(random: Random, rule: str) -> list[Step]:
    """Nobody stands for the owner of the side that wins, until somebody does."""
    side = S if rule.startswith("salesforce") else P if rule.startswith("spotio") else ""
    side = side or random.choice((P, S))
    name = "ownerId" if side == P else "OwnerId"
    number = random.randrange(4)
    if random.random() < 0.5:
        # Who stands for the owner is out.
        owner = "u2" if side == P else PEOPLE["u2"]
        edit = Edit(side, "Account", number, ((name, owner),))
        back = (
            Staff("change", S, 1, (("IsActive", True),))
            if side == P
            else Staff("change", P, 1, (("suspended", False),))
        )
        ((switch, now),) = back.values
        out = replace(back, values=((switch, not now),))
        return [Plan(S), Plan(P), out, Plan(P if side == S else S), edit, Plan(side), back]
    edit = Edit(side, "Account", number, ((name, STRANGER[side]),))
    known = random.choice(
        (
            Staff("change", P, 2, (("externalSystemUserId", STRANGER[S]),)),
            Staff("change", P, 2, (("email", EMAILS[STRANGER[S]]),)),
            Staff("change", S, 2, (("Email", EMAILS[STRANGER[P]]),)),
        )
    )
    return [Plan(S), Plan(P), edit, Plan(side), known]


def _newly_owned(random: Random, step: Step) -> Step:
    """A step in which a record is given to somebody who has come later, now and then."""
    if not isinstance(step, (Add, Edit)):
        return step
    name, owners = ("ownerId", NEWCOMERS[P]) if step.side == P else ("OwnerId", NEWCOMERS[S])
    values = dict(step.values)
    if name in values and random.random() < 0.5:
        values[name] = random.choice(owners)
    return replace(step, values=tuple(values.items()))


def some_users(random: Random) -> Users:
    """A section of users; the first role that selects somebody wins."""
    roles = []
    for _ in range(random.choice((1, 2, 2, 3))):
        name = random.choice(("Admin", "Manager", "Sales", "Sales", "Captain"))
        departments = (("Field",), ("Desk",), ("Field", "Desk"), ())
        names = tuple(random.sample(MAILS, random.choice((0, 1, 2))))
        roles.append(Role(name, random.choice(departments), names))
    return Users(
        roles=tuple(roles),
        match=random.choice(("email", "email", "external_id")),
        email_field=random.choice(("Email", "Email", "Username")),
        create=random.random() < 0.8,
        suspends=random.random() < 0.8,
    )


def some_staffing(random: Random, config: Config, *, faults: bool) -> list[Step]:
    """What happens where users are synced."""
    chance = random.random()
    if chance < 0.08 and faults:
        # Back before the suspension had an outcome.
        number = random.randrange(6)
        moves = [Staff("change", S, number, (("IsActive", one),)) for one in (True, False, True)]
        return [moves[0], Plan(S), moves[1], Plan(S, crash=random.randint(8, 18)), moves[2]]
    if chance < 0.5:
        return [some_staff(random)]
    if chance < 0.6:
        return [some_staff(random), Plan(S), some_staff(random), Plan(S)]
    if chance < 0.8:
        return [random.choice((Plan(S), Plan(S), Plan(P)))]
    if chance < 0.95 or not faults:
        edits = ((random.randint(1, 24), some_staff(random)),)
        plan = some_plan(random, config, faults=faults)
        return [replace(plan, source=random.choice((S, S, S, P)), edits=(*plan.edits, *edits))]
    return [Select(some_users(random))]


def some_staff(random: Random) -> Staff:
    """Something that happens to a user of either side."""
    side, number = random.choice((S, S, P)), random.randrange(6)
    chance = random.random()
    if chance < 0.2:
        what, values = "hire", some_person(random, side, 3)
    elif chance < 0.25 and side == P:
        what, values = "dismiss", ()
    elif chance < 0.3 and side == S:
        what, values = random.choice(("hide", "show")), ()
    else:
        what, values = "change", some_person(random, side, 1)
    return Staff(what, side, number, values)


def some_person(random: Random, side: str, most: int) -> tuple[tuple[str, Any], ...]:
    """Values for some properties of a user."""
    pool = STAFF[side]
    return tuple((one, random.choice(pool[one])) for one in random.sample(list(pool), most))


def some_wishes(random: Random, config: Config, *, faults: bool, length: int = 9) -> list[Step]:
    """What follows where people want values back: wishes, with all that may come between."""
    steps: list[Step] = [*_rival_edits(random, config), Plan(S), Plan(P)]
    for _ in range(random.randint(3, length)):
        chance = random.random()
        if chance < 0.3:
            steps.append(Restore(random.randrange(12)))
        elif chance < 0.45:
            steps.append(Revert(random.randrange(12)))
        elif chance < 0.6:
            steps += [Plan(S), Plan(P)] if random.random() < 0.5 else [Plan(P), Plan(S)]
        elif chance < 0.7:
            steps += _rival_edits(random, config)
        elif chance < 0.8:
            plan = some_plan(random, config, faults=faults)
            wish = random.choice((Restore, Revert))(random.randrange(12))
            steps.append(replace(plan, edits=(*plan.edits, (random.randint(1, 24), wish))))
        else:
            steps += some_steps(random, config, faults=faults)
    return steps


def _rival_edits(random: Random, config: Config) -> list[Step]:
    """Both sides of a record are edited: values that lose."""
    number = random.randrange(4)
    return [
        Edit(side, "Account", number, some_values(random, config, side, "Account", 3))
        for side in "PS"
    ]


def some_values(
    random: Random, config: Config, side: str, sobject: str, most: int
) -> tuple[tuple[str, Any], ...]:
    """Values for some keys, spelled as the side's records hold them."""
    keys = config.keys(sobject)
    if config.scope_p or config.scope_s:
        keys = [*keys, "Stage"] if sobject == "Account" and "Stage" not in keys else keys
    keys = [one for one in keys if one == "address" or pool(side, sobject, one)]
    if not keys:
        return ()
    values: dict[str, Any] = {}
    for key in random.sample(keys, min(len(keys), random.randint(1, most))):
        if key == "address":
            parts = {part: random.choice(POOL[part][side]) for part in ("street", "city")}
            if side == P:
                values["address"] = parts
            else:
                values |= {"BillingStreet": parts["street"], "BillingCity": parts["city"]}
        else:
            values[places(side, sobject, key)[0]] = random.choice(pool(side, sobject, key))
    return tuple(values.items())


def some_object(random: Random, config: Config) -> str:
    """A mapped sObject."""
    if config.activities and random.random() < ACTIVE:
        return some_kind(random, config)
    if config.leads:
        return random.choice(("Account", "Lead", "Lead", "Lead", "Contact"))
    return "Contact" if config.contacts and random.random() < 0.35 else "Account"


def some_add(random: Random, config: Config) -> Add:
    """A record of either side."""
    side, sobject = random.choice("PS"), some_object(random, config)
    return some_record(random, config, side, config.kind(side, sobject))


def some_record(random: Random, config: Config, side: str, sobject: str) -> Add:
    """A new record of a kind."""
    values = dict(some_values(random, config, side, sobject, 5))
    for name in _NAMES.get(sobject, ("Last Name",)):
        values.setdefault(places(side, sobject, name)[0], random.choice(pool(side, sobject, name)))
    return Add(side, sobject, tuple(values.items()), random.randrange(4))


def some_edit(random: Random, config: Config) -> Edit:
    """An edit of either side."""
    side, sobject = random.choice("PS"), some_object(random, config)
    sobject = config.kind(side, sobject)
    values = some_values(random, config, side, sobject, 2)
    return Edit(side, sobject, random.randrange(4), values)


def some_twin(random: Random, config: Config) -> Twin:
    """Two Accounts that belong together already."""
    company = random.choice(POOL["Company"][S])
    p = {"Company": company, **dict(some_values(random, config, P, "Account", 3))}
    s = {"Name": company, **dict(some_values(random, config, S, "Account", 3))}
    return Twin(tuple(p.items()), tuple(s.items()), random.random() < 0.5)


def some_life(random: Random, config: Config) -> Life:
    """Something that happens to a record as a whole."""
    ways = ["delete", "undelete", "purge", "merge", "late", "late", "parent"]
    if config.leads:
        ways += ["name"]
    what = random.choice(ways)
    side = S if what == "merge" else random.choice("PS")
    if what == "name":
        return Life(what, S, "Contact", random.randrange(4), random.randrange(4))
    sobject = "Contact" if what == "parent" and config.contacts else some_object(random, config)
    return Life(what, side, config.kind(side, sobject), random.randrange(4), random.randrange(4))


def some_configure(random: Random, config: Config) -> Configure:
    """An edit of the definition."""
    key = random.choice([key for key, _ in config.rules])
    scope = random.choice((None, None, (), ("Customer",)))
    return Configure(key, random.choice(RULES), scope, random.choice((None, None, 1, 2)))


def some_plan(random: Random, config: Config, *, faults: bool) -> Plan:
    """A run of either direction."""
    edits = tuple(
        (random.randint(1, 24), some_edit(random, config)) for _ in range(random.randint(0, 2))
    )
    if not faults:
        return Plan(random.choice("PS"))
    often = random.random
    return Plan(
        source=random.choice("PS"),
        batch=random.choice((100, 100, 1)),
        commit_every=random.choice((200, 1)),
        crash=random.randint(1, 30) if often() < 0.35 else 0,
        survives=often() < 0.5,
        eager=often() < 0.25,
        faults=tuple(
            (random.randint(1, 4), random.choice(("before", "after", "locked")))
            for _ in range(random.randint(1, 2))
        )
        if often() < 0.3
        else (),
        edits=edits if often() < 0.5 else (),
        full=often() < 0.15,
        order=random.randint(1, 9) if often() < 0.25 else 0,
        twice=often() < 0.1,
        partial=tuple(
            places(side, "Account", key)[0]
            for side in "PS"
            for key in random.sample(list(FIELD_OF["Account"]), 2)
        )
        if often() < 0.12
        else (),
        replay=often() < 0.12,
        state_each=often() < 0.3,
        children_first=often() < 0.2,
    )
