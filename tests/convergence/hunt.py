"""Many histories in a row, and the hunt for a planted bug."""

from __future__ import annotations

import traceback
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from reverse_sf.mapper.collector import calm_collector
from tests.convergence.edits import some_history, some_wishes, staffed, widened
from tests.convergence.machine import play

if TYPE_CHECKING:
    from tests.convergence.edits import History
    from tests.convergence.mutants import Mutant

QUIET_EVERY = 3
"""Of so many histories one is without faults, so that what it finds is plain."""
WISHES = 0.25
"""The share of histories in which people want values back."""
WIDE = 0.3
"""The share of histories in which more takes part than records that stay what they are."""
USERS = 0.4
"""The share of these in which users are synced."""
MOST_HISTORIES = 4000
"""A planted bug that so many histories do not find counts as missed."""


class Catch(NamedTuple):
    """What found a planted bug: the invariant, and how many histories it took."""

    invariant: str
    histories: int


def history_of(seed: int, *, wide: bool = True) -> History:
    """The history of a seed; some have leads or users in them, in some people want values back."""
    faults = seed % QUIET_EVERY != 0
    history = some_history(Random(seed), faults=faults)
    more = Random(f"wide {seed}")
    if more.random() < WIDE and wide:
        crew = Random(f"users {seed}")
        has_users = crew.random() < USERS
        if not has_users or crew.random() < 0.5:
            history = widened(more, history, faults=faults)
        if has_users:
            history = staffed(crew, history, faults=faults)
    # From a source of its own: what a seed told before there were wishes it still tells.
    random = Random(f"restores {seed}")
    if random.random() >= WISHES:
        return history
    wishes = some_wishes(random, history.config, faults=faults)
    return replace(history, steps=(*history.steps, *wishes))


def problems(history: History, kind: str = "memory") -> list[str]:
    """The violations of a history; an exception is one too."""
    try:
        with calm_collector():
            return play(history, kind).violations
    except Exception as error:  # noqa: BLE001 - whatever the product raises is a finding
        where = traceback.extract_tb(error.__traceback__)[-1]
        return [f"CRASH: {error!r} at {where.filename.rpartition('/')[2]}:{where.lineno}"]


def hunted(mutant: Mutant, most: int = MOST_HISTORIES) -> Catch | None:
    """Hunt a planted bug; None where nothing finds it."""
    with mutant.plant():
        for number in range(most):
            # What is planted in records shows best where there is nothing else.
            plain, whole = history_of(number, wide=False), history_of(number)
            for history in (plain,) if plain == whole else (plain, whole):
                found = problems(history, mutant.kind)
                if found:
                    return Catch(found[0].partition(":")[0], number + 1)
    return None
