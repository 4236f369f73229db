"""Results on their way into the ledger, committed many at a time."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from reverse_sf.delivery.results import (
    Heading,
    Overruled,
    Result,
    journal_of,
    rows_of,
    spared_by,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Sequence

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.merge.envelope import Envelope

BATCH = 200
"""Results in one commit: what a crash can leave to be looked up again."""
_LOUD_EVERY = 500
_SHOWN = 20


class Outbox:
    """Takes every result once; commits those of decided operations.

    Args:
        ledger: None for a run without one.
        run_id: the mapper's run.
        heading: where the results went.
        logger: of the target.
        complete: completes images before they are kept, such as by what a call did not tell.
    """

    def __init__(
        self,
        ledger: Ledger | None,
        run_id: str,
        heading: Heading,
        logger: logging.Logger,
        complete: Callable[[Ledger, Sequence[Result]], None] = lambda _ledger, _results: None,
    ) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._heading = heading
        self._logger = logger
        self._complete = complete
        self._results: list[Result] = []
        self._foreseen: dict[str, set[str]] = {}
        self._began = time.monotonic()
        self.tally: Counter[str] = Counter()
        self.refused: list[str] = []

    def add(self, result: Result) -> None:
        """Take one result; commits when enough have come together."""
        self.tally[result.counter] += 1
        if result.operation.envelope is None:
            self._note_refusals(result)
        else:
            self._results.append(result)
            if len(self._results) >= BATCH:
                self.flush()
        done = self.tally.total()
        if done % _LOUD_EVERY == 0:
            rate = done / max(time.monotonic() - self._began, 1e-9)
            self._logger.info("%d records done, %.0f per second: %s", done, rate, self.summary())

    def journal(self, foreseen: Sequence[tuple[Envelope, Sequence[Overruled]]]) -> None:
        """Commit the values that links are about to overwrite, before the calls that do it.

        A crash between call and outcome would lose them: the next look finds the new value there.
        """
        if self._ledger is None or not any(ones for _, ones in foreseen):
            return
        self._ledger.journal(journal_of(foreseen, self._run_id, self._heading))
        for envelope, ones in foreseen:
            keys = self._foreseen.setdefault(envelope.operation_id, set())
            keys.update(key for key, _, _ in ones)

    def _note_refusals(self, result: Result) -> None:
        """Without a ledger nothing can be parked: the run has to end with what was refused."""
        for one in result.withheld:
            if len(self.refused) < _SHOWN:
                key = f" {one.key}" if one.key else ""
                operation = result.operation
                self.refused.append(f"{operation.stream} {operation.shown}{key}: {one.message}")
            self.tally["withheld"] += 1

    def flush(self) -> None:
        """Commit everything taken so far, in one transaction."""
        results = self._results
        if not results or self._ledger is None:
            return
        self._complete(self._ledger, results)
        withheld = {
            result.operation.envelope.link_id
            for result in results
            if result.withheld and result.operation.envelope
        }
        attempts = {
            (one.link_id, one.key): one.attempts
            for rows in (self._ledger.parked(sorted(withheld)) if withheld else {}).values()
            for one in rows
            if one.direction is self._heading.direction
        }
        rows = rows_of(results, self._run_id, self._heading, attempts)
        rows.spared = [row for result in results for row in self._spared(result)]
        self._ledger.commit_outcomes(rows)
        # Not before: what a failed commit leaves behind may still be committed on the way out.
        self._results = []

    def _spared(self, result: Result) -> list[tuple[str, str, str]]:
        envelope = result.operation.envelope
        foreseen = self._foreseen.pop(envelope.operation_id, None) if envelope else None
        if not foreseen or envelope is None:
            return []
        return [
            (envelope.operation_id, envelope.link_id, key) for key in spared_by(result, foreseen)
        ]

    def summary(self) -> str:
        """What has been done, in words."""
        return ", ".join(f"{number} {name}" for name, number in sorted(self.tally.items()))
