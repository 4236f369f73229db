"""The local org: everything its HTTP side asks for, behind one lock.

All times come from the clock; every refusal is an ``ApiFault`` with Salesforce's wording. This is
the one door to the work that is done in the modules around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce import populate
from reverse_sf.simulator.salesforce.administration import Administration
from reverse_sf.simulator.salesforce.dml import DML
from reverse_sf.simulator.salesforce.reading import Reading
from reverse_sf.simulator.salesforce.values import long_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Org(Administration, Reading, DML):
    """A Salesforce org with its metadata and rows; see :class:`Ground` for how to make one."""

    # Replication

    def updated(self, sobject: str, start: datetime, end: datetime) -> dict[str, Any]:
        """The answer of ``/updated``.

        Raises:
            ApiFault: NOT_FOUND, or INVALID_REPLICATION_DATE for a wrong or too old window.
        """
        with self.store.lock:
            return self._replication.updated(self.schema.get(sobject), start, end)

    def deleted(self, sobject: str, start: datetime, end: datetime) -> dict[str, Any]:
        """The answer of ``/deleted``.

        Raises:
            ApiFault: NOT_FOUND, or INVALID_REPLICATION_DATE for a wrong or too old window.
        """
        with self.store.lock:
            return self._replication.deleted(self.schema.get(sobject), start, end)

    def purge_delete_log(self, before: datetime | None = None) -> None:
        """Forget deletions before an instant (now, where none is given)."""
        with self.store.lock:
            self._replication.purge_log(before)

    # For the control side and for tests

    def user_by_username(self, username: str) -> dict[str, Any] | None:
        """The stored row of an active user, without regard to case."""
        with self.store.lock:
            one = self.schema.typed("User")
            found = self.store.rows(
                'SELECT "Id" FROM "User" WHERE "Username" = ? AND "IsActive" = 1', (username,)
            )
            return self.store.row(one, found[0][0]) if found else None

    def frozen(self, user_id: str) -> bool:
        """Whether an administrator has frozen the user, or its password is locked."""
        with self.store.lock:
            login = self._behaviour.logins.of(user_id)
            return bool(login["IsFrozen"] or login["IsPasswordLocked"])

    def set_login(self, user_id: str, changes: Mapping[str, bool], *, editor: str) -> None:
        """Freeze or unfreeze a user, lock or unlock its password, as the web app does it.

        Raises:
            ApiFault: there is no such user.
        """
        with self.store.transaction():
            login = self._behaviour.logins.of(long_id(user_id) or user_id)
            self._behaviour.update(
                self.schema.typed("UserLogin"), login["Id"], changes, user=editor, system=True
            )

    def user(self, user_id: str) -> dict[str, Any] | None:
        """The stored row of a user."""
        found = long_id(user_id)
        return None if found is None else self.store.row(self.schema.typed("User"), found)

    def populate_accounts(self, count: int) -> None:
        """Add so many accounts fast, with values that vary; for benches."""
        populate.accounts(self, count)
