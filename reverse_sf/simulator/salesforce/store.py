"""The rows of the local org in SQLite: one table per object, one lock, nested transactions.

Instants are stored as ``2026-05-06T11:56:44.000Z`` and dates as ``2026-05-06``, so that text order
is time order; booleans as 0 and 1. Text columns compare without regard to case.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.instants import stamp
from reverse_sf.simulator.salesforce.metadata import NUMBER_TYPES, Field, Schema, SObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reverse_sf.simulator.clock import Clock

_SYSTEM_TABLES = """
CREATE TABLE IF NOT EXISTS "_sequence" (prefix TEXT PRIMARY KEY, next INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS "_deleted" (
    object TEXT NOT NULL, id TEXT PRIMARY KEY, at TEXT NOT NULL, cause TEXT);
CREATE INDEX IF NOT EXISTS "_deleted_at" ON "_deleted" (object, at);
CREATE TABLE IF NOT EXISTS "_bin" (id TEXT PRIMARY KEY, object TEXT NOT NULL, until TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS "_bin_until" ON "_bin" (until);
CREATE TABLE IF NOT EXISTS "_unlinked" (
    object TEXT NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL, parent TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS "_unlinked_parent" ON "_unlinked" (parent);
CREATE TABLE IF NOT EXISTS "_setting" (name TEXT PRIMARY KEY, value TEXT);
"""
_OWN_TABLES = ("_sequence", "_deleted", "_bin", "_unlinked", "_setting")


class Store:
    """A SQLite database that holds the org's rows.

    Args:
        clock: what formulas take as the present.
        database: a file, or ``:memory:``.
    """

    def __init__(self, clock: Clock, database: str = ":memory:") -> None:
        self.lock = threading.RLock()
        self._depth = 0
        self._kept: sqlite3.Connection | None = None
        self._connection = sqlite3.connect(
            database, check_same_thread=False, isolation_level=None, cached_statements=512
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA cache_size = -65536")
        self._connection.create_function("sf_fold", 1, _fold, deterministic=True)
        self._connection.create_function("sf_now", 0, lambda: stamp(clock.now()))
        self._connection.create_function("sf_matches", 2, _matches, deterministic=True)
        self._connection.executescript(_SYSTEM_TABLES)
        weakref.finalize(self, self._connection.close)

    def close(self) -> None:
        """Close the database."""
        with self.lock:
            self._connection.close()

    @property
    def empty(self) -> bool:
        """Whether no id was ever given out."""
        return not self.rows('SELECT 1 FROM "_sequence" LIMIT 1')

    # Statements

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""
        with self.lock:
            return self._connection.execute(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement and tell how many rows it changed."""
        with self.lock:
            return self._connection.execute(sql, parameters).rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters."""
        with self.lock:
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested, and holds the lock while it is open."""
        with self.lock:
            name = f"level{self._depth}"
            self._depth += 1
            self._connection.execute(f"SAVEPOINT {name}")
            try:
                yield
            except BaseException:
                self._connection.execute(f"ROLLBACK TO {name}")
                raise
            finally:
                self._connection.execute(f"RELEASE {name}")
                self._depth -= 1

    # Tables

    def create_tables(self, schema: Schema) -> None:
        """Make the tables and columns that the schema needs and the database lacks."""
        with self.lock:
            for one in schema:
                self._create_table(one)

    def _create_table(self, one: SObject) -> None:
        known = {row[1] for row in self.rows(f'PRAGMA table_info("{one.name}")')}
        if not known:
            columns = ", ".join(_column(field) for field in one.stored)
            self.execute(f'CREATE TABLE "{one.name}" ({columns})')
        else:
            for field in one.stored:
                if field.name not in known:
                    self.execute(f'ALTER TABLE "{one.name}" ADD COLUMN {_column(field)}')
        for field in one.stored:
            if field.name == "SystemModstamp" or field.external_id or field.type == "reference":
                if field.refers_to == ("User",) and field.name != "OwnerId":
                    continue
                index = f'"{one.name}_{field.name}"'
                self.execute(f'CREATE INDEX IF NOT EXISTS {index} ON "{one.name}" ("{field.name}")')

    def drop_rows(self, schema: Schema) -> None:
        """Forget everything, the schema's tables too."""
        with self.lock:
            for one in schema:
                self.execute(f'DROP TABLE IF EXISTS "{one.name}"')
            for table in _OWN_TABLES:
                self.execute(f'DELETE FROM "{table}"')

    # The whole database

    def keep(self) -> None:
        """Remember the whole database as it is now, for :meth:`restore`."""
        with self.lock:
            kept = sqlite3.connect(":memory:", check_same_thread=False)
            self._connection.backup(kept)
            self._kept = kept
            weakref.finalize(self, kept.close)

    def restore(self) -> bool:
        """Bring back what was remembered; whether anything was."""
        with self.lock:
            if self._kept is None:
                return False
            self._kept.backup(self._connection)
            return True

    # Rows

    def insert(self, one: SObject, row: Mapping[str, Any]) -> None:
        """Add one row; columns that it does not name are null."""
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        self.execute(f'INSERT INTO "{one.name}" ({names}) VALUES ({marks})', tuple(row.values()))

    def update(self, one: SObject, record_id: str, changes: Mapping[str, Any]) -> None:
        """Change some columns of one row."""
        if changes:
            names = ", ".join(f'"{name}" = ?' for name in changes)
            sql = f'UPDATE "{one.name}" SET {names} WHERE "Id" = ?'
            self.execute(sql, (*changes.values(), record_id))

    def row(self, one: SObject, record_id: str) -> dict[str, Any] | None:
        """All columns of one row, deleted or not; None where there is none."""
        with self.lock:
            cursor = self._connection.execute(
                f'SELECT * FROM "{one.name}" WHERE "Id" = ?', (record_id,)
            )
            found = cursor.fetchone()
            names = [column[0] for column in cursor.description]
        return None if found is None else dict(zip(names, found, strict=True))

    def next_number(self, prefix: str) -> int:
        """The next unused number of an id prefix, from 0."""
        sql = (
            'INSERT INTO "_sequence" VALUES (?, 1) '
            "ON CONFLICT (prefix) DO UPDATE SET next = next + 1 RETURNING next - 1"
        )
        return int(self.rows(sql, (prefix,))[0][0])

    def reserve_numbers(self, prefix: str, count: int) -> int:
        """Take ``count`` consecutive numbers of a prefix; gives the first."""
        with self.transaction():
            first = self.next_number(prefix)
            self.execute(
                'UPDATE "_sequence" SET next = ? WHERE prefix = ?', (first + count, prefix)
            )
        return first

    # Settings and the delete log

    def setting(self, name: str) -> str | None:
        """A remembered text."""
        found = self.rows('SELECT value FROM "_setting" WHERE name = ?', (name,))
        return found[0][0] if found else None

    def remember(self, name: str, value: str) -> None:
        """Remember a text."""
        self.execute('INSERT OR REPLACE INTO "_setting" VALUES (?, ?)', (name, value))

    def log_deleted(self, object_name: str, record_id: str, at: str, cause: str | None) -> None:
        """Note a deletion for getDeleted; ``cause`` is the record whose deletion brought it."""
        self.execute(
            'INSERT OR REPLACE INTO "_deleted" VALUES (?, ?, ?, ?)',
            (object_name, record_id, at, cause),
        )

    # The recycle bin

    def put_into_bin(self, object_name: str, record_id: str, until: str) -> None:
        """Note that a deleted record is in the recycle bin up to an instant."""
        self.execute(
            'INSERT OR REPLACE INTO "_bin" VALUES (?, ?, ?)', (record_id, object_name, until)
        )

    def take_from_bin(self, record_id: str) -> None:
        """Forget a deletion: the record is back."""
        self.execute('DELETE FROM "_deleted" WHERE id = ?', (record_id,))
        self.forget_bin(record_id)

    def forget_bin(self, record_id: str) -> None:
        """Forget that a record is in the recycle bin, and which lookups it left blank."""
        self.execute('DELETE FROM "_bin" WHERE id = ?', (record_id,))
        self.execute('DELETE FROM "_unlinked" WHERE parent = ?', (record_id,))

    def expired(self, now: str) -> list[tuple[str, str]]:
        """Object and id of what has been in the recycle bin for too long."""
        rows = self.rows('SELECT object, id FROM "_bin" WHERE until <= ?', (now,))
        return [(row[0], row[1]) for row in rows]

    def log_unlinked(self, object_name: str, record_id: str, field: str, parent: str) -> None:
        """Note a lookup that a deletion cleared."""
        self.execute(
            'INSERT INTO "_unlinked" VALUES (?, ?, ?, ?)', (object_name, record_id, field, parent)
        )

    def unlinked_from(self, parent: str) -> list[tuple[str, str, str]]:
        """Object, id and field of the lookups that the parent's deletion cleared."""
        sql = 'SELECT object, id, field FROM "_unlinked" WHERE parent = ?'
        return [(row[0], row[1], row[2]) for row in self.rows(sql, (parent,))]


def _column(field: Field) -> str:
    if field.type == "id":
        return f'"{field.name}" TEXT PRIMARY KEY'
    if field.type in {"boolean", "int"}:
        kind = "INTEGER"
    elif field.type in NUMBER_TYPES:
        kind = "REAL"
    else:
        kind = "TEXT COLLATE NOCASE" if field.is_text else "TEXT"
    return f'"{field.name}" {kind}'


def _matches(text: str | None, pattern: str) -> bool:
    """Whether the whole text fits a pattern, as the REGEX of formulas."""
    return re.fullmatch(pattern, text or "") is not None


def _fold(text: str | None) -> str | None:
    return None if text is None else str(text).lower()
