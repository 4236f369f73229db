"""A run rehearsed: the project's own tap, the mapper on a copy of the ledger, and no target."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.cli.meltano import MAPPER, PIPELINES, last_words
from reverse_sf.cli.settings import ledger_uri_of
from reverse_sf.errors import Exit, ReverseSFError
from reverse_sf.ledger.address import parse
from reverse_sf.ledger.encoding import moment
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.envelope import ENVELOPE_KEY, Envelope
from reverse_sf.merge.plan import VERSION, DirectionPlan, Plan, PlannedField, PlannedWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reverse_sf.cli.meltano import MeltanoProject, Pipeline
    from reverse_sf.ledger.rehearsals import RunOperation
    from reverse_sf.mapping.definition import SyncDefinition

_MAPPER_PROGRAM = Path(sys.executable).parent / "spotio-mapper"
_OWN_SETTINGS = {"ledger_uri", "mapping", "sync_file", "plan_file"}


class RehearsalError(ReverseSFError):
    """The run would not come as far as writing: its tap or its mapper ends with an error."""


_Written = tuple[str, Envelope, dict[str, Any]]
"""Stream, envelope and record of what the mapper would hand to the target."""


class _Message(msgspec.Struct):
    type: str
    stream: str = ""
    record: dict[str, Any] = {}


def rehearse(
    project: MeltanoProject,
    definition: SyncDefinition,
    directions: Sequence[Direction],
    *,
    sync_file: Path,
    ledger_uri: str | None,
    tell: Callable[[str], None],
) -> Plan:
    """Find every write that the next run would make. Nothing is written anywhere.

    Each direction is rehearsed on what both systems hold now and on a fresh copy of the ledger, as
    if it ran first.

    Args:
        project: the Meltano project, whose taps read.
        definition: the sync definition.
        directions: which, in this order.
        sync_file: where the definition is.
        ledger_uri: option of the command.
        tell: told what goes on.

    Raises:
        LeaseHeldError: a run is at work on the ledger.
        RehearsalError: the run would end before it writes.
    """
    settings = project.settings(MAPPER)
    kept = {name: value for name, value in settings.items() if name not in _OWN_SETTINGS}
    uri = ledger_uri or settings.get("ledger_uri") or ledger_uri_of(None)
    plans: list[DirectionPlan] = []
    org = company = None
    with TemporaryDirectory(prefix="reverse-sf-plan-") as name:
        folder = Path(name)
        for direction in directions:
            pipeline = PIPELINES[direction]
            copy = folder / f"{direction.value}.db"
            tell(f"{pipeline.tap} {pipeline.mapping}: reads and decides on a copy of the ledger")
            with Ledger.open(f"sqlite:///{copy}") as ledger:
                if is_there(uri):
                    with Ledger.open(uri) as original:
                        original.copy_to(ledger)
                org, company = (ledger.identity(side) for side in (Side.SALESFORCE, Side.SPOTIO))
            config = {
                **kept,
                "mapping": pipeline.mapping,
                "sync_file": str(sync_file.resolve()),
                "ledger_uri": f"sqlite:///{copy}",
            }
            written = _pipe(project, pipeline, folder, config)
            plans.append(_plan(direction, written, f"sqlite:///{copy}"))
    return Plan(
        version=VERSION,
        made_at=moment(datetime.now(timezone.utc)),
        definition_fingerprint=definition.fingerprint,
        salesforce_org=org,
        spotio_company=company,
        directions=plans,
    )


def is_there(uri: str) -> bool:
    """Whether there is a ledger; before the first run there is no file."""
    file = parse(uri, looking=True).file
    return file is None or file.exists()


def _pipe(
    project: MeltanoProject, pipeline: Pipeline, folder: Path, config: dict[str, Any]
) -> list[_Written]:
    """Run tap and mapper; answer the records that come out."""
    state = project.state(pipeline)
    state_file = folder / "state.json"
    state_file.write_bytes(state or b"{}")
    config_file = folder / "mapper.json"
    config_file.write_bytes(msgspec.json.encode(config))
    logs = [folder / f"{name}.log" for name in ("tap", "mapper")]
    with (
        logs[0].open("wb") as tap_log,
        logs[1].open("wb") as mapper_log,
        project.tap(pipeline, state_file if state else None, tap_log) as tap,
        Popen(  # noqa: S603 - our own mapper
            [_MAPPER_PROGRAM, "--config", config_file],
            stdin=tap.stdout,
            stdout=PIPE,
            stderr=mapper_log,
        ) as mapper,
    ):
        if tap.stdout is not None:
            # The mapper alone holds it now: a mapper that ends early ends the tap.
            tap.stdout.close()
        found = list(_records(mapper.stdout or ()))
    # A mapper that fails breaks the tap's pipe, so the mapper's reason is the true one.
    for program, ended, log in ((pipeline.mapping, mapper, logs[1]), (pipeline.tap, tap, logs[0])):
        if ended.returncode:
            raise _failed(program, ended.returncode, log.read_bytes())
    return found


def _records(lines: Iterable[bytes]) -> Iterator[_Written]:
    decode = msgspec.json.Decoder(_Message).decode
    for line in lines:
        message = decode(line)
        envelope = message.record.pop(ENVELOPE_KEY, None)
        if envelope is not None:
            yield message.stream, msgspec.convert(envelope, Envelope), message.record


def _failed(program: str, code: int, log: bytes) -> RehearsalError:
    error = RehearsalError(f"the run would stop: {program}: {last_words(log)}")
    known = {one.value for one in Exit}
    error.exit_code = Exit(code) if code in known else Exit.UNEXPECTED  # type: ignore[misc]
    return error


def _plan(direction: Direction, written: list[_Written], uri: str) -> DirectionPlan:
    with Ledger.open(uri) as ledger:
        run = ledger.last_run(direction)
        run_id = run.run_id if run is not None else ""
        operations = ledger.operations_of(run_id)
        overruled = ledger.overruled_in(run_id)
        parked = ledger.parked_in(run_id, direction)
    return DirectionPlan(
        direction=direction,
        writes=[_write(one, operations.get(one[1].operation_id), overruled) for one in written],
        parked=parked,
    )


def _write(
    written: _Written, operation: RunOperation | None, overruled: set[tuple[str | None, str]]
) -> PlannedWrite:
    stream, envelope, record = written
    decision = dict(operation.decision) if operation is not None else {}
    whole = decision.pop("", {})
    decided = [
        PlannedField(
            key=key,
            new=one.get("new"),
            old=one.get("old", msgspec.UNSET),
            rule=str(one.get("rule", "")),
            row=str(one.get("row", "")),
            overrules=(envelope.operation_id, key) in overruled,
        )
        for key, one in decision.items()
    ]
    return PlannedWrite(
        operation_id=envelope.operation_id,
        action=envelope.action,
        stream=stream,
        pair=envelope.pair,
        link_id=envelope.link_id,
        salesforce_id=envelope.salesforce_id,
        spotio_id=envelope.spotio_id,
        row=str(whole.get("row", "")),
        # A record that is decided as a whole is told by what is sent.
        fields=decided or [PlannedField(key=key, new=value) for key, value in record.items()],
        sent_before=envelope.reissued,
    )
