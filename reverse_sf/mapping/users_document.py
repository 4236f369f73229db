"""The ``users`` section of a ``sync.yml``: from what it says to values, and what contradicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.definition import Criterion
from reverse_sf.mapping.users import (
    READ_ONLY,
    EmailField,
    RoleSelection,
    UserMatch,
    UserSync,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.wording import Problem

SECTION = "users"


def user_sync(said: dict[str, Any]) -> UserSync:
    """The values of a section that the schema accepts."""
    return UserSync(
        roles=tuple(
            _role(one, f"{SECTION}.roles[{at}]") for at, one in enumerate(said.get("roles", ()))
        ),
        match=UserMatch(said.get("match", UserMatch.EMAIL.value)),
        email_field=EmailField(said.get("email_field", EmailField.EMAIL.value)),
        create=said.get("create", False),
        suspend_when_removed=said.get("suspend_when_removed", False),
        path=SECTION,
    )


def _role(said: dict[str, Any], path: str) -> RoleSelection:
    return RoleSelection(
        spotio_role=said["spotio_role"],
        only_when=tuple(
            Criterion(name, tuple(values)) for name, values in said.get("only_when", {}).items()
        ),
        usernames=tuple(said.get("usernames", ())),
        path=path,
    )


def user_inconsistencies(sync: UserSync) -> Iterator[Problem]:
    """What the section says against itself, each with its path."""
    everybody: RoleSelection | None = None
    for one in sync.roles:
        if one.spotio_role.casefold() == READ_ONLY.casefold():
            sentence = (
                f"{READ_ONLY} is not a role in SPOTIO: name the role that the user gets, new users"
                " are created as ReadOnly whatever their role"
            )
            yield f"{one.path}.spotio_role", sentence
        if everybody is not None:
            sentence = (
                f"nobody is left for {one.spotio_role}: {everybody.path} gives"
                f" {everybody.spotio_role} to every user, and the first listed role wins"
            )
            yield one.path, sentence
        elif one.takes_everybody:
            everybody = one
