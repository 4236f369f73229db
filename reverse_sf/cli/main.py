"""The command ``reverse-sf``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn

import click

from reverse_sf.cli.account import account
from reverse_sf.cli.auto_map import auto_map
from reverse_sf.cli.check import check
from reverse_sf.cli.connect import connect, disconnect
from reverse_sf.cli.connection import connection
from reverse_sf.cli.explain import explain
from reverse_sf.cli.init import init
from reverse_sf.cli.journal import conflicts, parked
from reverse_sf.cli.ledger import ledger
from reverse_sf.cli.link import link
from reverse_sf.cli.logs import logs
from reverse_sf.cli.plan import apply, plan
from reverse_sf.cli.release import release_parked
from reverse_sf.cli.restore import revert
from reverse_sf.cli.status import status
from reverse_sf.cli.sync_now import sync_now
from reverse_sf.console import run
from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.document import schema_text


@dataclass(frozen=True)
class _Extra:
    """A command whose packages are an extra that a production machine does without."""

    module: str
    called: str
    short_help: str


_EXTRAS = {
    "simulator": _Extra(
        "reverse_sf.simulator.command",
        "the simulator",
        "Run a local Salesforce and SPOTIO (needs the extra simulator).",
    ),
    "ui": _Extra(
        "reverse_sf.ui.command",
        "the page",
        "Look at the sync and steer it in a browser (needs the extra ui).",
    ),
}


class _Commands(click.Group):
    """The commands; those of an extra are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_EXTRAS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        extra = _EXTRAS.get(cmd_name)
        if extra is None:
            return super().get_command(ctx, cmd_name)
        try:
            module = import_module(extra.module)
        except ModuleNotFoundError as error:
            return _not_installed(cmd_name, extra, error.name or "")
        command: click.Command = getattr(module, cmd_name)
        return command


def _not_installed(name: str, extra: _Extra, module: str) -> click.Command:
    @click.command(
        name,
        short_help=extra.short_help,
        context_settings={"ignore_unknown_options": True},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> None:
        del arguments
        raise ConfigurationError(
            f"{extra.called} needs the package {module}: pip install 'reverse-sf[{name}]'"
        )

    return command


HELP = """Config-as-code sync between SPOTIO and Salesforce.

\b
A project:      init, in a Meltano project that you have
The logins:     connect, connection, disconnect
Before a run:   auto-map, check, plan, schema, simulator; link, where both hold records already
After a run:    status, account, then parked, conflicts, logs and explain; revert takes a run back
In a browser:   ui, a page on this machine with all of this
The memory:     ledger, to see where it is, to back it up, to move it
The run itself: meltano run two-way-sync, or salesforce-to-spotio, or spotio-to-salesforce;
                sync-now for a range of dates

\b
Exit codes, the same for every command, tap, mapper and target:
  0  done
  1  unexpected failure, or a passing fault that outlived its retries
  2  usage or configuration: the message says what to fix
  3  a system refused us: login, permission or quota
  4  another runner holds the lease
  5  done, with records parked, where --strict asks
"""


@click.group(cls=_Commands, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="reverse-sf", prog_name="reverse-sf")
def cli() -> None:
    """Config-as-code sync between SPOTIO and Salesforce; :data:`HELP` is what a user reads."""


@click.command("schema")
def schema() -> None:
    """Print the JSON Schema of sync.yml, for completion and checks in an editor."""
    click.echo(schema_text(), nl=False)


for command in (
    account,
    apply,
    auto_map,
    check,
    conflicts,
    connect,
    connection,
    disconnect,
    explain,
    init,
    ledger,
    link,
    logs,
    parked,
    plan,
    revert,
    schema,
    status,
    sync_now,
):
    cli.add_command(command)
parked.add_command(release_parked)


def main() -> NoReturn:
    """Entry point of the console script."""
    run(cli, "reverse-sf")


if __name__ == "__main__":
    main()
