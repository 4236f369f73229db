"""Which part of a sync a person names: pairs, by any of their names, and a range of dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.mapping.streams import USER_STREAMS, streams_of
from reverse_sf.mapping.wording import did_you_mean
from reverse_sf.merge.envelope import USERS_PAIR
from reverse_sf.spotio.instants import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition

USERS = "users"
_SOURCE = {Direction.TO_SPOTIO: Side.SALESFORCE, Direction.TO_SALESFORCE: Side.SPOTIO}
_TOWARD = {Direction.TO_SPOTIO: "SPOTIO", Direction.TO_SALESFORCE: "Salesforce"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_A_DAY = timedelta(days=1)
_LEAST = timedelta(milliseconds=1)
"""What Salesforce's stamps tell apart: a range ends so long before the next day begins."""


@dataclass(frozen=True)
class Range:
    """What was last modified from one moment to another, both included.

    Attributes:
        begin: UTC.
        end: UTC; None for now, by the clock of the system that is read.
    """

    begin: datetime
    end: datetime | None

    @property
    def words(self) -> str:
        """For people."""
        end = format_instant(self.end) if self.end is not None else "now"
        return f"from {format_instant(self.begin)} to {end}"


@dataclass(frozen=True)
class Leg:
    """One direction's share.

    Attributes:
        direction: which.
        pairs: names of the pairs, for the mapper.
        streams: what the tap is to read of them.
        people: streams of the tap that tell users: records name them as owners.
    """

    direction: Direction
    pairs: tuple[str, ...]
    streams: tuple[str, ...]
    people: tuple[str, ...]

    @property
    def source(self) -> Side:
        """Which side is read."""
        return _SOURCE[self.direction]


def range_of(begin: str, end: str | None, *, now: datetime) -> Range:
    """The range that two options name; a day counts as a whole, by UTC.

    Raises:
        UsageError: no date, or a begin that lies behind its end.
    """
    first = _moment("--from", begin)
    last = None if end is None else _moment("--to", end, whole_day=True)
    if first > (last or now):
        shown = "now" if last is None else end
        raise UsageError(f"--from {begin} is after --to {shown}: there is nothing in between")
    return Range(first, last)


def _moment(option: str, told: str, *, whole_day: bool = False) -> datetime:
    text = told.strip()
    is_day = _DAY.fullmatch(text) is not None
    try:
        moment = parse_instant(f"{text}T00:00:00Z" if is_day else text)
    except ValueError:
        raise UsageError(
            f"{option} {told!r} is neither a date nor a date-time: 2026-01-31 (a whole day, UTC),"
            " 2026-01-31T17:30:00Z or 2026-01-31T17:30:00+02:00"
        ) from None
    return moment + _A_DAY - _LEAST if is_day and whole_day else moment


def named_pairs(name: str, definition: SyncDefinition) -> tuple[ObjectMapping, ...]:
    """The pairs with this name: a pair's own, of its sObject, record type or activity template.

    Raises:
        ConfigurationError: the definition has none, or what it has is of two kinds.
    """
    wanted = name.casefold()
    exact = tuple(one for one in definition.pairs if one.name.casefold() == wanted)
    if exact:
        return exact
    records = tuple(
        one
        for one in definition.objects
        if wanted in {one.salesforce.casefold(), one.spotio.casefold()}
    )
    activities = tuple(
        one
        for one in definition.activities
        if one.activity is not None
        and wanted in {one.activity.template.casefold(), one.salesforce.casefold()}
    )
    if records and activities:
        raise ConfigurationError(
            f"{name} is the name of records and of an activity in {definition.source}; say which",
            [one.name for one in (*records, *activities)],
        )
    if not records and not activities:
        known = _names(definition)
        raise ConfigurationError(
            f"{definition.source} syncs nothing that is called {name}"
            f"{did_you_mean(name, known) or '; it knows ' + ', '.join(known)}"
        )
    return records or activities


def _names(definition: SyncDefinition) -> list[str]:
    names = {USERS: None}
    for one in definition.objects:
        names |= {one.salesforce: None, one.spotio: None}
    for one in definition.activities:
        names |= {one.activity.template: None} if one.activity is not None else {}
    return list(names)


def legs_of_users(definition: SyncDefinition, directions: Sequence[Direction] | None) -> list[Leg]:
    """Users: they go from Salesforce to SPOTIO.

    Raises:
        UsageError: the other direction was asked for.
        ConfigurationError: the definition syncs no users.
    """
    if directions is not None and Direction.TO_SPOTIO not in directions:
        raise UsageError(
            "users are synced from Salesforce to SPOTIO only: leave --direction out, or say"
            " to_spotio"
        )
    if not (definition.users.stated and definition.users.roles):
        raise ConfigurationError(
            f"{definition.source} syncs no users: it has no users: section with roles. As owners"
            " of records they are read by every run"
        )
    return [Leg(Direction.TO_SPOTIO, (USERS_PAIR,), (), _people(Direction.TO_SPOTIO))]


def legs_of(
    pairs: Sequence[ObjectMapping], directions: Sequence[Direction] | None, *, source: str
) -> list[Leg]:
    """What each direction does of some pairs, Salesforce to SPOTIO first.

    Args:
        pairs: which.
        directions: None for those that the definition has on.
        source: name of the definition.

    Raises:
        ConfigurationError: a direction that was asked for is off for all of them.
    """
    legs = []
    for direction, source_side in _SOURCE.items():
        if directions is not None and direction not in directions:
            continue
        on = [one for one in pairs if one.toward(direction).enabled]
        if on:
            streams = dict.fromkeys(name for one in on for name in streams_of(one, source_side))
            names = tuple(one.name for one in on)
            legs.append(Leg(direction, names, tuple(streams), _people(direction)))
        elif directions is not None and len(directions) == 1:
            raise ConfigurationError(
                f"{', '.join(one.name for one in pairs)} is not synced toward"
                f" {_TOWARD[direction]}: {direction.value} is off in {source}"
            )
    if not legs:
        raise ConfigurationError(
            f"{', '.join(one.name for one in pairs)} is synced in no direction: {source} has both"
            " off"
        )
    return legs


def _people(direction: Direction) -> tuple[str, ...]:
    return tuple(sorted(USER_STREAMS[_SOURCE[direction]]))
