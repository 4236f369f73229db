"""Appointments of the local SPOTIO: single ones, series, and their occurrences."""

from __future__ import annotations

import pytest

from tests.contract.spotio_server_fixtures import CONTACTS, LEADS, Api, Contract, api, contract

__all__ = ["api", "contract"]

PATH = "/api/v2/appointments"
NOON = "2026-05-11T12:00:00+00:00"
"""A Monday, five days after the clock of the tests."""
WEEKLY = {"periodicity": "weeks", "interval": 1, "count": 4}
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture(name="lead")
def lead_fixture(api):
    return api.create(LEADS)["id"]


def create(api, record, **more):
    body = {"dataObjectId": record, "date": NOON, "title": "Talk", "allDay": False, **more}
    answer = api.post(PATH, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(api, identifier):
    return api.get(f"{PATH}/{identifier}").json()


def patch(api, identifier, **changes):
    return api.call("PATCH", f"{PATH}/{identifier}", json=changes, headers=MERGE)


def upcoming(api, record):
    return api.pages(f"/api/DataObjects/{record}/appointments/upcoming", "items")


def days(rows):
    return [row["date"][:10] for row in rows]


def refused(answer):
    assert answer.status_code == 422, answer.text
    return set(answer.json()["errors"])


def test_an_appointment_has_an_activity_that_says_when_and_what(api, lead):
    made = create(api, lead, duration=45, notes="Bring a quote", remindBeforeInSeconds=900)
    activity = api.get(f"/api/v2/activities/{made['activityId']}").json()
    assert (activity["done"], activity["date"], activity["title"]) == (False, NOON, "Talk")
    assert (activity["appointmentId"], activity["duration"]) == (made["id"], 45)
    assert activity["activityTemplateId"] == made["activityTemplateId"] == "5"
    assert api.read(lead)["nextActivityTime"] == NOON
    found = api.get(f"{PATH}/byActivity/{made['activityId']}").json()
    assert (found["id"], found["dataObject"]["id"], found["duration"]) == (made["id"], lead, 45)
    assert found["remindBeforeInSeconds"] == 900


def test_a_done_appointment_is_history_and_stays_as_it_is(api, lead):
    made = create(api, lead)
    assert [row["id"] for row in upcoming(api, lead)] == [made["id"]]
    assert patch(api, made["id"], done=True).json()["done"] is True
    assert upcoming(api, lead) == []
    history = api.get(f"/api/DataObjects/{lead}/activities/historical").json()["items"]
    assert history[0]["appointmentId"] == made["id"]
    assert refused(patch(api, made["id"], title="Later")) == {"_"}
    whole = {"dataObjectId": lead, "date": NOON, "allDay": False, "done": False}
    assert refused(api.call("PUT", f"{PATH}/{made['id']}", json=whole)) == {"_"}


def test_a_put_takes_the_whole_and_a_patch_the_keys_sent(api, lead):
    made = create(api, lead, notes="Keep", duration=30)
    assert patch(api, made["id"], title="Moved").json()["notes"] == "Keep"
    whole = {"dataObjectId": lead, "date": NOON, "allDay": False, "done": False, "title": "New"}
    changed = api.call("PUT", f"{PATH}/{made['id']}", json=whole).json()
    assert (changed["title"], changed["notes"], changed["duration"]) == ("New", None, 0)


def test_what_is_wrong_is_refused(api, lead):
    body = {"dataObjectId": lead, "date": NOON, "allDay": False}
    for wrong, key in (
        ({"title": "x" * 129}, "title"),
        ({"notes": "x" * 513}, "notes"),
        ({"date": None}, "date"),
        ({"allDay": True}, "allDayDate"),
        ({"ownerId": "1"}, "ownerId"),
        ({"activityTemplateId": "99"}, "activityTemplateId"),
        ({"dataObjectId": None}, "dataObjectId"),
        ({"recurringDefinition": {**WEEKLY, "interval": 0}}, "recurringDefinition.interval"),
        ({"recurringDefinition": {"periodicity": "moons"}}, "recurringDefinition.periodicity"),
        ({"recurringDefinition": {**WEEKLY, "repeatOn": ["x"]}}, "recurringDefinition.repeatOn"),
        ({"recurringDefinition": {**WEEKLY, "timezone": "x"}}, "recurringDefinition.timezone"),
        ({"recurringDefinition": {**WEEKLY, "until": "x"}}, "recurringDefinition.until"),
        ({"recurringDefinition": {**WEEKLY, "count": 0}}, "recurringDefinition.count"),
    ):
        assert refused(api.post(PATH, json={**body, **wrong})) == {key}
    assert api.post(PATH, json={**body, "dataObjectId": "0" * 24}).status_code == 404
    made = create(api, lead)
    assert refused(patch(api, made["id"], intention="allFromRecurring")) == {"intention"}
    assert api.get(f"{PATH}/0").status_code == 404
    assert api.get(f"{PATH}/byActivity/99999").status_code == 404
    assert upcoming(api, lead)[0]["id"] == made["id"]


def test_an_all_day_appointment_has_a_day_and_no_length(api, lead):
    made = create(api, lead, allDay=True, allDayDate="2026-05-12", date=None)
    assert (made["allDayDate"], made["duration"]) == ("2026-05-12", 0)
    assert made["date"] == "2026-05-12T00:00:00+00:00"


# Series


def test_a_series_stores_its_first_occurrence_and_makes_up_the_others(api, lead):
    made = create(api, lead, recurringDefinition=WEEKLY)
    series = made["recurringDefinition"]["id"]
    rows = upcoming(api, lead)
    assert days(rows) == ["2026-05-11", "2026-05-18", "2026-05-25", "2026-06-01"]
    assert rows[0]["id"] == made["id"]
    # 2026-05-18T12:00Z in ticks since the year 1, as .NET counts.
    assert rows[1]["id"] == f"0-{series}-639147024000000000"
    assert rows[1]["activityId"] is None
    made_up = read(api, rows[1]["id"])
    assert (made_up["title"], made_up["date"][:10]) == ("Talk", "2026-05-18")
    kept = [row for row in api.tenant.rows("appointments") if row["dataObjectId"] == lead]
    assert len(kept) == 1


def test_a_changed_occurrence_is_stored_and_keeps_its_place_in_the_series(api, lead):
    create(api, lead, recurringDefinition=WEEKLY)
    ghost = upcoming(api, lead)[1]["id"]
    changed = patch(api, ghost, date="2026-05-19T15:00:00Z", intention="singleFromRecurring").json()
    assert changed["id"].isdigit()
    assert changed["activityId"]
    assert days(upcoming(api, lead)) == ["2026-05-11", "2026-05-19", "2026-05-25", "2026-06-01"]
    moved = next(row for row in upcoming(api, lead) if row["id"] == changed["id"])
    assert moved["originalStartDate"] == "2026-05-18T12:00:00+00:00"
    # Its old id still means it.
    assert read(api, ghost)["id"] == changed["id"]
    done = patch(api, upcoming(api, lead)[2]["id"], done=True).json()
    assert (done["done"], done["id"].isdigit()) == (True, True)
    assert days(upcoming(api, lead)) == ["2026-05-11", "2026-05-19", "2026-06-01"]


def test_all_of_a_series_change_but_not_what_is_done(api, lead):
    first = create(api, lead, recurringDefinition=WEEKLY)
    patch(api, first["id"], done=True, intention="singleFromRecurring")
    ghost = upcoming(api, lead)[0]["id"]
    later = {"title": "Renamed", "date": "2026-05-18T13:00:00Z", "intention": "allFromRecurring"}
    assert patch(api, ghost, **later).json()["title"] == "Renamed"
    rows = upcoming(api, lead)
    assert {row["title"] for row in rows} == {"Renamed"}
    assert {row["date"][11:16] for row in rows} == {"13:00"}
    assert read(api, first["id"])["title"] == "Talk"
    wrong = patch(api, rows[0]["id"], title="x" * 129, intention="allFromRecurring")
    assert refused(wrong) == {"title"}
    assert {row["title"] for row in upcoming(api, lead)} == {"Renamed"}


def test_a_series_goes_on_as_another_from_an_occurrence_on(api, lead):
    create(api, lead, recurringDefinition=WEEKLY)
    third = upcoming(api, lead)[2]["id"]
    begun = patch(api, third, title="New", intention="allInFutureFromRecurring").json()
    rows = upcoming(api, lead)
    assert days(rows) == ["2026-05-11", "2026-05-18", "2026-05-25", "2026-06-01"]
    assert [row["title"] for row in rows] == ["Talk", "Talk", "New", "New"]
    assert begun["recurringDefinition"]["count"] == 2
    assert len({row["recurringDefinition"]["id"] for row in rows}) == 2


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ({"periodicity": "days", "interval": 2, "count": 3}, ["05-11", "05-13", "05-15"]),
        (
            {"periodicity": "weeks", "interval": 2, "repeatOn": ["friday", "monday"], "count": 4},
            ["05-11", "05-15", "05-25", "05-29"],
        ),
        (
            {"periodicity": "months", "interval": 1, "until": "2026-07-11"},
            ["05-11", "06-11", "07-11"],
        ),
        ({"periodicity": "hours", "interval": 12, "count": 3}, ["05-11", "05-12", "05-12"]),
        ({"periodicity": "hours", "interval": 5, "repeatOn": ["friday"], "count": 1}, ["05-15"]),
        ({"periodicity": "years", "interval": 1, "count": 2}, ["05-11"]),
        ({"periodicity": "none", "interval": 1}, ["05-11"]),
    ],
    ids=["days", "weeks", "months", "hours", "weekdays", "beyond the horizon", "none"],
)
def test_occurrences_follow_the_definition(api, lead, definition, expected):
    create(api, lead, recurringDefinition=definition)
    assert [day[5:] for day in days(upcoming(api, lead))] == expected


