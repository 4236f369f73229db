"""When did each side change? Intervals of evidence and the answer "newer", or "unknown".

Semantics C.1: a change on a side happened in ``(lo, hi]``. ``lo`` is the last time the side was
seen equal to the base; ``hi`` is the field's own commit time where known, else the record's
modified time, else the time of first sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.definition import Side

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_SKEW_SECONDS = 2.0
"""How far the two services' clocks may be apart before "newer" is believed (``eps``)."""


@dataclass(frozen=True)
class Interval:
    """When a side changed, in seconds since the epoch; an unknown bound is None."""

    lo: float | None = None
    hi: float | None = None


@dataclass(frozen=True)
class Evidence:
    """What is known of when each side changed.

    Attributes:
        spotio: interval of the SPOTIO change.
        salesforce: interval of the Salesforce change.
        eps: bound of the clock skew between the two services, in seconds.
    """

    spotio: Interval = Interval()
    salesforce: Interval = Interval()
    eps: float = DEFAULT_SKEW_SECONDS


NO_EVIDENCE = Evidence()


def newer(evidence: Evidence) -> Side | None:
    """Name the side whose change is certainly the later one, or None where nobody can tell."""
    if _certainly_after(evidence.spotio, evidence.salesforce, evidence.eps):
        return Side.SPOTIO
    if _certainly_after(evidence.salesforce, evidence.spotio, evidence.eps):
        return Side.SALESFORCE
    return None


def _certainly_after(later: Interval, earlier: Interval, eps: float) -> bool:
    return later.lo is not None and earlier.hi is not None and later.lo > earlier.hi + eps


Differing = dict[str, list[Any]]
"""By record key of a side, since when its value differs from the base, as moments in UTC text.

An entry is ``[lo, hi]``; an unknown bound is None. One of three, ``[lo, hi, again]``, was seen
while a write was under way: where that write settles the key, ``again`` is the ``lo`` of what is
left.
A key that is not in it holds what the base says.
"""


@dataclass(frozen=True)
class Sighting:
    """The moments around one observation of a side.

    Attributes:
        hi: upper bound of what it shows: when the system says that the record was modified, else
            when it was seen.
        before_at: when the side was seen before, with the image that is being replaced.
        known: what the ledger keeps with that image; None where it never did.
    """

    hi: str
    before_at: str | None = None
    known: Differing | None = None


def since(
    sighting: Sighting,
    key: str,
    *,
    was_equal: bool | None,
    is_unchanged: bool,
) -> list[Any]:
    """Bound the moment at which a side's value came to differ from its base (section C.1).

    Args:
        sighting: the observation.
        key: the record key; its value differs from the base.
        was_equal: whether the value before was equal to the base; None where it is not known.
        is_unchanged: the value is the one that was there before.
    """
    if was_equal:
        return [sighting.before_at, sighting.hi]
    entry = (sighting.known or {}).get(key)
    if is_unchanged:
        return entry or [None, sighting.hi]
    return [entry[0] if entry else None, sighting.hi]


def since_under_way(
    sighting: Sighting, key: str, *, was_equal: bool | None, is_unchanged: bool
) -> list[Any] | None:
    """Bound the same while a write of that side's earlier image is under way.

    Whether that write settles the value before is not known yet: both answers are kept.
    """
    entry = (sighting.known or {}).get(key)
    if is_unchanged:
        return entry
    found = since(sighting, key, was_equal=was_equal, is_unchanged=False)
    is_third = entry is not None and len(entry) > len(found)
    return [*found, entry[2] if entry is not None and is_third else sighting.before_at]


def settled(differing: Differing, keys: Iterable[str]) -> Differing:
    """What is left once these keys have a new base."""
    left = dict(differing)
    for key in keys:
        entry = left.pop(key, None)
        if entry is not None and len(entry) > 2:  # noqa: PLR2004 -- see Differing
            left[key] = [entry[2], entry[1]]
    return left
