"""``reverse-sf sync-now`` over both servers: the range and nothing else, and STATE as it was.

What Meltano does with the settings that the command hands over is done here by the runner of the
tests; that Meltano itself does it is shown by ``test_meltano.py``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.cli.meltano import MeltanoProject
from reverse_sf.errors import LeaseHeldError
from reverse_sf.ledger.holder import this_process
from reverse_sf.ledger.rows import Run
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from tests.system.activity_fixtures import Diary, entry
from tests.system.sync import TO_SPOTIO, Marks, Sync
from tests.system.test_users import LEADS, PROFILES
from tests.system.two_way_fixtures import two_way_definition, world

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reverse_sf.cli.meltano import Pipeline
    from reverse_sf.simulator.local import LocalServers

__all__ = ["world"]

pytestmark = [pytest.mark.slow]


class ProjectOf:
    """What the command asks of a Meltano project, answered by the test's own."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync

    def settings(self, plugin: str, **variables: str) -> dict[str, Any]:
        del plugin
        pairs = json.loads(variables["CRM_MAPPER_ONLY_PAIRS"])
        return {"only_pairs": pairs, "end_date": "known", "ledger_uri": self._sync.ledger_uri}

    def extras(self, plugin: str) -> dict[str, Any]:
        del plugin
        return {"_select": ["*.*"], "_metadata": {}}

    def run(
        self, pipeline: Pipeline, variables: Mapping[str, str], *, from_scratch: bool = False
    ) -> int:
        assert from_scratch
        sync, prefix = self._sync, pipeline.tap.replace("-", "_").upper()
        tap = {
            name.removeprefix(f"{prefix}_").lower(): value
            for name, value in variables.items()
            if name.startswith(prefix) and not name.startswith(f"{prefix}__")
        }
        streams = tuple(json.loads(variables[f"{prefix}__SELECT_FILTER"]))
        before = dict(sync.settings), sync.select, sync.spotio_streams
        catalog = sync.folder / "catalog.json"
        sync.settings |= {
            pipeline.tap: {**sync.settings.get(pipeline.tap, {}), **tap},
            "spotio-mapper": {
                "only_pairs": json.loads(variables["CRM_MAPPER_ONLY_PAIRS"]),
                "allow_empty": False,
            },
        }
        sync.select, sync.spotio_streams = streams, streams
        catalog.unlink(missing_ok=True)
        state = sync.state_file(pipeline.mapping)
        aside = state.rename(state.with_suffix(".aside")) if state.exists() else None
        try:
            ended = sync.run(pipeline.mapping)
        finally:
            state.unlink(missing_ok=True)
            if aside is not None:
                aside.rename(state)
            sync.settings, sync.select, sync.spotio_streams = before
            catalog.unlink(missing_ok=True)
        assert ended.ended_well, ended
        return 0


@pytest.fixture
def sync(world: LocalServers, tmp_path: Path) -> Sync:
    world.reset()
    file = tmp_path / "sync.yml"
    file.write_text(two_way_definition())
    return Sync(tmp_path, world, file)


