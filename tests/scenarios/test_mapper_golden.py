"""Golden runs of the mapper: a company's records over several runs, with every message expected."""

from __future__ import annotations

from tests.unit.mapper_fixtures import (
    LATER,
    account,
    bench,
    contact,
    lead,
    record,
    salesforce_id,
    schema,
    state,
)

__all__ = ["bench"]

A1, A2, A3 = (salesforce_id("001", number) for number in (1, 2, 3))
C1 = salesforce_id("003", 1)
SCHEMAS = (schema("Account"), schema("Contact"), schema("Lead"))


def story(emitted):
    """What a run wrote: action, stream, Salesforce Id and the keys, in order; states by value."""
    told = []
    for message in emitted.messages:
        if message["type"] == "STATE":
            told.append(("state", message["value"]))
        elif message["type"] == "RECORD":
            one = dict(message["record"])
            envelope = one.pop("_sync")
            told.append((envelope["action"], message["stream"], envelope["salesforce_id"], one))
    return told


def test_a_year_of_one_small_company(bench):
    # Monday: everything is read for the first time.
    monday = bench.run(
        state({}),
        *SCHEMAS,
        record("Lead", lead()),
        record("Account", account(Website="https://one.example.com")),
        record("Account", account(2, Type="Other", Name="A supplier")),
        record("Contact", contact()),
        record("Contact", contact(2, account_number=2)),
        state({"bookmarks": {"Account": {"replication_key_value": "2026-05-06"}}}),
    )
    told = story(monday)
    assert [one[:3] for one in told] == [
        ("state", {}),
        ("create", "Accounts", A1),
        ("create", "Contacts", C1),
        ("create", "Leads", salesforce_id("00Q", 1)),
        ("state", {"bookmarks": {"Account": {"replication_key_value": "2026-05-06"}}}),
    ]
    assert bench.parked() == {(salesforce_id("003", 2), ""): "waiting_for_parent"}
    bench.apply(monday)

    # Tuesday: the tap sends its overlap again, and nothing has changed.
    tuesday = bench.run(
        state({"bookmarks": {}}),
        *SCHEMAS,
        record("Account", account(Website="https://one.example.com")),
        record("Contact", contact()),
        state({"bookmarks": {"Account": {}}}),
    )
    assert story(tuesday) == [
        ("state", {"bookmarks": {}}),
        ("state", {"bookmarks": {"Account": {}}}),
    ]

    # Wednesday: one mapped field, one unmapped field, one record moved out of the filter.
    wednesday = bench.run(
        *SCHEMAS,
        record(
            "Account",
            account(
                Website="https://one.example.com",
                SystemModstamp=LATER,
                Phone="555 0199",
                Fax="not mapped",
            ),
        ),
        record("Lead", lead(SystemModstamp=LATER, Company="not mapped")),
        state({}),
    )
    assert story(wednesday) == [
        ("update", "Accounts", A1, {"Phone": "555 0199"}),
        ("state", {}),
    ]
    bench.apply(wednesday)
    moved = account(
        Website="https://one.example.com", SystemModstamp=LATER, Phone="555 0199", Type="Partner"
    )
    assert story(bench.run(*SCHEMAS, record("Account", moved))) == []

    # Thursday: the supplier becomes a prospect, and the contact that waited for it can go.
    thursday = bench.run(
        *SCHEMAS, record("Account", account(2, Type="Prospect", SystemModstamp=LATER))
    )
    assert [one[:3] for one in story(thursday)] == [("create", "Accounts", A2)]
    bench.apply(thursday)
    friday = bench.run(state({}))
    assert [one[:3] for one in story(friday)] == [
        ("state", {}),
        ("create", "Contacts", salesforce_id("003", 2)),
    ]
    assert story(friday)[1][3]["parent"]["salesforce_id"] == A2
    bench.apply(friday)
    assert bench.parked() == {}

    # Saturday: rest.
    assert story(bench.run(state({}), *SCHEMAS)) == [("state", {})]
