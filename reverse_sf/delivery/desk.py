"""Everything that comes in, until it is applied; owner of the run's lease."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from reverse_sf.errors import ConfigurationError, ReverseSFError
from reverse_sf.ledger.holder import this_process
from reverse_sf.ledger.store import Ledger

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Mapping

    from reverse_sf.delivery.outbox import Outbox
    from reverse_sf.delivery.results import Delivered

LEASE_SECONDS = 300.0
_HEARTBEAT_SECONDS = 30.0

OperationT = TypeVar("OperationT", bound="Delivered")
OperationT_contra = TypeVar("OperationT_contra", bound="Delivered", contravariant=True)


class RefusedRecordsError(ReverseSFError):
    """Records were refused in a run without a ledger, where nothing can be parked."""

    def __init__(self, total: int, shown: list[str], system: str) -> None:
        lines = "\n".join(f"  - {one}" for one in shown)
        super().__init__(f"{total} values or records were refused by {system}:\n{lines}")


class Workshop(Protocol[OperationT_contra]):
    """The connected part of a target."""

    @property
    def outbox(self) -> Outbox:
        """Where results go."""

    def apply(self, operations: Iterable[OperationT_contra]) -> None:
        """Apply operations; commits what was done, also on failure."""

    def finish(self) -> None:
        """Settle what is in doubt and apply what waited."""

    def close(self) -> None:
        """Give connections back."""


class Desk(Generic[OperationT]):
    """Collects operations and applies them; connects with the first.

    Args:
        ledger_uri: the ledger of records without an envelope; None for none.
        ledger_of_syncs: the ledger of records that the mapper decided.
        open_workshop: connects, given the ledger, the run's id, the declared properties by stream
            and a function to call now and then on long work.
        logger: of the target.
    """

    def __init__(
        self,
        ledger_uri: str | None,
        ledger_of_syncs: str,
        open_workshop: Callable[
            [Ledger | None, str, Mapping[str, Mapping[str, Any]], Callable[[], None]],
            Workshop[OperationT],
        ],
        logger: logging.Logger,
    ) -> None:
        self._ledger_uri = ledger_uri
        self._ledger_of_syncs = ledger_of_syncs
        self._open_workshop = open_workshop
        self._logger = logger
        self._buffer: list[OperationT] = []
        self._properties: dict[str, Mapping[str, Any]] = {}
        self._ledger: Ledger | None = None
        self._run_id = ""
        self._beat_at = 0.0
        self._work: Workshop[OperationT] | None = None

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

    def add(self, operation: OperationT) -> None:
        """Collect one operation."""
        if operation.envelope is not None and not self._run_id:
            self._join(operation.envelope.run_id)
        self._buffer.append(operation)
        self._tick()

    def _join(self, run_id: str) -> None:
        """Take over the mapper's run and its lease."""
        if self._work is not None or self._buffer:
            raise ConfigurationError("records with and without _sync cannot be mixed in one run")
        self._run_id = run_id
        self._ledger = Ledger.open(self._ledger_of_syncs)
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
        """Apply the rest, then everything that waited, and end the run."""
        self.flush()
        if self._work is not None:
            self._work.finish()
            self._logger.info("Done: %s", self._work.outbox.summary() or "nothing to write")
        self._end("done")

    def fail(self) -> None:
        """Give the run back after a failure; what is committed stays."""
        self._end("failed")

    def _end(self, status: str) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.close()
        if self._ledger is not None:
            if self._run_id:
                self._ledger.finish_run(self._run_id, status)
            self._ledger.close()
            self._ledger = None

    def _workshop(self) -> Workshop[OperationT]:
        if self._work is None:
            if self._ledger is None and self._ledger_uri:
                self._ledger = Ledger.open(self._ledger_uri)
            self._work = self._open_workshop(
                self._ledger, self._run_id, self._properties, self._tick
            )
        return self._work
