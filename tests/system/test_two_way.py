"""Two-way sync with the real taps, mapper and targets against both local servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
