"""connect, connection and disconnect against both local servers, with a browser of our own."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from click.testing import CliRunner

from reverse_sf.cli import connect as connect_module
from reverse_sf.cli.main import cli
from reverse_sf.cli.meltano_settings import MeltanoSettings
from reverse_sf.errors import ConfigurationError, LoginError, RetryError, UsageError
from reverse_sf.mapping.describe import SalesforceOrg
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.permissions import missing_permissions
from reverse_sf.salesforce.authorization import Consent
from reverse_sf.simulator.local import running
from tests.unit.test_mapping_proof import HEAD, LEAD, NAME

SYNC_FILE = Path(__file__).resolve().parents[2] / "sync.yml"


@pytest.fixture(scope="module")
def servers():
    with running(records=1) as started:
        yield started


class Browser:
    """Opens the consent page, answers it, and goes where Salesforce sends it."""

    def __init__(self, decision: str = "allow", before: tuple[str, ...] = ()) -> None:
        self.decision = decision
        self.before = before
        self.asked: dict[str, list[str]] = {}

    def open(self, address: str) -> bool:
        self.asked = parse_qs(urlsplit(address).query)
        threading.Thread(target=self._answer, args=(address,), daemon=True).start()
        return True

    def _answer(self, address: str) -> None:
        callback = self.asked["redirect_uri"][0]
        for stray in self.before:
            requests.get(f"{callback.rpartition('/')[0]}{stray}", timeout=10)
        page = requests.get(address, timeout=10)
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        form = {name: value.replace("&amp;", "&") for name, value in form.items()}
        form["decision"] = self.decision
        back = requests.post(address, data=form, timeout=10, allow_redirects=False)
        requests.get(back.headers["Location"], timeout=10)


class Kept(MeltanoSettings):
    """Meltano's settings without Meltano; its own part is in tests/system."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "meltano")
        self.values: dict[tuple[str, str], str] = {}

    def keep(self, plugin, settings):
        self.values |= {(plugin, name): value for name, value in settings.items()}

    def forget(self, plugin, names):
        for name in names:
            del self.values[plugin, name]

    def holds(self, plugin, name):
        return (plugin, name) in self.values


@pytest.fixture
def kept(servers, tmp_path, monkeypatch):
    for name, value in servers.environment().items():
        monkeypatch.setenv(name, value)
    store = Kept(tmp_path)
    monkeypatch.setattr(MeltanoSettings, "of_project", classmethod(lambda _: store))
    return store


def run(*words: str, **options):
    return CliRunner().invoke(cli, list(words), **options)


def connect(monkeypatch, browser: Browser, *options: str):
    monkeypatch.setattr(connect_module.webbrowser, "open", browser.open)
    return run("connect", "salesforce", "--port", "0", "--wait", "20", *options)


def test_consent_in_the_browser_keeps_a_refresh_token_and_shows_none(kept, monkeypatch):
    browser = Browser()
    ran = connect(monkeypatch, browser, "--json")
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["user"] == "integration.user@example.com.demo"
    assert browser.asked["code_challenge_method"] == ["S256"]
    assert "client_secret" not in browser.asked
    token = kept.values["tap-salesforce", "refresh_token"]
    assert token != "demo-refresh-token"
    assert token not in ran.output
    monkeypatch.setenv("TAP_SALESFORCE_REFRESH_TOKEN", token)
    answer = json.loads(run("connection", "--json", "--sync-file", str(SYNC_FILE)).stdout)
    assert answer["salesforce"]["connected"]


@pytest.mark.parametrize(
    ("known", "url", "kept"),
    [
        ({}, "https://login.salesforce.com", {}),
        ({}, "https://test.salesforce.com", {"is_sandbox": "true"}),
        ({"is_sandbox": "true"}, "https://test.salesforce.com", {}),
        ({"domain": "acme.my"}, "https://acme.my.salesforce.com", {}),
        ({"login_url": "https://test.salesforce.com"}, "https://test.salesforce.com", {}),
        *(
            (known, url, {"login_url": url})
            for known, url in (
                ({}, "https://acme.my.salesforce.com"),
                ({"is_sandbox": "true"}, "https://login.salesforce.com"),
                ({"domain": "acme.my"}, "https://test.salesforce.com"),
                ({"login_url": "https://a.example.com"}, "https://b.example.com"),
            )
        ),
    ],
)
def test_the_host_is_kept_only_where_the_settings_lead_elsewhere(known, url, kept):
    assert connect_module.host_setting(known, url) == kept


def test_a_denial_ends_with_salesforces_words_and_keeps_nothing(kept, monkeypatch):
    ran = connect(monkeypatch, Browser(decision="deny"))
    assert isinstance(ran.exception, LoginError)
    assert "denied authorization" in str(ran.exception)
    assert kept.values == {}


