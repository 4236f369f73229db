"""Activities of all records, as SPOTIO's listings tell them.

Two listings know different things (OpenAPI file): the export has planned and done ones with labels,
coordinates and a distance whose unit its name says; the feed has done ones alone, with ids, texts,
direction and the record's type. Both are read by the same temporary filter on the activities' own
``updatedAt``, because which date their plain dates compare is not published. Nor are the page size,
the order, a window of rows or how long a cursor lives: nothing of that is relied on.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import RefusedError
from reverse_sf.spotio.errors import WindowError, WriteRefusedError
from reverse_sf.spotio.instants import format_instant, now
from reverse_sf.spotio.paging import pages
from reverse_sf.spotio.search import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reverse_sf.spotio.session import Session

logger = logging.getLogger(__name__)

Row = dict[str, Any]

_EARLIEST = datetime(2010, 1, 1, tzinfo=timezone.utc)
_FAR = timedelta(days=1)
_MARGIN = timedelta(seconds=1)
"""How far before a moment a listing is asked, lest its bounds be exclusive."""
_SLICE_MARGIN = timedelta(milliseconds=1)
_SMALLEST_SLICE = timedelta(milliseconds=1)
_CURSORS_LOST_IN_A_ROW = 3


class Activities:
    """The activities that changed since a moment.

    Args:
        session: the authenticated conversation.
        since: first ``updatedAt`` that is wanted; None for all.
        template_ids: of the activities that are wanted; all, and those without one, where empty.
    """

    def __init__(
        self, session: Session, since: datetime | None = None, template_ids: Sequence[str] = ()
    ) -> None:
        self._session = session
        self._span = (_EARLIEST if since is None else since - _MARGIN, now() + _FAR)
        self._template_ids = list(template_ids)
        self._filters: dict[tuple[datetime, datetime], str] = {}

    def exported(self) -> Iterator[Row]:
        """Rows of the export; an activity may come more than once, the last one counts."""
        return self._rows(self._export)

    def fed(self) -> Iterator[Row]:
        """Rows of the feed, which has done activities only; one may come more than once."""
        return self._rows(self._feed)

    def _export(self, filter_id: str, cursor: Any) -> Any:
        return self._session.request(
            "POST",
            "/api/Exports/activities/data/flexible",
            params={} if cursor is None else {"scrollId": cursor},
            payload={"filterId": filter_id},
            repeatable=True,
        ).body

    def _feed(self, filter_id: str, cursor: Any) -> Any:
        more = {} if cursor is None else {"ScrollId": cursor}
        return self._session.get("/api/v2/activities/feed", {"FilterId": filter_id, **more}).body

    def _rows(self, fetch: Callable[[str, Any], Any]) -> Iterator[Row]:
        # Oldest first: an activity that changes meanwhile moves into a later slice.
        todo = [self._span]
        while todo:
            begin, until = todo.pop()
            try:
                for page in self._slice(fetch, begin, until):
                    yield from page
            except WindowError:
                if until - begin <= _SMALLEST_SLICE:
                    raise
                middle = begin + (until - begin) / 2
                todo += [(middle, until), (begin, middle)]

    def _slice(
        self, fetch: Callable[[str, Any], Any], begin: datetime, until: datetime
    ) -> Iterator[list[Row]]:
        """Pages of one span of time; where SPOTIO forgets its cursor the span begins again."""
        furthest = lost = 0
        while True:
            read = rows = 0
            try:
                for page in pages(partial(fetch, self._filter(begin, until))):
                    read, rows = read + 1, rows + len(page)
                    if read > furthest:
                        furthest, lost = read, 0
                    yield page
            except WriteRefusedError as refusal:
                lost += 1
                if not furthest or lost > _CURSORS_LOST_IN_A_ROW:
                    raise RefusedError(f"SPOTIO refuses to list activities: {refusal}") from refusal
                logger.warning("The cursor of a list of activities is gone; reading it again")
                self._filters.pop((begin, until), None)
            else:
                # A listing that ends exactly at the window was cut there rather than finished.
                if rows == WINDOW:
                    raise WindowError(f"SPOTIO shows {WINDOW} activities and no more")
                return

    def _filter(self, begin: datetime, until: datetime) -> str:
        """A filter for a span of time; both listings use the same one."""
        known = self._filters.get((begin, until))
        if known is not None:
            return known
        # A filter without a title is temporary (OpenAPI, POST /api/v2/filters): safe to repeat.
        payload: Row = {
            "dateField": "ActivityUpdatedAt",
            "periodShortcut": "CUSTOM",
            "startDate": format_instant(begin - _SLICE_MARGIN),
            "endDate": format_instant(until + _SLICE_MARGIN),
            "timezone": "UTC",
            "allUsers": True,
        }
        if self._template_ids:
            payload["activityTemplateIds"] = self._template_ids
        reply = self._session.request("POST", "/api/v2/filters", payload=payload, repeatable=True)
        self._filters[begin, until] = str(reply.body["id"])
        return self._filters[begin, until]
