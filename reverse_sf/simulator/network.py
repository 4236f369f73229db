"""How the local servers listen: uvicorn on loopback, with connections that can be broken."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reverse_sf.simulator.errors import StartError
from reverse_sf.simulator.interception import BREAK_EXTENSION

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from starlette.types import ASGIApp

HOST = "127.0.0.1"


class BreakableProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with a way for the application to break the connection."""

    def on_message_begin(self) -> None:
        """Offer the break to the request that begins."""
        super().on_message_begin()
        self.scope["extensions"] = {BREAK_EXTENSION: {"break": self._break}}

    def _break(self, flush: bool) -> None:  # noqa: FBT001 - ASGI extensions are called by position
        if flush:
            self.transport.close()
        else:
            self.transport.abort()


class QuietServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the process that runs several of them.

    Attributes:
        ready: set once it answers.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets=sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take no signal over."""
        yield


def listen(port: int, what: str) -> socket.socket:
    """Bind a loopback port; 0 takes a free one.

    Raises:
        StartError: the port is taken or not allowed.
    """
    # The protocol is named so that asyncio switches Nagle's algorithm off: otherwise a body waits
    # for the acknowledgement of its head, 40 ms each time.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        # Listening now, not when the world is ready: a second server on this port is refused at
        # once, and a client that comes early waits instead of failing.
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise StartError(
            f"the {what} server cannot listen on port {port} ({error.strerror}); stop what uses "
            f"it, or choose another port (0 takes a free one)"
        ) from error
    return listener


def server(app: ASGIApp, *, certificate: Path | None = None) -> QuietServer:
    """A server for the application; with a certificate (PEM with its key) it speaks TLS."""
    config = uvicorn.Config(
        app,
        http=BreakableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # the service's own clock dates its answers
        timeout_keep_alive=120,
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return QuietServer(config)
