"""Activities of the local SPOTIO across records: together, in the feed and in the exports."""

from __future__ import annotations

import pytest

from tests.contract.spotio_server_fixtures import ACCOUNTS, COMPANY, LEADS, api, contract

__all__ = ["api", "contract"]

FEED = "/api/v2/activities/feed"
MANY = "/api/v2/activities/many"
FLEXIBLE = "/api/Exports/activities/data/flexible"


@pytest.fixture(name="lead")
def lead_fixture(api):
    return api.create(LEADS)["id"]


def visit(record, **more):
    return {"dataObjectId": record, "activityTemplateId": "1", "resultId": "2", **more}


def exported(api, **body):
    return api.post(FLEXIBLE, json={"dataObjectTypeId": ACCOUNTS, **body}).json()["items"]


def test_activities_sent_together_are_all_kept_in_their_order(api, lead):
    other = api.create(LEADS)["id"]
    ids = api.post(MANY, json=[visit(lead, notes="a"), visit(other, notes="b")]).json()
    notes = [api.get(f"/api/v2/activities/{number}").json()["notes"] for number in ids]
    assert notes == ["a", "b"]
    assert [api.read(each)["visitsCount"] for each in (lead, other)] == [1, 1]


@pytest.mark.parametrize(("setting", "kept"), [("none", 0), ("until_error", 1)])
def test_a_refused_activity_among_many(api, lead, setting, kept):
    api.switch(many_activities=setting)
    answer = api.post(MANY, json=[visit(lead), visit(lead, title="x" * 129), visit(lead)])
    assert answer.status_code == 422
    assert api.read(lead)["visitsCount"] == kept


def test_the_feed_shows_done_activities_of_its_period_newest_first(api, lead):
    first, planned, last = api.post(
        MANY,
        json=[
            visit(lead, date="2031-01-01T10:00:00Z"),
            visit(lead, date="2031-01-01T11:00:00Z", done=False),
            visit(lead, date="2031-01-01T12:00:00Z"),
        ],
    ).json()
    period = {"StartDate": "2031-01-01T10:00:00Z", "EndDate": "2031-01-02T00:00:00Z"}
    shown = [int(row["id"]) for row in api.pages(FEED, "items", **period)]
    assert shown == [last, first]
    oldest = [int(row["id"]) for row in api.pages(FEED, "items", **period, SortBy="time")]
    assert oldest == [first, last]
    later = {**period, "StartDate": "2031-01-01T10:00:01Z"}
    assert [int(row["id"]) for row in api.pages(FEED, "items", **later)] == [last]
    assert planned not in shown
    api.switch(activity_dates="created")
    assert api.pages(FEED, "items", **period) == []


def test_the_feed_goes_on_from_page_to_page(api, lead):
    api.switch(feed_page=2)
    ids = api.post(MANY, json=[visit(lead) for _ in range(5)]).json()
    rows = api.pages(FEED, "items", SingleType=LEADS, SortBy="time", StartDate="2026-05-06")
    assert [int(row["id"]) for row in rows if row["type"] == "event"] == ids


def test_a_condition_that_is_not_evaluated_is_refused(api):
    assert api.get(FEED, FilterId="Filter-x-1-").status_code == 400
    assert api.post(FLEXIBLE, json={"territoryIds": ["1"]}).status_code == 400


def test_a_salesperson_sees_the_activities_of_own_records_only(api, lead):
    api.post(MANY, json=[visit(lead)])
    api.login("sales-client", "sales-secret")
    own = api.create(LEADS)["id"]
    api.post(MANY, json=[visit(own)])
    assert {row["dataObject"]["id"] for row in api.pages(FEED, "items")} == {own}
    api.login()
    assert {lead, own} <= {row["dataObject"]["id"] for row in api.pages(FEED, "items")}


def test_exports_name_stages_owners_and_results(api):
    made = api.create(ACCOUNTS, fields={COMPANY: "Acme"})["id"]
    api.clock.advance(60)
    start = api.clock.now().isoformat()
    stages = {stage.name: stage.id for stage in api.tenant.workflow.type(ACCOUNTS).stages}
    before, after = list(stages)[:2]
    for name in (before, after):
        api.tenant.edit({"object": "Accounts", "id": made, "set": {"Stage": name}})
    api.post(MANY, json=[visit(made, notes="Nice")])
    *_, moved, visited = exported(api, startDate=start)
    assert (moved["fromStage"], moved["toStage"]) == (before, after)
    assert (visited["activityType"], visited["result"]) == ("Visit", "Interested")
    assert (visited["dataObjectId"], visited["notes"]) == (made, "Nice")
    body = {"startDate": start, "dataObjectTypeId": ACCOUNTS}
    classic = api.post("/api/Exports/activities/data", json=body).json()
    assert classic["totalCount"] == len(classic["activityList"]) >= 2
    assert {row["leadId"] for row in classic["activityList"]} == {made}
    assert {row["company"] for row in classic["activityList"]} == {"Acme"}


def test_one_historical_activity_is_done_and_of_that_record(api, lead):
    other = api.create(LEADS)["id"]
    done, planned = api.post(MANY, json=[visit(lead, notes="x"), visit(lead, done=False)]).json()
    path = f"/api/DataObjects/{lead}/activities"
    assert api.get(f"{path}/{done}").json()["notes"] == "x"
    assert api.get(f"{path}/{planned}").status_code == 404
    assert api.get(f"/api/DataObjects/{other}/activities/{done}").status_code == 404
