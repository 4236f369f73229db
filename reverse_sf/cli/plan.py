"""``reverse-sf plan`` and ``apply``: what the next run would write, and just that carried out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console

from reverse_sf.cli.meltano import MAPPER, PIPELINES, MeltanoProject
from reverse_sf.cli.rehearsal import is_there, rehearse
from reverse_sf.cli.rendering import in_words, say, say_json, show
from reverse_sf.cli.settings import ledger_uri_of, open_ledger, sync_file
from reverse_sf.errors import ConfigurationError, Exit, StopError
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.plan import calls_of
from reverse_sf.sync_file import read_plan_file, read_sync_file

if TYPE_CHECKING:
    from reverse_sf.ledger.rehearsals import RunOperation
    from reverse_sf.merge.plan import DirectionPlan, Plan, PlannedWrite

_PLAN = """Show every write that the next run would make. Nothing is written anywhere.

The project's own taps read both systems from where the last run ended, and the mapper decides on
a copy of the ledger: what comes out is what the next run would send, with the rule and the row of
the tables behind each value. Each direction is planned from what both systems hold now; what
follows from the answers of the first one (ids of created records, values that a system rewrote) is
for the run after.

\b
reverse-sf plan                      look
reverse-sf plan --out plan.json      keep it, to review and to apply
reverse-sf apply plan.json           carry out that plan and nothing else

Exit codes: 0 done, 2 configuration or the run would stop, 3 a system refused us, 4 a run is at
work.
"""

_APPLY = """Carry out a plan that reverse-sf plan --out kept, and nothing else.

The same taps, mapper and targets as in any run, kept to the records of the plan. What was planned
and still holds is sent as planned, under the same operation id. Where somebody has edited one of
the records meanwhile, that record is decided anew; every other record of the plan is not touched
by it. Changes outside of the plan wait for the next ordinary run. Meltano's STATE stays where it
is.

A plan of another sync.yml, org or company is refused.

