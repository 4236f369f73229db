"""``reverse-sf link``: which records of the two systems are one thing."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reverse_sf.cli.link_apply import apply, held
from reverse_sf.cli.link_choices import choices_of, matched, refuse_unknown
from reverse_sf.cli.link_report import (
    counts_of,
    print_json,
    print_tables,
    rows_of,
    write_csv,
)
from reverse_sf.cli.populations import Pair, read_salesforce, read_spotio
from reverse_sf.cli.rendering import say
from reverse_sf.cli.settings import ledger_uri_of
from reverse_sf.cli.settings import sync_file as find_sync_file
from reverse_sf.cli.systems import org_of, salesforce_client, spotio_client
from reverse_sf.errors import ConfigurationError, Exit, UsageError
from reverse_sf.ledger.address import parse as parse_ledger_uri
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.check import check as check_definition
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.match_rules import compared_fields
from reverse_sf.mapping.problem import Severity
from reverse_sf.matching.keys import MatchKeys
from reverse_sf.spotio.company import company_id
from reverse_sf.sync_file import read_sync_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.cli.link_apply import Hold
    from reverse_sf.cli.link_report import Row
    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition
    from reverse_sf.mapping.describe import SalesforceOrg
    from reverse_sf.mapping.workflow import Workflow

_TELL_SECONDS = 5.0

HELP = """Match the records of both systems, before a sync creates anything.

\b
Reads all records of both systems (ids, names and what they are compared by) and
matches them by the `match` rules of each pair in sync.yml, in their order:
  external_id   one record carries the other's id; always tried first
  email, phone  any mapped field of that kind; phones in E.164 (match_region)
  address       in the form of the postal service; street and ZIP, or street and city
  {spotio: Company, salesforce: Name}   both fields hold the same text

\b
The first rule that finds anything decides, and it must be unique on both sides:
  no candidate                 the sync may create a counterpart
  one, unlinked                linked
  one, linked to another       "already linked": never linked, never created
  several                      "ambiguous": never linked, never created

Records outside the conditions of selective sync are matched too, so that a later edit does not
make a double. Deleted records never are. Links that exist are kept.

Without --apply nothing is written anywhere. With it the links go to the ledger, and doubtful
records wait there (reverse-sf parked) until a person decides: edit a record so that it matches one
or none, or name the pair with --choose, or with `new` in place of one id say that there is no
counterpart: it is created, and not asked for again. Then run this again. The next sync writes the
ids into both systems and decides the fields of linked records; where syncs have run before, run it
once with --full-refresh, so that the taps send the linked records again. Neither system is written
by this command.

Run it again whenever you like: it finds what is new, and what people have settled since.

\b
Examples:
  reverse-sf link                                  look
  reverse-sf link --csv matches.csv                a row for each record, for a spreadsheet
  reverse-sf link --apply                          write the links
  reverse-sf link --apply --choose 001xx0000012AbCAAU=65a1b2c3010d0f0000000001
  reverse-sf link --apply --choose 001xx0000012AbDAAU=new --choose new=65a1b2c3010d0f0000000002

