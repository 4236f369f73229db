"""``activities`` in a sync.yml: what it may say, and the pair that each entry is."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.activity_fields import activity_type, is_of_activities
from reverse_sf.mapping.activity_pair import kept_time, standard_object, with_activity_values
from reverse_sf.mapping.definition import SyncRule
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.pair import compile_pair
from reverse_sf.mapping.values import Undefined

SYNC = """
version: 1
time_zone: America/Denver
objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true}
    fields: [{spotio: Company, salesforce: Name, rule: two_way}]
  - spotio: Contacts
    salesforce: Contact
    to_spotio: {enabled: true}
    parent: {salesforce: AccountId, spotio: Accounts}
    owner: {salesforce_default: ops@example.com}
    fields: [{spotio: Last Name, salesforce: LastName, rule: two_way}]
    activities:
      - spotio: Visit
        salesforce: Event
        fields: {Subject: Subject, VisitResult: Visit_Result__c}
      - spotio: Call
        salesforce: Task
        two_way: true
        salesforce_external_id: SPOTIO_Id__c
        only_when: {Status: [Completed]}
        fields:
          Subject: Subject
          Status: {salesforce: Status, choices: {Completed: Done, Not Started: Open}}
          Activity Date: ActivityDate
          Priority: Priority
          Description: {salesforce: Description, truncate: true, rule: spotio_only}
"""


def pairs():
    return parse(SYNC).activities


def test_each_entry_is_a_pair_of_its_own():
    visit, call = pairs()
    assert visit.name == "Event:Visit (Contact:Contacts)"
    assert call.name == "Task:Call (Contact:Contacts)"
    assert all(map(is_of_activities, (visit.name, call.name)))
    assert not is_of_activities("Task:Tasks")


def test_who_is_a_contact_and_what_is_its_account():
    visit, _ = pairs()
    assert (visit.parent.salesforce, visit.activity.account) == ("WhoId", "WhatId")
    lead = SYNC.replace("salesforce: Contact\n", "salesforce: Lead\n")
    assert parse(lead).activities[0].activity.account is None
    custom = SYNC.replace("salesforce: Contact\n", "salesforce: Site__c\n")
    (visit, _) = parse(custom).activities
    assert (visit.parent.salesforce, visit.activity.account) == ("WhatId", None)


def test_an_event_gets_what_salesforce_asks_of_it():
    visit, _ = pairs()
    asked = {one.spotio: one.salesforce for one in visit.fields}
    assert asked["Activity Date"] == "ActivityDateTime"
    assert asked["Duration"] == "DurationInMinutes"
    assert asked["All Day"] == "IsAllDayEvent"


def test_what_spotio_takes_back_is_two_way_and_the_rest_is_not():
    visit, call = pairs()
    assert {one.rule for one in visit.fields} == {SyncRule.SPOTIO_ONLY}
    assert not visit.to_spotio.enabled
    rules = {one.spotio: one.rule for one in call.fields}
    assert rules["Subject"] is SyncRule.TWO_WAY
    assert rules["Priority"] is rules["Description"] is SyncRule.SPOTIO_ONLY
    assert call.to_spotio.enabled
    assert not call.to_spotio.create


def test_the_owner_has_the_defaults_of_the_record():
    visit, _ = pairs()
    assert visit.owner.salesforce_default == "ops@example.com"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("        fields: {Subject", "        fields: {Subjekt", "did you mean Subject?"),
        ("Visit_Result__c", "OwnerId", "the owner follows"),
        ("Visit_Result__c", "WhatId", "follows from its record"),
        ("VisitResult: Visit_Result__c", "Name: Subject", "is written already"),
        ("salesforce: Event", "salesforce: Event\n        two_way: true", "only Tasks"),
        (
            "Visit_Result__c}",
            "{salesforce: Visit_Result__c, rule: two_way}}",
            "set two_way: true on the activity",
        ),
        (
            "Priority: Priority",
            "Priority: {salesforce: Priority, rule: two_way}",
            "SPOTIO takes no Priority back",
        ),
        ("only_when: {Status", "only_when: {Stage", "an activity has no field 'Stage'"),
        ("time_zone: America/Denver\n", "", "set time_zone at the top"),
        ("America/Denver", "Mountain Time", "is not the name of a time zone"),
        (
            "spotio: Visit\n        salesforce: Event",
            "spotio: Call\n        salesforce: Task",
            "twice",
        ),
        ("salesforce: Event", "salesforce: Note", "is not one of Task, Event"),
    ],
)
def test_what_contradicts_is_told_with_its_place(old, new, words):
    assert old in SYNC
    with pytest.raises(ConfigurationError) as told:
        parse(SYNC.replace(old, new))
    assert any(words in one for one in told.value.problems), told.value.problems


def compiled(at: int):
    definition = parse(SYNC)
    mapping = definition.activities[at]
    facts = standard_object(mapping.salesforce)
    pair = compile_pair(mapping, facts, activity_type())
    return with_activity_values(pair, definition.time_zone, facts)


def test_a_moment_has_its_date_in_the_zone_of_the_org():
    date = compiled(1).fields["Activity Date"]
    assert date.to_salesforce("2026-03-05T02:00:00Z") == "2026-03-04"
    assert date.to_salesforce("2026-03-05") == "2026-03-05"
    assert date.agrees("2026-03-05T02:00:00.0000000Z", "2026-03-04")
    assert not date.agrees("2026-03-05T02:00:00Z", "2026-03-05")


def test_a_day_of_an_event_is_midnight_utc():
    date = compiled(0).fields["Activity Date"]
    assert date.to_salesforce("2026-03-05T02:00:00Z") == "2026-03-05T02:00:00Z"
    assert date.to_salesforce("2026-03-05") == "2026-03-05T00:00:00Z"


def test_another_day_keeps_the_time_of_day_there_and_the_summer_time():
    assert kept_time("2026-07-04", "2026-03-05T02:00:00Z", "America/Denver") == (
        "2026-07-05T01:00:00Z"
    )
    assert kept_time("2026-07-04", "2026-03-05", "America/Denver") == "2026-07-04"


def test_an_event_of_fifteen_days_is_told_before_salesforce_refuses_it():
    image = compiled(0).fields["Duration"].to_salesforce(15 * 24 * 60)
    assert isinstance(image, Undefined)
    assert "at most 20160 (14 days)" in image.message
    assert compiled(0).fields["Duration"].to_salesforce(14 * 24 * 60) == 20160


def test_the_date_of_a_field_that_nobody_has_described_is_not_guessed():
    text = SYNC.replace("Activity Date: ActivityDate", "Activity Date: Visited_On__c")
    definition = parse(text)
    mapping = definition.activities[1]
    facts = standard_object("Task")
    pair = with_activity_values(compile_pair(mapping, facts, activity_type()), None, facts)
    image = pair.fields["Activity Date"].to_salesforce("2026-03-05T02:00:00Z")
    assert isinstance(image, Undefined)
    assert "not known yet" in image.message
