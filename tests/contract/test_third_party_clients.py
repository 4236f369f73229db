"""Clients that no one here wrote, unchanged, against the local Salesforce server over TLS."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import ssl
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from aiosalesforce import Salesforce as AsyncSalesforce
from aiosalesforce.auth import ClientCredentialsFlow, JwtBearerFlow, SoapLogin
from aiosalesforce.exceptions import SalesforceError as AsyncSalesforceError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

from reverse_sf.simulator.connection import (
    CONSUMER_KEY,
    CONSUMER_SECRET,
    INTEGRATION_USERNAME,
    PASSWORD,
    REFRESH_TOKEN,
    SECURITY_TOKEN,
)
from reverse_sf.simulator.local import running
from reverse_sf.simulator.world import salesforce_id
from tests.contract.connect_proxy import connect_proxy

SINGER_TAP = "tap-salesforce==2.8.1"


@pytest.fixture(scope="module")
def servers():
    with running(records=400, tls=True) as started:
        yield started


@pytest.fixture(scope="module")
def proxy(servers):
    with connect_proxy(urlsplit(servers.salesforce_url).port) as url:
        yield url


@pytest.fixture
def org(servers):
    servers.salesforce.reset()
    return servers.salesforce


@pytest.fixture
def reached(org, servers, proxy, monkeypatch):
    """The environment in which every https host is the local server."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(servers.authority))
    for name in ("https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return org


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def register(org, key):
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    org.edit(connected_app={"certificate": public.decode()})


LOGINS = {
    "security token": {
        "username": INTEGRATION_USERNAME, "password": PASSWORD, "security_token": SECURITY_TOKEN,
    },
    "organization": {
        "username": INTEGRATION_USERNAME, "password": PASSWORD,
        "organizationId": salesforce_id("00D", 1),
    },
    "password grant": {
        "username": INTEGRATION_USERNAME, "password": PASSWORD + SECURITY_TOKEN,
        "consumer_key": CONSUMER_KEY, "consumer_secret": CONSUMER_SECRET,
    },
    "client credentials": {
        "consumer_key": CONSUMER_KEY, "consumer_secret": CONSUMER_SECRET, "domain": "demo.my",
    },
}  # fmt: skip


@pytest.mark.parametrize("how", LOGINS)
def test_simple_salesforce_logs_in(reached, how):
    client = Salesforce(**LOGINS[how])
    assert client.query("SELECT Id FROM User LIMIT 1")["totalSize"] == 1
    assert client.api_usage["api-usage"].total == 100_000


def test_simple_salesforce_logs_in_with_a_jwt(reached, key):
    register(reached, key)
    client = Salesforce(
        username=INTEGRATION_USERNAME, consumer_key=CONSUMER_KEY, privatekey=private_pem(key)
    )
    assert len(client.describe()["sobjects"]) > 10


@pytest.mark.parametrize("how", ["security token", "password grant"])
def test_simple_salesforce_is_told_of_a_wrong_password(reached, how):
    with pytest.raises(SalesforceAuthenticationFailed):
        Salesforce(**{**LOGINS[how], "password": "wrong"})


def test_simple_salesforce_is_told_that_the_login_host_knows_no_client_credentials(reached):
    answer = httpx.post(
        "https://login.salesforce.com/services/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": CONSUMER_KEY,
            "client_secret": CONSUMER_SECRET,
        },
        proxy=os.environ["HTTPS_PROXY"],
        verify=ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"]),
    )
    assert answer.json()["error_description"] == "request not supported on this domain"


@pytest.fixture
def simple(reached):
    return Salesforce(**LOGINS["security token"])


def test_simple_salesforce_reads_every_page_of_a_query(simple, reached):
    reached.switches(query_page_size=11)
    expected = {row["Id"] for row in reached.rows("Account") if not row["IsDeleted"]}
    found = simple.query_all("SELECT Id FROM Account")
    assert {row["Id"] for row in found["records"]} == expected
    assert {row["Id"] for row in simple.query_all_iter("SELECT Id FROM Account")} == expected
    everything = simple.query_all("SELECT Id FROM Account", include_deleted=True)
    assert everything["totalSize"] == len(reached.rows("Account")) > len(expected)


def test_simple_salesforce_writes_reads_and_deletes(simple):
    made = simple.Account.create({"Name": "Zoë & Söhne", "SPOTIO_Id__c": "x-1"})
    assert made["success"] is True
    assert simple.Account.get(made["id"])["Name"] == "Zoë & Söhne"
    assert simple.Account.update(made["id"], {"Phone": "1"}) == 204
    assert simple.Account.get_by_custom_id("SPOTIO_Id__c", "x-1")["Phone"] == "1"
    assert simple.Account.upsert("SPOTIO_Id__c/x-1", {"Phone": "2"}) == 200
    assert simple.Account.upsert("SPOTIO_Id__c/x-2", {"Name": "Second"}) == 201
    assert simple.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        simple.Account.get(made["id"])
    with pytest.raises(SalesforceMalformedRequest, match="REQUIRED_FIELD_MISSING"):
        simple.Account.create({})


