"""The session under simple-salesforce, against a scripted transport."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import requests
from requests.adapters import BaseAdapter

from reverse_sf.errors import (
    AccessError,
    ConfigurationError,
    LoginError,
    QuotaError,
    RetryError,
)
from reverse_sf.salesforce import Credentials, Patience, Quota, SalesforceClient
from reverse_sf.salesforce.refusals import (
    QueryError,
    QueryTimeoutError,
    UnknownObjectError,
)
from reverse_sf.salesforce.soql import Select

SECRETS = ("the-consumer-secret", "the-refresh-token", "the-password", "the-security-token")
REFRESH = {
    "client_id": "the-consumer-key",
    "client_secret": "the-consumer-secret",
    "refresh_token": "the-refresh-token",
    "login_url": "http://127.0.0.1:8730",
}
NO_WAIT = Patience(tries=4, first_pause_s=0.0, longest_pause_s=0.0)
ONE_ACCOUNT = Select("Account", ("Id",))


class Transport(BaseAdapter):
    """Answers logins by itself and everything else from a script, in order."""

    def __init__(self, *script):
        super().__init__()
        self.script = list(script)
        self.sent = []
        self.logins = 0
        self.login_answer = None
        self.lock = threading.Lock()

    def send(self, request, **options):
        with self.lock:
            self.sent.append(request.copy())
            assert options["timeout"], "a call without a timeout may hang for ever"
            if "/oauth2/token" in request.url or "/Soap/u/" in request.url:
                self.logins += 1
                return self._answer(request, self.login_answer or self._session())
            step = self.script.pop(0) if self.script else (200, {"records": []}, {})
            if callable(step):
                step = step(request)
            if isinstance(step, Exception):
                raise step
            return self._answer(request, step)

    def _session(self):
        token = {
            "access_token": f"session-{self.logins}",
            "instance_url": "http://127.0.0.1:8730",
        }
        return 200, token, {}

    @staticmethod
    def _answer(request, step):
        status, body, *headers = step
        response = requests.Response()
        response.status_code = status
        response.request = request
        response.url = request.url
        response.reason = "because"
        response.headers.update(headers[0] if headers else {})
        response._content = (
            body if isinstance(body, bytes) else requests.models.complexjson.dumps(body).encode()
        )
        return response

    def close(self):
        pass


def client_of(*script, quota=None, **credentials):
    client = SalesforceClient(
        Credentials(**(credentials or REFRESH)), quota=quota, patience=NO_WAIT
    )
    transport = Transport(*script)
    client.session.mount("https://", transport)
    client.session.mount("http://", transport)
    return client, transport


def refused(status, code, message="the words of Salesforce"):
    return status, [{"errorCode": code, "message": message}], {}


def dropped(_request=None):
    raise requests.exceptions.ConnectionError("RemoteDisconnected")


@pytest.mark.parametrize(
    "fault",
    [
        (503, b"<html>", {}),
        (500, b"", {}),
        (429, b"", {}),
        refused(503, "SERVER_UNAVAILABLE"),
        refused(400, "UNABLE_TO_LOCK_ROW"),
        refused(400, "QUERY_TIMEOUT"),
        refused(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (API) Limit exceeded."),
        requests.exceptions.ConnectionError("dropped"),
        requests.exceptions.ReadTimeout("slow"),
        requests.exceptions.ChunkedEncodingError("cut short"),
    ],
    ids=str,
)
def test_one_passing_fault_is_not_seen_by_the_caller(fault):
    client, transport = client_of(fault)
    assert client.query(ONE_ACCOUNT).records == []
    assert len(transport.sent) == 3, "login, the failed call, the good one"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ((503, b"", {}), RetryError),
        ((429, b"", {}), RetryError),
        (requests.exceptions.ConnectionError("dropped"), RetryError),
        (refused(400, "QUERY_TIMEOUT"), QueryTimeoutError),
        (refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), QuotaError),
        (refused(403, "API_DISABLED_FOR_ORG"), AccessError),
        (refused(404, "NOT_FOUND"), UnknownObjectError),
        (refused(400, "INVALID_FIELD"), QueryError),
        (refused(400, "MALFORMED_QUERY"), QueryError),
        (refused(410, "NOT_FOUND_RETIRED"), ConfigurationError),
        (refused(401, "INVALID_SESSION_ID"), LoginError),
    ],
    ids=str,
)
def test_a_lasting_fault_becomes_the_error_that_says_what_to_do(fault, error):
    client, _ = client_of(*[fault] * 10)
    with pytest.raises(error):
        client.query(ONE_ACCOUNT)


def test_a_daily_limit_is_not_tried_again():
    client, transport = client_of(
        *[refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")] * 5
    )
    with pytest.raises(QuotaError):
        client.query(ONE_ACCOUNT)
    assert len(transport.sent) == 2


def test_an_expired_session_is_renewed_once_and_the_call_goes_on():
    client, transport = client_of(refused(401, "INVALID_SESSION_ID"))
    assert client.query(ONE_ACCOUNT).records == []
    assert transport.logins == 2
    assert transport.sent[-1].headers["Authorization"] == "Bearer session-2"


def test_threads_that_meet_the_same_expired_session_log_in_once():
    def only_the_second_session(request):
        if request.headers["Authorization"] == "Bearer session-2":
            return 200, {"records": []}, {}
        return refused(401, "INVALID_SESSION_ID")

    client, transport = client_of(*[only_the_second_session] * 40)
    assert client.salesforce
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda _: client.query(ONE_ACCOUNT), range(8)))
    assert [page.records for page in pages] == [[]] * 8
    assert transport.logins == 2


def test_a_session_id_that_expires_says_that_nothing_can_renew_it():
    client, _ = client_of(
        refused(401, "INVALID_SESSION_ID"),
        session_id="given",
        instance_url="https://acme.my.salesforce.com",
    )
    with pytest.raises(LoginError, match="session_id"):
        client.query(ONE_ACCOUNT)


def test_a_rotated_refresh_token_is_used_for_the_next_login():
    client, transport = client_of(refused(401, "INVALID_SESSION_ID"))
    transport.login_answer = (
        200,
        {
            "access_token": "first",
            "instance_url": "http://127.0.0.1:8730",
            "refresh_token": "the-next-token",
        },
        {},
    )
    client.query(ONE_ACCOUNT)
    bodies = [request.body for request in transport.sent if "oauth2" in request.url]
    assert "refresh_token=the-refresh-token" in bodies[0]
    assert "refresh_token=the-next-token" in bodies[1]


def test_a_refused_login_is_told_in_salesforce_words_without_a_secret():
    client, transport = client_of()
    transport.login_answer = (
        400,
        {
            "error": "invalid_grant",
            "error_description": "expired access/refresh token the-refresh-token",
        },
        {},
    )
    with pytest.raises(LoginError) as refusal:
        client.query(ONE_ACCOUNT)
    assert "expired access/refresh token" in str(refusal.value)
    assert not any(secret in str(refusal.value) for secret in SECRETS)


def test_a_login_page_in_place_of_json_points_at_the_login_url():
    client, transport = client_of()
    transport.login_answer = (200, b"<html>sign in</html>", {})
    with pytest.raises(LoginError, match="login_url"):
        client.query(ONE_ACCOUNT)


def test_no_repr_shows_a_secret():
    credentials = Credentials(
        username="user@example.com",
        password="the-password",
        security_token="the-security-token",
        **REFRESH,
    )
    assert not any(secret in repr(credentials) for secret in SECRETS)


@pytest.mark.parametrize(
    ("given", "flow"),
    [
        (REFRESH, "refresh_token"),
        ({"client_id": "k", "username": "u", "jwt_private_key": "pem"}, "jwt"),
        ({"client_id": "k", "client_secret": "s", "domain": "acme.my"}, "client_credentials"),
        (
            {"client_id": "k", "client_secret": "s", "username": "u", "password": "p"},
            "oauth_password",
        ),
        ({"username": "u", "password": "p", "security_token": "t"}, "soap"),
        ({"username": "u", "password": "p", "organization_id": "00D"}, "soap"),
        ({"session_id": "s", "instance_url": "https://acme.my.salesforce.com"}, "session"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_given_credentials_choose_the_flow(given, flow):
    assert Credentials(**given).flow == flow


def test_incomplete_credentials_name_every_way_to_complete_them():
    with pytest.raises(ConfigurationError) as refusal:
        _ = Credentials(username="someone").flow
    assert len(refusal.value.problems) == 6


@pytest.mark.parametrize("url", ["http://acme.my.salesforce.com", "acme.my", "ftp://127.0.0.1"])
def test_an_address_that_would_leak_secrets_is_refused(url):
    with pytest.raises(ConfigurationError):
        Credentials(login_url=url)


def test_plain_http_is_used_for_a_loopback_host_that_was_named_so():
    client, transport = client_of()
    client.query(ONE_ACCOUNT)
    assert {request.url.partition(":8730")[0] for request in transport.sent} == {"http://127.0.0.1"}


def test_every_call_says_who_calls():
    client, transport = client_of()
    client.query(ONE_ACCOUNT)
    assert {request.headers["Sforce-Call-Options"] for request in transport.sent} == {
        "client=reverse-sf"
    }


def test_a_write_is_not_sent_again_when_nobody_knows_whether_it_arrived():
    client, transport = client_of(dropped)
    with pytest.raises(RetryError):
        client.call("POST", "sobjects/Account", json={"Name": "Acme"}, what="create")
    assert len(transport.sent) == 2


@pytest.mark.parametrize(
    ("usage", "setting"),
    [("api-usage=900/1000", "quota_percent_total"), ("api-usage=30/40", "quota_percent_per_run")],
)
def test_a_used_up_share_of_the_quota_stops_before_the_next_call(usage, setting):
    answer = (200, {"records": []}, {"Sforce-Limit-Info": usage})
    client, transport = client_of(*[answer] * 5, quota=Quota(80, 3))
    client.query(ONE_ACCOUNT)
    with pytest.raises(QuotaError, match=setting):
        client.query(ONE_ACCOUNT)
    assert len(transport.sent) == 2


def test_the_echo_of_the_query_is_not_part_of_the_message():
    echo = (
        "\nSELECT Nmae FROM Account\n       ^\nERROR at Row:1:Column:8\n"
        "No such column 'Nmae' on entity 'Account'."
    )
    client, _ = client_of(refused(400, "INVALID_FIELD", echo))
    with pytest.raises(QueryError) as refusal:
        client.query(ONE_ACCOUNT)
    assert "SELECT" not in str(refusal.value)
    assert "No such column 'Nmae' on entity 'Account'." in str(refusal.value)


def test_describes_are_asked_for_once_and_one_refusal_does_not_hide_the_others():
    def describe(request):
        if "Nobody" in request.url:
            return refused(404, "NOT_FOUND", "The requested resource does not exist")
        return 200, {"name": "Account", "fields": []}, {}

    client, transport = client_of(*[describe] * 9)
    answers = client.describe_many(["Account", "Nobody", "Account"])
    assert answers["Account"]["name"] == "Account"
    assert isinstance(answers["Nobody"], UnknownObjectError)
    client.describe("Account")
    assert sum("Account/describe" in request.url for request in transport.sent) == 1


@pytest.mark.parametrize("ahead_s", [-86_400, 0, 86_400])
def test_the_time_is_that_of_salesforce_s_clock_never_earlier(ahead_s):
    told = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=ahead_s)
    client, _ = client_of((200, {"records": []}, {"Date": format_datetime(told, usegmt=True)}))
    client.query(ONE_ACCOUNT)
    late = client.server_time() - told
    assert timedelta(seconds=1) <= late < timedelta(seconds=10)
