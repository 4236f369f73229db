"""Tables and JSON on standard output, the same way in every command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WIDTH_OF_FILES = 120
"""Columns where nobody looks at a terminal: a log or a pipe."""


strict_option = click.option(
    "--strict", is_flag=True, help="End with code 5 where anything is parked; for schedulers."
)


def console() -> Console:
    """Standard output, as wide as the terminal."""
    width = None if sys.stdout.isatty() else _WIDTH_OF_FILES
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, soft_wrap=False)


def say(sentence: str = "") -> None:
    """A line of text, taken literally."""
    click.echo(sentence)


def say_json(value: Any) -> None:
    """A value as JSON, indented; msgspec knows dataclasses, structs and enumerations."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def in_words(value: Any) -> str:
    """A field's value for people: blank is said, a text stands as it is, the rest as JSON."""
    if value is None:
        return "(blank)"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def to_the_second(instant: str) -> str:
    """A UTC instant for a table or a line."""
    return instant[:19].replace("T", " ")


def show(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    numbers: Sequence[str] = (),
    whole: Sequence[str] = (),
    styles: Sequence[str] = (),
) -> None:
    """A table; cells are shown literally, ``None`` as nothing.

    Args:
        title: above the table.
        columns: headings.
        rows: cells.
        numbers: headings of the columns that hold numbers.
        whole: headings of the columns whose cells are never folded, such as ids to be copied.
        styles: a rich style for each row, if any.
    """
    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False)
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in numbers else "left",
            overflow="fold",
            no_wrap=column in whole,
        )
    for at, row in enumerate(rows):
        style = styles[at] if at < len(styles) else ""
        table.add_row(*(Text(_cell(one)) for one in row), style=style)
    console().print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
