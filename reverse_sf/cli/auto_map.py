"""``reverse-sf auto-map``: a proposal of what goes with what, for one pair of objects."""

from __future__ import annotations

from contextlib import closing
from difflib import unified_diff
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reverse_sf.cli.rendering import say, say_json, show
from reverse_sf.cli.settings import sync_file as find_sync_file
from reverse_sf.cli.systems import org_of, salesforce_client, spotio_client
from reverse_sf.errors import UsageError
from reverse_sf.mapping.automap import Proposal, counterpart, propose
from reverse_sf.mapping.automap_yaml import proposal_text, with_proposal
from reverse_sf.mapping.check import check as check_definition
from reverse_sf.mapping.describe import SalesforceObject, SalesforceOrg
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.problem import Severity
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.mapping.problem import Problem
    from reverse_sf.mapping.workflow import Workflow
    from reverse_sf.salesforce import SalesforceClient


@click.command("auto-map")
@click.argument("object_name", metavar="OBJECT")
@click.option("--with", "partner", metavar="NAME", help="The object of the other system.")
@click.option("--write", is_flag=True, help="Put the proposal into sync.yml; comments are kept.")
@click.option(
    "--sync-file",
    type=click.Path(path_type=Path),
    help="The sync definition.  [default: setting sync_file, or sync.yml]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
def auto_map(
    *, object_name: str, partner: str | None, write: bool, sync_file: Path | None, as_json: bool
) -> None:
    """Propose fields, rules and choices for a pair of objects.

    OBJECT is a Salesforce object or a SPOTIO record type; the other one is that which sync.yml
    joins it to, or the one whose name looks most like it (or the one that --with names).

    Fields go together by SPOTIO's system roles, by labels and API names, and only where their
    types align; choices by their names. What is mapped already is left alone, so that the command
    may be run again after either system has got new fields. It says how sure it is of each pair,
    what it found nothing for, and which required fields are open: a direction that lacks one is
    proposed as off. What it proposes passes `reverse-sf check`.

    Prints YAML to paste; --write puts it into sync.yml and shows the difference. It reads both
    systems' metadata and writes to neither.

    Exit codes: 0 done, 2 no such object or wrong settings, 3 a system refused the login.
    """
    path = find_sync_file(sync_file)
    text = path.read_text(encoding="utf-8") if path.exists() else None
    definition = parse(text, str(path)) if text and text.strip() else None
    with closing(salesforce_client()) as client, closing(spotio_client()) as spotio:
        workflow = spotio.workflow()
        names = tuple(str(one["name"]) for one in client.describe_global())
        sobject_name, type_name = _pair_of(object_name, partner, names, workflow, definition)
        org = _org(client, sobject_name, names, definition)
    record_type = workflow.type(type_name)
    if record_type is None:
        raise UsageError(f"SPOTIO has no record type '{type_name}'")
    proposal = propose(record_type, org.objects[sobject_name], workflow, definition)
    if not proposal.existing and not proposal.fields:
        raise UsageError(
            f"nothing of {type_name} goes with anything of {sobject_name}: their fields differ in"
            " name or type, so write the pair yourself, or name another object with --with"
        )
    directions, problems = sound(text, proposal, org, workflow)
    new = with_proposal(text, proposal, **directions)
    if proposal.existing and not (proposal.fields or proposal.address or proposal.parent):
        new = text or ""
    if as_json:
        say_json(_as_json(proposal, directions, problems))
    else:
        _show(proposal, directions, problems)
    if not write:
        if not as_json:
            say("Nothing is written; --write puts it into " + str(path) + ".")
        return
    if not as_json:
        say(difference(path, text or "", new).rstrip())
    if new != text:
        path.write_text(new, encoding="utf-8")
        if not as_json:
            say(f"Written to {path}; `reverse-sf check --proof` says what is proven of it.")


def difference(path: Path, old: str, new: str) -> str:
    """What would change in a file, as a unified diff."""
    lines = [text.splitlines(keepends=True) for text in (old, new)]
    return "".join(unified_diff(lines[0], lines[1], str(path), str(path)))


def _pair_of(
    given: str,
    partner: str | None,
    sobjects: Sequence[str],
    workflow: Workflow,
    definition: SyncDefinition | None,
) -> tuple[str, str]:
    """The names of the sObject and of the record type that are meant.

    Raises:
        UsageError: there is none, or several are.
    """
    types = [one.name for one in workflow.types]
    objects = definition.objects if definition else ()
    wanted = {one.casefold() for one in (given, partner) if one}
    mapped = [
        one for one in objects if wanted <= {one.salesforce.casefold(), one.spotio.casefold()}
    ]
    if len(mapped) == 1:
        return mapped[0].salesforce, mapped[0].spotio
    if len(mapped) > 1:
        listed = ", ".join(one.name for one in mapped)
        raise UsageError(f"{given} is in several pairs ({listed}): name the other one with --with")
    if partner is not None:
        for sobject, kind in ((given, partner), (partner, given)):
            found = _spelled(sobject, sobjects), _spelled(kind, types)
            if found[0] and found[1]:
                return found[0], found[1]
        missing = given if not (_spelled(given, sobjects) or _spelled(given, types)) else partner
        raise UsageError(
            f"neither system has an object {missing}{did_you_mean(missing, [*sobjects, *types])}"
        )
    sobject_name, type_name = _spelled(given, sobjects), _spelled(given, types)
    if type_name is None and sobject_name is not None:
        type_name = counterpart(sobject_name, types)
    elif sobject_name is None and type_name is not None:
        sobject_name = counterpart(type_name, sobjects)
    elif sobject_name is None:
        raise UsageError(
            f"neither system has an object {given}{did_you_mean(given, [*sobjects, *types])}"
        )
    if sobject_name is None or type_name is None:
        raise UsageError(
            f"nothing in the other system looks like {given}: name the other object with --with"
        )
    return sobject_name, type_name


def _spelled(name: str, known: Sequence[str]) -> str | None:
    return next((one for one in known if one.casefold() == name.casefold()), None)


def _org(
    client: SalesforceClient,
    name: str,
    names: tuple[str, ...],
    definition: SyncDefinition | None,
) -> SalesforceOrg:
    """Describes of the object and of what is mapped beside it."""
    objects: dict[str, SalesforceObject] = {}
    if definition is not None:
        objects.update(org_of(client, definition).objects)
    if name not in objects:
        objects[name] = SalesforceObject.from_describe(client.describe(name))
    return SalesforceOrg(objects, names)


def sound(
    text: str | None, proposal: Proposal, org: SalesforceOrg, workflow: Workflow
) -> tuple[dict[str, bool], list[Problem]]:
    """The directions in which the proposal passes the check, and what the check says with both."""
    with_both: list[Problem] | None = None
    for to_spotio, to_salesforce in product((True, False), repeat=2):
        directions = {"to_spotio": to_spotio, "to_salesforce": to_salesforce}
        definition = parse(with_proposal(text, proposal, **directions))
        path = next(
            one.path
            for one in definition.objects
            if one.name == f"{proposal.salesforce}:{proposal.spotio}"
        )
        problems = [
            one
            for one in check_definition(definition, org, workflow)
            if one.path == path or one.path.startswith(f"{path}.")
        ]
        with_both = problems if with_both is None else with_both
        errors = any(one.severity is Severity.ERROR for one in problems)
        if proposal.existing or not errors:
            return directions, with_both
    return directions, with_both or []


def _as_json(
    proposal: Proposal, directions: dict[str, bool], problems: Sequence[Problem]
) -> dict[str, Any]:
    return {
        **{name: getattr(proposal, name) for name in proposal.__dataclass_fields__},
        **directions,
        "open": [one for one in problems if one.severity is Severity.ERROR],
        "warnings": [one for one in problems if one.severity is Severity.WARNING],
        "yaml": proposal_text(proposal, **directions),
    }


def _show(proposal: Proposal, directions: dict[str, bool], problems: Sequence[Problem]) -> None:
    show(
        f"{proposal.spotio} and {proposal.salesforce}: "
        + ("what can be added" if proposal.existing else "what goes with what"),
        ("SPOTIO", "Salesforce", "rule", "sure", "why", "could also be"),
        (
            (
                one.spotio,
                one.salesforce,
                one.rule.value,
                f"{one.score:.0%}",
                one.because,
                ", ".join(one.also),
            )
            for one in proposal.fields
        ),
        numbers=("sure",),
    )
    say()
    if proposal.spotio_left:
        say(f"Nothing was found for SPOTIO's {', '.join(proposal.spotio_left)}.")
    if proposal.salesforce_left:
        say(f"Not mapped of Salesforce: {', '.join(proposal.salesforce_left)}.")
    for one in problems:
        if one.severity is not Severity.NOTE:
            say(f"{one.severity.value}: {one.message} ({one.remedy})")
    off = [name for name, on in directions.items() if not on]
    if off and not proposal.existing:
        say(f"Proposed as off until that is settled: {', '.join(off)}.")
    said = proposal_text(proposal, **directions)
    say(f"\n{said}" if said else "\nEverything that was found is mapped already.\n")
