"""Tasks and events of the local org: relations, times, limits, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.succession import Conversion
from tests.unit.simulator_salesforce_fixtures import new_org

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.org import Org

START = "2026-06-01T10:00:00Z"
REP = salesforce_id("005", 0)


@pytest.fixture
def org() -> Org:
    return new_org()


@pytest.fixture
def firm(org: Org) -> str:
    return org.create("Account", {"Name": "Firm"})


@pytest.fixture
def person(org: Org, firm: str) -> str:
    return org.create("Contact", {"LastName": "Roe", "AccountId": firm})


@pytest.fixture
def lead(org: Org) -> str:
    return org.create("Lead", {"LastName": "Doe", "Company": "Doe Co"})


def row_of(org: Org, name: str, record_id: str) -> dict:
    return next(row for row in org.rows(name) if row["Id"] == record_id)


def refused(org: Org, name: str, values: dict, record_id: str | None = None) -> ApiFault:
    write = (name, values) if record_id is None else (name, record_id, values)
    with pytest.raises(ApiFault) as caught:
        (org.create if record_id is None else org.update)(*write)
    return caught.value


# Relations


@pytest.mark.parametrize("name", ["Task", "Event"])
def test_who_is_a_person_and_what_is_none(org, firm, person, name):
    times = {"StartDateTime": START, "DurationInMinutes": 30} if name == "Event" else {}
    fault = refused(org, name, {"WhoId": firm, **times})
    assert (fault.code, fault.fields) == ("FIELD_INTEGRITY_EXCEPTION", ("WhoId",))
    assert fault.message == f"Name ID: id value of incorrect type: {firm}"
    fault = refused(org, name, {"WhatId": person, **times})
    assert fault.message == f"Related To ID: id value of incorrect type: {person}"
    assert refused(org, name, {"WhoId": "nonsense", **times}).code == "MALFORMED_ID"
    absent = salesforce_id("003", 9999)
    assert refused(org, name, {"WhoId": absent, **times}).code == "INVALID_CROSS_REFERENCE_KEY"
    org.delete("Contact", person)
    assert refused(org, name, {"WhoId": person, **times}).code == "ENTITY_IS_DELETED"


def test_an_activity_of_a_lead_is_related_to_nothing_else(org, firm, lead):
    fault = refused(org, "Task", {"WhoId": lead, "WhatId": firm})
    assert (fault.code, fault.fields) == ("FIELD_INTEGRITY_EXCEPTION", ("WhoId", "WhatId"))
    made = org.create("Task", {"WhoId": lead})
    assert refused(org, "Task", {"WhatId": firm}, made).code == "FIELD_INTEGRITY_EXCEPTION"
    org.update("Task", made, {"WhoId": None, "WhatId": firm})
    org.convert_lead(lead)
    assert refused(org, "Task", {"WhoId": lead}).code == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_the_account_follows_from_the_relations(org, firm, person, lead):
    deal = org.create(
        "Opportunity",
        {"Name": "o", "AccountId": firm, "StageName": "Prospecting", "CloseDate": "2026-11-30"},
    )
    site = org.create("Site__c", {"Name": "s", "Account__c": firm})
    campaign = org.create("Campaign", {"Name": "c"})
    for values in (
        {"WhatId": firm},
        {"WhatId": deal},
        {"WhatId": site},
        {"WhoId": person},
        {"WhatId": campaign, "WhoId": person},
    ):
        made = org.create("Task", values)
        assert row_of(org, "Task", made)["AccountId"] == firm, values
    for values in ({"WhoId": lead}, {"WhatId": campaign}, {}):
        made = org.create("Task", values)
        assert row_of(org, "Task", made)["AccountId"] is None, values
    row = row_of(org, "Task", org.create("Task", {"WhatId": firm, "WhoId": person}))
    assert (row["WhoCount"], row["WhatCount"]) == (1, 1)
    assert refused(org, "Task", {"AccountId": firm}).code == "INVALID_FIELD_FOR_INSERT_UPDATE"


# Tasks


def test_a_task_closes_and_opens_again(org):
    made = org.create("Task", {"Subject": "Call", "Priority": "High"})
    row = row_of(org, "Task", made)
    assert (row["Status"], row["IsClosed"], row["IsHighPriority"]) == ("Not Started", False, True)
    org.update("Task", made, {"Status": "Completed"})
    assert row_of(org, "Task", made)["CompletedDateTime"] is not None
    org.update("Task", made, {"Status": "In Progress"})
    row = row_of(org, "Task", made)
    assert (row["IsClosed"], row["CompletedDateTime"]) == (False, None)
    assert refused(org, "Task", {"Status": None}, made).code == "REQUIRED_FIELD_MISSING"


def test_a_task_keeps_its_subtype_and_knows_its_values(org):
    made = org.create("Task", {"TaskSubtype": "Call", "CallType": "Outbound"})
    fault = refused(org, "Task", {"TaskSubtype": "Email"}, made)
    assert fault.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    for values in ({"TaskSubtype": "Visit"}, {"CallType": "Sideways"}):
        assert refused(org, "Task", values).code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert refused(org, "Task", {"Subject": "x" * 256}).code == "STRING_TOO_LONG"
    org.create("Task", {"Status": "An unlisted one", "Priority": "Urgent"})
    row = row_of(org, "Task", org.create("Task", {"ActivityDate": "2026-06-01T23:00:00Z"}))
    assert row["ActivityDate"] == "2026-06-01"


# Events


@pytest.mark.parametrize(("minutes", "accepted"), [(0, True), (20_160, True), (20_161, False)])
def test_an_event_lasts_up_to_fourteen_days(org, minutes, accepted):
    values = {"StartDateTime": START, "DurationInMinutes": minutes}
    if accepted:
        assert row_of(org, "Event", org.create("Event", values))["DurationInMinutes"] == minutes
        return
    fault = refused(org, "Event", values)
    assert (fault.code, fault.fields) == ("FIELD_INTEGRITY_EXCEPTION", ("DurationInMinutes",))
    assert fault.message == "Duration must be between 0 and 20160 minutes: Duration"


def test_an_event_lasts_a_day_where_longer_ones_are_switched_off(org):
    org.switches.set({"multiday_events": False})
    two_days = {"StartDateTime": START, "EndDateTime": "2026-06-03T10:00:00Z"}
    fault = refused(org, "Event", two_days)
    assert fault.message == "Duration must be between 0 and 1440 minutes: Duration"
    org.create("Event", {"StartDateTime": START, "DurationInMinutes": 1440})


def test_an_event_does_not_end_before_it_starts(org):
    before = {"StartDateTime": START, "EndDateTime": "2026-06-01T09:00:00Z"}
    assert refused(org, "Event", before).code == "FIELD_INTEGRITY_EXCEPTION"
    made = org.create("Event", {"StartDateTime": START, "DurationInMinutes": 60})
    end = {"EndDateTime": "2026-06-01T09:59:00Z"}
    assert refused(org, "Event", end, made).code == "FIELD_INTEGRITY_EXCEPTION"


def test_the_three_names_of_an_events_start_agree(org):
    made = org.create("Event", {"ActivityDateTime": START, "DurationInMinutes": 5})
    row = row_of(org, "Event", made)
    assert row["StartDateTime"] == row["ActivityDateTime"] == "2026-06-01T10:00:00.000+0000"
    assert row["ActivityDate"] == "2026-06-01"
    for other in ({"ActivityDateTime": "2026-06-01T11:00:00Z"}, {"ActivityDate": "2026-06-02"}):
        fault = refused(org, "Event", {"StartDateTime": START, "DurationInMinutes": 5, **other})
        assert fault.code == "FIELD_INTEGRITY_EXCEPTION"
        assert set(fault.fields) == {"StartDateTime", *other}
    same = {"ActivityDateTime": START, "ActivityDate": "2026-06-01", "DurationInMinutes": 5}
    org.create("Event", {"StartDateTime": START, **same})
    fault = refused(org, "Event", {"ActivityDate": "2026-06-01", "DurationInMinutes": 5})
    assert (fault.code, fault.fields) == ("REQUIRED_FIELD_MISSING", ("StartDateTime",))
    fault = refused(org, "Event", {"StartDateTime": None}, made)
    assert fault.code == "REQUIRED_FIELD_MISSING"


def test_a_moved_event_keeps_its_length(org):
    made = org.create("Event", {"StartDateTime": START, "DurationInMinutes": 45})
    org.update("Event", made, {"StartDateTime": "2026-06-02T08:00:00Z"})
    row = row_of(org, "Event", made)
    assert (row["EndDateTime"], row["DurationInMinutes"]) == ("2026-06-02T08:45:00.000+0000", 45)
    org.update("Event", made, {"ActivityDateTime": "2026-06-03T08:00:00Z"})
    assert row_of(org, "Event", made)["StartDateTime"] == "2026-06-03T08:00:00.000+0000"


def test_an_all_day_event_starts_at_midnight_and_lasts_days(org):
    made = org.create("Event", {"StartDateTime": START, "IsAllDayEvent": True})
    row = row_of(org, "Event", made)
    assert row["StartDateTime"] == "2026-06-01T00:00:00.000+0000"
    assert (row["EndDateTime"], row["EndDate"]) == ("2026-06-02T00:00:00.000+0000", "2026-06-01")
    values = {"ActivityDate": "2026-06-01", "IsAllDayEvent": True}
    row = row_of(org, "Event", org.create("Event", {**values, "DurationInMinutes": 2880}))
    assert row["EndDate"] == "2026-06-02"
    timed = org.create("Event", {"StartDateTime": START, "DurationInMinutes": 30})
    org.update("Event", timed, {"IsAllDayEvent": True})
    assert row_of(org, "Event", timed)["DurationInMinutes"] == 1440


def test_the_end_of_an_all_day_event_may_be_its_last_day(org):
    org.switches.set({"all_day_end": "last_midnight"})
    values = {"ActivityDate": "2026-06-01", "IsAllDayEvent": True}
    row = row_of(org, "Event", org.create("Event", values))
    assert (row["EndDateTime"], row["DurationInMinutes"]) == ("2026-06-01T00:00:00.000+0000", 1440)
    ended = org.create("Event", {**values, "EndDateTime": "2026-06-03T00:00:00Z"})
    assert row_of(org, "Event", ended)["DurationInMinutes"] == 3 * 1440


def test_an_event_keeps_its_subtype_and_belongs_to_a_user(org):
    values = {"StartDateTime": START, "DurationInMinutes": 5}
    made = org.create("Event", {**values, "OwnerId": REP})
    assert row_of(org, "Event", made)["EventSubtype"] == "Event"
    fault = refused(org, "Event", {"EventSubtype": "Event"}, made)
    assert fault.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert refused(org, "Event", {**values, "ShowAs": "Away"}).code.startswith("INVALID_OR_NULL")
    queue = salesforce_id("00G", 0)
    assert refused(org, "Event", {**values, "OwnerId": queue}).code == "MALFORMED_ID"


# What becomes of them


@pytest.mark.parametrize("opportunity", [False, True])
def test_activities_follow_a_converted_lead(org, lead, opportunity):
    task = org.create("Task", {"WhoId": lead})
    event = org.create("Event", {"WhoId": lead, "StartDateTime": START, "DurationInMinutes": 5})
    before = row_of(org, "Task", task)
    org.clock.advance(60)
    made = org.convert_lead(lead, Conversion(opportunity=opportunity))
    for name, record_id in (("Task", task), ("Event", event)):
        row = row_of(org, name, record_id)
        assert row["WhoId"] == made["contactId"]
        assert row["WhatId"] == (made["opportunityId"] if opportunity else made["accountId"])
        assert row["AccountId"] == made["accountId"]
    after = row_of(org, "Task", task)
    assert after["SystemModstamp"] > before["SystemModstamp"]
    assert after["LastModifiedDate"] == before["LastModifiedDate"]


def test_activities_of_a_converted_lead_may_go_to_the_contact_alone(org, lead):
    org.switches.set({"conversion_relates_activities": False})
    task = org.create("Task", {"WhoId": lead})
    made = org.convert_lead(lead)
    row = row_of(org, "Task", task)
    assert (row["WhoId"], row["WhatId"]) == (made["contactId"], None)
    assert row["AccountId"] == made["accountId"]


def test_activities_follow_a_merge(org, firm, person):
    winner = org.create("Account", {"Name": "Winner"})
    about = org.create("Contact", {"LastName": "Winner", "AccountId": winner})
    task = org.create("Task", {"WhatId": firm, "WhoId": person})
    loose = org.create("Task", {"WhoId": person})
    org.merge("Account", winner, [firm])
    row = row_of(org, "Task", task)
    assert (row["WhatId"], row["AccountId"]) == (winner, winner)
    assert row_of(org, "Contact", person)["AccountId"] == winner
    org.merge("Contact", about, [person])
    for each in (task, loose):
        row = row_of(org, "Task", each)
        assert (row["WhoId"], row["AccountId"]) == (about, winner)


def test_activities_go_with_the_record_they_belong_to_and_come_back(org, firm, person):
    related = org.create("Task", {"WhatId": firm})
    about = org.create("Task", {"WhoId": person})
    org.delete("Account", firm)
    assert row_of(org, "Task", related)["IsDeleted"] is True
    assert row_of(org, "Task", about)["IsDeleted"] is True
    org.undelete("Account", firm)
    assert row_of(org, "Task", related)["IsDeleted"] is False
    assert row_of(org, "Task", about)["IsDeleted"] is False


def test_an_activity_of_two_records_may_stay_with_the_one_that_is_left(org, firm, person):
    org.switches.set({"shared_activities_stay": True})
    both = org.create("Task", {"WhatId": firm, "WhoId": person})
    alone = org.create("Task", {"WhoId": person})
    org.delete("Contact", person)
    row = row_of(org, "Task", both)
    assert (row["IsDeleted"], row["WhoId"], row["AccountId"]) == (False, None, firm)
    assert row_of(org, "Task", alone)["IsDeleted"] is True
    org.undelete("Contact", person)
    assert row_of(org, "Task", both)["WhoId"] == person


def test_the_last_activity_shows_on_what_it_belongs_to_without_a_stamp(org, firm, person):
    def last(name: str, record_id: str) -> str | None:
        return row_of(org, name, record_id)["LastActivityDate"]

    stamp = row_of(org, "Account", firm)["SystemModstamp"]
    org.clock.advance(60)
    task = org.create("Task", {"WhoId": person, "ActivityDate": "2026-06-01"})
    assert (last("Contact", person), last("Account", firm)) == (None, None)
    org.update("Task", task, {"Status": "Completed"})
    assert (last("Contact", person), last("Account", firm)) == ("2026-06-01", "2026-06-01")
    event = {"WhatId": firm, "StartDateTime": "2026-06-05T10:00:00Z", "DurationInMinutes": 5}
    made = org.create("Event", event)
    assert (last("Contact", person), last("Account", firm)) == ("2026-06-01", "2026-06-05")
    org.delete("Event", made)
    assert last("Account", firm) == "2026-06-01"
    org.undelete("Event", made)
    assert last("Account", firm) == "2026-06-05"
    other = org.create("Account", {"Name": "Other"})
    org.update("Event", made, {"WhatId": other})
    assert (last("Account", firm), last("Account", other)) == ("2026-06-01", "2026-06-05")
    org.update("Task", task, {"Status": "In Progress"})
    assert last("Contact", person) is None
    assert row_of(org, "Account", firm)["SystemModstamp"] == stamp


@pytest.mark.parametrize("name", ["Task", "Event"])
def test_a_series_of_activities_is_refused_rather_than_made_one(org, name):
    values = {"StartDateTime": START, "DurationInMinutes": 5} if name == "Event" else {}
    assert refused(org, name, {**values, "IsRecurrence": True}).fields == ("IsRecurrence",)
