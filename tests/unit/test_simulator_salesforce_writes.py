from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.behaviour import WriteOptions
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.succession import Conversion
from tests.unit.simulator_salesforce_fixtures import (
    found,
    names,
    new_org,
)

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.org import Org

REP = salesforce_id("005", 0)


@pytest.fixture
def org() -> Org:
    return new_org()


def row_of(org: Org, sobject: str, record_id: str) -> dict:
    return next(row for row in org.rows(sobject) if row["Id"] == record_id)


def refused(org: Org, sobject: str, values: dict, record_id: str | None = None) -> ApiFault:
    if record_id is None:
        with pytest.raises(ApiFault) as caught:
            org.create(sobject, values)
    else:
        with pytest.raises(ApiFault) as caught:
            org.update(sobject, record_id, values)
    return caught.value


REFUSED_CREATES = {
    "nothing": ("Account", {}, "REQUIRED_FIELD_MISSING", ("Name",)),
    "blank": ("Account", {"Name": "  "}, "REQUIRED_FIELD_MISSING", ("Name",)),
    "two missing": ("Lead", {"FirstName": "A"}, "REQUIRED_FIELD_MISSING", ("LastName", "Company")),
    "unknown": ("Account", {"Name": "a", "Foo": 1}, "INVALID_FIELD", ()),
    "read-only": (
        "Account",
        {"Name": "a", "CreatedDate": "2026-01-01T00:00:00Z"},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        ("CreatedDate",),
    ),
    "formula": (
        "Account",
        {"Name": "a", "Health__c": "Good"},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        ("Health__c",),
    ),
    "compound": (
        "Account",
        {"Name": "a", "BillingAddress": {"city": "x"}},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        ("BillingAddress",),
    ),
    "too long": ("Contact", {"LastName": "x" * 81}, "STRING_TOO_LONG", ("LastName",)),
    "choice": (
        "Account",
        {"Name": "a", "Product_Interest__c": "Panels;Sheep"},
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        ("Product_Interest__c",),
    ),
    "e-mail": (
        "Lead",
        {"LastName": "a", "Company": "b", "Email": "a@b"},
        "INVALID_EMAIL_ADDRESS",
        ("Email",),
    ),
    "range": (
        "Account",
        {"Name": "a", "Score__c": 12345},
        "NUMBER_OUTSIDE_VALID_RANGE",
        ("Score__c",),
    ),
    "mistyped": ("Account", {"Name": 5}, "JSON_PARSER_ERROR", ("Name",)),
    "no number": ("Account", {"Name": "a", "Score__c": "many"}, "JSON_PARSER_ERROR", ("Score__c",)),
    "no date": (
        "Contact",
        {"LastName": "a", "Birthdate": "2026-02-30"},
        "JSON_PARSER_ERROR",
        ("Birthdate",),
    ),
    "wrong object": ("Contact", {"LastName": "a", "AccountId": REP}, "MALFORMED_ID", ()),
    "no id": ("Contact", {"LastName": "a", "AccountId": "001"}, "MALFORMED_ID", ()),
    "no record": (
        "Contact",
        {"LastName": "a", "AccountId": salesforce_id("001", 999)},
        "INVALID_CROSS_REFERENCE_KEY",
        ("AccountId",),
    ),
}


@pytest.mark.parametrize("case", REFUSED_CREATES)
def test_a_wrong_record_is_refused_with_the_fields_at_fault(org, case):
    sobject, values, code, fields = REFUSED_CREATES[case]
    fault = refused(org, sobject, values)
    assert (fault.code, fault.fields) == (code, fields)
    assert org.count(sobject) == 0


def test_the_wording_is_that_of_recorded_answers(org):
    assert refused(org, "Account", {}).body() == [
        {
            "message": "Required fields are missing: [Name]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["Name"],
        }
    ]
    unknown = refused(org, "Lead", {"LastName": "a", "Company": "b", "Foo": 1})
    assert unknown.message == "No such column 'Foo' on sobject of type Lead"
    bad = refused(org, "Lead", {"LastName": "a", "Company": "b", "Email": "badone"})
    assert bad.message == "Email: invalid email address: badone"
    assert bad.body(inner=True)[0]["statusCode"] == "INVALID_EMAIL_ADDRESS"


