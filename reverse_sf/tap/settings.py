"""Settings of tap-salesforce. Names that the MeltanoLabs variant has keep their meaning.

Every property is a piece of JSON Schema with title and description; ``--about`` prints them.
"""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

from reverse_sf.singer.salesforce_settings import CONNECTION

MOST_BETWEEN_LOGS_S = 14 * 86_400
_TEXT = th.StringType
_SCOPE = (
    th.Property(
        "streams_to_discover",
        th.ArrayType(_TEXT),
        default=[],
        title="Objects to discover",
        description="API names of objects; * stands for any characters (*__c for all custom "
        "objects). Empty: the usual sales objects and all custom objects.",
    ),
    th.Property(
        "select_fields_by_default",
        th.BooleanType,
        default=True,
        title="Select fields by default",
        description="Whether fields that no selection names are read.",
    ),
    th.Property(
        "compound_fields",
        th.BooleanType,
        default=False,
        title="Compound fields and files",
        description="Offer compound fields (addresses, locations) and file columns for selection. "
        "Their parts are fields of their own; a stream that reads one goes by REST.",
    ),
    th.Property(
        "user_details",
        th.BooleanType,
        default=False,
        title="Details of users",
        description="Send every user in every run, with Profile.Name, UserRole.Name, IsFrozen and "
        "Group beside the fields of User: what users: of the sync definition asks for. Five small "
        "queries more.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="Rows last changed before this are not read.",
    ),
    th.Property(
        "end_date",
        th.DateTimeType,
        title="End date",
        description="Rows last changed after this are not read.",
    ),
)
_READING = (
    th.Property(
        "api_type",
        _TEXT,
        default="auto",
        allowed_values=["auto", "REST", "BULK", "BULK2"],
        title="API type",
        description="auto: REST for small reads, Bulk API 2.0 for large ones. "
        "BULK and BULK2 both mean Bulk API 2.0.",
    ),
    th.Property(
        "bulk_threshold",
        th.IntegerType(minimum=0),
        default=10_000,
        title="Bulk threshold",
        description="With api_type auto: reads of more rows go through Bulk API 2.0.",
    ),
    th.Property(
        "lookback_window",
        th.IntegerType(minimum=0),
        default=600,
        title="Lookback window",
        description="Seconds before the bookmark that are read again. Salesforce shows a row only "
        "when its transaction is done, which may be minutes after its time stamp.",
    ),
    th.Property(
        "read_deletion_log",
        th.BooleanType,
        default=True,
        title="Read the deletion log",
        description="Ask for records that are gone for good. Records in the recycle bin arrive in "
        "any case.",
    ),
    th.Property(
        "deletion_log_interval",
        th.IntegerType(minimum=0, maximum=MOST_BETWEEN_LOGS_S),
        default=86_400,
        title="Deletion log interval",
        description="An incremental run reads the deletion log of one object, in turn, and of "
        "every object whose log was not read for so many seconds: one call each. 0: of all. "
        "At most 14 days, for Salesforce keeps the log for 15.",
    ),
    th.Property(
        "state_message_threshold",
        th.IntegerType(minimum=1),
        default=1_000,
        title="State message threshold",
        description="Records between two bookmarks of a read by REST. A read by Bulk API 2.0 has "
        "no order, so its bookmark comes at its end.",
    ),
    th.Property(
        "max_workers",
        th.IntegerType(minimum=1, maximum=50),
        default=8,
        title="Workers",
        description="Calls to Salesforce at the same time, at most.",
    ),
    th.Property(
        "quota_percent_total",
        th.NumberType(minimum=0, maximum=100),
        default=80,
        title="Total quota",
        description="Stop when the org has used so many percent of its API requests of the day.",
    ),
    th.Property(
        "quota_percent_per_run",
        th.NumberType(minimum=0, maximum=100),
        default=25,
        title="Quota of a run",
        description="Stop when this run has used so many percent of the org's requests of the day.",
    ),
)

SETTINGS: dict[str, Any] = th.PropertiesList(*CONNECTION, *_SCOPE, *_READING).to_dict()
