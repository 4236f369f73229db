"""What a write settles: the new base of its keys, from what was read back and what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.encoding import from_text
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.adoption import ADOPTS, adopted_keys, marked
from reverse_sf.merge.union import UNCARRIED, settled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from reverse_sf.ledger.rows import Outcome

DESTINATION = {Direction.TO_SPOTIO: Side.SPOTIO, Direction.TO_SALESFORCE: Side.SALESFORCE}
"""The side that a direction writes."""


def base_after(outcome: Outcome, row: Row[Any]) -> dict[str, list[Any]]:
    """The new base: always ``[spotio, salesforce]``; a key that was not read back has none."""
    source = from_text(row.source)
    image = (outcome.image or {}) if outcome.base is None else outcome.base
    if UNCARRIED in row.decision:
        image = without_uncarried(image, from_text(row.decision), Direction(row.direction))
    decision = from_text(row.decision) if ADOPTS in row.decision else {}
    return base_of_write(image, source, outcome.written, (row.direction, decision))


def base_of_write(
    image: Mapping[str, Any],
    source: Mapping[str, Any],
    written: Sequence[str],
    decided: tuple[str, Mapping[str, Any]],
) -> dict[str, list[Any]]:
    """The base of the written keys; of one to be adopted it remembers which side was written.

    Args:
        image: the values read back, by key.
        source: the source's values behind the write.
        written: the keys.
        decided: the direction's value, and the decision.
    """
    to_spotio = decided[0] == Direction.TO_SPOTIO.value
    adopts = adopted_keys(decided[1])
    base = {
        key: [image[key], source[key]] if to_spotio else [source[key], image[key]]
        for key in written
        if key in image and key in source
    }
    side = Side.SPOTIO if to_spotio else Side.SALESFORCE
    return {key: marked(it, side) if key in adopts else it for key, it in base.items()}


def without_uncarried(
    image: Mapping[str, Any], decision: Mapping[str, Any], direction: Direction
) -> dict[str, Any]:
    """The values of a base, less what the written side has changed itself and nobody has carried.

    Args:
        image: the values read back, by key.
        decision: what was decided, by key.
        direction: of the write.
    """
    found = dict(image)
    for key, one in decision.items():
        if key in found and UNCARRIED in one:
            found[key] = settled(found[key], one[UNCARRIED], DESTINATION[direction])
    return found
