"""What ``reverse-sf init`` makes of a Meltano project's files: texts in, texts out.

A plugin is four lines of ``meltano.yml``; what it is (its settings and commands) stands in a lock
file of Meltano's under ``plugins/``. What the project says already is kept, whoever wrote it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.yaml_layout import (
    append,
    dumped,
    flow,
    laid_out_as,
    put_tail,
    take_tail,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_sf.mapping.definition import SyncDefinition

VARIANT = "reverse-sf"
TAP = "tap-salesforce"
KINDS: Mapping[str, str] = {
    TAP: "extractors",
    "tap-spotio": "extractors",
    "target-spotio": "loaders",
    "target-salesforce": "loaders",
    "crm-mapper": "mappers",
    "reverse-sf": "utilities",
}
MAPPINGS = ("spotio-mapper", "salesforce-mapper")
INTERVAL = "*/15 * * * *"
_SHARED = (
    *("username", "password", "security_token", "organization_id", "client_id", "client_secret"),
    *("refresh_token", "jwt_private_key", "jwt_private_key_file", "jwt_audience", "session_id"),
    *("login_url", "instance_url", "domain", "is_sandbox"),
)
"""Of a login to Salesforce: one serves both directions."""
_KEY = ("api_url", "client_id", "client_secret")
"""Of an API key of SPOTIO, likewise."""

STARTER = """\
# What this project syncs between Salesforce and SPOTIO, and by which rules.
#
#   reverse-sf auto-map Contact --write   proposes a pair of objects, or what else one could map
#   reverse-sf check                      checks this file against both systems
#   reverse-sf plan                       shows what the next run would write
#
# A start: companies go from Salesforce to SPOTIO. Enable to_salesforce for the way back.

version: 1

objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true}
    to_salesforce: {enabled: false}
    fields:
      - {spotio: 'role:Company', salesforce: Name, rule: two_way}
