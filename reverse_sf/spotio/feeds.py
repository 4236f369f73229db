"""Reading many records: cursors, the export feed, sliced search and the deleted feed.

What is not published of the export feed (page size, order, whether ``updatedAfter`` includes its
moment, a window of 10,000 rows) is taken at its worst: order is never relied on, a little more is
asked for than is wanted, rows are told apart by id, and past a window the search goes on in slices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.errors import WindowError
from reverse_sf.spotio.instants import format_instant, now, parse_instant
from reverse_sf.spotio.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reverse_sf.spotio.session import Session

WINDOW = 10_000
"""Rows past which an older listing of SPOTIO is known to refuse."""

_EARLIEST = datetime(2010, 1, 1, tzinfo=timezone.utc)
_SMALLEST_SLICE = timedelta(milliseconds=1)
_MARGIN = timedelta(seconds=1)
_SLICE_MARGIN = timedelta(milliseconds=1)
_PER_PAGE = 200


@dataclass(frozen=True)
class Deleted:
    """One row of the deleted feed; it still carries the external id."""

    id: str
    type_id: str | None
    external_id: str | None
    deleted_at: datetime


def pages(fetch: Callable[[Any], Any], rows_key: str = "items") -> Iterator[list[Any]]:
    """The pages of a listing with a ``scrollId`` cursor.

    Stops at a cursor that is null, absent or repeated, and at an empty page: SPOTIO's guide says
    null, a live client had to do all of it.

    Args:
        fetch: returns one answer, given the cursor (None for the first page).
        rows_key: the answer's key that holds the rows.
    """
    seen: set[Any] = set()
    cursor: Any = None
    while True:
        answer = fetch(cursor) or {}
        rows = answer.get(rows_key) or []
        if not rows:
            return
        yield rows
        cursor = answer.get("scrollId")
        if cursor is None or cursor == "" or cursor in seen:
            return
        seen.add(cursor)


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
        yield from self._slices(updated_after, seen)

    def _export(self, updated_after: datetime | None, cursor: Any) -> Any:
        query: dict[str, Any] = {}
        if updated_after is not None:
            query["updatedAfter"] = format_instant(updated_after - _MARGIN)
        if cursor is not None:
            query["scrollId"] = cursor
        return self._session.get("/api/Exports/dataObjects/data", query).body

    def _slices(self, updated_after: datetime | None, seen: set[str]) -> Iterator[Record]:
        # Oldest first: a record updated meanwhile moves into a later slice, never into a past one.
        start = (updated_after or _EARLIEST) - _MARGIN
        todo = [(start, now() + timedelta(days=1))]
        while todo:
            start, end = todo.pop()
            filter_id = self._filter(start, end)
            first = self._search(filter_id, None)
            if int(first.get("totalCount") or 0) >= WINDOW:
                if end - start <= _SMALLEST_SLICE:
                    raise WindowError(
                        f"more than {WINDOW} SPOTIO records were updated within a millisecond of"
                        f" {format_instant(start)}; no listing can reach them all"
                    )
                middle = start + (end - start) / 2
                todo += [(middle, end), (start, middle)]
                continue
            for page in pages(self._continued(filter_id, first)):
                yield from _fresh(page, seen)

    def _continued(self, filter_id: str, first: dict[str, Any]) -> Callable[[Any], Any]:
        return lambda cursor: first if cursor is None else self._search(filter_id, cursor)

    def _filter(self, start: datetime, end: datetime) -> str:
        # A filter without a title is temporary (OpenAPI, POST /api/v2/filters): safe to repeat.
        payload = {
            "dateField": "DataObjectUpdatedAt",
            "periodShortcut": "CUSTOM",
            "startDate": format_instant(start - _SLICE_MARGIN),
            "endDate": format_instant(end + _SLICE_MARGIN),
            "timezone": "UTC",
            "allUsers": True,
        }
        reply = self._session.request("POST", "/api/v2/filters", payload=payload, repeatable=True)
        return str(reply.body["id"])

    def _search(self, filter_id: str, cursor: Any) -> dict[str, Any]:
        query: dict[str, Any] = {"filterId": filter_id, "perPage": _PER_PAGE}
        if cursor is not None:
            query["scrollId"] = cursor
        body: dict[str, Any] = self._session.get("/api/DataObjectsSearch", query).body or {}
        return body

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