Exit codes: 0 done, 1 the run failed, 2 configuration or a plan that does not fit, 4 a run is at
work, 5 with --strict where a write of the plan was not carried out as planned.
"""

_sync_file = click.option(
    "--sync-file", type=click.Path(path_type=Path), help="The definition.  [default: sync.yml]"
)
_uri = click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")


@click.command("plan", help=_PLAN)
@click.option(
    "--direction", type=click.Choice([one.value for one in Direction]), help="Only this direction."
)
@click.option("--out", type=click.Path(path_type=Path), help="Keep the plan in this file.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Show at most so many values of each direction.",
)
@_sync_file
@_uri
@_json
def plan(
    *,
    direction: str | None,
    out: Path | None,
    limit: int,
    sync_file: Path | None,
    ledger_uri: str | None,
    as_json: bool,
) -> None:
    """Show what the next run would write; :data:`_PLAN` is what a user reads."""
    path = _definition_file(sync_file)
    definition = read_sync_file(path)
    wanted = [Direction(direction)] if direction else list(PIPELINES)
    console = Console(stderr=True)
    with console.status("Planning") as status:
        made = rehearse(
            MeltanoProject.find(),
            definition,
            wanted,
            sync_file=path,
            ledger_uri=ledger_uri,
            # A log has no line that can be written over.
            tell=status.update if console.is_terminal else partial(click.echo, err=True),
        )
    if out is not None:
        _write(out, made)
    if as_json:
        say_json(made)
        return
    for one in made.directions:
        _show(one, limit)
    if out is not None:
        say(f"Kept in {out}. To carry it out: reverse-sf apply {out}")


@click.command("apply", help=_APPLY)
@click.argument("file", metavar="PLAN", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--strict",
    is_flag=True,
    help="End with code 5 where a write was not carried out as planned; for schedulers.",
)
@_sync_file
@_uri
@_json
def apply(
    *,
    file: Path,
    yes: bool,
    strict: bool,
    sync_file: Path | None,
    ledger_uri: str | None,
    as_json: bool,
) -> int:
    """Carry out a plan; :data:`_APPLY` is what a user reads."""
    made = read_plan_file(file)
    definition = read_sync_file(_definition_file(sync_file))
    if made.definition_fingerprint != definition.fingerprint:
        raise ConfigurationError(
            f"{definition.source} has changed since {file} was planned: plan again"
        )
    project = MeltanoProject.find()
    variables = {"CRM_MAPPER_PLAN_FILE": str(file.resolve())}
    settings = project.settings(MAPPER, **variables)
    if settings.get("plan_file") != variables["CRM_MAPPER_PLAN_FILE"]:
        raise ConfigurationError(
            f"the {MAPPER} of this project does not know the setting plan_file, so nothing would"
            " keep the run to the plan: bring its definition up to date (meltano add --update)"
        )
    uri = ledger_uri or settings.get("ledger_uri") or ledger_uri_of(None)
    _refuse_foreign(made, file, uri)
    if not yes and made.writes:
        click.confirm(f"Carry out {made.writes} writes?", abort=True, err=True)
    applied = [
        _carry_out(project, one, uri, {**variables, "CRM_MAPPER_LEDGER_URI": uri})
        for one in made.directions
        if one.writes
    ]
    if as_json:
        say_json([one.told() for one in applied])
    else:
        for one in applied:
            one.show()
        if not applied:
            say("The plan holds no write: nothing was done.")
    if any(one.code for one in applied):
        return Exit.UNEXPECTED
    return Exit.PARKED if strict and not all(one.is_exact for one in applied) else Exit.DONE


def _definition_file(given: Path | None) -> Path:
    return sync_file(given)


def _write(path: Path, made: Plan) -> None:
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error


def _show(one: DirectionPlan, limit: int) -> None:
    toward = PIPELINES[one.direction].target
    if not one.writes:
        say(f"{toward}: nothing to write.")
    else:
        rows = [row for write in one.writes for row in _rows(write)]
        show(
            f"{toward}: {_counted(one)}, about {calls_of(one)} requests",
            ("action", "record", "field", "old", "new", "by"),
            rows[:limit],
        )
        if len(rows) > limit:
            say(f"... and {len(rows) - limit} more values: --limit, --json or --out shows all.")
    if one.parked:
        held = ", ".join(f"{number} {reason}" for reason, number in sorted(one.parked.items()))
        say(f"{toward}: would be withheld: {held}")


def _counted(one: DirectionPlan) -> str:
    numbers = Counter(write.action.value for write in one.writes)
    return ", ".join(f"{number} {action}" for action, number in sorted(numbers.items()))


def _rows(write: PlannedWrite) -> list[tuple[Any, ...]]:
    name = f"{write.stream} {write.salesforce_id or write.spotio_id or ''}".strip()
    if not write.fields:
        return [(write.action.value, name, None, None, None, write.row)]
    return [
        (
            None if at else write.action.value,
            None if at else name,
            one.key,
            None if one.old is msgspec.UNSET else in_words(one.old),
            in_words(one.new),
            f"{one.rule} {one.row or ('' if at else write.row)}".strip()
            + (" *" if one.overrules else ""),
        )
        for at, one in enumerate(write.fields)
    ]


def _refuse_foreign(made: Plan, file: Path, uri: str) -> None:
    if not is_there(uri):
        return
    with open_ledger(uri) as ledger:
        for side, planned in (
            (Side.SALESFORCE, made.salesforce_org),
            (Side.SPOTIO, made.spotio_company),
        ):
            known = ledger.identity(side)
            if planned is not None and known is not None and planned != known:
                raise StopError(
                    f"{file} was planned for {side.value} {planned}, and the ledger belongs to"
                    f" {known}: plan again in this environment"
                )


@dataclass
class Applied:
    """How the plan of one direction ended.

    Attributes:
        code: Meltano's exit code.
        as_planned: planned writes that were carried out.
        anew: planned writes whose record was decided otherwise meanwhile, and what became of it.
        gone: planned writes that are no longer due.
        failed: writes that the system refused or that have no outcome, with the reason.
    """

    direction: Direction
    code: int
    as_planned: list[PlannedWrite] = field(default_factory=list)
    anew: list[tuple[PlannedWrite, RunOperation]] = field(default_factory=list)
    gone: list[PlannedWrite] = field(default_factory=list)
    failed: list[tuple[PlannedWrite, RunOperation]] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Everything was carried out as planned."""
        return not (self.anew or self.gone or self.failed)

    def told(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "direction": self.direction,
            "exit_code": self.code,
            "as_planned": [one.operation_id for one in self.as_planned],
            "planned_anew": [
                {"planned": one.operation_id, "became": other.operation_id, "status": other.status}
                for one, other in self.anew
            ],
            "no_longer_due": [one.operation_id for one in self.gone],
            "not_carried_out": [
                {"operation_id": one.operation_id, "status": other.status, "reason": _why(other)}
                for one, other in self.failed
            ],
        }

    def show(self) -> None:
        """The same for a person."""
        toward = PIPELINES[self.direction].target
        say(
            f"{toward}: {len(self.as_planned)} as planned, {len(self.anew)} planned anew,"
            f" {len(self.gone)} no longer due, {len(self.failed)} not carried out"
        )
        told = [
            *((one, f"planned anew: {other.action} {other.status}") for one, other in self.anew),
            *((one, "no longer due") for one in self.gone),
            *((one, _why(other)) for one, other in self.failed),
        ]
        if told:
            show(
                "Otherwise than planned",
                ("action", "record", "what became of it"),
                (
                    (one.action.value, f"{one.stream} {one.salesforce_id or one.spotio_id}", what)
                    for one, what in told
                ),
            )


_DONE = {OperationStatus.APPLIED.value, OperationStatus.AGREED.value}
_WHY = {
    OperationStatus.STALE.value: "its value was changed in the meantime; the next run decides anew",
    OperationStatus.WAITING.value: "waits for its parent",
    OperationStatus.INTENDED.value: "no answer is known; the next run looks it up",
}


def _why(one: RunOperation) -> str:
    """Why an operation was not carried out."""
    return one.error or _WHY.get(one.status, one.status)


def _carry_out(
    project: MeltanoProject, planned: DirectionPlan, uri: str, variables: dict[str, str]
) -> Applied:
    before = _latest(uri, planned.direction)
    code = project.run(PIPELINES[planned.direction], variables)
    done: dict[str, RunOperation] = {}
    run_id = _latest(uri, planned.direction)
    if run_id is not None and run_id != before:
        with open_ledger(uri) as ledger:
            done = ledger.operations_of(run_id)
    return outcome_of(planned, code, done)


def outcome_of(planned: DirectionPlan, code: int, done: dict[str, RunOperation]) -> Applied:
    """Compare what was planned with the operations of the run that carried it out."""
    applied = Applied(planned.direction, code)
    by_link = {one.link_id: one for one in done.values()}
    for write in planned.writes:
        same, other = done.get(write.operation_id), by_link.get(write.link_id)
        if same is not None and same.status in _DONE:
            applied.as_planned.append(write)
        elif same is not None:
            applied.failed.append((write, same))
        elif other is not None:
            applied.anew.append((write, other))
        else:
            applied.gone.append(write)
    return applied


def _latest(uri: str, direction: Direction) -> str | None:
    if not is_there(uri):
        return None
    with open_ledger(uri) as ledger:
        run = ledger.last_run(direction)
    return run.run_id if run is not None else None
