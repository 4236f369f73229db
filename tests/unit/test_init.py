"""reverse-sf init: what it adds to a project that somebody else has made, and what it leaves."""

from __future__ import annotations

import json
from difflib import unified_diff

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from reverse_sf.cli import init as init_module
from reverse_sf.cli.main import cli
from reverse_sf.cli.project_files import with_ignored
from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.document import parse
from tests.conftest import ROOT

PROJECT = """\
# our warehouse
default_environment: dev
environments:
- name: dev   # nobody's data
- name: prod
project_id: somebody-elses

plugins:
  extractors:
  - name: tap-csv
    variant: meltanolabs
    pip_url: git+https://github.com/MeltanoLabs/tap-csv.git
    config:
      files: []   # none yet
  # where it goes
  loaders:
  - name: target-jsonl
    variant: andyh1203
    pip_url: target-jsonl

jobs:
- name: csv-to-jsonl
  tasks:
  - tap-csv target-jsonl   # nightly
# the end
"""
THEIR_TAP = """\
  - name: tap-salesforce
    variant: meltanolabs
    pip_url: git+https://github.com/MeltanoLabs/tap-salesforce.git
    config:
      username: ops@example.com
      is_sandbox: true
      api_type: REST
      streams_to_discover: [Account]
    select: [Account.*]
"""
THEIR_LOADER = """\
  - name: target-salesforce
    variant: meltanolabs
    pip_url: target-salesforce
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "meltano.yml").write_text(PROJECT)
    (tmp_path / ".gitignore").write_text("/venv\n.env")
    return tmp_path


def init(*options: str):
    return CliRunner().invoke(cli, ["init", "--json", "--pip-url", "reverse-sf", *options])


def loaded(project):
    return YAML(typ="safe").load(project / "meltano.yml")


def named(entries):
    return {one["name"]: one for one in entries}


def files(project):
    return {
        str(path.relative_to(project)): path.read_text()
        for path in project.rglob("*")
        if path.is_file()
    }


def test_everything_that_the_sync_needs_is_added_and_nothing_is_taken_away(project):
    ran = init("--yes")
    assert ran.exit_code == 0, ran.output
    new = (project / "meltano.yml").read_text()
    lines = unified_diff(PROJECT.splitlines(), new.splitlines(), lineterm="", n=0)
    assert not [line for line in lines if line.startswith("-") and line != "--- "]
    assert new.endswith("  job: two-way-sync\n# the end\n")
    assert "  # where it goes\n  loaders:\n" in new
    assert "\n\njobs:\n" in new
    ours = YAML(typ="safe").load(ROOT / "meltano.yml")
    made = loaded(project)
    for kind, entries in ours["plugins"].items():
        assert named(entries).keys() <= named(made["plugins"][kind]).keys()
    assert named(ours["jobs"]).items() <= named(made["jobs"]).items()
    assert made["schedules"] == ours["schedules"]
    mapper = named(made["plugins"]["mappers"])["crm-mapper"]
    assert mapper["mappings"] == named(ours["plugins"]["mappers"])["crm-mapper"]["mappings"]
    loader = named(made["plugins"]["loaders"])["target-salesforce"]
    assert loader["config"] == named(ours["plugins"]["loaders"])["target-salesforce"]["config"]
    tap = named(made["plugins"]["extractors"])["tap-spotio"]
    assert tap["config"] == named(ours["plugins"]["extractors"])["tap-spotio"]["config"]
    parse((project / "sync.yml").read_text())
    assert (project / ".gitignore").read_text() == "/venv\n.env\n/.meltano\n"


def test_each_plugin_has_its_definition_in_a_lock_file(project):
    init("--yes")
    for file in ROOT.glob("plugins/*.yml"):
        definition = YAML(typ="safe").load(file)
        (lock,) = project.glob(f"plugins/*/{file.stem}--reverse-sf.lock")
        said = json.loads(lock.read_text())
        assert said["settings"] == definition["settings"]
        assert said["plugin_type"] == lock.parent.name
        assert said["pip_url"] == "reverse-sf"


def test_it_shows_first_and_writes_only_when_told_to(project):
    before = files(project)
    answer = json.loads(init().stdout)
    assert not answer["written"]
    assert "+- name: two-way-sync" in answer["changes"][0]["diff"]
    assert files(project) == before
    shown = CliRunner().invoke(cli, ["init"])
    assert "--yes writes it" in shown.output
    assert files(project) == before


def test_a_second_time_adds_nothing(project):
    init("--yes")
    before = files(project)
    answer = json.loads(init("--yes").stdout)
    assert answer["changes"] == []
    assert files(project) == before


def test_somebody_elses_tap_is_used_and_somebody_elses_loader_left_alone(project):
    text = PROJECT.replace("  # where it goes", f"{THEIR_TAP}  # where it goes")
    (project / "meltano.yml").write_text(text.replace("\njobs:", f"{THEIR_LOADER}\njobs:"))
    answer = json.loads(init("--yes").stdout)
    assert "It has to read User and Account." in answer["notes"][0]
    assert "stays; ours is target-salesforce-reverse-sf" in answer["notes"][1]
    made = loaded(project)
    theirs = YAML(typ="safe").load("plugins:\n" + THEIR_TAP)["plugins"]
    assert theirs[0] in made["plugins"]["extractors"]
    assert named(made["jobs"])["two-way-sync"]["tasks"] == [
        "tap-salesforce spotio-mapper target-spotio",
        "tap-spotio salesforce-mapper target-salesforce-reverse-sf",
    ]
    assert not list(project.glob("plugins/extractors/tap-salesforce*"))
    assert json.loads(init("--yes").stdout)["changes"] == []


def test_a_job_and_a_plugin_that_are_there_stay_as_they_are(project):
    own_job = "- name: two-way-sync\n  tasks: [tap-csv target-jsonl]\n# the end"
    (project / "meltano.yml").write_text(PROJECT.replace("# the end", own_job))
    answer = json.loads(init("--yes").stdout)
    assert any("two-way-sync is there and says something else" in one for one in answer["notes"])
    made = loaded(project)
    assert named(made["jobs"])["two-way-sync"]["tasks"] == ["tap-csv target-jsonl"]


def test_plugins_of_an_included_file_count(project):
    (project / "meltano.yml").write_text(f"include_paths: ['./more/*.yml']\n{PROJECT}")
    (project / "more").mkdir()
    (project / "more" / "sync.yml").write_text(
        "plugins:\n  mappers:\n  - name: crm-mapper\n    variant: reverse-sf\n"
        "    mappings: [{name: spotio-mapper}]\n"
    )
    init("--yes")
    assert "mappers" not in loaded(project)["plugins"]


def test_our_own_project_lacks_nothing(monkeypatch):
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    changes, notes = init_module.changes_of(ROOT, "-e .")
    assert [one.path.name for one in changes] == []
    assert notes == []


def test_what_is_no_project_is_refused(project, tmp_path, monkeypatch):
    (project / "meltano.yml").write_text("plugins: [")
    assert isinstance(init().exception, ConfigurationError)
    (project / "meltano.yml").write_text("- a list\n")
    assert isinstance(init().exception, ConfigurationError)
    (project / "meltano.yml").unlink()
    assert "no Meltano project" in str(init().exception)


@pytest.mark.parametrize(
    ("text", "new"),
    [
        (None, "/.env\n/.meltano\n"),
        ("/.env\n/.meltano/\n", "/.env\n/.meltano/\n"),
        ("venv", "venv\n/.env\n/.meltano\n"),
    ],
)
def test_secrets_are_kept_out_of_version_control(text, new):
    assert with_ignored(text) == new
