"""Settings are declared once, in the plugins; the Meltano files repeat them word for word."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

PLUGINS = ("tap-salesforce", "tap-spotio", "crm-mapper", "target-spotio", "target-salesforce")


def test_meltano_yml_and_the_definitions_hold_the_settings_that_the_plugins_declare():
    ended = subprocess.run(
        [sys.executable, ROOT / "tools" / "plugin_definitions.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"run tools/plugin_definitions.py: {ended.stdout}{ended.stderr}"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_whatever_sounds_secret_is_marked_sensitive(plugin):
    definition = YAML(typ="safe").load(ROOT / "plugins" / f"{plugin}.yml")
    for setting in definition["settings"]:
        words = setting["name"].split("_")
        sounds_secret = {"secret", "password", "token", "key"} & set(words)
        if sounds_secret and not setting["name"].endswith("_file"):
            assert setting.get("sensitive"), setting["name"]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_setting_has_a_label_and_a_description(plugin):
    definition = YAML(typ="safe").load(ROOT / "plugins" / f"{plugin}.yml")
    for setting in definition["settings"]:
        assert setting["label"] != setting["name"]
        assert len(setting["description"]) > 15
