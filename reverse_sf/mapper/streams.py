"""The tap's streams as the mapper sees them: which are mapped, to what, and what waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapper.accounts import Accounts
from reverse_sf.mapper.activity_reader import ActivityReader, missing_activity_names
from reverse_sf.mapper.conversion import Conversion
from reverse_sf.mapper.observation import SalesforceReader, missing_fields
from reverse_sf.mapper.planner import Planner
from reverse_sf.mapper.recognition import Recognition
from reverse_sf.mapper.relations import Parents
from reverse_sf.mapper.spotio_reader import SpotioReader, missing_names
from reverse_sf.mapper.subject import DELETED_KEY
from reverse_sf.mapper.toward_activities import TowardActivities
from reverse_sf.mapper.toward_salesforce import TowardSalesforce
from reverse_sf.mapper.toward_spotio import TowardSpotio
from reverse_sf.mapper.unanswered import OwnCreates
from reverse_sf.mapping.activity_fields import DESCRIBED
from reverse_sf.mapping.check_records import external_id_problems
from reverse_sf.mapping.definition import History, Side, SyncRule
from reverse_sf.mapping.describe import FACTS_KEY, ORGANIZATION, SalesforceObject
from reverse_sf.mapping.known_pair import compile_known
from reverse_sf.mapping.match_rules import compared_rules
from reverse_sf.matching.keys import MatchKeys
from reverse_sf.spotio.facts import COMPANY, FACTS, type_from_schema

if TYPE_CHECKING:
    import msgspec

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.batch import Tally
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.fields import FieldDecisions
    from reverse_sf.mapper.observation import Reader
    from reverse_sf.mapper.people import People
    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition
    from reverse_sf.mapping.pair import PairConverter


@dataclass
class MappedPair:
    """One object mapping at work.

    Attributes:
        needed: keys without which a stored image cannot be judged: a target that read a record
            back may have left out what only the filter looks at.
        recognition: finds the counterparts of new records, where match rules ask for it.
        own_creates: finds new records that an unanswered create may have made, where no external
            id would tell.
        accounts: finds the accounts of contacts, where activities name them.
        only_linked: records that have no link are nobody's business here.
    """

    pair: PairConverter
    reader: Reader
    planner: Planner
    parents: Parents | None
    needed: frozenset[str]
    recognition: Recognition | None = None
    own_creates: OwnCreates | None = None
    accounts: Accounts | None = None
    only_linked: bool = False

    def lacks(self, image: dict[str, Any]) -> bool:
        """Whether a stored image cannot be judged before the tap has sent the record again."""
        return not self.needed <= image.keys() and image.get(DELETED_KEY) is not True

    @property
    def name(self) -> str:
        """The pair's name in ledger and counts."""
        return self.pair.mapping.name


@dataclass
class Stream:
    """One stream of the tap.

    Attributes:
        name: the tap's name for it: an sObject's API name, or a record type's name.
        mappings: the object mappings that read it.
        pairs: those, compiled; empty until a schema is known.
        schema: the schema they were compiled against.
        bookmarks: the tap's ``bookmark_properties``.
        waiting: records read and not yet decided.
        seen_at: when the tap read the first of them, where it says so.
        observed: so many records the tap has sent in this run.
        is_full: the tap has said that it begins without a read position.
    """

    name: str
    mappings: tuple[ObjectMapping, ...]
    pairs: list[MappedPair] = field(default_factory=list)
    schema: dict[str, Any] | None = None
    announced: bool = False
    bookmarks: tuple[str, ...] = ()
    waiting: list[msgspec.Raw] = field(default_factory=list)
    seen_at: str | None = None
    observed: int = 0
    is_full: bool = False


