"""Canonical forms (C.1): idempotent normalisers, total on every JSON value.

Each takes whatever one of the two systems says and gives the form in which values are compared,
kept and sent: ``None`` for every blank, trimmed NFC text, a number at a scale, ``YYYY-MM-DD``,
``YYYY-MM-DDTHH:MM:SSZ``. What does not spell a value of the type comes back as text, so that
nothing is lost and the caller can see that it is not a value. For every normaliser ``n``:
``n(n(x)) == n(x)``.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any
from unicodedata import is_normalized, normalize

from reverse_sf.mapping.values import is_blank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# No real amount comes near; beyond it a float has no meaningful digits and is_integer() is costly.
_LARGEST = 1e30
_LARGEST_EXACT = Decimal("1e30")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)[T ]00:00(:00(\.0+)?)?(Z|[+-]00:?00)?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d))?(?:\.\d+)?\s?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_ID = re.compile(r"[0-9A-Za-z]{15}|[0-9A-Za-z]{18}", re.ASCII)
_LONG_ID = re.compile(r"[0-9A-Za-z]{18}", re.ASCII)
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_NOT_PHONE = re.compile(r"[^0-9]+", re.ASCII)
_SHORT_ID = 15


def text(value: Any) -> Any:
    """Trimmed, NFC, line ends as line feeds; other scalars as their JSON spelling."""
    if type(value) is not str:
        if value is None:
            return None
        value = spelling(value)
    value = value.strip()
    if value.isascii():
        if "\r" in value:
            value = value.replace("\r\n", "\n").replace("\r", "\n")
        return value or None
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not is_normalized("NFC", value):
        value = normalize("NFC", value).strip()
    return value or None


def spelling(value: Any) -> str:
    """How a value of another type is written as text."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return str(int(value))
    if isinstance(value, (list, tuple, set, frozenset)):
        return ";".join(choices(value) or ())
    if is_blank(value):
        return ""
    return str(value)


def number(scale: int | None) -> Callable[[Any], Any]:
    """A normaliser of numbers that rounds half up to a scale (digits right of the point).

    Args:
        scale: the coarser of the pair's two scales; ``None`` keeps all digits.
    """

    def at_scale(value: Any) -> Any:
        kind = type(value)
        if kind is int or value is None:
            return value
        if kind is not float:
            return _number_from_text(value, scale)
        if not -_LARGEST < value < _LARGEST:
            return text(repr(value))
        if value.is_integer():
            return int(value)
        if scale is None or round(value, scale) == value:
            return value
        return _rounded(Decimal(repr(value)), scale)

    return at_scale


def _number_from_text(value: Any, scale: int | None) -> Any:
    spelled = text(value)
    if spelled is None or not _NUMBER.fullmatch(spelled):
        return spelled
    exact = Decimal(spelled)
    if not -_LARGEST_EXACT < exact < _LARGEST_EXACT:
        return spelled
    return _rounded(exact, scale)


def _rounded(exact: Decimal, scale: int | None) -> int | float:
    if scale is not None and exact != exact.to_integral_value():
        # Decimal's default context keeps 28 digits; a finer step than that cannot be taken.
        step = max(-scale, exact.adjusted() - 26)
        exact = exact.quantize(Decimal(1).scaleb(step), ROUND_HALF_UP)
    if exact == exact.to_integral_value():
        return int(exact)
    near = float(exact)
    return int(near) if near.is_integer() else near


def day(value: Any) -> Any:
    """A date as ``YYYY-MM-DD``; a midnight instant counts as its date, whatever its zone says."""
    if type(value) is not str:
        if value is None:
            return None
        value = spelling(value)
    if len(value) != 10:  # noqa: PLR2004 - the length of YYYY-MM-DD
        value = text(value)
        if value is None:
            return None
        midnight = _MIDNIGHT.fullmatch(value)
        if midnight:
            value = midnight[1]
    try:
        date.fromisoformat(value)
    except ValueError:
        return text(value)
    # Python 3.11 and later also read 2026-W01-1 and 20260105, which no system of ours sends.
    return value if value[4] == "-" and value[7:8] == "-" else text(value)


def instant(value: Any) -> Any:
    """An instant as ``YYYY-MM-DDTHH:MM:SSZ``: UTC, whole seconds, no zone read as UTC.

    Salesforce keeps seconds (its milliseconds are always 000), so finer digits are cut.
    """
    if type(value) is not str:
        if value is None:
            return None
        value = spelling(value)
    if value[-1:] == "Z" and value[10:11] == "T" and value[19:20] in _SECONDS_END:
        seconds = value[:19]
        fraction = value[20:-1]
        if not fraction or (fraction.isascii() and fraction.isdigit()):
            try:
                datetime.fromisoformat(seconds)
            except ValueError:
                return text(value)
            if value[4] == "-" and value[7] == "-" and value[13] == ":" and value[16] == ":":
                return seconds + "Z"
    return _instant(value)


