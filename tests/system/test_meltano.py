"""The main job in the real Meltano: first load, silence, the write that is due, a lost ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT
from tests.system.calls import is_write, writes
from tests.system.expectation import differences
from tests.system.meltano_project import PIPELINE, MeltanoProject
from tests.system.servers_fixture import in_a_sweep, small_world

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

__all__ = ["small_world"]

pytestmark = [pytest.mark.slow]
STATE_ID = "demo:tap-salesforce-to-target-spotio"


@pytest.fixture
def project(small_world: LocalServers, tmp_path: Path) -> MeltanoProject:
    small_world.reset()
    return MeltanoProject(tmp_path, small_world)


@in_a_sweep
def test_silence_the_one_write_that_is_due_and_a_lost_ledger_is_noticed(
    project: MeltanoProject, small_world: LocalServers
) -> None:
    ended = project.run("run", *PIPELINE)
    assert ended.returncode == 0, ended.stderr
    assert differences(small_world) == []

    before = small_world.spotio.last()
    ended = project.run("run", "salesforce-to-spotio")
    assert ended.returncode == 0, ended.stderr
    assert writes(small_world.spotio, before) == []

    customers = [
        row
        for row in small_world.salesforce.rows("Account")
        if row["Type"] == "Customer" and row["Phone"] and not row["IsDeleted"]
    ]
    mapped, unmapped, leaving = (row["Id"] for row in customers[:3])
    edit = small_world.salesforce.edit
    edit(object="Account", id=mapped, set={"Phone": "(801) 555-0142"})
    edit(object="Account", id=unmapped, set={"Site": "Back office"})
    edit(object="Account", id=leaving, set={"Type": "Partner", "Phone": "(801) 555-0143"})
    before = small_world.spotio.last()
    toward = ("--direction", "to_spotio")
    ended = project.run("invoke", "reverse-sf:plan", *toward, "--out", "plan.json", "--json")
    assert ended.returncode == 0, ended.stderr
    (planned,) = json.loads(ended.stdout)["directions"][0]["writes"]
    assert [(one["key"], one["new"]) for one in planned["fields"]] == [("Phone", "(801) 555-0142")]
    assert writes(small_world.spotio, before) == []
    ended = project.run("invoke", "reverse-sf:apply", "plan.json", "--yes", "--strict")
    assert ended.returncode == 0, ended.stderr
    assert "1 as planned" in ended.stdout
    due = [one for one in small_world.spotio.requests(before) if is_write(one)]
    assert len(due) == 1
    assert due[0]["method"] == "PATCH"
    (step,) = [step for step in due[0]["body"] if step["op"] != "test"]
    assert step["path"].startswith("/fields/")
    assert step["value"]["value"] == "(801) 555-0142"

    a_range_is_synced_now(project, small_world, unmapped)

    account = project.run("invoke", "reverse-sf:account", "--json")
    assert account.returncode == 0, account.stderr
    told = json.loads(account.stdout)
    assert [one["run"]["status"] for one in told["runs"]] == ["done"]

    for file in (project.folder / ".meltano" / "reverse-sf").glob("demo.db*"):
        file.unlink()
    before = small_world.spotio.last()
    ended = project.run("run", *PIPELINE)
    assert ended.returncode != 0
    assert "--full-refresh" in ended.stderr + ended.stdout
    assert writes(small_world.spotio, before) == []

    population = len(small_world.spotio.rows("dataObjects"))
    ended = project.run("run", "--full-refresh", *PIPELINE)
    assert ended.returncode == 0, ended.stderr
    assert len(small_world.spotio.rows("dataObjects")) == population
    before = small_world.spotio.last()
    assert project.run("run", *PIPELINE).returncode == 0
    assert writes(small_world.spotio, before) == []


def a_range_is_synced_now(project: MeltanoProject, servers: LocalServers, record: str) -> None:
    """An edit of today goes out at once, and Meltano's STATE is byte for byte as it was."""
    servers.salesforce.edit(object="Account", id=record, set={"Phone": "(801) 555-0144"})
    stored = project.run("state", "get", STATE_ID).stdout
    assert "replication_key_value" in stored
    today = servers.salesforce.clock()[:10]
    asked = ("Account", "--from", today, "--to", today, "--direction", "to_spotio", "--json")
    ended = project.run("invoke", "reverse-sf:sync-now", *asked)
    assert ended.returncode == 0, ended.stderr
    (synced,) = json.loads(ended.stdout)["directions"]
    assert synced["pairs"]["Account:Accounts"]["updated"] == 1
    assert synced["pairs"].keys() == {"Account:Accounts", "User"}
    assert project.run("state", "get", STATE_ID).stdout == stored


def test_every_definition_can_be_added_to_a_project_that_exists(
    small_world: LocalServers, tmp_path: Path
) -> None:
    foreign = MeltanoProject(tmp_path, small_world)
    (tmp_path / "meltano.yml").write_text("version: 1\nenvironments:\n- name: demo\n")
    kinds = {"crm-mapper": "mapper", "reverse-sf": "utility"}
    for definition in sorted((ROOT / "plugins").glob("*.yml")):
        kind = kinds.get(definition.stem)
        ended = foreign.run(
            "add",
            *(("--plugin-type", kind) if kind else ()),
            definition.stem,
            "--from-ref",
            str(definition),
            "--no-install",
        )
        assert ended.returncode == 0, ended.stderr
    added = YAML(typ="safe").load(tmp_path / "meltano.yml")["plugins"]
    assert [each["name"] for each in added["mappers"]] == ["crm-mapper"]
    assert {each["name"] for each in added["extractors"]} == {"tap-salesforce", "tap-spotio"}
    assert {each["name"] for each in added["loaders"]} == {"target-spotio", "target-salesforce"}
    assert added["utilities"][0]["commands"]["check"] == "check"
