"""``reverse-sf check``: the sync definition against itself and against both systems."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reverse_sf.cli.rendering import say, say_json, show
from reverse_sf.cli.settings import ledger_uri_of
from reverse_sf.cli.settings import sync_file as find_sync_file
from reverse_sf.cli.systems import read_salesforce, read_spotio
from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.address import parse as parse_ledger_uri
from reverse_sf.ledger.facts import foreign
from reverse_sf.ledger.identities import pinned_identities
from reverse_sf.mapping.check import check as check_definition
from reverse_sf.mapping.check import coverage
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.lines import Lines
from reverse_sf.mapping.metadata import Users
from reverse_sf.mapping.problem import Severity
from reverse_sf.sync_file import read_sync_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.mapping.check import Coverage
    from reverse_sf.mapping.metadata import SalesforceOrg, Workflow
    from reverse_sf.mapping.problem import Problem

_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: ""}


@click.command("check")
@click.option("--offline", is_flag=True, help="Check the file alone; call neither system.")
@click.option(
    "--sync-file",
    type=click.Path(path_type=Path),
    help="The sync definition.  [default: setting sync_file, or sync.yml]",
)
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
def check(*, offline: bool, sync_file: Path | None, ledger_uri: str | None, as_json: bool) -> None:
    """Check sync.yml before anything is written.

    Finds misspelt objects, fields, choices, stages and users; types, lengths and scales that do
    not fit; fields that a system requires and that are not mapped; choices that are not mapped.
    Makes sure that the ledger, where there is one, belongs to this org and this company.
    Reads both systems' metadata and writes nothing. Connection settings come from the variables
    TAP_SALESFORCE_* and TARGET_SPOTIO_*, as Meltano sets them.

    Exit codes: 0 no errors (there may be warnings), 2 errors in the definition or the settings,
    3 a system refused the login or the user.
    """
    path = find_sync_file(sync_file)
    try:
        definition = read_sync_file(path)
    except ConfigurationError as error:
        if as_json:
            say_json({"ok": False, "message": str(error), "invalid": error.problems})
        raise
    org: SalesforceOrg | None = None
    workflow: Workflow | None = None
    users: Users | None = None
    if not offline:
        org, salesforce_people, org_id = read_salesforce(definition)
        workflow, spotio_people, company = read_spotio()
        _same_ledger(
            ledger_uri_of(ledger_uri), {Side.SALESFORCE: org_id, Side.SPOTIO: company}, as_json
        )
        users = Users(spotio=spotio_people, salesforce=salesforce_people)
    problems = check_definition(definition, org, workflow, users)
    covered = coverage(definition, org, workflow)
    errors = sum(one.severity is Severity.ERROR for one in problems)
    lines = Lines(definition.lines)
    if as_json:
        listed = [{"line": lines.of(one.path), **asdict(one)} for one in problems]
        say_json({"ok": not errors, "offline": offline, "problems": listed, "coverage": covered})
    else:
        _show(path, problems, covered, lines, offline=offline)
    if errors:
        against = "is not sound" if offline else "does not fit the two systems"
        raise ConfigurationError(f"{path} {against}: {_counted(errors, 'error')}, listed above")


def _same_ledger(uri: str, connected: dict[Side, str | None], as_json: bool) -> None:  # noqa: FBT001
    """Refuse a ledger that a run against these two systems would refuse.

    Raises:
        ConfigurationError: it belongs to another org or company.
    """
    shown = parse_ledger_uri(uri, looking=True).shown
    wrong = [
        foreign(shown, side, known, told)
        for side, known in pinned_identities(uri).items()
        if (told := connected[side]) is not None and told != known
    ]
    if not wrong:
        return
    if as_json:
        say_json({"ok": False, "message": "; ".join(wrong), "invalid": wrong})
    raise ConfigurationError("; ".join(wrong))


def _show(
    path: Path,
    problems: Sequence[Problem],
    covered: Sequence[Coverage],
    lines: Lines,
    *,
    offline: bool,
) -> None:
    show(
        "Fields mapped, of those that can be",
        ("pair", "SPOTIO", "Salesforce"),
        (
            (
                one.pair,
                _of(one.spotio_mapped, one.spotio_mappable),
                _of(one.salesforce_mapped, one.salesforce_mappable),
            )
            for one in covered
        ),
        numbers=("SPOTIO", "Salesforce"),
    )
    say()
    if problems:
        show(
            "Findings",
            ("", "line", "where", "what", "what to do"),
            (
                (one.severity.value, lines.of(one.path), one.path, one.message, one.remedy)
                for one in problems
            ),
            numbers=("line",),
            styles=[_STYLES[one.severity] for one in problems],
        )
        say()
    by_severity = {kind: sum(one.severity is kind for one in problems) for kind in Severity}
    counted = ", ".join(_counted(number, kind.value) for kind, number in by_severity.items())
    say(f"{path}: {counted}.")
    if offline:
        say("Checked without the two systems; reverse-sf check asks them as well.")


def _of(mapped: int, mappable: int | None) -> str:
    return str(mapped) if mappable is None else f"{mapped} of {mappable}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
