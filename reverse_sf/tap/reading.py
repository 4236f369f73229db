"""How one stream's rows are read: REST or Bulk API 2.0, in pages of finished records.

REST pages come in the order of (replication key, Id); pages of Bulk API 2.0 in none. What the
tap does with a page depends on that alone.
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from reverse_sf.salesforce.bulk import UNSUPPORTED_TYPES, bulk_query
from reverse_sf.salesforce.refusals import BulkError, CursorError, QueryTimeoutError
from reverse_sf.salesforce.soql import Select, encoded_length, quoted
from reverse_sf.salesforce.values import normal_stamp
from reverse_sf.tap.page import page_of_csv, page_of_json

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from reverse_sf.salesforce import SalesforceClient
    from reverse_sf.salesforce.client import QueryPage
    from reverse_sf.tap.page import Page
    from reverse_sf.tap.window import Window

logger = logging.getLogger(__name__)

# Rows that are converted and written in one go: few enough to stay in the processor's cache, which
# makes the whole conversion a third faster than with thousands.
_BLOCK = 250
_CURSORS_LOST_IN_A_ROW = 3


class _TooLargeForRest(Exception):  # noqa: N818 - a change of plan inside this module, no error
    """The first page of a REST query told of more rows than REST should carry."""


@dataclass(frozen=True)
class Reading:
    """One read of one stream.

    Attributes:
        client: the org.
        source: API name of the object.
        types: describe type by selected field, in the order of the columns.
        window: the rows.
        api_type: ``auto``, ``REST`` or ``BULK2``.
        bulk_threshold: with ``auto``, reads of more rows go through Bulk API 2.0.
        expected: about how many rows, where that is known without a call.
    """

    client: SalesforceClient
    source: str
    types: Mapping[str, str]
    window: Window
    api_type: str
    bulk_threshold: int
    expected: int | None = None

    def pages(self) -> Generator[Page, None, None]:
        """Read the window once, deleted and archived rows included."""
        if self._begins_with_bulk():
            yield from self._bulk_or_rest()
            return
        try:
            yield from self._rest(limit=self.bulk_threshold if self._may_use_bulk() else None)
        except _TooLargeForRest as large:
            logger.info("%s: %s rows, by Bulk API 2.0", self.source, large)
            yield from self._bulk_or_rest()
        except QueryTimeoutError:
            if not self._may_use_bulk():
                raise
            logger.warning("%s: the query is too slow for REST, by Bulk API 2.0", self.source)
            yield from self._bulk_or_rest()

    @property
    def select(self) -> Select:
        """The query of this read."""
        return Select(self.source, tuple(self.types), self.window.conditions, self.window.order_by)

    def _begins_with_bulk(self) -> bool:
        if self._unsupported():
            return False
        if self.api_type != "auto":
            return self.api_type == "BULK2"
        return self.expected is not None and self.expected > self.bulk_threshold

    def _may_use_bulk(self) -> bool:
        return self.api_type == "auto" and not self._unsupported()

    def _unsupported(self) -> bool:
        return any(kind in UNSUPPORTED_TYPES for kind in self.types.values())

    def _bulk_or_rest(self) -> Iterator[Page]:
        try:
            yield from self._bulk()
        except BulkError as refused:
            logger.warning("%s: %s. Reading it by REST instead", self.source, refused)
            yield from self._rest(limit=None)

    def _bulk(self) -> Iterator[Page]:
        # An order would keep Salesforce from working on the job in chunks.
        select = Select(self.source, tuple(self.types), self.window.conditions)
        with closing(bulk_query(self.client, select, all_rows=True)) as result_pages:
            for result in result_pages:
                while block := list(islice(result.rows, _BLOCK)):
                    yield page_of_csv(result.columns, block, self.types)

    def _rest(self, limit: int | None) -> Iterator[Page]:
        select = self.select
        most = self.client.most_query_characters
        if encoded_length(select) > most:
            # A small read is not worth a job; the first part tells how small it is.
            parts = select.parts(most)
            rows = [self._rows(part, limit if part is parts[0] else None) for part in parts]
            pages = _joined(rows, self.window.order_by)
        else:
            pages = self._rows(select, limit)
        for records in pages:
            yield page_of_json(records, self.types)

    def _rows(self, select: Select, limit: int | None) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of one query; where the server forgets it, go on from the last row."""
        rest = select
        lost = 0
        page = self._first(rest, limit)
        while True:
            records = page.records
            position = self._position(records[-1]) if records else None
            if records:
                lost = 0
                yield records
            if page.next_page is None:
                return
            try:
                page = self.client.query_more(page, source=self.source)
            except CursorError:
                lost += 1
                if lost > _CURSORS_LOST_IN_A_ROW:
                    raise
                logger.warning("%s: the query's cursor is gone; asking again", self.source)
                if position is not None:
                    rest = select.after(position)
                page = self._first(rest, None)

    def _first(self, select: Select, limit: int | None) -> QueryPage:
        page = self.client.query(select, all_rows=True)
        if limit is not None and page.size > limit:
            raise _TooLargeForRest(f"{page.size:,}")
        return page

    def _position(self, record: Mapping[str, Any]) -> list[tuple[str, str]]:
        position = [("Id", quoted(record["Id"]))]
        if self.window.key:
            stamp = normal_stamp(record[self.window.key])
            position.insert(0, (self.window.key, stamp))
        return position


def _joined(
    parts: Sequence[Iterator[list[dict[str, Any]]]], order_by: Sequence[str]
) -> Iterator[list[dict[str, Any]]]:
    """Join the rows of queries that differ in their fields only, by their common order.

    A row that is missing in one part was changed between the queries: its stamp now lies behind
    the window's end, so the next run reads it whole.
    """
    cursors = [_Cursor(part, order_by) for part in parts]
    block: list[dict[str, Any]] = []
    while all(cursor.fill() for cursor in cursors):
        highest = max(cursor.key for cursor in cursors)
        if all(cursor.key == highest for cursor in cursors):
            joined: dict[str, Any] = {}
            for cursor in cursors:
                joined.update(cursor.take())
            block.append(joined)
            if len(block) == _BLOCK:
                yield block
                block = []
        else:
            for cursor in cursors:
                if cursor.key < highest:
                    cursor.take()
    if block:
        yield block


class _Cursor:
    """The rows of one part, one at a time."""

    def __init__(self, pages: Iterator[list[dict[str, Any]]], order_by: Sequence[str]) -> None:
        self._pages = pages
        self._order_by = order_by
        self._rows: deque[dict[str, Any]] = deque()

    @property
    def key(self) -> tuple[str, ...]:
        row = self._rows[0]
        return tuple(str(row[field]) for field in self._order_by)

    def fill(self) -> bool:
        while not self._rows:
            page = next(self._pages, None)
            if page is None:
                return False
            self._rows.extend(page)
        return True

    def take(self) -> dict[str, Any]:
        return self._rows.popleft()
