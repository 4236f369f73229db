"""The real pipeline in real processes: ``tap-salesforce | spotio-mapper | target-spotio``.

It does what a Singer runner does and no more: config files, pipes, the last STATE line kept. Tests
that need Meltano itself use ``tests/system/meltano_project.py``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.simulator.local import LocalServers

BIN = Path(sys.executable).parent
SECONDS_TO_END = 300


@dataclass(frozen=True)
class Ended:
    """How one run of the pipeline ended: exit codes and standard error of its three parts."""

    codes: tuple[int, int, int]
    errors: tuple[str, str, str]

    @property
    def ended_well(self) -> bool:
        return self.codes == (0, 0, 0)

    def __str__(self) -> str:
        names = ("tap-salesforce", "spotio-mapper", "target-spotio")
        return "\n".join(
            f"== {name} ended with {code}\n{error[-3000:]}"
            for name, code, error in zip(names, self.codes, self.errors, strict=True)
        )


@dataclass
class Pipeline:
    """A project folder with its settings, ledger and STATE; runs as often as a test likes."""

    folder: Path
    servers: LocalServers
    sync_file: Path = ROOT / "sync.yml"
    tap: dict[str, Any] = field(default_factory=dict)
    mapper: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)
    select: tuple[str, ...] = ("User", "Account", "Contact", "Lead", "Opportunity")

    @property
    def ledger_uri(self) -> str:
        return f"sqlite:///{self.folder / 'ledger.db'}"

    @property
    def state_file(self) -> Path:
        return self.folder / "state.json"

    def settings(self) -> tuple[Path, Path, Path]:
        """Write the three config files."""
        tap = {
            "login_url": self.servers.salesforce_url,
            "instance_url": self.servers.salesforce_url,
            "client_id": "demo-consumer-key",
            "client_secret": "demo-consumer-secret",
            "refresh_token": "demo-refresh-token",
            "streams_to_discover": list(self.select),
            **self.tap,
        }
        mapper = {
            "mapping": "spotio-mapper",
            "sync_file": str(self.sync_file),
            "ledger_uri": self.ledger_uri,
            **self.mapper,
        }
        target = {
            "api_url": self.servers.spotio_url,
            "client_id": "demo-client",
            "client_secret": "demo-secret",
            "ledger_uri": self.ledger_uri,
            **self.target,
        }
        paths = []
        for name, content in (("tap", tap), ("mapper", mapper), ("target", target)):
            path = self.folder / f"{name}.json"
            path.write_text(json.dumps(content))
            paths.append(path)
        return paths[0], paths[1], paths[2]

    def forget(self) -> None:
        """Begin anew: no ledger, no STATE."""
        for leftover in (*self.folder.glob("ledger.db*"), *self.folder.glob("state.json")):
            leftover.unlink()

    def run(self, *, kill_when: Callable[[], bool] | None = None) -> Ended:
        """Run to the end, or kill -9 all three as soon as the condition holds."""
        tap_config, mapper_config, target_config = self.settings()
        tap_command = [BIN / "tap-salesforce", "--config", tap_config]
        if self.state_file.exists():
            tap_command += ["--state", self.state_file]
        errors = [self.folder / f"{name}.err" for name in ("tap", "mapper", "target")]
        with (
            errors[0].open("wb") as tap_error,
            errors[1].open("wb") as mapper_error,
            errors[2].open("wb") as target_error,
            (self.folder / "state.out").open("wb") as states,
        ):
            tap = subprocess.Popen(
                tap_command, stdout=subprocess.PIPE, stderr=tap_error, cwd=self.folder
            )
            mapper = subprocess.Popen(
                [BIN / "spotio-mapper", "--config", mapper_config],
                stdin=tap.stdout,
                stdout=subprocess.PIPE,
                stderr=mapper_error,
                cwd=self.folder,
            )
            target = subprocess.Popen(
                [BIN / "target-spotio", "--config", target_config],
                stdin=mapper.stdout,
                stdout=states,
                stderr=target_error,
                cwd=self.folder,
            )
            parts = (tap, mapper, target)
            for part in (tap, mapper):
                assert part.stdout is not None
                part.stdout.close()
            self._wait(parts, kill_when)
        self._keep_state()
        codes = (tap.returncode, mapper.returncode, target.returncode)
        texts = [path.read_text(errors="replace") for path in errors]
        return Ended(codes, (texts[0], texts[1], texts[2]))

    def read_tap(self) -> list[bytes]:
        """What the tap alone says, line by line."""
        tap_config, _, _ = self.settings()
        command = [BIN / "tap-salesforce", "--config", tap_config]
        said = subprocess.run(command, capture_output=True, check=True, cwd=self.folder)
        return said.stdout.splitlines(keepends=True)

    def apply(self, lines: list[bytes]) -> None:
        """Run mapper and target over the lines of some tap."""
        _, mapper_config, target_config = self.settings()
        for command in (
            [BIN / "spotio-mapper", "--config", mapper_config],
            [BIN / "target-spotio", "--config", target_config],
        ):
            ended = subprocess.run(
                command, input=b"".join(lines), capture_output=True, check=False, cwd=self.folder
            )
            assert ended.returncode == 0, ended.stderr.decode()
            lines = ended.stdout.splitlines(keepends=True)

    def _wait(
        self, parts: tuple[subprocess.Popen[bytes], ...], kill_when: Callable[[], bool] | None
    ) -> None:
        if kill_when is not None:
            while any(part.poll() is None for part in parts) and not kill_when():
                time.sleep(0.005)
            for part in parts:
                part.kill()
        try:
            for part in reversed(parts):
                part.wait(SECONDS_TO_END)
        finally:
            for part in parts:
                part.kill()
                part.wait()

    def _keep_state(self) -> None:
        """The last complete line that the target wrote is the new STATE, as a runner keeps it."""
        lines = (self.folder / "state.out").read_bytes().split(b"\n")[:-1]
        if lines:
            self.state_file.write_bytes(lines[-1])
