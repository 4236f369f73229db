"""The table of selective sync (section C.4), row by row, in both directions."""

from __future__ import annotations

import pytest

from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO
from tests.unit.two_way_fixtures import world

__all__ = ["world"]

BOTH = pytest.mark.parametrize(
    "course", [TO_SPOTIO, TO_SALESFORCE], ids=lambda one: one.direction.value
)


class End:
    """The side of a world that a direction reads."""

    def __init__(self, world, course):
        self.world = world
        self.from_salesforce = course is TO_SPOTIO
        self.course = course
        self.inside = {"Type": "Customer"} if self.from_salesforce else {"Stage": "Customer"}
        self.outside = {"Type": "Other"} if self.from_salesforce else {"Stage": "Former"}

    def put(self, record_id=None, **values):
        if self.from_salesforce:
            return self.world.in_salesforce("Account", record_id, **values)
        return self.world.in_spotio("Accounts", record_id, **values)

    def new(self, **values):
        name = "Name" if self.from_salesforce else "Company"
        return self.put(**{name: "Acme", **values})

    def linked(self):
        ids = self.world.linked(Website="a", Type="Customer")
        return ids[0] if self.from_salesforce else ids[1]

    def writes(self):
        """What goes out, by action; ids that are written on both sides do not count."""
        emitted = self.world.run(self.course)
        if emitted.records:
            write = self.world.write_spotio if self.from_salesforce else None
            (write or self.world.write_salesforce)(emitted)
        return [
            (one["_sync"]["action"], {key for key in one if key not in {"_sync", "SPOTIO_Id__c"}})
            for one in emitted.records
        ]


@pytest.mark.row("C4 {course} unlinked, source in scope")
@BOTH
def test_unlinked_source_in_scope_is_created(world, course):
    end = End(world, course)
    end.new(**end.inside)
    assert [action for action, _ in end.writes()] == ["create"]


@pytest.mark.row("C4 {course} unlinked, source out of scope")
@BOTH
def test_unlinked_source_out_of_scope_writes_nothing(world, course):
    end = End(world, course)
    end.new(**end.outside)
    assert end.writes() == []


@pytest.mark.row("C4 {course} linked, source in scope")
@BOTH
def test_linked_source_in_scope_is_written_by_field_rule(world, course):
    end = End(world, course)
    one = end.linked()
    end.put(one, Website="b")
    assert end.writes() == [("update", {"Website"})]


@pytest.mark.row("C4 {course} linked, source out of scope")
@BOTH
def test_linked_source_out_of_scope_is_frozen_and_its_base_kept(world, course):
    end = End(world, course)
    one = end.linked()
    end.put(one, **end.outside)
    assert end.writes() == []
    end.put(one, Website="b")
    assert end.writes() == []
    assert world.conflicts() == []


@pytest.mark.row("C4 {course} leaves scope in this change")
@BOTH
def test_a_change_that_leaves_the_scope_is_not_sent(world, course):
    end = End(world, course)
    one = end.linked()
    end.put(one, Website="b", **end.outside)
    assert end.writes() == []


@pytest.mark.row("C4 {course} re-enters scope")
@BOTH
def test_a_record_that_comes_back_is_decided_against_the_kept_base(world, course):
    end = End(world, course)
    one = end.linked()
    end.put(one, Website="b", **end.outside)
    assert end.writes() == []
    end.put(one, **end.inside)
    assert end.writes() == [("update", {"Website"})]
    assert world.rest() <= 1


@BOTH
def test_leaving_the_scope_never_deletes_or_unlinks(world, course):
    end = End(world, course)
    one = end.linked()
    end.put(one, **end.outside)
    world.rest()
    assert len(world.salesforce.by_stream["Account"]) == 1
    assert len(world.spotio.by_stream["Accounts"]) == 1
    assert not world.salesforce.by_stream["Account"].popitem()[1]["IsDeleted"]
