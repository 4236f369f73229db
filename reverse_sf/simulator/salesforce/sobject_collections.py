"""``/composite/sobjects``: up to 200 records a call (REST guide, sObject Collections).

Order is kept and the answer is 200 whenever the call is well formed; each record has its own
entry. With ``allOrNone`` one refusal undoes all.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.exchange import Answer, Call
from reverse_sf.simulator.salesforce.metadata_calls import object_name
from reverse_sf.simulator.salesforce.records import write_options
from reverse_sf.simulator.salesforce.refusal import ApiFault, malformed_id

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from reverse_sf.simulator.salesforce.service import Service

    Write = Callable[[Any], dict[str, Any]]

MOST_RECORDS = 200
MOST_RUNS = 10
"""Runs of records of one type in a call."""
MOST_RETRIEVED = {"GET": 800, "POST": 2000}
_ROLLED_BACK = ApiFault(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header",
)


class _RefusedError(Exception):
    """A record was refused under ``allOrNone``: everything is undone."""


def create(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``POST /composite/sobjects``."""

    def write(record: Any) -> dict[str, Any]:
        name, values = _typed(service, record)
        service.locks.check("")
        made = service.org.create(name, values, user_id=call.user_id, options=write_options(call))
        return _success(made)

    return _write_all(service, call, _records(call), write)


