"""Both sides changed: which change is certainly the newer one, seen through the mapper (C.1)."""

from __future__ import annotations

import json

import pytest

from reverse_sf.ledger.batches import Decisions
from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO
from reverse_sf.mapping.definition import Side
from reverse_sf.merge.evidence import Sighting, settled, since, since_under_way
from tests.unit.two_way_fixtures import SYNC, TwoWay

PAIR = "Account:Accounts"
FIRST = "  - spotio: Accounts\n"
SYNC_WITH_TIE = SYNC.replace(FIRST, f"{FIRST}    conflicts: {{tie: TIE}}\n")


def at(time):
    return f"2026-05-06T{time}.000Z"


class Hands:
    """A clock that stands until somebody turns it."""

    def __init__(self):
        self.time = "09:00:00"

    def __call__(self):
        return at(self.time)


class Story:
    """A pair of records that both systems held alike at nine o'clock, and what happens then."""

    def __init__(self, folder, tie):
        self.world = TwoWay(folder, SYNC_WITH_TIE.replace("TIE", tie))
        self.world.now = Hands()
        self.s, self.p = self.world.linked(Website="base")

    def at(self, time):
        self.world.now.time = time
        return self

    def salesforce(self, **values):
        self.world.in_salesforce("Account", self.s, **values)
        return self

    def spotio(self, **values):
        self.world.in_spotio("Accounts", self.p, **values)
        return self

    def sees(self, course):
        """The tap of a direction reads; what would be written then is not."""
        emitted = self.world.run(course)
        self.world.finish(emitted)
        for one in emitted.records:
            with self.world.open() as ledger:
                run = ledger.last_run(course.direction)
                run.run_id, run.ended_at = f"undo-{one['_sync']['operation_id']}", None
                ledger.begin_run(run, ttl_seconds=60)
                undone = [one["_sync"]["operation_id"]]
                ledger.commit_decisions(Decisions(run_id=run.run_id, superseded=undone))
                ledger.finish_run(run.run_id, "done")
        return self

    def kept(self, side):
        """Since when a side differs, as the ledger keeps it; moments in milliseconds."""
        with self.world.open() as ledger:
            link = ledger.link_ids_of_spotio(PAIR, [self.p])[self.p]
            snapshot = ledger.snapshots([link])[link]
        kept = (
            snapshot.salesforce_differing if side is Side.SALESFORCE else snapshot.spotio_differing
        )
        return json.loads(kept.replace("000000Z", "000Z"))

    def ends_with(self):
        self.world.rest()
        mine, theirs = self.world.both(self.p)
        assert mine["Website"] == theirs["Website"]
        return mine["Website"]


@pytest.fixture
def story(tmp_path):
    """Salesforce wins what nobody can tell, as it does by default."""
    return Story(tmp_path, "salesforce")


@pytest.fixture
def mirror(tmp_path):
    """SPOTIO wins what nobody can tell."""
    return Story(tmp_path, "spotio")


@pytest.mark.row("C3-08 two_way, spotio newer")
def test_c3_08_two_way_spotio_certainly_newer_wins_over_the_tie_break(story):
    story.at("10:00:00").salesforce(Website="theirs").sees(TO_SPOTIO)
    story.at("10:10:00").spotio(Fax="seen, Website as its base").sees(TO_SALESFORCE)
    story.at("10:20:00").spotio(Website="mine")
    assert story.ends_with() == "mine"


@pytest.mark.row("C3-08 two_way, salesforce newer")
def test_c3_08_two_way_salesforce_certainly_newer_wins_over_the_tie_break(mirror):
    mirror.at("10:00:00").spotio(Website="mine").sees(TO_SALESFORCE)
    mirror.at("10:10:00").salesforce(Fax="seen, Website as its base").sees(TO_SPOTIO)
    mirror.at("10:20:00").salesforce(Website="theirs")
    assert mirror.ends_with() == "theirs"


@pytest.mark.row("C3-08 two_way, tie")
@pytest.mark.parametrize(("tie", "winner"), [("salesforce", "theirs"), ("spotio", "mine")])
def test_c3_08_two_way_overlapping_intervals_are_a_tie_and_the_definition_breaks_it(
    tmp_path, tie, winner
):
    story = Story(tmp_path, tie)
    story.at("10:00:00").salesforce(Website="theirs")
    story.at("10:20:00").spotio(Website="mine")
    assert story.ends_with() == winner


@pytest.mark.parametrize(("seen_at", "winner"), [("10:00:02", "theirs"), ("10:00:03", "mine")])
def test_c3_08_two_way_moments_closer_than_the_clocks_may_differ_are_a_tie(story, seen_at, winner):
    story.at("10:00:00").salesforce(Website="theirs").sees(TO_SPOTIO)
    story.at(seen_at).spotio(Fax="1").sees(TO_SALESFORCE)
    story.at("10:20:00").spotio(Website="mine")
    assert story.ends_with() == winner


