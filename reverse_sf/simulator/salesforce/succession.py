"""Records that take the place of others: merge, and conversion of a lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.activities import ACTIVITIES, settle_account
from reverse_sf.simulator.salesforce.person_accounts import CONTACT
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.stamps import AUDIT_FIELDS, stamps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.simulator.salesforce.behaviour import Behaviour
    from reverse_sf.simulator.salesforce.metadata import Schema, SObject
    from reverse_sf.simulator.salesforce.store import Store

MAX_LOSERS = 2
_ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
_PERSON = ("FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title")


@dataclass(frozen=True)
class Conversion:
    """How a lead is to be converted.

    Attributes:
        account_id: an account that exists already; none makes one.
        contact_id: a contact that exists already; none makes one.
        opportunity: whether an opportunity is made, or its name.
        status: one of the lead's converted statuses; none takes the first.
        owner_id: who gets the new records; none is the lead's owner.
    """

    account_id: str | None = None
    contact_id: str | None = None
    opportunity: bool | str = False
    status: str | None = None
    owner_id: str | None = None


class Succession:
    """Merges records and converts leads; runs inside the caller's transaction."""

    def __init__(self, behaviour: Behaviour, schema: Schema, store: Store) -> None:
        self._behaviour = behaviour
        self._schema = schema
        self._store = store

    # Merge

    def merge(
        self,
        one: SObject,
        winner: str,
        losers: Sequence[str],
        user: str,
        *,
        values: Mapping[str, Any],
        touch_children: bool,
    ) -> None:
        """Delete the losers in favour of the winner, who gets their children and the values.

        Raises:
            ApiFault: the object or these records cannot be merged, or a value is refused.
        """
        if not one.traits.get("mergeable"):
            raise ApiFault("INVALID_OPERATION", f"merge is not supported for {one.name}")
        if not 0 < len(set(losers)) == len(losers) <= MAX_LOSERS or winner in losers:
            raise ApiFault("INVALID_OPERATION", "one or two records can be merged into another")
        for each in (winner, *losers):
            if (self._store.row(one, each) or {}).get("IsConverted"):
                raise ApiFault("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        self._merge_people(one, winner, losers, user, touch_children=touch_children)
        now = self._behaviour.now()
        for loser in losers:
            self._hand_over(one, loser, winner, now if touch_children else None)
            self._behaviour.removal.delete(one, loser, user)
            self._store.update(one, loser, {"MasterRecordId": winner})
        if values:
            self._behaviour.update(one, winner, values, user=user)
        self._store.update(one, winner, stamps(now, user, created=False))

    def _merge_people(
        self, one: SObject, winner: str, losers: Sequence[str], user: str, *, touch_children: bool
    ) -> None:
        """Of person accounts the contacts are merged as well; a firm is merged with firms only."""
        if one.name != "Account" or not one.has(CONTACT):
            return
        contacts = [(self._store.row(one, each) or {}).get(CONTACT) for each in (winner, *losers)]
        if len({contact is None for contact in contacts}) > 1:
            raise ApiFault("INVALID_OPERATION", "a person and a firm cannot be merged")
        if contacts[0] is not None:
            self.merge(
                self._schema.typed("Contact"),
                contacts[0],
                [each for each in contacts[1:] if each],
                user,
                values={},
                touch_children=touch_children,
            )

    def _hand_over(self, one: SObject, loser: str, winner: str, now: str | None) -> None:
        """Let everything that points to the loser point to the winner."""
        for relation in self._schema.relations(one.name):
            name = relation.field.name
            if name in {"MasterRecordId", *AUDIT_FIELDS} or not relation.field.stored:
                continue
            child = self._schema.typed(relation.child)
            changes, values = f'"{name}" = ?', [winner]
            if now is not None and child.has("SystemModstamp"):
                changes, values = f'{changes}, "SystemModstamp" = ?', [winner, now]
            # The winner itself may be a child of the loser: it is no child of its own then.
            moved = []
            if child.name in ACTIVITIES:
                sql = f'SELECT "Id" FROM "{child.name}" WHERE "{name}" = ?'
                moved = [row[0] for row in self._store.rows(sql, (loser,))]
            sql = f'UPDATE "{child.name}" SET {changes} WHERE "{name}" = ? AND "Id" <> ?'
            self._store.execute(sql, (*values, loser, winner))
            for each in moved:
                settle_account(self._store, child, each, self._behaviour.around)
                self._behaviour.last_activity.follow(child, None, self._store.row(child, each))

    # Conversion

    def convert(self, lead_id: str, user: str, wanted: Conversion) -> dict[str, str | None]:
        """Make the lead's account and contact, or join it to given ones.

        Its tasks and events go to the contact, and with the switch
        ``conversion_relates_activities`` to the opportunity, or to the account where none is made.

        Raises:
            ApiFault: the lead is converted already, the status is none of its converted ones, the
                contact is of another account, or a new record is refused.
        """
        entity = self._schema.typed("Lead")
        lead = self._store.row(entity, lead_id) or {}
        if lead.get("IsConverted"):
            raise ApiFault("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        status = self._status(entity, lead, wanted.status)
        owner = wanted.owner_id or lead["OwnerId"]
        if not str(owner).startswith("005"):
            owner = user
        account_id, contact_id = self._targets(wanted)
        account_id = account_id or self._new_account(lead, owner, user)
        contact_id = contact_id or self._new_contact(lead, account_id, owner, user)
        opportunity_id = None
        if wanted.opportunity:
            opportunity_id = self._new_opportunity(lead, wanted, account_id, owner, user)
        now = self._behaviour.now()
        self._store.update(
            entity,
            lead_id,
            {
                "IsConverted": 1,
                "Status": status,
                "ConvertedDate": now[:10],
                "ConvertedAccountId": account_id,
                "ConvertedContactId": contact_id,
                "ConvertedOpportunityId": opportunity_id,
                **stamps(now, user, created=False),
            },
        )
        for each in self._behaviour.around.rows_where("CampaignMember", {"LeadId": lead_id}):
            self._behaviour.update(
                self._schema.typed("CampaignMember"),
                each,
                {"ContactId": contact_id},
                user=user,
                system=True,
            )
        related = opportunity_id or account_id
        self._move_activities(lead_id, contact_id, related, now)
        return {"accountId": account_id, "contactId": contact_id, "opportunityId": opportunity_id}

    @staticmethod
    def _status(entity: SObject, lead: Mapping[str, Any], wanted: str | None) -> str | None:
        known = [c.value for c in entity.by_name["status"].choices if "Converted" in c.value]
        if wanted is not None and wanted not in known:
            raise ApiFault(
                "INVALID_STATUS", f"invalid convertedStatus: {wanted}", fields=("Status",)
            )
        return wanted or (known[0] if known else lead["Status"])

    def _targets(self, wanted: Conversion) -> tuple[str | None, str | None]:
        """The given account and contact; a given contact brings its account."""
        if wanted.contact_id is None:
            return wanted.account_id, None
        contact = self._store.row(self._schema.typed("Contact"), wanted.contact_id) or {}
        account_id = wanted.account_id or contact.get("AccountId")
        if contact.get("AccountId") not in (None, account_id):
            raise ApiFault("INVALID_CROSS_REFERENCE_KEY", "the contact belongs to another account")
        return account_id, wanted.contact_id

    def _new_account(self, lead: Mapping[str, Any], owner: str, user: str) -> str:
        values = {"Name": lead["Company"], "Phone": lead["Phone"], "OwnerId": owner}
        values |= {f"Billing{part}": lead[part] for part in _ADDRESS}
        return self._make("Account", values, user)

    def _new_contact(self, lead: Mapping[str, Any], account_id: str, owner: str, user: str) -> str:
        values = {name: lead[name] for name in _PERSON}
        return self._make("Contact", {**values, "AccountId": account_id, "OwnerId": owner}, user)

    def _new_opportunity(
        self,
        lead: Mapping[str, Any],
        wanted: Conversion,
        account_id: str,
        owner: str,
        user: str,
    ) -> str:
        named = wanted.opportunity if isinstance(wanted.opportunity, str) else ""
        stages = self._schema.typed("Opportunity").by_name["stagename"].choices
        values = {
            "Name": named or f"{lead['Company']}-",
            "AccountId": account_id,
            "OwnerId": owner,
            "StageName": stages[0].value,
            "CloseDate": self._behaviour.now()[:10],
        }
        return self._make("Opportunity", values, user)

    def _make(self, name: str, values: Mapping[str, Any], user: str) -> str:
        return self._behaviour.create(self._schema.typed(name), values, user=user, system=True)

    def _move_activities(self, lead_id: str, contact_id: str, related: str, now: str) -> None:
        around = self._behaviour.around
        moved = {"WhoId": contact_id, "SystemModstamp": now}
        if around.switches["conversion_relates_activities"]:
            moved["WhatId"] = related
        for name in sorted(ACTIVITIES):
            child = self._schema.typed(name)
            sql = f'SELECT "Id" FROM "{name}" WHERE "WhoId" = ?'
            for (each,) in self._store.rows(sql, (lead_id,)):
                self._store.update(child, each, moved)
                settle_account(self._store, child, each, around)
                self._behaviour.last_activity.follow(child, None, self._store.row(child, each))
