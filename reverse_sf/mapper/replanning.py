"""What an earlier run left open is decided again, before anything new is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapper.awaited import Awaited
from reverse_sf.mapper.due import Due

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Sequence

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.decisions import Decider
    from reverse_sf.mapper.heartbeat import Heartbeat
    from reverse_sf.mapper.streams import Stream, Streams
    from reverse_sf.merge.plan import Selection


class Replanning:
    """Decides open links once more in a run.

    Args:
        ledger: knows what is open.
        decider: of the run.
        streams: of the run.
        course: the run's direction.
        definition_fingerprint: what another definition withheld is open too.
        now: the clock, as UTC text.
        heart: keeps the lease.
        logger: of the run.
        only: of a plan that is carried out; every other link is left to the next run.
        is_part: the tap reads a part of the records: links wait until it sends theirs.
    """

    def __init__(
        self,
        ledger: Ledger,
        decider: Decider,
        streams: Streams,
        *,
        course: Course,
        definition_fingerprint: str,
        now: Callable[[], str],
        heart: Heartbeat,
        logger: logging.Logger,
        only: Selection | None,
        is_part: bool,
    ) -> None:
        self._ledger = ledger
        self._decider = decider
        self._streams = streams
        self._course = course
        self._definition_fingerprint = definition_fingerprint
        self._now = now
        self._heart = heart
        self._logger = logger
        self._only = only
        self._is_part = is_part
        self._awaited = Awaited(ledger, streams, course)
        self._due: Due | None = None
        self.is_done = False
        """All that was open has been decided; never so where the tap reads a part."""

    def everything(self) -> None:
        """Before the first record of the run, decide again what an earlier run left open."""
        if self.is_done or self._is_part:
            return
        self.is_done = True
        number = self._follow_owners()
        for link_ids in self._open():
            self._heart.check()
            number += self._again(link_ids)
        # One that was written is settled once the record has been looked at again.
        number += self._again(self._decider.wanted_back)
        if number:
            self._logger.info("%d records that an earlier run left open were decided again", number)

    def _follow_owners(self) -> int:
        """Decide the records whose owner had no counterpart and has one now."""
        number = 0
        found = self._awaited.found()
        for one in found:
            for link_ids in self._awaited.links_of(one):
                self._heart.check()
                number += self._again(link_ids)
        if found and self._only is None:
            # Last: until all of it is decided, the next run would begin again.
            self._ledger.no_longer_awaited(found)
        return number

    def of_sent(self, stream: Stream) -> None:
        """Where a part is read: decide again what was left open of the records that are sent."""
        if not self._is_part:
            return
        if self._due is None:
            self._due = Due(
                {*self._decider.wanted_back, *(one for page in self._open() for one in page)},
                self._ledger,
                self._course,
            )
        for pair in stream.pairs:
            link_ids = self._due.among(pair.name, stream.waiting)
            if link_ids:
                self._again(link_ids)

    def _open(self) -> Iterator[list[str]]:
        return self._ledger.links_to_replan(
            self._course.direction,
            now=self._now(),
            definition_fingerprint=self._definition_fingerprint,
        )

    def _again(self, link_ids: Sequence[str]) -> int:
        """Decide links once more; of a plan that is carried out, only its own."""
        if self._only is not None:
            link_ids = [one for one in link_ids if one in self._only.link_ids]
        self._decider.links(
            self._ledger.snapshots(link_ids, direction=self._course.direction),
            self._streams.by_pair,
        )
        return len(link_ids)
