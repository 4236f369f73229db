"""The table of candidates (C.4), row by row, through the function that matches two populations."""

from __future__ import annotations

import pytest

from reverse_sf.mapping.definition import Side
from reverse_sf.matching.table import (
    CHOSEN,
    MOST_LISTED,
    Finding,
    Item,
    Outcome,
    match,
    outcome_of,
)

RULES = ("email", "phone")


def item(record_id, email=(), phone=(), **more):
    return Item(record_id, record_id.upper(), (tuple(email), tuple(phone)), **more)


@pytest.mark.parametrize(
    ("row", "given", "outcome"),
    [
        ("C4 0 candidates", (0, False, True), Outcome.UNMATCHED),
        ("C4 1 candidate, unlinked", (1, False, True), Outcome.MATCHED),
        ("C4 1 candidate, linked to another", (1, True, True), Outcome.TAKEN),
        ("C4 1 candidate, that several have", (1, False, False), Outcome.AMBIGUOUS),
        ("C4 2 or more candidates", (2, False, True), Outcome.AMBIGUOUS),
        ("C4 2 or more candidates, some linked", (3, True, False), Outcome.AMBIGUOUS),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_row_of_the_table(row, given, outcome):
    number, linked, unique = given
    assert outcome_of(number, linked=linked, unique=unique) is outcome, row


@pytest.mark.row("C4 0 candidates")
def test_C4_0_candidates():  # noqa: N802 -- named after the row
    found = match([item("s1", ["a"])], [item("p1", ["b"])], RULES)
    assert found.salesforce == {"s1": Finding(Outcome.UNMATCHED)}
    assert found.spotio == {"p1": Finding(Outcome.UNMATCHED)}


@pytest.mark.row("C4 1 candidate, unlinked")
def test_C4_1_candidate_unlinked():  # noqa: N802 -- named after the row
    found = match([item("s1", ["a"])], [item("p1", ["b", "a"])], RULES)
    assert found.pairs == [("s1", "p1", "email")]
    assert found.of(Side.SPOTIO)["p1"].outcome is Outcome.MATCHED


@pytest.mark.row("C4 1 candidate, linked to another record")
def test_C4_1_candidate_linked_to_another():  # noqa: N802 -- named after the row
    linked = item("s1", ["a"], partner="p1")
    found = match([linked, item("s2", ["a"])], [item("p1", ["a"], partner="s1")], RULES)
    assert found.salesforce["s2"] == Finding(Outcome.TAKEN, "email", ("p1",))
    assert found.salesforce["s1"].outcome is Outcome.LINKED
    assert found.pairs == []


@pytest.mark.row("C4 2 or more candidates")
def test_C4_2_or_more_candidates():  # noqa: N802 -- named after the row
    found = match([item("s1", ["a"])], [item("p2", ["a"]), item("p1", ["a"])], RULES)
    assert found.salesforce["s1"] == Finding(Outcome.AMBIGUOUS, "email", ("p1", "p2"))
    assert found.spotio["p1"] == Finding(Outcome.AMBIGUOUS, "email", ("s1",), ("p2",))
    assert found.pairs == []


def test_the_first_rule_that_finds_anything_decides():
    ambiguous = [item("p1", ["a"], ["1"]), item("p2", ["a"])]
    found = match([item("s1", ["a"], ["1"])], ambiguous, RULES)
    assert found.salesforce["s1"].rule == "email"
    assert found.pairs == []


def test_a_record_in_doubt_by_an_earlier_rule_is_nobodys_match_by_a_later_one():
    found = match(
        [item("s1", ["a"]), item("s2", ["a"]), item("s3", [], ["1"])],
        [item("p1", ["a"], ["1"])],
        RULES,
    )
    assert found.salesforce["s3"] == Finding(Outcome.AMBIGUOUS, "phone", ("p1",))
    assert found.pairs == []


def test_a_later_rule_is_tried_where_an_earlier_one_found_nobody():
    found = match([item("s1", ["a"], ["1"])], [item("p1", ["b"], ["1"])], RULES)
    assert found.pairs == [("s1", "p1", "phone")]


def test_blank_keys_match_nobody():
    found = match([item("s1")], [item("p1")], RULES)
    assert found.pairs == []


def test_the_external_id_goes_before_every_rule_whichever_side_carries_it():
    found = match(
        [item("s1", ["a"], names="p2"), item("s2", ["b"])],
        [item("p1", ["a"]), item("p2", ["b"]), item("p3", names="s2")],
        RULES,
    )
    assert found.pairs == [("s1", "p2", "external_id"), ("s2", "p3", "external_id")]
    assert found.spotio["p1"] == Finding(Outcome.TAKEN, "email", ("s1",))


def test_two_that_carry_the_same_id_are_ambiguous():
    found = match([item("s1", names="p1"), item("s2", names="p1")], [item("p1")], RULES)
    assert found.pairs == []
    assert found.spotio["p1"] == Finding(Outcome.AMBIGUOUS, "external_id", ("s1", "s2"))


def test_a_record_that_carries_the_id_of_one_that_is_gone_is_not_given_away():
    found = match([item("s1", ["a"])], [item("p1", ["a"], names="gone")], RULES)
    assert found.salesforce["s1"] == Finding(Outcome.TAKEN, "email", ("p1",))
    assert found.spotio["p1"].outcome is Outcome.UNMATCHED


def test_a_pair_chosen_by_hand_is_linked_and_its_rivals_are_told_so():
    found = match([item("s1", ["a"]), item("s2", ["a"])], [item("p1", ["a"])], RULES, {"s2": "p1"})
    assert found.pairs == [("s2", "p1", CHOSEN)]
    assert found.salesforce["s1"].outcome is Outcome.TAKEN


def test_junk_that_everybody_has_lists_a_few_and_costs_no_more():
    many = 2000
    ours = [item(f"s{at:05d}", ["noreply"]) for at in range(many)]
    theirs = [item(f"p{at:05d}", ["noreply"]) for at in range(many)]
    found = match(ours, theirs, RULES)
    assert len(found.salesforce["s00000"].candidates) == MOST_LISTED
    assert all(one.outcome is Outcome.AMBIGUOUS and one.more for one in found.spotio.values())


@pytest.mark.row("C4 0 candidates")
def test_a_record_that_is_alone_matches_nobody_and_is_nobodys_candidate():
    twins = [item("s1", ["a"]), item("s2", ["a"])]
    found = match(twins, [item("p1", ["a"])], RULES, alone={"s1"})
    assert found.salesforce["s1"] == Finding(Outcome.UNMATCHED, CHOSEN)
    assert found.pairs == [("s2", "p1", "email")]
    # Nor once it is linked to what was created for it.
    linked = [item("s1", ["a"], partner="p2")]
    found = match(linked, [item("p1", ["a"]), item("p2", ["a"], partner="s1")], RULES, alone={"s1"})
    assert found.spotio["p1"].outcome is Outcome.UNMATCHED
