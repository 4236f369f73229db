"""Selective sync: ``only_when`` compiled to a predicate that can say why it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.kinds import Kind, salesforce_kind
from reverse_sf.mapping.values import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.mapping.definition import Criterion
    from reverse_sf.mapping.describe import SalesforceField


@dataclass(frozen=True)
class _Condition:
    name: str
    accepted: frozenset[tuple[bool, Any]]
    texts: frozenset[str]
    words: str
    several: bool

    def holds(self, value: Any) -> bool:
        if type(value) is str:
            if value in self.texts:
                return True
            value = canon.text(value)
        if _key(value) in self.accepted:
            return True
        if self.several and isinstance(value, (str, list, tuple)):
            return any(_key(part) in self.accepted for part in canon.choices(value) or ())
        return False


def _key(value: Any) -> tuple[bool, Any]:
    """In Python True equals 1; here a checkbox is not a number."""
    if isinstance(value, list):
        value = tuple(value)
    return isinstance(value, bool), value


@dataclass(frozen=True)
class Criteria:
    """All conditions of one direction; every one must hold."""

    conditions: tuple[_Condition, ...]

    def __call__(self, image: Mapping[str, Any]) -> bool:
        """Whether a record with this image takes part."""
        for one in self.conditions:  # noqa: SIM110 - all() with a generator takes twice as long
            if not one.holds(image.get(one.name)):
                return False
        return True

    def refusal(self, image: Mapping[str, Any]) -> str | None:
        """Why a record does not take part, as a sentence; ``None`` where it does.

        An absent field fails like a blank one, and the sentence says that it was absent.
        """
        for one in self.conditions:
            value = image.get(one.name, UNSET)
            if value is UNSET:
                if not one.holds(None):
                    return f"{one.name} was not read, so it is not known to be {one.words}"
            elif not one.holds(value):
                return f"{one.name} is {_shown(value)}, not {one.words}"
        return None


def compile_criteria(
    criteria: Sequence[Criterion], fields: Mapping[str, SalesforceField] | None = None
) -> Criteria:
    """Compile the conditions of a direction.

    Args:
        criteria: the conditions; none at all lets every record take part.
        fields: facts of the fields, if known. A field that is not known to be something else is
            taken for a multi-select where its value has a semicolon.
    """
    return Criteria(tuple(_condition(one, (fields or {}).get(one.name)) for one in criteria))


def _condition(criterion: Criterion, field: SalesforceField | None) -> _Condition:
    values = [canon.text(one) if isinstance(one, str) else one for one in criterion.values]
    listed = ", ".join(_shown(one) for one in values)
    return _Condition(
        name=criterion.name,
        accepted=frozenset(_key(one) for one in values),
        texts=frozenset(one for one in values if isinstance(one, str)),
        words=listed if len(values) == 1 else f"one of {listed}",
        several=field is None or not field.stated or salesforce_kind(field.type) is Kind.CHOICES,
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    blank = value is None or (isinstance(value, str) and not value.strip())
    return "blank" if blank else str(value)
