"""Two syncs started together: one works, the other says who does and ends with its own code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from reverse_sf.errors import Exit
from reverse_sf.ledger.store import Ledger
from reverse_sf.simulator.local import running
from tests.postgresql import postgresql_server, shared_uri
from tests.system.calls import writes
from tests.system.meltano_project import PIPELINE, MeltanoProject
from tests.system.servers_fixture import in_a_sweep
from tests.system.sync import DIRECTIONS, Marks
from tests.system.two_way_fixtures import sync, world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.sync import Sync
    from tests.system.warm.runner import Ended

__all__ = ["postgresql_server", "shared_uri", "sync", "world"]

pytestmark = [pytest.mark.slow]

LONGER_THAN_A_START = {"delay_s": 2.0, "times": 1}
SECONDS_TO_BEGIN = 120
MAPPER = 1


def test_one_works_and_the_other_names_the_holder_and_writes_nothing(sync: Sync) -> None:
    for mapping in DIRECTIONS:
        # Both are under way before either can have ended.
        sync.servers.salesforce.fault({"path": "/query"}, LONGER_THAN_A_START)
        sync.servers.spotio.fault({"method": "GET", "path": "/api/"}, LONGER_THAN_A_START)
        runs = [sync.start(mapping, name=f"{mapping}-{name}") for name in ("one", "two")]
        ended = [run.wait() for run in runs]
        codes = sorted(one.codes[MAPPER] for one in ended)
        assert codes == [Exit.DONE, Exit.LEASE_HELD], "\n".join(map(str, ended))
        works, held = sorted(ended, key=lambda one: one.codes[MAPPER])
        assert works.ended_well, works
        sentence = _error_of(held)
        with Ledger.open(sync.ledger_uri) as ledger:
            (run,) = ledger.runs(limit=1)
        assert run.run_id in sentence
        assert "(process " in sentence
        winner = "one" if ended[0] is works else "two"
        sync.keep_state(mapping, f"{mapping}-{winner}")
    assert _doubled(sync) == []
    sync.servers.salesforce.clear_faults()
    sync.servers.spotio.clear_faults()
    for _ in range(2):
        sync.cycle()
    rest = Marks.now(sync.servers)
    sync.cycle()
    assert rest.writes(sync.servers) == []


def _error_of(ended: Ended) -> str:
    (line,) = [line for line in ended.errors[MAPPER].splitlines() if ": error: " in line]
    return line


def _doubled(sync: Sync) -> list[str]:
    """External ids that more than one living record bears."""
    marks = [
        row["externalDataObjectId"]
        for row in sync.servers.spotio.rows("dataObjects")
        if not row["deleted"]
    ]
    for name in ("Account", "Contact", "Lead", "Opportunity"):
        rows = sync.servers.salesforce.rows(name)
        marks += [row["SPOTIO_Id__c"] for row in rows if not row["IsDeleted"]]
    known = [one for one in marks if one]
    assert known
    return [one for one in set(known) if known.count(one) > 1]


@in_a_sweep
def test_meltano_lets_one_run_and_where_it_is_forced_the_lease_does(tmp_path: Path) -> None:
    with running(records=40) as servers:
        project = MeltanoProject(tmp_path, servers)
        # Every call is slow until the two others have ended.
        servers.spotio.fault({"method": "GET", "path": "/api/"}, {"delay_s": 8.0})
        first = project.start("run", *PIPELINE)
        _until_the_lease_is_taken(tmp_path)
        refused = project.run("run", *PIPELINE)
        forced = project.run("run", "--force", *PIPELINE)
        still_at_work = first.poll() is None
        servers.spotio.clear_faults()
        told, complaints = first.communicate(timeout=300)
        assert still_at_work, "the first one held the lease all the while"
        assert first.returncode == 0, told + complaints

        assert refused.returncode == 1
        assert "already running" in refused.stderr + refused.stdout
        assert forced.returncode == 1
        said = forced.stderr + forced.stdout
        # Meltano keeps the plugin's own code to itself.
        assert "holds the ledger's lease since" in said

        held = [row["externalDataObjectId"] for row in servers.spotio.rows("dataObjects")]
        known = [one for one in held if one]
        assert len(known) == len(set(known)) > 0
        before = servers.spotio.last()
        assert project.run("run", *PIPELINE).returncode == 0
        assert writes(servers.spotio, before) == []


def _until_the_lease_is_taken(folder: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_BEGIN
    file = folder / ".meltano" / "reverse-sf" / "demo.db"
    while time.monotonic() < deadline:
        if file.exists() and file.stat().st_size:
            with Ledger.open(f"sqlite:///{file}") as ledger:
                if ledger.runs(limit=1):
                    return
        time.sleep(0.05)
    pytest.fail("the first run took no lease")
