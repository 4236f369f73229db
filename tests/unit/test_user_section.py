"""The users section of sync.yml: what it becomes, whom it selects, and what is said against it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.check import check
from reverse_sf.mapping.definition import Criterion
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.fingerprint import fingerprint
from reverse_sf.mapping.known_users import Person, Users
from reverse_sf.mapping.user_roles import compile_roles
from reverse_sf.mapping.users import (
    EmailField,
    RoleSelection,
    UserMatch,
    UserSync,
)

OBJECTS = """\
version: 1
objects:
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: true}
    fields:
      - {spotio: Company, salesforce: Company, rule: two_way}
"""


def section(text: str) -> UserSync:
    return parse(OBJECTS + text).users


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(OBJECTS + text)
    return list(caught.value.problems)


def role_of(text: str, **user: object) -> str | None:
    fields = {name.replace("__", "."): value for name, value in user.items()}
    return compile_roles(section(text))(fields)


def test_without_the_section_nobody_is_selected_and_nothing_is_written():
    users = parse(OBJECTS).users
    assert not users.stated
    assert (users.roles, users.create, users.suspend_when_removed) == ((), False, False)


def test_without_the_section_the_definition_keeps_the_digest_that_it_had_before_the_section():
    definition = parse(OBJECTS)
    before = replace(definition, users={})
    assert definition.fingerprint == fingerprint(before)


def test_each_setting_of_the_section_changes_the_definitions_digest():
    texts = [
        "",
        "users: {create: true}\n",
        "users: {suspend_when_removed: true}\n",
        "users: {match: external_id}\n",
        "users: {email_field: Username}\n",
        "users: {roles: [{spotio_role: Sales}]}\n",
        "users: {roles: [{spotio_role: Manager}]}\n",
    ]
    assert len({parse(OBJECTS + text).fingerprint for text in texts}) == len(texts)


def test_every_setting_is_read():
    users = section(
        "users:\n  match: external_id\n  email_field: Username\n  create: true\n"
        "  suspend_when_removed: true\n  roles:\n"
        "    - {spotio_role: Manager, only_when: {Profile.Name: [Sales Manager]}}\n"
        "    - {spotio_role: Sales Rep 2, usernames: [rep.one@example.com]}\n"
    )
    assert users == UserSync(
        roles=(
            RoleSelection(
                "Manager",
                only_when=(Criterion("Profile.Name", ("Sales Manager",)),),
                path="users.roles[0]",
            ),
            RoleSelection("Sales Rep 2", usernames=("rep.one@example.com",), path="users.roles[1]"),
        ),
        match=UserMatch.EXTERNAL_ID,
        email_field=EmailField.USERNAME,
        create=True,
        suspend_when_removed=True,
        path="users",
    )


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("users: {match: phone}\n", "users.match"),
        ("users: {roles: [{spotio_role: ''}]}\n", "users.roles[0].spotio_role"),
        ("users: {roles: [{usernames: [a@example.com]}]}\n", "users.roles[0]"),
        ("users: {invite: true}\n", "users.invite"),
        ("users: all\n", "users"),
    ],
)
def test_what_the_schema_refuses_is_told_once_with_its_path(text, path):
    (problem,) = problems_of(text)
    assert problem.startswith(f"{path} (line 8)")


def test_read_only_is_refused_as_a_role():
    (problem,) = problems_of("users: {roles: [{spotio_role: readonly}]}\n")
    assert problem.startswith("users.roles[0].spotio_role")
    assert "ReadOnly is not a role in SPOTIO" in problem


def test_a_role_behind_one_that_takes_everybody_is_refused():
    (problem,) = problems_of(
        "users: {roles: [{spotio_role: Sales}, {spotio_role: Admin, usernames: [a@b.co]}]}\n"
    )
    assert problem.startswith("users.roles[1]")
    assert "nobody is left for Admin: users.roles[0] gives Sales to every user" in problem


ROLES = """\
users:
  roles:
    - {spotio_role: Admin, usernames: [Boss@Example.com]}
    - {spotio_role: Manager, only_when: {Profile.Name: [Sales Manager], IsPortal__c: [false]}}
    - {spotio_role: Inside, only_when: {Group: [Inside Sales]}}
