"""A lease whose holders were killed on this machine is free at once; any other waits."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reverse_sf.errors import LeaseHeldError
from reverse_sf.ledger.holder import HANDED_OVER, gone, joined, this_process
from reverse_sf.ledger.rows import Run
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def killed() -> str:
    """The name of a process of this machine that has ended."""
    command = "from reverse_sf.ledger.holder import this_process; print(this_process())"
    return subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    ).stdout.strip()


def run_of(holder: str, run_id: str) -> Run:
    return Run(
        run_id=run_id,
        direction=Direction.TO_SPOTIO,
        started_at="2026-01-01T00:00:00Z",
        definition_fingerprint="f",
        holder=holder,
    )


def test_a_living_process_is_not_gone() -> None:
    assert not gone(this_process())


def test_a_killed_process_is_gone(killed: str) -> None:
    assert gone(killed)


def test_all_of_several_holders_must_be_gone(killed: str) -> None:
    assert gone(joined(killed, killed))
    assert not gone(joined(killed, this_process()))


def test_a_target_that_is_still_to_come_keeps_the_lease(killed: str) -> None:
    assert not gone(joined(killed, HANDED_OVER))


def test_the_target_takes_the_place_that_was_kept_for_it(killed: str) -> None:
    assert gone(joined(joined("", killed), killed))
    assert joined(joined("mapper", HANDED_OVER), "target") == "mapper and target"
    assert joined("mapper and target", HANDED_OVER) == "mapper and target"


@pytest.mark.parametrize("machine", ["", " of 00000000"])
def test_a_process_of_another_machine_is_never_called_gone(machine: str, killed: str) -> None:
    number = killed.split("process ")[1].split(maxsplit=1)[0].rstrip(")")
    assert not gone(f"somebody@elsewhere (process {number}{machine})")


def test_a_run_takes_over_from_a_killed_one_at_once(tmp_path: Path, killed: str) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.begin_run(run_of(killed, "first"), ttl_seconds=300)
        ledger.begin_run(run_of(this_process(), "second"), ttl_seconds=300)
        with pytest.raises(LeaseHeldError, match="second"):
            ledger.begin_run(run_of(this_process(), "third"), ttl_seconds=300)


def test_a_target_that_joined_keeps_the_lease_when_its_mapper_has_ended(
    tmp_path: Path, killed: str
) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.begin_run(run_of(killed, "first"), ttl_seconds=300)
        ledger.heartbeat("first", ttl_seconds=300, holder=this_process())
        with pytest.raises(LeaseHeldError, match="first"):
            ledger.begin_run(run_of(this_process(), "second"), ttl_seconds=300)
