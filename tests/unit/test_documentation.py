"""What the pages say is true: they build, their commands exist, their files are valid."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from ruamel.yaml import YAML

from reverse_sf.cli.main import cli
from reverse_sf.mapping.document import parse
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILLED_IN = "..."


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for language, text in FENCE.findall(page.read_text(encoding="utf-8")):
            if language in languages:
                yield page.relative_to(ROOT).as_posix(), text


def lines_of(*languages: str) -> list[tuple[str, str]]:
    return [
        (page, line.removeprefix("$ ").split(" #")[0].strip())
        for page, text in blocks(*languages)
        for line in text.splitlines()
    ]


COMMANDS = sorted(
    {
        (page, found[1])
        for page, line in lines_of("sh", "console")
        if (found := re.match(r"(?:\.venv/bin/)?(reverse-sf .*)", line))
        and not found[1].startswith("reverse-sf simulator")
    }
)
INVOKED = sorted(
    {
        (page, found[1])
        for page, line in lines_of("sh", "console", "yaml")
        if (found := re.search(r"invoke reverse-sf:(\S+)", line))
    }
)


def test_the_pages_build_without_a_warning(tmp_path):
    ended = subprocess.run(
        [Path(sys.executable).parent / "mkdocs", "build", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    for page in tmp_path.rglob("*.html"):
        fetched = re.findall(
            r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)"', page.read_text()
        )
        assert fetched == [], f"{page.name} fetches from elsewhere"
    reference = (tmp_path / "reference" / "settings" / "index.html").read_text()
    assert "quota_percent_total" in reference


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_on_the_pages_exists_with_its_options(page, command):
    words = shlex.split(command.partition(" > ")[0])[1:]
    found: click.Command = cli
    context = None
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        context = click.Context(found, parent=context, info_name=found.name)
        _, found, words = found.resolve_command(context, words)
    found.make_context(found.name, words, parent=context)


@pytest.mark.parametrize(("page", "command"), INVOKED)
def test_every_command_that_meltano_invokes_is_in_its_definition(page, command):
    definition = YAML(typ="safe").load(ROOT / "plugins" / "reverse-sf.yml")
    assert command in definition["commands"]


@pytest.mark.parametrize(("page", "text"), list(blocks("yaml")))
def test_every_piece_of_yaml_is_valid(page, text):
    loaded = YAML(typ="safe").load(text)
    if isinstance(loaded, dict) and "objects" in loaded:
        definition = parse(f"version: 1\n{text}".encode(), page)
        assert len(definition.objects) == len(loaded["objects"])


def test_every_message_in_troubleshooting_is_one_that_the_product_says():
    said = "\n".join(_texts())
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^> (.+)$", page, re.MULTILINE)
    assert len(quoted) > 10
    unknown = [
        one
        for one in quoted
        if not all(part.strip() in said for part in one.split(FILLED_IN) if part.strip())
    ]
    assert unknown == []


def _texts() -> Iterator[str]:
    """Every text in the product, with what an f-string fills in left out."""
    for package in ("reverse_sf", "tap_spotio", "target_spotio"):
        for module in (ROOT / package).rglob("*.py"):
            if "simulator" in module.parts:
                continue
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(
                        part.value if isinstance(part, ast.Constant) else FILLED_IN
                        for part in node.values
                    )
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_the_examples_run_jobs_that_exist():
    jobs = {job["name"] for job in YAML(typ="safe").load(ROOT / "meltano.yml")["jobs"]}
    files = [one for one in (ROOT / "examples").rglob("*") if one.is_file()]
    named: set[str] = set()
    for file in files:
        text = file.read_text(encoding="utf-8")
        named |= set(re.findall(r"meltano run ([a-z-]+)", text))
        named |= set(re.findall(r'"((?:salesforce|spotio)-to-[a-z-]+)"', text))
        if file.suffix == ".py":
            ast.parse(text)
        if file.suffix in {".yml", ".yaml"}:
            assert YAML(typ="safe").load(text)
    assert named
    assert named <= jobs


def test_the_workflow_hands_over_every_credential_that_the_plugins_need():
    workflow = YAML(typ="safe").load(ROOT / "examples" / "github-actions" / "two-way-sync.yml")
    given = set(workflow["jobs"]["sync"]["env"])
    page = (ROOT / "docs" / "how-to" / "your-own-systems.md").read_text(encoding="utf-8")
    needed = set(re.findall(r"^((?:TAP|TARGET)_[A-Z_]+)=", page, re.MULTILINE))
    assert needed
    assert needed <= given


def test_every_page_and_example_named_on_a_page_is_there():
    for page in PAGES:
        for named in re.findall(r"`((?:examples|plugins|docs)/[\w./-]+)`", page.read_text()):
            assert (ROOT / named).exists(), f"{page.name} names {named}"
