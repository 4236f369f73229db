"""The warm parent: takes runs on standard input, a JSON line each, and answers a line each.

``{"start": [part, ...], "folder": ...}`` forks a process for every part, each one's output the next
one's input, and answers their ids; the processes are a group of their own. ``{"wait": [pid, ...]}``
answers their exit codes, minus the signal for a killed one.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import reverse_sf.cli.main
import reverse_sf.mapper.plugin
import reverse_sf.tap.tap
import reverse_sf.target.target
import tap_spotio.tap
import target_spotio.target
from tests.system.warm.boundaries import Boundaries

if TYPE_CHECKING:
    from collections.abc import Callable

PLUGINS: dict[str, Callable[[], object]] = {
    "tap-salesforce": reverse_sf.tap.tap.main,
    "tap-spotio": tap_spotio.tap.main,
    "spotio-mapper": reverse_sf.mapper.plugin.main,
    "target-spotio": target_spotio.target.main,
    "target-salesforce": reverse_sf.target.target.main,
    "reverse-sf": reverse_sf.cli.main.main,
}


def main() -> None:
    """Serve until the input ends."""
    orders, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    gc.collect()
    gc.freeze()
    for line in orders:
        order = json.loads(line)
        answer: Any = start(order) if "start" in order else wait(order["wait"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def start(order: dict[str, Any]) -> list[int]:
    """Fork the parts of one run."""
    folder = Path(order["folder"])
    group = 0
    source = os.open(order.get("input", os.devnull), os.O_RDONLY)
    pids = []
    parts = order["start"]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if last:
            following = -1
            sink = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        else:
            following, sink = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, group)
            if following >= 0:
                os.close(following)
            _be(part, folder, source, sink)
        # In both processes, so that neither has to wait for the other.
        group = group or pid
        with contextlib.suppress(ProcessLookupError):
            os.setpgid(pid, group)
        os.close(source)
        os.close(sink)
        source = following
        pids.append(pid)
    return pids


def wait(pids: list[int]) -> list[int]:
    """Wait for the processes to end."""
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def _be(part: dict[str, Any], folder: Path, source: int, sink: int) -> NoReturn:
    """Become one plugin, to its end."""
    code = 70
    try:
        name = part["command"]
        errors = os.open(part["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for number, descriptor in enumerate((source, sink, errors)):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb"), encoding="utf-8")
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb"), encoding="utf-8")
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", 0), encoding="utf-8", write_through=True)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(folder)
        os.environ.update(part["environment"])
        sys.argv = [name, *part["arguments"]]
        Boundaries(part["plan"], part.get("trace")).install()
        PLUGINS[name]()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:  # noqa: BLE001 -- as the interpreter itself ends on any exception
        traceback.print_exc()
        code = 1
    try:
        sys.stdout.flush()
    except OSError:
        code = code or 120
    os._exit(code)


if __name__ == "__main__":
    main()
