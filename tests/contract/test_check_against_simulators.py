"""reverse-sf check against both local servers, as a newcomer would run it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.cli.systems import salesforce_client, spotio_client
from reverse_sf.errors import AccessError, ConfigurationError, LoginError
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Side
from reverse_sf.simulator.local import running
from reverse_sf.spotio.company import company_id
from tests.conftest import without_users
from tests.postgresql import postgresql_server

__all__ = ["postgresql_server"]

SYNC_FILE = Path(__file__).resolve().parents[2] / "sync.yml"


@pytest.fixture(scope="module")
def servers():
    with running(records=20) as started:
        yield started


@pytest.fixture
def connected(servers, monkeypatch):
    for name, value in servers.environment().items():
        monkeypatch.setenv(name, value)


def check(sync_file: Path = SYNC_FILE, *options: str):
    words = ["check", "--json", "--sync-file", str(sync_file), *options]
    return CliRunner().invoke(cli, words)


def test_the_demo_definition_fits_the_demo_org_and_tenant(connected):
    ran = check()
    answer = json.loads(ran.stdout)
    assert answer["ok"] is True, answer["problems"]
    assert ran.exit_code == 0
    warned = {one["message"] for one in answer["problems"] if one["severity"] == "warning"}
    assert any("Agriculture" in one for one in warned)
    assert any("Purchased List" in one for one in warned)
    assert all(
        0 < one["spotio_mapped"] <= one["spotio_mappable"]
        and 0 < one["salesforce_mapped"] <= one["salesforce_mappable"]
        for one in answer["coverage"]
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("salesforce: Opportunity", "salesforce: Oportunity"),
        ("spotio: Opportunities", "spotio: Oportunities"),
        ("spotio: Website", "spotio: Webseite"),
        ("salesforce: NumberOfEmployees", "salesforce: NumberOfEmploees"),
        ("Telecom: Telecommunications", "Telecomm: Telecommunications"),
        ("Prospecting: Prospecting", "Prospektin: Prospecting"),
        ("Type: [Prospect, Customer]", "Type: [Prospekt, Customer]"),
        ("spotio_default: ops@example.com", "spotio_default: opps@example.com"),
    ],
)
def test_one_misspelt_name_is_one_error_with_its_line_and_the_right_name(
    connected, tmp_path, old, new
):
    text = SYNC_FILE.read_text()
    at = text.index(old)
    (tmp_path / "sync.yml").write_text(text[:at] + new + text[at + len(old) :])
    ran = check(tmp_path / "sync.yml")
    assert isinstance(ran.exception, ConfigurationError)
    errors = [one for one in json.loads(ran.stdout)["problems"] if one["severity"] == "error"]
    assert len(errors) == 1, errors
    assert "did you mean" in errors[0]["message"]
    assert errors[0]["line"] >= text[:at].count("\n")


def test_a_misspelt_value_of_an_open_picklist_is_a_warning_with_the_right_name(connected, tmp_path):
    text = SYNC_FILE.read_text().replace(
        "Telecom: Telecommunications", "Telecom: Telecomunications", 1
    )
    (tmp_path / "sync.yml").write_text(text)
    said = [one["message"] for one in json.loads(check(tmp_path / "sync.yml").stdout)["problems"]]
    assert any("did you mean Telecommunications?" in one for one in said)


def test_a_user_that_salesforce_does_not_have_is_an_error(connected, tmp_path):
    text = SYNC_FILE.read_text().replace("salesforce_default: ops@", "salesforce_default: opps@", 1)
    (tmp_path / "sync.yml").write_text(text)
    errors = [
        one
        for one in json.loads(check(tmp_path / "sync.yml").stdout)["problems"]
        if one["severity"] == "error"
    ]
    assert len(errors) == 1
    assert errors[0]["message"].startswith("Salesforce has no user opps@example.com")


def test_a_wrong_secret_of_either_side_is_a_login_error(connected, monkeypatch):
    monkeypatch.setenv("TARGET_SPOTIO_CLIENT_SECRET", "not-the-secret")
    assert isinstance(check().exception, LoginError)
    monkeypatch.setenv("TAP_SALESFORCE_REFRESH_TOKEN", "not-the-token")
    assert isinstance(check().exception, LoginError)


def test_a_key_of_a_sales_user_is_refused_because_it_sees_less(connected, monkeypatch):
    monkeypatch.setenv("TARGET_SPOTIO_CLIENT_ID", "sales-client")
    monkeypatch.setenv("TARGET_SPOTIO_CLIENT_SECRET", "sales-secret")
    ran = check()
    assert isinstance(ran.exception, AccessError)
    assert "Sales" in str(ran.exception)


def test_the_check_writes_nothing(connected, servers):
    marks = servers.salesforce.last(), servers.spotio.last()
    check()
    sent = [
        *servers.salesforce.requests(since=marks[0]),
        *servers.spotio.requests(since=marks[1]),
    ]
    writes = [
        (one["method"], one["path"])
        for one in sent
        if one["method"] != "GET" and "token" not in one["path"].lower()
    ]
    assert sent
    assert writes == []


@pytest.mark.parametrize(
    ("side", "name"), [(Side.SALESFORCE, "Salesforce org"), (Side.SPOTIO, "SPOTIO company")]
)
def test_a_ledger_of_another_org_or_company_is_one_error(connected, tmp_path, side, name):
    uri = f"sqlite:///{tmp_path}/a ledger?.db".replace("?", "%3F")
    with Ledger.open(uri) as ledger:
        ledger.pin_identity(side, "00D00000000000XAAA")
    ran = check(SYNC_FILE, "--ledger-uri", uri)
    assert isinstance(ran.exception, ConfigurationError)
    assert f"belongs to the {name} 00D00000000000XAAA, but this run is" in str(ran.exception)
    assert json.loads(ran.stdout)["ok"] is False


def test_its_own_ledger_is_read_though_a_run_holds_it_and_is_left_as_it_is(connected, tmp_path):
    file = tmp_path / "ledger.db"
    uri = f"sqlite:///{file}"
    with Ledger.open(uri) as ledger:
        with closing(salesforce_client()) as client, closing(spotio_client()) as spotio:
            ledger.pin_identity(Side.SALESFORCE, client.organization_id)
            ledger.pin_identity(Side.SPOTIO, company_id(spotio.session))
        with ledger._writing() as connection:
            connection.exec_driver_sql("DELETE FROM sync_migrations WHERE version > 1")
        before = file.read_bytes()
        with ledger._writing():
            ran = check(SYNC_FILE, "--ledger-uri", uri)
        assert ran.exit_code == 0, ran.exception
        assert file.read_bytes() == before
        with ledger._reading() as connection:
            told = connection.exec_driver_sql("SELECT count(*) FROM sync_migrations").scalar()
        assert told == 1, "an older ledger is not brought up to date"


def test_a_ledger_that_is_not_there_is_not_made_nor_its_folder(connected, tmp_path, monkeypatch):
    assert check(SYNC_FILE, "--ledger-uri", f"sqlite:///{tmp_path}/no/one.db").exit_code == 0
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".meltano").mkdir()
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    assert check().exit_code == 0
    assert list(tmp_path.rglob("*.db")) == []


def test_what_is_no_ledger_is_an_error_of_the_setting(connected, tmp_path):
    (tmp_path / "text.db").write_text("no database" * 100)
    ran = check(SYNC_FILE, "--ledger-uri", f"sqlite:///{tmp_path}/text.db")
    assert isinstance(ran.exception, ConfigurationError)
    assert "text.db" in str(ran.exception)


def test_a_ledger_on_a_server_is_asked_too(connected, postgresql_server):
    uri = postgresql_server.new_database()
    assert check(SYNC_FILE, "--ledger-uri", uri).exit_code == 0, "nobody's yet"
    with Ledger.open(uri) as ledger:
        ledger.pin_identity(Side.SPOTIO, "another")
    ran = check(SYNC_FILE, "--ledger-uri", uri)
    assert isinstance(ran.exception, ConfigurationError)
    assert "SPOTIO company another" in str(ran.exception)


def test_what_a_run_would_withhold_of_users_is_told_beforehand(connected, servers, tmp_path):
    users = (
        "users:\n  roles:\n"
        "    - {spotio_role: Captain, only_when: {UserRole.Name: [Sales Rap]}}\n"
        "    - {spotio_role: Sales Rep 2, only_when: {Profile.Name: [Sales User]}}\n"
        "    - {spotio_role: Sales, usernames: [unknown.person@elsewhere.org]}\n"
    )
    file = tmp_path / "sync.yml"
    text = without_users(SYNC_FILE.read_text())
    file.write_text(text.replace("\nobjects:\n", f"\n{users}\nobjects:\n", 1))
    salesforce = servers.salesforce
    salesforce.edit(object="User", id="005000000000001AAA", set={"Email": "rep.one@example.com"})
    try:
        ran = check(file)
    finally:
        salesforce.reset()
    answer = json.loads(ran.stdout)
    assert answer["ok"] is True, "users stop no sync of records"
    shared = (
        "2 users who are selected have the Email rep.one@example.com, and none of them is synced:"
        " rep.one@example.com.demo, rep.two@example.com.demo"
    )
    told = {
        (one["path"], one["message"])
        for one in answer["problems"]
        if one["path"].startswith("users") and one["severity"] == "warning"
    }
    assert told == {
        ("users.roles[0].spotio_role", "no user of SPOTIO has the role Captain"),
        (
            "users.roles[0].only_when.UserRole.Name",
            "Salesforce has no role Sales Rap; did you mean Sales Rep?: it selects nobody",
        ),
        ("users.roles[2].usernames[0]", "Salesforce has no user unknown.person@elsewhere.org"),
        ("users", shared),
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("- spotio: Visit", "- spotio: Vsit", "no activity template 'Vsit'; did you mean Visit?"),
        (
            "VisitResult: Result__c",
            "VisitResult: {salesforce: Result__c, choices: {Intrested: Yes}}",
            "Visit has no result 'Intrested'; did you mean Interested?",
        ),
        ("Distance: Distance__c", "Distance: Distanse__c", "did you mean Distance__c?"),
        ("Activity Date: ActivityDate", "Activity Date: Minutes__c", "does not fit Minutes__c"),
        ("time_zone: GMT", "time_zone: America/Denver", "the Salesforce org's time zone is GMT"),
    ],
)
def test_what_is_wrong_with_activities_is_told_before_the_first_run(
    connected, tmp_path, old, new, words
):
    text = SYNC_FILE.read_text()
    assert old in text
    (tmp_path / "sync.yml").write_text(text.replace(old, new, 1))
    said = json.loads(check(tmp_path / "sync.yml").stdout)["problems"]
    assert any(words in one["message"] for one in said), said


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Sitte: HQ", "no field Sitte"),
        ("CreatedDate: 2026-01-01T00:00:00Z", "CreatedDate cannot be set when a record is created"),
    ],
)
def test_a_value_that_no_created_record_could_get_is_an_error(connected, tmp_path, said, words):
    text = SYNC_FILE.read_text()
    at = text.index("    to_salesforce:\n      enabled: true\n")
    line = f"    to_salesforce:\n      set_on_create: {{{said}}}\n      enabled: true\n"
    whole = text[:at] + line + text[at + len("    to_salesforce:\n      enabled: true\n") :]
    (tmp_path / "sync.yml").write_text(whole.replace("2026-01-01T00:00:00Z", "'2026'"))
    said_of_it = json.loads(check(tmp_path / "sync.yml").stdout)["problems"]
    assert any(words in one["message"] for one in said_of_it), said_of_it
