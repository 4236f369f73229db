"""The plan: what the next run would write, made and carried out by the commands themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import FileResponse

from reverse_sf.cli.meltano import PIPELINES
from reverse_sf.cli.rendering import in_words
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.mapping.definition import Direction
from reverse_sf.merge.plan import calls_of
from reverse_sf.sync_file import read_plan_file
from reverse_sf.ui.site import form_of, given, number_of, site_of
from reverse_sf.ui.tables import Cell, address, record, table
from reverse_sf.ui.wording import WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from reverse_sf.merge.plan import DirectionPlan, Plan, PlannedWrite
    from reverse_sf.ui.jobs import Job
    from reverse_sf.ui.site import Site
    from reverse_sf.ui.tables import Table

_PLAN, _APPLY = "plan", "apply"
_VALUES = 200


def plan(request: Request) -> Response:
    """The plan that was made last, or how it is coming along, or what became of it."""
    site = site_of(request)
    job = _latest(site)
    if job is not None and job.code is None:
        return _progress(request, site, job)
    made, applied = _made(site), site.jobs.get(_APPLY)
    limit = number_of(given(request, "limit"), "limit") or _VALUES
    return site.page(
        request,
        "plan.html",
        "Plan",
        directions=WAYS,
        made=made,
        drawn=[_drawn(one, limit) for one in made.directions] if made else [],
        more=address("/plan", limit=str(limit * 10)),
        applied=_outcome(applied) if applied else None,
        failed=_failure(job),
        is_ours=made is not None and applied is None,
    )


def _latest(site: Site) -> Job | None:
    return site.jobs.get(_APPLY) or site.jobs.get(_PLAN)


def _progress(request: Request, site: Site, job: Job) -> Response:
    still = given(request, "still") is not None
    answer = site.page(
        request,
        "progress.html",
        "Plan" if job.kind == _PLAN else "Applying the plan",
        kind=job.kind,
        seconds=job.seconds,
        lines=job.lines(),
        still=still,
    )
    if not still:
        answer.headers["Refresh"] = str(site.look_every)
    return answer


def _file(site: Site) -> Path:
    return site.jobs.folder / "plan.json"


def _made(site: Site) -> Plan | None:
    return read_plan_file(_file(site)) if _file(site).exists() else None


def _failure(job: Job | None) -> list[str]:
    """Why a job ended with an error: its last words."""
    if job is None or not job.code or job.kind == _APPLY:
        return []
    return ["It was stopped."] if job.stopped else job.lines()


def _outcome(job: Job) -> dict[str, Any]:
    """What an apply said of itself."""
    try:
        told = msgspec.json.decode(job.output.read_bytes())
    except msgspec.DecodeError:
        told = []
    return {
        "code": job.code,
        "stopped": job.stopped,
        "lines": job.lines() if job.code else [],
        "is_exact": not any(
            one[key] for one in told for key in ("planned_anew", "no_longer_due", "not_carried_out")
        ),
        "directions": [
            (
                WAYS[Direction(one["direction"])],
                [
                    (words, len(one[key]))
                    for key, words in (
                        ("as_planned", "as planned"),
                        ("planned_anew", "planned anew: the record was edited meanwhile"),
                        ("no_longer_due", "no longer due"),
                        ("not_carried_out", "not carried out"),
                    )
                ],
                sorted({each["reason"] for each in one["not_carried_out"] if each["reason"]}),
            )
            for one in told
        ],
    }


def _drawn(one: DirectionPlan, limit: int) -> dict[str, Any]:
    rows = [row for write in one.writes for row in _rows(write)]
    return {
        "way": WAYS[one.direction],
        "target": PIPELINES[one.direction].target,
        "writes": len(one.writes),
        "calls": calls_of(one),
        "table": _table(one, rows[:limit]),
        "hidden": max(0, len(rows) - limit),
        "parked": sorted(one.parked.items()),
    }


def _table(one: DirectionPlan, rows: list[tuple[Cell | str, ...]]) -> Table | None:
    if not rows:
        return None
    return table(
        f"Would be written, {WAYS[one.direction]}",
        ("Record", "Object", "Action", "Field", "Old", "New", "By"),
        rows,
    )


def _rows(write: PlannedWrite) -> Iterator[tuple[Cell | str, ...]]:
    name = record(write.salesforce_id or write.spotio_id)
    if not name.text:
        name = Cell("new record")
    if not write.fields:
        yield name, write.stream, write.action.value, "whole record", "", "", write.row
    for one in write.fields:
        old = "" if one.old is msgspec.UNSET else in_words(one.old)
        by = f"{one.rule} {one.row or write.row}".strip()
        yield (
            name,
            write.stream,
            write.action.value,
            one.key,
            Cell(old, None, "value"),
            Cell(in_words(one.new), None, "value"),
            f"{by}, overrules a person's value" if one.overrules else by,
        )


def kept(request: Request) -> Response:
    """The plan as a file, to be kept and reviewed."""
    site = site_of(request)
    if _made(site) is None:
        raise UsageError("there is no plan: make one first")
    return FileResponse(_file(site), filename="plan.json", media_type="application/json")


def make(request: Request) -> Response:
    """Begin a plan."""
    site = site_of(request)
    direction = form_of(request).get("direction") or None
    if direction is not None and direction not in {one.value for one in Direction}:
        raise UsageError(f"direction is one of {', '.join(one.value for one in Direction)}")
    site.definition()
    only = ("--direction", direction) if direction else ()
    before = site.jobs.at_work
    if before is None:
        _file(site).unlink(missing_ok=True)
        site.jobs.forget(_APPLY)
    site.jobs.start(_PLAN, "plan", "--json", "--out", str(_file(site)), *only)
    return site.done("Planning has begun; nothing is written anywhere.", "/plan")


def apply(request: Request) -> Response:
    """Begin to carry out the plan that was shown, and no other."""
    site = site_of(request)
    made = _made(site)
    if made is None:
        raise UsageError("there is no plan: make one first")
    if form_of(request).get("made_at") != made.made_at:
        raise ConfigurationError("another plan was made since this page was loaded: look again")
    if site.jobs.get(_APPLY) is not None:
        raise ConfigurationError("this plan was carried out already: plan again")
    site.jobs.start(_APPLY, "apply", str(_file(site)), "--yes", "--json")
    return site.done("The plan is being carried out.", "/plan")


def stop(request: Request) -> Response:
    """End the command that is at work, as Ctrl-C would."""
    site = site_of(request)
    job = site.jobs.at_work
    if job is None:
        raise UsageError("nothing is at work any more")
    job.stop()
    back = "/mapping" if job.kind == "check" else "/plan"
    return site.done(f"{job.kind} was stopped; everything finished so far is kept.", back)
