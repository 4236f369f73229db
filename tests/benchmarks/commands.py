"""Running one of the product's commands as its user would, and what that took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WATCH = """
import json, os, subprocess, sys, time
began = time.perf_counter()
_, status, used = os.wait4(subprocess.Popen(sys.argv[2:]).pid, 0)
spent = [time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss]
with open(sys.argv[1], "w") as out:
    json.dump(spent, out)
sys.exit(os.waitstatus_to_exitcode(status) and 1)
"""
# A process counts the memory of the one that made it as its own peak, so a small one makes it.

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Cost:
    """What a command took; memory is the most that its process held at once."""

    wall_s: float
    processor_s: float
    peak_mb: float

    def without(self, start: Cost) -> Cost:
        """The same without what a run over nothing takes."""
        return Cost(
            max(self.wall_s - start.wall_s, 1e-9),
            max(self.processor_s - start.processor_s, 1e-9),
            self.peak_mb,
        )


def spend(
    code: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    source: Path | None = None,
    sink: Path | None = None,
    variables: dict[str, str] | None = None,
) -> Cost:
    """Run Python code as a command in a folder and wait for its end.

    Args:
        code: what the command's script does, such as ``from x import main; main()``.
        arguments: the command's arguments.
        folder: where it runs.
        source: standard input.
        sink: standard output.
        variables: added to the environment.
    """
    said, cost = folder / "said.txt", folder / "cost.json"
    with ExitStack() as files:
        done = subprocess.run(
            [sys.executable, "-S", "-c", _WATCH, str(cost), sys.executable, "-c", code, *arguments],
            check=False,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(variables or {})},
            stdin=files.enter_context(source.open("rb")) if source else subprocess.DEVNULL,
            stdout=files.enter_context(sink.open("wb")) if sink else subprocess.DEVNULL,
            stderr=files.enter_context(said.open("wb")),
        )
    if done.returncode:
        raise SystemExit(f"{code}: exit {done.returncode}\n{said.read_text()}")
    wall_s, processor_s, peak = json.loads(cost.read_text())
    return Cost(wall_s, processor_s, peak / (1024 * 1024 if sys.platform == "darwin" else 1024))
