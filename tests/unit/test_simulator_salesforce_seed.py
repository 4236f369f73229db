from __future__ import annotations

import pytest

from reverse_sf.simulator.clock import Clock
from reverse_sf.simulator.salesforce.org import Org
from reverse_sf.simulator.world import World
from tests.unit.simulator_salesforce_fixtures import (
    found,
    new_org,
)

OBJECTS = ("User", "Account", "Contact", "Lead", "Opportunity", "Site__c", "Task", "Event")


@pytest.fixture(scope="module")
def demo() -> Org:
    return new_org(empty=False, records=260)


def content(org: Org) -> dict[str, list]:
    return {name: org.rows(name) for name in OBJECTS}


def test_the_same_seed_gives_the_same_world(demo):
    assert content(demo) == content(new_org(empty=False, records=260))
    other = content(new_org(empty=False, records=260, seed=2))
    assert other["Account"] != content(demo)["Account"]


def test_the_world_is_in_the_org_record_for_record(demo):
    world = World.generate(1, 260)
    for name, rows in (
        ("Account", world.accounts),
        ("Contact", world.contacts),
        ("Lead", world.leads),
        ("Opportunity", world.deals),
        ("User", world.users),
    ):
        assert len(demo.rows(name)) == len(rows)
    stored = demo.rows("Account")
    assert [row["Name"] for row in stored] == [one.name for one in world.accounts]
    assert [row["Description"] for row in stored] == [one.notes for one in world.accounts]


def test_the_oddities_a_sync_must_survive_are_there(demo):
    everything = {"all_rows": True}
    assert found(demo, "SELECT Id FROM Account WHERE IsDeleted = true", **everything)
    merged = found(
        demo, "SELECT MasterRecordId FROM Account WHERE MasterRecordId != null", **everything
    )
    assert len(merged) == 1
    lead = found(demo, "SELECT ConvertedAccountId, Status FROM Lead WHERE IsConverted = true")
    assert len(lead) == 1
    assert lead[0]["ConvertedAccountId"].startswith("001")
    stamps = found(
        demo, "SELECT SystemModstamp FROM Account ORDER BY SystemModstamp", all_rows=True
    )
    listed = [row["SystemModstamp"] for row in stamps]
    assert len(set(listed)) < len(listed)
    assert found(demo, "SELECT Id FROM Account WHERE Industry = 'Agriculture'")
    assert found(demo, "SELECT Id FROM Contact WHERE Account.Type IN ('Partner', 'Other')")


def test_every_lookup_of_the_world_leads_to_a_record(demo):
    known = {row["Id"] for name in (*OBJECTS, "Profile", "UserRole") for row in demo.rows(name)}
    for name in OBJECTS:
        references = [f for f in demo.schema.get(name).fields if f.type == "reference"]
        for row in demo.rows(name):
            for field in references:
                assert row[field.name] is None or row[field.name] in known, (name, field.name)


def test_new_records_get_ids_that_nobody_has(demo):
    ids = [row["Id"] for row in demo.rows("Lead")]
    made = demo.create("Lead", {"LastName": "new", "Company": "new"})
    assert made not in ids
    demo.reset()
    assert [row["Id"] for row in demo.rows("Lead")] == ids


def test_an_empty_org_has_its_people_and_nothing_else():
    org = new_org()
    assert org.count("User") == 15
    assert [org.count(name) for name in ("Account", "Contact", "Lead", "Task", "Site__c")] == [
        0
    ] * 5


def test_an_org_on_disk_is_found_again(tmp_path):
    first = Org(Clock(), database=tmp_path / "org.db", empty=True)
    made = first.create("Account", {"Name": "kept"})
    first.close()
    again = Org(Clock(), database=tmp_path / "org.db", empty=True)
    assert again.retrieve("Account", made, ["Name"])["Name"] == "kept"
    assert again.create("Account", {"Name": "next"}) != made
    again.close()


def test_populated_accounts_can_be_read_like_others():
    org = new_org()
    org.populate_accounts(500)
    header, rows = org.query_rows("SELECT Id, Name, SystemModstamp FROM Account")
    listed = list(rows)
    assert header == ["Id", "Name", "SystemModstamp"]
    assert len({row[0] for row in listed}) == len({row[1] for row in listed}) == 500
    made = org.create("Account", {"Name": "another"})
    assert made not in {row[0] for row in listed}
