"""Records toward SPOTIO: keyed by record key, the address as one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.draft import Draft, Prior
from reverse_sf.mapper.fields import FieldDecisions
from reverse_sf.mapper.keys import EXTERNAL_ID_KEY, OWNER_FIELD, OWNER_KEY, PARENT_KEY
from reverse_sf.mapper.parts import changed_components
from reverse_sf.mapping import canon
from reverse_sf.mapping.address import ADDRESS_KEY
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import UNSET, Undefined
from reverse_sf.merge.creation import is_sent_on_create
from reverse_sf.merge.identity import ALREADY_LINKED

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.parts import Part
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parent, Parents
    from reverse_sf.mapping.address import AddressConverter
    from reverse_sf.mapping.pair import PairConverter


class TowardSpotio(FieldDecisions):
    """Decides what goes from Salesforce to SPOTIO."""

    def __init__(
        self, pair: PairConverter, people: People, parents: Parents | None, course: Course
    ) -> None:
        super().__init__(pair, people, parents, course)
        self._constants = pair.mapping.to_spotio.set_on_create
        self._sent = [
            (one.key, one.field, one.canon_salesforce, one.to_spotio)
            for one in pair.fields.values()
            if is_sent_on_create(one.mapping, Side.SPOTIO)
        ]

    def created(self, source_id: str, values: dict[str, Any], parent: Parent | None) -> Draft:
        """Draft a create: every sent field that is not blank."""
        draft = Draft()
        record, source = draft.record, draft.source
        winning = self._winning
        for key, name, canonical, convert in self._sent:
            raw = values.get(name)
            if raw is None:
                continue
            value = convert(raw)
            if value is None:
                continue
            if type(value) is Undefined:
                draft.withhold(key, value)
                continue
            record[key] = value
            source[key] = raw if value == raw else canonical(raw)
            if key in winning:
                draft.on_link.append(key)
        if self._address is not None:
            self._create_address(self._address, values, draft)
        self._create_relations(values, parent, draft)
        self._leave_out(values, draft)
        for name, value in (self._constants or {}).items():
            record.setdefault(name, value)
        record[EXTERNAL_ID_KEY] = source_id
        draft.decision[""] = {"row": "C4 unlinked, in scope", "rule": "on create"}
        return draft

    def linked(self, source_id: str, values: dict[str, Any], rule: str = "external_id") -> Draft:
        """Draft the join with a SPOTIO record whose values nobody has read yet."""
        del source_id  # the envelope tells it, and the target claims the record by it
        draft = Draft()
        for part in self._parts:
            held = part.read(values)
            if part.key != PARENT_KEY and held is not UNSET and held is not None:
                self._unseen(part, held, draft)
        draft.decision[""] = {"row": "C4 one candidate, unlinked", "rule": rule}
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
            record[PARENT_KEY] = parent.named(self._course)
            source[PARENT_KEY] = parent.source_id
            if PARENT_KEY in winning:
                draft.on_link.append(PARENT_KEY)

    def _create_address(
        self, address: AddressConverter, values: dict[str, Any], draft: Draft
    ) -> None:
        found = address.read(values)
        image = address.to_spotio(found) if isinstance(found, dict) else None
        if isinstance(image, Undefined):
            draft.withhold(ADDRESS_KEY, image)
        elif image is not None:
            sent = {name: value for name, value in image.items() if value is not None}
            sent["skip_geocoding"] = address.mapping.skip_geocoding
            draft.record[ADDRESS_KEY] = sent
            draft.source[ADDRESS_KEY] = found
            if ADDRESS_KEY in self._winning:
                draft.on_link.append(ADDRESS_KEY)

    def is_named(self, snapshot: Snapshot) -> bool:
        """Whether the SPOTIO record carries the id of the Salesforce record."""
        held = (snapshot.spotio_image or {}).get(EXTERNAL_ID_KEY)
        return held is not None and canon.record_id(held) == snapshot.link.salesforce_id

    def _claim(self, other: dict[str, Any], prior: Prior, draft: Draft) -> None:
        if prior.snapshot.spotio_text is None or not other.get(EXTERNAL_ID_KEY, "not read"):
            draft.claims = prior.snapshot.link.salesforce_id is not None
            return
        held = other.get(EXTERNAL_ID_KEY)
        # Another Salesforce Id than its own is for merging and matching to judge.
        if held and canon.salesforce_id(held) is None:
            words = (
                f"SPOTIO's record carries {held}, the id of another system, so the Salesforce Id is"
                " not written there; its fields are synced all the same. Empty the external id in"
                " SPOTIO: the record's next change writes the Id"
            )
            draft.parked.append((EXTERNAL_ID_KEY, ALREADY_LINKED, words))

    def _spell(
        self,
        part: Part,
        value: Any,
        spotio: Any,
        salesforce: Any,
        base: list[Any] | None,
    ) -> dict[str, Any] | None:
        key = part.key
        if key == OWNER_KEY and self._owner is not None and salesforce is not None:
            return {key: self._owner.record_value(salesforce)}
        if key == PARENT_KEY and self._parents is not None:
            named = None
            if salesforce is not None:
                named = self._parents.of(salesforce).named(self._course)
            return {key: named}
        if key == ADDRESS_KEY and self._address is not None and value is not None:
            both = (spotio, salesforce)
            changed = changed_components(self._address, value, both, base, Side.SPOTIO)
            if not changed:
                return None
            return {key: {**changed, "skip_geocoding": self._address.mapping.skip_geocoding}}
        return {key: value}

    def _guard(
        self, part: Part, spelled: dict[str, Any], spotio: Any, image: dict[str, Any]
    ) -> dict[str, Any]:
        del spelled, image
        if part.key == ADDRESS_KEY and self._address is not None:
            # All components: the ones beside those written go into the base as well.
            held = self._address.canon_spotio(spotio) or {}
            return {part.key: {name: held.get(name) for name in self._address.mapping.components}}
        return {part.key: spotio}

    def _blank(self, part: Part) -> dict[str, Any]:
        if part.key == ADDRESS_KEY and self._address is not None:
            return {part.key: dict.fromkeys(self._address.mapping.components)}
        return {part.key: None}
