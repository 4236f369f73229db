"""Bulk jobs: create, upload NDJSON, start, poll, download results, clean up.

A started job is worked off slice by slice: a slice at each poll (switch ``bulk_polls``), and by
itself when nobody polls (switch ``bulk_seconds``), because a real service goes on without its
client. Jobs live in memory: they do not outlive the server.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.spotio.records import TICKS, shown
from reverse_sf.simulator.spotio.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from reverse_sf.simulator.spotio.quirks import Settings
    from reverse_sf.simulator.spotio.records import Member

OPERATIONS = ("create", "update", "patch")
_NAMESPACE = uuid.UUID("5f0c1c52-8f4e-4c0b-9d6c-2f6f0f0b7a11")
Line = dict[str, Any]


@dataclass
class JobFile:
    """One uploaded file; ``lines`` are as sent, before any key is folded."""

    id: str
    number: int
    size: int
    lines: list[Line]
    created: int
    processed: int = 0
    failed: int = 0


@dataclass
class Job:
    """One bulk job with its results so far."""

    id: str
    operation: str
    type_id: int
    owner: Member
    created: int
    state: str = "Open"
    updated: int = 0
    started: int | None = None
    files: list[JobFile] = field(default_factory=list)
    succeeded: list[Line] = field(default_factory=list)
    failures: list[Line] = field(default_factory=list)
    error: str | None = None
    polls: int = 0
    done: int = 0
    breaks: str = "none"
    results: bool = True

    @property
    def total(self) -> int:
        """Records in all files."""
        return sum(len(file.lines) for file in self.files)

    def shape(self) -> dict[str, Any]:
        """``BulkJob``."""
        return {
            "id": self.id,
            "operation": self.operation,
            "dataObjectTypeId": self.type_id,
            "createdById": self.owner.id,
            "createdDate": shown(self.created),
            "updatedDate": shown(self.updated),
            "state": self.state,
        }

    def progress(self) -> dict[str, Any]:
        """``BulkJobProgress``."""
        row = self.shape()
        del row["updatedDate"]
        return {
            **row,
            "processingStartedAt": None if self.started is None else shown(self.started),
            "totalRecordsToProcess": self.total,
            "recordsProcessed": self.done,
            "recordsFailed": len(self.failures),
            "errorMessage": self.error,
            "files": [
                {
                    "id": file.id,
                    "partNumber": file.number,
                    "state": self._file_state(file),
                    "recordCount": len(file.lines),
                    "recordsProcessed": file.processed,
                    "recordsFailed": file.failed,
                }
                for file in self.files
            ],
        }

    def _file_state(self, file: JobFile) -> str:
        if file.processed == len(file.lines):
            return "Processed"
        if self.state == "Failed":
            return "Failed"
        return "Processing" if self.started is not None else "Uploaded"


class Jobs:
    """The bulk jobs of one tenant.

    Args:
        apply: writes one line (operation, type id, line, actor) and gives the record's id.
        now: this instant in ticks.
        together: writes what happens inside at one instant and in one transaction.
    """

    def __init__(
        self,
        apply: Callable[[str, int, Line, Member], str],
        now: Callable[[], int],
        together: Callable[[], AbstractContextManager[None]],
        switches: Settings,
    ) -> None:
        self._apply = apply
        self._now = now
        self._together = together
        self._switches = switches
        self._jobs: dict[str, Job] = {}
        self._number = 0

    def clear(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()

    def create(self, operation: str, type_id: int, owner: Member) -> Job:
        """Open a job."""
        if operation.lower() not in OPERATIONS:
            raise Refusal(400, {"operation": f"Operation {operation!r} is not supported."})
        now = self._now()
        job = Job(self._identifier(), operation.lower(), type_id, owner, now, updated=now)
        self._jobs[job.id] = job
        return job

    def get(self, identifier: str) -> Job:
        """The job with that id.

        Raises:
            Refusal: 404, with an empty body.
        """
        job = self._jobs.get(identifier.lower())
        if job is None:
            raise Refusal(404)
        return job

    def in_progress(self) -> list[Job]:
        """Jobs that are started and not finished."""
        return [job for job in self._jobs.values() if job.state in ("UploadComplete", "InProgress")]

    def upload(self, job: Job, raw: bytes) -> dict[str, Any]:
        """Add a file of NDJSON to an open job: ``BulkJobFile``."""
        if job.state != "Open":
            raise Refusal(400, f"The job is {job.state}, files are only accepted while it is Open.")
        lines = []
        for number, text in enumerate(raw.splitlines(), start=1):
            if text.strip():
                lines.append(_line(text, number))
        if not lines:
            raise Refusal(400, "The file is empty.")
        now = self._now()
        file = JobFile(self._identifier(), len(job.files) + 1, len(raw), lines, now)
        job.files.append(file)
        job.updated = now
        return {
            "id": file.id,
            "bulkJobId": job.id,
            "partNumber": file.number,
            "size": file.size,
            "recordCount": len(file.lines),
            "state": "Uploaded",
            "createdDate": shown(now),
        }

    def start(self, job: Job) -> None:
        """Let a job run; it must be open and have a file."""
        if job.state != "Open":
            raise Refusal(400, f"The job is {job.state}, only an Open job can be started.")
        if not job.files:
            raise Refusal(400, "At least one file must be uploaded before the job is started.")
        job.state = "UploadComplete"
        job.started = job.updated = self._now()
        job.breaks = self._switches["bulk_fail"]

    def poll(self, job: Job) -> None:
        """Do the share of the work that is due at a poll."""
        if job.started is None or job.state not in ("UploadComplete", "InProgress"):
            return
        job.polls += 1
        polls = max(1, self._switches["bulk_polls"])
        share = min(1.0, job.polls / polls)
        self._work(job, round(job.total * share), last=job.polls >= polls)

    def advance(self) -> None:
        """Finish the jobs whose time is over, polled or not."""
        for job in self.in_progress():
            due = (job.started or 0) + int(self._switches["bulk_seconds"] * TICKS)
            if self._now() >= due:
                self._work(job, job.total, last=True)

    def clean_up(self, job: Job) -> None:
        """Drop a job's files and results; its state becomes Aborted."""
        job.state = "Aborted"
        job.results = False
        job.updated = self._now()

    def _work(self, job: Job, until: int, *, last: bool) -> None:
        job.state = "InProgress"
        broken = job.breaks != "none"
        if broken:
            until = min(until, 0 if job.breaks == "before" else job.total // 2)
        start = 0
        with self._together():
            for file in job.files:
                last_line = min(until - start, len(file.lines))
                for position in range(max(job.done - start, 0), last_line):
                    self._one(job, file, file.lines[position])
                start += len(file.lines)
        job.done = max(job.done, until)
        job.updated = self._now()
        if last:
            job.state = "Failed" if broken else "JobComplete"
            job.error = "The job was stopped by an internal error." if broken else None
            job.results = job.breaks != "lost"

    def _one(self, job: Job, file: JobFile, line: Line) -> None:
        file.processed += 1
        try:
            identifier = self._apply(job.operation, job.type_id, line, job.owner)
        except Refusal as refusal:
            file.failed += 1
            job.failures.append({"FileId": file.id, "Error": refusal.sentence, "Data": line})
        else:
            job.succeeded.append({"FileId": file.id, "DataObjectId": identifier, "Data": line})

    def _identifier(self) -> str:
        self._number += 1
        return str(uuid.uuid5(_NAMESPACE, str(self._number)))


def ndjson(rows: list[Line]) -> bytes:
    """Rows as newline-delimited JSON."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _line(text: bytes, number: int) -> Line:
    try:
        line = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Refusal(400, f"Line {number} is not valid JSON: {error}") from error
    if not isinstance(line, dict):
        raise Refusal(400, f"Line {number} is not a JSON object.")
    return line
