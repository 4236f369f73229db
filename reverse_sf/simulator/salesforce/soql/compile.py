"""A SOQL tree compiled to SQLite statements, and the shape of the rows that they give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone, tzinfo
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.metadata import ID_TYPES, SObject
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.soql.conditions import Conditions
from reverse_sf.simulator.salesforce.soql.functions import (
    AGGREGATES,
    call_column,
    group_key,
)
from reverse_sf.simulator.salesforce.soql.refusals import (
    field_refused,
    malformed,
    no_child_relationship,
    no_entity,
    plain_malformed,
)
from reverse_sf.simulator.salesforce.soql.scope import Column, Scope
from reverse_sf.simulator.salesforce.soql.syntax import (
    AllFields,
    Call,
    Child,
    Ordering,
    Path,
    Query,
    SemiJoin,
)

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.metadata import Relation, Schema

MAX_OFFSET = 2000
MAX_FIELDS_LIMIT = 200


@dataclass(frozen=True)
class Context:
    """What a statement means depends on."""

    schema: Schema
    now: datetime
    zone: tzinfo = timezone.utc
    all_rows: bool = False
    user_id: str | None = None


@dataclass(frozen=True)
class Output:
    """One selected value: where it goes in the answer, and its SQL."""

    key: tuple[str, ...]
    column: Column


@dataclass
class Compiled:
    """A statement ready to run.

    Attributes:
        tail: the SQL from FROM to OFFSET, with its parameters.
        outputs: selected values; empty for ``SELECT COUNT()``.
        parents: relationship path to the SQL of the parent's Id and of its type.
        children: subqueries, each with the relationship it follows.
    """

    query: Query
    entity: SObject
    scope: Scope
    outputs: list[Output]
    tail_sql: str
    parameters: list[Any]
    parents: dict[tuple[str, ...], tuple[str, str]] = field(default_factory=dict)
    children: list[tuple[str, Relation, Compiled]] = field(default_factory=list)
    aggregate: bool = False

    @property
    def root(self) -> str:
        """SQL alias of the object's own table."""
        return self.scope.root

    @property
    def from_sql(self) -> str:
        """FROM with its joins."""
        return self.scope.from_sql


def compile_query(
    query: Query, context: Context, *, number: int = 0, child: SObject | None = None
) -> Compiled:
    """The statement as SQL.

    ``number`` keeps the aliases of nested statements apart; ``child`` is the object of a subquery,
    whose FROM names a relationship.

    Raises:
        ApiFault: INVALID_TYPE, INVALID_FIELD or MALFORMED_QUERY, in Salesforce's words.
    """
    return _Compiler(query, context, number, child).compiled()


