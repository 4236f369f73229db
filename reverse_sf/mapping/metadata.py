"""Facts about both systems, as frozen values: what their metadata calls said, and nothing else.

Salesforce facts come from a describe or from the ``x-salesforce`` objects that tap-salesforce puts
into its schemas; SPOTIO facts from the answer of ``GET /api/workflow/dataObjects/full``. Nothing
here calls anybody: the shells fetch, these types hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.definition import STAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FACTS_KEY = "x-salesforce"
WHOLE_LISTING = "everyUser"
"""Fact of a User stream that sends every user whom the org shows, in every run."""
ORGANIZATION = "orgId"
"""The fact of an object that says whose it is."""
"""Where a tap's schema carries describe facts: per property, and once at its top level."""


@dataclass(frozen=True)
class PicklistValue:
    """One value of a picklist; only active ones may be written.

    Attributes:
        valid_for: of a dependent picklist, a base64 bitmap: bit n (the highest first) says whether
            the value goes with the controlling picklist's n-th value, or with false and true.
    """

    value: str
    label: str = ""
    active: bool = True
    valid_for: str = ""


@dataclass(frozen=True)
class SalesforceField:
    """What a describe says of a field (names as in Salesforce's DescribeFieldResult).

    Attributes:
        name: API name.
        type: describe's type, such as ``string``, ``picklist``, ``double``, ``datetime``.
        length: characters, of text-like types; 0 where it does not apply or is not known.
        precision: all digits of a decimal number; 0 where not known.
        scale: digits right of the point, ``None`` where not known.
        digits: most digits of an ``int``; 0 where not known.
        restricted: whether only the picklist's own values may be written.
        controller: of a dependent picklist, the field whose value says which values are offered.
        stated: False where the facts were inferred from a schema without ``x-salesforce``, so that
            ``createable`` and the like say nothing.
    """

    name: str
    type: str = "string"
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int | None = None
    digits: int = 0
    nillable: bool = False
    createable: bool = False
    updateable: bool = False
    defaulted_on_create: bool = False
    calculated: bool = False
    external_id: bool = False
    unique: bool = False
    id_lookup: bool = False
    restricted: bool = False
    picklist: tuple[PicklistValue, ...] = ()
    reference_to: tuple[str, ...] = ()
    stated: bool = True
    controller: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        """The active picklist values, in the order of the picklist."""
        return tuple(one.value for one in self.picklist if one.active)

    @property
    def required(self) -> bool:
        """Whether a create without a value is refused."""
        return self.stated and self.createable and not (self.nillable or self.defaulted_on_create)

    @classmethod
    def from_facts(cls, name: str, facts: Mapping[str, Any]) -> SalesforceField:
        """From a describe's field, or from the ``x-salesforce`` object of a tap's property."""
        kind = facts.get("type") or "string"
        scale = facts.get("scale")
        # Salesforce states scale 0 for texts as well, and a tap leaves out what is 0 or false.
        if kind in {"double", "currency", "percent"} and scale is None:
            scale = 0 if facts.get("precision") else None
        return cls(
            name=name,
            type=kind,
            label=facts.get("label") or name,
            length=facts.get("length") or 0,
            precision=facts.get("precision") or 0,
            scale=scale,
            digits=facts.get("digits") or 0,
            nillable=bool(facts.get("nillable")),
            createable=bool(facts.get("createable")),
            updateable=bool(facts.get("updateable")),
            defaulted_on_create=bool(facts.get("defaultedOnCreate")),
            calculated=bool(facts.get("calculated")),
            external_id=bool(facts.get("externalId")),
            unique=bool(facts.get("unique")),
            id_lookup=bool(facts.get("idLookup")),
            restricted=bool(facts.get("restrictedPicklist")),
            picklist=tuple(
                PicklistValue(
                    one["value"],
                    one.get("label") or "",
                    one.get("active", True),
                    one.get("validFor") or "",
                )
                for one in facts.get("picklistValues") or ()
            ),
            reference_to=tuple(facts.get("referenceTo") or ()),
            controller=facts.get("controllerName") or "",
        )

    @classmethod
    def from_property(cls, name: str, schema: Mapping[str, Any]) -> SalesforceField:
        """From one property of a stream's JSON Schema.

        Without ``x-salesforce`` (another tap) only the type is known, as far as JSON Schema has a
        word for it.
        """
        facts = schema.get(FACTS_KEY)
        if facts:
            return cls.from_facts(name, facts)
        return cls(name=name, label=name, type=_inferred_type(schema), stated=False)


