"""A proposal as YAML, and ``sync.yml`` with the proposal in it, comments kept. Pure."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.tokens import CommentToken

from reverse_sf.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.mapping.automap import FieldProposal, Proposal

_INDENTS = ((2, 4, 2), (2, 2, 0), (4, 4, 2), (4, 6, 4), (4, 4, 0))
"""Of mappings, of sequences, and of the dash within them: how people lay out YAML."""
_HEAD = """\
# What this project syncs between Salesforce and SPOTIO, and by which rules.
#   reverse-sf check              checks it against both systems
#   reverse-sf schema             prints its JSON Schema, for completion in an editor

version: 1

objects:
"""


def with_proposal(
    text: str | None, proposal: Proposal, *, to_spotio: bool = True, to_salesforce: bool = True
) -> str:
    """The text of ``sync.yml`` with a proposal in it; all else stays as it is.

    Args:
        text: the file as it is, if there is one.
        proposal: a new pair, or further fields of a pair that is there.
        to_spotio: whether a new pair syncs in this direction.
        to_salesforce: whether a new pair syncs in this direction.

    Raises:
        ConfigurationError: the file holds no list of objects to add to.
    """
    text = text or ""
    before = text if text.strip() else _HEAD
    yaml = _yaml_of(before)
    document = yaml.load(before)
    if document.get("objects") is None:
        document["objects"] = CommentedSeq()
    objects = document["objects"]
    if not isinstance(objects, list):
        raise ConfigurationError("objects: is not a list, so nothing can be added to it")
    if proposal.existing:
        pair = next(
            one
            for one in objects
            if (one.get("spotio"), one.get("salesforce")) == (proposal.spotio, proposal.salesforce)
        )
        _extend(pair, proposal)
    else:
        objects.append(_pair(proposal, to_spotio=to_spotio, to_salesforce=to_salesforce))
    return _dumped(yaml, document)


def proposal_text(proposal: Proposal, *, to_spotio: bool = True, to_salesforce: bool = True) -> str:
    """The proposal alone, to be pasted under ``objects:`` or, of a pair that is there, into it."""
    yaml = _yaml(*_INDENTS[0])
    if not proposal.existing:
        pair = _pair(proposal, to_spotio=to_spotio, to_salesforce=to_salesforce)
        return _indented(_dumped(yaml, CommentedSeq([pair])))
    pair = CommentedMap()
    _extend(pair, proposal)
    return (
        "".join(f"    {line}\n" if line else "\n" for line in _dumped(yaml, pair).splitlines())
        if pair
        else ""
    )


def _indented(text: str) -> str:
    """A list as it stands under ``objects:``; the dumper indents what is below the top only."""
    lines = text.splitlines()
    shift = "" if lines and lines[0].startswith(" ") else "  "
    return "".join(f"{shift}{line}\n" if line else "\n" for line in lines)


def _pair(proposal: Proposal, *, to_spotio: bool, to_salesforce: bool) -> CommentedMap:
    pair = CommentedMap({"spotio": proposal.spotio, "salesforce": proposal.salesforce})
    pair["to_spotio"] = _flow({"enabled": to_spotio})
    pair["to_salesforce"] = _flow({"enabled": to_salesforce})
    if proposal.external_id:
        pair["salesforce_external_id"] = proposal.external_id
    match = ["external_id"]
    if any(one.because == "role Email" for one in proposal.fields):
        match.append("email")
    pair["match"] = CommentedSeq(match)
    pair["match"].fa.set_flow_style()
    if proposal.owner and any(proposal.owner):
        named = zip(("spotio_default", "salesforce_default"), proposal.owner, strict=True)
        pair["owner"] = _flow({key: value for key, value in named if value})
    if proposal.parent:
        pair["parent"] = _flow({"salesforce": proposal.parent[0], "spotio": proposal.parent[1]})
    pair["fields"] = CommentedSeq(map(_field, proposal.fields))
    if proposal.address:
        pair["address"] = _address(proposal.address)
    return pair


def _extend(pair: Any, proposal: Proposal) -> None:
    fields = pair.get("fields")
    below = _take_tail(pair)
    if fields is not None:
        below_fields = _take_tail(fields)
        fields.extend(map(_field, proposal.fields))
        _put_tail(fields, below_fields)
    elif proposal.fields:
        pair["fields"] = CommentedSeq(map(_field, proposal.fields))
    if proposal.parent:
        pair["parent"] = _flow({"salesforce": proposal.parent[0], "spotio": proposal.parent[1]})
    if proposal.address:
        pair["address"] = _address(proposal.address)
    _put_tail(pair, below)


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


def _take_tail(node: Any) -> str:
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


def _put_tail(node: Any, below: str) -> None:
    at = _last(node)
    if not below or at is None:
        return
    holder, key, slot = at
    tokens = holder.ca.items.setdefault(key, [None, None, None, None])
    if tokens[slot] is None:
        tokens[slot] = CommentToken(f"\n{below}", CommentMark(0), None)
    else:
        tokens[slot].value = tokens[slot].value.rstrip("\n") + f"\n{below}"


def _field(one: FieldProposal) -> CommentedMap:
    said = CommentedMap(
        {"spotio": one.spotio, "salesforce": one.salesforce, "rule": one.rule.value}
    )
    if one.omit_on_create:
        said["on_create"] = "omit"
    if one.choices is None:
        said.fa.set_flow_style()
        return said
    said["choices"] = CommentedMap(one.choices)
    left = [
        f"{system} {', '.join(names)}"
        for system, names in (("SPOTIO's", one.open_choices), ("Salesforce's", one.open_values))
        if names
    ]
    if left:
        said.yaml_add_eol_comment(f"not mapped, so parked: {'; '.join(left)}", "choices")
    return said


def _address(components: Mapping[str, str]) -> CommentedMap:
    said = CommentedMap(components)
    # Without coordinates a record would stand nowhere on SPOTIO's map.
    said["skip_geocoding"] = "latitude" in components
    said["rule"] = "salesforce_only"
    return said


def _flow(said: Mapping[str, Any]) -> CommentedMap:
    found = CommentedMap(said)
    found.fa.set_flow_style()
    return found


def _yaml(mapping: int, sequence: int, offset: int) -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
    return yaml


def _yaml_of(text: str) -> YAML:
    """A dumper that lays out as the file does, so that what is there stays as it is."""
    for indents in _INDENTS:
        yaml = _yaml(*indents)
        if _dumped(yaml, yaml.load(text)) == text:
            return _yaml(*indents)
    return _yaml(*_INDENTS[0])


def _dumped(yaml: YAML, document: Any) -> str:
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue()
