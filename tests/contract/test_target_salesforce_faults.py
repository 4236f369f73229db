"""target-salesforce when calls fail, answers get lost, rows are locked and quotas end."""

from __future__ import annotations

import pytest

from reverse_sf.errors import QuotaError, RetryError
from reverse_sf.ledger.store import Ledger
from reverse_sf.salesforce.session import Patience
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

FAULTS = {
    "lost before": {"drop": "before"},
    "lost after": {"drop": "after"},
    "half an answer": {"drop": "during"},
    "503": {"status": 503},
    "500": {"status": 500, "body": "oops"},
    "502 after it was applied": {"status": 502, "body": "bad gateway", "applied": True},
    "session expired": {"status": 401},
    "429": {"status": 429},
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Pauses of milliseconds, so that a test of six tries is soon over."""
    monkeypatch.setattr(Patience, "pause_s", lambda _self, _tried: 0.001)


@pytest.fixture
def linked(sync):
    """A sync with three linked Accounts, by number."""
    sync.begin().decide(*[account(n, Industry="Solar") for n in range(1, 4)]).deliver()
    made = {row["SPOTIO_Id__c"]: row["Id"] for row in rows(sync.org, "Account")}
    return sync.begin(), {number: made[spotio_id(number)] for number in range(1, 4)}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "describe"),
        ("GET", "query"),
        ("PATCH", "composite/sobjects/Account/SPOTIO_Id__c"),
        ("POST", "composite/sobjects/Account"),
    ],
)
def test_one_fault_anywhere_never_creates_twice_nor_ends_the_run(sync, method, path, fault):
    sync.org.fault({"method": method, "path": path, "nth": 1}, fault)
    sync.begin().decide(*[account(n) for n in range(1, 4)]).deliver()
    assert len(rows(sync.org, "Account")) == 3
    assert sync.parked() == {}
    assert all(sync.snapshot(n).link.salesforce_id for n in range(1, 4))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_one_fault_of_an_update_changes_nothing_in_the_end(linked, fault):
    sync, made = linked
    sync.org.fault({"method": "PATCH", "path": "composite/sobjects", "nth": 1}, fault)
    sync.decide(*[update(n, one, known(n), Phone=f"9{n}") for n, one in made.items()]).deliver()
    assert {row["Phone"] for row in rows(sync.org, "Account")} == {"91", "92", "93"}
    assert sync.counts() == {"updated": 3}


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        ({"drop": "before"}, 0),
        ({"drop": "after"}, 3),
        ({"status": 503}, 0),
        ({"status": 502, "body": "x", "applied": True}, 3),
    ],
    ids=str,
)
def test_a_create_without_a_key_whose_answer_is_lost_is_parked_and_never_made_twice(
    sync, fault, made
):
    sync.config = {}
    everything = [account(n) for n in range(1, 4)]
    sync.org.fault({"method": "POST", "path": r"composite/sobjects$", "nth": 1}, fault)
    sync.begin().decide(*everything).deliver()
    assert len(rows(sync.org, "Account")) == made
    assert set(sync.parked().values()) == {"unknown_outcome"}
    assert "external id field" in sync.parked_words()[0]
    assert sync.states
    # Decided again, because a person edited the record: still nobody can tell.
    sync.begin().decide(*everything).deliver()
    assert len(rows(sync.org, "Account")) == made
    # A person has looked.
    if not made:
        sync.begin().decide(*everything).deliver(repeat_unknown_creates=True)
        assert len(rows(sync.org, "Account")) == 3
        assert sync.parked() == {}


def test_a_create_without_a_key_that_was_sent_before_is_not_sent_again(sync):
    sync.config = {}
    reissued = account(1) | {"envelope": {"reissued": True}}
    sync.begin().decide(reissued, account(2)).deliver()
    assert [row["Name"] for row in rows(sync.org, "Account")] == ["Company 2"]
    assert sync.parked() == {(link_of(spotio_id(1)), ""): "unknown_outcome"}


def test_a_key_configured_later_settles_creates_in_doubt(sync):
    sync.config = {}
    sync.org.fault({"method": "POST", "path": r"composite/sobjects$", "nth": 1}, {"drop": "before"})
    sync.begin().decide(account(1)).deliver()
    assert set(sync.parked().values()) == {"unknown_outcome"}
    sync.begin().decide(account(1)).deliver(external_id_fields={"Account": "SPOTIO_Id__c"})
    assert len(rows(sync.org, "Account")) == 1
    assert sync.parked() == {}


def test_a_salesforce_that_is_gone_leaves_the_rest_undecided_not_parked(sync):
    sync.config = {}
    sync.begin().decide(*[account(n) for n in range(1, 402)])
    sync.org.fault({"method": "POST", "path": r"composite/sobjects$"}, {"drop": "before"})
    sync.org.fault({"path": "limits"}, {"drop": "before"})
    with pytest.raises(RetryError):
        sync.deliver()
    assert len(sync.parked()) == 200
    assert sync.states == []


def test_what_a_failed_commit_leaves_behind_is_committed_on_the_way_out(sync, monkeypatch):
    real = Ledger.commit_outcomes
    failures = [RetryError("the ledger is busy")]

    def failing_once(self, outcomes):
        if failures:
            raise failures.pop()
        real(self, outcomes)

    monkeypatch.setattr(Ledger, "commit_outcomes", failing_once)
    with pytest.raises(RetryError, match="the ledger is busy"):
        sync.begin().decide(account(1), account(2)).deliver()
    assert sync.states == []
    assert all(sync.snapshot(n).link.salesforce_id for n in (1, 2))


def test_locked_rows_are_tried_again_one_at_a_time(linked):
    sync, made = linked
    sync.org.switches(lock_next=2)
    mark = sync.org.last()
    sync.decide(*[update(n, one, known(n), Phone=f"9{n}") for n, one in made.items()]).deliver()
    assert {row["Phone"] for row in rows(sync.org, "Account")} == {"91", "92", "93"}
    singles = [call for call in calls(sync.org, mark) if call.startswith("PATCH sobjects")]
    assert len(singles) == 2


def test_a_row_that_stays_locked_is_parked_and_the_others_go_on(linked):
    sync, made = linked
    sync.org.switches(lock_next=1, lock_single_next=99)
    sync.decide(*[update(n, one, known(n), Phone=f"9{n}") for n, one in made.items()]).deliver()
    assert {row["Phone"] for row in rows(sync.org, "Account")} >= {"92", "93"}
    assert set(sync.parked().values()) == {"locked"}
    assert sync.counts() == {"updated": 2, "rejected": 1, "parked": 1}


def test_a_used_up_quota_stops_clean_with_everything_kept(sync):
    sync.begin().decide(*[account(n) for n in range(1, 402)])
    path = "composite/sobjects/Account/SPOTIO_Id__c"
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    sync.org.fault({"method": "PATCH", "path": path, "nth": 2}, {"status": 403, "body": body})
    with pytest.raises(QuotaError):
        sync.deliver()
    assert sync.states == []
    assert len(rows(sync.org, "Account")) == 200
    assert sync.snapshot(1).link.salesforce_id
    assert sync.snapshot(401).link.salesforce_id is None
    again = [account(n) | {"envelope": {"reissued": True}} for n in range(201, 402)]
    sync.begin().decide(*again).deliver()
    assert len(rows(sync.org, "Account")) == 401


def test_ids_of_new_records_are_kept_where_they_cannot_be_read_back(sync):
    sync.config = {}
    sync.begin().decide(account(1), account(2))
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    sync.org.fault({"path": "composite/sobjects/Account"}, {"status": 403, "body": body})
    with pytest.raises(QuotaError):
        sync.deliver()
    ids = {row["Id"] for row in rows(sync.org, "Account")}
    assert {sync.snapshot(n).link.salesforce_id for n in (1, 2)} == ids
    assert sync.states == []


def test_a_call_refused_as_a_whole_is_split_until_the_one_is_found(sync):
    sync.config = {}
    refused = [{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize"}]
    sync.org.fault(
        {"method": "POST", "path": r"composite/sobjects$"},
        {"status": 400, "body": refused, "times": 3},
    )
    sync.begin().decide(*[account(n) for n in range(1, 5)]).deliver()
    # Four, the first two and the first one are refused: one record waits, three are made.
    assert len(rows(sync.org, "Account")) == 3
    assert list(sync.parked().values()) == ["rejected"]


def by_number(row):
    return int(row["Name"].removeprefix("Company "))


def test_updates_cost_at_most_ten_requests_a_thousand_by_either_way(sync):
    sync.begin().decide(*[account(n) for n in range(1, 2001)]).deliver(bulk_threshold=0)
    made = {row["SPOTIO_Id__c"]: row["Id"] for row in rows(sync.org, "Account")}
    for threshold in (0, 2000):
        sync.begin()
        phone = f"9{threshold}"
        phones = [row["Phone"] for row in sorted(rows(sync.org, "Account"), key=by_number)]
        sync.decide(
            *[
                update(n, made[spotio_id(n)], {"Phone": row}, Phone=f"{phone}{n}")
                for n, row in enumerate(phones, 1)
            ]
        )
        mark = sync.org.last()
        sync.deliver(bulk_threshold=threshold)
        spent = calls(sync.org, mark, logins=True)
        assert sync.counts() == {"updated": 2000}
        # Though the login, the describe and a job's own calls come once a run, not a thousand.
        assert len(spent) <= 20, spent


def test_one_update_costs_a_read_a_write_and_a_read_back(linked):
    sync, made = linked
    sync.decide(update(1, made[1], {}, Phone="9"))
    mark = sync.org.last()
    sync.deliver()
    assert calls(sync.org, mark) == [
        "GET sobjects/Account/describe",
        "POST composite/sobjects/Account",
        f"PATCH sobjects/Account/{made[1]}",
        "POST composite/sobjects/Account",
    ]


def test_children_and_parents_of_one_run_cost_a_call_each(sync):
    sync.begin().decide(*[contact(n, parent=1) for n in range(1, 4)], account(1))
    mark = sync.org.last()
    sync.deliver()
    patches = [call for call in calls(sync.org, mark) if call.startswith("PATCH")]
    assert patches == [
        "PATCH composite/sobjects/Account/SPOTIO_Id__c",
        "PATCH composite/sobjects/Contact/SPOTIO_Id__c",
    ]
