"""The digest of what a definition says: equal where it says the same, whatever its layout."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import Field

    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition

_LAYOUT = frozenset({"path", "source", "fingerprint", "lines"})
_UNORDERED = frozenset({"fields", "only_when", "values", "usernames"})
# Where two choices name one Salesforce value, the first is written: their order says something.
_ORDERED_MAPPINGS = frozenset({"choices"})


def fingerprint(said: ObjectMapping | SyncDefinition) -> str:
    """Sixteen bytes of BLAKE2b in hexadecimal.

    Comments, layout, the order of fields and of conditions do not count; the order of choices does.
    What is as it is by default does not count either: a setting that a newer version brings leaves
    the digests of definitions that do not use it as they were.
    """
    spelled = json.dumps(_said(said), sort_keys=True, ensure_ascii=True)
    return blake2b(spelled.encode(), digest_size=16).hexdigest()


def _said(value: Any, name: str = "") -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {
            one.name: _said(getattr(value, one.name), one.name)
            for one in fields(value)
            if one.name not in _LAYOUT and not _is_default(one, getattr(value, one.name))
        }
    if isinstance(value, dict):
        return _mapping(value, name)
    if isinstance(value, (list, tuple)):
        said = [_said(one) for one in value]
        return sorted(said, key=json.dumps) if name in _UNORDERED else said
    return value


def _is_default(one: Field[Any], value: Any) -> bool:
    return one.default is not MISSING and bool(one.default == value)


def _mapping(value: Mapping[str, Any], name: str) -> Any:
    if name in _ORDERED_MAPPINGS:
        return [[key, _said(one)] for key, one in value.items()]
    return {key: _said(one) for key, one in value.items()}
