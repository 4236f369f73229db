"""Files of the project on disk, the sync definition and plans: the one place that opens them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.document import parse
from reverse_sf.merge.plan import VERSION, Plan

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import SyncDefinition

DEFAULT_SYNC_FILE = "sync.yml"


def read_sync_file(path: str | Path = DEFAULT_SYNC_FILE) -> SyncDefinition:
    """Read and check a sync definition.

    Raises:
        ConfigurationError: the file is not there, cannot be read, or has problems (all of them).
    """
    path = Path(path)
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"there is no sync definition at {path}: write one, or say where it is with the "
            "setting sync_file (option --sync-file)"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    return parse(text, source=str(path))


def read_plan_file(path: str | Path) -> Plan:
    """Read a plan that ``reverse-sf plan`` wrote.

    Raises:
        ConfigurationError: the file is not there, cannot be read, or is no plan of this version.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read the plan {path}: {error.strerror}") from error
    try:
        plan = msgspec.json.decode(text, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is no plan ({error}): make one with reverse-sf plan --out {path}"
        ) from error
    if plan.version != VERSION:
        raise ConfigurationError(
            f"{path} is a plan of version {plan.version}, this is {VERSION}: plan again"
        )
    return plan
