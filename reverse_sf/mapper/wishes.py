"""Values that a person wants back are written, whatever the rules of their fields would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.ledger.rows import RESTORED
from reverse_sf.mapper.differences import Differences
from reverse_sf.mapper.people import OwnerExchange
from reverse_sf.mapper.refusals import Refusals
from reverse_sf.mapper.relations import ParentExchange
from reverse_sf.mapper.restoring import End, due
from reverse_sf.mapper.spelling import new_value
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import UNSET
from reverse_sf.merge.decide import same

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import Restore
    from reverse_sf.mapper.draft import Draft, Prior
    from reverse_sf.mapper.parts import Part


class Wishes(Refusals, Differences):
    """The part of deciding fields that brings values back."""

    @staticmethod
    def brings_back(key: str, draft: Draft) -> bool:
        """Whether a key is written because a person wants its value back."""
        return bool(draft.decision.get(key, {}).get("row") == RESTORED)

    def _restore(
        self,
        one: Restore,
        images: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
        prior: Prior,
        draft: Draft,
    ) -> None:
        """Write a value that a person wants back, whatever the rule of the field would do."""
        spotio, salesforce, other = images
        part = next((each for each in self._parts if each.key == one.key), None)
        is_open = prior.snapshot.open_operation is not None
        value, end = due(one, part, other, self._destination, is_open=is_open)
        if end is not None:
            draft.ended.append((one.key, end.value))
        if part is None:
            return
        key = part.key
        source = part.read(salesforce) if self._from_salesforce else spotio.get(key)
        has_moved = self._has_moved(part, source, prior)
        if end is End.BACK and one.settles and one.issued and not has_moved:
            # Its write may have had no outcome that would have settled it.
            self._overrule(key, draft)
            draft.rebased[key] = [spotio.get(key), part.read(salesforce)]
        if end is not None or value is UNSET:
            return
        if one.settles and has_moved:
            # Settled now, that change would never be carried over.
            draft.ended.append((key, End.OVERTAKEN.value))
            return
        spelled = self._spell_wanted(part, value, spotio.get(key), part.read(salesforce))
        self._overrule(key, draft)
        if one.settles:
            # Otherwise what both sides agreed on until now is what this is a change against.
            draft.rebased.pop(key, None)
        held = other.get(key) if self._from_salesforce else part.read(other)
        draft.record.update(spelled)
        draft.keys[key] = part.place
        draft.expected.update(self._guard(part, spelled, spotio.get(key), other))
        if one.settles:
            draft.source[key] = source
        new = new_value(part, spelled)
        draft.decision[key] = {"row": RESTORED, "rule": one.why, "old": held, "new": new}
        draft.overruled.append((key, RESTORED, RESTORED, held, new))
        draft.restores.append(msgspec.structs.replace(one, issued=True))

    def _overrule(self, key: str, draft: Draft) -> None:
        """Take back what the rule of a field has decided."""
        self.drop(key, draft)
        draft.won_back = [each for each in draft.won_back if each != key]
        draft.parked = [each for each in draft.parked if each[0] != key]

    def _spell_wanted(self, part: Part, value: Any, spotio: Any, salesforce: Any) -> dict[str, Any]:
        """Spell a value that is wanted back; an owner and a parent are named by their own ids."""
        name = part.key if self._destination is Side.SPOTIO else part.field
        if isinstance(part.exchange, OwnerExchange):
            return {name: part.exchange.record_of(value)}
        if isinstance(part.exchange, ParentExchange):
            parent = part.exchange.at(value)
            return {name: None if parent is None else parent.named(self._course)}
        return self._spell(part, value, spotio, salesforce, None) or {}

    def _has_moved(self, part: Part, source: Any, prior: Prior) -> bool:
        """Whether the source holds another value than the settled one."""
        base = prior.snapshot.base.get(part.key)
        value = source if self._from_salesforce else part.canon_spotio(source)
        return base is not None and not same(value, self._settled(part, base))
