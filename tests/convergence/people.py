"""The invariants of users: who is joined with whom, and what was written to SPOTIO's users.

Users go one way, so each call is judged by what the tap had told of the one in Salesforce and by
what the sync had read of SPOTIO's users last; what a person does between that reading and the call
no sync can see, because SPOTIO takes no precondition.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import LinkState
from reverse_sf.mapping.definition import Direction, Side
from tests.convergence.reference import email_of, is_same_id, same_words, wanted_role
from tests.convergence.roster import KEY_OWNER
from tests.convergence.shape import P, S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reverse_sf.ledger.rows import Snapshot
    from tests.convergence.invariants import Books
    from tests.convergence.machine import Played
    from tests.convergence.roster import UserWrite
    from tests.convergence.world import DecidedUser, World

_FOLLOWS = ("role", "email", "externalSystemUserId")
"""What the sync keeps up to date; names are sent when a user is created."""
_ROWS = {
    "create": ("user_created",),
    "link": ("user_by_external_id", "user_by_email"),
    "update": ("user_changed",),
    "restore": ("user_restored",),
    "suspend": ("user_deselected", "user_deactivated", "user_frozen", "user_removed"),
}


def _calls(world: World) -> Iterator[tuple[UserWrite, DecidedUser]]:
    for write in world.roster.writes:
        if write.operation in world.decided_users:
            yield write, world.decided_users[write.operation]


def _is_repeated(world: World, write: UserWrite) -> bool:
    """Whether a call was made before for the same operation: what has no answer is sent again."""
    same = (write.call, write.operation, write.payload)
    before = world.roster.writes[: world.roster.writes.index(write)]
    return any((one.call, one.operation, one.payload) == same for one in before)


def _is_out(write: UserWrite) -> bool:
    """Whether a call has suspended a user."""
    return write.after["suspended"] and not write.before.get("suspended", False)


def _is_back(write: UserWrite) -> bool:
    """Whether a call has restored a user."""
    return bool(write.before.get("suspended")) and not write.after["suspended"]


def _seen(write: UserWrite) -> dict[str, Any]:
    """The written user, as the sync had read it last."""
    return write.seen[write.member][0] if write.member in write.seen else {}


def i1_joins_every_wanted_user(played: Played, books: Books) -> Iterator[str]:
    """At rest a wanted user is as the section says, or parked, or in a row that does nothing.

    Who is not wanted and joined is suspended, where that is the policy, or parked.
    """
    world = played.world
    section = world.config.users
    if section is None or S not in world.config.enabled:
        return
    known = played.sync.ledger.users(Side.SPOTIO)
    of_user = {str(one.link.salesforce_id): one for one in books.users.values()}
    for user, person in world.roster.of[S].items():
        if not person.shown and not world.roster.switches.tells_details:
            # Nobody tells what has become of this one.
            continue
        link = of_user.get(user)
        if link is not None and link.link.link_id in books.withheld:
            continue
        role = wanted_role(section, _as_told(world, user)) if person.shown else None
        joined = _joined(link)
        if role is None:
            yield from _not_wanted(world, user, joined, known)
        elif joined is None:
            yield from _not_joined(world, user, known)
        elif joined in known:
            yield from _as_wanted(world, user, joined, (role, known))
        else:
            yield f"{joined}, who is joined with {user}, is gone, and nobody is told"


def _joined(link: Snapshot | None) -> str | None:
    if link is None or link.link.state is not LinkState.LINKED:
        return None
    return link.link.spotio_id


def _as_told(world: World, user: str) -> dict[str, Any]:
    """A user of Salesforce as the tap tells it; who is frozen only where it tells that."""
    values = world.roster.of[S][user].values
    return {name: values[name] for name in world.roster.fields}


def _not_wanted(
    world: World, user: str, joined: str | None, known: Mapping[str, Any]
) -> Iterator[str]:
    section = world.config.users
    if joined is None or joined not in known or section is None or not section.suspends:
        return
    if known[joined].active:
        yield f"{joined} is not suspended, and {user} is not wanted any more"


def _not_joined(world: World, user: str, known: Mapping[str, Any]) -> Iterator[str]:
    section = world.config.users
    if section is None:
        return
    email = email_of(section, _as_told(world, user))
    named = [one for one in known.values() if is_same_id(one.external_id, user)]
    found = [one for one in known.values() if email and same_words(one.email, email)]
    if not section.create and not named and not found:
        return
    if [one.user_id for one in (named or found)] == [KEY_OWNER] or (
        not world.roster.switches.names_owner
        and all(one.attributes["role"] == "Admin" for one in (named or found))
    ):
        # The row of the key's own user: nothing is written, and nobody has to be told.
        return
    yield f"{user} is wanted, has no user in SPOTIO, and is not parked"


def _as_wanted(
    world: World, user: str, joined: str, found: tuple[str, Mapping[str, Any]]
) -> Iterator[str]:
    role, known = found
    section, member = world.config.users, known[joined]
    if section is None:
        return
    if not member.active:
        if joined in world.roster.own:
            yield f"{joined} was suspended by the sync, {user} is back, and {joined} is not"
        return
    email = email_of(section, _as_told(world, user))
    shown = f"{joined}, who is joined with {user}"
    if not same_words(member.attributes["role"], role):
        yield f"{shown}, is {member.attributes['role']}, not {role}"
    if email and not same_words(member.email, email):
        yield f"{shown}, has the e-mail {member.email}, not {email}"
    guarded = joined == KEY_OWNER or not world.roster.switches.names_owner
    if not is_same_id(member.external_id, user) and not guarded:
        yield f"{shown}, has the external id {member.external_id}"


def i1b_knows_what_it_was_told(played: Played, books: Books) -> Iterator[str]:
    """At rest the ledger holds every user of SPOTIO as the tap's list or the sync's write left it.

    But of a parked one, about whom nobody may have asked since a write had no answer.
    """
    world = played.world
    if world.config.users is None:
        return
    known = played.sync.ledger.users(Side.SPOTIO)
    told = {one["id"] for one in world.roster.listed()} if P in world.config.enabled else set()
    waiting = {it.link.spotio_id for of, it in books.users.items() if of in books.withheld}
    for member, person in world.roster.of[P].items():
        is_own = person.by == "sync" and member not in waiting and S in world.config.enabled
        if member not in told and not is_own:
            continue
        row, values = known.get(member), person.values
        held = row and (row.email, row.external_id, row.active, row.attributes["role"])
        is_active = not values["suspended"]
        wanted = (values["email"], values["externalSystemUserId"], is_active, values["role"])
        if held != wanted:
            yield f"{member} is {wanted}, and the ledger holds {held}"


def i3_writes_users_minimally(played: Played, books: Books) -> Iterator[str]:
    """A change leaves all but what was decided as it was read; names are sent at the create."""
    del books
    for write, decided in _calls(played.world):
        if write.call != "change" or _is_repeated(played.world, write):
            continue
        seen = _seen(write)
        changed = {name for name, value in write.payload.items() if value != seen.get(name)}
        allowed = {*_FOLLOWS, *(["suspended"] if decided.action == "restore" else [])}
        if changed - allowed & decided.record.keys():
            yield f"{sorted(changed)} of {write.member} was written, and was not decided"
        missing = seen.keys() - write.payload.keys()
        if missing:
            yield f"{sorted(missing)} of {write.member} was not sent, and may be emptied"
        if not changed and not seen["suspended"]:
            yield f"{write.member} was written, and nothing was to be changed"


def i4_undoes_no_suspension_by_hand(played: Played, books: Books) -> Iterator[str]:
    """Whom a person has suspended, no call restores."""
    del books
    for write, _ in _calls(played.world):
        if _is_back(write) and write.by_hand and _seen(write)["suspended"]:
            yield f"{write.member} was suspended by a person, and restored by {write.operation}"


def i5_follows_the_tables_of_users(played: Played, books: Books) -> Iterator[str]:
    """Each call is what the tables say of what was told and read: no more, and as it says."""
    del books
    for write, decided in _calls(played.world):
        section = decided.section
        if section is None:
            continue
        shown = f"{write.call} of {write.member} for {decided.user}"
        is_gone = decided.facts.get("standing") == "removed"
        if is_gone and decided.is_listed:
            yield f"{shown}: {decided.user} is there, and was taken for removed"
        if decided.is_whole and not (decided.is_listed or is_gone):
            yield f"{shown}: {decided.user} is not shown any more"
        role = None if is_gone else wanted_role(section, decided.told)
        if _is_out(write) or write.call == "block":
            is_second = write.call == "block" and decided.action == "restore"
            if not is_second and (role is not None or not section.suspends):
                yield f"{shown}: {decided.user} is wanted as {role}, or nobody is suspended"
        elif role is None:
            yield f"{shown}: no role selects {decided.user}"
        if write.call == "block":
            continue
        wishes = {"role": role, "externalSystemUserId": decided.user}
        wishes |= {"email": email_of(section, decided.told)}
        seen = _seen(write)
        for name in _FOLLOWS:
            value = write.payload.get(name)
            if value != seen.get(name) and not same_words(value, wishes[name]):
                yield f"{shown}: {name} was written as {value!r}, not {wishes[name]!r}"
        yield from _free_email(write, shown)
        if write.call == "create":
            yield from _created_right(write, decided, shown)


def _free_email(write: UserWrite, shown: str) -> Iterator[str]:
    email = write.payload.get("email")
    if same_words(email, _seen(write).get("email")):
        return
    for other, (values, _) in write.seen.items():
        if other != write.member and same_words(values["email"], email):
            yield f"{shown}: {other} has the e-mail {email} already"


def _created_right(write: UserWrite, decided: DecidedUser, shown: str) -> Iterator[str]:
    names = {"firstName": "FirstName", "lastName": "LastName"}
    for name, field in names.items():
        if write.payload.get(name) != (decided.told[field] or ""):
            yield f"{shown}: {name} was sent as {write.payload.get(name)!r}"
    if write.payload.get("isReadonly") is not True:
        yield f"{shown}: it costs a licence"
    if decided.section is not None and not decided.section.create:
        yield f"{shown}: nobody is to be created"
    if any(is_same_id(one["externalSystemUserId"], decided.user) for one, _ in write.seen.values()):
        yield f"{shown}: there is one with its external id"


def i6_touches_nobody_unselected(played: Played, books: Books) -> Iterator[str]:
    """A written user was joined, or was found for a user whom a role selects."""
    del books
    for write, decided in _calls(played.world):
        if write.call == "create" or decided.facts.get("linked") == write.member:
            continue
        seen = _seen(write)
        by_id = is_same_id(seen["externalSystemUserId"], decided.user)
        email = decided.section and email_of(decided.section, decided.told)
        by_email = bool(email) and same_words(seen["email"], email)
        is_free = seen["externalSystemUserId"] is None
        matches = decided.section is not None and decided.section.match == "email"
        if not by_id and not (by_email and is_free and matches):
            yield f"{write.member} was written for {decided.user}, and is somebody else"


def i6b_guards_who_rules(played: Played, books: Books) -> Iterator[str]:
    """The key's own user and the last Admin are never suspended, demoted or renamed by the sync."""
    del books
    before: dict[tuple[str, str], dict[str, Any]] = {}
    for write, _ in _calls(played.world):
        if write.call == "create":
            continue
        # Whom the very operation has made an Admin, on its way to a restore, was none.
        seen = before.setdefault((write.operation, write.member), _seen(write))
        owner = write.member == KEY_OWNER
        if not played.world.roster.switches.names_owner:
            owner = same_words(seen["role"], "Admin")
        if owner:
            yield f"{write.member}, who owns the API key, was written"
        was = _rules(seen)
        still = _rules({**seen, **write.payload})
        others = [one for one, (it, _) in write.seen.items() if one != write.member and _rules(it)]
        if was and not still and not others:
            yield f"{write.member} was the last Admin"


