"""The users of both small systems: people hire, move and suspend them, and SPOTIO has an API.

They are kept apart from the records: users go one way, and nothing of theirs is anybody's pending
edit. SPOTIO's side answers as :class:`reverse_sf.spotio.client.Spotio` does, so that the product's
own writes of users run over it. What is not published of that API is a switch each.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from reverse_sf.mapping.definition import Side
from reverse_sf.merge.envelope import USERS_PAIR
from reverse_sf.spotio.client import Spotio, User
from reverse_sf.spotio.errors import (
    AmbiguousOutcomeError,
    Call,
    NotFoundError,
    WriteRefusedError,
)
from tests.convergence.reference import Known, Someone
from tests.convergence.shape import EMAILS, PEOPLE, STRANGER, P, S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reverse_sf.ledger.rows import UserRow
    from tests.convergence.shape import Switches

KEY_OWNER = "u9"
"""SPOTIO's user whose API key the sync uses."""
ROLES = ("Admin", "Manager", "Sales")
_FIELDS = ("Id", "Email", "Username", "FirstName", "LastName", "IsActive", "Department")
_ATTEMPTS = 3
"""So often a call that may be repeated is made before the run gives up."""


@dataclass
class Person:
    """A user of one system.

    Attributes:
        values: as the system names them.
        shown: Salesforce's own login may see this one.
        out_by: who has suspended a SPOTIO user last, ``sync`` or ``user``.
        version: counts changes, whoever makes them.
        by: who made the last one, ``sync`` or ``user``.
    """

    values: dict[str, Any]
    stamp: int = 0
    shown: bool = True
    out_by: str = ""
    version: int = 1
    by: str = "user"


class UserWrite(NamedTuple):
    """One call of the sync that wrote a user, and what it was made from.

    Attributes:
        call: ``create``, ``change`` or ``block``.
        seen: all users of SPOTIO as the sync had read them last, by id, with their versions.
        before: the user before the call; empty where there was none.
        version: of that.
        by_hand: a person had suspended the user, as far as the sync could know.
    """

    call: str
    operation: str
    member: str
    payload: dict[str, Any]
    seen: dict[str, tuple[dict[str, Any], int]]
    before: dict[str, Any]
    after: dict[str, Any]
    version: int
    at: int
    by_hand: bool


