"""What a whole record asks for: scope, deletion, merge and conversion (``semantics.md``, C.4).

The tables are the same in both directions: events are those of the source, and the record that may
be written is the destination's. Only the rows' names say which side is which.
"""

from __future__ import annotations

from enum import Enum

import msgspec
from typing_extensions import assert_never

from reverse_sf.mapping.definition import DeletePolicy


class Standing(Enum):
    """How an observed record stands to the other side."""

    UNLINKED = "unlinked"
    """No counterpart yet."""
    LINKED = "linked"
    UNLINKED_BY_POLICY = "unlinked by policy"
    TOMBSTONE = "tombstone"
    ALIAS = "alias"


class Event(Enum):
    """What happened to the source record as a whole."""

    PRESENT = "present"
    DELETED = "deleted"
    MERGED = "deleted as the loser of a merge"
    CONVERTED = "lead converted"


class Act(Enum):
    """What is done about a record as a whole."""

    NOTHING = "nothing"
    FROZEN = "frozen"
    """The link and its base are kept; nothing is written."""
    CREATE = "match or create"
    FIELDS = "by field rule"
    REVIVE = "tombstone revived, then by field rule"
    TOMBSTONE = "tombstone"
    """The link is kept for an undelete; nothing is written."""
    UNLINK = "unlink"
    DELETE = "delete"
    ARCHIVE = "archive"
    """The other side's record is kept and marked; the link is a tombstone afterwards."""
    RESURRECT = "created anew"
    """The link forgets the deleted record; the other direction creates it from what changed."""
    MOVE = "link moves to the winner"
    ALIAS = "alias"
    """The winner has its own partner; this one waits for a person."""


class RecordDecision(msgspec.Struct, frozen=True):
    """What is to happen to a record, and the row of C.4 that says so.

    Attributes:
        act: what is done.
        row: the row of C.4, in words.
        journal: a change on the other side outlives the deletion and is journaled.
    """

    act: Act
    row: str
    journal: bool = False


class RecordFacts(msgspec.Struct, frozen=True):
    """What is known of the pair when a source record is observed.

    Attributes:
        in_scope: the selective-sync filter holds for the very image that would be written.
        was_in_scope: it held for the image before this one; None where there was none.
        other_changed: the other side differs from the base.
        other_deleted: the other side's record was last seen deleted.
        winner_linked: the winner of the merge, or what the lead became, has a link of its own.
        converts: the definition says where the link of a converted lead moves to.
        resurrect: a deletion that loses to a change has the record created anew.
        source: the observed side's letter, ``S`` or ``P``.
    """

    standing: Standing
    event: Event = Event.PRESENT
    in_scope: bool = True
    was_in_scope: bool | None = None
    other_changed: bool = False
    other_deleted: bool = False
    winner_linked: bool = False
    converts: bool = False
    on_delete: DeletePolicy = DeletePolicy.IGNORE
    resurrect: bool = False
    source: str = "S"


def record_decision(facts: RecordFacts) -> RecordDecision:
    """Decide a record as a whole (C.4, in table order; selective sync after the events)."""
    if facts.event is Event.PRESENT:
        return _present(facts)
    if facts.event is Event.CONVERTED:
        return RecordDecision(_converted(facts), "C4 lead converted")
    if facts.event is Event.MERGED and facts.standing is Standing.LINKED:
        act = Act.ALIAS if facts.winner_linked else Act.MOVE
        return RecordDecision(act, "C4 deleted as merge loser")
    return _deleted(facts)


def _converted(facts: RecordFacts) -> Act:
    """A link moves, or becomes an alias; nothing is ever created."""
    if facts.standing is Standing.UNLINKED:
        return Act.NOTHING
    if facts.standing is not Standing.LINKED or not facts.converts:
        return Act.FROZEN
    return Act.ALIAS if facts.winner_linked else Act.MOVE


def _deleted(  # noqa: PLR0911 -- one return per row
    facts: RecordFacts,
) -> RecordDecision:
    if facts.standing is Standing.UNLINKED:
        return RecordDecision(Act.TOMBSTONE, f"C4 {facts.source} deleted, never linked")
    if facts.standing is not Standing.LINKED:
        return RecordDecision(Act.FROZEN, f"C4 {facts.source} deleted, not linked any more")
    if facts.other_deleted:
        return RecordDecision(Act.TOMBSTONE, "C4 both deleted")
    row = f"C4 {facts.source} deleted"
    if facts.other_changed:
        row += ", other changed"
    if facts.on_delete is DeletePolicy.IGNORE:
        return RecordDecision(Act.TOMBSTONE, row)
    if facts.on_delete is DeletePolicy.UNLINK:
        return RecordDecision(Act.UNLINK, row)
    if facts.on_delete in {DeletePolicy.DELETE, DeletePolicy.ARCHIVE}:
        if facts.other_changed:
            act = Act.RESURRECT if facts.resurrect else Act.UNLINK
            return RecordDecision(act, row, journal=True)
        carried_out = Act.DELETE if facts.on_delete is DeletePolicy.DELETE else Act.ARCHIVE
        return RecordDecision(carried_out, row)
    assert_never(facts.on_delete)


def _present(  # noqa: PLR0911 -- one return per row
    facts: RecordFacts,
) -> RecordDecision:
    if facts.standing is Standing.UNLINKED:
        if facts.in_scope:
            return RecordDecision(Act.CREATE, "C4 unlinked, in scope")
        return RecordDecision(Act.NOTHING, "C4 unlinked, out of scope")
    if facts.standing in (Standing.UNLINKED_BY_POLICY, Standing.ALIAS):
        return RecordDecision(Act.FROZEN, f"C4 {facts.standing.value}")
    if facts.other_deleted:
        other = "P" if facts.source == "S" else "S"
        return RecordDecision(Act.FROZEN, f"C4 {other} deleted")
    if not facts.in_scope:
        left = "leaves scope" if facts.was_in_scope else "linked, out of scope"
        return RecordDecision(Act.FROZEN, f"C4 {left}")
    if facts.standing is Standing.TOMBSTONE:
        return RecordDecision(Act.REVIVE, "C4 undeleted")
    if facts.was_in_scope is False:
        return RecordDecision(Act.FIELDS, "C4 re-enters scope")
    return RecordDecision(Act.FIELDS, "C4 linked, in scope")
