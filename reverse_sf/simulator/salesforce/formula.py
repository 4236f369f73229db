"""Salesforce formulas as SQL, for formula fields and validation rules.

A small part of the formula language: enough for declared demo fields and rules, everything else is
refused when the declaration is read. Functions: IF, CASE, AND, OR, NOT, ISBLANK, ISNULL,
BLANKVALUE, NULLVALUE, TEXT, VALUE, ISNUMBER, ISPICKVAL, INCLUDES, LEN, UPPER, LOWER, TRIM, LEFT,
RIGHT, MID, SUBSTITUTE, CONTAINS, BEGINS, REGEX, TODAY, NOW, DATEVALUE, YEAR, MONTH, DAY, ROUND,
ABS, MOD, MIN, MAX. Rules, which see a record being written, have ISNEW, ISCHANGED and PRIORVALUE
besides, and ``$User.Field``, ``$Profile.Name`` and ``$UserRole.Name`` of who writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.simulator.salesforce.metadata import Schema, SObject

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<name>\$?[A-Za-z_][\w.]*)
    |(?P<symbol><=|>=|<>|!=|==|&&|\|\||[-+*/&=<>(),!]))""",
    re.VERBOSE,
)
_COMPARISONS = {"=": "=", "==": "=", "<>": "<>", "!=": "<>"} | {
    o: o for o in ("<", "<=", ">", ">=")
}
_LEVELS = (("||",), ("&&",), tuple(_COMPARISONS), ("+", "-", "&"), ("*", "/"))
_SQL = {"||": "OR", "&&": "AND", "&": "||"} | _COMPARISONS


@dataclass(frozen=True)
class Moment:
    """The write that a rule is asked about.

    Attributes:
        user: id of who writes.
        before: the row as it was; None where the record is new.
    """

    user: str = ""
    before: Mapping[str, Any] | None = None


def formula_sql(
    text: str, schema: Schema, entity: SObject, alias: str, moment: Moment | None = None
) -> str:
    """SQL of the formula for a row of the table with that alias.

    Args:
        text: the formula.
        schema: what names mean.
        entity: the row's object.
        alias: of the row's table.
        moment: the write that a rule is asked about; formula fields know none.

    Raises:
        ControlError: the formula cannot be read.
    """
    return _Formula(text, schema, entity, alias, moment).sql()


