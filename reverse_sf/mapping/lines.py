"""Where each part of a YAML document stands, and the document as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Lines:
    """Line numbers, counted from 1, by path such as ``objects[0].fields[2].rule``."""

    by_path: Mapping[str, int]

    @classmethod
    def of_document(cls, loaded: Any) -> Lines:
        """From what ruamel.yaml's round-trip loader gives."""
        found: dict[str, int] = {}
        _collect(loaded, "", found)
        return cls(found)

    def of(self, path: str) -> int | None:
        """The line of a path, or of the nearest part of the document around it."""
        while path and path not in self.by_path:
            cut = max(path.rfind("."), path.rfind("["))
            path = path[:cut] if cut > 0 else ""
        return self.by_path.get(path)


def joined(path: str, part: str | int) -> str:
    """A path one step longer."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if path else part


def _collect(node: Any, path: str, found: dict[str, int]) -> None:
    if isinstance(node, CommentedMap):
        for key, value in node.items():
            here = joined(path, str(key))
            # A key that came in by a merge (<<) has no line of its own.
            if key in (node.lc.data or {}):
                found[here] = node.lc.key(key)[0] + 1
            _collect(value, here, found)
    elif isinstance(node, CommentedSeq):
        for at, value in enumerate(node):
            here = joined(path, at)
            if at in (node.lc.data or {}):
                found[here] = node.lc.item(at)[0] + 1
            _collect(value, here, found)


def plain(node: Any) -> Any:
    """A loaded document as plain dicts, lists and scalars; dates as the text they were."""
    if isinstance(node, dict):
        return {
            key if isinstance(key, (bool, int, float)) or key is None else str(key): plain(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [plain(one) for one in node]
    return _scalar(node)


def _scalar(node: Any) -> Any:
    if node is None or isinstance(node, bool):
        return node
    for kind in (str, int, float):
        if isinstance(node, kind):
            return kind(node)
    if isinstance(node, date):
        return node.isoformat()
    # ruamel's own boolean, of a document that keeps how true was spelled.
    return bool(node) if type(node).__name__ == "ScalarBoolean" else str(node)
