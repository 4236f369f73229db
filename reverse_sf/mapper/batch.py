"""What one batch has decided: first committed as a whole, then emitted as a whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import Count

if TYPE_CHECKING:
    from msgspec import Raw

    from reverse_sf.ledger.batches import Decisions
    from reverse_sf.mapping.pair import PairConverter

MOST_REASONS = 40
"""Reasons of one pair and counter that are told apart; the rest are counted together."""


class Tally:
    """Counts by pair, counter and reason that were not committed yet."""

    def __init__(self) -> None:
        self._numbers: Counter[tuple[str, str, str]] = Counter()
        self._reasons: dict[tuple[str, str], set[str]] = {}
        self.total: Counter[tuple[str, str, str]] = Counter()

    def add(self, pair: str, counter: str, reason: str = "", number: int = 1) -> None:
        """Count."""
        if reason:
            known = self._reasons.setdefault((pair, counter), set())
            if reason not in known and len(known) >= MOST_REASONS:
                reason = "other reasons"
            known.add(reason)
        self._numbers[pair, counter, reason] += number

    def take(self, run_id: str) -> list[Count]:
        """Hand over what was counted since the last time."""
        counts = [
            Count(run_id=run_id, pair=pair, counter=counter, reason=reason, number=number)
            for (pair, counter, reason), number in self._numbers.items()
        ]
        self.total.update(self._numbers)
        self._numbers.clear()
        return counts


@dataclass(frozen=True)
class RunFacts:
    """What every decision of a run is stamped with.

    Attributes:
        run_id: the run.
        definition_fingerprint: of the whole sync definition, kept with parked work.
    """

    run_id: str
    definition_fingerprint: str


@dataclass
class Batch:
    """The decisions of a batch, and the records that carry them.

    Attributes:
        run: the run's facts.
        now: the moment of this batch, UTC.
        seen_at: when the tap read what is decided here, as far as it says so.
        decisions: what the ledger commits.
        records: by pair name, the records to emit after the commit, in order.
        owners: owners that the records name, with the link.
    """

    run: RunFacts
    now: str
    seen_at: str
    decisions: Decisions
    records: dict[str, tuple[PairConverter, list[Raw]]] = field(default_factory=dict)
    owners: list[tuple[dict[str, Any], str]] = field(default_factory=list)

    def emit(self, pair: PairConverter, record: Raw) -> None:
        """Add a record to emit once the batch is committed."""
        name = pair.mapping.name
        if name not in self.records:
            self.records[name] = (pair, [])
        self.records[name][1].append(record)

    @property
    def is_empty(self) -> bool:
        """Nothing to commit but counts."""
        it = self.decisions
        return not (
            it.links
            or it.images
            or it.renewed
            or it.rebased
            or it.intents
            or it.parked
            or it.unparked
            or it.flagged
            or it.unflagged
            or it.superseded
            or it.conflicts
            or it.issued
            or it.ended
            or it.users
            or it.awaited
            or it.match_keys
        )
