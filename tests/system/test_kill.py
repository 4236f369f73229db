"""Kill -9 at random moments of a first load loses no record and doubles none."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.local import running
from tests.system.expectation import differences
from tests.system.pipeline import Pipeline

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = 5000
SECONDS_BEFORE_ANYTHING_IS_READ = 1.0
KILLS = 6


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_first_load_that_is_killed_again_and_again_ends_complete(
    seed: int, tmp_path: Path
) -> None:
    moments = random.Random(seed)
    with running(records=RECORDS, seed=seed) as servers:
        pipeline = Pipeline(
            tmp_path,
            servers,
            mapper={"lease_ttl": 1},
            # Both ways of creating are killed in the middle: bulk jobs in one test, single calls in the other.
            target={"bulk_threshold": 20 if seed == 1 else 100_000},
        )
        interrupted = 0
        for _ in range(KILLS):
            ended = pipeline.run(
                kill_after=SECONDS_BEFORE_ANYTHING_IS_READ + 4 * moments.random()
            )
            interrupted += not ended.ended_well
        assert interrupted, "no run was interrupted: the test tested nothing"
        last = pipeline.run()
        assert last.ended_well, last
        assert differences(servers) == []
        writes = len([each for each in servers.spotio.requests() if each["method"] == "PATCH"])
        quiet = pipeline.run()
        assert quiet.ended_well, quiet
        assert differences(servers) == []
        later = len([each for each in servers.spotio.requests() if each["method"] == "PATCH"])
        assert later == writes
