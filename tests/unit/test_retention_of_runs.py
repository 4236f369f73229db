"""What the mapper forgets at the end of a run, and that the sync decides as before."""

from __future__ import annotations

import pytest

from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO
from reverse_sf.mapper.suspicion import Limits
from tests.unit.two_way_fixtures import world

__all__ = ["world"]

BOTH = pytest.mark.parametrize(
    "course", [TO_SPOTIO, TO_SALESFORCE], ids=lambda one: one.direction.value
)


def later(world) -> None:
    """Three weeks pass; the ledger's own moments (the end of a run) are of today."""
    world.now.minutes = iter(range(21 * 1440, 25 * 1440))


def told(world) -> tuple[int, int]:
    """Log rows and closed operations."""
    with world.open() as ledger, ledger._reading() as connection:
        count = "SELECT count(*) FROM sync_"
        return (
            connection.exec_driver_sql(f"{count}log").scalar(),
            connection.exec_driver_sql(f"{count}operations").scalar(),
        )


def edited(world) -> None:
    one = world.in_salesforce("Account", Name="Acme")
    world.rest()
    world.in_salesforce("Account", one, Name="Acme 2")
    world.rest()


@BOTH
def test_a_run_of_either_direction_forgets_what_is_older_than_the_setting(world, course, caplog):
    edited(world)
    before = told(world)
    assert before[1] >= 2
    later(world)
    world.limits = Limits(log_retention_days=14)
    caplog.set_level("INFO")
    assert world.run(course).records == []
    assert told(world)[1] == 0
    assert "of more than 14 days ago" in caplog.text


@pytest.mark.parametrize("days", [0, 30])
def test_nothing_goes_before_its_time_or_where_everything_is_kept(world, days):
    edited(world)
    before = told(world)
    later(world)
    world.limits = Limits(log_retention_days=days)
    assert world.run(TO_SPOTIO).records == []
    assert told(world) == before


def test_edits_and_conflicts_are_decided_as_before_once_history_is_gone(world):
    edited(world)
    later(world)
    world.limits = Limits(log_retention_days=14)
    assert world.rest() == 0
    assert told(world)[1] == 0
    (one,) = world.salesforce.by_stream["Account"]
    (other,) = world.spotio.by_stream["Accounts"]
    world.in_spotio("Accounts", other, Company="Ours")
    world.in_salesforce("Account", one, Name="Theirs, later", Phone="+1 555 0100")
    world.rest()
    assert world.salesforce.by_stream["Account"][one]["Name"] == "Theirs, later"
    assert world.spotio.by_stream["Accounts"][other]["Company"] == "Theirs, later"
    with world.open() as ledger:
        assert [one.losing_value for one in ledger.conflicts()] == ["Ours"]
