"""Who wins one field of a linked pair: the decision function and its truth tables.

The specification is ``semantics.md``, section C.2 (decision function) and C.3 (truth tables). Code
stands in table order; each :class:`Row` has a test that bears its name.

Values that come in are canonical: blank is None, equal values compare equal. ``UNSET`` stands for
a value that was not observed; absent never means blank.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from reverse_sf.mapping.definition import DEFAULT_POLICY, Policy, Side, SyncRule
from reverse_sf.mapping.values import UNSET, Undefined, is_blank
from reverse_sf.merge.evidence import NO_EVIDENCE, newer
from reverse_sf.merge.tables import OVERRULES, Cell, Row, cell_of
from reverse_sf.merge.union import Barred, Merged, united

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.merge.evidence import Evidence


class Kind(str, Enum):
    """What a decision asks for."""

    NOTHING = "nothing"
    REBASE = "rebase"
    """No write; the pair of values becomes the base."""
    WRITE = "write"
    """The winner's value goes to the other side."""
    PARK = "park"
    """Withheld with a reason; the base does not move."""


class Exchange(Protocol):
    """How one field travels: the partial mappings toP and toS, and agreement (section C.1)."""

    @property
    def to_spotio(self) -> Callable[[Any], Any]:
        """Answers SPOTIO's value for a Salesforce value, or ``Undefined``."""

    @property
    def to_salesforce(self) -> Callable[[Any], Any]:
        """Answers Salesforce's value for a SPOTIO value, or ``Undefined``."""

    @property
    def agrees(self) -> Callable[[Any, Any], bool]:
        """Answers ``p E s`` (``toP(s) = p`` or ``toS(p) = s``) for a value of either side."""


class Decision(msgspec.Struct, frozen=True):
    """What is to happen to one field, and the row that says so.

    Attributes:
        kind: what is asked for.
        row: the truth table's row.
        writes: the side that is written; for row ``C3-14`` the side that the winner's value cannot
            be written to.
        value: what is written there, in that side's own terms.
        journal: a user's value is overruled and must be kept first.
        reason: for :attr:`Kind.PARK`, a short stable code.
        message: for :attr:`Kind.PARK`, one sentence that a person can act on.
        because: where the row is ``C3-14``, the row that named the winner.
        both: with the rule ``union``, where both sides are to be written; then nothing is said
            under ``writes`` and ``value``.
    """

    kind: Kind
    row: Row
    writes: Side | None = None
    value: Any = None
    journal: bool = False
    reason: str = ""
    message: str = ""
    because: Row | None = None
    both: Merged | None = None


_MANUAL_MESSAGE = (
    "both sides changed it and the rule is manual: make the two values equal in either system"
)


