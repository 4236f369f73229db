"""getUpdated and getDeleted: what changed in a window of time, and how far back that is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.instants import stamp
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.metadata import SObject
    from reverse_sf.simulator.salesforce.store import Store

UPDATED_DAYS, DELETED_DAYS = 30, 15
"""How far back the two calls look (REST Developer Guide, "Get Updated", "Get Deleted")."""


class Replication:
    """Answers from the stamps of rows and from the delete log."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def updated(self, one: SObject, start: datetime, end: datetime) -> dict[str, Any]:
        """Ids whose SystemModstamp lies in the window.

        Raises:
            ApiFault: INVALID_REPLICATION_DATE, the window is wrong or too old.
        """
        self._check_window(start, end, UPDATED_DAYS)
        alive = ' AND "IsDeleted" = 0' if one.has("IsDeleted") else ""
        rows = self._store.rows(
            f'SELECT "Id" FROM "{one.name}" WHERE "SystemModstamp" >= ? '
            f'AND "SystemModstamp" < ?{alive} ORDER BY "SystemModstamp", "Id"',
            (stamp(start), stamp(end)),
        )
        return {"ids": [row[0] for row in rows], "latestDateCovered": self._covered(end)}

    def deleted(self, one: SObject, start: datetime, end: datetime) -> dict[str, Any]:
        """Deletions in the window, from the delete log; its seconds are ignored.

        Raises:
            ApiFault: INVALID_REPLICATION_DATE, also where the window begins before the log does.
        """
        self._check_window(start, end, DELETED_DAYS)
        earliest = self.earliest_deletion()
        if _minute(start) < _minute(earliest):
            raise ApiFault(
                "INVALID_REPLICATION_DATE",
                f"startDate before org replication enabled date: {stamp(earliest)}",
            )
        rows = self._store.rows(
            'SELECT id, at FROM "_deleted" WHERE object = ? AND at >= ? AND at < ? ORDER BY at, id',
            (one.name, _minute(start), _minute(end + timedelta(minutes=1))),
        )
        return {
            "deletedRecords": [{"id": row[0], "deletedDate": _shown(row[1])} for row in rows],
            "earliestDateAvailable": _shown(stamp(earliest)),
            "latestDateCovered": self._covered(end),
        }

    def earliest_deletion(self) -> datetime:
        """From when on the delete log is complete."""
        known = self._store.setting("earliest_deletion")
        floor = self._clock.now() - timedelta(days=DELETED_DAYS)
        if known is None:
            return floor
        return max(floor, datetime.fromisoformat(known.replace("Z", "+00:00")))

    def purge_log(self, before: datetime | None = None) -> None:
        """Forget deletions before an instant (now, where none is given)."""
        until = stamp(before or self._clock.now())
        with self._store.transaction():
            self._store.execute('DELETE FROM "_deleted" WHERE at < ?', (until,))
            self._store.remember("earliest_deletion", until)

    def _check_window(self, start: datetime, end: datetime, days: int) -> None:
        problem = None
        if end <= start:
            problem = "endDate must be after startDate"
        elif end - start < timedelta(minutes=1):
            problem = "startDate and endDate must be at least one minute apart"
        elif start < self._clock.now() - timedelta(days=days, minutes=1):
            problem = f"startDate cannot be more than {days} days ago"
        if problem is not None:
            raise ApiFault("INVALID_REPLICATION_DATE", problem)

    def _covered(self, end: datetime) -> str:
        return _shown(_minute(min(end, self._clock.now())))


def _minute(instant: datetime) -> str:
    return stamp(instant.replace(second=0, microsecond=0))


def _shown(stored: str) -> str:
    return stored[:-1] + "+0000"