def test_a_series_keeps_its_clock_time_over_a_change_to_winter(api, lead):
    definition = {"periodicity": "weeks", "interval": 1, "count": 2, "timezone": "America/Chicago"}
    api.switch(series_horizon_days=365)
    create(api, lead, date="2026-10-28T17:00:00Z", recurringDefinition=definition)
    times = [row["date"] for row in upcoming(api, lead)]
    assert times == ["2026-10-28T17:00:00+00:00", "2026-11-04T18:00:00+00:00"]


def test_a_month_without_the_day_has_no_occurrence(api, lead):
    definition = {"periodicity": "months", "interval": 1, "count": 2}
    create(api, lead, date="2026-05-31T12:00:00Z", recurringDefinition=definition)
    assert days(upcoming(api, lead)) == ["2026-05-31", "2026-07-31"]


# Several, other people, and the end


def test_several_at_once_are_each_for_itself(api, lead):
    body = {"dataObjectId": lead, "date": NOON, "allDay": False}
    answer = api.post(f"{PATH}/multiple", json={"appointments": [body, {**body, "date": None}]})
    result = answer.json()
    assert (result["successCount"], result["failureCount"]) == (1, 1)
    assert [row["success"] for row in result["results"]] == [True, False]
    assert result["results"][1]["errors"][0]["code"] == "date"
    many = api.post(f"{PATH}/multiple", json={"appointments": [body] * 21})
    assert refused(many) == {"appointments"}
    other = api.create(LEADS)["id"]
    wanted = {"dataObjectIds": [lead, other], "appointment": {**body, "title": "All"}}
    assert api.post(f"{PATH}/bulk/create", json=wanted).status_code == 200
    assert [row["title"] for row in upcoming(api, other)] == ["All"]


