"""The table of candidates (``semantics.md``, C.4): when two records are linked, and when nobody is.

Rules are tried in order, and the first one that finds anything decides. A rule finds by keys that
two records share, it must be unique on both sides, and it counts every record: one that is linked
already, or doubtful by an earlier rule, is a candidate that nobody else can have. All records are
judged by one rule before the next one is tried, so neither their order nor the side they are on
makes a difference.
"""

from __future__ import annotations

from collections import defaultdict
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from reverse_sf.mapping.definition import MatchRule, Side
from reverse_sf.matching.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

MOST_LISTED = 10
"""Candidates that are listed; a person who has to choose among more needs another rule."""

CHOSEN = "chosen by hand"
"""Stands as the rule where a person named the pair, or said that there is none."""


class Outcome(str, Enum):
    """What a record's candidates come to; the value is what the report says."""

    LINKED = "linked before"
    """The ledger links it already; the link is kept."""
    MATCHED = "matched"
    """One candidate, unlinked, and no other that has it too: they are linked."""
    AMBIGUOUS = "ambiguous"
    """Several candidates, or one that several have: never linked and never created."""
    TAKEN = "already linked"
    """One candidate, and it is linked to another record: never created."""
    UNMATCHED = "unmatched"
    """No candidate by any rule: it may be created."""


DOUBTFUL = frozenset({Outcome.AMBIGUOUS, Outcome.TAKEN})
"""What bars a record from being created until a person decides."""


class Item(msgspec.Struct, gc=False):
    """One record to be matched.

    Attributes:
        id: its id.
        label: its name, for people.
        keys: by rule, in order.
        names: the other side's record whose id it carries.
        partner: the other side's record that the ledger links it to; empty for one that is gone.
    """

    id: str
    label: str
    keys: Keys
    names: str | None = None
    partner: str | None = None


class Finding(msgspec.Struct, gc=False):
    """What one record came to.

    Attributes:
        outcome: the row of the table.
        rule: the rule that decided; empty where none did.
        candidates: ids of the other side, sorted, not all where there are very many.
        rivals: ids of its own side that have the same single candidate, sorted likewise.
        more: not all candidates or rivals are listed.
    """

    outcome: Outcome
    rule: str = ""
    candidates: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    more: bool = False


class Matching(msgspec.Struct):
    """What all records of both sides came to, by id."""

    salesforce: dict[str, Finding]
    spotio: dict[str, Finding]

    def of(self, side: Side) -> dict[str, Finding]:
        """The findings of a side."""
        return self.salesforce if side is Side.SALESFORCE else self.spotio

    @property
    def pairs(self) -> list[tuple[str, str, str]]:
        """New pairs: Salesforce Id, SPOTIO id, rule."""
        return [
            (salesforce_id, one.candidates[0], one.rule)
            for salesforce_id, one in self.salesforce.items()
            if one.outcome is Outcome.MATCHED
        ]


def outcome_of(candidates: int, *, linked: bool, unique: bool) -> Outcome:
    """The row of the table.

    Args:
        candidates: how many there are, by the first rule that finds any.
        linked: the only candidate is linked to another record.
        unique: the only candidate may be had: no other record has it too, and no earlier rule left
            it in doubt.
    """
    if candidates == 0:
        return Outcome.UNMATCHED
    if candidates > 1:
        return Outcome.AMBIGUOUS
    if linked:
        return Outcome.TAKEN
    return Outcome.MATCHED if unique else Outcome.AMBIGUOUS


def match(
    salesforce: Sequence[Item],
    spotio: Sequence[Item],
    rules: Sequence[str],
    chosen: Mapping[str, str] | None = None,
    alone: AbstractSet[str] = frozenset(),
) -> Matching:
    """Match the records of both sides.

    Args:
        salesforce: all records of Salesforce that are there, linked ones too.
        spotio: all records of SPOTIO that are there, linked ones too.
        rules: names of the rules that the items' keys belong to, in order.
        chosen: pairs that a person named, by Salesforce Id; both sides unlinked.
        alone: records of either side that a person said to have no counterpart: they match nobody,
            and they are nobody's candidate.
    """
    chosen = chosen or {}
    left = _Half(salesforce, chosen, alone)
    right = _Half(spotio, {other: one for one, other in chosen.items()}, alone)
    _by_external_id(left, right)
    for at, rule in enumerate(rules):
        _by_rule(rule, left, right, at)
    return Matching(left.findings(), right.findings())


