"""``reverse-sf ledger``, through the real command line."""

from __future__ import annotations

import json

from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side
from tests.contract.ledger_fixtures import join, run


def call(*arguments: str, **variables: str):
    return CliRunner().invoke(cli, ["ledger", *arguments], env=variables)


def made(folder) -> str:
    uri = f"sqlite:///{folder}/one.db"
    with Ledger.open(uri) as ledger:
        ledger.pin_identity(Side.SALESFORCE, "00D000000000001AAA")
        ledger.begin_run(run("run-1"), ttl_seconds=600)
        join(ledger, "one", "two")
        ledger.finish_run("run-1", "done")
    return uri


def test_a_copy_is_told_and_can_be_worked_with(tmp_path):
    uri, other = made(tmp_path), f"sqlite:///{tmp_path}/two.db"
    ended = call("copy", other, "--json", REVERSE_SF_LEDGER_URI=uri)
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert told["copied_to"] == f"{tmp_path}/two.db"
    assert told["rows"]["sync_links"] == 2
    with Ledger.open(other) as copy:
        assert copy.last_run(Direction.TO_SPOTIO).run_id == "run-1"
        assert copy.linked_number("Account:Accounts") == 2


def test_show_names_the_place_the_org_and_the_latest_run(tmp_path):
    uri = made(tmp_path)
    ended = call("show", REVERSE_SF_LEDGER_URI=uri)
    assert ended.exit_code == 0, ended.output
    assert f"{tmp_path}/one.db" in ended.stdout
    assert "00D000000000001AAA" in ended.stdout
    told = json.loads(call("show", "--json", REVERSE_SF_LEDGER_URI=uri).stdout)
    assert told["latest_runs"]["to_spotio"]["status"] == "done"
    assert told["rows"]["sync_links"] == 2
