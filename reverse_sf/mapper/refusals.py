"""What a system's API has refused is not sent again as long as it would be the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.sightings import read_by
from reverse_sf.mapper.spelling import RecordSpelling
from reverse_sf.mapping.definition import Side
from reverse_sf.merge.decide import same

if TYPE_CHECKING:
    from reverse_sf.mapper.draft import Draft, Prior
    from reverse_sf.mapper.parts import Part


class Refusals(RecordSpelling):
    """The part of deciding fields that looks at what was refused before."""

    def news(self, keys: list[str], prior: Prior, values: dict[str, Any]) -> list[str]:
        """Leave out what this side has refused to take, where it holds what it held then.

        Every attempt reads the record and may touch it, so a tap tells it again: without this the
        other direction would be called for the same vain attempt by its own last one, for ever.
        """
        refused = prior.withheld.there
        if not keys or not refused:
            return keys
        withheld = set(keys) if "" in refused else refused
        if prior.reread is None:
            return [key for key in keys if key not in withheld]
        still = self._still(prior, values)
        return [key for key in keys if key not in withheld or key not in still]

    def hold_back(self, draft: Draft, prior: Prior, values: dict[str, Any]) -> frozenset[str]:
        """Take out of a draft what the destination's API has refused; answer what stays withheld.

        A tap tells a record again for whatever was changed in it, the last attempt's own traces
        too. As long as every value that is due was there before, the API would say the same again;
        with a new one all of it goes out, for a refusal often depends on another field.

        Args:
            draft: what was decided.
            prior: what was known of the link.
            values: the source's image, as a tap has just told it or as it is stored.
        """
        vain = prior.withheld.vain
        if not vain or not draft.source.keys() <= self._still(prior, values):
            return frozenset()
        if "" in vain and (draft.source or draft.claims):
            draft.record, draft.claims = {}, False
            return vain
        held = vain & draft.source.keys()
        for key in held:
            self.drop(key, draft)
        return held

    def _still(self, prior: Prior, values: dict[str, Any]) -> set[str]:
        """The keys whose values in the source are as they were before this observation."""
        whole = (
            prior.snapshot if prior.reread is None else prior.reread(prior.snapshot.link.link_id)
        )
        before = self._course.source_image(whole) or {}
        return {part.key for part in self._parts if self._is_same(part, before, values)}

    def _is_same(self, part: Part, before: dict[str, Any], values: dict[str, Any]) -> bool:
        side = self._course.source
        return same(read_by(part, before, side), read_by(part, values, side))

    def holds_the_same(self, before: dict[str, Any], values: dict[str, Any]) -> bool:
        """Whether two images of the source are the same in every synced key."""
        return all(self._is_same(part, before, values) for part in self._parts)

    def drop(self, key: str, draft: Draft) -> None:
        """Withhold a key that was decided."""
        place = draft.keys.pop(key, None)
        names = [key]
        if self._course.destination is Side.SALESFORCE:
            names = [place] if isinstance(place, str) else list((place or {}).values())
        for name in names:
            draft.record.pop(name, None)
            draft.expected.pop(name, None)
        draft.source.pop(key, None)
        draft.decision.pop(key, None)
        draft.overruled = [one for one in draft.overruled if one[0] != key]
