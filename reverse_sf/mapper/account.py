"""The account of a run in words: what was seen, decided, left out and withheld, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WORDS = {
    "observed": "observed",
    "unchanged": "unchanged",
    "decided_create": "to create",
    "decided_update": "to update",
    "decided_delete": "to delete",
    "decided_link": "to link",
    "skipped": "left out",
    "parked": "withheld",
    "waiting": "waiting",
    "flagged": "for the other direction",
    "journaled": "in the conflict journal",
}


def account(numbers: Mapping[tuple[str, str, str], int]) -> Iterator[str]:
    """Write one line per pair, and one per reason where something was left out or withheld.

    Args:
        numbers: by pair, counter and reason.
    """
    for pair in sorted({name for name, _, _ in numbers}):
        totals = {
            counter: sum(
                number
                for (name, kind, _), number in numbers.items()
                if (name, kind) == (pair, counter)
            )
            for counter in _WORDS
        }
        told = [f"{number} {_WORDS[counter]}" for counter, number in totals.items() if number]
        yield f"{pair}: {', '.join(told) or 'nothing'}"
        reasons = sorted(
            (counter, -number, reason)
            for (name, counter, reason), number in numbers.items()
            if name == pair and reason and counter in {"skipped", "parked"}
        )
        for counter, number, reason in reasons:
            yield f"  {-number} {_WORDS[counter]}: {reason}"
