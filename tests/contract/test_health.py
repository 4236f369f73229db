"""Metrics, and the webhook that is told when the health has changed."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.errors import ConfigurationError, Exit, RetryError
from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.rows import AwaitedOwner, Parked, UserRow
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side
from tests.contract.ledger_fixtures import AT, PAIR, finish, join, link_id, run


@pytest.fixture
def uri(tmp_path) -> str:
    uri = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger.open(uri) as ledger:
        ledger.begin_run(run("run-1"), ttl_seconds=600)
        join(ledger, "one", "two")
        ledger.finish_run("run-1", "done")
    return uri


@pytest.fixture
def webhook():
    """A webhook that keeps what it is told; ``status`` is what it answers."""

    class Webhook(HTTPServer):
        told: list = []  # noqa: RUF012 - one per test
        status = 200

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.told.append(json.loads(body))
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    Webhook.told = []
    with Webhook(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def status(uri: str, *words: str):
    return CliRunner().invoke(cli, ["status", "--ledger-uri", uri, *words], standalone_mode=False)


def address(webhook) -> str:
    return f"http://127.0.0.1:{webhook.server_address[1]}/secret-hook"


def park(uri: str) -> None:
    one = Parked(
        link_id=link_id("one"),
        direction=Direction.TO_SPOTIO,
        key="Phone",
        pair=PAIR,
        reason="rejected",
        message="no",
        at=AT,
        run_id="run-1",
    )
    with Ledger.open(uri) as ledger:
        finish(ledger, parked=[one])


def test_metrics_name_verdict_lag_and_every_object(uri):
    park(uri)
    lines = status(uri, "--prometheus").stdout.splitlines()
    assert 'reverse_sf_health{verdict="attention"} 1' in lines
    assert 'reverse_sf_health{verdict="healthy"} 0' in lines
    labels = f'{{direction="to_spotio",pair="{PAIR}"}}'
    assert f"reverse_sf_synced{labels} 2" in lines
    assert f"reverse_sf_parked{labels} 1" in lines
    named = {line.split("{")[0] for line in lines if not line.startswith("#")}
    assert {f"# TYPE {one} gauge" for one in named} <= set(lines)


def test_a_change_of_health_is_told_once(uri, webhook):
    for _ in range(2):
        assert status(uri, "--alert-url", address(webhook)).exception is None
    assert webhook.told == [], "healthy from the first: nobody needs to hear it"
    park(uri)
    for _ in range(2):
        status(uri, "--alert-url", address(webhook))
    (told,) = webhook.told
    assert (told["verdict"], told["before"], told["parked"]) == ("attention", None, 1)
    assert "attention" in told["text"]
    with Ledger.open(uri) as ledger:
        ledger.begin_run(run("run-2"), ttl_seconds=600)
        ledger.finish_run("run-2", "failed")
    status(uri, "--alert-url", address(webhook))
    assert [one["verdict"] for one in webhook.told] == ["attention", "failing"]


def test_what_could_not_be_told_is_told_by_the_next_call_and_the_address_is_not_shown(uri, webhook):
    park(uri)
    webhook.status = 404
    refused = status(uri, "--alert-url", address(webhook)).exception
    assert isinstance(refused, ConfigurationError)
    silent = status(uri, "--alert-url", "http://127.0.0.1:9/secret-hook").exception
    assert isinstance(silent, RetryError)
    assert "secret-hook" not in f"{refused}{silent}"
    webhook.status = 200
    status(uri, "--alert-url", address(webhook))
    assert len(webhook.told) == 2


def test_an_address_that_is_none_is_refused(uri):
    assert isinstance(status(uri, "--alert-url", "chat").exception, ConfigurationError)


def test_owners_whom_nobody_stands_for_are_told_and_are_no_parked_work(uri):
    awaited = AwaitedOwner(Direction.TO_SPOTIO, PAIR, "005000000000001AAA")
    ann = UserRow(side=Side.SALESFORCE, user_id="005000000000001AAA", email="ann@example.com")
    with Ledger.open(uri) as ledger:
        ledger.commit_decisions(Decisions(run_id="run-1", awaited=[awaited], users=[ann]))
    shown = status(uri)
    assert "ann@example.com" in shown.stdout
    assert shown.return_value == Exit.DONE
    (told,) = json.loads(status(uri, "--json").stdout)["stranded_owners"]
    assert (told["user_id"], told["user"]) == ("005000000000001AAA", "ann@example.com")
