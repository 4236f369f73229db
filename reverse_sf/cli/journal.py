"""``reverse-sf parked`` and ``conflicts``: what the ledger withholds and keeps, as lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from reverse_sf.cli.remedies import remedy_of
from reverse_sf.cli.rendering import in_words, say, say_json, show, strict_option, to_the_second
from reverse_sf.cli.restore import definition_file, restore_conflict, sync_file_option
from reverse_sf.cli.settings import open_ledger
from reverse_sf.errors import Exit, UsageError
from reverse_sf.mapping.canon import record_id as canonical_id
from reverse_sf.mapping.definition import Direction
from reverse_sf.sync_file import read_sync_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reverse_sf.cli.remedies import Remedy
    from reverse_sf.ledger.rows import Conflict, Link, Parked
    from reverse_sf.ledger.store import Ledger


def _listing(default_limit: int) -> Callable[[Any], Any]:
    """The options that every list has."""
    options = (
        click.option("--pair", help="Only this pair, such as Account:Accounts."),
        click.option(
            "--limit",
            type=click.IntRange(1),
            default=default_limit,
            show_default=True,
            help="At most so many.",
        ),
        click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]"),
        click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table."),
    )

    def with_options(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


_direction = click.option(
    "--direction", type=click.Choice([one.value for one in Direction]), help="Only this direction."
)


_PARKED = """Records and fields that are withheld, and why. Nothing else waits for them.

They are tried again when the record, the schema or sync.yml changes. To try them in the next run
all the same: reverse-sf parked retry. To let go of what is meant to stay: reverse-sf parked
release. One in full: reverse-sf parked show ID.

