"""Singer messages to standard output: many records at a time, whole lines only."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.singerlib.encoding.simple import Message

    from reverse_sf.tap.page import Page


class RecordLine(msgspec.Struct, tag_field="type", tag="RECORD", omit_defaults=True, gc=False):
    """A RECORD message."""

    stream: str
    record: msgspec.Struct
    version: int | None = None
    time_extracted: str | None = None


class LineWriter(GenericSingerWriter[bytes, "Message"]):
    """Writes lines in blocks, in the order of the calls.

    Everything goes out with the next STATE or SCHEMA, so a reader never waits for a bookmark whose
    records it has. A signal that comes while a block is being written waits until it is out: half
    a line would be read as garbage.
    """

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder(enc_hook=_text_of)
        self._writing = False
        self._on_signal: Callable[[], None] | None = None

    def serialize_message(self, message: Message) -> bytes:
        """Return the line of a message."""
        return self._encoder.encode(message.to_dict()) + b"\n"

    def write_message(self, message: Message) -> None:
        """Write one message at once."""
        self._write(self.serialize_message(message))

    def write_page(
        self, stream: str, page: Page, *, version: int | None, time_extracted: str
    ) -> None:
        """Write the RECORD messages of a page."""
        row = _row_type(page.fields)
        lines = [
            RecordLine(stream, record, version, time_extracted)
            for record in map(row, *page.columns)
        ]
        self._write(self._encoder.encode_lines(lines))

    def when_whole(self, action: Callable[[], None]) -> None:
        """Do something now, or after the block that is being written."""
        if self._writing:
            self._on_signal = action
        else:
            action()

    def _write(self, block: bytes) -> None:
        self._writing = True
        try:
            sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()
        finally:
            self._writing = False
        if self._on_signal is not None:
            action, self._on_signal = self._on_signal, None
            action()


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


def _text_of(value: object) -> str:
    return str(value)
