"""What makes a run stop before it does harm, and what a changed definition would do (C.4, "Stops").

The rules are ``reverse_sf.merge.guards``; here the run's facts are gathered for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.errors import StopError
from reverse_sf.mapper import messages
from reverse_sf.mapping.definition import History
from reverse_sf.merge.guards import (
    FEWEST,
    lost_ledger,
    one_side_empty,
    too_many_changes,
    too_many_deletes,
)

if TYPE_CHECKING:
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.streams import Stream, Streams


@dataclass(frozen=True)
class Limits:
    """The settings that shape a run.

    Attributes:
        batch_size: records decided and committed together.
        lease_ttl: seconds after which a silent runner's lease may be taken over.
        delete_limit: most records of the destination that one run may delete.
        delete_limit_percent: the same, of the linked records, where that is more.
        change_limit_percent: a run stops when so many of the linked records of an object have
            changed; 0 is no limit.
        allow_empty: a full read that finds nothing is believed although records are linked.
        log_retention_days: how long the log, closed operations and past runs are kept; 0 is always.
    """

    batch_size: int = 1000
    lease_ttl: float = 300.0
    delete_limit: int = 50
    delete_limit_percent: float = 0.0
    change_limit_percent: float = 0.0
    allow_empty: bool = True
    log_retention_days: int = 0


class Suspicion:
    """The guards of one run.

    Args:
        ledger: counts links.
        limits: settings.
        course: the run's direction.
        is_new: the ledger has never linked anything.
        is_part: the tap reads a part on purpose, so what it does not send means nothing.
    """

    def __init__(
        self, ledger: Ledger, limits: Limits, course: Course, *, is_new: bool, is_part: bool = False
    ) -> None:
        self._is_part = is_part
        self._ledger = ledger
        self._limits = limits
        self._course = course
        self._is_new = is_new
        self._links: dict[str, int] = {}

    def begins(self, state: Any, streams: Streams) -> None:
        """Look at the STATE that a tap begins with.

        Raises:
            StopError: it goes on from an old position, and the ledger never saw the stream.
        """
        if self._is_part:
            return
        for stream in streams.by_name.values():
            bookmark = messages.bookmark_of(state, stream.name)
            if stream.announced:
                continue
            stream.is_full = bookmark is None
            past_matters = any(
                self._course.settings(one).history is History.PAST_AND_FUTURE
                for one in stream.mappings
            )
            if bookmark is None or not past_matters:
                continue
            known = stream.name in streams.seen_before and not self._is_new
            refusal = lost_ledger(stream.name, bookmark, known=known, command=self._course.command)
            if refusal is not None:
                raise StopError(str(refusal))

    def is_empty(self, stream: Stream) -> bool:
        """Whether a full read has found nothing so far where records are linked."""
        return (
            not self._limits.allow_empty
            and stream.announced
            and stream.is_full
            and not stream.observed
            and any(self._linked(one.name) for one in stream.pairs)
        )

    def ends(self, streams: Streams) -> None:
        """Look at what the tap has sent, at its end.

        Raises:
            StopError: a full read has found nothing where records are linked.
        """
        for stream in streams.by_name.values():
            if not self.is_empty(stream):
                continue
            for pair in stream.pairs:
                links = self._linked(pair.name)
                refusal = one_side_empty(pair.name, observed=stream.observed, links=links)
                if refusal is not None:
                    raise StopError(str(refusal))

    def changes(self, streams: Streams) -> None:
        """Look at what was decided, before it is committed.

        Raises:
            StopError: every linked record of an object has changed.
        """
        if not self._limits.change_limit_percent:
            return
        for name, mapped in streams.by_pair.items():
            updates = mapped.planner.updates
            if updates * 100 < FEWEST * self._limits.change_limit_percent:
                continue
            refusal = too_many_changes(
                name,
                updates,
                self._linked(name),
                at_most_percent=self._limits.change_limit_percent,
                source=self._course.source_name,
            )
            if refusal is not None:
                raise StopError(str(refusal))

    def deletes(self, wanted: dict[str, list[str]]) -> str | None:
        """Why so many deletes are refused; None where they are not."""
        number = sum(map(len, wanted.values()))
        percent = self._limits.delete_limit_percent
        refusal = too_many_deletes(
            number,
            sum(map(self._linked, wanted)) if percent else 0,
            at_most=self._limits.delete_limit,
            at_most_percent=percent,
            source=self._course.source_name,
            destination=self._course.destination_name,
        )
        return None if refusal is None else str(refusal)

    def _linked(self, pair: str) -> int:
        """How many records were linked when this was first asked for."""
        if pair not in self._links:
            self._links[pair] = self._ledger.linked_number(pair)
        return self._links[pair]
