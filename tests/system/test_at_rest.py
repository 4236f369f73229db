"""At rest nothing is written, though both systems change what is written to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.postgresql import postgresql_server, shared_uri
from tests.system.servers_fixture import sweeping
from tests.system.sync import Marks
from tests.system.two_way_fixtures import sync, world

if TYPE_CHECKING:
    from tests.system.sync import Sync

__all__ = ["postgresql_server", "shared_uri", "sync", "world"]

pytestmark = [pytest.mark.slow]

FURTHER_RUNS = 20
FLOWS = {
    "objects": {
        "Account": {
            "flows": [
                {"on": "save", "when": "ISBLANK(Website)", "set": {"Website": "https://none"}},
                {"on": "update", "set": {"Rating": "Hot"}},
            ]
        },
        "Lead": {
            "flows": [
                {"on": "create", "set": {"Interests__c": "Panels", "Phone": "(801) 555-0199"}},
                {"on": "update", "set": {"Rating": "Cold"}},
            ]
        },
    }
}
"""Website, Rating, Interests and Phone are mapped, two-way most of them."""


def test_twenty_further_runs_write_nothing_on_either_side(sync: Sync) -> None:
    definition = sync.sync_file.read_text().replace("skip_geocoding: true", "skip_geocoding: false")
    assert definition.count("skip_geocoding: false") > 1
    sync.sync_file.write_text(definition)
    salesforce, spotio = sync.servers.salesforce, sync.servers.spotio
    salesforce.edit(declare=FLOWS)
    sync.cycle()
    _edit_both_sides(sync)
    for _ in range(3):
        sync.cycle()

    moved_by_flows = [row for row in salesforce.rows("Account") if row["Rating"] == "Hot"]
    assert moved_by_flows, "the flows have changed mapped fields"
    assert _addresses_apart(sync), "SPOTIO spells some addresses its own way"
    rest = Marks.now(sync.servers)
    # Whether a run writes depends on no database: on the second one a few are enough.
    few = not sync.ledger_uri.startswith("sqlite") and not sweeping()
    for _ in range(4 if few else FURTHER_RUNS):
        sync.cycle()
    assert rest.writes(sync.servers) == []
    sync.cycle(again=True)
    assert rest.writes(sync.servers) == []
    assert spotio.last() > rest.spotio, "it did look"


def _edit_both_sides(sync: Sync) -> None:
    """Edits that fire the flows, and such that the geocoder has something to rewrite."""
    salesforce, spotio = sync.servers.salesforce, sync.servers.spotio
    customers = [
        row
        for row in salesforce.rows("Account")
        if row["Type"] == "Customer" and not row["IsDeleted"]
    ]
    for number, row in enumerate(customers[:4]):
        street = f"{100 + number} North Central Avenue"
        salesforce.edit(object="Account", id=row["Id"], set={"BillingStreet": street})
    leads = [row for row in spotio.rows("Leads") if not row["deleted"]][:3]
    for number, row in enumerate(leads):
        spotio.edit(object="Leads", id=row["id"], set={"Phone": f"(801) 555-010{number}"})
        spotio.edit(object="Leads", id=row["id"], set={"Temperature": "Hot"})


def _addresses_apart(sync: Sync) -> list[tuple[str, str]]:
    """Streets of linked Accounts that the two systems spell differently."""
    pins = {
        row["externalDataObjectId"]: row["pin"]
        for row in sync.servers.spotio.rows("Accounts")
        if not row["deleted"] and row["pin"]
    }
    streets = [
        (
            " ".join(pin[part] for part in ("houseNumber", "street") if pin[part]),
            row["BillingStreet"],
        )
        for row in sync.servers.salesforce.rows("Account")
        if (pin := pins.get(row["Id"]))
    ]
    return [(ours, theirs) for ours, theirs in streets if ours != theirs]
