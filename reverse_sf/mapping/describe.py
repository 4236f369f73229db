"""What a describe says of an org's objects, as frozen values.

The facts come from a describe itself or from the ``x-salesforce`` objects that tap-salesforce puts
into its schemas. Nothing here calls anybody: the shells fetch, these types hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FACTS_KEY = "x-salesforce"
"""Where a tap's schema carries describe facts: per property, and once at its top level."""
WHOLE_LISTING = "everyUser"
"""Fact of a User stream that sends every user whom the org shows, in every run."""
ORGANIZATION = "orgId"
"""The fact of an object that says whose it is."""


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
class SalesforceOrg:
    """What is known of an org: describes of the mapped objects, and the names of all.

    Attributes:
        time_zone: the org's own, where it was asked for.
    """

    objects: Mapping[str, SalesforceObject]
    names: tuple[str, ...] = ()
    time_zone: str | None = None
