"""Bulk API 2.0 ingest jobs: their states, what they write, and the three result files.

A job takes one CSV upload and is worked off by a thread once it is closed (``UploadComplete``).
Each row succeeds, fails or is left unprocessed, and the result files give the input columns back;
in which order is not promised, so it is shuffled unless a switch says otherwise.
"""

from __future__ import annotations

import csv
import io
import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.bulk_jobs import DELIMITERS, LINE_ENDINGS
from reverse_sf.simulator.salesforce.ingest_writes import RowWriter
from reverse_sf.simulator.salesforce.refusal import ApiFault, not_found
from reverse_sf.simulator.salesforce.sheet import Sheet, SheetError
from reverse_sf.simulator.world import salesforce_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.ingest_writes import IngestOrder
    from reverse_sf.simulator.salesforce.locks import Locks
    from reverse_sf.simulator.salesforce.org import Org
    from reverse_sf.simulator.switches import Switches

ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
_FIRST_NUMBER = 500_000
"""Ids of ingest jobs lie apart from those of query jobs, which begin with 1."""
_ROWS_AT_ONCE = 200
_PATIENCE_SECONDS = 0.25


@dataclass
class IngestJob:
    """One job.

    Attributes:
        polls: how often it has yet to say InProgress.
        end: the state it will come to.
        body: the uploaded CSV; None before the upload.
        columns: header of the CSV.
        succeeded: id, whether created, and the row.
        failed: id or nothing, error, and the row.
        unprocessed: rows that were not looked at.
    """

    id: str
    order: IngestOrder
    created: datetime
    polls: int
    end: str
    state: str = "Open"
    changed: datetime | None = None
    message: str | None = None
    body: bytes | None = None
    columns: list[str] = field(default_factory=list)
    succeeded: list[tuple[str, bool, list[str]]] = field(default_factory=list)
    failed: list[tuple[str, str, list[str]]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    work: threading.Thread | None = None

    def as_json(self) -> dict[str, Any]:
        """The job as the API shows it."""
        order = self.order
        shown: dict[str, Any] = {
            "id": self.id,
            "operation": order.operation,
            "object": order.object_name,
            "createdById": order.user_id,
            "createdDate": _stamp(self.created),
            "systemModstamp": _stamp(self.changed or self.created),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(order.version),
            "lineEnding": order.line_ending,
            "columnDelimiter": order.delimiter,
            "jobType": "V2Ingest",
        }
        if order.external_id:
            shown["externalIdFieldName"] = order.external_id
        if self.state == "Open":
            shown["contentUrl"] = f"services/data/v{order.version}/jobs/ingest/{self.id}/batches"
        else:
            shown |= {
                "numberRecordsProcessed": len(self.succeeded) + len(self.failed),
                "numberRecordsFailed": len(self.failed),
                "retries": 0,
                "totalProcessingTime": 0,
                "apiActiveProcessingTime": 0,
                "apexProcessingTime": 0,
            }
        if self.message:
            shown["errorMessage"] = self.message
        return shown

    def successful_csv(self) -> bytes:
        """``successfulResults``."""
        rows = [[made, str(new).lower(), *row] for made, new, row in self.succeeded]
        return _csv(["sf__Id", "sf__Created", *self.columns], rows)

    def failed_csv(self) -> bytes:
        """``failedResults``."""
        rows = [[record_id, error, *row] for record_id, error, row in self.failed]
        return _csv(["sf__Id", "sf__Error", *self.columns], rows)

    def unprocessed_csv(self) -> bytes:
        """``unprocessedrecords``."""
        return _csv(self.columns, self.unprocessed)


class IngestJobs:
    """All ingest jobs of the org."""

    def __init__(self, org: Org, clock: Clock, switches: Switches, locks: Locks) -> None:
        self._org = org
        self._clock = clock
        self._switches = switches
        self._locks = locks
        self._jobs: dict[str, IngestJob] = {}
        self._count = 0
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Forget all jobs; those at work are waited for."""
        with self._lock:
            jobs = list(self._jobs.values())
            self._jobs.clear()
            self._count = 0
        for job in jobs:
            job.state = "Aborted"
            if job.work is not None:
                job.work.join()

    def create(self, order: IngestOrder) -> IngestJob:
        """Make a job."""
        with self._lock:
            self._count += 1
            job = IngestJob(
                salesforce_id("750", _FIRST_NUMBER + self._count),
                order,
                self._clock.now(),
                self._switches["bulk_polls"],
                self._planned_end(),
            )
            self._jobs[job.id] = job
        return job

    def get(self, job_id: str) -> IngestJob:
        """A job by its 15- or 18-character id.

        Raises:
            ApiFault: there is none.
        """
        with self._lock:
            for job in self._jobs.values():
                if job.id[:15] == job_id[:15]:
                    return job
        raise not_found()

    def listed(self) -> list[IngestJob]:
        """All jobs, newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def upload(self, job: IngestJob, body: bytes) -> None:
        """Take the one CSV.

        Raises:
            ApiFault: the job is closed, or has its CSV already.
        """
        with self._lock:
            if job.state != "Open":
                raise ApiFault(
                    "INVALIDJOBSTATE", f"Upload data is not allowed in state {job.state}"
                )
            if job.body is not None:
                raise ApiFault(
                    "INVALIDJOBSTATE", "Only one request to upload data is allowed for a job"
                )
            job.body = body

    def close(self, job: IngestJob) -> None:
        """Close the upload: the job is queued.

        Raises:
            ApiFault: it is closed already.
        """
        with self._lock:
            if job.state != "Open":
                raise ApiFault("INVALIDJOBSTATE", f"Closing already {job.state} Job not allowed")
            self._move(job, "UploadComplete")
            job.work = threading.Thread(target=self._run, args=(job,), daemon=True)
        job.work.start()

    def poll(self, job: IngestJob) -> None:
        """Let the job's state move on, as it does each time a client looks."""
        if job.state not in {"UploadComplete", "InProgress"}:
            return
        ready = job.done.wait(_PATIENCE_SECONDS)
        with self._lock:
            if job.polls > 0 or not ready or self._switches["ingest_stuck"]:
                job.polls = max(0, job.polls - 1)
                self._move(job, "InProgress", job.message)
            elif job.message:
                self._move(job, "Failed", job.message)
            elif job.end == "Failed":
                self._move(job, "Failed", "InternalServerError : Retried more than ten times")
            else:
                self._move(job, job.end)

    def abort(self, job: IngestJob) -> None:
        """Abort a job that is not finished.

        Raises:
            ApiFault: it is.
        """
        with self._lock:
            if job.state in ENDED:
                raise ApiFault("INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
            self._move(job, "Aborted")

    def delete(self, job: IngestJob) -> None:
        """Delete a job that is not at work, and its results.

        Raises:
            ApiFault: it is at work.
        """
        if job.state not in ENDED:
            raise ApiFault("INVALIDJOBSTATE", f"Job cannot be deleted in state {job.state}")
        with self._lock:
            self._jobs.pop(job.id, None)

    def _move(self, job: IngestJob, state: str, message: str | None = None) -> None:
        if job.state not in ENDED:
            job.state, job.message = state, message
            job.changed = self._clock.now()

    def _planned_end(self) -> str:
        for switch, end in (("bulk_fail_next", "Failed"), ("bulk_abort_next", "Aborted")):
            left = self._switches[switch]
            if left > 0:
                self._switches.set({switch: left - 1})
                return end
        return "JobComplete"

    # The work

    def _run(self, job: IngestJob) -> None:
        try:
            sheet = Sheet.read(
                job.body or b"",
                DELIMITERS[job.order.delimiter],
                LINE_ENDINGS[job.order.line_ending],
            )
            one = self._org.schema.typed(job.order.object_name)
            sheet.check(one)
            job.columns = sheet.columns
            self._work(job, sheet)
        except (SheetError, ApiFault) as fault:
            job.message = str(fault)
        finally:
            job.done.set()

    def _work(self, job: IngestJob, sheet: Sheet) -> None:
        rows = sheet.rows
        left_out = min(len(rows), self._switches["ingest_unprocessed"])
        if job.end != "JobComplete":
            left_out = max(left_out, len(rows) // 2)
        job.unprocessed = rows[len(rows) - left_out :]
        rows = rows[: len(rows) - left_out]
        chance = random.Random(job.id)  # noqa: S311 - an order, not a secret
        if self._switches["ingest_order"] == "shuffled":
            chance.shuffle(rows)
        writer = RowWriter(self._org, job.order)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            chunk = rows[start : start + _ROWS_AT_ONCE]
            if job.state == "Aborted":
                job.unprocessed += chunk
                continue
            with self._org.transaction():
                for row in chunk:
                    self._write(job, writer, sheet, row)
        if self._switches["ingest_order"] == "shuffled":
            chance.shuffle(job.succeeded)
            chance.shuffle(job.failed)

    def _write(self, job: IngestJob, writer: RowWriter, sheet: Sheet, row: list[str]) -> None:
        record_id = ""
        try:
            values = sheet.values(self._org.schema.typed(job.order.object_name), row)
            record_id = str(values.get("Id") or "")
            self._locks.check(record_id)
            made, new = writer.write(values)
            job.succeeded.append((made, new, row))
        except ApiFault as fault:
            job.failed.append((record_id, _error(fault), row))


def _error(fault: ApiFault) -> str:
    """``sf__Error`` as public logs show it."""
    fields = ",".join(fault.fields)
    return (
        f"{fault.code}:{fault.message}:{fields} --"
        if fields
        else f"{fault.code}:{fault.message}:--"
    )


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A result file: comma and line feed, every value in quotes."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