def _inferred_type(schema: Mapping[str, Any]) -> str:
    types: set[str] = set()
    formats: set[str] = set()
    for one in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        kind = one.get("type", ())
        types.update([kind] if isinstance(kind, str) else kind)
        if one.get("format"):
            formats.add(one["format"])
    if "date-time" in formats:
        # MeltanoLabs' tap says so of dates too, and spells them as midnight: the kind conversion
        # to a SPOTIO Date accepts that.
        return "datetime"
    if "date" in formats:
        return "date"
    by_json_type = (("string", "string"), ("boolean", "boolean"), ("integer", "int"))
    for json_type, kind in (*by_json_type, ("number", "double")):
        if json_type in types:
            return kind
    return "anyType"


@dataclass(frozen=True)
class SalesforceObject:
    """What a describe says of an sObject."""

    name: str
    fields: Mapping[str, SalesforceField]
    label: str = ""
    createable: bool = True
    updateable: bool = True

    @classmethod
    def from_describe(cls, describe: Mapping[str, Any]) -> SalesforceObject:
        """From the answer of ``sobjects/<name>/describe``."""
        return cls(
            name=describe["name"],
            fields={
                one["name"]: SalesforceField.from_facts(one["name"], one)
                for one in describe["fields"]
            },
            label=describe.get("label") or describe["name"],
            createable=bool(describe.get("createable", True)),
            updateable=bool(describe.get("updateable", True)),
        )

    @classmethod
    def from_schema(cls, stream: str, schema: Mapping[str, Any]) -> SalesforceObject:
        """From a SCHEMA message of a tap."""
        top = schema.get(FACTS_KEY) or {}
        return cls(
            name=stream,
            fields={
                name: SalesforceField.from_property(name, one)
                for name, one in (schema.get("properties") or {}).items()
            },
            label=top.get("label") or stream,
        )


@dataclass(frozen=True)
class SpotioField:
    """One field of a record type (``Field`` in SPOTIO's OpenAPI file).

    Attributes:
        id: SPOTIO's field id, as text.
        type: one of SPOTIO's twelve field types, such as ``SingleChoice``.
        role: ``Name`` where the record's name is made of it, ``Location`` for its address.
        system_role: such as ``FirstName`` or ``Company``; stable where labels and ids are not.
        required: needs a value whatever the stage.
        required_in_stages: ids of the stages in which it needs a value.
        max_length: characters; SPOTIO states none, so ``None`` unless somebody knows better.
    """

    id: str
    label: str
    type: str
    role: str | None = None
    system_role: str | None = None
    options: tuple[str, ...] = ()
    read_only: bool = False
    inherited: bool = False
    required: bool = False
    required_in_stages: frozenset[str] = frozenset()
    max_length: int | None = None


@dataclass(frozen=True)
class Stage:
    """One stage; ``group`` is ``active``, ``won`` or ``lost``."""

    id: str
    name: str
    group: str
    loss_reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpotioType:
    """A record type (``DataObjectDefinition`` in SPOTIO's OpenAPI file)."""

    id: str
    name: str
    fields: tuple[SpotioField, ...] = ()
    stages: tuple[Stage, ...] = ()
    parent_id: str | None = None
    parent_required: bool = False
    has_address: bool = False
    inherit_owner_from_parent: bool = False

    def fields_named(self, reference: str) -> tuple[SpotioField, ...]:
        """The fields that a reference from ``sync.yml`` means; several if a label is not unique.

        Args:
            reference: a label, ``id:<field id>`` or ``role:<system role>``.
        """
        kind, _, rest = reference.partition(":")
        if kind == "id":
            return tuple(one for one in self.fields if one.id == rest.strip())
        if kind == "role":
            return tuple(one for one in self.fields if one.system_role == rest.strip())
        return tuple(one for one in self.fields if one.label == reference)

    def field(self, reference: str) -> SpotioField | None:
        """The one field that a reference means, or ``None`` if it means none or several.

        The word ``Stage`` gives the stage as if it were a single-choice field.
        """
        if reference == STAGE:
            return SpotioField(
                id="", label=STAGE, type=STAGE, options=tuple(one.name for one in self.stages)
            )
        found = self.fields_named(reference)
        return found[0] if len(found) == 1 else None

    def stage(self, name: str) -> Stage | None:
        """The stage of this name."""
        return next((one for one in self.stages if one.name == name), None)


