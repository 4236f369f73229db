"""Settings kept by Meltano itself: ``meltano config set`` into the project's ``.env``.

Values go in through standard input, so that no secret is an argument that other users of the
machine could read, and what Meltano prints is never shown.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from reverse_sf.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SECONDS = 120


class MeltanoSettings:
    """The settings of one Meltano project."""

    def __init__(self, folder: Path, command: str) -> None:
        self.folder = folder
        self._command = command

    @classmethod
    def of_project(cls) -> MeltanoSettings:
        """The project that the command runs in.

        Raises:
            ConfigurationError: there is no project, or no Meltano to ask.
        """
        folder = project_folder()
        beside = Path(sys.executable).with_name("meltano")
        found = str(beside) if beside.exists() else shutil.which("meltano")
        if found is None:
            raise ConfigurationError(
                "the command meltano, which keeps the settings, is not on the PATH: activate the"
                " environment that Meltano is installed in"
            )
        return cls(folder, found)

    def keep(self, plugin: str, settings: Mapping[str, str]) -> None:
        """Write settings of a plugin into ``.env``.

        Raises:
            ConfigurationError: Meltano refuses, such as where the plugin is not in the project.
        """
        for name, value in settings.items():
            self._run("set", "--store=dotenv", "--from-file", "-", plugin, name, value=value)

    def forget(self, plugin: str, names: Iterable[str]) -> None:
        """Take settings of a plugin out of ``.env``.

        Raises:
            ConfigurationError: Meltano refuses.
        """
        for name in names:
            self._run("unset", "--store=dotenv", plugin, name)

    def holds(self, plugin: str, name: str) -> bool:
        """Whether ``.env`` has a value for a setting."""
        variable = f"{plugin}_{name}".replace("-", "_").upper()
        return bool(dotenv_values(self.folder / ".env", interpolate=False).get(variable))

    def environment(self) -> dict[str, str]:
        """The variables of the process and, where it was not Meltano that began it, of ``.env``."""
        kept = dotenv_values(self.folder / ".env", interpolate=False)
        return {**{name: value for name, value in kept.items() if value}, **os.environ}

    def _run(self, verb: str, *words: str, value: str | None = None) -> None:
        environment = {
            name: text
            for name, text in os.environ.items()
            # Inside `meltano invoke` these name the environment and the plugin that runs.
            if name not in {"MELTANO_ENVIRONMENT", "MELTANO_CLI_LOG_CONFIG"}
        }
        try:
            ended = subprocess.run(  # noqa: S603 - Meltano's own command, and no text of a shell
                [self._command, "--no-environment", "--log-level=error", "config", verb, *words],
                cwd=self.folder,
                env=environment,
                input=value,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ConfigurationError(
                f"meltano config {verb} has not answered in {_SECONDS} seconds"
            ) from error
        if ended.returncode:
            said = (ended.stderr or ended.stdout).strip()
            if value:
                said = said.replace(value, "***")
            last = said.splitlines()[-1] if said else f"exit code {ended.returncode}"
            raise ConfigurationError(f"meltano config {verb} {words[-2]} {words[-1]}: {last}")

    @property
    def is_private(self) -> bool:
        """Whether version control leaves ``.env`` alone, or there is none."""
        git = shutil.which("git")
        if git is None or not (self.folder / ".git").exists():
            return True
        ended = subprocess.run(  # noqa: S603 - a fixed command
            [git, "check-ignore", "--quiet", ".env"],
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        return ended.returncode == 0


def project_folder() -> Path:
    """The root of the Meltano project that the command runs in.

    Raises:
        ConfigurationError: there is none.
    """
    told = os.environ.get("MELTANO_PROJECT_ROOT")
    start = Path(told) if told else Path.cwd()
    for folder in (start, *start.parents):
        if (folder / "meltano.yml").is_file():
            return folder
    raise ConfigurationError(
        f"there is no Meltano project in {start} or above it: go to the project's folder, or make"
        " one (meltano init)"
    )