def test_upcoming_ones_are_chosen_by_template_and_by_type(api):
    parent = api.create(1)["id"]
    child = api.create(CONTACTS, parentId=parent)["id"]
    create(api, parent, activityTemplateId="6")
    create(api, child, title="Child")
    path = f"/api/DataObjects/{parent}/appointments/upcoming"
    assert len(api.post(path, json={"activityTemplateIds": [5]}).json()["items"]) == 0
    assert len(api.post(path, json={"activityTemplateIds": [6]}).json()["items"]) == 1
    found = api.post(path, json={"dataObjectTypeIds": [CONTACTS]}).json()["items"]
    assert [row["title"] for row in found] == ["Child"]


def test_a_person_deletes_an_occurrence_and_an_appointment(api, lead):
    create(api, lead, recurringDefinition=WEEKLY)
    second = upcoming(api, lead)[1]["id"]
    api.tenant.edit({"object": "appointments", "id": second, "delete": True})
    assert days(upcoming(api, lead)) == ["2026-05-11", "2026-05-25", "2026-06-01"]
    assert api.get(f"{PATH}/{second}").status_code == 404
    single = create(api, lead, title="Single")
    api.tenant.edit({"object": "activities", "id": single["activityId"], "delete": True})
    assert api.get(f"{PATH}/{single['id']}").status_code == 404
    assert api.get(f"/api/v2/activities/{single['activityId']}").status_code == 404
    assert create(api, lead)["id"] not in (second, single["id"])


def test_appointments_follow_a_merge_and_go_with_their_record(api, lead):
    other = api.create(LEADS)["id"]
    made = create(api, other, recurringDefinition=WEEKLY)
    merge = {"winner": lead, "losers": [other]}
    api.tenant.edit({"object": "Leads", "merge": merge})
    assert len(upcoming(api, lead)) == 4
    api.call("DELETE", f"/api/DataObjects/{lead}")
    assert api.get(f"{PATH}/{made['id']}").status_code == 404


def test_a_salesperson_has_the_appointments_of_own_records(api, lead):
    made = create(api, lead)
    api.login("sales-client", "sales-secret")
    assert api.get(f"{PATH}/{made['id']}").status_code == 403
    own = api.create(LEADS)["id"]
    assert create(api, own)["dataObjectId"] == own


def test_appointments_outlive_a_restart(tmp_path, shared):
    database = str(tmp_path / "spotio.db")
    first = Api(database=database).login()
    record = first.create(LEADS)["id"]
    create(first, record, recurringDefinition=WEEKLY)
    first.tenant.close()
    again = Api(database=database).login()
    assert days(upcoming(again, record)) == ["2026-05-11", "2026-05-18", "2026-05-25", "2026-06-01"]
    judge = Contract(shared / "data/spotio_openapi.json")
    for answer in again.answers:
        judge.check(answer)
