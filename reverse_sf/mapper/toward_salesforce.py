"""Records toward Salesforce: keyed by API names, one field for each component of the address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.draft import Draft, Prior
from reverse_sf.mapper.fields import FieldDecisions
from reverse_sf.mapper.keys import OWNER_FIELD, OWNER_KEY, PARENT_KEY
from reverse_sf.mapper.parts import changed_components
from reverse_sf.mapping import canon
from reverse_sf.mapping.activity_pair import ASKED_OF_EVENTS
from reverse_sf.mapping.address import ADDRESS_KEY
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import Undefined, is_blank
from reverse_sf.merge.creation import is_sent_on_create, wins_on_link

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.mapper.accounts import Accounts
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.parts import Part
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parent, Parents
    from reverse_sf.mapping.address import AddressConverter
    from reverse_sf.mapping.describe import SalesforceObject
    from reverse_sf.mapping.pair import PairConverter

REQUIRED = "required_missing"


class TowardSalesforce(FieldDecisions):
    """Decides what goes from SPOTIO to Salesforce.

    Args:
        pair: the compiled mapping.
        people: users of both sides.
        parents: parents of the batch, where the mapping has a parent.
        course: the run's direction.
        facts: what is known of the sObject; None where no tap has told it yet.
        accounts: finds the accounts of contacts, where activities name them.
    """

    def __init__(
        self,
        pair: PairConverter,
        people: People,
        parents: Parents | None,
        course: Course,
        facts: SalesforceObject | None,
        *,
        accounts: Accounts | None = None,
    ) -> None:
        super().__init__(pair, people, parents, course)
        self._mapping = pair.mapping
        by_key = {part.key: part for part in self._parts}
        self._sent = [
            (by_key[one.key], one.to_salesforce)
            for one in pair.fields.values()
            if is_sent_on_create(one.mapping, Side.SALESFORCE)
        ]
        self._required = (
            sorted(name for name, one in facts.fields.items() if one.required) if facts else []
        )
        if self._mapping.activity is not None:
            self._required += [
                one.salesforce for one in pair.mapping.fields if one.salesforce in ASKED_OF_EVENTS
            ]
        self._accounts = accounts
        self._spotio_names = {one.salesforce: one.spotio for one in pair.mapping.fields}

    def created(self, source_id: str, values: dict[str, Any], parent: Parent | None) -> Draft:
        """Draft a create: every sent field that is not blank."""
        draft = Draft()
        for part, convert in self._sent:
            held = part.canon_spotio(values.get(part.key))
            if held is not None:
                self._send(part, convert(held), values[part.key], draft)
        if self._address is not None:
            self._create_address(self._address, values, draft)
        self._create_relations(values, parent, draft)
        self._leave_out(values, draft)
        for name, value in (self._mapping.to_salesforce.set_on_create or {}).items():
            draft.record.setdefault(name, value)
        if self._mapping.salesforce_external_id:
            draft.record[self._mapping.salesforce_external_id] = source_id
        missing = [name for name in self._required if is_blank(draft.record.get(name))]
        if missing:
            draft.parked.append(("", REQUIRED, self._missing(missing, draft)))
        draft.decision[""] = {"row": "C4 unlinked, in scope", "rule": "on create"}
        return draft

    def _missing(self, names: list[str], draft: Draft) -> str:
        withheld = {key: message for key, _, message in draft.parked}
        told = []
        for name in names:
            key = self._spotio_names.get(name)
            why = withheld.get(key or "")
            told.append(f"{name} ({why})" if why else f"{name} ({key or 'not mapped'})")
        return f"Salesforce requires {', '.join(told)} and SPOTIO's record gives no value for it"

    def _send(self, part: Part, value: Any, source: Any, draft: Draft) -> None:
        if isinstance(value, Undefined):
            draft.withhold(part.key, value)
        elif value is not None:
            draft.record[part.field] = value
            draft.source[part.key] = source
            draft.keys[part.key] = part.place
            if part.key in self._winning:
                draft.on_link.append(part.field)

    def _create_address(
        self, address: AddressConverter, values: dict[str, Any], draft: Draft
    ) -> None:
        image = address.to_salesforce(values.get(ADDRESS_KEY))
        if isinstance(image, Undefined):
            draft.withhold(ADDRESS_KEY, image)
        elif image is not None:
            sent = address.salesforce_fields(
                {name: value for name, value in image.items() if value is not None}
            )
            draft.record.update(sent)
            draft.source[ADDRESS_KEY] = values[ADDRESS_KEY]
            draft.keys[ADDRESS_KEY] = dict(address.mapping.components)
            if ADDRESS_KEY in self._winning:
                draft.on_link.extend(sent)

    def _create_relations(
        self, values: dict[str, Any], parent: Parent | None, draft: Draft
    ) -> None:
        owner = canon.text(values.get(OWNER_KEY)) if self._owner is not None else None
        if self._owner is not None and owner is not None:
            draft.record[OWNER_FIELD] = self._owner.record_value(owner)
            draft.source[OWNER_KEY] = owner
            draft.keys[OWNER_KEY] = OWNER_FIELD
            if OWNER_KEY in self._winning:
                draft.on_link.append(OWNER_FIELD)
        if parent is not None and self._mapping.parent is not None:
            name = self._mapping.parent.salesforce
            draft.record[name] = parent.named(self._course)
            draft.source[PARENT_KEY] = parent.source_id
            draft.keys[PARENT_KEY] = name
            if PARENT_KEY in self._winning:
                draft.on_link.append(name)
            account = self._accounts.of(parent) if self._accounts is not None else None
            activity = self._mapping.activity
            if account is not None and activity is not None and activity.account:
                # As it is now: what happens to the contact later does not change what has been.
                draft.record[activity.account] = account

    def linked(self, source_id: str, values: dict[str, Any], rule: str = "external_id") -> Draft:
        """Draft the join with a Salesforce record whose values nobody has read yet."""
        draft = Draft()
        for part in self._parts:
            held = part.canon_spotio(values.get(part.key))
            if held is not None and wins_on_link(part.rule, held, Side.SALESFORCE, self._policy):
                self._unseen(part, values[part.key], draft)
        if self._mapping.salesforce_external_id:
            draft.record[self._mapping.salesforce_external_id] = source_id
        draft.decision[""] = {"row": "C4 one candidate, unlinked", "rule": rule}
        return draft

    def is_named(self, snapshot: Snapshot) -> bool:
        """Whether the Salesforce record carries the id of the SPOTIO record."""
        name = self._mapping.salesforce_external_id
        held = (snapshot.salesforce_image or {}).get(name) if name else None
        return held is not None and held == snapshot.link.spotio_id

    def _claim(self, other: dict[str, Any], prior: Prior, draft: Draft) -> None:
        name = self._mapping.salesforce_external_id
        spotio_id = prior.snapshot.link.spotio_id
        if not name or not spotio_id:
            return
        if prior.snapshot.salesforce_text is None:
            draft.claims = True
            draft.record[name] = spotio_id
        elif is_blank(other.get(name, "unknown")):
            draft.claims = True
            draft.record[name] = spotio_id
            draft.expected[name] = None

    def _spell(
        self,
        part: Part,
        value: Any,
        spotio: Any,
        salesforce: Any,
        base: list[Any] | None,
    ) -> dict[str, Any] | None:
        if part.key == OWNER_KEY and self._owner is not None:
            # A record in Salesforce always has an owner.
            return None if spotio is None else {OWNER_FIELD: self._owner.record_value(spotio)}
        if part.key == PARENT_KEY and self._parents is not None:
            named = None if spotio is None else self._parents.of(spotio).named(self._course)
            return {part.field: named}
        if part.key == ADDRESS_KEY and self._address is not None:
            if value is None:
                changed = {
                    name: None for name, one in (salesforce or {}).items() if one is not None
                }
            else:
                both = (spotio, salesforce)
                changed = changed_components(self._address, value, both, base, Side.SALESFORCE)
            return self._address.salesforce_fields(changed) if changed else None
        return {part.field: value}

    def _guard(
        self, part: Part, spelled: dict[str, Any], spotio: Any, image: dict[str, Any]
    ) -> dict[str, Any]:
        del spotio
        # Of an address all components: the ones beside those written go into the base as well.
        names = spelled if isinstance(part.place, str) else part.place.values()
        return {name: image[name] for name in names if name in image}

    def _blank(self, part: Part) -> dict[str, Any]:
        names = [part.place] if isinstance(part.place, str) else part.place.values()
        return dict.fromkeys(names)
