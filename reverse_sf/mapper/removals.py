"""What becomes of a record whose source was deleted, and what that is decided against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.draft import Draft
from reverse_sf.mapper.sightings import read_by
from reverse_sf.mapper.spelling import RecordSpelling
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import UNSET
from reverse_sf.merge.decide import same

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parents
    from reverse_sf.mapping.pair import PairConverter


class Removals(RecordSpelling):
    """The part of deciding fields that looks at records whose source is gone."""

    def __init__(
        self, pair: PairConverter, people: People, parents: Parents | None, course: Course
    ) -> None:
        super().__init__(pair, people, parents, course)
        mapping = pair.mapping
        toward_spotio = course.destination is Side.SPOTIO
        marks = mapping.archive_in_spotio if toward_spotio else mapping.archive_in_salesforce
        self._archive = marks or {}

    def guarded(self, snapshot: Snapshot) -> dict[str, Any]:
        """All mapped values of the destination: what a deletion was decided against."""
        image = self._course.destination_image(snapshot) or {}
        if self._from_salesforce:
            names = [part.key for part in self._parts]
        else:
            places = [part.place for part in self._parts]
            names = [
                name
                for place in places
                for name in ([place] if isinstance(place, str) else place.values())
            ]
        return {name: image[name] for name in names if name in image}

    def other_changed(self, snapshot: Snapshot) -> bool:
        """Whether the destination differs from the base in any mapped key."""
        image = self._course.destination_image(snapshot) or {}
        bases = snapshot.base
        for part in self._parts:
            base = bases.get(part.key)
            if base is None:
                continue
            if self._from_salesforce:
                if part.key in image and not same(
                    part.canon_spotio(image[part.key]), part.canon_spotio(base[0])
                ):
                    return True
            elif (held := part.read(image)) is not UNSET and not same(held, base[1]):
                return True
        return False

    def archived(self, values: dict[str, Any]) -> Draft:
        """Draft the mark of a record whose source was deleted; a mapped value of it is settled.

        Args:
            values: what was last seen of the source.
        """
        toward_spotio = self._destination is Side.SPOTIO
        marks = self._archive
        draft = Draft(record=dict(marks), keys={name: name for name in marks})
        for part in self._parts:
            name = part.key if toward_spotio else part.field
            source = read_by(part, values, self._course.source)
            if name in marks:
                del draft.keys[name]
                draft.keys[part.key] = part.place
                if source is not UNSET:
                    draft.source[part.key] = source
        return draft
