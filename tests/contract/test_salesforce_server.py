"""REST calls of the local Salesforce server, call by call."""

# ruff: noqa: F811 - a test asks for an imported fixture by naming it

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.contract.salesforce_server_fixtures import (  # noqa: F401 - fixtures by name
    BASE,
    account,
    api,
    org,
    servers,
    soql,
    web,
)


def test_versions_need_no_login_and_retired_ones_are_gone(web):
    listed = web.get("/services/data").json()
    assert listed[0]["version"] == "31.0"
    assert listed[-1] == {
        "label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0",
    }  # fmt: skip
    assert web.get("/services/data/v30.0/limits").status_code == 410
    assert web.get("/services/data/v99.0/limits").status_code == 404
    assert web.get(f"{BASE}/limits").status_code == 401


def test_every_path_answers_with_and_without_a_trailing_slash(api):
    for path in ("/services/data", f"{BASE}/sobjects", f"{BASE}/sobjects/Account/describe"):
        assert api.get(path).json() == api.get(f"{path}/").json()
    first = api.get(f"{BASE}/query/", params={"q": "SELECT Id FROM User LIMIT 1"})
    assert first.json()["totalSize"] == 1


def test_a_describe_can_be_asked_for_only_where_it_changed(api):
    first = api.get(f"{BASE}/sobjects/Account/describe")
    assert first.json()["name"] == "Account"
    since = {"If-Modified-Since": first.headers["last-modified"]}
    unchanged = api.get(f"{BASE}/sobjects/Account/describe", headers=since)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    tag = {"If-None-Match": first.headers["etag"]}
    assert api.get(f"{BASE}/sobjects/Account/describe", headers=tag).status_code == 304
    old = {"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}
    assert api.get(f"{BASE}/sobjects/Account/describe", headers=old).status_code == 200


def test_describes_agree_with_the_global_describe(api):
    listed = api.get(f"{BASE}/sobjects").json()
    assert listed["maxBatchSize"] == 200
    assert {entry["name"] for entry in listed["sobjects"]} >= {"Account", "Site__c", "User"}
    for entry in listed["sobjects"]:
        assert entry["urls"]["describe"] == f"{BASE}/sobjects/{entry['name']}/describe"
        described = api.get(entry["urls"]["describe"]).json()
        same = (set(entry) & set(described)) - {"urls"}
        assert len(same) > 20
        assert {name: described[name] for name in same} == {name: entry[name] for name in same}
    basic = api.get(f"{BASE}/sobjects/account").json()
    assert basic["objectDescribe"]["name"] == "Account"


def test_what_does_not_exist_is_404_and_a_wrong_method_405(api):
    missing = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
    for path in ("/sobjects/Nothing/describe", "/nothing", "/jobs/query/750000000000000AAA"):
        answer = api.get(BASE + path)
        assert (answer.status_code, answer.json()) == (404, missing)
    answer = api.put(f"{BASE}/limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")


def test_pages_hold_every_row_once_and_may_be_asked_for_again(api, org):
    org.switches(query_page_size=7)
    first = api.get(f"{BASE}/query", params={"q": "SELECT Id FROM Account ORDER BY Id"}).json()
    assert len(first["records"]) == 7
    assert not first["done"]
    second = api.get(first["nextRecordsUrl"]).json()
    assert api.get(first["nextRecordsUrl"]).json() == second
    ids = [record["Id"] for record in soql(api, "SELECT Id FROM Account ORDER BY Id")]
    assert len(ids) == len(set(ids)) == first["totalSize"]
    assert ids[7:14] == [record["Id"] for record in second["records"]]
    url = first["records"][0]["attributes"]["url"]
    assert url == f"{BASE}/sobjects/Account/{ids[0]}"
    assert api.get(url).json()["Id"] == ids[0]


def test_the_page_size_that_a_client_asks_for_is_a_hint(api, org):
    for asked, given in ((1, 200), (250, 250), (9999, 2000)):
        headers = {"Sforce-Query-Options": f"batchSize={asked}"}
        answer = api.get(
            f"{BASE}/query", params={"q": "SELECT Id FROM Account"}, headers=headers
        ).json()
        assert len(answer["records"]) == min(given, answer["totalSize"])


def test_an_unknown_locator_is_refused(api):
    for locator in ("0r8000000000099AAA-2000", "nonsense"):
        answer = api.get(f"{BASE}/query/{locator}")
        assert answer.status_code == 400
        assert answer.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_a_query_that_makes_no_sense_is_refused_with_salesforces_codes(api):
    for statement, code in (
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
    ):
        answer = api.get(f"{BASE}/query", params={"q": statement})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
    assert api.get(f"{BASE}/query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_a_url_that_is_too_long_is_refused(api):
    answer = api.get(f"{BASE}/query", params={"q": "SELECT Id FROM Account" + " " * 17_000})
    assert answer.status_code == 414
    answer = api.get(f"{BASE}/limits", headers={"X-Long": "x" * 40_000})
    assert answer.status_code == 431


def test_a_record_lives_through_create_read_update_delete_and_undelete(api, org):
    record_id = account(api, Phone="1", Rating="Hot")
    path = f"{BASE}/sobjects/Account/{record_id}"
    assert len(record_id) == 18
    assert api.get(f"{BASE}/sobjects/Account/{record_id[:15]}").json()["Id"] == record_id
    some = api.get(path, params={"fields": "Phone,Rating"}).json()
    assert set(some) - {"Id"} == {"attributes", "Phone", "Rating"}
    changed = api.patch(path, json={"Phone": None})
    assert (changed.status_code, changed.content) == (204, b"")
    assert api.get(path).json()["Phone"] is None
    gone = api.delete(path)
    assert gone.status_code == 204
    assert "sforce-limit-info" not in gone.headers
    again = api.delete(path)
    assert (again.status_code, again.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    where = f"FROM Account WHERE Id = '{record_id}'"
    assert soql(api, f"SELECT Id {where}") == []
    assert soql(api, f"SELECT IsDeleted {where}", all_rows=True)[0]["IsDeleted"] is True
    org.edit(object="Account", id=record_id, undelete=True)
    assert soql(api, f"SELECT IsDeleted {where}")[0]["IsDeleted"] is False
    org.edit(object="Account", id=record_id, delete=True)
    org.edit(object="Account", id=record_id, purge=True)
    assert soql(api, f"SELECT Id {where}", all_rows=True) == []


def test_a_refused_write_has_salesforces_shape(api):
    answer = api.post(f"{BASE}/sobjects/Account", json={})
    assert answer.status_code == 400
    assert answer.json() == [
        {
            "message": "Required fields are missing: [Name]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["Name"],
        }
    ]
    answer = api.post(f"{BASE}/sobjects/Account", content=b"{")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_an_upsert_creates_updates_and_refuses_to_guess(api):
    path = f"{BASE}/sobjects/Account/SPOTIO_Id__c/a%2Fb%20c"
    only = api.patch(path, params={"updateOnly": "true"}, json={"Name": "X"})
    assert (only.status_code, only.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    made = api.patch(path, json={"Name": "Upserted"})
    assert made.status_code == 201
    assert made.json()["created"] is True
    record_id = made.json()["id"]
    assert api.get(f"{BASE}/sobjects/Account/{record_id}").json()["SPOTIO_Id__c"] == "a/b c"
    changed = api.patch(path, json={"Phone": "2"})
    assert (changed.status_code, changed.json()) == (
        200, {"id": record_id, "success": True, "errors": [], "created": False},
    )  # fmt: skip
    by_id = f"{BASE}/sobjects/Account/Id/{record_id}"
    assert api.patch(by_id, params={"updateOnly": "true"}, json={"Phone": "3"}).status_code == 200
    old = path.replace("v60.0", "v45.0")
    assert api.patch(old, json={"Phone": "2"}).status_code == 204
    with_key = api.patch(path, json={"SPOTIO_Id__c": "x"})
    assert (with_key.status_code, with_key.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    wrong = api.patch(f"{BASE}/sobjects/Account/Phone/1", json={})
    assert (wrong.status_code, wrong.json()[0]["message"]) == (
        404, "Provided external ID field does not exist or is not accessible: Phone",
    )  # fmt: skip


def test_an_upsert_that_matches_several_records_lists_them_and_writes_nothing(api):
    contacts = [
        api.post(
            f"{BASE}/sobjects/Contact", json={"LastName": f"Twin {n}", "Email": "twin@example.com"}
        ).json()["id"]
        for n in range(2)
    ]
    answer = api.patch(f"{BASE}/sobjects/Contact/Email/twin@example.com", json={"LastName": "New"})
    assert answer.status_code == 300
    assert sorted(answer.json()) == sorted(f"{BASE}/sobjects/Contact/{one}" for one in contacts)
    assert len(soql(api, "SELECT Id FROM Contact WHERE LastName LIKE 'Twin %'")) == 2


def test_a_write_may_depend_on_nobody_having_changed_the_record(api):
    path = f"{BASE}/sobjects/Account/{account(api)}"
    old = {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}
    assert api.patch(path, json={"Phone": "9"}, headers=old).status_code == 412
    new = {"If-Unmodified-Since": "Tue, 01 Jan 2199 00:00:00 GMT"}
    assert api.patch(path, json={"Phone": "9"}, headers=new).status_code == 204


def test_deleted_and_updated_list_what_changed_in_the_span(api, org):
    org.clock(advance=3600)
    start = org.clock()
    kept, gone = account(api), account(api)
    api.delete(f"{BASE}/sobjects/Account/{gone}")
    org.clock(advance=120)
    span = {"start": start, "end": org.clock()}
    found = api.get(f"{BASE}/sobjects/Account/deleted/", params=span).json()
    assert [entry["id"] for entry in found["deletedRecords"]] == [gone]
    assert found["deletedRecords"][0]["deletedDate"].endswith(".000+0000")
    assert api.get(f"{BASE}/sobjects/Account/updated/", params=span).json()["ids"] == [kept]


def test_replication_dates_that_are_too_old_or_wrong_are_refused(api, org):
    now = datetime.fromisoformat(org.clock())
    for resource, days in (("deleted", 16), ("updated", 31)):
        span = {"start": (now - timedelta(days=days)).isoformat(), "end": now.isoformat()}
        answer = api.get(f"{BASE}/sobjects/Account/{resource}", params=span)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (
            400, "INVALID_REPLICATION_DATE",
        )  # fmt: skip
    answer = api.get(f"{BASE}/sobjects/Account/deleted", params={"start": "x", "end": "y"})
    assert answer.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_a_batch_is_one_request_whose_parts_show_in_the_log(api, org):
    before = org.last()
    parts = [
        {"method": "GET", "url": "v60.0/limits"},
        {"method": "GET", "url": "/services/data/v60.0/sobjects/Nope/describe"},
        {"method": "PATCH", "url": f"v60.0/sobjects/Account/{account(api)}",
         "richInput": {"Phone": "77"}},
    ]  # fmt: skip
    answer = api.post(f"{BASE}/composite/batch", json={"batchRequests": parts}).json()
    assert answer["hasErrors"] is True
    assert [part["statusCode"] for part in answer["results"]] == [200, 404, 204]
    assert "DailyApiRequests" in answer["results"][0]["result"]
    logged = org.requests(since=before)
    assert len(logged) == 2
    assert [part["status"] for part in logged[-1]["subrequests"]] == [200, 404, 204]
    many = api.post(f"{BASE}/composite/batch", json={"batchRequests": parts * 9})
    assert (many.status_code, many.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")


def test_a_composite_refers_to_earlier_answers(api):
    parts = [
        {"method": "POST", "url": f"{BASE}/sobjects/Account", "referenceId": "a",
         "body": {"Name": "Parent"}},
        {"method": "POST", "url": f"{BASE}/sobjects/Contact", "referenceId": "c",
         "body": {"LastName": "Child", "AccountId": "@{a.id}"}},
    ]  # fmt: skip
    answer = api.post(f"{BASE}/composite", json={"compositeRequest": parts}).json()
    assert [part["httpStatusCode"] for part in answer["compositeResponse"]] == [201, 201]
    account_id, contact_id = (part["body"]["id"] for part in answer["compositeResponse"])
    child = api.get(f"{BASE}/sobjects/Contact/{contact_id}").json()
    assert child["AccountId"] == account_id


def test_an_all_or_none_composite_leaves_nothing_behind(api):
    parts = [
        {"method": "POST", "url": f"{BASE}/sobjects/Account", "referenceId": "a",
         "body": {"Name": "Never seen"}},
        {"method": "POST", "url": f"{BASE}/sobjects/Account", "referenceId": "b", "body": {}},
    ]  # fmt: skip
    body = {"allOrNone": True, "compositeRequest": parts}
    first, second = api.post(f"{BASE}/composite", json=body).json()["compositeResponse"]
    assert first["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert second["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert soql(api, "SELECT Id FROM Account WHERE Name = 'Never seen'") == []


def test_the_daily_quota_counts_shows_and_ends(api, org):
    def usage(answer):
        used, allowed = answer.headers["sforce-limit-info"].removeprefix("api-usage=").split("/")
        return int(used), int(allowed)

    used, _ = usage(api.get(f"{BASE}/limits"))
    org.switches(daily_api_requests=used + 2)
    assert usage(api.get(f"{BASE}/sobjects")) == (used + 1, used + 2)
    left = api.get(f"{BASE}/limits").json()["DailyApiRequests"]
    assert left == {"Max": used + 2, "Remaining": 0}
    refused = api.get(f"{BASE}/limits")
    assert refused.status_code == 403
    assert refused.json() == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
    org.clock(advance=86_400)
    org.switches(session_seconds=1_000_000)
    assert api.get(f"{BASE}/limits").status_code == 200


def test_record_counts_are_those_of_the_queries(api):
    counted = api.get(f"{BASE}/limits/recordCount", params={"sObjects": "Account,Lead"}).json()
    for entry in counted["sObjects"]:
        answer = api.get(
            f"{BASE}/query", params={"q": f"SELECT COUNT() FROM {entry['name']}"}
        ).json()
        assert answer["totalSize"] == entry["count"]
    assert {entry["name"] for entry in counted["sObjects"]} == {"Account", "Lead"}


def test_answers_are_compressed_only_for_clients_that_accept_it(api):
    path = f"{BASE}/sobjects/Account/describe"
    packed = api.get(path, headers={"Accept-Encoding": "gzip"})
    plain = api.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()


def test_an_edit_is_made_by_a_person_and_may_be_stamped_late(api, org):
    record_id = account(api)
    before = api.get(f"{BASE}/sobjects/Account/{record_id}").json()
    org.clock(advance=600)
    org.edit(object="Account", id=record_id, set={"Phone": "5"}, late_s=300)
    after = api.get(f"{BASE}/sobjects/Account/{record_id}").json()
    assert after["LastModifiedById"] != before["LastModifiedById"]
    modified = datetime.strptime(after["SystemModstamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
    behind = datetime.fromisoformat(org.clock()) - modified
    assert timedelta(seconds=299) < behind < timedelta(seconds=330)


def test_merge_and_conversion_are_edits(api, org):
    winner, loser = account(api), account(api)
    org.edit(object="Account", merge={"winner": winner, "losers": [loser]})
    where = f"FROM Account WHERE Id = '{loser}'"
    merged = soql(api, f"SELECT IsDeleted, MasterRecordId {where}", all_rows=True)[0]
    assert (merged["IsDeleted"], merged["MasterRecordId"]) == (True, winner)
    lead = api.post(f"{BASE}/sobjects/Lead", json={"LastName": "L", "Company": "C"}).json()["id"]
    made = org.edit(object="Lead", id=lead, convert=True)["converted"]
    converted = api.get(f"{BASE}/sobjects/Lead/{lead}").json()
    assert converted["IsConverted"] is True
    assert converted["ConvertedAccountId"] == made["accountId"]


@pytest.mark.parametrize(
    "edit",
    [
        {"object": "Account"},
        {"object": "Account", "id": "001000000000000AAA", "sett": {}},
        {"object": "Account", "id": "001000000000zzzAAA", "set": {"Phone": "1"}},
        {"object": "Account", "create": {}},
        {"sessions": "nonsense"},
    ],
)
def test_an_edit_that_cannot_be_made_is_refused(web, edit):
    answer = web.post("/_simulator/edit", json=edit)
    assert answer.status_code == 400
    assert answer.json()["error"]


def record(kind, **values):
    return {"attributes": {"type": kind}, **values}


def test_a_collection_writes_each_record_by_itself_and_keeps_the_order(api):
    path = f"{BASE}/composite/sobjects"
    records = [record("Account", Name="One"), record("Account"), {"Name": "No type"}]
    made, refused, untyped = api.post(path, json={"records": records}).json()
    assert made["success"] is True
    assert refused == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Name]",
                "fields": ["Name"],
            }
        ],
    }
    assert untyped["errors"][0]["statusCode"] == "JSON_PARSER_ERROR"
    changes = [
        record("Account", id=made["id"], Phone="1"),
        record("Account", id="001000000000zzzAAA", Phone="1"),
    ]
    changed, unknown = api.patch(path, json={"records": changes}).json()
    assert changed == {"id": made["id"], "success": True, "errors": []}
    assert unknown["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    ids = f"{made['id']},001000000000zzzAAA"
    read = api.get(f"{path}/Account", params={"ids": ids, "fields": "Phone"}).json()
    assert read[0]["Phone"] == "1"
    assert read[1] is None
    asked = {"ids": ids.split(","), "fields": ["Phone"]}
    assert api.post(f"{path}/Account", json=asked).json() == read
    gone, missing = api.delete(path, params={"ids": ids}).json()
    assert (gone["success"], missing["success"]) == (True, False)


def test_a_collection_of_all_or_none_undoes_everything(api):
    records = [record("Account", Name="Undone"), record("Account")]
    body = {"allOrNone": True, "records": records}
    first, second = api.post(f"{BASE}/composite/sobjects", json=body).json()
    assert first["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert second["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert soql(api, "SELECT Id FROM Account WHERE Name = 'Undone'") == []


def test_a_collection_upserts_by_external_id(api):
    path = f"{BASE}/composite/sobjects/Account/SPOTIO_Id__c"
    body = {"records": [record("Account", SPOTIO_Id__c="c-1", Name="One")]}
    (made,) = api.patch(path, json=body).json()
    (again,) = api.patch(path, json=body).json()
    assert made["created"] is True
    assert again == {**made, "created": False}


def test_a_collection_holds_at_most_200_records(api):
    records = [record("Account", Name=f"{n}") for n in range(201)]
    answer = api.post(f"{BASE}/composite/sobjects", json={"records": records})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
