"""What a system made of a written value is copied back, where ``adopt`` asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import RESTORED
from reverse_sf.mapper.spelling import RecordSpelling, new_value
from reverse_sf.mapping.values import UNSET, Undefined
from reverse_sf.merge.adoption import ADOPT, ADOPTS, WHOLE

if TYPE_CHECKING:
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.draft import Draft
    from reverse_sf.mapper.parts import Part
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parents
    from reverse_sf.mapping.pair import PairConverter


class Adoptions(RecordSpelling):
    """The part of deciding fields that adopts the other system's spelling."""

    def __init__(
        self, pair: PairConverter, people: People, parents: Parents | None, course: Course
    ) -> None:
        super().__init__(pair, people, parents, course)
        self._adopting = [part for part in self._parts if part.adopts]

    def mark_adopting(self, draft: Draft) -> None:
        """Note the keys of a write that the other direction is to copy back as they come out."""
        keys = [
            part.key
            for part in self._adopting
            if part.key in draft.source
            and part.key not in draft.settles
            and draft.decision.get(part.key, {}).get("row") not in {ADOPT, RESTORED}
        ]
        if keys:
            draft.decision.setdefault(WHOLE, {})[ADOPTS] = keys

    def _adopt(
        self,
        part: Part,
        images: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
        base: list[Any],
        draft: Draft,
    ) -> None:
        """Copy back what the source made of a value, where nobody has changed either since."""
        spotio, salesforce = images[0].get(part.key, UNSET), part.read(images[1])
        is_still = part.canon_spotio(base[0]) == part.canon_spotio(spotio) and base[1] == salesforce
        if spotio is UNSET or salesforce is UNSET or not is_still:
            return
        if part.exchange.agrees(part.canon_spotio(spotio), salesforce):
            return
        source = salesforce if self._from_salesforce else spotio
        convert = part.exchange.to_spotio if self._from_salesforce else part.exchange.to_salesforce
        value = convert(source)
        if isinstance(value, Undefined):
            return
        spelled = self._spell(part, value, spotio, salesforce, None)
        if not spelled:
            return
        held = spotio if self._from_salesforce else salesforce
        key, new = part.key, new_value(part, spelled)
        draft.record.update(spelled)
        draft.source[key] = source
        draft.keys[key] = part.place
        draft.expected.update(self._guard(part, spelled, spotio, images[2]))
        draft.decision[key] = {"row": ADOPT, "rule": part.rule_name, "old": held, "new": new}
        draft.overruled.append((key, part.rule_name, ADOPT, held, new))
