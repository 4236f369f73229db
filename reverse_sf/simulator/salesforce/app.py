"""The local Salesforce server as an ASGI application."""

from __future__ import annotations

import asyncio
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Mount

from reverse_sf.simulator.control import Control
from reverse_sf.simulator.salesforce import rest
from reverse_sf.simulator.salesforce.backend import SalesforceBackend
from reverse_sf.simulator.salesforce.exchange import Answer, Call, FileSlice, parse_target, unpack
from reverse_sf.simulator.salesforce.login import origin_of
from reverse_sf.simulator.salesforce.org import Org
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from reverse_sf.simulator.clock import Clock

LONGEST_TARGET = 16_384
"""Bytes of path and query; longer ones are refused with 414 (REST guide, status codes)."""
LONGEST_HEADERS = 32_768
_CHUNK = 512 * 1024
_SMALL = 1024
_EMPTY_STATUSES = {204, 304}
_WORDS = {
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    429: ("REQUEST_LIMIT_EXCEEDED", "Too many requests"),
    500: ("UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    502: ("SERVER_UNAVAILABLE", "Bad gateway"),
    503: ("SERVER_UNAVAILABLE", "The server is too busy to handle this request"),
}


def salesforce_app(
    clock: Clock,
    *,
    seed: int = 1,
    records: int = 2600,
    empty: bool = False,
    database: str = ":memory:",
    accounts: int = 0,
) -> ASGIApp:
    """The whole server: API, control calls, request log and faults.

    Args:
        clock: the server's time.
        seed: of the demo world.
        records: size of the demo world.
        empty: users and metadata only.
        database: SQLite file of the records, or memory.
        accounts: plain Accounts to add, for measuring.
    """
    org = Org(clock, database=database, seed=seed, records=records, empty=empty)
    # A database that was kept on disk has them already.
    if accounts and org.count("Account") < accounts:
        org.populate_accounts(accounts)
    folder = tempfile.TemporaryDirectory(prefix="reverse-sf-bulk-")
    service = Service(org, clock, Path(folder.name))
    control = Control(clock, "salesforce", error=_error_body)
    backend = SalesforceBackend(service, accounts=accounts)
    app = Starlette(routes=[*control.routes(backend), Mount("/", app=_Endpoint(service))])
    # The folder of Bulk results lives as long as the application that reads them.
    app.state.folder = folder
    return control.middleware(app)


class _Endpoint:
    """Turns HTTP into calls and answers back into HTTP."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        headers = dict(request.headers)
        compress = "gzip" in headers.get("accept-encoding", "")
        if len(raw_path) + len(query) > LONGEST_TARGET:
            await self._send(Answer(b"URI Too Long", 414, media_type="text/html"), scope, send)
            return
        if sum(len(name) + len(text) for name, text in headers.items()) > LONGEST_HEADERS:
            refused = Answer(b"Request Header Fields Too Large", 431, media_type="text/html")
            await self._send(refused, scope, send)
            return
        segments, parameters = parse_target(raw_path.split("?")[0], query)
        body = await request.body()
        call = Call(
            scope["method"],
            segments,
            parameters,
            headers,
            body,
            origin_of(scope["scheme"], headers),
            answer_part=rest.resource,
        )
        answer = await self._answered(call)
        state = scope.setdefault("state", {})
        state["records"] = call.records
        state["subrequests"] = call.subrequests
        state["billed"] = call.billed
        await self._send(answer, scope, send, compress=compress, in_api=bool(call.version))

    async def _answered(self, call: Call) -> Answer:
        traffic, wait = self._service.traffic, self._service.switches["request_s"]
        try:
            if call.segments[:2] == ("services", "data"):
                traffic.check()
        except ApiFault as fault:
            return Answer(fault.body(), fault.status)
        with traffic.running():
            if wait:
                await asyncio.sleep(wait)
            return await run_in_threadpool(self._answer, call)

    def _answer(self, call: Call) -> Answer:
        try:
            call.body = unpack(call.body, call.headers.get("content-encoding", ""))
        except ApiFault as fault:
            return Answer(fault.body(), fault.status)
        return rest.answer(self._service, call)

    async def _send(
        self,
        answer: Answer,
        scope: Scope,
        send: Send,
        *,
        compress: bool = False,
        in_api: bool = False,
    ) -> None:
        headers = dict(answer.headers)
        if in_api and answer.limit_info:
            headers["Sforce-Limit-Info"] = self._service.quota.limit_info()
        empty = answer.body is None or answer.status in _EMPTY_STATUSES
        if not empty:
            headers["Content-Type"] = answer.media_type
        pieces, length = _pieces(answer.body, empty=empty)
        is_file = isinstance(answer.body, FileSlice)
        if is_file:
            compress = compress and bool(self._service.switches["bulk_gzip"])
        if compress and length > _SMALL:
            headers["Content-Encoding"] = "gzip"
            pieces = _gzip(pieces)
        elif answer.status not in _EMPTY_STATUSES:
            headers["Content-Length"] = str(length)
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()],
            }
        )
        if scope["method"] != "HEAD":
            # Large bodies are read and compressed in a thread, so that other calls go on.
            while piece := await run_in_threadpool(next, pieces, b""):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _pieces(body: Any, *, empty: bool) -> tuple[Iterator[bytes], int]:
    if empty:
        return iter(()), 0
    if isinstance(body, FileSlice):
        return _file_pieces(body), len(body.head) + body.stop - body.start
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return iter((encoded,)), len(encoded)


def _file_pieces(piece: FileSlice) -> Iterator[bytes]:
    yield piece.head
    left = piece.stop - piece.start
    if not left:
        return
    with piece.path.open("rb") as file:
        file.seek(piece.start)
        while left > 0:
            chunk = file.read(min(_CHUNK, left))
            left -= len(chunk)
            yield chunk


def _gzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for piece in pieces:
        # An empty piece would end the answer: the packer holds small ones back.
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def _error_body(status: int) -> list[dict[str, str]]:
    code, message = _WORDS.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
    return [{"message": message, "errorCode": code}]
