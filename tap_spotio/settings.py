"""The tap's settings: what each is for; ``--about`` prints them."""

from __future__ import annotations

from singer_sdk import typing as th

from reverse_sf.spotio.search import PAGE_SIZE
from reverse_sf.spotio.session import DEFAULT_API_URL

SETTINGS = th.PropertiesList(
    th.Property(
        "api_url",
        th.StringType,
        default=DEFAULT_API_URL,
        title="API address",
        description="Base address of SPOTIO's API.",
    ),
    th.Property(
        "client_id",
        th.StringType,
        required=True,
        title="Client id",
        description=(
            "Client id of an API key that an Admin made (Settings, Integrations, API Access)."
        ),
    ),
    th.Property(
        "client_secret",
        th.StringType,
        required=True,
        secret=True,
        title="Client secret",
        description="Secret of the API key; SPOTIO shows it once.",
    ),
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
    th.Property(
        "max_workers",
        th.IntegerType(minimum=1, maximum=8),
        default=4,
        title="Parallel calls",
        description="How many calls for full records are under way at a time.",
    ),
    th.Property(
        "request_timeout",
        th.NumberType(exclusive_minimum=0),
        default=60,
        title="Request timeout",
        description="Seconds to wait for an answer of SPOTIO.",
    ),
)
