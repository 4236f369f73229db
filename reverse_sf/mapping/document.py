"""From the text of a ``sync.yml`` to a definition, or to every problem that it has, at once.

Three readings, each of which goes on as far as it can so that nobody fixes a file one error at a
time: the YAML itself, the published JSON Schema (``sync.schema.json``, draft 2020-12), and the
rules that a schema cannot state (``reverse_sf.mapping.consistency``). Every problem begins with its
path and its line.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping import wording
from reverse_sf.mapping.activities import activity_mapping
from reverse_sf.mapping.consistency import inconsistencies
from reverse_sf.mapping.definition import (
    ADDRESS_COMPONENTS,
    DEFAULT_REGION,
    DO_NOT_SYNC,
    AddressMapping,
    Comparison,
    Conversion,
    Criterion,
    DeletePolicy,
    DirectionSettings,
    FieldMapping,
    History,
    MatchFields,
    MatchRule,
    ObjectMapping,
    OwnerMapping,
    ParentMapping,
    Policy,
    Side,
    SyncDefinition,
    SyncRule,
)
from reverse_sf.mapping.fingerprint import fingerprint
from reverse_sf.mapping.lines import Lines, plain
from reverse_sf.mapping.users import UserSync
from reverse_sf.mapping.users_document import user_sync


@cache
def schema_text() -> str:
    """The published JSON Schema of ``sync.yml``, as text."""
    return files("reverse_sf.mapping").joinpath("sync.schema.json").read_text(encoding="utf-8")


@cache
def schema() -> dict[str, Any]:
    """The published JSON Schema of ``sync.yml``."""
    loaded: dict[str, Any] = json.loads(schema_text())
    return loaded


def parse(text: str | bytes, source: str = "sync.yml") -> SyncDefinition:
    """Read a sync definition.

    Args:
        text: the file's text, or its bytes (UTF-8, or UTF-16 with a byte order mark).
        source: how messages call the file.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    document, lines = _load(_decoded(text, source), source)
    problems = wording.schema_problems(schema(), document)
    definition = _definition(document, source)
    problems += inconsistencies(definition)
    if problems:
        ordered = sorted(set(problems), key=lambda one: (lines.of(one[0]) or 0, one))
        raise ConfigurationError(
            f"{source} has {len(ordered)} problem{'s' if len(ordered) > 1 else ''}",
            [f"{_place(path, lines)}: {sentence}" for path, sentence in ordered],
        )
    return replace(definition, lines=lines.by_path)


def _place(path: str, lines: Lines) -> str:
    line = lines.of(path)
    if not path:
        return f"line {line}" if line else "the file"
    return f"{path} (line {line})" if line else path


