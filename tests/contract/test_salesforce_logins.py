"""Logins of the local Salesforce server, call by call (reference: OAuth and SOAP shapes)."""

# ruff: noqa: F811 - a test asks for an imported fixture by naming it

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reverse_sf.simulator.connection import (
    CONSUMER_KEY,
    CONSUMER_SECRET,
    INTEGRATION_USERNAME,
    PASSWORD,
    SECURITY_TOKEN,
)
from tests.contract.salesforce_server_fixtures import (  # noqa: F401 - fixtures by name
    BASE,
    REFRESH_FORM,
    TOKEN_PATH,
    api,
    org,
    servers,
    web,
)

APP = {"client_id": CONSUMER_KEY, "client_secret": CONSUMER_SECRET}
PASSWORD_FORM = {
    "grant_type": "password",
    **APP,
    "username": INTEGRATION_USERNAME,
    "password": PASSWORD + SECURITY_TOKEN,
}
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key):
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def assertion(key, **changes):
    claims = {
        "iss": CONSUMER_KEY,
        "sub": INTEGRATION_USERNAME,
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 120,
        **changes,
    }
    return jwt.encode(claims, key, algorithm="RS256")


@pytest.mark.parametrize(
    "form", [PASSWORD_FORM, REFRESH_FORM, {"grant_type": "client_credentials", **APP}]
)
def test_a_token_answer_has_salesforces_keys_a_verifiable_signature_and_works(web, form):
    answer = web.post(TOKEN_PATH, data=form)
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() >= {
        "access_token", "signature", "instance_url", "id", "token_type", "issued_at",
    }  # fmt: skip
    assert "expires_in" not in body
    assert body["token_type"] == "Bearer"
    signed = hmac.new(
        CONSUMER_SECRET.encode(), (body["id"] + body["issued_at"]).encode(), hashlib.sha256
    )
    assert base64.b64decode(body["signature"]) == signed.digest()
    issued = datetime.fromtimestamp(int(body["issued_at"]) / 1000, timezone.utc)
    assert abs((datetime.now(timezone.utc) - issued).total_seconds()) < 60
    assert body["instance_url"] == str(web.base_url).rstrip("/")
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert web.get(f"{BASE}/limits", headers=headers).status_code == 200
    identity = web.get(body["id"], headers=headers).json()
    assert identity["username"] == INTEGRATION_USERNAME
    assert body["id"].endswith(f"/{identity['organization_id']}/{identity['user_id']}")


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({**PASSWORD_FORM, "password": PASSWORD}, "invalid_grant", "authentication failure"),
        ({**PASSWORD_FORM, "username": "no.one"}, "invalid_grant", "authentication failure"),
        ({**PASSWORD_FORM, "client_id": "x"}, "invalid_client_id", "client identifier invalid"),
        ({**PASSWORD_FORM, "client_secret": "x"}, "invalid_client", "invalid client credentials"),
        (
            {**REFRESH_FORM, "refresh_token": "x"},
            "invalid_grant",
            "expired access/refresh token",
        ),
        ({"grant_type": "magic"}, "unsupported_grant_type", "grant type not supported"),
        ({}, "unsupported_grant_type", "grant type not supported"),
    ],
)
def test_a_refused_login_says_why_in_oauths_shape(web, form, error, description):
    answer = web.post(TOKEN_PATH, data=form)
    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


def test_client_credentials_work_on_my_domain_with_a_run_as_user_only(web, org):
    form = {"grant_type": "client_credentials", **APP}
    refused = web.post(TOKEN_PATH, data=form, headers={"Host": "login.salesforce.com"})
    assert refused.status_code == 200, "plain http has no login host; TLS is tested by the clients"
    org.switches(client_credentials_user=False)
    assert web.post(TOKEN_PATH, data=form).json()["error_description"] == (
        "no client credentials user enabled"
    )


