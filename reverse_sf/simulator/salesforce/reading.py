"""Reading an org's records: by query, by Id, by external id, and all of them as they are stored."""

from __future__ import annotations

from datetime import timezone, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reverse_sf.simulator.salesforce.ground import Ground
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.result import (
    DEFAULT_VERSION,
    QueryResult,
    rest_value,
    run,
    run_flat,
)
from reverse_sf.simulator.salesforce.soql.compile import Compiled, Context, compile_query
from reverse_sf.simulator.salesforce.soql.parser import parse
from reverse_sf.simulator.salesforce.soql.scope import field_sql
from reverse_sf.simulator.salesforce.values import stored_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Reading(Ground):
    """The part of the org that answers with records."""

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
