"""Writing what ``reverse-sf link`` found to the ledger, under the leases of both directions."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from reverse_sf.cli.link_choices import keep
from reverse_sf.cli.link_report import remark
from reverse_sf.ledger.holder import this_process
from reverse_sf.ledger.matches import Doubt, NewPair
from reverse_sf.ledger.rows import Run
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.matching.table import DOUBTFUL, Outcome
from reverse_sf.merge.identity import ALREADY_LINKED, AMBIGUOUS, WAY_OUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.cli.link_choices import Choices
    from reverse_sf.cli.populations import Pair
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.matching.table import Matching

_BATCH = 1000
_LEASE_SECONDS = 300.0
_BEAT_SECONDS = 60.0
_REASONS = {Outcome.AMBIGUOUS: AMBIGUOUS, Outcome.TAKEN: ALREADY_LINKED}


class Hold:
    """The leases of both directions, kept while this works."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._beaten = time.monotonic()
        now = datetime.now(timezone.utc)
        self.at = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
        self._stem = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}-link"
        self.runs: dict[Direction, str] = {}

    def take(self, definition: SyncDefinition) -> None:
        """Take both leases.

        Raises:
            LeaseHeldError: a sync is at work.
        """
        for direction in Direction:
            run_id = f"{self._stem}-{direction.value.removeprefix('to_')}"
            self._ledger.begin_run(
                Run(
                    run_id=run_id,
                    direction=direction,
                    started_at=self.at,
                    definition_fingerprint=definition.fingerprint,
                    holder=this_process(),
                ),
                ttl_seconds=_LEASE_SECONDS,
            )
            self.runs[direction] = run_id

    def beat(self) -> None:
        """Keep the leases, now and then."""
        if time.monotonic() - self._beaten >= _BEAT_SECONDS:
            self._beaten = time.monotonic()
            for run_id in self.runs.values():
                self._ledger.heartbeat(run_id, ttl_seconds=_LEASE_SECONDS)

    def end(self, status: str) -> None:
        """Give the leases back."""
        for run_id in self.runs.values():
            self._ledger.finish_run(run_id, status)


@contextmanager
def held(ledger: Ledger, definition: SyncDefinition) -> Iterator[Hold]:
    """Take the leases of both directions, so that no sync runs meanwhile.

    Raises:
        LeaseHeldError: a sync is at work.
    """
    hold = Hold(ledger)
    status = "failed"
    try:
        hold.take(definition)
        yield hold
        status = "done"
    finally:
        hold.end(status)


def apply(ledger: Ledger, hold: Hold, pair: Pair, matching: Matching, said: Choices) -> str:
    """Write links, doubts and the index of keys; answer what had to wait."""
    name, runs = pair.name, hold.runs
    ledger.begin_matching(list(runs.values()), name)
    found = [NewPair(*one) for one in matching.pairs]
    busy = 0
    for at in range(0, len(found), _BATCH):
        hold.beat()
        busy += len(ledger.link_pairs(runs[Direction.TO_SPOTIO], name, found[at : at + _BATCH]))
    keep(ledger, runs[Direction.TO_SPOTIO], pair, said)
    busy += len(ledger.park_doubts(runs, name, list(_doubts(pair, matching))))
    for side, items in ((Side.SALESFORCE, pair.salesforce), (Side.SPOTIO, pair.spotio)):
        for at in range(0, len(items), _BATCH):
            hold.beat()
            ledger.add_match_keys(
                name,
                side,
                [
                    (one.id, dict(zip(pair.keys.rules, one.keys, strict=True)))
                    for one in items[at : at + _BATCH]
                    if one.id not in pair.alone[side]
                ],
            )
    ledger.finish_matching(name, hold.at, pair.keys.document())
    if not busy:
        return ""
    return (
        f"{name}: {busy:,} records wait for a write that an earlier run left open: run the sync,"
        " then reverse-sf link --apply again"
    )


def _doubts(pair: Pair, matching: Matching) -> Iterator[Doubt]:
    for side, own, others in (
        (Side.SALESFORCE, pair.salesforce, pair.spotio),
        (Side.SPOTIO, pair.spotio, pair.salesforce),
    ):
        found = matching.of(side)
        wanted = {
            candidate
            for one in found.values()
            if one.outcome in DOUBTFUL
            for candidate in one.candidates
        }
        names = {one.id: one.label for one in others if one.id in wanted}
        for one in own:
            finding = found[one.id]
            if finding.outcome in DOUBTFUL:
                words = f"{remark(side, finding, names)}; {WAY_OUT}"
                yield Doubt(side, one.id, _REASONS[finding.outcome], words)
