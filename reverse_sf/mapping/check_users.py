"""What ``check`` says about the ``users`` section. Nothing of it stops a sync of records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping.problem import Problem, note, warning
from reverse_sf.mapping.user_roles import compile_roles
from reverse_sf.mapping.users import EmailField
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.known_users import Users
    from reverse_sf.mapping.users import RoleSelection, UserSync

_ROLES = ("Admin", "Manager", "Sales")
_FROZEN = "IsFrozen"
_NAMED = {"Profile.Name": "profile", "UserRole.Name": "role", "Group": "public group or queue"}


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
    if users is None:
        return
    yield from _unknown_roles(sync, users)
    yield from _unknown_names(sync, users)
    if users.salesforce:
        yield from _unknown_users(sync, users)
        yield from _unfit_users(sync, users)


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


def _unknown_roles(sync: UserSync, users: Users) -> Iterator[Problem]:
    """A tenant gives its fourth role a name of its own; who has it shows that name."""
    if not users.spotio:
        return
    held = {str(one.attributes.get("role") or "") for one in users.spotio} - {""}
    known = {one.casefold(): one for one in (*_ROLES, *held)}
    for one in sync.roles:
        if one.spotio_role.casefold() not in known:
            yield warning(
                f"{one.path}.spotio_role",
                f"no user of SPOTIO has the role {one.spotio_role}"
                f"{did_you_mean(one.spotio_role, known.values())}",
                f"name one of {', '.join(sorted(known.values()))}; a role that nobody has yet may"
                " exist all the same",
            )


def _unknown_names(sync: UserSync, users: Users) -> Iterator[Problem]:
    for role in sync.roles:
        for one in role.only_when:
            known = users.names.get(one.name)
            for value in one.values if known is not None else ():
                if known is not None and value is not None and value not in known:
                    yield warning(
                        f"{role.path}.only_when.{one.name}",
                        f"Salesforce has no {_NAMED.get(one.name, one.name)} {value}"
                        f"{did_you_mean(str(value), known)}: it selects nobody",
                        "correct the name",
                    )


def _unfit_users(sync: UserSync, users: Users) -> Iterator[Problem]:
    """Selected users whom a run would withhold: without an e-mail, or with another's."""
    role_of = compile_roles(sync)
    field = sync.email_field.value
    by_email: dict[str, list[str]] = {}
    for one in users.salesforce:
        values = {**one.attributes, "Username": one.username, "Email": one.email}
        shown = one.username or one.id
        if not one.active or one.attributes.get(_FROZEN) is True or role_of(values) is None:
            continue
        email = one.email if sync.email_field is EmailField.EMAIL else one.username
        if email:
            by_email.setdefault(email.casefold(), []).append(shown)
            continue
        yield warning(
            sync.path,
            f"the selected user {shown} has no {field} in Salesforce, and is not synced",
            f"give the user one, or take the e-mail from {_other(sync.email_field)}",
        )
    for email, names in by_email.items():
        if len(names) > 1:
            yield warning(
                sync.path,
                f"{len(names)} users who are selected have the {field} {email}, and none of them is"
                f" synced: {', '.join(sorted(names))}",
                f"change one, name one alone, or use {_other(sync.email_field)} as the e-mail",
            )


def _other(field: EmailField) -> str:
    chosen = EmailField.USERNAME if field is EmailField.EMAIL else EmailField.EMAIL
    return f"{chosen.value} (email_field)"
