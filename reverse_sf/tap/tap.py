"""tap-salesforce: observes Salesforce and writes nothing but Singer messages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from reverse_sf.console import run
from reverse_sf.errors import AccessError, ConfigurationError, ReverseSFError
from reverse_sf.salesforce import Credentials, Quota, SalesforceClient
from reverse_sf.salesforce.refusals import SalesforceError, UnknownObjectError
from reverse_sf.salesforce.values import is_stamp, stamp_of
from reverse_sf.singer.tap import CrmTap
from reverse_sf.tap import facts
from reverse_sf.tap.discovery import describes_of
from reverse_sf.tap.purges import due
from reverse_sf.tap.settings import SETTINGS
from reverse_sf.tap.state import DELETIONS_READ, understood
from reverse_sf.tap.stream import SObjectStream
from reverse_sf.tap.users import USER, UserStream
from reverse_sf.tap.writer import PageWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk import Stream
    from singer_sdk.singerlib import Catalog


class TapSalesforce(CrmTap):
    """Reads any standard or custom object of a Salesforce org, incrementally."""

    name = "tap-salesforce"
    config_jsonschema = SETTINGS
    message_writer_class = PageWriter
    message_writer: PageWriter

    def __init__(self, *, catalog: Any = None, **options: Any) -> None:
        self._client: SalesforceClient | None = None
        self._row_counts: dict[str, int] | None = None
        self._logs_due: frozenset[str] | None = None
        super().__init__(catalog=catalog, **options)

    @property
    def client(self) -> SalesforceClient:
        """The org; nothing is called before it is needed."""
        if self._client is None:
            credentials = Credentials.from_settings(self.config)
            self._client = SalesforceClient(
                credentials,
                api_version=str(self.config["api_version"]),
                quota=Quota(
                    total_percent=float(self.config["quota_percent_total"]),
                    run_percent=float(self.config["quota_percent_per_run"]),
                ),
                workers=int(self.config["max_workers"]),
                cache=credentials.cache(self.config),
            )
        return self._client

    def expected_rows(self, source: str) -> int | None:
        """Return about how many rows an object has; one call for all selected streams.

        The count is a hint for the choice between REST and Bulk API 2.0: without it the first
        page of the query decides.
        """
        if self._row_counts is None:
            selected = [stream.name for stream in self.streams.values() if stream.selected]
            try:
                self._row_counts = self.client.record_counts(selected)
            except (SalesforceError, AccessError, UnknownObjectError):
                self._row_counts = {}
        return self._row_counts.get(source)

    def log_is_due(self, source: str) -> bool:
        """Whether this run reads the deletion log of an object; the first call decides for all."""
        if self._logs_due is None:
            states = {
                stream.name: stream.stream_state.get(DELETIONS_READ)
                for stream in self.streams.values()
                if isinstance(stream, SObjectStream) and stream.selected and stream.has_deletion_log
            }
            now = stamp_of(self.client.server_time())
            interval = timedelta(seconds=int(self.config["deletion_log_interval"]))
            self._logs_due = due(states, now=now, interval=interval)
        return source in self._logs_due

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the bookmarks of an earlier run, in the shapes of other variants too."""
        super().load_state(understood(state))

    def discover_streams(self) -> Sequence[SObjectStream]:
        """Make a stream of every object, from the catalog where there is one.

        A catalog of ours carries everything; one without our facts costs a describe for every
        selected object.
        """
        self._check_dates()
        if self.input_catalog is not None:
            return self._streams_of(self.input_catalog)
        wanted = [str(name) for name in self.config.get("streams_to_discover") or []]
        return [
            self._stream(facts.schema_of(described), described["name"])
            for described in describes_of(self.client, wanted, self.logger)
        ]

    @property
    def streams(self) -> dict[str, Stream]:
        """All streams by name; users first, because the records after them name them as owners."""
        found = super().streams
        return {name: found[name] for name in sorted(found, key=lambda name: name != "User")}

    def _check_dates(self) -> None:
        given = {name: self.config.get(name) for name in ("start_date", "end_date")}
        problems = [
            f"{name}: {text!r} is not an ISO 8601 date or time"
            for name, text in given.items()
            if text and not is_stamp(str(text))
        ]
        if problems:
            raise ConfigurationError("the settings are not valid", problems)

    def _streams_of(self, catalog: Catalog) -> list[SObjectStream]:
        schemas = dict(self.raw_schemas)
        lacking = [
            entry.tap_stream_id
            for entry in catalog.streams
            if entry.metadata.resolve_selection().get((), True)
            and not facts.field_types(schemas.get(entry.tap_stream_id, {}))
        ]
        problems = []
        for name, answer in self.client.describe_many(lacking).items() if lacking else ():
            if isinstance(answer, ReverseSFError):
                problems.append(f"{name}: {answer}")
                continue
            named = {one[1] for one in catalog[name].metadata if len(one) == 2}  # noqa: PLR2004 - ("properties", field)
            schemas[name] = facts.schema_of(answer)
            if named - schemas[name]["properties"].keys():
                schemas[name] = facts.schema_of(self.client.describe_anew(name) or answer)
        if problems:
            raise ConfigurationError("the catalog names objects that cannot be read", problems)
        return [
            self._stream(schemas.get(name) or entry.schema.to_dict(), name)
            for name, entry in catalog.items()
        ]

    def _stream(self, schema: dict[str, Any], name: str) -> SObjectStream:
        if name == USER and self.config.get("user_details"):
            return UserStream(self, schema, name)
        return SObjectStream(self, schema, name)


def main() -> NoReturn:
    """Run the command ``tap-salesforce``."""
    run(TapSalesforce.cli, "tap-salesforce")
