"""Activities from the tap to the target: a golden scenario per kind, and Tasks back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from reverse_sf.simulator.local import running
from tests.system.activity_fixtures import OF_KIND, Diary, entry, whole
from tests.system.sync import TO_SPOTIO, Sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

pytestmark = [pytest.mark.slow]

DATE = "2026-03-05T02:15:00Z"
"""In Denver it is the evening of the fourth."""
SHARED = {
    "title": "A second look",
    "notes": "Roof faces south.",
    "date": DATE,
    "duration": 45,
    "durationSeconds": 2700,
    "owner": "ops@example.com",
    "activityLat": 40.7608,
    "activityLng": -111.891,
}
OF_TEMPLATE: dict[str, dict[str, Any]] = {
    "Visit": {"result": "Interested"},
    "Appointment": {"result": "Held"},
    "Call": {"result": "Reached", "direction": "in", "phoneNumber": "+18015550100"},
    "Email": {"email": "ada@example.com", "direction": "out", "snippet": "Dear Ada"},
    "Text": {"text": "See you at five", "direction": "out", "phoneNumber": "+18015550101"},
    "Site Survey": {"result": "Passed"},
}
IN_PERSON = {"Visit", "Appointment", "Site Survey"}


@pytest.fixture(scope="module")
def servers() -> Iterator[LocalServers]:
    with running(records=6) as found:
        yield found


@pytest.fixture
def diary(servers: LocalServers, tmp_path: Path) -> Diary:
    servers.reset()
    sync = Sync(
        tmp_path,
        servers,
        tmp_path / "sync.yml",
        select=("User", "Account", "Contact", "Task"),
        spotio_streams=("users", "Accounts", "Contacts", "activities"),
    )
    found = Diary(sync)
    found.define()
    found.run(TO_SPOTIO)
    return found


def logged(diary: Diary, template: str, spotio_id: str) -> str:
    said: dict[str, Any] = {**SHARED, **OF_TEMPLATE.get(template, {})}
    if template != "Note":
        return diary.log(spotio_id, template=template, **said)
    return diary.log(spotio_id, notes=said["notes"], date=DATE, owner=said["owner"])


def expected(template: str, sobject: str) -> dict[str, Any]:
    """Each value as the table of the native integration has it, written down by hand."""
    is_note = template == "Note"
    said = OF_TEMPLATE.get(template, {})
    values: dict[str, Any] = {
        "Subject": None if is_note else "A second look",
        "Description": "See you at five" if template == "Text" else "Roof faces south.",
        "Owner_Email__c": "ops@example.com",
        "Activity_Name__c": template,
        "Category__c": None if is_note else ("In Person" if template in IN_PERSON else "Virtual"),
        "Latitude__c": None if is_note else 40.7608,
        "Longitude__c": None if is_note else -111.891,
        "Location_Verified__c": True,
        "Activity_Type__c": "event" if template in IN_PERSON else "task",
        "Result__c": said.get("result"),
        "Direction__c": {"in": "Inbound", "out": "Outbound"}.get(said.get("direction", "")),
        "Phone_Number__c": said.get("phoneNumber"),
        "Email_Address__c": said.get("email"),
        "Message__c": said.get("text") or said.get("snippet"),
        "Seconds__c": None if is_note else 2700,
    }
    if sobject == "Task":
        return {
            **values,
            "Status": "Completed",
            "Priority": "Normal",
            "ActivityDate": "2026-03-04",
            "Minutes__c": None if is_note else 45,
        }
    return {
        **values,
        "Activity_Status__c": "Completed",
        "Activity_Priority__c": "Normal",
        "ActivityDateTime": "2026-03-05T02:15:00.000+0000",
        "DurationInMinutes": 0 if is_note else 45,
        "IsAllDayEvent": False,
    }


@pytest.mark.parametrize("sobject", ["Task", "Event"])
def test_every_kind_of_activity_with_every_field(diary: Diary, sobject: str) -> None:
    salesforce_id, spotio_id = diary.linked("Account")
    ids = {template: logged(diary, template, spotio_id) for template in OF_KIND}
    diary.define(of_accounts=whole(sobject))
    assert diary.run()
    for template, activity_id in ids.items():
        row = diary.made(sobject, activity_id)
        wanted = expected(template, sobject)
        found = {name: row[name] for name in wanted}
        assert found == wanted, template
        assert row["WhatId"] == salesforce_id
        assert row["WhoId"] is None
        if template != "Note":
            assert row["Distance__c"] == pytest.approx(
                diary.activity(activity_id)["distance"], 0.01
            )
    assert diary.run() == []
    diary.sync.state_file("salesforce-mapper").unlink()
    assert diary.run() == [], "a full read is quiet too"


CALL = {
    "Subject": "Subject",
    "Description": "Description",
    "Status": "Status",
    "Activity Date": "ActivityDate",
    "CallPhoneNumber": "Phone_Number__c",
    "CallResult": "Result__c",
}


def call(**more: Any) -> str:
    return entry("Call", "Task", CALL, **more)


def planned(diary: Diary, spotio_id: str, **said: Any) -> str:
    told = {"title": "Call back", "notes": "n", "date": DATE, "done": False, **said}
    return diary.log(spotio_id, template="Call", **told)


def parked(diary: Diary, direction: Direction) -> dict[str, str]:
    """What is withheld: reason to message."""
    with Ledger.open(diary.sync.ledger_uri) as ledger:
        return {one.reason: one.message for one in ledger.parked_rows(direction)}


def test_a_contacts_activity_names_the_contact_and_its_account(diary: Diary) -> None:
    salesforce_id, spotio_id = diary.linked("Contact")
    contacts = {one["Id"]: one for one in diary.salesforce.rows("Contact")}
    diary.define(of_contacts=call())
    activity_id = diary.log(spotio_id, "Contacts", template="Call", title="t", date=DATE)
    diary.run()
    row = diary.made("Task", activity_id)
    assert row["WhoId"] == salesforce_id
    assert row["WhatId"] == contacts[salesforce_id]["AccountId"]
    assert diary.run() == []


def test_an_activity_waits_for_its_record_and_is_released_by_it(diary: Diary) -> None:
    diary.define(of_accounts=call())
    own = diary.spotio.edit(object="Accounts", create={"Company": "Not yet"})["id"]
    activity_id = diary.log(own, template="Call", title="t", date=DATE)
    assert diary.run() == []
    assert "waiting_for_parent" in parked(diary, Direction.TO_SALESFORCE)
    assert diary.run() == [], "it waits without a call"
    assert "is not linked" in parked(diary, Direction.TO_SALESFORCE)["waiting_for_parent"]
    created = diary.salesforce.edit(
        object="Account", create={"Name": "Not yet", "SPOTIO_Id__c": own}
    )["id"]
    diary.rest()
    assert diary.made("Task", activity_id)["WhatId"] == created
    assert parked(diary, Direction.TO_SALESFORCE) == {}


def test_a_task_edited_in_salesforce_changes_the_planned_activity_and_back_once(
    diary: Diary,
) -> None:
    _, spotio_id = diary.linked("Account")
    diary.define(of_accounts=call(two_way=True))
    activity_id = planned(diary, spotio_id)
    diary.rest()
    row = diary.made("Task", activity_id)
    assert (row["Status"], row["ActivityDate"]) == ("Not Started", "2026-03-04")

    diary.salesforce.edit(
        object="Task",
        id=row["Id"],
        set={"Subject": "Call tomorrow", "Description": None, "ActivityDate": "2026-03-06"},
    )
    assert len(diary.run(TO_SPOTIO)) == 1, "one call"
    found = diary.activity(activity_id)
    assert (found["title"], found["notes"]) == ("Call tomorrow", None)
    assert found["date"].startswith("2026-03-07T02:15:00"), "another day, at the same time there"
    assert diary.run() == []

    diary.spotio.edit(object="activities", id=activity_id, set={"title": "Call at noon"})
    assert len(diary.run()) == 1
    assert diary.made("Task", activity_id)["Subject"] == "Call at noon"
    diary.rest()

    diary.salesforce.edit(object="Task", id=row["Id"], set={"Status": "Completed"})
    diary.rest()
    assert diary.activity(activity_id)["plannedDate"] is not None
    assert diary.spotio.rows("activities")[-1]["id"] is not None


def test_a_done_activity_is_not_changed_and_the_reason_is_told(diary: Diary) -> None:
    _, spotio_id = diary.linked("Account")
    diary.define(of_accounts=call(two_way=True))
    activity_id = planned(diary, spotio_id, done=True)
    diary.rest()
    row = diary.made("Task", activity_id)
    diary.salesforce.edit(object="Task", id=row["Id"], set={"Subject": "Too late"})
    assert diary.cycle() == []
    assert diary.activity(activity_id)["title"] == "Call back"
    assert "SPOTIO lets only planned ones" in parked(diary, Direction.TO_SPOTIO)["activity_done"]
    assert diary.cycle() == [], "and it is not tried again and again"


def test_a_done_meanwhile_activity_is_not_changed_either(diary: Diary) -> None:
    _, spotio_id = diary.linked("Account")
    diary.define(of_accounts=call(two_way=True))
    activity_id = planned(diary, spotio_id)
    diary.rest()
    row = diary.made("Task", activity_id)
    diary.salesforce.edit(object="Task", id=row["Id"], set={"Subject": "Too late"})
    diary.spotio.edit(object="activities", id=activity_id, set={"done": True})
    assert diary.run(TO_SPOTIO) == []
    diary.rest()
    assert diary.activity(activity_id)["title"] == "Call back"
    assert diary.made("Task", activity_id)["Status"] == "Completed"


def test_a_task_born_in_salesforce_leaves_spotio_untouched(diary: Diary) -> None:
    salesforce_id, spotio_id = diary.linked("Account")
    diary.define(of_accounts=call(two_way=True))
    planned(diary, spotio_id)
    diary.rest()
    before = diary.spotio.rows("activities")
    diary.salesforce.edit(object="Task", create={"Subject": "Own", "WhatId": salesforce_id})
    diary.salesforce.edit(
        object="Task", create={"Subject": "Own", "WhatId": salesforce_id, "SPOTIO_Id__c": "999999"}
    )
    assert diary.cycle() == []
    assert diary.spotio.rows("activities") == before


def test_with_from_salesforce_a_task_becomes_an_activity(diary: Diary) -> None:
    salesforce_id, spotio_id = diary.linked("Account")
    diary.define(of_accounts=call(two_way=True, from_salesforce=True))
    diary.sync.state_file(TO_SPOTIO).unlink()
    own = diary.salesforce.edit(
        object="Task",
        create={"Subject": "Ring", "WhatId": salesforce_id, "ActivityDate": "2026-03-06"},
    )["id"]
    diary.run(TO_SPOTIO)
    (made,) = [one for one in diary.spotio.rows("activities") if one["title"] == "Ring"]
    assert made["dataObjectId"] == spotio_id
    diary.rest()
    (task,) = [one for one in diary.salesforce.rows("Task") if one["Subject"] == "Ring"]
    assert task["Id"] == own


def test_what_cannot_be_sent_is_told_and_the_rest_goes_on(diary: Diary) -> None:
    _, spotio_id = diary.linked("Account")
    visit = {"Subject": "Subject", "Duration": "DurationInMinutes", "Status": "Phone_Number__c"}
    events = entry("Visit", "Event", visit)
    diary.define(of_accounts=call() + events)
    gone = diary.spotio.edit(object="Accounts", create={"Company": "Gone"})["id"]
    on_gone = diary.log(gone, template="Call", title="On a deleted record", date=DATE)
    diary.spotio.delete("Accounts", gone)
    long = diary.log(spotio_id, template="Visit", title="Long", date=DATE, duration=15 * 24 * 60)
    refused = planned(
        diary, spotio_id, phoneNumber="+1 801 555 0100 ext. 4 ask for Ada by the gate"
    )
    good = planned(diary, spotio_id, title="Good")
    diary.run()
    assert diary.made("Task", good)["Subject"] == "Good"
    with Ledger.open(diary.sync.ledger_uri) as ledger:
        rows = ledger.parked_rows(Direction.TO_SALESFORCE)
        links = ledger.snapshots([one.link_id for one in rows])
    told = {(links[one.link_id].link.spotio_id, one.key): one.message for one in rows}
    assert (
        "the activity lasts 21600 minutes, and an event in Salesforce at most 20160"
        in told[long, ""]
    )
    assert "max length=40" in told[refused, "CallPhoneNumber"]
    assert diary.made("Task", refused)["Phone_Number__c"] is None, "the rest of it is there"
    assert on_gone not in {one for one, _ in told}, "the tap tells no activity of it"
    assert diary.run() == []


def test_a_title_that_spotio_cannot_hold_is_parked_or_cut(diary: Diary) -> None:
    _, spotio_id = diary.linked("Account")
    for truncate in (False, True):
        subject = {"salesforce": "Subject", "truncate": truncate}
        diary.define(of_accounts=entry("Call", "Task", {"Subject": subject}, two_way=True))
        activity_id = planned(diary, spotio_id)
        diary.rest()
        row = diary.made("Task", activity_id)
        diary.salesforce.edit(object="Task", id=row["Id"], set={"Subject": "x" * 200})
        diary.rest()
        title = diary.activity(activity_id)["title"]
        if truncate:
            assert title == "x" * 128
            assert diary.made("Task", activity_id)["Subject"] == "x" * 200
        else:
            assert title == "Call back"
            words = parked(diary, Direction.TO_SPOTIO)["too_long"]
            assert "200 characters and the field holds 128" in words


def test_a_deleted_task_is_not_made_again_and_a_deleted_record_stops_nothing(diary: Diary) -> None:
    _, spotio_id = diary.linked("Account")
    diary.define(of_accounts=call(two_way=True))
    first, second = planned(diary, spotio_id), planned(diary, spotio_id, title="Second")
    diary.rest()
    diary.salesforce.delete("Task", diary.made("Task", first)["Id"])
    diary.rest()
    diary.spotio.edit(object="activities", id=first, set={"title": "Changed"})
    diary.spotio.edit(object="activities", id=second, set={"title": "Changed too"})
    diary.rest()
    assert diary.made("Task", first)["IsDeleted"]
    assert diary.made("Task", second)["Subject"] == "Changed too"


def test_an_all_day_activity_is_an_all_day_event(diary: Diary) -> None:
    _, spotio_id = diary.linked("Account")
    diary.define(of_accounts=entry("Visit", "Event", {"Subject": "Subject"}))
    activity_id = diary.log(
        spotio_id,
        template="Visit",
        title="Fair",
        date="2026-03-05T00:00:00Z",
        allDay=True,
        allDayDate="2026-03-05",
        done=False,
    )
    diary.run()
    row = diary.made("Event", activity_id)
    assert row["IsAllDayEvent"] is True
    assert (row["ActivityDate"], row["EndDate"]) == ("2026-03-05", "2026-03-05")
    assert diary.run() == []


def test_an_occurrence_of_a_series_stays_one_event_when_spotio_stores_it(diary: Diary) -> None:
    _, spotio_id = diary.linked("Account")
    diary.sync.spotio_streams += ("appointments",)
    diary.sync.settings["tap-spotio"] = {"upcoming_appointments": True}
    begins = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=2)
    diary.spotio.edit(
        object="appointments",
        create={
            "dataObjectId": spotio_id,
            "title": "Weekly",
            "date": begins.isoformat().replace("+00:00", "Z"),
            "duration": 30,
            "activityTemplateId": 5,
            "recurringDefinition": {"periodicity": "weeks", "interval": 1, "count": 3},
        },
    )
    diary.define(of_accounts=entry("Appointment", "Event", {"Subject": "Subject"}))
    diary.run()
    events = [one for one in diary.salesforce.rows("Event") if one["Subject"] == "Weekly"]
    assert len(events) == 3
    second = sorted(events, key=lambda one: str(one["StartDateTime"]))[1]
    diary.spotio.edit(object="appointments", id=second["SPOTIO_Id__c"], set={"title": "Moved"})
    diary.run()
    assert diary.run() == []
    rows = [one for one in diary.salesforce.rows("Event") if one["Subject"] in {"Weekly", "Moved"}]
    assert len(rows) == 3
    assert diary.made("Event", second["SPOTIO_Id__c"])["Subject"] == "Moved"


LEADS = """\
version: 1
objects:
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: true}
    salesforce_external_id: SPOTIO_Id__c
    match: [external_id]
    on_convert: Contact
    owner: {spotio_default: ops@example.com, salesforce_default: ops@example.com}
    fields:
      - {spotio: Last Name, salesforce: LastName, rule: salesforce_only}
    activities:
