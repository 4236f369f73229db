"""The limit of requests that run long at the same time.

Requests of twenty seconds and more count, shorter ones are unlimited; 25 such may run at once in a
paying org, 5 in a Developer one (App Limits cheat sheet, "API"). The time is real, not the org's
clock: the limit is about what runs now.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.switches import Switches


class Traffic:
    """Knows the requests that run at this moment."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._lock = threading.Lock()
        self._running: dict[int, float] = {}
        self._number = 0

    def check(self) -> None:
        """Refuse another request while too many long ones run.

        Raises:
            ApiFault: REQUEST_LIMIT_EXCEEDED.
        """
        most = self._switches["concurrent_requests"]
        began_before = time.monotonic() - self._switches["long_request_s"]
        with self._lock:
            long_ones = sum(began <= began_before for began in self._running.values())
        if most is not None and long_ones >= most:
            raise ApiFault(
                "REQUEST_LIMIT_EXCEEDED",
                "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
                status=403,
            )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a request while it runs."""
        with self._lock:
            self._number += 1
            number = self._number
            self._running[number] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._running[number]
