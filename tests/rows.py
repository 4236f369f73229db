"""The rows of the specification that a test must bear, and the account of them after a run.

A test bears a row through ``@pytest.mark.row("C3-08 two_way")``; ``{course}`` in a row's name
stands for the test's parameter of that name. After a run every row is listed; a run of the whole
suite fails where a row has no passing test.
"""

from __future__ import annotations

from collections import defaultdict
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROPERTY = "row"
RULES = (
    "salesforce_only",
    "salesforce_unless_blank",
    "two_way",
    "do_not_sync",
    "spotio_only",
    "spotio_unless_blank",
    "manual",
    "union",
)
DIRECTIONS = ("to_spotio", "to_salesforce")
SIDES = ("S", "P")


def _fields() -> Iterator[str]:
    """Table C.3, and "On create", "Owner on update"."""
    for number in range(1, 15):
        for rule in RULES:
            yield f"C3-{number:02d} {rule}"
    for direction in DIRECTIONS:
        yield f"C2 absent, {direction}: read before it is overruled"
    yield "C3-08 two_way, spotio newer"
    yield "C3-08 two_way, salesforce newer"
    yield "C3-08 two_way, tie"
    yield "C3-12 salesforce_only, clear at go-live"
    yield "C1 settled difference: settle"
    yield "C1 settled difference: adopt"
    for direction in DIRECTIONS:
        for rule in RULES:
            yield f"create {direction} {rule}"
        yield f"create {direction}, a choice set to do not sync"
        yield f"create {direction}, on_create omit"
        yield f"create {direction}, owner unknown"
        yield f"owner on update {direction}, unknown"
    yield "create to_salesforce, required and not sent"


def _records() -> Iterator[str]:
    """Table C.4: candidates, deletions, stops, selective sync."""
    yield "C4 0 candidates"
    yield "C4 1 candidate, unlinked"
    yield "C4 1 candidate, unlinked, named by Salesforce only"
    yield "C4 1 candidate, unlinked, named by SPOTIO only"
    yield "C4 0 candidates, the named record is gone"
    yield "C4 1 candidate, linked to another record"
    yield "C4 2 or more candidates"
    for side in SIDES:
        for policy in ("ignore", "unlink", "delete", "archive"):
            yield f"C4 {side} deleted, {policy}"
            yield f"C4 {side} deleted, {policy}, other changed"
        yield f"C4 {side} deleted, delete, other changed, resurrect"
        yield f"C4 {side} undeleted"
        yield f"C4 {side} missing from a partial listing"
        yield f"C4 {side} hard delete"
    yield "C4 both deleted"
    yield "C4 S merge loser, winner unlinked"
    yield "C4 S merge loser, winner linked"
    yield "C4 P merge loser"
    yield "C4 lead converted"
    yield "C4 lead converted, target linked"
    yield "C4 stop: one side empty"
    yield "C4 stop: deletes above a count"
    yield "C4 stop: deletes above a percentage"
    yield "C4 stop: every linked record changed"
    yield "C4 definition changed"
    for direction in DIRECTIONS:
        yield f"C4 {direction} unlinked, source in scope"
        yield f"C4 {direction} unlinked, source out of scope"
        yield f"C4 {direction} linked, source in scope"
        yield f"C4 {direction} linked, source out of scope"
        yield f"C4 {direction} leaves scope in this change"
        yield f"C4 {direction} re-enters scope"


ROWS: tuple[str, ...] = (*_fields(), *_records())


def rows_of(item: Any) -> list[str]:
    """The rows that a collected test bears."""
    told = getattr(item, "callspec", None)
    values = {name: _word(value) for name, value in told.params.items()} if told else {}
    return [text.format_map(values) for mark in item.iter_markers("row") for text in mark.args]


def _word(value: Any) -> str:
    value = getattr(value, "direction", value)
    return str(value.value) if isinstance(value, Enum) else str(value)


class Account:
    """What a run has shown of each row."""

    def __init__(self, passed: Iterable[Any], failed: Iterable[Any]) -> None:
        self.passed = _count(passed)
        self.failed = _count(failed)

    @property
    def missing(self) -> list[str]:
        """Rows that no test has shown to be kept."""
        return [row for row in ROWS if row in self.failed or row not in self.passed]

    @property
    def ran(self) -> bool:
        """Whether any test of this run bears a row."""
        return bool(self.passed or self.failed)

    def lines(self) -> Iterator[str]:
        """One line per row."""
        for row in ROWS:
            state = "failed" if row in self.failed else "passed" if row in self.passed else "-"
            number = self.passed.get(row, 0) + self.failed.get(row, 0)
            yield f"{state:>6}  {row}" + (f"  ({number} tests)" if number > 1 else "")


def _count(reports: Iterable[Any]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == PROPERTY:
                found[value] += 1
    return dict(found)
