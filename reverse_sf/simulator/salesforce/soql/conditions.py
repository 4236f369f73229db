"""WHERE and HAVING as SQL.

SOQL knows two truth values where SQL knows three: a comparison with a null field is false, and
``!=``, ``NOT IN`` and ``NOT`` are its exact opposite. Text is compared without regard to case, the
empty text is null.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.population import checksum
from reverse_sf.simulator.salesforce.instants import parse_instant, stamp
from reverse_sf.simulator.salesforce.metadata import ID_TYPES, NUMBER_TYPES, Field
from reverse_sf.simulator.salesforce.soql.periods import span
from reverse_sf.simulator.salesforce.soql.refusals import (
    field_refused,
    malformed,
    wrong_literal,
    wrong_operator,
)
from reverse_sf.simulator.salesforce.soql.syntax import (
    Comparison,
    Condition,
    Junction,
    Literal,
    Not,
    Path,
    SemiJoin,
)
from reverse_sf.simulator.salesforce.soql.tokens import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.simulator.salesforce.soql.scope import Column
    from reverse_sf.simulator.salesforce.soql.syntax import Call

_ID = re.compile(r"^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$")
_ORDER = frozenset({"<", "<=", ">", ">="})
_LISTS = frozenset({"IN", "NOT IN"})
_KIND_NAMES = {"datetime": "dateTime", "int": "int", "boolean": "boolean", "date": "date"}


class Conditions:
    """Compiles conditions of one statement and collects its parameters, in SQL order.

    Args:
        column: resolves an operand, refusing what the clause does not allow.
        semi_join: compiles the inner SELECT of a semi-join, appending to the same parameters.
        now: the instant that date literals are seen from.
        zone: the user's time zone, in which days begin.
    """

    def __init__(
        self,
        text: str,
        *,
        column: Callable[[Path | Call], Column],
        semi_join: Callable[[SemiJoin, list[Any]], str],
        now: datetime,
        zone: tzinfo,
    ) -> None:
        self.parameters: list[Any] = []
        self._text = text
        self._column = column
        self._semi_join = semi_join
        self._now = now
        self._zone = zone

    def sql(self, condition: Condition) -> str:
        """The condition as SQL that is true, false or null; null counts as false."""
        if isinstance(condition, Junction):
            return _balanced(condition.word, [self.sql(one) for one in condition.conditions])
        if isinstance(condition, Not):
            return self._opposite(self.sql(condition.condition))
        if isinstance(condition, SemiJoin):
            inner = self._semi_join(condition, self.parameters)
            return self._opposite(inner) if condition.negated else inner
        return self._comparison(condition)

    def _opposite(self, sql: str) -> str:
        return f"(NOT IFNULL({sql}, 0))"

    def _bind(self, value: Any) -> str:
        self.parameters.append(value)
        return "?"

    def _comparison(self, one: Comparison) -> str:
        column = self._column(one.operand)
        field = column.field
        if not field.filterable:
            raise field_refused(self._text, _position(one.operand), field.name, "filtered")
        self._check_operator(one, field)
        if one.operator in {"!=", "NOT IN", "EXCLUDES"}:
            plain = {"!=": "=", "NOT IN": "IN", "EXCLUDES": "INCLUDES"}[one.operator]
            opposite = Comparison(one.operand, plain, one.values, one.position)
            return self._opposite(self._positive(opposite, column))
        return self._positive(one, column)

    def _positive(self, one: Comparison, column: Column) -> str:
        if one.operator == "INCLUDES":
            return _any([self._includes(column, value) for value in one.values])
        if one.operator == "IN":
            return self._listed(one, column)
        value = one.values[0]
        if value.is_null:
            if one.operator != "=":
                raise malformed(self._text, value.position, f"unexpected token: '{value.text}'")
            return f"{column.sql} IS NULL"
        if column.field.type in {"date", "datetime"}:
            return self._temporal(one.operator, column, value)
        return self._scalar(one.operator, column, value)

    def _check_operator(self, one: Comparison, field: Field) -> None:
        multiple = field.type == "multipicklist"
        refused = (
            (one.operator in {"INCLUDES", "EXCLUDES"} and not multiple)
            or (one.operator in _ORDER and (multiple or field.type == "boolean"))
            or (one.operator == "LIKE" and (multiple or not field.is_text))
            or (one.operator in _LISTS and field.type == "boolean")
        )
        if refused:
            message = f"'{one.operator}' operator is not valid for field '{field.name}'"
            raise wrong_operator(self._text, one.position, f"invalid operator: {message}")

    # Values of each type

    def _listed(self, one: Comparison, column: Column) -> str:
        field = column.field
        if field.type in {"date", "datetime"}:
            return _any(
                [
                    f"{column.sql} IS NULL" if v.is_null else self._temporal("=", column, v)
                    for v in one.values
                ]
            )
        plain = [v for v in one.values if not self._is_blank(v, field)]
        parts = []
        if plain:
            values = [self._value(v, field) for v in plain]
            folded = field.is_text and not all(str(v).isascii() for v in values)
            marks = ", ".join(self._bind(str(v).lower() if folded else v) for v in values)
            left = f"sf_fold({column.sql})" if folded else _collated(column)
            parts.append(f"{left} IN ({marks})")
        if len(plain) < len(one.values):
            parts.append(f"{column.sql} IS NULL")
        return _any(parts)

    def _is_blank(self, value: Literal, field: Field) -> bool:
        blank_text = value.kind is Kind.STRING and not value.text
        return value.is_null or (blank_text and (field.is_text or field.type in ID_TYPES))

    def _scalar(self, operator: str, column: Column, literal: Literal) -> str:
        field = column.field
        if operator == "=" and self._is_blank(literal, field):
            return f"{column.sql} IS NULL"
        value = self._value(literal, field)
        if operator == "LIKE":
            if literal.pattern.isascii():
                return f"{column.sql} LIKE {self._bind(literal.pattern)} ESCAPE '\\'"
            pattern = self._bind(literal.pattern.lower())
            return f"sf_fold({column.sql}) LIKE {pattern} ESCAPE '\\'"
        if field.is_text and operator == "=" and not str(value).isascii():
            return f"sf_fold({column.sql}) = {self._bind(str(value).lower())}"
        return f"{_collated(column)} {operator} {self._bind(value)}"

    def _includes(self, column: Column, literal: Literal) -> str:
        if literal.kind is not Kind.STRING:
            raise self._wrong(literal, column.field)
        tests = []
        for value in literal.text.split(";"):
            if value.isascii():
                bound = self._bind(f"%;{_like_plain(value)};%")
                tests.append(f"(';' || {column.sql} || ';') LIKE {bound} ESCAPE '\\'")
            else:
                bound = self._bind(f";{value.lower()};")
                tests.append(f"INSTR(';' || sf_fold({column.sql}) || ';', {bound}) > 0")
        return "(" + " AND ".join(tests) + ")"

    def _value(self, literal: Literal, field: Field) -> Any:
        if field.type == "boolean":
            if literal.kind is Kind.WORD and literal.text.upper() in {"TRUE", "FALSE"}:
                return int(literal.text.upper() == "TRUE")
            raise self._wrong(literal, field)
        if field.type in NUMBER_TYPES | {"int"}:
            if literal.kind is not Kind.NUMBER:
                raise self._wrong(literal, field)
            return float(literal.text)
        if literal.kind is not Kind.STRING:
            raise self._wrong(literal, field)
        if field.type in ID_TYPES:
            return self._id(literal)
        if field.type == "multipicklist":
            return field.sorted_choices(literal.text)
        return literal.text

    def _id(self, literal: Literal) -> str:
        if not _ID.match(literal.text):
            raise wrong_operator(self._text, literal.position, f"invalid ID field: {literal.text}")
        short = literal.text[:15]
        return short + checksum(short)

    def _wrong(self, literal: Literal, field: Field) -> Exception:
        kind = _KIND_NAMES.get(field.type, "double" if field.type in NUMBER_TYPES else "string")
        return wrong_literal(
            self._text, literal.position, field.name, kind, quoted=kind == "string"
        )

    # Dates

    def _temporal(self, operator: str, column: Column, literal: Literal) -> str:
        low, high = self._range(column.field, literal)
        if operator == "=":
            left = f"{column.sql} >= {self._bind(low)}"
            return f"({left} AND {column.sql} < {self._bind(high)})"
        if operator in {"<", ">="}:
            return f"{column.sql} {operator} {self._bind(low)}"
        return f"{column.sql} {'<' if operator == '<=' else '>='} {self._bind(high)}"

    def _range(self, field: Field, literal: Literal) -> tuple[str, str]:
        """First stored text that the literal covers, and the first one after it."""
        if literal.kind is Kind.WORD:
            today = self._now.astimezone(self._zone).date()
            days = span(literal.text, literal.number, today)
            if days is None:
                raise self._wrong(literal, field)
            if field.type == "date":
                return days.first.isoformat(), days.end.isoformat()
            return self._midnight(days.first), self._midnight(days.end)
        if field.type == "date" and literal.kind is Kind.DATE:
            try:
                day = date.fromisoformat(literal.text)
            except ValueError as error:
                message = f"invalid date: {literal.text}"
                raise malformed(self._text, literal.position, message) from error
            return day.isoformat(), (day + timedelta(days=1)).isoformat()
        if field.type == "datetime" and literal.kind is Kind.DATETIME:
            try:
                instant = parse_instant(literal.text)
            except ValueError as error:
                message = f"invalid dateTime: {literal.text}"
                raise malformed(self._text, literal.position, message) from error
            return stamp(instant), stamp(instant + timedelta(milliseconds=1))
        raise self._wrong(literal, field)

    def _midnight(self, day: date) -> str:
        return stamp(datetime.combine(day, time(), self._zone))


def _collated(column: Column) -> str:
    return f"{column.sql} COLLATE NOCASE" if column.field.is_text else column.sql


def _like_plain(value: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", value)


def _any(parts: list[str]) -> str:
    return _balanced("OR", parts)


def _balanced(word: str, parts: list[str]) -> str:
    """The parts joined as a flat tree: SQLite refuses expressions that nest too deep."""
    if len(parts) == 1:
        return f"({parts[0]})"
    middle = len(parts) // 2
    return f"({_balanced(word, parts[:middle])} {word} {_balanced(word, parts[middle:])})"


def _position(operand: Path | Call) -> int:
    return operand.position