def test_c3_08_two_way_a_value_that_changes_again_is_as_late_as_its_last_change(story):
    story.at("10:00:00").salesforce(Website="theirs").sees(TO_SPOTIO)
    story.at("10:10:00").spotio(Fax="1").sees(TO_SALESFORCE)
    story.at("10:20:00").salesforce(Website="theirs again").sees(TO_SPOTIO)
    story.at("10:30:00").spotio(Website="mine")
    assert story.ends_with() == "theirs again", "SPOTIO was last seen unchanged before that"


def test_c3_08_two_way_another_field_of_the_record_does_not_make_a_change_later(story):
    story.at("10:00:00").salesforce(Website="theirs").sees(TO_SPOTIO)
    story.at("10:10:00").spotio(Fax="1").sees(TO_SALESFORCE)
    story.at("10:20:00").salesforce(Fax="2").sees(TO_SPOTIO)
    story.at("10:30:00").spotio(Website="mine")
    assert story.ends_with() == "mine"


def test_a_value_that_is_back_at_its_base_is_forgotten_and_its_next_change_is_a_new_one(story):
    story.at("10:00:00").spotio(Website="there").sees(TO_SALESFORCE)
    story.at("10:10:00").spotio(Website="base").sees(TO_SALESFORCE)
    assert story.kept(Side.SPOTIO) == {}
    story.at("10:05:00").salesforce(Website="theirs").sees(TO_SPOTIO)
    story.at("10:20:00").spotio(Website="mine")
    assert story.ends_with() == "mine", "SPOTIO was as its base after Salesforce had changed"


def test_what_the_guard_of_a_target_finds_in_spotio_counts_as_seen(mirror):
    mirror.at("10:00:00").spotio(Website="mine")
    mirror.world.spotio.untold.clear()
    mirror.at("10:10:00").salesforce(Fax="1").sees(TO_SPOTIO)
    mirror.at("10:20:00").salesforce(Website="theirs")
    mirror.at("10:30:00").world.to_spotio()
    assert mirror.kept(Side.SPOTIO) == {"Website": [at("09:00:00"), at("10:00:00")]}
    assert mirror.ends_with() == "theirs"


def test_what_the_guard_of_a_target_finds_in_salesforce_counts_as_seen(story):
    story.at("10:00:00").salesforce(Website="theirs")
    story.world.salesforce.untold.clear()
    story.at("10:10:00").spotio(Fax="1").sees(TO_SALESFORCE)
    story.at("10:20:00").spotio(Website="mine")
    story.at("10:30:00").world.to_salesforce()
    assert story.kept(Side.SALESFORCE) == {"Website": [at("09:00:00"), at("10:00:00")]}
    assert story.ends_with() == "mine"


def test_at_rest_nothing_is_kept(story):
    story.at("10:00:00").salesforce(Website="theirs")
    story.at("10:20:00").spotio(Website="mine", Phone="1")
    story.ends_with()
    assert [story.kept(side) for side in Side] == [{}, {}]


def test_a_change_while_a_write_is_under_way_is_bounded_by_what_that_write_settled(story):
    """Website goes to x, and to y while x is on its way: y came after x was seen."""
    story.at("10:00:00").spotio(Website="x")
    story.world.finish(story.world.run(TO_SALESFORCE))
    story.at("10:10:00").spotio(Website="y")
    under_way = story.world.run(TO_SALESFORCE)
    assert [one["Website"] for one in under_way.records] == ["x"], "y waits for the outcome of x"
    story.world.write_salesforce(under_way)
    assert story.kept(Side.SPOTIO) == {"Website": [at("10:00:00"), at("10:10:00")]}
    assert story.ends_with() == "y"


# --- the pure part -----------------------------------------------------------------------------


def test_a_bound_that_nobody_knows_stays_unknown():
    first = Sighting(hi="t2")
    assert since(first, "k", was_equal=None, is_unchanged=False) == [None, "t2"]
    later = Sighting(hi="t3", before_at="t2", known={})
    assert since(later, "k", was_equal=False, is_unchanged=False) == [None, "t3"]


def test_a_change_under_way_keeps_both_answers_until_the_write_has_an_outcome():
    sighting = Sighting(hi="t2", before_at="t1", known={"k": ["t0", "t1"]})
    entry = since_under_way(sighting, "k", was_equal=False, is_unchanged=False)
    assert entry == ["t0", "t2", "t1"]
    assert settled({"k": entry, "other": ["t0", "t1"]}, ["k"]) == {
        "k": ["t1", "t2"],
        "other": ["t0", "t1"],
    }
    again = Sighting(hi="t3", before_at="t2", known={"k": entry})
    assert since_under_way(again, "k", was_equal=False, is_unchanged=False) == ["t0", "t3", "t1"]


def test_what_has_a_new_base_is_forgotten():
    assert settled({"k": ["t0", "t1"]}, ["k"]) == {}
