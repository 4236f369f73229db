"""The target's settings: what each is for, and their values as one frozen object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from reverse_sf.ledger.address import DEFAULT_IN_WORDS, default_uri
from reverse_sf.spotio.session import DEFAULT_API_URL

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        "impersonated_user_id",
        th.IntegerType,
        title="Impersonated user",
        description="SPOTIO user id to act for; it must be an Admin. The key's own user if unset.",
    ),
    th.Property(
        "ledger_uri",
        th.StringType,
        secret=True,
        title="Ledger",
        description=(
            "SQLAlchemy URL of the ledger; the same as the mapper's. Records that the mapper"
            f" decided use {DEFAULT_IN_WORDS} where it is unset; other records use a ledger only"
            " where it is set."
        ),
    ),
    th.Property(
        "bulk_threshold",
        th.IntegerType(minimum=0),
        default=200,
        title="Bulk threshold",
        description="From so many new records on a bulk job creates them; 0 never.",
    ),
    th.Property(
        "bulk_timeout",
        th.NumberType(exclusive_minimum=0),
        default=900,
        title="Bulk timeout",
        description=(
            "Seconds to wait for a bulk job that shows no progress. The run then ends, and the"
            " next one waits for the job first."
        ),
    ),
    th.Property(
        "max_workers",
        th.IntegerType(minimum=1, maximum=8),
        default=4,
        title="Parallel calls",
        description="How many single writes are under way at a time.",
    ),
    th.Property(
        "request_timeout",
        th.NumberType(exclusive_minimum=0),
        default=60,
        title="Request timeout",
        description="Seconds to wait for an answer of SPOTIO.",
    ),
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
    th.Property(
        "on_delete",
        th.StringType(allowed_values=["delete", "ignore"]),
        default="delete",
        title="Deletions",
        description=(
            "What to do with a deletion that the mapper decided: carry it out, or ignore it as a"
            " last safeguard."
        ),
    ),
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
    th.Property(
        "batch_size_rows",
        th.IntegerType(minimum=1),
        default=2000,
        title="Batch size",
        description="Records collected before they are written; STATE follows a written batch.",
    ),
)


@dataclass(frozen=True)
class Settings:
    """The settings of one run; see :data:`SETTINGS` for what each means."""

    client_id: str
    client_secret: str = field(repr=False)
    api_url: str = DEFAULT_API_URL
    impersonated_user_id: int | None = None
    ledger_uri: str | None = field(default=None, repr=False)
    bulk_threshold: int = 200
    bulk_timeout: float = 900.0
    max_workers: int = 4
    request_timeout: float = 60.0
    settle_seconds: float = 10.0
    validate_required_fields: bool = True
    on_delete: str = "delete"
    create_record_types: bool = False
    create_missing_fields: bool = False
    batch_size_rows: int = 2000

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """From a validated configuration."""
        names = cls.__dataclass_fields__
        return cls(**{name: config[name] for name in names if config.get(name) is not None})

    @property
    def ledger_of_syncs(self) -> str:
        """The ledger of records that the mapper decided."""
        return self.ledger_uri or default_uri()
