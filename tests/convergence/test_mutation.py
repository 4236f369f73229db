"""Every planted bug is found."""

from __future__ import annotations

import pytest

from tests.convergence.hunt import hunted
from tests.convergence.mutants import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_planted_bug_is_caught(mutant):
    assert hunted(mutant) is not None
