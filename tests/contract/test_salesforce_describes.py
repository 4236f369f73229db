"""Our describes against describes recorded from real orgs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reverse_sf.simulator.salesforce.declaration import standard_schema
from reverse_sf.simulator.salesforce.describe import describe_global, describe_object
from tests.unit.simulator_salesforce_fixtures import new_org

VERSION = "59.0"
RECORDED = ("Account", "Contact", "Lead", "Opportunity", "Event")
NOT_COMPARED = {
    # The real list names dozens of objects that the local org does not have.
    ("Event.WhatId", "referenceTo"),
}
GLADE_TYPES = {"INTEGER": "int", None: "combobox"}
GLADE_KEYS = {
    "Label": "label",
    "Createable": "createable",
    "Updateable": "updateable",
    "Nillable": "nillable",
    "DefaultedOnCreate": "defaultedOnCreate",
    "Length": "length",
    "Precision": "precision",
    "Scale": "scale",
}


def ours(name: str) -> dict[str, Any]:
    schema = standard_schema()
    return describe_object(schema, schema.get(name), version=VERSION)


def recorded(shared, name: str) -> dict[str, Any]:
    return json.loads((shared / f"data/describe_cumulusci/{name}.json").read_text())


@pytest.mark.parametrize("name", RECORDED)
def test_every_declared_field_says_what_a_real_org_says(shared, name):
    real = {field["name"]: field for field in recorded(shared, name)["fields"]}
    differences = []
    for field in ours(name)["fields"]:
        path = f"{name}.{field['name']}"
        assert field["name"] in real, f"{path} is in no real org"
        assert set(field) == set(real[field["name"]])
        differences += [
            (path, key, real[field["name"]][key], value)
            for key, value in field.items()
            if value != real[field["name"]][key] and (path, key) not in NOT_COMPARED
        ]
    assert differences == []


@pytest.mark.parametrize("name", RECORDED)
def test_an_object_has_the_forty_five_keys_of_a_real_one(shared, name):
    real, described = recorded(shared, name), ours(name)
    assert set(described) == set(recorded(shared, "Lead"))
    assert len(described) == 45
    ignored = {"fields", "childRelationships", "urls", "recordTypeInfos", "sobjectDescribeOption"}
    if name == "Account":
        ignored.add("supportedScopes")  # recorded in an older version, without the scoping rule
    different = {key for key in set(real) - ignored if real[key] != described[key]}
    assert different == set()
    known = {(child["childSObject"], child["field"]): child for child in real["childRelationships"]}
    children = described["childRelationships"]
    both = [child for child in children if (child["childSObject"], child["field"]) in known]
    assert both == [known[child["childSObject"], child["field"]] for child in both]
    assert name == "Event" or both


def test_a_field_has_fifty_seven_keys(shared):
    assert {len(field) for field in ours("Lead")["fields"]} == {57}


@pytest.mark.parametrize(
    "name", ["User", "Task", "Campaign", "CampaignMember", "Profile", "UserRole", "RecordType"]
)
def test_objects_without_a_recorded_describe_agree_with_the_derived_table(shared, name):
    table = json.loads((shared / "data/schema_glade/standard_schema.json").read_text())
    real = table[name]["Definition"]
    described = ours(name)
    assert described["keyPrefix"] == real["KeyPrefix"]
    differences = []
    for field in described["fields"]:
        known = real["Fields"][field["name"]]
        kind = known.get("DisplayType")
        if field["type"] != GLADE_TYPES.get(kind, str(kind).lower()):
            differences.append((name, field["name"], "type", kind, field["type"]))
        for theirs, key in GLADE_KEYS.items():
            if theirs in known and known[theirs] != field[key]:
                differences.append((name, field["name"], key, known[theirs], field[key]))
    assert differences == []


def test_the_global_describe_has_the_keys_of_a_real_one(shared):
    real = recorded(shared, "Global")
    described = describe_global(standard_schema(), VERSION)
    assert set(described) == set(real)
    wanted = set(real["sobjects"][0])
    assert all(set(one) == wanted for one in described["sobjects"])
    names = [one["name"] for one in described["sobjects"]]
    assert names == sorted(names)


@pytest.mark.parametrize(
    "name",
    ["UserLogin", "User", "UserRole", "Contact", "Opportunity", "Campaign", "CampaignMember"],
)
def test_the_global_describe_says_of_an_object_what_a_real_one_says(shared, name):
    real = next(one for one in recorded(shared, "Global")["sobjects"] if one["name"] == name)
    listed = describe_global(standard_schema(), VERSION)["sobjects"]
    described = next(one for one in listed if one["name"] == name)
    different = {key for key in set(real) - {"urls"} if real[key] != described[key]}
    assert different == set()


@pytest.mark.parametrize("child", ["UserLogin", "Group", "GroupMember"])
def test_a_user_has_the_groups_and_the_login_that_a_real_one_has(shared, child):
    table = json.loads((shared / "data/soqlmetadata_jawills/User.json").read_text())
    real = [one for one in table["childRelationships"] if one["childSObject"] == child]
    described = [one for one in ours("User")["childRelationships"] if one["childSObject"] == child]
    by_field = {one["field"]: one for one in described}
    assert by_field == {one["field"]: one for one in real}


def test_the_demo_org_adds_its_own_fields_and_object():
    org = new_org()
    fields = {field["name"]: field for field in org.describe("Account")["fields"]}
    identifier = fields["SPOTIO_Id__c"]
    assert (identifier["externalId"], identifier["unique"], identifier["idLookup"]) == (True,) * 3
    assert (identifier["length"], identifier["custom"]) == (40, True)
    assert fields["Health__c"]["calculated"] is True
    assert fields["Health__c"]["createable"] is False
    assert (fields["Score__c"]["precision"], fields["Score__c"]["scale"]) == (6, 2)
    assert [v["value"] for v in fields["Product_Interest__c"]["picklistValues"]] == [
        "Panels",
        "Batteries",
        "Inverters",
        "Alarms",
        "Fiber",
    ]
    site = org.describe("site__c")
    assert (site["custom"], site["name"]) == (True, "Site__c")
    relations = {c["relationshipName"] for c in org.describe("Account")["childRelationships"]}
    assert "Sites__r" in relations


def test_every_described_field_can_be_queried_and_every_reference_has_a_prefix():
    org = new_org(empty=False, records=26)
    for one in org.describe_global()["sobjects"]:
        listed = ", ".join(field["name"] for field in org.describe(one["name"])["fields"])
        for row in org.query(f"SELECT {listed} FROM {one['name']}").rows:
            assert row["Id"].startswith(one["keyPrefix"])
