"""The objects and fields of the local org: what they are, and how they change while it runs.

Declarations are YAML: ``objects/standard.yml`` for what every org has, ``demo_org.yml`` for the
demo org's own objects, fields and rules. A field is one line, ``declaration.py`` says how to read
it. Facts are from the Object Reference and from describes recorded from real orgs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.salesforce.refusal import ApiFault, unknown_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TEXT_TYPES = frozenset(
    {"string", "textarea", "phone", "email", "url", "picklist", "multipicklist", "combobox"}
    | {"encryptedstring"}
)
NUMBER_TYPES = frozenset({"double", "currency", "percent"})
ID_TYPES = frozenset({"id", "reference"})
LONG_TEXT = 255
"""Text areas beyond this length can be neither filtered nor sorted."""


@dataclass(frozen=True)
class Choice:
    """One value of a picklist."""

    value: str
    label: str
    active: bool = True
    default: bool = False


@dataclass(frozen=True)
class Field:
    """One field, with what a describe says of it."""

    name: str
    label: str
    type: str
    length: int = 0
    digits: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted: bool = False
    default: Any = None
    refers_to: tuple[str, ...] = ()
    relationship: str | None = None
    children: str | None = None
    cascades: bool = False
    restricts: bool = False
    compound: str | None = None
    extra: str | None = None
    choices: tuple[Choice, ...] = ()
    restricted: bool = False
    external_id: bool = False
    unique: bool = False
    id_lookup: bool = False
    is_name: bool = False
    unfilterable: bool = False
    unaggregated: bool = False
    permissionable: bool | None = None
    """Whether field permissions apply; None where it follows from the rest."""
    prefilterable: bool | None = None
    """``searchPrefilterable``; None where it follows from the rest."""
    auto_number: str | None = None
    formula: str | None = None

    @property
    def custom(self) -> bool:
        """Whether an administrator made it."""
        return self.name.endswith("__c")

    @property
    def is_text(self) -> bool:
        """Whether values are text, compared without regard to case."""
        return self.type in TEXT_TYPES

    @property
    def polymorphic(self) -> bool:
        """Whether it may point to records of several objects."""
        return len(self.refers_to) > 1

    @property
    def filterable(self) -> bool:
        """Whether it may stand in WHERE."""
        if self.unfilterable:
            return False
        return not (self.type == "textarea" and self.length > LONG_TEXT)

    @property
    def sortable(self) -> bool:
        """Whether it may stand in ORDER BY."""
        return self.filterable and self.type not in {"address", "multipicklist"}

    @property
    def groupable(self) -> bool:
        """Whether it may stand in GROUP BY."""
        if self.calculated or (self.type == "textarea" and self.length > LONG_TEXT):
            return False
        return self.type not in NUMBER_TYPES | {"address", "datetime", "combobox", "multipicklist"}

    @property
    def aggregatable(self) -> bool:
        """Whether it may stand in an aggregate function."""
        return self.sortable and self.type != "boolean" and not self.unaggregated

    @property
    def calculated(self) -> bool:
        """Whether it is a formula."""
        return self.formula is not None

    @property
    def stored(self) -> bool:
        """Whether the database keeps a column of it."""
        return self.type != "address" and not self.calculated

    @property
    def required(self) -> bool:
        """Whether a create without it is refused."""
        return self.createable and not self.nillable and not self.defaulted

    def choice(self, text: str) -> Choice | None:
        """The picklist value of that name, without regard to case."""
        folded = text.lower()
        return next((one for one in self.choices if one.value.lower() == folded), None)

    def sorted_choices(self, text: str) -> str:
        """The values of a multi-select in the picklist's order, each once, as declared."""
        order = {one.value.lower(): place for place, one in enumerate(self.choices)}
        values: dict[str, str] = {}
        for value in (part.strip() for part in text.split(";")):
            if value:
                known = self.choice(value)
                values.setdefault(value.lower(), known.value if known else value)
        ranked = sorted(values, key=lambda value: order.get(value, len(order)))
        return ";".join(values[value] for value in ranked)


@dataclass(frozen=True)
class Relation:
    """A child relationship: the field of the child that points to the parent."""

    child: str
    field: Field


