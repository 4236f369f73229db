"""What a database driver's error means to the person who runs a sync, in one sentence.

The drivers' own texts are matched, because Python 3.10's sqlite3 has no error codes and psycopg
has none for a connection that was never made. A text that nobody here knows stays a defect with
its traceback, except a broken connection.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import exc

from reverse_sf.errors import ConfigurationError, RetryError, ReverseSFError, StopError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SQLITE: tuple[tuple[str, type[ReverseSFError], str], ...] = (
    (
        "unable to open database file",
        ConfigurationError,
        "cannot be opened; check that the folder exists and that this user may write to it",
    ),
    (
        "file is not a database",
        ConfigurationError,
        "is not a SQLite database; set ledger_uri to another file, or move this one away",
    ),
    (
        "readonly database",
        ConfigurationError,
        "is read-only; give this user the right to write the file and its folder",
    ),
    (
        "database is locked",
        RetryError,
        "was locked by another process for too long; see who has the file open, then run again",
    ),
    (
        "locking protocol",
        RetryError,
        "cannot be locked; a SQLite ledger needs a local disk, elsewhere use PostgreSQL",
    ),
    (
        "disk is full",
        StopError,
        "cannot grow because the disk is full; make room and run again, nothing committed is lost",
    ),
    (
        "disk i/o error",
        StopError,
        "cannot be read or written (disk I/O error); check the disk, then run again",
    ),
    (
        "disk image is malformed",
        StopError,
        (
            "is damaged; restore a copy, or move it away and run a full refresh, which links by "
            "external id before it creates anything"
        ),
    ),
)

_POSTGRESQL: tuple[tuple[str, type[ReverseSFError], str], ...] = (
    (
        "authentication failed",
        ConfigurationError,
        "does not accept the user or password in ledger_uri",
    ),
    (
        "no password supplied",
        ConfigurationError,
        "asks for a password; put one into ledger_uri or into PGPASSWORD",
    ),
    (
        "no pg_hba.conf entry",
        ConfigurationError,
        "does not let this user in from this host; ask its administrator",
    ),
    (
        "role ",
        ConfigurationError,
        "does not know the user in ledger_uri",
    ),
    (
        "database ",
        ConfigurationError,
        "has no such database; create it, or correct ledger_uri",
    ),
    (
        "permission denied",
        ConfigurationError,
        (
            "does not let this user create or write the ledger's tables; grant USAGE and CREATE "
            "on the schema"
        ),
    ),
    (
        "read-only transaction",
        ConfigurationError,
        "is read-only (a standby?); set ledger_uri to the primary",
    ),
    (
        "lock timeout",
        RetryError,
        "was locked by another process for too long; see who works on it, then run again",
    ),
    (
        "deadlock detected",
        RetryError,
        "was busy (deadlock); run again",
    ),
    (
        "no space left",
        StopError,
        "cannot grow because its disk is full; make room and run again, nothing committed is lost",
    ),
    (
        "could not translate host name",
        ConfigurationError,
        "was not found: the host name in ledger_uri is unknown",
    ),
    (
        "failed to resolve host",
        ConfigurationError,
        "was not found: the host name in ledger_uri is unknown",
    ),
    (
        "too many clients",
        RetryError,
        "has no connection free; run again later, or raise max_connections",
    ),
    (
        "starting up",
        RetryError,
        "is starting up; run again in a moment",
    ),
)

_ONLY_AT_CONNECT = {"role ", "database "}


@contextmanager
def explained(shown: str, *, server: bool) -> Iterator[None]:
    """Turn driver errors into the product's own, about the ledger ``shown``.

    Args:
        shown: the ledger's address without a password.
        server: a PostgreSQL server, not a file.

    Raises:
        ConfigurationError: the address or a right must be fixed.
        RetryError: the ledger is busy or out of reach for now.
        StopError: a person must look first.
    """
    try:
        yield
    except exc.DBAPIError as error:
        explanation = _explanation(error, shown, server=server)
        if explanation is None:
            raise
        raise explanation from error


def _explanation(error: exc.DBAPIError, shown: str, *, server: bool) -> ReverseSFError | None:
    said = str(error.orig).lower()
    known = _POSTGRESQL if server else _SQLITE
    for text, kind, sentence in known:
        if text not in said:
            continue
        if text in _ONLY_AT_CONNECT and "does not exist" not in said:
            continue
        return kind(f"the ledger {shown} {sentence}")
    if not server:
        return None
    if isinstance(error, exc.OperationalError | exc.InterfaceError) or error.connection_invalidated:
        return RetryError(
            f"the ledger {shown} cannot be reached, or the connection broke; see that the server "
            "runs and that host and port in ledger_uri are right, then run again: everything "
            "committed so far is kept"
        )
    return None
