"""The command ``reverse-sf ui``: serve the page on this machine until Ctrl-C."""

from __future__ import annotations

import socket
import sys
import webbrowser
from contextlib import closing
from pathlib import Path

import click
import uvicorn

from reverse_sf.cli.rendering import say
from reverse_sf.cli.settings import sync_file as find_sync_file
from reverse_sf.errors import ConfigurationError
from reverse_sf.ui.app import application
from reverse_sf.ui.jobs import Jobs
from reverse_sf.ui.security import Keys
from reverse_sf.ui.site import Site

_HOST = "127.0.0.1"
_SECONDS_FOR_ANSWERS = 5
_HELP = """Look at the sync and steer it in a browser.

Serves a page on this machine alone (127.0.0.1): status, logs, parked work, conflicts, the mapping
with its checks, and plans. It asks what the commands ask and does what they do. The address that is
printed holds a secret: who has it can use the page as long as the command runs.

\b
reverse-sf ui                 a free port; opens the browser where there is a terminal
reverse-sf ui --port 8740     always the same port, such as for a tunnel: ssh -L 8740:127.0.0.1:8740

Exit codes: 0 ended with Ctrl-C, 2 the port is taken or a setting is wrong.
"""


@click.command("ui", help=_HELP)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@click.option(
    "--sync-file",
    type=click.Path(path_type=Path),
    help="The definition.  [default: setting sync_file, or sync.yml]",
)
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
def ui(*, port: int, no_browser: bool, sync_file: Path | None, ledger_uri: str | None) -> None:
    """Serve the page; :data:`_HELP` is what a user reads."""
    keys = Keys.fresh()
    path = find_sync_file(sync_file)
    options = ["--sync-file", str(path), *(["--ledger-uri", ledger_uri] if ledger_uri else [])]
    with closing(_listen(port)) as listener:
        site = Site(keys, Jobs(options=options), path, ledger_uri)
        server = uvicorn.Server(
            uvicorn.Config(
                application(site),
                log_level="warning",
                access_log=False,  # it would print the token
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_SECONDS_FOR_ANSWERS,
            )
        )
        address = f"http://{_HOST}:{listener.getsockname()[1]}/?token={keys.token}"
        say(f"The page is at {address}")
        say("Ctrl-C ends it.")
        if not no_browser and sys.stdout.isatty():
            webbrowser.open(address)
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            say("Ended.")


def _listen(port: int) -> socket.socket:
    """Bind the port before anything else, so that a browser that comes early waits.

    Raises:
        ConfigurationError: the port is taken or not allowed.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"port {port} cannot be used ({error.strerror}): choose another one with --port"
        ) from error
    return listener
