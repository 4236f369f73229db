"""Compiled queries run: rows as nested REST records, or as flat CSV text for Bulk."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.metadata import NUMBER_TYPES, Field
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reverse_sf.simulator.salesforce.metadata import Relation
    from reverse_sf.simulator.salesforce.soql.compile import Compiled, Output
    from reverse_sf.simulator.salesforce.soql.scope import Column
    from reverse_sf.simulator.salesforce.store import Store

_CHUNK = 500
_FLAT_CHUNK = 5000
DEFAULT_VERSION = "59.0"


@dataclass
class QueryResult:
    """The answer to a REST query.

    Attributes:
        total_size: rows that the whole query gives; the answer of ``SELECT COUNT()``.
        rows: the records, to be taken once; values are read when they are taken, as Salesforce
            does with the later pages of a query locator.
        columns: ``columnMetadata`` of the ``columns=true`` variant of the call.
    """

    total_size: int
    rows: Iterator[dict[str, Any]]
    columns: list[dict[str, Any]] = field(default_factory=list)


def run(store: Store, compiled: Compiled, version: str = DEFAULT_VERSION) -> QueryResult:
    """Run for REST: count and order are fixed at once, values are read page by page."""
    columns = [_column_metadata(one) for one in compiled.outputs]
    if compiled.query.is_count:
        counted = f"SELECT COUNT(*) FROM (SELECT 1 {compiled.tail_sql})"
        total = store.rows(counted, compiled.parameters)[0][0]
        return QueryResult(int(total), iter(()), columns)
    if compiled.aggregate:
        records = _aggregates(store, compiled)
        return QueryResult(len(records), iter(records), columns)
    rowids = _rowids(store, compiled)
    return QueryResult(len(rowids), _records(store, compiled, rowids, version), columns)


def run_flat(store: Store, compiled: Compiled) -> tuple[list[str], Iterator[Sequence[str]]]:
    """Run for Bulk: the header, and rows of CSV text where null is empty.

    Raises:
        ApiFault: a query that Bulk refuses (Bulk API 2.0 Guide, "Create a Query Job").
    """
    if compiled.aggregate or compiled.query.is_count or compiled.query.grouped:
        raise ApiFault(
            "FEATURENOTENABLED", "Aggregate functions and GROUP BY not supported in Bulk Query"
        )
    if compiled.query.offset:
        raise ApiFault("FEATURENOTENABLED", "OFFSET not supported in Bulk Query")
    if compiled.children:
        raise ApiFault("FEATURENOTENABLED", "Aggregate Relationships not supported in Bulk Query")
    if any(one.column.field.type == "address" for one in compiled.outputs):
        raise ApiFault("FEATURENOTENABLED", "Selecting compound data not supported in Bulk Query")
    header = [".".join(one.key) for one in compiled.outputs]
    listed = ", ".join(_flat_sql(one.column) for one in compiled.outputs)
    rowids = _rowids(store, compiled)
    pages = _pages(store, compiled, listed, rowids, _FLAT_CHUNK)
    return header, (row[1:] for page in pages for row in page)


def rest_value(one: Field) -> Callable[[Any], Any] | None:
    """How a stored value of the field looks in JSON; None where it is as stored."""
    if one.type == "boolean":
        return _boolean
    if one.type == "datetime":
        return rest_instant
    return None


def rest_instant(value: str | None) -> str | None:
    """``2026-05-06T11:56:44.000Z`` as REST writes it: with ``+0000``."""
    return None if value is None else value[:-1] + "+0000"


def rest_address(parts: Sequence[Any], names: Sequence[str]) -> dict[str, Any] | None:
    """A compound address; None where all parts are blank."""
    if all(part is None for part in parts):
        return None
    found = dict(zip(names, parts, strict=True))
    return {name: found[name] for name in sorted(found)}


def address_keys(one: Field, parts: Sequence[str]) -> list[str]:
    """JSON keys of a compound address: ``BillingPostalCode`` becomes ``postalCode``."""
    prefix = one.name.removesuffix("Address")
    return [part.removeprefix(prefix)[:1].lower() + part.removeprefix(prefix)[1:] for part in parts]


def attributes(object_name: str, record_id: str, version: str) -> dict[str, str]:
    """The ``attributes`` of a record."""
    return {
        "type": object_name,
        "url": f"/services/data/v{version}/sobjects/{object_name}/{record_id}",
    }


def _boolean(value: Any) -> Any:
    return None if value is None else bool(value)


def _flat_sql(column: Column) -> str:
    kind = column.field.type
    if kind == "boolean":
        return f"(CASE {column.sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE '' END)"
    if kind in NUMBER_TYPES | {"int"}:
        return f"IFNULL(CAST({column.sql} AS TEXT), '')"
    return f"IFNULL({column.sql}, '')"


def _aggregates(store: Store, compiled: Compiled) -> list[dict[str, Any]]:
    listed = ", ".join(one.column.sql for one in compiled.outputs)
    converters = [rest_value(one.column.field) for one in compiled.outputs]
    records = []
    for row in store.rows(f"SELECT {listed} {compiled.tail_sql}", compiled.parameters):
        record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
        for one, convert, value in zip(compiled.outputs, converters, row, strict=True):
            record[one.key[0]] = convert(value) if convert else value
        records.append(record)
    return records


def _rowids(store: Store, compiled: Compiled) -> array[int]:
    """The rows of the answer, fixed at once: later edits neither repeat nor lose one."""
    sql = f"SELECT {compiled.root}.rowid {compiled.tail_sql}"
    return array("q", (row[0] for row in store.rows(sql, compiled.parameters)))


def _pages(
    store: Store, compiled: Compiled, listed: str, rowids: Sequence[int], size: int
) -> Iterator[list[tuple[Any, ...]]]:
    """``rowid, …`` of the rows, page by page, in the order asked for; purged rows are left out."""
    for start in range(0, len(rowids), size):
        wanted = rowids[start : start + size]
        root, marks = compiled.root, ", ".join("?" * len(wanted))
        source = f"FROM {compiled.from_sql} WHERE {root}.rowid IN ({marks})"
        rows = store.rows(f"SELECT {root}.rowid, {listed} {source}", wanted)
        if not compiled.query.ordered:
            yield rows
            continue
        found = {row[0]: row for row in rows}
        yield [found[rowid] for rowid in wanted if rowid in found]


def _records(
    store: Store, compiled: Compiled, rowids: Sequence[int], version: str
) -> Iterator[dict[str, Any]]:
    shape = _Shape(compiled, version)
    for page in _pages(store, compiled, shape.sql, rowids, _CHUNK):
        children = [
            _children(store, child, relation, [row[1] for row in page], version)
            for _, relation, child in compiled.children
        ]
        for row in page:
            record = shape.record(row)
            for (name, _, _), by_parent in zip(compiled.children, children, strict=True):
                record[name] = by_parent.get(row[1])
            yield record


def _children(
    store: Store, compiled: Compiled, relation: Relation, parents: list[str], version: str
) -> dict[str, dict[str, Any]]:
    """Parent Id to the result object of its children."""
    link = f'{compiled.root}."{relation.field.name}"'
    marks = ", ".join("?" * len(parents))
    limit, offset = compiled.query.limit, compiled.query.offset
    tail = compiled.tail_sql
    if limit is not None or offset:
        tail = tail[: tail.rindex(" LIMIT ")]
    where = f"FROM {compiled.from_sql} WHERE "
    narrowed = f"{where}{link} IN ({marks}) AND {tail[len(where) :]}"
    sql = f"SELECT {compiled.root}.rowid, {link} {narrowed}"
    by_parent: dict[str, list[int]] = {}
    for rowid, parent in store.rows(sql, [*parents, *compiled.parameters]):
        by_parent.setdefault(parent, []).append(rowid)
    results = {}
    for parent, rowids in by_parent.items():
        kept = rowids[offset:] if limit is None else rowids[offset : offset + limit]
        if kept:
            records = list(_records(store, compiled, kept, version))
            results[parent] = {"totalSize": len(kept), "done": True, "records": records}
    return results


class _Shape:
    """Turns a row of ``rowid, Id, …`` into a nested record."""

    def __init__(self, compiled: Compiled, version: str) -> None:
        self.compiled = compiled
        self.version = version
        expressions = [f'{compiled.root}."Id"']
        self.parents: dict[tuple[str, ...], int] = {}
        for path, (id_sql, type_sql) in compiled.parents.items():
            self.parents[path] = len(expressions) + 1
            expressions += [id_sql, type_sql]
        self.outputs: list[tuple[Output, int, Any]] = []
        for one in compiled.outputs:
            self.outputs.append((one, len(expressions) + 1, rest_value(one.column.field)))
            expressions += one.column.parts or [one.column.sql]
        self.sql = ", ".join(expressions)
        self.flat = not self.parents and not any(o.column.parts for o, _, _ in self.outputs)
        self.type = compiled.entity.name

    def record(self, row: Sequence[Any]) -> dict[str, Any]:
        """The REST record."""
        record: dict[str, Any] = {"attributes": attributes(self.type, row[1], self.version)}
        if self.flat:
            for one, place, convert in self.outputs:
                record[one.key[-1]] = convert(row[place]) if convert else row[place]
            return record
        for one, place, convert in self.outputs:
            inside = self._parent(record, one.column.parents, row)
            if inside is None:
                continue
            if one.column.parts:
                inside[one.key[-1]] = self._address(one, row, place)
            else:
                inside[one.key[-1]] = convert(row[place]) if convert else row[place]
        return record

    def _parent(
        self, record: dict[str, Any], path: tuple[str, ...], row: Sequence[Any]
    ) -> dict[str, Any] | None:
        """The nested record of a parent path, made on the way; None where a lookup is empty."""
        inside: dict[str, Any] = record
        for depth, name in enumerate(path, start=1):
            at = self.parents[path[:depth]]
            if row[at] is None:
                inside.setdefault(name, None)
                return None
            if name not in inside:
                inside[name] = {"attributes": self._parent_attributes(row[at + 1], row[at])}
            inside = inside[name]
        return inside

    def _parent_attributes(self, type_name: str, record_id: str) -> dict[str, str]:
        described = attributes(type_name, record_id, self.version)
        if type_name == "Name":
            # A polymorphic parent shows as Name; its address is the record's own.
            prefix = self.compiled.scope.schema.by_prefix(record_id[:3])
            url = attributes(prefix.name if prefix else "Name", record_id, self.version)["url"]
            described["url"] = url
        return described

    def _address(self, one: Output, row: Sequence[Any], place: int) -> dict[str, Any] | None:
        values = row[place : place + len(one.column.parts)]
        names = [part.rpartition('"')[0].rpartition('"')[2] for part in one.column.parts]
        return rest_address(values, address_keys(one.column.field, names))


def _column_metadata(one: Output) -> dict[str, Any]:
    described = one.column.field
    numeric = described.type in NUMBER_TYPES | {"int"}
    return {
        "aggregate": False,
        "apexType": None,
        "booleanType": described.type == "boolean",
        "columnName": one.key[-1],
        "custom": described.custom,
        "displayName": one.key[-1],
        "foreignKeyName": one.column.parents[-1] if one.column.parents else None,
        "insertable": described.createable,
        "joinColumns": [],
        "numberType": numeric,
        "textType": described.is_text or described.type in {"id", "reference"},
        "updatable": described.updateable,
    }
