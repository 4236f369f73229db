"""What every record is matched by: the index with which new records find their counterpart."""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE sync_match_keys (
      pair TEXT NOT NULL,
      side TEXT NOT NULL,
      rule TEXT NOT NULL,
      key TEXT NOT NULL,
      record_id TEXT NOT NULL,
      PRIMARY KEY (pair, side, rule, key, record_id)
    )
    """,
    """
    CREATE INDEX sync_match_keys_by_record
      ON sync_match_keys (pair, side, record_id)
    """,
)
