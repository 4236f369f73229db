"""What people do in Salesforce's web app and Setup, and what the org counts, over HTTP."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from reverse_sf.simulator.connection import INTEGRATION_USERNAME
from reverse_sf.simulator.errors import ControlError
from tests.contract.salesforce_server_fixtures import (
    BASE,
    REFRESH_FORM,
    TOKEN_PATH,
    account,
    api,
    org,
    servers,
    soql,
    web,
)

__all__ = ["api", "org", "servers", "web"]


def row_of(api, name, record_id):
    where = f"FROM {name} WHERE Id = '{record_id}'"
    return soql(api, f"SELECT FIELDS(ALL) {where} LIMIT 200", all_rows=True)[0]


def test_a_merge_may_choose_values_and_whether_children_are_stamped_is_a_switch(api, org):
    for touches in (True, False):
        org.switches(merge_touches_children=touches)
        winner, loser = account(api), account(api, Phone="+1 555 0199")
        child = org.edit(object="Contact", create={"LastName": "c", "AccountId": loser})["id"]
        before = row_of(api, "Contact", child)["SystemModstamp"]
        org.clock(advance=60)
        org.merge("Account", winner, loser, values={"Phone": "+1 555 0199"})
        assert row_of(api, "Account", loser)["MasterRecordId"] == winner
        assert row_of(api, "Account", winner)["Phone"] == "+1 555 0199"
        moved = row_of(api, "Contact", child)
        assert moved["AccountId"] == winner
        assert (moved["SystemModstamp"] > before) is touches


def test_a_lead_is_converted_into_a_given_account(api, org):
    target = account(api)
    lead = org.edit(object="Lead", create={"LastName": "Roe", "Company": "Ro Co"})["id"]
    made = org.convert(lead, account_id=target, opportunity=True)
    assert made["accountId"] == target
    row = row_of(api, "Lead", lead)
    assert (row["IsConverted"], row["ConvertedAccountId"]) == (True, target)
    answer = api.patch(f"{BASE}/sobjects/Lead/{lead}", json={"Phone": "1"})
    assert answer.json()[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_an_administrator_freezes_a_user_who_then_cannot_log_in(api, org):
    user = soql(api, f"SELECT Id FROM User WHERE Username = '{INTEGRATION_USERNAME}'")[0]["Id"]
    org.freeze(user)
    frozen = soql(api, "SELECT UserId, User.IsActive FROM UserLogin WHERE IsFrozen = true")
    assert [(row["UserId"], row["User"]["IsActive"]) for row in frozen] == [(user, True)]
    refused = api.post(TOKEN_PATH, data=REFRESH_FORM)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    org.freeze(user, frozen=False)
    assert api.post(TOKEN_PATH, data=REFRESH_FORM).status_code == 200
    org.edit(object="User", id=user, lock=True)
    login = soql(api, "SELECT Id FROM UserLogin WHERE IsPasswordLocked = true")[0]["Id"]
    body = {"IsPasswordLocked": False}
    assert api.patch(f"{BASE}/sobjects/UserLogin/{login}", json=body).status_code == 204
    for wrong in ({"object": "Account", "id": user, "freeze": True}, {"freeze": "yes"}):
        with pytest.raises(ControlError, match="freeze takes true or false"):
            org.edit(**{"object": "User", "id": user, **wrong})


def test_deleted_records_come_back_or_are_gone_for_good(api, org):
    first, second, third = account(api), account(api), account(api)
    org.delete("Account", first)
    org.undelete("Account", first)
    assert row_of(api, "Account", first)["IsDeleted"] is False
    org.delete("Account", second)
    org.purge("Account", second)
    org.hard_delete("Account", third)
    assert {row["Id"] for row in org.rows("Account")}.isdisjoint({second, third})
    with pytest.raises(ControlError, match="recycle bin"):
        org.purge("Account", first)
    org.delete("Account", first)
    assert org.edit(object="Account", empty_bin=True)["purged"] >= 1
    assert not any(row["IsDeleted"] for row in org.rows("Account"))


def test_an_automated_process_moves_the_system_stamp_alone(api, org):
    made = account(api)
    before = row_of(api, "Account", made)
    org.clock(advance=60)
    org.edit(object="Account", id=made, set={"Phone": "1"}, automated=True)
    after = row_of(api, "Account", made)
    assert after["SystemModstamp"] > before["SystemModstamp"]
    for name in ("LastModifiedDate", "LastModifiedById"):
        assert after[name] == before[name]


def test_rules_are_switched_between_two_calls(api, org):
    body = {"Name": "Contract Ltd", "Type": "Customer"}
    org.switch_rules(object="Account", name="Customer_needs_phone", active=True)
    answer = api.post(f"{BASE}/sobjects/Account", json=body)
    assert answer.status_code == 400
    assert answer.json()[0] == {
        "message": "A customer needs a phone number",
        "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "fields": ["Phone"],
    }
    with pytest.raises(ControlError, match="FIELD_CUSTOM_VALIDATION_EXCEPTION"):
        org.edit(object="Account", create=body)
    org.switch_rules(active=False)
    assert api.post(f"{BASE}/sobjects/Account", json=body).status_code == 201
    assert {rule["active"] for rule in org.rules()} == {False}
    with pytest.raises(ControlError, match="known are"):
        org.switch_rules(name="Nobody_knows", active=True)


def test_a_person_saves_past_an_alert_that_refuses_an_integration(api, org):
    org.switch_rules(kind="duplicate_rules", active=True)
    values = {"LastName": "Twin", "Email": "twin@example.com"}
    assert api.post(f"{BASE}/sobjects/Contact", json=values).status_code == 201
    refused = api.post(f"{BASE}/sobjects/Contact", json=values)
    assert refused.json()[0]["errorCode"] == "DUPLICATES_DETECTED"
    org.edit(object="Contact", create=values)


def test_a_composite_counts_once_and_each_part_of_a_batch_counts(api, org):
    def parts(count):
        return [{"method": "GET", "url": f"v60.0/limits?n={n}"} for n in range(count)]

    mark, used = org.last(), org.usage()["api_requests"]["used"]
    composite = [{**one, "referenceId": f"r{n}", "url": f"{BASE}/limits"}
                 for n, one in enumerate(parts(3))]  # fmt: skip
    api.post(f"{BASE}/composite", json={"compositeRequest": composite}).raise_for_status()
    api.post(f"{BASE}/composite/batch", json={"batchRequests": parts(4)}).raise_for_status()
    api.get(f"{BASE}/limits").raise_for_status()
    assert [len(entry["subrequests"]) for entry in org.requests(mark)] == [3, 4, 0]
    assert [entry["billed"] for entry in org.requests(mark)] == [1, 4, 1]
    assert (org.calls(mark), org.billed(mark)) == (8, 6)
    assert org.usage()["api_requests"]["used"] - used == 6


def test_a_login_is_in_the_log_but_counts_as_no_api_request(web, api, org):
    entry = org.requests()[0]
    assert entry["path"].endswith("/oauth2/token")
    assert (entry["status"], entry["billed"]) == (200, 0)


def test_the_days_requests_can_run_out_in_the_middle_of_a_batch(api, org):
    allowed = org.usage()["api_requests"]["allowed"]
    org.usage(api_requests=allowed - 2)
    body = {"batchRequests": [{"method": "GET", "url": "v60.0/limits"}] * 3}
    answer = api.post(f"{BASE}/composite/batch", json=body)
    assert [one["statusCode"] for one in answer.json()["results"]] == [200, 200, 403]
    assert answer.headers["Sforce-Limit-Info"] == f"api-usage={allowed}/{allowed}"
    refused = api.get(f"{BASE}/limits")
    assert refused.status_code == 403
    assert refused.json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    org.clock(advance=24 * 3600)
    org.switches(session_seconds=10**6)
    assert org.usage(api_requests=0)["api_requests"]["used"] == 0
    with pytest.raises(ControlError, match="usage takes"):
        org.usage(sheep=1)


def test_rows_beyond_the_days_batches_are_in_no_result_file(api, org):
    org.usage(bulk_batches=org.usage()["bulk_batches"]["allowed"])
    order = {"object": "Account", "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}
    job = api.post(f"{BASE}/jobs/ingest", json=order).json()["id"]
    path = f"{BASE}/jobs/ingest/{job}"
    api.put(f"{path}/batches", content=b"Name\nLate Ltd\n").raise_for_status()
    api.patch(path, json={"state": "UploadComplete"}).raise_for_status()
    while api.get(path).json()["state"] in {"UploadComplete", "InProgress"}:
        pass
    for kind in ("successfulResults", "failedResults", "unprocessedrecords"):
        assert b"Late Ltd" not in api.get(f"{path}/{kind}").content
    assert api.get(f"{BASE}/limits").json()["DailyBulkApiBatches"]["Remaining"] == 0


def test_the_limits_name_what_a_real_org_names(api, org):
    told = api.get(f"{BASE}/limits").json()
    assert len(told) > 70
    assert {"DailyApiRequests", "DailyBulkApiBatches", "DailyBulkV2QueryJobs"} < set(told)
    assert all(set(entry) >= {"Max", "Remaining"} for entry in told.values())
    assert told["PermissionSets"]["CreateCustom"] == {"Max": 1000, "Remaining": 1000}
    before = told["DailyApiRequests"]["Remaining"]
    assert api.get(f"{BASE}/limits").json()["DailyApiRequests"]["Remaining"] == before - 1
    org.switches(per_app_api_requests=250)
    info = api.get(f"{BASE}/limits").headers["Sforce-Limit-Info"]
    assert info.startswith("api-usage=")
    assert "; per-app-api-usage=" in info


def test_only_so_many_requests_run_long_at_once(api, org):
    org.switches(concurrent_requests=2, long_request_s=0.1, request_s=0.6)
    with ThreadPoolExecutor(3) as pool:
        first = [pool.submit(api.get, f"{BASE}/limits") for _ in range(2)]
        time.sleep(0.3)
        refused = pool.submit(api.get, f"{BASE}/limits").result()
        assert [each.result().status_code for each in first] == [200, 200]
    assert refused.status_code == 403
    assert refused.json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    assert refused.json()[0]["message"].startswith("ConcurrentRequests")
    assert api.get(f"{BASE}/limits").status_code == 200


def test_a_query_cursor_dies_after_two_days(api, org):
    org.switches(query_page_size=20)
    following = api.get(f"{BASE}/query", params={"q": "SELECT Id FROM Account"}).json()
    org.clock(advance=47 * 3600)
    api.headers["Authorization"] = f"Bearer {logged_in(api)}"
    assert api.get(following["nextRecordsUrl"]).status_code == 200
    org.clock(advance=2 * 3600)
    api.headers["Authorization"] = f"Bearer {logged_in(api)}"
    gone = api.get(following["nextRecordsUrl"])
    assert gone.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def logged_in(api):
    return api.post(TOKEN_PATH, data=REFRESH_FORM).json()["access_token"]


@pytest.mark.parametrize("path", ["query?q=SELECT+Id+FROM+User", "queryAll/?q=SELECT+Id+FROM+User"])
def test_a_composite_has_five_queries_at_most(api, path):
    part = {"method": "GET", "url": f"{BASE}/{path}"}
    parts = [{**part, "referenceId": f"r{number}"} for number in range(6)]
    answer = api.post(f"{BASE}/composite", json={"compositeRequest": parts[:5]})
    assert [one["httpStatusCode"] for one in answer.json()["compositeResponse"]] == [200] * 5
    refused = api.post(f"{BASE}/composite", json={"compositeRequest": parts})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")


@pytest.mark.parametrize("name", ["nextRecordsUrl", "nextRecordUrl"])
def test_the_link_to_further_result_pages_has_two_names(api, org, name):
    org.switches(result_pages_link=name, bulk_page_size=10)
    body = {"operation": "query", "query": "SELECT Id FROM Account"}
    job = api.post(f"{BASE}/jobs/query", json=body).json()["id"]
    while api.get(f"{BASE}/jobs/query/{job}").json()["state"] != "JobComplete":
        time.sleep(0.01)
    pages = api.get(f"{BASE}/jobs/query/{job}/resultPages").json()
    assert len(pages["resultPages"]) == 5
    assert api.get(pages[name]).status_code == 200


def test_an_archived_activity_shows_to_query_all_only(api, org):
    made = org.edit(object="Task", create={"Subject": "Old"})["id"]
    before = row_of(api, "Task", made)
    org.clock(advance=60)
    org.edit(object="Task", id=made, archive=True)
    where = f"SELECT Id FROM Task WHERE Id = '{made}'"
    assert soql(api, where) == []
    after = row_of(api, "Task", made)
    assert (after["IsArchived"], after["SystemModstamp"]) == (True, before["SystemModstamp"])
    org.edit(object="Task", id=made, archive=False)
    assert len(soql(api, where)) == 1
    with pytest.raises(ControlError, match="archive takes"):
        org.edit(object="Account", id=account(api), archive=True)


def test_one_version_label_has_a_typographic_apostrophe(web):
    labels = {row["version"]: row["label"] for row in web.get("/services/data").json()}
    assert (labels["42.0"], labels["43.0"]) == (
        "Spring \N{RIGHT SINGLE QUOTATION MARK}18",
        "Summer '18",
    )
    assert labels["66.0"] == "Spring '26"


def test_every_switch_of_both_servers_is_explained(servers, org):
    for server in (org, servers.spotio):
        told = httpx.get(f"{server.url}/_simulator/meanings", trust_env=False).json()["meanings"]
        assert set(told) == set(server.switches())
        for name, switch in told.items():
            assert len(switch["meaning"].split()) > 3, name
            assert switch["default"] in switch.get("choices", [switch["default"]]), name
