"""The first schema of the ledger, frozen: a released migration is never edited.

``{serial}`` is the dialect's growing primary key. Everything else means the same on SQLite and on
PostgreSQL.
"""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE sync_facts (
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (kind, name)
    )
    """,
    """
    CREATE TABLE sync_runs (
      run_id TEXT NOT NULL,
      direction TEXT NOT NULL,
      started_at TEXT NOT NULL,
      definition_fingerprint TEXT NOT NULL,
      ended_at TEXT,
      status TEXT NOT NULL,
      holder TEXT NOT NULL,
      PRIMARY KEY (run_id)
    )
    """,
    """
    CREATE INDEX sync_runs_by_start
      ON sync_runs (direction, started_at)
    """,
    """
    CREATE TABLE sync_leases (
      direction TEXT NOT NULL,
      run_id TEXT NOT NULL,
      holder TEXT NOT NULL,
      since TEXT NOT NULL,
      expires_at TEXT NOT NULL,
      PRIMARY KEY (direction)
    )
    """,
    """
    CREATE TABLE sync_links (
      number {serial},
      link_id TEXT NOT NULL,
      pair TEXT NOT NULL,
      origin TEXT NOT NULL,
      state TEXT NOT NULL,
      salesforce_id TEXT,
      spotio_id TEXT
    )
    """,
    """
    CREATE UNIQUE INDEX sync_links_by_id
      ON sync_links (link_id)
    """,
    """
    CREATE UNIQUE INDEX sync_links_one_per_salesforce_id
      ON sync_links (pair, salesforce_id)
      WHERE salesforce_id IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX sync_links_one_per_spotio_id
      ON sync_links (pair, spotio_id)
      WHERE spotio_id IS NOT NULL
    """,
    """
    CREATE TABLE sync_flags (
      link_id TEXT NOT NULL,
      direction TEXT NOT NULL,
      reason TEXT NOT NULL,
      PRIMARY KEY (link_id, direction),
      FOREIGN KEY (link_id) REFERENCES sync_links (link_id)
    )
    """,
    """
    CREATE INDEX sync_flags_by_direction
      ON sync_flags (direction, link_id)
    """,
    """
    CREATE TABLE sync_images (
      link BIGINT NOT NULL,
      side TEXT NOT NULL,
      digest TEXT NOT NULL,
      modified_at TEXT,
      observed_at TEXT NOT NULL,
      deleted BOOLEAN NOT NULL,
      content TEXT NOT NULL,
      PRIMARY KEY (link, side),
      FOREIGN KEY (link) REFERENCES sync_links (number)
    )
    """,
    """
    CREATE TABLE sync_bases (
      link BIGINT NOT NULL,
      entries TEXT NOT NULL,
      PRIMARY KEY (link),
      FOREIGN KEY (link) REFERENCES sync_links (number)
    )
    """,
    """
    CREATE TABLE sync_operations (
      number {serial},
      operation_id TEXT NOT NULL,
      link BIGINT NOT NULL,
      pair TEXT NOT NULL,
      direction TEXT NOT NULL,
      action TEXT NOT NULL,
      run_id TEXT NOT NULL,
      status TEXT NOT NULL,
      attempts INTEGER NOT NULL,
      issued_at TEXT NOT NULL,
      closed_at TEXT,
      waiting_for TEXT,
      error_code TEXT,
      error TEXT,
      record TEXT NOT NULL,
      envelope TEXT NOT NULL,
      source TEXT NOT NULL,
      decision TEXT NOT NULL,
      FOREIGN KEY (link) REFERENCES sync_links (number)
    )
    """,
    """
    CREATE INDEX sync_operations_by_link
      ON sync_operations (link)
    """,
    """
    CREATE INDEX sync_operations_open
      ON sync_operations (link)
      WHERE status IN ('intended', 'waiting')
    """,
    """
    CREATE TABLE sync_parked (
      link_id TEXT NOT NULL,
      direction TEXT NOT NULL,
      key TEXT NOT NULL,
      pair TEXT NOT NULL,
      reason TEXT NOT NULL,
      at TEXT NOT NULL,
      run_id TEXT NOT NULL,
      attempts INTEGER NOT NULL,
      next_attempt_at TEXT,
      waiting_for TEXT,
      definition_fingerprint TEXT NOT NULL,
      message TEXT NOT NULL,
      PRIMARY KEY (link_id, direction, key),
      FOREIGN KEY (link_id) REFERENCES sync_links (link_id)
    )
    """,
    """
    CREATE INDEX sync_parked_by_direction
      ON sync_parked (direction, link_id)
    """,
    """
    CREATE INDEX sync_parked_waiting
      ON sync_parked (waiting_for)
      WHERE waiting_for IS NOT NULL
    """,
    """
    CREATE TABLE sync_conflicts (
      number {serial},
      link_id TEXT NOT NULL,
      pair TEXT NOT NULL,
      key TEXT NOT NULL,
      loser TEXT NOT NULL,
      losing_value TEXT NOT NULL,
      winning_value TEXT NOT NULL,
      rule TEXT NOT NULL,
      row TEXT NOT NULL,
      at TEXT NOT NULL,
      run_id TEXT NOT NULL,
      operation_id TEXT
    )
    """,
    """
    CREATE INDEX sync_conflicts_by_link
      ON sync_conflicts (link_id)
    """,
    """
    CREATE UNIQUE INDEX sync_conflicts_once
      ON sync_conflicts (operation_id, link_id, key)
    """,
    """
    CREATE TABLE sync_log (
      number {serial},
      at TEXT NOT NULL,
      run_id TEXT NOT NULL,
      direction TEXT NOT NULL,
      kind TEXT NOT NULL,
      pair TEXT NOT NULL,
      link_id TEXT,
      operation_id TEXT,
      salesforce_id TEXT,
      spotio_id TEXT,
      method TEXT NOT NULL,
      path TEXT NOT NULL,
      status INTEGER,
      outcome TEXT NOT NULL,
      reason TEXT NOT NULL,
      payload TEXT,
      answer TEXT
    )
    """,
    """
    CREATE INDEX sync_log_by_link
      ON sync_log (link_id)
      WHERE link_id IS NOT NULL
    """,
    """
    CREATE INDEX sync_log_by_run
      ON sync_log (run_id)
    """,
    """
    CREATE TABLE sync_counts (
      run_id TEXT NOT NULL,
      pair TEXT NOT NULL,
      counter TEXT NOT NULL,
      reason TEXT NOT NULL,
      number BIGINT NOT NULL,
      PRIMARY KEY (run_id, pair, counter, reason)
    )
    """,
    """
    CREATE TABLE sync_users (
      side TEXT NOT NULL,
      user_id TEXT NOT NULL,
      email TEXT,
      username TEXT,
      external_id TEXT,
      name TEXT,
      active BOOLEAN NOT NULL,
      PRIMARY KEY (side, user_id)
    )
    """,
    """
    CREATE TABLE sync_catalogs (
      side TEXT NOT NULL,
      stream TEXT NOT NULL,
      document TEXT NOT NULL,
      PRIMARY KEY (side, stream)
    )
    """,
    """
    CREATE TABLE sync_external_ids (
      spotio_id TEXT NOT NULL,
      type_id TEXT NOT NULL,
      external_id TEXT NOT NULL,
      PRIMARY KEY (spotio_id)
    )
    """,
    """
    CREATE INDEX sync_external_ids_by_id
      ON sync_external_ids (type_id, external_id)
    """,
    """
    CREATE TABLE sync_bulk_jobs (
      job_id TEXT NOT NULL,
      run_id TEXT NOT NULL,
      opened_at TEXT NOT NULL,
      closed_at TEXT,
      PRIMARY KEY (job_id)
    )
    """,
)
