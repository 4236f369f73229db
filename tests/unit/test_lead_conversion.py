"""A converted lead: its link moves to what it became, and nothing is created for it (C.4)."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.rows import LinkState
from reverse_sf.mapping.definition import Direction
from reverse_sf.mapping.document import parse
from reverse_sf.merge.envelope import Action
from tests.unit.mapper_fixtures import (
    LATER,
    SYNC,
    bench,
    contact,
    lead,
    record,
    salesforce_id,
    schema,
    state,
)

__all__ = ["bench"]

TARGET = """
  - spotio: Leads
    salesforce: Contact
    to_spotio: {enabled: true, create: false}
    to_salesforce: {enabled: true, create: false}
    fields:
      - {spotio: First Name, salesforce: FirstName, rule: two_way}
      - {spotio: Last Name, salesforce: LastName, rule: salesforce_only}
"""
IS_LEAD, IS_CONTACT = "    salesforce: Lead\n", "    salesforce: Contact\n"
ASKED = SYNC.replace(IS_LEAD, f"{IS_LEAD}    on_convert: Contact\n")
OF_A_CONTACT = SYNC.replace(IS_CONTACT, f"{IS_CONTACT}    on_convert: Account\n")
SYNC_WITH_TARGET = ASKED + TARGET
LEAD, CONTACT = salesforce_id("00Q", 1), salesforce_id("003", 1)
PAIR = "Contact:Leads"


@pytest.fixture
def linked(bench):
    """A lead that SPOTIO holds too."""
    bench.definition = parse(SYNC_WITH_TARGET)
    bench.apply(leads(bench, lead()))
    return bench


def leads(bench, *ones):
    return bench.run(schema("Contact"), schema("Lead"), *(record("Lead", one) for one in ones))


def contacts(bench, *ones):
    return bench.run(schema("Contact"), *(record("Contact", one) for one in ones))


def converted(**values):
    told = {"IsConverted": True, "ConvertedContactId": CONTACT, "SystemModstamp": LATER}
    return lead(**{**told, **values})


def of_leads(emitted):
    return [one for one in emitted.records if one["_sync"]["pair"] == PAIR]


@pytest.mark.row("C4 lead converted")
def test_the_link_of_a_converted_lead_moves_to_the_contact_with_its_base(linked):
    base = linked.snapshot("Lead:Leads", LEAD).base
    assert leads(linked, converted()).records == []
    moved = linked.snapshot(PAIR, CONTACT)
    assert (moved.link.state, moved.link.spotio_id) == (LinkState.LINKED, f"P-{LEAD}")
    assert moved.base == base
    assert linked.snapshot("Lead:Leads", LEAD).link.state is LinkState.UNLINKED


@pytest.mark.row("C4 lead converted")
@pytest.mark.parametrize("contact_first", [True, False])
def test_the_contact_of_a_converted_lead_is_never_created_whatever_comes_first(
    linked, contact_first
):
    made = contact(FirstName="Lee", LastName="Lead 1", account_number=None)
    told = [record("Lead", converted()), record("Contact", made)]
    if contact_first:
        told.reverse()
    emitted = linked.run(schema("Contact"), schema("Lead"), *told)
    assert of_leads(emitted) == []
    linked.apply(emitted)
    married = {**made, "LastName": "Married", "SystemModstamp": "2026-05-08T08:00:00.000Z"}
    (one,) = of_leads(contacts(linked, married))
    assert one["_sync"]["action"] == Action.UPDATE.value
    assert one["_sync"]["spotio_id"] == f"P-{LEAD}"
    assert {key for key in one if key != "_sync"} == {"Last Name"}


@pytest.mark.row("C4 lead converted")
def test_what_spotio_has_changed_is_decided_toward_the_contact(linked):
    leads(linked, converted())
    with linked.open() as ledger:
        due = ledger.links_to_replan(
            Direction.TO_SALESFORCE,
            now=LATER,
            definition_fingerprint=linked.definition.fingerprint,
        )
        link_ids = [one for page in due for one in page]
        (moved,) = [it.link for it in ledger.snapshots(link_ids).values() if it.link.pair == PAIR]
    assert moved.flag_reason == "its lead was converted"


@pytest.mark.row("C4 lead converted, target linked")
def test_the_partner_of_a_lead_whose_contact_is_linked_becomes_an_alias(linked):
    leads(linked, converted())
    linked.apply(leads(linked, lead(2)))
    second = {**converted(), "Id": salesforce_id("00Q", 2)}
    assert leads(linked, second).records == []
    assert linked.snapshot("Lead:Leads", salesforce_id("00Q", 2)).link.state is LinkState.ALIAS
    assert linked.snapshot(PAIR, CONTACT).link.spotio_id == f"P-{LEAD}"


@pytest.mark.row("C4 lead converted, target linked")
def test_of_two_leads_that_become_one_contact_at_once_the_second_is_an_alias(linked):
    linked.apply(leads(linked, lead(2)))
    second = {**converted(), "Id": salesforce_id("00Q", 2)}
    assert leads(linked, converted(), second).records == []
    assert linked.snapshot(PAIR, CONTACT).link.spotio_id == f"P-{LEAD}"
    assert linked.snapshot("Lead:Leads", LEAD).link.state is LinkState.UNLINKED
    assert linked.snapshot("Lead:Leads", salesforce_id("00Q", 2)).link.state is LinkState.ALIAS


@pytest.mark.row("C4 lead converted")
def test_without_a_target_the_link_of_a_converted_lead_stays_as_it_is(bench):
    bench.apply(leads(bench, lead()))
    assert leads(bench, converted(LastName="Other")).records == []
    assert bench.snapshot("Lead:Leads", LEAD).link.state is LinkState.LINKED
    assert bench.run(state({})).records == []


def test_a_lead_whose_tap_does_not_tell_what_it_became_is_refused(linked):
    with pytest.raises(ConfigurationError, match="select") as caught:
        linked.run(schema("Lead", without=("ConvertedContactId",)))
    assert caught.value.problems == ("Lead.ConvertedContactId",)


@pytest.mark.parametrize(
    ("sync", "words"),
    [
        (ASKED, "no mapping of Contact and Leads"),
        (OF_A_CONTACT, "only a Lead is converted"),
        (SYNC_WITH_TARGET.replace(", create: false", "", 1), "must say create: false"),
    ],
)
def test_a_conversion_that_could_create_or_leads_nowhere_is_refused(sync, words):
    with pytest.raises(ConfigurationError) as caught:
        parse(sync)
    assert any(words in problem for problem in caught.value.problems)
