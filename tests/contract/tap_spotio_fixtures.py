"""Runs of tap-spotio against the local server, in this process."""

from __future__ import annotations

import functools
import io
import json
from collections import defaultdict
from contextlib import redirect_stdout
from dataclasses import dataclass, field

import httpx
import pytest

from reverse_sf.errors import ReverseSFError
from reverse_sf.simulator.connection import SPOTIO_CLIENT_ID, SPOTIO_SECRET
from reverse_sf.simulator.local import running
from reverse_sf.spotio.session import Session
from tap_spotio import tap as tap_module
from tap_spotio.tables import TABLES
from tap_spotio.tap import TapSpotio

TYPES = ("Accounts", "Contacts", "Leads", "Opportunities")


@dataclass
class Output:
    """What a tap wrote."""

    messages: list = field(default_factory=list)
    error: Exception | None = None

    @property
    def records(self):
        by_stream = defaultdict(list)
        for message in self.messages:
            if message["type"] == "RECORD":
                by_stream[message["stream"]].append(message["record"])
        return by_stream

    @property
    def by_id(self):
        return {
            record["id"]: record
            for stream, records in self.records.items()
            if stream not in TABLES
            for record in records
        }

    @property
    def states(self):
        return [message["value"] for message in self.messages if message["type"] == "STATE"]

    @property
    def state(self):
        return self.states[-1]

    @property
    def schemas(self):
        return {
            message["stream"]: message["schema"]
            for message in self.messages
            if message["type"] == "SCHEMA"
        }


def settings_of(server, **more):
    return {
        "api_url": server.url,
        "client_id": SPOTIO_CLIENT_ID,
        "client_secret": SPOTIO_SECRET,
        **more,
    }


def run_tap(settings, *, catalog=None, state=None):
    """Run the tap in this process; an error of ours ends the output, as it ends the command."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    output = Output()
    with redirect_stdout(out):
        try:
            tap = TapSpotio(config=settings, catalog=catalog, state=state or {})
            try:
                tap.sync_all()
            finally:
                tap.close()
        except ReverseSFError as error:
            output.error = error
    out.flush()
    output.messages = [json.loads(line) for line in out.buffer.getvalue().splitlines()]
    return output


def discovered(settings, *streams):
    """The catalog with these streams selected; all where none is named."""
    tap = TapSpotio(config=settings)
    catalog = json.loads(tap.catalog_json_text)
    tap.close()
    for entry in catalog["streams"]:
        (root,) = (one for one in entry["metadata"] if not one["breadcrumb"])
        root["metadata"]["selected"] = not streams or entry["stream"] in streams
    return catalog


def calls(server, mark):
    """API calls since a mark, as ``METHOD path``, logins left out."""
    listed = (f"{one['method']} {one['path']}" for one in server.requests(since=mark))
    return [one for one in listed if not one.endswith("/apitoken")]


def write(server, method, path, body=None, **how):
    """A call to the API by somebody else; its answer, if it has one."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        key = {"clientId": SPOTIO_CLIENT_ID, "secret": SPOTIO_SECRET}
        token = client.post("/api/users/apitoken", json=key).json()["accessToken"]
        headers = {"Authorization": f"Bearer {token}", **how.pop("headers", {})}
        answer = client.request(method, path, json=body, headers=headers, **how)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def upload(server, path, lines):
    """Upload the lines of a bulk job."""
    content = "\n".join(json.dumps(line) for line in lines)
    write(server, "PUT", path, content=content, headers={"Content-Type": "application/x-ndjson"})


def contact(server, number, parent=None, **more):
    """A new contact, as a person makes it."""
    made = {"First Name": "Ann", "Last Name": f"Case {number}", **more}
    return server.edit(object="Contacts", create={**made, "Parent": parent})["id"]


@pytest.fixture(scope="module")
def started():
    with running(records=1500) as servers:
        yield servers.spotio


@pytest.fixture
def spotio(started, monkeypatch):
    """SPOTIO as the seed makes it, with some children; the tap does not pause between tries."""
    monkeypatch.setattr(
        tap_module, "Session", functools.partial(Session, sleep=lambda _seconds: None)
    )
    started.reset()
    accounts = [row["id"] for row in started.rows("Accounts")]
    for number in range(6):
        contact(started, number, accounts[number % 3] if number else None, Email="a@example.com")
        deal = {"Deal Name": f"Deal {number}", "Value": 10.5, "Close Date": "2026-12-01"}
        started.edit(object="Opportunities", create={**deal, "Parent": accounts[number]})
    return started
