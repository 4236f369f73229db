"""Both systems' schemas as one text file, so that a change of either is seen before a run fails.

Kept are the facts that a check reads, of the mapped sObjects and of every record type of SPOTIO, in
an order of their own and without what is as it is by default: two snapshots of one schema are the
same text, and a difference reads well in a review. No user, no record and no address is in it.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.describe import (
    PicklistValue,
    SalesforceField,
    SalesforceObject,
    SalesforceOrg,
)
from reverse_sf.mapping.pair import needed_fields, spotio_references
from reverse_sf.mapping.problem import Problem, error, note
from reverse_sf.mapping.workflow import SpotioField, SpotioType, Stage, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reverse_sf.mapping.definition import SyncDefinition

_VERSION = 1


@dataclass(frozen=True)
class Snapshot:
    """What both systems said of themselves at one time."""

    salesforce: SalesforceOrg
    spotio: Workflow


def snapshot_text(snapshot: Snapshot) -> str:
    """The text of a snapshot's file."""
    return (
        json.dumps(
            {
                "version": _VERSION,
                "salesforce": {
                    name: _plain(snapshot.salesforce.objects[name])
                    for name in sorted(snapshot.salesforce.objects)
                },
                "spotio": [
                    _plain(one) for one in sorted(snapshot.spotio.types, key=lambda it: it.name)
                ],
            },
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )


def read_snapshot(text: str, source: str) -> Snapshot:
    """A snapshot from its file's text.

    Raises:
        ConfigurationError: the text is no snapshot, or one of another version.
    """
    try:
        said = json.loads(text)
        if said["version"] != _VERSION:
            raise ConfigurationError(
                f"{source} is a snapshot of version {said['version']}, and this is version"
                f" {_VERSION}: write it anew (delete it, then check --snapshot {source})"
            )
        objects = {name: _sobject(name, one) for name, one in said["salesforce"].items()}
        types = tuple(map(_record_type, said["spotio"]))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ConfigurationError(f"{source} is not a snapshot of check --snapshot") from problem
    return Snapshot(SalesforceOrg(objects, tuple(objects)), Workflow(types))


def _plain(value: Any) -> Any:
    """A fact as JSON, without what is as it is by default."""
    if isinstance(value, (SalesforceObject, SpotioType, SalesforceField, SpotioField, *_SMALL)):
        return {
            one.name: _plain(getattr(value, one.name))
            for one in fields(value)
            if one.default is MISSING or getattr(value, one.name) != one.default
        }
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, frozenset):
        return sorted(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


_SMALL = (PicklistValue, Stage)


def _sobject(name: str, said: dict[str, Any]) -> SalesforceObject:
    listed = {key: _field(one) for key, one in said["fields"].items()}
    rest = {key: value for key, value in said.items() if key not in {"name", "fields"}}
    return SalesforceObject(name, listed, **rest)


def _field(said: dict[str, Any]) -> SalesforceField:
    values = tuple(PicklistValue(**one) for one in said.get("picklist", ()))
    refers = tuple(said.get("reference_to", ()))
    return SalesforceField(**{**said, "picklist": values, "reference_to": refers})


def _record_type(said: dict[str, Any]) -> SpotioType:
    listed = tuple(
        SpotioField(
            **{
                **one,
                "options": tuple(one.get("options", ())),
                "required_in_stages": frozenset(one.get("required_in_stages", ())),
            }
        )
        for one in said.get("fields", ())
    )
    stages = tuple(
        Stage(**{**one, "loss_reasons": tuple(one.get("loss_reasons", ()))})
        for one in said.get("stages", ())
    )
    return SpotioType(**{**said, "fields": listed, "stages": stages})


def drift(before: Snapshot, now: Snapshot, definition: SyncDefinition) -> list[Problem]:
    """What has changed since a snapshot: errors where a pair uses it, notes elsewhere."""
    used = _used(definition, before) | _used(definition, now)
    paths = {
        **{("SPOTIO", one.spotio): one.path for one in reversed(definition.objects)},
        **{("Salesforce", one.salesforce): one.path for one in reversed(definition.objects)},
    }
    found: list[Problem] = []
    for thing, sentence in _changes(_things(before), _things(now)):
        path = paths.get((thing.system, thing.object), thing.object)
        whole = thing.field == "" and (thing.system, thing.object) in paths
        if whole or thing in used:
            found.append(error(path, sentence, _LOOK))
        else:
            found.append(note(path, sentence))
    return found


_LOOK = "see what it means for sync.yml, then take the new snapshot with --update-snapshot"


@dataclass(frozen=True)
class _Thing:
    """An object, or one field of it; ``field`` is an API name, or the id of a SPOTIO field."""

    system: str
    object: str
    field: str = ""


def _things(snapshot: Snapshot) -> dict[_Thing, tuple[str, dict[str, Any]]]:
    """Everything that can change, with its name for people and its facts."""
    found: dict[_Thing, tuple[str, dict[str, Any]]] = {}
    for name, sobject in snapshot.salesforce.objects.items():
        found[_Thing("Salesforce", name)] = (name, _without(sobject, "fields"))
        for field in sobject.fields.values():
            found[_Thing("Salesforce", name, field.name)] = (
                f"{name}.{field.name}",
                _without(field),
            )
    for kind in snapshot.spotio.types:
        found[_Thing("SPOTIO", kind.name)] = (kind.name, _without(kind, "fields"))
        for one in kind.fields:
            found[_Thing("SPOTIO", kind.name, one.id)] = (f"{kind.name}.{one.label}", _without(one))
    return found


def _without(value: Any, *names: str) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in fields(value) if one.name not in names}


