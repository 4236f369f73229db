"""Row locks that another transaction seems to hold, as the switches order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from reverse_sf.simulator.switches import Switches


class Locks:
    """Refuses some writes with UNABLE_TO_LOCK_ROW.

    ``lock_next`` records of collections and ingest jobs are refused, every ``lock_every``-th one;
    ``lock_single_next`` calls on one record are.
    """

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._lock = threading.Lock()
        self._seen = 0

    def reset(self) -> None:
        """Count anew."""
        self._seen = 0

    def check(self, record_id: str) -> None:
        """Refuse one record of many where its turn has come.

        Raises:
            ApiFault: UNABLE_TO_LOCK_ROW.
        """
        with self._lock:
            left = self._switches["lock_next"]
            if left <= 0:
                return
            self._seen += 1
            if self._seen % max(1, self._switches["lock_every"]):
                return
            self._switches.set({"lock_next": left - 1})
        raise _locked(record_id)

    def check_single(self, record_id: str) -> None:
        """Refuse a call on one record where its turn has come.

        Raises:
            ApiFault: UNABLE_TO_LOCK_ROW.
        """
        with self._lock:
            left = self._switches["lock_single_next"]
            if left <= 0:
                return
            self._switches.set({"lock_single_next": left - 1})
        raise _locked(record_id)


def _locked(record_id: str) -> ApiFault:
    return ApiFault(
        "UNABLE_TO_LOCK_ROW",
        f"unable to obtain exclusive access to this record or 1 records: {record_id[:15]}",
    )
