"""How often Python looks for cycles while a run has many values in hand."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def calm_collector() -> Iterator[None]:
    """Let the cycle collector look less often.

    A batch holds some hundred thousand values and hardly a cycle; looking through them all the
    time costs a third of the run.
    """
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
