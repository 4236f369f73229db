"""Several processes on one ledger, and processes that are killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from reverse_sf.errors import LeaseHeldError
from reverse_sf.ledger import tables
from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.migrations import MIGRATIONS
from reverse_sf.ledger.rows import Count, LinkState
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from tests.contract.ledger_fixtures import (
    PAIR,
    created,
    decide,
    finish,
    link_id,
    run,
)
from tests.postgresql import postgresql_server, shared_uri

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["postgresql_server", "shared_uri"]

PROCESSES = multiprocessing.get_context("spawn")
BATCH = 50


def open_and_close(uri: str, gate: object) -> None:
    gate.wait()
    Ledger.open(uri).close()


def race_for_the_lease(uri: str, run_id: str, gate: object, results: object) -> None:
    with Ledger.open(uri) as ledger:
        gate.wait()
        try:
            ledger.begin_run(run(run_id), ttl_seconds=600)
        except LeaseHeldError as error:
            results.put((run_id, str(error)))
        else:
            results.put((run_id, None))


def work(uri: str, run_id: str, direction: Direction, batches: int, gate: object) -> None:
    with Ledger.open(uri) as ledger:
        ledger.begin_run(run(run_id, direction), ttl_seconds=600)
        gate.wait()
        for batch in range(batches):
            names = [f"{run_id} {batch} {n}" for n in range(BATCH)]
            decide(ledger, *names, run_id=run_id)
            finish(ledger, *(created(name) for name in names), run_id=run_id)
            count = Count(run_id="both", pair=PAIR, counter="created", number=BATCH)
            ledger.commit_decisions(Decisions(run_id=run_id, counts=[count]))


def work_until_killed(uri: str, run_id: str, told: Connection) -> None:
    with Ledger.open(uri) as ledger:
        ledger.begin_run(run(run_id), ttl_seconds=-1)
        for batch in range(1_000_000):
            names = [f"{run_id} {batch} {n}" for n in range(BATCH)]
            decide(ledger, *names, run_id=run_id)
            told.send(("decided", batch))
            finish(ledger, *(created(name) for name in names), run_id=run_id)
            told.send(("finished", batch))


def started(target: object, *arguments: object) -> multiprocessing.Process:
    process = PROCESSES.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def ended_well(*processes: multiprocessing.Process) -> None:
    for process in processes:
        process.join(60)
        assert process.exitcode == 0


def test_two_processes_that_open_a_new_ledger_at_once_migrate_it_once(shared_uri):
    gate = PROCESSES.Barrier(2)
    ended_well(*(started(open_and_close, shared_uri, gate) for _ in range(2)))
    with Ledger.open(shared_uri) as ledger, ledger._reading() as connection:
        number = connection.scalar(select(func.count()).select_from(tables.migrations))
    assert number == len(MIGRATIONS)


def test_of_two_runners_that_start_at_once_one_gets_the_lease(shared_uri):
    Ledger.open(shared_uri).close()
    gate = PROCESSES.Barrier(2)
    results = PROCESSES.Queue()
    ended_well(
        *(started(race_for_the_lease, shared_uri, name, gate, results) for name in ("a", "b"))
    )
    answers = dict(results.get(timeout=10) for _ in range(2))
    losers = [name for name, message in answers.items() if message]
    assert len(losers) == 1
    winner = ({"a", "b"} - set(losers)).pop()
    assert f"run {winner} of holder of {winner}" in answers[losers[0]]
    with Ledger.open(shared_uri) as ledger:
        assert [it.run_id for it in ledger.runs()] == [winner]


def test_two_processes_that_write_at_once_lose_nothing(shared_uri):
    Ledger.open(shared_uri).close()
    gate = PROCESSES.Barrier(2)
    batches = 8
    ended_well(
        started(work, shared_uri, "there", Direction.TO_SPOTIO, batches, gate),
        started(work, shared_uri, "back", Direction.TO_SALESFORCE, batches, gate),
    )
    with Ledger.open(shared_uri) as ledger:
        assert ledger.counts_by_pair("both") == {PAIR: {"created": 2 * batches * BATCH}}
        names = [
            f"{run_id} {batch} {n}"
            for run_id in ("there", "back")
            for batch in range(batches)
            for n in range(BATCH)
        ]
        assert len(ledger.counterparts([link_id(name) for name in names])) == len(names)


@pytest.mark.parametrize("seed", range(4))
def test_a_process_killed_at_any_moment_leaves_whole_batches_and_loses_none(shared_uri, seed):
    chance = random.Random(seed)
    Ledger.open(shared_uri).close()
    told, tells = PROCESSES.Pipe(duplex=False)
    process = started(work_until_killed, shared_uri, f"run-{seed}", tells)
    tells.close()
    heard = [told.recv() for _ in range(chance.randrange(1, 12))]
    until = time.monotonic() + chance.random() * 0.02
    while time.monotonic() < until:
        pass
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    try:
        while told.poll(5):
            heard.append(told.recv())
    except EOFError:
        pass
    with Ledger.open(shared_uri) as ledger:
        check_whole(ledger, f"run-{seed}", heard)
        ledger.begin_run(run("next"), ttl_seconds=600)
        statuses = {it.run_id: it.status for it in ledger.runs()}
        assert statuses == {f"run-{seed}": "interrupted", "next": "running"}


def check_whole(ledger: Ledger, run_id: str, heard: list[tuple[str, int]]) -> None:
    """Every batch that was told of is there, and no batch is there in part."""
    decided = {batch for word, batch in heard if word == "decided"}
    finished = {batch for word, batch in heard if word == "finished"}
    open_links: set[str] = set()
    for batch in range(max(decided) + 2):
        names = [f"{run_id} {batch} {n}" for n in range(BATCH)]
        snapshots = ledger.snapshots([link_id(name) for name in names])
        assert len(snapshots) in {0, BATCH}
        states = {
            (it.link.state, it.spotio_image is None, it.open_operation is None, bool(it.base))
            for it in snapshots.values()
        }
        assert len(states) <= 1
        if batch in decided:
            assert states
        if batch in finished:
            assert states == {(LinkState.LINKED, False, True, True)}
        if states == {(LinkState.PENDING, True, False, False)}:
            open_links |= set(snapshots)
    due = ledger.links_to_replan(
        Direction.TO_SPOTIO, now="2000-01-01T00:00:00.000Z", definition_fingerprint="definition-1"
    )
    # The killed run still holds its lease; its operations are due for the one that takes it over.
    ledger.heartbeat(run_id, ttl_seconds=-1)
    assert {it for page in due for it in page} == set()
    with ledger._reading() as connection:
        if not ledger.address.server:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    ledger.finish_run(run_id, "interrupted")
    due = ledger.links_to_replan(
        Direction.TO_SPOTIO, now="2000-01-01T00:00:00.000Z", definition_fingerprint="definition-1"
    )
    assert {it for page in due for it in page} == open_links


def test_a_heartbeat_of_another_thread_waits_for_its_turn(shared_uri):
    with Ledger.open(shared_uri) as ledger, ThreadPoolExecutor(1) as other:
        ledger.begin_run(run("run-1"), ttl_seconds=600)
        beats = other.submit(
            lambda: [ledger.heartbeat("run-1", ttl_seconds=600) for _ in range(40)]
        )
        for batch in range(10):
            decide(ledger, *(f"{batch} {n}" for n in range(BATCH)))
        assert len(beats.result(60)) == 40
        assert len(ledger.observed(PAIR, [f"sf-9 {n}" for n in range(BATCH)])) == BATCH
