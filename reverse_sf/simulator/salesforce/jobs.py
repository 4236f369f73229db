"""What Bulk API 2.0 query and ingest jobs have in common: orders, states and their ends.

A job's work is done by a thread; the state that clients see moves on when they look, as the
switches say.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.refusal import ApiFault, not_found

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reverse_sf.simulator.clock import Clock
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
ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
_WORKING = frozenset({"UploadComplete", "InProgress"})
_PATIENCE_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a client asked for."""

    operation: str
    object_name: str
    delimiter: str
    line_ending: str
    version: str
    user_id: str


@dataclass(kw_only=True)
class Job:
    """One job.

    Attributes:
        polls: how often it has yet to say InProgress.
        end: the state it will come to.
        broken: why its work is not done; it says so from the start, and is cleared at the end.
        done: set when the work is over, well or badly.
        work: the thread that does it.
    """

    retried: ClassVar[str]
    """What a job says that the switches let fail."""
    id: str
    order: Order
    created: datetime
    polls: int
    end: str
    state: str
    changed: datetime | None = None
    message: str | None = None
    broken: str | None = "InternalServerError : the job's work was broken off"
    done: threading.Event = field(default_factory=threading.Event)
    work: threading.Thread | None = None

    def as_json(self) -> dict[str, Any]:
        """What the API shows of every job."""
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
        if self.message:
            shown["errorMessage"] = self.message
        return shown


AnyJob = TypeVar("AnyJob", bound=Job)


class Jobs(Generic[AnyJob]):
    """All jobs of one kind.

    Args:
        first_number: ids of the two kinds lie apart from each other.
    """

    def __init__(self, clock: Clock, switches: Switches, *, first_number: int) -> None:
        self._clock = clock
        self._switches = switches
        self._first_number = first_number
        self._jobs: dict[str, AnyJob] = {}
        self._count = 0
        self._lock = threading.RLock()

    def reset(self) -> None:
        """Forget all jobs; those at work are waited for, as they hold on to the org's tables."""
        with self._lock:
            jobs = list(self._jobs.values())
            self._jobs.clear()
            self._count = 0
        for job in jobs:
            job.state = "Aborted"
            if job.work is not None:
                job.work.join()
            self._discard(job)

    def get(self, job_id: str) -> AnyJob:
        """A job by its 15- or 18-character id.

        Raises:
            ApiFault: there is none.
        """
        with self._lock:
            for job in self._jobs.values():
                if job.id[:15] == job_id[:15]:
                    return job
        raise not_found()

    def listed(self) -> list[AnyJob]:
        """All jobs, newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def poll(self, job: AnyJob) -> None:
        """Let the job's state move on, as it does each time a client looks."""
        if job.state not in _WORKING:
            return
        ready = job.done.wait(_PATIENCE_SECONDS)
        with self._lock:
            if job.polls > 0 or not ready or self._held_up():
                job.polls = max(0, job.polls - 1)
                self._move(job, "InProgress")
            elif job.broken is not None:
                self._move(job, "Failed", job.broken)
            elif job.end == "Failed":
                self._move(job, "Failed", job.retried)
            else:
                self._move(job, job.end)

    def abort(self, job: AnyJob) -> None:
        """Abort a job that is not finished.

        Raises:
            ApiFault: it is.
        """
        with self._lock:
            if job.state in ENDED:
                raise ApiFault("INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
            self._move(job, "Aborted")

    def delete(self, job: AnyJob) -> None:
        """Delete a finished job and its results.

        Raises:
            ApiFault: it is not finished.
        """
        with self._lock:
            if job.state not in ENDED:
                raise ApiFault("INVALIDJOBSTATE", f"Job cannot be deleted in state {job.state}")
            self._jobs.pop(job.id, None)
            self._discard(job)

    def _add(self, make: Callable[[int, dict[str, Any]], AnyJob]) -> AnyJob:
        """Number a new job; ``make`` gets the number and what all jobs have."""
        with self._lock:
            self._count += 1
            number = self._first_number + self._count
            common = {
                "id": salesforce_id("750", number),
                "created": self._clock.now(),
                "polls": self._switches["bulk_polls"],
                "end": self._planned_end(),
            }
            job = make(number, common)
            self._jobs[job.id] = job
        return job

    def _start(self, job: AnyJob, work: Callable[[], None]) -> None:
        """Do the job's work in a thread; it clears ``broken`` where it ends well."""

        def working() -> None:
            try:
                work()
            finally:
                job.done.set()

        job.work = threading.Thread(target=working, daemon=True)
        job.work.start()

    def _move(self, job: AnyJob, state: str, message: str | None = None) -> None:
        if job.state not in ENDED:
            job.state, job.message = state, message
            job.changed = self._clock.now()

    def _held_up(self) -> bool:
        """Whether jobs of this kind stay at work for now."""
        return False

    def _discard(self, job: AnyJob) -> None:
        """Remove what a job left behind."""

    def _planned_end(self) -> str:
        for switch, end in (("bulk_fail_next", "Failed"), ("bulk_abort_next", "Aborted")):
            left = self._switches[switch]
            if left > 0:
                self._switches.set({switch: left - 1})
                return end
        return "JobComplete"


def chosen(body: dict[str, Any], name: str, known: dict[str, str], default: str) -> str:
    """A setting of a new job that has to be one of a few.

    Raises:
        ApiFault: it is none of them.
    """
    given = str(body.get(name) or default)
    if given not in known:
        raise ApiFault("API_ERROR", f"Invalid {name}: {given}")
    return given


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
