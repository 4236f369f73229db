"""Bulk jobs that may still be at work, remembered so that a restarted run waits for them first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reverse_sf.ledger.store import Ledger

_SETTING = "salesforce.ingest_jobs"


@dataclass(frozen=True)
class OpenJob:
    """One job: its id, its object, and whether it creates without a key."""

    job_id: str
    sobject: str
    inserts: bool


class Jobs:
    """The jobs of this ledger that are not accounted for.

    Args:
        ledger: None for a run without one, which remembers nothing.
    """

    def __init__(self, ledger: Ledger | None) -> None:
        self._ledger = ledger

    def open_jobs(self) -> list[OpenJob]:
        """Jobs that an earlier run started and never accounted for."""
        return [OpenJob(job_id, *facts) for job_id, facts in self._kept().items()]

    def opened(self, job_id: str, sobject: str, *, inserts: bool) -> None:
        """Remember a job, before it is started."""
        self._keep(self._kept() | {job_id: [sobject, inserts]})

    def close(self, job_id: str) -> None:
        """Forget a job: what it did is known."""
        self._keep({name: facts for name, facts in self._kept().items() if name != job_id})

    def _kept(self) -> dict[str, list[Any]]:
        return dict(self._ledger.setting(_SETTING) or {}) if self._ledger is not None else {}

    def _keep(self, jobs: dict[str, list[Any]]) -> None:
        if self._ledger is not None:
            self._ledger.set_setting(_SETTING, jobs)
