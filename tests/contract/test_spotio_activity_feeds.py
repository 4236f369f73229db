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


def test_a_record_that_an_activity_does_not_touch_is_in_the_feed_once(api, lead):
    api.switch(activity_touches=False)
    api.post(MANY, json=[visit(lead), visit(lead)])
    shown = [row["id"] for row in api.feed()]
    assert shown.count(lead) == 1


# Where, and what was said


def at_door(api, record, **more):
    pin = api.read(record)["pin"]
    return visit(record, activityLat=pin["lat"] + 0.001, activityLng=pin["lng"], **more)


def test_a_visit_is_so_far_from_its_record(api):
    record = api.create(ACCOUNTS, pin={"address": "12 Oak St, Austin, TX 78701"})["id"]
    made = api.post("/api/v2/activities", json=at_door(api, record, done=True)).json()
    # A thousandth of a degree of latitude is 111.2 metres.
    row = next(r for r in api.pages(FEED, "items") if r["id"] == made["id"])
    assert row["distance"] == pytest.approx(111.2, abs=0.1)
    assert (row["verified"], made["verified"]) == (True, True)
    start = {"dataObjectTypeId": ACCOUNTS}
    item = next(r for r in exported(api, **start) if r["id"] == made["id"])
    assert item["distanceFromTheDataObjectInFeet"] == pytest.approx(364.8, abs=0.5)
    path = f"/api/DataObjects/{record}/activities/historical"
    for unit, expected in (("metres", 111.2), ("kilometres", 0.1112), ("miles", 0.0691)):
        api.switch(historical_distance=unit)
        assert api.get(path).json()["items"][0]["distance"] == pytest.approx(expected, rel=0.01)
    planned = api.post("/api/v2/activities", json=at_door(api, record, done=False)).json()
    assert api.get(f"/api/v2/activities/{planned['id']}").json()["verified"] is True


def test_only_a_mobile_client_can_be_too_far_away(api):
    record = api.create(ACCOUNTS, pin={"address": "12 Oak St, Austin, TX 78701"})["id"]
    far = {**at_door(api, record), "activityLat": api.read(record)["pin"]["lat"] + 0.01}
    assert api.post("/api/v2/activities", json={**far, "done": True}).json()["verified"] is True
    mobile = {**far, "done": True, "mobileId": "m1"}
    assert api.post("/api/v2/activities", json=mobile).json()["verified"] is False
    assert api.read(record)["lastLocationStatus"] == "unverified"
    near = {**at_door(api, record), "done": True, "mobileId": "m2"}
    assert api.post("/api/v2/activities", json=near).json()["verified"] is True
    assert api.read(record)["lastLocationStatus"] == "verified"


def test_texts_and_mails_say_what_was_written(api, lead):
    edit = {"object": "Leads", "id": lead}
    api.tenant.edit(
        {
            **edit,
            "log": {
                "template": "Text",
                "text": "See you",
                "direction": "in",
                "phoneNumber": "+15125550100",
            },
        }
    )
    mail = {"template": "Email", "snippet": "Dear Ada", "email": "a@example.com", "title": "Hi"}
    api.tenant.edit({**edit, "log": mail})
    rows = api.get(f"/api/DataObjects/{lead}/activities/historical").json()["items"]
    assert (rows[0]["snippet"], rows[0]["title"], rows[0]["text"]) == ("Dear Ada", "Hi", None)
    assert (rows[1]["text"], rows[1]["phoneNumber"]) == ("See you", "+15125550100")
    items = exported(api, dataObjectTypeId=LEADS)
    assert [row["content"] for row in items if row["dataObjectId"] == lead][-2:] == [
        "See you",
        "Dear Ada",
    ]
    # A request cannot say it.
    made = api.post("/api/v2/activities", json=visit(lead, text="No")).json()
    shown = api.get(f"/api/DataObjects/{lead}/activities/{made['id']}").json()
    assert shown["text"] is None


# What is done, and what is gone


def test_only_planned_activities_are_changed(api, lead):
    planned = api.post("/api/v2/activities", json=visit(lead, done=False)).json()["id"]
    path = f"/api/v2/activities/{planned}"
    merge = {"Content-Type": "application/merge-patch+json"}
    for body, status in (
        ('{"notes": "a"}', 200),
        ('{"done": true, "notes": "b"}', 200),
        ('{"notes": "c"}', 422),
    ):
        assert api.call("PATCH", path, content=body, headers=merge).status_code == status
    assert api.call("PUT", path, json=visit(lead)).status_code == 422
    assert api.get(path).json()["notes"] == "b"
    api.switch(done_activities="changed")
    assert api.call("PATCH", path, content='{"notes": "c"}', headers=merge).status_code == 200
    assert api.call("PUT", path, json=visit(lead)).status_code == 422
    api.switch(done_activities="refused")
    edit = {"object": "activities", "id": planned, "set": {"notes": "by hand"}}
    assert api.tenant.edit(edit)["notes"] == "by hand"
    assert api.get(path).json()["resultId"] == "2"


