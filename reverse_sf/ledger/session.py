"""One connection to the ledger's database, shared by everything in this package.

A ledger is used by one thread at a time: a heartbeat on another thread waits for its turn.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, text

from reverse_sf.ledger import migrations
from reverse_sf.ledger.address import parse
from reverse_sf.ledger.dialects import begin_writing, engine_for
from reverse_sf.ledger.faults import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from sqlalchemy import Connection, Engine
    from typing_extensions import Self

    from reverse_sf.ledger.address import Address


class Session:
    """The connection, its transactions and its clock; base of all parts of the ledger."""

    def __init__(
        self, address: Address, engine: Engine, clock: Callable[[], datetime] | None
    ) -> None:
        self.address = address
        self.statements = 0
        """Statements executed since the ledger was opened, for the bench."""
        self._engine = engine
        self._given_clock = clock
        self._connection: Connection | None = None
        self._turn = threading.RLock()
        # Numbers of the links last read: what is decided next is about them.
        self._link_numbers: dict[str, int] = {}
        # What the mapper has noted of its pairs; it is there before a target gets a record.
        self._known_places: dict[str, dict[str, Any] | None] = {}
        event.listen(engine, "before_cursor_execute", self._count)

    @classmethod
    def open(cls, uri: str, *, clock: Callable[[], datetime] | None = None) -> Self:
        """Open a ledger; a new one is made, an older one is brought up to date.

        Args:
            uri: ``ledger_uri``, a SQLAlchemy URL of SQLite or PostgreSQL.
            clock: for tests; by default a file's leases follow this machine's clock and a
                server's leases the server's, so that runners on several machines agree.

        Raises:
            ConfigurationError: the address is wrong, the folder is missing, the file is no ledger
                or cannot be written, the driver is missing, or a newer version wrote the ledger.
            RetryError: the ledger is locked, or the server is out of reach.
        """
        address = parse(uri)
        session = cls(address, engine_for(address.url), clock)
        try:
            with session._using() as connection:
                migrations.migrate(connection, address.shown)
        except BaseException:
            session.close()
            raise
        return session

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                with explained(self.address.shown, server=self.address.server):
                    connection.close()
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _count(self, *_: Any) -> None:
        self.statements += 1

    @contextmanager
    def _using(self) -> Iterator[Connection]:
        with self._turn, explained(self.address.shown, server=self.address.server):
            if self._connection is None:
                self._connection = self._engine.connect()
            connection = self._connection
            try:
                yield connection
            except BaseException:
                self._connection = None
                if connection.invalidated:
                    connection.close()
                else:
                    connection.rollback()
                    self._connection = connection
                raise

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Read; every statement sees what was committed when it began."""
        with self._using() as connection:
            yield connection
            connection.commit()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction as the only writer: all of it is on disk afterwards, or none."""
        with self._using() as connection:
            begin_writing(connection)
            yield connection
            connection.commit()

    def _now(self, connection: Connection) -> datetime:
        if self._given_clock is not None:
            return self._given_clock()
        if self.address.server:
            at = connection.scalar(text("SELECT clock_timestamp()"))
            if isinstance(at, datetime):
                return at
        return datetime.now(timezone.utc)