def _decoded(text: str | bytes, source: str) -> str:
    if isinstance(text, str):
        return text
    encoding = "utf-16" if text[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        line = text[: error.start].count(b"\n") + 1
        raise ConfigurationError(
            f"{source} is not UTF-8 text (line {line}): save it again with the encoding UTF-8"
        ) from error


def _load(text: str, source: str) -> tuple[Any, Lines]:
    try:
        loaded = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        why = wording.yaml_problem(error.problem or error.context or "it cannot be read")
        raise ConfigurationError(f"{source} is not valid YAML{line}: {why}") from error
    except YAMLError as error:
        # A control character, or another text that the reader refuses before it knows a line.
        raise ConfigurationError(f"{source} is not valid YAML: {error}") from error
    if loaded is None:
        raise ConfigurationError(
            f"{source} is empty: it must say version: 1 and list objects; reverse-sf schema "
            "prints what it may say"
        )
    return plain(loaded), Lines.of_document(loaded)


def _definition(document: Any, source: str) -> SyncDefinition:
    """Build what can be built, so that its contradictions are reported with everything else."""
    listed = document.get("objects") if isinstance(document, dict) else None
    objects = []
    activities: list[ObjectMapping] = []
    for at, one in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(one, dict) and all(
            _is_name(one.get(key)) for key in ("spotio", "salesforce")
        ):
            said = _sound_parts(one)
            objects.append(_object(said, f"objects[{at}]"))
            activities += _activities(said, objects[-1])
    region, zone = (
        document.get(key) if isinstance(document, dict) else None
        for key in ("match_region", "time_zone")
    )
    definition = SyncDefinition(
        version=1,
        objects=tuple(objects),
        fingerprint="",
        source=source,
        users=_users(document),
        match_region=region if isinstance(region, str) and region else DEFAULT_REGION,
        activities=tuple(activities),
        time_zone=zone if isinstance(zone, str) and zone else None,
    )
    return replace(definition, fingerprint=fingerprint(definition))


def _users(document: Any) -> UserSync:
    if not isinstance(document, dict) or "users" not in document:
        return UserSync()
    said = document["users"]
    return user_sync(said) if wording.is_sound(schema(), "users", said) else UserSync()


_PARTS = {
    "to_spotio": "direction",
    "to_salesforce": "direction",
    "match": "match",
    "owner": "owner",
    "parent": "parent",
    "address": "address",
    "on_delete": "on_delete",
    "conflicts": "conflicts",
    "on_convert": "name",
    "salesforce_external_id": "name",
}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _sound_parts(said: dict[str, Any]) -> dict[str, Any]:
    """An object mapping without the parts that the schema refuses; fields keep their places."""
    sound = {key: said[key] for key in ("spotio", "salesforce")}
    for key, definition in _PARTS.items():
        if key in said and wording.is_sound(schema(), definition, said[key]):
            sound[key] = said[key]
    fields = said.get("fields")
    sound["fields"] = [
        one if wording.is_sound(schema(), "field", one) else None
        for one in (fields if isinstance(fields, list) else ())
    ]
    listed = said.get("activities")
    sound["activities"] = [
        one if wording.is_sound(schema(), "activity", one) else None
        for one in (listed if isinstance(listed, list) else ())
    ]
    return sound


def _activities(said: dict[str, Any], of: ObjectMapping) -> list[ObjectMapping]:
    return [
        activity_mapping(one, of, f"{of.path}.activities[{at}]", _field)
        for at, one in enumerate(said["activities"])
        if one is not None
    ]


def _object(said: dict[str, Any], path: str) -> ObjectMapping:
    deletes = said.get("on_delete", {})
    mapping = ObjectMapping(
        name=f"{said['salesforce']}:{said['spotio']}",
        spotio=said["spotio"],
        salesforce=said["salesforce"],
        to_spotio=_direction(said.get("to_spotio", {})),
        to_salesforce=_direction(said.get("to_salesforce", {})),
        fields=tuple(
            _field(one, f"{path}.fields[{at}]")
            for at, one in enumerate(said["fields"])
            if one is not None
        ),
        match=tuple(map(_match, said.get("match", [MatchRule.EXTERNAL_ID.value]))),
        address=_address(said["address"], f"{path}.address") if "address" in said else None,
        owner=_owner(said["owner"], f"{path}.owner") if "owner" in said else None,
        parent=_parent(said["parent"], f"{path}.parent") if "parent" in said else None,
        on_delete_in_salesforce=DeletePolicy(deletes.get("in_salesforce", "ignore")),
        on_delete_in_spotio=DeletePolicy(deletes.get("in_spotio", "ignore")),
        salesforce_external_id=said.get("salesforce_external_id"),
        path=path,
        conflicts=_conflicts(said.get("conflicts", {})),
        on_convert=said.get("on_convert"),
        resurrect=deletes.get("resurrect", False),
        archive_in_salesforce=deletes.get("archive", {}).get("salesforce"),
        archive_in_spotio=deletes.get("archive", {}).get("spotio"),
    )
    return replace(mapping, fingerprint=fingerprint(mapping))


def _conflicts(said: dict[str, Any]) -> Policy:
    return Policy(
        tie=Side(said.get("tie", "salesforce")),
        initial=Side(said.get("initial", "salesforce")),
        clear_at_go_live=said.get("clear_at_go_live", False),
    )


def _match(said: str | dict[str, str]) -> MatchRule | MatchFields:
    if isinstance(said, str):
        return MatchRule(said)
    return MatchFields(said["spotio"], said["salesforce"])


def _direction(said: dict[str, Any]) -> DirectionSettings:
    return DirectionSettings(
        enabled=said.get("enabled", False),
        history=History(said.get("history", "past_and_future")),
        only_when=tuple(
            Criterion(name, tuple(values)) for name, values in said.get("only_when", {}).items()
        ),
        create=said.get("create", True),
        set_on_create=said.get("set_on_create"),
    )


def _field(said: dict[str, Any], path: str) -> FieldMapping:
    choices, further = _choices(said.get("choices"))
    return FieldMapping(
        spotio=said["spotio"],
        salesforce=said["salesforce"],
        rule=SyncRule(said["rule"]),
        choices=choices,
        conversion=Conversion(said.get("conversion", "kind")),
        omit_on_create=said.get("on_create") == "omit",
        truncate=said.get("truncate", False),
        path=path,
        salesforce_choices=further,
        compare=Comparison(said.get("compare", "exact")),
        adopt=said.get("on_normalised") == "adopt",
    )


def _choices(
    said: dict[str, Any] | None,
) -> tuple[dict[str, str | None] | None, dict[str, str | None]]:
    """The choices as written both ways, and the Salesforce values that are only read."""
    if said is None:
        return None, {}
    choices: dict[str, str | None] = {}
    further: dict[str, str | None] = {}
    for choice, value in said.items():
        values = value if isinstance(value, list) else [value]
        if choice == DO_NOT_SYNC:
            further.update(dict.fromkeys(values))
            continue
        choices[choice] = None if values[0] == DO_NOT_SYNC else values[0]
        further.update(dict.fromkeys(values[1:], choice))
    return choices, further


def _address(said: dict[str, Any], path: str) -> AddressMapping:
    return AddressMapping(
        components={one: said[one] for one in ADDRESS_COMPONENTS if one in said},
        skip_geocoding=said.get("skip_geocoding", False),
        rule=SyncRule(said["rule"]),
        path=path,
        adopt=said.get("on_normalised") == "adopt",
    )


def _owner(said: dict[str, Any], path: str) -> OwnerMapping:
    return OwnerMapping(
        salesforce_default=said.get("salesforce_default"),
        spotio_default=said.get("spotio_default"),
        keep_on_update=said.get("keep_on_update", True),
        rule=SyncRule(said.get("rule", "salesforce_only")),
        path=path,
    )


def _parent(said: dict[str, Any], path: str) -> ParentMapping:
    return ParentMapping(
        salesforce=said["salesforce"],
        spotio=said["spotio"],
        rule=SyncRule(said.get("rule", "salesforce_only")),
        path=path,
    )
