"""Who owns what: users of both sides, and how an owner travels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.rows import UserRow
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import Reason, Undefined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reverse_sf.mapper.course import Course
    from reverse_sf.mapping.definition import OwnerMapping


class SalesforceUser(msgspec.Struct):
    """What the mapper keeps of a record of Salesforce's User stream."""

    Id: str
    Email: str | None = None
    Username: str | None = None
    Name: str | None = None
    IsActive: bool | None = True

    def row(self, attributes: dict[str, Any]) -> UserRow:
        """As the ledger keeps it."""
        return UserRow(
            attributes=attributes,
            side=Side.SALESFORCE,
            user_id=canon.record_id(self.Id),
            email=self.Email,
            username=self.Username,
            name=self.Name,
            active=self.IsActive is not False,
        )


class SpotioUser(msgspec.Struct, rename="camel"):
    """What the mapper keeps of a record of SPOTIO's users stream."""

    id: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    external_system_user_id: str | None = None
    suspended: bool | None = False
    role: str | None = None
    status: str | None = None
    is_readonly: bool | None = False

    @property
    def row(self) -> UserRow:
        """As the ledger keeps it."""
        gone = (self.status or "").lower() in GONE
        return UserRow(
            side=Side.SPOTIO,
            user_id=self.id,
            email=self.email,
            external_id=self.external_system_user_id,
            name=" ".join(part for part in (self.first_name, self.last_name) if part) or None,
            active=self.suspended is not True and not gone,
            attributes={"role": self.role or "", "read_only": bool(self.is_readonly)},
        )


REMOVED = "removed"
"""The attribute of a user whom Salesforce does not show any more."""
GONE = frozenset({"suspended", "blocked", "deleted", "inactive"})
"""Statuses of a SPOTIO user who may not sign in."""

_decode_any = msgspec.json.Decoder(dict[str, Any]).decode
_decode_salesforce = msgspec.json.Decoder(SalesforceUser).decode
_decode_spotio = msgspec.json.Decoder(SpotioUser).decode


def attributes_of(record: msgspec.Raw, names: Iterable[str]) -> dict[str, Any]:
    """The named attributes of a user that the record has.

    A parent's field stands under its dotted name, or under its name in an object of the parent's:
    taps differ in that.
    """
    if not names:
        return {}
    values = _decode_any(record)
    found: dict[str, Any] = {}
    for name in names:
        parent, dot, field = name.partition(".")
        if name in values:
            found[name] = values[name]
        elif dot and isinstance(values.get(parent), dict):
            found[name] = values[parent].get(field)
    return found


