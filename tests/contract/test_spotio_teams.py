"""Teams and territories of the local SPOTIO."""

from __future__ import annotations

from tests.contract.spotio_server_fixtures import api, contract

__all__ = ["api", "contract"]


def team(api, name, **more):
    return api.post("/api/Teams", json={"name": name, **more}).json()["id"]


def test_teams_below_a_deleted_one_go_up(api):
    top = team(api, "Top")
    middle = team(api, "Middle", parentId=top)
    low = team(api, "Low", parentId=middle)
    assert api.call("DELETE", f"/api/Teams/{middle}").status_code == 200
    assert api.get(f"/api/Teams/{middle}").status_code == 404
    assert api.get(f"/api/Teams/{low}").json()["parentId"] == top


def test_teams_below_a_deleted_one_may_be_gone_too(api):
    api.switch(team_children="gone")
    top = team(api, "Top")
    low = team(api, "Low", parentId=team(api, "Middle", parentId=top))
    body = {"teamsIds": [top, low]}
    assert api.call("DELETE", "/api/Teams/many", json=body).status_code == 200
    assert [row["name"] for row in api.get("/api/Teams/all").json()] == ["Central", "Coast"]


def test_users_are_added_once_and_must_exist(api):
    one, two = [row["id"] for row in api.get("/api/users").json()[:2]]
    made = team(api, "North", usersIds=[one])
    path = f"/api/Teams/{made}/addUsers"
    assert api.call("PUT", path, json={"usersIds": [one, two]}).status_code == 200
    assert api.call("PUT", path, json={"usersIds": ["1"]}).status_code == 422
    assert api.get("/api/Teams/users").json()[made] == [one, two]


def test_a_team_is_not_below_itself(api):
    top = team(api, "Top")
    low = team(api, "Low", parentId=top)
    assert api.call("PUT", f"/api/Teams/{top}", json={"parentId": low}).status_code == 422
    assert api.get(f"/api/Teams/{top}").json()["parentId"] is None


def test_many_teams_are_deleted_or_none(api):
    made = team(api, "North")
    gone = {"teamsIds": [made, "99"]}
    assert api.call("DELETE", "/api/Teams/many", json=gone).status_code == 404
    assert api.get(f"/api/Teams/{made}").status_code == 200
    api.call("DELETE", "/api/Teams/many", json={"teamsIds": [made]})
    assert api.get(f"/api/Teams/{made}").status_code == 404


def test_a_change_of_a_territory_keeps_what_it_does_not_name(api):
    made = api.post("/api/Territories", json={"title": "Texas", "zips": ["78701"]}).json()["id"]
    api.call("PUT", f"/api/Territories/{made}", json={"title": "Texas East"})
    after = api.get(f"/api/Territories/{made}").json()
    assert (after["title"], after["zips"]) == ("Texas East", ["78701"])
    listed = [row["title"] for row in api.get("/api/Territories/all").json()]
    assert listed == ["All states", "Texas East"]


def test_a_salesperson_changes_neither_and_a_reset_restores_both(api):
    team(api, "North")
    api.login("sales-client", "sales-secret")
    assert api.post("/api/Teams", json={"name": "Mine"}).status_code == 403
    assert api.post("/api/Territories", json={"title": "Mine"}).status_code == 403
    api.tenant.reset()
    api.login()
    assert [row["name"] for row in api.get("/api/Teams/all").json()] == ["Central", "Coast"]


def test_the_log_tells_who_joined_and_left(api):
    first, second = (row["id"] for row in api.get("/api/users").json()[:2])
    api.call("PUT", "/api/Teams/1/addUsers", json={"usersIds": [first, second]})
    api.call("PUT", "/api/Teams/1", json={"usersIds": [second]})
    api.call("DELETE", "/api/Teams/1")
    log = api.get("/api/Teams/logs").json()
    told = [(row["userId"], row["action"]) for row in log["items"]]
    assert told == [(second, "removed"), (first, "removed"), (second, "added"), (first, "added")]
    assert {row["teamId"] for row in log["items"]} == {"1"}
    api.switch(feed_page=3)
    page = api.get("/api/Teams/logs").json()
    assert (len(page["items"]), page["scrollId"]) == (3, 3)
    rest = api.get("/api/Teams/logs", scrollId=3).json()
    assert (len(rest["items"]), rest["scrollId"]) == (1, None)
    assert len(api.get("/api/Teams/logs", userId=first).json()["items"]) == 2
    assert api.get("/api/Teams/logs", teamId=2).json()["items"] == []
