"""What tap-salesforce tells of users beside their own fields, and when."""

from __future__ import annotations

import pytest

from reverse_sf.mapping.describe import FACTS_KEY, WHOLE_LISTING
from reverse_sf.salesforce.user_details import Memberships
from tests.contract.tap_salesforce_fixtures import (  # noqa: F401 - fixtures are asked for by name
    discovered,
    org,
    run_tap,
    servers,
    settings_of,
)

REP_ONE, REP_SIX, REP_TWELVE = "005000000000000AAA", "005000000000005AAA", "00500000000000DAAQ"
ADMIN, OPS = "00500000000000AAAQ", "00500000000000BAAQ"


@pytest.fixture
def settings(org):  # noqa: F811 - a fixture
    return settings_of(org, "User", user_details=True)


def details(record):
    return tuple(record[name] for name in ("Profile.Name", "UserRole.Name", "IsFrozen", "Group"))


def test_every_user_has_profile_role_groups_and_whether_the_login_is_frozen(org, settings):  # noqa: F811 - a fixture
    org.freeze(REP_SIX)
    output = run_tap(settings)
    found = output.by_id("User")
    assert details(found[REP_ONE]) == (
        "Sales User",
        "Sales Rep",
        False,
        ["Field Force", "Inside Sales"],
    )
    assert details(found[REP_SIX]) == ("Sales User", "Sales Rep", True, [])
    assert details(found[ADMIN])[3] == ["Back Office"], "a member"
    assert details(found[OPS]) == ("Sales Manager", "Sales Manager", False, ["Back Office"]), (
        "through the group of a role"
    )
    declared = output.schemas["User"]["schema"]
    assert declared[FACTS_KEY][WHOLE_LISTING] is True
    assert declared["properties"]["Group"]["type"] == ["array", "null"]


def test_a_later_run_sends_every_user_because_no_stamp_tells_of_groups(org, settings):  # noqa: F811 - a fixture
    first = run_tap(settings)
    (member,) = (one["Id"] for one in org.rows("GroupMember") if one["UserOrGroupId"] == ADMIN)
    org.delete("GroupMember", member)
    second = run_tap(settings, state=first.state)
    assert second.by_id("User").keys() == first.by_id("User").keys()
    assert details(second.by_id("User")[ADMIN])[3] == []


def test_only_selected_details_are_asked_for_and_sent(org, settings):  # noqa: F811 - a fixture
    catalog = discovered(settings)
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"]:
            entry["metadata"]["selected"] = entry["breadcrumb"][-1] in {"Name", "Profile.Name"}
    since = org.last()
    output = run_tap(settings, catalog=catalog)
    record = output.by_id("User")[REP_ONE]
    assert record.keys() == {"Id", "Name", "Profile.Name", "SystemModstamp"}
    asked = [str(one) for one in org.requests(since=since)]
    assert any(
        "FROM Profile" in one or "FROM%20Profile" in one or "FROM+Profile" in one for one in asked
    )
    assert not any("UserLogin" in one or "GroupMember" in one for one in asked)


def test_without_the_setting_the_stream_is_incremental_as_any(org):  # noqa: F811 - a fixture
    settings = settings_of(org, "User")
    first = run_tap(settings)
    assert "Profile.Name" not in first.by_id("User")[REP_ONE]
    assert first.state["bookmarks"]["User"]["replication_key_value"]


def test_groups_reach_through_one_another_and_through_roles_below():
    groups = [
        {"Id": "00G1", "Name": "Outer", "Type": "Regular", "RelatedId": None},
        {"Id": "00G2", "Name": "Inner", "Type": "Regular", "RelatedId": None},
        {"Id": "00G3", "Name": "Boss", "Type": "RoleAndSubordinates", "RelatedId": "00E1"},
        {"Id": "00G4", "Name": "Boss", "Type": "Role", "RelatedId": "00E1"},
        {"Id": "00G5", "Name": "Bosses", "Type": "Regular", "RelatedId": None},
    ]
    members = [
        {"GroupId": "00G1", "UserOrGroupId": "00G2"},
        {"GroupId": "00G2", "UserOrGroupId": "00G1"},
        {"GroupId": "00G2", "UserOrGroupId": "0051"},
        {"GroupId": "00G1", "UserOrGroupId": "00G3"},
        {"GroupId": "00G5", "UserOrGroupId": "00G4"},
    ]
    roles = [
        {"Id": "00E1", "ParentRoleId": None},
        {"Id": "00E2", "ParentRoleId": "00E1"},
        {"Id": "00E3", "ParentRoleId": "00E2"},
    ]
    known = Memberships(groups, members, roles)
    assert known.of("0051", None) == ["Inner", "Outer"], "groups that hold one another end"
    assert known.of("0052", "00E3") == ["Inner", "Outer"]
    assert known.of("0053", "00E1") == ["Bosses", "Inner", "Outer"]
    assert known.of("0054", "00E9") == []
    assert known.names == {"Outer", "Inner", "Bosses"}
