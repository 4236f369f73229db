"""The settings of the local org: what varies from org to org, or is not publicly known."""

from __future__ import annotations

from reverse_sf.simulator.switches import Switch

SWITCHES = (
    Switch("session_seconds", 7200, "How long a session lasts after its login."),
    Switch(
        "rotate_refresh_tokens",
        default=False,
        meaning="A refresh token is replaced each time it is used.",
    ),
    Switch("client_credentials_user", default=True, meaning="The connected app has a run-as user."),
    Switch("daily_api_requests", 100_000, "API requests allowed a day; then 403."),
    Switch(
        "per_app_api_requests",
        None,
        "Sforce-Limit-Info tells the app's own allowance as well; null: it is not metered.",
    ),
    Switch(
        "concurrent_requests",
        25,
        "Requests that may run long at once (5 in a Developer org); then 403. Null: any number.",
    ),
    Switch("long_request_s", 20.0, "Real seconds after which a running request counts as long."),
    Switch("request_s", 0.0, "Real seconds that every API request takes."),
    Switch("daily_bulk_query_jobs", 10_000, "Bulk query jobs allowed a day."),
    Switch("daily_bulk_batches", 15_000, "Batches of ingest jobs allowed a day, of 10,000 rows."),
    Switch("query_page_size", 2000, "Most rows in one page of a query; fewer at the org's will."),
    Switch(
        "query_shuffle", default=False, meaning="Queries without ORDER BY answer in another order."
    ),
    Switch("bulk_polls", 0, "How often a Bulk job still says InProgress when it is asked."),
    Switch("bulk_fail_next", 0, "So many of the next Bulk jobs end as Failed."),
    Switch("bulk_abort_next", 0, "So many of the next Bulk jobs end as Aborted."),
    Switch(
        "bulk_order",
        "unordered",
        "Whether rows of Bulk results are shuffled: only without ORDER BY, always or never.",
        ("unordered", "always", "never"),
    ),
    Switch("bulk_page_size", 100_000, "Most rows in one page of Bulk results."),
    Switch(
        "result_pages_link",
        "nextRecordsUrl",
        "What the link to further resultPages is called: the guide has both.",
        ("nextRecordsUrl", "nextRecordUrl"),
    ),
    Switch(
        "query_cursor_hours", 48.0, "Hours of the org's clock that the cursor of a query lives."
    ),
    Switch(
        "bulk_gzip",
        default=True,
        meaning="Bulk results are compressed where the client accepts it.",
    ),
    Switch(
        "merge_touches_children",
        default=True,
        meaning="Children that a merge gives to the winner get a new SystemModstamp.",
    ),
    Switch(
        "multiday_events",
        default=True,
        meaning="Events may last up to 14 days (Activity Settings), one day where it is off.",
    ),
    Switch(
        "all_day_end",
        "next_midnight",
        "EndDateTime of an all-day event: the midnight after its last day, or of its last day.",
        ("next_midnight", "last_midnight"),
    ),
    Switch(
        "conversion_relates_activities",
        default=True,
        meaning="A converted lead's activities are related to its opportunity, or to its account.",
    ),
    Switch(
        "shared_activities_stay",
        default=False,
        meaning="A deleted record's activities stay where they belong to another record as well.",
    ),
    Switch("ingest_stuck", default=False, meaning="Ingest jobs stay InProgress."),
    Switch("ingest_unprocessed", 0, "So many rows of each ingest job are left unprocessed."),
    Switch(
        "ingest_order",
        "shuffled",
        "Whether the rows of an ingest job's result files are in the order of the upload.",
        ("shuffled", "kept"),
    ),
    Switch("lock_next", 0, "So many records of collections and ingest jobs are locked."),
    Switch("lock_every", 1, "Of those records, only every so-manieth is locked."),
    Switch("lock_single_next", 0, "So many of the next calls on one record find it locked."),
)