@dataclass
class Roster:
    """All users.

    Attributes:
        switches: how the systems behave.
        writes: calls of the sync that wrote.
        own: SPOTIO's users whom the sync has suspended, and whom the ledger was not told to be
            active since.
        in_doubt: by operation, those whose suspension was decided and has no outcome: nobody can
            tell whether it was carried out, or a person came first.
    """

    switches: Switches
    of: dict[str, dict[str, Person]] = field(default_factory=lambda: {P: {}, S: {}})
    writes: list[UserWrite] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    in_doubt: dict[str, str] = field(default_factory=dict)
    _numbers: int = 100

    @classmethod
    def opened(cls, switches: Switches) -> Roster:
        """As it is before anybody syncs users: those of the static table, unknown to each other."""
        found = cls(switches)
        for member, user in PEOPLE.items():
            found.hire(P, 0, {"email": EMAILS[member]}, member)
            found.hire(S, 0, {"Email": EMAILS[member]}, user)
        found.hire(P, 0, {"email": EMAILS[STRANGER[P]]}, STRANGER[P])
        found.hire(S, 0, {"Email": EMAILS[STRANGER[S]]}, STRANGER[S])
        found.of[P][KEY_OWNER].values["role"] = "Admin"
        found.of[P]["u1"].values["territoryIds"] = ["t1"]
        return found

    # --- people --------------------------------------------------------------------------------

    def hire(self, side: str, now: int, values: Mapping[str, Any], name: str = "") -> str | None:
        """Somebody creates a user; None where the system refuses."""
        if not name:
            self._numbers += 1
            name = f"u{self._numbers}" if side == P else f"005{self._numbers:012d}AAA"
        if side == P:
            made = {"id": name, "email": None, "role": "Sales", "externalSystemUserId": None}
            made |= {"isReadonly": False, "suspended": False, "firstName": "Ann", "lastName": "Ash"}
            made |= {"territoryIds": [], **values}
        else:
            made = {"Id": name, "Email": None, "Username": f"{name[-6:-3].lstrip('0')}@org"}
            made |= {"FirstName": "Ann", "LastName": "Ash", "Department": None}
            made |= {"IsActive": True, "IsFrozen": False, **values}
        if self._is_refused(side, name, made):
            return None
        self.of[side][name] = Person(made, now)
        return name

    def change(self, side: str, name: str, values: Mapping[str, Any], now: int) -> bool:
        """Somebody edits a user; whether the system took it."""
        person = self.of[side][name]
        after = {**person.values, **values}
        if self._is_refused(side, name, after):
            return False
        if side == P and after["suspended"] and not person.values["suspended"]:
            person.out_by = "user"
        person.values, person.by = after, "user"
        person.version += 1
        if side == P or values.keys() - {"IsFrozen"}:
            # A frozen login is a row beside the user, whose time stamp stays.
            person.stamp = max(person.stamp, now)
        return True

    def dismiss(self, member: str) -> None:
        """Somebody deletes a SPOTIO user."""
        del self.of[P][member]

    def _is_refused(self, side: str, name: str, values: Mapping[str, Any]) -> bool:
        key = "email" if side == P else "Username"
        own = str(values[key] or "").casefold()
        return not own or any(
            str(one.values[key]).casefold() == own
            for other, one in self.of[side].items()
            if other != name
        )

    # --- what taps tell ------------------------------------------------------------------------

    def of_salesforce(self, since: int | None) -> list[tuple[dict[str, Any], int]]:
        """The users that the tap of Salesforce is shown, each with its time stamp."""
        return [
            ({name: one.values[name] for name in self.fields}, one.stamp)
            for one in map(self.of[S].__getitem__, sorted(self.of[S]))
            if one.shown and (self.switches.tells_details or since is None or one.stamp >= since)
        ]

    @property
    def fields(self) -> tuple[str, ...]:
        """What the tap of Salesforce tells of a user."""
        return (*_FIELDS, "IsFrozen") if self.switches.tells_details else _FIELDS

    def listed(self) -> list[dict[str, Any]]:
        """SPOTIO's plain list of users."""
        return [
            shown_of(self.of[P][one])
            for one in sorted(self.of[P])
            if not (self.switches.hides_suspended and self.of[P][one].values["suspended"])
        ]

    def known(self, joined: Mapping[str, str]) -> Known:
        """The users as they truly are, joined as the ledger says."""
        return Known(
            dict(joined),
            {
                P: {
                    name: Someone(
                        active=not one.values["suspended"],
                        email=one.values["email"],
                        external_id=one.values["externalSystemUserId"],
                    )
                    for name, one in self.of[P].items()
                },
                S: {
                    name: Someone(
                        active=one.values["IsActive"],
                        email=one.values["Email"],
                        username=one.values["Username"],
                    )
                    for name, one in self.of[S].items()
                },
            },
        )

    def learnt(self, rows: Iterable[UserRow]) -> None:
        """The ledger was told of users: who is active in it is not suspended by the sync."""
        self.own -= {one.user_id for one in rows if one.side is Side.SPOTIO and one.active}


def someone(row: UserRow) -> Someone:
    """A user of the ledger, as owners are found by."""
    return Someone(row.active, row.email, row.username, row.external_id)


def known_of(ledger: Any) -> Known:
    """What the ledger knows of users."""
    sides = {P: Side.SPOTIO, S: Side.SALESFORCE}
    found = {
        side: {one.user_id: someone(one) for one in ledger.users(of).values()}
        for side, of in sides.items()
    }
    return Known(ledger.linked_pairs(USERS_PAIR), found)


def shown_of(person: Person) -> dict[str, Any]:
    """A SPOTIO user as the lists show it."""
    return {name: value for name, value in person.values.items() if name != "territoryIds"}