def test_values_are_normalised_the_way_salesforce_stores_them(org):
    made = org.create(
        "Account",
        {
            "Name": "  Trim me ",
            "Site": "",
            "Product_Interest__c": "fiber;Panels;Fiber",
            "Score__c": 12.345,
            "Last_Audit__c": "2026-05-06T13:56:44.987+02:00",
            "industry": "solar",
            "ParentId": None,
        },
    )
    row = row_of(org, "Account", made)
    assert row["Name"] == "Trim me"
    assert row["Site"] is None
    assert row["Product_Interest__c"] == "Panels;Fiber"
    assert row["Score__c"] == 12.35
    assert row["Last_Audit__c"] == "2026-05-06T11:56:44.000+0000"
    assert row["Industry"] == "Solar"


def test_a_new_record_is_stamped_and_owned_by_who_made_it(org):
    made = org.create("Lead", {"LastName": "Roe", "Company": "Ro Co"}, user_id=REP)
    row = row_of(org, "Lead", made)
    assert len(made) == 18
    assert row["OwnerId"] == row["CreatedById"] == row["LastModifiedById"] == REP
    assert row["CreatedDate"] == row["SystemModstamp"] == "2026-05-06T11:56:44.000+0000"
    assert row["Status"] == "Open - Not Contacted"
    assert row["Name"] == "Roe"
    assert row["IsConverted"] is False


def test_an_update_moves_both_stamps_and_leaves_the_rest(org):
    made = org.create("Account", {"Name": "a", "Site": "b"})
    org.clock.advance(5)
    org.update("Account", made[:15], {"Name": "c"}, user_id=REP)
    row = row_of(org, "Account", made)
    assert (row["Name"], row["Site"], row["LastModifiedById"]) == ("c", "b", REP)
    assert row["CreatedDate"] < row["LastModifiedDate"] == row["SystemModstamp"]


def test_system_stamps_may_part_from_user_stamps(org):
    made = org.create("Account", {"Name": "a"})
    before = row_of(org, "Account", made)
    org.clock.advance(60)
    org.update("Account", made, {}, audit={"LastModifiedDate": None, "LastModifiedById": None})
    row = row_of(org, "Account", made)
    assert row["LastModifiedDate"] == before["LastModifiedDate"]
    assert row["SystemModstamp"] > before["SystemModstamp"]


def test_a_row_may_become_visible_with_an_earlier_stamp(org):
    org.create("Account", {"Name": "a"}, audit={"SystemModstamp": "2026-05-06T11:00:00.000Z"})
    soql = "SELECT Name FROM Account WHERE SystemModstamp < 2026-05-06T11:00:01Z"
    assert names(org, soql) == ["a"]


def test_a_formula_follows_a_parent_without_a_new_stamp(org):
    made = org.create("Account", {"Name": "a", "Score__c": 70, "OwnerId": REP})
    before = row_of(org, "Account", made)
    org.clock.advance(60)
    org.update("User", REP, {"IsActive": False})
    after = row_of(org, "Account", made)
    assert (before["Health__c"], after["Health__c"]) == ("Good", "Orphaned")
    assert before["SystemModstamp"] == after["SystemModstamp"]
    assert names(org, "SELECT Name FROM Account WHERE Health__c = 'orphaned'") == ["a"]


def test_a_unique_external_id_holds_one_record_only(org):
    first = org.create("Account", {"Name": "a", "SPOTIO_Id__c": "S-1"})
    fault = refused(org, "Account", {"Name": "b", "SPOTIO_Id__c": "s-1"})
    assert fault.code == "DUPLICATE_VALUE"
    assert first[:15] in fault.message
    assert org.find_by_external_id("Account", "SPOTIO_Id__c", "S-1") == [first]
    org.update("Account", first, {"SPOTIO_Id__c": "S-1"})
    with pytest.raises(ApiFault, match="Provided external ID field does not exist"):
        org.find_by_external_id("Account", "Name", "a")


def test_lookup_fields_may_find_several_records(org):
    for last in ("A", "B"):
        org.create("Contact", {"LastName": last, "Email": "same@example.com"})
    assert len(org.find_by_external_id("Contact", "Email", "SAME@example.com")) == 2


