"""Reading many records: cursors, the export feed, sliced search and the deleted feed.

What is not published of the export feed (page size, order, whether ``updatedAfter`` includes its
moment, a window of 10,000 rows) is taken at its worst: order is never relied on, a little more is
asked for than is wanted, rows are told apart by id, and past a window the search goes on in slices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.errors import WindowError
from reverse_sf.spotio.instants import format_instant, parse_instant
from reverse_sf.spotio.paging import pages
from reverse_sf.spotio.record import Record
from reverse_sf.spotio.search import WINDOW, Search

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reverse_sf.spotio.session import Session

_MARGIN = timedelta(seconds=1)


@dataclass(frozen=True)
class Deleted:
    """One row of the deleted feed; it still carries the external id."""

    id: str
    type_id: str | None
    external_id: str | None
    deleted_at: datetime


class Feeds:
    """The listings of one tenant."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def changed(self, updated_after: datetime | None) -> Iterator[Record]:
        """Every record updated at or after the moment, each once, in no particular order.

        A row lacks parent, address components and ``values`` (``DataObjectExportItem``).

        Raises:
            WindowError: more than 10,000 records were updated in one millisecond.
        """
        seen: set[str] = set()
        read = 0
        try:
            for page in pages(lambda cursor: self._export(updated_after, cursor)):
                read += len(page)
                yield from _fresh(page, seen)
        except WindowError:
            pass
        else:
            # A listing that ends exactly at the window was cut there rather than finished.
            if read != WINDOW:
                return
        start = None if updated_after is None else updated_after - _MARGIN
        for page in Search(self._session).updated(start):
            yield from _fresh(page, seen)

    def _export(self, updated_after: datetime | None, cursor: Any) -> Any:
        query: dict[str, Any] = {}
        if updated_after is not None:
            query["updatedAfter"] = format_instant(updated_after - _MARGIN)
        if cursor is not None:
            query["scrollId"] = cursor
        return self._session.get("/api/Exports/dataObjects/data", query).body

    def deleted(self, start: datetime, end: datetime | None = None) -> Iterator[Deleted]:
        """Records deleted between the two moments, each once."""
        query = {"startDate": format_instant(start - _MARGIN)}
        if end is not None:
            query["endDate"] = format_instant(end + _MARGIN)

        def fetch(cursor: Any) -> Any:
            more = {} if cursor is None else {"scrollId": cursor}
            return self._session.get("/api/DataObjects/deleted", query | more).body

        seen: set[str] = set()
        for page in pages(fetch, "deletedDataObjects"):
            for row in page:
                if str(row["id"]) in seen:
                    continue
                seen.add(str(row["id"]))
                known = row.get("dataObject") or {}
                yield Deleted(
                    id=str(row["id"]),
                    type_id=None if known.get("typeId") is None else str(known["typeId"]),
                    external_id=known.get("externalDataObjectId") or None,
                    deleted_at=parse_instant(row["deletedAt"]),
                )


def _fresh(page: list[Any], seen: set[str]) -> Iterator[Record]:
    for row in page:
        record = Record.from_api(row)
        if record.id not in seen:
            seen.add(record.id)
            yield record
