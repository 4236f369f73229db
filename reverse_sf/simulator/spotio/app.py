"""The local SPOTIO server as an ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from reverse_sf.simulator.control import Control
from reverse_sf.simulator.spotio import (
    activity_calls,
    activity_feeds,
    appointment_calls,
    communication_calls,
    export_calls,
    job_calls,
    pin_calls,
    record_calls,
    team_calls,
    user_calls,
    webhook_calls,
    workflow_calls,
)
from reverse_sf.simulator.spotio.exchange import (
    FILE_TYPES,
    MERGE_TYPE,
    PATCH_TYPES,
    CaselessRoute,
    json_response,
    operation,
)
from reverse_sf.simulator.spotio.refusals import ENTITY
from reverse_sf.simulator.spotio.tenant import Tenant
from reverse_sf.simulator.world import DEFAULT_RECORDS

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from reverse_sf.simulator.clock import Clock

_SENTENCES = {
    401: "Unauthorized.",
    403: "Forbidden.",
    429: "Too many requests.",
    500: "An unexpected error occurred.",
    502: "Bad gateway.",
    503: "Service unavailable.",
}


def spotio_app(
    clock: Clock,
    *,
    seed: int = 1,
    records: int = DEFAULT_RECORDS,
    empty: bool = False,
    data: Path | None = None,
) -> ASGIApp:
    """The whole server: API, control calls, request log and faults.

    Args:
        clock: the server's time.
        seed: of the demo world.
        records: size of the demo world, in Salesforce records.
        empty: users and schema only.
        data: folder that keeps the state; memory without it.
    """
    database = ":memory:" if data is None else str(data / "spotio.db")
    tenant = Tenant(clock, database=database, seed=seed, records=records, empty=empty)
    return build_app(tenant, Control(clock, "spotio", error=error_body))


def build_app(tenant: Tenant, control: Control) -> ASGIApp:
    """Put a tenant behind the API, with the control calls, the request log and the faults."""
    app = Starlette(
        routes=[*control.routes(tenant), *routes(tenant), *undeclared_routes(tenant)],
        exception_handlers={404: _no_route, 405: _no_route},
    )
    # Paths with a slash too many are unknown paths, never redirects.
    app.router.redirect_slashes = False
    return control.middleware(app)


def error_body(status: int) -> dict[str, Any]:
    """The body of an injected error, in the service's own shape."""
    return {"errors": {ENTITY: _SENTENCES.get(status, f"Error {status}.")}}


