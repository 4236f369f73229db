"""How many API requests target-spotio needs: a first load, then one change of every record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_sf.simulator.connection import SPOTIO_CLIENT_ID, SPOTIO_SECRET
from tests.benchmarks.bench_mapper import SYNC, lines_of
from tests.benchmarks.commands import Cost, spend

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServer

MAPPER = "from reverse_sf.mapper.plugin import main; main()"
TARGET = "from target_spotio.target import main; main()"
_READS = {"GET", "HEAD"}


@dataclass(frozen=True)
class Load:
    """One run of mapper and target."""

    name: str
    written: int
    requests: int
    writes: int
    cost: Cost


def measure(server: LocalServer, folder: Path, records: int) -> list[Load]:
    """Load so many Accounts into SPOTIO, then change each of them."""
    ledger = f"sqlite:///{folder}/target-ledger.db"
    (folder / "sync.yml").write_text(SYNC, encoding="utf-8")
    (folder / "mapper.json").write_text(
        json.dumps(
            {
                "sync_file": str(folder / "sync.yml"),
                "ledger_uri": ledger,
                "change_limit_percent": 0,
            }
        )
    )
    (folder / "target.json").write_text(
        json.dumps(
            {
                "api_url": server.url,
                "client_id": SPOTIO_CLIENT_ID,
                "client_secret": SPOTIO_SECRET,
                "ledger_uri": ledger,
            }
        )
    )
    return [
        _load(server, folder, "first load", lines_of(records)),
        _load(server, folder, "one field of each changed", lines_of(records, version=1)),
    ]


def _load(server: LocalServer, folder: Path, name: str, lines: list[bytes]) -> Load:
    observed, decided = folder / "observed.jsonl", folder / "decided.jsonl"
    observed.write_bytes(b"".join(lines))
    spend(MAPPER, ["--config", "mapper.json"], folder=folder, source=observed, sink=decided)
    mark = server.last()
    cost = spend(TARGET, ["--config", "target.json"], folder=folder, source=decided)
    requests = server.requests(since=mark)
    written = sum(b'"_sync"' in line and b'"RECORD"' in line for line in decided.open("rb"))
    writes = sum(request["method"] not in _READS for request in requests)
    return Load(name, written, len(requests), writes, cost)
