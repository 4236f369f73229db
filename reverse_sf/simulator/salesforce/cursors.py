"""Paging of queries: what a locator stands for, and how pages are cut (REST guide, Query)."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.switches import Switches

MOST_ROWS = 2000
FEWEST_ROWS = 200
_KEPT = 50
_LOCATOR = re.compile(r"(?P<cursor>[0-9A-Za-z]{15,18})-(?P<offset>\d+)")
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


@dataclass
class Cursor:
    """One open query.

    Attributes:
        name: the locator's first part.
        total: how many records there are.
        coming: records that were not asked for yet, encoded.
        page_size: rows a page has.
        opened: when, by the org's clock.
        records: those that were: a page may be asked for twice.
    """

    name: str
    total: int
    coming: Iterator[bytes]
    page_size: int
    opened: datetime
    records: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def piece(self, start: int) -> list[bytes]:
        """The records of the page that begins at ``start``."""
        stop = start + self.page_size
        with self.lock:
            self.records.extend(islice(self.coming, max(0, stop - len(self.records))))
        return self.records[start:stop]


class Cursors:
    """All open queries; the oldest close when there are too many."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Close all."""
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()
        self._count = 0

    def first_page(
        self, records: Iterator[bytes], total: int, headers: Mapping[str, str], base: str
    ) -> tuple[bytes, int]:
        """The first page of a query, with a cursor where there are more, and its rows."""
        asked = _BATCH_SIZE.search(headers.get("sforce-query-options", ""))
        size = min(max(int(asked.group(1)), FEWEST_ROWS), MOST_ROWS) if asked else MOST_ROWS
        size = max(1, min(size, self._switches["query_page_size"]))
        with self._lock:
            self._count += 1
            name = f"0r8000{self._count:09d}AAA"
            cursor = Cursor(name, total, records, size, self._clock.now())
            if total > size:
                self._cursors[cursor.name] = cursor
                while len(self._cursors) > _KEPT:
                    self._cursors.popitem(last=False)
        return _page(cursor, 0, base)

    def page(self, locator: str, base: str) -> tuple[bytes, int]:
        """The page that a locator stands for, and its rows; asking twice gives it twice.

        Raises:
            ApiFault: the locator is unknown, or its query is closed.
        """
        match = _LOCATOR.fullmatch(locator)
        cursor = self._cursors.get(match["cursor"]) if match else None
        if cursor is not None:
            age = self._clock.now() - cursor.opened
            if age > timedelta(hours=self._switches["query_cursor_hours"]):
                del self._cursors[cursor.name]
                cursor = None
        if match is None or cursor is None or int(match["offset"]) >= cursor.total:
            raise ApiFault("INVALID_QUERY_LOCATOR", "invalid query locator")
        return _page(cursor, int(match["offset"]), base)


def _page(cursor: Cursor, offset: int, base: str) -> tuple[bytes, int]:
    records = cursor.piece(offset)
    stop = offset + cursor.page_size
    done = stop >= cursor.total
    head: dict[str, object] = {"totalSize": cursor.total, "done": done}
    if not done:
        head["nextRecordsUrl"] = f"{base}/query/{cursor.name}-{stop}"
    encoded = msgspec.json.encode(head)[:-1] + b',"records":[' + b",".join(records) + b"]}"
    return encoded, len(records)
