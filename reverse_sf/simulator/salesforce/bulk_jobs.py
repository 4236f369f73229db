"""Bulk API 2.0 query jobs: their states, and results rendered once into a file.

A job's rows are read and written as CSV by a thread as soon as it is made. Pages are slices of
that file, so a page costs the same whatever it holds.
"""

from __future__ import annotations

import itertools
import random
import threading
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.queries import ordered
from reverse_sf.simulator.salesforce.refusal import ApiFault, not_found
from reverse_sf.simulator.world import salesforce_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.org import Org
    from reverse_sf.simulator.switches import Switches

DELIMITERS = {
    "COMMA": ",",
    "TAB": "\t",
    "PIPE": "|",
    "SEMICOLON": ";",
    "CARET": "^",
    "BACKQUOTE": "`",
}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_SHUFFLED_AT_ONCE = 10_000
_PATIENCE_SECONDS = 0.25


@dataclass(frozen=True)
class JobOrder:
    """What a client asked for."""

    operation: str
    soql: str
    object_name: str
    delimiter: str
    line_ending: str
    version: str
    user_id: str


@dataclass
class QueryJob:
    """One job.

    Attributes:
        state: UploadComplete, InProgress, JobComplete, Failed or Aborted.
        polls: how often it has yet to say InProgress.
        end: the state it will come to.
        header: the first line of every page.
        offsets: where each row begins in the file, and where the last one ends.
        rendered: set when the file is written.
        broken: why it is not; it says so from the start, and is cleared at the end.
        work: the thread that writes it.
    """

    id: str
    order: JobOrder
    created: datetime
    path: Path
    polls: int
    end: str
    state: str = "UploadComplete"
    changed: datetime | None = None
    message: str | None = None
    header: bytes = b""
    offsets: array[int] = field(default_factory=lambda: array("Q", [0]))
    rendered: threading.Event = field(default_factory=threading.Event)
    broken: str | None = "InternalServerError: the results could not be written"
    work: threading.Thread | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.offsets) - 1

    def as_json(self) -> dict[str, Any]:
        """The job as the API shows it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "operation": self.order.operation,
            "object": self.order.object_name,
            "createdById": self.order.user_id,
            "createdDate": _stamp(self.created),
            "systemModstamp": _stamp(self.changed or self.created),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.order.version),
            "lineEnding": self.order.line_ending,
            "columnDelimiter": self.order.delimiter,
        }
        if self.state != "UploadComplete":
            shown |= {"jobType": "V2Query", "retries": 0, "totalProcessingTime": 0}
            shown["numberRecordsProcessed"] = self.rows if self.state == "JobComplete" else 0
        if self.message:
            shown["errorMessage"] = self.message
        return shown


class QueryJobs:
    """All query jobs of the org."""

    def __init__(self, org: Org, clock: Clock, switches: Switches, folder: Path) -> None:
        self._org = org
        self._clock = clock
        self._switches = switches
        self._folder = folder
        self._jobs: dict[str, QueryJob] = {}
        self._count = 0
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Forget all jobs and their results."""
        with self._lock:
            jobs = list(self._jobs.values())
            self._jobs.clear()
            self._count = 0
        for job in jobs:
            job.state = "Aborted"
            # A thread that still reads would keep the org's tables from being made anew.
            if job.work is not None:
                job.work.join()
            job.path.unlink(missing_ok=True)

    def create(self, order: JobOrder) -> QueryJob:
        """Make a job and start to render its results.

        Raises:
            ApiFault: the statement is refused.
        """
        # The org checks the statement before it gives the first row, so a wrong one is refused
        # at creation, as Salesforce does.
        header, rows = self._org.query_rows(
            order.soql, all_rows=order.operation == "queryAll", user_id=order.user_id
        )
        with self._lock:
            self._count += 1
            number = self._count
            end = self._planned_end()
            job = QueryJob(
                salesforce_id("750", number),
                order,
                self._clock.now(),
                self._folder / f"job-{number}.csv",
                self._switches["bulk_polls"],
                end,
            )
            self._jobs[job.id] = job
        delimiter = DELIMITERS[order.delimiter]
        line_ending = LINE_ENDINGS[order.line_ending]
        job.header = _line(header, delimiter, line_ending)
        lines: Iterator[bytes] = (_line(row, delimiter, line_ending) for row in rows)
        mode = self._switches["bulk_order"]
        if mode == "always" or (mode == "unordered" and not ordered(order.soql)):
            lines = _shuffled(lines, number)
        job.work = threading.Thread(target=_render, args=(job, lines), daemon=True)
        job.work.start()
        return job

    def get(self, job_id: str) -> QueryJob:
        """A job by its 15- or 18-character id.

        Raises:
            ApiFault: there is none.
        """
        with self._lock:
            for job in self._jobs.values():
                if job.id[:15] == job_id[:15]:
                    return job
        raise not_found()

    def listed(self) -> list[QueryJob]:
        """All jobs, newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def poll(self, job: QueryJob) -> None:
        """Let the job's state move on, as it does each time a client looks."""
        if job.state not in {"UploadComplete", "InProgress"}:
            return
        ready = job.rendered.wait(_PATIENCE_SECONDS)
        with self._lock:
            if job.polls > 0 or not ready:
                job.polls = max(0, job.polls - 1)
                self._move(job, "InProgress")
            elif job.broken is not None:
                self._move(job, "Failed", job.broken)
            elif job.end == "Failed":
                self._move(job, "Failed", "InternalServerError: Retried more than fifteen times")
            else:
                self._move(job, job.end)

    def abort(self, job: QueryJob) -> None:
        """Abort a job that is not finished.

        Raises:
            ApiFault: it is.
        """
        if job.state in {"JobComplete", "Failed", "Aborted"}:
            raise ApiFault("INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
        self._move(job, "Aborted")

    def delete(self, job: QueryJob) -> None:
        """Delete a finished job and its results.

        Raises:
            ApiFault: it is not finished.
        """
        if job.state not in {"JobComplete", "Failed", "Aborted"}:
            raise ApiFault("INVALIDJOBSTATE", f"Job cannot be deleted in state {job.state}")
        with self._lock:
            self._jobs.pop(job.id, None)
            job.path.unlink(missing_ok=True)

    def _move(self, job: QueryJob, state: str, message: str | None = None) -> None:
        if job.state != "Aborted":
            job.state = state
            job.message = message
            job.changed = self._clock.now()

    def _planned_end(self) -> str:
        for switch, end in (("bulk_fail_next", "Failed"), ("bulk_abort_next", "Aborted")):
            left = self._switches[switch]
            if left > 0:
                self._switches.set({switch: left - 1})
                return end
        return "JobComplete"


def page_end(job: QueryJob, start: int, most_rows: int) -> int:
    """The row after the last one of a page that begins at ``start``."""
    return min(start + most_rows, job.rows)


def _render(job: QueryJob, lines: Iterable[bytes]) -> None:
    place = 0
    try:
        with job.path.open("wb", buffering=1 << 20) as file:
            for line in lines:
                if job.state == "Aborted":
                    break
                file.write(line)
                place += len(line)
                job.offsets.append(place)
        job.broken = None
    except ApiFault as fault:
        job.broken = f"{fault.code}: {fault.message}"
    finally:
        job.rendered.set()


def _line(values: Sequence[str], delimiter: str, line_ending: str) -> bytes:
    """One row, every value in quotes as Salesforce writes it."""
    text = f'"{delimiter}"'.join(values)
    if text.count('"') != 2 * (len(values) - 1):
        text = f'"{delimiter}"'.join([value.replace('"', '""') for value in values])
    return f'"{text}"{line_ending}'.encode()


def _shuffled(lines: Iterator[bytes], seed: int) -> Iterator[bytes]:
    """All lines in another order, without holding all of them."""
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    held: list[bytes] = []
    while chunk := list(itertools.islice(lines, _SHUFFLED_AT_ONCE)):
        held += chunk
        chance.shuffle(held)
        ready = max(0, len(held) - _SHUFFLED_AT_ONCE // 2)
        yield from held[:ready]
        del held[:ready]
    yield from held


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
