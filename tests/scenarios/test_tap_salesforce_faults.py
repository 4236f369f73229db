"""One fault at each call of a read in turn: every row arrives, or one clear error does."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ReverseSFError
from reverse_sf.salesforce import session as session_module
from reverse_sf.salesforce.session import Patience
from tests.contract.tap_salesforce_fixtures import (  # noqa: F401 - fixtures are asked for by name
    discovered,
    org,
    run_tap,
    servers,
    settings_of,
)

EXPIRED = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]
LOCKED = [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}]
FAULTS = {
    "503": {"status": 503},
    "429": {"status": 429, "body": ""},
    "401": {"status": 401, "body": EXPIRED},
    "row lock": {"status": 400, "body": LOCKED},
    "dropped before": {"drop": "before"},
    "dropped during": {"drop": "during"},
    "dropped after": {"drop": "after"},
}
READS = {"REST": {"query_page_size": 40}, "BULK2": {"bulk_page_size": 60, "bulk_polls": 1}}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Pauses between tries are tested by themselves; here they would only take time."""
    quick = Patience(tries=4, first_pause_s=0.001, longest_pause_s=0.001)
    monkeypatch.setattr(session_module, "Patience", lambda: quick)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("api_type", READS)
def test_one_fault_at_any_call_loses_and_repeats_nothing(org, api_type, fault):  # noqa: F811 - a fixture
    # With an end, so that every run's bookmark is the same one.
    settings = settings_of(org, api_type=api_type, end_date="2026-01-01T00:00:00Z")
    catalog = discovered(settings)
    org.switches(**READS[api_type])
    mark = org.last()
    clean = run_tap(settings, catalog=catalog)
    calls = len(org.requests(since=mark))
    assert calls > 4
    expected = sorted(record["Id"] for record in clean.records["Account"])
    for nth in range(1, calls + 1):
        org.clear_faults()
        org.fault({"nth": nth}, FAULTS[fault])
        output = run_tap(settings, catalog=catalog)
        at_login = nth == 1
        if at_login and fault == "401":
            assert isinstance(output.error, ReverseSFError), "no login is renewed by a login"
            continue
        assert output.error is None, f"call {nth}: {output.error}"
        assert sorted(record["Id"] for record in output.records["Account"]) == expected
        assert (
            output.state["bookmarks"]["Account"]["replication_key_value"]
            == (clean.state["bookmarks"]["Account"]["replication_key_value"])
        )


@pytest.mark.parametrize("api_type", READS)
def test_a_lasting_fault_at_any_call_ends_clearly_and_the_next_run_completes(org, api_type):  # noqa: F811 - a fixture
    settings = settings_of(org, api_type=api_type, state_message_threshold=10)
    catalog = discovered(settings)
    org.switches(**READS[api_type])
    mark = org.last()
    clean = run_tap(settings, catalog=catalog)
    requests = org.requests(since=mark)
    expected = {record["Id"] for record in clean.records["Account"]}
    for nth, request in enumerate(requests, start=1):
        org.clear_faults()
        org.fault({"nth": nth, "every": 1}, {"status": 503, "times": 100})
        broken = run_tap(settings, catalog=catalog)
        org.clear_faults()
        if request["method"] == "DELETE":
            assert broken.error is None, "a job that cannot be deleted is no failed read"
        else:
            assert isinstance(broken.error, ReverseSFError), f"call {nth}"
        rest = run_tap(settings, catalog=catalog, state=broken.states[-1] if broken.states else {})
        assert rest.error is None
        assert set(broken.by_id("Account")) | set(rest.by_id("Account")) == expected


def test_a_slow_answer_is_waited_for(org):  # noqa: F811 - a fixture
    org.fault({"path": "/queryAll", "nth": 1}, {"delay_s": 0.3})
    assert run_tap(settings_of(org)).error is None
