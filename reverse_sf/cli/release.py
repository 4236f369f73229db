"""``reverse-sf parked release``: withheld work that an administrator lets go of on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reverse_sf.cli.releasing import chosen, release, released
from reverse_sf.cli.rendering import in_words, say, say_json, show
from reverse_sf.cli.restore import definition_file, sync_file_option
from reverse_sf.cli.settings import open_ledger
from reverse_sf.errors import Exit, UsageError
from reverse_sf.mapping.definition import Direction
from reverse_sf.sync_file import read_sync_file

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.cli.releasing import Released
    from reverse_sf.ledger.releases import Release
    from reverse_sf.ledger.rows import Parked

_HELP = """Let go of what is parked: it is to stay as it is, and not be told again until it changes.

\b
What that means:
  a field                          both values stand as they are; nothing is written, and the next
                                   change of either side follows the field's rule
  a record without a counterpart   set aside: it is matched and decided as a new one when it or
                                   its mapping changes; its parent's coming does not bring it back
                                   (reverse-sf parked retry --set-aside does)
  a record with a counterpart      the fields of the write that was refused stand as they are

\b
What is refused, with the way out: a create that had no answer (it may have happened), a write
under way, a value that nobody has read yet.

Nothing is sent to either system. To have work tried again, and not let go: reverse-sf parked retry.

\b
  reverse-sf parked release 001000000000006AAA --key Phone --why "the extension is meant"
  reverse-sf parked release --reason choice_unmapped --pair Account:Accounts

\b
Exit codes: 0 done, 2 no such record, nothing named, no ledger, or not confirmed, 4 a run is at
work, 5 some of it cannot be let go of and stays parked.
"""


@click.command("release", help=_HELP)
@click.argument("record", required=False)
@click.option("--reason", help="Only this reason, such as choice_unmapped.")
@click.option("--key", help="Only this field, by the name that SPOTIO or Salesforce gives it.")
@click.option("--pair", help="Only this pair, such as Account:Accounts.")
@click.option(
    "--direction", type=click.Choice([one.value for one in Direction]), help="Only this direction."
)
@click.option("--why", help="Why, for the log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@sync_file_option
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
def release_parked(
    *,
    record: str | None,
    reason: str | None,
    key: str | None,
    pair: str | None,
    direction: str | None,
    why: str | None,
    yes: bool,
    sync_file: Path | None,
    ledger_uri: str | None,
    as_json: bool,
) -> int:
    """Let go of what is parked; :data:`_HELP` is what a user reads."""
    if record is None and reason is None:
        raise UsageError("name a record, by its id in either system, or a --reason")
    definition = read_sync_file(definition_file(sync_file))
    with open_ledger(ledger_uri) as ledger:

        def choose() -> list[Parked]:
            return chosen(
                ledger, record=record, reason=reason, key=key, pair=pair, direction=direction
            )

        made = released(ledger, definition, choose())
        if not yes and made.found:
            if not as_json:
                _show(made)
            click.confirm(f"Let go of {made.number:,} withheld rows?", abort=True, err=True)
        if made.found:
            made = release(ledger, definition, choose, why)
    if as_json:
        say_json(
            {
                "released": made.found,
                "refused": [{"row": row, "why": words} for row, words in made.refused],
            }
        )
    else:
        _tell(made)
    return Exit.PARKED if made.refused else Exit.DONE


def _show(made: Released) -> None:
    show(
        f"To be let go of ({made.number:,})",
        ("Salesforce", "SPOTIO", "field", "it was", "from now on"),
        (
            (
                one.link.salesforce_id,
                one.link.spotio_id,
                row.key or "whole record",
                row.reason,
                _how(one, row.key),
            )
            for one in made.found
            for row in one.rows
        ),
        whole=("Salesforce", "SPOTIO"),
    )


def _how(one: Release, key: str) -> str:
    if one.aside is not None:
        return "set aside until it changes"
    if key in one.settled:
        spotio, salesforce = map(in_words, one.settled[key])
        return f"SPOTIO {spotio} beside Salesforce {salesforce}"
    return f"{', '.join(one.settled)} as they are" if one.settled else "as it is until it changes"


def _tell(made: Released) -> None:
    if made.found:
        say(f"Let go of {made.number:,} withheld {'row' if made.number == 1 else 'rows'}.")
    elif not made.refused:
        say("Nothing of that is parked.")
    for row, words in made.refused:
        say(f"Still parked: {row.key or 'the whole record'} of {row.pair}: {words}")
