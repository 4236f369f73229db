"""The page as an application: which address shows what, and the guard in front of all of it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from reverse_sf.errors import ReverseSFError
from reverse_sf.ui.security import Guard
from reverse_sf.ui.views import editing, mapping, planning, seeing, work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from reverse_sf.ui.site import Site

_VIEWS: tuple[tuple[str, Callable[[Request], Response]], ...] = (
    ("/", seeing.status),
    ("/logs", seeing.logs),
    ("/logs/{number:int}", seeing.log_row),
    ("/records", seeing.find_record),
    ("/records/{identifier}", seeing.history),
    ("/parked", work.parked),
    ("/parked/{identifier}", work.parked_record),
    ("/conflicts", work.conflicts),
    ("/conflicts/{number:int}", work.conflict),
    ("/mapping", mapping.drawn),
    ("/mapping/field", editing.field),
    ("/mapping/rule", editing.rule),
    ("/mapping/directions", editing.directions),
    ("/mapping/text", editing.text),
    ("/plan", planning.plan),
    ("/plan/kept", planning.kept),
)
_ACTIONS: tuple[tuple[str, Callable[[Request], Response]], ...] = (
    ("/parked/retry", work.retry_parked),
    ("/parked/release", work.release_parked),
    ("/conflicts/{number:int}/restore", work.restore),
    ("/mapping/check", mapping.check_systems),
    ("/mapping/preview", editing.preview),
    ("/mapping/save", editing.save),
    ("/plan/make", planning.make),
    ("/plan/apply", planning.apply),
    ("/jobs/stop", planning.stop),
)


def application(site: Site) -> ASGIApp:
    """The page of a project."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            site.jobs.close()

    def failed(request: Request, error: Exception) -> Response:
        return site.failed(request, error)

    def unknown(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return site.page(
            request,
            "error.html",
            "No such page",
            status=status,
            sentence=f"The page has nothing at {request.url.path}.",
            problems=(),
        )

    # An action comes first: /parked/retry is no record.
    app = Starlette(
        routes=[
            Mount("/static", StaticFiles(packages=[("reverse_sf.ui", "static")])),
            *(Route(path, view, methods=["POST"]) for path, view in _ACTIONS),
            *(Route(path, view, methods=["GET"]) for path, view in _VIEWS),
        ],
        exception_handlers={ReverseSFError: failed, HTTPException: unknown},
        lifespan=lifespan,
    )
    app.state.site = site
    return Guard(app, site.keys, site.refused)
