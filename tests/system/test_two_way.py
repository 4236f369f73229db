"""Two-way sync with the real taps, mapper and targets against both local servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverse_sf.ledger.store import Ledger
from reverse_sf.simulator.local import running
from tests.conftest import ROOT
from tests.system.two_way import TwoWaySync, writes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDS = 120


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[TwoWaySync]:
    """Both servers with few records, and the demo's definition with both directions on."""
    definition = (ROOT / "sync.yml").read_text()
    definition = definition.replace(
        "    to_salesforce: {enabled: false}", "    to_salesforce: {enabled: true}"
    ).replace("    to_salesforce:\n      enabled: false", "    to_salesforce:\n      enabled: true")
    definition = definition.replace(
        "    match: [external_id]",
        "    salesforce_external_id: SPOTIO_Id__c\n    match: [external_id]",
    )
    file = tmp_path / "sync.yml"
    file.write_text(definition)
    with running(records=RECORDS) as servers:
        yield TwoWaySync(tmp_path, servers, file)


def test_two_populated_systems_come_to_rest_and_stay_there(sync: TwoWaySync) -> None:
    told = [sync.cycle() for _ in range(4)]
    assert told[0][0] > 0
    assert told[0][1] > 0, "SPOTIO's own leads go to Salesforce"
    assert told[-1] == (0, 0), told
    marks = sync.servers.salesforce.last(), sync.servers.spotio.last()
    assert sync.cycle(again=True) == (0, 0), "a full read of both sides is quiet too"
    assert writes(sync.servers.salesforce, marks[0]) == []
    assert writes(sync.servers.spotio, marks[1]) == []


def test_edits_on_both_sides_arrive_and_a_conflict_ends_alike_and_journaled(
    sync: TwoWaySync,
) -> None:
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
    told = [sync.cycle() for _ in range(3)]
    assert told[-1] == (0, 0), told
    in_salesforce = {row["SPOTIO_Id__c"]: row["Website"] for row in salesforce.rows("Account")}
    assert in_salesforce[first] == "https://s.example"
    assert in_salesforce[second] == "https://p.example"
    assert in_salesforce[third] == "https://one.example", "unknown which is newer: Salesforce"
    with Ledger.open(sync.ledger_uri) as ledger:
        lost = [one.losing_value for one in ledger.conflicts() if one.key == "Website"]
    assert "https://two.example" in lost
