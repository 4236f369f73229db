"""What an API has refused goes out again when a value is new, and not before."""

from __future__ import annotations

import pytest

from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.rows import Run
from reverse_sf.mapper.withheld import PUT_OFF
from reverse_sf.mapping.definition import Direction
from tests.unit.two_way_fixtures import world

__all__ = ["world"]


def is_bad(value):
    return value == "bad"


@pytest.fixture
def refused(world):
    """A website that Salesforce refuses; answers the world and both ids."""
    s, p = world.linked(Website="a")
    world.refuses["Website"] = is_bad
    world.in_spotio("Accounts", p, Website="bad")
    world.cycle()
    assert world.refusals == 1
    assert world.parked(Direction.TO_SALESFORCE) == {"Website": "rejected"}
    return world, s, p


def test_a_change_of_something_else_here_does_not_send_a_refused_value_again(refused):
    world, _, p = refused
    world.in_spotio("Accounts", p, Phone="55")
    world.rest()
    assert world.refusals == 1
    assert world.parked(Direction.TO_SALESFORCE) == {"Website": "rejected"}


def test_a_change_of_something_else_there_does_not_send_a_refused_value_again(refused):
    world, s, p = refused
    world.in_salesforce("Account", s, Name="Other")
    world.rest()
    assert world.refusals == 1
    assert world.both(p)[0]["Company"] == "Other"
    assert world.parked(Direction.TO_SALESFORCE) == {"Website": "rejected"}


def test_a_refused_value_goes_along_with_a_new_one_that_may_be_what_it_waited_for(refused):
    world, _, p = refused
    world.refuses.clear()
    world.in_spotio("Accounts", p, Company="Other")
    world.rest()
    assert world.both(p)[1]["Website"] == "bad"
    assert world.parked(Direction.TO_SALESFORCE) == {}


def test_another_value_here_is_sent(refused):
    world, _, p = refused
    world.in_spotio("Accounts", p, Website="good")
    world.rest()
    assert world.both(p)[1]["Website"] == "good"
    assert world.parked(Direction.TO_SALESFORCE) == {}


def test_another_value_there_is_decided(refused):
    world, s, p = refused
    world.in_salesforce("Account", s, Website="new")
    world.rest()
    mine, theirs = world.both(p)
    assert mine["Website"] == theirs["Website"]
    assert world.parked(Direction.TO_SALESFORCE) == {}


def test_the_value_before_settles_it(refused):
    world, _, p = refused
    world.in_spotio("Accounts", p, Website="a")
    world.rest()
    assert world.refusals == 1
    assert world.parked(Direction.TO_SALESFORCE) == {}


def test_a_record_refused_as_a_whole_waits_for_a_new_value(world):
    s, p = world.linked(Website="a", Phone="1")
    world.refuses["Phone"] = is_bad
    world.in_salesforce("Account", s, Phone="bad")
    world.cycle()
    assert world.refusals == 1
    world.in_spotio("Accounts", p, Phone="7")
    world.rest()
    world.in_salesforce("Account", s, Description=None, Site="gone")
    world.rest()
    refusals = world.refusals
    assert world.parked(Direction.TO_SPOTIO) == {"": "rejected"}
    world.in_salesforce("Account", s, Description=None, Site="gone again")
    world.rest()
    assert world.refusals == refusals
    assert world.parked(Direction.TO_SPOTIO) == {"": "rejected"}
    world.in_salesforce("Account", s, Phone="2")
    world.rest()
    assert world.both(p)[0]["Phone"] == "2"
    assert world.parked(Direction.TO_SPOTIO) == {}


def test_a_link_that_is_decided_again_for_another_reason_sends_no_refused_value_again(refused):
    world, _, _ = refused
    flag(world, "found, not created")
    world.to_salesforce()
    assert world.refusals == 1
    assert world.parked(Direction.TO_SALESFORCE) == {"Website": "rejected"}


def test_an_observation_that_was_put_off_is_decided_with_all_that_it_brought(refused):
    world, _, _ = refused
    flag(world, PUT_OFF)
    world.to_salesforce()
    assert world.refusals == 2


def test_what_was_put_off_and_says_nothing_new_does_not_send_a_refused_value_again(refused):
    world, s, _ = refused
    flag(world, PUT_OFF)
    world.in_salesforce("Account", s, Name="Other")
    world.to_spotio()
    # Its own name comes back, while what was put off before is on its way.
    world.to_salesforce()
    assert world.refusals == 2
    world.rest()
    assert world.refusals == 2
    assert world.parked(Direction.TO_SALESFORCE) == {"Website": "rejected"}


def test_what_was_put_off_and_is_new_is_decided(refused):
    world, _, p = refused
    flag(world, PUT_OFF)
    world.in_spotio("Accounts", p, Company="Other")
    world.to_salesforce()
    assert world.both(p)[1]["Name"] != "Other"
    world.to_salesforce()
    assert world.both(p)[1]["Name"] == "Other"


def flag(world, why):
    """Have every link decided again at the next run toward Salesforce."""
    with world.open() as ledger:
        run = Run(
            run_id="flags",
            direction=Direction.TO_SALESFORCE,
            started_at="2026-05-06T00:00:00.000Z",
            definition_fingerprint="",
        )
        ledger.begin_run(run, ttl_seconds=60)
        links = [one.link_id for one in ledger.parked_rows()]
        rows = [(link_id, why) for link_id in links]
        ledger.commit_decisions(Decisions(run_id="flags", flagged=rows))
        ledger.finish_run("flags", "done")
