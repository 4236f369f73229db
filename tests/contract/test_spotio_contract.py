"""Every operation that the local SPOTIO serves, judged by SPOTIO's own OpenAPI file."""

from __future__ import annotations

import json

import pytest

from tests.contract.spotio_server_fixtures import (
    ACCOUNTS,
    CONTACTS,
    EMAIL,
    LEADS,
    PHONE,
    PRODUCTS,
    Api,
    api,
    contract,
)

__all__ = ["api", "contract"]


def tour(api: Api) -> None:
    """Call every operation, well and badly."""
    workflow_tour(api)
    record_tour(api)
    activity_tour(api)
    appointment_tour(api)
    export_tour(api)
    communication_tour(api)
    search_tour(api)
    job_tour(api)
    people_tour(api)
    place_tour(api)
    webhook_tour(api)
    team_tour(api)


def workflow_tour(api):
    for path in ("", "/dataObjects", "/dataObjects/full", "/dataObjects/1", "/dataObjects/9"):
        api.get(f"/api/workflow{path}")
    api.get("/api/CalendarSettings")
    for path in ("/activityTemplates", "/categorization", "/dataobjects/1/fields"):
        api.get(f"/api/workflow{path}")
    api.get("/api/workflow/dataObjects/4/stages")


def record_tour(api):
    account = api.create(
        ACCOUNTS,
        fields={PHONE: "512 555 0100", PRODUCTS: ["Panels", "Fiber"], 100008: "Suite 2"},
        pin={"address": "12 Oak St, Austin, TX"},
        externalDataObjectId="001A",
    )
    person = api.create(CONTACTS, parentId=account["id"], fields={EMAIL: "a@example.com"})
    visit = {"activityTemplateId": "1", "resultId": "2", "done": True, "notes": "Nice"}
    api.post(
        "/api/DataObjects",
        json={
            "dataObject": {
                "typeId": "3",
                "fields": [{"fieldId": "100003", "value": "X"}],
                "pin": {"address": "12 Oak St, Austin, TX"},
            },
            "activity": visit,
        },
    )
    api.post("/api/DataObjects", json={"dataObject": {"typeId": 3, "stageId": 999, "fields": []}})
    api.post("/api/DataObjects", content="{", headers={"Content-Type": "application/json"})
    api.post("/api/DataObjects", content="{}", headers={"Content-Type": "text/plain"})
    api.get(f"/api/DataObjects/{account['id']}")
    api.get(f"/api/DataObjects/{person['id']}")
    api.get("/api/DataObjects/0123456789abcdef01234567")
    api.get("/api/DataObjects/many", dataObjectsIds=f"{account['id']},{person['id']},nothing")
    api.patch(person["id"], {"op": "replace", "path": "/ownerId", "value": 534601})
    api.patch(account["id"], {"op": "replace", "path": "/stageId", "value": 2})
    api.patch(account["id"], {"op": "replace", "path": "/nonsense", "value": 2})
    both = {"dataObject": [{"op": "replace", "path": "/stageId", "value": 3}], "activity": visit}
    path = f"/api/DataObjects/{account['id']}/jsonp/withActivity"
    api.call("PATCH", path, json=both)
    api.call("PATCH", path, json={**both, "activity": {"resultId": "99"}})
    api.get(f"/api/DataObjects/{account['id']}/duplicatesByAddress")
    api.get(f"/api/DataObjects/{account['id']}/activities/historical")
    moves = [{"id": account["id"], "unit": "3"}]
    api.post("/api/DataObjects/move", json={"dataObjects": moves, "pinId": 7001})
    api.get("/api/Exports/dataObjects/data")
    api.get("/api/Exports/dataObjects/data", updatedAfter="yesterday")
    api.call("DELETE", f"/api/DataObjects/{account['id']}", json={"mode": "delete"})
    api.get("/api/DataObjects/deleted")


