"""What a destination field can hold: length, digits and range, compiled from its facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reverse_sf.mapping.kinds import Kind, salesforce_kind
from reverse_sf.mapping.values import Reason, Undefined

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import FieldMapping
    from reverse_sf.mapping.describe import SalesforceField
    from reverse_sf.mapping.workflow import SpotioField

_INT_BOUND = 2**31
_FIRST_DAY = "1700-01-01"
_LAST_DAY = "4000-12-31"


class Limit(Protocol):
    """A canonical value, the value cut to fit, or why it does not fit."""

    @property
    def shortest_refused(self) -> int:
        """Texts shorter than this need not be asked about."""

    def __call__(self, value: Any) -> Any:
        """Judge one canonical, non-blank value."""


@dataclass(frozen=True)
class TextLimit:
    """At most so many characters."""

    longest: int
    cut: bool

    @property
    def shortest_refused(self) -> int:
        """Texts shorter than this need not be asked about."""
        return self.longest + 1

    def __call__(self, value: Any) -> Any:
        """The value, its beginning where cutting is allowed, or why not."""
        if not isinstance(value, str) or len(value) <= self.longest:
            return value
        if self.cut:
            return value[: self.longest].rstrip()
        return Undefined(
            Reason.TOO_LONG,
            f"the text has {len(value)} characters and the field holds {self.longest}; shorten "
            "it, or set truncate: true",
        )


@dataclass(frozen=True)
class NumberLimit:
    """Below a power of ten (digits left of the point), or within 32 bits; the bound is outside."""

    bound: int

    shortest_refused = 0

    def __call__(self, value: Any) -> Any:
        """The value, or why not."""
        if isinstance(value, (int, float)) and abs(value) >= self.bound:
            return Undefined(
                Reason.OUT_OF_RANGE, f"{value} is too large: the field holds less than {self.bound}"
            )
        return value


@dataclass(frozen=True)
class DayLimit:
    """Salesforce's calendar: from 1700-01-01 to 4000-12-31 (SOQL date formats)."""

    shortest_refused = 0

    def __call__(self, value: Any) -> Any:
        """The value, or why not."""
        if _FIRST_DAY <= value[:10] <= _LAST_DAY:
            return value
        return Undefined(
            Reason.OUT_OF_RANGE, f"{value} is outside Salesforce's {_FIRST_DAY} to {_LAST_DAY}"
        )


def spotio_limit(field: SpotioField, mapping: FieldMapping) -> Limit | None:
    """What a SPOTIO field can hold; SPOTIO publishes no limits, so mostly nothing."""
    if field.max_length is None:
        return None
    return TextLimit(field.max_length, mapping.truncate)


def salesforce_limit(field: SalesforceField, mapping: FieldMapping) -> Limit | None:
    """What a Salesforce field can hold, from its describe."""
    kind = salesforce_kind(field.type)
    if kind is Kind.NUMBER:
        if field.type == "int":
            return NumberLimit(min(10 ** (field.digits or 10), _INT_BOUND))
        if field.precision:
            return NumberLimit(10 ** (field.precision - (field.scale or 0)))
        return None
    if kind in {Kind.DATE, Kind.INSTANT}:
        return DayLimit()
    # A picklist's length is that of its longest value; its values are judged as choices.
    if kind is Kind.TEXT and field.length > 0:
        return TextLimit(field.length, mapping.truncate)
    return None