def update(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``PATCH /composite/sobjects``: every record names its ``id``."""

    def write(record: Any) -> dict[str, Any]:
        name, values = _typed(service, record)
        record_id = _take_id(values)
        service.locks.check(record_id)
        with _as_reference():
            service.org.update(
                name, record_id, values, user_id=call.user_id, options=write_options(call)
            )
        return _success(record_id)

    return _write_all(service, call, _records(call), write)


def upsert(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``PATCH /composite/sobjects/X/<ExtField>``: all records of one type."""
    name = object_name(service, named)
    key = named["field"]

    def write(record: Any) -> dict[str, Any]:
        given, values = _typed(service, record)
        if given != name:
            raise ApiFault("INVALID_TYPE", f"The record must be of type {name}")
        value = next((v for k, v in values.items() if k.lower() == key.lower()), None)
        if value is None:
            raise ApiFault("MISSING_ARGUMENT", f"{key} not specified", fields=[key])
        rest = {k: v for k, v in values.items() if k.lower() != key.lower()}
        found = service.org.find_by_external_id(name, key, value)
        options = write_options(call)
        service.locks.check(found[0] if found else "")
        if len(found) > 1:
            raise ApiFault(
                "DUPLICATE_EXTERNAL_ID",
                f"{key}: more than one record found for external id field: [{', '.join(found)}]",
                fields=[key],
            )
        if found:
            service.org.update(name, found[0], rest, user_id=call.user_id, options=options)
            return _success(found[0]) | {"created": False}
        made = service.org.create(name, {**rest, key: value}, user_id=call.user_id, options=options)
        return _success(made) | {"created": True}

    return _write_all(service, call, _records(call), write)


def delete(service: Service, call: Call, _named: dict[str, str]) -> Answer:
    """``DELETE /composite/sobjects?ids=a,b``."""
    ids = _ids(call.query.get("ids"))
    _check_count(len(ids), MOST_RECORDS)

    def write(record_id: Any) -> dict[str, Any]:
        one = service.org.schema.by_prefix(str(record_id)[:3])
        if one is None:
            raise malformed_id(str(record_id))
        service.locks.check(str(record_id))
        with _as_reference():
            service.org.delete(one.name, record_id, user_id=call.user_id)
        return _success(record_id)

    return _write_all(service, call, ids, write)


def retrieve(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``GET`` or ``POST /composite/sobjects/X``: unknown ids give null."""
    name = object_name(service, named)
    body = call.json_object() if call.method == "POST" else call.query
    ids, fields = _ids(body.get("ids")), _ids(body.get("fields"))
    if not fields:
        raise ApiFault("MALFORMED_QUERY", "The fields parameter is required")
    _check_count(len(ids), MOST_RETRIEVED.get(call.method, MOST_RECORDS))
    known = {field.name.lower() for field in service.org.schema.get(name).fields}
    unknown = [field for field in fields if field.lower() not in known]
    if unknown:
        raise ApiFault("INVALID_FIELD", f"No such column '{unknown[0]}' on entity '{name}'")
    found = [_retrieved(service, call, name, record_id, fields) for record_id in ids]
    call.records = len(found)
    return Answer(found)


def _retrieved(
    service: Service, call: Call, name: str, record_id: str, fields: list[str]
) -> dict[str, Any] | None:
    try:
        return service.org.retrieve(name, record_id, fields, version=call.version)
    except ApiFault:
        return None


def _write_all(service: Service, call: Call, records: Sequence[Any], write: Write) -> Answer:
    all_or_none = _all_or_none(call)
    results: list[dict[str, Any]] = []
    refused = False
    try:
        with service.org.transaction():
            for record in records:
                results.append(_result(write, record))
                refused = refused or not results[-1]["success"]
            _undo_if(refused=refused and all_or_none)
    except _RefusedError:
        rolled_back = {"success": False, "errors": _ROLLED_BACK.body(inner=True)}
        results = [rolled_back if one["success"] else one for one in results]
    call.records = len(results)
    return Answer(results)


def _result(write: Write, record: Any) -> dict[str, Any]:
    try:
        return write(record)
    except ApiFault as fault:
        # Only single-record calls say what the duplicates are (sObject Collections).
        errors = [
            {name: text for name, text in error.items() if name != "duplicateResult"}
            for error in fault.body(inner=True)
        ]
        return {"success": False, "errors": errors}


def _undo_if(*, refused: bool) -> None:
    if refused:
        raise _RefusedError


@contextmanager
def _as_reference() -> Generator[None, None, None]:
    """An unknown id in a collection is a wrong reference, where a path would not exist."""
    try:
        yield
    except ApiFault as fault:
        if fault.code != "NOT_FOUND":
            raise
        raise ApiFault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id") from fault


def _records(call: Call) -> list[Any]:
    records = call.json_object().get("records")
    if not isinstance(records, list):
        raise ApiFault("JSON_PARSER_ERROR", "The records list is missing")
    _check_count(len(records), MOST_RECORDS)
    runs = [kind for kind, _ in groupby(records, key=_type_of)]
    if len(runs) > MOST_RUNS:
        raise ApiFault(
            "LIMIT_EXCEEDED", f"Only {MOST_RUNS} runs of one type are allowed, not {len(runs)}"
        )
    return records


def _type_of(record: Any) -> str:
    attributes = record.get("attributes") if isinstance(record, dict) else None
    return str(attributes.get("type", "")) if isinstance(attributes, dict) else ""


def _typed(service: Service, record: Any) -> tuple[str, dict[str, Any]]:
    name = _type_of(record)
    if not name:
        raise ApiFault("JSON_PARSER_ERROR", "The attributes of the record name no type")
    values = {field: value for field, value in record.items() if field != "attributes"}
    return service.org.schema.typed(name).name, values


def _take_id(values: dict[str, Any]) -> str:
    for name in list(values):
        if name.lower() == "id":
            return str(values.pop(name))
    raise ApiFault("MISSING_ARGUMENT", "Id not specified in an update call")


def _ids(given: Any) -> list[str]:
    if isinstance(given, str):
        return [part.strip() for part in given.split(",") if part.strip()]
    return [str(one) for one in given] if isinstance(given, list) else []


def _check_count(count: int, most: int) -> None:
    if count > most:
        raise ApiFault("LIMIT_EXCEEDED", f"At most {most} records are allowed, not {count}")


def _all_or_none(call: Call) -> bool:
    if call.method == "DELETE":
        return call.query.get("allOrNone", "false").lower() == "true"
    return bool(call.json_object().get("allOrNone", False))


def _success(record_id: str) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}
