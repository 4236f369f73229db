"""The org's daily allowances: how much is used, what is left, and ``GET /limits``."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.salesforce.limits import untouched
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.switches import Switches

ROWS_PER_BATCH = 10_000
"""Rows of an ingest job that count as one batch (Bulk API 2.0 guide, limits)."""


@dataclass
class _Allowance:
    """One of the day's allowances.

    Attributes:
        switch: the switch that says how much is allowed.
        entry: its name in the answer of ``/limits``.
        used: how much of it is gone.
    """

    switch: str
    entry: str
    used: int = 0


class Quota:
    """Counts what is used of the present day's allowances, by the server's clock."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self._allowances = {
            "api_requests": _Allowance("daily_api_requests", "DailyApiRequests"),
            "bulk_query_jobs": _Allowance("daily_bulk_query_jobs", "DailyBulkV2QueryJobs"),
            "bulk_batches": _Allowance("daily_bulk_batches", "DailyBulkApiBatches"),
        }
        self.reset()

    def reset(self) -> None:
        """Nothing is used."""
        with self._lock:
            self._turn_day(self._clock.now().date())

    def spend_request(self) -> None:
        """Count one API request.

        Raises:
            ApiFault: the day's allowance is used up.
        """
        if not self._spend("api_requests", 1):
            raise ApiFault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)

    def spend_job(self) -> None:
        """Count one Bulk 2.0 query job.

        Raises:
            ApiFault: the day's allowance is used up.
        """
        if not self._spend("bulk_query_jobs", 1):
            raise ApiFault("LIMIT_EXCEEDED", "Max bulk v2 query jobs per 24 hours exceeded")

    def spend_rows(self, rows: int) -> int:
        """Count the batches of an ingest job; how many of its rows the allowance still covers."""
        return self._spend("bulk_batches", -(-rows // ROWS_PER_BATCH)) * ROWS_PER_BATCH

    def limit_info(self) -> str:
        """The value of ``Sforce-Limit-Info``; metered by app as well where the switch says so."""
        requests = self._allowances["api_requests"]
        told = f"api-usage={requests.used}/{self._switches[requests.switch]}"
        most = self._switches["per_app_api_requests"]
        if most is None:
            return told
        return f"{told}; per-app-api-usage={requests.used}/{most}(appName=reverse-sf)"

    def limits(self) -> dict[str, dict[str, Any]]:
        """The answer of ``GET /limits``; only the entries of the allowances ever move."""
        entries = untouched()
        for one in self._allowances.values():
            most = self._switches[one.switch]
            entries[one.entry] = {"Max": most, "Remaining": max(0, most - one.used)}
        return dict(sorted(entries.items()))

    def usage(self) -> dict[str, dict[str, int]]:
        """What is used and what is allowed, for people and tests."""
        return {
            name: {"used": one.used, "allowed": self._switches[one.switch]}
            for name, one in self._allowances.items()
        }

    def pretend(self, used: Mapping[str, Any]) -> None:
        """Go on as if so much were used already.

        Raises:
            ControlError: there is no such allowance, or the number is none.
        """
        wrong = sorted(set(used) - set(self._allowances))
        if wrong or not all(type(number) is int and number >= 0 for number in used.values()):
            raise ControlError(
                f"usage takes numbers for {', '.join(self._allowances)}; unknown: "
                f"{', '.join(wrong) or 'none'}"
            )
        with self._lock:
            for name, number in used.items():
                self._allowances[name].used = number

    def _spend(self, name: str, wanted: int) -> int:
        """Use some of an allowance; how much of what is wanted there was."""
        today = self._clock.now().date()
        with self._lock:
            if today != self._day:
                self._turn_day(today)
            one = self._allowances[name]
            granted = max(0, min(wanted, int(self._switches[one.switch]) - one.used))
            one.used += granted
            return granted

    def _turn_day(self, today: date) -> None:
        self._day = today
        for one in self._allowances.values():
            one.used = 0
