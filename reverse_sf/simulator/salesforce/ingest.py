"""The calls of Bulk API 2.0 ingest jobs (Bulk API 2.0 guide, "Bulk API 2.0 Ingest")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.behaviour import WriteOptions
from reverse_sf.simulator.salesforce.exchange import Answer, Call
from reverse_sf.simulator.salesforce.ingest_writes import OPERATIONS, IngestOrder
from reverse_sf.simulator.salesforce.jobs import DELIMITERS, ENDED, LINE_ENDINGS, chosen
from reverse_sf.simulator.salesforce.records import write_options
from reverse_sf.simulator.salesforce.refusal import ApiFault, unknown_type

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.ingest_jobs import IngestJob
    from reverse_sf.simulator.salesforce.service import Service

LARGEST_UPLOAD = 100 * 1024 * 1024


def create(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``POST /jobs/ingest``."""
    body = call.json_object()
    operation = body.get("operation")
    if operation not in OPERATIONS:
        raise ApiFault("INVALIDOPERATION", f"Unsupported operation: {operation}")
    if body.get("contentType", "CSV") != "CSV":
        raise ApiFault("INVALIDCONTENTTYPE", f"Unsupported content type: {body['contentType']}")
    one = service.org.schema.find(str(body.get("object", "")))
    if one is None:
        raise unknown_type(str(body.get("object", "")))
    external_id = body.get("externalIdFieldName")
    if operation == "upsert":
        external_id = _external_id(one, external_id)
    options = write_options(call)
    order = IngestOrder(
        object_name=one.name,
        operation=operation,
        external_id=external_id,
        delimiter=chosen(body, "columnDelimiter", DELIMITERS, "COMMA"),
        line_ending=chosen(body, "lineEnding", LINE_ENDINGS, "LF"),
        version=call.version,
        user_id=call.user_id or "",
        # Assignment rules run in a job only where it names one.
        options=WriteOptions(
            auto_assign=bool(body.get("assignmentRuleId")),
            allow_duplicates=options.allow_duplicates,
        ),
    )
    return Answer(service.ingest.create(order).as_json())


def list_jobs(service: Service, _call: Call, _named: dict[str, str]) -> Answer:
    """``GET /jobs/ingest``."""
    jobs = [job.as_json() for job in service.ingest.listed()]
    return Answer({"done": True, "records": jobs, "nextRecordsUrl": None})


def upload(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``PUT /jobs/ingest/<id>/batches`` -> 201, once."""
    if len(call.body) > LARGEST_UPLOAD:
        raise ApiFault("REQUEST_ENTITY_TOO_LARGE", "The upload is too large", status=413)
    service.ingest.upload(service.ingest.get(named["id"]), call.body)
    return Answer(None, 201)


def show(service: Service, _call: Call, named: dict[str, str]) -> Answer:
    """``GET /jobs/ingest/<id>``."""
    job = service.ingest.get(named["id"])
    service.ingest.poll(job)
    return Answer(job.as_json())


def change(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``PATCH /jobs/ingest/<id>``: closed or aborted."""
    job = service.ingest.get(named["id"])
    state = call.json_object().get("state")
    if state == "UploadComplete":
        service.ingest.close(job)
    elif state == "Aborted":
        service.ingest.abort(job)
    else:
        raise ApiFault("INVALIDJOBSTATE", f"Invalid job state: {state}")
    return Answer(job.as_json())


def delete(service: Service, _call: Call, named: dict[str, str]) -> Answer:
    """``DELETE /jobs/ingest/<id>`` -> 204."""
    service.ingest.delete(service.ingest.get(named["id"]))
    return Answer(None, 204, limit_info=False)


def results(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET /jobs/ingest/<id>/{successfulResults,failedResults,unprocessedrecords}``."""
    job = _ended(service, named)
    which = call.segments[-1].lower()
    if which == "successfulresults":
        call.records, body = len(job.succeeded), job.successful_csv()
    elif which == "failedresults":
        call.records, body = len(job.failed), job.failed_csv()
    else:
        call.records, body = len(job.unprocessed), job.unprocessed_csv()
    return Answer(body, media_type="text/csv")


def _ended(service: Service, named: dict[str, str]) -> IngestJob:
    job = service.ingest.get(named["id"])
    if job.state not in ENDED:
        raise ApiFault("INVALIDJOBSTATE", f"Job is not complete; its state is {job.state}")
    return job


def _external_id(one: Any, name: Any) -> str:
    found = one.find(str(name or ""))
    if found is None or not (found.external_id or found.id_lookup):
        raise ApiFault(
            "INVALIDJOB",
            f"InvalidJob : Field name provided, {name} does not match an External ID, Salesforce "
            f"Id, or indexed field for {one.name}",
        )
    return str(found.name)
