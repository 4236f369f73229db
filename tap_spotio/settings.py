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
        description="Records last updated, or deleted, before this are not read.",
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
    max_workers_property("calls for full records"),
    REQUEST_TIMEOUT,
)
