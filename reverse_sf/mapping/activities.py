"""The ``activities`` of an object mapping: each is a pair of its own, of activities and Tasks.

Or of activities and Events. So they are decided, guarded and remembered by the law of all records.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reverse_sf.mapping.activity_fields import ACTIVITIES, ACTIVITY_DATE, ALL_DAY, DURATION, FIELDS
from reverse_sf.mapping.definition import (
    ActivitySource,
    Criterion,
    DirectionSettings,
    FieldMapping,
    History,
    ObjectMapping,
    OwnerMapping,
    ParentMapping,
    SyncRule,
)
from reverse_sf.mapping.fingerprint import fingerprint
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.mapping.wording import Problem

TASK, EVENT = "Task", "Event"
WHO, WHAT = "WhoId", "WhatId"
_PEOPLE = frozenset({"Contact", "Lead"})
"""What ``WhoId`` may name; anything else is named by ``WhatId`` (Object Reference, Task)."""
_BEGINNING = ("ActivityDateTime", "StartDateTime", "ActivityDate")
_LENGTH = ("DurationInMinutes", "EndDateTime")
_SET_BY_US = {
    WHO: "what an activity is about follows from its record",
    WHAT: "what an activity is about follows from its record",
    "OwnerId": "the owner follows from the activity's owner in SPOTIO",
}
_ONE_WAY = frozenset({SyncRule.SPOTIO_ONLY, SyncRule.DO_NOT_SYNC})


def activity_mapping(
    said: dict[str, Any],
    of: ObjectMapping,
    path: str,
    read_field: Callable[[dict[str, Any], str], FieldMapping],
) -> ObjectMapping:
    """The pair that one entry under ``activities`` is.

    Args:
        said: the entry, as the schema accepts it.
        of: the mapping of the records that the activities are on.
        path: where the entry stands.
        read_field: reads a field mapping that is spelled out.
    """
    template, sobject = said["spotio"], said["salesforce"]
    two_way = bool(said.get("two_way"))
    born_there = bool(said.get("from_salesforce"))
    usual = SyncRule.TWO_WAY if two_way else SyncRule.SPOTIO_ONLY
    owner = of.owner or OwnerMapping()
    mapping = ObjectMapping(
        name=f"{sobject}:{template} ({of.name})",
        spotio=ACTIVITIES,
        salesforce=sobject,
        to_spotio=DirectionSettings(
            enabled=two_way or born_there,
            # Where only our own Tasks count, nothing is missed by not having read the others.
            history=History(said.get("history", "past_and_future"))
            if born_there
            else History.FUTURE_ONLY,
            create=born_there,
        ),
        to_salesforce=DirectionSettings(
            enabled=said.get("enabled", True),
            history=History(said.get("history", "past_and_future")),
            only_when=tuple(
                Criterion(name, tuple(values)) for name, values in said.get("only_when", {}).items()
            ),
        ),
        fields=_fields(said, path, read_field, usual),
        owner=replace(owner, rule=usual, path=path),
        parent=ParentMapping(
            salesforce=WHO if of.salesforce in _PEOPLE else WHAT,
            spotio=of.spotio,
            rule=SyncRule.SPOTIO_ONLY,
            path=path,
        ),
        salesforce_external_id=said.get("salesforce_external_id"),
        path=path,
        activity=ActivitySource(
            template=template,
            of=of.name,
            record_type=of.spotio,
            account=WHAT if of.salesforce == "Contact" and of.parent is not None else None,
            from_salesforce=born_there,
        ),
    )
    return replace(mapping, fingerprint=fingerprint(mapping))


def _fields(
    said: dict[str, Any],
    path: str,
    read_field: Callable[[dict[str, Any], str], FieldMapping],
    usual: SyncRule,
) -> tuple[FieldMapping, ...]:
    found = []
    for name, spelled in said.get("fields", {}).items():
        one = {"salesforce": spelled} if isinstance(spelled, str) else dict(spelled)
        rule = usual if name in FIELDS and FIELDS[name].property else SyncRule.SPOTIO_ONLY
        whole = {"rule": rule.value, **one, "spotio": name}
        found.append(read_field(whole, f"{path}.fields.{name}"))
    if said["salesforce"] == EVENT:
        found += _asked_of_events(found, path)
    return tuple(found)


def _asked_of_events(found: list[FieldMapping], path: str) -> Iterator[FieldMapping]:
    """What Salesforce demands of an event, where the definition maps nothing onto it."""
    taken = {one.salesforce for one in found}
    named = {one.spotio for one in found}
    for name, fields in (
        (ACTIVITY_DATE, _BEGINNING),
        (DURATION, _LENGTH),
        (ALL_DAY, ("IsAllDayEvent",)),
    ):
        if name not in named and not taken.intersection(fields):
            yield FieldMapping(name, fields[0], SyncRule.SPOTIO_ONLY, path=f"{path}.fields")


def activity_inconsistencies(definition: SyncDefinition) -> Iterator[Problem]:
    """What the activities of a definition say against themselves, each with its path."""
    zone = definition.time_zone
    if zone is not None and not is_zone(zone):
        sentence = f"'{zone}' is not the name of a time zone, such as America/Denver"
        yield "time_zone", sentence
    keys: dict[tuple[str, str, str, str], str] = {}
    for one in definition.activities:
        yield from _entry_problems(one, zone)
        source = one.activity
        if source is None or one.salesforce_external_id is None:
            continue
        # Salesforce would take the second one for an update of the first.
        key = (source.template, source.record_type, one.salesforce, one.salesforce_external_id)
        if key in keys:
            sentence = (
                f"{one.salesforce_external_id} of a {one.salesforce} would have to hold one"
                f" activity's id twice: see {keys[key]}; give one of them another field, or none"
            )
            yield f"{one.path}.salesforce_external_id", sentence
        keys.setdefault(key, one.path)


def _entry_problems(one: ObjectMapping, zone: str | None) -> Iterator[Problem]:
    back = one.to_spotio.enabled
    if back and one.salesforce == EVENT:
        yield one.path, "only Tasks can change an activity in SPOTIO: take two_way out"
    for criterion in one.to_salesforce.only_when:
        if criterion.name not in FIELDS:
            yield f"{one.path}.only_when.{criterion.name}", _unknown(criterion.name)
    for mapping in one.fields:
        known = FIELDS.get(mapping.spotio)
        if known is None:
            yield mapping.path, _unknown(mapping.spotio)
            continue
        if mapping.salesforce in _SET_BY_US:
            yield mapping.path, f"{_SET_BY_US[mapping.salesforce]}: it is not mapped as a field"
        if mapping.rule not in _ONE_WAY and known.property is None:
            yield mapping.path, f"SPOTIO takes no {known.name} back: its rule can be spotio_only"
        elif mapping.rule not in _ONE_WAY and not back:
            yield mapping.path, "its rule lets Salesforce win: set two_way: true on the activity"
        if mapping.spotio == ACTIVITY_DATE and mapping.salesforce == "ActivityDate" and not zone:
            sentence = (
                "the date of a moment depends on the time zone: set time_zone at the top of the"
                " file to that of the Salesforce org (Setup, Company Information)"
            )
            yield mapping.path, sentence


def _unknown(name: str) -> str:
    hint = did_you_mean(name, FIELDS) or f"; there are {', '.join(FIELDS)}"
    return f"an activity has no field '{name}'{hint}"


@lru_cache(64)
def is_zone(name: str) -> bool:
    """Whether a time zone has this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
