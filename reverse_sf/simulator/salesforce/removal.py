"""How records go and come back: recycle bin, undelete, purge, and the end of the bin's 15 days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.activities import ACTIVITIES, LastActivity, settle_account
from reverse_sf.simulator.salesforce.instants import parse_instant, stamp
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.stamps import AUDIT_FIELDS, stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reverse_sf.simulator.salesforce.metadata import Relation, Schema, SObject
    from reverse_sf.simulator.salesforce.store import Store
    from reverse_sf.simulator.salesforce.surroundings import Surroundings

BIN_DAYS = 15
"""A deleted record is kept so long (Apex Developer Guide, "Restoring Deleted Records")."""


class Removal:
    """Deletes and restores rows; runs inside the caller's transaction.

    Args:
        now: the stamp of a write at this moment.
        check_unique: refuses a record that comes back where another has taken its unique value.
        around: the org's settings.
    """

    def __init__(
        self,
        schema: Schema,
        store: Store,
        now: Callable[[], str],
        check_unique: Callable[[SObject, str, Mapping[str, Any]], None],
        around: Surroundings,
    ) -> None:
        self._schema = schema
        self._store = store
        self._now = now
        self._check_unique = check_unique
        self._around = around
        self._last_activity = LastActivity(schema, store)

    def delete(self, one: SObject, record_id: str, user: str, *, cause: str | None = None) -> None:
        """Move a record to the recycle bin, its cascading children with it.

        Lookups that do not cascade are cleared, without a new stamp on the child.

        Raises:
            ApiFault: the object cannot be deleted, or a child forbids it.
        """
        if one.traits.get("deletable") is False:
            raise ApiFault(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {one.name} is not deletable"
            )
        now = self._now()
        for relation in self._schema.relations(one.name):
            self._follow_delete(relation, record_id, user, cause or record_id)
        self._store.log_deleted(one.name, record_id, now, cause)
        if not one.has("IsDeleted"):
            self._store.execute(f'DELETE FROM "{one.name}" WHERE "Id" = ?', (record_id,))
            return
        before = self._store.row(one, record_id) if one.name in ACTIVITIES else None
        changes = {"IsDeleted": 1, **stamps(now, user, created=False)}
        self._store.update(one, record_id, {k: v for k, v in changes.items() if one.has(k)})
        self._last_activity.follow(one, before, None)
        until = stamp(parse_instant(now) + timedelta(days=BIN_DAYS))
        self._store.put_into_bin(one.name, record_id, until)

    def _follow_delete(self, relation: Relation, parent: str, user: str, cause: str) -> None:
        child = self._schema.typed(relation.child)
        field = relation.field
        if not field.stored or field.name in {"MasterRecordId", *AUDIT_FIELDS}:
            return
        alive = ' AND "IsDeleted" = 0' if child.has("IsDeleted") else ""
        sql = f'SELECT "Id" FROM "{child.name}" WHERE "{field.name}" = ?{alive}'
        for (child_id,) in self._store.rows(sql, (parent,)):
            if field.restricts:
                raise ApiFault(
                    "DELETE_FAILED",
                    "Your attempt to delete the record could not be completed because it is "
                    f"associated with the following {child.plural.lower()}: {child_id[:15]}",
                )
            if field.cascades and not self._stays(child, child_id, field.name):
                self.delete(child, child_id, user, cause=cause)
            elif field.updateable and field.nillable:
                self._store.update(child, child_id, {field.name: None})
                settle_account(self._store, child, child_id, self._around)
                self._store.log_unlinked(child.name, child_id, field.name, parent)

    def _stays(self, child: SObject, child_id: str, name: str) -> bool:
        """Whether an activity outlives the record because it belongs to another one as well."""
        if child.name not in ACTIVITIES or not self._around.switches["shared_activities_stay"]:
            return False
        row = self._store.row(child, child_id) or {}
        other = self._around.row(row.get("WhatId" if name == "WhoId" else "WhoId"))
        return other is not None and not other.get("IsDeleted")

    def undelete(self, one: SObject, record_id: str, user: str) -> None:
        """Take a record and what its deletion took along out of the recycle bin.

        A merge's loser comes back as well, without the children that the winner has got; lookups
        to the record are restored where nobody has filled them since (Apex Developer Guide,
        "Restoring Deleted Records").

        Raises:
            ApiFault: it is not in the recycle bin, or another record has its unique value now.
        """
        row = self._store.row(one, record_id) or {}
        if not row.get("IsDeleted"):
            raise ApiFault("UNDELETE_FAILED", "Entity is not in the recycle bin")
        now = self._now()
        for name, each in self._taken_along(one, record_id):
            entity = self._schema.typed(name)
            self._check_unique(entity, each, self._store.row(entity, each) or {})
            changes = {"IsDeleted": 0, "MasterRecordId": None, **stamps(now, user, created=False)}
            self._store.update(entity, each, {k: v for k, v in changes.items() if entity.has(k)})
            self._last_activity.follow(entity, None, self._store.row(entity, each))
            self._relink(each)
            self._store.take_from_bin(each)

    def _taken_along(self, one: SObject, record_id: str) -> list[tuple[str, str]]:
        taken = self._store.rows(
            'SELECT object, id FROM "_deleted" WHERE id = ? OR cause = ?', (record_id, record_id)
        )
        return [(row[0], row[1]) for row in taken] or [(one.name, record_id)]

    def _relink(self, parent: str) -> None:
        for name, child_id, field in self._store.unlinked_from(parent):
            child = self._schema.typed(name)
            row = self._store.row(child, child_id)
            if row is not None and child.has(field) and row[field] is None:
                self._store.update(child, child_id, {field: parent})
                settle_account(self._store, child, child_id, self._around)

    def purge(self, one: SObject, record_id: str | None) -> int:
        """Remove deleted rows for good, with what their deletion took along.

        The delete log keeps them.
        """
        if not one.has("IsDeleted"):
            return 0
        sql = f'SELECT "Id" FROM "{one.name}" WHERE "IsDeleted" = 1'
        if record_id is None:
            chosen = [row[0] for row in self._store.rows(sql)]
        else:
            chosen = [row[0] for row in self._store.rows(f'{sql} AND "Id" = ?', (record_id,))]
        return sum(self._remove(one, each) for each in chosen)

    def _remove(self, one: SObject, record_id: str) -> int:
        gone = 0
        for name, each in self._taken_along(one, record_id):
            entity = self._schema.typed(name)
            if entity.has("IsDeleted"):
                sql = f'DELETE FROM "{entity.name}" WHERE "Id" = ? AND "IsDeleted" = 1'
                gone += self._store.execute(sql, (each,))
            self._store.forget_bin(each)
        return gone

    def expire(self) -> None:
        """Remove what has been in the recycle bin for too long."""
        for one, record_id in list(self._expired()):
            self._remove(one, record_id)

    def _expired(self) -> Iterator[tuple[SObject, str]]:
        for name, record_id in self._store.expired(self._now()):
            one = self._schema.find(name)
            if one is not None:
                yield one, record_id
