"""The audit fields that a write sets."""

from __future__ import annotations

AUDIT_FIELDS = frozenset(
    {"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
)


def stamps(now: str, user: str, *, created: bool) -> dict[str, str]:
    """Values of the audit fields after a write by that user at that instant."""
    values = {"LastModifiedDate": now, "LastModifiedById": user, "SystemModstamp": now}
    if created:
        values |= {"CreatedDate": now, "CreatedById": user}
    return values
