"""A stand-in for the mapper, and the target against the local SPOTIO server."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.rows import Intent, Link, LinkState
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.simulator.local import LocalServer, running
from target_spotio.target import TargetSpotio
from tests.contract.delivery_fixtures import LedgerOfSync, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITES = {"POST", "PATCH", "DELETE", "PUT"}
ADDRESS_SHAPE = {
    "type": ["object", "null"],
    "properties": {name: {} for name in ("street", "city", "state", "zip", "country")},
}
KEYS = {
    "Accounts": (
        "Company", "Phone", "Website", "Industry", "Products", "Annual Revenue", "Employees",
        "Customer Since", "Last Audit", "Account Notes", "Billing Email", "Stage", "owner",
    ),
    "Contacts": ("First Name", "Last Name", "Email", "Phone", "Stage", "owner", "parent"),
    "Leads": ("First Name", "Last Name", "Company", "Email", "Phone", "Lead Source", "Stage"),
}  # fmt: skip


@pytest.fixture(scope="module", name="server")
def server_fixture() -> Iterator[LocalServer]:
    """An empty local SPOTIO (users and schema only)."""
    with running(empty=True) as servers:
        yield servers.spotio


@pytest.fixture(name="spotio")
def spotio_fixture(server: LocalServer) -> LocalServer:
    """The local SPOTIO as on its first day."""
    server.reset()
    return server


def settings(spotio: LocalServer, **more: Any) -> dict[str, Any]:
    """Settings that point a target at the server."""
    return {
        "api_url": spotio.url,
        "client_id": "demo-client",
        "client_secret": "demo-secret",
        "settle_seconds": 0.2,
        "request_timeout": 5,
        **more,
    }


def schema(stream: str) -> dict[str, Any]:
    """A SCHEMA message with every mapped key, as the mapper sends it."""
    properties: dict[str, Any] = {key: {} for key in KEYS[stream]}
    if stream != "Contacts":
        properties["address"] = ADDRESS_SHAPE
    properties |= {"externalDataObjectId": {}, "_sync": {"type": ["object", "null"]}}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties},
        "key_properties": [],
    }


@dataclass
class Sync(LedgerOfSync):
    """What the mapper does before and a runner does around the target."""

    direction = Direction.TO_SPOTIO

    @property
    def spotio(self) -> LocalServer:
        """What the target writes to."""
        return self.server

    def decide(self, *decided: dict[str, Any]) -> None:
        """Commit decisions and emit their records."""
        links: list[Link] = []
        intents: list[Intent] = []
        superseded: list[str] = []
        with Ledger.open(self.ledger_uri) as ledger:
            for one in decided:
                link_id = link_of(one["salesforce_id"])
                snapshot = ledger.snapshots([link_id]).get(link_id)
                if snapshot is None:
                    links.append(
                        Link(
                            link_id=link_id,
                            pair=one["pair"],
                            origin=Side.SALESFORCE,
                            state=LinkState.PENDING,
                            salesforce_id=one["salesforce_id"],
                        )
                    )
                elif snapshot.open_operation:
                    superseded.append(snapshot.open_operation)
                envelope = {
                    "operation_id": f"operation-{next(numbers)}",
                    "action": one.get("action", "create"),
                    "link_id": link_id,
                    "run_id": self.run_id,
                    "pair": one["pair"],
                    "salesforce_id": one["salesforce_id"],
                    **one.get("envelope", {}),
                }
                record = one["record"]
                intents.append(
                    Intent(
                        operation_id=envelope["operation_id"],
                        link_id=link_id,
                        pair=one["pair"],
                        direction=Direction.TO_SPOTIO,
                        action=envelope["action"],
                        run_id=self.run_id,
                        record=record,
                        envelope=envelope,
                        source=dict.fromkeys(record, "source"),
                        decision={},
                        issued_at="2026-11-23T12:00:00Z",
                        waiting_for=(record.get("parent") or {}).get("link_id"),
                    )
                )
                stream = one["pair"].partition(":")[2]
                message = {
                    "type": "RECORD",
                    "stream": stream,
                    "record": {**record, "_sync": envelope},
                }
                if not any(m["type"] == "SCHEMA" and m["stream"] == stream for m in self.messages):
                    self.messages.append(schema(stream))
                self.messages.append(message)
            ledger.commit_decisions(
                Decisions(run_id=self.run_id, links=links, intents=intents, superseded=superseded)
            )

    def deliver(self, **config: Any) -> TargetSpotio:
        """Run the target over everything emitted, and a STATE after it."""
        lines = [*self.messages, {"type": "STATE", "value": {"run": self.run_id}}]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        target = TargetSpotio(
            config=settings(self.spotio, ledger_uri=self.ledger_uri, **{**self.config, **config})
        )
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                target.listen(io.StringIO(text))
        finally:
            self.states = out.getvalue().splitlines()
        return target

    def snapshot(self, salesforce_id: str) -> Any:
        """What the ledger knows of a record."""
        with Ledger.open(self.ledger_uri) as ledger:
            return ledger.snapshots([link_of(salesforce_id)])[link_of(salesforce_id)]

    def rows(self, object_name: str) -> list[dict[str, Any]]:
        """Records in SPOTIO that are not deleted."""
        return [row for row in self.spotio.rows(object_name) if not row["deleted"]]

    def writes(self, since: int) -> list[str]:
        """Writing calls since a mark, as ``METHOD path``; logins and filters are none."""
        quiet = ("apitoken", "filters")
        return [
            f"{request['method']} {request['path']}"
            for request in self.spotio.requests(since)
            if request["method"] in WRITES and not request["path"].endswith(quiet)
        ]


@pytest.fixture(name="sync")
def sync_fixture(spotio: LocalServer, tmp_path: Path) -> Sync:
    """A sync with a new ledger."""
    return Sync(spotio, f"sqlite:///{tmp_path / 'ledger.db'}")


def link_of(salesforce_id: str) -> str:
    """The link id of a record."""
    return hashlib.blake2b(salesforce_id.encode(), digest_size=16).hexdigest()


def salesforce_id(number: int, prefix: str = "001") -> str:
    """A made-up Salesforce Id."""
    return f"{prefix}0000000{number:05d}AAA"


def account(number: int, **record: Any) -> dict[str, Any]:
    """A decided create of an Account."""
    sf = salesforce_id(number)
    values = {
        "Company": f"Company {number}",
        "Phone": f"(512) 555-{number:04d}",
        "Industry": "Solar",
        "Products": ["Batteries", "Panels"],
        "Annual Revenue": 1000 + number,
        "Customer Since": "2020-05-06",
        "Last Audit": "2026-05-06T11:56:44Z",
        "Stage": "Customer",
        "owner": {"email": "rep.one@example.com", "keep_on_update": True},
        "externalDataObjectId": sf,
        **record,
    }
    return {"salesforce_id": sf, "pair": "Account:Accounts", "record": values}


def contact(number: int, parent: int | None = None, **record: Any) -> dict[str, Any]:
    """A decided create of a Contact."""
    sf = salesforce_id(number, "003")
    values: dict[str, Any] = {
        "First Name": f"First {number}",
        "Last Name": f"Last {number}",
        "Stage": "Active",
        "externalDataObjectId": sf,
        **record,
    }
    if parent is not None:
        of = salesforce_id(parent)
        values["parent"] = {"link_id": link_of(of), "salesforce_id": of}
    return {"salesforce_id": sf, "pair": "Contact:Contacts", "record": values}


def update(number: int, spotio_id: str, expected: dict[str, Any], **record: Any) -> dict[str, Any]:
    """A decided update of an Account."""
    return {
        "salesforce_id": salesforce_id(number),
        "pair": "Account:Accounts",
        "action": "update",
        "record": record,
        "envelope": {"spotio_id": spotio_id, "expected": expected},
    }
