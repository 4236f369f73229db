"""Moments on SPOTIO's wire: up to seven digits of a second and an explicit offset."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_INSTANT = re.compile(
    r"^(?P<day>\d{4}-\d{2}-\d{2})[T ](?P<time>\d{2}:\d{2}(?::\d{2})?)"
    r"(?:\.(?P<fraction>\d+))?(?P<zone>Z|z|[+-]\d{2}:?\d{2})?$"
)
_MICROSECOND_DIGITS = 6
_TICK_DIGITS = 7
_TICKS_A_SECOND = 10_000_000
_TICKS_BEFORE_1970 = 621_355_968_000_000_000


def parse_instant(text: str) -> datetime:
    """An aware UTC moment; digits past the microsecond are dropped, no offset means UTC.

    Python before 3.11 cannot read the seven digits that SPOTIO writes (OpenAPI examples).

    Raises:
        ValueError: the text is not such a moment.
    """
    match = _INSTANT.match(text.strip())
    if match is None:
        raise ValueError(f"not a moment in time: {text!r}")
    time = match["time"] if match["time"].count(":") > 1 else match["time"] + ":00"
    fraction = (match["fraction"] or "")[:_MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0")
    zone = match["zone"] or "Z"
    offset = "+00:00" if zone in "Zz" else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    moment = datetime.fromisoformat(f"{match['day']}T{time}.{fraction}{offset}")
    return moment.astimezone(timezone.utc)


def ticks_of(text: str) -> int:
    """The moment in ticks since the year 1, as .NET counts: ten of them are a microsecond.

    Raises:
        ValueError: the text is not a moment.
    """
    moment = parse_instant(text).replace(microsecond=0)
    match = _INSTANT.match(text.strip())
    fraction = (match["fraction"] or "") if match else ""
    ticks = int(fraction[:_TICK_DIGITS].ljust(_TICK_DIGITS, "0"))
    return _TICKS_BEFORE_1970 + int(moment.timestamp()) * _TICKS_A_SECOND + ticks


def format_instant(moment: datetime) -> str:
    """The moment in UTC as ``YYYY-MM-DDTHH:MM:SS[.ffffff]Z``."""
    text = moment.astimezone(timezone.utc).isoformat()
    return text.replace("+00:00", "Z")


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(timezone.utc)
