"""Stops of section C.4, wired: the run ends before it does harm, and names the way past."""

from __future__ import annotations

import logging

import pytest

from reverse_sf.errors import StopError
from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO
from reverse_sf.mapper.suspicion import Limits
from reverse_sf.mapping.document import parse
from reverse_sf.merge.guards import too_many_changes
from tests.unit.mapper_fixtures import Emitted
from tests.unit.two_way_fixtures import SYNC, world

__all__ = ["world"]

BOTH = pytest.mark.parametrize(
    "course", [TO_SPOTIO, TO_SALESFORCE], ids=lambda one: one.direction.value
)


def edit_all(world, course, **values):
    if course is TO_SPOTIO:
        for one in list(world.salesforce.by_stream["Account"]):
            world.in_salesforce("Account", one, **values)
    else:
        for one in list(world.spotio.by_stream["Accounts"]):
            world.in_spotio("Accounts", one, **values)


def populated(world, number):
    for one in range(number):
        world.in_salesforce("Account", Name=f"A{one}")
    world.rest()


def states(emitted):
    return [one["value"] for one in emitted.messages if one["type"] == "STATE"]


# --- one side empty -----------------------------------------------------------------------------


@pytest.mark.row("C4 stop: one side empty")
@BOTH
def test_a_full_read_that_finds_nothing_where_records_are_linked_stops_the_run(world, course):
    populated(world, 2)
    world.limits = Limits(allow_empty=False)
    with pytest.raises(StopError, match=r"found no record, yet 2 are linked.*allow_empty"):
        world.run(course)
    world.limits = Limits(allow_empty=True)
    assert world.run(course).records == []


@pytest.mark.row("C4 stop: one side empty")
@BOTH
def test_a_run_that_goes_on_from_a_read_position_may_find_nothing(world, course):
    populated(world, 2)
    world.limits = Limits(allow_empty=False)
    names = ("Account", "Contact") if course is TO_SPOTIO else ("Accounts", "Contacts")
    position = {"replication_key_value": "2026-05-06T00:00"}
    world.begins_with = {"bookmarks": dict.fromkeys(names, position)}
    assert states(world.run(course)) == [world.begins_with]


def test_the_position_of_an_empty_full_read_is_never_handed_on(world):
    populated(world, 1)
    world.limits = Limits(allow_empty=False)
    position = {"bookmarks": {"Account": {"replication_key_value": "2026-06-01T00:00"}}}
    with pytest.raises(StopError):
        world.run(TO_SPOTIO, {"type": "STATE", "value": position})
    assert states(Emitted(world.out.getvalue(), "stopped")) == [{}]


# --- deletes ------------------------------------------------------------------------------------


@pytest.mark.row("C4 stop: deletes above a percentage")
def test_deletes_above_a_percentage_stop_the_run_and_the_setting_lets_them_pass(world):
    populated(world, 10)
    for one in list(world.spotio.by_stream["Accounts"])[:4]:
        world.delete_in_spotio(one)
    world.limits = Limits(delete_limit=1, delete_limit_percent=30)
    with pytest.raises(StopError, match=r"4 records would be deleted.*limit is 3.*_percent"):
        world.run(TO_SALESFORCE)
    world.limits = Limits(delete_limit=1, delete_limit_percent=40)
    emitted = world.run(TO_SALESFORCE)
    assert [one["_sync"]["action"] for one in emitted.records] == ["delete"] * 4


# --- every linked record has changed --------------------------------------------------------------


@pytest.mark.row("C4 stop: every linked record changed")
@BOTH
def test_a_run_stops_where_every_linked_record_has_changed(world, course):
    populated(world, 100)
    edit_all(world, course, Website="same for all")
    world.limits = Limits(change_limit_percent=100)
    with pytest.raises(StopError, match=r"100 of 100 linked records.*change_limit_percent to 0"):
        world.run(course, again=True)
    world.limits = Limits(change_limit_percent=0)
    assert len(world.run(course, again=True).records) == 100


def test_one_record_less_than_all_of_them_is_ordinary_work(world):
    populated(world, 100)
    edit_all(world, TO_SPOTIO, Website="same for all")
    world.salesforce.untold.pop()
    world.limits = Limits(change_limit_percent=100)
    assert len(world.run(TO_SPOTIO).records) == 99


@pytest.mark.parametrize(
    ("updates", "links", "percent", "refused"),
    [(99, 99, 100, False), (100, 100, 100, True), (50, 100, 50, True), (100, 100, 0, False)],
)
def test_few_records_and_no_limit_are_never_refused(updates, links, percent, refused):
    refusal = too_many_changes("x", updates, links, at_most_percent=percent, source="SPOTIO")
    assert (refusal is not None) is refused


# --- a changed definition -------------------------------------------------------------------------


@pytest.mark.row("C4 definition changed")
def test_a_changed_definition_is_logged_with_what_becomes_of_the_linked_records(world, caplog):
    populated(world, 3)
    one = next(iter(world.spotio.by_stream["Accounts"]))
    world.in_spotio("Accounts", one, Phone="only SPOTIO has changed", Stage="Former")
    assert world.to_salesforce() == []
    caplog.clear()
    rule = "salesforce: Phone, rule: "
    sync = SYNC.replace(f"{rule}salesforce_only", f"{rule}two_way")
    world.definition = parse(sync.replace("{Stage: [Prospect, ", "{Stage: [Former, Prospect, "))
    with caplog.at_level(logging.WARNING):
        emitted = world.run(TO_SALESFORCE)
    told = "\n".join(caplog.messages)
    assert "sync.yml has changed since the last run (Account:Accounts)" in told
    assert "Account:Accounts: 3 linked records, as they were last seen:" in told
    assert "2 unchanged, 1 to update" in told
    assert "Contact" not in told, "what says the same is not told"
    assert emitted.records == [], "it is told before anything is done"
    with world.open() as ledger:
        row = ledger.log_rows(kind="definition")[0]
    assert row.reason == "changed: Account:Accounts"
    assert any("1 to update" in line for line in row.payload)


@pytest.mark.row("C4 definition changed")
def test_a_definition_that_says_the_same_is_not_told(world, caplog):
    populated(world, 1)
    caplog.clear()
    world.definition = parse("# a comment\n" + SYNC)
    with caplog.at_level(logging.WARNING):
        world.run(TO_SALESFORCE)
    assert caplog.messages == []
