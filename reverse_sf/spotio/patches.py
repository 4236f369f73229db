"""JSON Patch documents for SPOTIO records, and how to tell that one did harm.

SPOTIO publishes neither the legal paths under ``fields`` nor whether fields that a patch does not
touch survive it; a live client of an older call lost customers' names to exactly this. A
:class:`Dialect` is one way to write; which of them a tenant understands is found out by
``target_spotio.canary`` and remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.record import holds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reverse_sf.spotio.record import Record

Operation = dict[str, Any]


class Dialect(str, Enum):
    """One way to patch fields, from the gentlest to the bluntest: the order in which to try."""

    INDEX_TESTED = "index_tested"
    """``/fields/<position>``, with tests that the field still stands there and holds the value."""
    INDEX = "index"
    BY_ID = "by_id"
    """``/fields/<field id>``."""
    COLLECTION = "collection"
    """``/fields`` as a whole, with every entry that the record has."""
    ALL_BY_INDEX = "all_by_index"
    """Every entry touched at its position."""
    ALL_BY_ID = "all_by_id"
    ALL_APPENDED = "all_appended"
    """Every entry added at ``/fields/-``."""


WHOLE = frozenset(
    {Dialect.COLLECTION, Dialect.ALL_BY_INDEX, Dialect.ALL_BY_ID, Dialect.ALL_APPENDED}
)
"""The dialects that send every field of the record."""


RELIES_ON_READ = WHOLE | {Dialect.INDEX}
"""The dialects that do harm where the record changed after it was read: read just before."""


@dataclass(frozen=True)
class Change:
    """What to write to one record.

    Attributes:
        entries: field id to the new entry of ``fields``.
        properties: top-level keys such as ``stageId``, ``ownerId``, ``pin``.
    """

    entries: Mapping[str, Mapping[str, Any]]
    properties: Mapping[str, Any]


def document(dialect: Dialect, record: Record, change: Change) -> list[Operation]:
    """The patch that makes the change to the record as it was just read."""
    top = [_replace(f"/{key}", value) for key, value in change.properties.items()]
    return top + _WRITERS[dialect](record, change)


def merged_entries(record: Record, change: Change) -> list[Mapping[str, Any]]:
    """All entries of the record after the change, in the record's order, new ones at the end."""
    held = {str(entry.get("fieldId")): _sendable(entry) for entry in record.entries}
    entries = {**held, **change.entries}
    return [entry for field_id, entry in entries.items() if field_id in held or holds(entry)]


def _sendable(entry: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("fieldId", "value", "values", "attachmentValue")
    kept = {key: entry[key] for key in keys if entry.get(key) not in (None, [])}
    return kept | {"fieldId": str(entry.get("fieldId"))}


def _replace(path: str, value: Any) -> Operation:
    return {"op": "replace", "path": path, "value": value}


def _by_index(record: Record, change: Change, *, tested: bool) -> list[Operation]:
    operations: list[Operation] = []
    for field_id, entry in change.entries.items():
        position = record.position(field_id)
        if position is None:
            operations.append({"op": "add", "path": "/fields/-", "value": entry})
            continue
        if tested:
            held = str(record.entries[position].get("fieldId"))
            operations.append({"op": "test", "path": f"/fields/{position}/fieldId", "value": held})
            value = record.entries[position].get("value")
            if isinstance(value, str):
                path = f"/fields/{position}/value"
                operations.append({"op": "test", "path": path, "value": value})
        operations.append(_replace(f"/fields/{position}", entry))
    return operations


def _by_id(record: Record, change: Change) -> list[Operation]:
    return [
        _replace(f"/fields/{field_id}", entry)
        if record.position(field_id) is not None
        else _added(field_id, entry)
        for field_id, entry in change.entries.items()
    ]


def _added(field_id: str, entry: Mapping[str, Any]) -> Operation:
    return {"op": "add", "path": f"/fields/{field_id}", "value": entry}


def _whole(record: Record, change: Change) -> Change:
    entries = {str(entry["fieldId"]): entry for entry in merged_entries(record, change)}
    return Change(entries, {})


def _collection(record: Record, change: Change) -> list[Operation]:
    return [_replace("/fields", merged_entries(record, change))]


def _appended(record: Record, change: Change) -> list[Operation]:
    return [
        {"op": "add", "path": "/fields/-", "value": entry}
        for entry in merged_entries(record, change)
    ]


_WRITERS = {
    Dialect.INDEX_TESTED: lambda record, change: _by_index(record, change, tested=True),
    Dialect.INDEX: lambda record, change: _by_index(record, change, tested=False),
    Dialect.BY_ID: _by_id,
    Dialect.COLLECTION: _collection,
    Dialect.ALL_BY_INDEX: lambda record, change: _by_index(
        record, _whole(record, change), tested=False
    ),
    Dialect.ALL_BY_ID: lambda record, change: [
        _added(field_id, entry) for field_id, entry in _whole(record, change).entries.items()
    ],
    Dialect.ALL_APPENDED: _appended,
}


def harmed_fields(
    before: Record, after: Record, change: Change, touched: Collection[str]
) -> set[str]:
    """Ids of the fields that a patch harmed although it was not to touch them.

    They hold nothing any more, or they hold what was meant for another field. A field that holds
    yet another value was changed by a person or by SPOTIO itself.
    """
    meant = [_content(entry) for entry in change.entries.values() if holds(entry)]
    harmed = set()
    for entry in before.entries:
        field_id = str(entry.get("fieldId"))
        if field_id in touched or not holds(entry):
            continue
        now = after.entry(field_id)
        if not holds(now) or (_content(now) != _content(entry) and _content(now) in meant):
            harmed.add(field_id)
    return harmed


def took(before: Record, after: Record, change: Change) -> bool:
    """Whether every touched field came out as meant, or at least different and not blank."""
    for field_id, entry in change.entries.items():
        old, now = before.entry(field_id), after.entry(field_id)
        if holds(now) != holds(entry):
            return False
        if holds(entry) and _content(now) == _content(old) != _content(entry):
            return False
    return True


def _content(entry: Mapping[str, Any]) -> tuple[Any, Any]:
    return (entry.get("value") or None, tuple(entry.get("values") or ()))
