"""What a person says with ``reverse-sf link --choose``, and what the ledger keeps of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reverse_sf.errors import UsageError
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Side
from reverse_sf.matching.table import match

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.cli.populations import Pair
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.matching.table import Item, Matching

NEW = "new"
_NAMES = {Side.SALESFORCE: "Salesforce", Side.SPOTIO: "SPOTIO"}
_OTHER = {Side.SALESFORCE: Side.SPOTIO, Side.SPOTIO: Side.SALESFORCE}


class Choices(msgspec.Struct):
    """All that was said in one command, of whichever pair.

    Attributes:
        pairs: Salesforce Id to SPOTIO id.
        alone: by side, the records that have no counterpart.
    """

    pairs: dict[str, str] = {}
    alone: dict[Side, set[str]] = {}


def choices_of(words: Sequence[str]) -> Choices:
    """Read the options.

    Raises:
        UsageError: one is no pair of ids, or a record is named twice.
    """
    said = Choices(alone={side: set() for side in Side})
    named: set[str] = set()
    for one in words:
        left, equals, right = (part.strip() for part in one.partition("="))
        if not equals or not left or not right or left == right == NEW:
            raise UsageError(
                f"--choose wants SALESFORCE_ID=SPOTIO_ID, SALESFORCE_ID={NEW} or {NEW}=SPOTIO_ID,"
                f" not {one!r}"
            )
        own = canon.record_id(left)
        ids = {each for each in (own, right) if each != NEW}
        if named & ids:
            raise UsageError(f"--choose names a record twice: {one}")
        named |= ids
        if right == NEW:
            said.alone[Side.SALESFORCE].add(own)
        elif left == NEW:
            said.alone[Side.SPOTIO].add(right)
        else:
            said.pairs[own] = right
    return said


def refuse_unknown(said: Choices, pairs: Sequence[Pair]) -> None:
    """Refuse a record that no pair has.

    Raises:
        UsageError: naming the first one.
    """
    of_side = {Side.SALESFORCE: set(said.pairs), Side.SPOTIO: set[str]()}
    for side, named in of_side.items():
        there = {one.id for pair in pairs for one in _items(pair, side)}
        for wrong in sorted((named | said.alone[side]) - there):
            raise UsageError(f"no pair has a {_NAMES[side]} record {wrong}: check --choose")


def matched(pair: Pair, ledger: Ledger | None, said: Choices) -> Matching:
    """Match a pair, with the links that the ledger knows and what people have said of it.

    Raises:
        UsageError: a chosen record is not there, or has a counterpart already.
    """
    known = ledger.links_of_pair(pair.name) if ledger is not None else []
    to_spotio = {one.salesforce_id: one.spotio_id for one in known if one.spotio_id}
    to_salesforce = {one.spotio_id: one.salesforce_id for one in known if one.salesforce_id}
    for item in pair.salesforce:
        item.partner = to_spotio.get(item.id)
    for item in pair.spotio:
        item.partner = to_salesforce.get(item.id)
    salesforce = {one.id: one for one in pair.salesforce}
    spotio = {one.id: one for one in pair.spotio}
    own = {one: other for one, other in said.pairs.items() if one in salesforce}
    for one, other in own.items():
        if other not in spotio:
            raise UsageError(f"{pair.name} has no SPOTIO record {other}: check --choose")
        for item in (salesforce[one], spotio[other]):
            if item.partner is not None and item.partner not in (one, other):
                raise UsageError(f"{item.id} is linked to {item.partner} already: check --choose")
    paired = {Side.SALESFORCE: set(own), Side.SPOTIO: set(own.values())}
    for side in Side:
        pair.alone[side] = _alone(pair, side, ledger, said, paired[side])
    undecided = {one: other for one, other in own.items() if salesforce[one].partner is None}
    alone = frozenset(pair.alone[Side.SALESFORCE] | pair.alone[Side.SPOTIO])
    return match(pair.salesforce, pair.spotio, pair.keys.rules, undecided, alone)


def keep(ledger: Ledger, run_id: str, pair: Pair, said: Choices) -> None:
    """Write to the ledger what was said of a pair's records."""
    paired = {Side.SALESFORCE: set(said.pairs), Side.SPOTIO: set(said.pairs.values())}
    for side in Side:
        named = sorted(said.alone[side] & pair.alone[side])
        if named:
            ledger.set_alone(run_id, pair.name, side, named)
        if paired[side]:
            ledger.drop_alone(pair.name, side, sorted(paired[side]))


def _alone(
    pair: Pair, side: Side, ledger: Ledger | None, said: Choices, paired: set[str]
) -> set[str]:
    """The records of a side that have no counterpart, by what was said now or earlier.

    A record that carries the other's id contradicts it: now it is an error, and of what was said
    earlier the id is the newer word.

    Raises:
        UsageError: a record that is named now has a counterpart.
    """
    ties = _ties(_items(pair, side), _items(pair, _OTHER[side]))
    items = {one.id: one for one in _items(pair, side)}
    now = said.alone[side] & items.keys()
    for one in sorted(now):
        partner = items[one].partner
        if partner is not None:
            raise UsageError(f"{one} is linked to {partner} already: check --choose")
        if one in ties:
            raise UsageError(
                f"{one} cannot be new: by their external ids it is {ties[one]}; take the id out of"
                " the record that carries it first"
            )
    earlier = ledger.alone(pair.name, side) & items.keys() if ledger is not None else set[str]()
    kept = {one for one in earlier - paired if items[one].partner is not None or one not in ties}
    return now | kept


def _ties(own: Sequence[Item], others: Sequence[Item]) -> Mapping[str, str]:
    """By record, one of the other side that it names, or that names it."""
    own_ids, other_ids = {one.id for one in own}, {one.id for one in others}
    ties = {one.id: one.names for one in own if one.names in other_ids and one.names}
    ties.update({one.names: one.id for one in others if one.names in own_ids and one.names})
    return ties


def _items(pair: Pair, side: Side) -> Sequence[Item]:
    return pair.salesforce if side is Side.SALESFORCE else pair.spotio
