"""Both directions of the demo's definition, over a ledger of either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.local import running
from tests.conftest import ROOT, without_users
from tests.system.sync import Sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

RECORDS = 120


@pytest.fixture(scope="module")
def world() -> Iterator[LocalServers]:
    """Both servers with few records."""
    with running(records=RECORDS) as servers:
        yield servers


@pytest.fixture
def sync(world: LocalServers, tmp_path: Path, shared_uri: str) -> Sync:
    """A fresh project against fresh servers, with both directions on."""
    world.reset()
    file = tmp_path / "sync.yml"
    file.write_text(two_way_definition())
    return Sync(tmp_path, world, file, shared_uri)


def two_way_definition() -> str:
    """The demo's definition with both directions on, and ids kept on both sides."""
    definition = without_users((ROOT / "sync.yml").read_text())
    definition = definition.replace(
        "    to_salesforce: {enabled: false}", "    to_salesforce: {enabled: true}"
    ).replace("    to_salesforce:\n      enabled: false", "    to_salesforce:\n      enabled: true")
    if "salesforce_external_id" in definition:
        return definition
    return definition.replace(
        "    match: [external_id]",
        "    salesforce_external_id: SPOTIO_Id__c\n    match: [external_id]",
    )