class _Formula:
    def __init__(
        self, text: str, schema: Schema, entity: SObject, alias: str, moment: Moment | None
    ) -> None:
        self.text = text
        self.moment = moment
        self.schema = schema
        self.entity = entity
        self.alias = alias
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.wrong(f"cannot read {text[position:]!r}")
            kind = match.lastgroup or ""
            self.tokens.append((kind, match[kind]))
            position = match.end()
        self.tokens.append(("end", ""))
        self.at = 0

    def wrong(self, reason: str) -> ControlError:
        return ControlError(f"formula {self.text!r}: {reason}")

    def sql(self) -> str:
        result = self.level(0)
        if self.tokens[self.at][0] != "end":
            raise self.wrong(f"unexpected {self.tokens[self.at][1]!r}")
        return result

    def take(self) -> tuple[str, str]:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def level(self, depth: int) -> str:
        if depth == len(_LEVELS):
            return self.unit()
        left = self.level(depth + 1)
        while self.tokens[self.at][0] == "symbol" and self.tokens[self.at][1] in _LEVELS[depth]:
            operator = self.take()[1]
            right = self.level(depth + 1)
            if operator == "&":
                left, right = f"IFNULL({left}, '')", f"IFNULL({right}, '')"
            left = f"({left} {_SQL.get(operator, operator)} {right})"
        return left

    def unit(self) -> str:
        kind, text = self.take()
        if kind == "number":
            return text
        if kind == "text":
            plain = re.sub(r"\\(.)", r"\1", text[1:-1]).replace("'", "''")
            return f"'{plain}'"
        if kind == "name":
            return self.call(text) if self.tokens[self.at] == ("symbol", "(") else self.name(text)
        if text == "(":
            inner = self.level(0)
            self.need(")")
            return f"({inner})"
        if text == "-":
            return f"(-{self.unit()})"
        if text == "!":
            return f"(NOT IFNULL({self.unit()}, 0))"
        raise self.wrong(f"unexpected {text!r}")

    def need(self, symbol: str) -> None:
        if self.take() != ("symbol", symbol):
            raise self.wrong(f"{symbol!r} expected")

    def call(self, name: str) -> str:
        self.need("(")
        if name.upper() in _OF_A_WRITE:
            return self.of_write(name.upper())
        arguments = []
        while self.tokens[self.at] != ("symbol", ")"):
            arguments.append(self.level(0))
            if self.tokens[self.at] == ("symbol", ","):
                self.take()
        self.need(")")
        shape = _FUNCTIONS.get(name.upper())
        if shape is None:
            raise self.wrong(f"unknown function {name}")
        try:
            return shape(*arguments)
        except TypeError as error:
            raise self.wrong(f"{name} does not take {len(arguments)} arguments") from error

    def of_write(self, name: str) -> str:
        """A function that only rules have: what the write does to the record."""
        if self.moment is None:
            raise self.wrong(f"{name} is for rules, which see a record being written")
        before = self.moment.before
        if name == "ISNEW":
            self.need(")")
            return str(int(before is None))
        kind, text = self.take()
        field = self.entity.find(text) if kind == "name" else None
        if field is None or not field.stored:
            raise self.wrong(f"{name} takes a field of {self.entity.name}, not {text!r}")
        self.need(")")
        current = f'{self.alias}."{field.name}"'
        if before is None:
            return "0" if name == "ISCHANGED" else current
        prior = _literal(before.get(field.name))
        return f"({current} IS NOT {prior} COLLATE BINARY)" if name == "ISCHANGED" else prior

    def of_writer(self, text: str) -> str:
        """A field of the user who writes, or the name of that user's profile or role."""
        if self.moment is None:
            raise self.wrong(f"{text} is for rules, which see who writes")
        root, _, last = text.partition(".")
        through = {"$user": None, "$profile": "ProfileId", "$userrole": "UserRoleId"}
        if root.lower() not in through:
            raise self.wrong(f"unknown name {text}")
        user, link = self.schema.typed("User"), through[root.lower()]
        entity = user if link is None else self.schema.typed(root[1:])
        field = entity.find(last)
        if field is None or not field.stored:
            raise self.wrong(f"{entity.name} has no field {last}")
        own = f'w."Id" = {_literal(self.moment.user)}'
        if link is None:
            return f'(SELECT w."{field.name}" FROM "User" AS w WHERE {own})'
        joined = f'"{entity.name}" AS g JOIN "User" AS w ON w."{link}" = g."Id"'
        return f'(SELECT g."{field.name}" FROM {joined} WHERE {own})'

    def name(self, text: str) -> str:
        if text.startswith("$"):
            return self.of_writer(text)
        if text.upper() in {"TRUE", "FALSE"}:
            return str(int(text.upper() == "TRUE"))
        if text.upper() == "NULL":
            return "NULL"
        *parents, last = text.split(".")
        entity, alias, wrap = self.entity, self.alias, "{}"
        for depth, parent in enumerate(parents):
            field = entity.relationships.get(parent.lower())
            targets = [self.schema.find(name) for name in field.refers_to] if field else []
            known = [one for one in targets if one is not None]
            if field is None or not known:
                raise self.wrong(f"{entity.name} has no relationship {parent}")
            entity, inner = known[-1], f"{self.alias}_f{depth}"
            link = f'{inner}."Id" = {alias}."{field.name}"'
            wrap = wrap.format(f'(SELECT {{}} FROM "{entity.name}" AS {inner} WHERE {link})')
            alias = inner
        found = entity.find(last)
        if found is None:
            raise self.wrong(f"{entity.name} has no field {last}")
        if found.formula is not None:
            inner = formula_sql(found.formula, self.schema, entity, alias, self.moment)
            return wrap.format(inner)
        return wrap.format(f'{alias}."{found.name}"')


