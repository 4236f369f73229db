"""When two values of a record key are one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from target_spotio.operations import ADDRESS, OWNER, PARENT

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLACE_DIGITS = 6


def same(key: str, one: Any, other: Any, scope: Any = None) -> bool:
    """Whether two values of a key are one, in canonical form.

    Args:
        key: the record key.
        one: a value.
        other: a value.
        scope: for an address, an object of the components that count.
    """
    if key == ADDRESS:
        names: Iterable[str] = (
            scope if isinstance(scope, dict) else {**(one or {}), **(other or {})}
        )
        return all(
            _component(name, (one or {}).get(name)) == _component(name, (other or {}).get(name))
            for name in names
            if name != "skip_geocoding"
        )
    if key in {OWNER, PARENT}:
        return bool(_reference(one) == _reference(other))
    return bool(canonical(one) == canonical(other))


def canonical(value: Any) -> Any:
    """A value in a form that compares well whatever its type."""
    if isinstance(value, bool):
        return canon.spelling(value)
    if isinstance(value, (list, tuple)):
        return canon.choices(value)
    if isinstance(value, (int, float)):
        return canon.number(None)(value)
    return canon.text(value)


def _component(name: str, value: Any) -> Any:
    if name in {"latitude", "longitude"}:
        return canon.number(_PLACE_DIGITS)(value)
    return canon.text(value)


def _reference(value: Any) -> Any:
    if isinstance(value, dict):
        value = value.get("spotio_id") or value.get("id")
    return canon.text(value)
