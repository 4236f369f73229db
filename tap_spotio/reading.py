"""One read of SPOTIO for all record types: the feeds serve them all, so each is read once a run."""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol

from reverse_sf.errors import RefusedError
from reverse_sf.spotio.errors import WriteRefusedError
from tap_spotio.window import MARGIN, digest_of, is_after

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from reverse_sf.spotio.client import Spotio
    from reverse_sf.spotio.feeds import Deleted
    from reverse_sf.spotio.record import Record
    from tap_spotio.enrichment import Enrichment
    from tap_spotio.window import Overlap

logger = logging.getLogger("tap-spotio")

_EARLIEST = datetime(2010, 1, 1, tzinfo=timezone.utc)
_CURSORS_LOST_IN_A_ROW = 3
_LOUD_FROM = 5000


class Receiver(Protocol):
    """Who takes the records of one type."""

    start: datetime | None
    overlap: Overlap

    def take(self, records: Sequence[tuple[Record, Mapping[str, Any]]]) -> None:
        """Full records, each with what the listing told."""

    def take_deletions(self, deletions: Sequence[Deleted]) -> None:
        """Deletions."""


class Reading:
    """Reads the feeds once and hands everything to the receivers.

    Args:
        spotio: the tenant.
        enrichment: completes rows.
        receivers: by id of the record type; rows of other types are passed over.
        until: what was updated or deleted after it is passed over too; None for no such bound.
    """

    def __init__(
        self,
        spotio: Spotio,
        enrichment: Enrichment,
        receivers: Mapping[str, Receiver],
        *,
        until: datetime | None = None,
    ) -> None:
        self._until = until
        self._spotio = spotio
        self._enrichment = enrichment
        self._receivers = receivers
        self._updated: dict[str, datetime | None] = {}
        self.latest: datetime | None = None

    def read(self) -> None:
        """Read records first: one that is deleted meanwhile is in the feed of deletions then."""
        starts = [one.start for one in self._receivers.values()]
        since = None if None in starts else min(one for one in starts if one is not None)
        self._read_changes(since)
        self._read_deletions(since or _EARLIEST)

    def _read_changes(self, since: datetime | None) -> None:
        block: list[Record] = []
        with closing(self._fresh_rows(since)) as rows:
            for number, row in enumerate(rows, start=1):
                self._see(row.updated_at)
                if self._is_wanted(row):
                    block.append(row)
                    if len(block) > self._enrichment.block:
                        self._hand_over(block[:-1], last=False)
                        block = block[-1:]
                if number % _LOUD_FROM == 0:
                    logger.info("Reading the export feed: %d records so far", number)
        self._hand_over(block, last=True)

    def _is_wanted(self, row: Record) -> bool:
        receiver = self._receivers.get(row.type_id)
        if receiver is None or _is_before(row.updated_at, receiver.start):
            return False
        if is_after(row.updated_at, self._until):
            return False
        if row.updated_at is None:
            return True
        digest = digest_of(row.raw)
        known = digest in receiver.overlap
        if known:
            receiver.overlap.note(row.updated_at, digest)
        return not known

    def _hand_over(self, rows: Sequence[Record], *, last: bool) -> None:
        by_type: dict[str, list[tuple[Record, Mapping[str, Any]]]] = {}
        for row, full in self._enrichment.full(rows, last=last):
            self._updated[full.id] = full.updated_at
            by_type.setdefault(row.type_id, []).append((full, row.raw))
        for type_id, records in by_type.items():
            receiver = self._receivers[type_id]
            receiver.take(records)
            for full, raw in records:
                if full.updated_at is not None:
                    receiver.overlap.note(full.updated_at, digest_of(raw))

    def _fresh_rows(self, since: datetime | None) -> Generator[Record, None, None]:
        """The rows of the feed; where SPOTIO forgets its cursor the feed begins again."""
        seen = self._updated
        lost = 0
        while True:
            before = len(seen)
            try:
                for row in self._spotio.feeds.changed(since):
                    if row.id not in seen:
                        seen[row.id] = row.updated_at
                        yield row
            except WriteRefusedError as refusal:
                lost = 1 if len(seen) > before else lost + 1
                if not seen or lost > _CURSORS_LOST_IN_A_ROW:
                    raise RefusedError(f"SPOTIO refuses its export feed: {refusal}") from refusal
                logger.warning("The cursor of the export feed is gone; reading it again")
            else:
                return

    def _read_deletions(self, since: datetime) -> None:
        by_type: dict[str, list[Deleted]] = {}
        for deleted in self._spotio.feeds.deleted(since):
            self._see(deleted.deleted_at)
            if is_after(deleted.deleted_at, self._until):
                continue
            updated = self._updated.get(deleted.id)
            if updated is not None and updated > deleted.deleted_at:
                continue  # it is there again
            # Where SPOTIO does not tell the type, every stream gets it: ids are unique in a tenant.
            for type_id in [deleted.type_id] if deleted.type_id else list(self._receivers):
                receiver = self._receivers.get(type_id)
                if receiver is None or _is_before(deleted.deleted_at, receiver.start):
                    continue
                digest = digest_of({"id": deleted.id, "deleted": str(deleted.deleted_at)})
                if digest not in receiver.overlap:
                    by_type.setdefault(type_id, []).append(deleted)
                receiver.overlap.note(deleted.deleted_at, digest)
        for type_id, deletions in by_type.items():
            self._receivers[type_id].take_deletions(deletions)

    def _see(self, moment: datetime | None) -> None:
        if moment is not None and (self.latest is None or moment > self.latest):
            self.latest = moment


def _is_before(moment: datetime | None, start: datetime | None) -> bool:
    return moment is not None and start is not None and moment < start - MARGIN