@pytest.fixture
def command(sync: Sync, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(MeltanoProject, "find", lambda: ProjectOf(sync))

    def sync_now(*arguments: str) -> dict[str, Any]:
        more = ("--sync-file", str(sync.sync_file), "--json")
        runner = CliRunner()
        ended = runner.invoke(
            cli, ["sync-now", *arguments, *more], standalone_mode=False, catch_exceptions=False
        )
        return {"code": ended.return_value, **json.loads(ended.stdout)}

    return sync_now


def linked(world: LocalServers) -> list[dict[str, Any]]:
    return [
        row
        for row in world.salesforce.rows("Account")
        if row["Type"] == "Customer" and row["SPOTIO_Id__c"] and not row["IsDeleted"]
    ]


def spotio_says(world: LocalServers, row: dict[str, Any]) -> str:
    return json.dumps(
        next(one for one in world.spotio.rows("dataObjects") if one["id"] == row["SPOTIO_Id__c"])
    )


def salesforce_says(world: LocalServers, row: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in world.salesforce.rows("Account") if one["Id"] == row["Id"])


def test_a_range_is_synced_in_both_directions_and_the_rest_by_the_next_run(
    sync: Sync, world: LocalServers, command: Any
) -> None:
    sync.cycle()
    salesforce, spotio = world.salesforce, world.spotio
    early, asked, late, there_asked, there_late = linked(world)[:5]
    contact = next(one for one in salesforce.rows("Contact") if one["SPOTIO_Id__c"])

    def edits(at: str, here: dict[str, Any], there: dict[str, Any] | None, number: int) -> None:
        for server in (salesforce, spotio):
            server.clock(set=f"2031-05-{at}T10:00:00Z")
        salesforce.edit(object="Account", id=here["Id"], set={"Phone": f"(801) 555-01{number}"})
        if there is not None:
            web = {"Website": f"https://w{number}.example.com"}
            spotio.edit(object="Accounts", id=there["SPOTIO_Id__c"], set=web)

    edits("01", early, None, 10)
    edits("02", asked, there_asked, 11)
    salesforce.edit(object="Contact", id=contact["Id"], set={"LastName": "Ofanother"})
    edits("03", late, there_late, 12)

    states = {
        one: sync.state_file(one).read_bytes() for one in ("spotio-mapper", "salesforce-mapper")
    }
    told = command("account", "--from", "2031-05-02", "--to", "2031-05-02")
    assert told["code"] == 0
    assert [
        (one["direction"], one["pairs"]["Account:Accounts"].get("updated"), one["run"]["status"])
        for one in told["directions"]
    ] == [("to_spotio", 1, "done"), ("to_salesforce", 1, "done")]
    assert states == {one: sync.state_file(one).read_bytes() for one in states}
    assert "555-0111" in spotio_says(world, asked)
    assert salesforce_says(world, there_asked)["Website"] == "https://w11.example.com"
    assert "555-0110" not in spotio_says(world, early)
    assert "555-0112" not in spotio_says(world, late)
    assert salesforce_says(world, there_late)["Website"] != "https://w12.example.com"
    people = json.dumps(spotio.rows("dataObjects"))
    assert "Ofanother" not in people

    # Nobody was modified on that day: that is no sign of anything.
    quiet = command("Accounts", "--from", "2030-01-01", "--to", "2030-01-01")
    assert quiet["code"] == 0
    with Ledger.open(sync.ledger_uri) as ledger:
        assert [one.status for one in ledger.runs(limit=4)] == ["done"] * 4

    sync.cycle()
    assert "555-0110" in spotio_says(world, early)
    assert "555-0112" in spotio_says(world, late)
    assert salesforce_says(world, there_late)["Website"] == "https://w12.example.com"
    assert "Ofanother" in json.dumps(spotio.rows("dataObjects"))


def test_activities_of_one_template_and_of_one_day_go_to_salesforce(
    sync: Sync, world: LocalServers, command: Any
) -> None:
    diary = Diary(sync)
    fields = {"Subject": "Subject"}
    diary.define(of_accounts=entry("Visit", "Task", fields) + entry("Call", "Task", fields))
    sync.select = ("User", "Account", "Contact", "Task")
    sync.spotio_streams = ("users", "Accounts", "Contacts", "activities")
    diary.run(TO_SPOTIO)
    account, record = diary.linked("Account")
    made = []
    for day in ("01", "02", "03"):
        world.spotio.clock(set=f"2025-05-{day}T10:00:00Z")
        made.append(diary.log(record, template="Visit", title=f"Visit {day}"))
        made.append(diary.log(record, template="Call", title=f"Call {day}"))

    def tasks() -> set[str]:
        rows = world.salesforce.rows("Task")
        return {str(one["SPOTIO_Id__c"]) for one in rows if one["WhatId"] == account} & set(made)

    told = command("visit", "--from", "2025-05-02", "--to", "2025-05-02")
    assert [one["direction"] for one in told["directions"]] == ["to_salesforce"]
    assert told["directions"][0]["pairs"]["Task:Visit (Account:Accounts)"]["created"] == 1
    assert tasks() == {made[2]}
    diary.run()
    assert tasks() == set(made)


def test_users_are_synced_without_the_records(
    sync: Sync, world: LocalServers, command: Any
) -> None:
    definition = f"version: 1\nusers:\n  create: true\n  suspend_when_removed: true\n{PROFILES}"
    sync.sync_file.write_text(definition + LEADS)
    sync.settings["tap-salesforce"] = {"user_details": True}
    sync.select = ("User", "Lead")
    marks = Marks.now(world)
    told = command("users")
    assert told["from"] is None
    assert told["directions"][0]["pairs"]["User:users"]["created"] == 2
    assert {one.split()[1].lower().split("/")[2] for one in marks.writes(world)} == {"users"}
    assert not sync.state_file(TO_SPOTIO).exists()
    marks = Marks.now(world)
    assert sync.run(TO_SPOTIO).ended_well
    written = {one.split()[1].lower().split("/")[2] for one in marks.writes(world)}
    assert written
    assert "users" not in written


def test_a_run_at_work_holds_the_lease_and_nothing_is_begun(sync: Sync, command: Any) -> None:
    with Ledger.open(sync.ledger_uri) as ledger:
        held = Run(
            run_id="at-work",
            direction=Direction.TO_SALESFORCE,
            started_at="2026-05-06T00:00:00.000Z",
            definition_fingerprint="",
            holder=this_process(),
        )
        ledger.begin_run(held, ttl_seconds=600)
        with pytest.raises(LeaseHeldError) as caught:
            command("Account", "--from", "2026-05-01")
        assert caught.value.exit_code == 4
        assert ledger.last_run(Direction.TO_SPOTIO) is None
        ledger.finish_run("at-work", "done")
