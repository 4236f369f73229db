"""``/composite/tree/X``: records with their children, all or nothing (REST guide, sObject Tree)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.exchange import Answer, Call
from reverse_sf.simulator.salesforce.metadata_calls import object_name
from reverse_sf.simulator.salesforce.records import write_options
from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from reverse_sf.simulator.salesforce.metadata import SObject
    from reverse_sf.simulator.salesforce.service import Service

MOST_RECORDS, MOST_LEVELS = 200, 5


class _RefusedError(Exception):
    """Some records were refused: everything is undone."""


def create(service: Service, call: Call, named: dict[str, str]) -> Answer:
    """``POST /composite/tree/X`` -> 201, or 400 with only the errors."""
    one = service.org.schema.get(object_name(service, named))
    tree = _Tree(service, call)
    try:
        with service.org.transaction():
            for record in _records(call.json_object()):
                tree.add(one, record, {}, level=1)
            tree.undo_if_refused()
    except _RefusedError:
        return Answer({"hasErrors": True, "results": tree.refused}, 400)
    call.records = len(tree.made)
    return Answer({"hasErrors": False, "results": tree.made}, 201)


class _Tree:
    """The records of one call, made one after the other."""

    def __init__(self, service: Service, call: Call) -> None:
        self._service = service
        self._call = call
        self._count = 0
        self.made: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []

    def undo_if_refused(self) -> None:
        """Leave the caller's transaction with an error where a record was refused."""
        if self.refused:
            raise _RefusedError

    def add(self, one: SObject, record: Any, parent: dict[str, Any], *, level: int) -> None:
        """Make a record and everything below it."""
        self._count += 1
        if self._count > MOST_RECORDS or level > MOST_LEVELS:
            raise ApiFault(
                "LIMIT_EXCEEDED", f"A tree has {MOST_RECORDS} records and {MOST_LEVELS} levels"
            )
        attributes = record.get("attributes") if isinstance(record, dict) else None
        if not isinstance(attributes, dict) or not attributes.get("referenceId"):
            raise ApiFault("JSON_PARSER_ERROR", "A record of a tree needs its referenceId")
        below = {
            relation: given["records"]
            for relation in self._service.org.schema.relations(one.name)
            if isinstance(given := record.get(relation.field.children or ""), dict)
            and isinstance(given.get("records"), list)
        }
        nested = {"attributes", *(relation.field.children for relation in below)}
        values = {name: value for name, value in record.items() if name not in nested}
        reference = attributes["referenceId"]
        try:
            made = self._service.org.create(
                one.name,
                {**values, **parent},
                user_id=self._call.user_id,
                options=write_options(self._call),
            )
        except ApiFault as fault:
            self.refused.append({"referenceId": reference, "errors": fault.body(inner=True)})
            return
        self.made.append({"referenceId": reference, "id": made})
        for relation, children in below.items():
            child = self._service.org.schema.typed(relation.child)
            for entry in children:
                self.add(child, entry, {relation.field.name: made}, level=level + 1)


def _records(body: dict[str, Any]) -> list[Any]:
    records = body.get("records")
    if not isinstance(records, list) or not records:
        raise ApiFault("JSON_PARSER_ERROR", "The records list is missing")
    return records
