"""One record to be decided: its values, what happened to it, how its link stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.ledger.rows import LinkState, Snapshot
from reverse_sf.merge.lifecycle import Event, Standing

if TYPE_CHECKING:
    from reverse_sf.mapper.course import Course

DELETED_KEY = "deleted"
"""Where a SPOTIO image says that the record is deleted."""


class Subject(msgspec.Struct, frozen=True):
    """One record of the source to be decided.

    Attributes:
        source_id: its id in the source.
        values: by Salesforce field, or by record key of SPOTIO; an absent one was never read.
        digest: of the observation behind the values.
        modified_at: when the source says that it changed.
        is_new: the values come from a tap and go into the ledger with the decision.
        content: the values as JSON, where they are at hand.
    """

    link_id: str
    source_id: str
    values: dict[str, Any]
    digest: str
    modified_at: str | None = None
    is_new: bool = True
    content: bytes | None = None


def event_of(values: dict[str, Any]) -> Event:
    """Read what happened to the record as a whole from its own fields."""
    if values.get(DELETED_KEY) is True:
        return Event.DELETED
    if values.get("IsDeleted") is True:
        return Event.MERGED if values.get("MasterRecordId") else Event.DELETED
    return Event.CONVERTED if values.get("IsConverted") is True else Event.PRESENT


def standing_of(snapshot: Snapshot, course: Course) -> Standing:
    """How a link stands, as the record tables name it."""
    state = snapshot.link.state
    if state is LinkState.ALIAS:
        return Standing.ALIAS
    if state is LinkState.UNLINKED:
        return Standing.UNLINKED_BY_POLICY
    if course.destination_id(snapshot.link) is None:
        return Standing.UNLINKED
    return Standing.TOMBSTONE if state is LinkState.TOMBSTONE else Standing.LINKED
