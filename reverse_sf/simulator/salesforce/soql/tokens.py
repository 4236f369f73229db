"""Cuts a SOQL statement into tokens (SOQL and SOSL Reference, "SOQL SELECT Syntax")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from reverse_sf.simulator.salesforce.soql.refusals import malformed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(str, Enum):
    """What a token is."""

    WORD = "word"
    STRING = "string"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True)
class Token:
    r"""One token; ``text`` of a string is its value without quotes and escapes.

    ``pattern`` is a string's value with ``\%`` and ``\_`` kept, as LIKE wants it.
    """

    kind: Kind
    text: str
    position: int
    pattern: str = ""

    def is_word(self, *words: str) -> bool:
        """Whether it is one of the (upper-case) words."""
        return self.kind is Kind.WORD and self.text.upper() in words

    def is_symbol(self, *symbols: str) -> bool:
        """Whether it is one of the symbols."""
        return self.kind is Kind.SYMBOL and self.text in symbols

    @property
    def shown(self) -> str:
        """How an error message names it."""
        return "<EOF>" if self.kind is Kind.END else self.text


_PATTERN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<datetime>\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:?\d{2}))
    | (?P<date>\d{4}-\d{2}-\d{2}(?![\d-]))
    | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<symbol><=|>=|!=|<>|[=<>(),:%])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_PLAIN_ESCAPES = frozenset("\"'\\_%")


def tokens(text: str) -> list[Token]:
    """All tokens of the statement, the last one of kind END.

    Raises:
        ApiFault: MALFORMED_QUERY at the first character that begins no token.
    """
    return list(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        if match is None:
            if text[position] == "'":
                raise malformed(text, position, "unexpected token: '<EOF>' (unclosed string)")
            raise malformed(text, position, f"unexpected token: '{text[position]}'")
        found = match.lastgroup
        if found == "string":
            value, pattern = _unescaped(text, position, match.group()[1:-1])
            yield Token(Kind.STRING, value, position, pattern)
        elif found != "space" and found is not None:
            yield Token(Kind(found), match.group(), position)
        position = match.end()
    yield Token(Kind.END, "", len(text))


def _unescaped(text: str, start: int, inner: str) -> tuple[str, str]:
    """The value, and the value as a LIKE pattern with its escapes of ``%`` and ``_`` kept."""
    value: list[str] = []
    pattern: list[str] = []
    position = 0
    while position < len(inner):
        sign = inner[position]
        if sign != "\\":
            value.append(sign)
            pattern.append(sign)
            position += 1
            continue
        after = inner[position + 1]
        if after in "uU" and re.fullmatch("[0-9a-fA-F]{4}", inner[position + 2 : position + 6]):
            value.append(chr(int(inner[position + 2 : position + 6], 16)))
            pattern.append(value[-1])
            position += 6
            continue
        if after.lower() in _ESCAPES:
            value.append(_ESCAPES[after.lower()])
            pattern.append(value[-1])
        elif after in _PLAIN_ESCAPES:
            value.append(after)
            pattern.append(f"\\{after}" if after in "%_\\" else after)
        else:
            at = start + 1 + position
            raise malformed(text, at, f"Illegal string literal: Invalid string literal '{inner}'")
        position += 2
    return "".join(value), "".join(pattern)
