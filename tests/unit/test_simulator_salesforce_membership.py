"""Record types and campaign members of the local org."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.refusal import ApiFault
from tests.unit.simulator_salesforce_fixtures import found, new_org

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.org import Org

TYPES = [{"name": "Business", "default": True}, {"name": "Key Account"}]


@pytest.fixture
def org() -> Org:
    return new_org()


def declared(org: Org, listed: list = TYPES) -> dict[str, str]:
    """Ids of the record types of accounts by their names."""
    org.declare({"objects": {"Account": {"record_types": listed}}})
    rows = found(org, "SELECT Id, Name FROM RecordType WHERE SobjectType = 'Account'")
    return {row["Name"]: row["Id"] for row in rows}


# Record types


def test_a_new_record_gets_the_default_record_type_or_the_one_it_asks_for(org):
    ids = declared(org)
    org.create("Account", {"Name": "a"})
    org.create("Account", {"Name": "b", "RecordTypeId": ids["Key Account"]})
    rows = found(org, "SELECT RecordType.DeveloperName FROM Account ORDER BY Name")
    assert [row["RecordType"]["DeveloperName"] for row in rows] == ["Business", "Key_Account"]
    keys = found(org, "SELECT Name FROM Account WHERE RecordType.Name = 'Key Account'")
    assert [row["Name"] for row in keys] == ["b"]


def test_a_record_type_of_another_object_or_none_is_refused(org):
    ids = declared(org)
    org.declare({"objects": {"Lead": {"record_types": [{"name": "Other"}]}}})
    other = found(org, "SELECT Id FROM RecordType WHERE SobjectType = 'Lead'")[0]["Id"]
    made = org.create("Account", {"Name": "a"})
    with pytest.raises(ApiFault, match="isn't valid for the user") as caught:
        org.update("Account", made, {"RecordTypeId": other})
    assert caught.value.code == "INVALID_CROSS_REFERENCE_KEY"
    org.update("RecordType", ids["Key Account"], {"IsActive": False})
    with pytest.raises(ApiFault, match="isn't valid for the user"):
        org.create("Account", {"Name": "b", "RecordTypeId": ids["Key Account"]})
    with pytest.raises(ApiFault):
        org.create("Account", {"Name": "c", "RecordTypeId": salesforce_id("012", 999)})


def test_the_describe_lists_record_types_with_the_default_one(org):
    master = org.describe("Account")["recordTypeInfos"]
    assert [(one["name"], one["defaultRecordTypeMapping"]) for one in master] == [("Master", True)]
    assert "RecordTypeId" not in {field["name"] for field in org.describe("Account")["fields"]}
    ids = declared(org)
    infos = org.describe("Account")["recordTypeInfos"]
    assert {one["name"]: one["recordTypeId"] for one in infos}.items() >= ids.items()
    mapped = [one["name"] for one in infos if one["defaultRecordTypeMapping"]]
    assert mapped == ["Business"]
    declared(org)
    assert len(found(org, "SELECT Id FROM RecordType")) == 2
    with pytest.raises(ControlError, match="record type"):
        declared(org, [{"label": "x"}])


def test_the_described_record_type_field_is_a_real_ones(org, shared):
    declared(org)
    ours = {field["name"]: field for field in org.describe("Account")["fields"]}["RecordTypeId"]
    path = shared / "data/describe_cumulusci/Account_PersonAccount.json"
    real = {one["name"]: one for one in json.loads(path.read_text())["fields"]}["RecordTypeId"]
    assert ours == real


# Campaign members


@pytest.fixture
def campaign(org: Org) -> str:
    return org.create("Campaign", {"Name": "c"})


def member_of(org: Org, record_id: str) -> dict:
    return next(row for row in org.rows("CampaignMember") if row["Id"] == record_id)


def test_a_member_shows_the_lead_or_contact_that_it_is(org, campaign):
    lead = org.create("Lead", {"LastName": "Roe", "Company": "Ro Co", "Email": "a@example.com"})
    made = org.create("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    row = member_of(org, made)
    assert (row["Name"], row["CompanyOrAccount"], row["Type"]) == ("Roe", "Ro Co", "Lead")
    assert (row["Status"], row["HasResponded"]) == ("Sent", False)
    stamp = row["SystemModstamp"]
    org.clock.advance(60)
    org.update("Lead", lead, {"LastName": "Row"})
    assert (member_of(org, made)["Name"], member_of(org, made)["SystemModstamp"]) == ("Row", stamp)
    org.update("CampaignMember", made, {"Status": "Responded"})
    row = member_of(org, made)
    assert (row["HasResponded"], row["FirstRespondedDate"]) == (True, "2026-05-06")


def test_nobody_is_a_member_twice_and_a_member_is_somebody(org, campaign):
    firm = org.create("Account", {"Name": "Firm"})
    person = org.create("Contact", {"LastName": "Roe", "AccountId": firm})
    made = org.create("CampaignMember", {"CampaignId": campaign, "ContactId": person})
    assert member_of(org, made)["CompanyOrAccount"] == "Firm"
    with pytest.raises(ApiFault, match="already attached"):
        org.create("CampaignMember", {"CampaignId": campaign, "ContactId": person})
    with pytest.raises(ApiFault, match="LeadId or ContactId"):
        org.create("CampaignMember", {"CampaignId": campaign})
    with pytest.raises(ApiFault, match="Unable to create/update"):
        org.update("CampaignMember", made, {"ContactId": person})
    org.delete("Contact", person)
    assert found(org, "SELECT Id FROM CampaignMember") == []


def test_a_member_goes_on_as_the_contact_that_its_lead_became(org, campaign):
    lead = org.create("Lead", {"LastName": "Roe", "Company": "Ro Co"})
    made = org.create("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    became = org.convert_lead(lead)["contactId"]
    row = member_of(org, made)
    assert (row["ContactId"], row["LeadOrContactId"], row["Type"]) == (became, became, "Contact")


# Dates


@pytest.mark.parametrize(
    ("day", "outside"), [("1700-01-01", "1699-12-31"), ("4000-12-31", "4001-01-01")]
)
@pytest.mark.parametrize("field", ["Customer_Since__c", "Last_Audit__c"])
def test_dates_lie_between_1700_and_4000(org, day, outside, field):
    time = "T12:00:00Z" if field == "Last_Audit__c" else ""
    made = org.create("Account", {"Name": "a", field: f"{day}{time}"})
    assert org.retrieve("Account", made, [field])[field].startswith(day)
    with pytest.raises(ApiFault) as caught:
        org.create("Account", {"Name": "b", field: f"{outside}{time}"})
    assert (caught.value.code, caught.value.fields) == ("DATE_OUT_OF_RANGE", (field,))
