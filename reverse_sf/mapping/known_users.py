"""The users of both systems, as frozen values, for checking the users that a definition names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Person:
    """A user of one side, for checking the users that a definition names."""

    id: str
    email: str | None = None
    username: str | None = None
    active: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Of a Salesforce user what ``users:`` asks for, of a SPOTIO user the ``role``."""


@dataclass(frozen=True)
class Users:
    """The users of both sides.

    Attributes:
        names: every name that an attribute of Salesforce's users can have, such as
            ``Profile.Name``; an attribute that is absent is not known or has no such list.
    """

    spotio: tuple[Person, ...] = ()
    salesforce: tuple[Person, ...] = ()
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
