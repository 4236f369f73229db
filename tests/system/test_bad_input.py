"""Bad input gets one clear message, a documented exit code, and loses nothing."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from reverse_sf.errors import Exit
from tests.conftest import ROOT, without_users
from tests.system.calls import writes
from tests.system.expectation import differences
from tests.system.pipeline import BIN
from tests.system.servers_fixture import pipeline, small_world

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers
    from tests.system.pipeline import Pipeline
    from tests.system.warm.runner import Ended

__all__ = ["pipeline", "small_world"]

TAP, MAPPER, TARGET = 0, 1, 2


def the_one_message(ended: Ended, part: int) -> str:
    """What a part said when it failed; there must be one message and no traceback."""
    said = ended.errors[part]
    assert "Traceback" not in said, said
    messages = [line for line in said.splitlines() if ": error: " in line]
    assert len(messages) == 1, said
    return said[said.index(messages[0]) :]


def changed_definition(pipeline: Pipeline, old: str, new: str) -> None:
    """Give the pipeline a sync.yml in which one thing is wrong."""
    text = without_users((ROOT / "sync.yml").read_text())
    assert old in text
    pipeline.sync_file = pipeline.folder / "sync.yml"
    pipeline.sync_file.write_text(text.replace(old, new, 1))


def test_a_wrong_salesforce_secret_is_refused(pipeline: Pipeline) -> None:
    pipeline.tap = {"client_secret": "not-the-secret"}
    ended = pipeline.run()
    assert ended.codes[TAP] == Exit.REFUSED
    message = the_one_message(ended, TAP)
    assert "invalid client credentials" in message
    assert "client_secret" in message
    assert "not-the-secret" not in "".join(ended.errors)


def test_a_wrong_salesforce_password_is_refused(pipeline: Pipeline) -> None:
    pipeline.tap = {
        "client_id": None,
        "client_secret": None,
        "refresh_token": None,
        "username": "ops@example.com.demo",
        "password": "not-the-password",
        "security_token": "demo-token",
    }
    ended = pipeline.run()
    assert ended.codes[TAP] == Exit.REFUSED
    assert "INVALID_LOGIN" in the_one_message(ended, TAP)
    assert "not-the-password" not in "".join(ended.errors)


def test_an_unknown_object_is_named(pipeline: Pipeline) -> None:
    pipeline.select = ("Acount",)
    ended = pipeline.run()
    assert ended.codes[TAP] == Exit.CONFIGURATION
    message = the_one_message(ended, TAP)
    assert "Acount" in message
    assert "Account" in message


def test_a_misspelt_salesforce_field_is_named(
    pipeline: Pipeline, small_world: LocalServers
) -> None:
    changed_definition(pipeline, "salesforce: AnnualRevenue", "salesforce: AnualRevenue")
    ended = pipeline.run()
    assert ended.codes[MAPPER] == Exit.CONFIGURATION
    message = the_one_message(ended, MAPPER)
    assert "AnualRevenue" in message
    assert "Account" in message
    assert writes(small_world.spotio, 0) == []


def test_a_misspelt_spotio_field_is_named(pipeline: Pipeline, small_world: LocalServers) -> None:
    changed_definition(pipeline, "spotio: Billing Email", "spotio: Biling Email")
    ended = pipeline.run()
    assert ended.codes[TARGET] == Exit.CONFIGURATION
    assert "Biling Email" in the_one_message(ended, TARGET)
    assert writes(small_world.spotio, 0) == []
    pipeline.sync_file = ROOT / "sync.yml"
    assert pipeline.run().ended_well
    assert differences(small_world) == []


def test_invalid_yaml_is_reported_with_its_line(pipeline: Pipeline) -> None:
    changed_definition(pipeline, "match: [external_id]", "match: [external_id")
    ended = pipeline.run()
    assert ended.codes[MAPPER] == Exit.CONFIGURATION
    assert "line" in the_one_message(ended, MAPPER)


def test_several_mistakes_are_reported_together(pipeline: Pipeline) -> None:
    changed_definition(pipeline, "rule: two_way}", "rule: both_ways}")
    text = pipeline.sync_file.read_text()
    pipeline.sync_file.write_text(text.replace("skip_geocoding: false", "skip_geocodin: false"))
    ended = pipeline.run()
    message = the_one_message(ended, MAPPER)
    assert "both_ways" in message
    assert "skip_geocodin" in message


def test_a_missing_ledger_folder_is_named(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.mapper = {"ledger_uri": f"sqlite:///{tmp_path}/nowhere/ledger.db"}
    ended = pipeline.run()
    assert ended.codes[MAPPER] == Exit.CONFIGURATION
    assert "nowhere" in the_one_message(ended, MAPPER)
    assert not pipeline.state_file.exists()


def test_an_expired_spotio_token_is_renewed(pipeline: Pipeline, small_world: LocalServers) -> None:
    pipeline.target = {"bulk_threshold": 20}
    small_world.spotio.fault({"path": "/api/jobs", "nth": 2}, {"status": 401, "times": 1})
    ended = pipeline.run()
    assert ended.ended_well, ended
    assert differences(small_world) == []
    minted = [each for each in small_world.spotio.requests() if each["path"].endswith("/apitoken")]
    assert len(minted) == 2


def test_a_wrong_spotio_secret_is_refused(pipeline: Pipeline) -> None:
    pipeline.target = {"client_secret": "not-the-secret"}
    ended = pipeline.run()
    assert ended.codes[TARGET] == Exit.REFUSED
    message = the_one_message(ended, TARGET)
    assert "ClientId and Secret do not exist" in message
    assert "not-the-secret" not in "".join(ended.errors)
    assert not pipeline.state_file.exists()


def test_the_key_of_a_sales_user_is_refused(pipeline: Pipeline, small_world: LocalServers) -> None:
    pipeline.target = {"client_id": "sales-client", "client_secret": "sales-secret"}
    ended = pipeline.run()
    assert ended.codes[TARGET] == Exit.REFUSED
    message = the_one_message(ended, TARGET)
    assert "Sales" in message
    assert "Admin" in message
    assert writes(small_world.spotio, 0) == []


@pytest.mark.parametrize(
    ("old", "what"),
    [
        pytest.param(
            "      - {spotio: Company, salesforce: Name, rule: salesforce_only}\n",
            "Company",
            id="required in SPOTIO",
        ),
    ],
)
def test_a_missing_required_mapping_is_found_before_the_run(
    old: str, what: str, pipeline: Pipeline, small_world: LocalServers
) -> None:
    changed_definition(pipeline, old, "")
    ended = subprocess.run(
        [BIN / "reverse-sf", "check", "--sync-file", pipeline.sync_file, "--json"],
        env={**os.environ, **small_world.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == Exit.CONFIGURATION, ended.stderr
    problems = json.loads(ended.stdout)["problems"]
    errors = [each for each in problems if each["severity"] == "error"]
    assert any(what in each["message"] for each in errors), errors
