"""Users of the local org: who may log in, groups in groups, queues, names along parent paths."""

from __future__ import annotations

import pytest

from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.org import Org
from reverse_sf.simulator.salesforce.refusal import ApiFault
from tests.unit.simulator_salesforce_fixtures import found, names, new_org

REP = salesforce_id("005", 0)
ADMIN = salesforce_id("005", 10)


@pytest.fixture
def org() -> Org:
    return new_org()


def login_of(org: Org, user: str) -> dict:
    fields = "Id, IsFrozen, IsPasswordLocked, LastModifiedById, User.Name"
    return found(org, f"SELECT {fields} FROM UserLogin WHERE UserId = '{user}'")[0]


def test_every_user_has_a_login_and_a_new_one_gets_its_own(org):
    users = {row["Id"] for row in found(org, "SELECT Id FROM User")}
    assert {row["UserId"] for row in found(org, "SELECT UserId FROM UserLogin")} == users
    like = org.retrieve("User", REP)
    wanted = ("LastName", "Email", "Alias", "CommunityNickname", "TimeZoneSidKey", "ProfileId")
    rest = ("LocaleSidKey", "EmailEncodingKey", "LanguageLocaleKey")
    values = {name: like[name] for name in (*wanted, *rest)} | {"Username": "new@example.com"}
    made = org.create("User", values)
    assert login_of(org, made)["IsFrozen"] is False
    org.reset()
    assert org.count("UserLogin") == 15


def test_a_frozen_user_stays_active_and_is_found_by_its_login(org):
    org.set_login(REP, {"IsFrozen": True}, editor=ADMIN)
    assert org.retrieve("User", REP, ["IsActive"])["IsActive"] is True
    frozen = found(org, "SELECT UserId, User.Name FROM UserLogin WHERE IsFrozen = true")
    assert [(row["UserId"], row["User"]["Name"]) for row in frozen] == [(REP, "Rep One")]
    assert login_of(org, REP)["LastModifiedById"] == ADMIN
    assert org.frozen(REP)
    inner = "SELECT UserId FROM UserLogin WHERE IsFrozen = true"
    assert names(org, f"SELECT Name FROM User WHERE Id IN ({inner})") == ["Rep One"]


def test_the_api_freezes_and_unlocks_but_locks_no_password(org):
    login = login_of(org, REP)["Id"]
    org.update("UserLogin", login, {"IsFrozen": True})
    assert login_of(org, REP)["IsFrozen"] is True
    with pytest.raises(ApiFault) as caught:
        org.update("UserLogin", login, {"IsPasswordLocked": True})
    assert caught.value.fields == ("IsPasswordLocked",)
    org.set_login(REP, {"IsPasswordLocked": True}, editor=ADMIN)
    org.update("UserLogin", login, {"IsPasswordLocked": False})
    assert login_of(org, REP)["IsPasswordLocked"] is False
    for refused in (
        lambda: org.create("UserLogin", {"IsFrozen": True}),
        lambda: org.delete("UserLogin", login),
        lambda: org.update("UserLogin", login, {"UserId": ADMIN}),
    ):
        with pytest.raises(ApiFault):
            refused()


def test_a_database_of_an_earlier_version_gets_the_logins_it_lacks(tmp_path):
    first = Org(new_org().clock, database=tmp_path / "org.db", empty=True)
    first.store.execute('DELETE FROM "UserLogin"')
    first.close()
    again = Org(new_org().clock, database=tmp_path / "org.db", empty=True)
    assert again.count("UserLogin") == 15
    again.close()


def test_profile_and_role_are_read_along_the_user_and_select_it(org):
    fields = "Name, Profile.Name, UserRole.Name, UserRole.ParentRole.Name"
    row = found(org, f"SELECT {fields} FROM User WHERE Id = '{REP}'")[0]
    assert row["Profile"]["Name"] == "Sales User"
    assert row["UserRole"]["Name"] == "Sales Rep"
    assert row["UserRole"]["ParentRole"]["Name"] == "Sales Manager"
    managers = "SELECT Name FROM User WHERE Profile.Name = 'Sales Manager'"
    assert names(org, managers) == ["Olga Ops"]
    assert names(org, "SELECT Name FROM User WHERE UserRole.Name = 'Sales Manager'") == ["Olga Ops"]
    assert names(org, "SELECT Name FROM User WHERE UserRoleId = null") == ["Integration User"]
    org.create("Account", {"Name": "a"}, user_id=REP)
    owned = found(org, "SELECT Owner.Profile.Name, Owner.UserRole.Name FROM Account")[0]
    assert owned["Owner"]["Profile"]["Name"] == "Sales User"
    assert owned["Owner"]["UserRole"]["Name"] == "Sales Rep"


def test_public_groups_hold_users_groups_and_the_group_of_a_role(org):
    public = names(org, "SELECT Name FROM Group WHERE Type = 'Regular' ORDER BY Name")
    assert public == ["Back Office", "Crew North", "Field Force"]
    members = found(
        org,
        "SELECT UserOrGroupId FROM GroupMember WHERE Group.Name = 'Field Force' ORDER BY Id",
    )
    prefixes = sorted({row["UserOrGroupId"][:3] for row in members})
    assert prefixes == ["005", "00G"]
    role = found(
        org,
        "SELECT Type, Related.Name FROM Group WHERE Id IN (SELECT UserOrGroupId FROM GroupMember "
        "WHERE Group.Name = 'Back Office')",
    )
    assert [(row["Type"], row["Related"]["Name"]) for row in role] == [("Role", "Sales Manager")]
    nested = found(org, "SELECT Name, (SELECT UserOrGroupId FROM GroupMembers) FROM Group")
    crew = next(row for row in nested if row["Name"] == "Crew North")
    assert len(crew["GroupMembers"]["records"]) == 3


def test_people_join_and_leave_groups(org):
    crew = found(org, "SELECT Id FROM Group WHERE Name = 'Crew North'")[0]["Id"]
    joined = org.create("GroupMember", {"GroupId": crew, "UserOrGroupId": REP})
    assert len(found(org, f"SELECT Id FROM GroupMember WHERE GroupId = '{crew}'")) == 4
    org.delete("GroupMember", joined)
    assert len(found(org, f"SELECT Id FROM GroupMember WHERE GroupId = '{crew}'")) == 3
    made = org.create("Group", {"Name": "New", "Type": "Regular"})
    org.create("GroupMember", {"GroupId": made, "UserOrGroupId": crew})
    org.delete("Group", crew)
    assert found(org, f"SELECT Id FROM GroupMember WHERE GroupId = '{made}'") == []


def test_a_queue_owns_what_it_is_set_up_for(org):
    queue = found(org, "SELECT Id FROM Group WHERE Type = 'Queue'")[0]["Id"]
    lead = org.create("Lead", {"LastName": "q", "Company": "q", "OwnerId": queue})
    row = found(org, f"SELECT Owner.Name, Owner.Type FROM Lead WHERE Id = '{lead}'")[0]
    assert (row["Owner"]["Name"], row["Owner"]["Type"]) == ("Inside Sales", "Group")
    with pytest.raises(ApiFault) as caught:
        org.create("Task", {"Subject": "x", "OwnerId": queue})
    assert caught.value.code == "INVALID_OPERATION"
    crew = found(org, "SELECT Id FROM Group WHERE Name = 'Crew North'")[0]["Id"]
    with pytest.raises(ApiFault) as caught:
        org.update("Lead", lead, {"OwnerId": crew})
    assert caught.value.code == "INVALID_CROSS_REFERENCE_KEY"