def test_a_parent_may_be_named_by_its_external_id(org):
    account = org.create("Account", {"Name": "a", "SPOTIO_Id__c": "S-1"})
    made = org.create("Contact", {"LastName": "b", "Account": {"SPOTIO_Id__c": "S-1"}})
    assert row_of(org, "Contact", made)["AccountId"] == account
    fault = refused(org, "Contact", {"LastName": "b", "Account": {"SPOTIO_Id__c": "S-9"}})
    assert "Foreign key external ID: s-9 not found" in fault.message


def test_a_required_field_cannot_be_cleared(org):
    made = org.create("Contact", {"LastName": "a"})
    assert refused(org, "Contact", {"LastName": None}, made).code == "REQUIRED_FIELD_MISSING"


def test_an_all_or_nothing_block_leaves_nothing_behind(org):
    def both() -> None:
        with org.transaction():
            org.create("Account", {"Name": "a"})
            org.create("Account", {})

    with pytest.raises(ApiFault):
        both()
    assert org.count("Account") == 0


def test_deleting_takes_the_children_along_and_undeleting_brings_them_back(org):
    account = org.create("Account", {"Name": "a"})
    contact = org.create("Contact", {"LastName": "b", "AccountId": account})
    task = org.create("Task", {"Subject": "Call", "WhatId": account})
    site = org.create("Site__c", {"Name": "s", "Account__c": account})
    org.clock.advance(60)
    org.delete("Account", account)
    assert found(org, "SELECT Id FROM Account") == []
    assert row_of(org, "Contact", contact)["IsDeleted"] is True
    assert row_of(org, "Task", task)["IsDeleted"] is True
    assert row_of(org, "Site__c", site)["Account__c"] is None
    deleted = found(org, "SELECT Id, IsDeleted, SystemModstamp FROM Account", all_rows=True)[0]
    assert deleted["IsDeleted"] is True
    assert deleted["SystemModstamp"] == "2026-05-06T11:57:44.000+0000"
    org.undelete("Account", account)
    assert row_of(org, "Contact", contact)["IsDeleted"] is False
    assert names(org, "SELECT Name FROM Account") == ["a"]


def test_a_deleted_record_answers_as_deleted_and_an_unknown_one_as_not_found(org):
    account = org.create("Account", {"Name": "a"})
    org.delete("Account", account)
    for attempt in (
        lambda: org.delete("Account", account),
        lambda: org.update("Account", account, {"Name": "b"}),
        lambda: org.retrieve("Account", account),
    ):
        with pytest.raises(ApiFault) as caught:
            attempt()
        assert (caught.value.code, caught.value.status) == ("ENTITY_IS_DELETED", 404)
    with pytest.raises(ApiFault) as caught:
        org.retrieve("Account", salesforce_id("001", 77))
    assert (caught.value.code, caught.value.status) == ("NOT_FOUND", 404)
    assert (
        refused(org, "Contact", {"LastName": "x", "AccountId": account}).code == "ENTITY_IS_DELETED"
    )


def test_the_delete_log_outlives_a_purge_until_it_is_purged_itself(org):
    start = org.clock.now()
    account = org.create("Account", {"Name": "a"})
    org.clock.advance(120)
    org.delete("Account", account)
    assert org.purge("Account") == 1
    assert found(org, "SELECT Id FROM Account", all_rows=True) == []
    org.clock.advance(120)
    answer = org.deleted("Account", start, org.clock.now())
    assert answer["deletedRecords"] == [
        {"id": account, "deletedDate": "2026-05-06T11:58:44.000+0000"}
    ]
    org.purge_delete_log()
    with pytest.raises(ApiFault, match="replication") as caught:
        org.deleted("Account", start, org.clock.now())
    assert caught.value.code == "INVALID_REPLICATION_DATE"


def test_updated_lists_what_was_stamped_in_the_window(org):
    start = org.clock.now()
    first = org.create("Account", {"Name": "a"})
    org.clock.advance(3600)
    org.create("Account", {"Name": "b"})
    answer = org.updated("Account", start, start + timedelta(minutes=30))
    assert answer["ids"] == [first]
    with pytest.raises(ApiFault):
        org.updated("Account", start - timedelta(days=40), start)


