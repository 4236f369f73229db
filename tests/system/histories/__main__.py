"""Long runs and replays: ``python -m tests.system.histories --seed N --histories M``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from reverse_sf.simulator.local import running
from tests.system.histories.history import RECORDS, History


def main() -> int:
    """Play histories one after the other; the exit code is 1 where one has a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--histories", type=int, default=1)
    parser.add_argument("--story", action="store_true", help="also tell histories that went well")
    parser.add_argument("--keep", type=Path, help="folder that keeps what a history left")
    options = parser.parse_args()
    began, bad, runs, crashes, edits, cycles = time.monotonic(), [], 0, 0, 0, 0
    with running(records=RECORDS) as servers:
        for seed in range(options.seed, options.seed + options.histories):
            with tempfile.TemporaryDirectory(prefix="history-") as made:
                folder = (options.keep / str(seed)) if options.keep else Path(made)
                folder.mkdir(parents=True, exist_ok=True)
                verdict = History(seed, servers, folder).play()
            runs += verdict.runs
            crashes += verdict.crashes
            edits += verdict.edits
            cycles = max(cycles, verdict.cycles)
            if verdict.problems:
                bad.append(seed)
            if verdict.problems or options.story:
                print(verdict, flush=True)  # noqa: T201
    seconds = time.monotonic() - began
    print(  # noqa: T201
        f"{options.histories} histories from seed {options.seed} in {seconds:.0f} s:"
        f" {edits} edits, {runs} runs, {crashes} crashes, at rest within {cycles} cycles;"
        f" {len(bad)} with problems {bad or ''}"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
