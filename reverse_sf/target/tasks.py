"""One decided record at work: what it asks for, what the guard lets through, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.delivery.results import Exchange, Result, Withheld
from reverse_sf.delivery.verdict import judge
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.mapping.values import is_blank
from reverse_sf.merge.envelope import Action
from reverse_sf.salesforce.saves import Complaint, words_of
from reverse_sf.target.operations import is_owner
from reverse_sf.target.vocabulary import ID, STAMP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_sf.merge.envelope import Envelope
    from reverse_sf.salesforce.saves import Saved
    from reverse_sf.target.carrier import Delivery
    from reverse_sf.target.operations import Operation
    from reverse_sf.target.people import People
    from reverse_sf.target.vocabulary import Vocabulary

_OWNER_CODES = frozenset({"INACTIVE_OWNER_OR_USER", "OP_WITH_INVALID_USER_TYPE_EXCEPTION"})
_OWNER = "OwnerId"


@dataclass
class Task:
    """One record to write.

    Attributes:
        operation: of the mapper.
        envelope: its envelope.
        vocabulary: of its object.
        values: what it asks for, as Salesforce takes it; owners and references are Ids.
        record_id: the record in Salesforce; None where it is to be created.
        key: field and value by which the record is recognised, if it has such a field.
        linking: the record was found rather than known: only ``on_link`` fields win.
        current: the record as last read.
        write: fields that the guard lets through.
        stale: fields that hold neither the wanted nor the expected value.
        withheld: fields that are not written, and why.
        calls: calls that wrote, for the log.
        tries: how often it was sent.
        gone: an answer that spoke of a missing record, without saying which.
        stand_ins: fields that hold the default owner because nobody knows yet who it is.
        awaited: SPOTIO's user whom nobody stands for yet.
    """

    operation: Operation
    envelope: Envelope
    vocabulary: Vocabulary
    values: dict[str, Any] = field(default_factory=dict)
    record_id: str | None = None
    key: tuple[str, Any] | None = None
    linking: bool = False
    current: dict[str, Any] | None = None
    write: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    calls: list[Exchange] = field(default_factory=list)
    tries: int = 0
    gone: Saved | None = None
    stand_ins: set[str] = field(default_factory=set)
    awaited: str | None = None

    @property
    def sobject(self) -> str:
        """API name of the object."""
        return self.vocabulary.sobject

    @property
    def links(self) -> bool:
        """Whether the outcome counts as a link made."""
        return self.linking or self.envelope.action is Action.LINK

    # what it asks for

    def resolve(self, people: People, ids: Mapping[str, str], *, creating: bool) -> None:
        """Turn the record's owners and references into Ids, and all names into exact ones.

        Args:
            people: who may own records.
            ids: Salesforce Ids of the links that records name.
            creating: whether the record is about to be created.
        """
        references = {name: ids.get(link, known) for name, link, known in self.operation.references}
        for name, value in self.operation.record.items():
            facts = self.vocabulary.find(name)
            if facts is None:
                relation = self.vocabulary.relation(name)
                if relation is not None:
                    self.values[relation.relationship or name] = value
                continue
            if name in references:
                self.values[facts.name] = references[name]
            elif is_owner(value):
                self._want_owner(facts.name, value, people, creating=creating)
            elif facts.read_only:
                words = f"{facts.name} is read-only in Salesforce"
                self.withheld.append(Withheld(facts.name, "read_only", words))
            else:
                self.values[facts.name] = self.vocabulary.wire(facts.name, value)

    def _want_owner(
        self, name: str, value: Mapping[str, Any], people: People, *, creating: bool
    ) -> None:
        user = people.owner(value)
        if user is None and not creating and value.get("keep_on_update", True):
            # "That means nothing": neither written nor settled.
            self.awaited = value.get("spotio_id")
            return
        if user is None and not (value.get("email") or value.get("nobody")):
            # Once it is known who this is, the owner is decided again.
            self.stand_ins.add(name)
            self.awaited = value.get("spotio_id")
        user = user or people.default(value)
        if user is not None:
            self.values[name] = user
            return
        self.awaited = value.get("spotio_id")
        default = value.get("default")
        words = f"no active Salesforce user for {value.get('email') or value.get('spotio_id')}"
        words += f", and the default owner {default} is none either" if default else ""
        self.withheld.append(Withheld(name, "owner_unknown", words))

    # the guard

    def plan(self, record: Mapping[str, Any]) -> None:
        """Judge every field by the record as just read."""
        self.current = dict(record)
        verdict = judge(
            {name: self.values[name] for name in self.values if name in self.vocabulary.fields},
            self.current,
            self._expected(),
            self.vocabulary.same,
        )
        held_back = {one.key for one in self.withheld}
        write, self.stale = verdict.write, verdict.stale
        # A reference by external id cannot be compared; it is written whenever anything is.
        write += [name for name in self.values if name not in self.vocabulary.fields]
        if self.linking:
            write, self.stale = [name for name in write if self._wins(name)], []
        self.write = [] if "" in held_back else [one for one in write if one not in held_back]

    def _wins(self, name: str) -> bool:
        if self.key is not None and name == self.key[0]:
            return True
        winning = {*self.envelope.on_link, *(_keys_of(self.envelope, self.envelope.on_link))}
        return name in winning

    def _expected(self) -> dict[str, Any]:
        expected: dict[str, Any] = {}
        for name, value in self.envelope.expected.items():
            facts = self.vocabulary.find(name)
            if facts is None:
                continue
            if isinstance(value, dict):
                value = value.get("salesforce_id") or value.get("id")  # noqa: PLW2901 - the Id behind it
            expected[facts.name] = self.vocabulary.wire(facts.name, value)
        return expected

    def claim(self) -> None:
        """Write the key field too, if no other record of SPOTIO owns the record already."""
        if self.key is None or self.current is None or self.key[0] not in self.current:
            return
        name, value = self.key
        held = self.current.get(name)
        if is_blank(held) or self.vocabulary.same(name, held, value):
            self.values.setdefault(name, value)
        elif not any(one.reason == "already_linked" for one in self.withheld):
            self.values.pop(name, None)
            words = f"Salesforce record {self.record_id} carries the external id {held} already"
            self.withheld.append(Withheld("", "already_linked", words))

    # what came of it

    def sent(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        """Note a call for the log."""
        saved = delivery.saved
        answer: dict[str, Any] = {"id": saved.id, "success": saved.success}
        if saved.complaints:
            answer["errors"] = [
                {"statusCode": one.code, "message": one.message, "fields": list(one.fields)}
                for one in saved.complaints
            ]
        status = None if saved.unknown else 412 if saved.modified else 200 if saved.success else 400
        payload = {name: value for name, value in values.items() if name != ID}
        self.calls.append(Exchange(delivery.method, delivery.path, status, payload, answer))

    def withhold_named(self, complaints: Sequence[Complaint], among: Iterable[str]) -> bool:
        """Withhold the fields that Salesforce complains of; whether the rest may be tried."""
        if self.tries > 1:
            return False
        listed = list(among)
        named: dict[str, str] = {}
        for one in complaints:
            fields = list(one.fields)
            if one.code in _OWNER_CODES and not fields:
                fields = [_OWNER]
            for name in self.vocabulary.named(fields, listed):
                named[name] = words_of([one])
        if not named or (self.key is not None and self.key[0] in named):
            return False
        self.withheld += [Withheld(name, "rejected", words) for name, words in named.items()]
        return True

    def blame_references(self) -> bool:
        """Withhold references, where a missing record was spoken of and this one is there.

        Returns:
            Whether there were any to withhold.
        """
        blamed = [
            name
            for name in self.write
            if name not in self.vocabulary.fields or self.vocabulary.fields[name].refers_to
        ]
        if self.gone is None or not blamed:
            return False
        words = words_of(self.gone.complaints)
        self.withheld += [Withheld(name, "rejected", words) for name in blamed]
        self.gone = None
        return True

    def result(self, status: OperationStatus, counter: str, fields: Iterable[str]) -> Result:
        """The result, with the fields whose values are settled now.

        Fields are turned into the record keys of the pair (``Envelope.keys``); a key of several
        fields is settled when none of those that the record writes is held back.
        """
        image = self.vocabulary.image(self.current) if self.current is not None else None
        written, base = self._settled_keys(set(fields) - self.stand_ins, self.current or {})
        return Result(
            self.operation,
            status,
            counter,
            record_id=self.record_id,
            image=image,
            modified_at=(image or {}).get(STAMP),
            written=written,
            base=base,
            withheld=[self._in_keys(one) for one in self.withheld],
            calls=self.calls,
            stale=list(self.stale),
            awaited=self.awaited,
        )

    def refused(self, why: Withheld) -> Result:
        """The result of a write that did not happen."""
        self.withheld.append(why)
        return self.result(OperationStatus.REJECTED, "rejected", ())

    def parted(self) -> Result:
        """The result where the named record is not to be had: it is another's, or not there."""
        status = OperationStatus.REJECTED if self.withheld else OperationStatus.STALE
        return Result(
            self.operation,
            status,
            status.value,
            withheld=self.withheld,
            calls=self.calls,
            parted=True,
        )

    def rejection(self, saved: Saved) -> Withheld:
        """Why the whole record waits, with Salesforce's words and the matches it found."""
        words = words_of(saved.complaints)
        matches = [one for complaint in saved.complaints for one in complaint.duplicates]
        if saved.duplicate:
            if matches:
                words += f". Salesforce found {', '.join(matches)}: link one of them, or merge"
            return Withheld("", "duplicates_detected", words)
        if saved.locked:
            return Withheld("", "locked", words, by_time=True)
        return Withheld("", "rejected", words)

    def _settled_keys(
        self, fields: set[str], values: Mapping[str, Any]
    ) -> tuple[list[str], dict[str, Any]]:
        record = {
            facts.name
            for name in self.operation.record
            if (facts := self.vocabulary.find(name)) is not None
        }
        written: list[str] = []
        base: dict[str, Any] = {}
        mapped: set[str] = set()
        for key, place in self.envelope.keys.items():
            parts = {"": place} if isinstance(place, str) else dict(place)
            exact = {
                part: facts.name
                for part, name in parts.items()
                if (facts := self.vocabulary.find(name)) is not None
            }
            mapped |= set(exact.values())
            decided = record & set(exact.values())
            if not decided or not decided <= fields or not set(exact.values()) <= set(values):
                continue
            if self.linking and not set(exact.values()) <= decided:
                # Of a found record's address only the components that were sent were compared.
                continue
            normal = {
                part: self.vocabulary.normal(name, values[name]) for part, name in exact.items()
            }
            written.append(key)
            # An address of blanks is blank, as the tap's image of it will be.
            of_parts = normal if any(one is not None for one in normal.values()) else None
            base[key] = normal[""] if isinstance(place, str) else of_parts
        for name in fields - mapped:
            if name in values and name in self.vocabulary.fields:
                written.append(name)
                base[name] = self.vocabulary.normal(name, values[name])
        return written, base

    def _in_keys(self, one: Withheld) -> Withheld:
        for key, place in self.envelope.keys.items():
            names = [place] if isinstance(place, str) else list(place.values())
            if one.key and one.key.lower() in {name.lower() for name in names}:
                return Withheld(key, one.reason, one.message, one.by_time)
        return one

    def held(self, key: str, name: str, values: Mapping[str, Any]) -> Any:
        """What a record holds under a record key: of an address all components."""
        place = self.envelope.keys.get(key)
        if isinstance(place, dict):
            return {part: values.get(one) for part, one in place.items()}
        return values[name]

    def keys_of(self, fields: Iterable[str]) -> dict[str, str]:
        """Record key of the pair to one of the fields that stand for it."""
        return {self._in_keys(Withheld(name, "", "")).key: name for name in fields}


def _keys_of(envelope: Envelope, keys: Iterable[str]) -> list[str]:
    """The fields behind record keys of the pair."""
    fields: list[str] = []
    for key in keys:
        place = envelope.keys.get(key)
        fields += [place] if isinstance(place, str) else list((place or {}).values())
    return fields
