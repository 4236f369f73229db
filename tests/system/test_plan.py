"""A plan is what the next run writes; carried out, it is that to the byte and nothing else."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from reverse_sf.cli.meltano import PIPELINES
from reverse_sf.cli.plan import outcome_of
from reverse_sf.cli.rehearsal import rehearse
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from reverse_sf.simulator.local import running
from reverse_sf.sync_file import read_sync_file
from tests.system.calls import is_write
from tests.system.meltano_project import BIN
from tests.system.sync import DIRECTIONS, TO_SALESFORCE, TO_SPOTIO, Marks, Sync
from tests.system.two_way_fixtures import two_way_definition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_sf.merge.plan import DirectionPlan, Plan
    from reverse_sf.simulator.local import LocalServers

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def servers() -> Iterator[LocalServers]:
    with running(records=40) as both:
        yield both


@pytest.fixture
def sync(servers: LocalServers, tmp_path: Path) -> Sync:
    return fresh(servers, tmp_path)


def fresh(servers: LocalServers, folder: Path) -> Sync:
    servers.reset()
    folder.mkdir(exist_ok=True)
    file = folder / "sync.yml"
    file.write_text(two_way_definition())
    # One call at a time: which record gets which id is then the same in every run.
    return Sync(folder, servers, file, settings={"target-spotio": {"max_workers": 1}})


class ProjectOf:
    """What ``rehearse`` asks of a Meltano project, answered by the test's own."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync

    def settings(self, plugin: str) -> dict[str, Any]:
        return {"change_limit_percent": 0, "ledger_uri": self._sync.ledger_uri}

    def state(self, pipeline) -> bytes | None:
        file = self._sync.state_file(pipeline.mapping)
        return file.read_bytes() if file.exists() else None

    def tap(self, pipeline, state, complaints) -> subprocess.Popen[bytes]:
        part = self._sync.part(pipeline.tap, pipeline.mapping)
        more = () if state is None else ("--state", str(state))
        return subprocess.Popen(
            [BIN / pipeline.tap, *part.arguments, *more],
            stdout=subprocess.PIPE,
            stderr=complaints,
        )


def planned(sync: Sync, *directions: Direction) -> Plan:
    return rehearse(
        ProjectOf(sync),
        read_sync_file(sync.sync_file),
        directions or tuple(PIPELINES),
        sync_file=sync.sync_file,
        ledger_uri=None,
        tell=lambda _: None,
    )


def carried_out(sync: Sync, plan: Plan, direction: Direction) -> Any:
    """As ``reverse-sf apply`` does it: the ordinary run, kept to the plan, and STATE as it was."""
    file = sync.folder / "plan.json"
    file.write_bytes(_json(plan))
    mapping = PIPELINES[direction].mapping
    sync.settings["spotio-mapper"] = {"plan_file": str(file)}
    state = sync.state_file(mapping)
    before = state.read_bytes() if state.exists() else None
    ended = sync.run(mapping)
    del sync.settings["spotio-mapper"]
    if before is None:
        state.unlink(missing_ok=True)
    else:
        state.write_bytes(before)
    assert ended.ended_well, ended
    with Ledger.open(sync.ledger_uri) as ledger:
        done = ledger.operations_of(ledger.last_run(direction).run_id)
    return outcome_of(plan.of(direction), 0, done)


def _json(plan: Plan) -> bytes:
    return msgspec.json.encode(plan)


def sent(servers: LocalServers, since: Marks) -> list[tuple[str, str, str]]:
    """Every call that wrote, to the byte."""
    calls = [
        *servers.salesforce.requests(since.salesforce),
        *servers.spotio.requests(since.spotio),
    ]
    return [(one["method"], one["path"], json.dumps(one["body"])) for one in calls if is_write(one)]


def ids_of(plan: DirectionPlan) -> set[str]:
    return {one.operation_id for one in plan.writes}


def test_a_plan_writes_nothing_and_its_application_sends_what_the_run_would_have_sent(
    servers: LocalServers, tmp_path: Path
) -> None:
    ordinary = fresh(servers, tmp_path / "ordinary")
    start = Marks.now(servers)
    assert ordinary.run(TO_SPOTIO).ended_well
    expected = sent(servers, start)

    frozen = fresh(servers, tmp_path / "frozen")
    start = Marks.now(servers)
    plan = planned(frozen, Direction.TO_SPOTIO)
    assert sent(servers, start) == []
    assert not (frozen.folder / "ledger.db").exists()
    assert plan.writes > 10
    applied = carried_out(frozen, plan, Direction.TO_SPOTIO)
    assert sent(servers, start) == expected
    assert applied.is_exact
    assert {one.operation_id for one in applied.as_planned} == ids_of(plan.directions[0])


