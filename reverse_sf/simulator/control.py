"""What both local servers have beside their API: the ``/_simulator/`` calls, log and faults.

The two services know nothing of these calls; they exist so that people and tests can look behind
the API, edit as a person in the web app would, move the clock and break things on purpose.

===========================  =======================================================================
``GET health``               ready or not
``GET requests?since=N``     every API request: number, method, path, status, records touched,
                             client, ``subrequests`` of a composite or batch one by one, ``billed``
                             (how many requests the service counts it as); never a secret
``GET records/{object}``     all rows, deleted ones with their mark
``POST edit``                an edit as in the web app; a body that is not understood is answered
                             with all that are
``GET, POST clock``          ``{set}``, ``{advance}``, ``{frozen}``
``GET, POST, DELETE faults``  what goes wrong on purpose, see ``faults.py``
``GET, POST switches``       behaviour that is not publicly known, or that varies
``POST reset``               back to the seed
===========================  =======================================================================

Salesforce has two more:

``GET, POST rules``
    validation rules, duplicate rules, assignment rules and flows; a POST of ``{object, kind, name,
    active}`` switches all that it singles out (``{active: false}`` every one), ``{rules: [...]}``
    several such.
``GET, POST usage``
    what is used of the day's allowances; a POST such as ``{api_requests: 99000}`` pretends.

SPOTIO has one more:

``GET, POST webhooks``
    what waits for delivery, and every attempt; a POST of ``{duplicate: n}`` or ``{reorder: n}``
    sends the next deliveries twice, the next events last first.

SPOTIO's switches, most of what its public pages leave open, are listed in ``spotio/quirks.py``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.faults import Faults, parse_fault
from reverse_sf.simulator.interception import PREFIX, Interception
from reverse_sf.simulator.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from reverse_sf.simulator.clock import Clock


class Backend(Protocol):
    """The service behind the API, as the control calls see it."""

    @property
    def switches(self) -> dict[str, Any]:
        """All settings by name."""

    def set_switches(self, changes: dict[str, Any]) -> None:
        """Change some settings; ControlError where a name or setting is not known."""

    def rows(self, object_name: str) -> list[dict[str, Any]]:
        """All rows of an object, deleted ones with their mark; ControlError if there is none."""

    def edit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Edit as a person in the web app would; ControlError where that is refused."""

    def reset(self) -> None:
        """Back to the seed."""

    @property
    def further(self) -> Mapping[str, Callable[[dict[str, Any] | None], Any]]:
        """Calls that only this service has: by name, given the body of a POST, none for a GET."""


class Control:
    """Request log, faults and clock of one server, and the calls that reach them.

    Args:
        clock: the server's clock.
        name: ``salesforce`` or ``spotio``, shown by the health call.
        error: makes the JSON body of an injected status that has no body of its own, in the
            service's own error shape.
    """

    def __init__(
        self, clock: Clock, name: str, *, error: Callable[[int], Any] | None = None
    ) -> None:
        self.clock = clock
        self.name = name
        self.journal = Journal()
        self.faults = Faults()
        self._error = error or (lambda status: {"error": f"injected fault {status}"})

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Wrap the whole server: log and number every API request and apply the faults."""
        return Interception(app, self.clock, self.journal, self.faults, self._error)

    def routes(self, backend: Backend) -> list[Route]:
        """The ``/_simulator/`` calls."""
        calls = _Calls(self, backend)
        return [
            Route(f"{PREFIX}/health", _json(calls.health), methods=["GET"]),
            Route(f"{PREFIX}/requests", _json(calls.requests), methods=["GET"]),
            Route(f"{PREFIX}/records/{{object}}", _json(calls.records), methods=["GET"]),
            Route(f"{PREFIX}/edit", _json(calls.edit), methods=["POST"]),
            Route(f"{PREFIX}/clock", _json(calls.clock), methods=["GET", "POST"]),
            Route(f"{PREFIX}/faults", _json(calls.faults), methods=["GET", "POST", "DELETE"]),
            Route(f"{PREFIX}/switches", _json(calls.switches), methods=["GET", "POST"]),
            Route(f"{PREFIX}/reset", _json(calls.reset), methods=["POST"]),
            *(
                Route(f"{PREFIX}/{name}", _json(calls.further(answer)), methods=["GET", "POST"])
                for name, answer in backend.further.items()
            ),
        ]


class _Calls:
    """The control calls of one server."""

    def __init__(self, control: Control, backend: Backend) -> None:
        self._control = control
        self._backend = backend

    async def health(self, _request: Request) -> Any:
        return {"ready": True, "name": self._control.name, "now": self._now()}

    async def requests(self, request: Request) -> Any:
        since = request.query_params.get("since", "0")
        if not since.isdigit():
            raise ControlError(f"since must be a request number, not {since!r}")
        journal = self._control.journal
        return {"last": journal.last, "requests": journal.since(int(since))}

    async def records(self, request: Request) -> Any:
        return await run_in_threadpool(self._backend.rows, request.path_params["object"])

    async def edit(self, request: Request) -> Any:
        return await run_in_threadpool(self._backend.edit, await _body(request))

    async def clock(self, request: Request) -> Any:
        if request.method == "POST":
            self._move(await _body(request))
        return {"now": self._now(), "frozen": self._control.clock.frozen}

    async def faults(self, request: Request) -> Any:
        faults = self._control.faults
        if request.method == "DELETE":
            faults.clear()
        elif request.method == "POST":
            body = await _body(request)
            listed = body["faults"] if set(body) == {"faults"} else [body]
            for fault in [parse_fault(entry) for entry in listed]:
                faults.add(fault)
        return {"faults": faults.as_json()}

    async def switches(self, request: Request) -> Any:
        if request.method == "POST":
            self._backend.set_switches(await _body(request))
        return {"switches": self._backend.switches}

    @staticmethod
    def further(
        answer: Callable[[dict[str, Any] | None], Any],
    ) -> Callable[[Request], Awaitable[Any]]:
        async def endpoint(request: Request) -> Any:
            body = await _body(request) if request.method == "POST" else None
            return await run_in_threadpool(answer, body)

        return endpoint

    async def reset(self, _request: Request) -> Any:
        self._control.faults.clear()
        self._control.clock.reset()
        await run_in_threadpool(self._backend.reset)
        self._control.journal.clear()
        return {"reset": True}

    def _now(self) -> str:
        return self._control.clock.now().isoformat()

    def _move(self, body: dict[str, Any]) -> None:
        unknown = sorted(set(body) - {"set", "advance", "frozen"})
        if unknown or not body:
            raise ControlError(
                f"unknown keys: {', '.join(unknown) or 'none given'}; known are: set (ISO 8601), "
                "advance (seconds), frozen (true or false)"
            )
        try:
            if "frozen" in body:
                self._control.clock.freeze(frozen=bool(body["frozen"]))
            if "set" in body:
                self._control.clock.set(str(body["set"]))
            if "advance" in body:
                self._control.clock.advance(float(body["advance"]))
        except (TypeError, ValueError) as error:
            raise ControlError(f"the clock does not understand this: {error}") from error


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise ControlError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    return body


def _json(
    answer: Callable[[Request], Awaitable[Any]],
) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await answer(request))
        except ControlError as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint
