"""Bookmarks of earlier runs, also those that other variants of this tap left behind. Pure.

Ours have the SDK's shape, ``{replication_key, replication_key_value}`` per stream. The MeltanoLabs
and singer-io variants write ``{version, <key name>: <value>}``, and Bulk job ids beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError
from reverse_sf.salesforce.values import normal_stamp
from reverse_sf.tap.facts import REPLICATION_KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where in a stream's state the deletion log was last read up to.
DELETIONS_READ = "deletions_read_until"
# Beside no bookmark: the object was read completely and had no rows.
WAS_EMPTY = "was_empty"


def understood(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state in our shape.

    Raises:
        ConfigurationError: for bookmarks that are no times, all of them at once.
    """
    problems: list[str] = []
    bookmarks: dict[str, dict[str, Any]] = {}
    for stream, stored in (state.get("bookmarks") or {}).items():
        bookmark = _bookmark(stored or {})
        for key in ("replication_key_value", DELETIONS_READ):
            if key in bookmark:
                try:
                    bookmark[key] = normal_stamp(str(bookmark[key]))
                except ValueError as problem:
                    problems.append(f"bookmarks.{stream}.{key}: {problem}")
        bookmarks[stream] = bookmark
    if problems:
        raise ConfigurationError("the state cannot be read", problems)
    return {"bookmarks": bookmarks} if bookmarks else {}


def _bookmark(stored: Mapping[str, Any]) -> dict[str, Any]:
    if stored.get("replication_key_value"):
        known = ("replication_key", "replication_key_value", DELETIONS_READ)
        return {key: stored[key] for key in known if stored.get(key)}
    for key in REPLICATION_KEYS:
        if stored.get(key):
            return {"replication_key": key, "replication_key_value": stored[key]}
    return {WAS_EMPTY: True} if stored.get(WAS_EMPTY) is True else {}
