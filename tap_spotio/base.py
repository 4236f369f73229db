"""What the tap's streams have in common: facts in their schemas, bookmarks, blocks of records."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams import Stream

from reverse_sf.errors import ConfigurationError
from reverse_sf.spotio.facts import FACTS
from reverse_sf.spotio.instants import parse_instant
from tap_spotio.stamps import stamp_of
from tap_spotio.window import Overlap, ReadEnd, start_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from datetime import datetime

    from singer_sdk.metrics import Counter
    from singer_sdk.singerlib import Catalog, MetadataMapping, SchemaMessage

    from tap_spotio.tap import TapSpotio

UPDATED = "updatedAt"
OVERLAP = "read_again"
"""Where in a stream's state the rows stand that the next run will meet again."""


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


class WindowedStream(SpotioStream):
    """A stream whose bookmark moves once, when all of its window has been sent.

    Attributes:
        always: keys that a sync cannot do without.
        most_kept: rows of the overlap that the state holds at most.
        start: first stamp that this run reads; None for everything.
        overlap: rows that this run met before and the next one will meet again.
    """

    always = frozenset({"id", UPDATED})
    most_kept = 1000
    start: datetime | None
    overlap: Overlap

    def __init__(self, tap: TapSpotio, schema: Mapping[str, Any], name: str) -> None:
        super().__init__(tap, schema=dict(schema), name=name)
        self.primary_keys = ["id"]
        self.replication_key = UPDATED
        self._announced = False
        self._counter: Counter | None = None
        self._left: int | None = None

    @property
    def metadata(self) -> MetadataMapping:
        """Selection; what a sync cannot do without is automatic."""
        first_time = self._metadata is None
        metadata = super().metadata
        if first_time:
            for key in self.always & self.schema["properties"].keys():
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
        self.overlap = Overlap(str(stored or ""), lookback, most=self.most_kept)
        self._write_schema_message()

    def finish(self, end: ReadEnd, latest_seen: datetime | None) -> None:
        """Move the bookmark: everything in the window has been sent."""
        if self.replication_method == REPLICATION_FULL_TABLE:
            return
        bookmark = end.by(self._tap.end_date).bookmark(self.stored_bookmark, latest_seen)
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

    def get_records(self, context: Mapping[str, Any] | None) -> Iterable[dict[str, Any]]:
        """No single records: they come in blocks."""
        del context
        return ()

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