@pytest.mark.parametrize("touch", [True, False])
def test_merging_deletes_the_loser_and_gives_its_children_to_the_winner(org, touch):
    winner = org.create("Account", {"Name": "w"})
    loser = org.create("Account", {"Name": "l"})
    contact = org.create("Contact", {"LastName": "c", "AccountId": loser})
    stamped = row_of(org, "Contact", contact)["SystemModstamp"]
    org.clock.advance(60)
    org.merge("Account", winner, [loser], touch_children=touch)
    lost = row_of(org, "Account", loser)
    assert (lost["IsDeleted"], lost["MasterRecordId"]) == (True, winner)
    child = row_of(org, "Contact", contact)
    assert (child["AccountId"], child["IsDeleted"]) == (winner, False)
    assert (child["SystemModstamp"] > stamped) is touch
    assert row_of(org, "Account", winner)["SystemModstamp"] > stamped


def test_a_converted_lead_is_joined_to_what_it_became_and_stays_as_it_is(org):
    lead = org.create("Lead", {"LastName": "Roe", "Company": "Ro Co", "Email": "r@example.com"})
    made = org.convert_lead(lead, Conversion(opportunity=True))
    row = row_of(org, "Lead", lead)
    assert row["IsConverted"] is True
    assert row["Status"] == "Closed - Converted"
    assert row["ConvertedAccountId"] == made["accountId"]
    assert row["ConvertedOpportunityId"] == made["opportunityId"]
    contact = row_of(org, "Contact", made["contactId"])
    assert (contact["LastName"], contact["AccountId"]) == ("Roe", made["accountId"])
    assert refused(org, "Lead", {"Company": "x"}, lead).code == "CANNOT_UPDATE_CONVERTED_LEAD"
    with pytest.raises(ApiFault):
        org.convert_lead(lead)


def test_an_opportunity_derives_what_follows_from_its_stage(org):
    made = org.create(
        "Opportunity",
        {"Name": "o", "StageName": "Prospecting", "CloseDate": "2026-11-30", "Amount": 200},
    )
    row = row_of(org, "Opportunity", made)
    assert (row["Probability"], row["ExpectedRevenue"], row["IsClosed"]) == (10, 20, False)
    assert (row["FiscalYear"], row["FiscalQuarter"]) == (2026, 4)
    org.update("Opportunity", made, {"StageName": "Closed Won"})
    row = row_of(org, "Opportunity", made)
    assert (row["Probability"], row["IsClosed"], row["IsWon"]) == (100, True, True)


def test_the_times_of_an_event_agree(org):
    start = "2026-06-01T10:00:00Z"
    made = org.create("Event", {"StartDateTime": start, "DurationInMinutes": 30})
    row = row_of(org, "Event", made)
    assert row["EndDateTime"] == "2026-06-01T10:30:00.000+0000"
    assert row["ActivityDateTime"] == row["StartDateTime"]
    org.update("Event", made, {"EndDateTime": "2026-06-01T11:00:00Z"})
    assert row_of(org, "Event", made)["DurationInMinutes"] == 60
    assert refused(org, "Event", {"StartDateTime": start}).code == "REQUIRED_FIELD_MISSING"
    wrong = {"StartDateTime": start, "DurationInMinutes": 5, "EndDateTime": "2026-06-01T11:00:00Z"}
    assert refused(org, "Event", wrong).code == "FIELD_INTEGRITY_EXCEPTION"
    all_day = org.create("Event", {"ActivityDate": "2026-06-01", "IsAllDayEvent": True})
    assert row_of(org, "Event", all_day)["DurationInMinutes"] == 1440


def test_archived_activities_show_only_to_query_all(org):
    org.create("Task", {"Subject": "old"}, audit={"IsArchived": 1})
    assert found(org, "SELECT Id FROM Task") == []
    assert len(found(org, "SELECT Id FROM Task", all_rows=True)) == 1


def test_a_field_that_vanishes_is_gone_from_describe_queries_and_writes(org):
    made = org.create("Account", {"Name": "a", "Site": "kept"})
    org.remove_field("Account", "Site")
    assert "Site" not in {field["name"] for field in org.describe("Account")["fields"]}
    with pytest.raises(ApiFault, match="No such column 'Site'"):
        org.query("SELECT Site FROM Account")
    assert refused(org, "Account", {"Site": "b"}, made).code == "INVALID_FIELD"
    org.update("Account", made, {"Name": "b"})
    with pytest.raises(ControlError):
        org.remove_field("Account", "Site")