def _changes(
    before: Mapping[_Thing, tuple[str, dict[str, Any]]],
    now: Mapping[_Thing, tuple[str, dict[str, Any]]],
) -> Iterator[tuple[_Thing, str]]:
    for thing in [*before, *(one for one in now if one not in before)]:
        if thing.field and not all(
            _Thing(thing.system, thing.object) in it for it in (before, now)
        ):
            # The object itself has come or gone; that is said once.
            continue
        if thing not in now:
            yield thing, f"{thing.system} has no {before[thing][0]} any more"
        elif thing not in before:
            yield thing, f"{thing.system} has a new {now[thing][0]}"
        else:
            name, facts = now[thing]
            old = before[thing][1]
            changed = [
                f"{fact} {_difference(old[fact], value)}"
                for fact, value in facts.items()
                if value != old[fact]
            ]
            if changed:
                yield thing, f"{thing.system}'s {name} has changed: {'; '.join(changed)}"


def _difference(old: Any, new: Any) -> str:
    if isinstance(old, (tuple, frozenset)) and isinstance(new, (tuple, frozenset)):
        gone = [_shown(one) for one in old if one not in new]
        come = [_shown(one) for one in new if one not in old]
        said = [f"lost {', '.join(gone)}"] * bool(gone) + [f"got {', '.join(come)}"] * bool(come)
        return " and ".join(said) or "is in another order"
    return f"was {_shown(old)} and is {_shown(new)}"


def _shown(value: Any) -> str:
    if isinstance(value, PicklistValue):
        return f"'{value.value}'" if value.active else f"'{value.value}' (inactive)"
    if isinstance(value, Stage):
        return f"'{value.name}'"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _used(definition: SyncDefinition, snapshot: Snapshot) -> set[_Thing]:
    """What the definition reads or writes, and what a system requires of a new record."""
    found: set[_Thing] = set()
    for one in definition.objects:
        sobject = snapshot.salesforce.objects.get(one.salesforce)
        required = (
            [] if sobject is None else [it.name for it in sobject.fields.values() if it.required]
        )
        found.update(
            _Thing("Salesforce", one.salesforce, name)
            for name in [*needed_fields(one), *(required if one.to_salesforce.enabled else ())]
        )
        kind = snapshot.spotio.type(one.spotio)
        if kind is None:
            continue
        references = spotio_references(one)
        named = [field for name in references for field in kind.fields_named(name)]
        demanded = [
            field
            for field in kind.fields
            if one.to_spotio.enabled and (field.required or field.required_in_stages)
        ]
        found.update(_Thing("SPOTIO", one.spotio, it.id) for it in [*named, *demanded])
    return found
