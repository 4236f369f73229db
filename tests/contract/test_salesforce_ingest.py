"""The local Salesforce server's ingest jobs, row locks and administration, from outside."""

from __future__ import annotations

import csv
import io

import pytest
from simple_salesforce import Salesforce
from simple_salesforce.bulk2 import LineEnding, SFBulk2Type

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.local import running
from tests.contract.salesforce_server_fixtures import (
    BASE,
    account,
    api,
    org,
    servers,
    soql,
    web,
)

__all__ = ["api", "org", "servers", "web"]

JOBS = f"{BASE}/jobs/ingest"


def job(api, operation="insert", *, body=None, **order):
    """A job with its CSV uploaded; its id."""
    order = {"object": "Account", "operation": operation, "lineEnding": "LF", **order}
    answer = api.post(JOBS, json=order)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["state"] == "Open"
    assert made["id"].startswith("750")
    if body is not None:
        assert api.put(f"/{made['contentUrl']}", content=body.encode()).status_code == 201
    return made["id"]


def ended(api, job_id):
    """Close a job and wait for its end; its last state."""
    api.patch(f"{JOBS}/{job_id}", json={"state": "UploadComplete"}).raise_for_status()
    for _ in range(100):
        shown = api.get(f"{JOBS}/{job_id}").json()
        if shown["state"] in {"JobComplete", "Failed", "Aborted"}:
            return shown
    raise AssertionError(shown)


