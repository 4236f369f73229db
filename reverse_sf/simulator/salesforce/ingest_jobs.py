"""Bulk API 2.0 ingest jobs: what they write, and the three result files.

A job takes one CSV upload and is worked off by a thread once it is closed (``UploadComplete``).
Each row succeeds, fails or is left unprocessed, and the result files give the input columns back;
in which order is not promised, so it is shuffled unless a switch says otherwise.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from reverse_sf.simulator.salesforce.ingest_writes import IngestOrder, RowWriter
from reverse_sf.simulator.salesforce.jobs import DELIMITERS, LINE_ENDINGS, Job, Jobs
from reverse_sf.simulator.salesforce.refusal import ApiFault
from reverse_sf.simulator.salesforce.sheet import Sheet, SheetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.salesforce.locks import Locks
    from reverse_sf.simulator.salesforce.org import Org
    from reverse_sf.simulator.salesforce.quota import Quota
    from reverse_sf.simulator.switches import Switches

_FIRST_NUMBER = 500_000
_ROWS_AT_ONCE = 200


@dataclass(kw_only=True)
class IngestJob(Job):
    """One job.

    Attributes:
        body: the uploaded CSV; None before the upload.
        columns: header of the CSV.
        succeeded: id, whether created, and the row.
        failed: id or nothing, error, and the row.
        unprocessed: rows that were not looked at.
    """

    retried: ClassVar[str] = "InternalServerError : Retried more than ten times"
    order: IngestOrder
    state: str = "Open"
    body: bytes | None = None
    columns: list[str] = field(default_factory=list)
    succeeded: list[tuple[str, bool, list[str]]] = field(default_factory=list)
    failed: list[tuple[str, str, list[str]]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The job as the API shows it."""
        shown = super().as_json() | {"jobType": "V2Ingest"}
        if self.order.external_id:
            shown["externalIdFieldName"] = self.order.external_id
        if self.state == "Open":
            version = self.order.version
            shown["contentUrl"] = f"services/data/v{version}/jobs/ingest/{self.id}/batches"
        else:
            shown |= {
                "numberRecordsProcessed": len(self.succeeded) + len(self.failed),
                "numberRecordsFailed": len(self.failed),
                "retries": 0,
                "totalProcessingTime": 0,
                "apiActiveProcessingTime": 0,
                "apexProcessingTime": 0,
            }
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


class IngestJobs(Jobs[IngestJob]):
    """All ingest jobs of the org."""

    def __init__(
        self, org: Org, clock: Clock, switches: Switches, locks: Locks, quota: Quota
    ) -> None:
        super().__init__(clock, switches, first_number=_FIRST_NUMBER)
        self._org = org
        self._locks = locks
        self._quota = quota

    def create(self, order: IngestOrder) -> IngestJob:
        """Make a job."""
        return self._add(lambda _number, common: IngestJob(order=order, **common))

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
            self._start(job, lambda: self._run(job))

    def _held_up(self) -> bool:
        return bool(self._switches["ingest_stuck"])

    # The work

    def _run(self, job: IngestJob) -> None:
        try:
            sheet = Sheet.read(
                job.body or b"",
                DELIMITERS[job.order.delimiter],
                LINE_ENDINGS[job.order.line_ending],
            )
            sheet.check(self._org.schema.typed(job.order.object_name))
            job.columns = sheet.columns
            self._work(job, sheet)
            job.broken = None
        except (SheetError, ApiFault) as fault:
            job.broken = str(fault)

    def _work(self, job: IngestJob, sheet: Sheet) -> None:
        # Rows beyond the day's batches are in none of the result files.
        rows = sheet.rows[: self._quota.spend_rows(len(sheet.rows))]
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