def _literal(value: Any) -> str:
    """A stored value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        return f"'{quoted}'"
    return str(value)


def _case(value: str, *rest: str) -> str:
    pairs = " ".join(
        f"WHEN {test} THEN {then}" for test, then in zip(rest[:-1:2], rest[1:-1:2], strict=True)
    )
    return f"(CASE {value} {pairs} ELSE {rest[-1]} END)"


_OF_A_WRITE = frozenset({"ISNEW", "ISCHANGED", "PRIORVALUE"})
_FUNCTIONS: dict[str, Callable[..., str]] = {
    "IF": lambda test, yes, no: f"(CASE WHEN {test} THEN {yes} ELSE {no} END)",
    "AND": lambda *tests: f"({' AND '.join(tests)})",
    "OR": lambda *tests: f"({' OR '.join(tests)})",
    "NOT": lambda test: f"(NOT IFNULL({test}, 0))",
    "ISBLANK": lambda value: f"(IFNULL({value}, '') = '')",
    "ISNULL": lambda value: f"({value} IS NULL)",
    "BLANKVALUE": lambda value, other: f"IFNULL({value}, {other})",
    "TEXT": lambda value: f"CAST({value} AS TEXT)",
    "ISPICKVAL": lambda value, text: f"(IFNULL({value}, '') = {text})",
    "INCLUDES": lambda value, text: f"(INSTR(';' || {value} || ';', ';' || {text} || ';') > 0)",
    "LEN": lambda value: f"LENGTH(IFNULL({value}, ''))",
    "UPPER": lambda value: f"UPPER({value})",
    "LOWER": lambda value: f"LOWER({value})",
    "LEFT": lambda value, count: f"SUBSTR({value}, 1, {count})",
    "CONTAINS": lambda value, text: f"(INSTR(IFNULL({value}, ''), {text}) > 0)",
    "BEGINS": lambda value, text: f"(INSTR(IFNULL({value}, ''), {text}) = 1)",
    "TODAY": lambda: "SUBSTR(sf_now(), 1, 10)",
    "NOW": lambda: "sf_now()",
    "ROUND": lambda value, places: f"ROUND({value}, {places})",
    "ABS": lambda value: f"ABS({value})",
    "CASE": _case,
    "NULLVALUE": lambda value, other: f"IFNULL({value}, {other})",
    "VALUE": lambda value: f"CAST({value} AS REAL)",
    "ISNUMBER": lambda value: f"sf_matches({value}, '[-+]?[0-9]*[.]?[0-9]+')",
    "TRIM": lambda value: f"TRIM({value})",
    "RIGHT": lambda value, count: f"SUBSTR({value}, -({count}))",
    "MID": lambda value, start, count: f"SUBSTR({value}, {start}, {count})",
    "SUBSTITUTE": lambda value, old, new: f"REPLACE({value}, {old}, {new})",
    "REGEX": lambda value, pattern: f"sf_matches({value}, {pattern})",
    "DATEVALUE": lambda value: f"SUBSTR({value}, 1, 10)",
    "YEAR": lambda value: f"CAST(SUBSTR({value}, 1, 4) AS INTEGER)",
    "MONTH": lambda value: f"CAST(SUBSTR({value}, 6, 2) AS INTEGER)",
    "DAY": lambda value: f"CAST(SUBSTR({value}, 9, 2) AS INTEGER)",
    "MOD": lambda value, divisor: f"({value} % {divisor})",
    "MIN": lambda *values: f"MIN({', '.join(values)})",
    "MAX": lambda *values: f"MAX({', '.join(values)})",
}
