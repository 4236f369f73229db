"""A ledger or a key field that is not what a run needs: one clear message, nothing lost."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from reverse_sf.errors import Exit
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Side
from tests.postgresql import new_server
from tests.system.calls import writes
from tests.system.expectation import differences
from tests.system.pipeline import BIN
from tests.system.servers_fixture import small_world
from tests.system.sync import TO_SALESFORCE, TO_SPOTIO, Marks, Sync
from tests.system.test_bad_input import MAPPER, TARGET, the_one_message
from tests.system.two_way_fixtures import two_way_definition
from tests.system.warm.runner import warm_parent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

__all__ = ["small_world"]

pytestmark = [pytest.mark.slow]

SETTINGS = {"target-spotio": {"bulk_threshold": 0, "batch_size_rows": 20}}
"""Many small writes, so that a run has a middle."""


@pytest.fixture
def sync(small_world: LocalServers, tmp_path: Path) -> Sync:
    """A fresh project against fresh servers, with both directions on."""
    small_world.reset()
    file = tmp_path / "sync.yml"
    file.write_text(two_way_definition())
    return Sync(tmp_path, small_world, file, settings=dict(SETTINGS))


def has_no_duplicates(world: LocalServers) -> bool:
    """Whether no two records in SPOTIO stand for one in Salesforce."""
    for kind in ("Accounts", "Contacts", "Leads", "Opportunities"):
        keys = [
            row["externalDataObjectId"]
            for row in world.spotio.rows(kind)
            if row["externalDataObjectId"] and not row["deleted"]
        ]
        if len(keys) != len(set(keys)):
            return False
    return True


@pytest.mark.parametrize("mapping", [TO_SPOTIO, TO_SALESFORCE])
def test_two_fields_onto_one_are_refused_with_the_place_of_both(sync: Sync, mapping: str) -> None:
    said = sync.sync_file.read_text()
    line = "      - {spotio: Website, salesforce: Website, rule: two_way}\n"
    assert line in said
    twin = line.replace("spotio: Website", "spotio: Domain")
    sync.sync_file.write_text(said.replace(line, line + twin))
    marks = Marks.now(sync.servers)
    ended = sync.run(mapping)
    assert ended.codes[MAPPER] == Exit.CONFIGURATION
    message = the_one_message(ended, MAPPER)
    assert "'Website' in Salesforce is written already, by objects[0].fields[2]" in message
    assert "objects[0].fields[3].salesforce" in message
    assert marks.writes(sync.servers) == []


LOOSE = {"objects": {"Account": {"fields": {"Loose__c": "string(40) external-id | Loose"}}}}


def loose_key(sync: Sync) -> None:
    """Let the definition name an external id field that is not unique."""
    sync.servers.salesforce.edit(declare=LOOSE)
    said = sync.sync_file.read_text()
    sync.sync_file.write_text(
        said.replace("salesforce_external_id: SPOTIO_Id__c", "salesforce_external_id: Loose__c", 1)
    )


def test_an_external_id_that_is_not_unique_stops_the_mapper(sync: Sync) -> None:
    loose_key(sync)
    marks = Marks.now(sync.servers)
    ended = sync.run(TO_SPOTIO)
    assert ended.codes[MAPPER] == Exit.CONFIGURATION
    message = the_one_message(ended, MAPPER)
    assert "Loose__c is not a unique external id field" in message
    assert "tick External ID and Unique" in message
    assert marks.writes(sync.servers) == []


def test_an_external_id_that_is_not_unique_stops_the_target(sync: Sync) -> None:
    loose_key(sync)
    marks = Marks.now(sync.servers)
    ended = sync.run(TO_SALESFORCE)
    assert ended.codes[TARGET] == Exit.CONFIGURATION
    message = the_one_message(ended, TARGET)
    assert "Loose__c is not unique" in message
    assert "Tick Unique" in message
    assert marks.writes(sync.servers) == []
    assert not sync.state_file(TO_SALESFORCE).exists()


def test_an_external_id_that_is_not_unique_is_found_by_the_check(sync: Sync) -> None:
    loose_key(sync)
    ended = subprocess.run(
        [BIN / "reverse-sf", "check", "--json", "--sync-file", sync.sync_file],
        env={**os.environ, **sync.servers.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == Exit.CONFIGURATION
    assert "Loose__c is not a unique external id field" in ended.stdout


@pytest.mark.parametrize(
    ("mapping", "part", "side", "name"),
    [
        (TO_SPOTIO, MAPPER, Side.SALESFORCE, "Salesforce org 00D00000000000XAAA"),
        (TO_SPOTIO, TARGET, Side.SPOTIO, "SPOTIO company 00D00000000000XAAA"),
        (TO_SALESFORCE, MAPPER, Side.SPOTIO, "SPOTIO company 00D00000000000XAAA"),
        (TO_SALESFORCE, TARGET, Side.SALESFORCE, "Salesforce org 00D00000000000XAAA"),
    ],
)
def test_the_ledger_of_another_org_is_refused(
    sync: Sync, mapping: str, part: int, side: Side, name: str
) -> None:
    with Ledger.open(sync.ledger_uri) as ledger:
        ledger.pin_identity(side, "00D00000000000XAAA")
    marks = Marks.now(sync.servers)
    ended = sync.run(mapping)
    assert ended.codes[part] == Exit.CONFIGURATION
    message = the_one_message(ended, part)
    assert f"belongs to the {name}, but this run is connected to" in message
    assert "set ledger_uri to a ledger of its own" in message
    assert marks.writes(sync.servers) == []
    state = sync.state_file(mapping)
    assert not state.exists() or "replication_key" not in state.read_text()


def test_a_ledger_of_a_newer_version_is_refused_by_every_command(sync: Sync) -> None:
    with Ledger.open(sync.ledger_uri) as ledger, ledger._writing() as connection:
        connection.execute(text("INSERT INTO sync_migrations VALUES (99, 'later', '2030')"))
        known = connection.scalar(text("SELECT max(version) FROM sync_migrations WHERE version<99"))
    marks = Marks.now(sync.servers)
    ended = sync.run(TO_SPOTIO)
    assert ended.codes[MAPPER] == Exit.CONFIGURATION
    words = f"by a newer version of reverse-sf (schema 99, this one knows {known})"
    assert words in the_one_message(ended, MAPPER)
    assert marks.writes(sync.servers) == []
    for command in ("account", "parked", "logs", "conflicts"):
        asked = subprocess.run(
            [BIN / "reverse-sf", command, "--ledger-uri", sync.ledger_uri],
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == Exit.CONFIGURATION, asked.stderr
        assert words in asked.stderr
        assert "Traceback" not in asked.stderr


def test_a_postgresql_that_goes_away_in_the_middle_costs_nothing_but_the_run(sync: Sync) -> None:
    with contextmanager(new_server)() as server:
        sync.ledger_uri = server.new_database() + "&password=not-to-be-shown"
        mark = sync.servers.spotio.last()
        started = sync.start(TO_SPOTIO)
        waited_until = time.monotonic() + 120
        while len(writes(sync.servers.spotio, mark)) < 30:
            assert time.monotonic() < waited_until, "the run never began to write"
            time.sleep(0.01)
        server.stop()
        ended = started.wait()
        sync.keep_state(TO_SPOTIO)
        written = len(writes(sync.servers.spotio, mark))
        assert ended.codes[TARGET] == Exit.UNEXPECTED, ended
        message = the_one_message(ended, TARGET)
        assert "cannot be reached, or the connection broke" in message
        assert "then run again: everything committed so far is kept" in message
        assert ended.codes[MAPPER] in {Exit.DONE, Exit.UNEXPECTED}, ended
        if ended.codes[MAPPER] != Exit.DONE:
            the_one_message(ended, MAPPER)
        assert "not-to-be-shown" not in "".join(ended.errors)
        server.start()
        again = sync.run(TO_SPOTIO)
        assert again.ended_well, again
        assert written >= 30
        assert has_no_duplicates(sync.servers)
        assert differences(sync.servers) == []


@contextmanager
def full_disk(sync: Sync) -> Iterator[None]:
    """The ledger on a disk of its own that soon has no room; all room there is afterwards."""
    disk = sync.folder / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("only root may make a small disk")
    sync.ledger_uri = f"sqlite:///{disk}/ledger.db"
    try:
        yield
        grow = ["mount", "-o", "remount,size=100m", str(disk)]
        subprocess.run(grow, check=True)
        ended = sync.run(TO_SPOTIO)
        assert ended.ended_well, ended
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@contextmanager
def small_files(sync: Sync) -> Iterator[None]:
    """No process may make a file of more than some hundred kilobytes; afterwards they may."""
    parent = warm_parent().pid
    before = resource.prlimit(parent, resource.RLIMIT_FSIZE)
    resource.prlimit(parent, resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        yield
    finally:
        resource.prlimit(parent, resource.RLIMIT_FSIZE, before)
    ended = sync.run(TO_SPOTIO)
    assert ended.ended_well, ended


@pytest.mark.parametrize(
    ("shortage", "words"),
    [
        (full_disk, ("the disk is full; make room and run again",)),
        (small_files, ("the disk is full; make room", "disk I/O error")),
    ],
)
def test_a_full_disk_stops_the_run_and_the_next_one_completes(
    sync: Sync, shortage: object, words: tuple[str, ...]
) -> None:
    with shortage(sync):
        ended = sync.run(TO_SPOTIO)
        failed = [part for part in (MAPPER, TARGET) if ended.codes[part]]
        assert failed, "there was room after all"
        said = [the_one_message(ended, part) for part in failed]
        assert any(one in message for one in words for message in said), said
        assert Exit.CONFIGURATION in {ended.codes[part] for part in failed}
    assert has_no_duplicates(sync.servers)
    assert differences(sync.servers) == []
