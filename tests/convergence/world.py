"""Two small systems that people use, that normalise, automate, and remember who wrote what.

Everything is keyed by ``(side, kind, id)``; SPOTIO's record types go by the sObject that they are
paired with, so a kind is always an sObject's name. Time is in milliseconds and moves only when the
world says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.convergence import activities
from tests.convergence.activities import EVENT, TASK
from tests.convergence.reference import Known, Terms, canon, same
from tests.convergence.roster import Roster
from tests.convergence.shape import (
    COMPONENTS,
    EXTERNAL_ID,
    FIELD_OF,
    LIMITS,
    PARENT_FIELD,
    P,
    S,
    Switches,
    blank_record,
    held,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reverse_sf.ledger.rows import Restore
    from tests.convergence.shape import Config, Users

_BEGIN = datetime(2026, 5, 6, tzinfo=timezone.utc)
_PREFIX = {"Account": "001", "Contact": "003", "Lead": "00Q", TASK: "00T", EVENT: "00U"}
OVERLAP = 60_000
"""A tap reads so many milliseconds before its bookmark once more."""


_NAME = {P: "externalDataObjectId", S: EXTERNAL_ID}
"""Where a side's records name their counterpart."""
_LENGTHS = {FIELD_OF["Account"][key]: limit for key, limit in LIMITS.items()}


class Crash(BaseException):
    """The process is gone."""


class TimeoutFault(Exception):
    """A call had no answer."""


class Moved(Exception):
    """The precondition of a write does not hold."""


class Gone(Exception):
    """There is no such record."""


class Refused(Exception):
    """The system refuses a write; ``keys`` names the fields if it says so."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(f"refused: {keys}")
        self.keys = keys


class Where(NamedTuple):
    """One record of one side."""

    side: str
    sobject: str
    id: str


@dataclass
class Row:
    """One record as its system keeps it."""

    values: dict[str, Any]
    stamp: int
    version: int = 1
    deleted: bool = False
    purged: bool = False
    winner: str | None = None
    became: Where | None = None
    """What a lead was converted to."""
    late: bool = False
    """Not in the index yet: the next read of the tap misses it."""
    unlisted: bool = False
    """Made by the sync; SPOTIO's feed of external ids does not show it yet."""


class Lost(NamedTuple):
    """A value that somebody wrote and that the sync overwrote before it had gone anywhere."""

    where: Where
    key: str
    value: Any
    operation: str
    gone: Any = None
    """Of the value, what was replaced."""


class Asked(NamedTuple):
    """A value that a person wanted back, with ``conflicts restore`` or, of a run, ``revert``.

    Attributes:
        where: the record that is to be written.
        restore: what the command has asked the ledger for.
        run_id: the run that is reverted; empty for a conflict.
        config: in force when it was asked for.
    """

    where: Where
    restore: Restore
    at: int
    run_id: str
    config: Config


