"""The clock of a local server: real time plus an offset, or frozen at one instant."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


class Clock:
    """Tells a local server's time, which a test may move; safe to use from several threads.

    Args:
        start: the first instant it shows; the real time when left out.
        frozen: whether it stands still until it is moved.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        self._start = start
        self._start_frozen = frozen
        self._lock = threading.Lock()
        self._own = threading.local()
        self.reset()

    def reset(self) -> None:
        """Go back to the state that the clock was made with."""
        now = _real()
        with self._lock:
            self._offset = timedelta() if self._start is None else _aware(self._start) - now
            self._frozen_at = now + self._offset if self._start_frozen else None

    def now(self) -> datetime:
        """The server's time, aware and in UTC."""
        shift: timedelta = getattr(self._own, "shift", timedelta())
        with self._lock:
            return (self._frozen_at or _real() + self._offset) + shift

    @contextmanager
    def shifted(self, seconds: float) -> Generator[None, None, None]:
        """Another time for this thread only: what it does meanwhile is stamped earlier or later."""
        before = getattr(self._own, "shift", timedelta())
        self._own.shift = before + timedelta(seconds=seconds)
        try:
            yield
        finally:
            self._own.shift = before

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen_at is not None

    def set(self, iso: str) -> None:
        """Show this instant from now on (ISO 8601; without an offset it is UTC).

        Raises:
            ValueError: the text is not an ISO 8601 date-time.
        """
        instant = _aware(datetime.fromisoformat(iso.replace("Z", "+00:00")))
        with self._lock:
            self._offset = instant - _real()
            if self._frozen_at is not None:
                self._frozen_at = instant

    def advance(self, seconds: float) -> None:
        """Jump forward by so many seconds, or back where it is negative."""
        step = timedelta(seconds=seconds)
        with self._lock:
            self._offset += step
            if self._frozen_at is not None:
                self._frozen_at += step

    def freeze(self, *, frozen: bool) -> None:
        """Stand still at the present instant, or go on from it."""
        with self._lock:
            if frozen and self._frozen_at is None:
                self._frozen_at = _real() + self._offset
            elif not frozen and self._frozen_at is not None:
                self._offset = self._frozen_at - _real()
                self._frozen_at = None


def _real() -> datetime:
    return datetime.now(timezone.utc)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        return instant.replace(tzinfo=timezone.utc)
    return instant.astimezone(timezone.utc)
