"""Option ``adopt`` of section C.1: a value comes back once as the other system has spelled it."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.document import parse
from tests.unit.two_way_fixtures import SYNC, TwoWay

FIELD = "{spotio: Website, salesforce: Website, rule: two_way}"
ADOPTING = SYNC.replace(FIELD, FIELD.replace("}", ", on_normalised: adopt}"))


def spelling(monkeypatch, store, how):
    """A system that spells its web addresses in a way of its own."""
    put = store.put

    def spelled(stream, record_id, values):
        if values.get("Website"):
            values = {**values, "Website": how(values["Website"])}
        return put(stream, record_id, values)

    monkeypatch.setattr(store, "put", spelled)


@pytest.fixture
def worlds(tmp_path, monkeypatch):
    """Makes a world whose Salesforce writes its web addresses in small letters."""

    def make(text=ADOPTING):
        world = TwoWay(tmp_path, text)
        spelling(monkeypatch, world.salesforce, str.lower)
        return world

    return make


def journal(world):
    with world.open() as ledger:
        return [
            (one.key, one.loser.value, one.losing_value, one.winning_value, one.row)
            for one in ledger.conflicts()
        ]


@pytest.mark.row("C1 settled difference: settle")
def test_by_default_the_difference_is_settled(worlds):
    world = worlds(SYNC)
    p = world.in_spotio("Accounts", Company="A", Website="WWW.A.Example")
    world.rest()
    assert [one["Website"] for one in world.both(p)] == ["WWW.A.Example", "www.a.example"]
    assert journal(world) == []


@pytest.mark.row("C1 settled difference: adopt")
def test_what_a_create_came_out_as_is_copied_back_once_and_journaled(worlds):
    world = worlds()
    p = world.in_spotio("Accounts", Company="A", Website="WWW.A.Example")
    world.rest()
    assert [one["Website"] for one in world.both(p)] == ["www.a.example"] * 2
    assert journal(world) == [("Website", "spotio", "WWW.A.Example", "www.a.example", "C1 adopt")]
    assert world.cycle() == 0
    assert world.cycle(again=True) == 0


def test_what_an_update_came_out_as_is_copied_back_too(worlds):
    world = worlds()
    p = world.in_spotio("Accounts", Company="A", Website="a.example")
    world.rest()
    world.in_spotio("Accounts", p, Website="B.example")
    world.rest()
    assert [one["Website"] for one in world.both(p)] == ["b.example"] * 2


def test_two_systems_that_both_spell_anew_do_not_write_in_turns(worlds, monkeypatch):
    world = worlds()
    spelling(monkeypatch, world.spotio, str.upper)
    p = world.in_spotio("Accounts", Company="A", Website="A.example")
    world.rest()
    assert [one["Website"] for one in world.both(p)] == ["A.EXAMPLE", "a.example"]
    assert world.cycle(again=True) == 0


def test_an_edit_meanwhile_wins_over_the_copy(worlds):
    world = worlds()
    p = world.in_spotio("Accounts", Company="A", Website="A.example")
    world.to_salesforce()
    world.in_spotio("Accounts", p, Website="c.example")
    world.rest()
    assert [one["Website"] for one in world.both(p)] == ["c.example"] * 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            ADOPTING.replace("rule: two_way, on_n", "rule: spotio_only, on_n"),
            "adopt is for two_way",
        ),
        (
            ADOPTING.replace(
                "to_salesforce: {enabled: true, only_when: {Stage: [Prospect, Customer]}}",
                "to_salesforce: {enabled: false}",
            ),
            "adopt needs both directions",
        ),
    ],
)
def test_adopt_that_could_not_happen_is_refused(text, words):
    with pytest.raises(ConfigurationError) as told:
        parse(text)
    assert any(words in one for one in told.value.problems)
