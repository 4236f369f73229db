"""The records that merges and conversions have left in other records' place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.subject import event_of
from reverse_sf.mapping import canon
from reverse_sf.merge.lifecycle import Event

if TYPE_CHECKING:
    from collections.abc import Collection

    from reverse_sf.ledger.rows import Link
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.streams import MappedPair

Record = tuple["Link", dict[str, Any]]
"""A record of Salesforce: its link, and what it holds."""


class Winners:
    """Where the links of a batch's merged and converted records would go, and what is there.

    Args:
        ledger: where links are looked up.
        mapped: the pair of the records.
        records: all of the batch.
    """

    def __init__(self, ledger: Ledger, mapped: MappedPair, records: Collection[Record]) -> None:
        self._conversion = mapped.planner.conversion
        merged = [it for it in records if event_of(it[1]) is Event.MERGED]
        named = sorted({self.id_of(image) for _, image in merged} - {""})
        self._links = ledger.link_ids(mapped.name, named) if named else {}
        self._taken: dict[str, str] = {}
        if self._conversion is None:
            return
        converted = [it for it in records if event_of(it[1]) is Event.CONVERTED]
        became = sorted({self.id_of(image) for _, image in converted} - {""})
        if became:
            pair = self._conversion.pair
            others = sorted({link.spotio_id for link, _ in converted if link.spotio_id})
            self._links.update(ledger.link_ids(pair, became))
            self._taken = ledger.link_ids_of_spotio(pair, others)

    def id_of(self, image: dict[str, Any]) -> str:
        """The record that has taken the place of one; "" for none."""
        if event_of(image) is Event.CONVERTED and self._conversion is not None:
            return self._conversion.target_id(image) or ""
        master = image.get("MasterRecordId")
        found: str = canon.record_id(master) if master else ""
        return found

    def link_of(self, link: Link, image: dict[str, Any]) -> str | None:
        """The link that stands in the way of moving a record's link: the winner has it already.

        Or, of a lead, its counterpart has it: it was joined with somebody else of that pair.
        """
        found = self._links.get(self.id_of(image))
        if found is None and event_of(image) is Event.CONVERTED:
            found = self._taken.get(link.spotio_id or "")
        return found if found != link.link_id else None

    def moved(self, link: Link, image: dict[str, Any]) -> str:
        """Note that a link has moved to its winner; answer the winner's id."""
        winner_id = self.id_of(image)
        self._links[winner_id] = link.link_id
        return winner_id
