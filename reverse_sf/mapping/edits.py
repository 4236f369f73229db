"""Single changes to the text of a ``sync.yml``, everything else of which stays as it is. Pure.

Each function takes the text and gives the new one. Whether the new one is sound is the check's to
say (``reverse_sf.mapping.check``); here it is only written as a person would have written it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from reverse_sf.errors import UsageError
from reverse_sf.mapping.lines import plain
from reverse_sf.mapping.yaml_layout import append, dumped, flow, laid_out_as, put_tail, take_tail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.definition import Direction, SyncRule

_STEP = re.compile(r"([A-Za-z_]+)|\[(\d{1,6})\]")


@dataclass(frozen=True)
class FieldEdit:
    """One field pair as a person filled it in.

    Attributes:
        choices: YAML, one line per SPOTIO choice; blank for none.
        omit_on_create: not sent when a record is created.
        truncate: a text that is too long is cut.
        strict: what does not fit is parked, never made to fit.
        normal_form: phones and e-mails are compared by their normal form.
    """

    spotio: str
    salesforce: str
    rule: SyncRule
    choices: str = ""
    omit_on_create: bool = False
    truncate: bool = False
    strict: bool = False
    normal_form: bool = False

    def settings(self) -> Iterator[tuple[str, Any, Any]]:
        """Key, value and what holds where the key is absent."""
        yield "spotio", self.spotio, None
        yield "salesforce", self.salesforce, None
        yield "rule", self.rule.value, None
        yield "on_create", "omit" if self.omit_on_create else "send", "send"
        yield "conversion", "strict" if self.strict else "kind", "kind"
        yield "truncate", self.truncate, False
        yield "compare", "normal_form" if self.normal_form else "exact", "exact"


def with_field(text: str, path: str, edit: FieldEdit) -> str:
    """Change a field pair.

    Args:
        text: of the file.
        path: of the field pair, such as ``objects[0].fields[2]``.
        edit: what it is to be.

    Raises:
        UsageError: there is no such field pair, or the choices are no YAML.
    """
    yaml, document = _loaded(text)
    entry = _at(document, path)
    below = take_tail(entry)
    for key, value, default in edit.settings():
        _put(entry, key, value, default)
    _put_choices(entry, _read_choices(edit.choices))
    put_tail(entry, below)
    return dumped(yaml, document)


def with_new_field(text: str, path: str, edit: FieldEdit) -> str:
    """Add a field pair to an object mapping, below those that are there.

    Raises:
        UsageError: there is no such object mapping, or the choices are no YAML.
    """
    yaml, document = _loaded(text)
    pair = _at(document, path)
    entry = CommentedMap()
    for key, value, default in edit.settings():
        if value != default:
            entry[key] = value
    choices = _read_choices(edit.choices)
    if choices:
        entry["choices"] = choices
    else:
        entry.fa.set_flow_style()
    if pair.get("fields"):
        append(pair["fields"], [entry])
    else:
        below = take_tail(pair)
        pair["fields"] = CommentedSeq([entry])
        put_tail(pair, below)
    return dumped(yaml, document)


def without_field(text: str, path: str) -> str:
    """Take a field pair out; comment lines above and below it stay.

    Raises:
        UsageError: there is no such field pair.
    """
    yaml, document = _loaded(text)
    _at(document, path)
    around, _, last = path.rpartition("[")
    fields, at = _at(document, around, CommentedSeq), int(last.rstrip("]"))
    first, end = fields.lc.item(at)[0], _last_line(fields[at], fields.lc.item(at)[0])
    lines = text.splitlines(keepends=True)
    del fields[at]
    cut = "".join([*lines[:first], *lines[end + 1 :]])
    # Taking lines out keeps every comment; where the entry is laid out otherwise, it is not so.
    return cut if _says(cut, plain(document)) else dumped(yaml, document)


def with_direction(text: str, path: str, direction: Direction, *, enabled: bool) -> str:
    """Switch a direction of an object mapping on or off.

    Raises:
        UsageError: there is no such object mapping.
    """
    yaml, document = _loaded(text)
    pair = _at(document, path)
    settings = pair.get(direction.value)
    if isinstance(settings, CommentedMap):
        _put(settings, "enabled", enabled, None if "enabled" in settings else False)
    elif enabled:
        below = take_tail(pair)
        pair[direction.value] = flow({"enabled": True})
        put_tail(pair, below)
    return dumped(yaml, document)


def with_rule(text: str, path: str, rule: SyncRule) -> str:
    """Change the rule of an address, an owner or a parent.

    Raises:
        UsageError: there is none at the path.
    """
    yaml, document = _loaded(text)
    entry = _at(document, path)
    below = take_tail(entry)
    _put(entry, "rule", rule.value, None if "rule" in entry else "salesforce_only")
    put_tail(entry, below)
    return dumped(yaml, document)


def choices_text(text: str, path: str) -> str:
    """The choices of a field pair as lines that a person may edit; comments are left out."""
    _, document = _loaded(text)
    choices = _at(document, path).get("choices")
    if not choices:
        return ""
    lines = CommentedMap({key: _flowing(value) for key, value in plain(choices).items()})
    return dumped(laid_out_as(""), lines)


def _loaded(text: str) -> tuple[YAML, Any]:
    yaml = laid_out_as(text)
    return yaml, yaml.load(text)


def _at(document: Any, path: str, kind: type = CommentedMap) -> Any:
    node = document
    steps = [] if _STEP.sub("", path).strip(".") else _STEP.findall(path)
    try:
        for name, number in steps:
            node = node[int(number)] if number else node[name]
    except (LookupError, TypeError):
        node = None
    if not steps or not isinstance(node, kind):
        raise UsageError(f"the definition has no {path}: load the page again")
    return node


def _put(entry: CommentedMap, key: str, value: Any, default: Any) -> None:
    """Set what is different, so that what is not keeps its quotes; drop what needs no saying."""
    if entry.get(key, default) == value:
        return
    if value == default:
        del entry[key]
    else:
        entry[key] = value


def _put_choices(entry: CommentedMap, new: CommentedMap | None) -> None:
    old = entry.get("choices")
    if not new:
        if "choices" in entry:
            del entry["choices"]
        return
    if not isinstance(old, CommentedMap):
        entry["choices"] = new
        if entry.fa.flow_style():
            new.fa.set_flow_style()
        return
    kept = [key for key in old if key in new]
    if list(new)[: len(kept)] != kept:
        # Another order: the first of two that share a value is the one that is written back.
        if old.fa.flow_style():
            new.fa.set_flow_style()
        entry["choices"] = new
        return
    for key in [one for one in old if one not in new]:
        del old[key]
    for key, value in new.items():
        if key not in old or plain(old[key]) != plain(value):
            old[key] = value


def _read_choices(text: str) -> CommentedMap | None:
    """Choices as a person typed them.

    Raises:
        UsageError: they are no lines of ``SPOTIO choice: Salesforce value``.
    """
    if not text.strip():
        return None
    try:
        read = YAML(typ="rt").load(text)
    except YAMLError:
        read = None
    if not isinstance(read, CommentedMap):
        raise UsageError("choices are lines such as Hot: Hot, SPOTIO's choice first")
    return CommentedMap({key: _flowing(value) for key, value in read.items()})


def _flowing(value: Any) -> Any:
    if isinstance(value, list):
        value = CommentedSeq(value)
        value.fa.set_flow_style()
    return value


def _last_line(node: Any, line: int) -> int:
    """The last line, counted from 0, that a node is known to be on."""
    if isinstance(node, CommentedMap):
        places = [*(node.lc.data or {}).values()]
        found: list[int] = [place[at] for place in places for at in (0, 2) if len(place) > at]
        found += [_last_line(one, line) for one in node.values()]
    elif isinstance(node, CommentedSeq):
        found = [place[0] for place in (node.lc.data or {}).values()]
        found += [_last_line(one, line) for one in node]
    else:
        found = []
    return max([line, *found])


def _says(text: str, wanted: Any) -> bool:
    try:
        return bool(plain(YAML(typ="rt").load(text)) == wanted)
    except YAMLError:
        return False