def test_a_deleted_activity_is_nowhere_and_its_record_counts_again(api, lead):
    kept, gone = api.post(MANY, json=[visit(lead), visit(lead, date="2031-01-01")]).json()
    api.tenant.edit({"object": "activities", "id": str(gone), "delete": True})
    assert api.get(f"/api/v2/activities/{gone}").status_code == 404
    assert str(gone) not in {row["id"] for row in exported(api, dataObjectTypeId=LEADS)}
    row = api.read(lead)
    assert (row["visitsCount"], row["lastVisitDate"][:4]) == (1, "2026")
    later = api.post(MANY, json=[visit(lead)]).json()[0]
    assert later > gone > kept


# Filters and files


def test_a_saved_filter_selects_activities_by_their_own_dates(api, lead):
    old = api.post("/api/v2/activities", json=visit(lead, done=False)).json()["id"]
    api.clock.advance(3600)
    since = api.clock.now().isoformat()
    new = api.post("/api/v2/activities", json=visit(lead, date="2020-01-01")).json()["id"]
    api.clock.advance(60)
    content = {"dateField": "ActivityUpdatedAt", "startDate": since}
    key = api.post("/api/v2/filters", json=content).json()["id"]
    assert [row["id"] for row in exported(api, filterId=key, dataObjectTypeId=LEADS)] == [new]
    merge = {"Content-Type": "application/merge-patch+json"}
    api.call("PATCH", f"/api/v2/activities/{old}", content='{"notes": "x"}', headers=merge)
    changed = {row["id"] for row in exported(api, filterId=key, dataObjectTypeId=LEADS)}
    assert changed == {old, new}
    templates = {**content, "activityTemplateIds": ["2"]}
    key = api.post("/api/v2/filters", json=templates).json()["id"]
    assert exported(api, filterId=key, dataObjectTypeId=LEADS) == []
    # Such a filter means nothing for records.
    assert api.get("/api/DataObjectsSearch", filterId=key).status_code == 422


@pytest.mark.parametrize("sort", ["visitcount", "status", "activity", "schedule", "address"])
def test_the_feed_is_sorted_as_asked(api, sort):
    up = [row["id"] for row in api.pages(FEED, "items", SortBy=sort)]
    down = [row["id"] for row in api.pages(FEED, "items", SortBy=f"-{sort}")]
    assert up == down[::-1]
    assert sorted(up) == sorted(row["id"] for row in api.pages(FEED, "items"))


def test_a_csv_export_is_prepared_and_fetched(api, lead):
    api.switch(export_polls=2)
    api.post(MANY, json=[visit(lead, notes='He said "no"'), visit(lead, done=False)])
    columns = ["id", "notes", "result"]
    body = {"singleType": LEADS, "reportType": "historical", "columns": columns}
    made = api.post("/api/Exports/activities", json=body).json()
    assert (made["state"], made["url"]) == ("preparing", None)
    states = [api.get(f"/api/exports/{made['id']}").json() for _ in range(2)]
    assert [row["state"] for row in states] == ["preparing", "ready"]
    lines = api.get(states[1]["url"]).text.splitlines()
    assert lines[0] == "id,notes,result"
    assert lines[-1].endswith(',"He said ""no""",Interested')
    planned = api.post("/api/Exports/activities", json={**body, "reportType": "current"}).json()
    assert api.get(f"/files/exports/{planned['id']}.csv").status_code == 404
    for _ in range(2):
        state = api.get(f"/api/exports/{planned['id']}").json()
    assert len(api.get(state["url"]).text.splitlines()) > 1
    wrong = {**body, "columns": ["nonsense"]}
    assert api.post("/api/Exports/activities", json=wrong).status_code == 422
    assert api.get("/api/exports/0").status_code == 404
    api.login("sales-client", "sales-secret")
    assert api.get(f"/api/exports/{made['id']}").status_code == 404


def test_the_demo_tenant_has_activities_of_every_kind(api):
    rows = api.tenant.rows("activities")
    done = {(row["activityTemplateId"], row["done"]) for row in rows if row["type"] == "event"}
    assert done >= {(str(number), True) for number in range(1, 6)}
    assert done >= {("2", False), ("5", False), ("6", False)}
    assert any(row["type"] == "note" for row in rows)
    assert any(row["text"] for row in rows)
    assert any(row["snippet"] for row in rows)
    planned = api.tenant.rows("appointments")
    assert any(row.get("recurringDefinition") for row in planned)
    assert any(row["allDay"] for row in planned)


