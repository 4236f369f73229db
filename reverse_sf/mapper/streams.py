"""The tap's streams as the mapper sees them: which are mapped, to what, and what waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapper.observation import RecordReader, missing_fields
from reverse_sf.mapper.planner import Planner
from reverse_sf.mapper.relations import Parents
from reverse_sf.mapping.definition import Direction, History, Side, SyncRule
from reverse_sf.mapping.metadata import FACTS_KEY, SalesforceObject
from reverse_sf.mapping.pair import compile_pair

if TYPE_CHECKING:
    import msgspec

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.batch import Tally
    from reverse_sf.mapper.people import People
    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition
    from reverse_sf.mapping.pair import PairConverter


@dataclass
class MappedPair:
    """One object mapping at work."""

    pair: PairConverter
    reader: RecordReader
    planner: Planner
    parents: Parents | None

    @property
    def name(self) -> str:
        """The pair's name in ledger and counts."""
        return self.pair.mapping.name


@dataclass
class Stream:
    """One stream of the tap.

    Attributes:
        name: the sObject's API name.
        mappings: the object mappings that read it.
        pairs: those, compiled; empty until a schema is known.
        schema: the schema they were compiled against.
        bookmarks: the tap's ``bookmark_properties``.
        waiting: records read and not yet decided.
    """

    name: str
    mappings: tuple[ObjectMapping, ...]
    pairs: list[MappedPair] = field(default_factory=list)
    schema: dict[str, Any] | None = None
    announced: bool = False
    bookmarks: tuple[str, ...] = ()
    waiting: list[msgspec.Raw] = field(default_factory=list)


class Streams:
    """All streams that the definition maps toward SPOTIO.

    Args:
        definition: the sync definition.
        ledger: keeps the schemas of earlier runs, activation moments and links.
        people: users of both sides.
        tally: where reasons are counted.
        now: the moment of the run, for activation.
    """

    def __init__(
        self,
        definition: SyncDefinition,
        ledger: Ledger,
        people: People,
        tally: Tally,
        *,
        now: str,
    ) -> None:
        self._definition = definition
        self._ledger = ledger
        self._people = people
        self._tally = tally
        self._out_of_scope: dict[str, dict[str, str]] = {}
        self._activation: dict[str, str] = {}
        self.by_name: dict[str, Stream] = {}
        self.by_pair: dict[str, MappedPair] = {}
        for mapping in definition.objects:
            if not mapping.to_spotio.enabled:
                continue
            known = self.by_name.get(mapping.salesforce)
            mappings = (*known.mappings, mapping) if known else (mapping,)
            self.by_name[mapping.salesforce] = Stream(mapping.salesforce, mappings)
            if mapping.to_spotio.history is History.FUTURE_ONLY:
                self._activation[mapping.name] = ledger.activation(
                    mapping.name, Direction.TO_SPOTIO, now=now
                )
        self.by_name = {name: self.by_name[name] for name in self._parents_first()}
        for stream in self.by_name.values():
            known_schema = ledger.catalog(Side.SALESFORCE, stream.name)
            if known_schema is not None and not self._missing(stream, known_schema):
                self._compile(stream, known_schema)
        self.seen_before = {name for name, one in self.by_name.items() if one.schema is not None}

    def _parents_first(self) -> list[str]:
        """Stream names, parents before children: a child's reason can then name its parent's."""
        order: dict[str, None] = {}

        def place(name: str, above: frozenset[str]) -> None:
            for mapping in self.by_name[name].mappings:
                for parent in self._definition.parents_of(mapping):
                    if parent.salesforce in self.by_name and parent.salesforce not in above:
                        place(parent.salesforce, above | {name})
            order[name] = None

        for name in self.by_name:
            place(name, frozenset({name}))
        return list(order)

    def announce(self, stream: Stream, schema: Any, bookmarks: list[str] | None) -> None:
        """Take in a SCHEMA message of a mapped stream; the stream's buffer is empty.

        Raises:
            ConfigurationError: it lacks fields that the definition needs.
            StopError: it comes from another org than the ledger's.
        """
        schema = schema if isinstance(schema, dict) else {}
        missing = self._missing(stream, schema)
        if missing:
            raise ConfigurationError(
                f"the tap does not send every field of {stream.name} that the sync definition"
                " needs; add these lines to `select:` of the tap in meltano.yml (or correct the"
                f" names in {self._definition.source})",
                [f"{stream.name}.{name}" for name in missing],
            )
        stream.bookmarks = tuple(bookmarks or ())
        stream.announced = True
        if schema == stream.schema:
            return
        self._compile(stream, schema)
        org_id = (schema.get(FACTS_KEY) or {}).get("orgId")
        if org_id:
            self._ledger.pin_identity(Side.SALESFORCE, str(org_id))
        self._ledger.store_catalog(Side.SALESFORCE, stream.name, schema)

    @staticmethod
    def _missing(stream: Stream, schema: dict[str, Any]) -> list[str]:
        present = schema.get("properties") or {}
        return sorted(
            {name for mapping in stream.mappings for name in missing_fields(mapping, present)}
        )

    def _compile(self, stream: Stream, schema: dict[str, Any]) -> None:
        facts = SalesforceObject.from_schema(stream.name, schema)
        stream.schema = schema
        stream.pairs = [
            self._pair(mapping, facts, schema.get("properties") or {})
            for mapping in stream.mappings
        ]
        self.by_pair.update((one.name, one) for one in stream.pairs)

    def _pair(
        self, mapping: ObjectMapping, facts: SalesforceObject, present: dict[str, Any]
    ) -> MappedPair:
        pair = compile_pair(mapping, facts)
        parents = None
        if mapping.parent is not None and mapping.parent.rule is not SyncRule.DO_NOT_SYNC:
            lookup = facts.fields.get(mapping.parent.salesforce)
            targets = lookup.reference_to if lookup else ()
            candidates = [
                one
                for one in self._definition.parents_of(mapping)
                if not targets or one.salesforce in targets
            ]
            parents = Parents(mapping, candidates, self._ledger, self._out_of_scope)
        planner = Planner(
            pair,
            self._people,
            parents,
            tally=self._tally,
            out_of_scope=self._out_of_scope.setdefault(mapping.name, {}),
            activation=self._activation.get(mapping.name),
        )
        return MappedPair(pair, RecordReader(mapping, present), planner, parents)