def test_simple_salesforce_raises_on_several_matches(simple):
    for name in ("One", "Two"):
        simple.Contact.create({"LastName": name, "Email": "same@example.com"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        simple.Contact.upsert("Email/same@example.com", {"LastName": "Three"})


def test_simple_salesforce_describes_and_reads_limits(simple):
    described = simple.Account.describe()
    assert {field["name"] for field in described["fields"]} >= {"Id", "SPOTIO_Id__c"}
    assert simple.Account.metadata()["objectDescribe"]["name"] == "Account"
    assert simple.limits()["DailyApiRequests"]["Max"] == 100_000


def test_simple_salesforce_lists_deleted_and_updated(simple, reached):
    from datetime import datetime, timedelta  # noqa: PLC0415 - used here only

    made = simple.Account.create({"Name": "Short lived"})["id"]
    simple.Account.delete(made)
    reached.clock(advance=120)
    end = datetime.fromisoformat(reached.clock())
    start = end - timedelta(minutes=10)
    listed = simple.Account.deleted(start, end)
    assert made in [entry["id"] for entry in listed["deletedRecords"]]
    assert made not in simple.Account.updated(start, end)["ids"]


def test_simple_salesforce_logs_in_again_when_its_session_has_ended(simple, reached):
    reached.edit(sessions="expire")
    assert simple.query("SELECT Id FROM Account LIMIT 1")["totalSize"] == 1
    fixed = Salesforce(instance_url=reached.url, session_id="not a session")
    with pytest.raises(SalesforceExpiredSession):
        fixed.query("SELECT Id FROM Account")


def test_simple_salesforce_reads_in_bulk(simple, reached):
    reached.switches(bulk_page_size=13)
    pages = list(simple.bulk2.Account.query("SELECT Id, Name, CreatedDate FROM Account"))
    assert len(pages) > 1
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page))]
    expected = {row["Id"]: row["Name"] for row in reached.rows("Account") if not row["IsDeleted"]}
    assert {row["Id"]: row["Name"] for row in rows} == expected
    assert len(rows) == len(expected)


class ToLocal(httpx.AsyncHTTPTransport):
    """Sends every host to the local server, under its own name."""

    def __init__(self, authority, port):
        super().__init__(verify=ssl.create_default_context(cafile=authority))
        self._port = port

    async def handle_async_request(self, request):
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return await super().handle_async_request(request)


@pytest.fixture
def with_async(org, servers):
    """Runs a coroutine function with a fresh aiosalesforce client."""

    def run(work, auth=None):
        async def inner():
            port = urlsplit(servers.salesforce_url).port
            async with httpx.AsyncClient(transport=ToLocal(servers.authority, port)) as http:
                client = AsyncSalesforce(
                    http,
                    base_url="https://demo.my.salesforce.com",
                    auth=auth or ClientCredentialsFlow(CONSUMER_KEY, CONSUMER_SECRET),
                )
                return await work(client)

        return asyncio.run(inner())

    return run


def test_aiosalesforce_logs_in_every_way(with_async, org, key, tmp_path):
    register(org, key)
    key_file = tmp_path / "key.pem"
    key_file.write_text(private_pem(key))

    async def work(client):
        return [row async for row in client.query("SELECT Id FROM User")]

    logins = [
        ClientCredentialsFlow(CONSUMER_KEY, CONSUMER_SECRET),
        JwtBearerFlow(CONSUMER_KEY, INTEGRATION_USERNAME, str(key_file)),
        SoapLogin(INTEGRATION_USERNAME, PASSWORD, SECURITY_TOKEN),
    ]
    for auth in logins:
        assert len(with_async(work, auth)) == len(org.rows("User"))


def test_aiosalesforce_writes_reads_and_deletes(with_async):
    async def work(client):
        made = await client.sobject.create("Account", {"Name": "Aio", "SPOTIO_Id__c": "aio-1"})
        await client.sobject.update("Account", made, {"Phone": "5"})
        read = await client.sobject.get("Account", made, fields=["Phone"])
        by_key = await client.sobject.get("Account", "aio-1", "SPOTIO_Id__c")
        upserted = await client.sobject.upsert("Account", "aio-1", "SPOTIO_Id__c", {"Phone": "6"})
        await client.sobject.delete("Account", made)
        with pytest.raises(AsyncSalesforceError):
            await client.sobject.get("Account", made)
        return made, read, by_key, upserted

    made, read, by_key, upserted = with_async(work)
    assert read["Phone"] == "5"
    assert by_key["Id"] == made
    assert (upserted.id, upserted.created) == (made, False)