def routes(tenant: Tenant) -> list[CaselessRoute]:
    """Every operation that is served, under the path of the OpenAPI file."""
    flow, rows, jobs, people = workflow_calls, record_calls, job_calls, user_calls
    log, plans, said = activity_calls, appointment_calls, communication_calls
    diary = "/api/v2/appointments"
    bulk = "/api/jobs/dataObjects/bulk"

    def get(path: str, answer: Any, **options: Any) -> CaselessRoute:
        return operation(tenant, "GET", path, answer, **options)

    def post(path: str, answer: Any, **options: Any) -> CaselessRoute:
        return operation(tenant, "POST", path, answer, **options)

    return [
        post("/api/users/apitoken", people.token, open_to_all=True),
        get("/api/workflow", flow.settings),
        get("/api/CalendarSettings", flow.calendar),
        get("/api/workflow/dataObjects/full", flow.full),
        get("/api/workflow/dataObjects", flow.light),
        get("/api/workflow/dataObjects/{id}", flow.one),
        get("/api/workflow/dataobjects/{dataObjectId}/fields", flow.fields),
        get("/api/workflow/dataObjects/{dataObjectId}/stages", flow.stages),
        get("/api/workflow/activityTemplates", flow.templates),
        get("/api/workflow/categorization", flow.categorization),
        post("/api/DataObjects", rows.create),
        get("/api/DataObjects/many", rows.many),
        get("/api/DataObjects/deleted", rows.deleted),
        post("/api/DataObjects/move", rows.move),
        get("/api/DataObjects/{dataObjectId}", rows.read),
        operation(tenant, "DELETE", "/api/DataObjects/{dataObjectId}", rows.delete),
        operation(
            tenant,
            "PATCH",
            "/api/DataObjects/{dataObjectId}/jsonp",
            rows.patch,
            media=PATCH_TYPES,
        ),
        operation(
            tenant,
            "PATCH",
            "/api/DataObjects/{dataObjectId}/jsonp/withActivity",
            rows.patch_with_activity,
            media=PATCH_TYPES,
        ),
        get("/api/DataObjects/{dataObjectId}/duplicatesByAddress", rows.duplicates),
        get("/api/DataObjects/{dataObjectId}/activities/historical", log.historical),
        post("/api/DataObjects/{dataObjectId}/activities/historical", log.historical, writes=False),
        get("/api/DataObjects/{dataObjectId}/activities/{activityId}", log.one_historical),
        get("/api/DataObjects/{dataObjectId}/appointments/upcoming", plans.upcoming),
        post("/api/DataObjects/{dataObjectId}/appointments/upcoming", plans.upcoming, writes=False),
        post(diary, plans.create),
        post(f"{diary}/multiple", plans.create_multiple),
        post(f"{diary}/bulk/create", plans.create_bulk),
        get(f"{diary}/byActivity/{{activityId}}", plans.read_by_activity),
        get(f"{diary}/{{appointmentId}}", plans.read),
        operation(tenant, "PUT", f"{diary}/{{appointmentId}}", plans.replace),
        operation(tenant, "PATCH", f"{diary}/{{appointmentId}}", plans.patch),
        *(
            one
            for base in ("/api/v2/activities", "/api/ActivitiesV2")
            for one in (
                post(base, log.create),
                post(f"{base}/many", log.create_many),
                get(f"{base}/feed", activity_feeds.feed),
                get(f"{base}/{{activityId}}", log.read),
                operation(tenant, "PUT", f"{base}/{{activityId}}", log.replace),
                operation(
                    tenant, "PATCH", f"{base}/{{activityId}}", log.patch, media=(MERGE_TYPE,)
                ),
            )
        ),
        get("/api/Communication/v3/calls", said.calls),
        get("/api/Communication/v3/texts", said.texts),
        get("/api/Communication/v3/mails", said.mails),
        get("/api/Communication/v3/mails/{id}", said.one_mail),
        get("/api/Communication/v2/log", said.log),
        get("/api/DataObjectsSearch", rows.search_by_query, slow=True),
        post("/api/DataObjectsSearch", rows.search_by_body, slow=True, writes=False),
        post("/api/v2/filters", rows.save_filter, writes=False),
        get("/api/v2/filters/{filterId}", rows.read_filter),
        get("/api/Exports/dataObjects/data", rows.export),
        post("/api/Exports/activities", export_calls.export_activities, writes=False),
        post("/api/Exports/dataObjects", export_calls.export_data_objects, writes=False),
        post("/api/Exports/activities/data", activity_feeds.classic_export, writes=False),
        post("/api/Exports/activities/data/flexible", activity_feeds.export, writes=False),
        post(bulk, jobs.create),
        get(f"{bulk}/inprogress", jobs.in_progress),
        get(f"{bulk}/{{id}}", jobs.read, slow=True),
        operation(tenant, "PUT", f"{bulk}/{{id}}/data", jobs.upload, media=FILE_TYPES, slow=True),
        post(f"{bulk}/{{id}}/start", jobs.start),
        get(f"{bulk}/{{id}}/progress", jobs.progress, slow=True),
        get(f"{bulk}/{{id}}/results/succeeded", jobs.succeeded, slow=True),
        get(f"{bulk}/{{id}}/results/failed", jobs.failed, slow=True),
        operation(tenant, "DELETE", f"{bulk}/{{id}}/cleanup", jobs.clean_up),
        get("/api/users", people.users),
        post("/api/Users", people.create_user),
        get("/api/v2/users/list", people.list_users),
        get("/api/users/list", people.list_users),
        get("/api/users/details", people.user_details),
        get("/api/users/externalSystemUserId", people.by_external_id),
        get("/api/users/search", people.search_users),
        post("/api/users/search", people.search_users, writes=False),
        get("/api/users/search/totalCount", people.count_users),
        post("/api/users/search/totalCount", people.count_users, writes=False),
        operation(tenant, "PUT", "/api/users/{id}", people.change_user),
        post("/api/users/{id}/block", people.block_user),
        post("/api/users/{id}/invite", people.invite_user),
        get("/api/Webhooks/scopes", webhook_calls.scopes),
        get("/api/Webhooks", webhook_calls.listed),
        post("/api/Webhooks", webhook_calls.create),
        operation(tenant, "PUT", "/api/Webhooks/{id}", webhook_calls.change),
        operation(tenant, "DELETE", "/api/Webhooks/{id}", webhook_calls.delete),
        get("/api/Teams/all", team_calls.teams),
        get("/api/Teams/list", team_calls.team_list),
        get("/api/Teams/users", team_calls.team_users),
        get("/api/Teams/logs", team_calls.team_logs),
        operation(tenant, "DELETE", "/api/Teams/many", team_calls.delete_teams),
        post("/api/Teams", team_calls.create_team),
        get("/api/Teams/{teamId}", team_calls.read_team),
        operation(tenant, "PUT", "/api/Teams/{teamId}", team_calls.change_team),
        operation(tenant, "DELETE", "/api/Teams/{teamId}", team_calls.delete_team),
        operation(tenant, "PUT", "/api/Teams/{teamId}/addUsers", team_calls.add_users),
        get("/api/Territories/all", team_calls.territories),
        post("/api/Territories", team_calls.create_territory),
        get("/api/Territories/{id}", team_calls.read_territory),
        operation(tenant, "PUT", "/api/Territories/{id}", team_calls.change_territory),
        get("/api/PinsV2/search", pin_calls.search_pin),
        get("/api/PinsV2/nearest", pin_calls.nearest_pins),
        post("/api/PinsV2/format-address", pin_calls.format_address, writes=False),
        get("/api/PinsV2/{pinId}", pin_calls.pin),
    ]


def undeclared_routes(tenant: Tenant) -> list[CaselessRoute]:
    """What the guide describes and the OpenAPI file lacks: the state and the file of an export."""
    return [
        operation(tenant, "GET", "/api/exports/{id}", export_calls.read),
        operation(tenant, "GET", "/files/exports/{id}.csv", export_calls.download),
    ]


async def _no_route(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    sentence = f"No operation {request.method} {request.url.path}."
    return json_response({"errors": {ENTITY: sentence}}, status)
