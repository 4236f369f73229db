"""Records that no mapper decided: a plain Singer target for any object.

What is done to them is one setting (``action``). Records are recognised by the configured external
id field, or by ``Id``. References may be given by external id: ``{"Site__r": {"Ext__c": "x"}}``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverse_sf.delivery.results import Result, Withheld
from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.salesforce.lookup import find_by
from reverse_sf.salesforce.saves import Complaint, Saved, words_of
from reverse_sf.target.carrier import Delivery, Parcel, Route
from reverse_sf.target.vocabulary import ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.delivery.outbox import Outbox
    from reverse_sf.target.carrier import Carrier
    from reverse_sf.target.operations import Operation
    from reverse_sf.target.org import Org
    from reverse_sf.target.settings import Settings
    from reverse_sf.target.vocabulary import Vocabulary

_COUNTERS = {
    "insert": "created",
    "update": "updated",
    "upsert": "updated",
    "delete": "deleted",
    "hard_delete": "deleted",
}
_DELETES = frozenset({"delete", "hard_delete"})


class PlainWrites:
    """Writes plain records of one object after the other.

    Args:
        org: the org.
        carrier: sends records.
        settings: what to do, and by which key.
        outbox: takes results.
    """

    def __init__(self, org: Org, carrier: Carrier, settings: Settings, outbox: Outbox) -> None:
        self._org = org
        self._carrier = carrier
        self._settings = settings
        self._outbox = outbox

    def apply(self, vocabulary: Vocabulary, operations: Sequence[Operation]) -> None:
        """Write records of one object.

        Raises:
            ConfigurationError: records hold what cannot be written, or lack their key.
        """
        action = self._settings.action
        key = None if action == "insert" else self._org.key_field(vocabulary, unique=False)
        key = key or ID
        parcels = [self._parcel(vocabulary, one) for one in operations]
        if action != "insert":
            self._require_keys(vocabulary, parcels, key)
            parcels = _merged(parcels, key)
        if action == "upsert":
            self._upsert(vocabulary, parcels, key)
        elif action == "insert":
            self._send(Route(vocabulary.sobject, "insert"), parcels)
        else:
            if key != ID:
                parcels = self._with_ids(vocabulary, parcels, key)
            if action in _DELETES:
                parcels = [Parcel({ID: one.values[ID]}, one.tag) for one in parcels]
            operation = "hardDelete" if action == "hard_delete" else action
            self._send(Route(vocabulary.sobject, operation), parcels)

    def _parcel(self, vocabulary: Vocabulary, operation: Operation) -> Parcel:
        """A record with exact names; fields that nobody can write are named in an error."""
        values: dict[str, Any] = {}
        read_only: list[str] = []
        for name, value in operation.record.items():
            facts = vocabulary.find(name)
            relation = vocabulary.relation(name) if facts is None else None
            if relation is not None:
                values[relation.relationship or name] = value
            elif facts is not None:
                writable = facts.createable if self._settings.action == "insert" else True
                if facts.name == ID and self._settings.action != "insert":
                    writable = True
                elif facts.read_only or not writable:
                    read_only.append(facts.name)
                    continue
                values[facts.name] = vocabulary.wire(facts.name, value)
        if read_only and self._settings.action not in _DELETES | {"none"}:
            self._check_read_only(vocabulary, read_only)
        return Parcel(values, operation)

    def _check_read_only(self, vocabulary: Vocabulary, names: Sequence[str]) -> None:
        if self._settings.ignore_read_only:
            return
        # The right to write them may be given any time.
        self._org.client.distrust(vocabulary.sobject)
        raise ConfigurationError(
            f"{vocabulary.sobject}: the records hold fields that nobody can write; deselect them in"
            " the tap, or set ignore_read_only",
            [f"{vocabulary.sobject}.{name} is read-only" for name in names],
        )

    def _require_keys(self, vocabulary: Vocabulary, parcels: Sequence[Parcel], key: str) -> None:
        without = sum(one.values.get(key) in (None, "") for one in parcels)
        if without and not (self._settings.action == "upsert" and key == ID):
            raise ConfigurationError(
                f"{vocabulary.sobject}: {without} of {len(parcels)} records have no {key}, which"
                f" {self._settings.action} goes by. Select it in the tap, or name another field in"
                " external_id_fields"
            )

    def _upsert(self, vocabulary: Vocabulary, parcels: Sequence[Parcel], key: str) -> None:
        if key != ID:
            self._send(Route(vocabulary.sobject, "upsert", key), parcels)
            return
        known = [one for one in parcels if one.values.get(ID)]
        self._send(Route(vocabulary.sobject, "update"), known)
        new = [one for one in parcels if not one.values.get(ID)]
        for parcel in new:
            parcel.values.pop(ID, None)
        self._send(Route(vocabulary.sobject, "insert"), new)

    def _with_ids(
        self, vocabulary: Vocabulary, parcels: Sequence[Parcel], key: str
    ) -> list[Parcel]:
        """Parcels with the Id of the record that holds their key; others are refused."""
        facts = vocabulary.fields[key]
        values = [one.values[key] for one in parcels]
        client = self._org.client
        ids: dict[str, list[str]] = {}
        for record in find_by(client, vocabulary.sobject, key, values, kind=facts.type):
            ids.setdefault(_folded(facts.normal(record[key])), []).append(record[ID])
        found: list[Parcel] = []
        for parcel in parcels:
            value = facts.normal(parcel.values[key])
            known = ids.get(_folded(value), [])
            if len(known) == 1:
                found.append(Parcel({ID: known[0], **parcel.values}, parcel.tag))
                continue
            words = f"{len(known)} {vocabulary.sobject} records hold {key} {value}"
            saved = Saved(complaints=(Complaint("NOT_FOUND", words, (key,)),))
            self._report(Delivery(parcel, saved, "GET", "/query"))
        return found

    def _send(self, route: Route, parcels: Sequence[Parcel]) -> None:
        if parcels:
            for delivery in self._carrier.send(route, parcels):
                self._report(delivery)

    def _report(self, delivery: Delivery) -> None:
        operation, saved = delivery.parcel.tag, delivery.saved
        if saved.success:
            counter = "created" if saved.created else _COUNTERS[self._settings.action]
            self._outbox.add(Result(operation, OperationStatus.APPLIED, counter, saved.id))
            return
        words = "no answer: it may or may not be there" if saved.unknown else ""
        words = words or words_of(saved.complaints)
        self._keep_failure(operation, saved, words)
        withheld = [Withheld("", "rejected", words)]
        result = Result(
            operation, OperationStatus.REJECTED, "rejected", saved.id, withheld=withheld
        )
        self._outbox.add(result)

    def _keep_failure(self, operation: Operation, saved: Saved, words: str) -> None:
        if not self._settings.failures_file:
            return
        line = {
            "stream": operation.stream,
            "id": saved.id,
            "codes": [one.code for one in saved.complaints],
            "fields": [name for one in saved.complaints for name in one.fields],
            "message": words,
            "record": dict(operation.record),
        }
        with Path(self._settings.failures_file).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")


def _merged(parcels: Sequence[Parcel], key: str) -> list[Parcel]:
    """One parcel per key: later values win, field by field.

    Salesforce refuses a call that names one record twice.
    """
    merged: dict[Any, Parcel] = {}
    for position, parcel in enumerate(parcels):
        value = parcel.values.get(key)
        mark = ("new", position) if value in (None, "") else ("known", _folded(value))
        earlier = merged.get(mark)
        values = {**earlier.values, **parcel.values} if earlier else parcel.values
        merged[mark] = Parcel(values, parcel.tag)
    return list(merged.values())


def _folded(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value
