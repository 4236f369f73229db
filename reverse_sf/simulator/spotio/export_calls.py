"""CSV exports: ``POST /api/Exports/activities`` and ``/dataObjects``, their state and their file.

The guide polls ``GET /api/exports/{id}`` until ``state`` is ``ready``; the OpenAPI file lacks that
path and says that the file is e-mailed (spotio_api.md 2.3). Columns and their names are not
published: the names of the activity export's own keys stand in for them here.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from reverse_sf.simulator.spotio import activity_feeds
from reverse_sf.simulator.spotio.records import shown
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.spotio.exchange import Exchange
    from reverse_sf.simulator.spotio.records import Member

_REPORTS = ("current", "historical")
_PREPARING, _READY = "preparing", "ready"


class Export(msgspec.Struct, kw_only=True):
    """One export of a user; ``polls`` are the looks that still find it in preparation."""

    id: str
    kind: str
    owner_id: int
    created: int
    polls: int
    filter_id: str | None = None
    rows: list[dict[str, Any]] = []
    columns: list[str] = []


class Exports:
    """The exports of one tenant; they live in memory."""

    def __init__(self) -> None:
        self._exports: dict[str, Export] = {}

    def add(self, export: Export) -> None:
        """Keep a new one."""
        self._exports[export.id] = export

    def get(self, identifier: str, viewer: Member) -> Export:
        """The viewer's export with that id.

        Raises:
            Refusal: 404.
        """
        found = self._exports.get(identifier)
        if found is None or found.owner_id != viewer.id:
            raise not_found("Export", identifier)
        return found

    @property
    def next_id(self) -> str:
        """The id of the next one."""
        return f"{len(self._exports) + 1:024x}"


def export_activities(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/Exports/activities``: done ones with ``historical``, planned with ``current``."""
    request = exchange.object(optional=True)
    report = str(request.get("reportType") or "historical").lower()
    asked = {"filterId": request.get("filterId"), "dataObjectTypeId": request.get("singleType")}
    if request.get("q"):
        raise Refusal(400, "The local server does not evaluate: q.")
    rows = activity_feeds.rows(exchange.tenant, asked, exchange.actor)
    kept = [row for row, done in rows if done == (report == "historical")]
    return _begun(exchange, "activities", report, kept, request)


def export_data_objects(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/Exports/dataObjects``."""
    request, tenant = exchange.object(optional=True), exchange.tenant
    report = str(request.get("reportType") or "current").lower()
    wanted = {key: request.get(key) for key in ("filterId", "q", "singleType")}
    ids = tenant.search.ids(wanted, exchange.actor, tenant.settled_before())
    rows = []
    for identifier in ids:
        row = tenant.shapes.exported(tenant.store.records[identifier])
        rows.append({key: kept for key, kept in row.items() if not isinstance(kept, (dict, list))})
    return _begun(exchange, "dataObjects", report, rows, request)


def read(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/exports/{id}``: its state, and where the file is once it is ready."""
    found = exchange.tenant.exports.get(exchange.path("id"), exchange.actor)
    if found.polls > 0:
        found.polls -= 1
    return _shape(exchange, found)


def download(exchange: Exchange) -> Response:
    """The CSV file behind an export's ``url``."""
    found = exchange.tenant.exports.get(exchange.path("id"), exchange.actor)
    if found.polls > 0:
        raise not_found("File of export", found.id)
    text = io.StringIO()
    writer = csv.DictWriter(text, found.columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(found.rows)
    exchange.touch(len(found.rows))
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8")


def _begun(
    exchange: Exchange,
    kind: str,
    report: str,
    rows: list[dict[str, Any]],
    request: Mapping[str, Any],
) -> dict[str, Any]:
    if report not in _REPORTS:
        raise Refusal(VALIDATION, {"reportType": f"Report type {report} does not exist."})
    known = list(rows[0]) if rows else ["id"]
    columns = [str(each) for each in request.get("columns") or known]
    unknown = [each for each in columns if rows and each not in known]
    if unknown:
        raise Refusal(VALIDATION, {"columns": f"Column {unknown[0]} does not exist."})
    tenant = exchange.tenant
    export = Export(
        id=tenant.exports.next_id,
        kind=kind,
        owner_id=exchange.actor.id,
        created=tenant.diary.now(),
        polls=tenant.declared["export_polls"],
        filter_id=request.get("filterId"),
        rows=rows,
        columns=columns,
    )
    tenant.exports.add(export)
    exchange.touch(len(rows))
    return _shape(exchange, export)


def _shape(exchange: Exchange, export: Export) -> dict[str, Any]:
    """``Export``."""
    ready = export.polls == 0
    return {
        "id": export.id,
        "createdAt": shown(export.created),
        "updatedAt": shown(export.created),
        "state": _READY if ready else _PREPARING,
        "url": f"{exchange.origin}/files/exports/{export.id}.csv" if ready else None,
        "typeName": export.kind,
        "filterId": export.filter_id,
    }