def test_a_page_of_somebody_else_answers_nothing(kept, monkeypatch):
    forged = "/OauthRedirect?code=forged&state=guessed"
    ran = connect(monkeypatch, Browser(before=("/", forged)))
    assert ran.exit_code == 0, ran.output
    assert kept.values["tap-salesforce", "refresh_token"]


def test_a_code_is_worth_nothing_without_its_verifier(servers):
    with (
        Consent(servers.salesforce_url, "demo-consumer-key", port=0) as asked,
        Consent(servers.salesforce_url, "demo-consumer-key", port=0) as other,
    ):
        Browser().open(asked.address)
        code = asked.wait(20)
        other._server.server_port = asked._server.server_port
        with pytest.raises(LoginError, match="invalid code verifier"):
            other.redeem(code)


def test_nobody_answering_is_told_and_a_taken_port_too(servers):
    with Consent(servers.salesforce_url, "demo-consumer-key", port=0) as asked:
        with pytest.raises(RetryError, match="nobody has answered"):
            asked.wait(0.01)
        taken = urlsplit(asked.callback).port
        with pytest.raises(ConfigurationError, match="--port"):
            Consent(servers.salesforce_url, "demo-consumer-key", port=taken)


def test_an_address_that_would_send_secrets_in_the_clear_is_refused(kept):
    ran = run("connect", "salesforce", "--login-url", "http://acme.example.com")
    assert isinstance(ran.exception, ConfigurationError)
    both = run("connect", "salesforce", "--login-url", "https://a.example.com", "--sandbox")
    assert isinstance(both.exception, UsageError)


def test_a_spotio_key_is_kept_once_spotio_accepts_it(kept, monkeypatch):
    monkeypatch.delenv("TARGET_SPOTIO_CLIENT_SECRET")
    ran = run("connect", "spotio", "--json", input="demo-secret\n")
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["user"] == "admin.user@example.com"
    assert kept.values["target-spotio", "client_secret"] == "demo-secret"
    assert "demo-secret" not in ran.output
    kept.values.clear()
    refused = run("connect", "spotio", input="wrong\n")
    assert isinstance(refused.exception, LoginError)
    assert kept.values == {}


def test_the_secret_of_an_old_key_is_not_taken_for_a_new_one(kept, monkeypatch):
    monkeypatch.setenv("TARGET_SPOTIO_CLIENT_ID", "old")
    monkeypatch.setenv("TARGET_SPOTIO_CLIENT_SECRET", "old-secret")
    ran = run("connect", "spotio", "--client-id", "demo-client", input="demo-secret\n")
    assert ran.exit_code == 0, ran.output
    assert kept.values["target-spotio", "client_id"] == "demo-client"


def test_connection_says_what_is_not_configured_and_what_is_refused(kept, monkeypatch):
    monkeypatch.setenv("TAP_SALESFORCE_REFRESH_TOKEN", "revoked")
    monkeypatch.delenv("TARGET_SPOTIO_CLIENT_ID")
    ran = run("connection", "--json", standalone_mode=False)
    answer = json.loads(ran.stdout)
    assert not answer["salesforce"]["connected"]
    assert "expired access/refresh token" in answer["salesforce"]["message"]
    assert "reverse-sf connect spotio" in answer["spotio"]["message"]
    assert ran.return_value == 3


def test_disconnect_revokes_the_token_and_forgets_it(kept, monkeypatch):
    connect(monkeypatch, Browser())
    token = kept.values["tap-salesforce", "refresh_token"]
    monkeypatch.setenv("TAP_SALESFORCE_REFRESH_TOKEN", token)
    answer = json.loads(run("disconnect", "salesforce", "--json").stdout)
    assert answer["revoked"]
    assert answer["forgotten"] == ["refresh_token"]
    assert answer["elsewhere"] == ["client_secret"]
    assert ("tap-salesforce", "refresh_token") not in kept.values
    after = json.loads(run("connection", "--json").stdout)
    assert not after["salesforce"]["connected"]


def test_rights_that_the_definition_needs_are_named_one_by_one():
    text = HEAD + NAME + "      - {spotio: Notes, salesforce: Notes__c, rule: two_way}\n"
    definition = parse(text + "      - {spotio: X, salesforce: Hidden__c, rule: two_way}\n")
    fields = {
        name: one if name != "Notes__c" else type(one)(name, createable=True)
        for name, one in LEAD.fields.items()
    }
    lead = type(LEAD)("Lead", fields, createable=False)
    assert missing_permissions(definition, SalesforceOrg({"Lead": lead})) == [
        "read Lead.Hidden__c: the user does not see the field",
        "create Lead records",
        "edit Lead.Notes__c",
    ]
    assert missing_permissions(definition, SalesforceOrg({})) == [
        "read Lead: the user does not see the object"
    ]