def activity_tour(api):
    record = api.create(LEADS)["id"]
    later = api.tenant.workflow.type(LEADS).stages[1].id
    planned = {"dataObjectId": record, "activityTemplateId": "1", "done": False}
    merge = {"Content-Type": "application/merge-patch+json"}
    for base in ("/api/v2/activities", "/api/ActivitiesV2"):
        made = api.post(base, json=planned).json()["id"]
        api.get(f"{base}/{made}")
        api.get(f"{base}/0")
        api.call("PUT", f"{base}/{made}", json={**planned, "title": "Later"})
        api.call("PATCH", f"{base}/{made}", content='{"done": true}', headers=merge)
        api.call("PUT", f"{base}/{made}", json=planned)
        api.post(base, json={**planned, "title": "x" * 129})
        api.post(f"{base}/many", json=[planned, {**planned, "done": True, "direction": "In"}])
        api.post(f"{base}/many", json=planned)
        api.patch(record, {"op": "replace", "path": "/stageId", "value": later})
        api.patch(record, {"op": "replace", "path": "/ownerId", "value": 534601})
        api.patch(record, {"op": "replace", "path": "/fields/0/value", "value": base[-4:]})
        api.get(f"{base}/feed", IncludeCustomFieldIds="*", SingleType=LEADS)
        api.get(f"{base}/feed", SortBy="schedule")
        api.get(f"/api/DataObjects/{record}/activities/{made}")
        api.post(f"/api/DataObjects/{record}/activities/historical", json={})
        api.get(f"/api/DataObjects/{record}/activities/0")
        for path in ("data", "data/flexible"):
            api.post(f"/api/Exports/activities/{path}", json={"dataObjectTypeId": LEADS})
            api.post(f"/api/Exports/activities/{path}", json={"startDate": "yesterday"})


def appointment_tour(api):
    account = api.create(ACCOUNTS, pin={"address": "12 Oak St, Austin, TX"})["id"]
    record = api.create(CONTACTS, parentId=account, fields={EMAIL: "a@example.com"})["id"]
    base = "/api/v2/appointments"
    weekly = {"periodicity": "weeks", "interval": 1, "repeatOn": ["monday"], "count": 3}
    body = {
        "dataObjectId": record,
        "date": "2026-05-11T12:00:00Z",
        "allDay": False,
        "sendInvitation": True,
        "recurringDefinition": weekly,
    }
    made = api.post(base, json=body).json()
    api.post(base, json={**body, "date": None})
    for path in (made["id"], "0-1-2", f"byActivity/{made['activityId']}", "byActivity/0"):
        api.get(f"{base}/{path}")
    coming = f"/api/DataObjects/{record}/appointments/upcoming"
    ghost = api.get(coming).json()["items"][1]["id"]
    api.post(coming, json={"activityTemplateIds": [5]})
    api.get(f"{base}/{ghost}")
    api.call("PATCH", f"{base}/{ghost}", json={"title": "One"})
    api.call("PATCH", f"{base}/{made['id']}", json={"title": "x" * 129})
    whole = {**body, "recurringDefinition": None, "intention": "singleFromRecurring"}
    api.call("PUT", f"{base}/{made['id']}", json=whole)
    api.post(f"{base}/multiple", json={"appointments": [body, {}]})
    api.post(f"{base}/bulk/create", json={"dataObjectIds": [record], "appointment": body})
    api.post(f"{base}/bulk/create", json={"q": "a", "appointment": body})


def communication_tour(api):
    people = {row["email"]: row["id"] for row in api.get("/api/users").json()}
    record = api.create(LEADS)["id"]
    child = api.create(CONTACTS, parentId=api.create(ACCOUNTS)["id"])["id"]
    for template in ("Call", "Text", "Email"):
        said = {"template": template, "owner": "admin.user@example.com", "direction": "out"}
        for about in (record, child):
            api.tenant.edit({"object": "dataObjects", "id": about, "log": said})
    assert "admin.user@example.com" in people
    base = "/api/Communication"
    for path in ("v3/calls", "v3/texts", "v3/mails", "v2/log"):
        assert api.get(f"{base}/{path}").json()["items"]
        api.get(f"{base}/{path}", scrollId="x")
    mail = api.get(f"{base}/v3/mails").json()["items"][0]["id"]
    api.get(f"{base}/v3/mails/{mail}")
    api.get(f"{base}/v3/mails/0")


