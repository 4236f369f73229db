"""The tap's settings: what each is for; ``--about`` prints them."""

from __future__ import annotations

from singer_sdk import typing as th

from reverse_sf.singer.spotio_settings import CONNECTION, REQUEST_TIMEOUT, max_workers_property
from reverse_sf.spotio.search import PAGE_SIZE

SETTINGS = th.PropertiesList(
    *CONNECTION,
    th.Property(
        "record_types",
        th.ArrayType(th.StringType),
        default=[],
        title="Record types",
        description="Names of the record types to offer as streams, or id:<type id>. Empty: all.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description=(
            "Records last updated or deleted before this, and activities last updated before it,"
            " are not read."
        ),
    ),
    th.Property(
        "end_date",
        th.DateTimeType,
        title="End date",
        description=(
            "What was last updated, or deleted, after this is not sent, and no bookmark moves past"
            " it. SPOTIO's listings have no end of their own: they are read to theirs all the same."
        ),
    ),
    th.Property(
        "lookback_window",
        th.IntegerType(minimum=0),
        default=600,
        title="Lookback window",
        description=(
            "Seconds before the bookmark that are read again: SPOTIO's export feed may show a"
            " record some time after it was written. What was read before is not sent again."
        ),
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=1000),
        default=PAGE_SIZE,
        title="Page size",
        description=(
            "Records a call of SPOTIO's search, which tells parents. The export feed has a page"
            " size of its own that cannot be chosen."
        ),
    ),
    th.Property(
        "activity_templates",
        th.ArrayType(th.StringType),
        default=[],
        title="Activity templates",
        description=(
            "Names of the templates whose activities the streams activities and appointments read,"
            " and Note for notes. Empty: all."
        ),
    ),
    th.Property(
        "automatic_activities",
        th.BooleanType,
        default=False,
        title="Automatic activities",
        description=(
            "Also read what SPOTIO notes by itself: changes of stage, of owner and of fields, and"
            " creations."
        ),
    ),
    th.Property(
        "upcoming_appointments",
        th.BooleanType,
        default=False,
        title="Upcoming appointments",
        description=(
            "Read the stream appointments: upcoming ones, and those that a recurring appointment"
            " makes up and SPOTIO has not stored. It costs a call for each record in each run."
        ),
    ),
    th.Property(
        "appointment_types",
        th.ArrayType(th.StringType),
        default=[],
        title="Record types with appointments",
        description=(
            "Names of the record types whose upcoming appointments are read, or id:<type id>."
            " Empty: all."
        ),
    ),
    max_workers_property("calls for full records"),
    REQUEST_TIMEOUT,
)
