"""Two-way sync with the real taps, mapper and targets against both local servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverse_sf.ledger.store import Ledger
from tests.postgresql import postgresql_server, shared_uri
from tests.system.sync import TO_SALESFORCE, TO_SPOTIO, Marks
from tests.system.two_way_fixtures import sync, world

if TYPE_CHECKING:
    from tests.system.sync import Sync

__all__ = ["postgresql_server", "shared_uri", "sync", "world"]

pytestmark = [pytest.mark.slow]


def test_two_populated_systems_come_to_rest_and_stay_there(sync: Sync) -> None:
    start = Marks.now(sync.servers)
    sync.cycle()
    made = start.writes(sync.servers)
    assert any(one.startswith("POST /api/") for one in made)
    assert any("/sobjects" in one for one in made), "SPOTIO's own leads go to Salesforce"
    for _ in range(2):
        sync.cycle()
    rest = Marks.now(sync.servers)
    sync.cycle()
    assert rest.writes(sync.servers) == []
    sync.cycle(again=True)
    assert rest.writes(sync.servers) == [], "a full read of both sides is quiet too"


def test_edits_on_both_sides_arrive_and_a_conflict_ends_alike_and_journaled(sync: Sync) -> None:
    for _ in range(3):
        sync.cycle()
    salesforce, spotio = sync.servers.salesforce, sync.servers.spotio
    linked = {
        row["SPOTIO_Id__c"]: row for row in salesforce.rows("Account") if not row["IsDeleted"]
    }
    ids = sorted(one for one in linked if one)[:3]
    first, second, third = ids
    salesforce.edit(object="Account", id=linked[first]["Id"], set={"Website": "https://s.example"})
    spotio.edit(object="Accounts", id=second, set={"Website": "https://p.example"})
    salesforce.edit(
        object="Account", id=linked[third]["Id"], set={"Website": "https://one.example"}
    )
    spotio.edit(object="Accounts", id=third, set={"Website": "https://two.example"})
    for _ in range(2):
        sync.cycle()
    rest = Marks.now(sync.servers)
    sync.cycle()
    assert rest.writes(sync.servers) == []
    in_salesforce = {row["SPOTIO_Id__c"]: row["Website"] for row in salesforce.rows("Account")}
    assert in_salesforce[first] == "https://s.example"
    assert in_salesforce[second] == "https://p.example"
    assert in_salesforce[third] == "https://one.example", "unknown which is newer: Salesforce"
    with Ledger.open(sync.ledger_uri) as ledger:
        lost = [one.losing_value for one in ledger.conflicts() if one.key == "Website"]
    assert "https://two.example" in lost


def test_a_record_that_names_a_counterpart_is_linked_and_a_deleted_one_comes_back(
    sync: Sync,
) -> None:
    salesforce, spotio = sync.servers.salesforce, sync.servers.spotio
    definition = sync.sync_file.read_text()
    before = "on_delete: {in_salesforce: ignore, in_spotio: ignore}"
    policy = "on_delete: {in_salesforce: ignore, in_spotio: delete, resurrect: true}"
    assert before in definition
    sync.sync_file.write_text(definition.replace(before, policy, 1))
    for _ in range(3):
        sync.cycle()
    # SPOTIO's record is out of scope and does not name the one that names it.
    named = spotio.edit(object="Accounts", create={"Company": "Named", "Stage": "Lost"})["id"]
    own = salesforce.edit(
        object="Account", create={"Name": "Named", "Type": "Customer", "SPOTIO_Id__c": named}
    )["id"]
    # The partner of this one goes when it has changed itself, and left the filter with that.
    partners = {row["Id"]: row["SPOTIO_Id__c"] for row in salesforce.rows("Account")}
    changed, gone = next((it, p) for it, p in partners.items() if p and it != own)
    salesforce.edit(
        object="Account", id=changed, set={"Website": "https://kept.example", "Type": "Other"}
    )
    sync.run(TO_SPOTIO)
    spotio.edit(object="Accounts", id=gone, delete=True)
    sync.run(TO_SALESFORCE)
    salesforce.edit(object="Account", id=changed, set={"Type": "Customer"})
    for _ in range(3):
        sync.cycle()
    rest = Marks.now(sync.servers)
    sync.cycle(again=True)
    assert rest.writes(sync.servers) == []
    there = [row for row in spotio.rows("Accounts") if not row["deleted"]]
    held = {row["externalDataObjectId"]: row for row in there}
    assert held[own]["id"] == named
    assert held[changed]["id"] != gone
    assert held[changed]["fields"]["Website"] == "https://kept.example"
    assert [row["externalDataObjectId"] for row in there].count(own) == 1
    kept = {row["Id"]: row["IsDeleted"] for row in salesforce.rows("Account")}
    assert not kept[changed]


def test_an_archived_record_is_marked_in_either_system_and_nothing_more(sync: Sync) -> None:
    if not sync.ledger_uri.startswith("sqlite"):
        pytest.skip("what is archived depends on no database")
    salesforce, spotio = sync.servers.salesforce, sync.servers.spotio
    definition = sync.sync_file.read_text()
    before = "on_delete: {in_salesforce: ignore, in_spotio: ignore}"
    marks = "archive: {spotio: {Stage: Lost}, salesforce: {Site: Gone in SPOTIO}}"
    policy = f"on_delete: {{in_salesforce: archive, in_spotio: archive, {marks}}}"
    assert before in definition
    sync.sync_file.write_text(definition.replace(before, policy, 1))
    for _ in range(3):
        sync.cycle()
    linked = [
        (row["Id"], row["SPOTIO_Id__c"])
        for row in salesforce.rows("Account")
        if row["SPOTIO_Id__c"] and not row["IsDeleted"]
    ]
    (first, its_own), (other, of_other) = sorted(linked)[:2]
    salesforce.delete("Account", first)
    spotio.delete("Accounts", of_other)
    for _ in range(2):
        sync.cycle()
    kept = {one["id"]: one["stage"] for one in spotio.rows("Accounts") if not one["deleted"]}
    assert kept[its_own] == "Lost"
    assert {one["Id"]: one["Site"] for one in salesforce.rows("Account")}[other] == "Gone in SPOTIO"
    rest = Marks.now(sync.servers)
    sync.cycle(again=True)
    assert rest.writes(sync.servers) == []
