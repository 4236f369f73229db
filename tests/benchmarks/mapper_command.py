"""The mapper as a command over a ledger on disk: wall and processor time, memory, statements."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from tests.benchmarks.bench_mapper import SYNC, Rate, _apply, bare_loop, lines_of
from tests.benchmarks.commands import Cost, spend

if TYPE_CHECKING:
    from pathlib import Path

_COMMAND = "import tests.benchmarks.counted_mapper"


@dataclass(frozen=True)
class Run:
    """One run of the command; ``cost`` is without its start."""

    name: str
    records: int
    emitted: int
    cost: Cost
    statements: int


def measure(folder: Path, records: int) -> tuple[Rate, Cost, list[Run]]:
    """Everything new, nothing changed, one field of everything changed, over the same ledger.

    Returns:
        The bare loop, what the start of the command takes, and the runs.
    """
    (folder / "sync.yml").write_text(SYNC, encoding="utf-8")
    bare = bare_loop(lines_of(records))
    start, _, _ = _run(folder, "idle", lines_of(0))
    runs: list[Run] = []
    for name, version, expected in (
        ("everything is new", 0, records),
        ("nothing changed", 0, 0),
        ("one field of each changed", 1, records),
    ):
        cost, statements, emitted = _run(folder, "ledger", lines_of(records, version=version))
        if emitted != expected:
            raise SystemExit(f"{name}: {emitted:,} records were emitted, not {expected:,}")
        runs.append(Run(name, records, emitted, cost.without(start), statements))
    return bare, start, runs


def _run(folder: Path, ledger_name: str, lines: list[bytes]) -> tuple[Cost, int, int]:
    uri = f"sqlite:///{folder}/{ledger_name}.db"
    observed, decided = folder / "observed.jsonl", folder / "decided.jsonl"
    observed.write_bytes(b"".join(lines))
    (folder / "mapper.json").write_text(
        json.dumps(
            {
                "sync_file": str(folder / "sync.yml"),
                "ledger_uri": uri,
                "change_limit_percent": 0,
            }
        )
    )
    cost = spend(
        _COMMAND,
        ["--config", "mapper.json"],
        folder=folder,
        source=observed,
        sink=decided,
        variables={"BENCH_STATEMENTS": str(folder / "statements")},
    )
    messages = decided.read_bytes()
    emitted = sum(b'"_sync"' in line and b'"RECORD"' in line for line in messages.splitlines())
    if emitted:
        with Ledger.open(uri) as ledger:
            run = ledger.last_run(Direction.TO_SPOTIO)
            if run is not None:
                ledger.finish_run(run.run_id, "done")
            _apply(ledger, messages)
    return cost, int((folder / "statements").read_text()), emitted
