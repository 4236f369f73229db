"""The streams: one per record type, and the tables beside them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams import Stream

from reverse_sf.errors import ConfigurationError
from reverse_sf.spotio.facts import FACTS, type_from_schema
from reverse_sf.spotio.instants import parse_instant
from tap_spotio.records import Shape
from tap_spotio.schema import results_from_schema
from tap_spotio.stamps import stamp_of
from tap_spotio.window import Overlap, ReadEnd, start_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from singer_sdk.metrics import Counter
    from singer_sdk.singerlib import Catalog, MetadataMapping, SchemaMessage

    from reverse_sf.mapping.metadata import SpotioType
    from reverse_sf.spotio.feeds import Deleted
    from reverse_sf.spotio.record import Record
    from tap_spotio.tap import TapSpotio

UPDATED = "updatedAt"
OVERLAP = "read_again"
"""Where in a stream's state the rows stand that the next run will meet again."""
_ALWAYS = frozenset({"id", UPDATED, "deleted"})


class SpotioStream(Stream):
    """A stream whose schema carries facts that the SDK's catalog classes would drop."""

    # Values are typed when they are read; nothing is left to conform.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    _tap: TapSpotio

    @property
    def effective_schema(self) -> dict[str, Any]:
        """The schema with its facts."""
        return self.schema

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over the selection; the keys are ours."""
        keys, replication_key = self.primary_keys, self.replication_key
        super().apply_catalog(catalog)
        self.primary_keys = keys
        full_table = self.forced_replication_method == REPLICATION_FULL_TABLE
        self.replication_key = None if full_table else replication_key

    def get_replication_key_signpost(self, context: Mapping[str, Any] | None = None) -> None:
        """No signpost: the end of the window keeps the bookmark in bounds."""
        del context

    @property
    def is_mapped(self) -> bool:
        """Whether stream maps or flattening ask for the SDK's way of writing records."""
        return (
            len(self.stream_maps) != 1
            or type(self.stream_maps[0]) is not SameRecordTransform
            or bool(self.config.get("flattening_enabled"))
        )

    def _generate_schema_messages(self) -> Generator[SchemaMessage, None, None]:
        """Put the facts back that the SDK's classes do not carry."""
        properties = self.schema["properties"]
        for message in super()._generate_schema_messages():
            declared = message.schema.setdefault("properties", {})
            for name in declared.keys() & properties.keys():
                declared[name] = {**properties[name], **declared[name]}
            if not self.is_mapped:
                message.schema["properties"] = {
                    name: one for name, one in properties.items() if self.mask["properties", name]
                }
            if FACTS in self.schema:
                message.schema[FACTS] = self.schema[FACTS]
            yield message


