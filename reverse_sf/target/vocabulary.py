"""An object in the record's own vocabulary: exact names, and values as each side spells them.

Everything comes from the object's describe (REST API Developer Guide, "sObject Describe").
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping import canon
from reverse_sf.mapping.describe import FACTS_KEY
from reverse_sf.merge.envelope import ENVELOPE_KEY
from reverse_sf.salesforce.values import NUMBER_TYPES, WHOLE_TYPES, from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ID = "Id"
MODIFIED = "LastModifiedDate"
STAMP = "SystemModstamp"
_ID_TYPES = frozenset({"id", "reference"})
_TYPED = NUMBER_TYPES | WHOLE_TYPES | {"boolean"}
_COMPOUND = frozenset({"address", "location"})
_NORMAL: Mapping[str, Callable[[Any], Any]] = {
    "boolean": canon.boolean,
    "date": canon.day,
    "datetime": canon.instant,
    "multipicklist": canon.multipicklist,
    **dict.fromkeys(WHOLE_TYPES, canon.number(0)),
    **dict.fromkeys(_ID_TYPES, canon.record_id),
}


@dataclass(frozen=True)
class FieldFacts:
    """What a describe says of a field, as far as writing needs it."""

    name: str
    type: str
    createable: bool
    updateable: bool
    external_id: bool
    unique: bool
    id_lookup: bool
    case_sensitive: bool
    scale: int
    refers_to: tuple[str, ...]
    relationship: str | None

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> FieldFacts:
        """From one field of a describe."""
        return cls(
            described["name"],
            described["type"],
            bool(described.get("createable")),
            bool(described.get("updateable")),
            bool(described.get("externalId")),
            bool(described.get("unique")),
            bool(described.get("idLookup")),
            bool(described.get("caseSensitive")),
            int(described.get("scale") or 0),
            tuple(described.get("referenceTo") or ()),
            described.get("relationshipName"),
        )

    @property
    def read_only(self) -> bool:
        """Whether nobody can write it: a formula, an audit field."""
        return not (self.createable or self.updateable) and self.name != ID

    @cached_property
    def normal(self) -> Callable[[Any], Any]:
        """The canonical form of its values, for comparing and keeping."""
        if self.type in NUMBER_TYPES:
            return canon.number(self.scale)
        return _NORMAL.get(self.type, canon.text)


_FACTS = (
    *("type", "length", "precision", "scale", "digits", "nillable", "createable", "updateable"),
    *("defaultedOnCreate", "calculated", "restrictedPicklist", "referenceTo", "label"),
    "picklistValues",
)
"""What the mapper wants to know of a field, as tap-salesforce tells it."""
_TELLING = (
    *("name", "type", "length", "precision", "scale", "nillable", "createable", "updateable"),
    *("externalId", "unique", "restrictedPicklist", "defaultedOnCreate"),
)


def _told(described: Mapping[str, Any]) -> list[Any]:
    """What of a field can make Salesforce refuse a value."""
    choices = [one["value"] for one in described.get("picklistValues") or () if one.get("active")]
    return [*(described.get(name) for name in _TELLING), choices]


class Vocabulary:
    """The fields of one object.

    Args:
        described: its describe.
    """

    def __init__(self, described: Mapping[str, Any]) -> None:
        self.sobject: str = described["name"]
        self._described = described
        listed = [FieldFacts.of(one) for one in described["fields"]]
        self.fields = {one.name: one for one in listed}
        facts = json.dumps([_told(one) for one in described["fields"]], sort_keys=True)
        self.fingerprint = hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()
        """Of what a describe says that can make Salesforce refuse a value or take it."""
        self._by_name = {one.name.lower(): one for one in listed}
        self._by_relationship = {
            one.relationship.lower(): one for one in listed if one.relationship
        }

    @property
    def schema(self) -> dict[str, Any]:
        """The object as a tap's SCHEMA would tell it, as far as the mapper needs it."""
        return {
            "properties": {
                one["name"]: {FACTS_KEY: {key: one[key] for key in _FACTS if one.get(key)}}
                for one in self._described["fields"]
            }
        }

    def find(self, name: str) -> FieldFacts | None:
        """The field of that name: exactly, or without regard to case."""
        return self.fields.get(name) or self._by_name.get(name.lower())

    def relation(self, name: str) -> FieldFacts | None:
        """The reference field behind a relationship's name, such as ``Account`` or ``Site__r``."""
        return self._by_relationship.get(name.lower())

    def key(self, name: str, *, unique: bool, setting: str = "external_id_fields") -> FieldFacts:
        """A field that records are recognised by.

        Args:
            name: the field.
            unique: whether no two records may hold one value.
            setting: where it is named, for messages.

        Raises:
            ConfigurationError: there is no such field, or it is no key.
        """
        found = self.find(name)
        setting = f"{setting}: {self.sobject}"
        if found is None:
            raise ConfigurationError(f"{setting}: Salesforce has no field {name} there")
        if not (found.external_id or found.id_lookup):
            raise ConfigurationError(
                f"{setting}: {found.name} is no external id. Tick External ID in its definition"
            )
        if unique and not found.unique and found.name != ID:
            raise ConfigurationError(
                f"{setting}: {found.name} is not unique, so two records may hold one value. Tick "
                "Unique in its definition"
            )
        return found

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Those names that are neither field nor relationship."""
        return [
            name
            for name in names
            if name != ENVELOPE_KEY and self.find(name) is None and self.relation(name) is None
        ]

    def readable(self, names: Iterable[str]) -> list[str]:
        """The fields to read for these names, with those that tell when a record changed."""
        found: dict[str, None] = {ID: None}
        for name in names:
            one = self.find(name) or self.relation(name)
            if one is not None and one.type not in _COMPOUND:
                found[one.name] = None
        for name in (MODIFIED, STAMP):
            if name in self.fields:
                found[name] = None
        return list(found)

    def image(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record as read, with the values that the tap gives."""
        return {
            name: from_json(self.fields[name].type)([value])[0]
            for name, value in record.items()
            if name in self.fields
        }

    def normal(self, name: str, value: Any) -> Any:
        """The canonical form of a field's value."""
        return self.fields[name].normal(value)

    def same(self, name: str, one: Any, other: Any) -> bool:
        """Whether two values of a field are one."""
        normal = self.fields[name].normal
        return bool(normal(one) == normal(other))

    def wire(self, name: str, value: Any) -> Any:
        """A value as Salesforce takes it.

        A list becomes a multi-select picklist's text. Text fields take text only: numbers are
        spelled, a list or object goes as JSON text.
        """
        if isinstance(value, (list, dict)):
            if isinstance(value, list) and self.fields[name].type == "multipicklist":
                return canon.multipicklist(value)
            return json.dumps(value, ensure_ascii=False)
        if value is None or isinstance(value, str) or self.fields[name].type in _TYPED:
            return value
        return canon.spelling(value)

    def named(self, fields: Iterable[str], among: Iterable[str]) -> list[str]:
        """Those fields that a complaint names and that are among the given ones."""
        known = {name.lower(): name for name in among}
        spoken = {(found.name if (found := self.find(name)) else name).lower() for name in fields}
        return [known[name] for name in known if name in spoken]
