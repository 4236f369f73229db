"""``/composite`` and ``/composite/batch``: several calls in one request.

A composite counts as one API request; of a batch, each part counts (REST guide, "Composite Batch",
"Send Multiple Requests Using Composite").
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from reverse_sf.simulator.salesforce import versions
from reverse_sf.simulator.salesforce.exchange import Answer, Call, parse_target
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.service import Service

MOST_PARTS, MOST_HEAVY = 25, 5
"""Parts of a composite, and of those queries and sObject collections (REST guide, "Composite")."""
_HEAVY = ("query", "queryall")
_BAD_STATUS = 400
_REFERENCE = re.compile(r"@\{(\w+)\.([\w.\[\]]+)\}")
_STEP = re.compile(r"\w+")


def batch(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``POST /composite/batch``: parts that know nothing of each other, without a roll-back."""
    body = call.json_object()
    results = []
    failed = False
    halted = bool(body.get("haltOnError", False))
    for part in _parts(body, "batchRequests"):
        if failed and halted:
            refusal = ApiFault(
                "BATCH_PROCESSING_HALTED",
                "Batch processing halted by request due to previous errors",
                status=412,
            )
            results.append({"statusCode": refusal.status, "result": refusal.body()})
            continue
        try:
            # The batch itself has paid for its first part.
            if results:
                service.quota.spend_request()
                call.billed += 1
            answer = _run(service, call, part, part.get("richInput"))
        except ApiFault as fault:
            answer = Answer(fault.body(), fault.status)
        failed = failed or answer.status >= _BAD_STATUS
        results.append({"statusCode": answer.status, "result": _plain(answer.body)})
    return Answer({"hasErrors": failed, "results": results})


def composite(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``POST /composite``: parts in order, which may refer to earlier answers."""
    body = call.json_object()
    parts = _parts(body, "compositeRequest")
    heavy = sum(_is_heavy(part) for part in parts)
    if heavy > MOST_HEAVY:
        raise ApiFault(
            "LIMIT_EXCEEDED",
            f"The number of query and sObject Collections subrequests, {heavy}, is over the limit "
            f"of {MOST_HEAVY}",
        )
    if not body.get("allOrNone", False):
        return Answer({"compositeResponse": _in_order(service, call, parts)[0]})
    try:
        with service.org.transaction():
            answers, failed = _in_order(service, call, parts)
            _require(answers, failed)
    except _PartFailedError as undone:
        answers = _halted(undone)
    return Answer({"compositeResponse": answers})


class _PartFailedError(Exception):
    """A part of an all-or-none composite failed: everything is undone."""

    def __init__(self, answers: list[dict[str, Any]], failed: int) -> None:
        super().__init__(failed)
        self.answers = answers
        self.failed = failed


def _require(answers: list[dict[str, Any]], failed: int | None) -> None:
    if failed is not None:
        raise _PartFailedError(answers, failed)


def _halted(undone: _PartFailedError) -> list[dict[str, Any]]:
    """What the innocent parts answer."""
    halted = ApiFault(
        "PROCESSING_HALTED",
        "The transaction was rolled back since another operation in the same transaction failed.",
    )
    replaced = {"body": halted.body(), "httpHeaders": {}, "httpStatusCode": halted.status}
    return [
        one if number == undone.failed else one | replaced
        for number, one in enumerate(undone.answers)
    ]


def _in_order(
    service: Service, call: Call, parts: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], int | None]:
    """Answers of all parts, and the place of the first that failed."""
    answers: list[dict[str, Any]] = []
    bodies: dict[str, Any] = {}
    failed = None
    for number, part in enumerate(parts):
        reference = part.get("referenceId", "")
        try:
            filled = _fill({"url": part.get("url", ""), "body": part.get("body")}, bodies)
            answer = _run(service, call, {**part, "url": filled["url"]}, filled["body"])
        except ApiFault as fault:
            answer = Answer(fault.body(), fault.status)
        body = _plain(answer.body)
        bodies[reference] = body
        if answer.status >= _BAD_STATUS and failed is None:
            failed = number
        answers.append(
            {
                "body": body,
                "httpHeaders": {k: v for k, v in answer.headers.items() if k == "Location"},
                "httpStatusCode": answer.status,
                "referenceId": reference,
            }
        )
    return answers, failed


def _parts(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    parts = body.get(name)
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise ApiFault("JSON_PARSER_ERROR", f"The {name} list is missing")
    if len(parts) > MOST_PARTS:
        raise ApiFault(
            "LIMIT_EXCEEDED",
            f"The number of subrequests, {len(parts)}, is over the limit of {MOST_PARTS}",
        )
    return parts


def _is_heavy(part: dict[str, Any]) -> bool:
    segments = urlsplit(str(part.get("url", ""))).path.strip("/").lower().split("/")[3:]
    return segments[:1] in ([each] for each in _HEAVY) or segments[:2] == ["composite", "sobjects"]


def _run(service: Service, call: Call, part: dict[str, Any], body: Any) -> Answer:
    split = urlsplit(str(part.get("url", "")))
    path = split.path.strip("/").removeprefix("services/data/")
    segments, query = parse_target(path, split.query)
    method = str(part.get("method", "GET")).upper()
    inner = Call(
        method,
        segments,
        query,
        {**call.headers, **{k.lower(): str(v) for k, v in part.get("httpHeaders", {}).items()}},
        b"" if body is None else json.dumps(body).encode(),
        call.origin,
        session=call.session,
        answer_part=call.answer_part,
    )
    try:
        inner.version = versions.checked(segments[0] if segments else "")
        answer = call.answer_part(service, inner, segments[1:])
    except ApiFault as fault:
        answer = Answer(fault.body(), fault.status)
    call.records += inner.records
    call.subrequests.append({"method": method, "path": f"/{path}", "status": answer.status})
    return answer


def _plain(body: Any) -> Any:
    return msgspec.json.decode(body) if isinstance(body, bytes) else body


def _fill(part: Any, bodies: dict[str, Any]) -> Any:
    """The part with ``@{reference.field}`` replaced by what earlier answers said."""
    if isinstance(part, dict):
        return {name: _fill(value, bodies) for name, value in part.items()}
    if isinstance(part, list):
        return [_fill(value, bodies) for value in part]
    if isinstance(part, str):
        return _REFERENCE.sub(lambda match: _look_up(match, bodies), part)
    return part


def _look_up(match: re.Match[str], bodies: dict[str, Any]) -> str:
    found: Any = bodies.get(match.group(1))
    try:
        for step in _STEP.findall(match.group(2)):
            found = found[int(step)] if isinstance(found, list) else found[step]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ApiFault(
            "PROCESSING_HALTED", f"Invalid reference specified. No value for {match.group(0)}"
        ) from error
    return str(found)
