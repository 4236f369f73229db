"""How fast the mapper decides: 100,000 Accounts of 30 fields, 15 of them mapped, a real ledger.

Prints records per second where every record is new, where nothing changed, and where one field of
every linked record changed; and each rate as a ratio to a bare loop that decodes and encodes the
same lines with msgspec. ``python -m tests.benchmarks.bench_mapper [records]``.
"""

from __future__ import annotations

import io
import logging
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from reverse_sf.ledger.batches import Outcomes
from reverse_sf.ledger.rows import OperationStatus, Outcome
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapper.messages import Writer
from reverse_sf.mapper.run import MappingRun
from reverse_sf.mapper.suspicion import Limits
from reverse_sf.mapping.definition import Direction
from reverse_sf.mapping.document import parse

RECORDS = 100_000
AT = "2026-06-01T00:00:00.000Z"
SYNC = """
version: 1
objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true, only_when: {Type: [Prospect, Customer]}}
    to_salesforce: {enabled: false}
    match: [external_id]
    owner: {spotio_default: ops@example.com, keep_on_update: true}
    fields:
      - {spotio: Company, salesforce: Name, rule: salesforce_only}
      - {spotio: Phone, salesforce: Phone, rule: salesforce_only}
      - {spotio: Website, salesforce: Website, rule: two_way}
      - {spotio: Billing Email, salesforce: Billing_Email__c, rule: salesforce_unless_blank}
      - {spotio: Annual Revenue, salesforce: AnnualRevenue, rule: salesforce_only}
      - {spotio: Employees, salesforce: NumberOfEmployees, rule: salesforce_unless_blank}
      - {spotio: Products, salesforce: Product_Interest__c, rule: two_way}
      - {spotio: Customer Since, salesforce: Customer_Since__c, rule: salesforce_only}
      - {spotio: Last Audit, salesforce: Last_Audit__c, rule: salesforce_only}
      - {spotio: Account Notes, salesforce: Description, rule: salesforce_unless_blank}
      - spotio: Industry
        salesforce: Industry
        rule: salesforce_only
        choices: {Solar: Solar, Roofing: Roofing, Telecom: Telecommunications, Other: Other}
      - spotio: Rating
        salesforce: Rating
        rule: two_way
        choices: {Hot: Hot, Lukewarm: Warm, Cold: Cold}
    address:
      street: BillingStreet
      city: BillingCity
      zip: BillingPostalCode
      skip_geocoding: true
      rule: salesforce_only
"""
TYPES: dict[str, dict[str, Any]] = {
    "Id": {"type": "id"},
    "IsDeleted": {"type": "boolean"},
    "MasterRecordId": {"type": "reference"},
    "Name": {"type": "string", "length": 255},
    "Type": {"type": "picklist"},
    "ParentId": {"type": "reference"},
    "BillingStreet": {"type": "textarea", "length": 255},
    "BillingCity": {"type": "string", "length": 40},
    "BillingState": {"type": "string", "length": 80},
    "BillingPostalCode": {"type": "string", "length": 20},
    "BillingCountry": {"type": "string", "length": 80},
    "Phone": {"type": "phone", "length": 40},
    "Fax": {"type": "phone", "length": 40},
    "AccountNumber": {"type": "string", "length": 40},
    "Website": {"type": "url", "length": 255},
    "Industry": {"type": "picklist"},
    "AnnualRevenue": {"type": "currency", "precision": 18, "scale": 2},
    "NumberOfEmployees": {"type": "int", "digits": 8},
    "Ownership": {"type": "picklist"},
    "Description": {"type": "textarea", "length": 32000},
    "Rating": {"type": "picklist"},
    "Site": {"type": "string", "length": 80},
    "OwnerId": {"type": "reference"},
    "CreatedDate": {"type": "datetime"},
    "LastModifiedDate": {"type": "datetime"},
    "SystemModstamp": {"type": "datetime"},
    "Product_Interest__c": {"type": "multipicklist"},
    "Customer_Since__c": {"type": "date"},
    "Last_Audit__c": {"type": "datetime"},
    "Billing_Email__c": {"type": "email", "length": 80},
}


@dataclass(frozen=True)
class Rate:
    """One measurement."""

    name: str
    records: int
    seconds: float
    statements: int

    @property
    def per_second(self) -> float:
        return self.records / self.seconds