class SmallSpotio(Spotio):
    """The part of SPOTIO's API that is about users.

    Args:
        roster: the users.
        call: makes a writing call: counts it, lets faults happen before and after it.
        now: the time.
    """

    def __init__(
        self, roster: Roster, call: Callable[[Callable[[], Any], Call], Any], now: Callable[[], int]
    ) -> None:
        self._roster = roster
        self._make = call
        self._now = now
        self._seen: dict[str, tuple[dict[str, Any], int]] = {}
        self.operation = ""

    def users(self) -> list[User]:
        """Those that the plain list shows."""
        return [User.from_api(one) for one in self._roster.listed()]

    def all_users(self) -> list[User]:
        """All, and what is known of them from now on."""
        people = self._roster.of[P]
        self._seen = {name: (dict(one.values), one.version) for name, one in people.items()}
        return [User.from_api(shown_of(people[one])) for one in sorted(people)]

    def key_owner(self, users: Any) -> User | None:
        """Who the token says it is."""
        if not self._roster.switches.names_owner:
            return None
        return next((one for one in users if one.id == KEY_OWNER), None)

    def territories_of_users(self) -> dict[str, list[str]]:
        """Territories that are given to single users."""
        found = {name: list(one.values["territoryIds"]) for name, one in self._roster.of[P].items()}
        return {name: ids for name, ids in found.items() if ids}

    def create_user(self, body: Mapping[str, Any]) -> tuple[User, Call]:
        """Create a user."""
        call = Call("POST", "/api/Users", 200, dict(body))
        made = self._make(lambda: self._created(dict(body), call), call)
        return User.from_api(shown_of(self._roster.of[P][made])), call

    def _created(self, body: dict[str, Any], call: Call) -> str:
        self._refuse(body, call)
        made = self._roster.hire(P, self._now(), body)
        if made is None:
            raise refusal("the e-mail is taken", call)
        self._roster.of[P][made].by = "sync"
        self._note("create", made, body, ({}, 0, False))
        return made

    def change_user(self, user_id: str, body: Mapping[str, Any]) -> Call:
        """Write a whole user; what the session may repeat, it repeats."""
        call = Call("PUT", f"/api/users/{user_id}", 200, dict(body))
        for _ in range(_ATTEMPTS - 1):
            with suppress(AmbiguousOutcomeError):
                self._make(lambda: self._changed(user_id, dict(body), call), call)
                return call
        self._make(lambda: self._changed(user_id, dict(body), call), call)
        return call

    def _changed(self, user_id: str, body: dict[str, Any], call: Call) -> None:
        person = self._known(user_id, call)
        self._refuse(body, call)
        before, version, by_hand = self._before(user_id)
        if before["suspended"] and self._roster.switches.restores != "put":
            body["suspended"] = True
        if not self._roster.change(P, user_id, body, self._now()):
            raise refusal("the e-mail is taken", call)
        person.by = "sync"
        self._note("change", user_id, body, (before, version, by_hand))

    def block_user(self, user_id: str) -> Call:
        """Suspend a user; a second time restores it, where it is so."""
        call = Call("POST", f"/api/users/{user_id}/block", 200)
        self._make(lambda: self._blocked(user_id, call), call)
        return call

    def _blocked(self, user_id: str, call: Call) -> None:
        person = self._known(user_id, call)
        before, version, by_hand = self._before(user_id)
        toggles = self._roster.switches.restores == "block" and before["suspended"]
        person.values = {**person.values, "suspended": not toggles}
        person.version += 1
        person.by = "sync"
        if not toggles and not before["suspended"]:
            person.out_by = "sync"
            self._roster.own.add(user_id)
        self._note("block", user_id, {"suspended": not toggles}, (before, version, by_hand))

    def _known(self, user_id: str, call: Call) -> Person:
        person = self._roster.of[P].get(user_id)
        if person is None:
            raise NotFoundError("no such user", call=call)
        return person

    @staticmethod
    def _refuse(body: Mapping[str, Any], call: Call) -> None:
        if body.get("role", ROLES[0]) not in ROLES:
            raise refusal("unknown role", call)

    def _before(self, user_id: str) -> tuple[dict[str, Any], int, bool]:
        person = self._roster.of[P][user_id]
        its_own = {*self._roster.own, *self._roster.in_doubt.values()}
        by_hand = person.out_by == "user" and user_id not in its_own
        return dict(person.values), person.version, by_hand

    def _note(
        self,
        call: str,
        user_id: str,
        payload: dict[str, Any],
        was: tuple[dict[str, Any], int, bool],
    ) -> None:
        before, version, by_hand = was
        seen = dict(self._seen)
        after = dict(self._roster.of[P][user_id].values)
        # What the sync has written it knows without a further reading.
        self._seen[user_id] = (after, self._roster.of[P][user_id].version)
        self._roster.writes.append(
            UserWrite(
                call=call,
                operation=self.operation,
                member=user_id,
                payload=payload,
                seen=seen,
                before=before,
                after=after,
                version=version,
                at=self._now(),
                by_hand=by_hand and before["suspended"],
            )
        )


def refusal(words: str, call: Call) -> WriteRefusedError:
    """SPOTIO's own refusal."""
    return WriteRefusedError(words, code="400", complaints={"_": words}, call=call)
