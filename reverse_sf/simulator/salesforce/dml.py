"""Changing an org's records: what Apex calls DML, merges and conversions included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.ground import Ground
from reverse_sf.simulator.salesforce.succession import Conversion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.simulator.salesforce.behaviour import WriteOptions


class DML(Ground):
    """The part of the org that takes writes, each one all or nothing."""

    def create(
        self,
        sobject: str,
        values: Mapping[str, Any],
        *,
        user_id: str | None = None,
        options: WriteOptions | None = None,
        audit: Mapping[str, Any] | None = None,
    ) -> str:
        """Create a record and give its Id.

        ``audit`` holds stored values of read-only fields to set as they are, such as an earlier
        ``SystemModstamp`` (a row that becomes visible late) or ``IsArchived``.

        Raises:
            ApiFault: the record is refused.
        """
        with self.store.transaction():
            one = self.schema.get(sobject)
            return self._behaviour.create(
                one, values, user=user_id or self.user_id, options=options, audit=audit
            )

    def update(
        self,
        sobject: str,
        record_id: str,
        values: Mapping[str, Any],
        *,
        user_id: str | None = None,
        options: WriteOptions | None = None,
        audit: Mapping[str, Any] | None = None,
    ) -> None:
        """Change a record.

        ``audit`` is as for :meth:`create`; ``{"SystemModstamp": None}`` leaves the stamp as it is.

        Raises:
            ApiFault: the record does not exist, is deleted, or the change is refused.
        """
        with self.store.transaction():
            one = self.schema.get(sobject)
            found = self._living(one, record_id)
            self._behaviour.update(
                one, found, values, user=user_id or self.user_id, options=options, audit=audit
            )

    def delete(self, sobject: str, record_id: str, *, user_id: str | None = None) -> None:
        """Put a record into the recycle bin, with its cascading children.

        Raises:
            ApiFault: NOT_FOUND, ENTITY_IS_DELETED, or the object cannot be deleted.
        """
        with self.store.transaction():
            one = self.schema.get(sobject)
            found = self._living(one, record_id)
            self._behaviour.removal.delete(one, found, user_id or self.user_id)

    def undelete(self, sobject: str, record_id: str, *, user_id: str | None = None) -> None:
        """Take a record out of the recycle bin, with what its deletion took along.

        Raises:
            ApiFault: it is not in the recycle bin.
        """
        with self.store.transaction():
            self._behaviour.removal.expire()
            one = self.schema.get(sobject)
            found = self._known(one, record_id)
            self._behaviour.removal.undelete(one, found, user_id or self.user_id)

    def purge(self, sobject: str, record_id: str | None = None) -> int:
        """Empty the recycle bin of an object, or of one record of it: gone for ``queryAll`` too.

        Returns:
            How many records are gone.
        """
        with self.store.transaction():
            one = self.schema.get(sobject)
            found = None if record_id is None else self._known(one, record_id)
            return self._behaviour.removal.purge(one, found)

    def hard_delete(self, sobject: str, record_id: str, *, user_id: str | None = None) -> None:
        """Delete a record past the recycle bin, as Bulk's ``hardDelete`` does."""
        with self.store.transaction():
            one = self.schema.get(sobject)
            found = self._known(one, record_id)
            if not (self.store.row(one, found) or {}).get("IsDeleted"):
                self._behaviour.removal.delete(one, found, user_id or self.user_id)
            self._behaviour.removal.purge(one, found)

    def merge(
        self,
        sobject: str,
        winner: str,
        losers: Sequence[str],
        *,
        values: Mapping[str, Any] | None = None,
        user_id: str | None = None,
        touch_children: bool = True,
    ) -> None:
        """Merge one or two losers into the winner, whose fields become the ``values`` chosen.

        ``touch_children`` says whether re-parented children get a new SystemModstamp, which
        Salesforce does not document.

        Raises:
            ApiFault: the object cannot be merged, or a record is missing.
        """
        with self.store.transaction():
            one = self.schema.get(sobject)
            ids = [self._living(one, each) for each in (winner, *losers)]
            self._behaviour.succession.merge(
                one,
                ids[0],
                ids[1:],
                user_id or self.user_id,
                values=values or {},
                touch_children=touch_children,
            )

    def convert_lead(
        self, lead_id: str, wanted: Conversion | None = None, *, user_id: str | None = None
    ) -> dict[str, str | None]:
        """Convert a lead into an account and a contact, maybe an opportunity.

        Returns:
            ``accountId``, ``contactId`` and ``opportunityId``.

        Raises:
            ApiFault: the lead or a given record is missing, or it is converted already.
        """
        wanted = wanted or Conversion()
        with self.store.transaction():
            for name, given in (("Account", wanted.account_id), ("Contact", wanted.contact_id)):
                if given is not None:
                    self._living(self.schema.get(name), given)
            found = self._living(self.schema.get("Lead"), lead_id)
            return self._behaviour.succession.convert(found, user_id or self.user_id, wanted)
