"""The entries of ``GET /limits`` that nothing here uses up.

The names are those that orgs answered with in 2026 (v62 and later), with the two that only an org
with scratch orgs has. The numbers are a Developer Edition's where the REST guide's sample or an org
shows them; the others are plausible ones.
"""

from __future__ import annotations

from typing import Any

OTHERS: dict[str, int] = {
    "ActiveScratchOrgs": 3,
    "AnalyticsExternalDataSizeMB": 40_960,
    "CdpAiInferenceApiMonthlyLimit": 500_000_000,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentEinsteinDataInsightsStoryCreation": 5,
    "ConcurrentEinsteinDiscoveryStoryCreation": 2,
    "ConcurrentSyncReportRuns": 20,
    "ContentDistBandwidthLimitMB": 10_240,
    "ContentDistViewLimit": 50_000,
    "ContentPublicationLimit": 2_500,
    "DailyAnalyticsDataflowJobExecutions": 60,
    "DailyAnalyticsUploadedFilesSizeMB": 51_200,
    "DailyApexCursorLimit": 10_000,
    "DailyApexCursorRowsLimit": 100_000_000,
    "DailyApexPCursorLimit": 200_000,
    "DailyAsyncApexExecutions": 250_000,
    "DailyAsyncApexTests": 500,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyDataCloudCursorLimit": 10_000,
    "DailyDataCloudCursorRowsLimit": 100_000_000,
    "DailyDataCloudFlexCredits": 0,
    "DailyDeliveredPlatformEvents": 10_000,
    "DailyDurableGenericStreamingApiEvents": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyEinsteinDataInsightsStoryCreation": 1_000,
    "DailyEinsteinDiscoveryOptimizationJobRuns": 25,
    "DailyEinsteinDiscoveryPredictAPICalls": 50_000,
    "DailyEinsteinDiscoveryPredictionsByCDC": 500_000,
    "DailyEinsteinDiscoveryStoryCreation": 100,
    "DailyFunctionsApiCallLimit": 50_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyMetadataRetrievesWithDependencies": 1_000,
    "DailyScratchOrgs": 6,
    "DailyServiceEmailAgentforceCalls": 0,
    "DailyStandardVolumePlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 1_000,
    "DataStorageMB": 1_024,
    "DurableStreamingApiConcurrentClients": 20,
    "ExternalServicesActiveObjects": 3_000,
    "ExternalServicesActiveOperations": 3_000,
    "ExternalServicesObjectProperties": 100_000,
    "ExternalServicesObjects": 10_000,
    "ExternalServicesOperations": 10_000,
    "ExternalServicesRegistrations": 700,
    "FileStorageMB": 1_024,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyElevateAsyncReportRuns": 20_000,
    "HourlyElevateSyncReportRuns": 10_000,
    "HourlyLongTermIdMapping": 100_000,
    "HourlyManagedContentPublicRequests": 50_000,
    "HourlyODataCallout": 1_000,
    "HourlyPublishedPlatformEvents": 50_000,
    "HourlyPublishedStandardVolumePlatformEvents": 1_000,
    "HourlyShortTermIdMapping": 100_000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 10,
    "MaxContentDocumentsLimit": 30_000_000,
    "MonthlyEinsteinDiscoveryStoryCreation": 500,
    "MonthlyPlatformEventsUsageEntitlement": 0,
    "Package2VersionCreates": 6,
    "Package2VersionCreatesWithoutValidation": 500,
    "PermissionSets": 1_500,
    "PlatformEventTriggersWithParallelProcessing": 5,
    "PrivateConnectOutboundCalloutHourlyLimitMB": 0,
    "PublishCallbackUsageInApex": 5_242_880,
    "ScheduledFlowRunLimit": 250_000,
    "ScheduledPathRunLimit": 250_000,
    "SingleEmail": 15,
    "StreamingApiConcurrentClients": 20,
}
_WITHIN = {"PermissionSets": {"CreateCustom": {"Max": 1_000, "Remaining": 1_000}}}
"""An entry may hold another one."""


def untouched() -> dict[str, dict[str, Any]]:
    """The entries, nothing used of any."""
    return {
        name: {"Max": most, "Remaining": most, **_WITHIN.get(name, {})}
        for name, most in OTHERS.items()
    }
