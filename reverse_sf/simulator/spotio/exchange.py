"""One request and its answer: caseless paths and names, tokens, media types, the error envelope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from reverse_sf.simulator.spotio.folding import folded
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from reverse_sf.simulator.spotio.records import Member
    from reverse_sf.simulator.spotio.tenant import Tenant

_JSON = re.compile(r"^(application/json|application/[\w.-]+\+json|text/json)$")
PATCH_TYPES = ("application/json-patch+json", "application/merge-patch+json", "application/json")
MERGE_TYPE = "application/merge-patch+json"
LONGEST_QUERY = 2048
"""Characters; IIS answers a longer query with 404 (its request filtering, sub-status 15)."""
FILE_TYPES = ("application/x-ndjson", "application/octet-stream")


class Exchange:
    """What an operation sees of its request."""

    def __init__(self, tenant: Tenant, request: Request, raw: bytes, actor: Member | None) -> None:
        self.tenant = tenant
        self.raw = raw
        self._request = request
        self._actor = actor
        self._query = {name.lower(): text for name, text in request.query_params.items()}

    @property
    def actor(self) -> Member:
        """Whose token it is."""
        if self._actor is None:
            raise Refusal(401)
        return self._actor

    @property
    def origin(self) -> str:
        """Scheme and host that the client called."""
        url = self._request.url
        return f"{url.scheme}://{url.netloc}"

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self._request.path_params[name])

    def query(self, name: str) -> str | None:
        """A query parameter; none where it is missing or empty."""
        return self._query.get(name.lower()) or None

    def query_list(self, name: str) -> list[str]:
        """All values of a query parameter, repeated or separated by commas."""
        pairs = self._request.query_params.multi_items()
        given = [text for key, text in pairs if key.lower() == name.lower()]
        return [part for text in given for part in text.split(",") if part]

    def queries(self) -> dict[str, Any]:
        """All query parameters under their documented names."""
        found: dict[str, Any] = folded(dict(self._query))
        return found

    def number(self, name: str, default: int) -> int:
        """A query parameter that is a positive integer.

        Raises:
            Refusal: 400.
        """
        text = self.query(name)
        if text is None:
            return default
        if not text.isdigit() or int(text) < 1:
            raise Refusal(400, {name: f"The value '{text}' is not valid."})
        return int(text)

    def flag(self, name: str, *, default: bool) -> bool:
        """A boolean query parameter."""
        text = self.query(name)
        return default if text is None else text.lower() == "true"

    def body(self, *, optional: bool = False) -> Any:
        """The JSON body with its property names as documented.

        Raises:
            Refusal: 400, it is not JSON.
        """
        if not self.raw.strip():
            if optional:
                return {}
            raise Refusal(400, "A non-empty request body is required.")
        try:
            return folded(msgspec.json.decode(self.raw))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal(400, f"The body is not valid JSON: {error}") from error

    def object(self, *, optional: bool = False) -> dict[str, Any]:
        """The body, which must be an object."""
        body = self.body(optional=optional)
        if not isinstance(body, dict):
            raise Refusal(400, "The body must be an object.")
        return body

    def touch(self, records: int) -> None:
        """Tell the request log how many records the call touched."""
        self._request.scope.setdefault("state", {})["records"] = records

    @property
    def media_type(self) -> str:
        """The request's content type without parameters."""
        return self._request.headers.get("content-type", "").partition(";")[0].strip().lower()


class CaselessRoute(Route):
    """A route that matches paths without regard to case, as ASP.NET does."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, methods: list[str]) -> None:
        super().__init__(path, endpoint, methods=methods)
        self.path_regex = re.compile(self.path_regex.pattern, re.IGNORECASE)


def operation(
    tenant: Tenant,
    method: str,
    path: str,
    answer: Callable[[Exchange], Any],
    *,
    open_to_all: bool = False,
    media: Sequence[str] = (),
    slow: bool = False,
    writes: bool | None = None,
) -> CaselessRoute:
    """Serve one operation.

    Args:
        tenant: whose operation it is.
        method: HTTP method.
        path: as the OpenAPI file spells it.
        answer: makes the body; a Response goes out as it is.
        open_to_all: no token is needed.
        media: accepted content types of the body; all JSON types where there are none.
        slow: run it beside the event loop.
        writes: whether it changes something; every method but GET does, unless told.
    """
    writes = method != "GET" if writes is None else writes

    def work(exchange: Exchange) -> Response:
        with tenant.lock:
            try:
                tenant.jobs.advance()
                if writes and not open_to_all:
                    _check_writer(exchange)
                _check_media(exchange, media)
                made = answer(exchange)
            except Refusal as refusal:
                return refused(refusal, tenant.declared["validation_status"])
        return made if isinstance(made, Response) else json_response(made)

    async def endpoint(request: Request) -> Response:
        actor = tenant.tokens.user(request.headers.get("authorization", ""), tenant.store.members)
        if actor is None and not open_to_all:
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        if len(request.url.query) > LONGEST_QUERY:
            return Response(status_code=404)
        exchange = Exchange(tenant, request, await request.body(), actor)
        return await run_in_threadpool(work, exchange) if slow else work(exchange)

    return CaselessRoute(path, endpoint, methods=[method])


def json_response(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(body), status, media_type="application/json; charset=utf-8")


def refused(refusal: Refusal, validation_status: int) -> Response:
    """The answer to a refused request."""
    status = validation_status if refusal.status == VALIDATION else refusal.status
    if not refusal.errors:
        return Response(status_code=status)
    return json_response({"errors": refusal.errors}, status)


def _check_writer(exchange: Exchange) -> None:
    """Refuse a change by a read-only user; see switch ``readonly_writes``."""
    if exchange.actor.readonly and exchange.tenant.declared["readonly_writes"] == "refused":
        raise Refusal(403, "A read-only user cannot change anything.")


def _check_media(exchange: Exchange, accepted: Sequence[str]) -> None:
    if not exchange.raw:
        return
    media_type = exchange.media_type
    good = media_type in accepted if accepted else bool(_JSON.match(media_type))
    if not good:
        raise Refusal(415, f"Unsupported media type '{media_type}'.")
