"""Random histories with crashes over the real plugins; ``make histories`` plays many more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.local import running
from tests.postgresql import postgresql_server, shared_uri
from tests.system.histories.history import RECORDS, History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

__all__ = ["postgresql_server", "shared_uri"]

pytestmark = [pytest.mark.slow]

SEEDS = (1, 2)
FOUND = (2054,)
"""Seeds of histories that have shown a defect once."""


@pytest.fixture(scope="module")
def two_systems() -> Iterator[LocalServers]:
    """Both servers with a handful of records."""
    with running(records=RECORDS) as servers:
        yield servers


@pytest.mark.parametrize("seed", [*SEEDS, *FOUND])
def test_a_random_history_ends_converged_quiet_and_with_nothing_lost(
    seed: int, two_systems: LocalServers, tmp_path: Path, shared_uri: str
) -> None:
    verdict = History(seed, two_systems, tmp_path, shared_uri).play()
    assert verdict.problems == [], str(verdict)
