"""Runs of the mapper over a real ledger, and a target that does as it is told."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from reverse_sf.ledger.batches import Outcomes
from reverse_sf.ledger.rows import OperationStatus, Outcome
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapper.messages import Writer
from reverse_sf.mapper.run import MappingRun
from reverse_sf.mapper.suspicion import Limits
from reverse_sf.mapping.definition import Direction
from reverse_sf.mapping.document import parse
from reverse_sf.merge.envelope import Envelope

if TYPE_CHECKING:
    from pathlib import Path

SYNC = """
version: 1
objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true, only_when: {Type: [Prospect, Customer]}}
    to_salesforce: {enabled: true}
    owner: {spotio_default: ops@example.com, keep_on_update: true}
    fields:
      - {spotio: Company, salesforce: Name, rule: salesforce_only}
      - {spotio: Phone, salesforce: Phone, rule: salesforce_only}
      - {spotio: Website, salesforce: Website, rule: two_way}
      - {spotio: Billing Email, salesforce: Billing_Email__c, rule: salesforce_unless_blank}
      - {spotio: Annual Revenue, salesforce: AnnualRevenue, rule: salesforce_only}
      - {spotio: Products, salesforce: Product_Interest__c, rule: two_way}
      - {spotio: Customer Since, salesforce: Customer_Since__c, rule: salesforce_only}
      - {spotio: Last Audit, salesforce: Last_Audit__c, rule: salesforce_only}
      - {spotio: Account Notes, salesforce: Description, rule: do_not_sync}
      - spotio: Industry
        salesforce: Industry
        rule: salesforce_only
        choices: {Solar: Solar, Telecom: Telecommunications, Other: do_not_sync}
      - spotio: Rating
        salesforce: Rating
        rule: two_way
        choices: {Hot: Hot, Lukewarm: Warm, Cold: Cold}
    address:
      street: BillingStreet
      city: BillingCity
      skip_geocoding: true
      rule: salesforce_only
    on_delete: {in_salesforce: delete, in_spotio: ignore}
  - spotio: Contacts
    salesforce: Contact
    to_spotio: {enabled: true}
    to_salesforce: {enabled: false}
    parent: {salesforce: AccountId, spotio: Accounts}
    fields:
      - {spotio: First Name, salesforce: FirstName, rule: two_way}
      - {spotio: Last Name, salesforce: LastName, rule: two_way}
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: true}
    to_salesforce: {enabled: false}
    fields:
      - {spotio: First Name, salesforce: FirstName, rule: two_way}
      - {spotio: Last Name, salesforce: LastName, rule: two_way}
