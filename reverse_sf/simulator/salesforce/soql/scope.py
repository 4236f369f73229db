"""Names of one SELECT resolved to SQL: fields, parent paths, and the joins they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_sf.simulator.salesforce.formula import formula_sql
from reverse_sf.simulator.salesforce.metadata import Field, SObject
from reverse_sf.simulator.salesforce.soql.refusals import no_column, no_entity, no_relationship

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.salesforce.metadata import Schema
    from reverse_sf.simulator.salesforce.soql.syntax import Path, Query

MAX_PARENTS = 5
_TYPE_OF_POLYMORPHIC = Field("Type", "Type", "string", length=40)


@dataclass(frozen=True)
class Column:
    """A field of the statement as SQL."""

    sql: str
    field: Field
    entity: SObject
    parents: tuple[str, ...] = ()
    """Relationship names, as the schema spells them."""
    parts: tuple[str, ...] = ()
    """SQL of a compound address's parts."""


@dataclass(frozen=True)
class Source:
    """What a relationship path stands for: one joined table, or one of each possible parent."""

    tables: tuple[tuple[SObject, str], ...]
    polymorphic: bool = False

    @property
    def id_sql(self) -> str:
        """SQL of the parent's Id."""
        return _first_of(f'{alias}."Id"' for _, alias in self.tables)

    @property
    def type_sql(self) -> str:
        """SQL of the parent's object name."""
        if not self.polymorphic:
            return f"'{self.tables[0][0].name}'"
        cases = " ".join(
            f"WHEN {alias}.\"Id\" IS NOT NULL THEN '{one.name}'" for one, alias in self.tables
        )
        return f"(CASE {cases} END)"


class Scope:
    """The tables of one SELECT.

    Args:
        number: keeps the SQL aliases of nested statements apart.
    """

    def __init__(self, schema: Schema, query: Query, entity: SObject, number: int = 0) -> None:
        self.schema = schema
        self.query = query
        self.entity = entity
        self._number = number
        self.root = f"s{number}_0"
        self._joins: list[str] = []
        self._sources: dict[tuple[str, ...], Source] = {(): Source(((entity, self.root),))}
        self._aliases: dict[str, tuple[str, ...]] = {entity.name.lower(): ()}
        if query.alias:
            self._aliases[query.alias.lower()] = ()
        for path, alias, position in query.others:
            self._add_alias(path, alias, position)

    @property
    def from_sql(self) -> str:
        """The FROM clause with all joins that resolved names need so far."""
        return " ".join([f'"{self.entity.name}" AS {self.root}', *self._joins])

    def column(self, path: Path) -> Column:
        """The field that a path means.

        Raises:
            ApiFault: INVALID_FIELD.
        """
        parts = self._absolute(path.parts)
        source = self._source(parts[:-1], path.position)
        names = self._spelled(parts[:-1])
        name = parts[-1]
        if source.polymorphic and name.lower() == "type":
            entity = source.tables[0][0]
            return Column(source.type_sql, _TYPE_OF_POLYMORPHIC, entity, names)
        found = [(one.find(name), one, alias) for one, alias in source.tables]
        known = [(field, one, alias) for field, one, alias in found if field is not None]
        if not known:
            entity_name = "Name" if source.polymorphic else source.tables[0][0].name
            raise no_column(self.query.text, path.position, name, entity_name)
        field, entity, alias = known[0]
        if field.type == "address":
            members = [one for one in entity.fields if one.compound == field.name]
            columns = tuple(f'{alias}."{one.name}"' for one in members)
            return Column("NULL", field, entity, names, columns)
        sql = _first_of(field_sql(self.schema, e, f, a) for f, e, a in known)
        return Column(sql, field, entity, names)

    def source(self, parents: tuple[str, ...]) -> Source:
        """The table behind a path that :meth:`column` has resolved."""
        return self._sources[tuple(one.lower() for one in parents)]

    def _absolute(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """The path without a leading alias of the FROM clause."""
        prefix = self._aliases.get(parts[0].lower())
        if len(parts) == 1 or prefix is None:
            return parts
        if (
            self.entity.relationships.get(parts[0].lower())
            and parts[0].lower() != (self.query.alias or "").lower()
        ):
            return parts
        return (*prefix, *parts[1:])

    def _add_alias(self, path: str, alias: str, position: int) -> None:
        parts = tuple(path.split("."))
        prefix = self._aliases.get(parts[0].lower())
        if prefix is None or len(parts) == 1:
            raise no_entity(self.query.text, position, path)
        absolute = (*prefix, *parts[1:])
        self._source(absolute, position)
        self._aliases[alias.lower()] = absolute

    def _source(self, parents: tuple[str, ...], position: int) -> Source:
        key = tuple(one.lower() for one in parents)
        known = self._sources.get(key)
        if known is not None:
            return known
        if len(parents) > MAX_PARENTS:
            raise no_relationship(self.query.text, position, parents[-1])
        child = self._source(parents[:-1], position)
        behind = [
            (one, alias, one.relationships[key[-1]])
            for one, alias in child.tables
            if key[-1] in one.relationships
        ]
        if not behind:
            raise no_relationship(self.query.text, position, parents[-1])
        _, alias, field = behind[0]
        targets = [self.schema.find(name) for name in field.refers_to]
        tables = [(one, self._join(one, alias, field)) for one in targets if one is not None]
        if not tables:
            raise no_relationship(self.query.text, position, parents[-1])
        source = Source(tuple(tables), polymorphic=field.polymorphic)
        self._sources[key] = source
        return source

    def _join(self, parent: SObject, child_alias: str, field: Field) -> str:
        alias = f"s{self._number}_{len(self._joins) + 1}"
        self._joins.append(
            f'LEFT JOIN "{parent.name}" AS {alias} ON {alias}."Id" = {child_alias}."{field.name}"'
        )
        return alias

    def _spelled(self, parents: tuple[str, ...]) -> tuple[str, ...]:
        """The relationship names as the schema spells them."""
        names: list[str] = []
        for depth, name in enumerate(parents):
            source = self.source(parents[:depth])
            fields = (one.relationships.get(name.lower()) for one, _ in source.tables)
            names.append(next(one.relationship or name for one in fields if one is not None))
        return tuple(names)


def field_sql(schema: Schema, entity: SObject, field: Field, alias: str) -> str:
    """SQL of a field of the table with that alias; a formula's own SQL."""
    if field.formula is not None:
        return formula_sql(field.formula, schema, entity, alias)
    return f'{alias}."{field.name}"'


def _first_of(expressions: Iterator[str]) -> str:
    listed = list(expressions)
    return listed[0] if len(listed) == 1 else f"COALESCE({', '.join(listed)})"
