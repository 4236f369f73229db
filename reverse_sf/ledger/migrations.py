"""The ledger's schema, version by version; each step commits with the record that it ran."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sqlalchemy import insert, inspect, select

from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger import schema_0001, schema_0003
from reverse_sf.ledger.dialects import begin_writing, serial_type
from reverse_sf.ledger.encoding import moment
from reverse_sf.ledger.tables import migrations as applied

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Migration:
    """One step of the schema; never edited once it was released.

    Attributes:
        version: 1, 2, 3 without gaps.
        name: what it brings, for people who look into the table.
        statements: SQL that means the same on every dialect, ``{serial}`` aside.
    """

    version: int
    name: str
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1, "links, images, operations, parked work, journal, log, leases", schema_0001.STATEMENTS
    ),
    Migration(
        2,
        "since when a side's values differ from their base",
        ("ALTER TABLE sync_images ADD COLUMN differing TEXT",),
    ),
    Migration(3, "keys that records are matched by", schema_0003.STATEMENTS),
    Migration(
        4,
        "what is known of a user beyond name and e-mail",
        ("ALTER TABLE sync_users ADD COLUMN attributes TEXT",),
    ),
)

_RECORD = """
CREATE TABLE sync_migrations (
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  PRIMARY KEY (version)
)
"""


def migrate(
    connection: Connection, shown: str, known: tuple[Migration, ...] = MIGRATIONS
) -> list[int]:
    """Bring the schema up to the newest version known here.

    Two processes that open a new ledger at the same time run each step once.

    Returns:
        The versions that were applied now.

    Raises:
        ConfigurationError: a newer version of the product wrote this ledger.
    """
    newest = known[-1].version
    if _version(connection, shown, newest) == newest:
        connection.commit()
        return []
    connection.commit()
    done: list[int] = []
    for migration in known:
        begin_writing(connection)
        if _version(connection, shown, newest) < migration.version:
            _apply(connection, migration)
            done.append(migration.version)
        connection.commit()
    return done


def _version(connection: Connection, shown: str, newest: int) -> int:
    if not inspect(connection).has_table(applied.name):
        return 0
    version = max(connection.scalars(select(applied.c.version)), default=0)
    if version > newest:
        raise ConfigurationError(
            f"the ledger {shown} was written by a newer version of reverse-sf (schema {version}, "
            f"this one knows {newest}): install that version, or name another ledger in ledger_uri"
        )
    return version


def _apply(connection: Connection, migration: Migration) -> None:
    if migration.version == 1:
        connection.exec_driver_sql(_RECORD)
    serial = serial_type(connection)
    for statement in migration.statements:
        connection.exec_driver_sql(statement.replace("{serial}", serial))
    connection.execute(
        insert(applied).values(
            version=migration.version,
            name=migration.name,
            applied_at=moment(datetime.now(timezone.utc)),
        )
    )