def _rules(values: Mapping[str, Any]) -> bool:
    is_out = values["suspended"] or values["isReadonly"]
    return same_words(values["role"], "Admin") and not is_out


def i7_makes_one_user_each(played: Played, books: Books) -> Iterator[str]:
    """A user of Salesforce has one user of SPOTIO, and the other way round."""
    world = played.world
    made: Counter[str] = Counter()
    for write, decided in _calls(world):
        if write.call == "create":
            made[decided.user] += write.member in world.roster.of[P]
    for user, number in made.items():
        if number > 1:
            yield f"{number} users were made for {user}"
    joined = Counter(one.link.spotio_id for one in books.users.values() if one.link.spotio_id)
    for member, number in joined.items():
        if number > 1:
            yield f"{member} is joined with {number} users"


def i12_leaves_no_user_open(played: Played, books: Books) -> Iterator[str]:
    """At rest no write of a user is under way, and none waits: but of one who is parked."""
    if played.world.config.users is None or S not in played.world.config.enabled:
        return
    for link_id, found in books.users.items():
        if link_id in books.withheld:
            continue
        if found.open_operation is not None:
            yield f"an operation of {found.link.salesforce_id} ({link_id}) is open"
        if found.link.flagged is Direction.TO_SPOTIO:
            yield f"{found.link.salesforce_id} waits: {found.link.flag_reason}"


def i15_attributes_users(played: Played, books: Books) -> Iterator[str]:
    """Every call that wrote a user has one operation with a row of the tables."""
    del books
    world = played.world
    creates: Counter[str] = Counter()
    for write in world.roster.writes:
        decided = world.decided_users.get(write.operation)
        if decided is None:
            yield f"{write.member} was written by an operation that nobody decided"
            continue
        rows = {one.get("row") for one in decided.decision.values()}
        if not rows or not rows <= set(_ROWS[decided.action]):
            yield f"{write.member} was written for {sorted(rows)} by {decided.action}"
        creates[write.operation] += write.call == "create" and write.member in world.roster.of[P]
    for operation, number in creates.items():
        if number > 1:
            yield f"the operation {operation} made {number} users"


CHECKS = (
    i1_joins_every_wanted_user,
    i1b_knows_what_it_was_told,
    i3_writes_users_minimally,
    i4_undoes_no_suspension_by_hand,
    i5_follows_the_tables_of_users,
    i6_touches_nobody_unselected,
    i6b_guards_who_rules,
    i7_makes_one_user_each,
    i12_leaves_no_user_open,
    i15_attributes_users,
)