@dataclass(frozen=True)
class Workflow:
    """All record types of a tenant."""

    types: tuple[SpotioType, ...] = field(default=())

    def type(self, name: str) -> SpotioType | None:
        """The record type of this name."""
        return next((one for one in self.types if one.name == name), None)

    def type_by_id(self, type_id: str) -> SpotioType | None:
        """The record type with this id."""
        return next((one for one in self.types if one.id == type_id), None)

    @classmethod
    def from_api(cls, answer: Iterable[Mapping[str, Any]]) -> Workflow:
        """From the answer of ``GET /api/workflow/dataObjects/full``; every id becomes text."""
        return cls(tuple(_type_from_api(one) for one in answer))


SPOTIO_TYPES = (
    "Email",
    "Text",
    "Phone",
    "SingleChoice",
    "MultiChoice",
    "Date",
    "Number",
    "Address",
    "Currency",
    "DateTime",
    "MultiLine",
    "Attachment",
)
"""``CustomFieldType`` of SPOTIO's OpenAPI file."""

_ROLES = ("Name", "Location")
_SYSTEM_ROLES = (
    "Company",
    "FirstName",
    "LastName",
    "Phone",
    "Email",
    "Value",
    "Unit",
    "Address",
    "LossReasons",
    "LeadMachine",
)


def _enumerated(said: Any, known: Iterable[str]) -> str | None:
    """A value of an enumeration in the OpenAPI file's spelling; services differ in case.

    A value that the file does not know is kept, so that it can be reported.
    """
    if said is None or said == "":
        return None
    spelled = str(said)
    return next((one for one in known if one.casefold() == spelled.casefold()), spelled)


def _type_from_api(answer: Mapping[str, Any]) -> SpotioType:
    parent = answer.get("parentId")
    return SpotioType(
        id=str(answer["id"]),
        name=answer.get("name") or "",
        fields=tuple(_field_from_api(one) for one in answer.get("fields") or ()),
        stages=tuple(
            Stage(
                id=str(one["id"]),
                name=one.get("name") or "",
                group=group,
                loss_reasons=tuple(one.get("lossReasons") or ()),
            )
            for group in ("active", "won", "lost")
            for one in ((answer.get("stages") or {}).get(group) or {}).get("stages") or ()
        ),
        parent_id=None if parent is None else str(parent),
        parent_required=bool(answer.get("parentRequired")),
        has_address=bool(answer.get("hasAddress")),
        inherit_owner_from_parent=bool(answer.get("inheritOwnerFromParent")),
    )


def _field_from_api(answer: Mapping[str, Any]) -> SpotioField:
    return SpotioField(
        id=str(answer["id"]),
        label=answer.get("name") or "",
        type=_enumerated(answer.get("type"), SPOTIO_TYPES) or "Text",
        role=_enumerated(answer.get("role"), _ROLES),
        system_role=_enumerated(answer.get("systemRole"), _SYSTEM_ROLES),
        options=tuple(answer.get("activeOptions") or ()),
        read_only=bool(answer.get("readonly")),
        inherited=bool(answer.get("inherited")),
        required=bool(answer.get("requiredWithoutStage")),
        required_in_stages=frozenset(str(one) for one in answer.get("stageConstraints") or ()),
    )


@dataclass(frozen=True)
class Person:
    """A user of one side, for checking the users that a definition names."""

    id: str
    email: str | None = None
    username: str | None = None
    active: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Of a Salesforce user what ``users:`` asks for, of a SPOTIO user the ``role``."""


@dataclass(frozen=True)
class SalesforceOrg:
    """What is known of an org: describes of the mapped objects, and the names of all.

    Attributes:
        time_zone: the org's own, where it was asked for.
    """

    objects: Mapping[str, SalesforceObject]
    names: tuple[str, ...] = ()
    time_zone: str | None = None


@dataclass(frozen=True)
class Users:
    """The users of both sides.

    Attributes:
        names: every name that an attribute of Salesforce's users can have, such as
            ``Profile.Name``; an attribute that is absent is not known or has no such list.
    """

    spotio: tuple[Person, ...] = ()
    salesforce: tuple[Person, ...] = ()
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