def test_a_foreign_edit_in_between_plans_anew_the_record_that_it_touches_and_no_other(
    sync: Sync, servers: LocalServers
) -> None:
    for _ in range(2):
        sync.cycle()
    edit = servers.salesforce.edit
    first, second, third = linked(servers)[:3]
    for row in (first, second):
        edit(object="Account", id=row["Id"], set={"Phone": "(801) 555-0100"})
    plan = planned(sync)
    writes = plan.of(Direction.TO_SPOTIO).writes
    assert {one.salesforce_id for one in writes} == {first["Id"], second["Id"]}
    assert [(f.key, f.new, f.row, f.rule) for one in writes for f in one.fields] == [
        ("Phone", "(801) 555-0100", "C3-03", "salesforce_only")
    ] * 2
    assert plan.of(Direction.TO_SALESFORCE).writes == []

    edit(object="Account", id=second["Id"], set={"Phone": "(801) 555-0101"})
    edit(object="Account", id=third["Id"], set={"Phone": "(801) 555-0102"})
    start = Marks.now(servers)
    applied = carried_out(sync, plan, Direction.TO_SPOTIO)
    assert [one.salesforce_id for one in applied.as_planned] == [first["Id"]]
    ((anew, became),) = applied.anew
    assert anew.salesforce_id == second["Id"]
    assert became.decision["Phone"]["new"] == "(801) 555-0101"
    bodies = " ".join(body for _, _, body in sent(servers, start))
    assert "555-0100" in bodies
    assert "555-0101" in bodies
    assert "555-0102" not in bodies, "an edit that is in no plan waits for the next run"

    sync.cycle()
    phones = {row["Id"]: row["Phone"] for row in linked(servers)}
    in_spotio = {
        row["externalDataObjectId"]: json.dumps(row) for row in servers.spotio.rows("dataObjects")
    }
    for row in (first, second, third):
        assert phones[row["Id"]] in in_spotio[row["Id"]]
    rest = Marks.now(servers)
    sync.cycle()
    assert rest.writes(servers) == []


def linked(servers: LocalServers) -> list[dict[str, Any]]:
    return [
        row
        for row in servers.salesforce.rows("Account")
        if row["Type"] == "Customer" and row["SPOTIO_Id__c"] and not row["IsDeleted"]
    ]


def test_a_plan_tells_what_a_rule_will_overrule_in_either_direction(
    sync: Sync, servers: LocalServers
) -> None:
    for _ in range(2):
        sync.cycle()
    row = linked(servers)[0]
    servers.spotio.edit(object="Accounts", id=row["SPOTIO_Id__c"], set={"Phone": "(801) 555-0103"})
    servers.spotio.edit(
        object="Accounts", id=row["SPOTIO_Id__c"], set={"Website": "https://spotio.example.com"}
    )
    for mapping in DIRECTIONS:
        # What both sides hold is known to the ledger from here on.
        if mapping == TO_SALESFORCE:
            plan = planned(sync, Direction.TO_SALESFORCE)
            (write,) = plan.of(Direction.TO_SALESFORCE).writes
            assert [(one.key, one.new) for one in write.fields] == [
                ("Website", "https://spotio.example.com")
            ]
        assert sync.run(mapping).ended_well
    (write,) = planned(sync, Direction.TO_SPOTIO).of(Direction.TO_SPOTIO).writes
    (phone,) = write.fields
    assert (phone.key, phone.old, phone.row) == ("Phone", "(801) 555-0103", "C3-05")
    assert phone.overrules


def test_a_run_is_kept_to_no_plan_of_another_definition(sync: Sync) -> None:
    plan = planned(sync, Direction.TO_SPOTIO)
    sync.sync_file.write_text(sync.sync_file.read_text().replace("rule: two_way", "rule: manual"))
    file = sync.folder / "plan.json"
    file.write_bytes(_json(plan))
    sync.settings["spotio-mapper"] = {"plan_file": str(file)}
    ended = sync.run(TO_SPOTIO)
    assert 2 in ended.codes
    assert "plan again" in str(ended)
