"""Runs of tap-salesforce against the local server, in this process and as a command."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import defaultdict
from contextlib import redirect_stdout
from dataclasses import dataclass, field

import pytest

from reverse_sf.errors import ReverseSFError
from reverse_sf.simulator.connection import CONSUMER_KEY, CONSUMER_SECRET, REFRESH_TOKEN
from reverse_sf.simulator.local import running
from reverse_sf.tap.tap import TapSalesforce


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

    def by_id(self, stream):
        return {record["Id"]: record for record in self.records[stream]}

    @property
    def states(self):
        return [message["value"] for message in self.messages if message["type"] == "STATE"]

    @property
    def state(self):
        return self.states[-1]

    @property
    def schemas(self):
        return {
            message["stream"]: message for message in self.messages if message["type"] == "SCHEMA"
        }


def parsed(text):
    """The messages of whole lines; what a killed tap left of a line is no message."""
    whole = text[: text.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines()]


def settings_of(server, *objects, **more):
    return {
        "login_url": server.url,
        "client_id": CONSUMER_KEY,
        "client_secret": CONSUMER_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "streams_to_discover": list(objects) or ["Account"],
        **more,
    }


def run_tap(settings, *, catalog=None, state=None):
    """Run the tap in this process; an error of ours ends the output, as it ends the command."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    output = Output()
    with redirect_stdout(out):
        try:
            tap = TapSalesforce(config=settings, catalog=catalog, state=state or {})
            try:
                tap.sync_all()
            finally:
                if tap._client is not None:
                    tap._client.close()
        except ReverseSFError as error:
            output.error = error
    out.flush()
    output.messages = parsed(out.buffer.getvalue().decode())
    return output


def discovered(settings):
    tap = TapSalesforce(config=settings)
    catalog = tap.catalog_dict
    tap.client.close()
    return catalog


def start_command(settings, folder, *arguments):
    """Start the real command in a process of its own; what it says goes to ``said`` there."""
    config = folder / "config.json"
    config.write_text(json.dumps(settings))
    with (folder / "said").open("w") as said:
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from reverse_sf.tap.tap import main; main()",
                "--config",
                str(config),
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            text=True,
        )


@pytest.fixture(scope="module")
def servers():
    with running(records=400) as started:
        yield started


@pytest.fixture
def org(servers):
    """The Salesforce server as the seed makes it."""
    servers.salesforce.reset()
    return servers.salesforce
