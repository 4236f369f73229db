"""Results on their way into the ledger, committed many at a time."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING

from target_spotio.operations import EXTERNAL_ID
from target_spotio.results import DIRECTION, Result, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.ledger.store import Ledger

logger = logging.getLogger("target-spotio")

BATCH = 200
"""Results in one commit: what a crash can leave to be looked up again."""
_LOUD_EVERY = 500
_SHOWN = 20
_NOT_KEPT = frozenset({EXTERNAL_ID, "deleted"})


class Outbox:
    """Takes every result once; commits those of decided operations.

    Args:
        ledger: None for a run without one.
        run_id: the mapper's run.
        created: told of each created record, as ``(stream, external id, record id)``.
    """

    def __init__(
        self, ledger: Ledger | None, run_id: str, created: Callable[[str, str, str], None]
    ) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._created = created
        self._results: list[Result] = []
        self._began = time.monotonic()
        self.tally: Counter[str] = Counter()
        self.refused: list[str] = []

    def add(self, result: Result) -> None:
        """Take one result; commits when enough have come together."""
        operation = result.operation
        self.tally[result.counter] += 1
        if result.counter == "created" and operation.external_id and result.spotio_id:
            self._created(operation.stream, operation.external_id, result.spotio_id)
        if operation.envelope is None:
            self._note_refusals(result)
        else:
            self._results.append(result)
            if len(self._results) >= BATCH:
                self.flush()
        done = self.tally.total()
        if done % _LOUD_EVERY == 0:
            rate = done / max(time.monotonic() - self._began, 1e-9)
            logger.info("%d records done, %.0f per second: %s", done, rate, self.summary())

    def _note_refusals(self, result: Result) -> None:
        """Without a ledger nothing can be parked: the run has to end with what was refused."""
        for one in result.withheld:
            if len(self.refused) < _SHOWN:
                name = result.operation.external_id or "(no key)"
                key = f" {one.key}" if one.key else ""
                self.refused.append(f"{result.operation.stream} {name}{key}: {one.message}")
            self.tally["withheld"] += 1

    def flush(self) -> None:
        """Commit everything taken so far, in one transaction."""
        results, self._results = self._results, []
        if not results or self._ledger is None:
            return
        self._carry_untold(results)
        withheld = {
            result.operation.envelope.link_id
            for result in results
            if result.withheld and result.operation.envelope
        }
        attempts = {
            (one.link_id, one.key): one.attempts
            for rows in self._ledger.parked(sorted(withheld)).values()
            for one in rows
            if one.direction is DIRECTION
        }
        self._ledger.commit_outcomes(rows_of(results, self._run_id, attempts))

    def _carry_untold(self, results: list[Result]) -> None:
        """Keep what the tap has told and the calls of this run did not, such as the parent.

        What a link or a create has just changed is not kept: who owns the record, and that it was
        gone.
        """
        images = {
            result.operation.envelope.link_id: result.image
            for result in results
            if result.operation.envelope and result.image is not None
        }
        if not images or self._ledger is None:
            return
        for link_id, snapshot in self._ledger.snapshots(list(images)).items():
            image = images[link_id]
            for key, value in (snapshot.spotio_image or {}).items():
                if key not in image and key not in _NOT_KEPT:
                    image[key] = value

    def summary(self) -> str:
        """What has been done, in words."""
        return ", ".join(f"{number} {name}" for name, number in sorted(self.tally.items()))
