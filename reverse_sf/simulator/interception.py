"""What stands between the network and a local server's service: log and faults."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, cast

from starlette.responses import JSONResponse, Response

from reverse_sf.simulator.faults import Faults, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.journal import Entry, Journal

PREFIX = "/_simulator"
BREAK_EXTENSION = "reverse_sf.break_connection"
"""Scope extension of our uvicorn protocol: breaks the connection without another byte."""


class Interception:
    """ASGI middleware between the network and the service."""

    def __init__(
        self,
        app: ASGIApp,
        clock: Clock,
        journal: Journal,
        faults: Faults,
        error: Callable[[int], Any],
    ) -> None:
        self._app = app
        self._clock = clock
        self._journal = journal
        self._faults = faults
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or have the service answer it."""
        if scope["type"] != "http" or scope["path"].startswith(PREFIX + "/"):
            await self._app(scope, receive, send)
            return
        send = self._dated(send)
        raw_query = scope["query_string"].decode("latin-1")
        headers = {
            name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]
        }
        entry = self._journal.begin(scope["method"], scope["path"], raw_query, headers)
        raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        target = f"{raw_path}?{raw_query}" if raw_query else raw_path
        outcome = self._faults.outcome(scope["method"], target) or Outcome()
        exchange = _Exchange(self._app, scope, receive, send, journal=self._journal, entry=entry)
        entry.fault = _name_of(outcome)
        if outcome.delay_s:
            await asyncio.sleep(outcome.delay_s)
        if outcome.drop == "before":
            await exchange.break_off()
        elif outcome.drop == "after":
            await exchange.run(None)
            entry.status = None
            await exchange.break_off()
        elif outcome.drop == "during":
            await exchange.run_half()
        elif outcome.status is not None:
            if outcome.applied:
                await exchange.run(None)
            entry.status = outcome.status
            await self._answer(outcome)(scope, receive, send)
        else:
            await exchange.run(send, outcome.headers)

    def _dated(self, send: Send) -> Send:
        """Answers carry the time of the server's own clock, as a client may go by it."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                stamp = format_datetime(self._clock.now(), usegmt=True).encode()
                message = {**message, "headers": [*message.get("headers", []), (b"date", stamp)]}
            await send(message)

        return sending

    def _answer(self, outcome: Outcome) -> Response:
        status = outcome.status or 500
        body = outcome.body if outcome.body is not None else self._error(status)
        if isinstance(body, str):
            return Response(body, status, outcome.headers, media_type="text/plain")
        return JSONResponse(body, status, outcome.headers)


class _Exchange:
    """One request on its way through the service, with its log entry."""

    def __init__(
        self,
        app: ASGIApp,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        journal: Journal,
        entry: Entry,
    ) -> None:
        self._app = app
        self._journal = journal
        self._scope = scope
        self._receive = receive
        self._send = send
        self._entry = entry

    async def run(self, send: Send | None, extra: dict[str, str] | None = None) -> None:
        """Run the service; its answer goes to ``send``, or nowhere."""
        state = self._scope.setdefault("state", {})
        body = bytearray()

        async def listening() -> Message:
            message = await self._receive()
            if message["type"] == "http.request":
                body.extend(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Written before the answer leaves: whoever has the answer finds it in the log.
                self._entry.status = message["status"]
                self._entry.records = int(state.get("records", 0))
                self._entry.subrequests = list(state.get("subrequests", []))
                self._entry.billed = int(state.get("billed", 1))
                self._journal.keep_body(self._entry, bytes(body))
                if extra:
                    message["headers"] = [
                        *message.get("headers", []),
                        *((name.lower().encode(), text.encode()) for name, text in extra.items()),
                    ]
            if send is not None:
                await send(message)

        await self._app(self._scope, listening, sending)

    async def run_half(self) -> None:
        """Run the service, send the head and half of the body's first piece, then break off."""
        done = False

        async def halving(message: Message) -> None:
            nonlocal done
            if done:
                return
            if message["type"] == "http.response.body":
                done = True
                piece = message.get("body", b"")
                message = {**message, "body": piece[: len(piece) // 2], "more_body": True}
            await self._send(message)

        await self.run(halving)
        await self.break_off(flush=True)

    async def break_off(self, *, flush: bool = False) -> None:
        """Break the connection; nothing of what was held back is sent any more."""
        extension = self._scope.get("extensions", {}).get(BREAK_EXTENSION)
        if extension is None:
            raise ConnectionResetError("the connection is broken on purpose")
        cast("Callable[[bool], None]", extension["break"])(flush)
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _name_of(outcome: Outcome) -> str | None:
    if outcome.drop:
        return f"drop {outcome.drop}"
    if outcome.status is not None:
        return f"status {outcome.status}" + (" after it was applied" if outcome.applied else "")
    if outcome.delay_s:
        return f"delay {outcome.delay_s:g} s"
    return "headers" if outcome.headers else None
