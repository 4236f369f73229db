"""Long runs and replays: ``python -m tests.system.histories --seed N --histories M``."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reverse_sf.simulator.local import running
from tests.system.histories.history import RECORDS, History

if TYPE_CHECKING:
    from tests.system.histories.history import Verdict

LOUD_EVERY = 10


def main() -> int:
    """Play histories one after the other; the exit code is 1 where one has a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--histories", type=int, default=1)
    parser.add_argument("--story", action="store_true", help="also tell histories that went well")
    parser.add_argument(
        "--wide", action="store_true", help="children move and accounts are merged, too"
    )
    parser.add_argument("--keep", type=Path, help="folder that keeps what a history left")
    options = parser.parse_args()
    tally = Tally()
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        _play(options, tally)
    finally:
        print(f"from seed {options.seed}: {tally}", flush=True)  # noqa: T201
    return 1 if tally.bad else 0


def _interrupted(_signal: int, _frame: object) -> None:
    """End as Ctrl-C does, with the tally."""
    raise KeyboardInterrupt


def _play(options: argparse.Namespace, tally: Tally) -> None:
    with running(records=RECORDS) as servers:
        for seed in range(options.seed, options.seed + options.histories):
            with tempfile.TemporaryDirectory(prefix="history-") as made:
                folder = (options.keep / str(seed)) if options.keep else Path(made)
                folder.mkdir(parents=True, exist_ok=True)
                verdict = History(seed, servers, folder, wide=options.wide).play()
            tally.add(verdict)
            if verdict.problems or options.story:
                print(verdict, flush=True)  # noqa: T201
            if tally.histories % LOUD_EVERY == 0 and tally.histories < options.histories:
                print(f"from seed {options.seed}: {tally}", flush=True)  # noqa: T201


@dataclass
class Tally:
    """What was played up to now."""

    histories: int = 0
    edits: int = 0
    runs: int = 0
    crashes: int = 0
    crashed: int = 0
    cycles: int = 0
    bad: list[int] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def add(self, verdict: Verdict) -> None:
        """Count one history."""
        self.histories += 1
        self.edits += verdict.edits
        self.runs += verdict.runs
        self.crashes += verdict.crashes
        self.crashed += bool(verdict.crashes)
        self.cycles = max(self.cycles, verdict.cycles)
        if verdict.problems:
            self.bad.append(verdict.seed)

    def __str__(self) -> str:
        return (
            f"{self.histories} histories in {time.monotonic() - self.began:.0f} s: {self.edits}"
            f" edits, {self.runs} runs, {self.crashes} crashes in {self.crashed} of them, at rest"
            f" within {self.cycles} cycles; {len(self.bad)} with problems {self.bad or ''}"
        )


if __name__ == "__main__":
    sys.exit(main())
