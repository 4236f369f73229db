"""What mapper and target both write: images, bases, flags, withheld work, the conflict journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, select

from reverse_sf.ledger.dialects import Delete, Insert, constant, numbers
from reverse_sf.ledger.differing import settle
from reverse_sf.ledger.encoding import from_text, sortable, to_text
from reverse_sf.ledger.tables import bases, conflicts, flags, images, log, parked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

    from reverse_sf.ledger.rows import Conflict, LogRow, Parked


def all_given(*names: str) -> Any:
    """Set these columns of a row that exists to what is given."""
    return lambda _, given: {name: given[name] for name in names}


put_images = Insert(
    images,
    ("link", "side", "digest", "modified_at", "observed_at", "deleted", "content", "differing"),
    identity=("link", "side"),
    changes=all_given("digest", "modified_at", "observed_at", "deleted", "content", "differing"),
)
_put_bases = Insert(bases, ("link", "entries"), identity=("link",), changes=all_given("entries"))
put_flags = Insert(
    flags,
    ("link_id", "direction", "reason"),
    identity=("link_id", "direction"),
    changes=all_given("reason"),
)
add_flags = Insert(flags, ("link_id", "direction", "reason"), identity=("link_id", "direction"))
"""Leaves the reason of a flag that is there: the mapper reads what it put off from it."""
_put_parked = Insert(
    parked,
    (
        "link_id",
        "direction",
        "key",
        "pair",
        "reason",
        "at",
        "run_id",
        "attempts",
        "next_attempt_at",
        "waiting_for",
        "definition_fingerprint",
        "message",
    ),
    identity=("link_id", "direction", "key"),
    changes=lambda table, given: {
        "pair": given.pair,
        "reason": given.reason,
        "at": given.at,
        "run_id": given.run_id,
        "attempts": case(
            (given.attempts > table.c.attempts, given.attempts),
            else_=table.c.attempts + constant(1),
        ),
        "next_attempt_at": given.next_attempt_at,
        "waiting_for": given.waiting_for,
        "definition_fingerprint": given.definition_fingerprint,
        "message": given.message,
    },
)
drop_parked = Delete(parked, ("link_id", "direction", "key"))
_add_conflicts = Insert(
    conflicts,
    (
        "link_id",
        "pair",
        "key",
        "loser",
        "losing_value",
        "winning_value",
        "rule",
        "row",
        "at",
        "run_id",
        "operation_id",
    ),
    identity=("operation_id", "link_id", "key"),
)
_drop_conflicts = Delete(conflicts, ("operation_id", "link_id", "key"))
_add_log = Insert(
    log,
    (
        "at",
        "run_id",
        "direction",
        "kind",
        "pair",
        "link_id",
        "operation_id",
        "salesforce_id",
        "spotio_id",
        "method",
        "path",
        "status",
        "outcome",
        "reason",
        "payload",
        "answer",
    ),
)
_bases_of = select(bases.c.link, bases.c.entries).where(bases.c.link.in_(numbers()))


def merge_bases(connection: Connection, changes: Mapping[int, Mapping[str, list[Any]]]) -> None:
    """Set entries of bases, by link number; other entries of the same links stay."""
    if not changes:
        return
    rows = connection.execute(_bases_of, {"numbers": to_text(list(changes))}).all()
    known: dict[int, dict[str, Any]] = {row[0]: from_text(row[1]) for row in rows}
    _put_bases.execute(
        connection,
        [
            (link, to_text({**known.get(link, {}), **entries}))
            for link, entries in changes.items()
            if entries
        ],
    )
    settle(connection, changes)


def put_parked(connection: Connection, withheld: Sequence[Parked], run: Row[Any]) -> None:
    """Store what is withheld; what was withheld before counts one more attempt."""
    _put_parked.execute(
        connection,
        [
            (
                it.link_id,
                it.direction.value,
                it.key,
                it.pair,
                it.reason,
                it.at,
                it.run_id,
                it.attempts,
                None if it.next_attempt_at is None else sortable(it.next_attempt_at),
                it.waiting_for,
                it.definition_fingerprint or run.definition_fingerprint,
                it.message,
            )
            for it in withheld
        ],
    )


def add_conflicts(connection: Connection, found: Sequence[Conflict]) -> None:
    """Add to the journal; the same conflict of the same operation is kept once."""
    _add_conflicts.execute(
        connection,
        [
            (
                it.link_id,
                it.pair,
                it.key,
                it.loser.value,
                to_text(it.losing_value),
                to_text(it.winning_value),
                it.rule,
                it.row,
                it.at,
                it.run_id,
                it.operation_id,
            )
            for it in found
        ],
    )


def drop_conflicts(connection: Connection, spared: Sequence[tuple[str, str, str]]) -> None:
    """Take back what was journaled ahead of a write, by operation, link and key."""
    _drop_conflicts.execute(connection, spared)


def write_log(connection: Connection, rows: Sequence[LogRow]) -> None:
    """Add to the log."""
    _add_log.execute(connection, [_log_row(row) for row in rows])


def _log_row(row: LogRow) -> tuple[Any, ...]:
    return (
        row.at,
        row.run_id,
        row.direction.value,
        row.kind,
        row.pair,
        row.link_id,
        row.operation_id,
        row.salesforce_id,
        row.spotio_id,
        row.method,
        row.path,
        row.status,
        row.outcome,
        row.reason,
        None if row.payload is None else to_text(row.payload),
        None if row.answer is None else to_text(row.answer),
    )
