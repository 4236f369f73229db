"""Two small systems, a real ledger between them, and the mapper in both directions.

The systems hold their records as their taps tell them. The two targets do what the real ones
promise: they resolve names, guard, write, read back and commit outcomes.
"""

from __future__ import annotations

import io
import itertools
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from reverse_sf.ledger.batches import Decisions, Outcomes
from reverse_sf.ledger.rows import OperationStatus, Outcome, Parked, Run, UserRow
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO, Course
from reverse_sf.mapper.messages import Writer
from reverse_sf.mapper.run import MappingRun
from reverse_sf.mapper.suspicion import Limits
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.workflow import SpotioField, SpotioType, Stage
from reverse_sf.merge.envelope import Envelope
from reverse_sf.spotio.facts import field_facts, stage_facts, type_facts
from tests.unit.mapper_fixtures import Emitted, lines, record, state

if TYPE_CHECKING:
    from pathlib import Path

SYNC = """
version: 1
objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true, only_when: {Type: [Prospect, Customer]}}
    to_salesforce: {enabled: true, only_when: {Stage: [Prospect, Customer]}}
    salesforce_external_id: SPOTIO_Id__c
    owner: {spotio_default: ops@example.com, salesforce_default: ops@example.com, rule: two_way}
    fields:
      - {spotio: Company, salesforce: Name, rule: two_way}
      - {spotio: Phone, salesforce: Phone, rule: salesforce_only}
      - {spotio: Fax, salesforce: Fax, rule: salesforce_only, on_create: omit}
      - {spotio: Website, salesforce: Website, rule: two_way}
      - {spotio: Billing Email, salesforce: Billing_Email__c, rule: salesforce_unless_blank}
      - {spotio: "role:Unit", salesforce: Site, rule: spotio_only}
      - {spotio: Annual Revenue, salesforce: AnnualRevenue, rule: two_way}
      - {spotio: Products, salesforce: Product_Interest__c, rule: two_way}
      - {spotio: Last Audit, salesforce: Last_Audit__c, rule: two_way}
      - {spotio: Notes, salesforce: Description, rule: manual}
      - {spotio: Secret, salesforce: Secret__c, rule: do_not_sync}
      - spotio: Rating
        salesforce: Rating
        rule: two_way
        choices: {Hot: Hot, Lukewarm: Warm, Cool: Warm, Dead: do_not_sync}
      - spotio: Stage
        salesforce: Type
        rule: two_way
        choices: {Prospect: Prospect, Customer: Customer, Former: do_not_sync}
    address:
      street: BillingStreet
      city: BillingCity
      skip_geocoding: true
      rule: two_way
    on_delete: {in_salesforce: ignore, in_spotio: delete}
  - spotio: Contacts
    salesforce: Contact
    to_spotio: {enabled: true}
    to_salesforce: {enabled: true, only_when: {Last Visit Result: [Appointment Set]}}
    parent: {salesforce: AccountId, spotio: Accounts, rule: two_way}
    fields:
      - {spotio: First Name, salesforce: FirstName, rule: two_way}
      - {spotio: Last Name, salesforce: LastName, rule: two_way}
"""
FACTS: dict[str, dict[str, dict[str, Any]]] = {
    "Account": {
        "Id": {"type": "id"},
        "IsDeleted": {"type": "boolean"},
        "MasterRecordId": {"type": "reference"},
        "SystemModstamp": {"type": "datetime"},
        "Name": {"type": "string", "length": 255, "createable": True},
        "Type": {"type": "picklist", "nillable": True},
        "Phone": {"type": "phone", "length": 40, "nillable": True},
        "Fax": {"type": "phone", "length": 40, "nillable": True},
        "Website": {"type": "url", "length": 30, "nillable": True},
        "Billing_Email__c": {"type": "email", "length": 80, "nillable": True},
        "Site": {"type": "string", "length": 80, "nillable": True},
        "AnnualRevenue": {"type": "currency", "precision": 18, "scale": 2, "nillable": True},
        "Product_Interest__c": {"type": "multipicklist", "nillable": True},
        "Last_Audit__c": {"type": "datetime", "nillable": True},
        "Description": {"type": "textarea", "length": 32000, "nillable": True},
        "Rating": {"type": "picklist", "nillable": True},
        "BillingStreet": {"type": "textarea", "length": 255, "nillable": True},
        "BillingCity": {"type": "string", "length": 40, "nillable": True},
        "OwnerId": {"type": "reference", "referenceTo": ["User"], "defaultedOnCreate": True},
        "SPOTIO_Id__c": {"type": "string", "externalId": True, "unique": True, "nillable": True},
    },
    "Contact": {
        "Id": {"type": "id"},
        "IsDeleted": {"type": "boolean"},
        "MasterRecordId": {"type": "reference"},
        "SystemModstamp": {"type": "datetime"},
        "FirstName": {"type": "string", "length": 40, "nillable": True},
        "LastName": {"type": "string", "length": 80, "createable": True},
        "AccountId": {"type": "reference", "referenceTo": ["Account"], "nillable": True},
    },
}
TYPES = {
    "Accounts": SpotioType(
        id="1",
        name="Accounts",
        has_address=True,
        stages=tuple(
            Stage(str(10 + at), name, "active")
            for at, name in enumerate(("Prospect", "Customer", "Former"))
        ),
        fields=(
            SpotioField("20", "Company", "Text", role="Name", system_role="Company"),
            SpotioField("21", "Phone", "Phone", system_role="Phone"),
            SpotioField("22", "Fax", "Phone"),
            SpotioField("23", "Website", "Text"),
            SpotioField("24", "Billing Email", "Email"),
            SpotioField("25", "Suite", "Text", system_role="Unit"),
            SpotioField("26", "Annual Revenue", "Currency"),
            SpotioField("27", "Products", "MultiChoice", options=("Panels", "Batteries", "Fiber")),
            SpotioField("28", "Last Audit", "DateTime"),
            SpotioField("29", "Notes", "MultiLine"),
            SpotioField("30", "Secret", "Text"),
            SpotioField(
                "31", "Rating", "SingleChoice", options=("Hot", "Lukewarm", "Cool", "Dead")
            ),
        ),
    ),
    "Contacts": SpotioType(
        id="2",
        name="Contacts",
        parent_id="1",
        stages=(Stage("40", "Active", "active"),),
        fields=(
            SpotioField("50", "First Name", "Text", system_role="FirstName"),
            SpotioField("51", "Last Name", "Text", system_role="LastName"),
        ),
    ),
}
NATIVE = {
    "Accounts": ("address", "ownerId"),
    "Contacts": ("parentId", "ownerId", "Last Visit Result"),
}
STREAMS = {"Account": "Accounts", "Contact": "Contacts"}
TAP_NAMES = {"role:Unit": "Suite", "owner": "ownerId", "parent": "parentId"}
"""How the tap names what the definition names otherwise."""
PEOPLE = {
    "rep@example.com": ("005000000000001AAA", "u1"),
    "ops@example.com": ("005000000000009AAA", "u9"),
    "lead@example.com": ("005000000000005AAA", "u5"),
}
_CANON = {
    "Product_Interest__c": canon.multipicklist,
    "Last_Audit__c": canon.instant,
    "AnnualRevenue": canon.number(2),
}
_PREFIX = {"Account": "001", "Contact": "003"}


