"""The Meltano project around the command: its plugins, their settings and their STATE.

Whatever needs a tap goes through ``meltano`` itself, so that selection, environment and credentials
are those of an ordinary run.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING, Any

import msgspec
from ruamel.yaml import YAML

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.definition import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from subprocess import CompletedProcess
    from typing import IO


@dataclass(frozen=True)
class Pipeline:
    """The plugins of one direction, by the names that they have in the project."""

    direction: Direction
    tap: str
    mapping: str
    target: str


PIPELINES: dict[Direction, Pipeline] = {
    one.direction: one
    for one in (
        Pipeline(Direction.TO_SPOTIO, "tap-salesforce", "spotio-mapper", "target-spotio"),
        Pipeline(Direction.TO_SALESFORCE, "tap-spotio", "salesforce-mapper", "target-salesforce"),
    )
}
MAPPER = "crm-mapper"


class MeltanoProject:
    """Runs ``meltano`` in the project's folder.

    Args:
        root: the folder of meltano.yml.
        environment: the active Meltano environment.
        program: the executable.
    """

    def __init__(self, root: Path, environment: str, program: str) -> None:
        self.root = root
        self.environment = environment
        self._program = program

    @classmethod
    def find(cls) -> MeltanoProject:
        """The project of this command: ``MELTANO_PROJECT_ROOT``, or the folder it was called in.

        Raises:
            ConfigurationError: there is no project, no environment, or no ``meltano``.
        """
        root = Path(os.environ.get("MELTANO_PROJECT_ROOT") or ".").resolve()
        file = root / "meltano.yml"
        if not file.exists():
            raise ConfigurationError(
                f"there is no meltano.yml in {root}: this command runs the project's own plugins;"
                " run it in the project's folder, or as meltano invoke reverse-sf:..."
            )
        program = shutil.which("meltano")
        if program is None:
            raise ConfigurationError(
                "meltano is not on PATH, and this command runs the project's plugins through it:"
                " activate its environment, or put its folder into PATH"
            )
        environment = os.environ.get("MELTANO_ENVIRONMENT") or _default_environment(file)
        if not environment:
            raise ConfigurationError(
                f"no Meltano environment is active, and {file} names no default_environment: set"
                " MELTANO_ENVIRONMENT"
            )
        return cls(root, environment, program)

    def settings(self, plugin: str, **variables: str) -> dict[str, Any]:
        """A plugin's settings, as Meltano would hand them over.

        Args:
            plugin: its name.
            variables: of the environment, on top of this process's own.

        Raises:
            ConfigurationError: the project has no such plugin.
        """
        return self._settings(plugin, **variables)

    def extras(self, plugin: str) -> dict[str, Any]:
        """What Meltano itself does for a plugin, such as ``_select``; see :meth:`settings`."""
        return self._settings(plugin, "--extras")

    def _settings(self, plugin: str, *options: str, **variables: str) -> dict[str, Any]:
        print_them = ("config", "--unsafe", "print", plugin, "--format=json", *options)
        ended = self._run(*print_them, **variables)
        at = ended.stdout.find(b"{")
        if ended.returncode or at < 0:
            raise ConfigurationError(
                f"meltano cannot tell the settings of {plugin} in {self.root}:"
                f" {last_words(ended.stderr)}"
            )
        return dict(msgspec.json.decode(ended.stdout[at:]))

    def state(self, pipeline: Pipeline) -> bytes | None:
        """The STATE that the next run of a pipeline would begin with; None for none."""
        name = f"{self.environment}:{pipeline.tap}-to-{pipeline.target}"
        ended = self._run("state", "get", name)
        at = ended.stdout.find(b"{")
        if ended.returncode or at < 0:
            return None
        kept = msgspec.json.decode(ended.stdout[at:])
        state = kept.get("singer_state", kept)
        return msgspec.json.encode(state) if state else None

    def tap(self, pipeline: Pipeline, state: Path | None, complaints: IO[bytes]) -> Popen[bytes]:
        """Start a tap as the next run would; its messages come out of ``stdout``.

        Args:
            pipeline: whose tap.
            state: file with the STATE to begin with.
            complaints: where its log goes.
        """
        more = () if state is None else ("--state", str(state))
        return Popen(  # noqa: S603 - the project's own plugin
            [self._program, "invoke", pipeline.tap, *more],
            cwd=self.root,
            env=self._variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
        )

    def run(
        self, pipeline: Pipeline, variables: Mapping[str, str], *, from_scratch: bool = False
    ) -> int:
        """Run a pipeline and leave its STATE as it is; Meltano's log goes to standard error.

        Args:
            pipeline: which.
            variables: of the environment, on top of this process's own.
            from_scratch: the tap is given no STATE to begin with.

        Returns:
            Meltano's exit code.

        Raises:
            KeyboardInterrupt: somebody interrupts; Meltano has ended its plugins by then.
        """
        plugins = (pipeline.tap, pipeline.mapping, pipeline.target)
        options = ("--no-state-update", *(("--full-refresh",) if from_scratch else ()))
        with (
            _interruptible(),
            Popen(  # noqa: S603 - the project's own plugins
                [self._program, "run", *options, *plugins],
                cwd=self.root,
                env=self._variables(**variables),
                stdout=sys.stderr,
                # A terminal's Ctrl-C then reaches this process alone, which passes it on once.
                start_new_session=True,
            ) as process,
        ):
            try:
                return process.wait()
            except KeyboardInterrupt:
                # Of a run without STATE Meltano ends the plugins in good order on this signal only.
                process.send_signal(signal.SIGINT)
                process.wait()
                raise

    def _run(self, *arguments: str, **variables: str) -> CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - meltano itself
            [self._program, *arguments],
            cwd=self.root,
            env=self._variables(**variables),
            capture_output=True,
            check=False,
        )

    def _variables(self, **more: str) -> dict[str, str]:
        return {**os.environ, "MELTANO_ENVIRONMENT": self.environment, **more}


@contextmanager
def _interruptible() -> Iterator[None]:
    """Take a request to end, such as a scheduler's, for what Ctrl-C is."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {one: signal.signal(one, interrupt) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def last_words(log: bytes) -> str:
    """What a program said last of why it ended; Meltano's own lines around it are left out."""
    lines = [one.strip() for one in log.decode("utf-8", "replace").splitlines() if one.strip()]
    told = [one.partition(": error: ")[2] for one in lines if ": error: " in one]
    return (told or lines or ["it said nothing"])[-1]


def _default_environment(file: Path) -> str | None:
    loaded = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    named = loaded.get("default_environment") if isinstance(loaded, dict) else None
    return str(named) if named else None
