"""The truth tables of a linked record's field, as tables (``semantics.md``, section C.3).

Rows stand in the order of the specification. The tables of ``spotio_only`` and
``spotio_unless_blank`` are not written down a second time: they are the mirror images of the two
Salesforce rules.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from typing_extensions import assert_never

from reverse_sf.mapping.definition import SyncRule
from reverse_sf.mapping.values import is_blank


class Row(str, Enum):
    """The rows of truth table C.3, and the two cases that C.2 settles before it."""

    ABSENT = "C2-absent"
    AGREED = "C3-01"
    SETTLED = "C3-02"
    ONLY_SALESFORCE = "C3-03"
    ONLY_SALESFORCE_CLEARED = "C3-04"
    ONLY_SPOTIO = "C3-05"
    ONLY_SPOTIO_SALESFORCE_BLANK = "C3-06"
    ONLY_SPOTIO_CLEARED = "C3-07"
    BOTH = "C3-08"
    BOTH_SALESFORCE_BLANK = "C3-09"
    BOTH_SPOTIO_BLANK = "C3-10"
    NO_BASE = "C3-11"
    NO_BASE_SALESFORCE_BLANK = "C3-12"
    NO_BASE_SPOTIO_BLANK = "C3-13"
    UNDEFINED = "C3-14"


class Cell(Enum):
    """What a cell of table C.3 says; a name with ``OVER`` is a cell with ``*``."""

    NOTHING = "nothing"
    REBASE = "rebase"
    S = "S"
    S_OVER = "S *"
    P = "P"
    P_OVER = "P *"
    KEEP = "keep P, mark settled (option: clear)"
    NEWER_OR_TIE = "newer *, unknown -> tie"
    NEWER_OR_FILLED = "newer *, unknown -> the non-blank side"
    INITIAL = "initial policy *"
    PARK = "park"
    UNION = "what either side has added or taken away"


C = Cell

TABLE: dict[Row, tuple[Cell, Cell, Cell]] = {
    # row                          Salesforce only  unless blank  two-way most recent
    Row.AGREED: (C.REBASE, C.REBASE, C.REBASE),
    Row.SETTLED: (C.NOTHING, C.NOTHING, C.NOTHING),
    Row.ONLY_SALESFORCE: (C.S, C.S, C.S),
    Row.ONLY_SALESFORCE_CLEARED: (C.S, C.S, C.S),
    Row.ONLY_SPOTIO: (C.S_OVER, C.S_OVER, C.P),
    Row.ONLY_SPOTIO_SALESFORCE_BLANK: (C.S_OVER, C.P, C.P),
    Row.ONLY_SPOTIO_CLEARED: (C.S_OVER, C.S_OVER, C.P),
    Row.BOTH: (C.S_OVER, C.S_OVER, C.NEWER_OR_TIE),
    Row.BOTH_SALESFORCE_BLANK: (C.S_OVER, C.P_OVER, C.NEWER_OR_FILLED),
    Row.BOTH_SPOTIO_BLANK: (C.S_OVER, C.S_OVER, C.NEWER_OR_FILLED),
    Row.NO_BASE: (C.S_OVER, C.S_OVER, C.INITIAL),
    Row.NO_BASE_SALESFORCE_BLANK: (C.KEEP, C.P, C.P),
    Row.NO_BASE_SPOTIO_BLANK: (C.S, C.S, C.S),
}

_MANUAL_ROWS = frozenset({Row.BOTH, Row.BOTH_SALESFORCE_BLANK, Row.BOTH_SPOTIO_BLANK, Row.NO_BASE})

_SETTLED_ROWS = {Row.AGREED, Row.SETTLED, Row.NO_BASE_SALESFORCE_BLANK, Row.NO_BASE_SPOTIO_BLANK}
_BESIDE_TWO_WAY: dict[SyncRule, tuple[Cell, frozenset[Row]]] = {
    SyncRule.MANUAL: (Cell.PARK, _MANUAL_ROWS),
    SyncRule.UNION: (Cell.UNION, frozenset(TABLE) - _SETTLED_ROWS),
}
"""Two rules that are two-way but for one cell and the rows that it stands in."""


def cell_of(rule: SyncRule, row: Row, spotio: Any) -> Cell:
    """Look up the cell of a rule; the mirror rules read the mirrored row and swap the sides."""
    salesforce_only, unless_blank, two_way = TABLE[row]
    match rule:
        case SyncRule.SALESFORCE_ONLY:
            return salesforce_only
        case SyncRule.SALESFORCE_UNLESS_BLANK:
            return unless_blank
        case SyncRule.TWO_WAY:
            return two_way
        case SyncRule.DO_NOT_SYNC:
            return Cell.NOTHING
        case SyncRule.SPOTIO_ONLY | SyncRule.SPOTIO_UNLESS_BLANK:
            column = 0 if rule is SyncRule.SPOTIO_ONLY else 1
            mirrored = TABLE[_mirror(row, spotio)][column]
            return _MIRRORED_CELLS.get(mirrored, mirrored)
        case SyncRule.MANUAL | SyncRule.UNION:
            cell, rows = _BESIDE_TWO_WAY[rule]
            return cell if row in rows else two_way
        case _:
            assert_never(rule)


OVERRULES = frozenset(
    {
        Cell.S_OVER,
        Cell.P_OVER,
        Cell.KEEP,
        Cell.NEWER_OR_TIE,
        Cell.NEWER_OR_FILLED,
        Cell.INITIAL,
    }
)

_MIRRORED_CELLS = {
    Cell.S: Cell.P,
    Cell.P: Cell.S,
    Cell.S_OVER: Cell.P_OVER,
    Cell.P_OVER: Cell.S_OVER,
}

_MIRRORED_ROWS = {
    Row.ONLY_SALESFORCE_CLEARED: Row.ONLY_SPOTIO_CLEARED,
    Row.ONLY_SPOTIO_CLEARED: Row.ONLY_SALESFORCE_CLEARED,
    Row.ONLY_SPOTIO: Row.ONLY_SALESFORCE,
    Row.ONLY_SPOTIO_SALESFORCE_BLANK: Row.ONLY_SALESFORCE,
    Row.BOTH_SALESFORCE_BLANK: Row.BOTH_SPOTIO_BLANK,
    Row.BOTH_SPOTIO_BLANK: Row.BOTH_SALESFORCE_BLANK,
    Row.NO_BASE_SALESFORCE_BLANK: Row.NO_BASE_SPOTIO_BLANK,
    Row.NO_BASE_SPOTIO_BLANK: Row.NO_BASE_SALESFORCE_BLANK,
}


def _mirror(row: Row, spotio: Any) -> Row:
    """Name the row that the same facts stand in when the sides change places."""
    if row is Row.ONLY_SALESFORCE:
        return Row.ONLY_SPOTIO_SALESFORCE_BLANK if is_blank(spotio) else Row.ONLY_SPOTIO
    return _MIRRORED_ROWS.get(row, row)
