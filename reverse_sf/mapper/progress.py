"""How far a run has come, told now and then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

PROGRESS_SECONDS = 15.0


class Progress:
    """Tells of a run's progress, not more often than every :data:`PROGRESS_SECONDS`."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._started = self._reported = time.monotonic()

    def tell(self, *, read: int, to_write: int) -> None:
        """Tell it, if it is time.

        Args:
            read: messages so far.
            to_write: records so far.
        """
        now = time.monotonic()
        if now - self._reported >= PROGRESS_SECONDS:
            self._reported = now
            self._logger.info(
                "%d messages read, %d records to write so far (%.0f messages/s)",
                read,
                to_write,
                read / (now - self._started),
            )
