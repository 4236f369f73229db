"""The mapping drawn side by side, with what the check says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.cli.check import check_alone
from reverse_sf.errors import ConfigurationError
from reverse_sf.ui.drawing import beside, drawing
from reverse_sf.ui.site import given, site_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from reverse_sf.mapping.definition import SyncDefinition
    from reverse_sf.ui.jobs import Job
    from reverse_sf.ui.site import Site

_CHECK = "check"


def drawn(request: Request) -> Response:
    """Every object mapping side by side, with its findings and proofs."""
    site = site_of(request)
    job = site.jobs.get(_CHECK)
    try:
        definition = site.definition()
    except ConfigurationError as error:
        return site.page(
            request,
            "mapping_broken.html",
            "Mapping",
            sentence=str(error),
            problems=error.problems,
        )
    report, of_systems, complaint = _report(site, definition, job)
    checking = job is not None and job.code is None
    answer = site.page(
        request,
        "mapping.html",
        "Mapping",
        pairs=drawing(definition, report),
        beside=beside(definition, report),
        counts={
            severity: sum(one["severity"] == severity for one in report["problems"])
            for severity in ("error", "warning", "note")
        },
        proven=(sum(one["safe"] for one in report["proofs"]), len(report["proofs"])),
        of_systems=of_systems,
        complaint=complaint,
        checking=checking,
    )
    if checking and given(request, "still") is None:
        answer.headers["Refresh"] = str(site.look_every)
    return answer


def _report(
    site: Site, definition: SyncDefinition, job: Job | None
) -> tuple[dict[str, Any], bool, list[str]]:
    """What the last check said, whether it asked the systems, and why it could not."""
    complaint: list[str] = []
    if job is not None and job.code is not None and not job.stopped:
        try:
            told = msgspec.json.decode(job.output.read_bytes())
        except msgspec.DecodeError:
            told = {}
        # A check of what the file said before is of no use for what it says now.
        if "proofs" in told and site.checked == site.digest():
            return told, True, []
        if "proofs" not in told:
            complaint = job.lines()
    alone = msgspec.json.decode(msgspec.json.encode(check_alone(definition).as_json()))
    return alone, False, complaint


def check_systems(request: Request) -> Response:
    """Have the definition checked against both systems."""
    site = site_of(request)
    site.definition()
    site.jobs.start(_CHECK, "check", "--json")
    site.checked = site.digest()
    return site.done("The check against both systems has begun.", "/mapping")
