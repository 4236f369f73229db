"""target-salesforce against the local server, plain and after a stand-in for the mapper."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.rows import Intent, Link, LinkState
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.simulator.connection import CONSUMER_KEY, CONSUMER_SECRET, REFRESH_TOKEN
from reverse_sf.simulator.local import LocalServer, running
from reverse_sf.target.target import TargetSalesforce
from tests.contract.delivery_fixtures import LedgerOfSync, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = {"Account": "SPOTIO_Id__c", "Contact": "SPOTIO_Id__c"}
FIELDS = {
    "Account": (
        "Name", "Phone", "Website", "Industry", "Rating", "AnnualRevenue", "NumberOfEmployees",
        "Product_Interest__c", "Customer_Since__c", "Last_Audit__c", "Description",
        "BillingStreet", "BillingCity", "OwnerId", "SPOTIO_Id__c", "Billing_Email__c",
    ),
    "Contact": ("FirstName", "LastName", "Email", "AccountId", "OwnerId", "SPOTIO_Id__c"),
    "Site__c": ("Name", "Account__c", "Status__c"),
}  # fmt: skip


@pytest.fixture(scope="module", name="server")
def server_fixture() -> Iterator[LocalServer]:
    """An empty local Salesforce (users and metadata only)."""
    with running(empty=True) as servers:
        yield servers.salesforce


@pytest.fixture(name="org")
def org_fixture(server: LocalServer) -> LocalServer:
    """The local Salesforce as on its first day."""
    server.reset()
    return server


def settings(org: LocalServer, **more: Any) -> dict[str, Any]:
    """Settings that point a target at the server."""
    return {
        "login_url": org.url,
        "client_id": CONSUMER_KEY,
        "client_secret": CONSUMER_SECRET,
        "refresh_token": REFRESH_TOKEN,
        **more,
    }


def run_target(config: dict[str, Any], messages: list[dict[str, Any]]) -> list[str]:
    """Run the target over messages; the STATE lines that it wrote, also where it fails."""
    text = "".join(json.dumps(message) + "\n" for message in messages)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        TargetSalesforce(config=config).listen(io.StringIO(text))
    return out.getvalue().splitlines()


def schema(stream: str, names: tuple[str, ...], keys: tuple[str, ...] = ()) -> dict[str, Any]:
    """A SCHEMA message."""
    properties: dict[str, Any] = {name: {} for name in names}
    properties["_sync"] = {"type": ["object", "null"]}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties},
        "key_properties": list(keys),
    }


def record(stream: str, **values: Any) -> dict[str, Any]:
    """A RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": values}


def rows(org: LocalServer, sobject: str) -> list[dict[str, Any]]:
    """Records that are not deleted."""
    return [row for row in org.rows(sobject) if not row.get("IsDeleted")]


def calls(org: LocalServer, since: int, *, logins: bool = False) -> list[str]:
    """API calls since a mark, as ``METHOD path`` below the version."""
    return [
        f"{one['method']} {one['path'].partition('/services/data/v62.0/')[2] or one['path']}"
        for one in org.requests(since)
        if logins or "/oauth2/" not in one["path"]
    ]


def link_of(spotio_id: str) -> str:
    """The link id of a record born in SPOTIO."""
    return hashlib.blake2b(spotio_id.encode(), digest_size=16).hexdigest()


def spotio_id(number: int) -> str:
    """A made-up SPOTIO id."""
    return f"5f0c{number:020x}"


