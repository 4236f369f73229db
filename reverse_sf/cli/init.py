"""``reverse-sf init``: the sync in a Meltano project that somebody has already."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

import reverse_sf
from reverse_sf.cli.auto_map import difference
from reverse_sf.cli.meltano_settings import project_folder
from reverse_sf.cli.project_files import (
    KINDS,
    STARTER,
    VARIANT,
    lock_text,
    with_ignored,
    with_plugins,
)
from reverse_sf.cli.rendering import say, say_json
from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.document import parse
from reverse_sf.sync_file import DEFAULT_SYNC_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST_SHOWN = 80
"""Lines of a new file that are shown; a definition of Meltano's is longer, and nobody's to read."""

_NEXT = """\
Next: meltano install
      meltano invoke reverse-sf:connect salesforce
      meltano invoke reverse-sf:connect spotio
      meltano run two-way-sync
`meltano invoke reverse-sf:auto-map OBJECT --write` maps more; `reverse-sf:check` and `:plan` say \
what a run would do."""


@dataclass(frozen=True)
class Change:
    """One file, before and after."""

    path: Path
    old: str | None
    new: str


@click.command("init")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option(
    "--pip-url", help="Where Meltano installs from.  [default: where this command came from]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; writes with --yes only.")
def init(*, yes: bool, pip_url: str | None, as_json: bool) -> None:
    """Add the sync to an existing Meltano project.

    Adds the plugins (tap-salesforce, tap-spotio, target-spotio, target-salesforce, crm-mapper,
    reverse-sf), the jobs salesforce-to-spotio, spotio-to-salesforce and two-way-sync, a schedule
    of every 15 minutes, a starter sync.yml, and .env to .gitignore. Shows the difference first and
    writes after a yes; --yes does not ask.

    What the project has is kept: other plugins, comments and layout, a sync.yml, and jobs of these
    names. A tap-salesforce of another variant stays and is used; another variant of a loader stays
    too, and ours gets a name of its own. Running it again adds only what is missing.

    Exit codes: 0 done, or nothing to add, or no was said, 2 no Meltano project here.
    """
    folder = project_folder()
    changes, notes = changes_of(folder, pip_url or installed_from())
    if as_json:
        say_json(_as_json(folder, changes, notes, written=yes))
    else:
        _show(folder, changes, notes)
    if not changes:
        return
    if not yes and not _agreed(as_json=as_json):
        return
    for one in changes:
        one.path.parent.mkdir(parents=True, exist_ok=True)
        one.path.write_text(one.new, encoding="utf-8")
    if not as_json:
        say(f"Written: {', '.join(str(one.path.relative_to(folder)) for one in changes)}")
        say(_NEXT)


def _agreed(*, as_json: bool) -> bool:
    if as_json:
        return False
    if not sys.stdin.isatty():
        say("Nothing is written; --yes writes it.")
        return False
    return click.confirm("Write this?", default=False)


def changes_of(folder: Path, pip_url: str) -> tuple[list[Change], list[str]]:
    """What would be written into a project, and what a person should know of it.

    Raises:
        ConfigurationError: ``meltano.yml`` or ``sync.yml`` cannot be read.
    """
    sync_file = folder / DEFAULT_SYNC_FILE
    sync_text = _read(sync_file)
    definition = parse(sync_text or STARTER, str(sync_file))
    main = folder / "meltano.yml"
    text = _read(main) or ""
    try:
        added = with_plugins(text, pip_url, definition, list(_included(folder, text)))
    except YAMLError as error:
        raise ConfigurationError(f"{main} is not valid YAML: {error}") from error
    wanted = [(main, added.text)]
    for name, (own, source) in added.locks.items():
        kind = KINDS[own]
        lock = folder / "plugins" / kind / f"{name}--{VARIANT}.lock"
        wanted.append((lock, lock_text(_definition(own), name, kind, source)))
    wanted.append((sync_file, sync_text or STARTER))
    ignored = folder / ".gitignore"
    if ignored.exists() or (folder / ".git").exists():
        wanted.append((ignored, with_ignored(_read(ignored))))
    read = [Change(path, _read(path), new) for path, new in wanted]
    return [one for one in read if one.new != one.old], added.notes


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error


def _included(folder: Path, text: str) -> Iterator[Mapping[str, Any]]:
    """The further files of a project (``include_paths``)."""
    yaml = YAML(typ="safe", pure=True)
    main = yaml.load(text)
    patterns = main.get("include_paths") if isinstance(main, dict) else None
    for pattern in patterns or ():
        for path in sorted(folder.glob(pattern)):
            loaded = yaml.load(path.read_text(encoding="utf-8"))
            if path != folder / "meltano.yml" and isinstance(loaded, dict):
                yield loaded


def _definition(name: str) -> Mapping[str, Any]:
    package = Path(reverse_sf.__file__).parent
    # In a wheel they are part of the package; in a checkout they stand beside it.
    folder = package / "definitions"
    file = (folder if folder.is_dir() else package.parent / "plugins") / f"{name}.yml"
    loaded: Mapping[str, Any] = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    return loaded


def installed_from() -> str:
    """Where pip got this product from, so that Meltano installs the same (PEP 610)."""
    told = distribution("reverse-sf").read_text("direct_url.json")
    origin = json.loads(told) if told else {}
    url = str(origin.get("url") or "")
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        return f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', 'HEAD')}"
    if "dir_info" in origin and url.startswith("file://"):
        path = url.removeprefix("file://")
        return f"-e {path}" if origin["dir_info"].get("editable") else path
    return f"reverse-sf=={distribution('reverse-sf').version}"


def _show(folder: Path, changes: list[Change], notes: list[str]) -> None:
    for one in changes:
        name = one.path.relative_to(folder)
        if one.old is None and one.new.count("\n") > _LONGEST_SHOWN:
            say(f"new file {name}: {one.new.count(chr(10))} lines, a definition of Meltano's\n")
        else:
            say(difference(name, one.old or "", one.new))
    for note in notes:
        say(f"Note: {note}.")
    if not changes:
        say(f"Nothing to add: {folder} has everything.")


def _as_json(
    folder: Path, changes: list[Change], notes: list[str], *, written: bool
) -> dict[str, Any]:
    return {
        "project": str(folder),
        "written": written and bool(changes),
        "notes": notes,
        "changes": [
            {
                "file": str(one.path.relative_to(folder)),
                "new": one.old is None,
                "diff": difference(one.path.relative_to(folder), one.old or "", one.new),
            }
            for one in changes
        ],
    }