Exit codes: 0 done, 2 no ledger, 5 with --strict where something is parked.
"""


@click.group("parked", invoke_without_command=True, help=_PARKED)
@click.option("--reason", help="Only this reason, such as choice_unmapped.")
@_direction
@_listing(200)
@strict_option
@click.pass_context
def parked(
    context: click.Context,
    /,
    *,
    reason: str | None,
    direction: str | None,
    pair: str | None,
    limit: int,
    ledger_uri: str | None,
    as_json: bool,
    strict: bool,
) -> int:
    """List what is parked; :data:`_PARKED` is what a user reads."""
    if context.invoked_subcommand is not None:
        return Exit.DONE
    with open_ledger(ledger_uri) as ledger:
        found = parked_work(ledger, direction, pair, reason)
        shown = found[:limit]
        ids = ledger.counterparts_in_salesforce([one.link_id for one in shown])
    if as_json:
        say_json([{"salesforce_id": ids.get(one.link_id), **_fields(one)} for one in shown])
    elif not found:
        say("Nothing is parked.")
    else:
        show(
            f"Parked ({len(found):,})",
            ("pair", "toward", "Salesforce", "field", "why, and what to do"),
            (
                (
                    one.pair.split(":")[-1],
                    "SPOTIO" if one.direction is Direction.TO_SPOTIO else "Salesforce",
                    ids.get(one.link_id),
                    one.key or "whole record",
                    f"{one.reason}: {one.message}",
                )
                for one in shown
            ),
            whole=("Salesforce",),
        )
        if len(found) > limit:
            say(f"{len(found) - limit:,} more: --limit {len(found)}, --pair or --reason")
    return Exit.PARKED if strict and found else Exit.DONE


def parked_work(
    ledger: Ledger, direction: str | None, pair: str | None, reason: str | None
) -> list[Parked]:
    """What is withheld; every filter that is given must hold."""
    rows = ledger.parked_rows(Direction(direction) if direction else None, pair)
    return [one for one in rows if reason is None or one.reason == reason]


def links_of(ledger: Ledger, record: str) -> list[Link]:
    """The links of a record, given by its id in either system.

    Raises:
        UsageError: the ledger knows no such record.
    """
    known = str(canonical_id(record))
    links = ledger.links_of(known)
    if not links and ledger.aside_pairs(known):
        raise UsageError(
            f"{record} was set aside with reverse-sf parked release: it is decided when it changes,"
            f" or after reverse-sf parked retry --set-aside --record {record}"
        )
    if not links:
        raise UsageError(f"the ledger knows no record {record}")
    return links


def parked_of(ledger: Ledger, record: str) -> list[tuple[Parked, Remedy | None]]:
    """What is withheld of a record, each with what to do about it.

    Raises:
        UsageError: the ledger knows no such record.
    """
    ids = [one.link_id for one in links_of(ledger, record)]
    rows = [row for found in ledger.parked(ids).values() for row in found]
    return [(row, remedy_of(row.reason, None)) for row in rows]


@parked.command("show")
@click.argument("record")
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a text.")
def show_parked(*, record: str, ledger_uri: str | None, as_json: bool) -> None:
    """What is withheld of a record, given by its id in either system, and who can help.

    Exit codes: 0 done, 2 no such record or no ledger.
    """
    with open_ledger(ledger_uri) as ledger:
        told = parked_of(ledger, record)
    if as_json:
        say_json(
            [
                {**_fields(row), "what_to_do": to_do.words, "who_can": to_do.who}
                for row, to_do in told
                if to_do is not None
            ]
        )
        return
    if not told:
        say(f"Nothing of {record} is parked.")
    for row, to_do in told:
        way = "to SPOTIO" if row.direction is Direction.TO_SPOTIO else "to Salesforce"
        say(f"{row.key or 'The whole record'}, {way}: {row.message}")
        say(f"  Since {to_the_second(row.at)}, tried {row.attempts} times; reason: {row.reason}")
        if to_do is not None:
            say(f"  What to do: {to_do.words}")
            say(f"  Who can: {to_do.who}")


@parked.command("retry")
@click.option("--reason", help="Only this reason, such as rejected.")
@click.option("--pair", help="Only this pair, such as Account:Accounts.")
@click.option("--record", help="Only the record with this id, of either system.")
@_direction
@click.option(
    "--set-aside",
    is_flag=True,
    help="What reverse-sf parked release has set aside, and nothing else.",
)
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a text.")
def retry_parked(
    *,
    reason: str | None,
    pair: str | None,
    record: str | None,
    direction: str | None,
    set_aside: bool,
    ledger_uri: str | None,
    as_json: bool,
) -> None:
    """Have what is parked tried again in the next run, whether or not anything changed.

    What waits for its parent goes on waiting: the parent's outcome releases it. What was set aside
    is decided when the tap sends it: run the sync once with --full-refresh.

    Exit codes: 0 done, 2 no such record or no ledger.
    """
    if set_aside and (reason or direction):
        raise UsageError("--set-aside goes with --pair and --record alone")
    with open_ledger(ledger_uri) as ledger:
        if set_aside:
            known = None if record is None else str(canonical_id(record))
            _tell_taken_up(ledger.take_up(pair, known), as_json=as_json)
            return
        number = retry(ledger, direction=direction, pair=pair, reason=reason, record=record)
    if as_json:
        say_json({"released": number})
    else:
        say(
            f"{number:,} withheld {'row' if number == 1 else 'rows'} will be tried in the next run."
        )


def _tell_taken_up(number: int, *, as_json: bool) -> None:
    if as_json:
        say_json({"taken_up": number})
        return
    say(
        f"{number:,} {'record' if number == 1 else 'records'} set aside no longer: decided when the"
        " tap sends them, so run the sync once with --full-refresh."
    )


def retry(
    ledger: Ledger,
    *,
    direction: str | None,
    pair: str | None,
    reason: str | None,
    record: str | None,
) -> int:
    """Have what is withheld tried again in the next run; every filter that is given must hold.

    Returns:
        How many rows it holds for.

    Raises:
        UsageError: the ledger knows no such record.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    links = None if record is None else [one.link_id for one in links_of(ledger, record)]
    return sum(
        ledger.retry_parked(one, now=now, reason=reason, pair=pair, link_ids=links)
        for one in ([Direction(direction)] if direction else Direction)
    )


_CONFLICTS = """Values that people wrote and that a sync rule overruled, newest first.

\b
reverse-sf conflicts show 12       both values, the rule, and the record
reverse-sf conflicts restore 12    have the value that lost written back

Exit codes: 0 done, 2 no ledger.
"""


