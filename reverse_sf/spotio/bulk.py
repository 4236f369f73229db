"""Bulk jobs: the documented way to write many records (OpenAPI, tag DataObjectsBulkJobs).

A job does nothing before it is started, so an unknown outcome of any earlier step costs at most an
unused job. After the start its fate is read from its progress.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.errors import RecordError
from reverse_sf.spotio.errors import AmbiguousOutcomeError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reverse_sf.spotio.session import Session

_JOBS = "/api/jobs/dataObjects/bulk"
_ENDED = {"jobcomplete", "failed", "aborted"}
_WAITS_FOR_START = {"open", "uploadcomplete"}


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        state: ``Open``, ``UploadComplete``, ``InProgress``, ``Ingested``, ``JobComplete``,
            ``Failed`` or ``Aborted``.
        total: records to process.
        processed: records processed, failed ones included.
    """

    state: str
    total: int = 0
    processed: int = 0
    failed: int = 0
    message: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state.lower() in _ENDED

    @property
    def not_started(self) -> bool:
        """Whether the job still waits for its start, so that nothing has happened."""
        return self.state.lower() in _WAITS_FOR_START


@dataclass(frozen=True)
class Line:
    """One line of a result file.

    Attributes:
        record_id: id of the written record, on success.
        error: SPOTIO's words, on failure.
        sent: the line as it was uploaded.
    """

    sent: Mapping[str, Any]
    record_id: str | None = None
    error: Any = None
    keys: Mapping[str, Any] = field(default_factory=dict)

    def value(self, key: str) -> Any:
        """A value of the uploaded line.

        Keys are matched without regard to case: the specification spells them both ways.
        """
        return self.keys.get(key.lower())


class BulkJobs:
    """The bulk jobs of one tenant."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def upload(self, operation: str, type_id: str, rows: Sequence[Mapping[str, Any]]) -> str:
        """Make a job and upload its rows; returns the job's id. Nothing is written yet."""
        content = b"\n".join(msgspec.json.encode(row) for row in rows) + b"\n"
        payload = {"operation": operation, "dataObjectTypeId": int(type_id)}
        while True:
            # An unused job is harmless, so both steps may be repeated, each with a job of its own:
            # a second upload to the same job would write every row twice.
            job = self._session.request("POST", _JOBS, payload=payload, repeatable=True).body
            job_id = str(job["id"])
            try:
                self._session.request(
                    "PUT",
                    f"{_JOBS}/{job_id}/data",
                    content=content,
                    content_type="application/octet-stream",
                    repeatable=False,
                )
            except AmbiguousOutcomeError:
                self.clean_up(job_id)
                continue
            return job_id

    def start(self, job_id: str) -> None:
        """Start a job; an unanswered start is looked after, not repeated blindly."""
        while True:
            try:
                self._session.request("POST", f"{_JOBS}/{job_id}/start", repeatable=False)
            except AmbiguousOutcomeError:
                if self.progress(job_id).not_started:
                    continue
            return

    def progress(self, job_id: str) -> Progress:
        """How far the job is; a job that SPOTIO no longer knows counts as aborted."""
        try:
            body = self._session.get(f"{_JOBS}/{job_id}/progress").body
        except NotFoundError:
            return Progress("Aborted", message="SPOTIO does not know this job any more")
        return Progress(
            state=str(body.get("state") or ""),
            total=int(body.get("totalRecordsToProcess") or 0),
            processed=int(body.get("recordsProcessed") or 0),
            failed=int(body.get("recordsFailed") or 0),
            message=str(body.get("errorMessage") or ""),
        )

    def succeeded(self, job_id: str) -> Iterator[Line]:
        """The lines that were written."""
        return self._lines(job_id, "succeeded")

    def failed(self, job_id: str) -> Iterator[Line]:
        """The lines that were refused, with SPOTIO's words."""
        return self._lines(job_id, "failed")

    def _lines(self, job_id: str, which: str) -> Iterator[Line]:
        try:
            body = self._session.get(f"{_JOBS}/{job_id}/results/{which}").body
        except NotFoundError:
            # No file is kept for an outcome that no line had.
            return
        for row in _rows(body):
            low = {str(key).lower(): value for key, value in row.items()}
            sent = low.get("data") or {}
            if isinstance(sent, str):
                sent = json.loads(sent)
            record_id = low.get("dataobjectid")
            yield Line(
                sent=sent,
                record_id=None if record_id is None else str(record_id),
                error=low.get("error"),
                keys={str(key).lower(): value for key, value in sent.items()},
            )

    def clean_up(self, job_id: str) -> None:
        """Drop the job's files; after it the job counts as aborted. Safe to repeat."""
        try:
            self._session.request(
                "DELETE",
                f"{_JOBS}/{job_id}/cleanup",
                payload={
                    "dropDataTable": True,
                    "deleteResultFiles": True,
                    "deleteUploadedFiles": True,
                },
                repeatable=True,
            )
        except RecordError:
            # Gone already, or too late to clean up: both leave nothing behind that acts.
            return


def _rows(body: Any) -> list[dict[str, Any]]:
    """The objects of an NDJSON answer; a single line has already been read as one JSON value."""
    if body is None:
        return []
    if isinstance(body, dict):
        return [body]
    if isinstance(body, list):
        return body
    return [json.loads(line) for line in str(body).splitlines() if line.strip()]
