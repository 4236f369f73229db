"""Forgetting what is only told and never decided by: log rows, closed operations, past runs.

A closed operation is history: what came of it is in the images, the bases and the links. An open
one, a parked row, a conflict with its losing value and a link stay whatever their age, and so do
the operations of a run that holds a lease, because its target may still bring their outcomes.

No index by time is kept for this. Log rows and operations are numbered as they come, so the oldest
are the first of their table, and each look goes over the first ``BATCH`` of them; a row that was
closed long after its neighbours only makes them wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, exists, or_, select, true

from reverse_sf.ledger.dialects import keys
from reverse_sf.ledger.encoding import sortable, to_text
from reverse_sf.ledger.leases import UNFINISHED, Leases
from reverse_sf.ledger.tables import bulk_jobs, counts, leases, log, operations, runs

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, Delete

BATCH = 1000
"""Rows of a table that one transaction forgets."""

MOST_BATCHES = 100
"""Transactions for each table in one run: a ledger that grew for years takes several runs."""

_before: BindParameter[str] = bindparam("before")
_at_work = select(leases.c.run_id)

_first_rows = select(log.c.number, log.c.at).order_by(log.c.number).limit(BATCH).subquery()
_old_rows = select(_first_rows.c.number).where(_first_rows.c.at < _before)

_first_closed = (
    select(operations.c.number, operations.c.closed_at, operations.c.run_id)
    .where(operations.c.closed_at.is_not(None))
    .order_by(operations.c.number)
    .limit(BATCH)
    .subquery()
)
_old_closed = select(_first_closed.c.number).where(
    _first_closed.c.closed_at < _before, _first_closed.c.run_id.not_in(_at_work)
)

# The latest run of a direction is compared with the next one, and the latest that ended well says
# that the ledger is not new.
_later = runs.alias("later")
_is_followed = exists(
    select(true()).where(
        _later.c.direction == runs.c.direction,
        _later.c.started_at > runs.c.started_at,
        or_(runs.c.status.in_(UNFINISHED), _later.c.status.not_in(UNFINISHED)),
    )
)
_old_runs = (
    select(runs.c.run_id)
    .where(
        runs.c.started_at < _before,
        runs.c.ended_at < _before,
        runs.c.run_id.not_in(_at_work),
        _is_followed,
    )
    .order_by(runs.c.started_at)
    .limit(BATCH)
)

_anything = select(or_(exists(_old_rows), exists(_old_closed), exists(_old_runs)))
_forget_rows = delete(log).where(log.c.number.in_(_old_rows))
_forget_closed = delete(operations).where(operations.c.number.in_(_old_closed))
_forget_of_runs = (
    delete(counts).where(counts.c.run_id.in_(keys())),
    delete(bulk_jobs).where(bulk_jobs.c.run_id.in_(keys()), bulk_jobs.c.closed_at.is_not(None)),
    delete(runs).where(runs.c.run_id.in_(keys())),
)


class Retention(Leases):
    """The ledger stops growing."""

    def forget(self, *, before: str) -> int:
        """Delete log rows, closed operations, and runs with their counts that are older.

        In small transactions, so that a target at work never waits for long, and at most
        ``MOST_BATCHES`` of them for each table. Where nothing is old enough this is one statement
        that reads.

        Args:
            before: what was written, closed or ended before this UTC instant goes.

        Returns:
            How many rows, operations and runs went.
        """
        given = {"before": sortable(before)}
        with self._reading() as connection:
            if not connection.scalar(_anything, given):
                return 0
        return (
            self._forget_all(_forget_rows, given)
            + self._forget_all(_forget_closed, given)
            + self._forget_runs(given)
        )

    def _forget_all(self, statement: Delete, given: dict[str, Any]) -> int:
        total = 0
        for _ in range(MOST_BATCHES):
            with self._writing() as connection:
                number = connection.execute(statement, given).rowcount
            total += number
            if not number:
                break
        return total

    def _forget_runs(self, given: dict[str, Any]) -> int:
        with self._writing() as connection:
            run_ids = list(connection.scalars(_old_runs, given))
            for statement in _forget_of_runs if run_ids else ():
                connection.execute(statement, {"keys": to_text(run_ids)})
        return len(run_ids)
