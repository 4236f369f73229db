"""The tutorial, line by line, in the real Meltano."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.system.meltano_project import BIN, MeltanoProject
from tests.system.servers_fixture import in_a_sweep, small_world

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

__all__ = ["small_world"]

pytestmark = [pytest.mark.slow]

LINE = re.compile(r"^\$ (.+)$", re.MULTILINE)


@in_a_sweep
def test_the_tutorial_works_as_it_is_written(small_world: LocalServers, tmp_path: Path) -> None:
    small_world.reset()
    project = MeltanoProject(tmp_path, small_world)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shown = {}
    for number, line in enumerate(LINE.findall((ROOT / "docs" / "tutorial.md").read_text())):
        program, *arguments = line.split()
        if program == "meltano":
            ended = project.run(*arguments)
        else:
            ended = call(tmp_path, small_world, program, *arguments)
        assert ended.returncode == 0, f"{line}\n{ended.stdout}\n{ended.stderr}"
        shown[number, line] = ended.stdout

    of = {line: text for (_, line), text in shown.items()}
    assert "Account:Accounts" in of["meltano invoke reverse-sf:account"]
    assert "C3-08" in of["meltano invoke reverse-sf:conflicts"]
    assert "PATCH" in of["meltano invoke reverse-sf:logs"]


def call(
    folder: Path, servers: LocalServers, program: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    where = {
        "TAP_SALESFORCE_INSTANCE_URL": servers.salesforce_url,
        "TARGET_SPOTIO_API_URL": servers.spotio_url,
    }
    return subprocess.run(
        [BIN / program, *arguments],
        cwd=folder,
        env={**os.environ, **where, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
