"""Calls about the org itself: describes with their caching headers, and limits."""

from __future__ import annotations

import hashlib
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.salesforce.exchange import Answer, Call
from reverse_sf.simulator.salesforce.place import instance_url
from reverse_sf.simulator.salesforce.refusal import ApiFault, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.salesforce.service import Service

_RESOURCES = ("composite", "jobs", "limits", "query", "queryAll", "sobjects")


def directory(_service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``GET /services/data/v60.0``: the resources there are."""
    return Answer({name: f"{call.base}/{name}" for name in _RESOURCES})


def limits(service: Service, _call: Call, _named: dict[str, str]) -> Answer:
    """``GET /limits``."""
    return Answer(service.quota.limits())


def record_count(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``GET /limits/recordCount``: Salesforce gives approximate counts; these are exact."""
    asked = [name.strip() for name in call.query.get("sObjects", "").split(",") if name.strip()]
    listed = [entry["name"] for entry in service.org.describe_global()["sobjects"]]
    wanted = {name.lower() for name in asked}
    counts = [
        {"count": service.org.count(name), "name": name}
        for name in listed
        if not wanted or name.lower() in wanted
    ]
    return Answer({"sObjects": counts})


def describe_global(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``GET /sobjects``."""
    return _cached(service, call, service.org.describe_global(version=call.version))


def basic(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET /sobjects/X``."""
    for entry in service.org.describe_global(version=call.version)["sobjects"]:
        if entry["name"].lower() == named["name"].lower():
            return Answer({"objectDescribe": entry, "recentItems": []})
    raise not_found()


def describe(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET /sobjects/X/describe``."""
    described = service.org.describe(
        named["name"], version=call.version, instance_url=instance_url(call)
    )
    return _cached(service, call, described)


def object_name(service: Service, named: dict[str, str]) -> str:
    """The object of a path as the org spells it.

    Raises:
        ApiFault: 404, the org has no such object.
    """
    return service.org.schema.get(named["name"]).name


def _cached(service: Service, call: Call, body: dict[str, Any]) -> Answer:
    encoded = msgspec.json.encode(body)
    changed = service.org.metadata_changed_at.replace(microsecond=0)
    headers = {
        "ETag": f'"{hashlib.sha256(encoded).hexdigest()[:32]}"',
        "Last-Modified": format_datetime(changed, usegmt=True),
    }
    if _unchanged(call.headers, headers):
        return Answer(None, 304, headers)
    return Answer(encoded, headers=headers)


def _unchanged(asked: Mapping[str, str], have: Mapping[str, str]) -> bool:
    tags = asked.get("if-none-match")
    if tags is not None:
        return have["ETag"] in [one.strip() for one in tags.split(",")]
    since = asked.get("if-modified-since")
    if since is None:
        return False
    try:
        return parsedate_to_datetime(have["Last-Modified"]) <= parsedate_to_datetime(since)
    except (TypeError, ValueError) as error:
        raise ApiFault("INVALID_HEADER", f"If-Modified-Since is no HTTP date: {since}") from error
