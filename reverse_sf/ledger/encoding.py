"""JSON text as the ledger keeps it, and the moments that it writes itself.

Values are JSON values: a number that came in as ``Decimal`` is kept as a JSON number with all its
digits and read back as ``int`` or ``float``.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(decimal_format="number")
_sorting_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")
_decoder = msgspec.json.Decoder()


def to_text(value: Any) -> str:
    """Encode a JSON value."""
    return _encoder.encode(value).decode()


def from_text(text: str | None) -> Any:
    """Decode what :func:`to_text` wrote; SQL NULL is None."""
    return None if text is None else _decoder.decode(text)


def digest_of(values: dict[str, Any]) -> str:
    """Digest of an image that does not depend on the order of its keys."""
    return hashlib.blake2b(_sorting_encoder.encode(values), digest_size=16).hexdigest()


def moment(at: datetime) -> str:
    """Write an instant as UTC text with milliseconds; such texts sort as the instants do."""
    utc = at.astimezone(timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def later(at: datetime, seconds: float) -> str:
    """Write the instant that lies ``seconds`` after ``at``."""
    return moment(at + timedelta(seconds=seconds))


def sortable(text: str) -> str:
    """Rewrite an ISO 8601 instant so that texts sort as the instants do.

    An instant without an offset is UTC. Text that is no instant is kept: it sorts somewhere, and
    nothing is lost.
    """
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return text
    return moment(at if at.tzinfo else at.replace(tzinfo=timezone.utc))
