"""Users of the local SPOTIO: roles, read-only ones, suspension and its end, e-mails, licences."""

from __future__ import annotations

import pytest

from tests.contract.spotio_server_fixtures import LEADS, api, contract

__all__ = ["api", "contract"]

NEW = {"email": "new.rep@example.com", "firstName": "New", "lastName": "Rep", "role": "Sales"}


def create(api, **more):
    answer = api.post("/api/Users", json={**NEW, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def put(api, user, **more):
    return api.call("PUT", f"/api/users/{user['id']}", json={**user, **more})


def read(api, user_id):
    return next(row for row in api.get("/api/users").json() if row["id"] == user_id)


def errors(answer):
    assert answer.status_code == 422, answer.text
    return set(answer.json()["errors"])


def test_a_read_only_user_is_not_invited_and_another_is(api):
    made = create(api, isReadonly=True, externalSystemUserId="005A")
    assert (made["status"], made["invitedAt"], made["isInSalesforce"]) == ("readonly", None, True)
    other = create(api, email="b@example.com")
    assert (other["status"], other["isReadonly"]) == ("pending", False)
    assert other["invitedAt"]
    found = api.get("/api/users/externalSystemUserId", id="005A").json()
    assert found["id"] == made["id"]
    joined = api.post(f"/api/users/{made['id']}/invite").json()
    assert (joined["status"], joined["invitedAt"] is not None) == ("pending", True)
    api.switch(invited_status="invited")
    assert create(api, email="c@example.com")["status"] == "invited"


def test_an_email_is_one_users_whatever_its_case(api):
    made = create(api)
    assert errors(api.post("/api/Users", json={**NEW, "email": "NEW.Rep@example.com"})) == {"email"}
    known = api.get("/api/users").json()[0]["email"]
    assert errors(put(api, made, email=known)) == {"email"}
    assert errors(put(api, made, email="nobody")) == {"email"}
    assert put(api, made, email="NEW.rep@example.com").json() is True


def test_a_put_without_a_key_empties_it_or_not(api):
    made = create(api, externalSystemUserId="005A", phone="+15125550100")
    few = {"email": made["email"], "role": "Manager"}
    path = f"/api/users/{made['id']}"
    assert errors(api.call("PUT", path, json={"firstName": "Only"})) == {"email", "role"}
    api.switch(user_put="keys")
    assert api.call("PUT", path, json=few).json() is True
    row = read(api, made["id"])
    assert (row["role"], row["externalSystemUserId"], row["firstName"]) == (
        "Manager",
        "005A",
        "New",
    )
    api.switch(user_put="whole")
    assert api.call("PUT", path, json=few).json() is True
    row = read(api, made["id"])
    assert (row["externalSystemUserId"], row["firstName"], row["visible"]) == (None, "", False)


@pytest.mark.parametrize("how", ["put", "block", "never"])
def test_a_suspended_user_comes_back_in_one_way_only(api, how):
    api.switch(user_restore=how)
    made = create(api)
    block = f"/api/users/{made['id']}/block"
    assert api.post(block).json() is True
    row = read(api, made["id"])
    assert (row["suspended"], row["status"]) == (True, "suspended")
    put(api, made, suspended=False)
    assert read(api, made["id"])["suspended"] is (how != "put")
    if how != "put":
        api.post(block)
        assert read(api, made["id"])["suspended"] is (how != "block")
    assert read(api, made["id"])["status"] == ("suspended" if how == "never" else "pending")


def test_who_suspends_the_keys_own_user_is_out(api):
    own = next(row for row in api.get("/api/users").json() if row["email"].startswith("admin.user"))
    assert api.post(f"/api/users/{own['id']}/block").status_code == 200
    assert api.get("/api/users").status_code == 401


def test_lists_may_hide_suspended_users(api):
    api.switch(suspended_users="hidden")
    shown = {row["email"] for row in api.get("/api/users").json()}
    assert "suzy.spotio@example.com" not in shown
    asked = api.pages("/api/v2/users/list", "items", statuses="suspended")
    assert [row["email"] for row in asked] == ["suzy.spotio@example.com"]


def test_the_fourth_role_sees_own_records_only_and_may_be_missing(api):
    made = create(api, role="sales rep 2")
    assert made["role"] == "Sales Rep 2"
    record = api.create(LEADS, ownerId=made["id"])
    other = api.create(LEADS)
    body = {"clientId": "demo-client", "secret": "demo-secret", "impersonatedUserId": made["id"]}
    token = api.post("/api/users/apitoken", json=body).json()["accessToken"]
    api.headers["Authorization"] = f"Bearer {token}"
    assert api.get(f"/api/DataObjects/{record['id']}").status_code == 200
    assert api.get(f"/api/DataObjects/{other['id']}").status_code == 403
    assert api.post("/api/Users", json=NEW).status_code == 403
    api.login()
    api.switch(fourth_role="")
    answer = api.post("/api/Users", json={**NEW, "email": "d@example.com", "role": "Sales Rep 2"})
    assert errors(answer) == {"role"}


def test_licences_bound_users_who_are_not_read_only(api):
    made = create(api, isReadonly=True)
    licensed = [r for r in api.get("/api/users").json() if not (r["isReadonly"] or r["suspended"])]
    api.switch(licences=len(licensed))
    assert errors(api.post("/api/Users", json={**NEW, "email": "e@example.com"})) == {"isReadonly"}
    create(api, email="f@example.com", isReadonly=True)
    assert errors(put(api, made, isReadonly=False)) == {"isReadonly"}
    api.post(f"/api/users/{licensed[0]['id']}/block")
    assert put(api, made, isReadonly=False).json() is True


def test_an_external_id_may_have_to_be_one_users(api):
    made = create(api, externalSystemUserId="005A")
    other = {**NEW, "email": "g@example.com", "externalSystemUserId": "005A"}
    api.switch(user_external_ids="unique")
    assert errors(api.post("/api/Users", json=other)) == {"externalSystemUserId"}
    assert put(api, made).json() is True
    api.switch(user_external_ids="any")
    assert api.post("/api/Users", json=other).status_code == 200


def test_users_are_found_by_role_group_and_team(api):
    role = api.pages("/api/v2/users/list", "items", roles="manager", pageSize=1)
    assert {row["role"] for row in role} == {"Manager"}
    found = api.post("/api/users/search", json={"groups": ["readonly"]}).json()["items"]
    assert [row["email"] for row in found] == ["rita.spotio@example.com"]
    count = api.post("/api/users/search/totalCount", json={"groups": ["admin"]}).json()
    assert count == {"userCount": 1}
    user = role[0]["id"]
    api.call("PUT", "/api/Teams/1/addUsers", json={"usersIds": [user]})
    rows = api.get("/api/users/details", teamId="1").json()
    assert [row["id"] for row in rows] == [user]
    assert create(api, territoryIds=["1"])["territoryIds"] == ["1"]
    wrong = {**NEW, "email": "h@example.com", "territoryIds": ["9"]}
    assert errors(api.post("/api/Users", json=wrong)) == {"territoryIds"}


def test_a_person_adds_and_changes_users_in_the_web_app(api):
    made = api.tenant.edit({"object": "users", "create": NEW})
    assert made["status"] == "pending"
    edit = {"object": "users", "id": made["id"], "set": {"suspended": True}}
    assert api.tenant.edit(edit)["status"] == "suspended"
    assert read(api, made["id"])["suspended"] is True


def test_a_read_only_user_reads_and_may_not_write(api):
    made = create(api, isReadonly=True, role="Manager")
    record = api.create(LEADS)["id"]
    body = {"clientId": "demo-client", "secret": "demo-secret", "impersonatedUserId": made["id"]}
    token = api.post("/api/users/apitoken", json=body).json()["accessToken"]
    api.headers["Authorization"] = f"Bearer {token}"
    assert api.get(f"/api/DataObjects/{record}").status_code == 200
    assert api.post("/api/DataObjectsSearch", json={}).status_code == 200
    assert api.post("/api/Exports/activities/data/flexible", json={}).status_code == 200
    note = {"dataObjectId": record, "isNote": True, "notes": "x"}
    assert api.post("/api/v2/activities", json=note).status_code == 403
    assert api.call("DELETE", f"/api/DataObjects/{record}").status_code == 403
    api.switch(readonly_writes="allowed")
    assert api.post("/api/v2/activities", json=note).status_code == 200
