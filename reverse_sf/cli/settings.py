"""Settings of the command line, from the environment that Meltano gives its plugins.

``meltano invoke reverse-sf:check`` runs with the variables of the environment in ``meltano.yml``
and of ``.env``, which name the taps' and targets' settings; the same variables work without
Meltano.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.address import default_uri
from reverse_sf.ledger.address import parse as parse_ledger_uri
from reverse_sf.ledger.store import Ledger
from reverse_sf.sync_file import DEFAULT_SYNC_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

SALESFORCE_PREFIXES = ("TAP_SALESFORCE_", "TARGET_SALESFORCE_", "REVERSE_SF_SALESFORCE_")
SPOTIO_PREFIXES = ("TARGET_SPOTIO_", "TAP_SPOTIO_", "REVERSE_SF_SPOTIO_")
_OWN_PREFIXES = ("REVERSE_SF_", "CRM_MAPPER_")
_TRUE = frozenset({"true", "1", "yes", "on"})


def connection_settings(
    prefixes: tuple[str, ...], environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The settings of one system: those of the first plugin that has any, never a mixture.

    Args:
        prefixes: of the variables, the preferred plugin first.
        environment: variables; the process's own by default.
    """
    environment = os.environ if environment is None else environment
    for prefix in prefixes:
        found = {
            name.removeprefix(prefix).lower(): value
            for name, value in environment.items()
            if name.startswith(prefix) and value
        }
        if found:
            return found
    return {}


def is_true(text: str | None) -> bool:
    """Whether the text of a variable means true."""
    return (text or "").strip().lower() in _TRUE


def own_setting(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """A setting of this command, or of the mapper, which has the same one."""
    environment = os.environ if environment is None else environment
    for prefix in _OWN_PREFIXES:
        value = environment.get(f"{prefix}{name.upper()}")
        if value:
            return value
    return None


def sync_file(given: Path | None) -> Path:
    """Where the sync definition is: option, setting ``sync_file``, or ``sync.yml``.

    A relative path is meant from the Meltano project's root, where there is one.
    """
    if given is not None:
        return given
    path = Path(own_setting("sync_file") or DEFAULT_SYNC_FILE)
    root = os.environ.get("MELTANO_PROJECT_ROOT")
    return Path(root) / path if root else path


def ledger_uri_of(given: str | None) -> str:
    """Where the ledger is: option, setting ``ledger_uri``, or the Meltano project's own file."""
    return given or own_setting("ledger_uri") or default_uri()


def open_ledger(given: str | None) -> Ledger:
    """Open the ledger for reading; a ledger that is not there is an error, never made.

    Raises:
        ConfigurationError: there is no ledger at the address, or the address is wrong.
    """
    uri = ledger_uri_of(given)
    file = parse_ledger_uri(uri).file
    if file is not None and not file.exists():
        raise ConfigurationError(
            f"there is no ledger at {file} yet: run a sync first (meltano run two-way-sync) "
            "in this project, or say where the ledger is with the "
            "setting ledger_uri (option --ledger-uri)"
        )
    return Ledger.open(uri)