def account(number: int, chance: random.Random, *, version: int = 0) -> dict[str, Any]:
    return {
        "Id": f"001{number:012d}AAA",
        "IsDeleted": False,
        "MasterRecordId": None,
        "Name": f"Company {number} & Söhne",
        "Type": "Customer" if number % 3 else "Prospect",
        "ParentId": None,
        "BillingStreet": f"{number % 900} Main Street",
        "BillingCity": f"City {number % 400}",
        "BillingState": "Ohio",
        "BillingPostalCode": f"{number % 99999:05d}",
        "BillingCountry": "United States",
        "Phone": f"+1 555 {number % 10000:04d} {version}",
        "Fax": f"+1 555 {number % 7919:04d}",
        "AccountNumber": f"A-{number}",
        "Website": f"https://company-{number}.example.com",
        "Industry": ("Solar", "Roofing", "Telecommunications", "Other")[number % 4],
        "AnnualRevenue": round(chance.random() * 1e7, 2),
        "NumberOfEmployees": number % 5000,
        "Ownership": "Private",
        "Description": f"Met at the fair. Wants {number % 30} panels and a quote by spring.",
        "Rating": ("Hot", "Warm", "Cold")[number % 3],
        "Site": None,
        "OwnerId": f"005{number % 12:012d}AAA",
        "CreatedDate": "2025-02-03T04:05:06.000Z",
        "LastModifiedDate": f"2026-05-{1 + version:02d}T11:56:44.000Z",
        "SystemModstamp": f"2026-05-{1 + version:02d}T11:56:44.000Z",
        "Product_Interest__c": "Panels;Batteries",
        "Customer_Since__c": "2024-07-08",
        "Last_Audit__c": "2026-01-02T03:04:05.000Z",
        "Billing_Email__c": f"billing{number}@example.com",
    }


def lines_of(records: int, *, version: int = 0) -> list[bytes]:
    chance = random.Random(1)
    encode = msgspec.json.encode
    schema = {
        "type": "SCHEMA",
        "stream": "Account",
        "schema": {
            "type": "object",
            "properties": {k: {"x-salesforce": v} for k, v in TYPES.items()},
        },
        "key_properties": ["Id"],
        "bookmark_properties": ["SystemModstamp"],
    }
    lines = [encode({"type": "STATE", "value": {}}) + b"\n", encode(schema) + b"\n"]
    for number in range(records):
        record = account(number, chance, version=version)
        lines.append(
            encode(
                {
                    "type": "RECORD",
                    "stream": "Account",
                    "record": record,
                    "time_extracted": "2026-06-01T00:00:00.000Z",
                }
            )
            + b"\n"
        )
    return lines


def bare_loop(lines: list[bytes]) -> Rate:
    """Decode and encode the same lines: what no mapper can beat."""
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    out = io.BytesIO()
    start = time.process_time()
    for line in lines:
        out.write(encode(decode(line)))
        out.write(b"\n")
    return Rate("bare loop", len(lines) - 2, time.process_time() - start, 0)


def mapped(name: str, lines: list[bytes], ledger_file: Path) -> tuple[Rate, int]:
    """One whole run of the mapper over a ledger on disk; answers how many records it emitted."""
    logger = logging.getLogger("bench")
    out = io.BytesIO()
    with Ledger.open(f"sqlite:///{ledger_file}") as ledger:
        writer = Writer(out)
        start = time.process_time()
        with MappingRun(parse(SYNC), ledger, writer, logger=logger, limits=Limits()) as run:
            run.read(lines)
        seconds = time.process_time() - start
        statements = ledger.statements
        if writer.records:
            ledger.finish_run(run.run_id, "done")
            _apply(ledger, out.getvalue())
        return Rate(name, len(lines) - 2, seconds, statements), writer.records


def _apply(ledger: Ledger, emitted: bytes) -> None:
    """Be the target: everything is written and read back as sent."""
    outcomes: list[Outcome] = []
    run_id = ""
    for line in emitted.splitlines():
        message = msgspec.json.decode(line)
        if message["type"] != "RECORD":
            continue
        record = message["record"]
        envelope = record.pop("_sync")
        run_id = envelope["run_id"]
        record.pop("externalDataObjectId", None)
        if "owner" in record:
            record["owner"] = "user-1"
        if "address" in record:
            record["address"].pop("skip_geocoding")
        image = {**envelope.get("expected", {}), **record}
        outcomes.append(
            Outcome(
                operation_id=envelope["operation_id"],
                link_id=envelope["link_id"],
                status=OperationStatus.APPLIED,
                at=AT,
                spotio_id="P" + envelope["salesforce_id"],
                image=image,
                written=list(record),
            )
        )
    for start in range(0, len(outcomes), 2000):
        ledger.commit_outcomes(
            Outcomes(
                run_id=run_id,
                direction=Direction.TO_SPOTIO,
                outcomes=outcomes[start : start + 2000],
            )
        )


def measure(records: int = RECORDS) -> list[Rate]:
    """Measure everything."""
    first, later = lines_of(records), lines_of(records, version=1)
    rates = [bare_loop(first)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        for name, lines, emits in (
            ("everything is new", first, True),
            ("nothing changed", first, False),
            ("everything changed", later, True),
        ):
            rate, emitted = mapped(name, lines, file)
            if emitted != (records if emits else 0):
                raise AssertionError(f"{name}: {emitted} records emitted")
            rates.append(rate)
    return rates


def main() -> None:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    rates = measure(records)
    bare = rates[0].per_second
    for rate in rates:
        print(  # noqa: T201 -- a bench prints
            f"{rate.name:20} {rate.per_second:10,.0f} records/s   {rate.per_second / bare:6.1%} of"
            f" the bare loop   {1000 * rate.statements / rate.records:5.1f} statements per 1,000"
        )


if __name__ == "__main__":
    main()
