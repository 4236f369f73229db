"""The name of a link, and why a record without a counterpart is not given one."""

from __future__ import annotations

import hashlib

from reverse_sf.mapping.definition import Side

ALREADY_LINKED = "already_linked"
"""Reason of a record parked because its counterpart belongs to another link."""
AMBIGUOUS = "ambiguous_match"
"""Reason of a record parked because several match: it is not created until a person chose."""
DOUBTS = frozenset({ALREADY_LINKED, AMBIGUOUS})
"""Reasons that bar the creation of a counterpart, in whichever direction."""
NOT_THERE = "the record that it names is not there"
"""Why a link is decided again that has forgotten its counterpart: by the match rules now."""
UNKNOWN_OUTCOME = "unknown_outcome"
"""Reason of a record parked because a create toward Salesforce had no answer."""
WAY_OUT = (
    "edit the record, or say with reverse-sf link --choose which one it is (ID=new: none), then run"
    " reverse-sf link --apply"
)
"""What a person does about a doubt."""


def link_id_of(pair: str, record_id: str, side: Side = Side.SALESFORCE) -> str:
    """Name the link of a record first seen on a side.

    Deterministic, so that a child can name its parent's link before the parent was seen.
    """
    return hashlib.blake2b(f"{pair}|{side.value}|{record_id}".encode(), digest_size=16).hexdigest()
