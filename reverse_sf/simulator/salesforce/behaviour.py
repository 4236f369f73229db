"""What happens to records: create, update, delete, undelete, merge, conversion, stamps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.derivation import derive
from reverse_sf.simulator.salesforce.instants import stamp
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.rules import Rules
from reverse_sf.simulator.salesforce.validation import CONVERTED_ALLOWED, Validation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.metadata import Relation, Schema, SObject
    from reverse_sf.simulator.salesforce.store import Store

MAX_LOSERS = 2
_AUDIT = frozenset(
    {"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
)


@dataclass(frozen=True)
class WriteOptions:
    """What headers of a request ask for.

    Attributes:
        auto_assign: whether assignment rules run (``Sforce-Auto-Assign``, on where it is absent).
        allow_duplicates: whether alerting duplicate rules let the record pass
            (``Sforce-Duplicate-Rule-Header: allowSave=true``).
    """

    auto_assign: bool = True
    allow_duplicates: bool = False


class Behaviour:
    """Applies writes to the store; runs inside the caller's transaction."""

    def __init__(
        self, schema: Schema, store: Store, clock: Clock, declarations: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._store = store
        self._clock = clock
        self.validation = Validation(schema, store)
        self.rules = Rules(schema, store, declarations)

    # Create and update

    def create(
        self,
        one: SObject,
        values: Mapping[str, Any],
        *,
        user: str,
        options: WriteOptions | None = None,
        audit: Mapping[str, Any] | None = None,
        system: bool = False,
    ) -> str:
        """Store a new record and give its Id."""
        options = options or WriteOptions()
        if one.traits.get("createable") is False and not system:
            raise ApiFault(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {one.name} is not createable"
            )
        row = self.validation.values(one, values, creating=True, system=system)
        if one.has("OwnerId") and row.get("OwnerId") is None:
            assigned = self.rules.assigned_owner(one) if options.auto_assign else None
            row["OwnerId"] = assigned or user
        now = self.now()
        for name, value in _stamps(now, user, created=True).items():
            if one.has(name):
                row[name] = value
        row["Id"] = self._new_id(one)
        for field in one.stored:
            if field.type == "boolean" and row.get(field.name) is None:
                row[field.name] = int(bool(field.default))
        row.update(derive(one, None, row, now))
        row.update(audit or {})
        self.validation.unique(one, None, row)
        self.rules.duplicates(one, row, allowed=options.allow_duplicates)
        self._store.insert(one, row)
        self.rules.validate(one, row["Id"])
        self._run_flows(one, row["Id"], "create", user)
        return str(row["Id"])

    def update(
        self,
        one: SObject,
        record_id: str,
        values: Mapping[str, Any],
        *,
        user: str,
        options: WriteOptions | None = None,
        audit: Mapping[str, Any] | None = None,
        system: bool = False,
    ) -> None:
        """Change a stored record; an update moves both stamps, even where no value differs."""
        options = options or WriteOptions()
        old = self._store.row(one, record_id) or {}
        if one.traits.get("updateable") is False and not system:
            raise ApiFault(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {one.name} is not updateable"
            )
        changes = self.validation.values(
            one,
            {k: v for k, v in values.items() if k.lower() != "id"},
            creating=False,
            system=system,
        )
        if old.get("IsConverted") and not system and not set(changes) <= CONVERTED_ALLOWED:
            raise ApiFault("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        self.validation.unique(one, record_id, changes)
        now = self.now()
        changes.update(derive(one, old, old | changes, now))
        for name, value in _stamps(now, user, created=False).items():
            if one.has(name):
                changes[name] = value
        for name, value in (audit or {}).items():
            if value is None and name in _AUDIT:
                changes.pop(name, None)
            else:
                changes[name] = value
        self.rules.duplicates(one, old | changes, allowed=options.allow_duplicates)
        self._store.update(one, record_id, changes)
        self.rules.validate(one, record_id)
        self._run_flows(one, record_id, "update", user)

    def now(self) -> str:
        """The stamp of a write: whole seconds."""
        return stamp(self._clock.now().replace(microsecond=0))

    def _run_flows(self, one: SObject, record_id: str, event: str, user: str) -> None:
        for effect in self.rules.flow_effects(one, record_id, event):
            if effect.record_id is not None:
                self._store.update(
                    effect.entity,
                    effect.record_id,
                    self.validation.values(
                        effect.entity, effect.values, creating=False, system=True
                    ),
                )
            else:
                self.create(effect.entity, effect.values, user=user, system=True)

    def _new_id(self, one: SObject) -> str:
        return salesforce_id(one.prefix, self._store.next_number(one.prefix))

    # Delete

    def delete(self, one: SObject, record_id: str, user: str, *, cause: str | None = None) -> None:
        """Move a record to the recycle bin, its cascading children with it.

        Lookups that do not cascade are cleared, without a new stamp on the child.
        """
        if one.traits.get("deletable") is False:
            raise ApiFault(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {one.name} is not deletable"
            )
        now = self.now()
        for relation in self._schema.relations(one.name):
            self._follow_delete(relation, record_id, user, cause or record_id)
        self._store.log_deleted(one.name, record_id, now, cause)
        if not one.has("IsDeleted"):
            self._store.execute(f'DELETE FROM "{one.name}" WHERE "Id" = ?', (record_id,))
            return
        changes = {"IsDeleted": 1, **_stamps(now, user, created=False)}
        self._store.update(one, record_id, {k: v for k, v in changes.items() if one.has(k)})

    def _follow_delete(self, relation: Relation, parent: str, user: str, cause: str) -> None:
        child = self._schema.typed(relation.child)
        name = relation.field.name
        if not relation.field.stored or name in {"MasterRecordId", *_AUDIT}:
            return
        alive = ' AND "IsDeleted" = 0' if child.has("IsDeleted") else ""
        sql = f'SELECT "Id" FROM "{child.name}" WHERE "{name}" = ?{alive}'
        for (child_id,) in self._store.rows(sql, (parent,)):
            if relation.field.cascades:
                self.delete(child, child_id, user, cause=cause)
            elif relation.field.updateable and relation.field.nillable:
                self._store.update(child, child_id, {name: None})

    def undelete(self, one: SObject, record_id: str, user: str) -> None:
        """Take a record and what its deletion took along out of the recycle bin."""
        row = self._store.row(one, record_id) or {}
        if not row.get("IsDeleted"):
            raise ApiFault("UNDELETE_FAILED", "Entity is not in the recycle bin")
        if row.get("MasterRecordId"):
            raise ApiFault("UNDELETE_FAILED", "Entity was merged and cannot be undeleted")
        now = self.now()
        taken = self._store.rows(
            'SELECT object, id FROM "_deleted" WHERE id = ? OR cause = ?', (record_id, record_id)
        )
        for name, each in taken or [(one.name, record_id)]:
            entity = self._schema.typed(name)
            changes = {"IsDeleted": 0, **_stamps(now, user, created=False)}
            self._store.update(entity, each, {k: v for k, v in changes.items() if entity.has(k)})
        self._store.execute(
            'DELETE FROM "_deleted" WHERE id = ? OR cause = ?', (record_id, record_id)
        )

    def purge(self, one: SObject, record_id: str | None) -> int:
        """Remove deleted rows for good; the delete log keeps them."""
        if not one.has("IsDeleted"):
            return 0
        sql = f'DELETE FROM "{one.name}" WHERE "IsDeleted" = 1'
        if record_id is None:
            return self._store.execute(sql)
        return self._store.execute(f'{sql} AND "Id" = ?', (record_id,))

    # Merge and conversion

    def merge(
        self,
        one: SObject,
        winner: str,
        losers: Sequence[str],
        user: str,
        *,
        touch_children: bool,
    ) -> None:
        """Delete the losers in favour of the winner, who gets their children."""
        if not one.traits.get("mergeable"):
            raise ApiFault("INVALID_OPERATION", f"merge is not supported for {one.name}")
        if not 0 < len(losers) <= MAX_LOSERS or winner in losers:
            raise ApiFault("INVALID_OPERATION", "one or two records can be merged into another")
        now = self.now()
        for loser in losers:
            for relation in self._schema.relations(one.name):
                name = relation.field.name
                if name in {"MasterRecordId", *_AUDIT} or not relation.field.stored:
                    continue
                child = self._schema.typed(relation.child)
                touched = f", \"SystemModstamp\" = '{now}'" if touch_children else ""
                self._store.execute(
                    f'UPDATE "{child.name}" SET "{name}" = ?{touched} WHERE "{name}" = ?',
                    (winner, loser),
                )
            self.delete(one, loser, user)
            self._store.update(one, loser, {"MasterRecordId": winner})
        self._store.update(one, winner, _stamps(now, user, created=False))

    def convert_lead(
        self,
        lead_id: str,
        user: str,
        *,
        account_id: str | None,
        contact_id: str | None,
        opportunity: bool,
    ) -> dict[str, str | None]:
        """Make the lead's account and contact, or link it to given ones."""
        lead_object = self._schema.typed("Lead")
        lead = self._store.row(lead_object, lead_id) or {}
        if lead.get("IsConverted"):
            raise ApiFault("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        owner = lead["OwnerId"] if str(lead["OwnerId"]).startswith("005") else user
        if account_id is None:
            account = {"Name": lead["Company"], "Phone": lead["Phone"], "OwnerId": owner}
            for part in ("Street", "City", "State", "PostalCode", "Country"):
                account[f"Billing{part}"] = lead[part]
            account_id = self.create(self._schema.typed("Account"), account, user=user, system=True)
        if contact_id is None:
            copied = ("FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title")
            contact = {name: lead[name] for name in copied}
            contact |= {"AccountId": account_id, "OwnerId": owner}
            contact_id = self.create(self._schema.typed("Contact"), contact, user=user, system=True)
        opportunity_id = None
        if opportunity:
            deal = self._schema.typed("Opportunity")
            stages = deal.by_name["stagename"].choices
            opportunity_id = self.create(
                deal,
                {
                    "Name": f"{lead['Company']}-",
                    "AccountId": account_id,
                    "OwnerId": owner,
                    "StageName": stages[0].value,
                    "CloseDate": self.now()[:10],
                },
                user=user,
                system=True,
            )
        converted = next(
            (c.value for c in lead_object.by_name["status"].choices if "Converted" in c.value),
            lead["Status"],
        )
        self._store.update(
            lead_object,
            lead_id,
            {
                "IsConverted": 1,
                "Status": converted,
                "ConvertedDate": self.now()[:10],
                "ConvertedAccountId": account_id,
                "ConvertedContactId": contact_id,
                "ConvertedOpportunityId": opportunity_id,
                **_stamps(self.now(), user, created=False),
            },
        )
        return {
            "accountId": account_id,
            "contactId": contact_id,
            "opportunityId": opportunity_id,
        }


def _stamps(now: str, user: str, *, created: bool) -> dict[str, str]:
    stamps = {"LastModifiedDate": now, "LastModifiedById": user, "SystemModstamp": now}
    if created:
        stamps |= {"CreatedDate": now, "CreatedById": user}
    return stamps
