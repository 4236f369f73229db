"""The keys of a mapping's records, and how a record toward one side spells their values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.parts import parts_of
from reverse_sf.mapping.definition import Side

if TYPE_CHECKING:
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.parts import Part
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parents
    from reverse_sf.mapping.pair import PairConverter


class RecordSpelling(ABC):
    """What every part of deciding fields starts from: the keys, and how they are written.

    Args:
        pair: the compiled mapping.
        people: users of both sides.
        parents: parents of the batch, where the mapping has a parent.
        course: the run's direction.
    """

    def __init__(
        self, pair: PairConverter, people: People, parents: Parents | None, course: Course
    ) -> None:
        self._course = course
        self._destination = course.destination
        self._from_salesforce = course.source is Side.SALESFORCE
        self._address = pair.address
        self._policy = pair.mapping.conflicts
        parts = parts_of(pair, people, parents, course)
        self._parts = parts.every
        self._owner = parts.owner
        self._parents = parts.parents

    @property
    def parts(self) -> tuple[Part, ...]:
        """The keys, each ready to be read."""
        return self._parts

    @property
    def places(self) -> dict[str, Any]:
        """The Salesforce field behind each key, or the fields of its components."""
        return {part.key: part.place for part in self._parts}

    @abstractmethod
    def _spell(
        self,
        part: Part,
        value: Any,
        spotio: Any,
        salesforce: Any,
        base: list[Any] | None,
    ) -> dict[str, Any] | None:
        """Spell a decided value as the record says it; None where nothing is left to write.

        Args:
            part: the key.
            value: what is written, in the destination's terms.
            spotio: SPOTIO's value.
            salesforce: Salesforce's canonical value.
            base: of the key.
        """

    @abstractmethod
    def _guard(
        self, part: Part, spelled: dict[str, Any], spotio: Any, image: dict[str, Any]
    ) -> dict[str, Any]:
        """The destination's values behind what is written, as the record names them."""


def new_value(part: Part, spelled: dict[str, Any]) -> Any:
    """The value of a key that is one field; all of them, by their names, where it is several."""
    if isinstance(part.place, str):
        return next(iter(spelled.values()))
    return spelled.get(part.key, spelled)
