"""target-salesforce through Bulk API 2.0: every row's fate is read back, whatever the job does."""

from __future__ import annotations

import pytest

from reverse_sf.errors import RetryError
from tests.contract.target_salesforce_fixtures import (
    account,
    calls,
    contact,
    known,
    link_of,
    org_fixture,
    rows,
    server_fixture,
    spotio_id,
    sync_fixture,
    update,
)

__all__ = ["org_fixture", "server_fixture", "sync_fixture"]


@pytest.fixture
def bulk(sync):
    """A sync that sends five records or more by a job."""
    sync.config = {**sync.config, "bulk_threshold": 5}
    return sync


@pytest.fixture
def linked(bulk):
    """A sync with six linked Accounts, by number."""
    bulk.begin().decide(*[account(n, Industry="Solar") for n in range(1, 7)]).deliver()
    made = {row["SPOTIO_Id__c"]: row["Id"] for row in rows(bulk.org, "Account")}
    return bulk.begin(), {number: made[spotio_id(number)] for number in range(1, 7)}


def jobs(sync, mark):
    return sum(call == "POST jobs/ingest" for call in calls(sync.org, mark))


def test_a_job_creates_many_and_each_gets_its_own_id(linked):
    sync, made = linked
    assert len(set(made.values())) == 6
    for number, salesforce_id in made.items():
        known = sync.snapshot(number)
        assert known.link.salesforce_id == salesforce_id
        assert known.base["Name"] == ["source", f"Company {number}"]


def test_a_named_field_of_a_jobs_row_is_withheld_and_the_rest_created(bulk):
    bad = account(7, Billing_Email__c="no e-mail")
    bulk.begin().decide(*[account(n) for n in range(1, 7)], bad).deliver()
    assert len(rows(bulk.org, "Account")) == 7
    assert bulk.parked() == {(link_of(spotio_id(7)), "Billing_Email__c"): "rejected"}


def test_null_clears_and_absent_leaves_in_a_job_as_well(linked):
    sync, made = linked
    changes = [update(n, one, known(n), Phone=None) for n, one in made.items() if n < 4]
    changes += [update(n, one, {}, Industry="Other") for n, one in made.items() if n > 3]
    mark = sync.org.last()
    sync.decide(*changes).deliver()
    assert jobs(sync, mark) == 1
    values = {
        row["SPOTIO_Id__c"]: (row["Phone"], row["Industry"]) for row in rows(sync.org, "Account")
    }
    assert values[spotio_id(1)] == (None, "Solar")
    assert values[spotio_id(6)] == ("(512) 555-0006", "Other")


def test_a_text_that_a_csv_would_take_for_null_goes_another_way(linked):
    sync, made = linked
    changes = [update(n, one, {}, Description=f"Text {n}") for n, one in made.items()]
    changes[0]["record"]["Description"] = "#N/A"
    sync.decide(*changes).deliver()
    assert {row["Description"] for row in rows(sync.org, "Account")} >= {"#N/A", "Text 2"}


def test_texts_with_every_kind_of_mark_arrive_as_they_are(linked):
    sync, made = linked
    text = 'Zoë said "hi", then;\nleft\ttown — 日本'
    sync.decide(*[update(n, one, {}, Description=text) for n, one in made.items()]).deliver()
    assert {row["Description"] for row in rows(sync.org, "Account")} == {text}


@pytest.mark.parametrize(
    "switches",
    [
        {"ingest_unprocessed": 3},
        {"bulk_fail_next": 1},
        {"bulk_abort_next": 1},
        {"bulk_polls": 3},
        {"ingest_order": "kept"},
        {"lock_next": 2},
    ],
    ids=str,
)
def test_every_row_is_written_once_whatever_the_job_does(linked, switches):
    sync, made = linked
    sync.org.switches(**switches)
    sync.decide(
        *[update(n, one, known(n), Phone=f"9{n}") for n, one in made.items()],
        *[contact(n, parent=1) for n in range(1, 7)],
    ).deliver()
    assert {row["Phone"] for row in rows(sync.org, "Account")} == {f"9{n}" for n in made}
    assert len(rows(sync.org, "Contact")) == 6
    assert sync.parked() == {}
    assert sync.counts() == {"updated": 6, "created": 6}


