"""The records of both systems, read for ``reverse-sf link``: ids, names and match keys only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.address import ADDRESS_KEY
from reverse_sf.mapping.definition import STAGE, MatchRule
from reverse_sf.matching.table import Item
from reverse_sf.salesforce.refusals import CursorError
from reverse_sf.salesforce.soql import Select, quoted
from reverse_sf.spotio.address import components_of
from reverse_sf.spotio.client import MANY
from reverse_sf.spotio.wire import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reverse_sf.mapping.definition import ObjectMapping, Side
    from reverse_sf.mapping.workflow import SpotioField, SpotioType
    from reverse_sf.matching.keys import MatchKeys
    from reverse_sf.salesforce.client import QueryPage, SalesforceClient
    from reverse_sf.spotio.client import Spotio
    from reverse_sf.spotio.record import Record

_CALLS_AT_ONCE = 4


@dataclass
class Pair:
    """One object mapping that is matched, and the records of both sides.

    Attributes:
        mapping: the object mapping.
        keys: makes the records' keys.
        record_type: SPOTIO's record type.
        alone: by side, the ids of records that a person said to have no counterpart.
    """

    mapping: ObjectMapping
    keys: MatchKeys
    record_type: SpotioType
    salesforce: list[Item] = field(default_factory=list)
    spotio: list[Item] = field(default_factory=list)
    alone: dict[Side, set[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The object mapping's name."""
        return self.mapping.name


def read_salesforce(
    client: SalesforceClient, pair: Pair, tell: Callable[[str, int], None]
) -> list[Item]:
    """All records of an object that are not deleted, in and out of the sync's filters.

    Args:
        client: the org.
        pair: what to read.
        tell: told how many were read, page by page.
    """
    mapping, keys = pair.mapping, pair.keys
    described = client.describe(mapping.salesforce)["fields"]
    label = next((str(one["name"]) for one in described if one.get("nameField")), "Id")
    fields = ["Id", label, *(name for rule in keys.compared for name in rule.salesforce)]
    named = mapping.salesforce_external_id
    if named:
        fields.append(named)
    select = Select(mapping.salesforce, tuple(dict.fromkeys(fields)), order_by=("Id",))
    found: list[Item] = []
    for page in _pages(client, select):
        found += [
            Item(
                canon.record_id(row["Id"]),
                str(row.get(label) or ""),
                keys.of_salesforce(row),
                canon.text(row[named]) if named else None,
            )
            for row in page.records
        ]
        tell(f"{mapping.salesforce} in Salesforce", len(found))
    return found


def _pages(client: SalesforceClient, select: Select) -> Iterator[QueryPage]:
    """The pages of a query in the order of Ids; a forgotten cursor is begun behind the last one."""
    page = client.query(select)
    while True:
        yield page
        if not page.next_page:
            return
        try:
            page = client.query_more(page, source=select.source)
        except CursorError:
            last = str(page.records[-1]["Id"])
            page = client.query(select.after([("Id", quoted(last))]))


def read_spotio(spotio: Spotio, pairs: Sequence[Pair], tell: Callable[[str, int], None]) -> None:
    """All records of the mapped types, each once, into their pairs.

    The export feed tells fields and external ids; only where addresses are compared is every record
    read in full, 70 a call.

    Args:
        spotio: the tenant.
        pairs: what to read.
        tell: told how many were read.
    """
    by_type: dict[str, list[_SpotioPair]] = {}
    for pair in pairs:
        by_type.setdefault(pair.record_type.id, []).append(_SpotioPair(pair))
    waiting: list[str] = []
    read = 0
    with ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="link") as threads:
        for row in spotio.feeds.changed(None):
            ones = by_type.get(row.type_id, ())
            read += bool(ones)
            if any(one.needs_address for one in ones):
                waiting.append(row.id)
            else:
                _take(row, by_type)
            if len(waiting) >= MANY * _CALLS_AT_ONCE:
                _complete(spotio, threads, waiting, by_type)
            if not read % 1000:
                tell("records in SPOTIO", read)
        _complete(spotio, threads, waiting, by_type)
    tell("records in SPOTIO", read)


def _complete(
    spotio: Spotio,
    threads: ThreadPoolExecutor,
    waiting: list[str],
    by_type: Mapping[str, list[_SpotioPair]],
) -> None:
    """Read records in full; who is gone meanwhile is left out."""
    blocks = [waiting[at : at + MANY] for at in range(0, len(waiting), MANY)]
    waiting.clear()
    for records in threads.map(lambda ids: list(spotio.many(ids)), blocks):
        for record in records:
            _take(record, by_type)


def _take(record: Record, by_type: Mapping[str, list[_SpotioPair]]) -> None:
    for one in by_type.get(record.type_id, ()):
        one.take(record)


class _SpotioPair:
    """Makes items of a pair's SPOTIO records."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        kind = pair.record_type
        wanted = {name for rule in pair.keys.compared for name in rule.spotio}
        self._fields: dict[str, list[tuple[str, SpotioField]]] = {}
        for name in sorted(wanted - {STAGE}):
            found = kind.field(name)
            if found is not None:
                self._fields.setdefault(found.id, []).append((name, found))
        self._names = {one.id for one in kind.fields if one.role == "Name"}
        self._stages = {one.id: one.name for one in kind.stages} if STAGE in wanted else {}
        self._whole_street = "house_number" not in pair.keys.components
        self.needs_address = MatchRule.ADDRESS in pair.mapping.match

    def take(self, record: Record) -> None:
        """Add a record, from whichever call."""
        values: dict[str, Any] = {}
        label: list[str] = []
        for entry in record.entries:
            field_id = str(entry.get("fieldId"))
            for name, one in self._fields.get(field_id, ()):
                values[name] = decode(one, entry)
            if field_id in self._names and entry.get("value"):
                label.append(str(entry["value"]))
        if self._stages:
            values[STAGE] = self._stages.get(record.stage_id or "")
        if self.needs_address and record.pin:
            values[ADDRESS_KEY] = components_of(record.pin, whole_street=self._whole_street)
        self._pair.spotio.append(
            Item(
                record.id,
                " ".join(label) or str(record.raw.get("name") or ""),
                self._pair.keys.of_spotio(values),
                canon.salesforce_id(record.external_id),
            )
        )
