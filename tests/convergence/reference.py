"""The specification once more, naively: from its text alone, sharing no code with the product.

Slow and plain on purpose: one ``if`` per sentence. What it says of a field is a set of verdicts,
because the specification leaves "newer" to evidence; :func:`verdicts` names every verdict that some
evidence allows.
"""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, time, timezone
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.convergence.activities import (
    ALL_DAY,
    COMPLETED,
    DATE,
    DURATION,
    EVENT,
    NOT_STARTED,
    ZONE,
    is_day,
)
from tests.convergence.shape import (
    CHOICES,
    DEFAULT_OWNER,
    LIMITS,
    NUMBERS,
    OPS,
    PEOPLE,
    SETS,
    STAGES,
    P,
    S,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.convergence.shape import Config, Users

ABSENT = "<absent>"
UNDEFINED = "<undefined>"
UNKNOWN = "?"
"""A user about whom the target is asked, because nobody of that side is known yet."""
MIRROR = {"spotio_only": "salesforce_only", "spotio_unless_blank": "salesforce_unless_blank"}
LONGEST_IN_SPOTIO = {"Subject": 128, "Description": 512}
LONGEST_EVENT = 14 * 24 * 60
"""Minutes that an event lasts at most."""
MANUAL_ROWS = ("C3-08", "C3-09", "C3-10", "C3-11")


class Verdict(NamedTuple):
    """What one field needs.

    Attributes:
        act: ``nothing``, ``rebase``, ``write`` or ``park``.
        side: which side is written.
        row: of table C.3.
        journal: the loser's value must be kept.
    """

    act: str
    side: str = ""
    row: str = ""
    journal: bool = False


def canon(side: str, key: str, value: Any) -> Any:
    """The canonical form of a value; blank is None."""
    if key == "address":
        parts = {part: canon(side, part, (value or {}).get(part)) for part in ("street", "city")}
        return parts if any(one is not None for one in parts.values()) else None
    if value is None:
        return None
    if key == DATE:
        return _date(value)
    if key == ALL_DAY:
        return str(value).lower()
    if key in NUMBERS or key == DURATION:
        exact = Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return float(exact)
    if key in SETS:
        parts = value.split(";") if isinstance(value, str) else value
        found = sorted({one.strip() for one in parts if one.strip()})
        return tuple(found) or None
    text = unicodedata.normalize("NFC", str(value)).strip()
    return text or None


@lru_cache(512)
def _date(value: str) -> str:
    """A day as it is, a moment in UTC to the second."""
    if is_day(value):
        return value
    at = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return _moment(at)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def same(one: Any, other: Any) -> bool:
    """Whether two canonical values are one."""
    return bool(one == other)


class Someone(NamedTuple):
    """A user as owners are found by: by external id in SPOTIO, by user name in Salesforce."""

    active: bool
    email: str | None
    username: str | None = None
    external_id: str | None = None


class Known(NamedTuple):
    """What is known of users, and of who is whose counterpart.

    Attributes:
        joined: by Salesforce user, the SPOTIO user whom the sync of users has joined with it.
        of: the users, by side and id; a side of which nobody is known is left to the target.
    """

    joined: dict[str, str]
    of: dict[str, dict[str, Someone]]

    def counterparts(self, to: str, user: Any) -> list[str]:
        """Who a user is on the other side: by link, else by external id, else by e-mail."""
        return next((found for found in self._by_turns(to, user) if found), [])

    def owners(self, to: str, user: Any) -> list[str]:
        """To whom its records are given there: by the same turns, to who is there and active."""
        turns = self._by_turns(to, user)
        active = [[one for one in found if self.may_own(to, one)] for found in turns]
        return next((found for found in active if found), [])

    def _by_turns(self, to: str, user: Any) -> list[list[str]]:
        if to == P:
            joined = [self.joined[user]] if user in self.joined else []
            found = [one for one, it in self.of[P].items() if is_same_id(it.external_id, user)]
            known = self.of[S].get(user)
            by_email = self.named(P, known.email) if known else []
            return [joined, self._first(P, found), by_email]
        joined = [one for one, member in self.joined.items() if member == user]
        member = self.of[P].get(user)
        if member is None:
            return [joined]
        found = [one for one in self.of[S] if is_same_id(member.external_id, one)]
        return [joined, found, self.named(S, member.email)]

    def named(self, side: str, email: Any) -> list[str]:
        """Who has an e-mail: the active one, and of several that of the lowest id; or nobody."""
        known = self.of[side].items()
        found = [
            one
            for one, it in known
            if email and (same_words(email, it.email) or same_words(email, it.username))
        ]
        return self._first(side, found)

    def _first(self, side: str, found: list[str]) -> list[str]:
        return sorted(found, key=lambda one: (not self.of[side][one].active, one))[:1]

    def may_own(self, side: str, user: str) -> bool:
        """Whether a user is known to be there and active, so that records may be theirs."""
        return user in self.of[side] and self.of[side][user].active


class Terms(NamedTuple):
    """How one key travels under one configuration.

    Attributes:
        sobject: that the key's pair goes by.
        parent_in: per side, maps the other side's parent id to this side's; None where unlinked.
        done: SPOTIO lets nothing of the record be changed: an activity that is done.
        users: where users are synced, what is known of them.
    """

    config: Config
    key: str
    sobject: str
    parent_in: dict[str, Callable[[Any], Any]]
    done: bool = False
    users: Known | None = None

    def carried(self, to: str, value: Any) -> Any:
        """``toS`` or ``toP`` of a canonical value."""
        key = self.key
        if value is None:
            return None
        if key in ("Rating", "Stage"):
            return self._choice(to, value)
        if key == "owner":
            return self._owner(to, value)
        if key == "parent":
            found = self.parent_in[to](value)
            return UNDEFINED if found is None else found
        if key == DATE:
            return self._date(to, value)
        if self._is_too_much(to, value):
            return UNDEFINED
        return value

    def _is_too_much(self, to: str, value: Any) -> bool:
        """Whether the other side has no room, or no choice, for a value."""
        key = self.key
        if to == S:
            too_long = key in LIMITS and len(value) > LIMITS[key]
            return too_long or (key == DURATION and value > LONGEST_EVENT)
        if key == "Status":
            return value not in (COMPLETED, NOT_STARTED)
        return key in LONGEST_IN_SPOTIO and len(value) > LONGEST_IN_SPOTIO[key]

    def _date(self, to: str, value: Any) -> Any:
        """A task has the day that it is in the org's zone, an event of a whole day its midnight."""
        if to == P:
            return value
        if self.sobject == EVENT:
            return f"{value}T00:00:00Z" if is_day(value) else value
        if is_day(value):
            return value
        at = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return at.astimezone(ZoneInfo(ZONE)).date().isoformat()

    def written(self, to: str, value: Any, held: Any) -> Any:
        """What a value is written as over what is there: another day, at the same time of day."""
        value = self.carried(to, value)
        if self.key != DATE or to == S or not is_day(value) or held is None or is_day(held):
            return value
        there = ZoneInfo(ZONE)
        then = datetime.fromisoformat(held.replace("Z", "+00:00")).astimezone(there).time()
        day = date.fromisoformat(value)
        return _moment(datetime.combine(day, time(then.hour, then.minute, then.second), there))

    def _choice(self, to: str, value: Any) -> Any:
        table = CHOICES[self.config.choices] if self.key == "Rating" else STAGES
        if to == S:
            return table.get(value) or UNDEFINED
        for spotio, salesforce in table.items():
            if salesforce == value:
                return spotio
        return UNDEFINED

    def _owner(self, to: str, value: Any) -> Any:
        if self.users is not None:
            return self.owners(to, value)[0]
        table = PEOPLE if to == S else {one: name for name, one in PEOPLE.items()}
        if value in table:
            return table[value]
        return UNDEFINED if self.config.keeps_owner(self.sobject) else DEFAULT_OWNER[to]

    def owners(self, to: str, value: Any) -> list[Any]:
        """Whom an owner may be carried over as; UNKNOWN where the target has to look."""
        users = self.users
        if users is None:
            return [self._owner(to, value)]
        found: list[Any] = users.owners(to, value)
        if not users.of[to]:
            return [UNKNOWN]
        if not found and not self.config.keeps_owner(self.sobject):
            found = [one for one in users.named(to, OPS) if users.may_own(to, one)]
        return found or [UNDEFINED]

    def agrees(self, p: Any, s: Any) -> bool:
        """``p E s``."""
        if p is None or s is None:
            return p is None and s is None
        if self.key == "owner" and self.users is not None:
            either = [*self.owners(P, s), *self.users.counterparts(P, s)]
            return p in either or s in [*self.owners(S, p), *self.users.counterparts(S, p)]
        if self.key == "address":
            parts = ("street", "city")
            return all(same(p.get(part), s.get(part)) for part in parts)
        return same(self.carried(S, p), s) or same(self.carried(P, s), p)


def verdicts(rule: str, p: Any, s: Any, base: Any, terms: Terms) -> set[Verdict]:
    """Every verdict on a field of a linked pair that some evidence allows (C.2, C.3).

    Args:
        rule: the sync rule.
        p: SPOTIO's canonical value, or ABSENT.
        s: Salesforce's canonical value, or ABSENT.
        base: the pair of canonical values when it was last settled; None where there is none.
        terms: how the key travels.
    """
    if rule == "do_not_sync" or p is ABSENT or s is ABSENT:
        return {Verdict("nothing")}
    if terms.agrees(p, s):
        return {Verdict("rebase", row="C3-01")}
    p_changed = base is None or not same(p, base[0])
    s_changed = base is None or not same(s, base[1])
    if not p_changed and not s_changed:
        return {Verdict("nothing", row="C3-02")}
    if rule == "union":
        row = _row(p, s, (base is None, p_changed, s_changed))
        wanted = union(p, s, base)
        found = {
            Verdict("write", side, row)
            for side, held, one in zip("PS", (p, s), wanted, strict=True)
            if not same(held, one)
        }
        return found or {Verdict("rebase", row=row)}
    if rule in MIRROR:
        found = _winners(MIRROR[rule], s, p, (base is None, s_changed, p_changed))
        found = {({P: S, S: P}.get(winner, winner), star) for winner, star in found}
    else:
        found = _winners(rule, p, s, (base is None, p_changed, s_changed))
    row = _row(p, s, (base is None, p_changed, s_changed))
    if rule == "manual" and row in MANUAL_ROWS:
        return {Verdict("park", row=row)}
    answer = set()
    for winner, star in found:
        if winner == "keep":
            answer.add(Verdict("rebase", row=row))
            continue
        loser, value = (P, s) if winner == S else (S, p)
        if terms.carried(loser, value) is UNDEFINED or (loser == P and terms.done):
            answer.add(Verdict("park", side=loser, row="C3-14"))
        else:
            # What row 12 left standing was a person's: it goes to the journal when it has to go.
            held, across = (0, 1) if loser == P else (1, 0)
            left = base is not None and base[held] is not None and base[across] is None
            left = left and same((p, s)[held], base[held])
            answer.add(Verdict("write", loser, row, star or left))
    return answer


def union(p: Any, s: Any, base: Any) -> tuple[Any, Any]:
    """What either side is to hold: its own choices, and what the other has added and taken away."""
    p, s = set(p or ()), set(s or ())
    base_p, base_s = (set(one or ()) for one in base or ((), ()))
    for_p = (p - (base_s - s)) | (s - base_s)
    for_s = (s - (base_p - p)) | (p - base_p)
    return tuple(sorted(for_p)) or None, tuple(sorted(for_s)) or None


def _winners(rule: str, p: Any, s: Any, changed: tuple[bool, bool, bool]) -> set[tuple[str, bool]]:
    """Who wins, and whether a user's value is overwritten: one line per cell of the table."""
    no_base, p_changed, s_changed = changed
    if rule in ("two_way", "manual"):
        if no_base:
            return {(P, False)} if s is None else {(S, p is not None)}
        if p_changed and s_changed:
            return {(P, True), (S, True)}
        return {(P, False)} if p_changed else {(S, False)}
    if no_base:
        if s is None:
            return {("keep", False)} if rule == "salesforce_only" else {(P, False)}
        return {(S, p is not None)}
    if not p_changed:
        return {(S, False)}
    if rule == "salesforce_unless_blank" and s is None:
        return {(P, s_changed)}
    return {(S, True)}


def _row(p: Any, s: Any, changed: tuple[bool, bool, bool]) -> str:
    no_base, p_changed, s_changed = changed
    if no_base:
        return "C3-12" if s is None else "C3-13" if p is None else "C3-11"
    if p_changed and s_changed:
        return "C3-09" if s is None else "C3-10" if p is None else "C3-08"
    if s_changed:
        return "C3-04" if s is None else "C3-03"
    return "C3-06" if s is None else "C3-07" if p is None else "C3-05"


def tie(row: str) -> str:
    """The side that wins where nobody can tell which change is newer."""
    return P if row == "C3-09" else S


def in_scope(config: Config, side: str, sobject: str, values: dict[str, Any]) -> bool:
    """Whether a record of a side takes part toward the other one (selective sync)."""
    if values.get("IsConverted"):
        # It has become something else, which speaks for it.
        return False
    if sobject != "Account":
        return True
    if side == S:
        return not config.scope_s or values.get("Type") in config.scope_s
    return not config.scope_p or values.get("Stage") in config.scope_p


# --- users ---------------------------------------------------------------------------------------


def same_words(one: Any, other: Any) -> bool:
    """Whether two texts are one, in any case: roles, e-mails, user names."""
    return str(one or "").strip().casefold() == str(other or "").strip().casefold()


def is_same_id(one: Any, other: Any) -> bool:
    """Whether two spellings, of 15 or 18 characters, are one Salesforce id."""
    return bool(one) and bool(other) and one[:15] == other[:15]


def wanted_role(section: Users, user: dict[str, Any]) -> str | None:
    """The role of SPOTIO that a user of Salesforce is to have; None who is not wanted."""
    if not user["IsActive"] or user.get("IsFrozen"):
        return None
    for role in section.roles:
        if not role.departments and not role.usernames:
            return role.name
        if any(same_words(one, user[key]) for one in role.usernames for key in _NAMES):
            return role.name
        if user["Department"] in role.departments:
            return role.name
    return None


_NAMES = ("Username", "Email")


def email_of(section: Users, user: dict[str, Any]) -> str:
    """The e-mail that a user is to have in SPOTIO; empty where there is none."""
    return user[section.email_field] or ""
