"""``reverse-sf sync-now``: the ordinary run over what was modified in a range, and nothing else."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from reverse_sf.cli.account import COLUMNS, tallies
from reverse_sf.cli.meltano import MAPPER, PIPELINES, MeltanoProject
from reverse_sf.cli.part import USERS, legs_of, legs_of_users, named_pairs, range_of
from reverse_sf.cli.rehearsal import is_there
from reverse_sf.cli.rendering import say, say_json, show
from reverse_sf.cli.settings import ledger_uri_of, open_ledger, sync_file
from reverse_sf.errors import ConfigurationError, Exit, UsageError
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.spotio.instants import format_instant
from reverse_sf.sync_file import read_sync_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reverse_sf.cli.meltano import Pipeline
    from reverse_sf.cli.part import Leg, Range
    from reverse_sf.ledger.rows import Run
    from reverse_sf.mapping.definition import SyncDefinition

BOTH = "both"
_SYNC_NOW = """Sync now what was last modified in a range of dates, and nothing else.

WHAT is users, a Salesforce object or a SPOTIO record type of sync.yml, the name of an activity
template, or a pair (Account:Accounts).

The project's own tap, mapper and target do it, as in any run. Meltano's STATE is neither read nor
written: the next ordinary run goes on from where the last one ended. Whatever else waits to be
synced is left to it: other objects, records outside of the range, work that an earlier run left
open, users who are gone.

\b
reverse-sf sync-now Account --from 2026-05-01 --to 2026-05-31
reverse-sf sync-now Visit --from 2026-05-06T12:00:00Z
reverse-sf sync-now users

A date is a whole day by UTC, the last one included. Users have no range: all of them are read.

Exit codes: 0 done, 1 the run failed (its log says why), 2 usage or configuration, 4 a run is at
work.
"""


@click.command("sync-now", help=_SYNC_NOW)
@click.argument("what", metavar="WHAT")
@click.option("--from", "begin", metavar="DATE", help="The first day or moment.")
@click.option("--to", "end", metavar="DATE", help="The last day or moment.  [default: now]")
@click.option(
    "--direction",
    type=click.Choice([*(one.value for one in Direction), BOTH]),
    default=BOTH,
    show_default=True,
    help="Only this direction; both are those that sync.yml has on.",
)
@click.option(
    "--sync-file", type=click.Path(path_type=Path), help="The definition.  [default: sync.yml]"
)
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
def sync_now(
    *,
    what: str,
    begin: str | None,
    end: str | None,
    direction: str,
    sync_file: Path | None,
    ledger_uri: str | None,
    as_json: bool,
) -> int:
    """Sync a range now; :data:`_SYNC_NOW` is what a user reads."""
    definition_file = _definition_file(sync_file)
    definition = read_sync_file(definition_file)
    wanted = None if direction == BOTH else [Direction(direction)]
    legs, reach = _asked(what, begin, end, definition, wanted)
    project = MeltanoProject.find()
    settings = project.settings(MAPPER, **_pairs_setting(legs[0]))
    if settings.get("only_pairs") != list(legs[0].pairs):
        raise _out_of_date(MAPPER, "only_pairs")
    uri = ledger_uri or settings.get("ledger_uri") or ledger_uri_of(None)
    variables = {
        "CRM_MAPPER_SYNC_FILE": str(definition_file.resolve()),
        "CRM_MAPPER_LEDGER_URI": uri,
    }
    if is_there(uri):
        with open_ledger(uri) as ledger:
            for leg in legs:
                ledger.refuse_held(leg.direction)
    prepared = [(one, {**variables, **_only(project, one, reach, definition)}) for one in legs]
    synced: list[Synced] = []
    for leg, of_leg in prepared:
        _tell(leg, reach)
        synced.append(_run(project, leg, uri, of_leg))
        if synced[-1].code:
            break
    if as_json:
        say_json({"what": what, **_told(reach), "directions": [one.told() for one in synced]})
    else:
        for one in synced:
            one.show()
    return max((one.code for one in synced), default=Exit.DONE)


def _definition_file(given: Path | None) -> Path:
    return sync_file(given)


def _asked(
    what: str,
    begin: str | None,
    end: str | None,
    definition: SyncDefinition,
    directions: list[Direction] | None,
) -> tuple[list[Leg], Range | None]:
    """The directions at work and the range; no range for users."""
    if what.casefold() == USERS:
        return legs_of_users(definition, directions), None
    pairs = named_pairs(what, definition)
    if begin is None:
        raise UsageError(
            "say --from DATE: the first day, or moment, of what is to be synced (only users have"
            " no range)"
        )
    reach = range_of(begin, end, now=datetime.now(timezone.utc))
    return legs_of(pairs, directions, source=definition.source), reach


def _only(
    project: MeltanoProject, leg: Leg, reach: Range | None, definition: SyncDefinition
) -> dict[str, str]:
    """What keeps tap and mapper to a leg and a range, as variables of Meltano's settings.

    Raises:
        ConfigurationError: the project's definitions are older than these settings, or its
            selection leaves the streams out.
    """
    pipeline = PIPELINES[leg.direction]
    tap = pipeline.tap.replace("-", "_").upper()
    wanted = _pairs_setting(leg)
    if reach is not None:
        wanted[f"{tap}_START_DATE"] = format_instant(reach.begin)
        if reach.end is not None:
            wanted[f"{tap}_END_DATE"] = format_instant(reach.end)
    if reach is not None and reach.end is not None:
        known = project.settings(pipeline.tap, **wanted)
        if not known.get("end_date"):
            raise _out_of_date(pipeline.tap, "end_date")
    extras = project.extras(pipeline.tap)
    streams = leg.streams or leg.people
    if not any(is_selected(one, extras.get("_select") or ["*.*"]) for one in streams):
        raise ConfigurationError(
            f"{pipeline.tap} of this project does not read what {', '.join(leg.pairs)} of"
            f" {definition.source} needs; add this line to its `select:` in meltano.yml",
            [f"{streams[0]}.*"],
        )
    metadata = dict(extras.get("_metadata") or {})
    if leg.source is Side.SALESFORCE:
        # A record of the range may be owned by somebody who was not modified in it.
        for one in leg.people:
            metadata[one] = {**metadata.get(one, {}), "replication-method": "FULL_TABLE"}
    return {
        **wanted,
        f"{tap}__SELECT_FILTER": msgspec.json.encode(
            [literally(one) for one in dict.fromkeys((*leg.people, *leg.streams))]
        ).decode(),
        f"{tap}__METADATA": msgspec.json.encode(metadata).decode(),
    }


def _pairs_setting(leg: Leg) -> dict[str, str]:
    return {"CRM_MAPPER_ONLY_PAIRS": msgspec.json.encode(leg.pairs).decode()}


def _out_of_date(plugin: str, setting: str) -> ConfigurationError:
    return ConfigurationError(
        f"the {plugin} of this project does not know the setting {setting}, so nothing would keep"
        " the run to what was asked for: bring its definition up to date (meltano add --update)"
    )


def is_selected(stream: str, patterns: Iterable[str]) -> bool:
    """Whether a line of `select:` takes a stream in."""
    taken = False
    for pattern in patterns:
        entity, _, rest = re.sub(r"\\\.", "\0", pattern.removeprefix("!")).partition(".")
        if not fnmatch.fnmatchcase(stream, entity.replace("\0", ".")):
            continue
        if pattern.startswith("!") and rest in {"", "*"}:
            return False
        taken = taken or not pattern.startswith("!")
    return taken


def literally(stream: str) -> str:
    """A stream's name where Meltano takes a pattern."""
    return re.sub(r"([*?[])", r"[\1]", stream).replace(".", r"\.")


