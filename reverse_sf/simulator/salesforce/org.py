"""The local org: everything its HTTP side asks for, behind one lock.

All times come from the clock; every refusal is an :class:`ApiFault` with Salesforce's wording.
The work is done in the modules around; this one is long because it is the one door to them.
"""

from __future__ import annotations

from datetime import datetime, timezone, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reverse_sf.simulator.oddities import BEGINNING
from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce import populate, record_types
from reverse_sf.simulator.salesforce.behaviour import Behaviour, WriteOptions
from reverse_sf.simulator.salesforce.declaration import (
    extend,
    load_declarations,
    standard_schema,
)
from reverse_sf.simulator.salesforce.describe import describe_global, describe_object
from reverse_sf.simulator.salesforce.instants import stamp
from reverse_sf.simulator.salesforce.refusal import ApiFault, entity_deleted, not_found
from reverse_sf.simulator.salesforce.replication import Replication
from reverse_sf.simulator.salesforce.result import (
    DEFAULT_VERSION,
    QueryResult,
    rest_value,
    run,
    run_flat,
)
from reverse_sf.simulator.salesforce.rules import Rules
from reverse_sf.simulator.salesforce.settings import SWITCHES
from reverse_sf.simulator.salesforce.soql.compile import Compiled, Context, compile_query
from reverse_sf.simulator.salesforce.soql.parser import parse
from reverse_sf.simulator.salesforce.soql.scope import field_sql
from reverse_sf.simulator.salesforce.store import Store
from reverse_sf.simulator.salesforce.succession import Conversion
from reverse_sf.simulator.salesforce.values import long_id, stored_value
from reverse_sf.simulator.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.metadata import SObject

__all__ = ["ApiFault", "Conversion", "Org", "QueryResult", "WriteOptions"]

ORGANIZATION_ID = salesforce_id("00D", 1)
INTEGRATION_USER = 14
"""Index of the user that API clients act as."""


