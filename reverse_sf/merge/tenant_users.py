"""The users of a SPOTIO tenant, as the decision about users needs them: who is who, who rules.

It counts the Admins down as decisions take them away, so that the second of two is guarded even
where one run would suspend both.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

ADMIN = "admin"
_CASE_SENSITIVE_ID = 15
"""A Salesforce id has 15 characters; three more only repeat their case."""


class Member(msgspec.Struct, frozen=True):
    """A user of the tenant."""

    id: str
    email: str = ""
    role: str = ""
    external_id: str | None = None
    read_only: bool = False
    suspended: bool = False

    @property
    def rules(self) -> bool:
        """Whether this is an Admin who can sign in and act."""
        return self.role.casefold() == ADMIN and not self.read_only and not self.suspended


def same_id(left: str | None, right: str) -> bool:
    """Whether two spellings, of 15 or 18 characters, are one Salesforce id."""
    return left is not None and left[:_CASE_SENSITIVE_ID] == right[:_CASE_SENSITIVE_ID]


class Tenant:
    """All users of the tenant, and whose API key the sync uses.

    Args:
        members: all of them, the suspended ones too.
        key_owner: id of the user whose API key the sync uses, whom the sync never touches; None
            where that is not known, and then every Admin may be it.
    """

    def __init__(self, members: Iterable[Member], key_owner: str | None) -> None:
        self.key_owner = key_owner
        self._members: dict[str, Member] = {}
        self._by_email: defaultdict[str, list[str]] = defaultdict(list)
        self._by_external_id: defaultdict[str, list[str]] = defaultdict(list)
        for one in members:
            self._members[one.id] = one
            if one.email:
                self._by_email[one.email.casefold()].append(one.id)
            if one.external_id:
                self._by_external_id[one.external_id[:_CASE_SENSITIVE_ID]].append(one.id)
        self._rulers = {one.id for one in self._members.values() if one.rules}

    def member(self, member_id: str) -> Member | None:
        """The user with this id."""
        return self._members.get(member_id)

    def with_external_id(self, salesforce_id: str) -> list[Member]:
        """Everybody who carries this Salesforce id."""
        known = self._by_external_id.get(salesforce_id[:_CASE_SENSITIVE_ID], ())
        return [self._members[one] for one in known]

    def with_email(self, email: str) -> list[Member]:
        """Everybody with this e-mail, in any case."""
        return [self._members[one] for one in self._by_email.get(email.casefold(), ())]

    def may_own_key(self, member: Member) -> bool:
        """Whether the API key is, or could be, this user's; only an Admin's key writes users."""
        if self.key_owner is None:
            return member.role.casefold() == ADMIN
        return member.id == self.key_owner

    def is_last_admin(self, member: Member) -> bool:
        """Whether nobody else could administer the tenant."""
        return self._rulers == {member.id}

    def deprive(self, member: Member) -> None:
        """Count a user no longer as an Admin, because it was decided to suspend or demote them."""
        self._rulers.discard(member.id)
