"""Who owns a record in Salesforce: by the SPOTIO user's external id, then e-mail, then default.

The external id of a SPOTIO user (``externalSystemUserId``) is a Salesforce User Id. The ledger
knows the users of both sides as the taps saw them last; who is not in it is looked for in
Salesforce, by one query a batch. Only active users may own records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Side
from reverse_sf.salesforce import soql
from reverse_sf.salesforce.soql import Select

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.salesforce.client import SalesforceClient

_FIELDS = ("Id", "Email", "Username")
_TERMS = 100
"""Names asked for in one query: three times as many literals still fit an address."""


class People:
    """The org's active users, as far as records need them.

    Args:
        client: the org.
        ledger: None for a run without one.
    """

    def __init__(self, client: SalesforceClient, ledger: Ledger | None) -> None:
        self._client = client
        self._names: dict[str, str] = {}
        self._asked: set[str] = set()
        self._external_ids: dict[str, str] = {}
        self._emails: dict[str, str] = {}
        if ledger is not None:
            self._learn_from(ledger)

    def _learn_from(self, ledger: Ledger) -> None:
        of_salesforce = ledger.users(Side.SALESFORCE).values()
        for user in sorted(of_salesforce, key=lambda one: one.user_id):
            names = [user.user_id, user.email, user.username]
            if user.active:
                self._learn(user.user_id, names)
            self._asked |= {name for one in names if (name := _form(one))}
        for user in ledger.users(Side.SPOTIO).values():
            if user.external_id:
                self._external_ids[user.user_id] = user.external_id
            if user.email:
                self._emails[user.user_id] = user.email

    def _learn(self, user_id: str, names: Iterable[str | None]) -> None:
        for one in names:
            if name := _form(one):
                # A username is unique, an e-mail is not: the first one seen keeps it.
                self._names.setdefault(name, canon.record_id(user_id))

    def look_up(self, owners: Iterable[Any]) -> None:
        """Ask Salesforce about everybody who is not known yet, many a query."""
        wanted: dict[str, str] = {}
        for owner in owners:
            for one in (*self._candidates(owner), _default(owner)):
                name = _form(one)
                if name and name not in self._asked:
                    wanted[name] = str(one)
        terms = list(wanted.values())
        for start in range(0, len(terms), _TERMS):
            chunk = terms[start : start + _TERMS]
            literals = ", ".join(soql.quoted(one) for one in chunk)
            tests = [f"Email IN ({literals})", f"Username IN ({literals})"]
            ids = [one for one in chunk if _is_id(one)]
            if ids:
                tests.append(f"Id IN ({', '.join(soql.quoted(one) for one in ids)})")
            condition = f"({' OR '.join(tests)})"
            page = self._client.query(Select("User", _FIELDS, ("IsActive = true", condition)))
            while True:
                for user in page.records:
                    self._learn(user["Id"], (user["Id"], user.get("Email"), user.get("Username")))
                if not page.next_page:
                    break
                page = self._client.query_more(page, source="User")
        self._asked |= set(wanted)

    def owner(self, wanted: Any) -> str | None:
        """The user's Id, or None where nobody fits and no default is to be used.

        Args:
            wanted: the envelope's owner object, an Id, a username or an e-mail.
        """
        for one in self._candidates(wanted):
            found = self._names.get(_form(one) or "")
            if found is not None:
                return found
        return None

    def default(self, wanted: Any) -> str | None:
        """The default owner's Id, where one is named and exists."""
        return self._names.get(_form(_default(wanted)) or "")

    def _candidates(self, owner: Any) -> list[str | None]:
        if not isinstance(owner, dict):
            return [owner]
        spotio_id = str(owner.get("spotio_id") or "")
        return [
            owner.get("salesforce_id"),
            self._external_ids.get(spotio_id),
            owner.get("email"),
            self._emails.get(spotio_id),
        ]


def _default(owner: Any) -> str | None:
    return owner.get("default") if isinstance(owner, dict) else None


def _form(name: Any) -> str | None:
    text = canon.text(name)
    if not isinstance(text, str):
        return None
    return str(canon.record_id(text)) if _is_id(text) else text.lower()


def _is_id(text: str) -> bool:
    return len(text) in {15, 18} and text.startswith("005") and text.isalnum()
