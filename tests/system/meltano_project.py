"""A Meltano project in a folder of its own, with this repository's meltano.yml and local servers.

The plugins' executables are those of the environment that runs the tests; that `meltano install`
builds them from nothing is shown by ``make demo``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from tests.conftest import ROOT

if TYPE_CHECKING:
    from reverse_sf.simulator.local import LocalServers

BIN = Path(sys.executable).parent
PIPELINE = ("tap-salesforce", "spotio-mapper", "target-spotio")


class MeltanoProject:
    """Runs the real ``meltano`` in a temporary project."""

    def __init__(self, folder: Path, servers: LocalServers) -> None:
        self.folder = folder
        yaml = YAML(typ="safe")
        project = yaml.load(ROOT / "meltano.yml")
        for plugins in project["plugins"].values():
            for plugin in plugins:
                del plugin["pip_url"]
        demo = next(each for each in project["environments"] if each["name"] == "demo")
        demo["env"] |= {
            "TAP_SALESFORCE_LOGIN_URL": servers.salesforce_url,
            "TAP_SALESFORCE_INSTANCE_URL": servers.salesforce_url,
            "TARGET_SPOTIO_API_URL": servers.spotio_url,
        }
        yaml.dump(project, folder / "meltano.yml")
        (folder / "sync.yml").write_text((ROOT / "sync.yml").read_text())

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one meltano command and return how it ended."""
        return subprocess.run(
            [BIN / "meltano", *arguments],
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start one meltano command."""
        return subprocess.Popen(
            [BIN / "meltano", *arguments],
            cwd=self.folder,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def _environment() -> dict[str, str]:
    prefixes = ("TAP_SALESFORCE_", "TARGET_SPOTIO_", "CRM_MAPPER_", "MELTANO_")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(prefixes)}
    return kept | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "MELTANO_ENVIRONMENT": "demo",
        "NO_COLOR": "1",
    }
