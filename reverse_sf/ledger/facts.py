"""Small stores: watermarks, settings, identities, activation, users, catalogs, bulk jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from reverse_sf.errors import StopError
from reverse_sf.ledger.dialects import Insert
from reverse_sf.ledger.encoding import from_text, moment, to_text
from reverse_sf.ledger.rows import UserRow
from reverse_sf.ledger.session import Session
from reverse_sf.ledger.tables import bulk_jobs, catalogs, facts, users
from reverse_sf.mapping.definition import Direction, Side

if TYPE_CHECKING:
    from sqlalchemy import Connection

WATERMARK = "watermark"
_SETTING = "setting"
IDENTITY = "identity"
_ACTIVATION = "activation"
MATCHED = "matched"
_PLACES = "places"

put_fact = Insert(
    facts,
    ("kind", "name", "value"),
    identity=("kind", "name"),
    changes=lambda _, given: {"value": given.value},
)
_put_first_fact = Insert(facts, ("kind", "name", "value"), identity=("kind", "name"))
_fact = select(facts.c.value).where(
    facts.c.kind == bindparam("kind"), facts.c.name == bindparam("name")
)
_put_catalog = Insert(
    catalogs,
    ("side", "stream", "document"),
    identity=("side", "stream"),
    changes=lambda _, given: {"document": given.document},
)
_put_bulk_job = Insert(bulk_jobs, ("job_id", "run_id", "opened_at"), identity=("job_id",))


def read_places(connection: Connection, pair: str) -> dict[str, Any] | None:
    """The Salesforce fields behind the record keys of a pair, if a mapper has noted them."""
    text = connection.scalar(_fact, {"kind": _PLACES, "name": pair})
    found: dict[str, Any] | None = from_text(text)
    return found


def foreign(shown: str, side: Side, known: str, connected: str) -> str:
    """Say that a ledger is another org's or company's, and what to do."""
    name = "Salesforce org" if side is Side.SALESFORCE else "SPOTIO company"
    return (
        f"the ledger {shown} belongs to the {name} {known}, but this run is "
        f"connected to {connected}: correct the login, or set ledger_uri to a ledger of its "
        "own for each pair of systems"
    )


class Facts(Session):
    """One value under one name, several kinds of them."""

    def watermark(self, name: str) -> str | None:
        """How far a feed was read."""
        return self._read_fact(WATERMARK, name)

    def set_watermark(self, name: str, value: str) -> None:
        """Keep how far a feed was read."""
        self._write_fact(WATERMARK, name, value)

    def setting(self, name: str) -> Any:
        """A small JSON fact; None where there is none."""
        return from_text(self._read_fact(_SETTING, name))

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a small JSON fact, such as the tenant's patch dialect."""
        self._write_fact(_SETTING, name, to_text(value))

    def identity(self, side: Side) -> str | None:
        """The org or company that this ledger belongs to; None before the first run."""
        return self._read_fact(IDENTITY, side.value)

    def pin_identity(self, side: Side, value: str) -> None:
        """Bind this ledger to one org or company.

        Raises:
            StopError: it is bound to another one; a wrong setting must not mix two tenants.
        """
        known = self._first_fact(IDENTITY, side.value, value)
        if known != value:
            raise StopError(foreign(self.address.shown, side, known, value))

    def activation(self, pair: str, direction: Direction, *, now: str) -> str:
        """Since when a pair takes part in a direction; the first call stores ``now``."""
        return self._first_fact(_ACTIVATION, f"{direction.value}:{pair}", now)

    def note_places(self, pair: str, places: dict[str, Any]) -> None:
        """Keep which Salesforce fields are behind the record keys of a pair.

        A target reads Salesforce's records back by field; since when a key differs is kept by key.
        """
        with self._reading() as connection:
            known = read_places(connection, pair)
        if known != places:
            self._write_fact(_PLACES, pair, to_text(places))

    def matched_at(self, pair: str) -> str | None:
        """When the records of both sides of a pair were last matched; None for never."""
        return self._read_fact(MATCHED, pair)

    def set_matched(self, pair: str, at: str) -> None:
        """Keep when the records of both sides of a pair were matched and links written."""
        self._write_fact(MATCHED, pair, at)

    def users(self, side: Side) -> dict[str, UserRow]:
        """Users of a side as last seen, by their id."""
        with self._reading() as connection:
            rows = connection.execute(
                select(users).where(users.c.side == side.value).order_by(users.c.user_id)
            ).all()
        return {
            row.user_id: UserRow(
                side=Side(row.side),
                user_id=row.user_id,
                email=row.email,
                username=row.username,
                external_id=row.external_id,
                name=row.name,
                active=bool(row.active),
                attributes=from_text(row.attributes) or {},
            )
            for row in rows
        }

    def store_catalog(self, side: Side, stream: str, schema: dict[str, Any]) -> None:
        """Keep the schema of a stream, with its describe facts."""
        with self._writing() as connection:
            _put_catalog.execute(connection, [(side.value, stream, to_text(schema))])

    def catalog(self, side: Side, stream: str) -> dict[str, Any] | None:
        """The schema of a stream as last seen."""
        with self._reading() as connection:
            found: dict[str, Any] | None = from_text(
                connection.scalar(
                    select(catalogs.c.document).where(
                        catalogs.c.side == side.value, catalogs.c.stream == stream
                    )
                )
            )
        return found

    def bulk_jobs_open(self) -> list[str]:
        """Bulk jobs whose end nobody has seen, oldest first."""
        with self._reading() as connection:
            return list(
                connection.scalars(
                    select(bulk_jobs.c.job_id)
                    .where(bulk_jobs.c.closed_at.is_(None))
                    .order_by(bulk_jobs.c.opened_at, bulk_jobs.c.job_id)
                )
            )

    def record_bulk_job(self, job_id: str, run_id: str) -> None:
        """Remember a job before anything waits for it."""
        with self._writing() as connection:
            at = moment(self._now(connection))
            _put_bulk_job.execute(connection, [(job_id, run_id, at)])

    def close_bulk_job(self, job_id: str) -> None:
        """A job's results were read, or it will never have any."""
        with self._writing() as connection:
            connection.execute(
                update(bulk_jobs)
                .where(bulk_jobs.c.job_id == job_id, bulk_jobs.c.closed_at.is_(None))
                .values(closed_at=moment(self._now(connection)))
            )

    def _read_fact(self, kind: str, name: str) -> str | None:
        with self._reading() as connection:
            return _value(connection, kind, name)

    def _write_fact(self, kind: str, name: str, value: str) -> None:
        with self._writing() as connection:
            put_fact.execute(connection, [(kind, name, value)])

    def _first_fact(self, kind: str, name: str, value: str) -> str:
        """The value that was stored first; stores this one if there is none."""
        known = self._read_fact(kind, name)
        if known is not None:
            return known
        with self._writing() as connection:
            _put_first_fact.execute(connection, [(kind, name, value)])
            return _value(connection, kind, name) or value


def _value(connection: Connection, kind: str, name: str) -> str | None:
    value: str | None = connection.scalar(_fact, {"kind": kind, "name": name})
    return value
