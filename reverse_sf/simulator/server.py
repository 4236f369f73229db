"""Both local servers in one process, from the ports to the last answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverse_sf.simulator.certificate import Certificate, make_certificate
from reverse_sf.simulator.clock import Clock
from reverse_sf.simulator.errors import StartError
from reverse_sf.simulator.network import HOST, QuietServer, listen, server
from reverse_sf.simulator.salesforce.app import salesforce_app
from reverse_sf.simulator.spotio.app import spotio_app

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Generator

    from starlette.types import ASGIApp


@dataclass(frozen=True)
class Options:
    """What ``reverse-sf simulator`` is asked for; the command's help explains each.

    Attributes:
        accounts: plain Accounts added to Salesforce, for measuring.
        announce: where the machine readable line goes; ``-`` is standard output.
        stop_on_eof: also end when standard input is closed, so that a parent takes us along.
    """

    salesforce_port: int = 8730
    spotio_port: int = 8731
    records: int = 2600
    seed: int = 1
    empty: bool = False
    data: Path | None = None
    tls: bool = False
    accounts: int = 0
    announce: Path | None = None
    stop_on_eof: bool = False


def serve(options: Options) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Raises:
        StartError: a port is taken, or the folder cannot be used.
    """
    with contextlib.ExitStack() as stack:
        listeners = [
            stack.enter_context(contextlib.closing(listen(port, name)))
            for port, name in (
                (options.salesforce_port, "Salesforce"),
                (options.spotio_port, "SPOTIO"),
            )
        ]
        folder = stack.enter_context(_folder(options.data))
        certificate = make_certificate(folder / "tls") if options.tls else None
        apps = _apps(options)
        pem = certificate.server if certificate else None
        servers = [server(app, certificate=pem) for app in apps]
        asyncio.run(_run(servers, listeners, options, certificate))


def _apps(options: Options) -> tuple[ASGIApp, ASGIApp]:
    # One clock each: two services never agree to the second, and a test may move one of them.
    return (
        salesforce_app(
            Clock(),
            seed=options.seed,
            records=options.records,
            empty=options.empty,
            database=str(options.data / "salesforce.db") if options.data else ":memory:",
            accounts=options.accounts,
        ),
        spotio_app(
            Clock(),
            seed=options.seed,
            records=options.records,
            empty=options.empty,
            data=options.data,
        ),
    )


async def _run(
    servers: list[QuietServer],
    listeners: list[socket.socket],
    options: Options,
    certificate: Certificate | None,
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not every platform has signal handlers on the loop; Ctrl-C raises there instead.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopping.set)
    if options.stop_on_eof:
        _watch_input(lambda: loop.call_soon_threadsafe(stopping.set))
    tasks = [
        asyncio.create_task(one.serve(sockets=[listener]))
        for one, listener in zip(servers, listeners, strict=True)
    ]
    stop = asyncio.create_task(_wait(stopping))
    started = asyncio.create_task(_wait(*(one.ready for one in servers)))
    await asyncio.wait({started, stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    if started.done():
        _announce(listeners, options, certificate)
        await asyncio.wait({stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    for one in servers:
        one.should_exit = True
    stop.cancel()
    started.cancel()
    await asyncio.gather(*tasks)


async def _wait(*events: asyncio.Event) -> None:
    for event in events:
        await event.wait()


def _announce(
    listeners: list[socket.socket], options: Options, certificate: Certificate | None
) -> None:
    scheme = "https" if certificate else "http"
    salesforce, spotio = (listener.getsockname()[1] for listener in listeners)
    urls = [f"{scheme}://{HOST}:{port}" for port in (salesforce, spotio)]
    announced = json.dumps(
        {
            "salesforce_url": urls[0],
            "salesforce_port": salesforce,
            "spotio_url": urls[1],
            "spotio_port": spotio,
            "authority": str(certificate.authority) if certificate else None,
        }
    )
    lines = [f"Salesforce  {urls[0]}", f"SPOTIO      {urls[1]}"]
    if certificate:
        lines.append(f"CA file     {certificate.authority}")
    if str(options.announce) == "-":
        lines = [announced]
    elif options.announce is not None:
        # Renamed into place, so that whoever waits for the file never reads half of it.
        draft = options.announce.with_name(options.announce.name + ".part")
        draft.write_text(announced + "\n", encoding="utf-8")
        draft.replace(options.announce)
    print("\n".join(lines), flush=True)  # noqa: T201 - the command's own output


@contextlib.contextmanager
def _folder(data: Path | None) -> Generator[Path, None, None]:
    if data is None:
        with tempfile.TemporaryDirectory(prefix="reverse-sf-") as folder:
            yield Path(folder)
        return
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"the folder {data} cannot be made: {error.strerror}") from error
    yield data


def _watch_input(stop: Callable[[], object]) -> None:
    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            stop()

    threading.Thread(target=watch, daemon=True).start()
