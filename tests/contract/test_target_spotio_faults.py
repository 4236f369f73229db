"""One fault at each call in turn: no duplicate, no loss, and a clear end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reverse_sf.delivery.outbox import Outbox
from reverse_sf.errors import RetryError, ReverseSFError
from reverse_sf.ledger.store import Ledger
from reverse_sf.spotio.client import Spotio
from tests.contract.spotio_fixtures import (  # noqa: F401 - fixtures
    Sync,
    account,
    contact,
    salesforce_id,
    server_fixture,
    spotio_fixture,
    sync_fixture,
    update,
)
from tests.system.servers_fixture import sweeping

if TYPE_CHECKING:
    from reverse_sf.ledger.batches import Outcomes

FAULTS: dict[str, dict[str, Any]] = {
    "503": {"status": 503},
    "429": {"status": 429},
    "401": {"status": 401},
    "web page": {"status": 403, "headers": {"content-type": "text/html"}, "body": "<html></html>"},
    "timeout": {"delay_s": 1.6},
    "drop before": {"drop": "before"},
    "drop after": {"drop": "after"},
}
CALLS = [
    ("POST", "/api/users/apitoken"),
    ("GET", "/api/users"),
    ("GET", "/api/workflow/dataObjects/full"),
    ("GET", "/api/Exports/dataObjects/data"),
    ("POST", "/api/DataObjects$"),
    ("GET", "/api/DataObjects/many"),
    ("PATCH", "/jsonp"),
    ("POST", "/api/jobs/dataObjects/bulk$"),
    ("PUT", "/data$"),
    ("POST", "/start$"),
    ("GET", "/progress$"),
    ("GET", "/results/succeeded"),
    ("GET", "/results/failed"),
    ("DELETE", "/cleanup"),
]
EACH = [(*call, fault) for call in CALLS for fault in FAULTS]
CHOSEN = EACH if sweeping() else EACH[::3]
"""In turn, so that each call meets two faults at least and each fault most of the calls."""


def decisions(sync: Sync, *, reissued: bool = False) -> list[dict[str, Any]]:
    """Creates of both kinds and updates, as far as the ledger does not know them as done."""
    wanted = [account(n) for n in range(10, 14)] + [contact(1, parent=10), contact(2)]
    found = []
    for one in wanted:
        if reissued and sync.snapshot(one["salesforce_id"]).link.spotio_id:
            continue
        one["envelope"] = {"reissued": reissued}
        found.append(one)
    for number in (1, 2):
        spotio_id = sync.snapshot(salesforce_id(number)).link.spotio_id
        guard = {} if reissued else {"Phone": f"(512) 555-000{number}"}
        found.append(update(number, spotio_id, guard, Phone="(512) 555-4444"))
    return found


def holds_all(sync: Sync) -> bool:
    """Whether SPOTIO has every record once, with its values."""
    accounts = {row["externalDataObjectId"]: row for row in sync.rows("Accounts")}
    contacts = {row["externalDataObjectId"]: row for row in sync.rows("Contacts")}
    assert len(sync.rows("Accounts")) == len(accounts), "duplicates"
    assert len(sync.rows("Contacts")) == len(contacts), "duplicates"
    numbers = (1, 2, 10, 11, 12, 13)
    return (
        set(accounts) == {salesforce_id(number) for number in numbers}
        and len(contacts) == 2
        and contacts[salesforce_id(1, "003")]["parentId"] == accounts[salesforce_id(10)]["id"]
        and all(accounts[salesforce_id(n)]["fields"]["Phone"] == "(512) 555-4444" for n in (1, 2))
        and all(row["fields"]["Industry"] == "Solar" for row in accounts.values())
    )


@pytest.fixture
def begun(sync: Sync) -> Sync:
    """A sync with two linked Accounts and a run begun."""
    sync.begin().decide(account(1), account(2))
    sync.deliver()
    return sync.begin()


def finish(sync: Sync) -> None:
    """Run again until it ends well, as a scheduler would; at most twice."""
    for attempt in range(2):
        sync.begin().decide(*decisions(sync, reissued=True))
        try:
            sync.deliver(bulk_threshold=3)
        except ReverseSFError:
            if attempt:
                raise
            continue
        return


@pytest.mark.parametrize(("method", "path", "fault"), CHOSEN)
def test_one_fault_at_a_call_neither_loses_nor_duplicates(
    begun: Sync, method: str, path: str, fault: str
) -> None:
    begun.decide(*decisions(begun))
    begun.spotio.fault({"method": method, "path": path, "nth": 1}, FAULTS[fault])
    stopped = ""
    try:
        begun.deliver(bulk_threshold=3, request_timeout=1)
    except ReverseSFError as error:
        stopped = str(error)
    if stopped:
        assert "demo-secret" not in stopped
        assert begun.states == []
        begun.spotio.clear_faults()
        finish(begun)
    assert holds_all(begun)
    assert begun.parked() == {}


@pytest.mark.parametrize("call", ["create", "patch", "many"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_a_call_neither_loses_nor_duplicates(
    begun: Sync, monkeypatch: pytest.MonkeyPatch, call: str, when: str
) -> None:
    begun.decide(*decisions(begun))
    real = getattr(Spotio, call)

    def crashing(self: Spotio, *arguments: Any) -> Any:
        if when == "before":
            raise KeyboardInterrupt
        answer = real(self, *arguments)
        list(answer) if call == "many" else None
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Spotio, call, crashing)
        with pytest.raises(KeyboardInterrupt):
            begun.deliver(bulk_threshold=100)
    finish(begun)
    assert holds_all(begun)


def test_a_crash_before_the_outcome_is_committed_loses_nothing(
    begun: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun.decide(*decisions(begun))

    def crashing(self: Outbox) -> None:
        if self._results:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "flush", crashing)
        with pytest.raises(KeyboardInterrupt):
            begun.deliver(bulk_threshold=3)
    assert begun.states == []
    finish(begun)
    assert holds_all(begun)


def test_what_a_failed_commit_leaves_behind_is_committed_on_the_way_out(
    begun: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun.decide(account(10), account(11))
    real = Ledger.commit_outcomes
    failures = [RetryError("the ledger is busy")]

    def failing_once(self: Ledger, outcomes: Outcomes) -> None:
        if failures:
            raise failures.pop()
        real(self, outcomes)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "commit_outcomes", failing_once)
        with pytest.raises(RetryError, match="the ledger is busy"):
            begun.deliver()
    assert begun.states == []
    assert all(begun.snapshot(salesforce_id(n)).link.spotio_id for n in (10, 11))


@pytest.mark.parametrize("fields", ["replaces", "rebuilds"])
@pytest.mark.parametrize("paths", ["index", "by_id", "collection"])
def test_a_crash_between_a_harmful_patch_and_its_repair_is_repaired_by_the_next_run(
    begun: Sync, monkeypatch: pytest.MonkeyPatch, fields: str, paths: str
) -> None:
    begun.spotio.switches(patch_fields=fields, patch_paths=paths)
    begun.decide(*decisions(begun))
    real = Spotio.patch

    def crashing(self: Spotio, *arguments: Any) -> Any:
        real(self, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Spotio, "patch", crashing)
        with pytest.raises(KeyboardInterrupt):
            begun.deliver()
    finish(begun)
    assert holds_all(begun)


def test_a_canary_that_gets_no_answer_is_looked_after_at_once(begun: Sync) -> None:
    begun.spotio.switches(patch_fields="replaces")
    begun.spotio.fault({"method": "PATCH", "path": "/jsonp", "nth": 1}, {"drop": "after"})
    begun.decide(*decisions(begun)[-2:])
    begun.deliver()
    for row in begun.rows("Accounts"):
        assert row["fields"]["Industry"] == "Solar"
        assert row["fields"]["Phone"] == "(512) 555-4444"


def test_a_created_record_that_shows_late_in_the_feed_is_not_created_again(begun: Sync) -> None:
    begun.spotio.switches(feed_delay_s=1.0)
    begun.spotio.fault({"method": "POST", "path": "/api/DataObjects$", "nth": 1}, {"drop": "after"})
    begun.decide(account(30))
    begun.deliver(settle_seconds=1.5)
    assert len(begun.rows("Accounts")) == 3
    assert begun.snapshot(salesforce_id(30)).link.spotio_id


def test_an_expired_token_is_renewed_once(begun: Sync) -> None:
    begun.decide(*decisions(begun))
    begun.spotio.fault(
        {"method": "GET", "path": "/api/DataObjects/many", "nth": 1}, {"status": 401}
    )
    begun.deliver()
    assert holds_all(begun)


def test_a_dead_service_ends_the_run_with_one_clear_error(begun: Sync) -> None:
    begun.decide(*decisions(begun))
    begun.spotio.fault({"path": "/api/DataObjects"}, {"status": 503, "times": 100})
    with pytest.raises(ReverseSFError, match="run again later"):
        begun.deliver()
    begun.spotio.clear_faults()
    finish(begun)
    assert holds_all(begun)
