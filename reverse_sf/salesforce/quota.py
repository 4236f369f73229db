"""The request quota that this run may use, from the header ``Sforce-Limit-Info``.

Salesforce counts API requests over a rolling day and tells the state with every answer:
``api-usage=18/15000`` (REST API Developer Guide, "Limit Info Header").
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field

from reverse_sf.errors import QuotaError

_USAGE = re.compile(r"(?:^|;\s*)api-usage=(\d+)/(\d+)")


@dataclass
class Quota:
    """Counts requests and refuses the next one when a share of the day's quota is used up.

    Attributes:
        total_percent: share of the org's daily requests that all clients together may have used.
        run_percent: share of the org's daily requests that this run may use.
        requests: requests of this run so far.
    """

    total_percent: float = 100.0
    run_percent: float = 100.0
    requests: int = 0
    _used: int = 0
    _limit: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def record(self, header: str | None) -> None:
        """Count one request and take over what Salesforce said about the quota, if anything."""
        usage = _USAGE.search(header or "")
        with self._lock:
            self.requests += 1
            if usage:
                self._used, self._limit = int(usage[1]), int(usage[2])

    def check(self) -> None:
        """Refuse to go on past a share of the quota.

        Raises:
            QuotaError: with the numbers and the setting that holds the share.
        """
        with self._lock:
            used, limit, requests = self._used, self._limit, self.requests
        if not limit:
            return
        if used * 100 > limit * self.total_percent:
            raise QuotaError(
                f"the org has used {used} of its {limit} API requests of the day, more than "
                f"{self.total_percent:g} % (quota_percent_total). Run again later, or raise it"
            )
        if requests * 100 > limit * self.run_percent:
            raise QuotaError(
                f"this run has made {requests} requests of the {limit} a day, more than "
                f"{self.run_percent:g} % (quota_percent_per_run). Run again to go on, or raise it"
            )
