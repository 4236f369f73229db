"""The command ``reverse-sf simulator`` as a process: start, announce, refuse, end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from reverse_sf.simulator.errors import ControlError, StartError
from reverse_sf.simulator.local import running

COMMAND = [sys.executable, "-m", "reverse_sf.simulator"]
FREE = ["--salesforce-port", "0", "--spotio-port", "0", "--records", "50"]


def start(*arguments):
    return subprocess.Popen(
        [*COMMAND, *FREE, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_servers_cleanly(number):
    process = start()
    first, second = process.stdout.readline(), process.stdout.readline()
    assert first.startswith("Salesforce  http://127.0.0.1:")
    assert second.startswith("SPOTIO      http://127.0.0.1:")
    process.send_signal(number)
    _, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (0, "")


def test_the_servers_end_with_the_parent_that_started_them():
    process = start("--stop-on-eof", "--announce", "-")
    assert json.loads(process.stdout.readline())["authority"] is None
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()
    process.stderr.close()


def test_a_taken_port_is_refused_by_name_and_number():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, "--salesforce-port", "0", "--spotio-port", str(port)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode != 0
        assert f"the SPOTIO server cannot listen on port {port}" in done.stderr
        assert "Traceback" not in done.stderr
        with pytest.raises(StartError, match=str(port)), running(spotio_port=port):
            pass


def variables(*arguments):
    done = subprocess.run(
        [*COMMAND, "env", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_env_points_taps_and_targets_at_the_servers(tmp_path):
    default = variables()
    assert default["TAP_SALESFORCE_LOGIN_URL"] == "http://127.0.0.1:8730"
    assert default["TARGET_SPOTIO_API_URL"] == "http://127.0.0.1:8731"
    assert variables("--salesforce-port", "1234", "--tls")["TAP_SALESFORCE_INSTANCE_URL"] == (
        "https://127.0.0.1:1234"
    )
    announced = tmp_path / "places.json"
    process = start("--announce", str(announced))
    process.stdout.readline()
    found = variables("--announce", str(announced))
    assert found["TAP_SALESFORCE_LOGIN_URL"] == json.loads(announced.read_text())["salesforce_url"]
    form = {
        "grant_type": "refresh_token",
        "client_id": found["TAP_SALESFORCE_CLIENT_ID"],
        "client_secret": found["TAP_SALESFORCE_CLIENT_SECRET"],
        "refresh_token": found["TAP_SALESFORCE_REFRESH_TOKEN"],
    }
    url = f"{found['TAP_SALESFORCE_LOGIN_URL']}/services/oauth2/token"
    assert httpx.post(url, data=form, trust_env=False).status_code == 200
    key = {
        "clientId": found["TARGET_SPOTIO_CLIENT_ID"],
        "secret": found["TARGET_SPOTIO_CLIENT_SECRET"],
    }
    url = f"{found['TARGET_SPOTIO_API_URL']}/api/users/apitoken"
    assert httpx.post(url, json=key, trust_env=False).status_code == 200
    process.terminate()
    process.communicate(timeout=20)


def test_two_pairs_run_side_by_side_and_the_same_seed_makes_the_same_world():
    with running(records=60, seed=7) as one, running(records=60, seed=7) as two:
        assert one.salesforce_url != two.salesforce_url
        for name in ("Account", "Contact", "Lead", "User"):
            assert one.salesforce.rows(name) == two.salesforce.rows(name)
        account = one.salesforce.rows("Account")[0]["Id"]
        one.salesforce.edit(object="Account", id=account, set={"Phone": "changed"})
        assert one.salesforce.rows("Account") != two.salesforce.rows("Account")
        one.reset()
        assert one.salesforce.rows("Account") == two.salesforce.rows("Account")


def test_another_seed_makes_another_world_and_empty_makes_none():
    with running(records=60, seed=8) as one, running(empty=True) as none:
        assert one.salesforce.rows("Account")
        assert none.salesforce.rows("Account") == []
        assert none.salesforce.rows("User") == one.salesforce.rows("User")


def test_what_is_kept_on_disk_is_there_after_a_restart(tmp_path):
    with running(records=60, data=tmp_path / "state") as servers:
        made = servers.salesforce.edit(object="Account", create={"Name": "Kept"})["id"]
        count = len(servers.salesforce.rows("Account"))
    with running(records=60, data=tmp_path / "state") as servers:
        rows = servers.salesforce.rows("Account")
        assert len(rows) == count
        assert [row["Name"] for row in rows if row["Id"] == made] == ["Kept"]


def test_each_server_has_its_own_clock_log_faults_and_switches():
    with running(records=20) as servers:
        salesforce, spotio = servers.salesforce, servers.spotio
        salesforce.clock(set="2030-01-01T00:00:00Z", frozen=True)
        assert salesforce.clock() == "2030-01-01T00:00:00+00:00"
        assert not spotio.clock().startswith("2030-01-01")
        salesforce.fault({"path": "/services/data"}, {"status": 500})
        answer = httpx.get(f"{salesforce.url}/services/data", trust_env=False)
        assert answer.json()[0]["errorCode"] == "UNKNOWN_EXCEPTION"
        assert (salesforce.last(), spotio.last()) == (1, 0)
        assert spotio.faults() == []
        assert set(salesforce.switches()) != set(spotio.switches())
        with pytest.raises(ControlError, match="no_such_switch"):
            spotio.switches(no_such_switch=1)
