"""The target's settings: what each is for, and their values as one frozen object."""

from __future__ import annotations

from dataclasses import dataclass, field

from singer_sdk import typing as th

from reverse_sf.delivery.settings import (
    ON_DELETE,
    DeliverySettings,
    batch_size_property,
    bulk_timeout_property,
    ledger_property,
)
from reverse_sf.singer.spotio_settings import CONNECTION, REQUEST_TIMEOUT, max_workers_property
from reverse_sf.spotio.session import DEFAULT_API_URL

SETTINGS = th.PropertiesList(
    *CONNECTION,
    th.Property(
        "impersonated_user_id",
        th.IntegerType,
        title="Impersonated user",
        description="SPOTIO user id to act for; it must be an Admin. The key's own user if unset.",
    ),
    ledger_property("use a ledger only where it is set"),
    th.Property(
        "bulk_threshold",
        th.IntegerType(minimum=0),
        default=200,
        title="Bulk threshold",
        description="From so many new records on a bulk job creates them; 0 never.",
    ),
    bulk_timeout_property("a bulk job"),
    max_workers_property("single writes"),
    REQUEST_TIMEOUT,
    th.Property(
        "settle_seconds",
        th.NumberType(minimum=0),
        default=10,
        title="Settle time",
        description=(
            "Seconds after which a new record is visible in SPOTIO's export feed. A create whose"
            " outcome is unknown is looked for until then before it is tried again."
        ),
    ),
    th.Property(
        "validate_required_fields",
        th.BooleanType,
        default=True,
        title="Validate required fields",
        description=(
            "Let SPOTIO refuse an update that leaves a required field blank. Without it such"
            " updates are written."
        ),
    ),
    ON_DELETE,
    th.Property(
        "create_record_types",
        th.BooleanType,
        default=False,
        title="Create record types",
        description="Make a SPOTIO record type for a stream that has none.",
    ),
    th.Property(
        "create_missing_fields",
        th.BooleanType,
        default=False,
        title="Create missing fields",
        description="Make a text field for a property that the record type lacks.",
    ),
    batch_size_property(2000),
)


@dataclass(frozen=True, kw_only=True)
class Settings(DeliverySettings):
    """The settings of one run; see :data:`SETTINGS` for what each means."""

    client_id: str
    client_secret: str = field(repr=False)
    api_url: str = DEFAULT_API_URL
    impersonated_user_id: int | None = None
    bulk_threshold: int = 200
    max_workers: int = 4
    request_timeout: float = 60.0
    settle_seconds: float = 10.0
    validate_required_fields: bool = True
    create_record_types: bool = False
    create_missing_fields: bool = False