class People:
    """The users of both sides as the ledger knows them, and those that this run saw.

    Args:
        salesforce: Salesforce users by Id.
        spotio: SPOTIO users by id; empty where no target has stored them yet.
        course: the run's direction.
        attributes: what the sync of users asks for of a Salesforce user.
        linked: SPOTIO user by Salesforce user, as the sync of users has joined them.
    """

    def __init__(
        self,
        salesforce: dict[str, UserRow],
        spotio: dict[str, UserRow],
        course: Course,
        attributes: Iterable[str] = (),
        linked: Mapping[str, str] | None = None,
    ) -> None:
        self._to_spotio = dict(linked or {})
        self._to_salesforce = {there: here for here, there in self._to_spotio.items()}
        self._course = course
        self._attributes = tuple(attributes)
        self._users = {Side.SALESFORCE: dict(salesforce), Side.SPOTIO: dict(spotio)}
        self._by_external_id: dict[str, str] = {}
        self._by_email: dict[Side, dict[str, str]] = {}
        self._is_indexed = False
        self.announced = False
        """The tap has come to its users: who is not known by then stays unknown in this run."""
        self.changed: list[UserRow] = []
        self.seen: set[str] = set()
        self._unnamed: dict[str, list[str]] = {}

    def _index(self) -> None:
        """Index everybody, the active before the others; of several, the one of the lowest id."""
        self._is_indexed = True
        self._by_external_id.clear()
        for side, users in self._users.items():
            by_email: dict[str, str] = {}
            for user in sorted(users.values(), key=lambda one: (not one.active, one.user_id)):
                if side is Side.SPOTIO and user.external_id:
                    external = canon.record_id(user.external_id)
                    self._by_external_id.setdefault(external, user.user_id)
                for address in (user.username, user.email):
                    if address:
                        by_email.setdefault(canon.email_form(address), user.user_id)
            self._by_email[side] = by_email

    def of(self, side: Side) -> dict[str, UserRow]:
        """The users of a side, by their id."""
        return self._users[side]

    def knows(self, side: Side) -> bool:
        """Whether anything is known of a side's users."""
        return bool(self._users[side])

    def saw(self, record: msgspec.Raw) -> None:
        """Take in a record of the source's users; what is new waits in :attr:`changed`.

        Raises:
            ConfigurationError: it has no Id.
        """
        side = self._course.source
        try:
            if side is Side.SALESFORCE:
                row = _decode_salesforce(record).row(attributes_of(record, self._attributes))
            else:
                row = _decode_spotio(record).row
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"a record of User cannot be read ({error})") from error
        self.seen.add(row.user_id)
        self._keep(side, row)

    def lost(self, user_id: str) -> None:
        """Take note that Salesforce, read in full, does not show a user any more."""
        row = self._users[Side.SALESFORCE][user_id]
        attributes = {**row.attributes, REMOVED: True}
        gone = msgspec.structs.replace(row, active=False, attributes=attributes)
        self._keep(Side.SALESFORCE, gone)

    def _keep(self, side: Side, row: UserRow) -> None:
        if self._users[side].get(row.user_id) != row:
            self._users[side][row.user_id] = row
            self._is_indexed = False
            self.changed.append(row)

    def may_own(self, side: Side, user_id: str) -> bool:
        """Whether records may be a user's: who is out, or not known to be there, owns none."""
        known = self._users[side].get(user_id)
        return known is not None and known.active

    def joined_to(self, user_id: str) -> str | None:
        """The user of the destination whom the sync of users has joined with one of the source."""
        to_spotio = self._course.source is Side.SALESFORCE
        return (self._to_spotio if to_spotio else self._to_salesforce).get(user_id)

    def email_of(self, user_id: str) -> str | None:
        """E-mail of a user of the source, where known."""
        known = self._users[self._course.source].get(user_id)
        return known.email if known else None

    def is_nobody(self, user_id: str) -> bool:
        """Whether a user of the source has no e-mail, and nothing of this run is to tell one."""
        known = self.announced or user_id in self._users[self._course.source]
        return known and not self.email_of(user_id)

    def asked_without_email(self, user_id: str, link_id: str) -> None:
        """Remember a write that named an owner of whom only the Id was known yet."""
        self._unnamed.setdefault(user_id, []).append(link_id)

    def named_since(self) -> list[str]:
        """Links whose owner became known after their write was decided.

        The User stream may come after the records that its users own: those writes can only have
        named a stand-in, so they are decided again.
        """
        known = [each for each in self._unnamed if self.email_of(each)]
        return [link_id for each in known for link_id in self._unnamed.pop(each)]

    def in_spotio(self, salesforce_id: str) -> str | None:
        """SPOTIO id of a Salesforce user: by link, then external user id, then e-mail."""
        return next(self.counterparts(Side.SPOTIO, salesforce_id), None)

    def in_salesforce(self, spotio_id: str) -> str | None:
        """Salesforce Id of a SPOTIO user: by link, then its external user id, then e-mail."""
        return next(self.counterparts(Side.SALESFORCE, spotio_id), None)

    def counterparts(self, side: Side, user_id: str) -> Iterator[str]:
        """Whom of a side a user of the other one is, the surest first."""
        self._indexed()
        to_spotio = side is Side.SPOTIO
        joined = (self._to_spotio if to_spotio else self._to_salesforce).get(user_id)
        user = self._users[Side.SALESFORCE if to_spotio else Side.SPOTIO].get(user_id)
        external = self._by_external_id.get(user_id) if to_spotio else None
        if not to_spotio and user is not None and user.external_id:
            named = canon.record_id(user.external_id)
            external = named if named in self._users[Side.SALESFORCE] else None
        for found in (joined, external, self.by_email(side, user.email if user else None)):
            if found is not None:
                yield found

    def by_email(self, side: Side, email: str | None) -> str | None:
        """Id of a side's user with this e-mail; in Salesforce the username counts as well."""
        self._indexed()
        return self._by_email[side].get(canon.email_form(email)) if email else None

    def _indexed(self) -> None:
        if not self._is_indexed:
            self._index()


