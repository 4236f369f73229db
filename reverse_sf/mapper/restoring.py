"""Values that a person wants back, as part of a decision."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.people import OwnerExchange
from reverse_sf.mapper.relations import ParentExchange
from reverse_sf.mapper.sightings import read_by
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import UNSET, Reason, Undefined, is_blank
from reverse_sf.merge.decide import same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.ledger.rows import Restore
    from reverse_sf.mapper.parts import Part


class End(str, Enum):
    """What became of a value that was wanted back."""

    BACK = "it is back"
    CHANGED = "it has been changed since and was left alone"
    REFUSED = "the system has refused it"
    OVERTAKEN = "the other system's value has changed since, and goes on by the rule"
    NO_PART = "its record is not written: deleted, merged, unlinked, or out of scope"
    UNMAPPED = "the field is not mapped any more"
    UNDEFINED = "it has no counterpart in that system by the definition of now"


def due(
    one: Restore, part: Part | None, image: Mapping[str, Any], destination: Side, *, is_open: bool
) -> tuple[Any, End | None]:
    """What is to be written for a value that is wanted back, or how it ended.

    Args:
        one: what is wanted.
        part: the key's, if it is mapped.
        image: what the destination was last seen to hold.
        destination: the written side.
        is_open: the outcome of an earlier write to the record is unknown.

    Returns:
        The value and no end, no value and an end, or neither where nobody has read the field yet.
    """
    if part is None:
        return UNSET, End.UNMAPPED
    held = read_by(part, dict(image), destination)
    if held is UNSET:
        return UNSET, None
    value = _wanted(one, part, destination)
    if isinstance(value, Undefined):
        return UNSET, End.UNDEFINED
    if _alike(held, _canonical(part, value, destination)):
        return UNSET, End.BACK
    if one.issued and not is_open:
        return UNSET, End.REFUSED if _is(part, held, one, destination) else End.CHANGED
    return (value, None) if _is(part, held, one, destination) else (UNSET, End.CHANGED)


def _wanted(one: Restore, part: Part, destination: Side) -> Any:
    """The value in the destination's terms."""
    exchange = part.exchange
    if isinstance(exchange, OwnerExchange):
        return exchange.exactly(one.value, own=one.own)
    if isinstance(exchange, ParentExchange):
        value = one.value if one.own or is_blank(one.value) else exchange.exactly(one.value)
        if is_blank(value) or isinstance(value, Undefined) or exchange.at(value) is not None:
            return value
        return Undefined(Reason.UNPARSABLE, f"the parent {value} is not linked")
    if one.own or is_blank(one.value):
        # Of an address the components that are mapped, and no others.
        is_address = isinstance(part.place, dict) and one.value is not None
        return _canonical(part, one.value, destination) if is_address else one.value
    convert = exchange.to_spotio if destination is Side.SPOTIO else exchange.to_salesforce
    return convert(one.value)


def _is(part: Part, held: Any, one: Restore, destination: Side) -> bool:
    return _alike(held, _canonical(part, one.expected, destination))


def _alike(held: Any, value: Any) -> bool:
    """Whether two canonical values are one; of an address, as far as both of them go."""
    if not isinstance(held, dict) and not isinstance(value, dict):
        return same(held, value)
    one, other = held or dict.fromkeys(value or {}), value or dict.fromkeys(held or {})
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def _canonical(part: Part, value: Any, side: Side) -> Any:
    if isinstance(part.place, dict):
        return _address(part, part.place, value, side)
    if side is Side.SPOTIO:
        return part.canon_spotio(value)
    return part.read({part.field: value}) if part.field else value


def _address(part: Part, places: dict[str, str], value: Any, side: Side) -> Any:
    """An address of a side; one of a few blank components stays one of those."""
    if value is None:
        return None
    if side is Side.SPOTIO:
        found = part.canon_spotio(value)
    else:
        found = part.read({places[one]: it for one, it in value.items() if one in places})
    return found or {one: None for one in value if one in places}
