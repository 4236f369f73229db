"""Logins and describes that are kept between runs: used while they hold, never longer."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import httpx
import pytest
import requests

from reverse_sf.errors import LoginError, RetryError
from reverse_sf.salesforce import Credentials, SalesforceClient
from reverse_sf.salesforce.refusals import QueryError
from reverse_sf.spotio.session import Credentials as Key
from reverse_sf.spotio.session import Session
from tests.unit.test_salesforce_session import NO_WAIT, ONE_ACCOUNT, REFRESH, Transport, refused

EXPIRED = refused(401, "INVALID_SESSION_ID")
ACCOUNT = {"name": "Account", "fields": [{"name": "Id"}]}
NEWER = {"name": "Account", "fields": [{"name": "Id"}, {"name": "New__c"}]}


@pytest.fixture(name="run")
def run_fixture(tmp_path):
    """A client of one run; all of them share a folder."""

    def run(*script, **changed):
        credentials = Credentials(**(REFRESH | changed))
        cache = credentials.cache({"cache_folder": str(tmp_path)})
        client = SalesforceClient(credentials, patience=NO_WAIT, cache=cache)
        transport = Transport(*script)
        client.session.mount("https://", transport)
        client.session.mount("http://", transport)
        return client, transport

    return run


def described(answer):
    return 200, answer, {}


def tokens(transport):
    calls = [one for one in transport.sent if "/oauth2/" not in one.url]
    return [one.headers["Authorization"].removeprefix("Bearer ") for one in calls]


def test_a_second_run_goes_on_with_the_login_of_the_first(run):
    run()[0].query(ONE_ACCOUNT)
    client, transport = run()
    client.query(ONE_ACCOUNT)
    assert tokens(transport) == ["session-1"]
    assert transport.logins == client.session.logins == 0


def test_a_kept_login_that_has_expired_is_renewed_and_the_new_one_kept(run):
    run()[0].query(ONE_ACCOUNT)
    client, transport = run(EXPIRED)
    transport.logins = 4
    client.query(ONE_ACCOUNT)
    assert tokens(transport) == ["session-1", "session-5"]
    client, transport = run()
    client.query(ONE_ACCOUNT)
    assert tokens(transport) == ["session-5"]


def test_a_refused_login_leaves_nothing_behind(run):
    run()[0].query(ONE_ACCOUNT)
    client, transport = run(EXPIRED)
    transport.login_answer = 400, {"error": "invalid_grant"}, {}
    with pytest.raises(LoginError):
        client.query(ONE_ACCOUNT)
    client, transport = run()
    client.query(ONE_ACCOUNT)
    assert transport.logins == 1


@pytest.mark.parametrize("changed", ["client_secret", "refresh_token", "client_id"])
def test_other_credentials_log_in_for_themselves(run, changed):
    run()[0].query(ONE_ACCOUNT)
    client, transport = run(**{changed: "another"})
    client.query(ONE_ACCOUNT)
    assert transport.logins == 1


def test_a_kept_login_whose_host_does_not_answer_is_forgotten(run):
    run()[0].query(ONE_ACCOUNT)
    gone = [requests.exceptions.ConnectionError("no such host")] * NO_WAIT.tries
    with pytest.raises(RetryError):
        run(*gone)[0].query(ONE_ACCOUNT)
    client, transport = run()
    client.query(ONE_ACCOUNT)
    assert transport.logins == 1


def test_salesforces_time_is_known_before_its_first_answer(run):
    ahead = datetime.now(timezone.utc) + timedelta(hours=2)
    client, transport = run()
    transport.login_answer = (*transport._session()[:2], {"Date": format_datetime(ahead)})
    client.query(ONE_ACCOUNT)
    client, _ = run()
    assert client.salesforce.session_id == "session-0"
    assert not client.session.clock_is_told
    assert abs(client.server_time() - ahead) < timedelta(seconds=30)


def test_a_clock_that_was_set_since_the_login_was_kept_is_kept_with_it(run):
    run()[0].query(ONE_ACCOUNT)
    ahead = datetime.now(timezone.utc) + timedelta(hours=2)
    found = (200, {"records": []}, {"Date": format_datetime(ahead)})
    run(found)[0].query(ONE_ACCOUNT)
    client, _ = run()
    assert client.salesforce.session_id == "session-1"
    assert abs(client.server_time() - ahead) < timedelta(seconds=30)


def test_a_describe_is_asked_for_once_for_all_runs(run):
    assert run(described(ACCOUNT))[0].describe("Account") == ACCOUNT
    client, transport = run()
    assert client.describe("Account") == ACCOUNT
    assert transport.sent == []


def test_who_misses_something_in_a_kept_describe_gets_the_present_one_once(run):
    run(described(ACCOUNT))[0].describe("Account")
    client, transport = run(described(NEWER))
    client.describe("Account")
    assert client.describe_anew("Account") == NEWER
    assert client.describe("Account") == NEWER
    assert client.describe_anew("Account") is None
    assert len(transport.sent) == 1
    assert run()[0].describe("Account") == NEWER
    fresh = run(described(NEWER), client_id="another")[0]
    fresh.describe("Account")
    assert fresh.describe_anew("Account") is None, "what this run was told is the present one"


def test_a_name_that_salesforce_does_not_know_any_more_makes_all_describes_doubtful(run):
    run(described(ACCOUNT))[0].describe("Account")
    client, _ = run(refused(400, "INVALID_FIELD"))
    with pytest.raises(QueryError):
        client.query(ONE_ACCOUNT)
    client, transport = run(described(NEWER))
    assert client.describe("Account") == NEWER
    assert transport.logins == 0, "the login is not in doubt"


def test_a_describe_in_doubt_is_asked_for_by_the_next_run(run):
    first = run(described(ACCOUNT))[0]
    first.describe("Account")
    first.distrust("Account")
    assert run(described(NEWER))[0].describe("Account") == NEWER


def test_a_session_id_that_was_given_is_not_kept(run):
    given = {"session_id": "given", "instance_url": "http://127.0.0.1:8730"}
    run(**given)[0].query(ONE_ACCOUNT)
    client, transport = run(**(given | {"session_id": "given too"}))
    client.query(ONE_ACCOUNT)
    assert tokens(transport) == ["given too"]


class Service:
    """A SPOTIO that numbers its tokens and tells its workflow."""

    def __init__(self, folder):
        self.folder = folder
        self.minted = 0
        self.accepted = set()
        self.calls = []

    def served(self, request):
        date = {"Date": "Wed, 25 Nov 2026 12:00:00 GMT"}
        self.calls.append(request.url.path)
        if request.url.path == "/api/users/apitoken":
            self.minted += 1
            token = f"token-{self.minted}"
            self.accepted = {token}
            return httpx.Response(200, json={"accessToken": token}, headers=date)
        token = request.headers["authorization"].removeprefix("Bearer ")
        if token not in self.accepted:
            return httpx.Response(401)
        return httpx.Response(200, json={"told": len(self.calls)})

    def session(self, secret="s"):
        key = Key("id", secret)
        cache = key.cache("https://x.example", {"cache_folder": str(self.folder)})
        transport = httpx.MockTransport(self.served)
        return Session(key, api_url="https://x.example", cache=cache, transport=transport)


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path)


def test_a_spotio_token_is_kept_with_the_time_at_which_it_was_given_out(service):
    first = service.session()
    first.get("/api/users")
    second = service.session()
    second.get("/api/users")
    assert service.minted == 1
    noon = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
    assert noon <= second.token_minted < noon + timedelta(seconds=30)
    assert second.server_time() is None, "nothing has told the time in this run"
    service.session(secret="changed").get("/api/users")
    assert service.minted == 2


def test_a_spotio_token_that_is_over_is_renewed_and_the_new_one_kept(service):
    service.session().get("/api/users")
    service.accepted = set()
    service.session().get("/api/users")
    assert service.minted == 2
    service.session().get("/api/users")
    assert service.minted == 2


def test_what_spotio_told_is_kept_until_somebody_asks_anew(service):
    first, kept = service.session().get_kept("/api/workflow")
    assert not kept
    assert service.session().get_kept("/api/workflow") == (first, True)
    second, kept = service.session().get_kept("/api/workflow", anew=True)
    assert second != first
    assert not kept
    assert service.session().get_kept("/api/workflow") == (second, True)
