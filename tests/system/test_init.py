"""From somebody else's Meltano project to a first sync, by the commands that init names."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.system.expectation import linked
from tests.system.meltano_project import BIN
from tests.system.servers_fixture import small_world
from tests.unit.test_init import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

__all__ = ["small_world"]

pytestmark = [pytest.mark.slow]


def test_a_project_with_other_plugins_comes_to_a_first_sync(
    small_world: LocalServers, tmp_path: Path
) -> None:
    small_world.reset()
    (tmp_path / "meltano.yml").write_text(PROJECT + "send_anonymous_usage_stats: false\n")
    environment = {
        **os.environ,
        **small_world.environment(),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    environment.pop("MELTANO_PROJECT_ROOT", None)

    def run(*command: str) -> None:
        ended = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    run(str(BIN / "reverse-sf"), "init", "--yes")
    # In place of `meltano install`: the plugins of the environment that runs the tests.
    yaml = YAML(typ="safe")
    project = yaml.load(tmp_path / "meltano.yml")
    for plugins in project["plugins"].values():
        for plugin in plugins:
            if plugin.get("variant") == "reverse-sf":
                del plugin["pip_url"]
    yaml.dump(project, tmp_path / "meltano.yml")
    for lock in tmp_path.glob("plugins/*/*.lock"):
        definition = json.loads(lock.read_text())
        del definition["pip_url"]
        lock.write_text(json.dumps(definition))
    # In place of `connect`: the logins are in the environment.
    run(str(BIN / "meltano"), "run", "salesforce-to-spotio")
    accounts = {one["Id"] for one in small_world.salesforce.rows("Account") if not one["IsDeleted"]}
    assert linked(small_world).keys() == accounts
