"""The streams: one per record type, and the tables beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError
from reverse_sf.spotio.facts import type_from_schema
from tap_spotio.base import UPDATED, SpotioStream, WindowedStream
from tap_spotio.records import Shape
from tap_spotio.schema import results_from_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from reverse_sf.mapping.workflow import SpotioType
    from reverse_sf.spotio.feeds import Deleted
    from reverse_sf.spotio.record import Record
    from tap_spotio.tap import TapSpotio


class RecordStream(WindowedStream):
    """The records of one type; the first one to be synced reads for all of them."""

    always = frozenset({"id", UPDATED, "deleted"})

    def __init__(self, tap: TapSpotio, schema: Mapping[str, Any], name: str) -> None:
        super().__init__(tap, schema, name)
        self._shape: Shape | None = None

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
    def shape(self) -> Shape:
        """How a record becomes a record of this stream."""
        if self._shape is None:
            selected = {
                name
                for name in self.schema["properties"]
                if name in self.always or self.mask["properties", name]
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
