"""What the ledger knows of a user, as :mod:`reverse_sf.merge.users` is told it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.ledger.rows import LinkState
from reverse_sf.mapper.people import REMOVED
from reverse_sf.mapping.users import EmailField
from reverse_sf.merge.tenant_users import Member
from reverse_sf.merge.users import Standing, UserFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.ledger.rows import UserRow as KnownUser
    from reverse_sf.mapping.users import UserSync

    RoleOf = Callable[[Mapping[str, Any]], str | None]

IS_FROZEN = "IsFrozen"
SUSPENDED = "suspended"


def facts_of(
    user: KnownUser, snapshot: Snapshot | None, sync: UserSync, role_of: RoleOf
) -> UserFacts:
    """The facts that a user of Salesforce is decided by.

    Args:
        user: as last seen.
        snapshot: what is known of the user's link, if there is one.
        sync: the ``users`` section.
        role_of: its roles, compiled.
    """
    values = {**user.attributes, "Username": user.username, "Email": user.email}
    email = user.email if sync.email_field is EmailField.EMAIL else user.username
    linked = snapshot.link if snapshot is not None else None
    is_linked = linked is not None and linked.state is LinkState.LINKED
    return UserFacts(
        id=user.user_id,
        role=role_of({**values, "IsActive": user.active}),
        email=email or "",
        standing=_standing(user),
        linked=linked.spotio_id if linked is not None and is_linked else None,
        suspended_by_sync=snapshot is not None and suspended_by_sync(snapshot),
        unanswered=(snapshot.open_action or "") if snapshot is not None else "",
        first_name=str(values.get("FirstName") or ""),
        last_name=str(values.get("LastName") or user.name or ""),
    )


def _standing(user: KnownUser) -> Standing:
    if user.attributes.get(REMOVED):
        return Standing.REMOVED
    if not user.active:
        return Standing.DEACTIVATED
    return Standing.FROZEN if user.attributes.get(IS_FROZEN) is True else Standing.ACTIVE


def suspended_by_sync(snapshot: Snapshot) -> bool:
    """Whether the sync has suspended the member, as far as the ledger knows."""
    return bool(snapshot.base.get(SUSPENDED, [False])[0])


def member_of(row: KnownUser) -> Member:
    """A user of SPOTIO as decisions know it."""
    return Member(
        id=row.user_id,
        email=row.email or "",
        role=str(row.attributes.get("role") or ""),
        external_id=row.external_id,
        read_only=bool(row.attributes.get("read_only")),
        suspended=not row.active,
    )
