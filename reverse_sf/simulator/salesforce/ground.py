"""What an org stands on: metadata, rows and clock, filled from a seed and put back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.oddities import BEGINNING
from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce import record_types
from reverse_sf.simulator.salesforce import seed as seeds
from reverse_sf.simulator.salesforce.behaviour import Behaviour
from reverse_sf.simulator.salesforce.declaration import (
    extend,
    load_declarations,
    standard_schema,
)
from reverse_sf.simulator.salesforce.instants import stamp
from reverse_sf.simulator.salesforce.refusal import entity_deleted, not_found
from reverse_sf.simulator.salesforce.replication import Replication
from reverse_sf.simulator.salesforce.settings import SWITCHES
from reverse_sf.simulator.salesforce.store import Store
from reverse_sf.simulator.salesforce.values import long_id
from reverse_sf.simulator.switches import Switches

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.metadata import SObject
    from reverse_sf.simulator.salesforce.rules import Rules

ORGANIZATION_ID = salesforce_id("00D", 1)
INTEGRATION_USER = 14
"""Index of the user that API clients act as."""


class Ground:
    """The state of an org.

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
        with self.store.transaction():
            self.store.create_tables(self.schema)
            seeds.fill(self, self._behaviour.around, seed=self._seed, records=self._records)
            self._behaviour.logins.complete()
            self._behaviour.last_activity.fill()
            record_types.add_missing(self.schema, self.store, stamp(BEGINNING), self.user_id)
        self.store.keep()

    @property
    def rules(self) -> Rules:
        """The org's validation rules, duplicate rules, assignment rules and flows."""
        return self._behaviour.rules

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
