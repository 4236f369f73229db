"""The sync definition as frozen values: what one ``sync.yml`` says, after it was checked.

After parsing, nobody handles a raw dictionary of configuration again. The published JSON Schema
and the parser (``reverse_sf.mapping.document``) produce these types; every other room reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.users import UserSync

if TYPE_CHECKING:
    from collections.abc import Mapping


class Side(str, Enum):
    """One of the two replicas."""

    SPOTIO = "spotio"
    SALESFORCE = "salesforce"


class Direction(str, Enum):
    """Where values flow; the value is also the key in ``sync.yml``."""

    TO_SPOTIO = "to_spotio"
    TO_SALESFORCE = "to_salesforce"

    @property
    def destination(self) -> Side:
        """The side that is written."""
        return Side.SPOTIO if self is Direction.TO_SPOTIO else Side.SALESFORCE

    @property
    def back(self) -> Direction:
        """The other direction."""
        return Direction.TO_SALESFORCE if self is Direction.TO_SPOTIO else Direction.TO_SPOTIO


class SyncRule(str, Enum):
    """Which side takes precedence when a mapped field is updated (truth table C.3)."""

    SALESFORCE_ONLY = "salesforce_only"
    SALESFORCE_UNLESS_BLANK = "salesforce_unless_blank"
    TWO_WAY = "two_way"
    DO_NOT_SYNC = "do_not_sync"
    SPOTIO_ONLY = "spotio_only"
    SPOTIO_UNLESS_BLANK = "spotio_unless_blank"
    MANUAL = "manual"
    UNION = "union"


class History(str, Enum):
    """Which records of the past take part."""

    PAST_AND_FUTURE = "past_and_future"
    FUTURE_ONLY = "future_only"


class Conversion(str, Enum):
    """How a value that does not fit the destination is treated: parked, or made to fit if safe."""

    STRICT = "strict"
    KIND = "kind"


class Comparison(str, Enum):
    """How the two sides' texts are compared; what is written is never changed by it."""

    EXACT = "exact"
    NORMAL_FORM = "normal_form"
    """E-mails without regard to case, phones by their digits."""


class DeletePolicy(str, Enum):
    """What the deletion on one side means for the other."""

    IGNORE = "ignore"
    UNLINK = "unlink"
    DELETE = "delete"
    ARCHIVE = "archive"
    """The counterpart is kept and marked, by values that the definition names."""


class MatchRule(str, Enum):
    """A way to recognise an existing counterpart before one is created."""

    EXTERNAL_ID = "external_id"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"


@dataclass(frozen=True)
class MatchFields:
    """A rule of its own: records match where these two fields hold the same text.

    Attributes:
        spotio: the SPOTIO field as written, as in a field mapping.
        salesforce: the Salesforce field's API name.
    """

    spotio: str
    salesforce: str


@dataclass(frozen=True)
class Criterion:
    """One condition of selective sync: the field's value is one of these (case as written).

    Several criteria of a direction must all hold. A multi-select matches when it contains one of
    the values. A blank field matches only where ``None`` is among the values.
    """

    name: str
    values: tuple[str | bool | int | float | None, ...]


@dataclass(frozen=True)
class DirectionSettings:
    """One direction of an object mapping; without ``create`` only linked records are written."""

    enabled: bool = False
    history: History = History.PAST_AND_FUTURE
    only_when: tuple[Criterion, ...] = ()
    create: bool = True
    set_on_create: Mapping[str, Any] | None = None
    """Field of the destination to the value that every record created there gets."""


@dataclass(frozen=True)
class FieldMapping:
    """One field pair.

    Attributes:
        spotio: the SPOTIO field as written: a label, ``id:<field id>``, ``role:<system role>``, or
            the word ``Stage``.
        salesforce: the Salesforce field's API name.
        rule: who takes precedence on update.
        choices: SPOTIO choice to Salesforce picklist value; ``None`` as the value says "do not
            sync this choice"; no mapping at all passes choices through by their own names. Where
            two SPOTIO choices name one Salesforce value, the first listed is written to SPOTIO.
        salesforce_choices: further Salesforce picklist values that are read as this SPOTIO choice
            and never written (in the file: the list's second value and on); ``None`` as the value
            says "do not sync this picklist value".
        conversion: strict or kind.
        omit_on_create: the field is not sent when a record is created.
        truncate: a text that is too long is cut instead of parked.
        compare: exactly, or by the normal form of a phone or e-mail.
        adopt: what the other system made of a value that it was given is copied back once.
        path: where in the file it stands, such as ``objects[0].fields[2]``.
    """

    spotio: str
    salesforce: str
    rule: SyncRule
    choices: Mapping[str, str | None] | None = None
    conversion: Conversion = Conversion.KIND
    omit_on_create: bool = False
    truncate: bool = False
    path: str = ""
    salesforce_choices: Mapping[str, str | None] = field(default_factory=dict)
    compare: Comparison = Comparison.EXACT
    adopt: bool = False


@dataclass(frozen=True)
class AddressMapping:
    """The address of a record, component by component.

    Attributes:
        components: component (one of :data:`ADDRESS_COMPONENTS`) to Salesforce field API name.
            ``street`` is the whole street line with its house number unless ``house_number`` is
            mapped as well.
        skip_geocoding: ask SPOTIO to keep the address as sent.
        adopt: what SPOTIO's geocoder, or Salesforce, made of an address is copied back once.
    """

    components: Mapping[str, str]
    skip_geocoding: bool
    rule: SyncRule
    path: str = ""
    adopt: bool = False


STAGE = "Stage"
"""The word that stands for a record's stage where a SPOTIO field is named."""

