"""Which SPOTIO role the ``users`` section gives to a Salesforce user, if any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.criteria import compile_criteria

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.mapping.users import UserSync


def compile_roles(sync: UserSync) -> Callable[[Mapping[str, Any]], str | None]:
    """A function from a Salesforce user's fields to the SPOTIO role that the user gets.

    It answers ``None`` for a user whom no role selects. Fields of a parent stand under their
    dotted name, such as ``Profile.Name``, and the names of groups as a list under :data:`GROUP`.
    """
    tried = [
        (
            one,
            compile_criteria(one.only_when),
            frozenset(name.casefold() for name in one.usernames),
        )
        for one in sync.roles
    ]

    def role_of(user: Mapping[str, Any]) -> str | None:
        names = {str(user.get(key) or "").casefold() for key in ("Username", "Email")}
        for one, criteria, listed in tried:
            if one.takes_everybody or not listed.isdisjoint(names):
                return one.spotio_role
            if one.only_when and criteria(user):
                return one.spotio_role
        return None

    return role_of
