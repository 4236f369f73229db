"""Which rows one run reads of a stream, and how its bookmark may move. Pure.

Stamps are texts in the form of :func:`reverse_sf.salesforce.values.normal_stamp`, so that they
compare as instants do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reverse_sf.salesforce.values import moment_of, stamp_of

if TYPE_CHECKING:
    from collections.abc import Sequence


LONGEST_TRANSACTION = timedelta(minutes=10)
"""Salesforce ends a transaction after it (Execution Governors and Limits): older stamps are out."""


@dataclass(frozen=True)
class Window:
    """Rows of one run by replication key, both ends inclusive; None is open.

    Attributes:
        key: the replication key, or None for a full-table read.
        start: first stamp.
        end: last stamp, fixed before the first query so that pages and parts agree.
    """

    key: str | None = None
    start: str | None = None
    end: str | None = None

    @property
    def conditions(self) -> tuple[str, ...]:
        """The window as SOQL conditions."""
        if self.key is None:
            return ()
        low = (f"{self.key} >= {self.start}",) if self.start else ()
        high = (f"{self.key} <= {self.end}",) if self.end else ()
        return (*low, *high)

    @property
    def order_by(self) -> tuple[str, ...]:
        """Order in which rows with equal stamps have one place."""
        return (self.key, "Id") if self.key else ("Id",)


def window_of(
    key: str,
    *,
    now: str,
    bookmark: str | None,
    lookback_s: int,
    start_date: str | None = None,
    end_date: str | None = None,
) -> Window:
    """Return the window of an incremental read.

    It begins before the bookmark: Salesforce shows a row when its transaction is committed, which
    may be after a row with a later stamp was read. A bookmark in the future counts as now.

    Args:
        key: the replication key.
        now: stamp of Salesforce's clock before the first query.
        bookmark: where the last run ended, or None.
        lookback_s: seconds to read again.
        start_date: earliest stamp wanted.
        end_date: latest stamp wanted.
    """
    end = min(now, end_date) if end_date else now
    start = start_date
    if bookmark:
        overlapped = stamp_of(moment_of(min(bookmark, now)) - timedelta(seconds=lookback_s))
        start = max(overlapped, start_date) if start_date else overlapped
    return Window(key, start, end)


class Bookmark:
    """The read position of one stream: never backwards, never past what was read completely."""

    def __init__(self, stored: str | None) -> None:
        self.value = stored
        self._latest: str | None = None

    def read(self, stamps: Sequence[str], *, in_order: bool) -> None:
        """Take note of rows read."""
        if in_order:
            self.read_in_order(stamps)
        else:
            self.read_unordered(stamps)

    def read_in_order(self, stamps: Sequence[str]) -> None:
        """Take note of rows read in order; the bookmark moves up to the last stamp fully passed.

        Rows that share the latest stamp may still come, so that stamp is not passed yet.
        """
        if not stamps:
            return
        latest = stamps[-1]
        passed = next((stamp for stamp in reversed(stamps) if stamp < latest), None)
        if passed is None and self._latest is not None and self._latest < latest:
            passed = self._latest
        self._latest = latest
        self._move(passed)

    def read_unordered(self, stamps: Sequence[str]) -> None:
        """Take note of rows read in any order; the bookmark stays until the read is complete."""
        if stamps:
            latest = max(stamps)
            self._latest = max(self._latest or latest, latest)

    def read_completely(self, until: str | None = None) -> None:
        """Move to the latest stamp seen: every row of the window has been read.

        Where the window ended well after it, move on: else every run would read again what was
        written last, a whole load maybe, until something newer is written.

        Args:
            until: the window's end by Salesforce's clock, where the key is set by it.
        """
        self._move(self._latest)
        if until is not None and self.value is not None:
            self._move(stamp_of(moment_of(until) - LONGEST_TRANSACTION))

    def _move(self, stamp: str | None) -> None:
        if stamp and (self.value is None or stamp > self.value):
            self.value = stamp
