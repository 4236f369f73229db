"""Singer messages, read from bytes and written to bytes.

A line is decoded once, and its record is left as raw JSON until the stream's reader takes just the
fields that the definition needs. STATE passes through byte for byte: its shape is the tap's own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from reverse_sf.errors import ConfigurationError, RetryError
from reverse_sf.mapper.course import TO_SPOTIO
from reverse_sf.mapper.keys import OWNER_FIELD
from reverse_sf.mapping.definition import Side, SyncRule
from reverse_sf.mapping.kinds import Kind
from reverse_sf.merge.envelope import ENVELOPE_KEY, ENVELOPE_SCHEMA, KEY_MARK, USERS_PAIR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reverse_sf.mapper.course import Course
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
    time_extracted: str | None = None


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
    """Writes messages to a target; buffers until :meth:`flush`.

    Args:
        out: the target's input.
        course: the run's direction.
    """

    def __init__(self, out: BinaryIO, course: Course = TO_SPOTIO) -> None:
        self._out = out
        self._course = course
        self._announced: dict[str, list[str]] = {}
        self._users_announced = False
        self.records = 0

    def state(self, line: bytes) -> None:
        """Pass a STATE message on untouched, behind everything that was written before it."""
        self._write(line if line.endswith(b"\n") else line + b"\n")
        self.flush()

    def records_of(
        self, pair: PairConverter, records: Sequence[msgspec.Raw], bookmarks: Sequence[str]
    ) -> None:
        """Write records of one destination stream, with a SCHEMA before the first of them."""
        stream = self._course.destination_stream(pair.mapping)
        self._announce(stream, pair, bookmarks)
        self._write(
            _encoder.encode_lines(
                {"type": RECORD, "stream": stream, "record": record} for record in records
            )
        )
        self.records += len(records)

    def users(self, records: Sequence[msgspec.Raw]) -> None:
        """Write users, with a SCHEMA before the first of them."""
        if not self._users_announced:
            self._users_announced = True
            schema = {"type": "object", "properties": USER_PROPERTIES}
            message = {
                "type": SCHEMA,
                "stream": USERS,
                "schema": schema,
                "key_properties": [],
                "bookmark_properties": [],
            }
            self._write(_encoder.encode(message) + b"\n")
        self._write(
            _encoder.encode_lines(
                {"type": RECORD, "stream": USERS, "record": record} for record in records
            )
        )
        self.records += len(records)

    def flush(self) -> None:
        """Hand over everything that was written."""
        try:
            self._out.flush()
        except BrokenPipeError as error:
            raise _target_gone() from error

    def _announce(self, stream: str, pair: PairConverter, bookmarks: Sequence[str]) -> None:
        pairs = self._announced.setdefault(stream, [])
        if pair.mapping.name in pairs:
            return
        pairs.append(pair.mapping.name)
        message = {
            "type": SCHEMA,
            "stream": stream,
            "schema": {"type": "object", "properties": properties_of(pair, self._course)},
            "key_properties": [],
            "bookmark_properties": list(bookmarks),
        }
        self._write(_encoder.encode(message) + b"\n")

    def _write(self, text: bytes) -> None:
        try:
            self._out.write(text)
        except BrokenPipeError as error:
            raise _target_gone() from error


def properties_of(pair: PairConverter, course: Course = TO_SPOTIO) -> dict[str, Any]:
    """Describe the records of a destination stream: every mapped key, and the envelope."""
    if course.destination is Side.SALESFORCE:
        return _salesforce_properties(pair)
    properties: dict[str, Any] = {
        key: _JSON_TYPES.get(one.spotio_kind.value, _TEXT) for key, one in pair.fields.items()
    }
    told = {
        **(pair.mapping.archive_in_spotio or {}),
        **(pair.mapping.to_spotio.set_on_create or {}),
    }
    properties |= {key: _ANY for key in told if key not in properties}
    if pair.address is not None:
        properties["address"] = _OBJECT
    if pair.mapping.owner is not None:
        properties["owner"] = _OBJECT
    if pair.mapping.parent is not None:
        properties["parent"] = _OBJECT
    if pair.mapping.activity is None:
        properties["externalDataObjectId"] = _TEXT
    else:
        properties.setdefault("Name", _TEXT)
    properties[ENVELOPE_KEY] = ENVELOPE_SCHEMA
    return properties


def _salesforce_properties(pair: PairConverter) -> dict[str, Any]:
    """Fields of an sObject; the target reads back all of them and keeps them as the image."""
    properties: dict[str, Any] = {
        # A multi-select picklist goes as its text, ``A;B``.
        one.field: _TEXT
        if one.salesforce_kind is Kind.CHOICES
        else _JSON_TYPES.get(one.salesforce_kind.value, _TEXT)
        for one in pair.fields.values()
    }
    mapping = pair.mapping
    if pair.address is not None:
        for component, name in pair.address.mapping.components.items():
            place = component in {"latitude", "longitude"}
            properties[name] = _nullable("number") if place else _TEXT
    if mapping.owner is not None and mapping.owner.rule is not SyncRule.DO_NOT_SYNC:
        properties[OWNER_FIELD] = _OBJECT
    if mapping.parent is not None and mapping.parent.rule is not SyncRule.DO_NOT_SYNC:
        properties[mapping.parent.salesforce] = _OBJECT
    told = {**(mapping.archive_in_salesforce or {}), **(mapping.to_salesforce.set_on_create or {})}
    properties |= {key: _ANY for key in told if key not in properties}
    if mapping.activity is not None and mapping.activity.account:
        properties[mapping.activity.account] = {"type": ["string", "object", "null"]}
    if mapping.salesforce_external_id:
        properties[mapping.salesforce_external_id] = {**_TEXT, KEY_MARK: True}
    properties[ENVELOPE_KEY] = ENVELOPE_SCHEMA
    return properties


def _nullable(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": [kind, "null"], **more}


_TEXT = _nullable("string")
_ANY: dict[str, Any] = {"type": ["string", "number", "boolean", "array", "null"]}
_OBJECT = _nullable("object", additionalProperties=True)
_JSON_TYPES = {
    "number": _nullable("number"),
    "boolean": _nullable("boolean"),
    "choices": _nullable("array", items={"type": "string"}),
    "date": _nullable("string", format="date"),
    "instant": _nullable("string", format="date-time"),
}


USERS = USERS_PAIR.partition(":")[2]
USER_PROPERTIES: dict[str, Any] = {
    **dict.fromkeys(("email", "role", "externalSystemUserId", "firstName", "lastName"), _TEXT),
    **dict.fromkeys(("isReadonly", "suspended"), _nullable("boolean")),
    ENVELOPE_KEY: ENVELOPE_SCHEMA,
}
"""Describes the records of users toward SPOTIO."""


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
