"""What a write does to a record: validation, owners, derived values, stamps, rules and flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce import record_types
from reverse_sf.simulator.salesforce.activities import LastActivity
from reverse_sf.simulator.salesforce.derivation import derive
from reverse_sf.simulator.salesforce.formula import Moment
from reverse_sf.simulator.salesforce.instants import stamp
from reverse_sf.simulator.salesforce.person_accounts import CONTACT, PersonAccounts
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.removal import Removal
from reverse_sf.simulator.salesforce.rules import Rules
from reverse_sf.simulator.salesforce.stamps import AUDIT_FIELDS, stamps
from reverse_sf.simulator.salesforce.succession import Succession
from reverse_sf.simulator.salesforce.surroundings import Surroundings
from reverse_sf.simulator.salesforce.user_logins import UserLogins
from reverse_sf.simulator.salesforce.validation import CONVERTED_ALLOWED, Validation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.metadata import Schema, SObject
    from reverse_sf.simulator.salesforce.store import Store
    from reverse_sf.simulator.switches import Switches

_ASSIGNED_ON_UPDATE = frozenset({"Account", "Case", "Lead"})
"""Whose assignment rules run on updates too (REST guide, Sforce-Auto-Assign)."""


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
        self,
        schema: Schema,
        store: Store,
        clock: Clock,
        declarations: Mapping[str, Any],
        switches: Switches,
    ) -> None:
        self._schema = schema
        self._store = store
        self._clock = clock
        self.validation = Validation(schema, store)
        self.rules = Rules(schema, store, declarations)
        self.around = Surroundings(schema, store, switches)
        self.logins = UserLogins(schema, store)
        self.people = PersonAccounts(schema, store)
        self.last_activity = LastActivity(schema, store)
        self.removal = Removal(schema, store, self.now, self.validation.unique, self.around)
        self.succession = Succession(self, schema, store)

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
        record_types.choose(one, self._store, row, creating=True)
        if not system:
            self.people.check(one, None, row, values)
        if one.has("OwnerId") and row.get("OwnerId") is None:
            assigned = self.rules.assigned_owner(one) if options.auto_assign else None
            row["OwnerId"] = assigned or user
        now = self.now()
        for name, value in stamps(now, user, created=True).items():
            if one.has(name):
                row[name] = value
        row["Id"] = self._new_id(one)
        for field in one.stored:
            if field.type == "boolean" and row.get(field.name) is None:
                row[field.name] = int(bool(field.default))
        row.update(derive(one, None, row, now, self.around))
        row.update(audit or {})
        self.validation.unique(one, None, row)
        self.rules.duplicates(one, row, allowed=options.allow_duplicates)
        self._store.insert(one, row)
        if one.name == "User":
            self.logins.add(row["Id"], now, user)
        self.last_activity.follow(one, None, row)
        self._keep_contact(one, row["Id"], user)
        moment = Moment(user)
        self.rules.validate(one, row["Id"], moment)
        self._run_flows(one, row["Id"], "create", moment)
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
        record_types.choose(one, self._store, changes, creating=False)
        if not system:
            self.people.check(one, old, changes, values)
        if one.name == "UserLogin" and not system:
            self.logins.check(changes)
        if old.get("IsConverted") and not system and not set(changes) <= CONVERTED_ALLOWED:
            raise ApiFault("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        if options.auto_assign and one.name in _ASSIGNED_ON_UPDATE and "OwnerId" not in changes:
            assigned = self.rules.assigned_owner(one)
            changes |= {"OwnerId": assigned} if assigned else {}
        self.validation.unique(one, record_id, changes)
        now = self.now()
        changes.update(derive(one, old, old | changes, now, self.around))
        for name, value in stamps(now, user, created=False).items():
            if one.has(name):
                changes[name] = value
        for name, value in (audit or {}).items():
            if value is None and name in AUDIT_FIELDS:
                changes.pop(name, None)
            else:
                changes[name] = value
        self.rules.duplicates(one, old | changes, allowed=options.allow_duplicates)
        self._store.update(one, record_id, changes)
        self.last_activity.follow(one, old, old | changes)
        self._refresh_members(one, record_id)
        self._keep_contact(one, record_id, user)
        moment = Moment(user, old)
        self.rules.validate(one, record_id, moment)
        self._run_flows(one, record_id, "update", moment)

    def _keep_contact(self, one: SObject, account_id: str, user: str) -> None:
        """Make or change the contact of a person account."""
        if one.name != "Account" or not one.has(CONTACT):
            return
        account = self._store.row(one, account_id) or {}
        values = self.people.contact_of(account)
        if values is None:
            return
        contact = self._schema.typed("Contact")
        if account[CONTACT] is not None:
            self.update(contact, account[CONTACT], values, user=user, system=True)
            return
        made = self.create(contact, values, user=user, system=True)
        self._store.update(one, account_id, {CONTACT: made})

    def _refresh_members(self, one: SObject, record_id: str) -> None:
        """Let campaign members show what their lead or contact is now; they bear no new stamp."""
        members = self._schema.find("CampaignMember")
        if members is None or one.name not in {"Lead", "Contact"}:
            return
        for each in self.around.rows_where(members.name, {"LeadOrContactId": record_id}):
            row = self._store.row(members, each) or {}
            self._store.update(members, each, derive(members, row, row, self.now(), self.around))

    def now(self) -> str:
        """The stamp of a write: whole seconds."""
        return stamp(self._clock.now().replace(microsecond=0))

    def _run_flows(self, one: SObject, record_id: str, event: str, moment: Moment) -> None:
        for effect in self.rules.flow_effects(one, record_id, event, moment):
            if effect.record_id is None:
                self.create(effect.entity, effect.values, user=moment.user, system=True)
                continue
            changes = self.validation.values(
                effect.entity, effect.values, creating=False, system=True
            )
            old = self._store.row(effect.entity, effect.record_id) or {}
            changes.update(derive(effect.entity, old, old | changes, self.now(), self.around))
            self._store.update(effect.entity, effect.record_id, changes)

    def _new_id(self, one: SObject) -> str:
        return salesforce_id(one.prefix, self._store.next_number(one.prefix))
