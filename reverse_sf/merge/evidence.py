"""When did each side change? Intervals of evidence and the answer "newer", or "unknown".

Semantics C.1: a change on a side happened in ``(lo, hi]``. ``lo`` is the last time the side was
seen equal to the base; ``hi`` is the field's own commit time where known, else the record's
modified time, else the time of first sight.
"""

from __future__ import annotations

from dataclasses import dataclass

from reverse_sf.mapping.definition import Side

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
