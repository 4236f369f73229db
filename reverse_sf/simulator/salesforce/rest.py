"""The REST API of the local org: which path is answered by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_sf.simulator.salesforce import (
    bulk,
    composite,
    identity,
    ingest,
    login,
    metadata_calls,
    queries,
    records,
    soap,
    sobject_collections,
    tree,
    versions,
)
from reverse_sf.simulator.salesforce.exchange import Answer, Call
from reverse_sf.simulator.salesforce.refusal import ApiFault, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.simulator.salesforce.service import Service

    Resource = Callable[[Service, Call, dict[str, str]], Answer]

_DATA = 3
"""Segments of ``services/data/v60.0``."""


@dataclass(frozen=True)
class Route:
    """A path below the API version; ``{name}`` stands for one segment."""

    path: str
    methods: Mapping[str, Resource]

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The named segments, if the path is this one; fixed ones in any case."""
        pattern = self.path.split("/") if self.path else []
        if len(pattern) != len(segments):
            return None
        found = {}
        for wanted, given in zip(pattern, segments, strict=True):
            if wanted.startswith("{"):
                found[wanted[1:-1]] = given
            elif wanted.lower() != given.lower():
                return None
        return found


ROUTES = (
    Route("", {"GET": metadata_calls.directory}),
    Route("limits", {"GET": metadata_calls.limits}),
    Route("limits/recordCount", {"GET": metadata_calls.record_count}),
    Route("sobjects", {"GET": metadata_calls.describe_global}),
    Route("sobjects/{name}", {"GET": metadata_calls.basic, "POST": records.create}),
    Route("sobjects/{name}/describe", {"GET": metadata_calls.describe}),
    Route("sobjects/{name}/deleted", {"GET": records.deleted}),
    Route("sobjects/{name}/updated", {"GET": records.updated}),
    Route(
        "sobjects/{name}/{id}",
        {"GET": records.retrieve, "PATCH": records.update, "DELETE": records.delete},
    ),
    Route(
        "sobjects/{name}/{field}/{key}",
        {
            "GET": records.retrieve_by_key,
            "PATCH": records.upsert,
            "DELETE": records.delete_by_key,
        },
    ),
    Route("query", {"GET": queries.query}),
    Route("query/{locator}", {"GET": queries.more}),
    Route("queryAll", {"GET": queries.query_all}),
    Route("queryAll/{locator}", {"GET": queries.more}),
    Route("composite", {"POST": composite.composite}),
    Route("composite/batch", {"POST": composite.batch}),
    Route("composite/tree/{name}", {"POST": tree.create}),
    Route(
        "composite/sobjects",
        {
            "POST": sobject_collections.create,
            "PATCH": sobject_collections.update,
            "DELETE": sobject_collections.delete,
        },
    ),
    Route(
        "composite/sobjects/{name}",
        {"GET": sobject_collections.retrieve, "POST": sobject_collections.retrieve},
    ),
    Route("composite/sobjects/{name}/{field}", {"PATCH": sobject_collections.upsert}),
    Route("jobs/query", {"GET": bulk.list_jobs, "POST": bulk.create}),
    Route("jobs/query/{id}", {"GET": bulk.show, "PATCH": bulk.change, "DELETE": bulk.delete}),
    Route("jobs/query/{id}/results", {"GET": bulk.results}),
    Route("jobs/query/{id}/resultPages", {"GET": bulk.result_pages}),
    Route("jobs/ingest", {"GET": ingest.list_jobs, "POST": ingest.create}),
    Route(
        "jobs/ingest/{id}", {"GET": ingest.show, "PATCH": ingest.change, "DELETE": ingest.delete}
    ),
    Route("jobs/ingest/{id}/batches", {"PUT": ingest.upload}),
    Route("jobs/ingest/{id}/successfulResults", {"GET": ingest.results}),
    Route("jobs/ingest/{id}/failedResults", {"GET": ingest.results}),
    Route("jobs/ingest/{id}/unprocessedrecords", {"GET": ingest.results}),
)
_OPEN: dict[tuple[str, ...], Mapping[str, Callable[[Service, Call], Answer]]] = {
    ("services", "oauth2", "token"): {"POST": login.token},
    ("services", "oauth2", "authorize"): {"GET": login.authorize, "POST": login.authorize},
    ("services", "oauth2", "revoke"): {"GET": login.revoke, "POST": login.revoke},
    ("services", "oauth2", "userinfo"): {"GET": identity.userinfo, "POST": identity.userinfo},
    ("services", "data"): {"GET": lambda _service, _call: Answer(versions.listed())},
}


def answer(service: Service, call: Call) -> Answer:
    """Answer any call, with Salesforce's error shape where it is refused."""
    try:
        return _answer(service, call)
    except ApiFault as fault:
        return Answer(fault.body(), fault.status)


def _answer(service: Service, call: Call) -> Answer:
    segments = call.segments
    if segments in _OPEN:
        return _chosen(_OPEN[segments], call.method)(service, call)
    if segments[:3] == ("services", "Soap", "u") and len(segments) > _DATA:
        return _chosen({"POST": soap.login}, call.method)(service, call)
    if segments[:1] == ("id",) and len(segments) == len(("id", "organization", "user")):
        return _chosen({"GET": identity.identity, "POST": identity.identity}, call.method)(
            service, call
        )
    if segments[:2] != ("services", "data"):
        raise not_found()
    call.version = versions.checked(segments[2])
    call.session = login.require_session(service, call)
    service.quota.spend_request()
    call.billed = 1
    return resource(service, call, segments[_DATA:])


def resource(service: Service, call: Call, segments: tuple[str, ...]) -> Answer:
    """Answer a call below the API version; parts of a batch come here as well.

    Raises:
        ApiFault: there is no such resource, the method is not allowed, or it refuses.
    """
    for route in ROUTES:
        named = route.match(segments)
        if named is not None:
            return _chosen(route.methods, call.method)(service, call, named)
    raise not_found()


def _chosen(methods: Mapping[str, Callable[..., Answer]], method: str) -> Callable[..., Answer]:
    found = methods.get("GET" if method == "HEAD" else method)
    if found is None:
        allowed = ",".join(sorted(methods))
        raise ApiFault(
            "METHOD_NOT_ALLOWED",
            f"HTTP Method '{method}' not allowed. Allowed are {allowed}",
            status=405,
        )
    return found
