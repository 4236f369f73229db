"""Pages of rows to standard output, as RECORD messages."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.singer.lines import Lines

if TYPE_CHECKING:
    from reverse_sf.tap.page import Page


class RecordLine(msgspec.Struct, tag_field="type", tag="RECORD", omit_defaults=True, gc=False):
    """A RECORD message."""

    stream: str
    record: msgspec.Struct
    version: int | None = None
    time_extracted: str | None = None


class PageWriter(Lines):
    """Writes a page in one block."""

    def write_page(
        self, stream: str, page: Page, *, version: int | None, time_extracted: str
    ) -> None:
        """Write the RECORD messages of a page."""
        row = _row_type(page.fields)
        self.write_all(
            RecordLine(stream, record, version, time_extracted)
            for record in map(row, *page.columns)
        )


@lru_cache(maxsize=256)
def _row_type(fields: tuple[str, ...]) -> type[msgspec.Struct]:
    """Return a struct with these columns; structs are made and encoded faster than dictionaries."""
    places = [f"column_{place}" for place in range(len(fields))]
    return msgspec.defstruct(
        "Row",
        [(place, Any) for place in places],
        rename=dict(zip(places, fields, strict=True)),
        gc=False,
    )