class _Half:
    """One side: its records, and what is known of them so far."""

    def __init__(
        self, items: Sequence[Item], chosen: Mapping[str, str], alone: AbstractSet[str]
    ) -> None:
        self.items = items
        self.alone = alone
        self.ids = {one.id for one in items}
        self.found: dict[str, Finding] = {}
        self.taken: set[str] = set()
        """Ids that are linked, or carry the id of a record that is not there."""
        for one in items:
            if one.partner is not None:
                kept = (one.partner,) if one.partner else ()
                self.found[one.id] = Finding(Outcome.LINKED, candidates=kept)
                self.taken.add(one.id)
            elif one.id in chosen:
                self.found[one.id] = Finding(Outcome.MATCHED, CHOSEN, (chosen[one.id],))
                self.taken.add(one.id)
            elif one.id in alone:
                self.found[one.id] = Finding(Outcome.UNMATCHED, CHOSEN)

    def findings(self) -> dict[str, Finding]:
        """By id, in the order of the records."""
        unmatched = Finding(Outcome.UNMATCHED)
        return {one.id: self.found.get(one.id, unmatched) for one in self.items}


def _by_external_id(left: _Half, right: _Half) -> None:
    """Either record names the other; whoever names a record that is not there is nobody's match."""
    _settle(MatchRule.EXTERNAL_ID.value, _named(left, right), _named(right, left), left, right)
    for half, other in ((left, right), (right, left)):
        half.taken.update(
            one.id for one in half.items if one.names is not None and one.names not in other.ids
        )
        for one in half.items:
            if one.id in half.taken:
                half.found.setdefault(one.id, Finding(Outcome.UNMATCHED, "external_id"))


def _named(half: _Half, other: _Half) -> dict[str, _Group]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in half.items:
        if one.names in other.ids:
            found[one.id].add(one.names)
    for one in other.items:
        if one.names in half.ids:
            found[one.names].add(one.id)
    return {key: _group(ids) for key, ids in found.items()}


class _Group(msgspec.Struct, gc=False):
    """Some ids, the smallest first, and whether there are more."""

    ids: tuple[str, ...]
    more: bool = False


def _group(ids: Iterable[str]) -> _Group:
    ordered = sorted(ids)
    return _Group(tuple(ordered[:MOST_LISTED]), len(ordered) > MOST_LISTED)


def _by_rule(rule: str, left: _Half, right: _Half, at: int) -> None:
    of_left, of_right = _index(left, at), _index(right, at)
    for key in [key for key in of_left if key not in of_right]:
        del of_left[key]
    for key in [key for key in of_right if key not in of_left]:
        del of_right[key]
    _settle(rule, _sharing(left, of_right, at), _sharing(right, of_left, at), left, right)


def _index(half: _Half, at: int) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for one in half.items:
        for key in one.keys[at] if one.id not in half.alone else ():
            index.setdefault(key, []).append(one.id)
    return index


def _sharing(half: _Half, index: Mapping[str, list[str]], at: int) -> dict[str, _Group]:
    """The candidates of each record; each key's records are put in order once, never per record."""
    groups: dict[str, _Group] = {}
    found: dict[str, _Group] = {}
    for one in half.items:
        shared = [key for key in one.keys[at] if key in index]
        for key in shared:
            if key not in groups:
                groups[key] = _group(index[key])
        if len(shared) == 1:
            found[one.id] = groups[shared[0]]
        elif shared:
            every = _group({each for key in shared for each in groups[key].ids})
            every.more = every.more or any(groups[key].more for key in shared)
            found[one.id] = every
    return found


def _settle(
    rule: str,
    of_left: Mapping[str, _Group],
    of_right: Mapping[str, _Group],
    left: _Half,
    right: _Half,
) -> None:
    """Judge all records by one rule, from what was known before it."""
    decided = [
        (half, half_id, _finding(rule, half_id, mine, theirs, other))
        for half, other, mine, theirs in (
            (left, right, of_left, of_right),
            (right, left, of_right, of_left),
        )
        for half_id in mine
        if half_id not in half.found
    ]
    for half, half_id, finding in decided:
        half.found[half_id] = finding
        if finding.outcome is Outcome.MATCHED:
            half.taken.add(half_id)


def _finding(
    rule: str,
    record_id: str,
    mine: Mapping[str, _Group],
    theirs: Mapping[str, _Group],
    other: _Half,
) -> Finding:
    group = mine[record_id]
    only = group.ids[0]
    back = theirs[only]
    outcome = outcome_of(
        len(group.ids),
        linked=only in other.taken,
        unique=len(back.ids) == 1 and only not in other.found,
    )
    if outcome is not Outcome.AMBIGUOUS or len(group.ids) > 1:
        return Finding(outcome, rule, group.ids, more=group.more)
    rivals = tuple(one for one in back.ids if one != record_id)
    return Finding(outcome, rule, group.ids, rivals, back.more)
