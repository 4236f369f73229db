"""Queries through Bulk API 2.0: one job, its result pages streamed, the job deleted afterwards.

Source: Bulk API 2.0 Developer Guide, "Query". A page is fetched while the one before it is
converted, so at most two pages are in memory, and their size is steered by bytes.
"""

from __future__ import annotations

import csv
import io
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.errors import AccessError, ConfigurationError, RetryError, ReverseSFError
from reverse_sf.salesforce.refusals import BulkAbortedError, BulkError, SalesforceError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from reverse_sf.salesforce.client import SalesforceClient
    from reverse_sf.salesforce.soql import Select

logger = logging.getLogger(__name__)

# A field holds up to 131,072 characters (long text areas), more than the csv module's own bound.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))

# Compound fields and files are not offered (Bulk API 2.0 Developer Guide, "SOQL Considerations").
UNSUPPORTED_TYPES = frozenset({"address", "location", "base64"})

_DONE, _FAILED, _ABORTED = "JobComplete", "Failed", "Aborted"


class _Job(msgspec.Struct, rename="camel"):
    id: str
    state: str
    error_message: str | None = None
    number_records_processed: int = 0


_job_decoder = msgspec.json.Decoder(_Job)


@dataclass(frozen=True)
class BulkPace:
    """How a job is waited for and read.

    Attributes:
        first_poll_s: pause before the first look; it grows by half each time.
        longest_poll_s: bound of the growth.
        longest_job_s: a job that is not done by then is aborted.
        first_rows: rows of the first page, small so that records flow soon.
        page_bytes: size that later pages aim at.
        most_rows: rows of a page at most.
    """

    first_poll_s: float = 0.2
    longest_poll_s: float = 10.0
    longest_job_s: float = 4 * 3600.0
    first_rows: int = 5_000
    page_bytes: int = 8_000_000
    most_rows: int = 50_000


@dataclass(frozen=True)
class BulkRows:
    """One result page.

    Attributes:
        columns: names of the header row.
        rows: the cells, as text; read once.
    """

    columns: Sequence[str]
    rows: Iterator[list[str]]


def read_csv(body: bytes) -> BulkRows:
    """Return header and rows of a result page.

    The answer names no charset; Bulk API 2.0 sends UTF-8. Rows end with a line feed, as the job
    asks for, so that carriage returns and line feeds inside quoted cells stay what they are.
    """
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", newline="\n")
    rows = csv.reader(text)
    return BulkRows(next(rows, []), rows)


def bulk_query(
    client: SalesforceClient,
    select: Select,
    *,
    all_rows: bool = False,
    pace: BulkPace | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Generator[BulkRows, None, None]:
    """Run a query as a job and yield its result pages, in no promised order of rows.

    Raises:
        BulkError: if Salesforce refuses or fails the job; the same query may work through REST.
        BulkAbortedError: if somebody aborted it.
        RetryError: if it did not complete in time.
    """
    pace = pace or BulkPace()
    job = _create(client, select, all_rows=all_rows)
    logger.info("%s: Bulk API 2.0 job %s", select.source, job.id)
    try:
        job = _completed(client, select, job, pace, pause)
        yield from _pages(client, select, job, pace)
    finally:
        _discard(client, select, job)


def _create(client: SalesforceClient, select: Select, *, all_rows: bool) -> _Job:
    body = {
        "operation": "queryAll" if all_rows else "query",
        "query": str(select),
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    what = f"Bulk API 2.0 job for {select.source}"
    try:
        answer = client.call("POST", "jobs/query", json=body, what=what)
    except (SalesforceError, AccessError, ConfigurationError) as refused:
        raise BulkError(str(refused)) from refused
    return _job_decoder.decode(answer.content)


def _completed(
    client: SalesforceClient,
    select: Select,
    job: _Job,
    pace: BulkPace,
    pause: Callable[[float], None],
) -> _Job:
    what = f"state of Bulk API 2.0 job {job.id} for {select.source}"
    deadline = time.monotonic() + pace.longest_job_s
    pause_s = pace.first_poll_s
    while job.state != _DONE:
        if job.state == _FAILED:
            raise BulkError(f"job {job.id} failed: {job.error_message or 'no reason given'}")
        if job.state == _ABORTED:
            raise BulkAbortedError(
                f"{select.source}: Bulk API 2.0 job {job.id} was aborted in Salesforce. "
                "Run again; if nobody aborted it, read with api_type REST"
            )
        if time.monotonic() > deadline:
            raise RetryError(
                f"{select.source}: Bulk API 2.0 job {job.id} is still {job.state} after "
                f"{pace.longest_job_s / 3600:g} hours. Run again later"
            )
        pause(pause_s)
        pause_s = min(pause_s * 1.5, pace.longest_poll_s)
        answer = client.call("GET", f"jobs/query/{job.id}", what=what)
        job = _job_decoder.decode(answer.content)
    return job


def _pages(
    client: SalesforceClient, select: Select, job: _Job, pace: BulkPace
) -> Iterator[BulkRows]:
    what = f"results of Bulk API 2.0 job {job.id} for {select.source}"

    def fetch(locator: str | None, most_rows: int) -> tuple[bytes, str | None, int]:
        params: dict[str, Any] = {"maxRecords": most_rows}
        if locator:
            params["locator"] = locator
        headers = {"Accept": "text/csv"}
        path = f"jobs/query/{job.id}/results"
        answer = client.call("GET", path, params=params, headers=headers, what=what)
        after = answer.headers.get("Sforce-Locator")
        count = int(answer.headers.get("Sforce-NumberOfRecords") or 0)
        return answer.content, None if after in {None, "", "null"} else after, count

    with ThreadPoolExecutor(1, thread_name_prefix="bulk") as thread:
        most_rows = pace.first_rows
        ahead = thread.submit(fetch, None, most_rows)
        while True:
            body, locator, count = ahead.result()
            if locator:
                if count and body:
                    fitting = pace.page_bytes * count // len(body)
                    most_rows = max(pace.first_rows // 5, min(fitting, pace.most_rows))
                ahead = thread.submit(fetch, locator, most_rows)
            yield read_csv(body)
            del body
            if not locator:
                return


def _discard(client: SalesforceClient, select: Select, job: _Job) -> None:
    """Delete the job, after aborting it where it still runs.

    Deleting is housekeeping: Salesforce does it by itself after 7 days, so a refusal here must
    not hide why the read ended.
    """
    what = f"end of Bulk API 2.0 job {job.id} for {select.source}"
    if job.state != _DONE:
        with suppress(ReverseSFError):
            body = {"state": _ABORTED}
            client.call("PATCH", f"jobs/query/{job.id}", json=body, what=what)
    with suppress(ReverseSFError):
        client.call("DELETE", f"jobs/query/{job.id}", what=what)
