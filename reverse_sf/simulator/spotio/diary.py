"""The clock of the tenant, and the activities that the service notes by itself.

The service writes an activity for every creation, change of stage or owner and edit of fields, so
that the activities are its audit log too (SPOTIO OpenAPI file, ``ActivityRequest.type``).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.records import TICKS, Activity, to_ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.spotio.records import Member, Record
    from reverse_sf.simulator.spotio.store import Store


class Diary:
    """Tells the instant of a change, no two alike, and appends to the history of a record."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._last = 0
        self._held: int | None = None

    def now(self) -> int:
        """This instant, later than the last one unless the clock was moved back."""
        if self._held is not None:
            return self._held
        ticks = to_ticks(self._clock.now()) + 1
        if self._last - TICKS < ticks <= self._last:
            ticks = self._last + 1
        self._last = ticks
        return ticks

    @contextmanager
    def one_instant(self) -> Iterator[None]:
        """Let everything inside happen at one instant, as records written together do."""
        with self.held(self.now()):
            yield

    @contextmanager
    def held(self, at: int) -> Iterator[None]:
        """Let everything inside happen at that instant."""
        self._held = at
        try:
            yield
        finally:
            self._held = None

    def note(self, record: Record, kind: str, actor: Member, at: int, **details: Any) -> Activity:
        """Append an activity that the service notes by itself."""
        activity = Activity(
            id=self._store.next_activity_id(),
            data_object_id=record.id,
            type=kind,
            owner_id=actor.id,
            date=at,
            created=at,
            updated=at,
            **details,
        )
        self._store.save_activity(activity)
        return activity