def _tell(leg: Leg, reach: Range | None) -> None:
    pipeline = PIPELINES[leg.direction]
    if reach is None:
        words = "all users are read: a profile, a group or a frozen login leaves no date"
    else:
        words = f"what was last modified {reach.words}"
    click.echo(f"{pipeline.tap} to {pipeline.target}: {', '.join(leg.pairs)}: {words}", err=True)


def _told(reach: Range | None) -> dict[str, Any]:
    if reach is None:
        return {"from": None, "to": None}
    return {
        "from": format_instant(reach.begin),
        "to": None if reach.end is None else format_instant(reach.end),
    }


@dataclass(frozen=True)
class Synced:
    """How one direction ended.

    Attributes:
        pipeline: which.
        code: an exit code as documented.
        run: the run, as the ledger has it; None where it never began.
        counts: by pair and counter, reasons added up.
    """

    pipeline: Pipeline
    code: int
    run: Run | None
    counts: dict[str, dict[str, int]]

    def told(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "direction": self.pipeline.direction,
            "exit_code": self.code,
            "run": self.run,
            "pairs": self.counts,
        }

    def show(self) -> None:
        """The same for a person."""
        toward = self.pipeline.target
        if self.run is None:
            say(f"{toward}: the run did not begin; the lines above say why.")
            return
        used = [name for name in COLUMNS if any(name in one for one in self.counts.values())]
        if not used:
            say(f"{toward}: {self.run.status}; there was nothing in this range.")
            return
        show(
            f"{toward}: run {self.run.run_id}, {self.run.status}",
            ("pair", *used),
            [(pair, *(of.get(one, 0) for one in used)) for pair, of in self.counts.items()],
            numbers=used,
        )


def _run(project: MeltanoProject, leg: Leg, uri: str, variables: dict[str, str]) -> Synced:
    pipeline = PIPELINES[leg.direction]
    before = _latest(uri, leg.direction)
    code = project.run(pipeline, variables, from_scratch=True)
    if not is_there(uri):
        return Synced(pipeline, code, None, {})
    with open_ledger(uri) as ledger:
        run = ledger.last_run(leg.direction)
        if run is None or (before is not None and run.run_id == before.run_id):
            return Synced(pipeline, code, None, {})
        return Synced(pipeline, code, run, tallies(ledger.counts(run.run_id)))


def _latest(uri: str, direction: Direction) -> Run | None:
    if not is_there(uri):
        return None
    with open_ledger(uri) as ledger:
        return ledger.last_run(direction)
