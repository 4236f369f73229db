"""Settings that both SPOTIO plugins have, as Singer properties."""

from __future__ import annotations

from singer_sdk import typing as th

from reverse_sf.singer.cache_settings import CACHE_SETTINGS
from reverse_sf.spotio.session import DEFAULT_API_URL

CONNECTION = (
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
    *CACHE_SETTINGS,
)
REQUEST_TIMEOUT = th.Property(
    "request_timeout",
    th.NumberType(exclusive_minimum=0),
    default=60,
    title="Request timeout",
    description="Seconds to wait for an answer of SPOTIO.",
)


def max_workers_property(calls: str) -> th.Property[int]:
    """The setting ``max_workers``.

    Args:
        calls: what is done side by side.
    """
    return th.Property(
        "max_workers",
        th.IntegerType(minimum=1, maximum=8),
        default=4,
        title="Parallel calls",
        description=f"How many {calls} are under way at a time.",
    )
