"""Salesforce formulas as SQL, for formula fields and validation rules.

A small part of the formula language: enough for declared demo fields and rules, everything else is
refused when the declaration is read. Functions: IF, AND, OR, NOT, ISBLANK, ISNULL, BLANKVALUE,
TEXT, ISPICKVAL, INCLUDES, LEN, UPPER, LOWER, LEFT, CONTAINS, BEGINS, TODAY, NOW, ROUND, ABS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reverse_sf.simulator.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.simulator.salesforce.metadata import Schema, SObject

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<name>[A-Za-z_][\w.]*)
    |(?P<symbol><=|>=|<>|!=|==|&&|\|\||[-+*/&=<>(),!]))""",
    re.VERBOSE,
)
_COMPARISONS = {"=": "=", "==": "=", "<>": "<>", "!=": "<>"} | {
    o: o for o in ("<", "<=", ">", ">=")
}
_LEVELS = (("||",), ("&&",), tuple(_COMPARISONS), ("+", "-", "&"), ("*", "/"))
_SQL = {"||": "OR", "&&": "AND", "&": "||"} | _COMPARISONS


def formula_sql(text: str, schema: Schema, entity: SObject, alias: str) -> str:
    """SQL of the formula for a row of the table with that alias.

    Raises:
        ControlError: the formula cannot be read.
    """
    return _Formula(text, schema, entity, alias).sql()


class _Formula:
    def __init__(self, text: str, schema: Schema, entity: SObject, alias: str) -> None:
        self.text = text
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

    def name(self, text: str) -> str:
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
            return wrap.format(formula_sql(found.formula, self.schema, entity, alias))
        return wrap.format(f'{alias}."{found.name}"')


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
}
