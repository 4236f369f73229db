"""Accounts of the local org that are people, each with a contact of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.salesforce.refusal import ApiFault
from tests.unit.simulator_salesforce_fixtures import found, new_org

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.org import Org

NOT_COMPARED = {"picklistValues"}
"""The values of picklists are the recorded org's own."""


@pytest.fixture
def org() -> Org:
    org = new_org()
    types = [
        {"name": "Firm", "default": True},
        {"name": "Person Account", "developer_name": "PersonAccount", "person": True},
    ]
    org.declare({"objects": {"Account": {"person_accounts": True, "record_types": types}}})
    return org


@pytest.fixture
def person_type(org: Org) -> str:
    where = "WHERE IsPersonType = true AND SobjectType = 'Account'"
    return found(org, f"SELECT Id FROM RecordType {where}")[0]["Id"]


def person(org: Org, person_type: str, **values) -> str:
    return org.create("Account", {"RecordTypeId": person_type, "LastName": "Roe", **values})


def row_of(org: Org, name: str, record_id: str) -> dict:
    return next(row for row in org.rows(name) if row["Id"] == record_id)


def refused(org: Org, values: dict, record_id: str | None = None) -> ApiFault:
    write = ("Account", values) if record_id is None else ("Account", record_id, values)
    with pytest.raises(ApiFault) as caught:
        (org.create if record_id is None else org.update)(*write)
    return caught.value


def test_a_person_has_a_composed_name_and_a_contact(org, person_type):
    made = person(org, person_type, FirstName="Ada", PersonEmail="a@example.com", Phone="1")
    row = row_of(org, "Account", made)
    assert (row["Name"], row["IsPersonAccount"]) == ("Ada Roe", True)
    contact = row_of(org, "Contact", row["PersonContactId"])
    assert (contact["Name"], contact["Email"], contact["Phone"]) == (
        "Ada Roe",
        "a@example.com",
        "1",
    )
    assert (contact["AccountId"], contact["IsPersonAccount"]) == (made, True)
    org.update("Account", made, {"LastName": "Row", "PersonMailingCity": "Austin"})
    contact = row_of(org, "Contact", row["PersonContactId"])
    assert (contact["Name"], contact["MailingCity"]) == ("Ada Row", "Austin")
    assert row_of(org, "Account", made)["Name"] == "Ada Row"
    paths = found(org, "SELECT PersonContact.Name FROM Account WHERE IsPersonAccount = true")
    assert [each["PersonContact"]["Name"] for each in paths] == ["Ada Row"]


def test_a_firm_is_as_before(org):
    made = org.create("Account", {"Name": "Firm"})
    row = row_of(org, "Account", made)
    assert (row["Name"], row["IsPersonAccount"], row["PersonContactId"]) == ("Firm", False, None)
    assert org.count("Contact") == 0
    assert refused(org, {}).code == "REQUIRED_FIELD_MISSING"
    for values in ({"LastName": "Roe"}, {"PersonEmail": "a@example.com"}):
        fault = refused(org, {"Name": "x", **values})
        assert (fault.code, set(fault.fields)) == ("INVALID_FIELD_FOR_INSERT_UPDATE", set(values))
    assert refused(org, {"Name": None}, made).code == "REQUIRED_FIELD_MISSING"


def test_the_name_of_a_person_is_not_written(org, person_type):
    fault = refused(org, {"RecordTypeId": person_type, "Name": "x", "LastName": "Roe"})
    assert (fault.code, fault.fields) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ("Name",))
    fault = refused(org, {"RecordTypeId": person_type})
    assert (fault.code, fault.fields) == ("REQUIRED_FIELD_MISSING", ("LastName",))
    made = person(org, person_type)
    assert refused(org, {"Name": "x"}, made).fields == ("Name",)
    assert refused(org, {"LastName": None}, made).fields == ("LastName",)


def test_a_person_stays_one_and_its_contact_is_written_through_it(org, person_type):
    made = person(org, person_type)
    firm = org.create("Account", {"Name": "Firm"})
    firm_type = row_of(org, "Account", firm)["RecordTypeId"]
    assert refused(org, {"RecordTypeId": firm_type}, made).code == "FIELD_INTEGRITY_EXCEPTION"
    assert refused(org, {"RecordTypeId": person_type}, firm).code == "FIELD_INTEGRITY_EXCEPTION"
    contact = row_of(org, "Account", made)["PersonContactId"]
    with pytest.raises(ApiFault, match="Unable to create/update fields: Title"):
        org.update("Contact", contact, {"Title": "x"})


def test_a_person_goes_and_comes_back_with_its_contact_and_activities(org, person_type):
    made = person(org, person_type)
    contact = row_of(org, "Account", made)["PersonContactId"]
    task = org.create("Task", {"WhoId": contact})
    assert row_of(org, "Task", task)["AccountId"] == made
    org.delete("Account", made)
    assert row_of(org, "Contact", contact)["IsDeleted"] is True
    assert row_of(org, "Task", task)["IsDeleted"] is True
    org.undelete("Account", made)
    assert row_of(org, "Contact", contact)["IsDeleted"] is False


def test_people_are_merged_with_people(org, person_type):
    winner, loser = person(org, person_type), person(org, person_type, LastName="Doe")
    contacts = [row_of(org, "Account", each)["PersonContactId"] for each in (winner, loser)]
    task = org.create("Task", {"WhoId": contacts[1]})
    with pytest.raises(ApiFault, match="cannot be merged"):
        org.merge("Account", winner, [org.create("Account", {"Name": "Firm"})])
    org.merge("Account", winner, [loser])
    assert row_of(org, "Contact", contacts[1])["MasterRecordId"] == contacts[0]
    row = row_of(org, "Task", task)
    assert (row["WhoId"], row["AccountId"]) == (contacts[0], winner)
    assert row_of(org, "Account", winner)["PersonContactId"] == contacts[0]


def test_the_fields_of_people_are_described_as_in_a_real_org(org, shared):
    path = shared / "data/describe_cumulusci/Account_PersonAccount.json"
    real = {field["name"]: field for field in json.loads(path.read_text())["fields"]}
    declared = [
        field
        for field in org.describe("Account")["fields"]
        if field["name"].startswith("Person")
        or field["name"] in {"LastName", "FirstName", "Salutation", "IsPersonAccount", "Name"}
    ]
    differences = [
        (field["name"], key, real[field["name"]][key], value)
        for field in declared
        for key, value in field.items()
        if key not in NOT_COMPARED and value != real[field["name"]][key]
    ]
    assert differences == []
    assert len(declared) > 30