class Streams:
    """All streams that the definition maps in the run's direction.

    Args:
        definition: the sync definition.
        ledger: keeps the schemas of earlier runs, activation moments and links.
        people: users of both sides.
        tally: where reasons are counted.
        course: the run's direction.
        now: the moment of the run, for activation.
        pairs: names of the only pairs that the run is about; None for all.
    """

    def __init__(
        self,
        definition: SyncDefinition,
        ledger: Ledger,
        people: People,
        tally: Tally,
        *,
        course: Course,
        now: str,
        pairs: frozenset[str] | None = None,
    ) -> None:
        self._is_part = pairs is not None
        self._definition = definition
        self._ledger = ledger
        self._people = people
        self._tally = tally
        self._course = course
        self._source_id: str | None = None
        self._out_of_scope: dict[str, dict[str, str]] = {}
        self._activation: dict[str, str] = {}
        self.by_name: dict[str, Stream] = {}
        self.by_pair: dict[str, MappedPair] = {}
        for mapping in definition.pairs:
            if not course.settings(mapping).enabled:
                continue
            if pairs is not None and mapping.name not in pairs:
                continue
            for name in course.source_streams(mapping):
                known = self.by_name.get(name)
                mappings = (*known.mappings, mapping) if known else (mapping,)
                self.by_name[name] = Stream(name, mappings)
            if course.settings(mapping).history is History.FUTURE_ONLY:
                self._activation[mapping.name] = ledger.activation(
                    mapping.name, course.direction, now=now
                )
        self.by_name = {name: self.by_name[name] for name in self._parents_first()}
        for stream in self.by_name.values():
            known_schema = ledger.catalog(course.source, stream.name)
            if known_schema is not None and not self._missing(stream, known_schema):
                self._compile(stream, known_schema)
        self.seen_before = {name for name, one in self.by_name.items() if one.schema is not None}

    def _parents_first(self) -> list[str]:
        """Stream names, parents before children: a child's reason can then name its parent's."""
        order: dict[str, None] = {}

        def place(name: str, above: frozenset[str]) -> None:
            for mapping in self.by_name[name].mappings:
                for parent in self._definition.parents_of(mapping):
                    stream = self._course.source_stream(parent)
                    if stream in self.by_name and stream not in above:
                        place(stream, above | {name})
            order[name] = None

        for name in self.by_name:
            place(name, frozenset({name}))
        return list(order)

    def announce(self, stream: Stream, schema: Any, bookmarks: list[str] | None) -> None:
        """Take in a SCHEMA message of a mapped stream; the stream's buffer is empty.

        Raises:
            ConfigurationError: it lacks fields that the definition needs, or the field for
                SPOTIO's id cannot tell records apart.
        """
        schema = schema if isinstance(schema, dict) else {}
        missing = self._missing(stream, schema)
        if missing:
            raise ConfigurationError(
                f"the tap does not send every field of {stream.name} that the sync definition"
                " needs; add these lines to `select:` of the tap in meltano.yml (or correct the"
                f" names in {self._definition.source}; a label that several fields share is given"
                " as id:<field id>)",
                [f"{stream.name}.{name}" for name in missing],
            )
        self._check_external_ids(stream, schema)
        stream.bookmarks = tuple(bookmarks or ())
        stream.announced = True
        if schema == stream.schema:
            return
        self._compile(stream, schema)
        if self._is_part and stream.name not in self.seen_before:
            # A ledger that was lost must still be missed by the next run over everything.
            return
        self._ledger.store_catalog(self._course.source, stream.name, schema)

    def pin_source(self, schema: Any) -> None:
        """Bind the ledger to the org or company that the tap reads, where a SCHEMA tells it.

        Raises:
            StopError: the ledger belongs to another one.
        """
        if not isinstance(schema, dict):
            return
        in_salesforce = self._course.source is Side.SALESFORCE
        facts_key, name = (FACTS_KEY, ORGANIZATION) if in_salesforce else (FACTS, COMPANY)
        told = (schema.get(facts_key) or {}).get(name)
        if told and told != self._source_id:
            self._ledger.pin_identity(self._course.source, str(told))
            self._source_id = told

    def _check_external_ids(self, stream: Stream, schema: dict[str, Any]) -> None:
        """Refuse a field for SPOTIO's id that is not unique, where the tap tells it (C.7)."""
        if self._course.source is Side.SPOTIO or schema == stream.schema:
            return
        sobject = SalesforceObject.from_schema(stream.name, schema)
        problems = [
            f"{one.path}: {one.message}; {one.remedy}"
            for mapping in stream.mappings
            if (field := sobject.fields.get(mapping.salesforce_external_id or "")) and field.stated
            for one in external_id_problems(mapping, sobject)
        ]
        if problems:
            raise ConfigurationError(
                f"{self._definition.source} does not fit Salesforce's {stream.name}", problems
            )

    def _missing(self, stream: Stream, schema: dict[str, Any]) -> list[str]:
        if self._course.source is Side.SPOTIO:
            of_records = [one for one in stream.mappings if one.activity is None]
            if len(of_records) < len(stream.mappings):
                return missing_activity_names(schema)
            return sorted({one for it in of_records for one in missing_names(it, schema)})
        present = schema.get("properties") or {}
        return sorted(
            {name for mapping in stream.mappings for name in missing_fields(mapping, present)}
        )

    def _compile(self, stream: Stream, schema: dict[str, Any]) -> None:
        stream.schema = schema
        stream.pairs = [self._pair(mapping, schema) for mapping in stream.mappings]
        self.by_pair.update((one.name, one) for one in stream.pairs)

    def _pair(self, mapping: ObjectMapping, schema: dict[str, Any]) -> MappedPair:
        """Compile a mapping; the other side's facts are those that its tap told last."""
        course, ledger = self._course, self._ledger
        if course.source is Side.SALESFORCE:
            salesforce: dict[str, Any] | None = schema
            spotio = ledger.catalog(Side.SPOTIO, mapping.spotio)
        else:
            salesforce = ledger.catalog(Side.SALESFORCE, mapping.salesforce)
            spotio = schema
        facts = (
            SalesforceObject.from_schema(mapping.salesforce, salesforce)
            if salesforce is not None
            else None
        )
        pair = compile_known(
            mapping,
            facts,
            type_from_schema(spotio) if spotio else None,
            described=ledger.catalog(Side.SALESFORCE, DESCRIBED + mapping.salesforce)
            if mapping.activity is not None
            else None,
            time_zone=self._definition.time_zone,
        )
        parents = self._parents(mapping, facts)
        accounts = self._accounts(mapping)
        needed: frozenset[str] = frozenset()
        if course.source is Side.SALESFORCE:
            fields: FieldDecisions = (
                TowardSpotio(pair, self._people, parents, course)
                if mapping.activity is None
                else TowardActivities(
                    pair, self._people, parents, course, self._definition.time_zone
                )
            )
            reader: Reader = SalesforceReader(mapping, schema.get("properties") or {})
        else:
            fields = TowardSalesforce(pair, self._people, parents, course, facts, accounts=accounts)
            needed = frozenset(one.name for one in mapping.to_salesforce.only_when)
            if mapping.activity is None:
                reader = SpotioReader(mapping, schema, pair.address)
            else:
                reader = ActivityReader(mapping)
        self._ledger.note_places(mapping.name, fields.places)
        is_matched, recognition = self._recognition(mapping)
        own_creates = None
        if course.source is Side.SALESFORCE and not mapping.salesforce_external_id:
            own_creates = OwnCreates(mapping, fields.parts, ledger)
        target = self._definition.conversion_of(mapping)
        planner = Planner(
            pair,
            fields,
            parents,
            course=course,
            tally=self._tally,
            out_of_scope=self._out_of_scope.setdefault(mapping.name, {}),
            activation=self._activation.get(mapping.name),
            is_matched=is_matched,
            own_creates=own_creates,
            conversion=None if target is None else Conversion.between(mapping, target),
        )
        return MappedPair(
            pair,
            reader,
            planner,
            parents,
            needed,
            recognition,
            own_creates,
            accounts,
            only_linked=course.source is Side.SALESFORCE
            and mapping.activity is not None
            and not mapping.activity.from_salesforce,
        )

    def _accounts(self, mapping: ObjectMapping) -> Accounts | None:
        """What finds the accounts of the contacts that activities are on."""
        source = mapping.activity
        if source is None or not source.account or self._course.source is Side.SALESFORCE:
            return None
        contacts = next(one for one in self._definition.objects if one.name == source.of)
        candidates = self._definition.parents_of(contacts)
        above = Parents(contacts, candidates, self._ledger, self._out_of_scope, self._course)
        return Accounts(contacts, above, self._ledger, self._course)

    def _recognition(self, mapping: ObjectMapping) -> tuple[bool, Recognition | None]:
        """Whether records may be created, and what finds the counterparts of new ones.

        Rules that are not those of the last ``reverse-sf link`` have never been applied.
        """
        if not compared_rules(mapping):
            return True, None
        if self._ledger.matched_at(mapping.name) is None:
            return False, None
        said = self._ledger.match_document(mapping.name)
        if said is None:
            return True, None
        keys = MatchKeys.from_document(said, mapping, self._definition.match_region)
        if keys is None:
            return False, None
        return True, Recognition(mapping.name, keys, self._ledger, self._course)

    def _parents(self, mapping: ObjectMapping, facts: SalesforceObject | None) -> Parents | None:
        if mapping.parent is None or mapping.parent.rule is SyncRule.DO_NOT_SYNC:
            return None
        if mapping.activity is not None:
            found = self._definition.parents_of(mapping)
            return Parents(mapping, found, self._ledger, self._out_of_scope, self._course)
        lookup = facts.fields.get(mapping.parent.salesforce) if facts else None
        targets = lookup.reference_to if lookup else ()
        candidates = [
            one
            for one in self._definition.parents_of(mapping)
            if not targets or one.salesforce in targets
        ]
        return Parents(mapping, candidates, self._ledger, self._out_of_scope, self._course)
