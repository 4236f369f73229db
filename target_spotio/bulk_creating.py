"""Creates by bulk job, with every line's fate read back."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from reverse_sf.delivery.results import Withheld
from reverse_sf.errors import RetryError
from reverse_sf.spotio.answers import complaints_in
from reverse_sf.spotio.errors import Call
from target_spotio.creating import body_of, created, unread, withhold_named
from target_spotio.operations import EXTERNAL_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reverse_sf.delivery.results import Result
    from reverse_sf.spotio.bulk import Line, Progress
    from reverse_sf.spotio.client import Spotio
    from reverse_sf.spotio.record import Record
    from target_spotio.tasks import Task

logger = logging.getLogger("target-spotio.bulk")

LINES = 5000
"""Lines in one job: what a crash can leave to be looked up again."""
_SHORTEST_POLL, _LONGEST_POLL = 0.1, 5.0
_LOUD_SECONDS = 15.0


class Jobs(Protocol):
    """Where jobs are remembered, so that a restarted run waits for them."""

    def bulk_jobs_open(self) -> list[str]:
        """Jobs that may still be at work."""

    def record_bulk_job(self, job_id: str, run_id: str) -> None:
        """Remember a job before it is started."""

    def close_bulk_job(self, job_id: str) -> None:
        """A job's outcomes are all known."""


class BulkCreates:
    """Creates records by bulk jobs.

    Args:
        spotio: the tenant.
        jobs: the ledger; None for a run without one.
        run_id: the run that jobs belong to.
        report: takes each result as soon as it is known.
        committed: commits the results reported so far.
        tick: called now and then while waiting.
        patience: seconds to wait for a job that shows no progress.
    """

    def __init__(
        self,
        spotio: Spotio,
        jobs: Jobs | None,
        run_id: str,
        *,
        report: Callable[[Result], None],
        committed: Callable[[], None],
        tick: Callable[[], None],
        patience: float,
    ) -> None:
        self._spotio = spotio
        self._bulk = spotio.bulk
        self._jobs = jobs
        self._run_id = run_id
        self._report = report
        self._committed = committed
        self._tick = tick
        self._patience = patience
        self._earlier_finished = False

    def finish_earlier(self) -> None:
        """Wait for jobs that an earlier run started; afterwards the feed shows what they did."""
        if self._earlier_finished or self._jobs is None:
            return
        for job_id in self._jobs.bulk_jobs_open():
            logger.info("Waiting for bulk job %s of an earlier run", job_id)
            if not self._bulk.progress(job_id).not_started:
                self._wait(job_id)
            self._bulk.clean_up(job_id)
            self._jobs.close_bulk_job(job_id)
        self._earlier_finished = True

    def create(self, tasks: Sequence[Task]) -> tuple[list[Task], list[Task]]:
        """Create the tasks' records.

        Returns:
            Tasks to create one by one, because a field of theirs was refused, and tasks whose fate
            the job left open.

        Raises:
            RetryError: a job makes no progress; the next run waits for it first.
        """
        single: list[Task] = []
        doubtful: list[Task] = []
        by_type: dict[str, list[Task]] = {}
        for task in tasks:
            by_type.setdefault(task.vocabulary.type.id, []).append(task)
        for type_id, of_type in by_type.items():
            for start in range(0, len(of_type), LINES):
                again, open_ones = self._job(type_id, of_type[start : start + LINES])
                single += again
                doubtful += open_ones
        return single, doubtful

    def _job(self, type_id: str, tasks: list[Task]) -> tuple[list[Task], list[Task]]:
        rows = [body_of(task) for task in tasks]
        job_id = self._bulk.upload("create", type_id, rows)
        if self._jobs is not None:
            self._jobs.record_bulk_job(job_id, self._run_id)
        self._bulk.start(job_id)
        progress = self._wait(job_id)
        logger.info(
            "Bulk job %s: %s, %d processed, %d refused",
            job_id,
            progress.state,
            progress.processed,
            progress.failed,
        )
        waiting = {str(task.operation.external_id): task for task in tasks}
        bodies = {str(row.get(EXTERNAL_ID)): row for row in rows}
        made: dict[str, Task] = {}
        path = f"/api/jobs/dataObjects/bulk/{job_id}"
        for line in self._bulk.succeeded(job_id):
            external_id = str(line.value(EXTERNAL_ID))
            task = waiting.pop(external_id, None)
            if task is not None and line.record_id:
                answer = {"id": line.record_id}
                task.note(Call("POST", path, 200, bodies[external_id], answer))
                made[line.record_id] = task
        again = [
            task
            for line in self._bulk.failed(job_id)
            if (task := waiting.pop(str(line.value(EXTERNAL_ID)), None)) is not None
            and self._failed(task, line, path)
        ]
        self._read_back(made)
        self._committed()
        self._bulk.clean_up(job_id)
        if self._jobs is not None:
            self._jobs.close_bulk_job(job_id)
        return again, list(waiting.values())

    def _failed(self, task: Task, line: Line, path: str) -> bool:
        """Take note of a refused line; whether the rest of the record is to be tried alone."""
        task.note(Call("POST", path, 422, line.sent, line.error))
        if isinstance(line.error, str):
            complaints = task.vocabulary.complaints_in_text(line.error)
        else:
            complaints = complaints_in(line.error)
        if withhold_named(task, complaints):
            return True
        words = "; ".join(complaints.values()) or "SPOTIO gave no reason"
        self._report(task.refused(Withheld("", "rejected", words)))
        return False

    def _read_back(self, made: dict[str, Task]) -> None:
        unread_yet = dict(made)
        parents_hold: dict[str, bool] = {}
        for record in self._spotio.many(list(made)):
            task = unread_yet.pop(record.id, None)
            if task is not None:
                self._report(created(task, self._with_parent(record, task, parents_hold)))
                self._tick()
        for record_id, task in unread_yet.items():
            self._report(unread(task, record_id))

    def _with_parent(self, record: Record, task: Task, parents_hold: dict[str, bool]) -> Record:
        """The record with its parent, which ``many`` does not tell.

        One single read per type shows whether jobs keep parents; where they do not, every record
        is read on its own.
        """
        if task.parent is None:
            return replace(record, parents=())
        type_id = task.vocabulary.type.id
        if parents_hold.get(type_id):
            return replace(record, parents=(task.parent,))
        whole = self._spotio.read(record.id) or record
        parents_hold[type_id] = bool(whole.parents and whole.parents[0] == task.parent)
        return whole

    def _wait(self, job_id: str) -> Progress:
        began = loud_at = moved_at = time.monotonic()
        pause = _SHORTEST_POLL
        last: Any = None
        while True:
            progress = self._bulk.progress(job_id)
            now = time.monotonic()
            if progress.ended:
                return progress
            if progress != last:
                last, moved_at = progress, now
            if now - moved_at > self._patience:
                raise RetryError(
                    f"SPOTIO's bulk job {job_id} has made no progress for {self._patience:.0f}"
                    " seconds; run again later: the next run waits for it first"
                )
            if now - loud_at > _LOUD_SECONDS:
                loud_at = now
                rate = progress.processed / max(now - began, 1e-9)
                logger.info(
                    "Bulk job %s: %d of %d records, %.0f per second",
                    job_id,
                    progress.processed,
                    progress.total,
                    rate,
                )
            self._tick()
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL)
