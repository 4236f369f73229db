"""Operations on bulk jobs: ``/api/jobs/dataObjects/bulk``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from reverse_sf.simulator.spotio.bulk import ndjson
from reverse_sf.simulator.spotio.refusals import Refusal

if TYPE_CHECKING:
    from reverse_sf.simulator.spotio.bulk import Job, Line
    from reverse_sf.simulator.spotio.exchange import Exchange


def create(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/jobs/dataObjects/bulk``."""
    body = exchange.object()
    type_id = str(body.get("dataObjectTypeId") or "")
    if not type_id.isdigit() or exchange.tenant.workflow.get(int(type_id)) is None:
        message = f"DataObject type with id: {type_id} does not exist."
        raise Refusal(400, {"dataObjectTypeId": message})
    operation = str(body.get("operation") or "")
    return exchange.tenant.jobs.create(operation, int(type_id), exchange.actor).shape()


def in_progress(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/jobs/dataObjects/bulk/inprogress``."""
    return [job.shape() for job in exchange.tenant.jobs.in_progress()]


def read(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/jobs/dataObjects/bulk/{id}``."""
    return _polled(exchange).shape()


def upload(exchange: Exchange) -> dict[str, Any]:
    """``PUT /api/jobs/dataObjects/bulk/{id}/data``."""
    return exchange.tenant.jobs.upload(_job(exchange), exchange.raw)


def start(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/jobs/dataObjects/bulk/{id}/start``."""
    job = _job(exchange)
    exchange.tenant.jobs.start(job)
    exchange.touch(job.total)
    return job.shape()


def progress(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/jobs/dataObjects/bulk/{id}/progress``."""
    return _polled(exchange).progress()


def succeeded(exchange: Exchange) -> Response:
    """``GET /api/jobs/dataObjects/bulk/{id}/results/succeeded``."""
    job = _finished(exchange)
    return _file(exchange, job.succeeded)


def failed(exchange: Exchange) -> Response:
    """``GET /api/jobs/dataObjects/bulk/{id}/results/failed``."""
    job = _finished(exchange)
    return _file(exchange, job.failures)


def clean_up(exchange: Exchange) -> Response:
    """``DELETE /api/jobs/dataObjects/bulk/{id}/cleanup``."""
    exchange.tenant.jobs.clean_up(_job(exchange))
    return Response(status_code=200)


def _job(exchange: Exchange) -> Job:
    return exchange.tenant.jobs.get(exchange.path("id"))


def _polled(exchange: Exchange) -> Job:
    job = _job(exchange)
    exchange.tenant.jobs.poll(job)
    return job


def _finished(exchange: Exchange) -> Job:
    job = _job(exchange)
    if job.state not in ("JobComplete", "Failed") or not job.results:
        raise Refusal(404)
    return job


def _file(exchange: Exchange, rows: list[Line]) -> Response:
    exchange.touch(len(rows))
    return Response(ndjson(rows), media_type="application/x-ndjson")