def same(left: Any, right: Any) -> bool:
    """Say whether two canonical values are one; unlike ``==``, ``True`` is not ``1``."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def decide(
    rule: SyncRule,
    spotio: Any,
    salesforce: Any,
    base: tuple[Any, Any] | None,
    exchange: Exchange,
    *,
    evidence: Evidence = NO_EVIDENCE,
    policy: Policy = DEFAULT_POLICY,
) -> Decision:
    """Decide one field of a linked pair (section C.2).

    Args:
        rule: the field's sync rule.
        spotio: the observed SPOTIO value, canonical, or ``UNSET``.
        salesforce: the observed Salesforce value, canonical, or ``UNSET``.
        base: the SPOTIO and the Salesforce value as stored when the field was last settled.
        exchange: how the field travels.
        evidence: what is known of when each side changed.
        policy: the administrator's choices.
    """
    if spotio is UNSET or salesforce is UNSET:
        return Decision(Kind.NOTHING, Row.ABSENT)
    row = situation(spotio, salesforce, base, exchange)
    if rule is SyncRule.UNION and row not in (Row.AGREED, Row.SETTLED):
        return _united(row, spotio, salesforce, base, exchange)
    cell = cell_of(rule, row, spotio)
    winner = _winner(cell, row, rule, evidence, policy)
    if winner is Kind.PARK:
        return Decision(Kind.PARK, row, reason="manual", message=_MANUAL_MESSAGE)
    if isinstance(winner, Kind):
        return Decision(winner, row)
    if winner is Side.SALESFORCE:
        loser, value = Side.SPOTIO, _carried(exchange.to_spotio, salesforce)
    else:
        loser, value = Side.SALESFORCE, _carried(exchange.to_salesforce, spotio)
    if isinstance(value, Undefined):
        return Decision(
            Kind.PARK,
            Row.UNDEFINED,
            writes=loser,
            reason=value.reason.value,
            message=value.message,
            because=row,
        )
    held = spotio if loser is Side.SPOTIO else salesforce
    return Decision(
        Kind.WRITE,
        row,
        writes=loser,
        value=value,
        journal=cell in OVERRULES or _was_left_standing(held, base, loser),
    )


def _was_left_standing(held: Any, base: tuple[Any, Any] | None, side: Side) -> bool:
    """Whether a value that had no counterpart when it was settled (row 12) is overwritten now.

    It was a person's and never agreed with anything: the first value of the other side ends it.
    """
    if base is None or is_blank(held):
        return False
    settled, across = base if side is Side.SPOTIO else (base[1], base[0])
    return is_blank(across) and same(held, settled)


def _united(
    row: Row, spotio: Any, salesforce: Any, base: tuple[Any, Any] | None, exchange: Exchange
) -> Decision:
    """Decide a multiple choice by the rule ``union``: nobody loses, and both may be written."""
    found = united(spotio, salesforce, base, exchange)
    if isinstance(found, Barred):
        return Decision(
            Kind.PARK,
            Row.UNDEFINED,
            writes=found.toward,
            reason=found.why.reason.value,
            message=found.why.message,
            because=row,
        )
    to_spotio = not same(found.spotio.value, spotio)
    to_salesforce = not same(found.salesforce.value, salesforce)
    if to_spotio and to_salesforce:
        return Decision(Kind.WRITE, row, both=found)
    if to_spotio:
        return Decision(Kind.WRITE, row, writes=Side.SPOTIO, value=found.spotio.value)
    if to_salesforce:
        return Decision(Kind.WRITE, row, writes=Side.SALESFORCE, value=found.salesforce.value)
    return Decision(Kind.REBASE, row)


def situation(
    spotio: Any, salesforce: Any, base: tuple[Any, Any] | None, exchange: Exchange
) -> Row:
    """Name the row of table C.3 that two observed values and their base stand in."""
    if exchange.agrees(spotio, salesforce):
        return Row.AGREED
    spotio_changed = base is None or not same(spotio, base[0])
    salesforce_changed = base is None or not same(salesforce, base[1])
    rows = _ROWS[base is None, spotio_changed, salesforce_changed]
    if is_blank(salesforce):
        return rows[1]
    return rows[2] if is_blank(spotio) else rows[0]


_ROWS: dict[tuple[bool, bool, bool], tuple[Row, Row, Row]] = {
    # no base, SPOTIO changed, Salesforce changed: both filled, Salesforce blank, SPOTIO blank
    (False, False, False): (Row.SETTLED, Row.SETTLED, Row.SETTLED),
    (False, False, True): (
        Row.ONLY_SALESFORCE,
        Row.ONLY_SALESFORCE_CLEARED,
        Row.ONLY_SALESFORCE,
    ),
    (False, True, False): (
        Row.ONLY_SPOTIO,
        Row.ONLY_SPOTIO_SALESFORCE_BLANK,
        Row.ONLY_SPOTIO_CLEARED,
    ),
    (False, True, True): (Row.BOTH, Row.BOTH_SALESFORCE_BLANK, Row.BOTH_SPOTIO_BLANK),
    (True, True, True): (
        Row.NO_BASE,
        Row.NO_BASE_SALESFORCE_BLANK,
        Row.NO_BASE_SPOTIO_BLANK,
    ),
}


def _carried(convert: Any, value: Any) -> Any:
    """Carry a value over; blank is always carried as blank (C.1), whatever a mapping says."""
    return None if is_blank(value) else convert(value)


_FIXED: dict[Cell, Side | Kind] = {
    Cell.NOTHING: Kind.NOTHING,
    Cell.REBASE: Kind.REBASE,
    Cell.S: Side.SALESFORCE,
    Cell.S_OVER: Side.SALESFORCE,
    Cell.P: Side.SPOTIO,
    Cell.P_OVER: Side.SPOTIO,
    Cell.PARK: Kind.PARK,
}


def _winner(
    cell: Cell, row: Row, rule: SyncRule, evidence: Evidence, policy: Policy
) -> Side | Kind:
    """Resolve a cell to the side that wins, or to what happens without a winner."""
    if cell is Cell.KEEP:
        if not policy.clear_at_go_live:
            return Kind.REBASE
        return Side.SPOTIO if rule is SyncRule.SPOTIO_ONLY else Side.SALESFORCE
    if cell is Cell.NEWER_OR_TIE:
        return newer(evidence) or policy.tie
    if cell is Cell.NEWER_OR_FILLED:
        filled = Side.SPOTIO if row is Row.BOTH_SALESFORCE_BLANK else Side.SALESFORCE
        return newer(evidence) or filled
    if cell is Cell.INITIAL:
        return policy.initial
    return _FIXED[cell]
