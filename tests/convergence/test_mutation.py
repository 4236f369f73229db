"""Every planted bug is found: those of the specification in each run, the rest by turns.

``make mutation`` hunts them all and prints the score.
"""

from __future__ import annotations

import pytest

from tests.convergence.hunt import hunted
from tests.convergence.mutants import MUTANTS

OF_THE_SPECIFICATION = {
    "create not keyed by external id",
    "no precondition on write",
    "base stores the value sent",
    "base stores the latest value of the untouched side",
    "agreement tested in both directions",
    "no base (stateless)",
    "no settled state",
}
OTHERS = [one for one in MUTANTS if one.name not in OF_THE_SPECIFICATION]
CHOSEN = [one for one in MUTANTS if one.name in OF_THE_SPECIFICATION] + OTHERS[1::13]


def test_every_bug_of_the_specification_is_planted():
    assert {one.name for one in MUTANTS} >= OF_THE_SPECIFICATION


@pytest.mark.parametrize("mutant", CHOSEN, ids=lambda one: one.name)
def test_a_planted_bug_is_caught(mutant):
    assert hunted(mutant) is not None
