"""A plan: every write that a run would make, as a value that can be kept, reviewed and carried out.

``reverse-sf plan`` makes it from a rehearsal on a copy of the ledger; the mapper's setting
``plan_file`` keeps a run to it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Direction
from reverse_sf.merge.envelope import Action

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = 1
COLLECTION = 200
"""Records in a call of Salesforce's sObject Collections."""
MANY = 70
"""Records in a call that reads SPOTIO records by their ids."""


class PlannedField(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One value of a planned write.

    Attributes:
        key: the field, as the ledger and ``sync.yml`` name it.
        new: what would be written.
        old: what the destination holds by the last look; absent on create.
        rule: the field's sync rule.
        row: of the truth table.
        overrules: a person's value goes to the conflict journal.
    """

    key: str
    new: Any = None
    old: Any = msgspec.UNSET
    rule: str = ""
    row: str = ""
    overrules: bool = False


class PlannedWrite(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One operation that a run would send.

    Attributes:
        operation_id: deterministic: the same decision, made later, has the same id.
        action: what would be done to the record.
        stream: the destination's stream.
        pair: the object mapping.
        link_id: the link.
        salesforce_id: where known.
        spotio_id: where known.
        row: of the record-level table, where the record is decided as a whole.
        fields: what would be written.
        sent_before: an earlier run sent this very operation and never learnt its outcome.
    """

    operation_id: str
    action: Action
    stream: str
    pair: str
    link_id: str
    salesforce_id: str | None = None
    spotio_id: str | None = None
    row: str = ""
    fields: list[PlannedField] = []
    sent_before: bool = False


class DirectionPlan(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a run in one direction would do.

    Attributes:
        direction: which.
        writes: in the order in which they would go out.
        parked: what it would withhold, counted by reason.
    """

    direction: Direction
    writes: list[PlannedWrite] = []
    parked: dict[str, int] = {}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the next run of each direction would do.

    Attributes:
        version: of this format.
        made_at: UTC.
        definition_fingerprint: of the sync definition that decided.
        salesforce_org: the org that the ledger belongs to, where it has one.
        spotio_company: the company that the ledger belongs to, where it has one.
        directions: one plan each, in the order in which they run.
    """

    version: int
    made_at: str
    definition_fingerprint: str
    salesforce_org: str | None
    spotio_company: str | None
    directions: list[DirectionPlan]

    @property
    def writes(self) -> int:
        """How many operations it holds."""
        return sum(len(one.writes) for one in self.directions)

    def of(self, direction: Direction) -> DirectionPlan:
        """The plan of a direction; an empty one where it was not planned."""
        found = (one for one in self.directions if one.direction is direction)
        return next(found, DirectionPlan(direction=direction))


class Selection(msgspec.Struct, frozen=True):
    """The part of a plan that keeps a run to it.

    Attributes:
        record_ids: of the source's records.
        link_ids: of their links.
    """

    record_ids: frozenset[str]
    link_ids: frozenset[str]

    def takes(self, record: msgspec.Raw) -> bool:
        """Whether a tap's record is one of the plan's."""
        return id_of(record) in self.record_ids


class _Identified(msgspec.Struct):
    """A record of either tap, as far as it says which one it is."""

    Id: str | None = None
    id: str | None = None


_decode_identified = msgspec.json.Decoder(_Identified).decode


def id_of(record: msgspec.Raw) -> str:
    """Id of a record of either tap."""
    seen = _decode_identified(record)
    return str(canon.record_id(seen.Id or seen.id or ""))


def selection_of(plan: DirectionPlan) -> Selection:
    """Which records and links a run that carries out a plan may decide."""
    to_spotio = plan.direction is Direction.TO_SPOTIO
    ids = (one.salesforce_id if to_spotio else one.spotio_id for one in plan.writes)
    return Selection(
        frozenset(one for one in ids if one), frozenset(one.link_id for one in plan.writes)
    )


def calls_of(plan: DirectionPlan) -> int:
    """About how many requests the writes of a plan cost: guard, write and read-back.

    Salesforce takes 200 records a call (sObject Collections). SPOTIO changes one record a call and
    is read 70 a call. What a tap reads is not counted: it reads that in any case.
    """
    if plan.direction is Direction.TO_SALESFORCE:
        return sum(
            calls * math.ceil(number / COLLECTION)
            for action, number in _counted(plan.writes)
            for calls in (2 if action is Action.CREATE else 3,)
        )
    guarded = sum(one.action is not Action.CREATE for one in plan.writes)
    return len(plan.writes) + math.ceil(guarded / MANY)


def _counted(writes: Iterable[PlannedWrite]) -> list[tuple[Action, int]]:
    number: dict[tuple[str, Action], int] = {}
    for one in writes:
        number[one.stream, one.action] = number.get((one.stream, one.action), 0) + 1
    return [(action, count) for (_, action), count in number.items()]
