"""Two systems that know the same people without knowing it of each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.salesforce import Credentials, SalesforceClient
from reverse_sf.spotio.client import Spotio
from reverse_sf.spotio.session import Credentials as SpotioKey
from reverse_sf.spotio.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.simulator.local import LocalServers

SYNC = """
version: 1
objects:
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: true, only_when: {Status: [Open - Not Contacted]}}
    to_salesforce: {enabled: true, only_when: {Stage: [New]}}
    salesforce_external_id: SPOTIO_Id__c
    match: [external_id, email, phone, address, {spotio: Lead Notes, salesforce: Description}]
    owner: {spotio_default: ops@example.com, salesforce_default: ops@example.com}
    fields:
      - {spotio: First Name, salesforce: FirstName, rule: two_way}
      - {spotio: Last Name, salesforce: LastName, rule: two_way}
      - {spotio: Company, salesforce: Company, rule: salesforce_only}
      - {spotio: Email, salesforce: Email, rule: two_way}
      - {spotio: Phone, salesforce: Phone, rule: salesforce_unless_blank}
      - {spotio: Lead Notes, salesforce: Description, rule: do_not_sync}
    address:
      street: Street
      city: City
      state: State
      zip: PostalCode
      skip_geocoding: true
      rule: salesforce_only
"""
_CALL = 200
_KEYS = {"street": "Street", "city": "City", "state": "State", "zip": "PostalCode"}


@dataclass
class Lead:
    """One lead of one side."""

    last: str
    company: str = "Acme"
    email: str | None = None
    phone: str | None = None
    notes: str | None = None
    address: dict[str, str] = field(default_factory=dict)
    in_scope: bool = True
    external_id: str | None = None
    id: str = ""


def add_to_salesforce(servers: LocalServers, leads: Sequence[Lead]) -> None:
    """Create leads in Salesforce; they get their ids."""
    with closing(_salesforce(servers)) as client:
        for at in range(0, len(leads), _CALL):
            ones = leads[at : at + _CALL]
            body = {"allOrNone": True, "records": [_row(one) for one in ones]}
            saved = client.call("POST", "composite/sobjects", json=body, what="seed").json()
            for one, answer in zip(ones, saved, strict=True):
                assert answer["success"], answer
                one.id = answer["id"]


def delete_in_salesforce(servers: LocalServers, lead: Lead) -> None:
    with closing(_salesforce(servers)) as client:
        client.call("DELETE", f"sobjects/Lead/{lead.id}", what="seed")


def _salesforce(servers: LocalServers) -> SalesforceClient:
    return SalesforceClient(
        Credentials.from_settings(
            {
                "login_url": servers.salesforce_url,
                "client_id": "demo-consumer-key",
                "client_secret": "demo-consumer-secret",
                "refresh_token": "demo-refresh-token",
            }
        )
    )


def _row(lead: Lead) -> dict[str, Any]:
    return {
        "attributes": {"type": "Lead"},
        "LastName": lead.last,
        "Company": lead.company,
        "Email": lead.email,
        "Phone": lead.phone,
        "Description": lead.notes,
        "Status": "Open - Not Contacted" if lead.in_scope else "Closed - Not Converted",
        **{_KEYS[name]: value for name, value in lead.address.items()},
    }


def add_to_spotio(servers: LocalServers, leads: Sequence[Lead]) -> None:
    """Create leads in SPOTIO; they get their ids."""
    key = SpotioKey("demo-client", "demo-secret")
    with closing(Spotio(Session(key, api_url=servers.spotio_url))) as spotio:
        kind = spotio.workflow().type("Leads")
        assert kind is not None
        ids = {one.label: one.id for one in kind.fields}
        stages = {one.name: one.id for one in kind.stages}
        owner = next(one.id for one in spotio.users() if one.email == "ops@example.com")

        def create(lead: Lead) -> str:
            values = {
                "Last Name": lead.last,
                "Company": lead.company,
                "Email": lead.email,
                "Phone": lead.phone,
                "Lead Notes": lead.notes,
            }
            body = {
                "typeId": int(kind.id),
                "stageId": int(stages["New" if lead.in_scope else "Unqualified"]),
                "ownerId": int(owner),
                "fields": [
                    {"fieldId": ids[name], "value": value}
                    for name, value in values.items()
                    if value is not None
                ],
            }
            if lead.external_id:
                body["externalDataObjectId"] = lead.external_id
            if lead.address:
                body["pin"] = {**lead.address, "skipGeocoding": True}
            return spotio.create(body).record.id

        with ThreadPoolExecutor(4) as threads:
            for lead, record_id in zip(leads, threads.map(create, leads), strict=True):
                lead.id = record_id
