"""Records found by search: the newest ones, and all that were updated in a span of time.

A search tells a record's parent, 200 records a call (``includeParentData``), which no other listing
does. Past a window of rows a search refuses to go on; a span is then read in slices (OpenAPI, tags
DataObjectsSearch and FiltersV2).
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.errors import WindowError
from reverse_sf.spotio.instants import format_instant, now
from reverse_sf.spotio.paging import pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reverse_sf.spotio.session import Session

WINDOW = 10_000
"""Rows past which an older listing of SPOTIO is known to refuse."""
PAGE_SIZE = 200

_PATH = "/api/DataObjectsSearch"
_EARLIEST = datetime(2010, 1, 1, tzinfo=timezone.utc)
_SMALLEST_SLICE = timedelta(milliseconds=1)
_SLICE_MARGIN = timedelta(milliseconds=1)
_FAR = timedelta(days=1)

Row = dict[str, Any]


class Search:
    """The search of one tenant; its rows lack most of a record's values.

    Args:
        session: the authenticated conversation.
        page_size: rows a call.
        with_parents: let each row tell its record's parent, see :func:`parent_of`.
    """

    def __init__(
        self, session: Session, *, page_size: int = PAGE_SIZE, with_parents: bool = False
    ) -> None:
        self._session = session
        self._query: dict[str, Any] = {"perPage": page_size}
        if with_parents:
            self._query["includeParentData"] = "true"

    def newest(self, type_id: str | None = None) -> list[Row]:
        """One page of the records that were updated last, of one type or of all."""
        query: dict[str, Any] = {"sortBy": "-updatedAt"}
        if type_id is not None:
            query["singleType"] = type_id
        rows: list[Row] = self._page(query, None).get("items") or []
        return rows

    def updated(
        self, start: datetime | None, end: datetime | None = None, *, type_ids: Sequence[str] = ()
    ) -> Iterator[list[Row]]:
        """Pages of the records updated between two moments; a record may come more than once.

        Args:
            start: None for all records.
            end: None for all that were updated by now.
            type_ids: record types; all where empty.

        Raises:
            WindowError: more records than a search shows were updated in one millisecond.
        """
        # Oldest first: a record updated meanwhile moves into a later slice, never into a past one.
        todo = [(start or _EARLIEST, end or now() + _FAR)]
        while todo:
            begin, until = todo.pop()
            try:
                yield from self._slice(begin, until, type_ids)
            except WindowError:
                if until - begin <= _SMALLEST_SLICE:
                    raise
                middle = begin + (until - begin) / 2
                todo += [(middle, until), (begin, middle)]

    def _slice(
        self, begin: datetime, until: datetime, type_ids: Sequence[str]
    ) -> Iterator[list[Row]]:
        chosen = {"filterId": self._filter(begin, until, type_ids)}
        first = self._page(chosen, None)
        if int(first.get("totalCount") or 0) >= WINDOW:
            raise WindowError(
                f"more than {WINDOW} SPOTIO records were updated within a millisecond of"
                f" {format_instant(begin)}; no listing can reach them all"
            )
        yield from pages(lambda cursor: first if cursor is None else self._page(chosen, cursor))

    def _filter(self, begin: datetime, until: datetime, type_ids: Sequence[str]) -> str:
        # A filter without a title is temporary (OpenAPI, POST /api/v2/filters): safe to repeat.
        payload: dict[str, Any] = {
            "dateField": "DataObjectUpdatedAt",
            "periodShortcut": "CUSTOM",
            "startDate": format_instant(begin - _SLICE_MARGIN),
            "endDate": format_instant(until + _SLICE_MARGIN),
            "timezone": "UTC",
            "allUsers": True,
        }
        if type_ids:
            payload["dataObjectTypeIds"] = list(type_ids)
        reply = self._session.request("POST", "/api/v2/filters", payload=payload, repeatable=True)
        return str(reply.body["id"])

    def _page(self, query: dict[str, Any], cursor: Any) -> dict[str, Any]:
        more = {} if cursor is None else {"scrollId": cursor}
        body: dict[str, Any] = self._session.get(_PATH, self._query | query | more).body or {}
        return body


def parent_of(row: Row) -> str | None:
    """Id of the parent, from a row of a search that was asked for parents."""
    parent = row.get("parent") or {}
    return str(parent["id"]) if parent.get("id") else None
