"""A proposal as YAML, and ``sync.yml`` with the proposal in it, comments kept. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.yaml_layout import append, dumped, flow, laid_out_as, put_tail, take_tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.mapping.automap import FieldProposal, Proposal

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
    yaml = laid_out_as(before)
    document = yaml.load(before)
    if document.get("objects") is None:
        document["objects"] = CommentedSeq()
    objects = document["objects"]
    if not isinstance(objects, CommentedSeq):
        raise ConfigurationError("objects: is not a list, so nothing can be added to it")
    if proposal.existing:
        pair = next(
            one
            for one in objects
            if (one.get("spotio"), one.get("salesforce")) == (proposal.spotio, proposal.salesforce)
        )
        _extend(pair, proposal)
    else:
        append(objects, [_pair(proposal, to_spotio=to_spotio, to_salesforce=to_salesforce)])
    return dumped(yaml, document)


def proposal_text(proposal: Proposal, *, to_spotio: bool = True, to_salesforce: bool = True) -> str:
    """The proposal alone, to be pasted under ``objects:`` or, of a pair that is there, into it."""
    yaml = laid_out_as(_HEAD)
    if not proposal.existing:
        pair = _pair(proposal, to_spotio=to_spotio, to_salesforce=to_salesforce)
        return _indented(dumped(yaml, CommentedSeq([pair])))
    pair = CommentedMap()
    _extend(pair, proposal)
    return (
        "".join(f"    {line}\n" if line else "\n" for line in dumped(yaml, pair).splitlines())
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
    pair["to_spotio"] = flow({"enabled": to_spotio})
    pair["to_salesforce"] = flow({"enabled": to_salesforce})
    if proposal.external_id:
        pair["salesforce_external_id"] = proposal.external_id
    match = ["external_id"]
    if any(one.because == "role Email" for one in proposal.fields):
        match.append("email")
    pair["match"] = CommentedSeq(match)
    pair["match"].fa.set_flow_style()
    if proposal.owner and any(proposal.owner):
        named = zip(("spotio_default", "salesforce_default"), proposal.owner, strict=True)
        pair["owner"] = flow({key: value for key, value in named if value})
    if proposal.parent:
        pair["parent"] = flow({"salesforce": proposal.parent[0], "spotio": proposal.parent[1]})
    pair["fields"] = CommentedSeq(map(_field, proposal.fields))
    if proposal.address:
        pair["address"] = _address(proposal.address)
    return pair


def _extend(pair: Any, proposal: Proposal) -> None:
    fields = pair.get("fields")
    below = take_tail(pair)
    if fields is not None:
        append(fields, map(_field, proposal.fields))
    elif proposal.fields:
        pair["fields"] = CommentedSeq(map(_field, proposal.fields))
    if proposal.parent:
        pair["parent"] = flow({"salesforce": proposal.parent[0], "spotio": proposal.parent[1]})
    if proposal.address:
        pair["address"] = _address(proposal.address)
    put_tail(pair, below)


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
