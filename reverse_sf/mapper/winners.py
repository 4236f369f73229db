"""The records that merges and conversions have left in other records' place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.subject import event_of
from reverse_sf.mapping import canon
from reverse_sf.merge.lifecycle import Event

if TYPE_CHECKING:
    from collections.abc import Collection

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.streams import MappedPair


def winner_of(mapped: MappedPair, image: dict[str, Any]) -> str:
    """The record that a merge or a conversion has left in a record's place; "" for none."""
    if event_of(image) is Event.CONVERTED and mapped.planner.conversion is not None:
        return mapped.planner.conversion.target_id(image) or ""
    master = image.get("MasterRecordId")
    found: str = canon.record_id(master) if master else ""
    return found


def winners_of(
    ledger: Ledger, mapped: MappedPair, images: Collection[dict[str, Any]]
) -> dict[str, str]:
    """Links of the records that merges and conversions have left in these records' place."""
    wanted = sorted(
        {
            canon.record_id(one["MasterRecordId"])
            for one in images
            if one.get("MasterRecordId") and event_of(one) is Event.MERGED
        }
    )
    found = ledger.link_ids(mapped.name, wanted) if wanted else {}
    conversion = mapped.planner.conversion
    if conversion is not None:
        became = {
            conversion.target_id(one) or "" for one in images if event_of(one) is Event.CONVERTED
        }
        found.update(ledger.link_ids(conversion.pair, sorted(became)) if became else {})
    return found
