"""Everything that comes in, until it is applied; owner of the run's lease."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError, ReverseSFError
from reverse_sf.ledger.holder import this_process
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from reverse_sf.spotio.instants import format_instant, now
from target_spotio.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_spotio.operations import Operation
    from target_spotio.settings import Settings
    from target_spotio.tenant import Tenant

logger = logging.getLogger("target-spotio")

LEASE_SECONDS = 300.0
_FINGERPRINT = "spotio_fingerprint"
_HEARTBEAT_SECONDS = 30.0


class RefusedRecordsError(ReverseSFError):
    """Records were refused in a run without a ledger, where nothing can be parked."""

    def __init__(self, total: int, shown: list[str]) -> None:
        lines = "\n".join(f"  - {one}" for one in shown)
        super().__init__(f"{total} values or records were refused by SPOTIO:\n{lines}")


class Desk:
    """Collects operations and applies them; connects to SPOTIO with the first.

    Args:
        settings: the target's settings.
        connect: makes the tenant.
    """

    def __init__(self, settings: Settings, connect: Callable[[], Tenant]) -> None:
        self._settings = settings
        self._connect = connect
        self._buffer: list[Operation] = []
        self._properties: dict[str, Mapping[str, Any]] = {}
        self._ledger: Ledger | None = None
        self._run_id = ""
        self._beat_at = 0.0
        self._work: Workshop | None = None

    @property
    def size(self) -> int:
        """Operations collected and not applied yet."""
        return len(self._buffer)

    def declare(self, stream: str, properties: Mapping[str, Any]) -> None:
        """Take note of a stream's properties, without the envelope."""
        if self._properties.get(stream) not in (None, properties):
            # What came under the old schema is written under it.
            self.flush()
        self._properties[stream] = properties

    def add(self, operation: Operation) -> None:
        """Collect one operation."""
        if operation.envelope is not None and not self._run_id:
            self._join(operation.envelope.run_id)
        self._buffer.append(operation)
        self._tick()

    def _join(self, run_id: str) -> None:
        """Take over the mapper's run and its lease."""
        if self._work is not None:
            raise ConfigurationError("records with and without _sync cannot be mixed in one run")
        self._run_id = run_id
        self._ledger = Ledger.open(self._settings.ledger_of_syncs)
        self._ledger.heartbeat(run_id, ttl_seconds=LEASE_SECONDS, holder=this_process())
        self._beat_at = time.monotonic()

    def _tick(self) -> None:
        if self._ledger is None or not self._run_id:
            return
        if time.monotonic() - self._beat_at > _HEARTBEAT_SECONDS:
            self._ledger.heartbeat(self._run_id, ttl_seconds=LEASE_SECONDS)
            self._beat_at = time.monotonic()

    def flush(self) -> None:
        """Apply everything collected; when it returns, all outcomes are committed."""
        operations, self._buffer = self._buffer, []
        if operations:
            self._workshop().apply(operations)

    def finish(self) -> None:
        """Apply the rest, then everything that waited, and end the run.

        Raises:
            ReverseSFError: without a ledger, records were refused.
        """
        self.flush()
        work = self._work
        if work is None:
            self._end("done")
            return
        work.finish()
        self._end("done")
        logger.info("Done: %s", work.outbox.summary() or "nothing to write")
        if work.outbox.refused:
            total = work.outbox.tally["withheld"]
            raise RefusedRecordsError(total, work.outbox.refused)

    def fail(self) -> None:
        """Give the run back after a failure; what is committed stays."""
        self._end("failed")

    def _end(self, status: str) -> None:
        if self._work is not None:
            self._work.tenant.spotio.close()
        if self._ledger is not None:
            if self._run_id:
                self._ledger.finish_run(self._run_id, status)
            self._ledger.close()
            self._ledger = None

    def _workshop(self) -> Workshop:
        if self._work is None:
            if self._ledger is None and self._settings.ledger_uri:
                self._ledger = Ledger.open(self._settings.ledger_uri)
            tenant = self._connect()
            if self._ledger is not None and self._run_id:
                _release_parked(self._ledger, tenant.fingerprint)
            self._work = Workshop(
                tenant,
                self._settings,
                self._ledger,
                run_id=self._run_id,
                properties=self._properties,
                tick=self._tick,
            )
        return self._work


def _release_parked(ledger: Ledger, fingerprint: str) -> None:
    """Where workflow or users are not what they were, let the next run decide parked work again."""
    known = ledger.setting(_FINGERPRINT)
    if known == fingerprint:
        return
    ledger.set_setting(_FINGERPRINT, fingerprint)
    if known is not None:
        released = ledger.retry_parked(Direction.TO_SPOTIO, now=format_instant(now()))
        logger.info(
            "SPOTIO's workflow or users have changed: the next run tries %d parked ones again",
            released,
        )
