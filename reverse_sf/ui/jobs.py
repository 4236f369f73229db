"""Long work of the page: a command of reverse-sf in a process of its own, watched until it ends.

The page runs the very commands that a person would run (plan, apply, check), so that no guard of
theirs can be passed by, and ends them as Ctrl-C would.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from reverse_sf.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = (sys.executable, "-m", "reverse_sf.cli.main")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINES = 12
_LOOKED_AT = 20_000
_PATIENCE = ((signal.SIGINT, 20.0), (signal.SIGTERM, 5.0))
"""What a command is asked with, and for how many seconds: a run brings its work to an end."""


@dataclass
class Job:
    """One command at work, or ended.

    Attributes:
        kind: its name: ``plan``, ``apply`` or ``check``.
        output: file with its standard output.
        log: file with its standard error.
        stopped: a person ended it.
    """

    kind: str
    process: subprocess.Popen[bytes]
    output: Path
    log: Path
    stopped: bool = False
    began: float = field(default_factory=time.monotonic)

    @property
    def code(self) -> int | None:
        """Its exit code; None while it is at work."""
        return self.process.poll()

    @property
    def seconds(self) -> int:
        """For how long it has been at work."""
        return int(time.monotonic() - self.began)

    def lines(self) -> list[str]:
        """What it said last on standard error."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _LOOKED_AT))
            text = log.read().decode("utf-8", "replace")
        return [line for one in text.splitlines() if (line := _COLOURS.sub("", one).rstrip())][
            -_LINES:
        ]

    def stop(self) -> None:
        """End it as Ctrl-C would, and with more force only where it does not end."""
        self.stopped = True
        for number, seconds in _PATIENCE:
            if self.process.poll() is not None:
                return
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Jobs:
    """The page's commands, one at work at a time; the last of each kind is kept.

    Args:
        program: how reverse-sf is started.
        options: of every command, such as ``--sync-file FILE``.
    """

    def __init__(self, program: Sequence[str] = PROGRAM, options: Sequence[str] = ()) -> None:
        self._program = program
        self._options = options
        self._jobs: dict[str, Job] = {}
        self._number = 0
        self._starting = Lock()
        self._folder = TemporaryDirectory(prefix="reverse-sf-ui-")
        self.folder = Path(self._folder.name)

    def get(self, kind: str) -> Job | None:
        """The last job of a kind."""
        return self._jobs.get(kind)

    def forget(self, kind: str) -> None:
        """Drop an ended job."""
        self._jobs.pop(kind, None)

    @property
    def at_work(self) -> Job | None:
        """The job that is at work."""
        return next((one for one in self._jobs.values() if one.code is None), None)

    def start(self, kind: str, *words: str) -> Job:
        """Start a command.

        Raises:
            UsageError: another one is at work.
        """
        with self._starting:
            if self.at_work is not None:
                raise UsageError(f"{self.at_work.kind} is at work: wait for its end, or stop it")
            return self._start(kind, words)

    def _start(self, kind: str, words: Sequence[str]) -> Job:
        self._number += 1
        name = f"{self._number}-{kind}"
        output, log = (self.folder / f"{name}.{end}" for end in ("out", "log"))
        with output.open("wb") as out, log.open("wb") as complaints:
            process = subprocess.Popen(  # noqa: S603 - reverse-sf itself
                [*self._program, *words, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=complaints,
                env={**os.environ, "NO_COLOR": "1"},
                # Ctrl-C ends the page, and the page ends its command in good order.
                start_new_session=True,
            )
        job = Job(kind, process, output, log)
        self._jobs[kind] = job
        return job

    def close(self) -> None:
        """End what is at work and forget what was kept."""
        if self.at_work is not None:
            self.at_work.stop()
        self._folder.cleanup()
