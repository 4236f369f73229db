"""``set_on_create``: values that every created record gets, such as its record type."""

from __future__ import annotations

from tests.unit.two_way_fixtures import SYNC, TwoWay

TEXT = SYNC.replace(
    "to_salesforce: {enabled: true, only_when: {Stage: [Prospect, Customer]}}",
    "to_salesforce: {enabled: true, set_on_create: {Site: HQ, Website: none.example}}",
).replace(
    "to_spotio: {enabled: true, only_when: {Type: [Prospect, Customer]}}",
    "to_spotio: {enabled: true, set_on_create: {Secret: from Salesforce}}",
)


def test_a_created_record_gets_the_values_and_a_mapped_value_goes_before_them(tmp_path):
    world = TwoWay(tmp_path, TEXT.replace('      - {spotio: "role:Unit", salesforce: Site', "#"))
    first = world.in_spotio("Accounts", Company="A", Website="a.example")
    second = world.in_spotio("Accounts", Company="B")
    (created, other) = world.to_salesforce()
    assert (created["Site"], created["Website"]) == ("HQ", "a.example")
    assert (other["Site"], other["Website"]) == ("HQ", "none.example")
    assert first != second


def test_an_update_sets_nothing(tmp_path):
    world = TwoWay(tmp_path, TEXT.replace('      - {spotio: "role:Unit", salesforce: Site', "#"))
    p = world.in_spotio("Accounts", Company="A", Website="a.example")
    world.rest()
    s = world.both(p)[1]["Id"]
    world.in_salesforce("Account", s, Site="Another")
    world.in_spotio("Accounts", p, Website="b.example")
    world.rest()
    assert world.both(p)[1]["Site"] == "Another"


def test_a_record_created_in_spotio_gets_the_values_too(tmp_path):
    world = TwoWay(tmp_path, TEXT)
    world.in_salesforce("Account", Name="A")
    (created,) = world.to_spotio()
    assert created["Secret"] == "from Salesforce"
