"""Which rows one run reads, and how far its bookmarks may move. Pure.

The export feed has no end and no known order, so a bookmark moves once, when the whole feed has
been read, and never past the moment at which that read began: a record that is updated meanwhile
may have been missed.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MARGIN = timedelta(seconds=1)
"""How far before a moment a feed is asked, lest its own bounds be exclusive."""
_SAME_CLOCK = timedelta(minutes=1)


@dataclass(frozen=True)
class ReadEnd:
    """The end of a run's window, fixed before its first read.

    Attributes:
        at: SPOTIO's time, or ours where SPOTIO does not tell it.
        certain: whether records are stamped by that clock. Where that is not certain, the bookmark
            stays at the latest stamp that was seen.
    """

    at: datetime
    certain: bool

    @classmethod
    def of(
        cls,
        *,
        local: datetime,
        server: datetime | None,
        token_minted: datetime | None,
        token_issued: datetime | None,
    ) -> ReadEnd:
        """From all clocks that are known.

        Args:
            local: our own time.
            server: time of SPOTIO's last answer.
            token_minted: time of the answer that brought our token.
            token_issued: when the token was issued, by SPOTIO's own words.
        """
        if server is None:
            return cls(local, certain=False)
        late = (
            token_issued is not None
            and token_minted is not None
            and token_issued < token_minted - _SAME_CLOCK
        )
        return cls(server, certain=not late)

    def by(self, end_date: datetime | None) -> ReadEnd:
        """The same, or sooner: what comes after an end date is left to a later run."""
        return self if end_date is None else replace(self, at=min(self.at, end_date))

    def bookmark(self, stored: datetime | None, latest_seen: datetime | None) -> datetime | None:
        """The bookmark after a complete read: never back, never past the window's end."""
        reached = self.at if self.certain else latest_seen and min(latest_seen, self.at)
        known = [one for one in (stored, reached) if one is not None]
        return max(known, default=None)


def start_of(
    stored: datetime | None, end: ReadEnd, lookback: timedelta, start_date: datetime | None
) -> datetime | None:
    """The first stamp to read; None for everything. A bookmark in the future counts as now."""
    if stored is None:
        return start_date
    start = min(stored, end.at) - lookback
    return max(start, start_date) if start_date else start


def is_after(moment: datetime | None, until: datetime | None) -> bool:
    """Whether a row comes after the last one wanted; one without a stamp may not be dropped."""
    return moment is not None and until is not None and moment > until


_DIGEST_BYTES = 6
_DIGEST_CHARACTERS = 8


def digest_of(row: Mapping[str, Any]) -> str:
    """A short digest of everything that a row of a listing says."""
    content = msgspec.json.encode(row, order="sorted")
    hashed = hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
    return base64.urlsafe_b64encode(hashed).decode()


class Overlap:
    """Rows that the next run will meet again, because it begins before the bookmark.

    They travel in the state, so that a run in which nothing happened sends nothing and asks for
    no full record. Too many are not kept: then the next run sends them again, which is harmless.

    Args:
        stored: what the last run kept.
        lookback: how long before its bookmark the next run begins.
        most: rows to keep at most.
    """

    def __init__(self, stored: str, lookback: timedelta, *, most: int = 1000) -> None:
        width = _DIGEST_CHARACTERS
        self._known = {stored[at : at + width] for at in range(0, len(stored), width)}
        self._reach = lookback + 2 * MARGIN
        self._most = most
        self._noted: list[tuple[datetime, str]] = []
        self._latest: datetime | None = None

    def __contains__(self, digest: str) -> bool:
        return digest in self._known

    def note(self, at: datetime, digest: str) -> None:
        """Take note of a row that was sent in this run, or did not have to be."""
        self._noted.append((at, digest))
        self._latest = at if self._latest is None else max(self._latest, at)
        if len(self._noted) > 20 * self._most:
            self._noted = list(self._since(self._latest - self._reach))[: 10 * self._most]

    def kept(self, bookmark: datetime) -> str:
        """What the state keeps beside the bookmark."""
        digests = {digest for _, digest in self._since(bookmark - self._reach)}
        return "".join(sorted(digests)) if len(digests) <= self._most else ""

    def _since(self, moment: datetime) -> Iterable[tuple[datetime, str]]:
        return (noted for noted in self._noted if noted[0] >= moment)