class Org:
    """A Salesforce org with its metadata and rows.

    Args:
        clock: the org's time.
        database: a SQLite file, or ``:memory:``; a file that holds an org already is taken as is.
        seed: seed of the demo world.
        records: its size.
        empty: only users, profiles and roles.
        declarations: a YAML file in place of the demo org's own metadata.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        database: str | Path = ":memory:",
        seed: int = 1,
        records: int = 2600,
        empty: bool = False,
        declarations: Path | None = None,
    ) -> None:
        self.clock = clock
        self.organization_id = ORGANIZATION_ID
        self.user_id = salesforce_id("005", INTEGRATION_USER)
        """The integration user, who writes where a call names nobody else."""
        self._seed, self._records = seed, 0 if empty else records
        self._declared = load_declarations(declarations)
        self.schema = extend(standard_schema(), self._declared)
        self.metadata_changed_at = clock.now()
        self.store = Store(clock, str(database))
        self.switches = Switches(SWITCHES)
        self._behaviour = self._new_behaviour()
        self._replication = Replication(self.store, clock)
        if self.store.empty:
            self._fill()
        else:
            self.store.create_tables(self.schema)
            self._behaviour.logins.complete()
            record_types.add_missing(self.schema, self.store, self._behaviour.now(), self.user_id)

    def _new_behaviour(self) -> Behaviour:
        return Behaviour(self.schema, self.store, self.clock, self._declared, self.switches)

    @property
    def lock(self) -> Any:
        """The lock that all calls take; hold it to do several things as one."""
        return self.store.lock

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing: what is written inside is undone if an error leaves the block."""
        return self.store.transaction()

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def reset(self) -> None:
        """Back to the seed, metadata too."""
        with self.store.lock:
            dropped, self.schema = self.schema, extend(standard_schema(), self._declared)
            self._behaviour = self._new_behaviour()
            self.metadata_changed_at = self.clock.now()
            if not self.store.restore():
                self.store.drop_rows(dropped)
                self._fill()

    def _fill(self) -> None:
        from reverse_sf.simulator.salesforce import seed  # noqa: PLC0415 - it needs this module

        with self.store.transaction():
            self.store.create_tables(self.schema)
            seed.fill(self, self._behaviour.around, seed=self._seed, records=self._records)
            self._behaviour.logins.complete()
            self._behaviour.last_activity.fill()
            record_types.add_missing(self.schema, self.store, stamp(BEGINNING), self.user_id)
        self.store.keep()

    @property
    def rules(self) -> Rules:
        """The org's validation rules, duplicate rules, assignment rules and flows."""
        return self._behaviour.rules

    # Metadata

    def describe_global(self, *, version: str = DEFAULT_VERSION) -> dict[str, Any]:
        """The answer of ``/sobjects``."""
        return describe_global(self.schema, version)

    def describe(
        self, name: str, *, version: str = DEFAULT_VERSION, instance_url: str = ""
    ) -> dict[str, Any]:
        """The answer of ``/sobjects/X/describe``.

        Raises:
            ApiFault: NOT_FOUND.
        """
        with self.store.lock:
            one = self.schema.get(name)
            types = record_types.described(one, self.store)
            return describe_object(
                self.schema,
                one,
                version=version,
                record_types=types,
                instance_url=instance_url,
            )

    def declare(self, declarations: Mapping[str, Any]) -> None:
        """Add objects, fields, picklists and rules while the org runs, as an administrator does.

        Args:
            declarations: what a declaration file holds, see ``declaration.py`` and ``rules.py``.

        Raises:
            ControlError: a declaration cannot be read; nothing has changed then.
        """
        with self.store.lock:
            extended = extend(self.schema, declarations)
            Rules(extended, self.store, declarations)
            for one in extended:
                for field in one.fields:
                    field_sql(extended, one, field, "s")
            self.store.create_tables(extended)
            for one in extended:
                if one is not self.schema.find(one.name):
                    self.schema.replace(one)
            for name, body in declarations.get("objects", {}).items():
                self.rules.declare(name, body)
            record_types.add_missing(self.schema, self.store, self._behaviour.now(), self.user_id)
            self._metadata_changed()

    def remove_field(self, sobject: str, field: str) -> None:
        """Take a field away, or hide it from API users, which looks the same.

        Raises:
            ControlError: there is no such field.
        """
        with self.store.lock:
            self.schema.remove_field(sobject, field)
            self._metadata_changed()

    def alter_field(self, sobject: str, field: str, **changes: Any) -> None:
        """Change attributes of a field, such as ``length`` or ``nillable``.

        Raises:
            ControlError: there is no such field, or a field has no such attribute.
        """
        with self.store.lock:
            self.schema.alter_field(sobject, field, **changes)
            self._metadata_changed()

    def set_choice(self, sobject: str, field: str, value: str, *, active: bool) -> None:
        """Switch a picklist value on or off, adding it where it is new.

        Raises:
            ControlError: there is no such field.
        """
        with self.store.lock:
            self.schema.set_choice(sobject, field, value, active=active)
            self._metadata_changed()

    def _metadata_changed(self) -> None:
        self.metadata_changed_at = self.clock.now()

    # Queries

    def query(
        self,
        soql: str,
        *,
        all_rows: bool = False,
        user_id: str | None = None,
        version: str = DEFAULT_VERSION,
    ) -> QueryResult:
        """Answer a REST query.

        Raises:
            ApiFault: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE and others.
        """
        with self.store.lock:
            compiled = self._compiled(soql, all_rows=all_rows, user_id=user_id)
            return run(self.store, compiled, version)

    def query_rows(
        self, soql: str, *, all_rows: bool = False, user_id: str | None = None
    ) -> tuple[list[str], Iterator[Sequence[str]]]:
        """Answer a Bulk query: the header, and rows of CSV text, null as empty text.

        Raises:
            ApiFault: as :meth:`query`, and FEATURENOTENABLED for what Bulk refuses.
        """
        with self.store.lock:
            compiled = self._compiled(soql, all_rows=all_rows, user_id=user_id)
            return run_flat(self.store, compiled)

    def _compiled(self, soql: str, *, all_rows: bool, user_id: str | None) -> Compiled:
        if all_rows:
            self._behaviour.removal.expire()
        user = user_id or self.user_id
        context = Context(self.schema, self.clock.now(), self._zone(user), all_rows, user)
        return compile_query(parse(soql), context)

    def _zone(self, user_id: str) -> tzinfo:
        found = self.store.rows('SELECT "TimeZoneSidKey" FROM "User" WHERE "Id" = ?', (user_id,))
        name = found[0][0] if found else None
        if name in {None, "GMT", "UTC"}:
            return timezone.utc
        try:
            return ZoneInfo(name)
        except ZoneInfoNotFoundError:
            return timezone.utc

    # Single records

    def retrieve(
        self,
        sobject: str,
        record_id: str,
        fields: Iterable[str] | None = None,
        *,
        version: str = DEFAULT_VERSION,
    ) -> dict[str, Any]:
        """One record in REST shape; all fields where none are named.

        Raises:
            ApiFault: NOT_FOUND, ENTITY_IS_DELETED, or INVALID_FIELD for an unknown field.
        """
        with self.store.lock:
            one = self.schema.get(sobject)
            found = self._living(one, record_id)
            wanted = [field.name for field in one.fields] if fields is None else list(fields)
            if "Id" not in wanted:
                wanted.append("Id")
            paths = ", ".join(dict.fromkeys(wanted))
            soql = f"SELECT {paths} FROM {one.name} WHERE Id = '{found}'"
            return next(self.query(soql, version=version).rows)

    def find_by_external_id(self, sobject: str, field: str, value: Any) -> list[str]:
        """Ids of the records, not deleted, that hold the value in an external id or lookup field.

        Raises:
            ApiFault: the field does not exist or is no such field (NOT_FOUND).
        """
        with self.store.lock:
            one = self.schema.get(sobject)
            found = one.find(field)
            if found is None or not (found.external_id or found.id_lookup):
                raise ApiFault(
                    "NOT_FOUND",
                    "Provided external ID field does not exist or is not accessible: " + field,
                    status=404,
                )
            stored = stored_value(found, value)
            if stored is None:
                return []
            return self._behaviour.validation.ids_by(one, found, stored)

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

    def _known(self, one: SObject, record_id: str) -> str:
        """The 18-character Id of a record that exists, deleted or not."""
        found = long_id(record_id)
        if found is None or not found.startswith(one.prefix):
            raise not_found()
        if not self.store.rows(f'SELECT 1 FROM "{one.name}" WHERE "Id" = ?', (found,)):
            raise not_found()
        return found

    def _living(self, one: SObject, record_id: str) -> str:
        """The 18-character Id of a record that is not deleted."""
        found = self._known(one, record_id)
        if one.has("IsDeleted"):
            sql = f'SELECT "IsDeleted" FROM "{one.name}" WHERE "Id" = ?'
            if self.store.rows(sql, (found,))[0][0]:
                raise entity_deleted()
        return found

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

    def rows(self, sobject: str) -> list[dict[str, Any]]:
        """All rows of an object as stored, deleted ones with their mark."""
        with self.store.lock:
            self._behaviour.removal.expire()
            one = self.schema.typed(sobject)
            fields = [field for field in one.fields if field.type != "address"]
            listed = ", ".join(field_sql(self.schema, one, field, "s") for field in fields)
            sql = f'SELECT {listed} FROM "{one.name}" AS s ORDER BY s.rowid'
            converters = [(field.name, rest_value(field)) for field in fields]
            return [
                {
                    name: convert(value) if convert else value
                    for (name, convert), value in zip(converters, row, strict=True)
                }
                for row in self.store.rows(sql)
            ]

    def count(self, sobject: str) -> int:
        """How many records, not deleted, an object has (``/limits/recordCount``)."""
        with self.store.lock:
            one = self.schema.typed(sobject)
            alive = 'WHERE "IsDeleted" = 0' if one.has("IsDeleted") else ""
            return int(self.store.rows(f'SELECT COUNT(*) FROM "{one.name}" {alive}')[0][0])

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