def spotio_schema(name: str, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The SCHEMA message of a record type, with the workflow's facts as tap-spotio tells them."""
    kind = TYPES[name]
    text = {"type": ["string", "null"]}
    properties: dict[str, Any] = {
        key: dict(text)
        for key in ("id", "externalDataObjectId", "deleted", "updatedAt", *NATIVE[name])
    }
    properties["Stage"] = {**text, "x-spotio": {"type": "Stage", "stages": stage_facts(kind)}}
    for one in kind.fields:
        properties[one.label] = {**text, "x-spotio": field_facts(one, kind)}
    parent = TYPES["Accounts"] if kind.parent_id else None
    return {
        "type": "SCHEMA",
        "stream": name,
        "schema": {
            "type": "object",
            "x-spotio": type_facts(kind, parent),
            "properties": {key: one for key, one in properties.items() if key not in without},
        },
        "key_properties": ["id"],
        "bookmark_properties": ["updatedAt"],
    }


def salesforce_schema(name: str) -> dict[str, Any]:
    """The SCHEMA message of an sObject."""
    properties = {field: {"x-salesforce": facts} for field, facts in FACTS[name].items()}
    return {
        "type": "SCHEMA",
        "stream": name,
        "schema": {"type": "object", "properties": properties},
        "key_properties": ["Id"],
        "bookmark_properties": ["SystemModstamp"],
    }


@dataclass
class Store:
    """The records of one system by stream and id, and what its tap has not told yet."""

    by_stream: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    untold: list[tuple[str, str]] = field(default_factory=list)

    def put(self, stream: str, record_id: str, values: dict[str, Any]) -> None:
        self.by_stream.setdefault(stream, {}).setdefault(record_id, {}).update(values)
        if (stream, record_id) in self.untold:
            self.untold.remove((stream, record_id))
        self.untold.append((stream, record_id))

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        untold, self.untold = self.untold, []
        return [(stream, dict(self.by_stream[stream][one])) for stream, one in untold]


class Clock:
    """A clock that ticks a minute a reading."""

    def __init__(self) -> None:
        self.minutes = itertools.count(1)

    def __call__(self) -> str:
        minute = next(self.minutes)
        return f"2026-05-{6 + minute // 1440:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}:00.000Z"


class TwoWay:
    """Salesforce, SPOTIO, and the sync between them."""

    def __init__(self, folder: Path, sync: str = SYNC) -> None:
        self.uri = f"sqlite:///{folder / 'ledger.db'}"
        self.definition = parse(sync)
        self.salesforce = Store()
        self.spotio = Store()
        self.now = Clock()
        self.numbers = itertools.count(1)
        self.normalise: dict[str, Any] = {}
        self.refuses: dict[str, Any] = {}
        """What a system's API takes not: by its name of a field, a test of the value."""
        self.refusals = 0
        self.limits = Limits(batch_size=100)
        self.begins_with: dict[str, Any] = {}
        self.pairs: frozenset[str] | None = None
        """The only pairs that runs are about."""
        self.out = io.BytesIO()
        with self.open() as ledger:
            self._seed_users(ledger)

    @staticmethod
    def _seed_users(ledger: Ledger) -> None:
        ledger.begin_run(
            Run(
                run_id="users",
                direction=Direction.TO_SPOTIO,
                started_at="2026-05-06T00:00:00.000Z",
                definition_fingerprint="",
                holder="test",
            ),
            ttl_seconds=60,
        )
        users = []
        for email, (salesforce_id, spotio_id) in PEOPLE.items():
            users.append(UserRow(side=Side.SALESFORCE, user_id=salesforce_id, email=email))
            users.append(
                UserRow(side=Side.SPOTIO, user_id=spotio_id, email=email, external_id=salesforce_id)
            )
        ledger.commit_decisions(Decisions(run_id="users", users=users))
        ledger.finish_run("users", "done")

    def open(self) -> Ledger:
        return Ledger.open(self.uri)

    # people

    def in_salesforce(self, stream: str, record_id: str | None = None, **values: Any) -> str:
        """A person creates or edits a record in Salesforce."""
        new = record_id is None
        record_id = record_id or f"{_PREFIX[stream]}{next(self.numbers):012d}AAA"
        defaults = dict.fromkeys(FACTS[stream]) if new else {}
        if new:
            defaults |= {"Id": record_id, "IsDeleted": False}
            if stream == "Account":
                defaults |= {"OwnerId": PEOPLE["rep@example.com"][0], "Type": "Customer"}
        stamp = {"SystemModstamp": self.now()}
        self.salesforce.put(stream, record_id, {**defaults, **values, **stamp})
        return record_id

    def in_spotio(self, stream: str, record_id: str | None = None, **values: Any) -> str:
        """A person creates or edits a record in SPOTIO."""
        new = record_id is None
        record_id = record_id or f"p{next(self.numbers)}"
        defaults: dict[str, Any] = {}
        if new:
            defaults = dict.fromkeys(
                (*(one.label for one in TYPES[stream].fields), *NATIVE[stream])
            )
            defaults |= {"id": record_id, "deleted": False, "externalDataObjectId": None}
            defaults |= {"ownerId": "u1", "Stage": TYPES[stream].stages[0].name}
        stamp = {"updatedAt": self.now().replace("000Z", "000000Z")}
        self.spotio.put(stream, record_id, {**defaults, **values, **stamp})
        return record_id

    def delete_in_spotio(self, record_id: str, stream: str = "Accounts") -> None:
        """A person deletes a record; the tap tells little more than its id from now on."""
        row = self.spotio.by_stream[stream].pop(record_id)
        told = {"id": record_id, "deleted": True}
        told["externalDataObjectId"] = row["externalDataObjectId"]
        self.spotio.put(
            stream, record_id, {**told, "updatedAt": self.now().replace("000Z", "000000Z")}
        )

    # runs

    def run(self, course: Course, *messages: dict[str, Any], again: bool = False) -> Emitted:
        """One run of the mapper over what the tap has not told yet; ``again`` tells everything."""
        store = self.salesforce if course is TO_SPOTIO else self.spotio
        if again:
            store.untold = [(s, one) for s, ones in store.by_stream.items() for one in ones]
        schemas = (
            [salesforce_schema(one) for one in FACTS]
            if course is TO_SPOTIO
            else [spotio_schema(one) for one in TYPES]
        )
        told = [
            {**record(stream, values), "time_extracted": self.now()}
            for stream, values in store.told()
        ]
        self.out = out = io.BytesIO()
        with self.open() as ledger:
            mapping = MappingRun(
                self.definition,
                ledger,
                Writer(out, course),
                logger=logging.getLogger("two-way"),
                limits=self.limits,
                course=course,
                clock=self.now,
                pairs=self.pairs,
            )
            with mapping:
                mapping.read(lines(state(self.begins_with), *schemas, *messages, *told))
        return Emitted(out.getvalue(), mapping.run_id)

    def to_spotio(self, **how: Any) -> list[dict[str, Any]]:
        """The whole direction; answers the records that the mapper emitted."""
        emitted = self.run(TO_SPOTIO, **how)
        self.write_spotio(emitted)
        return emitted.records

    def to_salesforce(self, **how: Any) -> list[dict[str, Any]]:
        """The whole direction; answers the records that the mapper emitted."""
        emitted = self.run(TO_SALESFORCE, **how)
        self.write_salesforce(emitted)
        return emitted.records

    def cycle(self, **how: Any) -> int:
        """Both directions; answers how many writes were due."""
        return len(self.to_spotio(**how)) + len(self.to_salesforce(**how))

    def rest(self, *, at_most: int = 6) -> int:
        """Cycles until nothing is due; answers how many it took."""
        for number in range(at_most):
            if not self.cycle():
                return number
        raise AssertionError(f"not at rest after {at_most} cycles")

    def finish(self, emitted: Emitted) -> None:
        """The target dies before it did anything."""
        with self.open() as ledger:
            ledger.finish_run(emitted.run_id, "interrupted")

    # targets

    def write_salesforce(self, emitted: Emitted, *, commit: bool = True) -> None:
        outcomes = []
        if not emitted.records:
            return
        with self.open() as ledger:
            for message in emitted.messages:
                if message["type"] != "RECORD":
                    continue
                one = dict(message["record"])
                envelope = msgspec.convert(one.pop("_sync"), Envelope)
                outcome = self._refused_by_salesforce(ledger, one, envelope)
                outcome = outcome or self._parted(
                    ledger, message["stream"], envelope, TO_SALESFORCE
                )
                outcome = outcome or self._write_one_to_salesforce(
                    ledger, message["stream"], one, envelope
                )
                outcomes.append(outcome)
                if commit:
                    self._commit(ledger, emitted, Direction.TO_SALESFORCE, [outcome])
            ledger.finish_run(emitted.run_id, "done")

    def _write_one_to_salesforce(
        self, ledger: Ledger, stream: str, one: dict[str, Any], envelope: Envelope
    ) -> Outcome:
        rows = self.salesforce.by_stream.get(stream, {})
        record_id = envelope.salesforce_id
        found = record_id is not None
        if record_id is None:
            own = one.get("SPOTIO_Id__c")
            record_id = next(
                (
                    k
                    for k, v in rows.items()
                    if own and v["SPOTIO_Id__c"] == own and not v["IsDeleted"]
                ),
                None,
            )
        if envelope.action.value == "delete":
            self.in_salesforce(stream, record_id, IsDeleted=True)
            return self._outcome(envelope, salesforce_id=record_id)
        values = {name: self._resolved(ledger, value) for name, value in one.items()}
        if found and record_id is not None:
            for name in envelope.expected:
                if not _same(name, rows[record_id].get(name), envelope.expected[name]):
                    image = dict(rows[record_id])
                    return self._outcome(
                        envelope,
                        status=OperationStatus.STALE,
                        image=image,
                        image_modified_at=image["SystemModstamp"],
                        salesforce_id=record_id,
                    )
        values = {name: self.normalise.get(name, _as_is)(value) for name, value in values.items()}
        if isinstance(values.get("Product_Interest__c"), list):
            values["Product_Interest__c"] = ";".join(values["Product_Interest__c"])
        record_id = self.in_salesforce(stream, record_id, **values)
        row = dict(self.salesforce.by_stream[stream][record_id])
        written, base = [], {}
        for key, place in envelope.keys.items():
            written.append(key)
            if isinstance(place, str):
                base[key] = _normal(place, row[place])
            else:
                base[key] = {part: _normal(name, row[name]) for part, name in place.items()}
        return self._outcome(
            envelope,
            salesforce_id=record_id,
            image=row,
            image_modified_at=row["SystemModstamp"],
            written=written,
            base=base,
        )

    def _refused_by_salesforce(
        self, ledger: Ledger, one: dict[str, Any], envelope: Envelope
    ) -> Outcome | None:
        """Take refused fields out of a record; the outcome where nothing is left of it."""
        bad = self._refused(one)
        keys = [key for key, place in envelope.keys.items() if place in bad]
        self._withhold(ledger, envelope, Direction.TO_SALESFORCE, keys)
        for name, key in zip(bad, keys, strict=True):
            del one[name], envelope.keys[key]
        if not bad or one:
            return None
        return self._outcome(envelope, status=OperationStatus.REJECTED)

    def _refused(self, values: dict[str, Any]) -> list[str]:
        bad = [name for name, value in values.items() if self.refuses.get(name, _never)(value)]
        self.refusals += bool(bad)
        return bad

    def _withhold(
        self,
        ledger: Ledger,
        envelope: Envelope,
        direction: Direction,
        keys: list[str],
        reason: str = "rejected",
    ) -> None:
        ledger.commit_outcomes(
            Outcomes(
                run_id=envelope.run_id,
                direction=direction,
                parked=[
                    Parked(
                        link_id=envelope.link_id,
                        direction=direction,
                        key=key,
                        pair=envelope.pair,
                        reason=reason,
                        message="no",
                        at=self.now(),
                        run_id=envelope.run_id,
                    )
                    for key in keys
                ],
            )
        )

    @staticmethod
    def _resolved(ledger: Ledger, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if "link_id" in value:
            return ledger.counterparts_in_salesforce([value["link_id"]])[value["link_id"]]
        return value.get("salesforce_id") or PEOPLE[value["email"] or value["default"]][0]

    def write_spotio(self, emitted: Emitted, *, commit: bool = True) -> None:
        if not emitted.records:
            return
        with self.open() as ledger:
            for message in emitted.messages:
                if message["type"] != "RECORD":
                    continue
                one = dict(message["record"])
                envelope = msgspec.convert(one.pop("_sync"), Envelope)
                if self._refused(one):
                    self._withhold(ledger, envelope, Direction.TO_SPOTIO, [""])
                    outcome = self._outcome(envelope, status=OperationStatus.REJECTED)
                else:
                    stream = message["stream"]
                    outcome = self._parted(ledger, stream, envelope, TO_SPOTIO)
                    outcome = outcome or self._write_one_to_spotio(ledger, stream, one, envelope)
                if commit:
                    self._commit(ledger, emitted, Direction.TO_SPOTIO, [outcome])
            ledger.finish_run(emitted.run_id, "done")

    def _write_one_to_spotio(
        self, ledger: Ledger, stream: str, one: dict[str, Any], envelope: Envelope
    ) -> Outcome:
        rows = self.spotio.by_stream.get(stream, {})
        record_id = envelope.spotio_id
        if record_id is None:
            own = envelope.salesforce_id
            record_id = next(
                (
                    k
                    for k, v in rows.items()
                    if v["externalDataObjectId"] == own and not v["deleted"]
                ),
                None,
            )
        if envelope.action.value == "delete" and record_id is not None:
            self.delete_in_spotio(record_id, stream)
            return self._outcome(envelope, spotio_id=record_id)
        if record_id is not None and envelope.spotio_id is not None:
            held = self._spotio_image(stream, record_id)
            if any(_bare(held.get(k)) != _bare(v) for k, v in envelope.expected.items()):
                return self._outcome(
                    envelope,
                    status=OperationStatus.STALE,
                    image=held,
                    image_modified_at=rows[record_id]["updatedAt"],
                    spotio_id=record_id,
                )
        values: dict[str, Any] = {}
        for key, value in one.items():
            name = TAP_NAMES.get(key, key)
            if key == "owner":
                by_email = PEOPLE[value["email"] or value["default"]][1]
                values[name] = value.get("spotio_id") or by_email
            elif key == "parent":
                values[name] = value and ledger.counterparts([value["link_id"]])[value["link_id"]]
            elif key == "address" and value is not None:
                held = (rows.get(record_id or "") or {}).get("address") or {}
                sent = {k: v for k, v in value.items() if k != "skip_geocoding"}
                values[name] = {**held, **sent}
            else:
                values[name] = value
        if envelope.action.value == "link":
            values["externalDataObjectId"] = envelope.salesforce_id
        record_id = self.in_spotio(stream, record_id, **values)
        image = self._spotio_image(stream, record_id)
        written = [key for key in one if key != "externalDataObjectId"]
        return self._outcome(
            envelope,
            spotio_id=record_id,
            image=image,
            image_modified_at=self.spotio.by_stream[stream][record_id]["updatedAt"],
            written=written,
        )

    def _parted(
        self, ledger: Ledger, stream: str, envelope: Envelope, course: Course
    ) -> Outcome | None:
        """The outcome where a record that was only named is another's, or not there."""
        if not envelope.named:
            return None
        if course is TO_SPOTIO:
            row = self.spotio.by_stream.get(stream, {}).get(envelope.spotio_id or "", {})
            own, held = envelope.salesforce_id, row.get("externalDataObjectId")
        else:
            row = self.salesforce.by_stream.get(stream, {}).get(envelope.salesforce_id or "", {})
            own, held = envelope.spotio_id, row.get("SPOTIO_Id__c")
        if not row or row.get("deleted") or row.get("IsDeleted"):
            return self._outcome(envelope, status=OperationStatus.STALE, parted=True)
        if held in (None, own):
            return None
        self._withhold(ledger, envelope, course.direction, [""], "already_linked")
        return self._outcome(envelope, status=OperationStatus.REJECTED, parted=True)

    def _spotio_image(self, stream: str, record_id: str) -> dict[str, Any]:
        row = self.spotio.by_stream[stream][record_id]
        return {key: row.get(TAP_NAMES.get(key, key)) for key in self._keys(stream)}

    def _keys(self, stream: str) -> list[str]:
        """What target-spotio reads back: the mapped keys and nothing else."""
        (mapping,) = (one for one in self.definition.objects if one.spotio == stream)
        keys = [one.spotio for one in mapping.fields if one.rule.value != "do_not_sync"]
        for key, part in (
            ("address", mapping.address),
            ("owner", mapping.owner),
            ("parent", mapping.parent),
        ):
            if part is not None:
                keys.append(key)
        return keys

    def _outcome(self, envelope: Envelope, **known: Any) -> Outcome:
        return Outcome(
            operation_id=envelope.operation_id,
            link_id=envelope.link_id,
            status=known.pop("status", OperationStatus.APPLIED),
            at=self.now(),
            **known,
        )

    @staticmethod
    def _commit(
        ledger: Ledger, emitted: Emitted, direction: Direction, outcomes: list[Outcome]
    ) -> None:
        stale = [one.link_id for one in outcomes if one.status is OperationStatus.STALE]
        ledger.commit_outcomes(
            Outcomes(
                run_id=emitted.run_id,
                direction=direction,
                outcomes=outcomes,
                flagged=[(one, direction, "stale") for one in stale],
            )
        )

    # what people see

    def both(self, spotio_id: str, stream: str = "Accounts") -> tuple[dict[str, Any], dict]:
        """A SPOTIO record and its counterpart."""
        salesforce_id = self.counterpart(spotio_id, stream)
        sobject = next(one for one, name in STREAMS.items() if name == stream)
        return (
            self.spotio.by_stream[stream][spotio_id],
            self.salesforce.by_stream[sobject][salesforce_id],
        )

    def counterpart(self, spotio_id: str, stream: str = "Accounts") -> str:
        sobject = next(one for one, name in STREAMS.items() if name == stream)
        pair = f"{sobject}:{stream}"
        with self.open() as ledger:
            link = ledger.link_ids_of_spotio(pair, [spotio_id])[spotio_id]
            return ledger.counterparts_in_salesforce([link])[link]

    def conflicts(self) -> list[tuple[str, str, Any, Any]]:
        with self.open() as ledger:
            return [
                (one.key, one.row, one.losing_value, one.winning_value)
                for one in ledger.conflicts()
            ]

    def parked(self, direction: Direction) -> dict[str, str]:
        with self.open() as ledger:
            return {one.key: one.reason for one in ledger.parked_rows(direction)}

    def linked(self, **values: Any) -> tuple[str, str]:
        """A pair of records that both systems hold alike, at rest: Salesforce Id and SPOTIO id."""
        salesforce_id = self.in_salesforce("Account", **{"Name": "Acme", **values})
        self.rest()
        (spotio_id,) = self.spotio.by_stream["Accounts"]
        return salesforce_id, spotio_id


def _never(_: Any) -> bool:
    return False


def _bare(value: Any) -> Any:
    """An address without its blanks; any other value as it is."""
    if not isinstance(value, dict):
        return value
    return {name: one for name, one in value.items() if one is not None} or None


def _as_is(value: Any) -> Any:
    return value


def _normal(name: str, value: Any) -> Any:
    return _CANON.get(name, canon.text)(value) if not isinstance(value, (int, float)) else value


def _same(name: str, one: Any, other: Any) -> bool:
    return bool(_normal(name, one) == _normal(name, other))


@pytest.fixture
def world(tmp_path: Path) -> TwoWay:
    return TwoWay(tmp_path)
