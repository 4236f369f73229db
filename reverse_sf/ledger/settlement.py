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


def base_after(outcome: Outcome, row: Row[Any]) -> dict[str, list[Any]]:
    """The new base: always ``[spotio, salesforce]``; a key that was not read back has none."""
    source, direction = from_text(row.source), Direction(row.direction)
    image = (outcome.image or {}) if outcome.base is None else outcome.base
    if UNCARRIED in row.decision:
        image = without_uncarried(image, from_text(row.decision), direction)
    decision = from_text(row.decision) if ADOPTS in row.decision else {}
    return base_of_write(image, source, outcome.written, direction, decision)


def base_of_write(
    image: Mapping[str, Any],
    source: Mapping[str, Any],
    written: Sequence[str],
    direction: Direction,
    decision: Mapping[str, Any],
) -> dict[str, list[Any]]:
    """The base of the written keys; of one to be adopted it remembers which side was written.

    Args:
        image: the values read back, by key.
        source: the source's values behind the write.
        written: the keys.
        direction: of the write.
        decision: what was decided, by key.
    """
    side = direction.destination
    adopts = adopted_keys(decision)
    base = {
        key: [image[key], source[key]] if side is Side.SPOTIO else [source[key], image[key]]
        for key in written
        if key in image and key in source
    }
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
            found[key] = settled(found[key], one[UNCARRIED], direction.destination)
    return found