class RecordStream(SpotioStream):
    """The records of one type; the first one to be synced reads for all of them.

    Attributes:
        start: first stamp that this run reads; None for everything.
        overlap: rows that this run met before and the next one will meet again.
    """

    start: datetime | None
    overlap: Overlap

    def __init__(self, tap: TapSpotio, schema: Mapping[str, Any], name: str) -> None:
        super().__init__(tap, schema=dict(schema), name=name)
        self.primary_keys = ["id"]
        self.replication_key = UPDATED
        self._announced = False
        self._shape: Shape | None = None
        self._counter: Counter | None = None
        self._left: int | None = None

    @property
    def record_type(self) -> SpotioType:
        """The record type, from the schema's facts."""
        found = type_from_schema(self.schema)
        if found is None:
            raise ConfigurationError(
                f"the catalog's stream {self.name} says nothing of its record type; discover again"
            )
        return found

    @property
    def metadata(self) -> MetadataMapping:
        """Selection; what a sync cannot do without is automatic."""
        first_time = self._metadata is None
        metadata = super().metadata
        if first_time:
            for key in _ALWAYS & self.schema["properties"].keys():
                entry = metadata["properties", key]
                entry.inclusion = entry.InclusionType.AUTOMATIC
        return metadata

    @property
    def emit_activate_version_messages(self) -> bool:
        """Never: deletions come as records, and a new version would drop what was sent before."""
        return False

    def begin(self, end: ReadEnd, counter: Counter) -> None:
        """Make ready to take records: window, schema message."""
        self._counter = counter
        lookback = timedelta(seconds=int(self.config["lookback_window"]))
        self.start = start_of(self.stored_bookmark, end, lookback, self._tap.start_date)
        stored = self.stream_state.get(OVERLAP) if self.stored_bookmark else None
        self.overlap = Overlap(str(stored or ""), lookback)
        self._write_schema_message()

    def finish(self, end: ReadEnd, latest_seen: datetime | None) -> None:
        """Move the bookmark: everything in the window has been sent."""
        if self.replication_method == REPLICATION_FULL_TABLE:
            return
        bookmark = end.bookmark(self.stored_bookmark, latest_seen)
        if bookmark is None:
            return
        state = self.stream_state
        state["replication_key"] = UPDATED
        state["replication_key_value"] = stamp_of(bookmark)
        state[OVERLAP] = self.overlap.kept(bookmark)
        self.state_manager.is_flushed = False

    @property
    def stored_bookmark(self) -> datetime | None:
        """Where the last complete read ended; None for none."""
        if self.replication_method == REPLICATION_FULL_TABLE:
            return None
        value = self.stream_state.get("replication_key_value")
        if not value:
            return None
        try:
            return parse_instant(str(value))
        except ValueError as problem:
            raise ConfigurationError(
                "the state cannot be read",
                [f"bookmarks.{self.name}.replication_key_value: {problem}"],
            ) from None

    @property
    def shape(self) -> Shape:
        """How a record becomes a record of this stream."""
        if self._shape is None:
            selected = {
                name
                for name in self.schema["properties"]
                if name in _ALWAYS or self.mask["properties", name]
            }
            self._shape = Shape(self.record_type, results_from_schema(self.schema), selected)
        return self._shape

    def take(self, records: Sequence[tuple[Record, Mapping[str, Any]]]) -> None:
        """Send full records."""
        # A catalog may leave fields out on purpose; without one all of them should be known.
        fields = self._tap.input_catalog is None
        if self._tap.setup_is_stale and any(
            self.shape.is_unknown(full, fields=fields) for full, _ in records
        ):
            self._tap.renew_setup()
        shape = self.shape
        self._send([shape.record(full, row) for full, row in records])

    def take_deletions(self, deletions: Sequence[Deleted]) -> None:
        """Send deletions."""
        self._send([self.shape.deletion(one) for one in deletions])

    def renew(self, schema: Mapping[str, Any]) -> None:
        """Go on with a newer schema; says so if the stream has begun."""
        if schema == self.schema:
            return
        kept = {
            name: one
            for name, one in schema["properties"].items()
            if self._tap.input_catalog is None or name in self.schema["properties"]
        }
        self._schema = {**schema, "properties": {**self.schema["properties"], **kept}}
        self._shape = None
        if self._announced:
            self._announced = False
            self._write_schema_message()

    def get_records(self, context: Mapping[str, Any] | None) -> Iterable[dict[str, Any]]:
        """No single records: they come in blocks, for all record types at once."""
        del context
        return ()

    def _sync_records(
        self,
        context: Mapping[str, Any] | None = None,
        *,
        write_messages: bool = True,
    ) -> Generator[dict[str, Any], Any, Any]:
        """Read for all record types, unless another one's stream has done it.

        Yields:
            Nothing: records go out in blocks.
        """
        del context, write_messages
        if self.ABORT_AT_RECORD_COUNT is None:
            self._tap.read_records()
        else:
            with self.get_record_counter() as self._counter:
                self._left = self.ABORT_AT_RECORD_COUNT
                self._tap.read_some(self, self.ABORT_AT_RECORD_COUNT)
        yield from ()

    def _send(self, records: list[dict[str, Any]]) -> None:
        if self._left is not None:
            records = records[: self._left]
            self._left -= len(records)
        if not records:
            return
        if self.is_mapped:
            for record in records:
                self._write_record_message(record)
        else:
            self._tap.message_writer.write_records(
                self.name, records, time_extracted=self._tap.time_extracted
            )
        if self._counter is not None:
            self._counter.increment(len(records))
        self.state_manager.is_flushed = False

    def _write_schema_message(self) -> None:
        if not self._announced:
            self._announced = True
            super()._write_schema_message()


class TableStream(SpotioStream):
    """A small table that SPOTIO tells as a whole (guide, Paginating: these are not paged)."""

    def __init__(
        self,
        tap: TapSpotio,
        *,
        name: str,
        schema: Mapping[str, Any],
        keys: Sequence[str],
        rows: Callable[[], Iterable[Mapping[str, Any]]],
    ) -> None:
        super().__init__(tap, schema=dict(schema), name=name)
        self.primary_keys = list(keys)
        self.replication_key = None
        self._rows = rows

    def get_records(self, context: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """All rows."""
        del context
        for row in self._rows():
            yield dict(row)