def export_tour(api):
    for kind in ("activities", "dataObjects"):
        api.post(f"/api/Exports/{kind}", json={})
        api.post(f"/api/Exports/{kind}", json={"reportType": "nonsense"})


def search_tour(api):
    saved = api.post(
        "/api/v2/filters", json={"dataObjectTypeIds": ["3"], "startDate": "2020-01-01"}
    )
    api.get(f"/api/v2/filters/{saved.json()['id']}")
    api.get("/api/v2/filters/Filter-none-1-")
    api.post("/api/v2/filters", json={"nbas": ["x"]})
    api.get(
        "/api/DataObjectsSearch",
        q="a",
        singleType=LEADS,
        includeCustomFieldIds="17,19",
        includeParentData="true",
        includeOwnerExternalUserId="true",
        perPage=5,
    )
    api.post("/api/DataObjectsSearch", json={"queryText": "a", "filterId": saved.json()["id"]})


def job_tour(api):
    progress, good, bad = api.job(
        "create",
        LEADS,
        [{"Fields": [{"FieldId": "100003", "Value": "Bulk"}]}],
        [{"Fields": [{"FieldId": "100006", "Value": "bad"}]}],
    )
    assert (progress["state"], len(good), len(bad)) == ("JobComplete", 1, 1)
    base = "/api/jobs/dataObjects/bulk"
    job = api.post(base, json={"operation": "create", "dataObjectTypeId": 3}).json()["id"]
    api.post(f"{base}/{job}/start")
    api.post(base, json={"operation": "destroy", "dataObjectTypeId": 3})
    api.get(f"{base}/{job}")
    api.get(f"{base}/inprogress")
    api.get(f"{base}/{job}/results/failed")
    api.get(f"{base}/00000000-0000-0000-0000-000000000000/progress")
    api.call("DELETE", f"{base}/{job}/cleanup", json={"dropDataTable": True})


def people_tour(api):
    for path in ("", "/list", "/details", "/search", "/search/totalCount"):
        api.get(f"/api/users{path}")
    api.get("/api/v2/users/list")
    api.get("/api/users/details", scrollId="x")
    api.post("/api/users/search/totalCount", json={"groups": ["readonly"]})
    api.get("/api/v2/users/list", q="ops", pageSize=1)
    api.post("/api/users/search", json={"name": "rep"})
    known = api.get("/api/users").json()[0]["externalSystemUserId"]
    api.get("/api/users/externalSystemUserId", id=known)
    api.get("/api/users/externalSystemUserId", id="nobody")
    created = api.post("/api/Users", json={"email": "new@example.com", "role": "Sales"}).json()
    api.post("/api/Users", json={"email": "new@example.com", "role": "Sales"})
    api.call("PUT", f"/api/users/{created['id']}", json={**created, "firstName": "New"})
    api.post(f"/api/users/{created['id']}/invite")
    api.post(f"/api/users/{created['id']}/block")
    api.get("/api/Teams/all")
    api.get("/api/Territories/all")


def place_tour(api):
    pin = api.create(LEADS, pin={"address": "9 Elm St, Denver, CO 80202"})["pin"]
    api.get(f"/api/PinsV2/{pin['id']}")
    api.get("/api/PinsV2/0")
    api.get("/api/PinsV2/search", placeId=pin["placeId"])
    api.get("/api/PinsV2/nearest", lat=pin["lat"], lng=pin["lng"], limit=3)
    api.post("/api/PinsV2/format-address", json={"street": "9 Elm St", "city": "Denver"})


