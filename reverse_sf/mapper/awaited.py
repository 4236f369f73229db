"""Owners whom nobody of the destination stands for: once somebody does, their records follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reverse_sf.mapping.definition import Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.ledger.rows import AwaitedOwner
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.streams import MappedPair, Streams

_STEM = 15
"""Characters of a Salesforce Id that its short and its long form share."""

_decode = msgspec.json.Decoder().decode


class Awaited:
    """Finds the records of owners who have a counterpart by now.

    "Owner on update: an unknown owner means nothing" (truth tables, C.3): it is no parked work, and
    nothing is settled. So the ledger keeps whom records have asked for in vain, a row for each user
    and not for each record, and the records are looked for once the user is known.

    Args:
        ledger: knows whom records have asked for.
        streams: of the run.
        course: the run's direction.
    """

    def __init__(self, ledger: Ledger, streams: Streams, course: Course) -> None:
        self._ledger = ledger
        self._streams = streams
        self._course = course

    def found(self) -> list[AwaitedOwner]:
        """Those who may be given to somebody by now, and those whom no mapping asks for any more.

        Asked for once the run knows the users of both sides.
        """
        return [
            one
            for one in self._ledger.awaited_owners(self._course.direction)
            if (mapped := self._streams.by_pair.get(one.pair)) is None
            or mapped.planner.finds_owner(one.user_id)
        ]

    def links_of(self, one: AwaitedOwner) -> Iterator[list[str]]:
        """The links whose record of the source is a user's, so many at a time."""
        mapped = self._streams.by_pair.get(one.pair)
        if mapped is None:
            return
        side = self._course.source
        text = one.user_id[:_STEM] if side is Side.SALESFORCE else one.user_id
        for images in self._ledger.images_naming(one.pair, side, text):
            yield [link_id for link_id, image in images.items() if _owns(mapped, image, one)]


def _owns(mapped: MappedPair, image: str, one: AwaitedOwner) -> bool:
    return mapped.planner.owner_in(_decode(image)) == one.user_id
