"""``reverse-sf logs``, ``parked`` and ``conflicts``: what the ledger remembers, as lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reverse_sf.cli.rendering import say, say_json, show, strict_option
from reverse_sf.cli.settings import open_ledger
from reverse_sf.errors import Exit
from reverse_sf.mapping.definition import Direction

if TYPE_CHECKING:
    from collections.abc import Callable

_DEEPEST = 100_000
"""Rows looked through where a filter is applied after reading."""


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


@click.command("logs")
@click.option("--run", "run_id", help="Only this run.")
@click.option("--outcome", help="Only this outcome, such as applied or rejected.")
@click.option("--status", type=int, help="Only answers with this HTTP status.")
@_direction
@click.option("--salesforce-id", help="Only the record with this Salesforce Id.")
@click.option("--spotio-id", help="Only the record with this SPOTIO id.")
@click.option("--since", help="Not older than this UTC instant, such as 2026-05-06T00:00:00Z.")
@_listing(100)
def logs(
    *, status: int | None, direction: str | None, limit: int, as_json: bool, **filters: Any
) -> None:
    """What was sent and what was answered, newest first.

    Exit codes: 0 done, 2 no ledger.
    """
    ledger_uri = filters.pop("ledger_uri")
    with open_ledger(ledger_uri) as ledger:
        rows = ledger.log_rows(
            direction=Direction(direction) if direction else None,
            limit=limit if status is None else _DEEPEST,
            **filters,
        )
    if status is not None:
        rows = [one for one in rows if one.status == status][:limit]
    if as_json:
        say_json(rows)
        return
    if not rows:
        say("The log has no such row.")
        return
    show(
        f"Log, newest first ({len(rows)})",
        ("at", "pair", "call", "status", "outcome", "Salesforce", "SPOTIO", "reason"),
        (
            (
                _shown(one.at),
                one.pair,
                f"{one.method} {one.path}".strip(),
                one.status,
                one.outcome,
                one.salesforce_id,
                one.spotio_id,
                one.reason,
            )
            for one in rows
        ),
    )
    say("Payloads and answers: --json")


@click.command("parked")
@click.option("--reason", help="Only this reason, such as choice_unmapped.")
@_direction
@_listing(200)
@strict_option
def parked(
    *,
    reason: str | None,
    direction: str | None,
    pair: str | None,
    limit: int,
    ledger_uri: str | None,
    as_json: bool,
    strict: bool,
) -> int:
    """Records and fields that are withheld, and why. Nothing else waits for them.

    They are tried again when the record, the schema or sync.yml changes.

    Exit codes: 0 done, 2 no ledger, 5 with --strict where something is parked.
    """
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
