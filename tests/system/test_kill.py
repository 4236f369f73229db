"""Kill -9 at random moments of a first load loses no record and doubles none."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.local import running
from tests.system.calls import writes
from tests.system.expectation import differences
from tests.system.pipeline import Pipeline
from tests.system.servers_fixture import in_a_sweep

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

RECORDS = 5000
KILLS = 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bulk_threshold", "calls_between_kills"),
    [
        pytest.param(20, 12, id="bulk jobs"),
        pytest.param(100_000, 900, id="single calls", marks=in_a_sweep),
    ],
)
def test_a_first_load_that_is_killed_again_and_again_ends_complete(
    bulk_threshold: int, calls_between_kills: int, tmp_path: Path
) -> None:
    moments = random.Random(bulk_threshold)
    with running(records=RECORDS) as servers:
        pipeline = Pipeline(tmp_path, servers, target={"bulk_threshold": bulk_threshold})
        for _ in range(KILLS):
            moment = servers.spotio.last() + moments.randint(1, calls_between_kills)
            killed = pipeline.run(kill_when=lambda moment=moment: servers.spotio.last() >= moment)
            assert -9 in killed.codes, killed
        last = pipeline.run()
        assert last.ended_well, last
        assert differences(servers) == []
        assert_quiet(pipeline, servers)


def assert_quiet(pipeline: Pipeline, servers: LocalServers) -> None:
    """A further run writes nothing."""
    before = servers.spotio.last()
    ended = pipeline.run()
    assert ended.ended_well, ended
    assert writes(servers.spotio, before) == []
