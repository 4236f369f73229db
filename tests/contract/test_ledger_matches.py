"""What matching leaves in a ledger, on each kind of ledger."""

from __future__ import annotations

import pytest

from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.matches import Doubt, NewPair
from reverse_sf.ledger.rows import LinkState
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.identity import ALREADY_LINKED, AMBIGUOUS
from tests.contract.ledger_fixtures import (
    PAIR,
    any_uri,
    created,
    decide,
    finish,
    image,
    ledger,
    link,
    link_id,
    run,
)
from tests.postgresql import postgresql_server

__all__ = ["any_uri", "ledger", "postgresql_server"]

RUNS = {Direction.TO_SPOTIO: "run-1", Direction.TO_SALESFORCE: "run-2"}


@pytest.fixture
def matching(ledger):
    """A ledger under both leases."""
    ledger.begin_run(run("run-2", Direction.TO_SALESFORCE), ttl_seconds=600)
    return ledger


def pending_in_spotio(ledger, name):
    decisions = Decisions(
        run_id="run-2",
        links=[link(f"p-{name}", origin=Side.SPOTIO, salesforce_id=None, spotio_id=f"sp-{name}")],
        images=[image(f"p-{name}", {"Company": name}, side=Side.SPOTIO)],
    )
    ledger.commit_decisions(decisions)


def ids(ledger):
    return {(one.salesforce_id, one.spotio_id) for one in ledger.links_of_pair(PAIR)}


def test_two_records_that_nobody_knew_become_one_link_that_both_directions_decide(matching):
    assert matching.link_pairs("run-1", PAIR, [NewPair("sf-a", "sp-a", "email")]) == []
    assert ids(matching) == {("sf-a", "sp-a")}
    for direction in Direction:
        flagged = list(
            matching.links_to_replan(direction, now="2030", definition_fingerprint="definition-1")
        )
        assert len(flagged) == 1
    (row,) = matching.log_rows(kind="match")
    assert (row.salesforce_id, row.spotio_id, row.outcome) == ("sf-a", "sp-a", "linked")


def test_two_links_with_one_record_each_become_one_that_keeps_both_images(matching):
    matching.commit_decisions(
        Decisions(run_id="run-1", links=[link("a")], images=[image("a", {"Name": "a"})])
    )
    pending_in_spotio(matching, "a")
    doubts = [
        Doubt(Side.SALESFORCE, "sf-a", AMBIGUOUS, "it may be any"),
        Doubt(Side.SPOTIO, "sp-a", AMBIGUOUS, "it may be any"),
    ]
    assert matching.park_doubts(RUNS, PAIR, doubts) == []
    assert {one.direction for one in matching.parked_rows()} == set(Direction)
    assert matching.link_pairs("run-1", PAIR, [NewPair("sf-a", "sp-a", "phone")]) == []
    assert ids(matching) == {("sf-a", "sp-a")}
    snapshot = matching.snapshots([link_id("a")])[link_id("a")]
    assert snapshot.link.state is LinkState.LINKED
    assert snapshot.salesforce_image == {"Name": "a"}
    assert snapshot.spotio_image == {"Company": "a"}
    assert matching.parked_rows() == []


def test_a_record_whose_create_is_under_way_is_left_alone(matching):
    decide(matching, "a")
    pair = NewPair("sf-a", "sp-a", "email")
    assert matching.link_pairs("run-1", PAIR, [pair]) == [pair]
    doubt = Doubt(Side.SALESFORCE, "sf-a", AMBIGUOUS, "it may be any")
    assert matching.park_doubts(RUNS, PAIR, [doubt]) == [doubt]
    finish(matching, created("a"))
    assert ids(matching) == {("sf-a", "sp-a")}


def test_a_doubt_that_is_gone_is_released_and_its_direction_decides_again(matching):
    doubts = [
        Doubt(Side.SALESFORCE, "sf-a", AMBIGUOUS, "it may be any"),
        Doubt(Side.SPOTIO, "sp-b", ALREADY_LINKED, "it is somebody's"),
    ]
    matching.park_doubts(RUNS, PAIR, doubts)
    assert ids(matching) == {("sf-a", None), (None, "sp-b")}
    matching.park_doubts(RUNS, PAIR, doubts[1:])
    assert [one.reason for one in matching.parked_rows()] == [ALREADY_LINKED]
    flagged = matching.links_to_replan(
        Direction.TO_SPOTIO, now="2030", definition_fingerprint="definition-1"
    )
    assert len(list(flagged)) == 1


def test_the_index_finds_candidates_and_their_rivals_and_follows_a_record(matching):
    matching.add_match_keys(PAIR, Side.SALESFORCE, [("s1", {"email": ("a",)})])
    matching.add_match_keys(PAIR, Side.SPOTIO, [("p1", {"email": ("a", "b"), "phone": ("a",)})])
    matching.add_match_keys(PAIR, Side.SALESFORCE, [("s2", {"email": ("b",)})])
    assert matching.match_candidates(PAIR, Side.SPOTIO, "email", ["b", "c"]) == {"b": ["p1"]}
    rivals = matching.match_rivals(PAIR, Side.SPOTIO, "email", ["p1"])
    assert sorted(rivals["p1"]) == ["s1", "s2"]
    matching.commit_decisions(
        Decisions(run_id="run-1", match_keys=[(PAIR, Side.SALESFORCE, "s2", {})])
    )
    assert matching.match_rivals(PAIR, Side.SPOTIO, "email", ["p1"]) == {"p1": ["s1"]}


def test_a_pair_counts_as_matched_only_when_matching_has_ended(matching):
    matching.finish_matching(PAIR, "2026-05-06T00:00:00.000Z", {"rules": []})
    assert matching.matched_at(PAIR) is not None
    matching.begin_matching(list(RUNS.values()), PAIR)
    assert matching.matched_at(PAIR) is None
    assert matching.match_document(PAIR) == {"rules": []}