# Calls, texts and e-mails of the calling user


def say(api, record, template, **said):
    log = {"template": template, "owner": "admin.user@example.com", **said}
    return api.tenant.edit({"object": "dataObjects", "id": record, "log": log})["activity"]


def test_a_user_finds_own_calls_texts_and_mails(api, lead):
    call = say(api, lead, "Call", durationSeconds=30, direction="in", result="Reached")
    words = say(api, lead, "Text", text="Hello", direction="out")
    mail = say(api, lead, "Email", snippet="Dear", title="Quote", email="a@example.com")
    other = {"template": "Call", "owner": "rep.one@example.com"}
    api.tenant.edit({"object": "dataObjects", "id": lead, "log": other})
    base = "/api/Communication"
    (row,) = api.pages(f"{base}/v3/calls", "items")
    assert (row["id"], row["durationSeconds"], row["resultId"]) == (call, 30, "5")
    (row,) = api.pages(f"{base}/v3/texts", "items")
    assert (row["id"], row["message"], row["direction"]) == (words, "Hello", "out")
    (row,) = api.pages(f"{base}/v3/mails", "items")
    assert (row["id"], row["subject"], row["snippet"]) == (mail, "Quote", "Dear")
    assert row["dataObjects"][0]["dataObject"]["id"] == lead
    assert api.get(f"{base}/v3/mails/{mail}").json()["body"] == "Dear"
    assert [each["id"] for each in api.pages(f"{base}/v2/log", "items")] == [mail, words, call]
    oldest = api.pages(f"{base}/v2/log", "items", sortBy="date", directions="out,in")
    assert [each["id"] for each in oldest] == [call, words]
    assert api.pages(f"{base}/v2/log", "items", singleType=ACCOUNTS) == []
    refused = api.get(f"{base}/v2/log", sortBy="name")
    assert (refused.status_code, set(refused.json())) == (
        400,
        {"message", "memberName", "filePath", "line"},
    )


# What is not publicly known


def test_a_period_may_leave_out_its_ends(api, lead):
    ids = api.post(
        MANY, json=[visit(lead, date=f"2031-01-01T1{hour}:00:00Z") for hour in range(3)]
    ).json()
    period = {"startDate": "2031-01-01T10:00:00Z", "endDate": "2031-01-01T12:00:00Z"}
    asked = {"dataObjectTypeId": LEADS, **period}
    assert [int(row["id"]) for row in exported(api, **asked)] == ids
    api.switch(activity_period="exclusive")
    assert [int(row["id"]) for row in exported(api, **asked)] == ids[1:2]


@pytest.mark.parametrize("order", ["desc", "random"])
def test_exports_may_come_in_another_order(api, lead, order):
    api.post(MANY, json=[visit(lead) for _ in range(20)])
    before = [row["id"] for row in exported(api, dataObjectTypeId=LEADS)]
    api.switch(activity_order=order)
    after = [row["id"] for row in exported(api, dataObjectTypeId=LEADS)]
    assert sorted(after) == sorted(before)
    assert (after == before[::-1]) is (order == "desc")
    assert after != before


def test_a_new_activity_may_be_seen_late(api, lead):
    api.switch(activity_delay_s=30.0)
    made = api.post("/api/v2/activities", json=visit(lead)).json()["id"]
    assert made not in {row["id"] for row in exported(api, dataObjectTypeId=LEADS)}
    assert made not in {row["id"] for row in api.pages(FEED, "items")}
    api.clock.advance(31)
    assert made in {row["id"] for row in exported(api, dataObjectTypeId=LEADS)}
    assert made in {row["id"] for row in api.pages(FEED, "items")}


def test_a_record_is_changed_together_with_what_was_done(api, lead):
    path = f"/api/DataObjects/{lead}/jsonp/withActivity"
    stage = api.tenant.workflow.type(LEADS).stages[1].id
    move = [{"op": "replace", "path": "/stageId", "value": stage}]
    wrong = {"dataObject": move, "activity": {"activityTemplateId": "1", "resultId": "99"}}
    assert api.call("PATCH", path, json=wrong).status_code == 422
    before = api.read(lead)
    assert before["stageId"] != str(stage)
    both = {**wrong, "activity": {"activityTemplateId": "1", "resultId": "2", "done": True}}
    row = api.call("PATCH", path, json=both).json()
    assert (row["stageId"], row["visitsCount"], row["lastVisitResultId"]) == (str(stage), 1, "2")
    refused = {**both, "dataObject": [{"op": "replace", "path": "/stageId", "value": 999}]}
    assert api.call("PATCH", path, json=refused).status_code == 422
    assert api.read(lead)["visitsCount"] == 1
