"""Proposals for a pair of objects: which fields, rules and choices go together. Pure.

What decides is what a person would look at: SPOTIO's system roles first (``FirstName`` is a first
name whatever its label says), then how alike labels and API names are, whether the types align, and
for choices how many of them meet. A pair of fields is proposed once on each side and only where its
types align; whatever is left is told, and nothing is guessed. A proposal keeps to what
``reverse_sf.mapping.check`` calls sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_sf.mapping.automap_choices import proposed_choices
from reverse_sf.mapping.check_fields import usable_salesforce, usable_spotio
from reverse_sf.mapping.definition import STAGE, SyncRule
from reverse_sf.mapping.kinds import SPOTIO_TYPE_FOR, Kind, aligned, salesforce_kind, spotio_kind
from reverse_sf.mapping.likeness import likeness, singular
from reverse_sf.mapping.pair import LIFE_FIELDS, SYSTEM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition
    from reverse_sf.mapping.describe import SalesforceField, SalesforceObject
    from reverse_sf.mapping.workflow import SpotioField, SpotioType, Workflow

GOOD = 0.78
"""Below it two names are not proposed as one field."""
_CLOSE = 0.04

_BY_ROLE: Mapping[str, tuple[str, ...]] = {
    "FirstName": ("FirstName",),
    "LastName": ("LastName",),
    "Company": ("Company", "Name"),
    "Phone": ("Phone",),
    "Email": ("Email", "PersonEmail"),
    "Value": ("Amount",),
}
_STAGES = ("StageName", "Status")
_PREFIXES = ("", "Billing", "Mailing", "Primary", "Shipping", "Other")
_COMPONENTS = {
    "street": "Street",
    "city": "City",
    "state": "State",
    "zip": "PostalCode",
    "country": "Country",
    "latitude": "Latitude",
    "longitude": "Longitude",
}
_NEVER = frozenset(
    {"OwnerId", "IsDeleted", "CurrencyIsoCode", "RecordTypeId", *SYSTEM_FIELDS}.union(
        *LIFE_FIELDS.values()
    )
)


@dataclass(frozen=True)
class FieldProposal:
    """One field pair.

    Attributes:
        score: from 0 to 1, how sure it is.
        because: why, in few words.
        choices: SPOTIO choice to picklist value; ``None`` where all pass by their own names.
        open_choices: choices of SPOTIO's that nothing was found for.
        open_values: values of Salesforce's that nothing was found for.
        also: other Salesforce fields that fit about as well.
    """

    spotio: str
    salesforce: str
    rule: SyncRule
    score: float
    because: str
    omit_on_create: bool = False
    choices: Mapping[str, str] | None = None
    open_choices: tuple[str, ...] = ()
    open_values: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """One pair of objects.

    Attributes:
        existing: the pair is in the definition, and ``fields`` are to be added to it.
        external_id: the unique external id field that keeps SPOTIO's id, if there is one.
        address: component to Salesforce field.
        parent: lookup field and SPOTIO parent type.
        spotio_left: SPOTIO fields that nothing was found for.
        salesforce_left: Salesforce fields that can be mapped and are not.
    """

    spotio: str
    salesforce: str
    existing: bool
    fields: tuple[FieldProposal, ...]
    external_id: str | None = None
    address: Mapping[str, str] | None = None
    parent: tuple[str, str] | None = None
    owner: tuple[str | None, str | None] | None = None
    spotio_left: tuple[str, ...] = ()
    salesforce_left: tuple[str, ...] = ()


def propose(
    record_type: SpotioType,
    sobject: SalesforceObject,
    workflow: Workflow,
    definition: SyncDefinition | None = None,
) -> Proposal:
    """Propose what is not mapped yet of a pair of objects.

    Args:
        record_type: SPOTIO's side.
        sobject: Salesforce's side.
        workflow: all record types, for the parent.
        definition: what is mapped already, if anything.
    """
    objects = definition.objects if definition else ()
    name = f"{sobject.name}:{record_type.name}"
    existing = next((one for one in objects if one.name == name), None)
    address = None
    if record_type.has_address and (existing is None or existing.address is None):
        address = _address(sobject)
    external_id = existing.salesforce_external_id if existing else _external_id(sobject)
    parent = None
    if existing is None or existing.parent is None:
        parent = _parent(record_type, sobject, workflow, objects)
    owner = None if existing or "OwnerId" not in sobject.fields else _owner(objects)
    taken = _taken(existing, address, external_id, parent)
    spotio = _open_spotio(record_type, existing)
    salesforce = [
        field
        for field in sobject.fields.values()
        if field.name not in taken and field.name not in _NEVER and usable_salesforce(field)
    ]
    fields = _assigned(record_type, sobject, spotio, salesforce)
    matched = {one.salesforce for one in fields}
    return Proposal(
        spotio=record_type.name,
        salesforce=sobject.name,
        existing=existing is not None,
        fields=tuple(fields),
        external_id=external_id,
        address=address,
        parent=parent,
        owner=owner,
        spotio_left=tuple(
            reference for reference in spotio if reference not in {one.spotio for one in fields}
        ),
        salesforce_left=tuple(one.name for one in salesforce if one.name not in matched),
    )


def _open_spotio(record_type: SpotioType, existing: ObjectMapping | None) -> dict[str, SpotioField]:
    """SPOTIO's fields that are not mapped, by how ``sync.yml`` would name them."""
    mapped = {
        field.id
        for mapping in (existing.fields if existing else ())
        for field in record_type.fields_named(mapping.spotio)
    }
    found: dict[str, SpotioField] = {}
    for field in record_type.fields:
        if usable_spotio(field) and field.id not in mapped:
            unique = len(record_type.fields_named(field.label)) == 1
            plain = unique and field.label.casefold() != STAGE.casefold() and ":" not in field.label
            found[field.label if plain else f"id:{field.id}"] = field
    stage = record_type.field(STAGE)
    staged = existing is not None and any(one.spotio == STAGE for one in existing.fields)
    if stage is not None and stage.options and not staged:
        found[STAGE] = stage
    return found


