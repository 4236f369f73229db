"""The target's settings. Names that the MeltanoLabs variant has keep their meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from reverse_sf.ledger.address import DEFAULT_IN_WORDS, default_uri
from reverse_sf.salesforce import DEFAULT_API_VERSION
from reverse_sf.salesforce.logins import LOGIN_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIONS = ("insert", "update", "upsert", "delete", "hard_delete")

_LOGIN = tuple(
    th.Property(
        one.name,
        th.BooleanType if one.name == "is_sandbox" else th.StringType,
        default=False if one.name == "is_sandbox" else None,
        secret=one.secret,
        title=one.title,
        description=one.description,
    )
    for one in LOGIN_SETTINGS
)
_VERSION = th.Property(
    "api_version",
    th.StringType,
    default=DEFAULT_API_VERSION,
    title="API version",
    description="Version of Salesforce's API.",
)
_WRITES = (
    th.Property(
        "action",
        th.StringType(allowed_values=list(ACTIONS)),
        default="update",
        title="Action",
        description="What to do with records that no mapper decided: insert, update, upsert, delete"
        " (into the recycle bin) or hard_delete. A refused update never becomes a create.",
    ),
    th.Property(
        "external_id_fields",
        th.ObjectType(additional_properties=th.StringType),
        default={},
        title="External id fields",
        description="Object to the field that records are recognised by, such as"
        ' {"Account": "SPOTIO_Id__c"}. upsert, update and delete go by it, and a create that the'
        " mapper decided becomes an upsert, which is safe to repeat. Without it the Id is the key.",
    ),
    th.Property(
        "allow_failures",
        th.BooleanType,
        default=False,
        title="Allow failures",
        description="Go on where records that no mapper decided are refused. Without it the run"
        " ends before any STATE that such a record stands behind.",
    ),
    th.Property(
        "failures_file",
        th.StringType,
        title="Failures file",
        description="JSON Lines file that gets every refused record, with Salesforce's words.",
    ),
    th.Property(
        "ignore_read_only",
        th.BooleanType,
        default=False,
        title="Ignore read-only fields",
        description="Leave out fields that nobody can write (formulas, audit fields, the Id of a"
        " new record). Without it they are named in an error.",
    ),
    th.Property(
        "use_raw_stream_names",
        th.BooleanType,
        default=True,
        title="Use raw stream names",
        description="The stream's name is the object's. Without it the part after the last hyphen"
        " is, as in public-Account.",
    ),
    th.Property(
        "allow_duplicates",
        th.BooleanType,
        default=False,
        title="Allow duplicates",
        description="Save records past duplicate rules that only warn (the header"
        " Sforce-Duplicate-Rule-Header). Rules that block still do.",
    ),
    th.Property(
        "auto_assign",
        th.BooleanType,
        default=False,
        title="Assignment rules",
        description="Let the org's assignment rules give new accounts, cases and leads to someone.",
    ),
    th.Property(
        "on_delete",
        th.StringType(allowed_values=["delete", "ignore"]),
        default="delete",
        title="Deletions",
        description="What to do with a deletion that the mapper decided: carry it out, or ignore it"
        " as a last safeguard.",
    ),
    th.Property(
        "repeat_unknown_creates",
        th.BooleanType,
        default=False,
        title="Repeat unknown creates",
        description="Create a record again although an earlier attempt may have worked and no"
        " external id field could tell. For one run, after a person has looked.",
    ),
)
_PACE = (
    th.Property(
        "ledger_uri",
        th.StringType,
        secret=True,
        title="Ledger",
        description="SQLAlchemy URL of the ledger; the same as the mapper's. Records that the"
        f" mapper decided use {DEFAULT_IN_WORDS} where it is unset; other records use none.",
    ),
    th.Property(
        "bulk_threshold",
        th.IntegerType(minimum=0),
        default=2000,
        title="Bulk threshold",
        description="From so many records of one object on, a Bulk API 2.0 job writes them; 0"
        " never. Fewer go 200 a call.",
    ),
    th.Property(
        "bulk_timeout",
        th.NumberType(exclusive_minimum=0),
        default=900,
        title="Bulk timeout",
        description="Seconds to wait for a job that shows no progress. The run then ends, and the"
        " next one waits for the job first.",
    ),
    th.Property(
        "batch_size_rows",
        th.IntegerType(minimum=1),
        default=10_000,
        title="Batch size",
        description="Records collected before they are written; STATE follows a written batch.",
    ),
    th.Property(
        "quota_percent_total",
        th.NumberType(),
        default=80.0,
        title="Quota of all clients",
        description="Stop when the org has used this share of its daily API requests.",
    ),
    th.Property(
        "quota_percent_per_run",
        th.NumberType(),
        default=25.0,
        title="Quota of a run",
        description="Stop when this run has used this share of the org's daily API requests.",
    ),
)
SETTINGS = th.PropertiesList(*_LOGIN, _VERSION, *_WRITES, *_PACE)


@dataclass(frozen=True)
class Settings:
    """The settings of one run, apart from the login; see :data:`SETTINGS` for what each means."""

    action: str = "update"
    external_id_fields: Mapping[str, str] = field(default_factory=dict)
    allow_failures: bool = False
    failures_file: str | None = None
    ignore_read_only: bool = False
    use_raw_stream_names: bool = True
    allow_duplicates: bool = False
    auto_assign: bool = False
    on_delete: str = "delete"
    repeat_unknown_creates: bool = False
    ledger_uri: str | None = field(default=None, repr=False)
    bulk_threshold: int = 2000
    bulk_timeout: float = 900.0
    batch_size_rows: int = 10_000
    quota_percent_total: float = 80.0
    quota_percent_per_run: float = 25.0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """From a validated configuration."""
        names = cls.__dataclass_fields__
        return cls(**{name: config[name] for name in names if config.get(name) is not None})

    @property
    def ledger_of_syncs(self) -> str:
        """The ledger of records that the mapper decided."""
        return self.ledger_uri or default_uri()

    def external_id_field(self, sobject: str) -> str | None:
        """The key field of an object, if one is configured."""
        for name, key in self.external_id_fields.items():
            if name.lower() == sobject.lower():
                return key
        return None

    def object_of(self, stream: str) -> str:
        """The object that a stream is about."""
        return stream if self.use_raw_stream_names else stream.rpartition("-")[2]
