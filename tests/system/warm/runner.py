"""Runs of ``tap | mapper | target`` in processes that a warm parent forks."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

SECONDS_TO_END = 300
_LOOK_EVERY = 0.005


@dataclass(frozen=True)
class Part:
    """One plugin of a run: its command, its arguments, and what is to happen on the way.

    Attributes:
        plan: see :class:`tests.system.warm.boundaries.Boundaries`.
        environment: variables that it has beyond those of the parent.
    """

    command: str
    arguments: tuple[str, ...]
    plan: tuple[dict[str, Any], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How one run ended: commands, exit codes and standard error of its parts."""

    commands: tuple[str, ...]
    codes: tuple[int, ...]
    errors: tuple[str, ...]

    @property
    def ended_well(self) -> bool:
        return not any(self.codes)

    @property
    def killed(self) -> bool:
        return -signal.SIGKILL in self.codes

    def __str__(self) -> str:
        return "\n".join(
            f"== {name} ended with {code}\n{error[-3000:]}"
            for name, code, error in zip(self.commands, self.codes, self.errors, strict=True)
        )


class Started:
    """A run that is under way.

    Args:
        parent: the warm parent that forked it.
        pids: its processes.
        parts: the plugins.
        errors: files of their standard errors.
    """

    def __init__(
        self, parent: WarmParent, pids: list[int], parts: Sequence[Part], errors: list[Path]
    ) -> None:
        self._parent = parent
        self._pids = pids
        self._parts = parts
        self._errors = errors

    def kill(self) -> None:
        """End all its processes, without a word to them."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pids[0], signal.SIGKILL)

    def wait(self, *, kill_when: Callable[[], bool] | None = None) -> Ended:
        """Wait for the end; kill as soon as the condition holds."""
        stopped = threading.Event()
        guard = threading.Timer(SECONDS_TO_END, self.kill)
        guard.start()
        watch = None
        if kill_when is not None:
            watch = threading.Thread(target=self._watch, args=(kill_when, stopped))
            watch.start()
        try:
            codes = self._parent.ask({"wait": self._pids})
        finally:
            guard.cancel()
            stopped.set()
            if watch is not None:
                watch.join()
        texts = tuple(path.read_text(errors="replace") for path in self._errors)
        return Ended(tuple(part.command for part in self._parts), tuple(codes), texts)

    def _watch(self, condition: Callable[[], bool], stopped: threading.Event) -> None:
        while not stopped.wait(_LOOK_EVERY):
            if condition():
                self.kill()
                return


class WarmParent:
    """A process that forks plugins; one run after the other, or several at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.warm.parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=_environment(),
        )
        atexit.register(self._stop)

    @property
    def pid(self) -> int:
        """Its process, whose limits those of the plugins will be."""
        return self._process.pid

    def start(
        self,
        parts: Sequence[Part],
        *,
        folder: Path,
        output: Path,
        given: Path | None = None,
        trace: Path | None = None,
        name: str = "run",
    ) -> Started:
        """Fork the parts, each one's output the next one's input.

        Args:
            parts: the plugins in order.
            folder: where they run.
            output: file for what the last one writes.
            given: file that the first one reads; nothing without it.
            trace: folder for the effects that each part reached, ``<command>.trace``.
            name: tells this run's files from those of another one in the same folder.
        """
        errors = [folder / f"{name}-{part.command}.err" for part in parts]
        order: dict[str, Any] = {
            "start": [
                {
                    "command": part.command,
                    "arguments": part.arguments,
                    "plan": part.plan,
                    "environment": dict(part.environment),
                    "errors": str(error),
                    **({"trace": str(trace / f"{part.command}.trace")} if trace else {}),
                }
                for part, error in zip(parts, errors, strict=True)
            ],
            "folder": str(folder),
            "output": str(output),
            **({"input": str(given)} if given else {}),
        }
        return Started(self, self.ask(order), parts, errors)

    def ask(self, order: dict[str, Any]) -> Any:
        """Send an order and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the warm parent has ended"
        return json.loads(answer)

    def _stop(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(SECONDS_TO_END)


@cache
def warm_parent() -> WarmParent:
    """The one of this test process."""
    return WarmParent()


def _environment() -> dict[str, str]:
    """This environment without settings of plugins: a run has only those of its config files."""
    prefixes = ("TAP_", "TARGET_", "CRM_MAPPER_", "MELTANO_", "REVERSE_SF_", "SPOTIO_MAPPER_")
    return {name: text for name, text in os.environ.items() if not name.startswith(prefixes)}
