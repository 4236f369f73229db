"""A field that is mapped later, in a record of which one side is never read again (C.2, I4)."""

from __future__ import annotations

import pytest

from reverse_sf.mapping.definition import Direction
from reverse_sf.mapping.document import parse
from tests.unit.two_way_fixtures import TwoWay

FIELDS = """
version: 1
objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {{enabled: {to_spotio}}}
    to_salesforce: {{enabled: {to_salesforce}}}
    salesforce_external_id: SPOTIO_Id__c
    fields:
      - {{spotio: Company, salesforce: Name, rule: two_way}}
"""
NEW = {
    "Website": "      - {{spotio: Website, salesforce: Website, rule: {rule}}}\n",
    "address": "    address: {{street: BillingStreet, city: BillingCity, rule: {rule}}}\n",
}
WAYS = {
    Direction.TO_SPOTIO: ("salesforce_only", "C3-11", "C3-13"),
    Direction.TO_SALESFORCE: ("spotio_only", "C3-11", "C3-12"),
}


def definition(to, more=""):
    on = {f"{one.value}": str(one is to).lower() for one in Direction}
    return FIELDS.format(**on) + more


def linked(tmp_path, to):
    """A pair that the sync has made while only the company's name was mapped."""
    world = TwoWay(tmp_path, definition(to))
    if to is Direction.TO_SPOTIO:
        s = world.in_salesforce("Account", Name="Acme")
        world.to_spotio()
        (p,) = world.spotio.by_stream["Accounts"]
    else:
        p = world.in_spotio("Accounts", Company="Acme")
        world.to_salesforce()
        (s,) = world.salesforce.by_stream["Account"]
    return world, s, p


def run(world, to):
    return world.to_spotio() if to is Direction.TO_SPOTIO else world.to_salesforce()


@pytest.mark.parametrize("to", Direction)
@pytest.mark.row("C2 absent, {to}: read before it is overruled")
def test_a_value_that_nobody_has_read_is_journaled_before_it_is_overwritten(tmp_path, to):
    rule, row, _ = WAYS[to]
    world, s, p = linked(tmp_path, to)
    world.in_salesforce("Account", s, Website="s.io")
    world.in_spotio("Accounts", p, Website="p.io")
    world.definition = parse(definition(to, NEW["Website"].format(rule=rule)))
    (one,) = run(world, to)
    assert one["_sync"]["expected"] == {"Website": None}
    mine, theirs = world.both(p)
    assert (mine["Website"], theirs["Website"]) == ("p.io", "s.io"), "it was read, not written"
    assert len(run(world, to)) == 1
    lost, won = ("p.io", "s.io") if to is Direction.TO_SPOTIO else ("s.io", "p.io")
    assert world.conflicts() == [("Website", row, lost, won)]
    mine, theirs = world.both(p)
    assert mine["Website"] == theirs["Website"] == won
    assert run(world, to) == []


@pytest.mark.parametrize("key", NEW)
@pytest.mark.parametrize("to", Direction)
def test_a_blank_that_nobody_has_read_is_filled_at_once(tmp_path, to, key):
    rule, _, row = WAYS[to]
    world, s, p = linked(tmp_path, to)
    if to is Direction.TO_SPOTIO:
        world.in_salesforce("Account", s, Website="s.io", BillingCity="Ulm")
    else:
        world.in_spotio("Accounts", p, Website="p.io", address={"city": "Ulm"})
    world.definition = parse(definition(to, NEW[key].format(rule=rule)))
    assert len(run(world, to)) == 1
    with world.open() as ledger:
        (decided,) = ledger.operations_of(ledger.last_run(to).run_id).values()
    assert decided.decision[key]["row"] == row
    mine, theirs = world.both(p)
    if key == "Website":
        assert mine["Website"] == theirs["Website"]
    else:
        assert mine["address"]["city"] == theirs["BillingCity"] == "Ulm"
    assert world.conflicts() == []
    assert run(world, to) == []


@pytest.mark.parametrize("to", Direction)
def test_a_rule_that_only_fills_blanks_waits_for_the_value_too(tmp_path, to):
    rule = "spotio_unless_blank" if to is Direction.TO_SPOTIO else "salesforce_unless_blank"
    world, s, p = linked(tmp_path, to)
    world.in_salesforce("Account", s, Website="s.io")
    world.in_spotio("Accounts", p, Website="p.io")
    world.definition = parse(definition(to, NEW["Website"].format(rule=rule)))
    run(world, to)
    run(world, to)
    mine, theirs = world.both(p)
    assert (mine["Website"], theirs["Website"]) == ("p.io", "s.io")
    assert world.conflicts() == []
    assert run(world, to) == []
