"""Rows of the export until the feed's half of each has come.

The two listings have no common order, so one is kept while the other is read: in a temporary file
that SQLite deletes by itself, because there may be hundreds of thousands.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Row = Mapping[str, Any]

_DONE = "SELECT exported, fed FROM activity WHERE fed IS NOT NULL ORDER BY rowid"
_ALONE = "SELECT exported, fed FROM activity WHERE fed IS NULL ORDER BY rowid"


class Halves:
    """The activities of one run, each with what both listings said of it."""

    def __init__(self) -> None:
        # An empty name is a private database on disk that ends with its connection.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(
            "CREATE TABLE activity (id TEXT PRIMARY KEY, exported BLOB NOT NULL, fed BLOB)"
        )

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def __bool__(self) -> bool:
        return self._database.execute("SELECT 1 FROM activity LIMIT 1").fetchone() is not None

    def add_exported(self, row: Row) -> None:
        """Keep a row of the export; a later one of the same activity takes its place."""
        self._database.execute(
            "INSERT OR REPLACE INTO activity VALUES (?, ?, NULL)",
            (str(row["id"]), msgspec.json.encode(row)),
        )

    def add_fed(self, row: Row) -> None:
        """Keep a row of the feed, if its activity is wanted."""
        self._database.execute(
            "UPDATE activity SET fed = ? WHERE id = ?", (msgspec.json.encode(row), str(row["id"]))
        )

    def done(self, size: int) -> Iterator[list[tuple[Row, Row]]]:
        """What both listings have, in blocks: the export's row and the feed's."""
        found = self._database.execute(_DONE)
        while block := found.fetchmany(size):
            yield [(msgspec.json.decode(one), msgspec.json.decode(other)) for one, other in block]

    def alone(self, size: int) -> Iterator[list[Row]]:
        """Rows that only the export has, in blocks."""
        found = self._database.execute(_ALONE)
        while block := found.fetchmany(size):
            yield [msgspec.json.decode(one) for one, _ in block]
