"""``logs``, ``explain``, ``status`` and ``parked``, through the real command line."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.cli.remedies import REMEDIES
from reverse_sf.cli.status import DirectionStatus, verdict_of
from reverse_sf.errors import Exit, UsageError
from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.rows import Conflict, LogRow, OperationStatus, Parked
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.mapping.values import Reason
from reverse_sf.merge.users import UserRow
from tests.conftest import ROOT
from tests.contract.ledger_fixtures import (
    AT,
    PAIR,
    finish,
    intent,
    join,
    link_id,
    outcome,
    run,
)

LATER = "2026-05-06T12:10:00.000Z"


def log_row(name: str, operation: str, **changes: object) -> LogRow:
    return LogRow(
        **{
            "at": AT,
            "run_id": "run-1",
            "direction": Direction.TO_SPOTIO,
            "pair": PAIR,
            "link_id": link_id(name),
            "operation_id": operation,
            "salesforce_id": f"sf-{name}",
            "spotio_id": f"sp-{name}",
            "method": "POST",
            "path": "/api/DataObjects",
            "status": 200,
            "outcome": "created",
            **changes,
        }
    )


@pytest.fixture
def uri(tmp_path) -> str:
    """A ledger in which one was created and updated, two refused, and a task was sent."""
    uri = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger.open(uri) as ledger:
        ledger.begin_run(run("run-1"), ttl_seconds=600)
        ledger.note_places(PAIR, {"Company": "Name", "Website": "Website"})
        join(ledger, "one", "two")
        change = intent(
            "one",
            "the update",
            action="update",
            record={"Website": "new"},
            source={"Website": "new"},
            decision={"Website": {"row": "C3-08", "rule": "two_way", "old": "mine", "new": "new"}},
            issued_at=LATER,
        )
        ledger.commit_decisions(
            Decisions(
                run_id="run-1",
                intents=[change],
                conflicts=[
                    Conflict(
                        link_id=link_id("one"),
                        pair=PAIR,
                        key="Website",
                        loser=Side.SPOTIO,
                        losing_value="mine",
                        winning_value="new",
                        rule="two_way",
                        row="C3-08",
                        at=LATER,
                        run_id="run-1",
                        operation_id="the update",
                    )
                ],
            )
        )
        refused = Parked(
            link_id=link_id("two"),
            direction=Direction.TO_SPOTIO,
            key="Phone",
            pair=PAIR,
            reason="rejected",
            message="Phone number is not valid.",
            at=AT,
            run_id="run-1",
        )
        finish(
            ledger,
            outcome("one", "the update", status=OperationStatus.APPLIED, written=["Website"]),
            parked=[refused],
        )
        ledger.add_log(
            [
                log_row("one", "operation of one"),
                log_row(
                    "one",
                    "the update",
                    at=LATER,
                    method="PATCH",
                    path="/api/DataObjects/sp-one/jsonp",
                    outcome="updated",
                    payload=[{"op": "replace", "value": "new"}],
                    answer={"id": "sp-one"},
                ),
                log_row(
                    "two",
                    "operation of two",
                    status=422,
                    outcome="rejected",
                    reason="Phone number is not valid.",
                ),
                log_row("three", "of a task", pair="Task:Visit", method="POST"),
                log_row("out", "of another", direction=Direction.TO_SALESFORCE),
            ]
        )
        ledger.finish_run("run-1", "done")
    return uri


@pytest.fixture
def call(uri, monkeypatch):
    monkeypatch.setenv("REVERSE_SF_LEDGER_URI", uri)

    def invoke(*words: str):
        return CliRunner().invoke(cli, words, standalone_mode=False)

    return invoke


def numbers(answer) -> list[int]:
    return [row["number"] for row in json.loads(answer.stdout)]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), [5, 4, 3, 2, 1]),
        (("--type", "activities"), [4]),
        (("--type", "objects"), [5, 3, 2, 1]),
        (("--type", "users"), []),
        (("--direction", "outgoing"), [5]),
        (("--direction", "to_spotio"), [4, 3, 2, 1]),
        (("--method", "patch"), [2]),
        (("--status", "422"), [3]),
        (("--record", "sf-one"), [2, 1]),
        (("--record", "sp-two"), [3]),
        (("--since", "2026-05-06T12:00:00Z"), [2]),
        (("--until", "2026-05-06T12:00:00Z", "--type", "objects"), [5, 3, 1]),
        (("--text", "NOT VALID"), [3]),
        (("--text", "100%"), []),
        (("--run", "run-1", "--outcome", "created", "--limit", "2"), [5, 4]),
    ],
)
def test_every_filter_of_the_log_holds(call, filters, found):
    assert numbers(call("logs", "--json", *filters)) == found


def test_one_row_of_the_log_is_told_with_decision_payload_and_answer(call):
    shown = call("logs", "show", "2").stdout
    for words in ("C3-08", "two_way", "mine", '"op": "replace"', '"id": "sp-one"', "updated"):
        assert words in shown
    told = json.loads(call("logs", "show", "2", "--json").stdout)
    assert told["what_to_do"] is None
    assert told["operation"]["decision"]["Website"]["old"] == "mine"


def test_a_refused_row_says_in_plain_words_what_to_do_and_who_can(call):
    told = json.loads(call("logs", "show", "3", "--json").stdout)
    assert told["reason_code"] == "rejected"
    assert told["what_to_do"] == REMEDIES["rejected"].words
    assert "Who can:" in call("logs", "show", "3").stdout


def test_a_row_that_is_not_there_is_told(call):
    assert isinstance(call("logs", "show", "99").exception, UsageError)


def test_every_reason_that_work_is_parked_for_has_plain_words_and_somebody_to_ask():
    codes = {one.value for one in Reason}
    for package in ("reverse_sf", "target_spotio"):
        for module in (ROOT / package).rglob("*.py"):
            codes |= set(re.findall(r'Withheld\(\w*"?"?, "([a-z_]+)"', module.read_text()))
    assert {"rejected", "not_taken", "waiting_for_parent"} <= codes
    codes |= {
        UserRow.NO_EMAIL.value,
        UserRow.SHARED_EMAIL.value,
        UserRow.TAKEN.value,
        UserRow.AMBIGUOUS.value,
        UserRow.KEY_OWNER.value,
        UserRow.LAST_ADMIN.value,
    }
    assert codes <= REMEDIES.keys()


def test_a_value_is_explained_from_its_creation_to_what_it_overruled(call):
    (told,) = json.loads(call("explain", "sf-one", "website", "--json").stdout)
    steps = [
        (one["what"], one["old"], one["new"], one["by"], one["log"]) for one in told["history"]
    ]
    assert steps == [
        ("update: Salesforce to SPOTIO", "mine", "new", "two_way C3-08", [2]),
        ("kept in the journal: lost in SPOTIO", "mine", "new", "two_way C3-08", []),
    ]
    assert list(told["now"]) == ["Website"]
    whole = call("explain", "sp-one").stdout
    assert "create: Salesforce" in whole
    assert "Company" in whole


def test_a_field_is_known_by_the_name_that_either_system_gives_it(call):
    by_api_name = call("explain", "sf-one", "Name", "--json").stdout
    assert by_api_name == call("explain", "sf-one", "Company", "--json").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [(("sf-nobody",), "knows no record"), (("sf-one", "Nonsense"), "has no field Nonsense")],
)
def test_what_cannot_be_explained_is_told(call, words, said):
    assert said in str(call("explain", *words).exception)


def test_status_tells_each_object_and_what_needs_attention(call):
    told = json.loads(call("status", "--json").stdout)
    assert told["verdict"] == "attention"
    (pair,) = told["pairs"]
    assert (pair["pair"], pair["synced"], pair["parked"], pair["conflicts"]) == (PAIR, 2, 1, 1)
    assert told["directions"][0]["calls"] == 5
    assert call("status").return_value == Exit.DONE
    assert call("status", "--strict").return_value == Exit.PARKED
    assert call("status", "--max-age", "1").return_value == Exit.UNEXPECTED


@pytest.mark.parametrize(
    ("status", "good", "parked", "verdict"),
    [
        ("done", True, 0, "healthy"),
        ("done", True, 3, "attention"),
        ("running", True, 0, "healthy"),
        ("failed", True, 0, "failing"),
        ("interrupted", True, 0, "failing"),
        ("running", False, 0, "failing"),
    ],
)
def test_the_verdict_follows_from_the_last_runs(status, good, parked, verdict):
    last = run("run-2")
    last.status = status
    one = DirectionStatus(
        Direction.TO_SPOTIO, last, run("run-1") if good else None, 60 if good else None, 0
    )
    assert verdict_of([one], parked, None) == verdict


def test_a_sync_is_late_when_its_last_good_run_is_too_long_ago():
    last = run("run-1")
    last.status = "done"
    one = DirectionStatus(Direction.TO_SPOTIO, last, last, 601, 0)
    assert verdict_of([one], 0, 10) == "late"
    assert verdict_of([one], 0, 11) == "healthy"
    assert verdict_of([], 0, None) == "failing"


def test_parked_work_is_shown_and_tried_again_when_a_person_asks(call, uri):
    shown = call("parked", "show", "sf-two").stdout
    assert "Phone number is not valid." in shown
    assert REMEDIES["rejected"].words in shown
    assert "Nothing of sf-one is parked" in call("parked", "show", "sf-one").stdout

    assert json.loads(call("parked", "retry", "--reason", "too_long", "--json").stdout) == {
        "released": 0
    }
    asked = call("parked", "retry", "--record", "sp-two", "--json")
    assert json.loads(asked.stdout) == {"released": 1}
    with Ledger.open(uri) as ledger:
        assert ledger.parked_rows()[0].next_attempt_at is not None


def test_the_log_is_followed_until_the_user_has_seen_enough(call, uri, monkeypatch):
    def another(_seconds: float) -> None:
        with Ledger.open(uri) as ledger:
            if len(ledger.log_rows()) > 5:
                raise KeyboardInterrupt
            ledger.add_log([log_row("one", "yet another", reason="came later")])

    monkeypatch.setattr("reverse_sf.cli.logs.time.sleep", another)
    ended = call("logs", "--follow", "--record", "sf-one")
    assert ended.exception is None
    lines = ended.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["#1", "#2", "#6"]
    assert "came later" in lines[-1]
