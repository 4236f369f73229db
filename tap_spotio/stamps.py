"""Time stamps of records: UTC with six digits, so that they compare as texts."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from reverse_sf.spotio.instants import parse_instant

_DIGITS = 6
_UTC = "+00:00"


def stamp_of(moment: datetime) -> str:
    """A moment as ``YYYY-MM-DDTHH:MM:SS.ffffffZ``."""
    text = moment.astimezone(timezone.utc).isoformat(timespec="microseconds")
    return text.replace(_UTC, "Z")


def stamp(told: Any) -> str | None:
    """A moment as SPOTIO writes it, as a stamp; None for none.

    Raises:
        ValueError: it is not a moment.
    """
    if not told:
        return None
    text = str(told)
    digits = text[20:-6]
    if text[-6:] == _UTC and text[10:11] == "T" and text[19:20] == "." and digits.isdigit():
        return f"{text[:20]}{digits[:_DIGITS]:0<6}Z"
    return stamp_of(parse_instant(text))
