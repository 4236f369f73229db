"""Values that a person wants back, as part of a decision."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.sightings import read_by
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import UNSET, Undefined, is_blank
from reverse_sf.merge.decide import same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.ledger.rows import Restore
    from reverse_sf.mapper.parts import Part


class End(str, Enum):
    """What became of a value that was wanted back."""

    BACK = "it is back"
    CHANGED = "it holds another value by now and was left alone"
    REFUSED = "the system has refused it"
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
    exchange = part.exchange
    convert = exchange.to_spotio if destination is Side.SPOTIO else exchange.to_salesforce
    value = one.value if one.own or is_blank(one.value) else convert(one.value)
    if isinstance(value, Undefined):
        return UNSET, End.UNDEFINED
    if same(held, _canonical(part, value, destination)):
        return UNSET, End.BACK
    if one.issued and not is_open:
        return UNSET, End.REFUSED if _is(part, held, one, destination) else End.CHANGED
    return (value, None) if _is(part, held, one, destination) else (UNSET, End.CHANGED)


def _is(part: Part, held: Any, one: Restore, destination: Side) -> bool:
    return same(held, _canonical(part, one.expected, destination))


def _canonical(part: Part, value: Any, side: Side) -> Any:
    if side is Side.SPOTIO:
        return part.canon_spotio(value)
    return part.read({part.field: value}) if part.field else value
