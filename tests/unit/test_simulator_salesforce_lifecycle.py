"""How records of the local org end, come back, and become others; and rules that are switched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.behaviour import WriteOptions
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.succession import Conversion
from tests.unit.simulator_salesforce_fixtures import found, new_org

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.org import Org

REP = salesforce_id("005", 0)
DAY = 24 * 3600


@pytest.fixture
def org() -> Org:
    return new_org()


def row_of(org: Org, sobject: str, record_id: str) -> dict:
    return next(row for row in org.rows(sobject) if row["Id"] == record_id)


def account(org: Org, name: str = "a", **values) -> str:
    return org.create("Account", {"Name": name, **values})


def lead(org: Org, **values) -> str:
    return org.create("Lead", {"LastName": "Roe", "Company": "Ro Co", **values})


# Recycle bin


def test_a_lookup_that_a_deletion_cleared_is_restored_unless_it_was_filled_since(org):
    parent, other = account(org, "parent"), account(org, "other")
    kept, moved = (account(org, name, ParentId=parent) for name in ("kept", "moved"))
    org.delete("Account", parent)
    assert row_of(org, "Account", kept)["ParentId"] is None
    org.update("Account", moved, {"ParentId": other})
    org.undelete("Account", parent)
    assert row_of(org, "Account", kept)["ParentId"] == parent
    assert row_of(org, "Account", moved)["ParentId"] == other


def test_a_record_whose_unique_value_was_taken_does_not_come_back(org):
    gone = account(org, SPOTIO_Id__c="x1")
    org.delete("Account", gone)
    account(org, "b", SPOTIO_Id__c="x1")
    with pytest.raises(ApiFault) as caught:
        org.undelete("Account", gone)
    assert caught.value.code == "DUPLICATE_VALUE"
    assert row_of(org, "Account", gone)["IsDeleted"] is True


def test_the_recycle_bin_keeps_a_record_for_fifteen_days(org):
    gone = account(org)
    child = org.create("Contact", {"LastName": "c", "AccountId": gone})
    org.delete("Account", gone)
    org.clock.advance(15 * DAY - 60)
    assert len(found(org, "SELECT Id FROM Account", all_rows=True)) == 1
    org.clock.advance(60)
    assert found(org, "SELECT Id FROM Account", all_rows=True) == []
    assert found(org, f"SELECT Id FROM Contact WHERE Id = '{child}'", all_rows=True) == []
    with pytest.raises(ApiFault):
        org.undelete("Account", gone)


def test_a_purge_takes_along_what_the_deletion_took_along(org):
    gone = account(org)
    org.create("Contact", {"LastName": "c", "AccountId": gone})
    loose = org.create("Contact", {"LastName": "loose"})
    org.delete("Account", gone)
    org.delete("Contact", loose)
    assert org.purge("Account", gone) == 2
    assert [row["Id"] for row in org.rows("Contact")] == [loose]


def test_a_restricting_child_keeps_its_parent_from_being_deleted(org):
    org.declare(
        {
            "objects": {
                "Visit__c": {
                    "label": "Visit",
                    "prefix": "a01",
                    "fields": {"Account__c": "reference to=Account restrict | Account"},
                }
            }
        }
    )
    parent = account(org)
    visit = org.create("Visit__c", {"Account__c": parent})
    with pytest.raises(ApiFault) as caught:
        org.delete("Account", parent)
    assert caught.value.code == "DELETE_FAILED"
    org.delete("Visit__c", visit)
    org.delete("Account", parent)


# Merge


def test_the_winner_of_a_merge_takes_the_chosen_values_even_a_losers_unique_one(org):
    winner = account(org, "w", SPOTIO_Id__c="x1", Phone="1")
    loser = account(org, "l", SPOTIO_Id__c="x2", Phone="2")
    org.merge("Account", winner, [loser], values={"SPOTIO_Id__c": "x2", "Phone": "2"})
    row = row_of(org, "Account", winner)
    assert (row["SPOTIO_Id__c"], row["Phone"], row["Name"]) == ("x2", "2", "w")


def test_all_kinds_of_children_go_to_the_winner(org):
    winner, first, second = (account(org, name) for name in "wab")
    below = account(org, "below", ParentId=first)
    deal = org.create(
        "Opportunity",
        {"Name": "o", "StageName": "Prospecting", "CloseDate": "2026-11-30", "AccountId": second},
    )
    task = org.create("Task", {"Subject": "Call", "WhatId": first})
    org.merge("Account", winner, [first, second])
    assert row_of(org, "Account", below)["ParentId"] == winner
    assert row_of(org, "Opportunity", deal)["AccountId"] == winner
    assert row_of(org, "Task", task)["WhatId"] == winner
    assert {row["MasterRecordId"] for row in org.rows("Account") if row["IsDeleted"]} == {winner}


@pytest.mark.parametrize("sobject", ["Contact", "Lead"])
def test_contacts_and_leads_are_merged_as_well(org, sobject):
    values = {"LastName": "Roe"} | ({"Company": "Ro Co"} if sobject == "Lead" else {})
    winner, loser = org.create(sobject, values), org.create(sobject, values)
    task = org.create("Task", {"Subject": "Call", "WhoId": loser})
    org.merge(sobject, winner, [loser])
    assert row_of(org, sobject, loser)["MasterRecordId"] == winner
    assert row_of(org, "Task", task)["WhoId"] == winner


def test_what_cannot_be_merged_is_refused_and_nothing_changes(org):
    converted, open_lead = lead(org), lead(org)
    org.convert_lead(converted)
    a, b, c, d = (account(org, name) for name in "abcd")
    for sobject, winner, losers in (
        ("Lead", open_lead, [converted]),
        ("Account", a, [a]),
        ("Account", a, [b, c, d]),
        ("Account", a, []),
        ("Account", a, [b, b]),
    ):
        with pytest.raises(ApiFault):
            org.merge(sobject, winner, losers)
    assert not any(row["IsDeleted"] for row in (*org.rows("Account"), *org.rows("Lead")))


def test_the_loser_of_a_merge_may_be_undeleted_without_its_children(org):
    winner, loser = account(org, "w"), account(org, "l")
    child = org.create("Contact", {"LastName": "c", "AccountId": loser})
    org.merge("Account", winner, [loser])
    org.undelete("Account", loser)
    row = row_of(org, "Account", loser)
    assert (row["IsDeleted"], row["MasterRecordId"]) == (False, None)
    assert row_of(org, "Contact", child)["AccountId"] == winner


# Conversion


def test_a_lead_is_converted_into_what_exists_already(org):
    owner = account(org, "there")
    contact = org.create("Contact", {"LastName": "c", "AccountId": owner})
    made = org.convert_lead(lead(org), Conversion(contact_id=contact))
    assert made == {"accountId": owner, "contactId": contact, "opportunityId": None}
    assert org.count("Account") == org.count("Contact") == 1


def test_a_conversion_obeys_what_was_chosen(org):
    converted = lead(org)
    task = org.create("Task", {"Subject": "Call", "WhoId": converted})
    made = org.convert_lead(converted, Conversion(opportunity="Big deal", owner_id=REP))
    assert row_of(org, "Account", made["accountId"])["OwnerId"] == REP
    assert row_of(org, "Opportunity", made["opportunityId"])["Name"] == "Big deal"
    assert row_of(org, "Task", task)["WhoId"] == made["contactId"]
    assert row_of(org, "Lead", converted)["ConvertedDate"] == "2026-05-06"


def test_a_conversion_that_makes_no_sense_changes_nothing(org):
    converted, elsewhere = lead(org), account(org, "elsewhere")
    contact = org.create("Contact", {"LastName": "c", "AccountId": account(org, "home")})
    for wanted in (
        Conversion(status="Working - Contacted"),
        Conversion(account_id=elsewhere, contact_id=contact),
        Conversion(account_id=salesforce_id("001", 999)),
    ):
        with pytest.raises(ApiFault):
            org.convert_lead(converted, wanted)
    assert row_of(org, "Lead", converted)["IsConverted"] is False
    assert org.count("Account") == 2


# Rules


def test_the_demo_orgs_rules_are_there_but_switched_off(org):
    listed = org.rules.listed()
    assert {rule["kind"] for rule in listed} == {"validation_rules", "duplicate_rules", "flows"}
    assert not any(rule["active"] for rule in listed)
    account(org, Type="Customer")


def test_a_validation_rule_is_switched_on_and_off_while_the_org_runs(org):
    rule = {"object": "Account", "name": "Customer_needs_phone"}
    org.rules.switch({**rule, "active": True})
    with pytest.raises(ApiFault) as caught:
        account(org, Type="Customer")
    fault = caught.value
    assert (fault.code, fault.fields) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", ("Phone",))
    assert fault.message == "A customer needs a phone number"
    org.rules.switch({**rule, "active": False})
    account(org, Type="Customer")


def test_an_alert_lets_pass_who_says_so_and_a_block_nobody(org):
    org.rules.switch({"kind": "duplicate_rules", "active": True})
    passing = WriteOptions(allow_duplicates=True)
    for sobject, values, passes in (
        ("Contact", {"LastName": "c", "Email": "c@example.com"}, True),
        ("Account", {"Name": "a", "BillingCity": "Austin"}, False),
    ):
        org.create(sobject, values)
        with pytest.raises(ApiFault) as caught:
            org.create(sobject, values)
        assert caught.value.code == "DUPLICATES_DETECTED"
        if passes:
            org.create(sobject, values, options=passing)
        else:
            with pytest.raises(ApiFault):
                org.create(sobject, values, options=passing)


def test_flows_change_another_field_and_create_a_child(org):
    quiet = account(org, "quiet", Rating="Hot", Industry="Other")
    org.rules.switch({"kind": "flows", "active": True})
    made = account(org, "loud", Rating="Hot", Industry="Other")
    assert row_of(org, "Account", quiet)["Industry"] == "Other"
    assert row_of(org, "Account", made)["Industry"] == "Solar"
    assert [row["WhatId"] for row in org.rows("Task")] == [made]
    org.update("Account", quiet, {"Phone": "1"})
    assert row_of(org, "Account", quiet)["Industry"] == "Solar"
    assert len(org.rows("Task")) == 1


def test_what_a_flow_sets_is_followed_by_what_derives_from_it(org):
    flow = {"on": "update", "when": "Amount > 100", "set": {"StageName": "Closed Won"}}
    org.declare({"objects": {"Opportunity": {"flows": [flow]}}})
    values = {"Name": "o", "StageName": "Prospecting", "CloseDate": "2026-11-30"}
    made = org.create("Opportunity", values)
    org.update("Opportunity", made, {"Amount": 200})
    row = row_of(org, "Opportunity", made)
    assert (row["StageName"], row["IsWon"], row["Probability"]) == ("Closed Won", True, 100)


@pytest.mark.parametrize(
    "wanted",
    [
        {"object": "Account", "name": "Nobody_knows", "active": True},
        {"object": "Account"},
        {"object": "Account", "active": "yes"},
        {"sobject": "Account", "active": True},
    ],
)
def test_a_switch_that_means_no_rule_is_refused(org, wanted):
    with pytest.raises(ControlError):
        org.rules.switch(wanted)


def test_an_assignment_rule_runs_on_an_update_that_names_no_owner(org):
    org.declare({"objects": {"Lead": {"assignment": "ops@example.com.demo"}}})
    ops = org.user_by_username("ops@example.com.demo")["Id"]
    owned = org.create("Lead", {"LastName": "R", "Company": "C", "OwnerId": REP})
    org.update("Lead", owned, {"Phone": "1"}, options=WriteOptions(auto_assign=False))
    assert row_of(org, "Lead", owned)["OwnerId"] == REP
    org.update("Lead", owned, {"Phone": "2", "OwnerId": REP})
    assert row_of(org, "Lead", owned)["OwnerId"] == REP
    org.update("Lead", owned, {"Phone": "3"})
    assert row_of(org, "Lead", owned)["OwnerId"] == ops


# Reset


def test_a_reset_brings_back_the_seed_with_its_rules_and_metadata():
    org = new_org(empty=False, records=20)
    before = {name: org.rows(name) for name in ("Account", "Contact", "Lead", "User")}
    for row in before["Account"]:
        if not row["IsDeleted"]:
            org.delete("Account", row["Id"])
    org.rules.switch({"active": True})
    org.remove_field("Account", "Site")
    org.declare({"objects": {"Visit__c": {"label": "Visit", "prefix": "a01"}}})
    made = lead(org, Phone="1")
    org.reset()
    assert {name: org.rows(name) for name in before} == before
    assert not any(rule["active"] for rule in org.rules.listed())
    assert org.schema.find("Visit__c") is None
    assert org.schema.get("Account").has("Site")
    assert lead(org) == made
    org.declare({"objects": {"Visit__c": {"label": "Visit", "prefix": "a01"}}})
    assert org.create("Visit__c", {"Name": "first"}) == salesforce_id("a01", 0)
