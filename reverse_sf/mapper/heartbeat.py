"""A run's lease is kept while the tap is silent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reverse_sf.errors import ReverseSFError

if TYPE_CHECKING:
    from reverse_sf.ledger.store import Ledger


class Heartbeat:
    """Keeps the run's lease while the tap is silent; a lost lease is found by :meth:`check`."""

    def __init__(self, ledger: Ledger, run_id: str, ttl: float) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._ttl = ttl
        self._stopped = threading.Event()
        self._failure: ReverseSFError | None = None
        self._thread = threading.Thread(target=self._beat, name="lease-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat, three times within the lease's life."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def check(self) -> None:
        """Raise what the last beat met: another runner has the lease, or the ledger failed."""
        if self._failure is not None:
            raise self._failure

    def _beat(self) -> None:
        try:
            while not self._stopped.wait(self._ttl / 3):
                self._ledger.heartbeat(self._run_id, ttl_seconds=self._ttl)
        except ReverseSFError as error:
            self._failure = error
