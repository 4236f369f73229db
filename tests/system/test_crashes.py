"""A crash at every effect boundary of either direction: restart, and at rest nothing is amiss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.local import running
from tests.postgresql import postgresql_server
from tests.system.histories.history import RECORDS, History
from tests.system.servers_fixture import sweeping
from tests.system.sync import DIRECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

__all__ = ["postgresql_server"]

pytestmark = [pytest.mark.slow]

SEED = 9
"""Of the definition and the edits, the same for every crash: Accounts and Leads."""
EVERY = 1 if sweeping() else 151
"""`make sweep` takes every boundary in turn; `make test` a few. Odd: before and after alternate."""
EFFECTS = {"commit", "write", "emit"}


@pytest.fixture(scope="module")
def two_systems() -> Iterator[LocalServers]:
    """Both servers with a handful of records."""
    with running(records=RECORDS) as servers:
        yield servers


@pytest.mark.parametrize("mapping", DIRECTIONS)
@pytest.mark.parametrize(
    ("who", "server", "every"),
    [
        pytest.param("kill", False, EVERY, id="all of it, file"),
        pytest.param("kill this", False, EVERY, id="one process, file"),
        pytest.param("kill", True, 4 * EVERY + 1, id="all of it, postgresql"),
    ],
)
def test_a_crash_at_any_boundary_loses_and_doubles_nothing(
    *,
    who: str,
    server: bool,
    every: int,
    mapping: str,
    two_systems: LocalServers,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    uneventful = tmp_path / "uneventful"
    uneventful.mkdir()
    verdict = History(SEED, two_systems, uneventful).play_one(mapping, {}, trace=True)
    assert verdict.problems == [], str(verdict)
    boundaries = [
        (command, *line.split())
        for command in DIRECTIONS[mapping][1:]
        for line in (uneventful / f"{command}.trace").read_text().splitlines()
        if line.split()[0] in EFFECTS
    ]
    assert {kind for _, kind, _, _ in boundaries} == EFFECTS
    killed = 0
    for number, (command, kind, when, nth) in enumerate(boundaries[::every]):
        folder = tmp_path / str(number)
        folder.mkdir()
        step = {"kind": kind, "when": when, "nth": int(nth), "do": who}
        uri = request.getfixturevalue("postgresql_server").new_database() if server else ""
        verdict = History(SEED, two_systems, folder, uri).play_one(mapping, {command: (step,)})
        assert verdict.problems == [], f"{command} {step}\n{verdict}"
        killed += verdict.crashes
    assert killed
