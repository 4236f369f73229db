"""What a ledger forgets with time, and what it never does; on every backend."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from reverse_sf.ledger import retention
from reverse_sf.ledger.batches import Outcomes
from reverse_sf.ledger.rows import Conflict, Count, LogRow, OperationStatus, Parked
from reverse_sf.ledger.tables import operations
from reverse_sf.mapping.definition import Direction, Side
from tests.contract.ledger_fixtures import (
    AT,
    PAIR,
    any_uri,
    created,
    decide,
    finish,
    join,
    ledger,
    link_id,
    outcome,
    run,
)
from tests.postgresql import postgresql_server

__all__ = ["any_uri", "ledger", "postgresql_server"]

LONG_AGO = "2020-01-01T00:00:00.000Z"
LATER = "2026-07-01T00:00:00.000Z"
LAST = "2099-01-01T00:00:00.000Z"


def log_row(at: str, reason: str, run_id: str = "run-1") -> LogRow:
    return LogRow(at=at, run_id=run_id, direction=Direction.TO_SPOTIO, reason=reason)


def number_of(ledger, *conditions) -> int:
    with ledger._reading() as connection:
        return connection.scalar(select(func.count()).select_from(operations).where(*conditions))


def ended(ledger) -> None:
    ledger.finish_run("run-1", "done")


def test_old_log_rows_go_and_newer_ones_stay(ledger):
    ledger.add_log([log_row(AT, "old"), log_row(LATER, "new")])
    assert ledger.forget(before="2026-06-01T00:00:00Z") == 1
    assert [row.reason for row in ledger.log_rows()] == ["new"]


def test_closed_operations_go_and_their_link_base_and_image_stay(ledger):
    join(ledger, "a")
    before = ledger.snapshots([link_id("a")])[link_id("a")]
    ended(ledger)
    assert ledger.forget(before=LAST) == 1
    assert number_of(ledger) == 0
    assert ledger.snapshots([link_id("a")])[link_id("a")] == before
    assert before.base == {"Company": ["a", "a"]}


def test_an_operation_that_was_closed_late_stays_though_it_was_issued_long_ago(ledger):
    decide(ledger, "a", issued_at=LONG_AGO)
    finish(ledger, outcome("a", spotio_id="sp-a", at=LATER))
    ended(ledger)
    assert ledger.forget(before="2026-06-01T00:00:00Z") == 0
    assert number_of(ledger) == 1


@pytest.mark.parametrize("status", [OperationStatus.WAITING, None])
def test_an_open_operation_stays_and_its_next_attempt_counts_on(ledger, status):
    decide(ledger, "a")
    if status is not None:
        finish(ledger, outcome("a", status=status))
    ended(ledger)
    ledger.begin_run(run("run-2", started_at=LATER), ttl_seconds=600)
    assert ledger.forget(before=LAST) == 0
    snapshot = ledger.snapshots([link_id("a")], direction=Direction.TO_SPOTIO)[link_id("a")]
    assert snapshot.open_operation == "operation of a"
    decide(ledger, "a", run_id="run-2")
    assert number_of(ledger, operations.c.attempts == 2) == 1


def test_closed_operations_of_a_run_at_work_stay_for_its_target(ledger):
    join(ledger, "a")
    assert ledger.forget(before=LAST) == 0
    finish(ledger, created("a"))
    ended(ledger)
    assert ledger.forget(before=LAST) == 1


def test_conflicts_parked_rows_and_flags_stay(ledger):
    decide(ledger, "a")
    conflict = Conflict(
        link_id=link_id("a"),
        pair=PAIR,
        key="Company",
        loser=Side.SPOTIO,
        losing_value="mine",
        winning_value="yours",
        rule="two_way",
        row="later",
        at=LONG_AGO,
        run_id="run-1",
        operation_id="operation of a",
    )
    parked = Parked(
        link_id=link_id("a"),
        direction=Direction.TO_SPOTIO,
        pair=PAIR,
        reason="rejected",
        message="no",
        at=LONG_AGO,
        run_id="run-1",
    )
    finish(
        ledger,
        outcome("a", status=OperationStatus.REJECTED, at=LONG_AGO),
        parked=[parked],
        conflicts=[conflict],
        flagged=[(link_id("a"), Direction.TO_SALESFORCE, "lost")],
    )
    ended(ledger)
    kept = (ledger.parked_rows(), ledger.conflicts())
    assert ledger.forget(before=LAST) == 1
    assert (ledger.parked_rows(), ledger.conflicts()) == kept
    assert [len(one) for one in kept] == [1, 1]
    due = ledger.links_to_replan(
        Direction.TO_SALESFORCE, now=LATER, definition_fingerprint="definition-1"
    )
    assert [list(one) for one in due] == [[link_id("a")]]


def test_runs_and_their_counts_go_but_the_latest_and_the_latest_good_one_of_each_direction(ledger):
    ended(ledger)
    back = Direction.TO_SALESFORCE
    for number, (direction, status) in enumerate(
        [
            (Direction.TO_SPOTIO, "failed"),
            (Direction.TO_SPOTIO, "done"),
            (Direction.TO_SPOTIO, "failed"),
            (Direction.TO_SPOTIO, "failed"),
            (back, "done"),
        ],
        start=2,
    ):
        run_id = f"run-{number}"
        at = f"2026-06-0{number}T00:00:00.000Z"
        ledger.begin_run(run(run_id, direction, started_at=at), ttl_seconds=600)
        ledger.commit_outcomes(
            Outcomes(
                run_id=run_id,
                direction=direction,
                counts=[Count(run_id=run_id, pair=PAIR, counter="observed", number=1)],
            )
        )
        ledger.finish_run(run_id, status)
    assert ledger.forget(before=LAST) == 3
    assert [one.run_id for one in ledger.runs()] == ["run-6", "run-5", "run-3"]
    counted = {name: len(ledger.counts(name)) for name in ("run-2", "run-3", "run-4", "run-5")}
    assert counted == {"run-2": 0, "run-3": 1, "run-4": 0, "run-5": 1}
    assert not ledger.is_new, "the run that ended well still tells"
    assert ledger.forget(before=LAST) == 0


def test_a_run_that_never_ended_stays(ledger):
    ledger.begin_run(run("back", Direction.TO_SALESFORCE, started_at=LATER), ttl_seconds=600)
    assert ledger.forget(before=LAST) == 0


def test_where_nothing_is_old_it_is_one_statement_and_no_write(ledger, monkeypatch):
    join(ledger, *map(str, range(50)))
    ledger.add_log([log_row(AT, str(number)) for number in range(50)])
    monkeypatch.setattr(ledger, "_writing", None)
    before = ledger.statements
    assert ledger.forget(before=LONG_AGO) == 0
    assert ledger.statements - before == 1


def test_one_run_forgets_so_much_and_the_next_ones_the_rest(ledger, monkeypatch):
    monkeypatch.setattr(retention, "MOST_BATCHES", 2)
    rows = retention.BATCH * 2 + 10
    ledger.add_log([log_row(AT, str(number)) for number in range(rows)])
    assert ledger.forget(before=LAST) == retention.BATCH * 2
    assert ledger.forget(before=LAST) == 10
    assert ledger.log_rows() == []


def test_open_operations_in_front_do_not_keep_closed_ones(ledger):
    names = [str(number) for number in range(retention.BATCH + 5)]
    decide(ledger, *names)
    join(ledger, "late")
    ended(ledger)
    assert ledger.forget(before=LAST) == 1
    assert number_of(ledger) == len(names)


def test_a_decision_made_again_after_its_operation_was_forgotten_is_a_first_one(ledger):
    join(ledger, "a")
    ended(ledger)
    ledger.begin_run(run("run-2", started_at=LATER), ttl_seconds=600)
    ledger.forget(before=LAST)
    decide(ledger, "a", run_id="run-2")
    finish(ledger, created("a"), run_id="run-2")
    assert number_of(ledger, operations.c.attempts == 1) == 1
