"""The local servers for one test module, reset before each test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.local import running
from tests.system.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

SMALL_WORLD = 120


def sweeping() -> bool:
    """Whether everything is to be gone through one by one: ``make sweep``, not ``make test``."""
    return os.environ.get("SWEEP") == "all"


in_a_sweep = pytest.mark.skipif(not sweeping(), reason="takes long: make sweep runs it")
"""Marks what another test of ``make test`` shows in short."""


@pytest.fixture(scope="module")
def small_world() -> Iterator[LocalServers]:
    """Both servers with few records, for tests that run the pipeline many times."""
    with running(records=SMALL_WORLD) as servers:
        yield servers


@pytest.fixture
def pipeline(small_world: LocalServers, tmp_path: Path) -> Iterator[Pipeline]:
    """A fresh project folder against fresh servers."""
    small_world.reset()
    small_world.salesforce.clear_faults()
    small_world.spotio.clear_faults()
    yield Pipeline(tmp_path, small_world)
    small_world.salesforce.clear_faults()
    small_world.spotio.clear_faults()
