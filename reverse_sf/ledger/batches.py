"""What is committed at once: the decisions of the mapper, and the outcomes of a target."""

from __future__ import annotations

from typing import Any

import msgspec

from reverse_sf.ledger.rows import (
    AwaitedOwner,
    Conflict,
    Count,
    Image,
    Intent,
    KeysOfRecord,
    Link,
    LogRow,
    Outcome,
    Parked,
    Restore,
    UserRow,
)
from reverse_sf.mapping.definition import Direction, Side


class Decisions(msgspec.Struct, kw_only=True):
    """All that the mapper commits before it emits a batch, in one transaction."""

    run_id: str
    links: list[Link] = []
    images: list[Image] = []
    rebased: dict[str, dict[str, list[Any]]] = {}
    """Link id to the base entries that changed without a write (agreement)."""
    intents: list[Intent] = []
    parked: list[Parked] = []
    unparked: list[tuple[str, str]] = []
    """``(link_id, key)`` pairs of this direction that are no longer withheld."""
    flagged: list[tuple[str, str]] = []
    """``(link_id, reason)``: decide again at the start of this direction's next run."""
    unflagged: list[str] = []
    superseded: list[str] = []
    """Operation ids taken over by the intents of this batch."""
    conflicts: list[Conflict] = []
    issued: list[Restore] = []
    """Values that a person wants back, and that operations of this batch write."""
    ended: list[tuple[str, str, str]] = []
    """``(link_id, key, what became of it)`` of those that are settled one way or the other."""
    counts: list[Count] = []
    users: list[UserRow] = []
    awaited: list[AwaitedOwner] = []
    """Owners whom nobody stands for yet, of either direction."""
    parted: list[tuple[str, Side]] = []
    """Links that forget their record of a side and all that was known of it, its base too."""
    taken_over: list[tuple[str, str]] = []
    """``(kept, given up)``: links that the record of another one joins, which ends."""
    renewed: list[tuple[str, Side, str]] = []
    """``(link_id, side, moment)``: a record was modified then and holds what its image holds."""
    match_keys: list[KeysOfRecord] = []
    """What records are matched by now, where the pair has an index of keys."""


class Outcomes(msgspec.Struct, kw_only=True):
    """All that a target commits after a batch of calls, in one transaction."""

    run_id: str
    direction: Direction
    outcomes: list[Outcome] = []
    flagged: list[tuple[str, Direction, str]] = []
    """``(link_id, direction, reason)``: decide again at the start of that direction's next run."""
    parked: list[Parked] = []
    conflicts: list[Conflict] = []
    spared: list[tuple[str, str, str]] = []
    """``(operation_id, link_id, key)`` journaled before a write that left the value alone."""
    log: list[LogRow] = []
    counts: list[Count] = []
    awaited: list[AwaitedOwner] = []
    """Owners whom the target has not found."""