_SECONDS_END = frozenset({".", "Z"})


def _instant(value: str) -> Any:
    spelled = text(value)
    if spelled is None:
        return None
    parts = _INSTANT.fullmatch(spelled)
    if not parts:
        return spelled
    on, minutes, seconds, zone = parts.groups()
    try:
        moment = datetime.fromisoformat(f"{on}T{minutes or '00:00'}:{seconds or '00'}")
        moment = moment.replace(tzinfo=timezone.utc) - _offset(zone)
    except (ValueError, OverflowError):
        return spelled
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _offset(zone: str | None) -> timedelta:
    if not zone or zone == "Z":
        return timedelta()
    sign = -1 if zone[0] == "-" else 1
    return sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))


def choices(value: Any) -> list[str] | None:
    """A multiple choice as a sorted list without repeats; text is read as ``A;B``."""
    if value is None:
        return None
    parts: Iterable[Any]
    if isinstance(value, str):
        parts = value.split(";")
    elif isinstance(value, (list, tuple, set, frozenset)):
        parts = value
    else:
        parts = (value,)
    return sorted({one for one in map(text, parts) if one}) or None


def multipicklist(value: Any) -> str | None:
    """A multi-select picklist as Salesforce spells it, ``A;B``, sorted and without repeats."""
    if type(value) is str and ";" not in value:
        only: str | None = text(value)
        return only
    parts = choices(value)
    return ";".join(parts) if parts else None


def boolean(value: Any) -> Any:
    """True or False, also from the words that people use for them."""
    if value is True or value is False or value is None:
        return value
    if type(value) in {int, float}:
        return bool(value) if value in {0, 1} else text(value)
    spelled = text(value)
    if spelled is None:
        return None
    return _TRUTH.get(spelled.casefold(), spelled)


_TRUTH = {
    **dict.fromkeys(("true", "yes", "1", "y"), True),
    **dict.fromkeys(("false", "no", "0", "n"), False),
}


def record_id(value: Any) -> Any:
    """A Salesforce id with its 18 characters; the checksum makes it safe without regard to case.

    The three characters encode which of the fifteen are capitals, five at a time (Salesforce
    help, "What is the difference between a 15 and an 18 character Record ID?").
    """
    spelled = text(value)
    if spelled is None or len(spelled) != _SHORT_ID or not _ID.fullmatch(spelled):
        return spelled
    suffix = (
        _CHECKSUM[sum(spelled[start + at].isupper() << at for at in range(5))]
        for start in (0, 5, 10)
    )
    return spelled + "".join(suffix)


def salesforce_id(value: Any) -> str | None:
    """A Salesforce id with its 18 characters, or None for what is none.

    For fields in which another system may keep ids of its own.
    """
    found = record_id(value)
    return found if isinstance(found, str) and _LONG_ID.fullmatch(found) else None


def email_form(value: Any) -> Any:
    """An e-mail's normal form, for comparing only: without regard to case."""
    spelled = text(value)
    # ASCII only: folding other letters is not idempotent, and addresses hardly have them.
    return spelled.translate(_LOWER) if spelled else None


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def phone_form(value: Any) -> Any:
    """A phone's normal form, for comparing only: its digits, without leading zeros or a US 1.

    An extension (``x12``, ``ext. 12``) is part of the number.
    """
    spelled = text(value)
    if spelled is None:
        return None
    digits = _NOT_PHONE.sub("", spelled).lstrip("0")
    if len(digits) == 11 and digits[0] == "1":  # noqa: PLR2004 - 1 and the ten digits of a US number
        digits = digits[1:].lstrip("0")
    return digits or spelled


def is_day(value: Any) -> bool:
    """Whether a canonical text is a date, and not what :func:`day` could not read."""
    if not isinstance(value, str) or len(value) != 10:  # noqa: PLR2004 - YYYY-MM-DD
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return value[4] == "-" and value[7] == "-"


def is_instant(value: Any) -> bool:
    """Whether a canonical text is an instant, and not what :func:`instant` could not read."""
    if not isinstance(value, str) or len(value) != 20 or value[19] != "Z":  # noqa: PLR2004 - above
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return value[10] == "T" and value[7] == "-" and value[16] == ":"