def test_aiosalesforce_pages_queries_and_batches(with_async, org):
    org.switches(query_page_size=10)

    async def work(client):
        rows = [row["Id"] async for row in client.query("SELECT Id FROM Account")]
        async with client.composite.batch() as batch:
            first = batch.query("SELECT Id FROM User LIMIT 1")
            second = batch.sobject.create("Account", {"Name": "From a batch"})
        return rows, first, second

    rows, first, second = with_async(work)
    living = [row["Id"] for row in org.rows("Account") if not row["IsDeleted"]]
    assert set(rows) < set(living)
    assert len(rows) == len(living) - 1
    assert first.status_code == 200
    assert second.status_code == 201


def test_aiosalesforce_tries_again_after_a_fault(with_async, org):
    org.fault({"path": "/query", "nth": 1}, {"status": 503})

    async def work(client):
        return [row async for row in client.query("SELECT Id FROM User")]

    assert len(with_async(work)) == len(org.rows("User"))
    assert Counter(entry["status"] for entry in org.requests()) == {200: 2, 503: 1}


@pytest.fixture(scope="session")
def singer_tap(request):
    """The singer-io tap in a virtual environment of its own, kept between runs."""
    cache = request.config.cache
    folder = Path(cache.mkdir("peers")) / f"{SINGER_TAP}-py{sys.version_info.minor}"
    python, command = folder / "bin" / "python", folder / "bin" / "tap-salesforce"
    if not command.exists():
        uv = [sys.executable, "-m", "uv"]
        environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
        for arguments in (
            ["venv", "--clear", "--python", sys.executable, str(folder)],
            ["pip", "install", "--python", str(python), SINGER_TAP],
        ):
            done = subprocess.run(
                [*uv, *arguments], capture_output=True, text=True, check=False, env=environment
            )
            if done.returncode:
                complaint = f"{SINGER_TAP} cannot be installed: {done.stderr}"
                (pytest.fail if os.environ.get("CI") else pytest.skip)(complaint)
    return command


def test_singer_ios_tap_reads_every_account_as_it_is(reached, servers, singer_tap, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps(
            {
                "client_id": CONSUMER_KEY,
                "client_secret": CONSUMER_SECRET,
                "refresh_token": REFRESH_TOKEN,
                "start_date": "2000-01-01T00:00:00Z",
                "api_type": "REST",
                "select_fields_by_default": True,
            }
        )
    )

    def run(*arguments):
        done = subprocess.run(
            [singer_tap, "--config", config, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    reached.switches(query_page_size=50)
    catalog = json.loads(run("--discover"))
    assert {"Account", "Contact", "Lead", "Site__c"} <= {
        stream["stream"] for stream in catalog["streams"]
    }
    for stream in catalog["streams"]:
        (whole,) = (entry for entry in stream["metadata"] if entry["breadcrumb"] == [])
        whole["metadata"]["selected"] = stream["stream"] == "Account"
        whole["metadata"]["replication-key"] = "SystemModstamp"
    chosen = tmp_path / "catalog.json"
    chosen.write_text(json.dumps(catalog))
    messages = [json.loads(line) for line in run("--properties", str(chosen)).splitlines()]
    records = {m["record"]["Id"]: m["record"] for m in messages if m["type"] == "RECORD"}
    expected = {row["Id"]: row for row in reached.rows("Account")}
    assert records.keys() == expected.keys()
    assert len(records) == sum(m["type"] == "RECORD" for m in messages)
    for record_id, row in expected.items():
        record = records[record_id]
        compared = row.keys() & record.keys()
        assert len(compared) > 30
        assert {name: record[name] for name in compared if not _same(record[name], row[name])} == {}
    (last,) = [m["value"] for m in messages if m["type"] == "STATE"][-1:]
    newest = max(row["SystemModstamp"] for row in expected.values())
    assert last["bookmarks"]["Account"]["SystemModstamp"][:19] == newest[:19]
    assert {entry["client"].split("/")[0] for entry in reached.requests()} == {"python-requests"}


def _same(given, stored):
    """Whether the tap gave what is stored: it writes every date as a date-time in UTC."""
    if isinstance(given, str) and isinstance(stored, str) and given[10:11] == "T":
        return given[:19] == (stored[:19] if stored[10:11] == "T" else f"{stored}T00:00:00")
    return given == stored
