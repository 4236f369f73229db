"""The org's daily allowances: how much is used, what is left, and ``GET /limits``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from datetime import date

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.switches import Switches

BULK_QUERY_JOBS = 10_000
_OTHERS = {
    "ActiveScratchOrgs": 3,
    "AnalyticsExternalDataSizeMB": 40960,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyAnalyticsDataflowJobExecutions": 60,
    "DailyAnalyticsUploadedFilesSizeMB": 51200,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyDeliveredPlatformEvents": 50_000,
    "DailyDurableGenericStreamingApiEvents": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyScratchOrgs": 6,
    "DailyStandardVolumePlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 1_000,
    "DataStorageMB": 1_024,
    "DurableStreamingApiConcurrentClients": 20,
    "FileStorageMB": 1_024,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyLongTermIdMapping": 100_000,
    "HourlyODataCallout": 20_000,
    "HourlyPublishedPlatformEvents": 50_000,
    "HourlyShortTermIdMapping": 100_000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 5_000,
    "MonthlyPlatformEventsUsageEntitlement": 0,
    "Package2VersionCreates": 6,
    "PermissionSets": 1_500,
    "SingleEmail": 5_000,
    "StreamingApiConcurrentClients": 20,
}


class Quota:
    """Counts API requests and Bulk query jobs of the present day, by the server's clock."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Nothing is used."""
        self._day: date = self._clock.now().date()
        self._requests = 0
        self._jobs = 0

    def spend_request(self) -> None:
        """Count one API request.

        Raises:
            ApiFault: the day's allowance is used up.
        """
        with self._lock:
            self._turn_day()
            if self._requests >= self._switches["daily_api_requests"]:
                raise ApiFault(
                    "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403
                )
            self._requests += 1

    def spend_job(self) -> None:
        """Count one Bulk 2.0 query job.

        Raises:
            ApiFault: the day's allowance is used up.
        """
        with self._lock:
            self._turn_day()
            if self._jobs >= BULK_QUERY_JOBS:
                raise ApiFault("LIMIT_EXCEEDED", "Max bulk v2 query jobs per 24 hours exceeded")
            self._jobs += 1

    def limit_info(self) -> str:
        """The value of ``Sforce-Limit-Info``."""
        return f"api-usage={self._requests}/{self._switches['daily_api_requests']}"

    def limits(self) -> dict[str, dict[str, int]]:
        """The answer of ``GET /limits``; only two of its entries ever move."""
        allowed = self._switches["daily_api_requests"]
        entries = {name: {"Max": most, "Remaining": most} for name, most in _OTHERS.items()}
        entries["DailyApiRequests"] = {
            "Max": allowed,
            "Remaining": max(0, allowed - self._requests),
        }
        left = BULK_QUERY_JOBS - self._jobs
        entries["DailyBulkV2QueryJobs"] = {"Max": BULK_QUERY_JOBS, "Remaining": left}
        return dict(sorted(entries.items()))

    def _turn_day(self) -> None:
        today = self._clock.now().date()
        if today != self._day:
            self._day, self._requests, self._jobs = today, 0, 0