def test_a_signed_assertion_logs_in_once_its_certificate_is_registered(web, org, key):
    form = {"grant_type": JWT_GRANT, "assertion": assertion(key)}
    unregistered = web.post(TOKEN_PATH, data=form)
    assert unregistered.status_code == 400
    assert "no certificate is registered" in unregistered.json()["error_description"]
    org.edit(connected_app={"certificate": pem(key)})
    assert web.post(TOKEN_PATH, data=form).status_code == 200


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"aud": "https://example.com"}, "Audience validation failed"),
        ({"sub": "no.one"}, "user hasn't approved this consumer"),
        ({"iss": "x"}, "client identifier invalid"),
        ({"exp": 1}, "token validity expired"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(web, org, key, changes, description):
    org.edit(connected_app={"certificate": pem(key)})
    form = {"grant_type": JWT_GRANT, "assertion": assertion(key, **changes)}
    answer = web.post(TOKEN_PATH, data=form)
    assert answer.status_code == 400
    assert answer.json()["error_description"] == description


def test_an_assertion_signed_by_another_key_is_refused(web, org, key):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    org.edit(connected_app={"certificate": pem(other)})
    form = {"grant_type": JWT_GRANT, "assertion": assertion(key)}
    assert web.post(TOKEN_PATH, data=form).json()["error"] == "invalid_grant"


def test_rotated_refresh_tokens_are_good_for_one_use(web, org):
    assert "refresh_token" not in web.post(TOKEN_PATH, data=REFRESH_FORM).json()
    org.switches(rotate_refresh_tokens=True)
    second = web.post(TOKEN_PATH, data=REFRESH_FORM).json()["refresh_token"]
    assert web.post(TOKEN_PATH, data=REFRESH_FORM).status_code == 400
    again = web.post(TOKEN_PATH, data={**REFRESH_FORM, "refresh_token": second})
    assert again.status_code == 200
    assert again.json()["refresh_token"] not in {second, REFRESH_FORM["refresh_token"]}


def test_the_authorization_code_flow_with_pkce_gives_a_refresh_token(web):
    verifier = "v" * 64
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": CONSUMER_KEY,
        "redirect_uri": "http://127.0.0.1:1/callback",
        "state": "s&1",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    page = web.get("/services/oauth2/authorize", params=asked)
    assert page.status_code == 200
    assert "Allow" in page.text

    def code():
        sent = web.post("/services/oauth2/authorize", data={**asked, "decision": "allow"})
        assert sent.status_code == 302
        back = parse_qs(urlsplit(sent.headers["location"]).query)
        assert back["state"] == ["s&1"]
        return back["code"][0]

    form = {
        "grant_type": "authorization_code",
        "client_id": CONSUMER_KEY,
        "redirect_uri": asked["redirect_uri"],
        "code": code(),
        "code_verifier": verifier,
    }
    granted = web.post(TOKEN_PATH, data=form)
    assert granted.status_code == 200
    used_up = web.post(TOKEN_PATH, data=form)
    assert used_up.json()["error"] == "invalid_grant"
    wrong = web.post(TOKEN_PATH, data={**form, "code": code(), "code_verifier": "w" * 64})
    assert wrong.json()["error_description"] == "invalid code verifier"
    refresh = {**REFRESH_FORM, "refresh_token": granted.json()["refresh_token"]}
    assert web.post(TOKEN_PATH, data=refresh).status_code == 200
    denied = web.post("/services/oauth2/authorize", data={**asked, "decision": "deny"})
    assert "error=access_denied" in denied.headers["location"]


SOAP = (
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>'
    '<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{username}</n1:username>'
    "<n1:password>{password}</n1:password></n1:login></env:Body></env:Envelope>"
)


def soap(web, version, password, username=INTEGRATION_USERNAME):
    body = SOAP.format(username=username, password=password)
    return web.post(f"/services/Soap/u/{version}", content=body)


def test_soap_login_gives_a_session_that_rest_accepts(web):
    answer = soap(web, "59.0", PASSWORD + SECURITY_TOKEN)
    assert answer.status_code == 200
    for element in ("metadataServerUrl", "serverUrl", "sessionId", "userId", "userInfo"):
        assert f"<{element}>" in answer.text
    token = answer.text.split("<sessionId>")[1].split("<")[0]
    headers = {"Authorization": f"Bearer {token}"}
    assert web.get(f"{BASE}/limits", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("version", "password", "code"),
    [
        ("59.0", "wrong", "INVALID_LOGIN"),
        ("59.0", PASSWORD, "LOGIN_MUST_USE_SECURITY_TOKEN"),
        ("65.0", PASSWORD + SECURITY_TOKEN, "UNSUPPORTED_API_VERSION"),
        ("28.0", PASSWORD + SECURITY_TOKEN, "UNSUPPORTED_API_VERSION"),
    ],
)
def test_soap_login_is_refused_with_a_fault(web, version, password, code):
    answer = soap(web, version, password)
    assert answer.status_code == 500
    assert f"<sf:exceptionCode>{code}</sf:exceptionCode>" in answer.text


def test_a_session_ends_after_its_time_by_edit_or_by_revocation(web, api, org):
    token = web.post(TOKEN_PATH, data=REFRESH_FORM).json()["access_token"]

    def status():
        return web.get(f"{BASE}/limits", headers={"Authorization": f"Bearer {token}"}).status_code

    org.switches(session_seconds=60)
    org.clock(advance=59)
    assert status() == 200
    org.clock(advance=2)
    assert status() == 401
    org.switches(session_seconds=7200)
    assert status() == 200
    assert org.edit(sessions="expire")["expired"] == 2
    answer = web.get(f"{BASE}/limits", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]
    token = web.post(TOKEN_PATH, data=REFRESH_FORM).json()["access_token"]
    assert status() == 200
    assert web.post("/services/oauth2/revoke", data={"token": token}).status_code == 200
    assert status() == 401


def test_userinfo_has_the_recorded_keys(api):
    body = api.get("/services/oauth2/userinfo").json()
    recorded = (
        "sub user_id organization_id preferred_username nickname name email email_verified "
        "given_name family_name zoneinfo photos profile picture urls active user_type language "
        "locale utcOffset updated_at is_salesforce_integration_user"
    )
    assert set(body) == set(recorded.split())
    assert "{version}" in body["urls"]["rest"]


def test_no_secret_of_a_login_is_in_the_log(web, org):
    for form in (PASSWORD_FORM, REFRESH_FORM):
        web.post(TOKEN_PATH, data=form)
        web.post(TOKEN_PATH, params=form)
    soap(web, "59.0", PASSWORD + SECURITY_TOKEN)
    logged = str(org.requests())
    assert len(org.requests()) == 5
    for secret in (PASSWORD, SECURITY_TOKEN, CONSUMER_SECRET, REFRESH_FORM["refresh_token"]):
        assert secret not in logged
