"""Whether users may log in: the UserLogin that every user has (Object Reference, UserLogin)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.salesforce.metadata import Schema
    from reverse_sf.simulator.salesforce.store import Store

OBJECT = "UserLogin"


class UserLogins:
    """Keeps one UserLogin for each user."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store

    def add(self, user_id: str, now: str, by: str) -> None:
        """Give a new user the UserLogin that it has from then on."""
        one = self._schema.find(OBJECT)
        if one is None:
            return
        self._store.insert(
            one,
            {
                "Id": salesforce_id(one.prefix, self._store.next_number(one.prefix)),
                "UserId": user_id,
                "IsFrozen": 0,
                "IsPasswordLocked": 0,
                "LastModifiedDate": now,
                "LastModifiedById": by,
            },
        )

    def complete(self) -> None:
        """Add those that are missing: the seed's users, or a database of an earlier version."""
        lacking = self._store.rows(
            'SELECT "Id", "CreatedDate", "CreatedById" FROM "User" '
            f'WHERE "Id" NOT IN (SELECT "UserId" FROM "{OBJECT}") ORDER BY rowid'
        )
        for user_id, created, creator in lacking:
            self.add(user_id, created, creator)

    def of(self, user_id: str) -> dict[str, Any]:
        """The UserLogin of a user.

        Raises:
            ApiFault: there is no such user.
        """
        one = self._schema.typed(OBJECT)
        sql = f'SELECT "Id" FROM "{OBJECT}" WHERE "UserId" = ?'
        found = self._store.rows(sql, (user_id,))
        row = self._store.row(one, found[0][0]) if found else None
        if row is None:
            raise ApiFault("NOT_FOUND", "The requested resource does not exist", status=404)
        return row

    @staticmethod
    def check(changes: Mapping[str, Any]) -> None:
        """Refuse what the API may not do: it unlocks a password, and never locks one.

        Raises:
            ApiFault: the change locks a password.
        """
        if changes.get("IsPasswordLocked"):
            raise ApiFault(
                "FIELD_INTEGRITY_EXCEPTION",
                "Is Password Locked: a password cannot be locked through the API",
                fields=("IsPasswordLocked",),
            )
