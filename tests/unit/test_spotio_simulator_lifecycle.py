"""How records of the local SPOTIO end, and what follows from the activities on them."""

from __future__ import annotations

import pytest

from reverse_sf.simulator.errors import ControlError
from tests.contract.spotio_server_fixtures import ACCOUNTS, CONTACTS, LEADS, Api, api, contract

__all__ = ["api", "contract"]


def edit(api: Api, **body):
    return api.tenant.edit(body)


def test_a_visit_sets_the_last_result_and_shows_the_record_in_the_feed(api):
    made = api.create(LEADS)["id"]
    api.clock.advance(60)
    before = api.read(made)["updatedAt"]
    row = edit(api, object="Leads", id=made, log={"template": "Visit", "result": "Interested"})
    assert (row["lastVisitResult"], row["visits"]) == ("Interested", 1)
    after = api.read(made)
    assert (after["lastVisitResultId"], after["visitsCount"]) == ("2", 1)
    assert after["updatedAt"] > before
    api.switch(activity_touches=False)
    edit(api, object="Leads", id=made, log={"template": "Call", "result": "Reached"})
    assert api.read(made)["updatedAt"] == after["updatedAt"]
    assert api.read(made)["callsCount"] == 1


def test_the_winner_of_a_merge_gets_children_activities_and_values(api):
    winner, loser = (api.create(ACCOUNTS)["id"] for _ in range(2))
    child = api.create(CONTACTS, parentId=loser)["id"]
    edit(api, object="Accounts", id=loser, log={"template": "Visit", "result": "Not Home"})
    asked = {"winner": winner, "losers": [loser], "set": {"Company": "Joined"}}
    row = edit(api, object="Accounts", merge=asked)
    assert (row["fields"]["Company"], row["visits"]) == ("Joined", 1)
    assert api.read(child)["parentsInfo"][0]["id"] == winner
    assert api.get(f"/api/DataObjects/{loser}").status_code == 404
    path = "/api/DataObjects/deleted"
    assert [each["id"] for each in api.pages(path, "deletedDataObjects")] == [loser]
    api.switch(merged_in_deleted=False)
    assert api.pages(path, "deletedDataObjects") == []


def test_records_of_two_types_are_not_merged(api):
    winner, other = api.create(ACCOUNTS)["id"], api.create(LEADS)["id"]
    with pytest.raises(ControlError, match="one type"):
        edit(api, object="Accounts", merge={"winner": winner, "losers": [other]})
    assert api.read(other)["id"] == other


def test_a_deletion_may_hand_the_children_on_and_changes_nothing_where_it_is_refused(api):
    parent, heir = (api.create(ACCOUNTS)["id"] for _ in range(2))
    lead = api.create(LEADS)["id"]
    child = api.create(CONTACTS, parentId=parent)["id"]
    how = {"mode": "DeleteAndReassign", "reassignTypes": ["Contacts"]}
    with pytest.raises(ControlError, match="cannot be a parent"):
        edit(api, object="Accounts", id=parent, delete={**how, "newParent": lead})
    assert api.read(child)["parentsInfo"][0]["id"] == parent
    misspelt = {**how, "reassignTypes": ["Contacts", "Kontakts"], "newParent": heir}
    with pytest.raises(ControlError, match="Kontakts"):
        edit(api, object="Accounts", id=parent, delete=misspelt)
    assert api.read(child)["parentsInfo"][0]["id"] == parent
    edit(api, object="Accounts", id=parent, delete={**how, "newParent": heir})
    assert api.read(child)["parentsInfo"][0]["id"] == heir
    edit(api, object="Accounts", id=heir, delete=True)
    assert api.get(f"/api/DataObjects/{child}").status_code == 404


def test_a_planned_activity_is_changed_until_it_is_done(api, contract):
    made = api.create(LEADS)["id"]
    body = {"dataObjectId": made, "activityTemplateId": "1", "done": False}
    answer = api.post("/api/v2/activities", json={**body, "date": "2026-06-01T10:00:00Z"})
    contract.check(answer)
    path = f"/api/v2/activities/{answer.json()['id']}"
    assert api.read(made)["nextActivityTime"].startswith("2026-06-01T10:00:00")
    kind = {"Content-Type": "application/merge-patch+json"}
    done = api.call("PATCH", path, content='{"done": true, "resultId": "3"}', headers=kind)
    contract.check(done)
    after = api.read(made)
    assert (after["nextActivityTime"], after["lastVisitResultId"]) == (None, "3")
    refused = api.call("PUT", path, json=body)
    assert refused.status_code == 422
    contract.check(api.get(path))
    contract.check(refused)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"title": "x" * 129}, 422),
        ({"notes": "x" * 513}, 422),
        ({"activityLat": 91}, 422),
        ({"resultId": "5"}, 422),
        ({"dataObjectId": "nothing"}, 404),
    ],
)
def test_an_activity_over_a_limit_is_refused(api, contract, wrong, status):
    body = {"dataObjectId": api.create(LEADS)["id"], "activityTemplateId": "1", **wrong}
    answer = api.post("/api/v2/activities", json=body)
    assert answer.status_code == status
    contract.check(answer)