@pytest.mark.parametrize(
    "switches", [{}, {"ingest_unprocessed": 3}, {"bulk_fail_next": 1}], ids=str
)
def test_creates_without_a_key_are_told_apart_by_all_their_cells(bulk, switches):
    bulk.config = {"bulk_threshold": 5}
    bulk.org.switches(**switches)
    twins = [account(n, Name="Twin", Phone="1") for n in (8, 9)]
    bulk.begin().decide(*[account(n) for n in range(1, 7)], *twins).deliver()
    found = rows(bulk.org, "Account")
    assert len(found) == 8
    ids = {bulk.snapshot(n).link.salesforce_id: n for n in (*range(1, 7), 8, 9)}
    assert len(ids) == 8
    names = {row["Id"]: row["Name"] for row in found}
    assert all(names[one] == (f"Company {n}" if n < 7 else "Twin") for one, n in ids.items())


def test_a_job_that_hangs_is_waited_for_by_the_next_run(bulk):
    bulk.org.switches(ingest_stuck=True)
    bulk.begin().decide(*[account(n) for n in range(1, 7)])
    with pytest.raises(RetryError, match="waited for"):
        bulk.deliver(bulk_timeout=0.5)
    assert bulk.states == []
    bulk.org.switches(ingest_stuck=False)
    again = [account(n) | {"envelope": {"reissued": True}} for n in range(1, 7)]
    bulk.begin().decide(*again).deliver()
    assert len(rows(bulk.org, "Account")) == 6
    assert bulk.parked() == {}


def test_creates_without_a_key_are_found_again_in_the_job_of_a_run_that_died(bulk):
    bulk.config = {"bulk_threshold": 5}
    bulk.org.switches(ingest_stuck=True)
    bulk.begin().decide(*[account(n) for n in range(1, 7)])
    with pytest.raises(RetryError):
        bulk.deliver(bulk_timeout=0.3)
    bulk.org.switches(ingest_stuck=False)
    reissued = {"envelope": {"reissued": True}}
    changed = account(6, Phone="changed meanwhile")
    bulk.begin().decide(*[account(n) | reissued for n in range(1, 6)], changed | reissued).deliver()
    assert len(rows(bulk.org, "Account")) == 6
    assert bulk.parked() == {(link_of(spotio_id(6)), ""): "unknown_outcome"}
    assert bulk.counts() == {"linked": 5, "rejected": 1, "parked": 1}


def test_a_refused_job_does_not_keep_records_from_going_another_way(linked):
    sync, made = linked
    body = [{"errorCode": "API_ERROR", "message": "not in bulk"}]
    sync.org.fault({"method": "POST", "path": "jobs/ingest"}, {"status": 400, "body": body})
    sync.decide(*[update(n, one, known(n), Phone=f"9{n}") for n, one in made.items()]).deliver()
    assert {row["Phone"] for row in rows(sync.org, "Account")} == {f"9{n}" for n in made}


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "jobs/ingest"),
        ("PUT", "batches"),
        ("PATCH", "jobs/ingest"),
        ("GET", "successfulResults"),
        ("DELETE", "jobs/ingest"),
    ],
)
def test_a_lost_answer_anywhere_in_a_job_changes_nothing(bulk, method, path, drop):
    bulk.config = {"bulk_threshold": 5}
    bulk.org.fault({"method": method, "path": path, "nth": 1}, {"drop": drop})
    bulk.begin().decide(*[account(n) for n in range(1, 7)]).deliver()
    assert len(rows(bulk.org, "Account")) == 6
    assert bulk.counts() == {"created": 6}
