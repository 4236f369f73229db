"""Long runs: ``python -m tests.convergence --seed 1 --histories 100000``, or ``--mutants``."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.convergence.hunt import history_of, hunted, problems
from tests.convergence.machine import shrunk, spelled
from tests.convergence.mutants import MUTANTS

_AT_ONCE = 100


def main(arguments: list[str] | None = None) -> int:
    """Run; 1 where something was found, or a planted bug was not."""
    parser = argparse.ArgumentParser(prog="python -m tests.convergence", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first history's seed")
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--ledger", choices=("memory", "sqlite"), default="memory")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--mutants", action="store_true", help="hunt the planted bugs instead")
    asked = parser.parse_args(arguments)
    if asked.mutants:
        return _mutation(asked.processes)
    return _convergence(asked.seed, asked.histories, asked.ledger, asked.processes)


def bad_seeds(kind: str, seeds: range) -> list[tuple[int, list[str]]]:
    """The seeds whose histories violate something."""
    found = [(seed, problems(history_of(seed), kind)) for seed in seeds]
    return [(seed, words) for seed, words in found if words]


def _convergence(seed: int, histories: int, kind: str, processes: int) -> int:
    began = told = time.monotonic()
    last = seed + histories
    chunks = [range(at, min(at + _AT_ONCE, last)) for at in range(seed, last, _AT_ONCE)]
    done, bad = 0, []
    with ProcessPoolExecutor(processes) as pool:
        for chunk, found in zip(chunks, pool.map(partial(bad_seeds, kind), chunks), strict=True):
            done += len(chunk)
            bad += found
            for number, words in found:
                print(f"SEED={number}: {words[0]}", flush=True)
            if time.monotonic() - told > 10:
                told = time.monotonic()
                print(f"{done} of {histories} histories, {len(bad)} bad", flush=True)
    seconds = time.monotonic() - began
    print(f"{done} histories over the {kind} ledger in {seconds:.0f} s ({done / seconds:.0f}/s)")
    print(f"{len(bad)} with violations")
    if bad:
        _explain(bad[0][0], kind)
    return 1 if bad else 0


def _explain(seed: int, kind: str) -> None:
    """The first bad history, as small as it gets."""
    history = history_of(seed)
    wanted = problems(history, kind)[0].partition(":")[0]
    small = shrunk(
        history, lambda one: any(words.startswith(wanted) for words in problems(one, kind))
    )
    print(f"\nmake convergence SEED={seed} HISTORIES=1 shows it again; shrunk it is:")
    print(spelled(small))
    for words in problems(small, kind):
        print(f"  {words}")


def _mutation(processes: int) -> int:
    caught = 0
    with ProcessPoolExecutor(processes) as pool:
        for mutant, catch in zip(MUTANTS, pool.map(_hunt, range(len(MUTANTS))), strict=True):
            shown = "MISSED" if catch is None else f"{catch[0]:6} {catch[1]:5} histories"
            print(f"{mutant.name:52} {shown}", flush=True)
            caught += catch is not None
    print(f"{caught} of {len(MUTANTS)} planted bugs caught ({100 * caught / len(MUTANTS):.0f} %)")
    return 0 if caught == len(MUTANTS) else 1


def _hunt(number: int) -> tuple[str, int] | None:
    return hunted(MUTANTS[number])


if __name__ == "__main__":
    sys.exit(main())
