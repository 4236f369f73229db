"""What a sync's ledger is told and asked around a target, whichever way it writes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from reverse_sf.ledger.rows import Run
from reverse_sf.ledger.store import Ledger

if TYPE_CHECKING:
    from typing_extensions import Self

    from reverse_sf.mapping.definition import Direction
    from reverse_sf.simulator.local import LocalServer

numbers = itertools.count(1)


@dataclass
class LedgerOfSync:
    """Runs in one ledger.

    Attributes:
        server: what the target writes to.
        ledger_uri: of this test's ledger.
        config: settings of the target.
        states: the last STATE lines that the target wrote.
        messages: what the mapper has emitted in this run.
    """

    server: LocalServer
    ledger_uri: str
    config: dict[str, Any] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    run_id: str = ""

    direction: ClassVar[Direction]

    def begin(self) -> Self:
        """Begin a run as the mapper does: lease, run, nothing emitted yet."""
        self.run_id = f"run-{next(numbers)}"
        self.messages = []
        run = Run(
            run_id=self.run_id,
            direction=self.direction,
            started_at="2026-11-23T12:00:00Z",
            definition_fingerprint="f",
            holder="test",
        )
        with Ledger.open(self.ledger_uri) as ledger:
            ledger.begin_run(run, ttl_seconds=60)
        return self

    def parked(self) -> dict[tuple[str, str], str]:
        """Reasons of withheld work, by link id and key."""
        with Ledger.open(self.ledger_uri) as ledger:
            return {(row.link_id, row.key): row.reason for row in ledger.parked_rows()}

    def counts(self) -> dict[str, int]:
        """Tallies of the current run over all pairs."""
        tallies: dict[str, int] = {}
        with Ledger.open(self.ledger_uri) as ledger:
            for count in ledger.counts(self.run_id):
                tallies[count.counter] = tallies.get(count.counter, 0) + count.number
        return tallies
