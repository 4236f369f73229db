"""Settings that both Salesforce plugins have, as Singer properties."""

from __future__ import annotations

from singer_sdk import typing as th

from reverse_sf.salesforce import DEFAULT_API_VERSION
from reverse_sf.salesforce.logins import LOGIN_SETTINGS
from reverse_sf.singer.cache_settings import CACHE_SETTINGS

CONNECTION = (
    *(
        th.Property(
            one.name,
            th.BooleanType if one.name == "is_sandbox" else th.StringType,
            default=False if one.name == "is_sandbox" else None,
            secret=one.secret,
            title=one.title,
            description=one.description,
        )
        for one in LOGIN_SETTINGS
    ),
    th.Property(
        "api_version",
        th.StringType,
        default=DEFAULT_API_VERSION,
        title="API version",
        description="Version of Salesforce's API.",
    ),
    *CACHE_SETTINGS,
)
