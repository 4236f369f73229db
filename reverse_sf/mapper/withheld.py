"""Which keys of a link are withheld, and in which direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reverse_sf.merge.identity import DOUBTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reverse_sf.ledger.rows import Parked
    from reverse_sf.mapper.course import Course

BARRED = "doubtful"
"""Stands among the parked keys of a link whose counterpart is in doubt: nothing is created."""
VAIN = frozenset({"rejected", "not_taken"})
"""Reasons that only a call can tell of: whether they still hold is not known before another."""


class Withheld(msgspec.Struct, frozen=True):
    """The withheld keys of one link; the key "" is the whole record.

    Attributes:
        here: withheld in this direction, with :data:`BARRED` where a doubtful match bars both.
        vain: those of them that the destination's API has refused.
        there: withheld in the other direction.
    """

    here: frozenset[str] = frozenset()
    vain: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()


NOTHING = Withheld()


def withheld_of(rows: Iterable[Parked], course: Course) -> Withheld:
    """Sort what the ledger says of a link.

    Args:
        rows: all that is withheld of the link, in both directions.
        course: this direction.
    """
    here, vain, there = set(), set(), set()
    for one in rows:
        if one.reason in DOUBTS and not one.key:
            here.add(BARRED)
        if one.direction is course.direction:
            here.add(one.key)
            if one.reason in VAIN:
                vain.add(one.key)
        else:
            there.add(one.key)
    return Withheld(frozenset(here), frozenset(vain), frozenset(there))
