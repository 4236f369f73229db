"""Leads, both ways, and what they are converted to: one SPOTIO record all along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.postgresql import postgresql_server, shared_uri
from tests.system.sync import Marks
from tests.system.two_way_fixtures import sync, world

if TYPE_CHECKING:
    from typing import Any

    from tests.system.sync import Sync

__all__ = ["postgresql_server", "shared_uri", "sync", "world"]

pytestmark = [pytest.mark.slow]

DEFINITION = """\
version: 1
objects:
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: true}
    to_salesforce: {enabled: true}
    salesforce_external_id: SPOTIO_Id__c
    match: [external_id]
    on_convert: Contact
    owner: {spotio_default: ops@example.com, salesforce_default: ops@example.com}
    fields:
      - {spotio: First Name, salesforce: FirstName, rule: two_way}
      - {spotio: Last Name, salesforce: LastName, rule: two_way}
      - {spotio: Company, salesforce: Company, rule: two_way}
  - spotio: Leads
    salesforce: Contact
    to_spotio: {enabled: true, create: false}
    to_salesforce: {enabled: true, create: false}
    salesforce_external_id: SPOTIO_Id__c
    match: [external_id]
    owner: {spotio_default: ops@example.com, salesforce_default: ops@example.com}
    fields:
      - {spotio: First Name, salesforce: FirstName, rule: two_way}
      - {spotio: Last Name, salesforce: LastName, rule: two_way}
"""


def living(sync: Sync, sobject: str) -> dict[str, dict[str, Any]]:
    rows = sync.servers.salesforce.rows(sobject)
    return {row["Id"]: row for row in rows if not row["IsDeleted"]}


@pytest.mark.row("C4 lead converted")
@pytest.mark.parametrize("shared_uri", ["file"], indirect=True)
def test_no_lead_is_a_contact_and_what_one_became_is_synced_both_ways(sync: Sync) -> None:
    salesforce, spotio = sync.servers.salesforce, sync.servers.spotio
    sync.sync_file.write_text(DEFINITION)
    sync.select, sync.spotio_streams = ("User", "Lead", "Contact"), ("users", "Leads")
    contacts = living(sync, "Contact").keys()
    lead = salesforce.edit(object="Lead", create={"LastName": "Ada", "Company": "Ada Inc"})["id"]
    for _ in range(2):
        sync.cycle()
    rest = Marks.now(sync.servers)
    sync.cycle()
    assert rest.writes(sync.servers) == []
    assert living(sync, "Contact").keys() == contacts, "leads are leads, however often they run"
    (own,) = [row["id"] for row in spotio.rows("Leads") if row["externalDataObjectId"] == lead]

    spotio.edit(object="Leads", id=own, set={"First Name": "Augusta"})
    became = salesforce.convert(lead)["contactId"]
    for _ in range(2):
        sync.cycle()
    contact = living(sync, "Contact")[became]
    assert (contact["FirstName"], contact["SPOTIO_Id__c"]) == ("Augusta", own)
    salesforce.edit(object="Contact", id=became, set={"LastName": "King"})
    for _ in range(2):
        sync.cycle()
    (fields,) = [row["fields"] for row in spotio.rows("Leads") if row["id"] == own]
    assert (fields["First Name"], fields["Last Name"]) == ("Augusta", "King")
    assert living(sync, "Contact").keys() == {*contacts, became}
    rest = Marks.now(sync.servers)
    sync.cycle()
    assert rest.writes(sync.servers) == []