def test_a_deactivated_picklist_value_stays_on_old_records_only(org):
    made = org.create("Account", {"Name": "a", "Product_Interest__c": "Fiber"})
    org.set_choice("Account", "Product_Interest__c", "Fiber", active=False)
    described = next(
        f for f in org.describe("Account")["fields"] if f["name"] == "Product_Interest__c"
    )
    assert {v["value"]: v["active"] for v in described["picklistValues"]}["Fiber"] is False
    assert row_of(org, "Account", made)["Product_Interest__c"] == "Fiber"
    fault = refused(org, "Account", {"Name": "b", "Product_Interest__c": "Fiber"})
    assert fault.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_objects_and_rules_may_be_declared_while_the_org_runs(org):
    org.declare(
        {
            "objects": {
                "Visit__c": {
                    "label": "Visit / Visits",
                    "prefix": "a01",
                    "fields": {
                        "Account__c": "reference to=Account children=Visits__r cascade | Account",
                        "Outcome__c": "picklist required | Outcome",
                    },
                    "picklists": {"Outcome__c": ["Sold", "Not home"]},
                },
                "Lead": {
                    "fields": {"Doors__c": "int(5) | Doors"},
                    "validation_rules": [
                        {
                            "name": "Reachable",
                            "formula": "AND(ISBLANK(Phone), ISBLANK(Email))",
                            "message": "Phone or e-mail is needed",
                            "field": "Phone",
                        }
                    ],
                    "duplicate_rules": [{"name": "Same", "fields": ["Email"], "action": "alert"}],
                    "flows": [
                        {"on": "create", "when": 'Rating = "Hot"', "set": {"Industry": "Solar"}},
                        {
                            "on": "create",
                            "create": {
                                "object": "Task",
                                "set": {"Subject": "Call", "WhoId": "$Id"},
                            },
                        },
                    ],
                },
            }
        }
    )
    fault = refused(org, "Lead", {"LastName": "a", "Company": "b"})
    assert fault.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert (fault.message, fault.fields) == ("Phone or e-mail is needed", ("Phone",))
    assert org.count("Lead") == 0
    values = {"LastName": "a", "Company": "b", "Email": "a@example.com", "Rating": "Hot"}
    lead = org.create("Lead", values | {"Doors__c": 7})
    assert row_of(org, "Lead", lead)["Industry"] == "Solar"
    assert names(org, "SELECT Who.Name Name FROM Task GROUP BY Who.Name") == ["a"]
    duplicate = refused(org, "Lead", values)
    assert duplicate.code == "DUPLICATES_DETECTED"
    result = duplicate.body()[0]["duplicateResult"]
    assert result["matchResults"][0]["matchRecords"][0]["record"]["Id"] == lead
    org.create("Lead", values, options=WriteOptions(allow_duplicates=True))
    assert org.describe("Visit__c")["keyPrefix"] == "a01"
    account = org.create("Account", {"Name": "x"})
    org.create("Visit__c", {"Account__c": account, "Outcome__c": "Sold"})
    assert found(org, "SELECT (SELECT Id FROM Visits__r) FROM Account")[0]["Visits__r"]["done"]


def test_a_declaration_that_cannot_be_read_changes_nothing(org):
    before = org.describe("Lead")
    with pytest.raises(ControlError, match="Foo__c"):
        org.declare({"objects": {"Lead": {"fields": {"Foo__c": "sheep(3) | Foo"}}}})
    rule = {"formula": "NOPE(1)", "message": "m"}
    with pytest.raises(ControlError, match="formula"):
        org.declare(
            {
                "objects": {
                    "Lead": {"fields": {"Doors__c": "int | Doors"}, "validation_rules": [rule]}
                }
            }
        )
    assert org.describe("Lead") == before


def test_assignment_rules_run_unless_the_caller_says_no():
    org = new_org()
    org.declare({"objects": {"Lead": {"assignment": "ops@example.com.demo"}}})
    assigned = org.create("Lead", {"LastName": "a", "Company": "b"})
    own = org.create(
        "Lead", {"LastName": "a", "Company": "b"}, options=WriteOptions(auto_assign=False)
    )
    assert row_of(org, "Lead", assigned)["OwnerId"] == salesforce_id("005", 11)
    assert row_of(org, "Lead", own)["OwnerId"] == org.user_id


def test_users_are_found_by_username_without_regard_to_case(org):
    user = org.user_by_username("Rep.One@EXAMPLE.com.demo")
    assert user is not None
    assert user["Id"] == REP
    assert org.user_by_username("nobody@example.com") is None
