"""The index from external ids to SPOTIO records.

SPOTIO has no lookup by external id and no upsert, so the export feed is read into an index, which
the ledger keeps between runs. It is brought up to date before the first create of a run, and again
before any create is tried a second time.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from reverse_sf.spotio.instants import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reverse_sf.spotio.feeds import Feeds

logger = logging.getLogger("target-spotio.external_ids")

WATERMARK = "spotio.external_ids"
_OVERLAP = timedelta(minutes=10)
"""Records may be seen in the feed some time after they were written."""
_BATCH = 1000
_LOUD_FROM = 5000


class Index(Protocol):
    """Where the index is kept: the ledger, or :class:`Memory`."""

    def external_ids(self, type_id: str, external_ids: Sequence[str]) -> dict[str, list[str]]:
        """Ids of the records, by external id; several mean that it is not unique."""

    def store_external_ids(
        self, type_id: str, entries: Sequence[tuple[str, str]], *, watermark: str | None = None
    ) -> None:
        """Remember pairs of external id and record id."""

    def forget_external_ids(self, spotio_ids: Sequence[str]) -> None:
        """Forget records that no longer exist."""

    def watermark(self, name: str) -> str | None:
        """Up to when the index is known to be complete."""

    def set_watermark(self, name: str, value: str) -> None:
        """Remember up to when."""


class Memory:
    """An index for a run without a ledger."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, str]] = {}
        self._marks: dict[str, str] = {}

    def external_ids(self, type_id: str, external_ids: Sequence[str]) -> dict[str, list[str]]:
        """See :class:`Index`."""
        wanted = {(type_id, external_id): external_id for external_id in external_ids}
        found: dict[str, list[str]] = {}
        for spotio_id, key in self._known.items():
            if key in wanted:
                found.setdefault(wanted[key], []).append(spotio_id)
        return found

    def store_external_ids(
        self,
        type_id: str,
        entries: Sequence[tuple[str, str]],
        *,
        watermark: str | None = None,  # noqa: ARG002 - the ledger's signature
    ) -> None:
        """See :class:`Index`."""
        self._known.update(
            {spotio_id: (type_id, external_id) for external_id, spotio_id in entries}
        )

    def forget_external_ids(self, spotio_ids: Sequence[str]) -> None:
        """See :class:`Index`."""
        for spotio_id in spotio_ids:
            self._known.pop(spotio_id, None)

    def watermark(self, name: str) -> str | None:
        """See :class:`Index`."""
        return self._marks.get(name)

    def set_watermark(self, name: str, value: str) -> None:
        """See :class:`Index`."""
        self._marks[name] = value


class ExternalIds:
    """Looks records up by external id, as of the last refresh.

    Args:
        feeds: the tenant's listings.
        index: where the index is kept.
        tick: called now and then on long work.
    """

    def __init__(self, feeds: Feeds, index: Index, tick: Callable[[], None]) -> None:
        self._feeds = feeds
        self._index = index
        self._tick = tick
        self._fresh = False

    def ensure_fresh(self) -> None:
        """Bring the index up to date, once in a run."""
        if not self._fresh:
            self.refresh()

    def refresh(self) -> None:
        """Bring the index up to date with what SPOTIO shows now."""
        mark = self._index.watermark(WATERMARK)
        since = parse_instant(mark) if mark else None
        newest = since
        batch: dict[str, list[tuple[str, str]]] = {}
        held = 0
        changed = self._feeds.changed(since - _OVERLAP if since else None)
        for read, record in enumerate(changed, start=1):
            if record.updated_at and (newest is None or record.updated_at > newest):
                newest = record.updated_at
            if record.external_id:
                batch.setdefault(record.type_id, []).append((record.external_id, record.id))
                held += 1
            if held >= _BATCH:
                self._store(batch)
                held = 0
                self._tick()
            if read % _LOUD_FROM == 0:
                logger.info("Reading external ids from the export feed: %d records so far", read)
        self._store(batch)
        # Only a listing read to its end says that nothing older is missing: its order is unknown.
        if newest is not None and newest != since:
            self._index.set_watermark(WATERMARK, format_instant(newest))
        self._fresh = True

    def _store(self, batch: dict[str, list[tuple[str, str]]]) -> None:
        for type_id, entries in batch.items():
            self._index.store_external_ids(type_id, entries)
        batch.clear()

    def find(self, type_id: str, external_ids: Sequence[str]) -> dict[str, list[str]]:
        """Record ids by external id, among the records of a type."""
        found: dict[str, list[str]] = {}
        for start in range(0, len(external_ids), _BATCH):
            chunk = external_ids[start : start + _BATCH]
            found.update(self._index.external_ids(type_id, chunk))
        return found

    def add(self, type_id: str, entries: Iterable[tuple[str, str]]) -> None:
        """Remember records that this run created, as ``(external id, record id)``."""
        new = list(entries)
        if new:
            self._index.store_external_ids(type_id, new)

    def forget(self, record_ids: Sequence[str]) -> None:
        """Forget records that turned out not to exist any more."""
        self._index.forget_external_ids(record_ids)
