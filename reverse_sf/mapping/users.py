"""The ``users`` section as frozen values: who of Salesforce becomes a user of SPOTIO."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import Criterion

GROUP = "Group"
"""The condition that stands for membership: the names of the groups that a user is in."""

READ_ONLY = "ReadOnly"
"""What an unlicensed user is called; a flag in SPOTIO, never a role."""


class UserMatch(str, Enum):
    """How an existing SPOTIO user is recognised; the external id always goes first."""

    EMAIL = "email"
    EXTERNAL_ID = "external_id"
    """By nothing else."""


class EmailField(str, Enum):
    """The Salesforce field that holds the e-mail used in SPOTIO."""

    EMAIL = "Email"
    USERNAME = "Username"


@dataclass(frozen=True)
class RoleSelection:
    """A SPOTIO role and who gets it.

    Whoever is named gets it, and so does whoever meets all the conditions. Without names and
    without conditions everybody gets it.

    Attributes:
        spotio_role: Admin, Manager, Sales, or a role that the tenant has given its own name.
        only_when: conditions on fields of the Salesforce user, or on :data:`GROUP`.
        usernames: usernames or e-mails, in any case.
    """

    spotio_role: str
    only_when: tuple[Criterion, ...] = ()
    usernames: tuple[str, ...] = ()
    path: str = ""

    @property
    def takes_everybody(self) -> bool:
        """Whether nobody is left for a role that is listed after this one."""
        return not self.only_when and not self.usernames


@dataclass(frozen=True)
class UserSync:
    """Everything that the ``users`` section says; by default nobody is selected or written.

    Attributes:
        roles: in the order in which they are tried: the first that selects a user wins.
        create: create missing users in SPOTIO, unlicensed and not invited.
        suspend_when_removed: suspend the SPOTIO user of a Salesforce user who was selected once
            and is no longer, or who was deactivated, frozen or removed.
        path: ``users`` where the file has the section.
    """

    roles: tuple[RoleSelection, ...] = ()
    match: UserMatch = UserMatch.EMAIL
    email_field: EmailField = EmailField.EMAIL
    create: bool = False
    suspend_when_removed: bool = False
    path: str = ""

    @property
    def stated(self) -> bool:
        """Whether the file has the section at all."""
        return bool(self.path)
