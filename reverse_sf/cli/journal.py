"""``reverse-sf parked`` and ``conflicts``: what the ledger withholds and keeps, as lists."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from reverse_sf.cli.remedies import remedy_of
from reverse_sf.cli.rendering import say, say_json, show, strict_option
from reverse_sf.cli.settings import open_ledger
from reverse_sf.errors import Exit, UsageError
from reverse_sf.mapping.canon import record_id as canonical_id
from reverse_sf.mapping.definition import Direction

if TYPE_CHECKING:
    from collections.abc import Callable


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
all the same: reverse-sf parked retry. One in full: reverse-sf parked show ID.

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
        rows = ledger.parked_rows(Direction(direction) if direction else None, pair)
        found = [one for one in rows if reason is None or one.reason == reason]
        shown = found[:limit]
        ids = ledger.counterparts_in_salesforce([one.link_id for one in shown])
    if as_json:
        say_json([{"salesforce_id": ids.get(one.link_id), **_fields(one)} for one in shown])
    elif not found:
        say("Nothing is parked.")
    else:
        show(
            f"Parked ({len(found):,})",
            ("pair", "Salesforce", "field", "why, and what to do"),
            (
                (
                    one.pair.split(":")[-1],
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


@parked.command("show")
@click.argument("record")
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a text.")
def show_parked(*, record: str, ledger_uri: str | None, as_json: bool) -> None:
    """What is withheld of a record, given by its id in either system, and who can help.

    Exit codes: 0 done, 2 no such record or no ledger.
    """
    with open_ledger(ledger_uri) as ledger:
        links = ledger.links_of(str(canonical_id(record)))
        if not links:
            raise UsageError(f"the ledger knows no record {record}")
        rows = [
            row for found in ledger.parked([one.link_id for one in links]).values() for row in found
        ]
    told = [(row, remedy_of(row.reason, None)) for row in rows]
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
        say(f"  Since {_shown(row.at)}, tried {row.attempts} times; reason: {row.reason}")
        if to_do is not None:
            say(f"  What to do: {to_do.words}")
            say(f"  Who can: {to_do.who}")


@parked.command("retry")
@click.option("--reason", help="Only this reason, such as rejected.")
@click.option("--pair", help="Only this pair, such as Account:Accounts.")
@click.option("--record", help="Only the record with this id, of either system.")
@_direction
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a text.")
def retry_parked(
    *,
    reason: str | None,
    pair: str | None,
    record: str | None,
    direction: str | None,
    ledger_uri: str | None,
    as_json: bool,
) -> None:
    """Have what is parked tried again in the next run, whether or not anything changed.

    What waits for its parent goes on waiting: the parent's outcome releases it.

    Exit codes: 0 done, 2 no such record or no ledger.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with open_ledger(ledger_uri) as ledger:
        links = None
        if record is not None:
            links = [one.link_id for one in ledger.links_of(str(canonical_id(record)))]
            if not links:
                raise UsageError(f"the ledger knows no record {record}")
        number = sum(
            ledger.retry_parked(one, now=now, reason=reason, pair=pair, link_ids=links)
            for one in ([Direction(direction)] if direction else Direction)
        )
    if as_json:
        say_json({"released": number})
    else:
        say(
            f"{number:,} withheld {'row' if number == 1 else 'rows'} will be tried in the next run."
        )


@click.command("conflicts")
@click.option("--run", "run_id", help="Only this run.")
@_listing(100)
def conflicts(
    *, run_id: str | None, pair: str | None, limit: int, ledger_uri: str | None, as_json: bool
) -> None:
    """Values that people wrote and that a sync rule overruled, newest first.

    Exit codes: 0 done, 2 no ledger.
    """
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
        ("at", "object", "Salesforce", "field", "lost in", "lost", "won", "rule"),
        (
            (
                _shown(one.at),
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
        whole=("at", "Salesforce"),
    )


def _shown(instant: str) -> str:
    """A UTC instant for a table: to the second."""
    return instant[:19].replace("T", " ")


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}