@dataclass
class Sync(LedgerOfSync):
    """What the mapper does before, and a runner around, the target."""

    config: dict[str, Any] = field(default_factory=lambda: {"external_id_fields": KEYS})

    direction = Direction.TO_SALESFORCE

    @property
    def org(self) -> LocalServer:
        """What the target writes to."""
        return self.server

    def decide(self, *decided: dict[str, Any]) -> Sync:
        """Commit decisions and emit their records."""
        links: list[Link] = []
        intents: list[Intent] = []
        superseded: list[str] = []
        with Ledger.open(self.ledger_uri) as ledger:
            wanted = [link_of(one["spotio_id"]) for one in decided]
            known = ledger.snapshots(wanted)
            for one in decided:
                link_id = link_of(one["spotio_id"])
                snapshot = known.get(link_id)
                if snapshot is None:
                    given = one.get("envelope", {}).get("salesforce_id")
                    links.append(
                        Link(
                            link_id=link_id,
                            pair=one["pair"],
                            origin=Side.SPOTIO,
                            state=LinkState.LINKED if given else LinkState.PENDING,
                            spotio_id=one["spotio_id"],
                            salesforce_id=given,
                        )
                    )
                elif snapshot.open_operation:
                    superseded.append(snapshot.open_operation)
                intents.append(self._intent(one, link_id))
            ledger.commit_decisions(
                Decisions(run_id=self.run_id, links=links, intents=intents, superseded=superseded)
            )
        return self

    def _intent(self, one: dict[str, Any], link_id: str) -> Intent:
        envelope = {
            "operation_id": f"operation-{next(numbers)}",
            "action": one.get("action", "create"),
            "link_id": link_id,
            "run_id": self.run_id,
            "pair": one["pair"],
            "spotio_id": one["spotio_id"],
            **one.get("envelope", {}),
        }
        values = one["record"]
        stream = one["pair"].partition(":")[0]
        if not any(m["type"] == "SCHEMA" and m["stream"] == stream for m in self.messages):
            self.messages.append(schema(stream, FIELDS[stream]))
        self.messages.append(record(stream, **values, _sync=envelope))
        names = {
            name
            for place in envelope.get("keys", {}).values()
            for name in ([place] if isinstance(place, str) else place.values())
        }
        waiting = [v["link_id"] for v in values.values() if isinstance(v, dict) and "link_id" in v]
        return Intent(
            operation_id=envelope["operation_id"],
            link_id=link_id,
            pair=one["pair"],
            direction=Direction.TO_SALESFORCE,
            action=envelope["action"],
            run_id=self.run_id,
            record=values,
            envelope=envelope,
            source=dict.fromkeys([*envelope.get("keys", {}), *(set(values) - names)], "source"),
            decision={},
            issued_at="2026-11-23T12:00:00Z",
            waiting_for=waiting[0] if waiting else None,
        )

    def deliver(self, **config: Any) -> Sync:
        """Run the target over everything emitted, and a STATE after it."""
        lines = [*self.messages, {"type": "STATE", "value": {"run": self.run_id}}]
        given = {**self.config, **config, "ledger_uri": self.ledger_uri}
        self.states = []
        self.states = run_target(settings(self.org, **given), lines)
        return self

    def snapshot(self, number: int) -> Any:
        """What the ledger knows of a record."""
        link_id = link_of(spotio_id(number))
        with Ledger.open(self.ledger_uri) as ledger:
            return ledger.snapshots([link_id])[link_id]

    def parked_words(self) -> list[str]:
        """What people read of withheld work."""
        with Ledger.open(self.ledger_uri) as ledger:
            return [row.message for row in ledger.parked_rows()]


@pytest.fixture(name="sync")
def sync_fixture(org: LocalServer, tmp_path: Path) -> Sync:
    """A sync with a new ledger."""
    return Sync(org, f"sqlite:///{tmp_path / 'ledger.db'}")


def account(number: int, **values: Any) -> dict[str, Any]:
    """A decided create of an Account."""
    return {
        "spotio_id": spotio_id(number),
        "pair": "Account:Accounts",
        "record": {"Name": f"Company {number}", "Phone": f"(512) 555-{number:04d}", **values},
    }


def known(number: int) -> dict[str, Any]:
    """What the mapper knows of the phone that :func:`account` was made with."""
    return {"Phone": f"(512) 555-{number:04d}"}


def contact(number: int, parent: int | None = None, **values: Any) -> dict[str, Any]:
    """A decided create of a Contact; its parent is an Account's number."""
    given: dict[str, Any] = {"LastName": f"Last {number}", **values}
    if parent is not None:
        of = spotio_id(parent)
        given["AccountId"] = {"link_id": link_of(of), "spotio_id": of}
    return {
        "spotio_id": spotio_id(100_000 + number),
        "pair": "Contact:Contacts",
        "record": given,
    }


def update(
    number: int, salesforce_id: str, expected: dict[str, Any], **values: Any
) -> dict[str, Any]:
    """A decided update of an Account."""
    return {
        "spotio_id": spotio_id(number),
        "pair": "Account:Accounts",
        "action": "update",
        "record": values,
        "envelope": {"salesforce_id": salesforce_id, "expected": expected},
    }
