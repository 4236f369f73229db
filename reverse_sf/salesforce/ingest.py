"""Writes through Bulk API 2.0: one CSV a job, and every row's fate read back.

Sources: Bulk API 2.0 guide, "Bulk API 2.0 Ingest", "Prepare CSV Files", "Get Job Successful Record
Results". An empty cell leaves a field alone and ``#N/A`` clears it. The result files come in any
order, so rows are recognised by a key column, or by all their cells where there is none: rows that
are alike in every cell are interchangeable. ``JobComplete`` does not mean that all rows worked.
"""

from __future__ import annotations

import csv
import io
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.errors import RetryError, ReverseSFError
from reverse_sf.salesforce.bulk import read_csv
from reverse_sf.salesforce.refusals import SalesforceError, error_of, read_refusal
from reverse_sf.salesforce.saves import Complaint, SaveOptions, complaint_of_bulk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reverse_sf.salesforce.client import SalesforceClient

logger = logging.getLogger(__name__)

NULL = "#N/A"
MOST_BYTES = 90_000_000
"""An upload may have 150 MB after base64, which is about 100 MB of CSV."""
ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
_NOT_FOUND = 404


@dataclass(frozen=True)
class IngestPace:
    """How a job is waited for; seconds.

    Attributes:
        first_poll_s: pause before the second look; it grows by half each time.
        longest_poll_s: bound of the growth.
        patience_s: a job that shows no progress for so long is left to the next run.
    """

    first_poll_s: float = 0.2
    longest_poll_s: float = 10.0
    patience_s: float = 900.0


class IngestState(msgspec.Struct, rename="camel"):
    """A job as Salesforce shows it."""

    id: str
    state: str
    error_message: str | None = None
    number_records_processed: int = 0
    number_records_failed: int = 0


@dataclass
class IngestResult:
    """What became of a job's rows.

    Attributes:
        columns: of the rows.
        succeeded: Id, whether it was created, and the row.
        failed: Id or nothing, the complaint, and the row.
        unprocessed: rows that Salesforce did not look at.
        processed: how many rows Salesforce says that it looked at.
        lost: whether the job is gone with its results.
    """

    state: str
    error: str = ""
    columns: list[str] = field(default_factory=list)
    succeeded: list[tuple[str, bool, list[str]]] = field(default_factory=list)
    failed: list[tuple[str, Complaint, list[str]]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)
    processed: int = 0
    lost: bool = False

    @property
    def complete(self) -> bool:
        """Whether every row that was looked at is told of: the others were not written."""
        return not self.lost and self.processed == len(self.succeeded) + len(self.failed)


@dataclass(frozen=True)
class IngestOrder:
    """What a job is to do: an operation on an object, and the key of an upsert."""

    sobject: str
    operation: str
    key: str | None = None


