"""How fast tap-salesforce reads: Accounts of 30 fields by Bulk API 2.0 from the local server.

Prints the rate of a bare loop that downloads the same CSV, reads it with ``csv.reader`` and encodes
every row with msgspec, then the rate of the tap's command over the same rows, its share of the bare
loop, its peak memory and its API requests. Rates count processor time, because the server shares
the machine, and leave out the start of the process, which is told on its own.
``python -m tests.benchmarks.bench_tap [records]``.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.salesforce import Credentials, SalesforceClient
from reverse_sf.salesforce.soql import Select
from reverse_sf.simulator.connection import CONSUMER_KEY, CONSUMER_SECRET, REFRESH_TOKEN
from reverse_sf.simulator.local import LocalServer, running
from reverse_sf.tap.tap import TapSalesforce

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS = 100_000
FIELDS = (
    *("Id", "IsDeleted", "MasterRecordId", "Name", "Type", "BillingStreet", "BillingCity"),
    *("BillingState", "BillingPostalCode", "BillingCountry", "Phone", "Website", "Industry"),
    *("AnnualRevenue", "NumberOfEmployees", "Description", "Rating", "OwnerId", "CreatedDate"),
    *("CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"),
    *("LastActivityDate", "Product_Interest__c", "Customer_Since__c", "Last_Audit__c"),
    *("SPOTIO_Id__c", "Billing_Email__c", "Score__c"),
)
_COMMAND = "from reverse_sf.tap.tap import main; main()"


@dataclass(frozen=True)
class Cost:
    """What a run took."""

    processor_s: float
    wall_s: float
    peak_mb: float
    requests: int


def bare_loop(server: LocalServer) -> tuple[int, float]:
    """Rows, and seconds of processor time."""
    login = Credentials(
        login_url=server.url,
        client_id=CONSUMER_KEY,
        client_secret=CONSUMER_SECRET,
        refresh_token=REFRESH_TOKEN,
    )
    client = SalesforceClient(login)
    encoder = msgspec.json.Encoder()
    job = _job(client)
    began = time.process_time()
    count = 0
    with tempfile.TemporaryFile() as out:
        for body in _bodies(client, job):
            rows = csv.reader(io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="\n"))
            header = next(rows)
            for row in rows:
                out.write(encoder.encode(dict(zip(header, row, strict=True))))
                out.write(b"\n")
                count += 1
    spent = time.process_time() - began
    client.close()
    return count, spent


def _job(client: SalesforceClient) -> str:
    body = {"operation": "queryAll", "query": str(Select("Account", FIELDS))}
    job: dict[str, Any] = client.call("POST", "jobs/query", json=body, what="job").json()
    while job["state"] != "JobComplete":
        time.sleep(0.1)
        job = client.call("GET", f"jobs/query/{job['id']}", what="job").json()
    return str(job["id"])


def _bodies(client: SalesforceClient, job: str) -> Iterator[bytes]:
    params: dict[str, Any] = {"maxRecords": 15_000}
    while params.get("locator") != "null":
        answer = client.call("GET", f"jobs/query/{job}/results", params=params, what="results")
        params["locator"] = answer.headers["Sforce-Locator"]
        yield answer.content


def command(server: LocalServer, folder: Path, *, idle: bool) -> Cost:
    """Run the command over all Accounts, or (``idle``) over none of them."""
    settings = {
        "login_url": server.url,
        "client_id": CONSUMER_KEY,
        "client_secret": CONSUMER_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "streams_to_discover": ["Account"],
        "api_type": "BULK2",
        **({"end_date": "2000-01-01T00:00:00Z"} if idle else {}),
    }
    catalog = TapSalesforce(config=dict(settings)).catalog_dict
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"]:
            entry["metadata"]["selected"] = entry["breadcrumb"][-1] in FIELDS
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "catalog.json").write_text(json.dumps(catalog))
    mark = server.last()
    began = time.perf_counter()
    with (folder / "out.jsonl").open("wb") as out, (folder / "said").open("wb") as said:
        arguments = ["--config", "config.json", "--catalog", "catalog.json"]
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *arguments], cwd=folder, stdout=out, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit((folder / "said").read_text())
    return Cost(
        used.ru_utime + used.ru_stime,
        time.perf_counter() - began,
        used.ru_maxrss / 1024,
        len(server.requests(since=mark)),
    )


def main() -> None:
    """Measure and print."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with running(records=0, accounts=records) as servers, tempfile.TemporaryDirectory() as name:
        folder, server = Path(name), servers.salesforce
        count, bare_s = bare_loop(server)
        start = command(server, folder, idle=True)
        full = command(server, folder, idle=False)
    tap_s = full.processor_s - start.processor_s
    lines = [
        f"bare loop        {count / bare_s:>10,.0f} records/s ({count:,} records)",
        f"tap-salesforce   {count / tap_s:>10,.0f} records/s = {bare_s / tap_s:.0%} of it",
        f"start of process {start.processor_s:>10.2f} s; the whole run {full.wall_s:.1f} s",
        f"peak memory      {full.peak_mb:>10.0f} MB",
        f"API requests     {full.requests * 1000 / count:>10.2f} per 1,000 records",
    ]
    print("\n".join(lines))  # noqa: T201 - a bench prints


if __name__ == "__main__":
    main()
