"""What ``check`` says about the ``users`` section. Nothing of it stops a sync of records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping.problem import Problem, note, warning
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.metadata import Users
    from reverse_sf.mapping.users import RoleSelection, UserSync


def user_problems(sync: UserSync, users: Users | None = None) -> Iterator[Problem]:
    """Everything that can be known of the section before the first run.

    Args:
        sync: the section.
        users: the users of both sides, if known.
    """
    if not sync.stated:
        return
    if not sync.roles:
        yield warning("users", "nobody is selected", "list at least one role under roles:")
    yield from _chosen_twice(sync)
    if users is not None and users.salesforce:
        yield from _unknown_users(sync, users)


def _chosen_twice(sync: UserSync) -> Iterator[Problem]:
    taken: dict[str, RoleSelection] = {}
    for one in sync.roles:
        for at, name in enumerate(one.usernames):
            first = taken.setdefault(name.casefold(), one)
            if first is not one:
                yield warning(
                    f"{one.path}.usernames[{at}]",
                    f"{name} gets {first.spotio_role}, not {one.spotio_role}: {first.path} names"
                    " the same user, and the first listed role wins",
                    "name each user under one role",
                )
    if any(one.only_when for one in sync.roles) and len(sync.roles) > 1:
        order = ", then ".join(one.spotio_role for one in sync.roles)
        yield note(
            f"{sync.path}.roles",
            f"a user whom two roles select gets the one that is listed first: {order}",
        )


def _unknown_users(sync: UserSync, users: Users) -> Iterator[Problem]:
    known = {
        name.casefold()
        for person in users.salesforce
        for name in (person.username, person.email)
        if name
    }
    for one in sync.roles:
        for at, name in enumerate(one.usernames):
            if name.casefold() not in known:
                yield warning(
                    f"{one.path}.usernames[{at}]",
                    f"Salesforce has no user {name}{did_you_mean(name, known)}",
                    "name a user's username or e-mail",
                )
