"""Golden runs of both directions over one ledger: what each writes, and that it comes to rest."""

from __future__ import annotations

from reverse_sf.mapper.course import TO_SALESFORCE
from tests.unit.two_way_fixtures import world

__all__ = ["world"]


def test_a_record_born_in_salesforce_and_one_born_in_spotio_meet_on_both_sides(world):
    world.in_salesforce("Account", Name="From Salesforce", Phone="1", Rating="Warm")
    p = world.in_spotio(
        "Accounts", Company="From SPOTIO", Phone="2", Suite="4 b", Rating="Cool", Stage="Customer"
    )
    world.cycle()
    names = sorted(one["Name"] for one in world.salesforce.by_stream["Account"].values())
    assert names == ["From SPOTIO", "From Salesforce"]
    assert sorted(one["Company"] for one in world.spotio.by_stream["Accounts"].values()) == names
    mine, theirs = world.both(p)
    assert (theirs["Rating"], theirs["Type"], theirs["Site"]) == ("Warm", "Customer", "4 b")
    assert theirs["SPOTIO_Id__c"] == p
    assert world.rest() <= 2
    assert mine["externalDataObjectId"] == theirs["Id"], "ids are written on both sides"


def test_a_quiet_system_writes_nothing_even_when_everything_is_read_again(world):
    world.linked(
        Website="w.example.com",
        Product_Interest__c="Panels;Batteries",
        Last_Audit__c="2026-01-02T03:04:05.000Z",
        AnnualRevenue=12.5,
        BillingStreet="1 Main Street",
        BillingCity="Dayton",
        Rating="Warm",
    )
    world.in_spotio(
        "Accounts",
        Company="Second",
        address={
            "house_number": "7",
            "street": "High Street",
            "city": "Akron",
            "state": None,
            "zip": None,
            "country": None,
            "latitude": None,
            "longitude": None,
        },
    )
    world.rest()
    assert [world.cycle(again=True) for _ in range(3)] == [0, 0, 0]


def test_each_side_changes_another_field_and_both_changes_arrive(world):
    s, p = world.linked(Website="old", AnnualRevenue=1)
    world.in_salesforce("Account", s, AnnualRevenue=2.5)
    world.in_spotio("Accounts", p, Website="new")
    assert world.rest() <= 2
    mine, theirs = world.both(p)
    assert (mine["Website"], theirs["Website"]) == ("new", "new")
    assert (mine["Annual Revenue"], theirs["AnnualRevenue"]) == (2.5, 2.5)
    assert world.conflicts() == []


def test_a_salesforce_that_normalises_is_settled_and_not_written_again(world):
    world.normalise["Name"] = lambda text: text and text.upper()
    p = world.in_spotio("Accounts", Company="quiet")
    world.rest()
    assert world.both(p)[1]["Name"] == "QUIET"
    assert world.both(p)[0]["Company"] == "quiet"
    assert [world.cycle(again=True) for _ in range(2)] == [0, 0]
    world.in_spotio("Accounts", p, Company="louder")
    world.rest()
    assert world.both(p)[1]["Name"] == "LOUDER"


def test_many_to_one_choices_keep_the_finer_choice(world):
    _, p = world.linked(Rating="Hot")
    world.in_spotio("Accounts", p, Rating="Cool")
    world.rest()
    mine, theirs = world.both(p)
    assert (mine["Rating"], theirs["Rating"]) == ("Cool", "Warm")
    assert world.cycle(again=True) == 0


def test_a_family_born_in_spotio_is_created_parent_first(world):
    parent = world.in_spotio("Accounts", Company="Parent")
    child = world.in_spotio(
        "Contacts",
        **{"Last Name": "Child", "parentId": parent, "Last Visit Result": "Appointment Set"},
    )
    world.rest()
    assert world.both(child, "Contacts")[1]["AccountId"] == world.counterpart(parent)
    other = world.in_spotio("Accounts", Company="Other parent")
    world.in_spotio("Contacts", child, parentId=other)
    world.rest()
    assert world.both(child, "Contacts")[1]["AccountId"] == world.counterpart(other)


def test_a_change_in_salesforce_travels_down_and_one_in_spotio_up_after_each_other(world):
    s, p = world.linked(Website="1")
    for number in range(2, 5):
        world.in_spotio("Accounts", p, Website=f"{number} up")
        world.rest()
        assert world.both(p)[1]["Website"] == f"{number} up"
        world.in_salesforce("Account", s, Website=f"{number} down")
        world.rest()
        assert world.both(p)[0]["Website"] == f"{number} down"


def test_a_create_whose_outcome_was_lost_is_linked_and_not_made_twice(world):
    p = world.in_spotio("Accounts", Company="Once")
    emitted = world.run(TO_SALESFORCE)
    world.write_salesforce(emitted, commit=False)
    assert len(world.salesforce.by_stream["Account"]) == 1
    world.rest()
    assert len(world.salesforce.by_stream["Account"]) == 1
    assert len(world.spotio.by_stream["Accounts"]) == 1
    assert world.both(p)[1]["SPOTIO_Id__c"] == p