class _Compiler:
    def __init__(self, query: Query, context: Context, number: int, child: SObject | None) -> None:
        self.query = query
        self.text = query.text
        self.context = context
        self.number = number
        self.nested = 0
        entity = child or context.schema.find(query.entity)
        if entity is None or entity.traits.get("queryable") is False:
            raise no_entity(self.text, query.entity_position, query.entity)
        self.entity = entity
        self.scope = Scope(context.schema, query, entity, number)
        self.aliases: dict[str, Column] = {}

    def compiled(self) -> Compiled:
        query = self.query
        if query.offset > MAX_OFFSET:
            raise ApiFault(
                "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}"
            )
        aggregate = bool(query.grouped) or any(
            isinstance(one, Call) and one.name in AGGREGATES for one in query.selected
        )
        children: list[tuple[str, Relation, Compiled]] = []
        outputs = [] if query.is_count else self.outputs(aggregate=aggregate, children=children)
        where, parameters = self.where()
        tail = self.grouping(parameters)
        if query.ordered and not query.is_count:
            tail.append("ORDER BY " + ", ".join(map(self.ordering, query.ordered)))
        if query.limit is not None or query.offset:
            tail.append(f"LIMIT {-1 if query.limit is None else query.limit}")
            tail.append(f"OFFSET {query.offset}")
        parents = {}
        for output in outputs:
            for depth in range(1, len(output.column.parents) + 1):
                path = output.column.parents[:depth]
                source = self.scope.source(path)
                name = "'Name'" if source.polymorphic else source.type_sql
                parents[path] = (source.id_sql, name)
        return Compiled(
            query,
            self.entity,
            self.scope,
            outputs,
            " ".join([f"FROM {self.scope.from_sql} WHERE {where}", *tail]),
            parameters,
            {} if aggregate else parents,
            children,
            aggregate and not query.is_count,
        )

    # SELECT

    def outputs(
        self, *, aggregate: bool, children: list[tuple[str, Relation, Compiled]]
    ) -> list[Output]:
        outputs: list[Output] = []
        unnamed = 0
        for one in self.query.selected:
            if isinstance(one, Child):
                children.append(self.child(one))
            elif isinstance(one, AllFields):
                outputs.extend(self.all_fields(one, aggregate=aggregate))
            elif isinstance(one, Call) and one.name in AGGREGATES:
                key = one.alias
                if key is None:
                    key, unnamed = f"expr{unnamed}", unnamed + 1
                column = call_column(self.scope, one)
                self.aliases[key.lower()] = column
                outputs.append(Output((key,), column))
            elif aggregate:
                outputs.append(self.grouped_output(one))
            else:
                outputs.append(self.plain_output(one))
        seen: set[tuple[str, ...]] = set()
        for output in outputs:
            folded = tuple(part.lower() for part in output.key)
            if folded in seen:
                name = ".".join(output.key)
                if aggregate:
                    raise plain_malformed(f"duplicate alias: {name}")
                raise ApiFault("INVALID_FIELD", f"duplicate field selected: {name}")
            seen.add(folded)
        return outputs

    def plain_output(self, one: Path | Call) -> Output:
        if isinstance(one, Path):
            if one.alias:
                message = "only aggregate expressions use field aliasing"
                raise malformed(self.text, one.position, message)
            column = self.scope.column(one)
            return Output((*column.parents, column.field.name), column)
        column = call_column(self.scope, one)
        if one.name != "TOLABEL":
            message = f"Field must be grouped or aggregated: {one.name}"
            raise malformed(self.text, one.position, message)
        key = (one.alias,) if one.alias else (*column.parents, column.field.name)
        return Output(key, column)

    def grouped_output(self, one: Path | Call) -> Output:
        wanted = group_key(one)
        if wanted not in {group_key(other) for other in self.query.grouped}:
            name = one.text if isinstance(one, Path) else one.name
            raise plain_malformed(f"Field must be grouped or aggregated: {name}")
        column = self.operand(one)
        name = one.alias or column.field.name
        if isinstance(one, Call) and not one.alias:
            name = f"expr{sum(isinstance(x, Call) for x in self.query.selected) - 1}"
        if one.alias:
            self.aliases[one.alias.lower()] = column
        return Output((name,), column)

    def all_fields(self, one: AllFields, *, aggregate: bool) -> list[Output]:
        limit = self.query.limit
        if one.which != "STANDARD" and (limit is None or limit > MAX_FIELDS_LIMIT):
            raise malformed(
                self.text,
                one.position,
                f"The SOQL FIELDS function must have a LIMIT of at most {MAX_FIELDS_LIMIT}",
            )
        if aggregate:
            raise malformed(
                self.text,
                one.position,
                "The SOQL FIELDS function is not supported with aggregate queries",
            )
        fields = [
            f
            for f in self.entity.fields
            if one.which == "ALL" or f.custom == (one.which == "CUSTOM")
        ]
        columns = (self.scope.column(Path((f.name,), one.position)) for f in fields)
        return [Output((column.field.name,), column) for column in columns]

    def child(self, one: Child) -> tuple[str, Relation, Compiled]:
        query = one.query
        relation = next(
            (
                each
                for each in self.context.schema.relations(self.entity.name)
                if (each.field.children or "").lower() == query.entity.lower()
            ),
            None,
        )
        if relation is None:
            raise no_child_relationship(self.text, query.entity_position, query.entity)
        if any(isinstance(each, Call) and each.name in AGGREGATES for each in query.selected):
            raise malformed(self.text, one.position, "unexpected token: aggregate in a subquery")
        entity = self.context.schema.typed(relation.child)
        compiled = compile_query(query, self.context, number=self.next_number(), child=entity)
        return relation.field.children or query.entity, relation, compiled

    def next_number(self) -> int:
        self.nested += 1
        return self.number * 20 + self.nested

    # WHERE

    def where(self) -> tuple[str, list[Any]]:
        tests: list[str] = []
        conditions = self.conditions(self.operand)
        if not self.context.all_rows:
            marks = [name for name in ("IsDeleted", "IsArchived") if self.entity.has(name)]
            tests.extend(f'{self.scope.root}."{name}" = 0' for name in marks)
        if self.query.scope:
            tests.append(self.scope_filter(self.query.scope, conditions.parameters))
        if self.query.where is not None:
            tests.append(conditions.sql(self.query.where))
        return " AND ".join(tests) or "1", conditions.parameters

    def conditions(self, column: Any) -> Conditions:
        return Conditions(
            self.text,
            column=column,
            semi_join=self.semi_join,
            now=self.context.now,
            zone=self.context.zone,
        )

    def scope_filter(self, name: str, parameters: list[Any]) -> str:
        if name.lower() == "everything":
            return "1"
        if name.lower() == "mine" and self.entity.has("OwnerId") and self.context.user_id:
            parameters.append(self.context.user_id)
            return f'{self.scope.root}."OwnerId" = ?'
        raise plain_malformed(f"unsupported scope: {name}")

    def operand(self, one: Path | Call) -> Column:
        if isinstance(one, Path):
            return self.scope.column(one)
        if one.name in AGGREGATES:
            raise malformed(self.text, one.position, f"unexpected token: '{one.name}'")
        return call_column(self.scope, one)

    def semi_join(self, one: SemiJoin, parameters: list[Any]) -> str:
        column = self.scope.column(one.operand)
        inner = one.query
        path = inner.selected[0]
        if len(inner.selected) != 1 or not isinstance(path, Path):
            message = "Semi join sub-selects must select exactly one field"
            raise malformed(self.text, one.position, message)
        if inner.limit is not None or inner.offset or inner.ordered or inner.grouped:
            message = "Semi join sub-selects do not support ORDER BY, LIMIT, OFFSET or GROUP BY"
            raise malformed(self.text, one.position, message)
        compiled = compile_query(inner, self.context, number=self.next_number())
        found = compiled.outputs[0].column
        if column.field.type not in ID_TYPES or found.field.type not in ID_TYPES:
            message = (
                f"Semi join sub-selects can only query id fields, cannot use: '{found.field.name}'"
            )
            raise malformed(self.text, one.position, message)
        parameters.extend(compiled.parameters)
        return f"{column.sql} IN (SELECT {found.sql} {compiled.tail_sql})"

    # GROUP BY, ORDER BY

    def grouping(self, parameters: list[Any]) -> list[str]:
        if not self.query.grouped:
            return []
        columns = []
        for one in self.query.grouped:
            column = self.operand(one)
            if isinstance(one, Path) and not column.field.groupable:
                raise field_refused(self.text, one.position, column.field.name, "grouped")
            columns.append(_sorting(column))
        clauses = [f"GROUP BY {', '.join(columns)}"]
        if self.query.having is not None:
            conditions = self.conditions(self.aggregated)
            clauses.append(f"HAVING {conditions.sql(self.query.having)}")
            parameters.extend(conditions.parameters)
        return clauses

    def aggregated(self, one: Path | Call) -> Column:
        """An operand of HAVING or of ORDER BY in an aggregate query."""
        if isinstance(one, Call) and one.name in AGGREGATES:
            return call_column(self.scope, one)
        if isinstance(one, Path) and one.text.lower() in self.aliases:
            return self.aliases[one.text.lower()]
        if group_key(one) not in {group_key(other) for other in self.query.grouped}:
            name = one.text if isinstance(one, Path) else one.name
            raise plain_malformed(f"Ordered field must be grouped or aggregated: {name}")
        return self.operand(one)

    def ordering(self, one: Ordering) -> str:
        grouped = self.query.grouped or self.aliases
        column = self.aggregated(one.operand) if grouped else self.operand(one.operand)
        if not column.field.sortable:
            raise field_refused(self.text, one.operand.position, column.field.name, "sorted")
        direction = " DESC" if one.descending else ""
        return f"{_sorting(column)}{direction} NULLS {'LAST' if one.nulls_last else 'FIRST'}"


def _sorting(column: Column) -> str:
    return f"{column.sql} COLLATE NOCASE" if column.field.is_text else column.sql