def _taken(
    existing: ObjectMapping | None,
    address: Mapping[str, str] | None,
    external_id: str | None,
    parent: tuple[str, str] | None,
) -> set[str]:
    found = {external_id} if external_id else set()
    found.update((address or {}).values())
    if parent:
        found.add(parent[0])
    if existing is not None:
        found.update(one.salesforce for one in existing.fields)
        if existing.address:
            found.update(existing.address.components.values())
        if existing.parent:
            found.add(existing.parent.salesforce)
    return found


@dataclass(frozen=True)
class _Candidate:
    reference: str
    field: SalesforceField
    score: float
    because: str


def _assigned(
    record_type: SpotioType,
    sobject: SalesforceObject,
    spotio: Mapping[str, SpotioField],
    salesforce: Sequence[SalesforceField],
) -> list[FieldProposal]:
    """The best pairs first, each field once; in SPOTIO's order."""
    ignoring = singular(record_type.name) | singular(sobject.name)
    candidates = [
        _Candidate(reference, field, *judged)
        for reference, own in spotio.items()
        for field in salesforce
        if (judged := _judge(own, field, ignoring))[0] >= GOOD
    ]
    candidates.sort(key=lambda one: (-one.score, one.reference, one.field.name))
    chosen: dict[str, _Candidate] = {}
    used: set[str] = set()
    for one in candidates:
        if one.reference not in chosen and one.field.name not in used:
            chosen[one.reference] = one
            used.add(one.field.name)
    return [
        _proposal(own, chosen[reference], _also(chosen[reference], candidates, used))
        for reference, own in spotio.items()
        if reference in chosen
    ]


def _also(one: _Candidate, candidates: Iterable[_Candidate], used: set[str]) -> tuple[str, ...]:
    return tuple(
        other.field.name
        for other in candidates
        if other.reference == one.reference
        and other.field.name not in used
        and one.score - other.score <= _CLOSE
    )


def _judge(own: SpotioField, field: SalesforceField, ignoring: frozenset[str]) -> tuple[float, str]:
    """How sure it is that two fields are one, and why."""
    p_kind, s_kind = spotio_kind(own.type), salesforce_kind(field.type)
    # A set travels as A;B, and only a choice mapping could leave out a member with a semicolon.
    torn = not field.choices and Kind.CHOICES in {p_kind, s_kind} and ";" in "".join(own.options)
    if torn or not aligned(p_kind, s_kind) or s_kind is Kind.ID:
        return 0.0, ""
    by_role = _BY_ROLE.get(own.system_role or "", ())
    if field.name in by_role:
        return 1.0 - 0.01 * by_role.index(field.name), f"role {own.system_role}"
    if own.role == "Name" and field.name == "Name" and not own.system_role:
        return 0.97, "the record's name"
    if own.type == STAGE:
        return _judge_stage(own, field)
    score = max(
        likeness(own.label, field.label or field.name, ignoring=ignoring),
        likeness(own.label, field.name, ignoring=ignoring),
    )
    because = "same name" if score == 1 else "similar name"
    if SPOTIO_TYPE_FOR.get(field.type, "Text") != own.type:
        # A text opposite a picklist, or a phone opposite a plain text: less likely one field.
        score -= 0.06
    if own.options and field.choices:
        fewer = min(len(own.options), len(field.choices))
        shared = len(proposed_choices(own.options, field.choices)) / fewer
        if not shared:
            return 0.0, ""
        score = 0.75 * score + 0.25 * shared
        because += f", {shared:.0%} of the choices meet"
    # A field that is in Salesforce's page layout by name beats a custom one of the same name.
    return score - (0.01 if field.name.endswith("__c") else 0.0), because


