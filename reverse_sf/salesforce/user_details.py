"""What an org knows of its users beside their own fields: profile, role, groups, frozen logins."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import AccessError, ConfigurationError
from reverse_sf.salesforce.refusals import SalesforceError
from reverse_sf.salesforce.soql import Select

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reverse_sf.salesforce import SalesforceClient

PROFILE, ROLE, FROZEN, GROUP = "Profile.Name", "UserRole.Name", "IsFrozen", "Group"
BEHIND = {PROFILE: ("ProfileId",), ROLE: ("UserRoleId",), FROZEN: (), GROUP: ("UserRoleId",)}
"""The fields of User that a detail is found by."""
_NAMED = frozenset({"Regular", "Queue"})
"""Types of groups that people give names to."""


def rows_of(client: SalesforceClient, select: Select) -> list[dict[str, Any]]:
    """All rows of a query whose result is small."""
    page = client.query(select)
    rows = list(page.records)
    while page.next_page:
        page = client.query_more(page, source=select.source)
        rows += page.records
    return rows


class Details:
    """What an org knows of its users beside their own fields, read at once.

    Args:
        client: the org.
        wanted: names of details.

    Attributes:
        refused: what may not be read, with Salesforce's words.
    """

    def __init__(self, client: SalesforceClient, wanted: Sequence[str]) -> None:
        self._client = client
        self.refused: dict[str, str] = {}
        self._wanted = [name for name in wanted if self._read(name)]

    def _read(self, name: str) -> bool:
        try:
            if name == PROFILE:
                self._profiles = {one["Id"]: one["Name"] for one in self._rows("Profile", "Name")}
            elif name == ROLE:
                self._roles = {one["Id"]: one["Name"] for one in self._rows("UserRole", "Name")}
            elif name == FROZEN:
                frozen = self._rows("UserLogin", "UserId", where="IsFrozen = true")
                self._frozen = {one["UserId"] for one in frozen}
            else:
                self._groups = self._memberships()
        except (AccessError, ConfigurationError, SalesforceError) as error:
            self.refused[name] = str(error)
            return False
        return True

    def _memberships(self) -> Memberships:
        return Memberships(
            groups=self._rows("Group", "Name", "Type", "RelatedId"),
            members=self._rows("GroupMember", "GroupId", "UserOrGroupId"),
            roles=self._rows("UserRole", "ParentRoleId"),
        )

    def _rows(self, source: str, *fields: str, where: str = "") -> list[dict[str, Any]]:
        return rows_of(self._client, Select(source, ("Id", *fields), (where,) if where else ()))

    @property
    def names(self) -> dict[str, frozenset[str]]:
        """Every name that a detail can have in this org, as far as it was read."""
        found: dict[str, frozenset[str]] = {}
        if PROFILE in self._wanted:
            found[PROFILE] = frozenset(self._profiles.values())
        if ROLE in self._wanted:
            found[ROLE] = frozenset(self._roles.values())
        if GROUP in self._wanted:
            found[GROUP] = frozenset(self._groups.names)
        return found

    def columns(self, known: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, list[Any]]]:
        """The columns of details, beside those of a page of users."""
        for name in self._wanted:
            if name == PROFILE:
                yield name, [self._profiles.get(one) for one in known["ProfileId"]]
            elif name == ROLE:
                yield name, [self._roles.get(one) for one in known["UserRoleId"]]
            elif name == FROZEN:
                yield name, [one in self._frozen for one in known["Id"]]
            else:
                pairs = zip(known["Id"], known["UserRoleId"], strict=True)
                yield name, [self._groups.of(*pair) for pair in pairs]


class Memberships:
    """Who is in which group, through other groups and roles too.

    Args:
        groups: rows of Group.
        members: rows of GroupMember.
        roles: rows of UserRole.
    """

    def __init__(
        self,
        groups: Sequence[Mapping[str, Any]],
        members: Sequence[Mapping[str, Any]],
        roles: Sequence[Mapping[str, Any]],
    ) -> None:
        self._groups = {one["Id"]: one for one in groups}
        self._members: defaultdict[str, list[str]] = defaultdict(list)
        for one in members:
            self._members[one["GroupId"]].append(one["UserOrGroupId"])
        self._below: defaultdict[str, list[str]] = defaultdict(list)
        for one in roles:
            if one.get("ParentRoleId"):
                self._below[one["ParentRoleId"]].append(one["Id"])
        self._of: defaultdict[str, set[str]] = defaultdict(set)
        for one in groups:
            if one["Type"] in _NAMED:
                for member in self._reached(one["Id"]):
                    self._of[member].add(one["Name"])

    @property
    def names(self) -> set[str]:
        """Names of all public groups and queues, empty ones too."""
        return {one["Name"] for one in self._groups.values() if one["Type"] in _NAMED}

    def of(self, user_id: str, role_id: str | None) -> list[str]:
        """Names of the groups of a user, in order."""
        return sorted(self._of.get(user_id, set()) | self._of.get(role_id or "", set()))

    def _reached(self, group_id: str) -> set[str]:
        """Ids of the users and the roles that a group means; groups may hold one another."""
        reached: set[str] = set()
        waiting, seen = [group_id], {group_id}
        while waiting:
            one = waiting.pop()
            group = self._groups.get(one)
            if group is None:
                reached.add(one)
                continue
            following = [*self._members.get(one, ()), *self._roles_of(group)]
            waiting += [each for each in following if each not in seen]
            seen.update(following)
        return reached

    def _roles_of(self, group: Mapping[str, Any]) -> list[str]:
        related, kind = group.get("RelatedId"), str(group["Type"])
        if not related or not kind.startswith("Role"):
            return []
        found = [related]
        if kind != "Role":
            for one in found:
                found += [each for each in self._below.get(one, ()) if each not in found]
        return found
