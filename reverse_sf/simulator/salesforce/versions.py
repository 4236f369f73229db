"""API versions of the local org: one per release, three releases a year."""

from __future__ import annotations

import re

from reverse_sf.simulator.salesforce.refusal import ApiFault

OLDEST = 31
NEWEST = 66
RETIRED = range(7, OLDEST)
"""Versions below 31 no longer answer (API End-of-Life Policy); they say so with 410."""
_SEASONS = ("Winter", "Spring", "Summer")
_WINTER_2015, _SPRING_2018 = 32, 42


def listed() -> list[dict[str, str]]:
    """The answer of ``GET /services/data``, which needs no login."""
    return [
        {"label": _label(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
        for number in range(OLDEST, NEWEST + 1)
    ]


def checked(segment: str) -> str:
    """The version of a path segment such as ``v60.0``.

    Raises:
        ApiFault: the version is retired, or there is none such.
    """
    match = re.fullmatch(r"v(\d+)\.0", segment)
    if match and int(match.group(1)) in RETIRED:
        raise ApiFault(
            "UNSUPPORTED_API_VERSION",
            f"The API version {match.group(1)}.0 is retired",
            status=410,
        )
    if match is None or not OLDEST <= int(match.group(1)) <= NEWEST:
        raise ApiFault("NOT_FOUND", "The requested resource does not exist", status=404)
    return segment[1:]


def _label(number: int) -> str:
    years, season = divmod(number - _WINTER_2015, 3)
    # Recorded: one label alone has a typographic apostrophe.
    mark = "\N{RIGHT SINGLE QUOTATION MARK}" if number == _SPRING_2018 else "'"
    return f"{_SEASONS[season]} {mark}{15 + years}"
