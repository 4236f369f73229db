"""Paging through SPOTIO's listings with their ``scrollId`` cursors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
