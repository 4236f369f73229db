"""Which keys of the source differ from what was settled last, and since when (section C.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.sightings import interval_of, read_by
from reverse_sf.mapper.spelling import RecordSpelling
from reverse_sf.mapping.values import UNSET
from reverse_sf.merge.decide import same
from reverse_sf.merge.evidence import Evidence

if TYPE_CHECKING:
    from reverse_sf.mapper.draft import Prior
    from reverse_sf.mapper.parts import Part


class Differences(RecordSpelling):
    """The part of deciding fields that compares the source with the base."""

    def differing(self, prior: Prior, values: dict[str, Any]) -> None:
        """Note which keys differ from their base in a record whose fields are not decided."""
        bases = prior.snapshot.base
        for part in self._parts:
            value = read_by(part, values, self._course.source)
            base = bases.get(part.key)
            if base is not None and value is not UNSET:
                self._note(part, value, base, prior)

    def under_way(self, prior: Prior, values: dict[str, Any]) -> None:
        """Note which keys differ from their base, or will, while a write is under way."""
        side = self._course.source
        bases = prior.snapshot.base
        for part in self._parts:
            value = read_by(part, values, side)
            if value is not UNSET:
                base = bases.get(part.key)
                settled = UNSET if base is None else self._settled(part, base)
                prior.watch.note_under_way(part, value, settled, side)

    def _note(self, part: Part, value: Any, base: list[Any], prior: Prior) -> None:
        settled = self._settled(part, base)
        if not same(value, settled):
            prior.watch.note(part, value, settled, self._course.source)

    def _settled(self, part: Part, base: list[Any]) -> Any:
        """The source's value in a base."""
        return base[1] if self._from_salesforce else part.canon_spotio(base[0])

    def _evidence(self, key: str, prior: Prior) -> Evidence:
        """When each side changed, as far as anybody has seen it (section C.1)."""
        kept = self._course.destination_differing(prior.whole()) or {}
        source, other = interval_of(prior.watch.found.get(key)), interval_of(kept.get(key))
        if self._from_salesforce:
            return Evidence(spotio=other, salesforce=source)
        return Evidence(spotio=source, salesforce=other)
