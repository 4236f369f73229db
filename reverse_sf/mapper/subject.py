"""One record to be decided: its values, what happened to it, how its link stands."""

from __future__ import annotations

from typing import Any

import msgspec

from reverse_sf.ledger.rows import LinkState, Snapshot
from reverse_sf.merge.lifecycle import Event, Standing


class Subject(msgspec.Struct, frozen=True):
    """One Salesforce record to be decided.

    Attributes:
        values: by Salesforce field; an absent field was never read.
        digest: of the observation behind the values.
        modified_at: when Salesforce says that it changed.
        is_new: the values come from a tap and go into the ledger with the decision.
        content: the values as JSON, where they are at hand.
    """

    link_id: str
    salesforce_id: str
    values: dict[str, Any]
    digest: str
    modified_at: str | None = None
    is_new: bool = True
    content: bytes | None = None


def event_of(values: dict[str, Any]) -> Event:
    """Read what happened to the record as a whole from its own fields."""
    if values.get("IsDeleted") is True:
        return Event.MERGED if values.get("MasterRecordId") else Event.DELETED
    return Event.CONVERTED if values.get("IsConverted") is True else Event.PRESENT


def standing_of(snapshot: Snapshot) -> Standing:
    """How a link stands, as the record tables name it."""
    state = snapshot.link.state
    if state is LinkState.ALIAS:
        return Standing.ALIAS
    if state is LinkState.UNLINKED:
        return Standing.UNLINKED_BY_POLICY
    if snapshot.link.spotio_id is None:
        return Standing.UNLINKED
    return Standing.TOMBSTONE if state is LinkState.TOMBSTONE else Standing.LINKED
