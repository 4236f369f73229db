"""The rule ``union``: what either side adds to a multiple choice, or takes away, counts twice."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.conversion import compile_field
from reverse_sf.mapping.definition import FieldMapping, Side, SyncRule
from reverse_sf.mapping.describe import SalesforceField
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.workflow import SpotioField
from reverse_sf.merge.decide import Kind, decide
from tests.unit.two_way_fixtures import SYNC, TwoWay

PRODUCTS = "{spotio: Products, salesforce: Product_Interest__c, rule: two_way}"
UNION = PRODUCTS.replace("two_way", "union")
CHOICES = ("A", "B", "C", "Fine", "Finer", "Only here", "Secret")


def exchange(choices=None):
    return compile_field(
        FieldMapping("Products", "Products__c", SyncRule.UNION, choices),
        SalesforceField("Products__c", type="multipicklist"),
        SpotioField("1", "Products", "MultiChoice", options=CHOICES),
    )


def united(p, s, base, choices=None):
    """What both sides are to hold."""
    found = decide(SyncRule.UNION, p, s, base, exchange(choices))
    assert not found.journal, "a union overrules nobody"
    if found.both is not None:
        return found.row.value, found.both.spotio.value, found.both.salesforce.value
    if found.writes is Side.SPOTIO:
        return found.row.value, found.value, s
    if found.writes is Side.SALESFORCE:
        return found.row.value, p, found.value
    assert found.kind in (Kind.REBASE, Kind.NOTHING)
    return found.row.value, p, s


AB = (["A", "B"], "A;B")
CASES = {
    "C3-01": (["A"], "A", AB, ["A"], "A"),
    "C3-02": (["A"], "B", (["A"], "B"), ["A"], "B"),
    "C3-03": (["A", "B"], "A;B;C", AB, ["A", "B", "C"], "A;B;C"),
    "C3-04": (["A", "B"], None, AB, None, None),
    "C3-05": (["A"], "A;B", AB, ["A"], "A"),
    "C3-06": (["C"], None, (None, None), ["C"], "C"),
    "C3-07": (None, "A;B", AB, None, None),
    "C3-08": (["B"], "A;B;C", AB, ["B", "C"], "B;C"),
    "C3-09": (["A", "B", "C"], None, AB, ["C"], "C"),
    "C3-10": (None, "A;B;C", AB, ["C"], "C"),
    "C3-11": (["A", "B"], "B;C", None, ["A", "B", "C"], "A;B;C"),
    "C3-12": (["A"], None, None, ["A"], "A"),
    "C3-13": (None, "A", None, ["A"], "A"),
}


@pytest.mark.parametrize(
    ("row", "case"),
    [
        pytest.param(row, case, marks=pytest.mark.row(f"{row} union"), id=f"{row} union")
        for row, case in CASES.items()
    ],
)
def test_each_row_of_the_table(row, case):
    p, s, base, *expected = case
    assert united(p, s, base) == (row, *expected)


MANY_TO_ONE = {"Fine": "X", "Finer": "X", "A": "A", "B": "B", "Secret": None}


@pytest.mark.row("C3-14 union")
def test_a_new_choice_without_a_counterpart_parks_the_field():
    found = decide(SyncRule.UNION, ["A", "C"], "A", (["A"], "A"), exchange(MANY_TO_ONE))
    assert (found.kind, found.row.value) == (Kind.PARK, "C3-14")
    assert (found.writes, found.because.value) == (Side.SALESFORCE, "C3-05")


@pytest.mark.parametrize(
    ("p", "s", "base", "expected"),
    [
        # The finer choice stays, and one of two that are one elsewhere may go.
        (["Fine"], "A;X", (["Fine"], "X"), (["A", "Fine"], "A;X")),
        (["Finer"], "X", (["Fine", "Finer"], "X"), (["Finer"], "X")),
        ([], "X", (["Fine", "Finer"], "X"), (None, None)),
        (["Fine", "Finer"], None, (["Fine", "Finer"], "X"), (None, None)),
        # What is not sent stays where it is, and bars nobody.
        (["A", "Secret"], "A;B", (["A"], "A"), (["A", "B", "Secret"], "A;B")),
        # A difference that was settled stays settled.
        (["A", "C"], "A;B", (["A", "C"], "A"), (["A", "B", "C"], "A;B")),
    ],
)
def test_choices_that_have_other_names_elsewhere(p, s, base, expected):
    found = united(p or None, s, base, MANY_TO_ONE)[1:]
    assert found == expected


@pytest.fixture
def world(tmp_path):
    return TwoWay(tmp_path, SYNC.replace(PRODUCTS, UNION))


def test_both_changes_arrive_on_both_sides_whichever_direction_runs_first(world):
    for first in ("to_spotio", "to_salesforce"):
        s = world.in_salesforce("Account", Name=first, Product_Interest__c="Batteries;Fiber")
        world.rest()
        (p,) = [k for k, v in world.spotio.by_stream["Accounts"].items() if v["Company"] == first]
        world.in_spotio("Accounts", p, Products=["Fiber"])
        world.in_salesforce("Account", s, Product_Interest__c="Batteries;Fiber;Panels")
        # Both taps are heard before either target writes.
        getattr(world, first)()
        world.rest()
        mine, theirs = world.both(p)
        assert (mine["Products"], theirs["Product_Interest__c"]) == (
            ["Fiber", "Panels"],
            "Fiber;Panels",
        ), first
    assert world.conflicts() == []


def test_what_a_person_undoes_between_the_two_halves_stays_undone(world):
    s, p = world.linked(Product_Interest__c="Batteries;Fiber")
    world.in_spotio("Accounts", p, Products=["Fiber"])
    world.in_salesforce("Account", s, Product_Interest__c="Batteries;Fiber;Panels")
    world.to_spotio()
    assert world.to_salesforce(), "the union is in Salesforce now, or about to be"
    # A person wants the batteries all the same, before SPOTIO has heard of the panels.
    held = world.both(p)[1]["Product_Interest__c"]
    world.in_salesforce("Account", s, Product_Interest__c=f"Batteries;{held}")
    world.rest()
    mine, theirs = world.both(p)
    assert mine["Products"] == ["Batteries", "Fiber", "Panels"]
    assert theirs["Product_Interest__c"] == "Batteries;Fiber;Panels"


def refusal(text):
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return "\n".join([str(caught.value), *map(str, caught.value.problems)])


def test_union_is_refused_where_it_means_nothing(tmp_path):
    one_way = SYNC.replace(PRODUCTS, UNION).replace(
        "to_salesforce: {enabled: true, only_when: {Stage: [Prospect, Customer]}}",
        "to_salesforce: {enabled: false}",
    )
    assert "fields[7].rule (line 18): union needs both directions" in refusal(one_way)
    owned = SYNC.replace("salesforce_default: ops@example.com, rule: two_way", "rule: union")
    assert "owner.rule" in refusal(owned)
    assert "union is for a field that holds several choices" in refusal(owned)
    left_out = SYNC.replace(PRODUCTS, UNION.replace("rule: union", "rule: union, on_create: omit"))
    assert "a union holds what either side has" in refusal(left_out)
    text = SYNC.replace("Website, rule: two_way", "Website, rule: union")
    world = TwoWay(tmp_path, text)
    world.in_salesforce("Account", Name="A")
    with pytest.raises(ConfigurationError, match="union is for a multiple choice"):
        world.to_spotio()
