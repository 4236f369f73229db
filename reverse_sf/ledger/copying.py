"""A ledger is copied whole: a backup of a file, or the way from a file to a server and back.

While it is copied nobody else writes to it, and the copy is committed in one transaction: whatever
goes wrong leaves an empty ledger behind, never a part of one. Leases are not copied, for nobody
works on the copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, insert, select, text

from reverse_sf.errors import ConfigurationError, StopError
from reverse_sf.ledger.encoding import moment
from reverse_sf.ledger.holder import gone
from reverse_sf.ledger.leases import Leases, held_by
from reverse_sf.ledger.tables import leases, metadata, migrations

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Table

    from reverse_sf.ledger.session import Session

_ROWS_A_BATCH = 2_000

COPIED: tuple[Table, ...] = tuple(
    table for table in metadata.sorted_tables if table not in (migrations, leases)
)
"""What a copy holds, parents before the rows that refer to them."""


@dataclass(frozen=True)
class TableSize:
    """A table of a ledger and how many rows it holds."""

    table: str
    rows: int


class Copying(Leases):
    """Copies of the ledger."""

    def sizes(self) -> list[TableSize]:
        """Rows of each table that a copy would hold."""
        with self._reading() as connection:
            return [TableSize(table.name, _rows(connection, table)) for table in COPIED]

    def copy_to(
        self, other: Session, told: Callable[[str, int], None] = lambda _table, _rows: None
    ) -> list[TableSize]:
        """Copy everything but leases into another ledger, which must be empty.

        Args:
            other: an open ledger. Both have the newest schema, because opening brings it about.
            told: called with a table's name and the number of rows just written to it.

        Returns:
            What the copy holds, counted in the copy.

        Raises:
            ConfigurationError: the other ledger is this one.
            LeaseHeldError: a run is at work on this ledger.
            StopError: the other ledger holds something already; it is left as it is.
        """
        if other.address.url == self.address.url:
            raise ConfigurationError(
                f"the ledger {self.address.shown} cannot be copied onto itself: name another place"
            )
        with self._writing() as source, other._writing() as target:  # noqa: SLF001 - a ledger too
            now = moment(self._now(source))
            for held in source.execute(select(leases)):
                if held.expires_at > now and not gone(held.holder):
                    raise held_by(held)
            _refuse_used(target, other.address.shown)
            for table in COPIED:
                _copy(source, target, table, told)
            return [TableSize(table.name, _rows(target, table)) for table in COPIED]


def _refuse_used(connection: Connection, shown: str) -> None:
    used = next((table.name for table in COPIED if _has_rows(connection, table)), None)
    if used is not None:
        raise StopError(
            f"the ledger {shown} is not empty ({used} has rows), and a copy never overwrites: name "
            "a new file or an empty database"
        )


def _has_rows(connection: Connection, table: Table) -> bool:
    return bool(connection.scalar(select(exists().select_from(table))))


def _copy(
    source: Connection, target: Connection, table: Table, told: Callable[[str, int], None]
) -> None:
    reading = select(table).execution_options(yield_per=_ROWS_A_BATCH)
    with source.execute(reading) as rows:
        for batch in rows.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in batch])
            told(table.name, len(batch))
    if target.dialect.name == "postgresql" and "number" in table.c:
        _go_on_counting(target, table)


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Rows brought their numbers along; the next one that the server gives must be free."""
    connection.execute(
        text(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'number'), "  # noqa: S608 - our own table
            f"(SELECT COALESCE(MAX(number), 0) + 1 FROM {table.name}), false)"
        )
    )


def _rows(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0