"""
CONVERTED = """\
  - spotio: Leads
    salesforce: Contact
    to_spotio: {enabled: true, create: false}
    salesforce_external_id: SPOTIO_Id__c
    match: [external_id]
    owner: {spotio_default: ops@example.com, salesforce_default: ops@example.com}
    fields:
      - {spotio: Last Name, salesforce: LastName, rule: salesforce_only}
"""


def test_an_activity_follows_its_lead_to_what_it_was_converted_to(diary: Diary) -> None:
    diary.sync.select = ("User", "Lead", "Contact", "Task")
    diary.sync.spotio_streams = ("users", "Leads", "activities")
    diary.sync.state_file(TO_SPOTIO).unlink(missing_ok=True)
    subject = {"Subject": "Subject"}
    diary.sync.sync_file.write_text(
        LEADS + entry("Call", "Task", subject, two_way=True) + CONVERTED
    )
    lead = diary.salesforce.edit(object="Lead", create={"LastName": "Ada", "Company": "Ada Inc"})
    diary.run(TO_SPOTIO)
    (own,) = [
        one["id"] for one in diary.spotio.rows("Leads") if one["externalDataObjectId"] == lead["id"]
    ]
    first = diary.log(own, "Leads", template="Call", title="Before", date=DATE, done=False)
    diary.rest()
    assert diary.made("Task", first)["WhoId"] == lead["id"]
    became = diary.salesforce.convert(lead["id"])
    second = diary.log(own, "Leads", template="Call", title="After", date=DATE, done=False)
    diary.spotio.edit(object="activities", id=first, set={"title": "Before, changed"})
    diary.rest()
    for activity_id, title in ((first, "Before, changed"), (second, "After")):
        row = diary.made("Task", activity_id)
        assert row["Subject"] == title
        assert row["WhoId"] == became["contactId"]


def test_an_activity_of_an_account_that_was_merged_away_stays_with_the_winner(
    diary: Diary,
) -> None:
    winner, _ = diary.linked("Account", 0)
    loser, of_loser = diary.linked("Account", 1)
    diary.define(of_accounts=call(two_way=True))
    activity_id = planned(diary, of_loser)
    diary.rest()
    diary.salesforce.merge("Account", winner, loser)
    diary.rest()
    assert diary.made("Task", activity_id)["WhatId"] == winner
    writes = diary.cycle()
    assert writes == [], "Salesforce has moved the Task, and nobody moves it back"
