"""Where a ledger is: the setting ``ledger_uri``, checked and turned into an engine's URL."""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from reverse_sf.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import URL

_EXAMPLES = (
    "use sqlite:///.meltano/reverse-sf/ledger.db, or postgresql://user:password@host/database"
)
_POSTGRESQL_NAMES = {"postgres", "postgresql", "postgresql+psycopg"}


def default_uri() -> str:
    """The ledger of a project that names none.

    ``REVERSE_SF_LEDGER_URI`` serves mapper, target and command alike; without it every Meltano
    environment has a SQLite file of its own, because a sandbox must never share links with
    production.
    """
    given = os.environ.get("REVERSE_SF_LEDGER_URI")
    if given:
        return given
    project = Path(os.environ.get("MELTANO_PROJECT_ROOT", ""))
    environment = os.environ.get("MELTANO_ENVIRONMENT") or _default_environment(project) or "ledger"
    return f"sqlite:///{project / '.meltano' / 'reverse-sf' / environment}.db"


def _default_environment(project: Path) -> str | None:
    """The environment that Meltano takes where none is named, for a command run without it."""
    try:
        text = (project / "meltano.yml").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"""^default_environment:\s*["']?([\w.-]+)""", text, re.MULTILINE)
    return found[1] if found else None


DEFAULT_IN_WORDS = (
    "REVERSE_SF_LEDGER_URI, or else the SQLite file .meltano/reverse-sf/<environment>.db of the"
    " Meltano project"
)


@dataclass(frozen=True)
class Address:
    """A ledger's place.

    Attributes:
        url: what SQLAlchemy opens.
        shown: the same for people; never with a password.
        file: the SQLite file; None for a server or for memory.
    """

    url: URL
    shown: str
    file: Path | None

    @property
    def server(self) -> bool:
        """A PostgreSQL server, not a file."""
        return self.url.get_backend_name() == "postgresql"


def parse(uri: str, *, looking: bool = False) -> Address:
    """Read a ``ledger_uri``.

    Args:
        uri: the setting.
        looking: nothing will be written, so the file's folder need not be there and is not made.

    Raises:
        ConfigurationError: no URL, or of a database that the ledger does not live in.
    """
    try:
        url = make_url(uri)
    except ArgumentError as error:
        raise ConfigurationError(f"ledger_uri is not a database URL: {_EXAMPLES}") from error
    if url.drivername in _POSTGRESQL_NAMES:
        return _server(url)
    if url.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise ConfigurationError(
            f"ledger_uri names {url.drivername}, but a ledger is kept in SQLite or PostgreSQL: "
            f"{_EXAMPLES}"
        )
    if url.database in {None, "", ":memory:"}:
        return Address(url=url, shown="in memory", file=None)
    path = Path(str(url.database).removeprefix("file:"))
    if not looking:
        _require_folder(path)
    return Address(url=url, shown=str(path), file=path)


def _server(url: URL) -> Address:
    if importlib.util.find_spec("psycopg") is None:
        raise ConfigurationError(
            "ledger_uri names PostgreSQL, but its driver is not installed: "
            "pip install 'reverse-sf[postgresql]'"
        )
    shown = url.set(drivername="postgresql", query={})
    return Address(
        url=url.set(drivername="postgresql+psycopg"),
        shown=shown.render_as_string(hide_password=True),
        file=None,
    )


def _require_folder(path: Path) -> None:
    """Make the folder inside an existing ``.meltano/``; elsewhere it must be there."""
    folder = path.parent
    if folder.is_dir():
        return
    for parent in folder.parents:
        if parent.name == ".meltano" and parent.is_dir():
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigurationError(
                    f"the ledger's folder {folder} cannot be made: {error.strerror}"
                ) from error
            return
    raise ConfigurationError(
        f"the ledger's folder {folder} does not exist: make it, run from the Meltano project's "
        "root, or set ledger_uri to a file in an existing folder"
    )
