"""Singer messages to standard output: many records in one write, whole lines only."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click
import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.singerlib.encoding.simple import Message


class Lines(GenericSingerWriter[bytes, "Message"]):
    """Writes messages at once, in the order of the calls.

    Everything is out before the next STATE or SCHEMA, so a reader never waits for a bookmark whose
    records it has. A signal that comes while a block is being written waits until it is out: half
    a line would be read as garbage.
    """

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder(enc_hook=str)
        self._writing = False
        self._stopping = False

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
        self.write_all({**frame, "record": one} for one in records)

    def write_all(self, messages: Iterable[Any]) -> None:
        """Write many messages, ready to be encoded, in one block."""
        self._write(self._encoder.encode_lines(list(messages)))

    def stop(self) -> None:
        """End the command now, or after the block that is being written.

        Raises:
            click.Abort: nothing is being written.
        """
        if not self._writing:
            _stop()
        self._stopping = True

    def _write(self, block: bytes) -> None:
        self._writing = True
        try:
            sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()
        finally:
            self._writing = False
        if self._stopping:
            _stop()


def _stop() -> NoReturn:
    raise click.Abort
