"""One Salesforce object as a Singer stream."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams import Stream

from reverse_sf.errors import ConfigurationError, ReverseSFError
from reverse_sf.salesforce.refusals import QueryError
from reverse_sf.salesforce.values import moment_of, normal_stamp, stamp_of
from reverse_sf.tap import facts
from reverse_sf.tap.discovery import suggestion
from reverse_sf.tap.purges import read_purges
from reverse_sf.tap.reading import Reading
from reverse_sf.tap.state import DELETIONS_READ, WAS_EMPTY
from reverse_sf.tap.window import Bookmark, Window, window_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from singer_sdk.metrics import Counter
    from singer_sdk.singerlib import Catalog, MetadataMapping, SchemaMessage

    from reverse_sf.tap.page import Page
    from reverse_sf.tap.tap import TapSalesforce


_CLOCKS_DIFFER = timedelta(seconds=2)


class SObjectStream(Stream):
    """The rows of one object, changed since the bookmark or all of them.

    The SDK's record loop costs more than reading from Salesforce does, so records go from page to
    message in blocks. Its parts that decide something (selection, stream maps, metrics, state
    messages) are used as they are.
    """

    # Values are typed by the describe when they are read; nothing is left to conform.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    _tap: TapSalesforce

    def __init__(self, tap: TapSalesforce, schema: Mapping[str, Any], name: str) -> None:
        super().__init__(tap, schema=dict(schema), name=name)
        self.primary_keys = ["Id"]
        self.replication_key = facts.replication_key_of(schema["properties"])
        self._seen_deleted: set[str] = set()

    @property
    def metadata(self) -> MetadataMapping:
        """Selection; what a sync cannot do without is automatic."""
        first_time = self._metadata is None
        metadata = super().metadata
        if first_time:
            properties = self.schema["properties"]
            from_catalog = self._tap_input_catalog is not None
            left_out = facts.compounds_and_files(self.schema)
            offered = bool(self.config.get("compound_fields"))
            by_default = bool(self.config.get("select_fields_by_default", True))
            for field in properties:
                entry = metadata["properties", field]
                if field in {"Id", "IsDeleted", self.replication_key}:
                    entry.inclusion = entry.InclusionType.AUTOMATIC
                elif field in left_out and not offered:
                    entry.inclusion = entry.InclusionType.UNSUPPORTED
                elif not from_catalog:
                    entry.selected_by_default = by_default and field not in left_out
        return metadata

    @property
    def effective_schema(self) -> dict[str, Any]:
        """The schema with its facts, which the SDK's own catalog classes would drop."""
        return self.schema

    @property
    def selected_types(self) -> dict[str, str]:
        """Describe type of every selected field, Id first.

        Raises:
            ConfigurationError: for fields that are selected and not there, all of them at once.
        """
        types = facts.field_types(self.schema)
        unknown = [
            breadcrumb[1]
            for breadcrumb, selected in self.mask.items()
            if selected and len(breadcrumb) == 2 and breadcrumb[1] not in types  # noqa: PLR2004 - ("properties", field)
        ]
        if self.replication_key and self.replication_key not in types:
            unknown.append(self.replication_key)
        if unknown:
            raise ConfigurationError(
                f"{self.name}: the catalog names fields that are not there, or not visible to "
                "this user",
                [f"{self.name}.{field}{suggestion(field, types)}" for field in unknown],
            )
        return {
            field: kind
            for field, kind in types.items()
            if field == "Id" or self.mask["properties", field]
        }

    @property
    def has_deletion_log(self) -> bool:
        """Whether Salesforce tells of purged records, and somebody wants to know of them."""
        replicateable = bool(self.schema.get(facts.FACTS, {}).get("replicateable"))
        wanted = bool(self.config.get("read_deletion_log", True))
        return replicateable and wanted and "IsDeleted" in self.selected_types

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over selection and keys; a catalog that names no keys leaves ours."""
        replication_key = self.replication_key
        super().apply_catalog(catalog)
        self.primary_keys = ["Id"]
        if not self.replication_key and self.forced_replication_method != REPLICATION_FULL_TABLE:
            self.replication_key = replication_key

    def get_records(self, context: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Yield single records; the sync itself goes by pages."""
        del context
        for page in self._reading(self._window(self._client_now())).pages():
            yield from page.records()

    def _sync_records(
        self,
        context: Mapping[str, Any] | None = None,
        *,
        write_messages: bool = True,
    ) -> Generator[dict[str, Any], Any, Any]:
        """Read the window page by page; messages go out in blocks.

        Yields:
            Nothing: no caller of this tap wants the records one by one.
        """
        del context, write_messages
        self.selected_types  # noqa: B018 - says what is wrong with the selection before any call
        client = self._tap.client
        clock_is_told, begun = client.session.clock_is_told, time.monotonic()
        now = self._client_now()
        window = self._window(now)
        bookmark = Bookmark(self._stored_bookmark())
        read_before = bookmark.value
        counter = self.get_record_counter()
        with counter, self.get_sync_timer():
            try:
                self._read_or_renew(window, bookmark, now, counter)
                if window.key and not clock_is_told:
                    # Salesforce's time was taken from an earlier run; was it right?
                    window = self._window(self._client_now(before_s=time.monotonic() - begun))
                    if window.end and window.end > stamp_of(moment_of(now) + _CLOCKS_DIFFER):
                        self._read(window, bookmark, now, counter)
                bookmark.read_completely(
                    window.end if window.key == facts.REPLICATION_KEYS[0] else None
                )
                self._store(bookmark)
                if bookmark.value is None and window.key:
                    self.stream_state[WAS_EMPTY] = True
                if window.key:
                    self._read_deletion_log(self._client_now(), counter, read_before)
            except ReverseSFError:
                # What has been read completely is kept, so that the next run goes on from there.
                self._store(bookmark)
                self._write_state_message()
                raise
        self.state_manager.is_flushed = False
        self._write_state_message()
        yield from ()

    def _read_or_renew(
        self, window: Window, bookmark: Bookmark, now: str, counter: Counter
    ) -> None:
        """Read; where a describe of an earlier run named what is not there any more, ask again."""
        try:
            self._read(window, bookmark, now, counter)
        except QueryError:
            described = (
                self._tap.client.describe_anew(self.name)
                if self._tap.input_catalog is None
                else None
            )
            if described is None:
                raise
            self.logger.warning("%s has changed; its describe is read anew", self.name)
            self._schema = facts.schema_of(described)
            self._metadata = self._mask = self._stream_maps = None
            self._write_schema_message()
            self._read(window, bookmark, now, counter)

    def _read(self, window: Window, bookmark: Bookmark, now: str, counter: Counter) -> None:
        threshold = int(self.config["state_message_threshold"])
        unsaved = 0
        total = 0
        with closing(self._reading(window).pages()) as pages:
            for page in pages:
                # A bookmark can come between the rows of an ordered page, and only there.
                for piece in page.pieces(threshold if page.ordered else len(page)):
                    rows = self._within_limit(piece, total)
                    self._emit(rows, now)
                    self._note_deleted(rows)
                    total += len(rows)
                    unsaved += len(rows)
                    counter.increment(len(rows))
                    if window.key:
                        bookmark.read(rows.column(window.key), in_order=rows.ordered)
                    if rows.ordered and unsaved >= threshold:
                        unsaved = 0
                        self._store(bookmark)
                        self._write_state_message()
                    self._check_max_record_limit(current_record_index=total)

    def _within_limit(self, page: Page, already: int) -> Page:
        """Cut a page at the limit of a connection test."""
        if self.ABORT_AT_RECORD_COUNT is None:
            return page
        return page.cut(0, max(0, self.ABORT_AT_RECORD_COUNT - already))

    def _emit(self, page: Page, now: str) -> None:
        if not len(page):
            return
        if self._is_mapped:
            for record in page.records():
                self._write_record_message(record)
        else:
            self._tap.message_writer.write_page(
                self.name, page, version=self._stream_version, time_extracted=now
            )
        self.state_manager.is_flushed = False

    @property
    def _is_mapped(self) -> bool:
        """Whether stream maps or flattening ask for the SDK's record loop."""
        return (
            len(self.stream_maps) != 1
            or type(self.stream_maps[0]) is not SameRecordTransform
            or bool(self.config.get("flattening_enabled"))
        )

    def _note_deleted(self, page: Page) -> None:
        if "IsDeleted" in page.fields and True in page.column("IsDeleted"):
            marks = zip(page.column("Id"), page.column("IsDeleted"), strict=True)
            self._seen_deleted.update(record_id for record_id, deleted in marks if deleted)

    def _read_deletion_log(self, now: str, counter: Counter, read_before: str | None) -> None:
        """Add the purged records; without an earlier read nobody has them to delete."""
        if not self.has_deletion_log:
            return
        state = self.stream_state
        if read_before and self.ABORT_AT_RECORD_COUNT is None:
            if not self._tap.log_is_due(self.name):
                return
            purges = read_purges(
                self._tap.client,
                self.name,
                since=state.get(DELETIONS_READ) or read_before,
                now=now,
                stamp_field=self.replication_key or "SystemModstamp",
                already_read=self._seen_deleted,
            )
            self._emit(purges.page, now)
            counter.increment(len(purges.page))
            state[DELETIONS_READ] = purges.covered_until
        else:
            state[DELETIONS_READ] = now

    def _reading(self, window: Window) -> Reading:
        api_type = str(self.config.get("api_type") or "auto")
        expected = None
        # Nobody counts an object at every run only because it is empty; its first page will tell.
        was_empty = bool(window.key and self.stream_state.get(WAS_EMPTY))
        if api_type == "auto" and window.start is None and not was_empty:
            expected = self._tap.expected_rows(self.name)
        return Reading(
            client=self._tap.client,
            source=self.name,
            types=self.selected_types,
            window=window,
            api_type="BULK2" if api_type == "BULK" else api_type,
            bulk_threshold=int(self.config["bulk_threshold"]),
            expected=expected,
        )

    def _window(self, now: str) -> Window:
        if self.replication_method == REPLICATION_FULL_TABLE or not self.replication_key:
            return Window()
        start_date = self.config.get("start_date")
        end_date = self.config.get("end_date")
        return window_of(
            self.replication_key,
            now=now,
            bookmark=self._stored_bookmark(),
            lookback_s=int(self.config["lookback_window"]),
            start_date=normal_stamp(start_date) if start_date else None,
            end_date=normal_stamp(end_date) if end_date else None,
        )

    def _client_now(self, *, before_s: float = 0.0) -> str:
        return stamp_of(self._tap.client.server_time() - timedelta(seconds=before_s))

    def _stored_bookmark(self) -> str | None:
        state = self.stream_state
        if state.get("replication_key") not in {None, self.replication_key}:
            return None
        value = state.get("replication_key_value")
        return normal_stamp(value) if value else None

    def _store(self, bookmark: Bookmark) -> None:
        if bookmark.value is None or self.replication_method == REPLICATION_FULL_TABLE:
            return
        state = self.stream_state
        state["replication_key"] = self.replication_key
        state["replication_key_value"] = bookmark.value
        self.state_manager.is_flushed = False

    def get_replication_key_signpost(self, context: Mapping[str, Any] | None = None) -> None:
        """No signpost: the window's end keeps the bookmark in bounds."""
        del context

    def _generate_schema_messages(self) -> Generator[SchemaMessage, None, None]:
        """Put the facts back that the SDK's catalog classes do not carry."""
        properties = self.schema["properties"]
        for message in super()._generate_schema_messages():
            declared = message.schema.setdefault("properties", {})
            if self._is_mapped:
                for name in declared.keys() & properties.keys():
                    declared[name] = {**properties[name], **declared[name]}
            else:
                message.schema["properties"] = {
                    name: properties[name] for name in self.selected_types
                }
            if facts.FACTS in self.schema:
                message.schema[facts.FACTS] = facts.of_org(
                    self.schema[facts.FACTS], self._tap.client.organization_id
                )
            yield message