@click.group("conflicts", invoke_without_command=True, help=_CONFLICTS)
@click.option("--run", "run_id", help="Only this run.")
@_listing(100)
@click.pass_context
def conflicts(
    context: click.Context,
    /,
    *,
    run_id: str | None,
    pair: str | None,
    limit: int,
    ledger_uri: str | None,
    as_json: bool,
) -> None:
    """List what was overruled; :data:`_CONFLICTS` is what a user reads."""
    if context.invoked_subcommand is not None:
        return
    with open_ledger(ledger_uri) as ledger:
        rows = ledger.conflicts(run_id=run_id, pair=pair, limit=limit)
        ids = ledger.counterparts_in_salesforce([one.link_id for one in rows])
    if as_json:
        say_json([{"salesforce_id": ids.get(one.link_id), **_fields(one)} for one in rows])
        return
    if not rows:
        say("No value was overruled.")
        return
    show(
        f"Overruled values, newest first ({len(rows)})",
        ("no.", "at", "object", "Salesforce", "field", "lost in", "lost", "won", "rule"),
        (
            (
                one.number,
                to_the_second(one.at),
                one.pair.split(":")[-1],
                ids.get(one.link_id),
                one.key,
                one.loser.value,
                one.losing_value,
                one.winning_value,
                f"{one.rule} {one.row}",
            )
            for one in rows
        ),
        numbers=("no.",),
        whole=("at", "Salesforce"),
    )


@conflicts.command("show")
@click.argument("number", type=int)
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a text.")
def show_conflict(*, number: int, ledger_uri: str | None, as_json: bool) -> None:
    """One overruled value: what was lost and what won, where, when, by which rule and row.

    Exit codes: 0 done, 2 no such conflict or no ledger.
    """
    with open_ledger(ledger_uri) as ledger:
        shown = read_conflict(ledger, number)
    one, link = shown.conflict, shown.link
    if as_json:
        say_json({**_fields(one), "link": link})
        return
    say(f"#{number}  {to_the_second(one.at)} UTC  {one.pair}  {one.key}  ({one.rule} {one.row})")
    if link is not None:
        say(f"Record: Salesforce {link.salesforce_id or '-'}, SPOTIO {link.spotio_id or '-'}")
    say(f"- {in_words(one.losing_value)}    lost in {one.loser.value}")
    say(f"+ {in_words(one.winning_value)}")
    say(f"To have the first one back: reverse-sf conflicts restore {number}")


@dataclass(frozen=True)
class ConflictEntry:
    """An overruled value and the record that it is of, where that is linked still."""

    conflict: Conflict
    link: Link | None


def read_conflict(ledger: Ledger, number: int) -> ConflictEntry:
    """One overruled value.

    Raises:
        UsageError: there is no such conflict.
    """
    found = ledger.conflicts(number=number, limit=1)
    if not found:
        raise UsageError(f"there is no conflict {number}: reverse-sf conflicts lists the numbers")
    (one,) = found
    snapshot = ledger.snapshots([one.link_id]).get(one.link_id)
    return ConflictEntry(one, snapshot.link if snapshot is not None else None)


@conflicts.command("restore")
@click.argument("number", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@sync_file_option
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a text.")
def restore(
    *, number: int, yes: bool, sync_file: Path | None, ledger_uri: str | None, as_json: bool
) -> None:
    """Have the value that lost a conflict written back, in both systems, by the next run.

    It is written like any other value: guarded (if somebody has changed the field since, it is left
    alone), read back, and in the log. What it replaces goes into the journal in its turn.

    Exit codes: 0 done, 2 no such conflict, no ledger, or the direction is off.
    """
    definition = read_sync_file(definition_file(sync_file))
    with open_ledger(ledger_uri) as ledger:
        if not yes:
            click.confirm(
                f"Have the value of conflict {number} written back?", abort=True, err=True
            )
        conflict = restore_conflict(number, ledger, definition)
    if as_json:
        say_json({"restored": conflict})
        return
    say(
        f"{conflict.key} of {conflict.pair} will be {in_words(conflict.losing_value)} again with"
        " the next runs: meltano run two-way-sync"
    )


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}
