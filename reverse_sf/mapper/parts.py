"""The record keys of a pair, each ready to be read from both sides' images and decided."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapper.keys import OWNER_FIELD, OWNER_KEY, PARENT_KEY
from reverse_sf.mapper.people import OwnerExchange
from reverse_sf.mapper.relations import ParentExchange
from reverse_sf.mapping import canon
from reverse_sf.mapping.address import ADDRESS_KEY
from reverse_sf.mapping.definition import Side, SyncRule
from reverse_sf.mapping.kinds import Kind
from reverse_sf.mapping.values import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parents
    from reverse_sf.mapping.address import AddressConverter
    from reverse_sf.mapping.conversion import FieldConverter
    from reverse_sf.mapping.definition import OwnerMapping, ParentMapping
    from reverse_sf.mapping.pair import PairConverter
    from reverse_sf.merge.decide import Exchange

_REPEATED = frozenset({Kind.CHOICE, Kind.CHOICES, Kind.INSTANT})
"""Kinds whose canonical form costs something and whose values come again and again."""
_MOST_REPEATED = 2048


@dataclass(frozen=True)
class Part:
    """One record key, whatever it is made of.

    Attributes:
        key: the record key.
        place: the Salesforce field behind it, or those of its components.
        field: the one Salesforce field; "" where there are several.
        rule: who takes precedence.
        exchange: how it travels.
        read: the canonical Salesforce value of an image, or UNSET.
        canon_spotio: normaliser of SPOTIO values.
        is_still: with several fields, whether an image spells a base's Salesforce value exactly.
        adopts: what the other system made of a value is copied back.
    """

    key: str
    place: str | dict[str, str]
    field: str
    rule: SyncRule
    exchange: Exchange
    read: Callable[[dict[str, Any]], Any]
    canon_spotio: Callable[[Any], Any]
    is_still: Callable[[dict[str, Any], Any], bool] = lambda _, __: False
    adopts: bool = False

    @cached_property
    def rule_name(self) -> str:
        """The rule as decisions name it."""
        return self.rule.value


@dataclass(frozen=True)
class Parts:
    """All keys of a pair that are synced.

    Attributes:
        every: in the order of the definition; address, owner and parent last.
        owner: how owners travel, where they do.
        parents: the parents of the batch, where the mapping has a parent that is synced.
    """

    every: tuple[Part, ...]
    owner: OwnerExchange | None
    parents: Parents | None


def parts_of(pair: PairConverter, people: People, parents: Parents | None, course: Course) -> Parts:
    """The keys of a pair.

    Args:
        pair: the compiled mapping.
        people: users of both sides.
        parents: parents of the batch, where the mapping has a parent.
        course: the run's direction.
    """
    mapping = pair.mapping
    every = [_field_part(one) for one in pair.fields.values()]
    if pair.address is not None:
        every.append(_address_part(pair.address))
    owner = None
    if mapping.owner is not None and mapping.owner.rule is not SyncRule.DO_NOT_SYNC:
        owner = OwnerExchange(mapping.owner, people, course)
        every.append(_owner_part(mapping.owner, owner))
    parent = mapping.parent
    if parents is None or parent is None or parent.rule is SyncRule.DO_NOT_SYNC:
        return Parts(tuple(every), owner, None)
    every.append(_parent_part(parent, ParentExchange(parents, course)))
    return Parts(tuple(every), owner, parents)


def _field_part(one: FieldConverter) -> Part:
    if one.mapping.rule is SyncRule.UNION and not (
        one.spotio_kind is one.salesforce_kind is Kind.CHOICES
    ):
        raise ConfigurationError(
            f"{one.mapping.path}.rule: union is for a multiple choice and a multi-select picklist,"
            f" and {one.key} and {one.field} are not; set another rule"
        )
    name, canonical = one.field, one.canon_salesforce
    read = _reader(name, canonical)
    if one.salesforce_kind in _REPEATED:
        remembered = lru_cache(_MOST_REPEATED)(canonical)

        def recall(values: dict[str, Any]) -> Any:
            raw = values.get(name, UNSET)
            if type(raw) is str:
                return remembered(raw)
            return raw if raw is UNSET else canonical(raw)

        read = recall
    adopts = one.mapping.adopt
    return Part(one.key, name, name, one.mapping.rule, one, read, one.canon_spotio, adopts=adopts)


def _address_part(address: AddressConverter) -> Part:
    components = tuple(address.mapping.components.items())

    def is_still(values: dict[str, Any], settled: Any) -> bool:
        if not settled:
            return False
        for component, name in components:  # noqa: SIM110 - all() with a generator takes twice as long
            if values.get(name) != settled.get(component):
                return False
        return True

    return Part(
        ADDRESS_KEY,
        dict(components),
        "",
        address.mapping.rule,
        address,
        address.read,
        address.canon_spotio,
        is_still,
        address.mapping.adopt,
    )


def _owner_part(mapping: OwnerMapping, exchange: OwnerExchange) -> Part:
    read = _reader(OWNER_FIELD, canon.record_id)
    return Part(OWNER_KEY, OWNER_FIELD, OWNER_FIELD, mapping.rule, exchange, read, canon.text)


def _parent_part(mapping: ParentMapping, exchange: ParentExchange) -> Part:
    name = mapping.salesforce
    read = _reader(name, canon.record_id)
    return Part(PARENT_KEY, name, name, mapping.rule, exchange, read, canon.text)


def _reader(name: str, canonical: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Any]:
    def read(values: dict[str, Any]) -> Any:
        raw = values.get(name, UNSET)
        return raw if raw is UNSET else canonical(raw)

    return read


def changed_components(
    address: AddressConverter,
    value: dict[str, Any],
    both: tuple[Any, Any],
    base: list[Any] | None,
    destination: Side,
) -> dict[str, Any]:
    """Cut an address down to the components that differ and are not settled.

    Args:
        address: how it travels.
        value: what the destination is to hold.
        both: SPOTIO's value and Salesforce's canonical one.
        base: the same, as they were settled.
        destination: the written side.
    """
    now = (address.canon_spotio(both[0]) or {}, both[1] or {})
    settled = (address.canon_spotio(base[0]) or {}, base[1] or {}) if base else None
    held = now[0 if destination is Side.SPOTIO else 1]

    def is_settled(name: str) -> bool:
        return settled is not None and all(
            one.get(name) == was.get(name) for one, was in zip(now, settled, strict=True)
        )

    return {
        name: one for name, one in value.items() if one != held.get(name) and not is_settled(name)
    }