def _judge_stage(own: SpotioField, field: SalesforceField) -> tuple[float, str]:
    if salesforce_kind(field.type) is not Kind.CHOICE or not field.choices:
        return 0.0, ""
    fewer = min(len(own.options), len(field.choices))
    shared = len(proposed_choices(own.options, field.choices)) / fewer
    known = field.name in _STAGES
    needed = 0.3 if known else 0.6
    if shared < needed:
        return 0.0, ""
    return (0.95 if known else 0.8 + 0.1 * shared), f"{shared:.0%} of the stages meet"


def _proposal(own: SpotioField, one: _Candidate, also: tuple[str, ...]) -> FieldProposal:
    field = one.field
    choices: Mapping[str, str] | None = None
    open_choices: tuple[str, ...] = ()
    open_values: tuple[str, ...] = ()
    if own.options and field.choices:
        found = proposed_choices(own.options, field.choices)
        open_choices = tuple(it for it in own.options if it not in found)
        open_values = tuple(it for it in field.choices if it not in found.values())
        if any(it != value for it, value in found.items()) or open_choices or open_values:
            choices = found
    return FieldProposal(
        spotio=one.reference,
        salesforce=field.name,
        rule=SyncRule.TWO_WAY if field.updateable else SyncRule.SALESFORCE_ONLY,
        score=round(one.score, 2),
        because=one.because,
        omit_on_create=not field.createable,
        choices=choices,
        open_choices=open_choices,
        open_values=open_values,
        also=also,
    )


def _address(sobject: SalesforceObject) -> dict[str, str] | None:
    for prefix in _PREFIXES:
        if f"{prefix}Street" in sobject.fields:
            found = {
                component: f"{prefix}{ending}"
                for component, ending in _COMPONENTS.items()
                if (field := sobject.fields.get(f"{prefix}{ending}"))
                and field.updateable
                and field.createable
            }
            if "latitude" not in found or "longitude" not in found:
                found.pop("latitude", None)
                found.pop("longitude", None)
            return found
    return None


_ID_LENGTH = 24


def _external_id(sobject: SalesforceObject) -> str | None:
    """The field that was made for SPOTIO's ids; another system's is left alone."""
    fitting = [
        field.name
        for field in sobject.fields.values()
        if field.external_id
        and field.unique
        and salesforce_kind(field.type) is Kind.TEXT
        and (field.length == 0 or field.length >= _ID_LENGTH)
        and "spotio" in f"{field.name} {field.label}".casefold()
    ]
    return fitting[0] if fitting else None


def _parent(
    record_type: SpotioType,
    sobject: SalesforceObject,
    workflow: Workflow,
    objects: Sequence[ObjectMapping],
) -> tuple[str, str] | None:
    """The lookup to the parent's sObject, where the parent is mapped."""
    above = workflow.type_by_id(record_type.parent_id or "")
    if above is None:
        return None
    sources = {one.salesforce for one in objects if one.spotio == above.name}
    lookups = [
        field.name
        for field in sobject.fields.values()
        if sources.intersection(field.reference_to) and field.createable
    ]
    lookups.sort(key=lambda name: (not name.endswith("Id"), name.startswith("Master"), name))
    return (lookups[0], above.name) if lookups else None


def _owner(objects: Sequence[ObjectMapping]) -> tuple[str | None, str | None] | None:
    """The default owners of another pair, SPOTIO's and Salesforce's."""
    known = next((one.owner for one in objects if one.owner is not None), None)
    return None if known is None else (known.spotio_default, known.salesforce_default)


def counterpart(name: str, others: Iterable[str]) -> str | None:
    """The name of the other side that looks most like this one, if any does."""
    ranked = sorted(
        ((likeness(name, other, ignoring=frozenset()), other) for other in others), reverse=True
    )
    bare = singular(name)
    for score, other in ranked:
        if score >= GOOD or bare & singular(other):
            return other
    return None
