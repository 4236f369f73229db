"""The command tap-salesforce in a process of its own."""

from __future__ import annotations

import json

import pytest

from reverse_sf.errors import Exit
from reverse_sf.simulator.connection import CONSUMER_SECRET, INTEGRATION_USERNAME, REFRESH_TOKEN
from tests.contract.tap_salesforce_fixtures import (  # noqa: F401 - fixtures are asked for by name
    Output,
    discovered,
    org,
    parsed,
    run_tap,
    servers,
    settings_of,
    start_command,
)


def ended(settings, folder, *arguments):
    process = start_command(settings, folder, *arguments)
    with process.stdout:
        out = process.stdout.read()
    return process.wait(60), out, (folder / "said").read_text()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"refresh_token": "a-wrong-token"}, Exit.REFUSED, "did not accept the login"),
        (
            {
                "client_id": None,
                "username": INTEGRATION_USERNAME,
                "password": "a-wrong-password",
                "security_token": "demo-token",
            },
            Exit.REFUSED,
            "did not accept the login",
        ),
        (
            {"streams_to_discover": ["Acount"]},
            Exit.CONFIGURATION,
            "Acount: no such object, or not visible to this user; did you mean Account?",
        ),
        ({"api_type": "SOAP"}, Exit.CONFIGURATION, "api_type"),
        ({"client_id": None}, Exit.CONFIGURATION, "credentials are not complete"),
        ({"login_url": "http://example.com"}, Exit.CONFIGURATION, "use https"),
        ({"start_date": "yesterday"}, Exit.CONFIGURATION, "start_date: 'yesterday' is not"),
        ({"api_version": "latest"}, Exit.CONFIGURATION, "api_version"),
    ],
    ids=["token", "password", "object", "setting", "no credentials", "address", "date", "version"],
)
def test_a_mistake_ends_with_one_clear_message_and_its_code(org, tmp_path, change, code, words):  # noqa: F811 - a fixture
    settings = {**settings_of(org), **change}
    settings = {name: value for name, value in settings.items() if value is not None}
    returned, _, said = ended(settings, tmp_path)
    assert returned == code, said
    assert said.count("tap-salesforce: error:") == 1
    assert words in said
    assert "Traceback" not in said
    assert not any(secret in said for secret in (CONSUMER_SECRET, REFRESH_TOKEN, "a-wrong"))


def test_a_field_that_has_vanished_since_discovery_is_named(org, tmp_path):  # noqa: F811 - a fixture
    settings = settings_of(org)
    catalog = discovered(settings)
    properties = catalog["streams"][0]["schema"]["properties"]
    properties["Gone__c"] = properties["Description"]
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps(catalog))
    returned, _, said = ended(settings, tmp_path, "--catalog", str(file))
    assert returned == Exit.CONFIGURATION
    assert "No such column 'Gone__c'" in said
    assert "Traceback" not in said


def test_discovery_prints_a_catalog_and_nothing_else(org, tmp_path):  # noqa: F811 - a fixture
    returned, out, _ = ended(settings_of(org, "Account", "Site__c"), tmp_path, "--discover")
    assert returned == Exit.DONE
    names = {stream["tap_stream_id"] for stream in json.loads(out)["streams"]}
    assert names == {"Account", "Site__c"}


def test_no_log_line_holds_a_secret_or_a_record_value(org, tmp_path):  # noqa: F811 - a fixture
    org.edit(object="Account", create={"Name": "Confidential Ltd", "Phone": "+1 555 0199"})
    returned, out, said = ended(settings_of(org), tmp_path)
    assert returned == Exit.DONE
    assert "Confidential Ltd" in out
    secrets = (CONSUMER_SECRET, REFRESH_TOKEN, "Confidential", "555 0199")
    assert not any(secret in said for secret in secrets)


@pytest.mark.parametrize("lines", [40, 90, 150])
def test_a_killed_run_goes_on_from_its_last_state_without_losing_a_row(org, tmp_path, lines):  # noqa: F811 - a fixture
    org.switches(query_page_size=20)
    settings = settings_of(org, api_type="REST", state_message_threshold=10)
    catalog = discovered(settings)
    process = start_command(settings, tmp_path)
    with process.stdout:
        read = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        read.append(process.stdout.read())
    process.wait(60)
    killed = Output(parsed("".join(read)))
    resumed = run_tap(settings, catalog=catalog, state=killed.state)
    assert resumed.error is None
    assert set(killed.by_id("Account")) | set(resumed.by_id("Account")) == {
        row["Id"] for row in org.rows("Account")
    }


def test_an_interrupted_run_writes_whole_lines_and_says_so(org, tmp_path):  # noqa: F811 - a fixture
    org.switches(query_page_size=20)
    org.fault({"path": "/query/", "nth": 2}, {"delay_s": 20})
    process = start_command(settings_of(org, api_type="REST"), tmp_path)
    with process.stdout:
        read = [process.stdout.readline() for _ in range(42)]
        process.terminate()
        read.append(process.stdout.read())
    assert process.wait(60) == Exit.UNEXPECTED
    assert "interrupted" in (tmp_path / "said").read_text()
    out = "".join(read)
    assert out.endswith("\n")
    assert all(json.loads(line) for line in out.splitlines())
