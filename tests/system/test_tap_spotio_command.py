"""The command tap-spotio in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from reverse_sf.errors import Exit
from tests.contract.tap_spotio_fixtures import (  # noqa: F401 - fixtures are asked for by name
    run_tap,
    settings_of,
    spotio,
    started,
)


def start(settings, folder, *arguments):
    """Start the command; what it says goes to ``said`` there."""
    config = folder / "config.json"
    config.write_text(json.dumps(settings))
    with (folder / "said").open("w") as said:
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from tap_spotio.tap import main; main()",
                "--config",
                str(config),
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            text=True,
        )


def ended(process, folder):
    with process.stdout:
        out = process.stdout.read()
    return process.wait(60), out, (folder / "said").read_text()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"client_secret": "a-wrong-secret"}, Exit.REFUSED, "does not accept client_id"),
        (
            {"client_id": "sales-client", "client_secret": "sales-secret"},
            Exit.REFUSED,
            "whose role is Sales",
        ),
        ({"record_types": ["Acounts"]}, Exit.CONFIGURATION, "did you mean Accounts?"),
        ({"lookback_window": -1}, Exit.CONFIGURATION, "lookback_window"),
        ({"start_date": "yesterday"}, Exit.CONFIGURATION, "start_date: 'yesterday' is not"),
        ({"client_id": None}, Exit.CONFIGURATION, "client_id"),
    ],
    ids=["secret", "role", "type", "lookback", "date", "no key"],
)
def test_a_mistake_ends_with_one_clear_message_and_its_code(spotio, tmp_path, change, code, words):  # noqa: F811
    settings = {**settings_of(spotio), **change}
    settings = {name: value for name, value in settings.items() if value is not None}
    returned, _, said = ended(start(settings, tmp_path), tmp_path)
    assert returned == code, said
    assert said.count("tap-spotio: error:") == 1
    assert words in said
    assert "Traceback" not in said
    assert "a-wrong-secret" not in said
    assert "sales-secret" not in said


def test_a_state_that_cannot_be_read_is_named(spotio, tmp_path):  # noqa: F811
    state = tmp_path / "state.json"
    bookmark = {"replication_key": "updatedAt", "replication_key_value": "soon"}
    state.write_text(json.dumps({"bookmarks": {"Leads": bookmark}}))
    process = start(settings_of(spotio), tmp_path, "--state", str(state))
    returned, _, said = ended(process, tmp_path)
    assert returned == Exit.CONFIGURATION
    assert "bookmarks.Leads.replication_key_value: not a moment in time: 'soon'" in said


def test_discovery_and_a_read_by_its_catalog(spotio, tmp_path):  # noqa: F811
    returned, out, said = ended(start(settings_of(spotio), tmp_path, "--discover"), tmp_path)
    assert returned == Exit.DONE, said
    catalog = json.loads(out)
    for entry in catalog["streams"]:
        (root,) = (one for one in entry["metadata"] if not one["breadcrumb"])
        root["metadata"]["selected"] = True
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps(catalog))
    process = start(settings_of(spotio), tmp_path, "--catalog", str(file))
    returned, out, said = ended(process, tmp_path)
    assert returned == Exit.DONE, said
    records = [one for one in map(json.loads, out.splitlines()) if one["type"] == "RECORD"]
    assert {one["record"]["id"] for one in records} >= set(run_tap(settings_of(spotio)).by_id)


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_tap_between_two_lines_and_leaves_the_state(spotio, tmp_path, asked):  # noqa: F811
    spotio.fault({"path": "/api/DataObjects/many"}, {"delay_s": 2, "times": 50})
    process = start(settings_of(spotio), tmp_path)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if '"Opportunities"' in line:
            process.send_signal(asked)
            break
    returned, out, said = ended(process, tmp_path)
    assert returned == Exit.UNEXPECTED, said
    assert "Traceback" not in said
    messages = [json.loads(line) for line in [*lines, *out.splitlines()]]
    states = [one["value"] for one in messages if one["type"] == "STATE"]
    assert not any("replication_key_value" in json.dumps(one) for one in states)
