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
    from reverse_sf.mapping.definition import OwnerMapping

USER_STREAM = "User"


class UserFields(msgspec.Struct):
    """What the mapper keeps of a record of the User stream."""

    Id: str
    Email: str | None = None
    Username: str | None = None
    Name: str | None = None
    IsActive: bool | None = True


_decode_user = msgspec.json.Decoder(UserFields).decode


class People:
    """The users of both sides as the ledger knows them, and those that this run saw.

    Args:
        salesforce: Salesforce users by Id.
        spotio: SPOTIO users by id; empty where no target has stored them yet.
    """

    def __init__(self, salesforce: dict[str, UserRow], spotio: dict[str, UserRow]) -> None:
        self._salesforce = dict(salesforce)
        self._by_external_id = {
            canon.record_id(one.external_id): one.user_id
            for one in spotio.values()
            if one.external_id
        }
        self._by_email = {
            canon.email_form(one.email): one.user_id for one in spotio.values() if one.email
        }
        self.knows_spotio = bool(spotio)
        self.changed: list[UserRow] = []
        self._unnamed: dict[str, list[str]] = {}

    def saw(self, record: msgspec.Raw) -> None:
        """Take in a record of the User stream; what is new waits in :attr:`changed`.

        Raises:
            ConfigurationError: it has no Id.
        """
        try:
            found = _decode_user(record)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"a record of User cannot be read ({error})") from error
        row = UserRow(
            side=Side.SALESFORCE,
            user_id=canon.record_id(found.Id),
            email=found.Email,
            username=found.Username,
            name=found.Name,
            active=found.IsActive is not False,
        )
        if self._salesforce.get(row.user_id) != row:
            self._salesforce[row.user_id] = row
            self.changed.append(row)

    def email_of(self, salesforce_id: str) -> str | None:
        """E-mail of a Salesforce user, where known."""
        known = self._salesforce.get(salesforce_id)
        return known.email if known else None

    def asked_without_email(self, salesforce_id: str, link_id: str) -> None:
        """Remember a write that named an owner of whom only the Id was known yet."""
        self._unnamed.setdefault(salesforce_id, []).append(link_id)

    def named_since(self) -> list[str]:
        """Links whose owner became known after their write was decided.

        The User stream may come after the records that its users own: those writes can only have
        named a stand-in, so they are decided again.
        """
        known = [each for each in self._unnamed if self.email_of(each)]
        return [link_id for each in known for link_id in self._unnamed.pop(each)]

    def counterpart(self, salesforce_id: str) -> str | None:
        """SPOTIO id of a Salesforce user: by external user id, then by e-mail."""
        found = self._by_external_id.get(salesforce_id)
        if found is None:
            email = self.email_of(salesforce_id)
            found = self._by_email.get(canon.email_form(email)) if email else None
        return found

    def by_email(self, email: str | None) -> str | None:
        """SPOTIO id of the user with this e-mail."""
        return self._by_email.get(canon.email_form(email)) if email else None


class OwnerExchange:
    """How an owner travels toward SPOTIO: a SPOTIO user id here, a Salesforce Id there."""

    def __init__(self, mapping: OwnerMapping, people: People) -> None:
        self._mapping = mapping
        self._people = people

    def to_spotio(self, value: Any) -> Any:
        """The SPOTIO user; unknown ones are undefined unless the default owner may step in."""
        found = self._people.counterpart(value)
        if found is not None or not self._people.knows_spotio:
            return found or value
        if not self._mapping.keep_on_update:
            default = self._people.by_email(self._mapping.spotio_default)
            if default is not None:
                return default
        return Undefined(Reason.UNPARSABLE, f"the user {value} has no counterpart in SPOTIO")

    def to_salesforce(self, value: Any) -> Any:
        """Salesforce's value is never written in this direction."""
        return Undefined(Reason.UNPARSABLE, f"the SPOTIO user {value} is not carried over here")

    def agrees(self, spotio: Any, salesforce: Any) -> bool:
        """Whether the two users are one person, as far as is known."""
        if not spotio or not salesforce:
            return not spotio and not salesforce
        return self._people.knows_spotio and self.to_spotio(salesforce) == spotio

    def record_value(self, salesforce_id: str) -> dict[str, Any]:
        """What the target needs to find the owner."""
        return {
            "salesforce_id": salesforce_id,
            "email": self._people.email_of(salesforce_id),
            "default": self._mapping.spotio_default,
            "keep_on_update": self._mapping.keep_on_update,
        }
