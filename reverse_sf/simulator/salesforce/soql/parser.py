"""Reads SOQL by recursive descent; what it does not know, it refuses by name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from reverse_sf.simulator.salesforce.soql.refusals import malformed, plain_malformed
from reverse_sf.simulator.salesforce.soql.syntax import (
    AllFields,
    Call,
    Child,
    Comparison,
    Condition,
    Junction,
    Literal,
    Not,
    Ordering,
    Path,
    Query,
    Selected,
    SemiJoin,
)
from reverse_sf.simulator.salesforce.soql.tokens import Kind, Token, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.salesforce.refusal import ApiFault

MAX_STATEMENT = 100_000
AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
DATE_PARTS = frozenset(
    {"CALENDAR_YEAR", "CALENDAR_QUARTER", "CALENDAR_MONTH", "DAY_IN_MONTH", "DAY_IN_WEEK"}
    | {"DAY_IN_YEAR", "DAY_ONLY", "HOUR_IN_DAY", "FISCAL_YEAR", "FISCAL_QUARTER", "FISCAL_MONTH"}
)
FUNCTIONS = AGGREGATES | DATE_PARTS | {"TOLABEL"}
_CLAUSES = (
    *("FROM", "USING", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET"),
    *("FOR", "UPDATE", "ALL"),
)
_OPERATORS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_VALUE_KINDS = frozenset({Kind.STRING, Kind.NUMBER, Kind.DATE, Kind.DATETIME})
_MAX_DEPTH = 50


def parse(text: str) -> Query:
    """The tree of the statement.

    Raises:
        ApiFault: MALFORMED_QUERY, with the position of the first token that does not fit.
    """
    if len(text) > MAX_STATEMENT:
        raise plain_malformed("SOQL statements cannot be longer than 100000 characters.")
    return _Parser(text).statement()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = 0
        self.depth = 0

    # Walking

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def ahead(self, steps: int = 1) -> Token:
        return self.tokens[min(self.at + steps, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.now
        if token.kind is not Kind.END:
            self.at += 1
        return token

    def unexpected(self, token: Token | None = None) -> ApiFault:
        token = token or self.now
        return malformed(self.text, token.position, f"unexpected token: '{token.shown}'")

    def skip_word(self, *words: str) -> bool:
        if self.now.is_word(*words):
            self.at += 1
            return True
        return False

    def need_word(self, word: str) -> None:
        if not self.skip_word(word):
            raise self.unexpected()

    def need_symbol(self, symbol: str) -> Token:
        if not self.now.is_symbol(symbol):
            raise self.unexpected()
        return self.take()

    def need_name(self) -> Token:
        if self.now.kind is not Kind.WORD:
            raise self.unexpected()
        return self.take()

    @contextmanager
    def nested(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise malformed(self.text, self.now.position, "query is too complicated")
        yield
        self.depth -= 1

    # Statement

    def statement(self) -> Query:
        query = self.query()
        if self.now.kind is not Kind.END:
            raise self.unexpected()
        return query

    def query(self) -> Query:
        self.need_word("SELECT")
        selected = [self.selected()]
        while self.now.is_symbol(","):
            self.take()
            selected.append(self.selected())
        self.need_word("FROM")
        entity = self.need_name()
        alias = self.alias()
        others = []
        while self.now.is_symbol(","):
            self.take()
            path = self.need_name()
            others.append((path.text, self.alias() or path.text, path.position))
        scope = None
        if self.skip_word("USING"):
            self.need_word("SCOPE")
            scope = self.need_name().text
        where = self.condition() if self.skip_word("WHERE") else None
        if self.now.is_word("WITH"):
            raise self.unexpected()
        grouped = self.grouping()
        having = self.condition() if grouped and self.skip_word("HAVING") else None
        ordered = self.ordering()
        limit = self.count("LIMIT")
        offset = self.count("OFFSET")
        self.ending()
        return Query(
            self.text,
            tuple(selected),
            entity.text,
            entity.position,
            alias,
            scope,
            where,
            grouped,
            having,
            ordered,
            limit,
            offset or 0,
            tuple(others),
        )

    def alias(self) -> str | None:
        if self.skip_word("AS"):
            return self.need_name().text
        word = self.now
        if word.kind is Kind.WORD and not word.is_word(*_CLAUSES) and "." not in word.text:
            return self.take().text
        return None

    def ending(self) -> None:
        if self.now.is_word("ALL") and self.ahead().is_word("ROWS"):
            raise malformed(self.text, self.now.position, "ALL ROWS not allowed in this context")
        while self.skip_word("FOR"):
            if not self.skip_word("VIEW", "REFERENCE"):
                raise self.unexpected()

    def count(self, word: str) -> int | None:
        if not self.skip_word(word):
            return None
        token = self.take()
        if token.kind is not Kind.NUMBER or not token.text.isdigit():
            raise self.unexpected(token)
        return int(token.text)

    # Field list

    def selected(self) -> Selected:
        if self.now.is_symbol("("):
            position = self.take().position
            with self.nested():
                query = self.query()
            self.need_symbol(")")
            return Child(query, position)
        if self.now.is_word("TYPEOF"):
            raise malformed(self.text, self.now.position, "unexpected token: 'TYPEOF'")
        if self.now.is_word("FIELDS") and self.ahead().is_symbol("("):
            return self.all_fields()
        operand = self.operand()
        alias = self.take() if self.now.kind is Kind.WORD and not self.now.is_word("FROM") else None
        if alias is None:
            return operand
        if isinstance(operand, Path):
            return Path(operand.parts, operand.position, alias.text)
        return Call(operand.name, operand.argument, operand.position, alias.text)

    def all_fields(self) -> AllFields:
        position = self.take().position
        self.need_symbol("(")
        which = self.need_name()
        if not which.is_word("ALL", "STANDARD", "CUSTOM"):
            raise self.unexpected(which)
        self.need_symbol(")")
        return AllFields(which.text.upper(), position)

    def operand(self) -> Path | Call:
        word = self.need_name()
        if not self.now.is_symbol("("):
            return Path(tuple(word.text.split(".")), word.position)
        name = word.text.upper()
        if name not in FUNCTIONS:
            raise malformed(self.text, word.position, f"unexpected token: '{word.text}'")
        self.take()
        argument = None
        if not self.now.is_symbol(")"):
            inner = self.need_name()
            argument = Path(tuple(inner.text.split(".")), inner.position)
        elif name != "COUNT":
            raise self.unexpected()
        self.need_symbol(")")
        return Call(name, argument, word.position)

    # Conditions

    def condition(self) -> Condition:
        first = self.unit()
        word = "AND" if self.now.is_word("AND") else "OR"
        conditions = [first]
        while self.skip_word(word):
            conditions.append(self.unit())
        if self.now.is_word("AND", "OR"):
            # SOQL has no precedence: mixed words need parentheses.
            raise self.unexpected()
        return first if len(conditions) == 1 else Junction(word, tuple(conditions))

    def unit(self) -> Condition:
        with self.nested():
            if self.skip_word("NOT"):
                return Not(self.unit())
            if self.now.is_symbol("("):
                self.take()
                inner = self.condition()
                self.need_symbol(")")
                return inner
            return self.comparison()

    def comparison(self) -> Condition:
        operand = self.operand()
        token = self.take()
        position = token.position
        if token.kind is Kind.SYMBOL and token.text in _OPERATORS:
            operator = "!=" if token.text == "<>" else token.text
            return Comparison(operand, operator, (self.literal(),), position)
        if token.is_word("LIKE"):
            return Comparison(operand, "LIKE", (self.literal(),), position)
        if token.is_word("INCLUDES", "EXCLUDES"):
            return Comparison(operand, token.text.upper(), self.listed(), position)
        negated = token.is_word("NOT")
        if negated:
            token = self.take()
        if not token.is_word("IN"):
            raise self.unexpected(token)
        if self.now.is_symbol("(") and self.ahead().is_word("SELECT"):
            if not isinstance(operand, Path):
                raise self.unexpected()
            self.take()
            inner = self.query()
            self.need_symbol(")")
            return SemiJoin(operand, negated, inner, position)
        return Comparison(operand, "NOT IN" if negated else "IN", self.listed(), position)

    def listed(self) -> tuple[Literal, ...]:
        self.need_symbol("(")
        values = [self.literal()]
        while self.now.is_symbol(","):
            self.take()
            values.append(self.literal())
        self.need_symbol(")")
        return tuple(values)

    def literal(self) -> Literal:
        token = self.take()
        if token.kind in _VALUE_KINDS:
            return Literal(token.kind, token.text, token.position, token.pattern)
        if token.kind is not Kind.WORD or "." in token.text:
            raise self.unexpected(token)
        number = None
        if self.now.is_symbol(":"):
            self.take()
            count = self.take()
            if count.kind is not Kind.NUMBER or not count.text.isdigit():
                raise self.unexpected(count)
            number = int(count.text)
        return Literal(Kind.WORD, token.text, token.position, number=number)

    # Grouping and ordering

    def grouping(self) -> tuple[Path | Call, ...]:
        if not self.skip_word("GROUP"):
            return ()
        self.need_word("BY")
        if self.now.is_word("ROLLUP", "CUBE") and self.ahead().is_symbol("("):
            raise self.unexpected()
        grouped = [self.operand()]
        while self.now.is_symbol(","):
            self.take()
            grouped.append(self.operand())
        return tuple(grouped)

    def ordering(self) -> tuple[Ordering, ...]:
        if not self.skip_word("ORDER"):
            return ()
        self.need_word("BY")
        ordered = [self.ordered()]
        while self.now.is_symbol(","):
            self.take()
            ordered.append(self.ordered())
        return tuple(ordered)

    def ordered(self) -> Ordering:
        operand = self.operand()
        descending = self.skip_word("DESC")
        if not descending:
            self.skip_word("ASC")
        nulls_last = False
        if self.skip_word("NULLS"):
            nulls_last = self.skip_word("LAST")
            if not nulls_last:
                self.need_word("FIRST")
        return Ordering(operand, descending, nulls_last)
