"""SPOTIO to Salesforce: what tap, mapper and target take, and how many requests a sync needs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.connection import (
    CONSUMER_KEY,
    CONSUMER_SECRET,
    REFRESH_TOKEN,
    SPOTIO_CLIENT_ID,
    SPOTIO_SECRET,
)
from tests.benchmarks.commands import Cost, spend

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServer, LocalServers

SYNC = """
version: 1
objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true}
    to_salesforce: {enabled: true}
    salesforce_external_id: SPOTIO_Id__c
    match: [external_id]
    fields:
      - {spotio: Company, salesforce: Name, rule: two_way}
      - {spotio: Phone, salesforce: Phone, rule: two_way}
      - {spotio: Website, salesforce: Website, rule: two_way}
      - {spotio: Annual Revenue, salesforce: AnnualRevenue, rule: two_way}
      - {spotio: Account Notes, salesforce: Description, rule: spotio_only}
"""
SALESFORCE = ("User", "Account", "Contact", "Lead", "Opportunity")
COMMANDS = {
    "tap-salesforce": "from reverse_sf.tap.tap import main; main()",
    "tap-spotio": "from tap_spotio.tap import main; main()",
    "mapper": "from reverse_sf.mapper.plugin import main; main()",
    "target-salesforce": "from reverse_sf.target.target import main; main()",
    "target-spotio": "from target_spotio.target import main; main()",
}
_HOUR = 3600


@dataclass(frozen=True)
class Step:
    """One direction, run once: what each part took, and the requests to both sides."""

    costs: dict[str, Cost]
    salesforce: list[str]
    spotio: list[str]
    emitted: int
    observed: int


@dataclass
class Project:
    """A folder with settings, ledger, STATE and cache."""

    folder: Path
    servers: LocalServers
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "sync.yml").write_text(SYNC)

    def _config(self, command: str, mapping: str) -> list[str]:
        salesforce = {
            "login_url": self.servers.salesforce_url,
            "client_id": CONSUMER_KEY,
            "client_secret": CONSUMER_SECRET,
            "refresh_token": REFRESH_TOKEN,
            "cache_folder": "cache",
        }
        spotio = {
            "api_url": self.servers.spotio_url,
            "client_id": SPOTIO_CLIENT_ID,
            "client_secret": SPOTIO_SECRET,
            "cache_folder": "cache",
        }
        ledger = {"ledger_uri": f"sqlite:///{self.folder}/ledger.db"}
        own = {
            "tap-salesforce": {**salesforce, "streams_to_discover": list(SALESFORCE)},
            "tap-spotio": spotio,
            "mapper": {
                **ledger,
                "mapping": mapping,
                "sync_file": "sync.yml",
                # A bench changes every record on purpose.
                "change_limit_percent": 0,
            },
            "target-salesforce": {**salesforce, **ledger},
            "target-spotio": {**spotio, **ledger},
        }[command]
        file = self.folder / f"{command}.json"
        file.write_text(json.dumps({**own, **self.settings.get(command, {})}))
        return ["--config", str(file)]

    def step(self, source: str, *, again: bool = False) -> Step:
        """Run one direction, ``spotio`` or ``salesforce`` being its source.

        Args:
            source: whose tap reads.
            again: read everything, whatever STATE says.
        """
        target = "salesforce" if source == "spotio" else "spotio"
        mapping = f"{target}-mapper"
        state = self.folder / f"{source}.state"
        arguments = self._config(f"tap-{source}", mapping)
        if state.exists() and not again:
            arguments += ["--state", str(state)]
        marks = self.servers.salesforce.last(), self.servers.spotio.last()
        files = [self.folder / f"{name}.jsonl" for name in ("observed", "decided", "done")]
        costs: dict[str, Cost] = {}
        inputs = [None, *files]
        for command, options, given, made in zip(
            (f"tap-{source}", "mapper", f"target-{target}"),
            (arguments, self._config("mapper", mapping), self._config(f"target-{target}", mapping)),
            inputs,
            files,
            strict=False,
        ):
            costs[command] = spend(
                COMMANDS[command], options, folder=self.folder, source=given, sink=made
            )
        told = files[2].read_bytes().splitlines()
        if told:
            state.write_bytes(told[-1])
        return Step(
            costs,
            _calls(self.servers.salesforce, marks[0]),
            _calls(self.servers.spotio, marks[1]),
            emitted=_records(files[1]),
            observed=_records(files[0]),
        )

    def rest(self) -> None:
        """Sync until nothing is left to do, and let time pass, so that nothing is read again."""
        servers = (self.servers.salesforce, self.servers.spotio)
        # With a login that lasts: Salesforce's end after two hours.
        self.servers.salesforce.switches(session_seconds=100 * _HOUR)
        for server in servers:
            server.clock(advance=_HOUR)
        for _ in range(2):
            self.step("salesforce")
            self.step("spotio")
        for server in servers:
            server.clock(advance=_HOUR)
        self.step("salesforce")
        self.step("spotio")

    def bare(self) -> tuple[int, float]:
        """Decode and encode what the tap said last: records, and seconds of processor time."""
        lines = (self.folder / "observed.jsonl").read_bytes().splitlines()
        decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
        began = time.process_time()
        size = sum(len(encode(decode(line))) for line in lines)
        return len(lines) if size else 0, time.process_time() - began


def populate(server: LocalServer, accounts: int) -> list[str]:
    """Make so many Accounts in SPOTIO; their ids."""
    server.clock(advance=-2 * _HOUR)
    made = [
        server.edit(
            object="Accounts",
            create={
                "Company": f"Company {number}",
                "Phone": f"(602) 555-{number % 10_000:04d}",
                "Website": f"https://company-{number}.example",
                "Annual Revenue": 1000 + number,
                "Account Notes": f"Met at the fair, wants {number % 30} panels",
            },
        )["id"]
        for number in range(accounts)
    ]
    server.clock(advance=2 * _HOUR)
    return made


def change(server: LocalServer, ids: list[str], version: int) -> None:
    """Change one field of each."""
    for number, record_id in enumerate(ids):
        website = f"https://company-{number}-{version}.example"
        server.edit(object="Accounts", id=record_id, set={"Website": website})


def _calls(server: LocalServer, since: int) -> list[str]:
    """Requests, parts of a composite one by one, as ``METHOD path``."""
    called: list[str] = []
    for one in server.requests(since):
        path = one["path"].replace("/services/data/v62.0/", "")
        called += [f"{one['method']} {path}"] * (len(one["subrequests"]) or 1)
    return called


def _records(file: Path) -> int:
    """Records of the one record type; the tables beside it are few."""
    with file.open("rb") as lines:
        return sum(b'"RECORD"' in line and b'"stream":"Account' in line[:120] for line in lines)
