"""The org's metadata: how it is described, and what an administrator changes while the org runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce import record_types
from reverse_sf.simulator.salesforce.declaration import extend
from reverse_sf.simulator.salesforce.describe import describe_global, describe_object
from reverse_sf.simulator.salesforce.ground import Ground
from reverse_sf.simulator.salesforce.result import DEFAULT_VERSION
from reverse_sf.simulator.salesforce.rules import Rules
from reverse_sf.simulator.salesforce.soql.scope import field_sql

if TYPE_CHECKING:
    from collections.abc import Mapping


class Administration(Ground):
    """The part of the org that knows and changes its metadata."""

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
