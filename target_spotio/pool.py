"""Single calls side by side, a few at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

from reverse_sf.errors import ReverseSFError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
R = TypeVar("R")

MOST_WORKERS = 8
"""SPOTIO publishes no rate limit; more than this would be unkind."""


class Pool:
    """Runs a function over many arguments in a few threads.

    Args:
        workers: how many at a time, at most :data:`MOST_WORKERS`.
    """

    def __init__(self, workers: int) -> None:
        self._workers = max(1, min(workers, MOST_WORKERS))

    def run(
        self, function: Callable[[T], R], arguments: Sequence[T], report: Callable[[R], None]
    ) -> None:
        """Call the function with every argument and report each result from this thread.

        Where a call fails no new ones are begun, but those under way are waited for and reported:
        what they did has happened.

        Raises:
            ReverseSFError: the first failure.
        """
        if len(arguments) == 1:
            report(function(arguments[0]))
            return
        failure: ReverseSFError | None = None
        with ThreadPoolExecutor(self._workers) as executor:
            futures = [executor.submit(function, argument) for argument in arguments]
            for future in as_completed(futures):
                if future.cancelled():
                    continue
                try:
                    report(future.result())
                except ReverseSFError as error:
                    failure = failure or error
                    for other in futures:
                        other.cancel()
        if failure is not None:
            raise failure
