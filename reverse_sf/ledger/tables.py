"""The ledger's tables, as the code reads and writes them.

The migrations make them (``reverse_sf.ledger.migrations``); a test holds the two equal. All names
begin with ``sync_``, so a ledger can live in a database that holds other things, such as Meltano's.

JSON is kept as text, instants as ISO 8601 UTC text. Long texts are the last columns of a row: what
the hot paths read comes before them.

Link ids and operation ids are hashes, and an index over hashes is written all over with each batch.
So a link has a growing ``number`` as well, the large tables refer to it, and only one index over
link ids is left; operations have none over theirs and are found by their link.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData()

SERIAL = BigInteger().with_variant(Integer(), "sqlite")
OPEN = text("status IN ('intended', 'waiting')")


def _link(*, primary_key: bool = False) -> Column[int]:
    target = ForeignKey("sync_links.number")
    return Column(
        "link", SERIAL, target, primary_key=primary_key, nullable=False, autoincrement=False
    )


def _link_id() -> Column[str]:
    return Column("link_id", Text, ForeignKey("sync_links.link_id"), primary_key=True)


migrations = Table(
    "sync_migrations",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("applied_at", Text, nullable=False),
)

facts = Table(
    "sync_facts",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

runs = Table(
    "sync_runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("direction", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("definition_fingerprint", Text, nullable=False),
    Column("ended_at", Text),
    Column("status", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Index("sync_runs_by_start", "direction", "started_at"),
)

leases = Table(
    "sync_leases",
    metadata,
    Column("direction", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
)

links = Table(
    "sync_links",
    metadata,
    Column("number", SERIAL, primary_key=True),
    Column("link_id", Text, nullable=False),
    Column("pair", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("salesforce_id", Text),
    Column("spotio_id", Text),
    Index("sync_links_by_id", "link_id", unique=True),
    Index(
        "sync_links_one_per_salesforce_id",
        "pair",
        "salesforce_id",
        unique=True,
        sqlite_where=text("salesforce_id IS NOT NULL"),
        postgresql_where=text("salesforce_id IS NOT NULL"),
    ),
    Index(
        "sync_links_one_per_spotio_id",
        "pair",
        "spotio_id",
        unique=True,
        sqlite_where=text("spotio_id IS NOT NULL"),
        postgresql_where=text("spotio_id IS NOT NULL"),
    ),
)

flags = Table(
    "sync_flags",
    metadata,
    _link_id(),
    Column("direction", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Index("sync_flags_by_direction", "direction", "link_id"),
)

images = Table(
    "sync_images",
    metadata,
    _link(primary_key=True),
    Column("side", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("modified_at", Text),
    Column("observed_at", Text, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("content", Text, nullable=False),
    # Since when keys differ from the base (reverse_sf.merge.evidence); NULL: it was never kept.
    Column("differing", Text),
)

bases = Table(
    "sync_bases",
    metadata,
    _link(primary_key=True),
    Column("entries", Text, nullable=False),
)

operations = Table(
    "sync_operations",
    metadata,
    Column("number", SERIAL, primary_key=True),
    Column("operation_id", Text, nullable=False),
    _link(),
    Column("pair", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("issued_at", Text, nullable=False),
    Column("closed_at", Text),
    Column("waiting_for", Text),
    Column("error_code", Text),
    Column("error", Text),
    Column("record", Text, nullable=False),
    Column("envelope", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Index("sync_operations_by_link", "link"),
    Index("sync_operations_open", "link", sqlite_where=OPEN, postgresql_where=OPEN),
)

parked = Table(
    "sync_parked",
    metadata,
    _link_id(),
    Column("direction", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("pair", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Text),
    Column("waiting_for", Text),
    Column("definition_fingerprint", Text, nullable=False),
    Column("message", Text, nullable=False),
    Index("sync_parked_by_direction", "direction", "link_id"),
    Index(
        "sync_parked_waiting",
        "waiting_for",
        sqlite_where=text("waiting_for IS NOT NULL"),
        postgresql_where=text("waiting_for IS NOT NULL"),
    ),
)

conflicts = Table(
    "sync_conflicts",
    metadata,
    Column("number", SERIAL, primary_key=True),
    Column("link_id", Text, nullable=False),
    Column("pair", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("loser", Text, nullable=False),
    Column("losing_value", Text, nullable=False),
    Column("winning_value", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("row", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("operation_id", Text),
    Index("sync_conflicts_once", "operation_id", "link_id", "key", unique=True),
    Index("sync_conflicts_by_link", "link_id"),
)

log = Table(
    "sync_log",
    metadata,
    Column("number", SERIAL, primary_key=True),
    Column("at", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("pair", Text, nullable=False),
    Column("link_id", Text),
    Column("operation_id", Text),
    Column("salesforce_id", Text),
    Column("spotio_id", Text),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("status", Integer),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", Text),
    Column("answer", Text),
    Index("sync_log_by_run", "run_id"),
    Index(
        "sync_log_by_link",
        "link_id",
        sqlite_where=text("link_id IS NOT NULL"),
        postgresql_where=text("link_id IS NOT NULL"),
    ),
)

counts = Table(
    "sync_counts",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("pair", Text, primary_key=True),
    Column("counter", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

users = Table(
    "sync_users",
    metadata,
    Column("side", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("email", Text),
    Column("username", Text),
    Column("external_id", Text),
    Column("name", Text),
    Column("active", Boolean, nullable=False),
    Column("attributes", Text),
)

catalogs = Table(
    "sync_catalogs",
    metadata,
    Column("side", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("document", Text, nullable=False),
)

external_ids = Table(
    "sync_external_ids",
    metadata,
    Column("spotio_id", Text, primary_key=True),
    Column("type_id", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Index("sync_external_ids_by_id", "type_id", "external_id"),
)

match_keys = Table(
    "sync_match_keys",
    metadata,
    Column("pair", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Index("sync_match_keys_by_record", "pair", "side", "record_id"),
)

bulk_jobs = Table(
    "sync_bulk_jobs",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("closed_at", Text),
)
