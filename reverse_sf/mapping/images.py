"""The callables behind a conversion: from one end's values to their images on the other end.

Each is specialised for its pair of kinds, because the mapper calls them for every field of every
changed record; the general one serves the pairs that are rare.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.kinds import Kind
from reverse_sf.mapping.values import Reason, Undefined

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.mapping.choices import ChoiceTable
    from reverse_sf.mapping.limits import Limit

    Normaliser = Callable[[Any], Any]
    Converting = Callable[[Any], Any]


@dataclass(frozen=True)
class End:
    """One end of a conversion; ``choices`` maps the other end's choices to this end's."""

    kind: Kind
    canon: Normaliser
    limit: Limit | None
    type: str
    choices: ChoiceTable | None


def converting(source: End, target: End, *, strict: bool) -> Converting:
    """The conversion from one end to the other, as specialised as the pair allows."""
    if target.choices is not None or Kind.CHOICES in {source.kind, target.kind}:
        if source.kind is Kind.CHOICE is target.kind and target.limit is None and target.choices:
            convert = _one_choice(source.canon, target.choices)
        else:
            convert = _by_choices(source, target)
    elif source.kind in _TEXTUAL and target.kind in {Kind.TEXT, Kind.CHOICE}:
        convert = _text(source.canon, target.limit)
    elif source.kind is Kind.NUMBER is target.kind:
        convert = _number(source.canon, target.limit)
    else:
        convert = _general(source, target)
    return _only_own_type(source, convert) if strict else convert


_TEXTUAL = frozenset({Kind.TEXT, Kind.CHOICE, Kind.ID})


def _text(canonical: Normaliser, limit: Limit | None) -> Converting:
    if limit is None:
        return canonical
    shortest_refused = limit.shortest_refused

    def convert(value: Any) -> Any:
        value = canonical(value)
        if value is None or len(value) < shortest_refused:
            return value
        return limit(value)

    return convert


def _number(canonical: Normaliser, limit: Limit | None) -> Converting:
    def convert(value: Any) -> Any:
        value = canonical(value)
        if value is None:
            return None
        if type(value) is str:
            return Undefined(Reason.UNPARSABLE, f"{shown(value)} is not a number")
        return value if limit is None else limit(value)

    return convert


def _one_choice(canonical: Normaliser, table: ChoiceTable) -> Converting:
    known = table.known
    missing = table.missing

    def convert(value: Any) -> Any:
        value = canonical(value)
        if value is None:
            return None
        image = known.get(value)
        return image if image is not None else missing(value)

    return convert


def _by_choices(source: End, target: End) -> Converting:
    table = target.choices

    def map_all(value: Any) -> Any:
        value = source.canon(value)
        if value is None:
            return None
        parts = canon.choices(value) if source.kind is Kind.CHOICES else [canon.text(value)]
        mapped = _mapped(parts or [], table)
        if isinstance(mapped, Undefined):
            return mapped
        if len(mapped) > 1 and target.kind not in {Kind.CHOICES, Kind.TEXT}:
            listed = ", ".join(mapped)
            return Undefined(
                Reason.SEVERAL_VALUES, f"{listed} are several values, and the field takes one"
            )
        return _finished(target, mapped if target.kind is Kind.CHOICES else ";".join(mapped))

    # Combinations of choices are few and come again; taking one apart costs more than all else.
    remembered = lru_cache(_COMBINATIONS)(map_all)

    def convert(value: Any) -> Any:
        image = remembered(value) if type(value) is str else map_all(value)
        # A list of its own for each caller: the remembered one must not be changed.
        return image.copy() if type(image) is list else image

    return convert


_COMBINATIONS = 4096


def _mapped(parts: list[str], table: ChoiceTable | None) -> list[str] | Undefined:
    """The images of all parts; those set to "do not sync" are left out, if others remain."""
    if table is None:
        return parts
    images: list[str] = []
    left_out: Undefined | None = None
    for part in parts:
        image = table(part)
        if not isinstance(image, Undefined):
            images.append(image)
        elif image.reason is Reason.DO_NOT_SYNC:
            left_out = image
        else:
            return image
    return left_out if left_out is not None and not images else images


def _general(source: End, target: End) -> Converting:
    if source.kind is target.kind:
        # One normaliser serves both ends, and it is idempotent.
        return _same_kind(source, target.limit)

    def convert(value: Any) -> Any:
        value = source.canon(value)
        if value is None:
            return None
        if source.kind is Kind.BOOLEAN and target.kind is Kind.NUMBER and type(value) is bool:
            value = int(value)
        return _finished(target, value)

    return convert


def _same_kind(end: End, limit: Limit | None) -> Converting:
    kind, canonical = end.kind, end.canon

    def convert(value: Any) -> Any:
        image = canonical(value)
        if image is None:
            return None
        if not _is_of(kind, image):
            return Undefined(Reason.UNPARSABLE, f"{shown(image)} is not {_A_VALUE_OF[kind]}")
        return image if limit is None else limit(image)

    return convert


def _finished(target: End, value: Any) -> Any:
    image = target.canon(value)
    if not _is_of(target.kind, image):
        return Undefined(Reason.UNPARSABLE, f"{shown(value)} is not {_A_VALUE_OF[target.kind]}")
    return image if target.limit is None else target.limit(image)


def _is_of(kind: Kind, value: Any) -> bool:
    """Whether a normaliser's answer is a value of its kind, and not the text it could not read."""
    if kind is Kind.NUMBER:
        return type(value) is not str
    if kind is Kind.BOOLEAN:
        return type(value) is bool
    if kind is Kind.DATE:
        return canon.is_day(value)
    if kind is Kind.INSTANT:
        return canon.is_instant(value)
    return True


_A_VALUE_OF = {
    Kind.NUMBER: "a number",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date (YYYY-MM-DD, or a date-time at midnight)",
    Kind.INSTANT: "a date-time (YYYY-MM-DDTHH:MM:SSZ)",
}


def _only_own_type(source: End, convert: Converting) -> Converting:
    """Strict: a value must already be of its field's type; a number in text is not a number."""
    spelled = source.kind not in {Kind.NUMBER, Kind.BOOLEAN}
    plain_date = source.kind is Kind.DATE

    def strictly(value: Any) -> Any:
        if value is not None:
            is_text = isinstance(value, (str, list, tuple))
            own = is_text == spelled and (
                spelled or (type(value) is bool) == (source.kind is Kind.BOOLEAN)
            )
            blank = is_text and canon.text(value) is None
            if not blank and (not own or (plain_date and not canon.is_day(canon.text(value)))):
                return Undefined(
                    Reason.UNPARSABLE,
                    f"{shown(value)} is not of the field's own type {source.type}, and its "
                    "conversion is strict",
                )
        return convert(value)

    return strictly


def mismatch(canonical: Normaliser, source_type: str, target_type: str) -> Converting:
    """The conversion between types that do not fit: undefined for all but blank."""
    undefined = Undefined(
        Reason.TYPE_MISMATCH, f"a field of type {source_type} does not fit one of {target_type}"
    )

    def convert(value: Any) -> Any:
        return None if canonical(value) is None else undefined

    return convert


def shown(value: Any) -> str:
    """A value as a message quotes it, shortened."""
    quoted = f"'{value}'" if isinstance(value, str) else str(value)
    longest = 60
    return quoted if len(quoted) <= longest else f"{quoted[: longest - 2]}…'"
