"""Cursors: the first call takes a snapshot of ids, the following ones page through it.

A cursor is opaque, may be used again (a client that lost the answer retries), differs from page to
page and ends as the switch ``scroll_end`` says.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reverse_sf.simulator.spotio.quirks import Settings

_KEPT = 64
"""Snapshots that are remembered; the oldest cursors expire."""


class Cursors:
    """The snapshots of one tenant."""

    def __init__(self, switches: Settings) -> None:
        self._switches = switches
        self._snapshots: OrderedDict[int, Sequence[Any]] = OrderedDict()
        self._number = 0

    def page(
        self,
        cursor: str | None,
        size: int,
        snapshot: Callable[[], Sequence[Any]],
        *,
        window: int | None = None,
    ) -> tuple[list[Any], dict[str, Any], int]:
        """One page: its entries, the ``scrollId`` part of the answer, and the total.

        Args:
            cursor: as the client sent it; none for the first page.
            size: entries a page.
            snapshot: takes the snapshot, for the first page.
            window: the service refuses to go past that many entries.

        Raises:
            Refusal: 400; the cursor is unknown or expired, or the window is left.
        """
        if cursor:
            number, start = self._read(cursor)
        else:
            self._number += 1
            number, start = self._number, 0
            self._snapshots[number] = snapshot()
            while len(self._snapshots) > _KEPT:
                self._snapshots.popitem(last=False)
        entries = self._snapshots[number]
        end = min(start + max(1, size), len(entries))
        if window is not None and end > window:
            raise Refusal(400, f"Result window is too large, it must be at most {window}.")
        return list(entries[start:end]), self._scroll(number, start, end, cursor), len(entries)

    def clear(self) -> None:
        """Forget all cursors."""
        self._snapshots.clear()

    def _scroll(self, number: int, start: int, end: int, cursor: str | None) -> dict[str, Any]:
        if end < len(self._snapshots[number]):
            return {"scrollId": _cursor(number, end)}
        ending = self._switches["scroll_end"]
        if ending == "repeat":
            return {"scrollId": cursor if cursor and start == end else _cursor(number, end)}
        return {} if ending == "absent" else {"scrollId": None}

    def _read(self, cursor: str) -> tuple[int, int]:
        try:
            number, start = base64.urlsafe_b64decode(cursor).decode().split(".")
            found = int(number), int(start)
        except ValueError:
            raise Refusal(400, {"scrollId": "scrollId is not valid."}) from None
        if found[0] not in self._snapshots:
            raise Refusal(400, {"scrollId": "scrollId has expired."})
        return found


def _cursor(number: int, start: int) -> str:
    return base64.urlsafe_b64encode(f"{number:05d}.{start}".encode()).decode()