\b
Exit codes: 0 done, 2 usage or configuration, 3 a system refused us, 4 a sync is at
work, 5 with --strict where records are in doubt.
"""


@click.command("link", help=HELP)
@click.option("--apply", "applying", is_flag=True, help="Write the links to the ledger.")
@click.option("--pair", "only", multiple=True, help="Only this pair, such as Account:Accounts.")
@click.option(
    "--choose",
    "choices",
    multiple=True,
    metavar="SALESFORCE_ID=SPOTIO_ID",
    help="These two records are one thing. With new in place of one id: the other record has no"
    " counterpart. May be given several times.",
)
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a row for each record to this file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
@click.option("--strict", is_flag=True, help="End with code 5 where records are in doubt.")
@click.option(
    "--sync-file",
    type=click.Path(path_type=Path),
    help="The sync definition.  [default: setting sync_file, or sync.yml]",
)
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
def link(
    *,
    applying: bool,
    only: tuple[str, ...],
    choices: tuple[str, ...],
    csv_file: Path | None,
    as_json: bool,
    strict: bool,
    sync_file: Path | None,
    ledger_uri: str | None,
) -> int:
    """Match, report, and with ``--apply`` link; :data:`HELP` is what a user reads."""
    definition = read_sync_file(find_sync_file(sync_file))
    mappings = _wanted(definition, only)
    said = choices_of(choices)
    with ExitStack() as stack:
        ledger = _ledger(ledger_uri, applying=applying, stack=stack)
        hold = None
        if applying and ledger is not None:
            hold = stack.enter_context(held(ledger, definition))
        told = _Told(hold)
        pairs = _read(definition, mappings, told, ledger)
        refuse_unknown(said, pairs)
        found = [(pair, matched(pair, ledger, said)) for pair in pairs]
        rows: list[Row] = []
        for pair, matching in found:
            if applying and ledger is not None and hold is not None:
                told.say(apply(ledger, hold, pair, matching, said))
            rows += rows_of(pair, matching)
        counts = counts_of(pairs, rows)
    if csv_file is not None:
        write_csv(csv_file, rows)
    if as_json:
        print_json(counts, rows, applied=applying)
    else:
        print_tables(counts, rows)
        say()
        say(_what_next(applying=applying, doubtful=sum(one["in_doubt"] for one in counts)))
    doubts = any(one["in_doubt"] for one in counts)
    return Exit.PARKED if strict and doubts else Exit.DONE


def _wanted(definition: SyncDefinition, only: Sequence[str]) -> list[ObjectMapping]:
    known = {one.name: one for one in definition.objects}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise UsageError(f"{definition.source} has no pair {unknown[0]}; it has {', '.join(known)}")
    return [one for one in definition.objects if not only or one.name in only]


def _ledger(given: str | None, *, applying: bool, stack: ExitStack) -> Ledger | None:
    """The ledger; None where there is none yet and nothing is to be written."""
    uri = ledger_uri_of(given)
    file = parse_ledger_uri(uri).file
    if not applying and file is not None and not file.exists():
        return None
    return stack.enter_context(Ledger.open(uri))


class _Told:
    """Progress on standard error, every few seconds."""

    def __init__(self, hold: Hold | None) -> None:
        self._hold = hold
        self._last = time.monotonic()

    @property
    def writes(self) -> bool:
        """Whether links are going to be written."""
        return self._hold is not None

    def __call__(self, what: str, number: int) -> None:
        """Told of progress; keeps the leases too."""
        if self._hold is not None:
            self._hold.beat()
        if time.monotonic() - self._last >= _TELL_SECONDS:
            self._last = time.monotonic()
            self.say(f"reading: {number:,} {what}")

    def say(self, sentence: str) -> None:
        """A line for whoever waits."""
        if sentence:
            click.echo(sentence, err=True)


def _read(
    definition: SyncDefinition,
    mappings: Sequence[ObjectMapping],
    told: _Told,
    ledger: Ledger | None,
) -> list[Pair]:
    """Read both systems, once the rules have proven to fit them."""
    with closing(salesforce_client()) as client, closing(spotio_client()) as spotio:
        org = org_of(client, definition)
        spotio.check_key(spotio.users())
        workflow = spotio.workflow()
        if ledger is not None:
            _belongs_to(ledger, Side.SALESFORCE, client.organization_id, binding=told.writes)
            _belongs_to(ledger, Side.SPOTIO, company_id(spotio.session), binding=told.writes)
        pairs = _fitting(definition, mappings, org, workflow)
        for pair in pairs:
            pair.salesforce = read_salesforce(client, pair, told)
        read_spotio(spotio, pairs, told)
        return pairs


def _belongs_to(ledger: Ledger, side: Side, whose: str | None, *, binding: bool) -> None:
    """Refuse the ledger of another org or company; one of nobody's is bound if asked.

    Raises:
        StopError: it belongs to another one.
    """
    if whose is not None and (binding or ledger.identity(side) is not None):
        ledger.pin_identity(side, whose)


def _fitting(
    definition: SyncDefinition,
    mappings: Sequence[ObjectMapping],
    org: SalesforceOrg,
    workflow: Workflow,
) -> list[Pair]:
    """The pairs, compiled.

    Raises:
        ConfigurationError: a rule compares fields that are not there, or none; all at once.
    """
    ends = tuple(
        f"{one.path}.{name}"
        for one in mappings
        for name in ("match[", "spotio", "salesforce", "salesforce_external_id")
    )
    problems = [
        f"{one.path}: {one.message}" + (f"; {one.remedy}" if one.remedy else "")
        for one in check_definition(definition, org, workflow)
        if one.severity is Severity.ERROR and one.path.startswith(ends)
    ]
    if problems:
        raise ConfigurationError(
            f"{definition.source} does not say how records are matched", problems
        )
    pairs = []
    for one in mappings:
        kind = workflow.type(one.spotio)
        if kind is None:
            raise ConfigurationError(f"SPOTIO has no record type '{one.spotio}'")
        compared = compared_fields(one, org.objects[one.salesforce], kind)
        pairs.append(Pair(one, MatchKeys.of(one, compared, definition.match_region), kind))
    return pairs


def _what_next(*, applying: bool, doubtful: int) -> str:
    waiting = (
        f"; {doubtful:,} records are in doubt and wait (reverse-sf parked)" if doubtful else ""
    )
    if not applying:
        return "Nothing was written. reverse-sf link --apply writes the links to the ledger."
    return (
        f"The links are in the ledger{waiting}. The next sync writes the ids into both systems;"
        " where syncs have run before, run it once with --full-refresh."
    )