"""

TYPES: dict[str, dict[str, dict[str, Any]]] = {
    "Account": {
        "Id": {"type": "id"},
        "IsDeleted": {"type": "boolean"},
        "MasterRecordId": {"type": "reference"},
        "SystemModstamp": {"type": "datetime"},
        "Name": {"type": "string", "length": 255},
        "Type": {"type": "picklist"},
        "Phone": {"type": "phone", "length": 40},
        "Website": {"type": "url", "length": 255},
        "Billing_Email__c": {"type": "email", "length": 80},
        "AnnualRevenue": {"type": "currency", "precision": 18, "scale": 2},
        "Product_Interest__c": {"type": "multipicklist"},
        "Customer_Since__c": {"type": "date"},
        "Last_Audit__c": {"type": "datetime"},
        "Industry": {"type": "picklist"},
        "Rating": {"type": "picklist"},
        "BillingStreet": {"type": "textarea"},
        "BillingCity": {"type": "string"},
        "OwnerId": {"type": "reference", "referenceTo": ["User"]},
    },
    "Contact": {
        "Id": {"type": "id"},
        "IsDeleted": {"type": "boolean"},
        "SystemModstamp": {"type": "datetime"},
        "FirstName": {"type": "string"},
        "LastName": {"type": "string"},
        "AccountId": {"type": "reference", "referenceTo": ["Account"]},
    },
    "Lead": {
        "Id": {"type": "id"},
        "IsDeleted": {"type": "boolean"},
        "IsConverted": {"type": "boolean"},
        "ConvertedContactId": {"type": "reference", "referenceTo": ["Contact"]},
        "SystemModstamp": {"type": "datetime"},
        "FirstName": {"type": "string"},
        "LastName": {"type": "string"},
    },
}
OWNER = "005000000000001AAA"
STAMP = "2026-05-06T11:56:44.000Z"
LATER = "2026-05-07T08:00:00.000Z"


def salesforce_id(prefix: str, number: int) -> str:
    return f"{prefix}{number:012d}AAA"


def account(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "Id": salesforce_id("001", number),
        "IsDeleted": False,
        "MasterRecordId": None,
        "SystemModstamp": STAMP,
        "Name": f"Company {number}",
        "Type": "Customer",
        "Phone": "555 0100",
        "Website": None,
        "Billing_Email__c": None,
        "AnnualRevenue": 1250.5,
        "Product_Interest__c": "Panels;Batteries",
        "Customer_Since__c": "2024-07-08",
        "Last_Audit__c": "2026-01-02T03:04:05.000Z",
        "Industry": "Solar",
        "Rating": "Warm",
        "BillingStreet": "1 Main Street",
        "BillingCity": "Dayton",
        "OwnerId": OWNER,
        **fields,
    }


def contact(number: int = 1, account_number: int | None = 1, **fields: Any) -> dict[str, Any]:
    return {
        "Id": salesforce_id("003", number),
        "IsDeleted": False,
        "SystemModstamp": STAMP,
        "FirstName": "Ana",
        "LastName": f"Name {number}",
        "AccountId": None if account_number is None else salesforce_id("001", account_number),
        **fields,
    }


def lead(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "Id": salesforce_id("00Q", number),
        "IsDeleted": False,
        "IsConverted": False,
        "SystemModstamp": STAMP,
        "FirstName": "Lee",
        "LastName": f"Lead {number}",
        **fields,
    }


def schema(stream: str, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    properties = {
        name: {"x-salesforce": facts}
        for name, facts in TYPES[stream].items()
        if name not in without
    }
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties},
        "key_properties": ["Id"],
        "bookmark_properties": ["SystemModstamp"],
    }


def record(stream: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RECORD", "stream": stream, "record": fields}


def state(value: Any) -> dict[str, Any]:
    return {"type": "STATE", "value": value}


def lines(*messages: dict[str, Any]) -> list[bytes]:
    return [msgspec.json.encode(message) + b"\n" for message in messages]


@dataclass
class Emitted:
    """What a run wrote to its target."""

    text: bytes
    run_id: str
    messages: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.messages = [msgspec.json.decode(line) for line in self.text.splitlines()]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [one["record"] for one in self.messages if one["type"] == "RECORD"]

    @property
    def kinds(self) -> list[str]:
        return [one["type"] for one in self.messages]

    def envelopes(self) -> list[Envelope]:
        return [msgspec.convert(one["_sync"], Envelope) for one in self.records]


class Bench:
    """A ledger, and runs of the mapper over it."""

    def __init__(self, folder: Path, sync: str = SYNC) -> None:
        self.uri = f"sqlite:///{folder / 'ledger.db'}"
        self.definition = parse(sync)
        self.limits = Limits(batch_size=100)
        self.applied: dict[str, dict[str, Any]] = {}

    def open(self) -> Ledger:
        return Ledger.open(self.uri)

    def run(self, *messages: dict[str, Any], raw: list[bytes] | None = None) -> Emitted:
        out = io.BytesIO()
        logger = logging.getLogger("spotio-mapper")
        with self.open() as ledger:
            mapping = MappingRun(
                self.definition, ledger, Writer(out), logger=logger, limits=self.limits
            )
            with mapping:
                mapping.read(lines(*messages) if raw is None else raw)
        return Emitted(out.getvalue(), mapping.run_id)

    def accounts(self, *records: dict[str, Any]) -> Emitted:
        return self.run(schema("Account"), *(record("Account", one) for one in records))

    def apply(self, emitted: Emitted, **normalised: Any) -> None:
        """Write everything as the target would; ``normalised`` is what SPOTIO makes of a key."""
        outcomes = []
        with self.open() as ledger:
            for one in emitted.records:
                envelope = msgspec.convert(one["_sync"], Envelope)
                image = self.applied.setdefault(envelope.link_id, dict.fromkeys(KEYS))
                written = {
                    key: _as_read(key, value)
                    for key, value in one.items()
                    if key not in {"_sync", "externalDataObjectId"}
                }
                if isinstance(written.get("address"), dict):
                    written["address"] = {**(image.get("address") or {}), **written["address"]}
                image.update(written)
                image.update(normalised)
                outcomes.append(
                    Outcome(
                        operation_id=envelope.operation_id,
                        link_id=envelope.link_id,
                        status=OperationStatus.APPLIED,
                        at=LATER,
                        spotio_id=envelope.spotio_id or f"P-{envelope.salesforce_id}",
                        image=dict(image),
                        written=list(written),
                    )
                )
            ledger.commit_outcomes(
                Outcomes(run_id=emitted.run_id, direction=Direction.TO_SPOTIO, outcomes=outcomes)
            )
            ledger.finish_run(emitted.run_id, "done")

    def edit_in_spotio(self, emitted: Emitted, **values: Any) -> None:
        """A person edits SPOTIO, and a target's guard finds it: stale, flagged."""
        envelope = emitted.envelopes()[0]
        image = self.applied[envelope.link_id]
        image.update(values)
        with self.open() as ledger:
            ledger.commit_outcomes(
                Outcomes(
                    run_id=emitted.run_id,
                    direction=Direction.TO_SPOTIO,
                    outcomes=[
                        Outcome(
                            operation_id=envelope.operation_id,
                            link_id=envelope.link_id,
                            status=OperationStatus.STALE,
                            at=LATER,
                            image=dict(image),
                        )
                    ],
                    flagged=[(envelope.link_id, Direction.TO_SPOTIO, "stale")],
                )
            )
            ledger.finish_run(emitted.run_id, "done")

    def finish(self, emitted: Emitted) -> None:
        """The target ends without an outcome for anything: as if it was killed."""
        with self.open() as ledger:
            ledger.finish_run(emitted.run_id, "interrupted")

    def counts(self, emitted: Emitted) -> dict[tuple[str, str, str], int]:
        with self.open() as ledger:
            return {
                (one.pair, one.counter, one.reason): one.number
                for one in ledger.counts(emitted.run_id)
            }

    def parked(self) -> dict[tuple[str, str], str]:
        """Reason by Salesforce Id (or link id) and key."""
        with self.open() as ledger:
            rows = ledger.parked_rows(Direction.TO_SPOTIO)
            snapshots = ledger.snapshots(sorted({one.link_id for one in rows}))
            return {
                (snapshots[one.link_id].link.salesforce_id or "", one.key): one.reason
                for one in rows
            }

    def snapshot(self, pair: str, number_id: str) -> Any:
        with self.open() as ledger:
            link_id = ledger.link_ids(pair, [number_id])[number_id]
            return ledger.snapshots([link_id])[link_id]


KEYS = (
    "Company",
    "Phone",
    "Website",
    "Billing Email",
    "Annual Revenue",
    "Products",
    "Customer Since",
    "Last Audit",
    "Industry",
    "Rating",
    "First Name",
    "Last Name",
)


def _as_read(key: str, value: Any) -> Any:
    """What the target reads back: ids for owner and parent, plain components for the address."""
    if key == "owner":
        return "user-1"
    if key == "parent":
        return f"P-{value['salesforce_id']}" if value else None
    if key == "address" and value:
        return {name: one for name, one in value.items() if name != "skip_geocoding"}
    return value


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