def team_tour(api):
    user = api.get("/api/users").json()[0]["id"]
    made = api.post(
        "/api/Teams", json={"name": "North", "parentId": "1", "usersIds": [user]}
    ).json()
    team = f"/api/Teams/{made['id']}"
    api.post("/api/Teams", json={})
    for path in ("/api/Teams/list", "/api/Teams/users", team, "/api/Teams/99"):
        api.get(path)
    api.call("PUT", team, json={"name": "North East"})
    api.call("PUT", f"{team}/addUsers", json={"usersIds": [user]})
    api.get("/api/Teams/logs", userId=user)
    api.get("/api/Teams/logs", scrollId="x")
    api.call("DELETE", team)
    api.call("DELETE", team)
    api.call("DELETE", "/api/Teams/many", json={"teamsIds": ["2"]})
    drawn = {"title": "Texas", "parentId": "1", "userIds": [user], "zips": ["78701"]}
    land = api.post("/api/Territories", json=drawn).json()
    api.get(f"/api/Territories/{land['id']}")
    api.call("PUT", f"/api/Territories/{land['id']}", json={"title": "Texas East"})
    api.get("/api/Territories/all")


def webhook_tour(api):
    api.get("/api/Webhooks/scopes")
    body = {
        "callback": "http://127.0.0.1:9/",
        "scopes": ["appointment.created"],
        "customHeaders": [{"name": "X-Mine", "value": "1"}],
    }
    made = api.post("/api/Webhooks", json=body).json()["id"]
    api.post("/api/Webhooks", json={**body, "callback": "http://example.com/"})
    api.get("/api/Webhooks")
    api.call("PUT", f"/api/Webhooks/{made}", json={**body, "active": False})
    api.call("DELETE", f"/api/Webhooks/{made}")
    api.call("DELETE", f"/api/Webhooks/{made}")


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {
            "multichoice_wire": "semicolon",
            "date_wire": "us",
            "scroll_end": "absent",
            "validation_status": 400,
            "login_status": 401,
        },
        {"multichoice_wire": "json", "date_wire": "datetime", "scroll_end": "repeat"},
    ],
    ids=["defaults", "semicolon", "json"],
)
def test_every_served_operation_answers_as_the_contract_says(contract, switches):
    api = Api()
    api.switch(**switches)
    api.get("/api/workflow")
    api.post("/api/users/apitoken", json={"clientId": "demo-client", "secret": "wrong"})
    api.login()

    tour(api)

    reached = {contract.check(answer) for answer in api.answers}
    served = {contract.operation(method, path.replace("{", "").replace("}", ""))
              [0] for method, path in api.served}  # fmt: skip
    assert {template for _, template in reached} == served
    assert {method for method, _ in reached} == {method for method, _ in api.served}


def test_the_judge_refuses_what_the_contract_does_not_allow(api, contract):
    answer = api.get("/api/users")
    rows = answer.json()
    schema = {"$ref": "#/components/schemas/Spotio.Frontend.ViewModel.Users.User"}
    contract.validate(schema, rows[0])
    for wrong in ({"id": 5}, {"unknownKey": 1}, {"suspended": "no"}):
        with pytest.raises(Exception, match=r"is not|Additional properties"):
            contract.validate(schema, {**rows[0], **wrong})


def test_result_files_of_a_bulk_job_have_the_documented_keys(api):
    _, good, bad = api.job(
        "create",
        LEADS,
        [
            {"Fields": [{"FieldId": "100003", "Value": "Ok"}], "ExternalDataObjectId": "E1"},
            {"fields": [], "externalDataObjectId": "E2"},
        ],
    )
    assert set(good[0]) == {"FileId", "DataObjectId", "Data"}
    assert set(bad[0]) == {"FileId", "Error", "Data"}
    assert good[0]["Data"]["ExternalDataObjectId"] == "E1"
    assert bad[0]["Data"] == {"fields": [], "externalDataObjectId": "E2"}
    assert json.dumps(bad[0]["Error"]).count("required")
