"""Which keys of a link are withheld, and in which direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reverse_sf.ledger.differing import BESIDE
from reverse_sf.merge.identity import DOUBTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reverse_sf.ledger.rows import Parked
    from reverse_sf.mapper.course import Course

BARRED = "doubtful"
"""Stands among the parked keys of a link whose counterpart is in doubt: nothing is created."""
PUT_OFF = "changed while a write was under way"
"""Why a link is decided again whose observation nobody has decided yet."""
_MILLISECONDS = len("2026-05-06T11:56:44.000")
VAIN = frozenset({"rejected", "not_taken"})
"""Reasons that only a call can tell of: whether they still hold is not known before another."""


class Withheld(msgspec.Struct, frozen=True):
    """The withheld keys of one link; the key "" is the whole record.

    Attributes:
        here: withheld in this direction, with :data:`BARRED` where a doubtful match bars both.
        vain: those of them that the destination's API has refused.
        there: withheld in the other direction.
        refused_at: when the API last refused one of them.
        is_due: one of them is to be tried again whatever the values are.
    """

    here: frozenset[str] = frozenset()
    vain: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()
    refused_at: str = ""
    is_due: bool = False

    def nothing_since(self, destination_seen_at: str | None, flagged: str | None) -> bool:
        """Whether what the API refused would be the same again.

        A tap's observation is judged when it comes; only one that had to be put off comes later.
        What a target read beside a write was there when the API refused what it refused.

        Args:
            destination_seen_at: when the destination's image was taken.
            flagged: why the link is decided again.
        """
        if self.is_due or flagged == PUT_OFF or destination_seen_at is None:
            return False
        return (flagged or "").startswith(BESIDE) or destination_seen_at[
            :_MILLISECONDS
        ] <= self.refused_at[:_MILLISECONDS]


NOTHING = Withheld()


def withheld_of(rows: Iterable[Parked], course: Course, fingerprint: str) -> Withheld:
    """Sort what the ledger says of a link.

    Args:
        rows: all that is withheld of the link, in both directions.
        course: this direction.
        fingerprint: of the definition in force.
    """
    here, vain, there = set(), set(), set()
    refused_at, is_due = "", False
    for one in rows:
        if one.reason in DOUBTS and not one.key:
            here.add(BARRED)
        if one.direction is course.direction:
            here.add(one.key)
            if one.reason in VAIN:
                vain.add(one.key)
                refused_at = max(refused_at, one.at)
                is_due = is_due or one.next_attempt_at is not None
                is_due = is_due or one.definition_fingerprint != fingerprint
        else:
            there.add(one.key)
    return Withheld(frozenset(here), frozenset(vain), frozenset(there), refused_at, is_due)
