"""Absent, blank, undefined: the three things that are not a value, kept apart.

Absent is :data:`UNSET` (the field was not in the message), blank is ``None`` in canonical form (the
field is empty), undefined is :class:`Undefined` (the value has no image on the other side). ``0``
and ``False`` are values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Unset(Enum):
    """Type of :data:`UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET
"""The field is absent: not in the message, so nothing is known of it."""


class Reason(str, Enum):
    """Why a value has no image on the other side; the value is the stable code of parked work."""

    CHOICE_UNMAPPED = "choice_unmapped"
    """The definition maps choices, and not this one."""
    CHOICE_UNKNOWN = "choice_unknown"
    """The destination has no such active choice."""
    DO_NOT_SYNC = "do_not_sync"
    """The definition says that this choice is not to be sent."""
    SEVERAL_VALUES = "several_values"
    """Several choices, where the destination takes one."""
    TOO_LONG = "too_long"
    OUT_OF_RANGE = "out_of_range"
    UNPARSABLE = "unparsable"
    """The text does not spell a value of the destination's type."""
    OWNER_UNKNOWN = "owner_unknown"
    """Nobody on the other side is this user and may own a record."""
    TYPE_MISMATCH = "type_mismatch"
    """The two types do not align, and the field's conversion is strict."""


@dataclass(frozen=True)
class Undefined:
    """A value without an image on the other side.

    Attributes:
        reason: stable code.
        message: one sentence that a person can act on; names the field by the caller's context.
    """

    reason: Reason
    message: str


def is_blank(value: Any) -> bool:
    """Whether a value is null, text that is empty after trimming, or an empty collection.

    The only place that lumps these together. An absent value is not blank: nobody knows what it is.
    """
    if value is None:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return not value
    return False
