"""The tree of a SOQL statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from reverse_sf.simulator.salesforce.soql.tokens import Kind


@dataclass(frozen=True)
class Path:
    """A field, maybe through parents: ``Owner.Email``."""

    parts: tuple[str, ...]
    position: int
    alias: str | None = None

    @property
    def text(self) -> str:
        """As written."""
        return ".".join(self.parts)


@dataclass(frozen=True)
class Call:
    """A function: an aggregate, a date function, ``toLabel``."""

    name: str
    argument: Path | None
    position: int
    alias: str | None = None


@dataclass(frozen=True)
class AllFields:
    """``FIELDS(STANDARD | CUSTOM | ALL)``."""

    which: str
    position: int


@dataclass(frozen=True)
class Child:
    """A parent-to-child subquery in the field list."""

    query: Query
    position: int


@dataclass(frozen=True)
class Literal:
    """A value to compare with; ``WORD`` for null, true, false and date literals."""

    kind: Kind
    text: str
    position: int
    pattern: str = ""
    number: int | None = None
    """The ``n`` of ``LAST_N_DAYS:n``."""

    @property
    def is_null(self) -> bool:
        """Whether it is ``null``."""
        return self.kind is Kind.WORD and self.text.upper() == "NULL"


@dataclass(frozen=True)
class Comparison:
    """``operand operator value``; for IN, NOT IN, INCLUDES and EXCLUDES several values."""

    operand: Path | Call
    operator: str
    values: tuple[Literal, ...]
    position: int


@dataclass(frozen=True)
class SemiJoin:
    """``field [NOT] IN (SELECT …)``."""

    operand: Path
    negated: bool
    query: Query
    position: int


@dataclass(frozen=True)
class Not:
    """``NOT condition``."""

    condition: Condition


@dataclass(frozen=True)
class Junction:
    """Conditions joined by AND or by OR."""

    word: str
    conditions: tuple[Condition, ...]


Condition: TypeAlias = "Comparison | SemiJoin | Not | Junction"
Selected: TypeAlias = "Path | Call | AllFields | Child"


@dataclass(frozen=True)
class Ordering:
    """One ORDER BY entry; nulls come first unless said otherwise."""

    operand: Path | Call
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True)
class Query:
    """A SELECT statement."""

    text: str
    selected: tuple[Selected, ...]
    entity: str
    entity_position: int
    alias: str | None = None
    scope: str | None = None
    where: Condition | None = None
    grouped: tuple[Path | Call, ...] = ()
    having: Condition | None = None
    ordered: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
    others: tuple[tuple[str, str, int], ...] = field(default=())
    """Further names of FROM, ``(relationship path, alias, position)``."""

    @property
    def is_count(self) -> bool:
        """Whether it is ``SELECT COUNT()``."""
        first = self.selected[0]
        return isinstance(first, Call) and first.name == "COUNT" and first.argument is None
