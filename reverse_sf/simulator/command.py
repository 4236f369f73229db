"""The command ``reverse-sf simulator``: rehearse a sync without any account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from reverse_sf.simulator.connection import environment
from reverse_sf.simulator.errors import StartError

_EXTRA = {"cryptography", "httptools", "jwt", "python_multipart", "starlette", "uvicorn"}
_PORT = click.IntRange(0, 65535)
_ports = (
    click.option(
        "--salesforce-port",
        type=_PORT,
        default=8730,
        show_default=True,
        help="Port of the Salesforce server; 0 takes a free one.",
    ),
    click.option(
        "--spotio-port",
        type=_PORT,
        default=8731,
        show_default=True,
        help="Port of the SPOTIO server; 0 takes a free one.",
    ),
    click.option("--tls", is_flag=True, help="Speak https, with a certificate made on the spot."),
)


def _with_ports(command: Any) -> Any:
    for option in reversed(_ports):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_with_ports
@click.option(
    "--records",
    type=click.IntRange(0),
    default=2600,
    show_default=True,
    help="Size of the demo world, in Salesforce records.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same world."
)
@click.option("--empty", is_flag=True, help="Users and metadata only, no records.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the servers' state in this folder; without it, in memory.",
)
@click.option(
    "--accounts",
    type=click.IntRange(0),
    default=0,
    help="Add so many plain Accounts to Salesforce, for measuring.",
)
@click.option(
    "--announce",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write a JSON object with URLs and ports to this file once ready; - is standard output.",
)
@click.option("--stop-on-eof", is_flag=True, hidden=True)
@click.pass_context
def simulator(context: click.Context, /, **options: Any) -> None:
    """Run a local Salesforce and a local SPOTIO, in the foreground.

    Both listen on this machine only and hold one made-up field-sales company. Point taps and
    targets at them with the variables that `reverse-sf simulator env` prints. Ctrl-C stops them.

    Look behind their APIs at /_simulator/requests and /_simulator/records/OBJECT; POST to
    /_simulator/edit (as a person in the web app), clock, faults, switches or reset. What
    the switches mean is at /_simulator/meanings.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        # Late: the web server is needed to serve, not for --help or env.
        from reverse_sf.simulator.server import Options, serve  # noqa: PLC0415 - costs 0.3 s
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise click.ClickException(
            f"the local servers need {error.name}, which is not installed; "
            "install the extra: pip install 'reverse-sf[simulator]'"
        ) from error
    try:
        serve(Options(**options))
    except StartError as error:
        raise click.ClickException(str(error)) from error


@simulator.command()
@_with_ports
@click.option(
    "--announce",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take URLs from the file that the servers wrote with their --announce.",
)
@click.option(
    "--authority",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The CA file that the servers named, with --tls.",
)
def env(
    salesforce_port: int,
    spotio_port: int,
    *,
    tls: bool,
    announce: Path | None,
    authority: Path | None,
) -> None:
    """Print NAME=value lines that point the taps and targets at the local servers.

    Give it the same ports as the servers. In a shell: export $(reverse-sf simulator env)
    """
    if announce is not None:
        announced = json.loads(announce.read_text(encoding="utf-8"))
        salesforce_url, spotio_url = announced["salesforce_url"], announced["spotio_url"]
        authority = authority or (announced["authority"] and Path(announced["authority"]))
    elif not salesforce_port or not spotio_port:
        raise click.UsageError("port 0 is decided when the servers start: use --announce FILE")
    else:
        scheme = "https" if tls else "http"
        salesforce_url = f"{scheme}://127.0.0.1:{salesforce_port}"
        spotio_url = f"{scheme}://127.0.0.1:{spotio_port}"
    for name, text in environment(salesforce_url, spotio_url, authority).items():
        click.echo(f"{name}={text}")
