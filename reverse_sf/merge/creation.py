"""What travels when a record is created, and what wins where it turns out to exist already.

A sync rule says which side takes precedence when a field is *updated*; a new record has no value
that could take precedence. So every rule but ``do_not_sync`` sends the field (``semantics.md``,
"On create"), and rows 11 to 13 decide once matching finds that the record is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.definition import DEFAULT_POLICY, Policy, Side, SyncRule
from reverse_sf.mapping.values import is_blank
from reverse_sf.merge.tables import Cell, Row, cell_of

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import FieldMapping

_SPOTIO_RULES = frozenset({SyncRule.SPOTIO_ONLY, SyncRule.SPOTIO_UNLESS_BLANK})


def is_sent_on_create(field: FieldMapping, created: Side) -> bool:
    """Say whether a field is part of the record that is created on a side.

    ``on_create: omit`` keeps a field from being sent to the side that rules it; the ruling side
    itself always sends.
    """
    if field.rule is SyncRule.DO_NOT_SYNC:
        return False
    if not field.omit_on_create:
        return True
    ruling = Side.SPOTIO if field.rule in _SPOTIO_RULES else Side.SALESFORCE
    return created is not ruling


def wins_on_link(
    rule: SyncRule, value: Any, created: Side, policy: Policy = DEFAULT_POLICY
) -> bool:
    """Say whether a sent value replaces whatever an already existing record holds (rows 11-13).

    True only where the sender wins over a blank and over a value alike: the target knows nothing of
    rules. Any other field keeps the destination's value and is decided once that value is known.

    Args:
        rule: the field's sync rule.
        value: the sender's value.
        created: the side that was to be created.
        policy: the administrator's choices.
    """
    sender = Side.SPOTIO if created is Side.SALESFORCE else Side.SALESFORCE
    if is_blank(value):
        return False
    over_value = cell_of(rule, Row.NO_BASE, value)
    return _side(over_value, policy) is sender and fills(rule, value, created, policy)


def fills(rule: SyncRule, value: Any, written: Side, policy: Policy = DEFAULT_POLICY) -> bool:
    """Say whether a value fills a blank of the other side that was never settled (rows 12, 13).

    Args:
        rule: the field's sync rule.
        value: the sender's value.
        written: the side that is blank.
        policy: the administrator's choices.
    """
    sender = Side.SPOTIO if written is Side.SALESFORCE else Side.SALESFORCE
    cell = cell_of(rule, blank_row(written), value)
    return not is_blank(value) and _side(cell, policy) is sender


def blank_row(written: Side) -> Row:
    """The row of a field without a base that is blank on a side."""
    if written is Side.SPOTIO:
        return Row.NO_BASE_SPOTIO_BLANK
    return Row.NO_BASE_SALESFORCE_BLANK


def _side(cell: Cell, policy: Policy) -> Side | None:
    if cell is Cell.INITIAL:
        return policy.initial
    if cell in {Cell.S, Cell.S_OVER}:
        return Side.SALESFORCE
    return Side.SPOTIO if cell in {Cell.P, Cell.P_OVER} else None