class Ingest:
    """Runs ingest jobs, one after the other.

    Args:
        client: the org.
        options: what goes with every write.
        pace: how jobs are waited for.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        client: SalesforceClient,
        options: SaveOptions | None = None,
        pace: IngestPace | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._headers = (options or SaveOptions()).headers
        self._pace = pace or IngestPace()
        self._pause = pause

    def upload(
        self, order: IngestOrder, columns: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> str:
        """Make a job and give it its rows; nothing is written yet.

        Returns:
            The job's id.

        Raises:
            ReverseSFError: the job is refused.
        """
        job_id = self._create(order)
        answer = self._upload(job_id, csv_of(columns, rows))
        if answer is not None:
            # An upload whose answer got lost cannot be repeated; the job has done nothing yet.
            logger.warning("Job %s: %s. Making another", job_id, answer)
            self.abort(job_id)
            job_id = self._create(order)
            answer = self._upload(job_id, csv_of(columns, rows))
            if answer is not None:
                raise answer
        logger.info(
            "%s: Bulk API 2.0 job %s, %s of %d records",
            order.sobject,
            job_id,
            order.operation,
            len(rows),
        )
        return job_id

    def _create(self, order: IngestOrder) -> str:
        body = {
            "object": order.sobject,
            "operation": order.operation,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        if order.key is not None:
            body["externalIdFieldName"] = order.key
        what = f"Bulk API 2.0 job for {order.sobject}"
        answer = self._client.call(
            "POST", "jobs/ingest", json=body, headers=self._headers, what=what
        )
        return _state_of(answer.content).id

    def _upload(self, job_id: str, body: bytes) -> ReverseSFError | None:
        answer = self._client.answer(
            "PUT",
            f"jobs/ingest/{job_id}/batches",
            data=body,
            headers={"Content-Type": "text/csv; charset=UTF-8"},
        )
        if answer.ok:
            return None
        refused = error_of(read_refusal(answer), f"upload to Bulk API 2.0 job {job_id}")
        if isinstance(refused, SalesforceError):
            return refused
        raise refused

    def start(self, job_id: str) -> None:
        """Close a job's upload: from now on Salesforce writes.

        Raises:
            ReverseSFError: the job cannot be started.
        """
        body = {"state": "UploadComplete"}
        what = f"start of Bulk API 2.0 job {job_id}"
        try:
            self._client.call("PATCH", f"jobs/ingest/{job_id}", json=body, what=what)
        except SalesforceError:
            # Refused, because an earlier try did arrive?
            state = self.state(job_id)
            if state is None or state.state == "Open":
                raise

    def state(self, job_id: str) -> IngestState | None:
        """A job's state; None where Salesforce has forgotten it (after seven days)."""
        path, what = f"jobs/ingest/{job_id}", f"state of Bulk API 2.0 job {job_id}"
        answer = self._client.answer("GET", path)
        if answer.status_code == _NOT_FOUND:
            return None
        if not answer.ok:
            raise error_of(read_refusal(answer), what)
        return _state_of(answer.content)

    def finished(self, job_id: str, tick: Callable[[], None]) -> IngestResult:
        """Wait for a job and read what became of its rows.

        Args:
            job_id: a started job.
            tick: called at each look.

        Raises:
            RetryError: the job shows no progress; the next run waits for it first.
        """
        pause_s = self._pace.first_poll_s
        seen, since = (-1, ""), time.monotonic()
        while True:
            job = self.state(job_id)
            if job is None:
                return IngestResult("", "Salesforce has forgotten the job", lost=True)
            if job.state in ENDED:
                break
            now = (job.number_records_processed, job.state)
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > self._pace.patience_s:
                raise RetryError(
                    f"Bulk API 2.0 job {job_id} is {job.state} and has shown no progress for "
                    f"{self._pace.patience_s:g} seconds. Run again later: the job is waited for "
                    "before anything else is written"
                )
            tick()
            self._pause(pause_s)
            pause_s = min(pause_s * 1.5, self._pace.longest_poll_s)
        result = IngestResult(
            job.state, job.error_message or "", processed=job.number_records_processed
        )
        self._read(job_id, result)
        return result

    def _read(self, job_id: str, result: IngestResult) -> None:
        columns, rows = self._file(job_id, "successfulResults")
        result.columns = columns[2:]
        result.succeeded = [(row[0], row[1].lower() == "true", row[2:]) for row in rows]
        columns, rows = self._file(job_id, "failedResults")
        result.columns = result.columns or columns[2:]
        result.failed = [(row[0], complaint_of_bulk(row[1]), row[2:]) for row in rows]
        columns, rows = self._file(job_id, "unprocessedrecords")
        result.columns = result.columns or columns
        result.unprocessed = list(rows)

    def _file(self, job_id: str, name: str) -> tuple[list[str], Iterator[list[str]]]:
        answer = self._client.call(
            "GET",
            f"jobs/ingest/{job_id}/{name}",
            headers={"Accept": "text/csv"},
            what=f"{name} of Bulk API 2.0 job {job_id}",
        )
        page = read_csv(answer.content)
        return list(page.columns), (row for row in page.rows if row)

    def abort(self, job_id: str) -> None:
        """Give up a job that was not started; Salesforce forgets it by itself if this fails."""
        self._tidy("PATCH", job_id, json={"state": "Aborted"})

    def discard(self, job_id: str) -> None:
        """Delete a finished job; Salesforce does it by itself after seven days if this fails."""
        self._tidy("DELETE", job_id)

    def _tidy(self, method: str, job_id: str, **options: Any) -> None:
        try:
            self._client.answer(method, f"jobs/ingest/{job_id}", **options)
        except RetryError as error:
            logger.info("Job %s is left behind: %s", job_id, error)


def csv_of(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """An upload: UTF-8, comma, line feed, a header of API names."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def cell_of(value: Any) -> str:
    """A value as a CSV cell; blank ones clear the field."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - exact
        return str(int(value))
    return str(value)


def fits_csv(values: Mapping[str, Any]) -> bool:
    """Whether a CSV can say all values: none is a text that would be taken for null."""
    return not any(isinstance(value, str) and value.strip() == NULL for value in values.values())


def _state_of(content: bytes) -> IngestState:
    return msgspec.json.decode(content, type=IngestState)
