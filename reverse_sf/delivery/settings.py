"""Settings that both targets have, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from reverse_sf.ledger.address import DEFAULT_IN_WORDS, default_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

ON_DELETE = th.Property(
    "on_delete",
    th.StringType(allowed_values=["delete", "ignore"]),
    default="delete",
    title="Deletions",
    description=(
        "What to do with a deletion that the mapper decided: carry it out, or ignore it as a"
        " last safeguard."
    ),
)


def ledger_property(other_records: str) -> th.Property[Any]:
    """The setting ``ledger_uri``.

    Args:
        other_records: what becomes of records that the mapper did not decide.
    """
    return th.Property(
        "ledger_uri",
        th.StringType,
        secret=True,
        title="Ledger",
        description=(
            "SQLAlchemy URL of the ledger; the same as the mapper's. Records that the mapper"
            f" decided use {DEFAULT_IN_WORDS} where it is unset; other records {other_records}."
        ),
    )


def bulk_timeout_property(job: str) -> th.Property[Any]:
    """The setting ``bulk_timeout``.

    Args:
        job: what is waited for.
    """
    return th.Property(
        "bulk_timeout",
        th.NumberType(exclusive_minimum=0),
        default=900,
        title="Bulk timeout",
        description=(
            f"Seconds to wait for {job} that shows no progress. The run then ends, and the next"
            " one waits for the job first."
        ),
    )


def batch_size_property(rows: int) -> th.Property[Any]:
    """The setting ``batch_size_rows``.

    Args:
        rows: by default.
    """
    return th.Property(
        "batch_size_rows",
        th.IntegerType(minimum=1),
        default=rows,
        title="Batch size",
        description="Records collected before they are written; STATE follows a written batch.",
    )


@dataclass(frozen=True, kw_only=True)
class DeliverySettings:
    """The settings of one run that the two targets share."""

    ledger_uri: str | None = field(default=None, repr=False)
    bulk_timeout: float = 900.0
    on_delete: str = "delete"
    batch_size_rows: int = 2000

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """From a validated configuration."""
        names = cls.__dataclass_fields__
        given = {name: config[name] for name in names if config.get(name) is not None}
        # A fraction in a config file is a Decimal, which adds to no clock.
        fractions = {n: float(one) for n, one in given.items() if isinstance(one, Decimal)}
        return cls(**{**given, **fractions})

    @property
    def ledger_of_syncs(self) -> str:
        """The ledger of records that the mapper decided."""
        return self.ledger_uri or default_uri()
