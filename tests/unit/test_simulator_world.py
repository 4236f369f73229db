"""The demo world: repeatable, and odd in the promised places."""

from __future__ import annotations

import re

import pytest

from reverse_sf.simulator.generation import BEGINNING
from reverse_sf.simulator.spotio.demo_workflow import ACCOUNTS, demo_workflow
from reverse_sf.simulator.world import ODDITIES, World, salesforce_id

WORLD = World.generate(1)
ODD = [(kind, oddity) for kind, counts in ODDITIES.items() for oddity in counts]


def test_the_same_seed_gives_the_same_world_and_another_seed_another():
    assert World.generate(1) == WORLD
    assert World.generate(2) != WORLD


@pytest.mark.parametrize(("kind", "oddity"), ODD)
def test_every_promised_oddity_occurs_as_often_as_promised(kind, oddity):
    assert len(WORLD.odd(kind, oddity)) == ODDITIES[kind][oddity]


def test_the_default_world_has_the_promised_shares():
    sizes = [len(rows) for rows in (WORLD.accounts, WORLD.contacts, WORLD.leads, WORLD.deals)]
    assert sizes == [1040, 858, 520, 182]
    shared = [row for row in WORLD.accounts if row.already_in_spotio]
    assert len(shared) == 120
    assert sum(row.phone != row.spotio_phone for row in shared) == 20
    assert len(WORLD.spotio_leads) == 80


@pytest.mark.parametrize("records", [0, 1, 7, 60, 300, 3000])
def test_worlds_of_any_size_add_up(records):
    world = World.generate(3, records)
    assert sum(map(len, (world.accounts, world.contacts, world.leads, world.deals))) == records
    assert len(world.users) == 15


def test_children_name_accounts_that_are_alive_and_in_scope_unless_their_oddity_says_otherwise():
    for row in (*WORLD.contacts, *WORLD.deals):
        if row.account_index is None:
            assert row.oddity == "no_account"
            continue
        account = WORLD.accounts[row.account_index]
        assert not account.deleted
        odd = row.oddity == "account_out_of_scope"
        assert (account.type in ("Partner", "Other")) is odd


def test_the_converted_lead_and_the_merge_name_what_became_of_them():
    lead = WORLD.leads[WORLD.odd("leads", "converted")[0]]
    assert WORLD.accounts[lead.converted_account].name == lead.company
    assert WORLD.contacts[lead.converted_contact].account_index == lead.converted_account
    loser = WORLD.accounts[WORLD.odd("accounts", "merged")[0]]
    assert WORLD.accounts[loser.merged_into].oddity == "merge_winner"


def test_a_record_is_never_modified_before_it_was_created():
    for row in (*WORLD.accounts, *WORLD.contacts, *WORLD.leads, *WORLD.deals, *WORLD.spotio_leads):
        if row.oddity != "equal_times":
            assert BEGINNING <= row.created <= row.modified


def test_twenty_five_accounts_share_one_instant():
    instants = {WORLD.accounts[index].modified for index in WORLD.odd("accounts", "equal_times")}
    assert len(instants) == 1


def test_ids_carry_salesforces_checksum():
    # 0015000000Gv7qJ is the example of Salesforce's help page on 18-character ids: AAR.
    assert salesforce_id("00D", 1) == "00D000000000001EAA"
    assert salesforce_id("001", 62) == "001000000000010AAA"
    ids = [salesforce_id("001", index) for index in range(5000)]
    assert len({identifier.lower() for identifier in ids}) == len(ids)
    assert all(re.fullmatch(r"001[0-9A-Za-z]{12}[A-Z0-5]{3}", identifier) for identifier in ids)


def test_the_demo_schema_has_every_field_type_of_the_service():
    kinds = {field.kind for row in demo_workflow().types for field in row.fields}
    assert kinds == {
        "Email", "Text", "Phone", "SingleChoice", "MultiChoice", "Date", "Number", "Address",
        "Currency", "DateTime", "MultiLine", "Attachment",
    }  # fmt: skip


def test_system_fields_have_high_ids_and_custom_ones_low_ids():
    for record_type in demo_workflow().types:
        for field in record_type.fields:
            assert (field.id > 100000) == bool(field.system_role)
    accounts = demo_workflow().type(ACCOUNTS)
    assert [stage.name for stage in accounts.stages if stage.group == "won"] == ["Signed"]
