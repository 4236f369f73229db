"""YAML files that belong to a person: changed in one place, and otherwise left as they are."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.tokens import CommentToken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_INDENTS = ((2, 4, 2), (2, 2, 0), (4, 4, 2), (4, 6, 4), (4, 4, 0))
"""Of mappings, of sequences, and of the dash within them: how people lay out YAML."""


def laid_out_as(text: str) -> YAML:
    """A reader and writer that lays out as a text does, so that what is there stays as it is."""
    for indents in _INDENTS:
        yaml = _yaml(*indents)
        if dumped(yaml, yaml.load(text)) == text:
            return _yaml(*indents)
    return _yaml(*_INDENTS[0])


def _yaml(mapping: int, sequence: int, offset: int) -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
    return yaml


def dumped(yaml: YAML, document: Any) -> str:
    """The text of a document."""
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def flow(said: Mapping[str, Any]) -> CommentedMap:
    """A mapping on one line."""
    found = CommentedMap(said)
    found.fa.set_flow_style()
    return found


def append(listed: CommentedSeq, new: Iterable[Any]) -> None:
    """Add to a list; comment lines that stand below the list stay below it."""
    below = take_tail(listed)
    listed.extend(new)
    put_tail(listed, below)


def _last(node: Any) -> tuple[Any, Any, int] | None:
    """The innermost last entry of a block: what holds it, its key, and its comment's slot."""
    if isinstance(node, CommentedMap) and node:
        key, slot = next(reversed(node)), 2
    elif isinstance(node, CommentedSeq) and node:
        key, slot = len(node) - 1, 0
    else:
        return None
    value = node[key]
    if isinstance(value, (CommentedMap, CommentedSeq)) and not value.fa.flow_style():
        return _last(value) or (node, key, slot)
    return node, key, slot


def take_tail(node: Any) -> str:
    """The comment lines below a block, taken off: ruamel hangs them on the block's last entry.

    A comment on the entry's own line stays with it.
    """
    at = _last(node)
    if at is None:
        return ""
    holder, key, slot = at
    tokens = holder.ca.items.get(key)
    token = tokens[slot] if tokens and len(tokens) > slot else None
    if token is None or not isinstance(token.value, str):
        return ""
    own, newline, below = token.value.partition("\n")
    if not below:
        return ""
    if own.strip():
        token.value = own + newline
    else:
        tokens[slot] = None
    return below


def put_tail(node: Any, below: str) -> None:
    """Put what :func:`take_tail` took below a block again."""
    at = _last(node)
    if not below or at is None:
        return
    holder, key, slot = at
    tokens = holder.ca.items.setdefault(key, [None, None, None, None])
    if tokens[slot] is None:
        tokens[slot] = CommentToken(f"\n{below}", CommentMark(0), None)
    else:
        tokens[slot].value = tokens[slot].value.rstrip("\n") + f"\n{below}"