"""


@dataclass
class Additions:
    """A changed ``meltano.yml``, and what a person should know of it.

    Attributes:
        text: the file's new text.
        locks: plugin's name in the project to its name here and where it is installed from, for
            the lock files.
        notes: sentences about what was left as it is.
    """

    text: str
    locks: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def with_plugins(
    text: str,
    pip_url: str,
    definition: SyncDefinition,
    elsewhere: Iterable[Mapping[str, Any]] = (),
) -> Additions:
    """Add what is missing to the text of a ``meltano.yml``.

    Args:
        text: the file as it is.
        pip_url: where Meltano installs this product from.
        definition: says which objects are read.
        elsewhere: further files that the project includes, read.

    Raises:
        ConfigurationError: the file is not laid out as Meltano's files are.
    """
    yaml = laid_out_as(text)
    project = yaml.load(text)
    if not isinstance(project, CommentedMap):
        raise ConfigurationError("meltano.yml holds no settings of a project")
    found = Additions(text)
    tail = take_tail(project)
    documents = [project, *elsewhere]
    plugins = _Plugins(project, documents, pip_url, definition, found)
    names = {name: plugins.add(name) for name in KINDS}
    _mappings(documents, names["crm-mapper"], found)
    jobs = _jobs(names)
    new_jobs = _missing(documents, "jobs", jobs, "tasks", found)
    _extend(project, "jobs", [_job(name, jobs[name]) for name in new_jobs])
    schedules = _missing(documents, "schedules", {"two-way-sync": "two-way-sync"}, "job", found)
    _extend(
        project,
        "schedules",
        [CommentedMap(name=name, interval=INTERVAL, job=name) for name in schedules],
    )
    put_tail(project, tail)
    new = dumped(yaml, project)
    # Where nothing was added the file keeps its layout, whatever ours would make of it.
    changed = found.locks or new_jobs or schedules or _mapped_anew(found)
    found.text = new if changed else text
    return found


def lock_text(definition: Mapping[str, Any], name: str, kind: str, pip_url: str) -> str:
    """The text of a plugin's lock file.

    Args:
        definition: the plugin's definition, as ``meltano add --from-ref`` takes it.
        name: the plugin's name in the project.
        kind: such as ``loaders``.
        pip_url: as in ``meltano.yml``; Meltano installs only what has one here too.
    """
    said = {"plugin_type": kind, **definition, "name": name, "pip_url": pip_url}
    if not pip_url:
        del said["pip_url"]
    return json.dumps(said, indent=2) + "\n"


_MAPPED = "the two mappings are added to crm-mapper"


def _mapped_anew(found: Additions) -> bool:
    return _MAPPED in found.notes


def _listed(documents: Iterable[Mapping[str, Any]], *path: str) -> list[Any]:
    """The entries of a list, from all files of the project."""
    entries: list[Any] = []
    for document in documents:
        at: Any = document
        for key in path:
            at = at.get(key) if isinstance(at, dict) else None
        if isinstance(at, list):
            entries.extend(one for one in at if isinstance(one, dict))
    return entries


@dataclass
class _Plugins:
    """Adds plugins to a project, one after the other."""

    project: CommentedMap
    documents: Sequence[Mapping[str, Any]]
    pip_url: str
    definition: SyncDefinition
    found: Additions

    def add(self, name: str) -> str:
        """Add one where it is missing, and return its name in the project."""
        entries = {one.get("name"): one for one in _listed(self.documents, "plugins", KINDS[name])}
        there = entries.get(name)
        if there is None:
            return self._new(name, name)
        if _is_ours(there, name):
            if there.get("variant") == VARIANT and "settings" not in there:
                # Its lock file is brought up to this version.
                self._lock(name, name, there)
            return name
        whose = f"variant {there['variant']}" if there.get("variant") else "a variant of its own"
        if name == TAP:
            self.found.notes.append(
                f"{TAP} is there ({whose}) and stays: the mapper takes its output and its STATE."
                f" It has to read User and {_objects(self.definition)}. It does not tell of"
                " deleted, merged and purged records, as ours does. target-salesforce takes its"
                " login from the variables TAP_SALESFORCE_* (.env), not from that tap's config"
            )
            return name
        own = f"{name}-{VARIANT}"
        self.found.notes.append(f"{name} is there ({whose}) and stays; ours is {own}")
        if own in entries:
            self._lock(own, name, entries[own])
            return own
        return self._new(own, name)

    def _new(self, name: str, own: str) -> str:
        entry = CommentedMap(name=name, variant=VARIANT, pip_url=self.pip_url)
        self._lock(name, own, entry)
        _configure(entry, own, self.definition)
        _extend(self.project.setdefault("plugins", CommentedMap()), KINDS[own], [entry])
        return name

    def _lock(self, name: str, own: str, entry: Mapping[str, Any]) -> None:
        self.found.locks[name] = own, str(entry.get("pip_url") or "")


def _is_ours(entry: Mapping[str, Any], name: str) -> bool:
    if entry.get("variant"):
        return bool(entry["variant"] == VARIANT)
    if entry.get("inherit_from"):
        return False
    if "reverse-sf" in str(entry.get("pip_url") or ""):
        return True
    if name == TAP:
        # Other variants have the same executable; this setting is ours alone.
        settings = entry.get("settings") or ()
        return any(one.get("name") == "read_deletion_log" for one in settings)
    executables = {"crm-mapper": "spotio-mapper"}
    return bool(entry.get("executable") == executables.get(name, name))


def _configure(entry: CommentedMap, name: str, definition: SyncDefinition) -> None:
    objects = list(dict.fromkeys(one.salesforce for one in definition.objects))
    types = list(dict.fromkeys(one.spotio for one in definition.objects))
    if name == TAP:
        entry["select"] = _flow_list(["User.*", *(f"{one}.*" for one in objects)])
        entry["config"] = CommentedMap(streams_to_discover=_flow_list(["User", *objects]))
    elif name == "tap-spotio":
        entry["select"] = _flow_list(["users.*", *(f"{one}.*" for one in types)])
        entry["config"] = CommentedMap({one: f"${{TARGET_SPOTIO_{one.upper()}}}" for one in _KEY})
    elif name == "target-salesforce":
        entry["config"] = CommentedMap(
            {one: f"${{TAP_SALESFORCE_{one.upper()}}}" for one in _SHARED}
        )
    elif name == "crm-mapper":
        entry["mappings"] = CommentedSeq(map(_mapping, MAPPINGS))


def _objects(definition: SyncDefinition) -> str:
    return ", ".join(dict.fromkeys(one.salesforce for one in definition.objects))


def _mapping(name: str) -> CommentedMap:
    return CommentedMap(name=name, config=flow({"mapping": name}))


def _mappings(documents: Sequence[Mapping[str, Any]], name: str, found: Additions) -> None:
    """Give a mapper that is there its mappings: `meltano add --from-ref` drops them."""
    for entry in _listed(documents, "plugins", "mappers"):
        if entry.get("name") == name and not entry.get("mappings"):
            entry["mappings"] = CommentedSeq(map(_mapping, MAPPINGS))
            found.notes.append(_MAPPED)


def _jobs(names: Mapping[str, str]) -> dict[str, list[str]]:
    there = f"{names[TAP]} {MAPPINGS[0]} {names['target-spotio']}"
    back = f"{names['tap-spotio']} {MAPPINGS[1]} {names['target-salesforce']}"
    return {
        "salesforce-to-spotio": [there],
        "spotio-to-salesforce": [back],
        "two-way-sync": [there, back],
    }


def _job(name: str, tasks: Sequence[str]) -> CommentedMap:
    return CommentedMap(name=name, tasks=CommentedSeq(tasks))


def _missing(
    documents: Sequence[Mapping[str, Any]],
    section: str,
    wanted: Mapping[str, Any],
    key: str,
    found: Additions,
) -> list[str]:
    """The names that a section lacks; those that mean something else are told and kept."""
    there = {one.get("name"): one for one in _listed(documents, section)}
    for name, value in wanted.items():
        if name in there and there[name].get(key) != value:
            found.notes.append(f"{section}: {name} is there and says something else; it stays")
    return [name for name in wanted if name not in there]


def _extend(parent: CommentedMap, key: str, entries: Sequence[CommentedMap]) -> None:
    if not entries:
        return
    listed = parent.get(key)
    if isinstance(listed, CommentedSeq):
        append(listed, entries)
        return
    below = take_tail(parent)
    parent[key] = CommentedSeq(entries)
    put_tail(parent, below)


def _flow_list(values: Iterable[str]) -> CommentedSeq:
    found = CommentedSeq(values)
    found.fa.set_flow_style()
    return found


def with_ignored(text: str | None) -> str:
    """A ``.gitignore`` that leaves out Meltano's folder and the secrets in ``.env``."""
    lines = [line.strip().strip("/") for line in (text or "").splitlines()]
    lacking = [one for one in (".env", ".meltano") if one not in lines]
    if not lacking:
        return text or ""
    start = text if not text or text.endswith("\n") else f"{text}\n"
    return (start or "") + "".join(f"/{one}\n" for one in lacking)
