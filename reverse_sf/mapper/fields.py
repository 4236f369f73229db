"""The fields of one record: what a create carries, and what the truth tables leave of an update."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.mapper.people import OwnerExchange
from reverse_sf.mapper.relations import ParentExchange
from reverse_sf.mapping import canon
from reverse_sf.mapping.address import ADDRESS_KEY
from reverse_sf.mapping.definition import Side, SyncRule
from reverse_sf.mapping.kinds import Kind as FieldKind
from reverse_sf.mapping.values import UNSET, Reason, Undefined
from reverse_sf.merge.creation import is_sent_on_create, wins_on_link
from reverse_sf.merge.decide import Decision, Exchange, Kind, decide

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parent, Parents
    from reverse_sf.mapping.address import AddressConverter
    from reverse_sf.mapping.pair import PairConverter

OWNER_KEY = "owner"
PARENT_KEY = "parent"
EXTERNAL_ID_KEY = "externalDataObjectId"
OWNER_FIELD = "OwnerId"
_REPEATED = frozenset({FieldKind.CHOICE, FieldKind.CHOICES, FieldKind.INSTANT})
"""Kinds whose canonical form costs something and whose values come again and again."""
_MOST_REPEATED = 2048


class Draft(msgspec.Struct):
    """What was decided about the fields of one record.

    Attributes:
        record: the keys to write.
        source: the Salesforce values behind them.
        expected: the SPOTIO values that the decision was made against.
        decision: per key, the row and rule that decided it.
        on_link: for a create, the keys that win where the record turns out to exist.
        rebased: keys that agree, with both values.
        parked: key, reason and message of what is withheld.
        overruled: key, rule, row and value of a SPOTIO user's values that lose.
        won_by_spotio: keys that SPOTIO won: the other direction's work.
    """

    record: dict[str, Any] = {}
    source: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    decision: dict[str, Any] = {}
    on_link: list[str] = []
    rebased: dict[str, list[Any]] = {}
    parked: list[tuple[str, str, str]] = []
    overruled: list[tuple[str, str, str, Any]] = []
    won_by_spotio: list[str] = []

    def without(self, key: str) -> None:
        """Withhold a key that was decided."""
        for part in (self.record, self.source, self.expected, self.decision):
            part.pop(key, None)
        self.overruled = [one for one in self.overruled if one[0] != key]


@dataclass(frozen=True)
class _Part:
    """One record key, whatever it is made of.

    Attributes:
        read: the canonical Salesforce value of an image, or UNSET.
        field: the one Salesforce field behind it; None where there are several.
        canon_spotio: normaliser of SPOTIO values.
        is_still: with several fields, whether an image spells a base's Salesforce value exactly.
    """

    key: str
    field: str | None
    rule: SyncRule
    exchange: Exchange
    read: Callable[[dict[str, Any]], Any]
    canon_spotio: Callable[[Any], Any]
    is_still: Callable[[dict[str, Any], Any], bool] = lambda _, __: False

    @cached_property
    def rule_name(self) -> str:
        """The rule as decisions name it."""
        return self.rule.value


class FieldDecisions:
    """Decides the fields of one object mapping."""

    def __init__(self, pair: PairConverter, people: People, parents: Parents | None) -> None:
        mapping = pair.mapping
        self._address = pair.address
        self._parts = [_field_part(one) for one in pair.fields.values()]
        self._sent = [
            (one.key, one.field, one.canon_salesforce, one.to_spotio, one.mapping.rule)
            for one in pair.fields.values()
            if is_sent_on_create(one.mapping, Side.SPOTIO)
        ]
        if pair.address is not None:
            self._parts.append(_address_part(pair.address))
        self._owner: OwnerExchange | None = None
        if mapping.owner is not None and mapping.owner.rule is not SyncRule.DO_NOT_SYNC:
            self._owner = OwnerExchange(mapping.owner, people)
            self._parts.append(
                _Part(
                    OWNER_KEY,
                    OWNER_FIELD,
                    mapping.owner.rule,
                    self._owner,
                    _id_reader(OWNER_FIELD),
                    canon.text,
                )
            )
        self._parent_field: str | None = None
        if (
            parents is not None
            and mapping.parent is not None
            and mapping.parent.rule is not SyncRule.DO_NOT_SYNC
        ):
            self._parent_field = mapping.parent.salesforce
            self._parents = parents
            self._parts.append(
                _Part(
                    PARENT_KEY,
                    mapping.parent.salesforce,
                    mapping.parent.rule,
                    ParentExchange(parents),
                    _id_reader(mapping.parent.salesforce),
                    canon.text,
                )
            )
        self._keyed = [(part.key, part.field or "", part) for part in self._parts]
        self._winning = {
            part.key for part in self._parts if wins_on_link(part.rule, "x", Side.SPOTIO)
        }

    def created(self, salesforce_id: str, values: dict[str, Any], parent: Parent | None) -> Draft:
        """Draft a create: every sent field that is not blank."""
        draft = Draft()
        record, source = draft.record, draft.source
        winning = self._winning
        for key, name, canonical, convert, _ in self._sent:
            raw = values.get(name)
            if raw is None:
                continue
            value = convert(raw)
            if value is None:
                continue
            if type(value) is Undefined:
                _withhold(key, value, draft)
                continue
            record[key] = value
            source[key] = raw if value == raw else canonical(raw)
            if key in winning:
                draft.on_link.append(key)
        if self._address is not None:
            self._create_address(self._address, values, draft)
        self._create_relations(values, parent, draft)
        record[EXTERNAL_ID_KEY] = salesforce_id
        draft.decision[""] = {"row": "C4 unlinked, in scope", "rule": "on create"}
        return draft

    def _create_relations(
        self, values: dict[str, Any], parent: Parent | None, draft: Draft
    ) -> None:
        record, source, winning = draft.record, draft.source, self._winning
        owner = canon.record_id(values.get(OWNER_FIELD)) if self._owner is not None else None
        if self._owner is not None and owner is not None:
            record[OWNER_KEY] = self._owner.record_value(owner)
            source[OWNER_KEY] = owner
            if OWNER_KEY in winning:
                draft.on_link.append(OWNER_KEY)
        if parent is not None:
            record[PARENT_KEY] = {
                "link_id": parent.link_id,
                "salesforce_id": parent.salesforce_id,
            }
            source[PARENT_KEY] = parent.salesforce_id
            if PARENT_KEY in winning:
                draft.on_link.append(PARENT_KEY)

    def _create_address(
        self, address: AddressConverter, values: dict[str, Any], draft: Draft
    ) -> None:
        found = address.read(values)
        image = address.to_spotio(found) if isinstance(found, dict) else None
        if isinstance(image, Undefined):
            _withhold(ADDRESS_KEY, image, draft)
        elif image is not None:
            sent = {name: value for name, value in image.items() if value is not None}
            sent["skip_geocoding"] = address.mapping.skip_geocoding
            draft.record[ADDRESS_KEY] = sent
            draft.source[ADDRESS_KEY] = found
            if ADDRESS_KEY in self._winning:
                draft.on_link.append(ADDRESS_KEY)

    def spotio_changed(self, snapshot: Snapshot) -> bool:
        """Whether SPOTIO differs from the base in any mapped key."""
        image, bases = snapshot.spotio_image or {}, snapshot.base
        for part in self._parts:
            base = bases.get(part.key)
            if base is None or part.key not in image:
                continue
            if part.canon_spotio(image[part.key]) != part.canon_spotio(base[0]):
                return True
        return False

    def decided(self, snapshot: Snapshot, values: dict[str, Any]) -> Draft:
        """Decide every field of a linked record."""
        draft = Draft()
        image = snapshot.spotio_image or {}
        bases = snapshot.base
        base_of, spotio_of, value_of = bases.get, image.get, values.get
        # Most fields of a changed record are as they were: compare before one is read.
        for key, part in [
            (key, part)
            for key, name, part in self._keyed
            if (base := base_of(key)) is None
            or base[0] != spotio_of(key, UNSET)
            or base[1] != value_of(name, UNSET)
        ]:
            self._decide(part, spotio_of(key, UNSET), values, base_of(key), draft)
        return draft

    def _decide(
        self,
        part: _Part,
        spotio: Any,
        values: dict[str, Any],
        base: list[Any] | None,
        draft: Draft,
    ) -> None:
        """Decide one field that is not plainly as it was."""
        still = base if base is not None and spotio == base[0] else None
        if still is not None and part.is_still(values, still[1]):
            return
        salesforce = part.read(values)
        if salesforce is UNSET:
            return
        if spotio is UNSET:
            if base is None:
                self._unseen(part, salesforce, draft)
        elif still is None or salesforce != still[1]:
            self._differing(part, spotio, salesforce, base, draft)

    def _differing(
        self, part: _Part, spotio: Any, salesforce: Any, base: list[Any] | None, draft: Draft
    ) -> None:
        key = part.key
        canonical = part.canon_spotio(spotio)
        settled = None
        if base is not None:
            # A base may have been settled under an earlier definition of the field.
            settled = (part.canon_spotio(base[0]), base[1])
        decision = decide(part.rule, canonical, salesforce, settled, part.exchange)
        if decision.kind is Kind.REBASE:
            if base is None or base[0] != spotio or base[1] != salesforce:
                draft.rebased[key] = [spotio, salesforce]
        elif decision.kind is Kind.PARK:
            if part.exchange is not self._owner and decision.reason != Reason.DO_NOT_SYNC.value:
                draft.parked.append((key, decision.reason, decision.message))
        elif decision.kind is Kind.WRITE and decision.writes is Side.SALESFORCE:
            draft.won_by_spotio.append(key)
        elif decision.kind is Kind.WRITE:
            self._write(part, decision, (spotio, salesforce), base, draft)

    def _unseen(self, part: _Part, salesforce: Any, draft: Draft) -> None:
        """Decide a field that was mapped after SPOTIO's values were last read.

        Where Salesforce wins over a blank and over a value alike (rows 11 and 13) it is written,
        and the target reads back what SPOTIO holds; any other field waits for that.
        """
        if not wins_on_link(part.rule, salesforce, Side.SPOTIO):
            return
        value = part.exchange.to_spotio(salesforce)
        if isinstance(value, Undefined):
            if part.exchange is not self._owner:
                _withhold(part.key, value, draft)
            return
        draft.record[part.key] = self._spelled(part, value, salesforce, None, None)
        draft.source[part.key] = salesforce
        draft.decision[part.key] = {
            "row": "C3-11",
            "rule": part.rule_name,
            "new": draft.record[part.key],
        }

    def _write(
        self,
        part: _Part,
        decision: Decision,
        values: tuple[Any, Any],
        base: list[Any] | None,
        draft: Draft,
    ) -> None:
        key = part.key
        spotio, salesforce = values
        value = self._spelled(part, decision.value, salesforce, spotio, base)
        if key == ADDRESS_KEY and value is not None and value.keys() == {"skip_geocoding"}:
            # What differs is settled, and what Salesforce changed is what SPOTIO holds already.
            draft.rebased[key] = [spotio, salesforce]
            return
        draft.record[key] = value
        draft.source[key] = salesforce
        draft.expected[key] = spotio
        draft.decision[key] = {
            "row": decision.row.value,
            "rule": part.rule_name,
            "old": spotio,
            "new": value,
        }
        if decision.journal:
            draft.overruled.append((key, part.rule_name, decision.row.value, spotio))

    def _spelled(
        self, part: _Part, value: Any, salesforce: Any, spotio: Any, base: list[Any] | None
    ) -> Any:
        """Spell a decided value as the record says it."""
        if part.key == OWNER_KEY and part.exchange is self._owner and salesforce is not None:
            return self._owner.record_value(salesforce)
        if part.key == PARENT_KEY and self._parent_field is not None:
            if salesforce is None:
                return None
            parent = self._parents.of(salesforce)
            return {"link_id": parent.link_id, "salesforce_id": parent.salesforce_id}
        if part.key == ADDRESS_KEY and self._address is not None:
            return _changed_components(self._address, value, spotio, salesforce, base)
        return value


def _withhold(key: str, undefined: Undefined, draft: Draft) -> None:
    """Park a field; one that the definition keeps back on purpose is no unfinished work."""
    if undefined.reason is not Reason.DO_NOT_SYNC:
        draft.parked.append((key, undefined.reason.value, undefined.message))


def _changed_components(
    address: AddressConverter,
    value: dict[str, Any] | None,
    spotio: Any,
    salesforce: Any,
    base: list[Any] | None,
) -> dict[str, Any] | None:
    """Cut an address down to the components that differ and are not settled."""
    if value is None:
        return None
    held = address.canon_spotio(spotio) or {}
    base_spotio = (address.canon_spotio(base[0]) or {}) if base else {}
    base_salesforce = (base[1] or {}) if base else {}
    changed = {
        name: one
        for name, one in value.items()
        if one != held.get(name)
        and not (
            base is not None
            and held.get(name) == base_spotio.get(name)
            and (salesforce or {}).get(name) == base_salesforce.get(name)
        )
    }
    return {**changed, "skip_geocoding": address.mapping.skip_geocoding}


def _field_part(one: Any) -> _Part:
    name, canonical = one.field, one.canon_salesforce
    if one.salesforce_kind in _REPEATED:
        remembered = lru_cache(_MOST_REPEATED)(canonical)

        def recall(values: dict[str, Any]) -> Any:
            raw = values.get(name, UNSET)
            if type(raw) is str:
                return remembered(raw)
            return raw if raw is UNSET else canonical(raw)

        return _Part(one.key, name, one.mapping.rule, one, recall, one.canon_spotio)

    def read(values: dict[str, Any]) -> Any:
        raw = values.get(name, UNSET)
        return raw if raw is UNSET else canonical(raw)

    return _Part(one.key, name, one.mapping.rule, one, read, one.canon_spotio)


def _address_part(address: AddressConverter) -> _Part:
    components = tuple(address.mapping.components.items())

    def is_still(values: dict[str, Any], settled: Any) -> bool:
        if not settled:
            return False
        for component, name in components:  # noqa: SIM110 - all() with a generator takes twice as long
            if values.get(name) != settled.get(component):
                return False
        return True

    return _Part(
        ADDRESS_KEY,
        None,
        address.mapping.rule,
        address,
        address.read,
        address.canon_spotio,
        is_still,
    )


def _id_reader(name: str) -> Callable[[dict[str, Any]], Any]:
    def read(values: dict[str, Any]) -> Any:
        raw = values.get(name, UNSET)
        return raw if raw is UNSET else canon.record_id(raw)

    return read
