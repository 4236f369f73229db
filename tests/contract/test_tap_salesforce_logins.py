"""Every login flow of the tap against the local server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from reverse_sf.errors import LoginError
from reverse_sf.salesforce import Credentials, SalesforceClient
from reverse_sf.salesforce.soql import Select
from reverse_sf.simulator.connection import (
    CONSUMER_KEY,
    CONSUMER_SECRET,
    INTEGRATION_USERNAME,
    PASSWORD,
    REFRESH_TOKEN,
    SECURITY_TOKEN,
)
from tests.contract.tap_salesforce_fixtures import org, servers  # noqa: F401 - fixtures

APP = {"client_id": CONSUMER_KEY, "client_secret": CONSUMER_SECRET}
USER = {"username": INTEGRATION_USERNAME, "password": PASSWORD}


def names(server, **credentials):
    client = SalesforceClient(Credentials(login_url=server.url, **credentials))
    try:
        return client.query(Select("UserRole", ("Id",))).size
    finally:
        client.close()


@pytest.fixture(scope="module")
def key_pair():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "connected app")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    "credentials",
    [
        {**APP, "refresh_token": REFRESH_TOKEN},
        {**USER, "security_token": SECURITY_TOKEN},
        {**APP, **USER, "security_token": SECURITY_TOKEN},
        APP,
    ],
    ids=["refresh token", "SOAP with security token", "OAuth password", "client credentials"],
)
def test_a_flow_logs_in(org, credentials):  # noqa: F811 - a fixture
    assert names(org, **credentials) > 0


@pytest.mark.parametrize("from_file", [False, True])
def test_the_jwt_flow_logs_in(org, key_pair, tmp_path, from_file):  # noqa: F811 - a fixture
    private, certificate = key_pair
    org.edit(connected_app={"certificate": certificate})
    key = {"jwt_private_key": private}
    if from_file:
        file = tmp_path / "key.pem"
        file.write_text(private)
        key = {"jwt_private_key_file": str(file)}
    assert names(org, client_id=CONSUMER_KEY, username=INTEGRATION_USERNAME, **key) > 0


def test_a_session_id_is_used_as_it_is(org):  # noqa: F811 - a fixture
    client = SalesforceClient(Credentials(login_url=org.url, **APP, refresh_token=REFRESH_TOKEN))
    session_id = client.session.login.session_id
    client.close()
    assert names(org, session_id=session_id, instance_url=org.url) > 0


@pytest.mark.parametrize(
    "credentials",
    [
        {**APP, "refresh_token": "a-wrong-refresh-token"},
        {**USER, "password": "a-wrong-password", "security_token": SECURITY_TOKEN},
        {**APP, **USER, "password": "a-wrong-password"},
        {"client_id": CONSUMER_KEY, "client_secret": "a-wrong-secret"},
    ],
    ids=["refresh token", "SOAP", "OAuth password", "client credentials"],
)
def test_wrong_credentials_are_told_without_repeating_them(org, credentials):  # noqa: F811 - a fixture
    with pytest.raises(LoginError) as refusal:
        names(org, **credentials)
    said = str(refusal.value)
    assert "did not accept the login" in said
    assert "a-wrong" not in said
    assert CONSUMER_SECRET not in said
    assert SECURITY_TOKEN not in said


def test_a_wrong_key_is_told(org, key_pair):  # noqa: F811 - a fixture
    private, _ = key_pair
    with pytest.raises(LoginError):
        names(org, client_id=CONSUMER_KEY, username=INTEGRATION_USERNAME, jwt_private_key=private)
