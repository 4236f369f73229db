"""The sync definition's file on disk: the one place that opens it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.document import parse

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
