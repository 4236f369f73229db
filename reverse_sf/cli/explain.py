"""``reverse-sf explain``: the whole history of a record's values, on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from reverse_sf.cli.rendering import in_words, say, say_json, show, to_the_second
from reverse_sf.cli.settings import open_ledger
from reverse_sf.errors import UsageError
from reverse_sf.mapping.canon import record_id as canonical_id
from reverse_sf.mapping.definition import Direction, Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reverse_sf.ledger.histories import KeptOperation
    from reverse_sf.ledger.rows import Conflict, Link, Parked, Snapshot
    from reverse_sf.ledger.store import Ledger

_HELP = """The history of a record, or of one of its fields, on both sides.

RECORD is an id of Salesforce or of SPOTIO; FIELD a SPOTIO label or a Salesforce API name. It tells
what both systems hold as last seen, and each value that the sync wrote: where it came from, which
rule and row of the tables decided, what it replaced, how it ended, and the row of the log with the
request that carried it (reverse-sf logs show NUMBER).

\b
reverse-sf explain 001000000000006AAA
reverse-sf explain 6650d0f00001000000000011 Website

Exit codes: 0 done, 2 no such record or field, or no ledger.
"""
_NAMES = {Side.SALESFORCE: "Salesforce", Side.SPOTIO: "SPOTIO"}
_WAYS = {
    Direction.TO_SPOTIO: ("Salesforce", "SPOTIO"),
    Direction.TO_SALESFORCE: ("SPOTIO", "Salesforce"),
}


@dataclass(frozen=True)
class Entry:
    """One thing that happened to a field.

    Attributes:
        at: when it was decided, UTC.
        field: key of the pair.
        what: in words.
        old: what was there.
        new: what came.
        by: rule and row.
        outcome: how it ended.
        log: numbers of the log's rows with the requests.
    """

    at: str
    field: str
    what: str
    old: Any
    new: Any
    by: str
    outcome: str
    log: tuple[int, ...] = ()


@dataclass(frozen=True)
class Told:
    """All that the ledger knows of one link."""

    link: Link
    snapshot: Snapshot | None
    places: dict[str, Any]
    entries: list[Entry]
    parked: list[Parked]


@click.command("explain", help=_HELP)
@click.argument("record")
@click.argument("field", required=False)
@click.option("--pair", help="Only this pair, such as Account:Accounts.")
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
def explain(
    *, record: str, field: str | None, pair: str | None, ledger_uri: str | None, as_json: bool
) -> None:
    """Tell a record's history; :data:`_HELP` is what a user reads."""
    with open_ledger(ledger_uri) as ledger:
        told = histories(ledger, record, field, pair)
    if as_json:
        say_json([_as_json(one) for one in told])
        return
    for number, one in enumerate(told):
        if number:
            say()
        _show(one)


def histories(
    ledger: Ledger, record: str, field: str | None = None, pair: str | None = None
) -> list[Told]:
    """All that the ledger knows of a record, one for each of its links.

    Raises:
        UsageError: it knows no such record, or no such field of it.
    """
    links = ledger.links_of(str(canonical_id(record)), pair)
    if not links:
        raise UsageError(
            f"the ledger knows no record {record}: it is not synced, or out of scope"
            " (reverse-sf account tells what the last run left out)"
        )
    told = [_told(ledger, link) for link in links]
    return told if field is None else [_of_field(one, field) for one in told]


def _told(ledger: Ledger, link: Link) -> Told:
    link_id = link.link_id
    snapshots = ledger.snapshots([link_id], direction=Direction.TO_SPOTIO)
    log: dict[str, list[int]] = {}
    for row in reversed(ledger.log_rows(link_id=link_id, limit=10_000)):
        if row.operation_id and row.number is not None:
            log.setdefault(row.operation_id, []).append(row.number)
    entries = [
        *(
            entry
            for operation in ledger.operations_of_links([link_id])
            for entry in _entries(operation, tuple(log.get(operation.operation_id, ())))
        ),
        *(_overruled(one) for one in ledger.conflicts(link_id=link_id, limit=10_000)),
    ]
    return Told(
        link,
        snapshots.get(link_id),
        ledger.places(link.pair),
        sorted(entries, key=lambda one: one.at),
        ledger.parked([link_id]).get(link_id, []),
    )


