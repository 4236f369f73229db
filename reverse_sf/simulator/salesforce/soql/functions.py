"""SOQL functions as columns: aggregates, date parts, ``toLabel``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reverse_sf.simulator.salesforce.metadata import Field
from reverse_sf.simulator.salesforce.soql.parser import AGGREGATES, DATE_PARTS
from reverse_sf.simulator.salesforce.soql.refusals import field_refused, malformed
from reverse_sf.simulator.salesforce.soql.scope import Column, Scope
from reverse_sf.simulator.salesforce.soql.syntax import Call, Path

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["AGGREGATES", "call_column", "group_key"]

GroupKey: TypeAlias = "tuple[str, str]"

_NUMBERS = frozenset({"int", "double", "currency", "percent"})
_DATE_SQL = {
    "CALENDAR_YEAR": "CAST(STRFTIME('%Y', {}) AS INTEGER)",
    "CALENDAR_QUARTER": "((CAST(STRFTIME('%m', {}) AS INTEGER) + 2) / 3)",
    "CALENDAR_MONTH": "CAST(STRFTIME('%m', {}) AS INTEGER)",
    "DAY_IN_MONTH": "CAST(STRFTIME('%d', {}) AS INTEGER)",
    "DAY_IN_WEEK": "(CAST(STRFTIME('%w', {}) AS INTEGER) + 1)",
    "DAY_IN_YEAR": "CAST(STRFTIME('%j', {}) AS INTEGER)",
    "DAY_ONLY": "SUBSTR({}, 1, 10)",
    "HOUR_IN_DAY": "CAST(STRFTIME('%H', {}) AS INTEGER)",
}
_INSTANT_ONLY = frozenset({"DAY_ONLY", "HOUR_IN_DAY"})


def group_key(one: Path | Call) -> GroupKey:
    """What makes two operands the same group."""
    if isinstance(one, Path):
        return "", one.text.lower()
    return one.name, one.argument.text.lower() if one.argument else ""


def call_column(scope: Scope, call: Call) -> Column:
    """The function's value as a column; its field says the type of the value.

    Raises:
        ApiFault: the function does not take a field of that type.
    """
    if call.argument is None:
        return Column("COUNT(*)", Field("expr", "count", "int"), scope.entity)
    column = scope.column(call.argument)
    if call.name in AGGREGATES:
        return _aggregate(scope, call, column)
    if call.name in DATE_PARTS:
        return _date_part(scope, call, column)
    return _label(scope, call, column)


def _aggregate(scope: Scope, call: Call, column: Column) -> Column:
    field = column.field
    wrong = not field.aggregatable or (call.name in {"SUM", "AVG"} and field.type not in _NUMBERS)
    if wrong and not (call.name == "COUNT" and field.filterable):
        raise field_refused(scope.query.text, call.position, field.name, "aggregated")
    sql = column.sql
    if field.is_text:
        sql = f"{sql} COLLATE NOCASE"
    if call.name == "COUNT":
        result, sql = Field("expr", "count", "int"), f"COUNT({sql})"
    elif call.name == "COUNT_DISTINCT":
        result, sql = Field("expr", "count", "int"), f"COUNT(DISTINCT {sql})"
    elif call.name == "AVG":
        result, sql = Field("expr", "avg", "double"), f"AVG({sql})"
    else:
        result, sql = replace(field, formula=None), f"{call.name}({sql})"
    return Column(sql, result, column.entity)


def _date_part(scope: Scope, call: Call, column: Column) -> Column:
    kind = column.field.type
    name = call.name.replace("FISCAL", "CALENDAR")
    if kind not in {"date", "datetime"} or (name in _INSTANT_ONLY and kind == "date"):
        raise field_refused(scope.query.text, call.position, column.field.name, "used as a date")
    result = Field("expr", name, "date" if name == "DAY_ONLY" else "int")
    return Column(_DATE_SQL[name].format(column.sql), result, column.entity)


def _label(scope: Scope, call: Call, column: Column) -> Column:
    if column.field.type not in {"picklist", "combobox"}:
        message = "toLabel function can only be used on picklist fields"
        raise malformed(scope.query.text, call.position, message)
    cases = " ".join(
        f"WHEN '{one.value.replace(chr(39), chr(39) * 2)}' "
        f"THEN '{one.label.replace(chr(39), chr(39) * 2)}'"
        for one in column.field.choices
        if one.label != one.value
    )
    sql = f"(CASE {column.sql} {cases} ELSE {column.sql} END)" if cases else column.sql
    return replace(column, sql=sql)
