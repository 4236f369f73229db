"""Which choices of SPOTIO's go with which values of a picklist. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping import canon
from reverse_sf.mapping.likeness import likeness, words

if TYPE_CHECKING:
    from collections.abc import Iterable

_GOOD = 0.8
_BEGINS = 0.85
_TELLING = 5
"""Letters of a beginning that still tell something."""
_SAME = {
    "canceled": "cancelled",
    "lukewarm": "warm",
    "medium": "warm",
}


def proposed_choices(options: Iterable[str], values: Iterable[str]) -> dict[str, str]:
    """The pairs that look like one, the surest first, each option and each value once.

    In the order of the options. A choice with a semicolon is left out: a set cannot hold it.
    """
    own, theirs = list(options), list(values)
    ranked = sorted(
        (
            (-_score(option, value), at, to)
            for at, option in enumerate(own)
            for to, value in enumerate(theirs)
            if ";" not in option + value
        ),
    )
    found: dict[int, int] = {}
    used: set[int] = set()
    for score, at, to in ranked:
        if -score >= _GOOD and at not in found and to not in used:
            found[at] = to
            used.add(to)
    return {own[at]: theirs[found[at]] for at in sorted(found)}


def _score(option: str, value: str) -> float:
    left, right = canon.text(option), canon.text(value)
    if left is None or right is None:
        return 0.0
    if left == right:
        return 1.0
    if left.casefold() == right.casefold():
        return 0.995
    if _negated(left) != _negated(right):
        # "Qualified" and "Not Qualified" look alike and are opposites.
        return 0.0
    score = likeness(_spelled(left), _spelled(right))
    if score < _BEGINS and _begins(left.casefold(), right.casefold()):
        return _BEGINS
    return score


def _begins(left: str, right: str) -> bool:
    """Whether one is the other's beginning: Telecom and Telecommunications, Proposal and more."""
    short, long = sorted((left, right), key=len)
    return len(short) >= _TELLING and long.startswith(short)


def _negated(text: str) -> bool:
    return any(
        word in {"not", "no", "non"} or word.startswith(("un", "dis")) for word in words(text)
    )


def _spelled(text: str) -> str:
    return " ".join(_SAME.get(word, word) for word in words(text)) or text