def _entries(operation: KeptOperation, log: tuple[int, ...]) -> Iterable[Entry]:
    source, destination = _WAYS[operation.direction]
    what = f"{operation.action}: {source} to {destination}"
    outcome = f"{operation.status}: {operation.error}" if operation.error else operation.status
    whole = operation.decision.get("", {})
    decided = {key: one for key, one in operation.decision.items() if key}
    for key in {**operation.source, **decided} or {"": None}:
        one = decided.get(key, {})
        yield Entry(
            at=operation.issued_at,
            field=key,
            what=what,
            old=one.get("old"),
            new=one["new"] if "new" in one else operation.source.get(key),
            by=" ".join(str(one.get(at) or whole.get(at, "")) for at in ("rule", "row")),
            outcome=outcome,
            log=log,
        )


def _overruled(one: Conflict) -> Entry:
    return Entry(
        at=one.at,
        field=one.key,
        what=f"kept in the journal: lost in {_NAMES[one.loser]}",
        old=one.losing_value,
        new=one.winning_value,
        by=f"{one.rule} {one.row}",
        outcome="",
    )


def _of_field(told: Told, field: str) -> Told:
    """The part that is about one field, named as either system names it."""
    wanted = field.casefold()
    names = {one.field: one.field for one in told.entries} | dict.fromkeys(told.places, "")
    keys = {
        key
        for key in names
        if key.casefold() == wanted or wanted in {one.casefold() for one in _fields(told, key)}
    }
    if not keys:
        known = ", ".join(sorted(key for key in names if key))
        raise UsageError(f"{told.link.pair} has no field {field}; the ledger knows {known}")
    return Told(
        told.link,
        told.snapshot,
        {key: place for key, place in told.places.items() if key in keys},
        [one for one in told.entries if one.field in keys],
        [one for one in told.parked if one.key in keys or not one.key],
    )


def _fields(told: Told, key: str) -> list[str]:
    """The Salesforce fields behind a key."""
    place = told.places.get(key)
    if isinstance(place, dict):
        return [str(one) for one in place.values()]
    return [str(place)] if place else []


def held(told: Told, key: str) -> tuple[Any, Any]:
    """What SPOTIO and Salesforce held when they were last seen."""
    if told.snapshot is None:
        return None, None
    spotio = told.snapshot.spotio_image or {}
    salesforce = told.snapshot.salesforce_image or {}
    fields = _fields(told, key)
    values = {name: salesforce.get(name) for name in fields}
    return spotio.get(key), values if len(values) > 1 else next(iter(values.values()), None)


def _as_json(told: Told) -> dict[str, Any]:
    base = told.snapshot.base if told.snapshot else {}
    now = {}
    for key in told.places:
        spotio, salesforce = held(told, key)
        now[key] = {"spotio": spotio, "salesforce": salesforce, "settled": base.get(key)}
    return {"link": told.link, "now": now, "history": told.entries, "parked": told.parked}


def _show(told: Told) -> None:
    link = told.link
    say(
        f"{link.pair}: Salesforce {link.salesforce_id or '-'}, SPOTIO {link.spotio_id or '-'},"
        f" {link.state.value}, first seen in {_NAMES[link.origin]}"
    )
    if told.snapshot is not None:
        base = told.snapshot.base
        show(
            "Now, as last seen",
            ("field", "SPOTIO", "Salesforce", "settled"),
            (
                (key, *(in_words(one) for one in held(told, key)), settled(base.get(key)))
                for key in told.places
            ),
        )
    for one in told.parked:
        say(f"Parked: {one.key or 'the whole record'}: {one.reason}: {one.message}")
    if not told.entries:
        say("The sync has written nothing to it.")
        return
    show(
        "What happened, oldest first",
        ("at", "field", "what", "old", "new", "by", "outcome", "log"),
        (
            (
                to_the_second(one.at),
                one.field or "whole record",
                one.what,
                in_words(one.old),
                in_words(one.new),
                one.by.strip(),
                one.outcome,
                ", ".join(map(str, one.log)),
            )
            for one in told.entries
        ),
    )


def settled(base: list[Any] | None) -> str:
    """What both sides last agreed on, in words."""
    if base is None:
        return "never"
    return in_words(base[0]) if base[0] == base[1] else f"{in_words(base[0])} = {in_words(base[1])}"
