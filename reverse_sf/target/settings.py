"""The target's settings. Names that the MeltanoLabs variant has keep their meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from singer_sdk import typing as th

from reverse_sf.delivery.settings import (
    ON_DELETE,
    DeliverySettings,
    batch_size_property,
    bulk_timeout_property,
    ledger_property,
)
from reverse_sf.singer.salesforce_settings import CONNECTION

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIONS = ("insert", "update", "upsert", "delete", "hard_delete")

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
    ON_DELETE,
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
    ledger_property("use none"),
    th.Property(
        "bulk_threshold",
        th.IntegerType(minimum=0),
        default=2000,
        title="Bulk threshold",
        description="From so many records of one object on, a Bulk API 2.0 job writes them; 0"
        " never. Fewer go 200 a call.",
    ),
    bulk_timeout_property("a job"),
    batch_size_property(10_000),
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
SETTINGS = th.PropertiesList(*CONNECTION, *_WRITES, *_PACE)


@dataclass(frozen=True, kw_only=True)
class Settings(DeliverySettings):
    """The settings of one run, apart from the login; see :data:`SETTINGS` for what each means."""

    action: str = "update"
    external_id_fields: Mapping[str, str] = field(default_factory=dict)
    allow_failures: bool = False
    failures_file: str | None = None
    ignore_read_only: bool = False
    use_raw_stream_names: bool = True
    allow_duplicates: bool = False
    auto_assign: bool = False
    repeat_unknown_creates: bool = False
    bulk_threshold: int = 2000
    batch_size_rows: int = 10_000
    quota_percent_total: float = 80.0
    quota_percent_per_run: float = 25.0

    def external_id_field(self, sobject: str) -> str | None:
        """The key field of an object, if one is configured."""
        for name, key in self.external_id_fields.items():
            if name.lower() == sobject.lower():
                return key
        return None

    def object_of(self, stream: str) -> str:
        """The object that a stream is about."""
        return stream if self.use_raw_stream_names else stream.rpartition("-")[2]