@dataclass
class World:
    """Both systems, their clocks, and the record of what happened.

    Attributes:
        config: in force; decides what "agree" means for the bookkeeping.
        calls: writing calls that were made, refused ones too.
        runs: runs of the mapper that were begun.
        pending: values that somebody wrote and that have not been seen by the other side.
        seen: the values of a key that both sides have known of, the last one at the end: who goes
            back to it changes nothing.
        edited_at: the true moments at which somebody else than the sync changed a key, and to what.
        lost: pending values that the sync overwrote.
        events: all that happened, in order, for the comparison of two runs.
        writes: writes of the sync, by operation.
        roster: the users of both, where they are synced.
        decided: what each operation was decided from.
        decided_users: likewise, of users.
        carried: by operation, the source's canonical values that it carries over.
        made: for each create of the sync, the record made and the record it stands for.
        asked: values that people wanted back.
    """

    config: Config
    switches: Switches
    now: int = 0
    rows: dict[Where, Row] = field(default_factory=dict)
    pending: dict[tuple[Where, str], Any] = field(default_factory=dict)
    gaps: dict[tuple[Where, str], list[tuple[Any, Any]]] = field(default_factory=dict)
    """What a write left and what was read back and settled, where somebody came in between."""
    parts: dict[tuple[Where, str], set[str]] = field(default_factory=dict)
    """Components of an address that somebody has changed, ever."""
    seen: dict[tuple[Where, str], list[Any]] = field(default_factory=dict)
    edited_at: dict[tuple[Where, str], list[tuple[int, Any]]] = field(default_factory=dict)
    edits: dict[tuple[Where, str], int] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    made: list[tuple[Where, Where]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    roster: Roster = field(init=False)
    decided: dict[str, Decided] = field(default_factory=dict)
    decided_users: dict[str, DecidedUser] = field(default_factory=dict)
    carried: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: int = 0
    calls: int = 0
    runs: int = 0
    effects: int = 0
    crash_at: int | None = None
    dead: bool = False
    interrupt: Callable[[str], None] | None = None
    known: Callable[[], Known] | None = None
    """Where users are synced: they, and who of them is joined."""
    knew: list[Known] = field(default_factory=list)
    """What each run knew of users, at its end."""
    _numbers: int = 0

    def __post_init__(self) -> None:
        self.roster = Roster.opened(self.switches)

    # --- time and effects ----------------------------------------------------------------------

    def clock(self) -> datetime:
        """The true time."""
        return _BEGIN + timedelta(milliseconds=self.now)

    def stamp(self, side: str | None = None) -> int:
        """What a side's clock shows."""
        return self.now + (self.switches.skew[side] if side else 0)

    def effect(self, name: str) -> None:
        """Something durable is about to happen, or has just happened: here a process may die."""
        if self.dead:
            raise Crash
        self.effects += 1
        self.now += 7
        if self.effects == self.crash_at:
            self.crash_at = None
            self.dead = True
            self.faults += 1
            self.events.append(("crash", name))
            raise Crash(name)
        if self.interrupt is not None:
            self.interrupt(name)

    # --- people and automation -----------------------------------------------------------------

    def add(self, side: str, sobject: str, values: dict[str, Any], by: str = "user") -> Where:
        """Somebody creates a record."""
        self._numbers += 1
        number = self._numbers
        record_id = f"{_PREFIX[sobject]}{number:012d}AAA" if side == S else f"p{number}"
        where = Where(side, sobject, record_id)
        self.rows[where] = Row(blank_record(side, sobject, record_id), self.stamp(side))
        self.events.append(("add", *where, by))
        # The sync's own values are nobody's edit; defaults that come along are the system's.
        self._put(where, values, by)
        if by == "user":
            for key in self.config.keys(sobject):
                if canon(side, key, held(side, sobject, key, self.rows[where].values)) is not None:
                    self._note(where, key)
                else:
                    self._saw(where, key, None)
        if side == S and sobject == "Account" and self.switches.children and self.config.contacts:
            child = {"LastName": "Ash", "AccountId": record_id}
            self.add(S, "Contact", child, "user")
        return where

    def edit(self, where: Where, values: dict[str, Any], by: str = "user") -> None:
        """Somebody edits a record that is there; a converted lead is there to be read only."""
        row = self.rows[where]
        if row.deleted or row.became:
            return
        self.events.append((by, *where, repr(values)))
        self._put(where, values, by)

    def _put(
        self, where: Where, values: dict[str, Any], by: str, back: frozenset[str] = frozenset()
    ) -> None:
        row = self.rows[where]
        keys = self.config.keys(where.sobject)
        before = {key: canon(where.side, key, held(*where[:2], key, row.values)) for key in keys}
        asked = dict(values)
        geocoding = not (values.get("address") or {}).get("skip_geocoding", False)
        for name, value in values.items():
            row.values[name] = self._normal(where.side, name, value, row, geocoding=geocoding)
        automated = self._automation(where, asked, row)
        row.version += 1
        row.stamp = max(row.stamp, self.stamp(where.side))
        after = {key: canon(where.side, key, held(*where[:2], key, row.values)) for key in keys}
        for key in keys:
            if same(before[key], after[key]):
                continue
            if by == "user" or key in automated or key in back:
                self._note(where, key)
                self._note_parts(where, key, before[key], after[key])
            else:
                self.pending.pop((where, key), None)
                self._saw(where, key, after[key])
        self.settle(where)

    def _note_parts(self, where: Where, key: str, before: Any, after: Any) -> None:
        """Keep which components of an address somebody has changed: a geocoder may undo some."""
        if key == "address" and before is not None and after is not None:
            changed = {part for part in after if not same(before[part], after[part])}
            self.parts.setdefault((where, key), set()).update(changed)

    def _note(self, where: Where, key: str) -> None:
        value = canon(where.side, key, held(*where[:2], key, self.rows[where].values))
        self.pending[where, key] = value
        if (where, key) in self.seen and same(self.seen[where, key][-1], value):
            del self.pending[where, key]
        self.edited_at.setdefault((where, key), []).append((self.now, value))
        self.edits[where, key] = self.edits.get((where, key), 0) + 1

    def _saw(self, where: Where, key: str, value: Any) -> None:
        self.seen.setdefault((where, key), []).append(value)

    def _automation(self, where: Where, asked: dict[str, Any], row: Row) -> set[str]:
        if where.sobject != "Account":
            return set()
        if where.side == S and self.switches.flow and "Rating" in asked:
            row.values["Description"] = f"flow {row.values['Rating']}"
            return {"Notes"}
        if where.side == P and self.switches.stage_flow and "Stage" in asked:
            row.values["Notes"] = f"stage {row.values['Stage']}"
            return {"Notes"}
        return set()

    def _normal(self, side: str, name: str, value: Any, row: Row, *, geocoding: bool) -> Any:
        if name == "address" and value is not None:
            old = row.values.get("address") or {}
            told = {one: value.get(one, old.get(one)) for one in COMPONENTS}
            if self.switches.geocodes and geocoding and told.get("street"):
                told["street"] = told["street"].replace("Street", "St").strip()
            return told
        if name == "Product_Interest__c" and value:
            parts = value if isinstance(value, list) else value.split(";")
            return ";".join(sorted(set(parts)))
        if side == S and isinstance(value, float):
            digits = "0.1" if self.switches.trims else "0.01"
            return float(Decimal(str(value)).quantize(Decimal(digits), ROUND_HALF_UP))
        if not self.switches.trims:
            return value
        if side == S and isinstance(value, str):
            value = value.strip() or None
            return value.lower() if name == "Website" and value else value
        return value

    def delete(self, where: Where, by: str = "user", winner: str | None = None) -> None:
        """A record goes to the bin."""
        row = self.rows[where]
        row.deleted, row.winner = True, winner
        row.version += 1
        row.stamp = max(row.stamp, self.stamp(where.side))
        if where.side == S:
            row.values |= {"IsDeleted": True, "MasterRecordId": winner}
        else:
            row.values["deleted"] = True
        self.events.append(("delete", *where, by, winner))
        for key in self.config.keys(where.sobject):
            self.pending.pop((where, key), None)

    def undelete(self, where: Where) -> None:
        """A record comes back from the bin."""
        row = self.rows[where]
        if not row.deleted or row.purged or row.winner:
            return
        row.deleted = False
        row.version += 1
        row.stamp = max(row.stamp, self.stamp(where.side))
        row.values |= {"IsDeleted": False} if where.side == S else {"deleted": False}
        self.events.append(("undelete", *where))

    def move(self, old: Where, new: Where) -> None:
        """What Salesforce had beside a record that is no more is beside another one now."""
        for one, row in list(self.rows.items()):
            name = PARENT_FIELD.get(one.sobject, "")
            if one.side == S and row.values.get(name) == old.id:
                self.edit(one, {name: new.id})

    def convert(self, lead: Where, contact: Where | None, *, keeps_id: bool) -> None:
        """A lead becomes a contact that is there already, or a new one that holds what it held."""
        row = self.rows[lead]
        if row.deleted or row.became:
            return
        is_new = contact is None
        if contact is None:
            places = FIELD_OF["Contact"].values() & row.values.keys()
            values = {name: row.values[name] for name in sorted(places)}
            if keeps_id and self.find(S, "Contact", row.values[EXTERNAL_ID] or "") is None:
                values[EXTERNAL_ID] = row.values[EXTERNAL_ID]
            contact = self.add(S, "Contact", values, "conversion")
        row.became = contact
        row.values |= {"IsConverted": True, "ConvertedContactId": contact.id}
        row.version += 1
        row.stamp = max(row.stamp, self.stamp(S))
        self.events.append(("convert", *lead, contact.id))
        self.move(lead, contact)
        for key in self.config.keys("Lead"):
            pending = self.pending.pop((lead, key), None)
            if not is_new or key not in self.config.keys("Contact"):
                continue
            if pending is not None:
                self.pending[contact, key] = pending
            for kept in (self.seen, self.edited_at):
                if (lead, key) in kept:
                    kept[contact, key] = list(kept[lead, key])
            self.edits[contact, key] = self.edits.get((lead, key), 0)

    # --- who belongs to whom, as anybody can see -----------------------------------------------

    def partner(self, where: Where) -> Where | None:
        """The counterpart that the records themselves name; of a converted lead, what it became."""
        if where.sobject == "Contact" and self.config.leads:
            leads = (self._named(one) for one in self._leads_of(where))
            return next(leads, self._named(where))
        found = self._named(where)
        if found is None or found.side == P:
            return found
        became = self.rows[found].became
        if became is None:
            return found
        return became if self._leads_of(became)[:1] == [found] else None

    def _leads_of(self, contact: Where) -> list[Where]:
        """The leads that became a contact and that SPOTIO knew, in the order of their ids."""
        return [
            where
            for where, row in self.rows.items()
            if row.became == contact and self._named(where) is not None
        ]

    def _named(self, where: Where) -> Where | None:
        side, sobject, record_id = where
        row = self.rows.get(where)
        if row is None:
            return None
        if sobject == "Contact" and self.config.leads:
            named = Where(P, "Lead", row.values[EXTERNAL_ID] or "")
            return named if named in self.rows else None
        told = row.values.get("externalDataObjectId" if side == P else EXTERNAL_ID)
        other = P if side == S else S
        if told and Where(other, sobject, told) in self.rows:
            return Where(other, sobject, told)
        name = "externalDataObjectId" if other == P else EXTERNAL_ID
        for one, candidate in self.rows.items():
            if one.side == other and one.sobject == sobject:
                if candidate.values.get(name) == record_id:
                    return one
        if sobject in activities.KINDS:
            # SPOTIO's name nothing, and a Task of Salesforce's own is claimed only later.
            for made, source in self.made:
                if where in (made, source):
                    return source if where == made else made
        return None

    def terms(self, key: str, sobject: str) -> Terms:
        """How a key travels, parents by the records' own names of each other."""

        def parent(to: str) -> Callable[[Any], Any]:
            def find(value: Any) -> Any:
                side = P if to == S else S
                for one in self.config.parents(sobject):
                    found = self.partner(Where(side, self.config.kind(side, one), value))
                    if found is not None:
                        return found.id
                return None

            return find

        users = self.known() if key == "owner" and self.known else None
        return Terms(self.config, key, sobject, {P: parent(P), S: parent(S)}, users=users)

    def settle(self, where: Where) -> None:
        """Values that both sides agree on are seen by both."""
        if not self.pending:
            return
        other = self.partner(where)
        if other is None:
            return
        p, s = (where, other) if where.side == P else (other, where)
        for key in self.config.keys(s.sobject):
            if (where, key) not in self.pending and (other, key) not in self.pending:
                continue
            p_value = canon(P, key, held(P, p.sobject, key, self.rows[p].values))
            s_value = canon(S, key, held(S, s.sobject, key, self.rows[s].values))
            if self.terms(key, s.sobject).agrees(p_value, s_value):
                self.pending.pop((p, key), None)
                self.pending.pop((s, key), None)
                self._saw(p, key, p_value)
                self._saw(s, key, s_value)

    # --- the API that targets call -------------------------------------------------------------

    def read(self, where: Where) -> Row | None:
        """A record by its id; None where it is deleted or was never there."""
        row = self.rows.get(where)
        if row is None or row.deleted:
            return None
        return Row(dict(row.values), row.stamp, row.version)

    def find(self, side: str, sobject: str, external_id: str) -> str | None:
        """The record that carries an external id."""
        name = "externalDataObjectId" if side == P else EXTERNAL_ID
        for where, row in self.rows.items():
            if where[:2] == (side, sobject) and not row.deleted:
                if row.values.get(name) == external_id:
                    return where.id
        return None

    def refusal(self, side: str, sobject: str, values: dict[str, Any]) -> None:
        """Raise what the system says against these values."""
        refusing = self.switches.refusing[side]
        named: list[str] = []
        if side == S:
            named = [
                name
                for name, value in values.items()
                if isinstance(value, str) and len(value) > _LENGTHS.get(name, len(value))
            ]
            if sobject in activities.KINDS:
                named += self._of_activity(sobject, values)
        for name, value in values.items():
            if isinstance(value, str) and value in refusing:
                if not refusing[value]:
                    raise Refused([])
                named.append(name)
        if named:
            raise Refused(named)

    def _of_activity(self, sobject: str, values: dict[str, Any]) -> list[str]:
        """What Salesforce refuses of an activity: a reference to what is gone, an event's times."""
        named = []
        for kind in self.config.parents(sobject):
            row = self.rows.get(Where(S, kind, values.get(PARENT_FIELD[sobject]) or ""))
            if row is not None and row.became:
                raise Refused([])
            if row is not None and row.deleted:
                named.append(PARENT_FIELD[sobject])
        if sobject == EVENT:
            named += [name for name in activities.ASKED if values.get(name, name) is None]
        return named

    def write(self, where: Where, values: dict[str, Any], version: int, write: Write) -> None:
        """The sync updates a record that it has read in a version."""
        row = self.rows.get(where)
        if row is None or row.deleted:
            raise Gone
        if row.version != version:
            raise Moved
        is_activity = where.side == P and where.sobject in activities.KINDS
        if row.became or (is_activity and activities.is_done(row.values)):
            raise Refused([])
        self.refusal(where.side, where.sobject, values)
        overwritten: list[Lost] = []
        for key, place in write.places.items():
            pending = self.pending.get((where, key))
            known = self.seen.get((where, key), [None])[-1]
            if key == "address" and _beside(where.side, row.values, values, known):
                continue
            if (where, key) in self.pending and any(name in values for name in place):
                overwritten.append(Lost(where, key, pending, write.operation))
        write.users = self.known() if self.known else None
        write.before = {name: row.values.get(name) for name in values}
        self.events.append(("write", *where, repr(sorted(values.items(), key=str))))
        back = self.brought_back(write.operation)
        write.decided = self.decided.get(write.operation)
        write.rivals = frozenset(key for key in write.places if (write.source, key) in self.pending)
        write.across = dict(self.rows[write.source].values) if write.source in self.rows else {}
        self._put(where, values, "sync", back)
        write.after = {name: row.values.get(name) for name in values}
        for one in overwritten:
            now = canon(where.side, one.key, held(*where[:2], one.key, row.values))
            # What a system does not take leaves the value where it is.
            if not same(one.value, now):
                self.lost.append(one._replace(gone=_replaced(one.value, now)))
        write.at = self.now
        self.writes.append(write)

    def decision_of(self, write: Write) -> Decided:
        """What a write was decided from."""
        return write.decided or self.decided[write.operation]

    def brought_back(self, operation: str) -> frozenset[str]:
        """Keys that an operation writes for a person, to travel on like any edit."""
        decided = self.decided.get(operation)
        wanted = decided.restores.items() if decided else ()
        return frozenset(key for key, one in wanted if not one.settles)

    def create(self, side: str, sobject: str, values: dict[str, Any], write: Write) -> Where:
        """The sync creates a record."""
        self.refusal(side, sobject, values)
        if side == P and sobject in activities.KINDS and values.get("parentId") is None:
            raise Refused([])
        if (side, sobject) == (S, EVENT) and not set(activities.ASKED) <= values.keys():
            raise Refused([])
        write.kin = self._kin(sobject, write.source)
        self.events.append(("create", side, sobject, repr(sorted(values.items(), key=str))))
        where = self.add(side, sobject, values, "sync")
        write.where, write.at = where, self.now
        write.users = self.known() if self.known else None
        write.before = {}
        write.after = {name: self.rows[where].values.get(name) for name in values}
        write.across = dict(self.rows[write.source].values) if write.source in self.rows else {}
        self.writes.append(write)
        self.made.append((where, write.source))
        return where

    def _kin(self, sobject: str, source: Where) -> frozenset[str]:
        """The counterparts of a record's parent, as anybody can see them now: by either's name."""
        side, config = source.side, self.config
        other = P if side == S else S
        field = "parentId" if side == P else PARENT_FIELD.get(sobject)
        parent = self.rows[source].values.get(field) if source in self.rows and field else None
        found = set()
        for one in config.parents(sobject) if parent else ():
            row = self.rows.get(Where(side, config.kind(side, one), parent))
            kind = config.kind(other, one)
            told = row.values.get(_NAME[side]) if row is not None else None
            found |= {
                one_of_them
                for where, kept in self.rows.items()
                for one_of_them in (where.id, self.heir(where).id)
                if where[:2] == (other, kind)
                and (where.id == told or kept.values.get(_NAME[other]) == parent)
            }
        return frozenset(found)

    def heir(self, where: Where) -> Where:
        """What a record has been merged into or has become."""
        row = self.rows[where]
        if row.became:
            return self.heir(row.became)
        return self.heir(Where(*where[:2], row.winner)) if row.winner else where

    def read_back(self, where: Where, keys: Iterable[str]) -> None:
        """What is read back after a write becomes the base, whoever made it what it is (C.5)."""
        for key in keys:
            value = canon(where.side, key, held(*where[:2], key, self.rows[where].values))
            self.pending.pop((where, key), None)
            wrote = next((one for one in reversed(self.writes) if one.where == where), None)
            if wrote is not None and key in wrote.places and wrote.after:
                left = canon(where.side, key, held(*where[:2], key, wrote.after))
                if not same(left, value):
                    self.gaps.setdefault((where, key), []).append((left, value))
            self._saw(where, key, value)

    def acknowledge(self, source: Where, key: str, value: Any) -> None:
        """A value of the source has been carried over as it stands."""
        pending = (source, key)
        self._saw(source, key, value)
        if pending in self.pending and same(self.pending[pending], value):
            del self.pending[pending]

    # --- what a tap reads ----------------------------------------------------------------------

    def read_since(self, side: str, sobject: str, bookmark: int | None) -> list[tuple[Where, Row]]:
        """Records that changed since the bookmark, in the order of their stamps."""
        since = -(10**12) if bookmark is None else bookmark - OVERLAP
        found = [
            (where, row)
            for where, row in self.rows.items()
            if where[:2] == (side, sobject)
            and row.stamp >= since
            # No feed of SPOTIO's tells of an activity that was deleted.
            and not (row.deleted and side == P and sobject in activities.KINDS)
        ]
        return sorted(found, key=lambda one: (one[1].stamp, one[0].id))

    def message(self, where: Where, row: Row, without: frozenset[str] = frozenset()) -> dict:
        """A record as its tap tells it."""
        stamp = {"SystemModstamp" if where.side == S else "updatedAt": self.told(row.stamp)}
        if row.purged:
            if where.side == S:
                return {"Id": where.id, "IsDeleted": True, **stamp}
            return {"id": where.id, "deleted": True, **stamp}
        if row.deleted and where.side == P:
            return {"id": where.id, "deleted": True, **stamp}
        if where.side == P and where.sobject in activities.KINDS:
            return activities.told(where.sobject, row.values, stamp["updatedAt"])
        kept = {name: value for name, value in row.values.items() if name not in without}
        return {**kept, **stamp}

    def told(self, moment: int) -> str:
        """A moment as services spell it."""
        return _spelled(moment)


@dataclass
class Write:
    """One write of the sync, and what it was decided from.

    Attributes:
        places: by record key, the names in the destination's record.
        source: the record that it carries over.
        before: what it replaced.
        after: what the system made of it.
        across: the source's values at that moment.
        rivals: keys whose value at the source had not travelled yet.
        kin: of a create, what may be called the counterpart of the source's parent.
        decided: the decision in force; the same write asked for again has the same operation.
        users: both sides' users at that moment, where they are synced.
    """

    operation: str
    where: Where | None
    source: Where
    action: str
    payload: dict[str, Any]
    places: dict[str, tuple[str, ...]]
    expected: dict[str, Any]
    on_link: frozenset[str] = frozenset()
    linking: bool = False
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    across: dict[str, Any] = field(default_factory=dict)
    rivals: frozenset[str] = frozenset()
    kin: frozenset[str] = frozenset()
    decided: Decided | None = None
    users: Known | None = None
    at: int = 0

    @property
    def restores(self) -> dict[str, Restore]:
        """What somebody wanted back, by record key."""
        return self.decided.restores if self.decided else {}


class DecidedUser(NamedTuple):
    """What the mapper has decided about a user.

    Attributes:
        told: the one in Salesforce, as the tap has told last.
        is_listed: the tap has told it in this very run.
        is_whole: the tap is known to have told everybody in this run.
        facts: what the mapper made of that.
        decision: by property, the row and the new value.
    """

    link_id: str
    user: str
    action: str
    told: dict[str, Any]
    is_listed: bool
    is_whole: bool
    facts: dict[str, Any]
    record: dict[str, Any]
    decision: dict[str, Any]
    section: Users | None
    at: int
    run_id: str


@dataclass
class Decided:
    """What one operation was decided from, as it stood in the ledger at that moment.

    Attributes:
        sobject: that its pair goes by.
        source: the source's image, as its system names things for S, by record key for P.
        other: the destination's image, likewise.
        base: by record key, as ``[P, S]``.
        run_id: the run that decided it last.
        restores: by record key, what a person wanted back and this writes.
        users: where they are synced, what the mapper knew of them.
    """

    config: Config
    link_id: str
    sobject: str
    to: str
    action: str
    source_id: str
    other_id: str | None
    source: dict[str, Any]
    other: dict[str, Any]
    base: dict[str, list[Any]]
    record: dict[str, Any]
    decision: dict[str, Any]
    keys: dict[str, Any]
    state: str
    source_deleted: bool
    at: int
    parents: dict[tuple[str, str], str | None]
    run_id: str = ""
    restores: dict[str, Restore] = field(default_factory=dict)
    users: Known | None = None

    def where(self, side: str) -> Where:
        """The record of a side."""
        record_id = self.other_id if side == self.to else self.source_id
        return Where(side, self.config.kind(side, self.sobject), record_id or "")


@lru_cache(4096)
def _spelled(moment: int) -> str:
    at = _BEGIN + timedelta(milliseconds=moment)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _replaced(value: Any, now: Any) -> Any:
    """What is not there any more of a value; of an address the components that are others now."""
    if not isinstance(value, dict):
        return value
    return {part: one for part, one in value.items() if not same(one, (now or {}).get(part))}


def _beside(side: str, row: dict[str, Any], values: dict[str, Any], known: Any) -> bool:
    """Whether a write of an address replaces only components that are blank or were settled."""
    told = values if side == S else values.get("address") or dict.fromkeys(COMPONENTS)
    old = row if side == S else row.get("address") or {}
    names = {part: part if side == P else name for part, name in COMPONENTS.items()}
    return all(
        canon(side, part, old.get(name)) in (None, (known or {}).get(part))
        for part, name in names.items()
        if name in told
    )


def field_names(sobject: str) -> dict[str, str]:
    """Salesforce field to record key."""
    found = {name: key for key, name in FIELD_OF[sobject].items()}
    found |= dict.fromkeys(COMPONENTS.values(), "address")
    return found | {"OwnerId": "owner", PARENT_FIELD.get(sobject, ""): "parent"}
