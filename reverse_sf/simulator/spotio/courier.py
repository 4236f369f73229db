"""Brings events to one webhook endpoint: a queue and a thread that lives as long as it is active.

Each delivery is a signed POST that must be answered with 200 in time; else it is tried again up to
three times, at growing intervals, and then dropped. Seconds are real ones, whatever the server's
clock says.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

if TYPE_CHECKING:
    from reverse_sf.simulator.spotio.quirks import Settings

RETRIES = 3
_GOOD = 200


class Courier:
    """Delivers to one endpoint, in the order of the events unless asked otherwise.

    Args:
        endpoint: its id, for the log of attempts.
        callback: where to.
        headers: the endpoint's own headers.
        secret: signs the bodies.
        switches: spacing, batches and patience.
        attempts: gets one entry for each attempt.
    """

    def __init__(
        self,
        endpoint: str,
        callback: str,
        headers: dict[str, str],
        *,
        secret: str,
        switches: Settings,
        attempts: deque[dict[str, Any]],
    ) -> None:
        self._endpoint = endpoint
        self._callback = callback
        self._headers = headers
        self._secret = secret.encode()
        self._switches = switches
        self._attempts = attempts
        self._queue: deque[dict[str, Any]] = deque()
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._duplicate = self._reorder = 0
        self._busy = False
        threading.Thread(target=self._work, name=f"webhook-{endpoint}", daemon=True).start()

    @property
    def waiting(self) -> int:
        """Events that are not delivered or given up yet; at least 1 during a delivery."""
        with self._changed:
            return len(self._queue) + self._busy

    def take(self, event: dict[str, Any]) -> None:
        """Deliver an event, soon."""
        with self._changed:
            self._queue.append(event)
            self._changed.notify()

    def ask(self, *, duplicate: int | None, reorder: int | None) -> None:
        """Send the next deliveries twice, the next events last first."""
        with self._changed:
            self._duplicate = self._duplicate if duplicate is None else duplicate
            self._reorder = self._reorder if reorder is None else reorder
            self._changed.notify()

    def stop(self) -> None:
        """Drop what waits and end the thread; an attempt under way is not logged any more."""
        with self._changed:
            self._stopped.set()
            self._queue.clear()
            self._changed.notify()

    def _work(self) -> None:
        with httpx.Client(trust_env=False) as client:
            while batch := self._next():
                body = msgspec.json.encode({"payload": batch})
                for _ in range(2 if self._twice() else 1):
                    self._deliver(client, body, [event["type"] for event in batch])
                with self._changed:
                    self._busy = False

    def _next(self) -> list[dict[str, Any]]:
        """The events of the next delivery; none once it is over."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped.is_set() or len(self._queue) >= max(1, self._reorder)
            )
            if self._stopped.is_set():
                return []
            if self._reorder:
                first = [self._queue.popleft() for _ in range(self._reorder)]
                self._queue.extendleft(first)
                self._reorder = 0
            batch = [self._queue.popleft()]
            while self._queue and len(batch) < self._switches["webhook_batch"]:
                if not self._switches["webhook_mixed"] and (
                    self._queue[0]["type"] != batch[0]["type"]
                ):
                    break
                batch.append(self._queue.popleft())
            self._busy = True
            return batch

    def _twice(self) -> bool:
        with self._changed:
            asked = self._duplicate > 0
            self._duplicate -= asked
            return asked

    def _deliver(self, client: httpx.Client, body: bytes, types: list[str]) -> None:
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {**self._headers, "Content-Type": "application/json", "X-Signature": signature}
        for number in range(1, RETRIES + 2):
            outcome = self._attempt(client, body, headers)
            if self._stopped.is_set():
                return
            self._attempts.append(
                {"endpoint": self._endpoint, "attempt": number, "types": types, **outcome}
            )
            if outcome.get("status") == _GOOD or number > RETRIES:
                return
            self._stopped.wait(number * self._switches["webhook_retry_s"])

    def _attempt(
        self, client: httpx.Client, body: bytes, headers: dict[str, str]
    ) -> dict[str, Any]:
        patience = float(self._switches["webhook_timeout_s"])
        try:
            answer = client.post(self._callback, content=body, headers=headers, timeout=patience)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            # ValueError: a custom header that cannot be written.
            return {"error": type(error).__name__}
        return {"status": answer.status_code}
