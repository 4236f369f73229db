"""Tables as values: a view says what is in the cells, one template draws them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from reverse_sf.cli.rendering import to_the_second

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: what it says.
        href: where it leads, if anywhere.
        kind: how it looks: ``number``, ``code``, ``value``, ``time``, ``pair``, or ``error``.
        about: what a link is about, for those who hear the link without its row.
    """

    text: str
    href: str | None = None
    kind: str = ""
    about: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row names the row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Cell | str]]) -> Table:
    """A table, of cells or of plain texts."""
    return Table(
        caption,
        tuple(columns),
        tuple(
            tuple(one if isinstance(one, Cell) else Cell(one) for one in cells) for cells in rows
        ),
    )


def number(value: int, href: str | None = None, about: str = "") -> Cell:
    """A count; a count of nothing leads nowhere."""
    return Cell(f"{value:,}", href if value else None, "number", about)


def code(text: str | None, href: str | None = None) -> Cell:
    """An id or another text that is copied as it is."""
    return Cell(text or "", href if text else None, "code")


def moment(instant: str) -> Cell:
    """A UTC instant."""
    return Cell(to_the_second(instant), None, "time")


def pair(name: str) -> Cell:
    """The name of an object mapping, which may be broken where its two names meet."""
    return Cell(name, None, "pair")


def record(identifier: str | None) -> Cell:
    """A record's id, leading to its history."""
    return code(identifier, f"/records/{quote(identifier, safe='')}" if identifier else None)


def address(path: str, **query: str | None) -> str:
    """A path of the page with a query, without what is not given."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