def result(api, job_id, name):
    """A result file as rows by column."""
    answer = api.get(f"{JOBS}/{job_id}/{name}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_an_insert_tells_ids_and_errors_with_the_input_columns(api):
    body = "Name,Billing_Email__c\nOne,one@example.com\nTwo,nonsense\n,three@example.com\n"
    job_id = job(api, body=body)
    shown = ended(api, job_id)
    assert shown["state"] == "JobComplete"
    assert (shown["numberRecordsProcessed"], shown["numberRecordsFailed"]) == (3, 2)
    (good,) = result(api, job_id, "successfulResults")
    assert good["Name"] == "One"
    assert good["sf__Created"] == "true"
    assert soql(api, f"SELECT Name FROM Account WHERE Id = '{good['sf__Id']}'")
    failed = {row["Name"]: row["sf__Error"] for row in result(api, job_id, "failedResults")}
    assert failed["Two"].startswith("INVALID_EMAIL_ADDRESS:")
    assert failed["Two"].endswith(":Billing_Email__c --")
    assert failed[""] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    assert result(api, job_id, "unprocessedrecords") == []
    assert api.delete(f"{JOBS}/{job_id}").status_code == 204
    assert api.get(f"{JOBS}/{job_id}").status_code == 404


def test_an_empty_cell_leaves_a_field_and_na_clears_it(api):
    first, second = account(api, Phone="1"), account(api, Phone="2")
    body = f"Id,Phone,Rating\n{first},#N/A,Hot\n{second},,Cold\n"
    job_id = job(api, "update", body=body)
    ended(api, job_id)
    records = {one["Id"]: one for one in soql(api, "SELECT Id, Phone, Rating FROM Account")}
    assert (records[first]["Phone"], records[first]["Rating"]) == (None, "Hot")
    assert (records[second]["Phone"], records[second]["Rating"]) == ("2", "Cold")
    created = {row["sf__Created"] for row in result(api, job_id, "successfulResults")}
    assert created == {"false"}


def test_an_upsert_creates_and_updates_by_an_external_id(api):
    known = account(api, SPOTIO_Id__c="x1")
    body = "SPOTIO_Id__c,Name\nx1,Known\nx2,New\n"
    job_id = job(api, "upsert", externalIdFieldName="SPOTIO_Id__c", body=body)
    ended(api, job_id)
    done = {row["SPOTIO_Id__c"]: row for row in result(api, job_id, "successfulResults")}
    assert (done["x1"]["sf__Id"], done["x1"]["sf__Created"]) == (known, "false")
    assert done["x2"]["sf__Created"] == "true"


def test_a_reference_by_external_id_is_a_column(api):
    parent = account(api, SPOTIO_Id__c="p1")
    body = "LastName,Account.SPOTIO_Id__c\nChild,p1\nOrphan,nobody\nNone,#N/A\n"
    job_id = job(api, object="Contact", body=body)
    ended(api, job_id)
    children = {
        one["LastName"]: one for one in soql(api, "SELECT LastName, AccountId FROM Contact")
    }
    assert children["Child"]["AccountId"] == parent
    assert children["None"]["AccountId"] is None
    (failed,) = result(api, job_id, "failedResults")
    assert "Foreign key external ID: nobody not found" in failed["sf__Error"]


@pytest.mark.parametrize(("operation", "left"), [("delete", 1), ("hardDelete", 0)])
def test_deletes(api, operation, left):
    gone = account(api)
    job_id = job(api, operation, body=f"Id\n{gone}\n")
    ended(api, job_id)
    everywhere = soql(api, f"SELECT Id FROM Account WHERE Id = '{gone}'", all_rows=True)
    assert len(everywhere) == left
    job_id = job(api, operation="update", body=f"Id,Name\n{gone},X\n")
    ended(api, job_id)
    (failed,) = result(api, job_id, "failedResults")
    assert failed["sf__Id"] == gone
    assert failed["sf__Error"].split(":")[0] in {"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"}


@pytest.mark.parametrize(
    ("order", "body", "words"),
    [
        ({"lineEnding": "CRLF"}, "Name\nA\n", "LineEnding is invalid"),
        ({"lineEnding": "LF"}, "Name\r\nA\r\n", "LineEnding is invalid"),
        (
            {"columnDelimiter": "SEMICOLON"},
            "Name,Phone\nA,1\n",
            "Field name not found : Name,Phone",
        ),
        ({}, "Nmae\nA\n", "Field name not found : Nmae"),
        ({}, "", "File is empty"),
    ],
)
def test_a_csv_that_is_not_what_the_job_said_fails_the_whole_job(api, order, body, words):
    shown = ended(api, job(api, body=body, **order))
    assert shown["state"] == "Failed"
    assert words in shown["errorMessage"]
    assert soql(api, "SELECT Id FROM Account WHERE Name = 'A'") == []


@pytest.mark.parametrize(
    ("delimiter", "mark"), [("TAB", "\t"), ("PIPE", "|"), ("CARET", "^"), ("BACKQUOTE", "`")]
)
def test_every_delimiter_is_read(api, delimiter, mark):
    body = f'Name{mark}Description\r\nA{mark}"two{mark}\nlines"\r\n'
    shown = ended(api, job(api, columnDelimiter=delimiter, lineEnding="CRLF", body=body))
    assert shown["numberRecordsFailed"] == 0
    (made,) = soql(api, "SELECT Description FROM Account WHERE Name = 'A'")
    assert made["Description"] == f"two{mark}\nlines"


def test_a_job_takes_one_upload_and_is_closed_once(api):
    job_id = job(api, body="Name\nA\n")
    again = api.put(f"{JOBS}/{job_id}/batches", content=b"Name\nB\n")
    assert again.json()[0]["errorCode"] == "INVALIDJOBSTATE"
    early = api.get(f"{JOBS}/{job_id}/successfulResults")
    assert early.json()[0]["errorCode"] == "INVALIDJOBSTATE"
    ended(api, job_id)
    twice = api.patch(f"{JOBS}/{job_id}", json={"state": "UploadComplete"})
    assert twice.json()[0]["errorCode"] == "INVALIDJOBSTATE"


def test_an_aborted_job_writes_nothing(api):
    job_id = job(api, body="Name\nNever\n")
    assert api.patch(f"{JOBS}/{job_id}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert soql(api, "SELECT Id FROM Account WHERE Name = 'Never'") == []


@pytest.mark.parametrize(
    ("switches", "state", "done"),
    [
        ({"ingest_unprocessed": 4}, "JobComplete", 6),
        ({"bulk_fail_next": 1}, "Failed", 5),
        ({"bulk_abort_next": 1}, "Aborted", 5),
    ],
)
def test_rows_that_a_job_left_out_are_told(api, org, switches, state, done):
    org.switches(**switches)
    body = "Name\n" + "".join(f"Row {n}\n" for n in range(10))
    job_id = job(api, body=body)
    assert ended(api, job_id)["state"] == state
    assert len(result(api, job_id, "successfulResults")) == done
    assert len(result(api, job_id, "unprocessedrecords")) == 10 - done


def test_rows_come_back_in_another_order_unless_a_switch_keeps_it(api, org):
    body = "Name\n" + "".join(f"Row {n}\n" for n in range(50))
    named = [f"Row {n}" for n in range(50)]
    shuffled = job(api, body=body)
    ended(api, shuffled)
    assert [row["Name"] for row in result(api, shuffled, "successfulResults")] != named
    org.switches(ingest_order="kept")
    kept = job(api, body=body)
    ended(api, kept)
    assert [row["Name"] for row in result(api, kept, "successfulResults")] == named


def test_refused_orders(api):
    for order, code in (
        ({"object": "Account", "operation": "replace"}, "INVALIDOPERATION"),
        ({"object": "Acount", "operation": "insert"}, "INVALID_TYPE"),
        ({"object": "Account", "operation": "upsert"}, "INVALIDJOB"),
        (
            {"object": "Account", "operation": "upsert", "externalIdFieldName": "Phone"},
            "INVALIDJOB",
        ),
    ):
        answer = api.post(JOBS, json=order)
        assert answer.status_code == 400
        assert answer.json()[0]["errorCode"] == code


def test_a_locked_row_of_a_collection_leaves_the_others(api, org):
    ids = [account(api) for _ in range(4)]
    org.switches(lock_next=1, lock_every=3)
    records = [{"attributes": {"type": "Account"}, "Id": one, "Phone": "1"} for one in ids]
    answer = api.patch(f"{BASE}/composite/sobjects", json={"records": records}).json()
    assert [one["success"] for one in answer] == [True, True, False, True]
    assert answer[2]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    org.switches(lock_single_next=1)
    alone = api.patch(f"{BASE}/sobjects/Account/{ids[2]}", json={"Phone": "1"})
    assert (alone.status_code, alone.json()[0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")


def test_a_write_with_a_precondition_is_refused_once_somebody_wrote(api, org):
    made = account(api)
    old = {"If-Unmodified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"}
    refused = api.patch(f"{BASE}/sobjects/Account/{made}", json={"Phone": "1"}, headers=old)
    assert refused.status_code == 412
    later = {"If-Unmodified-Since": "Tue, 01 Jan 2999 00:00:00 GMT"}
    done = api.patch(f"{BASE}/sobjects/Account/{made}", json={"Phone": "1"}, headers=later)
    assert done.status_code == 204


def test_an_administrator_changes_the_org_while_it_runs(api, org):
    org.edit(
        declare={
            "objects": {
                "Visit__c": {
                    "label": "Visit / Visits",
                    "prefix": "a77",
                    "fields": {"Note__c": "string(20) | Note"},
                }
            }
        }
    )
    assert api.post(f"{BASE}/sobjects/Visit__c", json={"Note__c": "x"}).status_code == 201
    org.edit(object="Visit__c", alter_field={"name": "Note__c", "length": 2})
    assert api.post(f"{BASE}/sobjects/Visit__c", json={"Note__c": "long"}).status_code == 400
    org.edit(object="Visit__c", remove_field="Note__c")
    assert api.post(f"{BASE}/sobjects/Visit__c", json={"Note__c": "x"}).status_code == 400
    choice = {"field": "Product_Interest__c", "value": "Fiber", "active": False}
    org.edit(object="Account", set_choice=choice)
    values = {"Name": "A", "Product_Interest__c": "Fiber"}
    assert api.post(f"{BASE}/sobjects/Account", json=values).status_code == 400
    assert org.edit(purge_delete_log=True) == {"purged": True}


@pytest.mark.parametrize(
    "edit",
    [
        {"declare": {"objects": {"X__c": {}}}},
        {"declare": "nonsense"},
        {"object": "Account", "alter_field": {"name": "Phone", "size": 3}},
        {"object": "Account", "set_choice": {"field": "Rating"}},
        {"object": "Account", "remove_field": "Nothing__c"},
        {"purge_delete_log": "yesterday"},
    ],
    ids=str,
)
def test_an_edit_that_makes_no_sense_is_refused_in_words(org, edit):
    with pytest.raises(ControlError):
        org.edit(**edit)


def test_simple_salesforce_writes_in_bulk_unchanged(monkeypatch, tmp_path):
    with running(empty=True, tls=True) as started:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(started.authority))
        server = started.salesforce
        host = server.url.removeprefix("https://")
        form = {
            "grant_type": "refresh_token",
            "client_id": "demo-consumer-key",
            "client_secret": "demo-consumer-secret",
            "refresh_token": "demo-refresh-token",
        }
        answer = server._client.post(f"{server.url}/services/oauth2/token", data=form).json()
        sf = Salesforce(instance=host, session_id=answer["access_token"])
        bulk: SFBulk2Type = sf.bulk2.Account
        rows = [{"Name": f"Row {n}", "SPOTIO_Id__c": f"x{n}"} for n in range(5)]
        (done,) = bulk.insert(records=rows)
        assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (5, 0)
        good = list(csv.DictReader(io.StringIO(bulk.get_successful_records(done["job_id"]))))
        assert {row["Name"] for row in good} == {f"Row {n}" for n in range(5)}
        changed = [{"SPOTIO_Id__c": "x1", "Name": "Changed"}, {"SPOTIO_Id__c": "x9", "Name": ""}]
        (done,) = bulk.upsert(records=changed, external_id_field="SPOTIO_Id__c")
        assert done["numberRecordsFailed"] == 1
        failed = list(csv.DictReader(io.StringIO(bulk.get_failed_records(done["job_id"]))))
        assert failed[0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING")
        assert LineEnding.LF
