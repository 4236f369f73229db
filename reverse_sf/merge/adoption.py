"""Option ``adopt`` (C.1): what a system made of a value that it was given is copied back, once.

A system may normalise what it is given: a geocoder spells an address anew, an amount is rounded.
By default such a difference is settled and stays. With ``on_normalised: adopt`` the base of the key
remembers which side wrote it last, in a third place, and the other direction copies that side's
value back where the two do not agree. What that brings is settled whatever becomes of it, so that
two systems that both normalise do not write in turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.mapping.definition import Side

ADOPT = "C1 adopt"
"""The row of a decision that copies a normalised value back."""
ADOPTS = "adopts"
"""In the decision of a write: the keys whose values are to be adopted as they come out."""
WHOLE = ""
NORMALISED = "normalised: "
"""Why a link is decided again in the other direction, before the keys."""


def adopted_keys(decision: Mapping[str, Any]) -> list[str]:
    """The keys of a write whose values are to be adopted."""
    found: list[str] = (decision.get(WHOLE) or {}).get(ADOPTS, [])
    return found


def marked(entry: list[Any], written: Side) -> list[Any]:
    """A base that remembers which side was written."""
    return [*entry, written.value]


def is_marked(base: list[Any] | None, side: Side) -> bool:
    """Whether a base remembers that a side was the one written."""
    return base is not None and len(base) > 2 and base[2] == side.value  # noqa: PLR2004 -- the mark
