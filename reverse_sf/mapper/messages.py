"""Singer messages, read from bytes and written to bytes.

A line is decoded once, and its record is left as raw JSON until the stream's reader takes just the
fields that the definition needs. STATE passes through byte for byte: its shape is the tap's own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from reverse_sf.errors import ConfigurationError, RetryError
from reverse_sf.merge.envelope import ENVELOPE_KEY, ENVELOPE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reverse_sf.mapping.pair import PairConverter

RECORD = "RECORD"
SCHEMA = "SCHEMA"
STATE = "STATE"
ACTIVATE_VERSION = "ACTIVATE_VERSION"
BATCH = "BATCH"


class Line(msgspec.Struct):
    """One message, as far as the mapper looks into it."""

    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw()
    value: Any = None
    schema: Any = None
    bookmark_properties: list[str] | None = None


_decode_line = msgspec.json.Decoder(Line).decode
_encoder = msgspec.json.Encoder(decimal_format="number")
_ENVELOPE_KEY = ENVELOPE_KEY.encode()
_BOOKMARK = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def read_line(text: bytes, number: int) -> Line:
    """Decode one line of the tap's output.

    Args:
        text: the line.
        number: its number, for the message.

    Raises:
        ConfigurationError: the line is no Singer message.
    """
    try:
        return _decode_line(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        shown = text[:80].decode("utf-8", "replace").strip()
        raise ConfigurationError(
            f"line {number} of the input is no Singer message ({error}): {shown!r}"
        ) from error


def bookmark_of(state: Any, stream: str) -> str | None:
    """Find the read position of a stream in a STATE value, in any of the shapes in use.

    singer-sdk keeps ``replication_key_value``; the taps of singer-python keep the value under the
    name of its field.
    """
    bookmarks = state.get("bookmarks") if isinstance(state, dict) else None
    entry = bookmarks.get(stream) if isinstance(bookmarks, dict) else None
    if not isinstance(entry, dict):
        return None
    for value in entry.values():
        if isinstance(value, str) and _BOOKMARK.match(value):
            return value
    return None


class Writer:
    """Writes messages to a target; buffers until :meth:`flush`."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._announced: dict[str, list[str]] = {}
        self.records = 0

    def state(self, line: bytes) -> None:
        """Pass a STATE message on untouched, behind everything that was written before it."""
        self._write(line if line.endswith(b"\n") else line + b"\n")
        self.flush()

    def records_of(
        self, pair: PairConverter, records: Sequence[msgspec.Raw], bookmarks: Sequence[str]
    ) -> None:
        """Write records of one destination stream, with a SCHEMA before the first of them."""
        stream = pair.mapping.spotio
        self._announce(pair, bookmarks)
        self._write(
            _encoder.encode_lines(
                {"type": RECORD, "stream": stream, "record": record} for record in records
            )
        )
        self.records += len(records)

    def flush(self) -> None:
        """Hand over everything that was written."""
        try:
            self._out.flush()
        except BrokenPipeError as error:
            raise _target_gone() from error

    def _announce(self, pair: PairConverter, bookmarks: Sequence[str]) -> None:
        stream = pair.mapping.spotio
        pairs = self._announced.setdefault(stream, [])
        if pair.mapping.name in pairs:
            return
        pairs.append(pair.mapping.name)
        message = {
            "type": SCHEMA,
            "stream": stream,
            "schema": {"type": "object", "properties": properties_of(pair)},
            "key_properties": [],
            "bookmark_properties": list(bookmarks),
        }
        self._write(_encoder.encode(message) + b"\n")

    def _write(self, text: bytes) -> None:
        try:
            self._out.write(text)
        except BrokenPipeError as error:
            raise _target_gone() from error


def properties_of(pair: PairConverter) -> dict[str, Any]:
    """Describe the records of a destination stream: every mapped key, and the envelope."""
    properties: dict[str, Any] = {
        key: _JSON_TYPES.get(one.spotio_kind.value, _TEXT) for key, one in pair.fields.items()
    }
    if pair.address is not None:
        properties["address"] = _OBJECT
    if pair.mapping.owner is not None:
        properties["owner"] = _OBJECT
    if pair.mapping.parent is not None:
        properties["parent"] = _OBJECT
    properties["externalDataObjectId"] = _TEXT
    properties[ENVELOPE_KEY] = ENVELOPE_SCHEMA
    return properties


def _nullable(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": [kind, "null"], **more}


_TEXT = _nullable("string")
_OBJECT = _nullable("object", additionalProperties=True)
_JSON_TYPES = {
    "number": _nullable("number"),
    "boolean": _nullable("boolean"),
    "choices": _nullable("array", items={"type": "string"}),
    "date": _nullable("string", format="date"),
    "instant": _nullable("string", format="date-time"),
}


def _target_gone() -> RetryError:
    return RetryError(
        "the target has ended and reads no more (its own message says why); what was decided is"
        " kept and goes out again with the next run"
    )


def text_of(values: Any) -> bytes:
    """Encode values for a digest: the same values give the same bytes."""
    return _encoder.encode(values)


def as_object(text: bytes) -> Any:
    """JSON text that stands where an object goes to the ledger, and is not encoded once more."""
    return msgspec.Raw(text)


def with_envelope(record: bytes, envelope: bytes) -> msgspec.Raw:
    """Put the envelope into a record; both are JSON objects."""
    comma = b"," if len(record) > len(b"{}") else b""
    return msgspec.Raw(b'%b%b"%b":%b}' % (record[:-1], comma, _ENVELOPE_KEY, envelope))


def joined(parts: Iterable[bytes]) -> bytes:
    """Join parts for a digest so that no two lists of parts look alike."""
    return b"\x1f".join(parts)