@dataclass(frozen=True)
class SObject:
    """One object with its fields, in describe order."""

    name: str
    label: str
    plural: str
    prefix: str
    fields: tuple[Field, ...]
    traits: Mapping[str, Any] = field(default_factory=dict)
    """Object-level describe keys that differ from an ordinary object's."""

    @property
    def custom(self) -> bool:
        """Whether an administrator made it."""
        return self.name.endswith("__c")

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Lower-case name to field."""
        return {one.name.lower(): one for one in self.fields}

    @cached_property
    def relationships(self) -> dict[str, Field]:
        """Lower-case relationship name to the reference field behind it."""
        return {one.relationship.lower(): one for one in self.fields if one.relationship}

    @cached_property
    def stored(self) -> tuple[Field, ...]:
        """The fields that are columns."""
        return tuple(one for one in self.fields if one.stored)

    @cached_property
    def name_field(self) -> Field | None:
        """The field that names a record to people."""
        return next((one for one in self.fields if one.is_name), None)

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return name.lower() in self.by_name

    def find(self, name: str) -> Field | None:
        """The field of that name, without regard to case."""
        return self.by_name.get(name.lower())


class Schema:
    """All objects of the org; changes at run time are allowed, as an administrator makes them."""

    def __init__(self, objects: Iterable[SObject]) -> None:
        self._objects = {one.name.lower(): one for one in objects}
        self._relations: dict[str, list[Relation]] | None = None
        self.version = 0
        """Grows with every change."""

    def __iter__(self) -> Any:
        return iter(sorted(self._objects.values(), key=lambda one: one.name))

    def copy(self) -> Schema:
        """A schema that changes on its own."""
        return Schema(self._objects.values())

    def find(self, name: str) -> SObject | None:
        """The object of that name, without regard to case."""
        return self._objects.get(name.lower())

    def get(self, name: str) -> SObject:
        """The object of that name.

        Raises:
            ApiFault: the path of a REST call names no object (``NOT_FOUND``).
        """
        found = self.find(name)
        if found is None:
            raise ApiFault("NOT_FOUND", "The requested resource does not exist", status=404)
        return found

    def typed(self, name: str) -> SObject:
        """The object of that name.

        Raises:
            ApiFault: a body or a query names no object (``INVALID_TYPE``).
        """
        found = self.find(name)
        if found is None:
            raise unknown_type(name)
        return found

    def by_prefix(self, prefix: str) -> SObject | None:
        """The object whose ids begin so."""
        return next((one for one in self._objects.values() if one.prefix == prefix), None)

    def relations(self, parent: str) -> list[Relation]:
        """The fields of all objects that point to that object."""
        if self._relations is None:
            self._relations = {}
            for child in self:
                for one in child.fields:
                    for target in one.refers_to:
                        self._relations.setdefault(target, []).append(Relation(child.name, one))
        return self._relations.get(parent, [])

    def replace(self, changed: SObject) -> None:
        """Put in place of the object of the same name, or add it."""
        self._objects[changed.name.lower()] = changed
        self._relations = None
        self.version += 1

    def add_field(self, name: str, added: Field) -> None:
        """Add a field to an object, or put it in place of the field of the same name."""
        changed = self.typed(name)
        kept = [one for one in changed.fields if one.name.lower() != added.name.lower()]
        self.replace(replace(changed, fields=(*kept, added)))

    def remove_field(self, name: str, field_name: str) -> None:
        """Take a field away, or hide it from the API user: both look the same from outside.

        Raises:
            ControlError: there is no such field.
        """
        changed = self.typed(name)
        gone = self._field(changed, field_name)
        self.replace(replace(changed, fields=tuple(f for f in changed.fields if f is not gone)))

    def alter_field(self, name: str, field_name: str, **changes: Any) -> None:
        """Change attributes of a field.

        Raises:
            ControlError: there is no such field, or a field has no such attribute.
        """
        changed = self.typed(name)
        old = self._field(changed, field_name)
        try:
            new = replace(old, **changes)
        except TypeError as error:
            raise ControlError(f"a field has no such attribute: {error}") from error
        self.replace(replace(changed, fields=tuple(new if f is old else f for f in changed.fields)))

    def set_choice(self, name: str, field_name: str, value: str, *, active: bool) -> None:
        """Switch a picklist value on or off, adding it where it is new.

        Raises:
            ControlError: there is no such field.
        """
        old = self._field(self.typed(name), field_name)
        known = old.choice(value)
        if known is None:
            choices = (*old.choices, Choice(value, value, active=active))
        else:
            switched = replace(known, active=active)
            choices = tuple(switched if one is known else one for one in old.choices)
        self.alter_field(name, field_name, choices=choices)

    @staticmethod
    def _field(of: SObject, name: str) -> Field:
        found = of.find(name)
        if found is None:
            raise ControlError(f"{of.name} has no field {name}")
        return found