"""


def test_a_user_is_selected_by_name_in_any_case_by_username_or_email():
    assert role_of(ROLES, Username="boss@example.com") == "Admin"
    assert role_of(ROLES, Username="b@example.org", Email="BOSS@example.com") == "Admin"


def test_all_conditions_of_a_role_must_hold():
    assert role_of(ROLES, Profile__Name="Sales Manager", IsPortal__c=True) is None
    user = {"Profile.Name": "Sales Manager", "IsPortal__c": False}
    assert compile_roles(section(ROLES))(user) == "Manager"


def test_a_user_is_selected_by_membership_in_a_group():
    assert role_of(ROLES, Group=["Everybody", "Inside Sales"]) == "Inside"
    assert role_of(ROLES, Group=["Everybody"]) is None


def test_the_first_listed_role_wins():
    user = {"Username": "boss@example.com", "Profile.Name": "Sales Manager", "IsPortal__c": False}
    assert compile_roles(section(ROLES))(user) == "Admin"


def test_names_and_conditions_of_one_role_both_select():
    text = (
        "users: {roles: [{spotio_role: Sales, usernames: [a@b.co], only_when: {Title: [Rep]}}]}\n"
    )
    assert role_of(text, Username="a@b.co", Title="Clerk") == "Sales"
    assert role_of(text, Username="c@d.co", Title="Rep") == "Sales"
    assert role_of(text, Username="c@d.co", Title="Clerk") is None


def test_a_role_without_names_and_conditions_takes_everybody():
    assert role_of("users: {roles: [{spotio_role: Sales}]}\n", Username="x@y.co") == "Sales"


def findings(text: str, users: Users | None = None) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for one in check(parse(OBJECTS + text), users=users):
        if one.path.startswith("users"):
            told.setdefault(one.path, []).append(one.message)
    return told


def test_check_says_nothing_of_a_section_that_is_not_there():
    assert findings("") == {}


def test_check_tells_of_a_section_that_selects_nobody():
    assert "nobody is selected" in findings("users: {create: true}\n")["users"]


def test_check_tells_which_role_a_user_gets_who_is_named_under_two():
    told = findings(
        "users: {roles: [{spotio_role: Sales, usernames: [a@b.co]},"
        " {spotio_role: Admin, usernames: [c@d.co, A@B.co]}]}\n"
    )
    assert "A@B.co gets Sales, not Admin" in told["users.roles[1].usernames[1]"][0]


def test_check_tells_the_order_of_roles_that_may_overlap():
    assert "Admin, then Manager, then Inside" in findings(ROLES)["users.roles"][0]


def test_check_tells_of_a_named_user_whom_salesforce_does_not_have():
    known = Users(salesforce=(Person("005", email="boss@example.co", username="x@example.co"),))
    told = findings(ROLES, known)["users.roles[0].usernames[0]"]
    assert told == ["Salesforce has no user Boss@Example.com; did you mean boss@example.co?"]


SELLERS = "users: {roles: [{spotio_role: Sales, only_when: {Profile.Name: [Seller]}}]}\n"


def seller(number: int, **values: object) -> Person:
    said = {"email": f"{number}@x.co", "username": f"{number}@x.co.org"}
    return Person(**{"id": str(number), "attributes": {"Profile.Name": "Seller"}, **said, **values})


def test_check_tells_of_a_role_that_no_spotio_user_has_and_of_no_other():
    text = "users: {roles: [{spotio_role: sales}, {spotio_role: Rep Two, usernames: [a@b.co]}]}\n"
    known = Users(spotio=(Person("1", attributes={"role": "Rep 2"}),))
    told = findings(text.replace("sales}", "sales, usernames: [b@b.co]}"), known)
    assert told.keys() == {"users.roles[1].spotio_role"}
    assert "role Rep Two; did you mean Rep 2?" in told["users.roles[1].spotio_role"][0]
    other = text.replace("Rep Two", "rep 2").replace("sales}", "sales, usernames: [b@b.co]}")
    assert findings(other, known) == {}


def test_check_tells_of_a_profile_or_group_that_salesforce_does_not_have():
    text = (
        "users: {roles: [{spotio_role: Sales, only_when:"
        " {Profile.Name: [Seler, Clerk], Group: [North], Title: [Any]}}]}\n"
    )
    names = {"Profile.Name": frozenset({"Seller", "Clerk"}), "Group": frozenset({"South"})}
    told = findings(text, Users(names=names))
    at = "users.roles[0].only_when"
    assert told[f"{at}.Profile.Name"] == [
        "Salesforce has no profile Seler; did you mean Seller?: it selects nobody"
    ]
    assert told[f"{at}.Group"][0].startswith("Salesforce has no public group or queue North")
    assert f"{at}.Title" not in told


def test_check_tells_of_selected_users_who_share_an_email_or_have_none():
    people = (
        seller(1, email="one@x.co"),
        seller(2, email="ONE@x.co"),
        seller(3, email=None),
        seller(4, email="four@x.co"),
    )
    shared, without = sorted(findings(SELLERS, Users(salesforce=people))["users"])
    assert shared == (
        "2 users who are selected have the Email one@x.co, and none of them is synced:"
        " 1@x.co.org, 2@x.co.org"
    )
    assert without == "the selected user 3@x.co.org has no Email in Salesforce, and is not synced"
    by_username = SELLERS.replace("{roles", "{email_field: Username, roles")
    assert findings(by_username, Users(salesforce=people)) == {}


@pytest.mark.parametrize(
    "values",
    [
        {"active": False},
        {"attributes": {"Profile.Name": "Seller", "IsFrozen": True}},
        {"attributes": {"Profile.Name": "Clerk"}},
    ],
    ids=["inactive", "frozen", "not selected"],
)
def test_check_says_nothing_of_users_who_are_not_to_be_synced(values):
    people = (seller(1, email="one@x.co"), seller(2, email="one@x.co", **values))
    assert findings(SELLERS, Users(salesforce=people)) == {}
