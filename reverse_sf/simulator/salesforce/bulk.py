"""The calls of Bulk API 2.0 query jobs (Bulk API 2.0 guide; refusals as public logs show them)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.bulk_jobs import QueryJob, QueryOrder, page_end
from reverse_sf.simulator.salesforce.exchange import Answer, Call, FileSlice
from reverse_sf.simulator.salesforce.jobs import DELIMITERS, LINE_ENDINGS, chosen
from reverse_sf.simulator.salesforce.queries import without_literals
from reverse_sf.simulator.salesforce.refusal import ApiFault, not_found

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.service import Service

_FROM = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)
_UNSUPPORTED = frozenset(
    {
        "AcceptedEventRelation",
        "CaseStatus",
        "ContractStatus",
        "DeclinedEventRelation",
        "OrderStatus",
        "PartnerRole",
        "RecentlyViewed",
        "SolutionStatus",
        "TaskPriority",
        "TaskStatus",
        "UndecidedEventRelation",
        "UserRecordAccess",
    }
)
"""Objects that only the REST API can query."""
_FIRST_WITH_PAGES = 58.0
_PAGES_AT_ONCE = 5
_ONLY_REST = re.compile(r"\b(?P<what>typeof\b|fields\s*\()", re.IGNORECASE)


def create(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``POST /jobs/query``."""
    body = call.json_object()
    operation = body.get("operation")
    if operation not in {"query", "queryAll"}:
        raise ApiFault("API_ERROR", f"Unsupported operation: {operation}")
    if body.get("contentType", "CSV") != "CSV":
        raise ApiFault("API_ERROR", f"Unsupported content type: {body['contentType']}")
    soql = body.get("query")
    if not isinstance(soql, str) or not soql.strip():
        raise ApiFault("API_ERROR", "A query string has to be specified")
    order = QueryOrder(
        operation=operation,
        soql=soql,
        object_name=_checked_object(soql),
        delimiter=chosen(body, "columnDelimiter", DELIMITERS, "COMMA"),
        line_ending=chosen(body, "lineEnding", LINE_ENDINGS, "LF"),
        version=call.version,
        user_id=call.user_id or "",
    )
    job = service.jobs.create(order)
    service.quota.spend_job()
    return Answer(job.as_json())


def list_jobs(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``GET /jobs/query``."""
    jobs = [job.as_json() for job in service.jobs.listed()]
    if call.query.get("jobType", "V2Query") != "V2Query":
        jobs = []
    return Answer({"done": True, "records": jobs, "nextRecordsUrl": None})


def show(service: Service, _call: Call, named: dict[str, str]) -> Answer:
    """``GET /jobs/query/<id>``."""
    job = service.jobs.get(named["id"])
    service.jobs.poll(job)
    return Answer(job.as_json())


def change(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``PATCH /jobs/query/<id>``: a query job can only be aborted."""
    job = service.jobs.get(named["id"])
    state = call.json_object().get("state")
    if state != "Aborted":
        raise ApiFault("INVALIDJOBSTATE", f"Invalid job state: {state}")
    service.jobs.abort(job)
    return Answer(job.as_json())


def delete(service: Service, _call: Call, named: dict[str, str]) -> Answer:
    """``DELETE /jobs/query/<id>`` -> 204."""
    service.jobs.delete(service.jobs.get(named["id"]))
    return Answer(None, 204, limit_info=False)


def results(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET /jobs/query/<id>/results?locator=&maxRecords=``: one page of CSV."""
    job = _finished(service, call, named)
    start = _row_of(call.query.get("locator"), job)
    end = page_end(job, start, _page_size(service, call))
    call.records = end - start
    piece = FileSlice(job.header, job.path, job.offsets[start], job.offsets[end])
    headers = {
        "Sforce-Locator": _locator(end) if end < job.rows else "null",
        "Sforce-NumberOfRecords": str(end - start),
    }
    # Without a charset, as Salesforce sends it: the CSV is UTF-8 all the same.
    return Answer(piece, headers=headers, media_type="text/csv")


def result_pages(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET /jobs/query/<id>/resultPages``: up to five pages to read side by side, since v58."""
    if float(call.version) < _FIRST_WITH_PAGES:
        raise not_found()
    job = _finished(service, call, named)
    start = _row_of(call.query.get("locator"), job)
    size = _page_size(service, call)
    base = f"{call.base}/jobs/query/{job.id}"
    pages: list[dict[str, str]] = []
    while start < job.rows and len(pages) < _PAGES_AT_ONCE:
        asked = f"?maxRecords={size}" + (f"&locator={_locator(start)}" if start else "")
        pages.append({"resultUrl": f"{base}/results{asked}"})
        start = page_end(job, start, size)
    done = start >= job.rows
    answer: dict[str, Any] = {"resultPages": pages, "done": done}
    if not done:
        link = f"{base}/resultPages?maxRecords={size}&locator={_locator(start)}"
        answer[service.switches["result_pages_link"]] = link
    return Answer(answer)


def _finished(service: Service, call: Call, named: dict[str, str]) -> QueryJob:
    job = service.jobs.get(named["id"])
    if call.version != job.order.version:
        raise ApiFault(
            "API_ERROR",
            f"Results must be read with the API version of the job, {job.order.version}",
            status=409,
        )
    if job.state != "JobComplete":
        raise ApiFault("INVALIDJOBSTATE", f"Job is not complete; its state is {job.state}")
    return job


def _page_size(service: Service, call: Call) -> int:
    most: int = service.switches["bulk_page_size"]
    asked = call.query.get("maxRecords")
    if asked is None:
        return most
    if not asked.isdigit() or int(asked) < 1:
        raise ApiFault("API_ERROR", f"maxRecords must be a positive number, not {asked}")
    return min(int(asked), most)


def _locator(row: int) -> str:
    return base64.urlsafe_b64encode(str(row).encode()).decode().rstrip("=")


def _row_of(locator: str | None, job: QueryJob) -> int:
    if not locator:
        return 0
    try:
        row = int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error):
        row = -1
    if not 0 < row < job.rows:
        raise ApiFault("INVALID_QUERY_LOCATOR", f"invalid query locator: {locator}")
    return row


def _checked_object(soql: str) -> str:
    """The object of the statement; what only REST can do is refused, the org refuses the rest."""
    plain = without_literals(soql)
    refused = _ONLY_REST.search(plain)
    if refused is not None:
        what = "TYPEOF" if refused["what"].lower() == "typeof" else "FIELDS()"
        raise ApiFault(
            "API_ERROR", f"Implementation restriction: {what} is not supported in Bulk Query"
        )
    found = _FROM.search(plain)
    name = found.group(1) if found else ""
    if name in _UNSUPPORTED:
        raise ApiFault("INVALIDENTITY", f"{name} is not supported by the Bulk API")
    return name
