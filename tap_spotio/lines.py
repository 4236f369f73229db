"""Singer messages to standard output: many records in one write, whole lines only."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from singer_sdk.singerlib.encoding.simple import Message


class Lines(GenericSingerWriter[bytes, "Message"]):
    """Writes messages at once, in the order of the calls.

    A signal waits for the end of a write: half a line would be read as garbage.
    """

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder(enc_hook=str)
        self._writing = False
        self._waiting: Callable[[], None] | None = None

    def serialize_message(self, message: Message) -> bytes:
        """The line of a message."""
        return self._encoder.encode(message.to_dict()) + b"\n"

    def write_message(self, message: Message) -> None:
        """Write one message."""
        self._write(self.serialize_message(message))

    def write_records(
        self, stream: str, records: Sequence[dict[str, Any]], *, time_extracted: str
    ) -> None:
        """Write the RECORD messages of some records of one stream."""
        frame = {"type": "RECORD", "stream": stream, "time_extracted": time_extracted}
        self._write(self._encoder.encode_lines([{**frame, "record": one} for one in records]))

    def between_lines(self, action: Callable[[], None]) -> None:
        """Do something now, or after the write that is under way."""
        if self._writing:
            self._waiting = action
        else:
            action()

    def _write(self, block: bytes) -> None:
        self._writing = True
        try:
            sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()
        finally:
            self._writing = False
        if self._waiting is not None:
            action, self._waiting = self._waiting, None
            action()
