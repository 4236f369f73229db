"""Bulk API 2.0 query jobs of the local Salesforce server."""

# ruff: noqa: F811 - a test asks for an imported fixture by naming it

from __future__ import annotations

import csv
import io

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

JOBS = f"{BASE}/jobs/query"
STATES_AT_REST = {"JobComplete", "Failed", "Aborted"}
AWKWARD = 'Zoë "Quote" Ltd,\nsecond; line'


def order(api, statement, operation="query", **more):
    answer = api.post(JOBS, json={"operation": operation, "query": statement, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def finished(api, job):
    for _ in range(100):
        shown = api.get(f"{JOBS}/{job['id']}").json()
        if shown["state"] in STATES_AT_REST:
            return shown
    raise AssertionError(shown)


def page(api, job, **parameters):
    answer = api.get(f"{JOBS}/{job['id']}/results", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    assert len(rows) == int(answer.headers["sforce-numberofrecords"])
    return rows, answer.headers["sforce-locator"]


def rows_of(api, job, **parameters):
    rows, locator = page(api, job, **parameters)
    while locator != "null":
        more, locator = page(api, job, **parameters, locator=locator)
        rows += more
    return rows


def test_a_job_has_the_states_and_keys_of_the_guide(api):
    job = order(api, "SELECT Id FROM Account")
    assert job["state"] == "UploadComplete"
    assert job["id"].startswith("750")
    assert len(job["id"]) == 18
    assert job["object"] == "Account"
    assert (job["apiVersion"], job["contentType"], job["lineEnding"]) == (60.0, "CSV", "LF")
    done = finished(api, job)
    assert done["state"] == "JobComplete"
    assert done["jobType"] == "V2Query"
    assert done["numberRecordsProcessed"] == len(soql(api, "SELECT Id FROM Account"))
    assert api.get(JOBS).json()["records"] == [done]


def test_results_hold_what_the_rest_api_says(api):
    account(api, Name=AWKWARD, NumberOfEmployees=3, Customer_Since__c="2026-01-02")
    fields = "Id, Name, NumberOfEmployees, IsDeleted, CreatedDate, Customer_Since__c, Owner.Email"
    statement = f"SELECT {fields} FROM Account ORDER BY Id"
    job = order(api, statement)
    finished(api, job)
    rows = rows_of(api, job)
    records = soql(api, statement)
    assert [row["Id"] for row in rows] == [record["Id"] for record in records]
    for row, record in zip(rows, records, strict=True):
        assert row["Name"] == record["Name"]
        employees = record["NumberOfEmployees"]
        assert row["NumberOfEmployees"] == ("" if employees is None else str(employees))
        assert row["IsDeleted"] == "false"
        assert row["CreatedDate"] == record["CreatedDate"].replace("+0000", "Z")
        assert row["Customer_Since__c"] == (record["Customer_Since__c"] or "")
        assert row["Owner.Email"] == record["Owner"]["Email"]
    assert AWKWARD in {row["Name"] for row in rows}


@pytest.mark.parametrize("size", [1, 7, 50, 10_000])
def test_pages_of_every_size_hold_every_row_once(api, org, size):
    statement = "SELECT Id, Name FROM Contact ORDER BY Id"
    job = order(api, statement)
    finished(api, job)
    expected = [record["Id"] for record in soql(api, statement)]
    assert [row["Id"] for row in rows_of(api, job, maxRecords=size)] == expected
    org.switches(bulk_page_size=9)
    assert [row["Id"] for row in rows_of(api, job, maxRecords=size)] == expected
    first, locator = page(api, job, maxRecords=size)
    assert page(api, job, maxRecords=size)[0] == first
    if locator != "null":
        again = page(api, job, maxRecords=size, locator=locator)
        assert page(api, job, maxRecords=size, locator=locator) == again


def test_result_pages_can_be_read_side_by_side(api, org):
    org.switches(bulk_page_size=5)
    statement = "SELECT Id FROM Account ORDER BY Id"
    job = order(api, statement)
    finished(api, job)
    url, ids = f"{JOBS}/{job['id']}/resultPages", []
    while url:
        listed = api.get(url).json()
        assert len(listed["resultPages"]) <= 5
        for one in listed["resultPages"]:
            text = api.get(one["resultUrl"]).text
            ids += [row["Id"] for row in csv.DictReader(io.StringIO(text))]
        url = listed.get("nextRecordsUrl")
        assert (url is None) is listed["done"]
    assert ids == [record["Id"] for record in soql(api, statement)]


def test_without_an_order_the_rows_come_shuffled_but_complete(api, org):
    ids = [record["Id"] for record in soql(api, "SELECT Id FROM Account ORDER BY Id")]
    for setting, statement, same in (
        ("unordered", "SELECT Id FROM Account", False),
        ("unordered", "SELECT Id FROM Account ORDER BY Id", True),
        ("always", "SELECT Id FROM Account ORDER BY Id", False),
    ):
        org.switches(bulk_order=setting)
        job = order(api, statement)
        finished(api, job)
        found = [row["Id"] for row in rows_of(api, job)]
        assert sorted(found) == ids
        assert (found == ids) is same


def test_query_all_holds_deleted_rows_too(api):
    record_id = account(api)
    api.delete(f"{BASE}/sobjects/Account/{record_id}")
    statement = f"SELECT Id, IsDeleted FROM Account WHERE Id = '{record_id}'"
    counts = {}
    for operation in ("query", "queryAll"):
        job = order(api, statement, operation)
        finished(api, job)
        counts[operation] = rows_of(api, job)
    assert counts == {"query": [], "queryAll": [{"Id": record_id, "IsDeleted": "true"}]}


def test_an_empty_result_is_a_header_and_no_locator(api):
    job = order(api, "SELECT Id, Name FROM Account WHERE Name = 'No such account'")
    finished(api, job)
    answer = api.get(f"{JOBS}/{job['id']}/results")
    assert answer.text == '"Id","Name"\n'
    assert answer.headers["sforce-locator"] == "null"
    assert answer.headers["sforce-numberofrecords"] == "0"


def test_delimiter_and_line_ending_are_as_ordered(api):
    account(api, Name="One|Two")
    statement = "SELECT Id, Name FROM Account WHERE Name = 'One|Two'"
    job = order(api, statement, columnDelimiter="PIPE", lineEnding="CRLF")
    finished(api, job)
    text = api.get(f"{JOBS}/{job['id']}/results").text
    assert text.startswith('"Id"|"Name"\r\n')
    assert text.endswith('|"One|Two"\r\n')


def test_results_come_compressed_only_where_accepted(api, org):
    job = order(api, "SELECT Id, Name FROM Account ORDER BY Id")
    finished(api, job)
    url = f"{JOBS}/{job['id']}/results"
    packed = api.get(url, headers={"Accept-Encoding": "gzip"})
    plain = api.get(url, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(plain.headers["content-length"]) == len(plain.content)
    assert packed.content == plain.content
    org.switches(bulk_gzip=False)
    assert "content-encoding" not in api.get(url, headers={"Accept-Encoding": "gzip"}).headers


def test_results_are_read_with_the_version_of_the_job(api):
    job = order(api, "SELECT Id FROM Account")
    finished(api, job)
    answer = api.get(f"/services/data/v61.0/jobs/query/{job['id']}/results")
    assert answer.status_code == 409


def test_a_job_says_in_progress_as_often_as_told(api, org):
    org.switches(bulk_polls=3)
    job = order(api, "SELECT Id FROM Account")
    early = api.get(f"{JOBS}/{job['id']}/results")
    assert (early.status_code, early.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    states = [api.get(f"{JOBS}/{job['id']}").json()["state"] for _ in range(4)]
    assert states == ["InProgress", "InProgress", "InProgress", "JobComplete"]


def test_jobs_fail_and_abort_as_told_and_on_request(api, org):
    org.switches(bulk_fail_next=1)
    failed = finished(api, order(api, "SELECT Id FROM Account"))
    assert failed["state"] == "Failed"
    assert failed["errorMessage"]
    assert finished(api, order(api, "SELECT Id FROM Account"))["state"] == "JobComplete"
    org.switches(bulk_abort_next=1)
    assert finished(api, order(api, "SELECT Id FROM Account"))["state"] == "Aborted"
    org.switches(bulk_polls=5)
    job = order(api, "SELECT Id FROM Account")
    path = f"{JOBS}/{job['id']}"
    assert api.delete(path).status_code == 400
    assert api.patch(path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert api.patch(path, json={"state": "Aborted"}).status_code == 400
    assert api.get(path).json()["state"] == "Aborted"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT COUNT(Id) FROM Account", "FEATURENOTENABLED"),
        ("SELECT Name FROM Account GROUP BY Name", "FEATURENOTENABLED"),
        ("SELECT Id FROM Account LIMIT 5 OFFSET 5", "FEATURENOTENABLED"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "FEATURENOTENABLED"),
        ("SELECT BillingAddress FROM Account", "FEATURENOTENABLED"),
        ("SELECT FIELDS(STANDARD) FROM Account", "API_ERROR"),
        ("SELECT Id FROM TaskStatus", "INVALIDENTITY"),
        ("", "API_ERROR"),
    ],
)
def test_a_statement_that_bulk_cannot_do_is_refused_when_the_job_is_made(api, statement, code):
    answer = api.post(JOBS, json={"operation": "query", "query": statement})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == code
    assert api.get(JOBS).json()["records"] == []


def test_a_job_is_counted_among_the_days_jobs(api):
    before = api.get(f"{BASE}/limits").json()["DailyBulkV2QueryJobs"]["Remaining"]
    order(api, "SELECT Id FROM Account")
    after = api.get(f"{BASE}/limits").json()["DailyBulkV2QueryJobs"]["Remaining"]
    assert after == before - 1
