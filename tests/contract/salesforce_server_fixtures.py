"""One running pair of local servers, and a client that is logged in to the Salesforce one."""

from __future__ import annotations

import httpx
import pytest

from reverse_sf.simulator.connection import CONSUMER_KEY, CONSUMER_SECRET, REFRESH_TOKEN
from reverse_sf.simulator.local import running

VERSION = "60.0"
BASE = f"/services/data/v{VERSION}"
TOKEN_PATH = "/services/oauth2/token"
REFRESH_FORM = {
    "grant_type": "refresh_token",
    "client_id": CONSUMER_KEY,
    "client_secret": CONSUMER_SECRET,
    "refresh_token": REFRESH_TOKEN,
}


@pytest.fixture(scope="module")
def servers():
    with running(records=300) as started:
        yield started


@pytest.fixture
def org(servers):
    """The Salesforce server as the seed makes it."""
    servers.salesforce.reset()
    return servers.salesforce


@pytest.fixture
def web(org):
    """A client without a login."""
    with httpx.Client(base_url=org.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def api(web):
    """A client of the integration user."""
    token = web.post(TOKEN_PATH, data=REFRESH_FORM).json()["access_token"]
    web.headers["Authorization"] = f"Bearer {token}"
    return web


def account(api, **values):
    """Create an Account; its id."""
    answer = api.post(f"{BASE}/sobjects/Account", json={"Name": "Contract Ltd", **values})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def soql(api, statement, *, all_rows=False):
    """The records of all pages of a query."""
    resource = "queryAll" if all_rows else "query"
    page = api.get(f"{BASE}/{resource}", params={"q": statement}).raise_for_status().json()
    records = page["records"]
    while not page["done"]:
        page = api.get(page["nextRecordsUrl"]).raise_for_status().json()
        records += page["records"]
    return records
