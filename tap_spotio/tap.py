"""tap-spotio: observes SPOTIO and writes nothing but Singer messages."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn
from weakref import finalize

from reverse_sf.console import run
from reverse_sf.errors import AccessError, ConfigurationError
from reverse_sf.mapping.wording import did_you_mean
from reverse_sf.singer.tap import CrmTap
from reverse_sf.spotio.client import Spotio, User, token_claims
from reverse_sf.spotio.facts import type_from_schema
from reverse_sf.spotio.instants import now, parse_instant
from reverse_sf.spotio.record import Record
from reverse_sf.spotio.search import Search
from reverse_sf.spotio.session import Credentials, Session
from tap_spotio.activity_streams import (
    ACTIVITIES,
    APPOINTMENTS,
    ActivityStream,
    AppointmentStream,
    Names,
)
from tap_spotio.enrichment import Enrichment
from tap_spotio.reading import Reading
from tap_spotio.schema import schema_of
from tap_spotio.settings import SETTINGS
from tap_spotio.stamps import stamp_of
from tap_spotio.streams import RecordStream, TableStream
from tap_spotio.tables import TABLES, stage_rows, template_rows
from tap_spotio.tenant import TenantSetup
from tap_spotio.window import ReadEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from singer_sdk import Stream

    from reverse_sf.mapping.workflow import SpotioType
    from tap_spotio.base import SpotioStream

DIARIES: dict[str, type[ActivityStream | AppointmentStream]] = {
    ACTIVITIES: ActivityStream,
    APPOINTMENTS: AppointmentStream,
}


class TapSpotio(CrmTap):
    """Reads the records of every type of a SPOTIO tenant, incrementally and whole."""

    name = "tap-spotio"
    # The SDK extends the schema in place; the declared one stays as it is.
    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS.to_dict()

    def __init__(self, *, catalog: Any = None, **options: Any) -> None:
        self._spotio: Spotio | None = None
        self._setup: TenantSetup | None = None
        self._user_rows: list[dict[str, Any]] | None = None
        self._setup_renewed = False
        self._records_read = False
        self.time_extracted = stamp_of(now())
        self.activity_names = Names(self)
        self.activities_sent: set[str] = set()
        super().__init__(catalog=catalog, **options)
        self.start_date = self._date("start_date")
        self.end_date = self._date("end_date")

    def _date(self, setting: str) -> datetime | None:
        told = self.config.get(setting)
        try:
            return _moment(str(told)) if told else None
        except ValueError:
            problem = f"{setting}: {told!r} is not a date-time such as 2026-01-31T00:00:00Z"
            raise ConfigurationError("the settings are not valid", [problem]) from None

    # the tenant

    @property
    def spotio(self) -> Spotio:
        """The tenant; nothing is called before it is needed."""
        if self._spotio is None:
            key = Credentials(str(self.config["client_id"]), str(self.config["client_secret"]))
            api_url = str(self.config["api_url"])
            session = Session(
                key,
                api_url=api_url,
                timeout=float(self.config["request_timeout"]),
                cache=key.cache(api_url, self.config),
            )
            self._spotio = Spotio(session)
            # The SDK never says that a tap is done with.
            finalize(self, session.close)
        return self._spotio

    def close(self) -> None:
        """Close the connections."""
        if self._spotio is not None:
            self._spotio.close()

    @property
    def tenant_setup(self) -> TenantSetup:
        """Record types and templates; read once a run, and only where the catalog lacks them."""
        if self._setup is None:
            self._setup = TenantSetup.read(self.spotio.session)
        return self._setup

    @property
    def setup_is_stale(self) -> bool:
        """Whether the schemas are from an earlier run, so that SPOTIO may know better by now."""
        from_before = self._setup.kept if self._setup is not None else True
        return (self.input_catalog is not None or from_before) and not self._setup_renewed

    @property
    def templates_are_stale(self) -> bool:
        """Whether SPOTIO may know better of activity templates than :attr:`tenant_setup`."""
        return self.tenant_setup.kept and not self._setup_renewed

    def renew_setup(self) -> None:
        """Bring all record streams up to date with the workflow: a record has an unknown stage."""
        self.logger.info("A record has a stage, result or field that is not known; asking SPOTIO")
        self._setup_renewed = True
        if self._setup is None or self._setup.kept:
            self._setup = TenantSetup.read(self.spotio.session, anew=True)
        workflow = self.tenant_setup.workflow
        for stream in self.record_streams:
            record_type = workflow.type_by_id(stream.record_type.id)
            if record_type is not None:
                stream.renew(schema_of(record_type, self.tenant_setup))

    def users(self) -> list[dict[str, Any]]:
        """All users, once a run; makes sure that the key sees everything.

        Raises:
            AccessError: the key's user is no Admin.
        """
        if self._user_rows is None:
            rows = self.spotio.session.get(TABLES["users"].path).body or []
            owner = self.spotio.key_owner([User.from_api(row) for row in rows])
            if owner is not None and owner.role.lower() != "admin":
                raise AccessError(
                    f"the SPOTIO API key belongs to {owner.email or owner.id}, whose role is"
                    f" {owner.role or 'unknown'}: it sees only a part of the records. Make a key as"
                    " an Admin (Settings, Integrations, API Access) and put its client_id and"
                    " client_secret into the settings."
                )
            self._user_rows = rows
        return self._user_rows

    # streams

    @property
    def streams(self) -> dict[str, Stream]:
        """All streams: tables, then record types with parents before children, then activities."""
        if self._streams is None:
            found = super().streams
            self._streams = dict(sorted(found.items(), key=lambda one: self._place(one[1])))
        return self._streams

    @property
    def record_streams(self) -> list[RecordStream]:
        """The streams of record types."""
        return [one for one in self.streams.values() if isinstance(one, RecordStream)]

    def discover_streams(self) -> Sequence[SpotioStream]:
        """Make the streams, from the catalog where there is one.

        A catalog of ours carries everything; another one costs a call for the workflow.
        """
        if self.input_catalog is None:
            schemas = {one.name: schema_of(one, self.tenant_setup) for one in self._chosen_types()}
        else:
            schemas = self._schemas_of_catalog()
        tables = [
            self._table(name, f"spotio_{name}" if name in schemas else name) for name in TABLES
        ]
        if self.input_catalog is not None:
            tables = [one for one in tables if one.name in self.input_catalog]
        records = [RecordStream(self, schema, name) for name, schema in schemas.items()]
        diaries = [
            kind(self, table, f"spotio_{table}" if table in schemas else table)
            for table, kind in DIARIES.items()
        ]
        if self.input_catalog is not None:
            diaries = [one for one in diaries if one.name in self.input_catalog]
        return [*tables, *records, *diaries]

    def type_ids(self, setting: str) -> list[str]:
        """Ids of the record types that a setting names; none where it names none."""
        return [one.id for one in self._chosen_types(setting)] if self.config.get(setting) else []

    def _chosen_types(self, setting: str = "record_types") -> list[SpotioType]:
        types = self.tenant_setup.workflow.types
        wanted = [str(one) for one in self.config.get(setting) or []]
        known = {one.name: one for one in types} | {f"id:{one.id}": one for one in types}
        problems = [
            f"{setting}: SPOTIO has no record type {one!r}"
            f"{did_you_mean(one, [other.name for other in types])}"
            for one in wanted
            if one not in known
        ]
        chosen = [one for one in types if not wanted or {one.name, f"id:{one.id}"} & set(wanted)]
        names = [one.name for one in chosen]
        problems += [
            f"{setting}: several record types are called {name!r}; choose one by its id:"
            f" {', '.join(f'id:{one.id}' for one in chosen if one.name == name)}"
            for name in sorted({name for name in names if names.count(name) > 1})
        ]
        if problems:
            raise ConfigurationError("the record types cannot be read", problems)
        return chosen

    def _schemas_of_catalog(self) -> dict[str, dict[str, Any]]:
        """Schemas of the record types in the catalog."""
        schemas: dict[str, dict[str, Any]] = {}
        problems = []
        for name, entry in (self.input_catalog or {}).items():
            raw = self.raw_schemas.get(name) or entry.schema.to_dict()
            if type_from_schema(raw) is not None:
                schemas[name] = raw
                continue
            if {name, name.removeprefix("spotio_")} & {*TABLES, *DIARIES}:
                continue
            if not entry.metadata.resolve_selection().get((), True):
                continue
            found = self.tenant_setup.workflow.type(name)
            if found is None:
                known = [one.name for one in self.tenant_setup.workflow.types]
                problems.append(f"{name}: no such record type{did_you_mean(name, known)}")
            else:
                schemas[name] = schema_of(found, self.tenant_setup)
        if problems:
            raise ConfigurationError("the catalog names streams that cannot be read", problems)
        return schemas

    def _table(self, table: str, name: str) -> TableStream:
        made = TABLES[table]
        rows: Callable[[], Iterable[Mapping[str, Any]]]
        if table == "users":
            rows = lambda: map(made.row, self.users())  # noqa: E731 - one line for each table
        elif table == "stages":
            rows = lambda: stage_rows(self.tenant_setup)  # noqa: E731 - one line for each table
        elif table == "activity_templates":
            rows = lambda: template_rows(self.tenant_setup)  # noqa: E731 - one line for each table
        else:
            rows = lambda: map(made.row, self.spotio.session.get(made.path).body or ())  # noqa: E731 - one line for each table
        return TableStream(self, name=name, schema=made.schema, keys=made.keys, rows=rows)

    def _place(self, stream: Stream) -> tuple[int, int, str]:
        if isinstance(stream, RecordStream):
            return (1, self._depth(stream), stream.name)
        table = stream.name.removeprefix("spotio_")
        if table in DIARIES:
            return (2, list(DIARIES).index(table), stream.name)
        return (0, list(TABLES).index(table), stream.name)

    def _depth(self, stream: RecordStream) -> int:
        parents = {one.record_type.id: one.record_type.parent_id for one in self.record_streams}
        depth, above = 0, stream.record_type.parent_id
        while above is not None and depth <= len(parents):
            depth, above = depth + 1, parents.get(above)
        return depth

    # reading

    def read_records(self) -> None:
        """Read all selected record types at once; a second time does nothing."""
        if self._records_read:
            return
        self._records_read = True
        streams = [one for one in self.record_streams if one.selected]
        if any(one.stored_bookmark is None for one in streams):
            self.users()
        end = self.read_end()
        self.time_extracted = stamp_of(end.at)
        with ExitStack() as stack:
            for stream in streams:
                stream.begin(end, stack.enter_context(stream.get_record_counter()))
                stack.enter_context(stream.get_sync_timer())
            starts = [one.start for one in streams]
            since = None if None in starts else min(one for one in starts if one is not None)
            enrichment = stack.enter_context(self._enrichment(streams, since))
            reading = Reading(
                self.spotio,
                enrichment,
                {one.record_type.id: one for one in streams},
                until=self.end_date,
            )
            reading.read()
        for stream in streams:
            stream.finish(end, reading.latest)
        self.write_state()

    def read_some(self, stream: RecordStream, limit: int) -> None:
        """Read a few records of one type, for a test of the connection."""
        self.users()
        type_id = stream.record_type.id
        search = Search(self.spotio.session, page_size=min(limit, int(self.config["page_size"])))
        rows = [Record.from_api(row) for row in search.newest(type_id)]
        with self._enrichment([stream], None) as enrichment:
            found = [
                (full, row.raw)
                for row, full in enrichment.full(rows, last=True)
                if row.type_id == type_id
            ]
        stream.take(found)

    @contextmanager
    def _enrichment(
        self, streams: Sequence[RecordStream], since: datetime | None
    ) -> Iterator[Enrichment]:
        enrichment = Enrichment(
            self.spotio,
            child_types=[one.record_type.id for one in streams if one.record_type.parent_id],
            since=since,
            page_size=int(self.config["page_size"]),
            workers=int(self.config["max_workers"]),
        )
        try:
            yield enrichment
        finally:
            enrichment.close()

    def write_state(self) -> None:
        """Say how far everything has been read."""
        self.state_writer.write_state(self.state)

    def read_end(self) -> ReadEnd:
        """The end of a window that begins to be read now."""
        session = self.spotio.session
        issued = token_claims(session.token()).get("iat")
        return ReadEnd.of(
            local=now(),
            server=session.server_time(),
            token_minted=session.token_minted,
            token_issued=datetime.fromtimestamp(issued, timezone.utc)
            if isinstance(issued, (int, float))
            else None,
        )


def _moment(told: str) -> datetime:
    return parse_instant(told if "T" in told or " " in told else f"{told}T00:00:00Z")


def main() -> NoReturn:
    """Run the command ``tap-spotio``."""
    run(TapSpotio.cli, "tap-spotio")


if __name__ == "__main__":
    main()
