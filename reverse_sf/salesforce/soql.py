"""SOQL text: quoting in one place, and SELECT statements as values.

Source: SOQL and SOSL Reference, "Quoted String Escape Sequences", "Date Formats and Date
Literals"; statements of at most 100,000 characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from reverse_sf.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ESCAPES = str.maketrans(
    {
        "\\": "\\\\",
        "'": "\\'",
        '"': '\\"',
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\b": "\\b",
        "\f": "\\f",
    }
)
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


def quoted(text: str) -> str:
    """Return a SOQL string literal with exactly this text."""
    return f"'{text.translate(_ESCAPES)}'"


def name(text: str) -> str:
    """Return an object's or field's API name unchanged if it can be one.

    Raises:
        ConfigurationError: if it cannot, so that no setting ever becomes a piece of a query.
    """
    if not _NAME.fullmatch(text):
        raise ConfigurationError(f"{text!r} is not the API name of an object or field")
    return text


@dataclass(frozen=True)
class Select:
    """One SELECT statement over one object.

    Attributes:
        source: API name of the object.
        fields: API names, in the order of the result.
        where: conditions, all of which must hold.
        order_by: API names, ascending.
        limit: most rows, or None.
    """

    source: str
    fields: tuple[str, ...]
    where: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    limit: int | None = None

    def __str__(self) -> str:
        text = f"SELECT {', '.join(map(name, self.fields))} FROM {name(self.source)}"  # noqa: S608 - names are checked, values quoted
        text += self._where()
        if self.order_by:
            text += " ORDER BY " + ", ".join(map(name, self.order_by))
        if self.limit is not None:
            text += f" LIMIT {self.limit}"
        return text

    @property
    def count(self) -> str:
        """The statement that counts the rows of this one."""
        return f"SELECT COUNT() FROM {name(self.source)}" + self._where()  # noqa: S608 - as above

    def _where(self) -> str:
        return f" WHERE {' AND '.join(self.where)}" if self.where else ""

    def after(self, position: Sequence[tuple[str, str]]) -> Select:
        """Return the rest of this statement behind a row, without OFFSET and its limit of 2,000.

        Args:
            position: literals of that row by field, in the order of :attr:`order_by`, such as
                ``[("SystemModstamp", "2026-05-06T11:56:44.000Z"), ("Id", "'001...'")]``.
        """
        behind = []
        for index, (field, literal) in enumerate(position):
            equal = [f"{earlier} = {value}" for earlier, value in position[:index]]
            behind.append(" AND ".join([*equal, f"{field} > {literal}"]))
        condition = " OR ".join(f"({part})" for part in behind)
        return replace(self, where=(*self.where, f"({condition})"))

    def parts(self, most_characters: int) -> list[Select]:
        """Split by fields so that every part fits into an address of so many characters.

        Every part holds the fields of :attr:`order_by` and Id, so that the parts' rows, which
        come in the same order, can be joined again.
        """
        if encoded_length(self) <= most_characters:
            return [self]
        keys = tuple(dict.fromkeys((*self.order_by, "Id")))
        empty = replace(self, fields=keys)
        room = most_characters - encoded_length(empty)
        parts = list(_packed([field for field in self.fields if field not in keys], room))
        return [replace(self, fields=(*keys, *part)) for part in parts] or [empty]


def encoded_length(select: Select) -> int:
    """Return how many characters the statement takes in an address."""
    return len(quote(str(select), safe=""))


def _packed(fields: Sequence[str], room: int) -> Iterator[tuple[str, ...]]:
    part: list[str] = []
    used = 0
    for field in fields:
        length = len(quote(f", {field}", safe=""))
        if part and used + length > room:
            yield tuple(part)
            part, used = [], 0
        part.append(field)
        used += length
    if part:
        yield tuple(part)
