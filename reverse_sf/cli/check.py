"""``reverse-sf check``: the sync definition against itself and against both systems."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reverse_sf.cli.check_report import Report, counted
from reverse_sf.cli.rendering import say, say_json
from reverse_sf.cli.settings import ledger_uri_of
from reverse_sf.cli.settings import sync_file as find_sync_file
from reverse_sf.cli.systems import read_salesforce, read_spotio, read_templates
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.ledger.address import parse as parse_ledger_uri
from reverse_sf.ledger.facts import foreign
from reverse_sf.ledger.identities import pinned_identities
from reverse_sf.mapping.check import check as check_definition
from reverse_sf.mapping.check import coverage, proofs_of
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.lines import Lines
from reverse_sf.mapping.problem import Severity
from reverse_sf.mapping.snapshot import Snapshot, drift, read_snapshot, snapshot_text
from reverse_sf.sync_file import read_sync_file

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.mapping.known_users import Users
    from reverse_sf.mapping.problem import Problem


@click.command("check")
@click.option("--offline", is_flag=True, help="Check the file alone; call neither system.")
@click.option(
    "--sync-file",
    type=click.Path(path_type=Path),
    help="The sync definition.  [default: setting sync_file, or sync.yml]",
)
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--proof", is_flag=True, help="Show what is proven of each field pair.")
@click.option(
    "--snapshot",
    "snapshot_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep both schemas in this file; where it is there, tell what has changed since.",
)
@click.option("--update-snapshot", is_flag=True, help="Take the new schemas into the snapshot.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
def check(
    *,
    offline: bool,
    sync_file: Path | None,
    ledger_uri: str | None,
    proof: bool,
    snapshot_file: Path | None,
    update_snapshot: bool,
    as_json: bool,
) -> None:
    """Check sync.yml before anything is written.

    Finds misspelt objects, fields, choices, stages and users; types, lengths and scales that do
    not fit; fields that a system requires and that are not mapped or may be blank; choices that
    are not mapped; picklists that depend on others; rules that wait for a direction that is off.

    Proves each field pair, with a counter-example where something does not hold ("Hot -> A ->
    Warm"): total (every value has an image), one-to-one, there and back; and that no edit on one
    side takes away what it cannot see of the other, and no two pairs write one field in turns.

    Makes sure that the ledger, where there is one, belongs to this org and this company.
    Reads both systems' metadata and writes nothing. Connection settings come from the variables
    TAP_SALESFORCE_* and TARGET_SPOTIO_*, as Meltano sets them.

    With --snapshot FILE both schemas are kept in a file for version control. What has changed
    since is an error where sync.yml uses it; --update-snapshot takes it over. With --offline the
    snapshot stands in for the two systems, so that a pull request is proven without credentials.

    Exit codes: 0 no errors (there may be warnings), 2 errors in the definition or the settings, or
    a schema that has changed, 3 a system refused the login or the user.
    """
    if update_snapshot and (offline or snapshot_file is None):
        raise UsageError("--update-snapshot takes --snapshot FILE, and not --offline")
    path = find_sync_file(sync_file)
    try:
        definition = read_sync_file(path)
    except ConfigurationError as error:
        if as_json:
            say_json({"ok": False, "message": str(error), "invalid": error.problems})
        raise
    kept = _kept(snapshot_file)
    seen: Snapshot | None = kept if offline else None
    users: Users | None = None
    templates: dict[str, list[str]] | None = None
    changes: list[Problem] = []
    if not offline:
        org, salesforce_users, org_id = read_salesforce(definition)
        workflow, spotio_people, company = read_spotio()
        templates = read_templates(definition)
        _same_ledger(
            ledger_uri_of(ledger_uri), {Side.SALESFORCE: org_id, Side.SPOTIO: company}, as_json
        )
        users = replace(salesforce_users, spotio=spotio_people)
        seen = Snapshot(org, workflow)
        if kept is not None and not update_snapshot:
            changes = drift(kept, seen, definition)
    salesforce = seen.salesforce if seen else None
    spotio = seen.spotio if seen else None
    problems = changes + check_definition(definition, salesforce, spotio, users, templates)
    report = report_on(
        definition, problems, seen, offline=offline, snapshot=snapshot_file if kept else None
    )
    if as_json:
        say_json(report.as_json())
    else:
        report.show(with_proofs=proof)
    if snapshot_file is not None and seen is not None and (kept is None or update_snapshot):
        snapshot_file.write_text(snapshot_text(seen), encoding="utf-8")
        if not as_json:
            say(f"Both schemas are kept in {snapshot_file}.")
    if report.errors:
        against = "is not sound" if offline else "does not fit the two systems"
        raise ConfigurationError(
            f"{path} {against}: {counted(report.errors, 'error')}, listed above"
        )


def report_on(
    definition: SyncDefinition,
    problems: list[Problem],
    seen: Snapshot | None,
    *,
    offline: bool,
    snapshot: Path | None = None,
) -> Report:
    """What a check has to say of a definition: its findings, errors first, coverage and proofs."""
    salesforce = seen.salesforce if seen else None
    spotio = seen.spotio if seen else None
    return Report(
        path=Path(definition.source),
        problems=sorted(problems, key=lambda one: list(Severity).index(one.severity)),
        coverage=coverage(definition, salesforce, spotio),
        proofs=proofs_of(definition, salesforce, spotio),
        lines=Lines(definition.lines),
        offline=offline,
        snapshot=snapshot,
    )


def check_alone(definition: SyncDefinition) -> Report:
    """What ``reverse-sf check --offline`` says of a definition."""
    return report_on(definition, check_definition(definition), None, offline=True)


def _kept(file: Path | None) -> Snapshot | None:
    if file is None:
        return None
    try:
        return read_snapshot(file.read_text(encoding="utf-8"), str(file))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error


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