class OwnerExchange:
    """How an owner travels: a SPOTIO user id on one side, a Salesforce Id on the other."""

    def __init__(self, mapping: OwnerMapping, people: People, course: Course) -> None:
        self._mapping = mapping
        self._people = people
        self._course = course

    def to_spotio(self, value: Any) -> Any:
        """The SPOTIO user; unknown ones are undefined unless the default owner may step in."""
        return self._to(Side.SPOTIO, value, self._mapping.spotio_default)

    def to_salesforce(self, value: Any) -> Any:
        """The Salesforce user; unknown ones are undefined unless the default owner may step in."""
        return self._to(Side.SALESFORCE, value, self._mapping.salesforce_default)

    def _to(self, side: Side, value: Any, default: str | None) -> Any:
        people = self._people
        known = list(people.counterparts(side, value))
        if not people.knows(side):
            # The target looks the user up.
            return known[0] if known else value
        stand_in = None if self._mapping.keep_on_update else people.by_email(side, default)
        for found in (*known, *([stand_in] if stand_in is not None else [])):
            if people.may_own(side, found):
                return found
        name = "SPOTIO" if side is Side.SPOTIO else "Salesforce"
        words = f"the user {value} has no counterpart in {name} who may own records"
        return Undefined(Reason.OWNER_UNKNOWN, words)

    def finds(self, user_id: str) -> bool:
        """Whether somebody of the destination is known who would be given a user's record."""
        side = self._course.destination
        found = self.to_spotio(user_id) if side is Side.SPOTIO else self.to_salesforce(user_id)
        return self._people.knows(side) and not isinstance(found, Undefined)

    def exactly(self, value: Any, *, own: bool) -> Any:
        """The destination's user whom a value that is wanted back means; nobody stands in.

        Args:
            value: a user's id.
            own: of the destination, and not of the source.
        """
        to_spotio = self._course.destination is Side.SPOTIO
        find = self._people.in_spotio if to_spotio else self._people.in_salesforce
        found = (value if own else find(value)) if value else None
        if found:
            return found
        return Undefined(Reason.OWNER_UNKNOWN, f"the user {value} has no counterpart")

    def record_of(self, user_id: str) -> dict[str, Any]:
        """What the target needs to find this very user of the destination."""
        to_spotio = self._course.destination is Side.SPOTIO
        people = self._people
        own = people.in_salesforce(user_id) if to_spotio else people.in_spotio(user_id)
        return {
            self._course.own_id: own,
            self._course.other_id: user_id,
            "email": people.email_of(own) if own else None,
            "default": None,
            "keep_on_update": True,
        }

    def agrees(self, spotio: Any, salesforce: Any) -> bool:
        """Whether the two users are one person, as far as is known."""
        if not spotio or not salesforce:
            return not spotio and not salesforce
        people = self._people
        if people.in_spotio(salesforce) == spotio or people.in_salesforce(spotio) == salesforce:
            return True
        if people.knows(Side.SPOTIO) and self.to_spotio(salesforce) == spotio:
            return True
        return people.knows(Side.SALESFORCE) and bool(self.to_salesforce(spotio) == salesforce)

    def record_value(self, user_id: str) -> dict[str, Any]:
        """What the target needs to find the owner; the id is the source's."""
        to_spotio = self._course.destination is Side.SPOTIO
        mapping = self._mapping
        joined = self._people.joined_to(user_id)
        return {
            self._course.own_id: user_id,
            **({self._course.other_id: joined} if joined is not None else {}),
            "email": self._people.email_of(user_id),
            **({"nobody": True} if self._people.is_nobody(user_id) else {}),
            "default": mapping.spotio_default if to_spotio else mapping.salesforce_default,
            "keep_on_update": mapping.keep_on_update,
        }