DO_NOT_SYNC = "do_not_sync"
"""The word that stands for "do not sync this choice" under ``choices``."""

ADDRESS_COMPONENTS = (
    "house_number",
    "street",
    "city",
    "state",
    "zip",
    "country",
    "latitude",
    "longitude",
)


DEFAULT_REGION = "US"


@dataclass(frozen=True)
class OwnerMapping:
    """Who owns a record on the other side.

    Attributes:
        salesforce_default: username or e-mail of the user who owns where no counterpart exists.
        spotio_default: e-mail of the SPOTIO user who owns where no counterpart exists.
        keep_on_update: never replace an existing owner with the default owner on update.
    """

    salesforce_default: str | None = None
    spotio_default: str | None = None
    keep_on_update: bool = True
    rule: SyncRule = SyncRule.SALESFORCE_ONLY
    path: str = ""


@dataclass(frozen=True)
class ParentMapping:
    """The parent of a child record: a Salesforce lookup field and the SPOTIO parent type."""

    salesforce: str
    spotio: str
    rule: SyncRule = SyncRule.SALESFORCE_ONLY
    path: str = ""


@dataclass(frozen=True)
class Policy:
    """Choices that the truth tables leave to the administrator.

    Attributes:
        tie: who wins where the evidence cannot tell which change is newer (row 8).
        initial: who wins under two-way where there is no base (row 11).
        clear_at_go_live: a blank on the ruling side clears the other one without a base (row 12).
    """

    tie: Side = Side.SALESFORCE
    initial: Side = Side.SALESFORCE
    clear_at_go_live: bool = False


DEFAULT_POLICY = Policy()


@dataclass(frozen=True)
class ActivitySource:
    """Which activities a mapping takes, and what they are about.

    Attributes:
        template: the activity template's name, or ``Note``.
        of: name of the mapping whose records they are on.
        record_type: SPOTIO's record type of those.
        account: the field that names the account of a contact, where there is one to name; it is
            set when the activity is created.
        from_salesforce: what is born in Salesforce is created in SPOTIO as well.
    """

    template: str
    of: str
    record_type: str
    account: str | None = None
    from_salesforce: bool = False


@dataclass(frozen=True)
class ObjectMapping:
    """One pair of a SPOTIO record type and an sObject.

    Attributes:
        name: stable key of the pair, ``<sObject>:<record type>``; links are filed under it.
        spotio: name of the SPOTIO record type.
        salesforce: API name of the sObject.
        fingerprint: digest of everything this mapping says; an image decided under another
            fingerprint is decided again when it is next observed.
    """

    name: str
    spotio: str
    salesforce: str
    to_spotio: DirectionSettings
    to_salesforce: DirectionSettings
    fields: tuple[FieldMapping, ...]
    match: tuple[MatchRule | MatchFields, ...] = (MatchRule.EXTERNAL_ID,)
    address: AddressMapping | None = None
    owner: OwnerMapping | None = None
    parent: ParentMapping | None = None
    on_delete_in_salesforce: DeletePolicy = DeletePolicy.IGNORE
    on_delete_in_spotio: DeletePolicy = DeletePolicy.IGNORE
    salesforce_external_id: str | None = None
    path: str = ""
    fingerprint: str = ""
    conflicts: Policy = DEFAULT_POLICY
    on_convert: str | None = None
    """Where the link of a converted lead moves to: Contact or Account."""
    resurrect: bool = False
    """A deletion that loses to a change of the other side has the record created anew."""
    archive_in_salesforce: Mapping[str, Any] | None = None
    """With ``archive``: field to value of the Salesforce record whose SPOTIO record was deleted."""
    archive_in_spotio: Mapping[str, Any] | None = None
    """Likewise, by field of SPOTIO as written."""
    activity: ActivitySource | None = None
    """Of a pair of activities and Tasks or Events: which activities."""

    def toward(self, direction: Direction) -> DirectionSettings:
        """What it says of one direction."""
        return self.to_spotio if direction is Direction.TO_SPOTIO else self.to_salesforce


@dataclass(frozen=True)
class SyncDefinition:
    """Everything that one ``sync.yml`` says."""

    version: int
    objects: tuple[ObjectMapping, ...]
    fingerprint: str
    source: str = "sync.yml"
    users: UserSync = field(default_factory=UserSync)
    match_region: str = DEFAULT_REGION
    """Country of phone numbers that name none, for matching."""
    activities: tuple[ObjectMapping, ...] = ()
    """Pairs of activities and Tasks or Events; their records are those of :attr:`objects`."""
    time_zone: str | None = None
    """Name of the zone in which a moment has its date, as Salesforce's org has it."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    """Line of each path in the file, for messages."""

    @property
    def pairs(self) -> tuple[ObjectMapping, ...]:
        """Everything that has links, parents before children."""
        return (*self.objects, *self.activities)

    def conversion_of(self, lead: ObjectMapping) -> ObjectMapping | None:
        """The mapping that takes over the links of converted leads, if there is one."""
        if lead.on_convert is None:
            return None
        wanted = (lead.on_convert, lead.spotio)
        return next((it for it in self.objects if (it.salesforce, it.spotio) == wanted), None)

    def parents_of(self, child: ObjectMapping) -> tuple[ObjectMapping, ...]:
        """The mappings whose links can be this child's parent.

        More than one only where several sObjects feed the parent's record type.
        """
        if child.parent is None:
            return ()
        if child.activity is not None:
            of = [one for one in self.objects if one.name == child.activity.of]
            # What was on a lead is on what the lead was converted to, if it was.
            return tuple(filter(None, (*map(self.conversion_of, of), *of)))
        return tuple(one for one in self.objects if one.spotio == child.parent.spotio)
