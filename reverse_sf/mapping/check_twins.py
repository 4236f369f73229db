"""Two pairs that share a record and each think that their own side rules: they would never rest.

One Salesforce record can be linked to a SPOTIO record of two types, and one SPOTIO record to two
sObjects. Where both partners are to win the same field of the record that they share, each run
of the one undoes what the other has written.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from reverse_sf.mapping.definition import Side, SyncRule
from reverse_sf.mapping.problem import Problem, error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.definition import DirectionSettings, ObjectMapping, SyncDefinition

_RULED_BY_SPOTIO = frozenset({SyncRule.SPOTIO_ONLY, SyncRule.SPOTIO_UNLESS_BLANK})
_RULED_BY_SALESFORCE = frozenset({SyncRule.SALESFORCE_ONLY, SyncRule.SALESFORCE_UNLESS_BLANK})
_OWNER = "the owner"
_PARENT = "the parent"
_ADDRESS = "the address"


def twin_problems(definition: SyncDefinition) -> Iterator[Problem]:
    """Every field that two pairs would write in turns."""
    for one, other in combinations(definition.objects, 2):
        if definition.conversion_of(one) is other or definition.conversion_of(other) is one:
            # The link of a converted lead moves from the one to the other: never both at a time.
            continue
        for shared in (Side.SALESFORCE, Side.SPOTIO):
            if _record(one, shared) == _record(other, shared) and one.name != other.name:
                yield from _turns(one, other, shared)


def _turns(one: ObjectMapping, other: ObjectMapping, shared: Side) -> Iterator[Problem]:
    into = [_into(pair, shared) for pair in (one, other)]
    out_of = [_out_of(pair, shared) for pair in (one, other)]
    if not all(way.enabled for way in into) or not any(
        way.enabled and way.create for way in out_of
    ):
        # What does not write cannot take turns, and what creates nothing never shares a record.
        return
    apart = _apart(*out_of)
    first, second = _ruled(one, shared), _ruled(other, shared)
    for name in first.keys() & second.keys():
        make = warning if apart else error
        left, right = _partner(one, shared), _partner(other, shared)
        when = " once it has passed the conditions of both" if apart else ""
        yield make(
            second[name],
            f"a record of {_record(one, shared)} that is linked to {left} and to {right}{when}"
            f" never comes to rest: both are to rule {name}, so {left} writes x, {right} writes y,"
            f" {left} writes x, and so on",
            "let one of the two rule: set two_way, or a rule of the other side, in one of them",
        )


def _into(pair: ObjectMapping, shared: Side) -> DirectionSettings:
    return pair.to_salesforce if shared is Side.SALESFORCE else pair.to_spotio


def _out_of(pair: ObjectMapping, shared: Side) -> DirectionSettings:
    return pair.to_spotio if shared is Side.SALESFORCE else pair.to_salesforce


def _record(pair: ObjectMapping, shared: Side) -> str:
    return pair.salesforce if shared is Side.SALESFORCE else pair.spotio


def _partner(pair: ObjectMapping, shared: Side) -> str:
    return pair.spotio if shared is Side.SALESFORCE else pair.salesforce


def _apart(one: DirectionSettings, other: DirectionSettings) -> bool:
    """Whether no record passes the conditions of both at one time."""
    conditions = {criterion.name: set(criterion.values) for criterion in one.only_when}
    return any(
        conditions[criterion.name].isdisjoint(criterion.values)
        for criterion in other.only_when
        if criterion.name in conditions
    )


def _ruled(pair: ObjectMapping, shared: Side) -> dict[str, str]:
    """Fields of the shared record that the partner's side rules, and where that is said."""
    rules = _RULED_BY_SPOTIO if shared is Side.SALESFORCE else _RULED_BY_SALESFORCE
    found: dict[str, str] = {}
    for mapping in pair.fields:
        if mapping.rule in rules:
            name = mapping.salesforce if shared is Side.SALESFORCE else mapping.spotio
            found[name] = f"{mapping.path}.rule"
    if pair.owner is not None and pair.owner.rule in rules:
        found[_OWNER] = pair.owner.path
    if pair.parent is not None and pair.parent.rule in rules:
        name = pair.parent.salesforce if shared is Side.SALESFORCE else _PARENT
        found[name] = pair.parent.path
    if pair.address is not None and pair.address.rule in rules:
        if shared is Side.SALESFORCE:
            found.update(dict.fromkeys(pair.address.components.values(), pair.address.path))
        else:
            found[_ADDRESS] = pair.address.path
    return found
