"""A run that is about some records only: others are left alone, and silence means nothing."""

from __future__ import annotations

import pytest

from reverse_sf.errors import StopError
from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO
from reverse_sf.mapper.suspicion import Limits
from tests.unit.two_way_fixtures import world

__all__ = ["world"]

ACCOUNTS, CONTACTS = frozenset({"Account:Accounts"}), frozenset({"Contact:Contacts"})
BOTH = pytest.mark.parametrize(
    "course", [TO_SPOTIO, TO_SALESFORCE], ids=lambda one: one.direction.value
)


@BOTH
def test_a_range_in_which_nothing_was_modified_is_no_empty_system(world, course):
    for number in range(2):
        world.in_salesforce("Account", Name=f"A{number}")
    world.rest()
    world.limits = Limits(allow_empty=False)
    world.pairs = ACCOUNTS
    assert world.run(course).records == []
    world.pairs = None
    with pytest.raises(StopError, match="found no record"):
        world.run(course)


def test_only_the_pair_that_was_asked_for_is_decided(world):
    account = world.in_salesforce("Account", Name="A")
    contact = world.in_salesforce("Contact", LastName="C", AccountId=account)
    world.rest()
    world.in_salesforce("Account", account, Website="new")
    world.in_salesforce("Contact", contact, LastName="New")
    world.pairs = ACCOUNTS
    (record,) = world.to_spotio()
    assert record["Website"] == "new"
    world.pairs = None
    (record,) = world.to_spotio(again=True)
    assert record["Last Name"] == "New"


@BOTH
def test_work_that_was_left_open_waits_unless_its_record_is_sent(world, course):
    store = world.salesforce if course is TO_SPOTIO else world.spotio
    edited = world.in_salesforce if course is TO_SPOTIO else world.in_spotio
    stream = "Account" if course is TO_SPOTIO else "Accounts"
    for number in range(3):
        world.in_salesforce("Account", Name=f"A{number}")
    world.rest()
    first, second, third = list(store.by_stream[stream])
    for one in (first, second):
        edited(stream, one, Website="w")
    lost = world.run(course)
    assert len(lost.records) == 2
    # The target was killed: nobody knows what became of the two.
    with world.open() as ledger:
        ledger.finish_run(lost.run_id, "interrupted")
    edited(stream, third, Website="other")
    edited(stream, first)
    world.pairs = ACCOUNTS
    key = course.own_id
    part = world.run(course)
    assert {one["_sync"][key] for one in part.records} == {first, third}
    again = next(one for one in part.records if one["_sync"][key] == first)
    assert again["_sync"]["reissued"]
    with world.open() as ledger:
        ledger.finish_run(part.run_id, "interrupted")
    world.pairs = None
    rest = world.run(course)
    assert second in {one["_sync"][key] for one in rest.records}


def test_a_lost_ledger_is_still_missed_after_a_run_over_a_part(world):
    account = world.in_salesforce("Account", Name="A")
    world.pairs = ACCOUNTS
    assert len(world.to_spotio()) == 1
    world.pairs = None
    world.in_salesforce("Account", account, Name="B")
    position = {"replication_key_value": "2026-05-06T00:00"}
    world.begins_with = {"bookmarks": {"Account": position, "Contact": position}}
    with pytest.raises(StopError, match="full-refresh"):
        world.run(TO_SPOTIO)


def test_records_of_other_pairs_are_counted_as_not_asked_for(world):
    world.in_salesforce("Account", Name="A")
    world.pairs = CONTACTS
    emitted = world.run(TO_SPOTIO)
    assert emitted.records == []
    with world.open() as ledger:
        counts = {(one.pair, one.reason): one.number for one in ledger.counts(emitted.run_id)}
    assert counts == {("Account", "not asked for"): 1}
