"""Instants as the database keeps them: text whose order is the order of time."""

from __future__ import annotations

import re
from datetime import datetime, timezone


def stamp(instant: datetime) -> str:
    """An instant as it is stored: UTC with milliseconds and ``Z``, so that text order is time."""
    return instant.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{instant.microsecond // 1000:03d}Z"
    )


def parse_instant(text: str) -> datetime:
    """An ISO 8601 date-time with a zone, to the millisecond.

    Raises:
        ValueError: it is none, or names no zone.
    """
    match = re.match(r"^([\dT:-]{19})(\.\d+)?(Z|[+-]\d{2}:?\d{2})$", text.upper())
    if match is None:
        raise ValueError(f"not a date-time with a zone: {text!r}")
    zone = match[3].replace("Z", "+00:00")
    zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    instant = datetime.fromisoformat(match[1] + zone).astimezone(timezone.utc)
    return instant.replace(microsecond=int((match[2] or ".0")[1:4].ljust(3, "0")) * 1000)
