"""``reverse-sf ledger``: where the ledger is, what it holds, and copies of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress

from reverse_sf.cli.rendering import say, say_json, show
from reverse_sf.cli.settings import open_ledger
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side

if TYPE_CHECKING:
    from reverse_sf.ledger.copying import TableSize

_COPY = """Copy the whole ledger to TO, a database URL like ledger_uri.

TO must be a new file or an empty database. It serves as a backup, and moves a ledger from
SQLite to PostgreSQL or back: copy it, then set REVERSE_SF_LEDGER_URI to the new place. No run
may be at work. An interrupted copy leaves TO empty.

\b
reverse-sf ledger copy sqlite:///backup-2026-05-06.db
reverse-sf ledger copy postgresql://sync@db.example.com/ledger

Exit codes: 0 done, 2 no ledger or TO holds something, 4 a run is at work.
"""

_uri = click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")


@click.group("ledger")
def ledger() -> None:
    """Where the ledger is and what it holds; copy it as a backup or to another database."""


@ledger.command("show")
@_uri
@_json
def show_ledger(*, ledger_uri: str | None, as_json: bool) -> None:
    """Where the ledger is, whose it is, and how many rows it holds.

    Exit codes: 0 done, 2 no ledger.
    """
    with open_ledger(ledger_uri) as opened:
        sizes = opened.sizes()
        place = opened.address.shown
        org, company = (opened.identity(side) for side in (Side.SALESFORCE, Side.SPOTIO))
        latest = {one.value: opened.last_run(one) for one in Direction}
    if as_json:
        say_json(
            {
                "ledger": place,
                "salesforce_org": org,
                "spotio_company": company,
                "latest_runs": latest,
                "rows": {one.table: one.rows for one in sizes},
            }
        )
        return
    say(f"Ledger: {place}")
    say(f"Salesforce org: {org or 'none yet'}; SPOTIO company: {company or 'none yet'}")
    for direction, run in latest.items():
        say(f"Latest run {direction}: {f'{run.started_at}, {run.status}' if run else 'none'}")
    _show(sizes)


@ledger.command("copy", help=_COPY)
@click.argument("to", metavar="TO")
@_uri
@_json
def copy(*, to: str, ledger_uri: str | None, as_json: bool) -> None:
    """Copy the ledger; :data:`_COPY` is what a user reads."""
    with open_ledger(ledger_uri) as opened, Ledger.open(to) as other:
        total = sum(one.rows for one in opened.sizes())
        with Progress(console=Console(file=sys.stderr), transient=True) as progress:
            task = progress.add_task("Copying", total=total)
            sizes = opened.copy_to(other, lambda _table, rows: progress.advance(task, rows))
        place = other.address.shown
    if as_json:
        say_json({"copied_to": place, "rows": {one.table: one.rows for one in sizes}})
        return
    _show(sizes)
    say(f"Copied to {place}. To work with it, set REVERSE_SF_LEDGER_URI to it.")


def _show(sizes: list[TableSize]) -> None:
    show(
        "What the ledger holds",
        ("table", "rows"),
        ((one.table.removeprefix("sync_"), f"{one.rows:,}") for one in sizes if one.rows),
        numbers=("rows",),
    )
