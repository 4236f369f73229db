"""The tutorial's two people: one edits a company in Salesforce, one the same in SPOTIO."""

from __future__ import annotations

import os

import httpx

SALESFORCE = os.environ.get("TAP_SALESFORCE_INSTANCE_URL") or "http://127.0.0.1:8730"
SPOTIO = os.environ.get("TARGET_SPOTIO_API_URL") or "http://127.0.0.1:8731"
IDS = "SPOTIO_Id__c"


def main() -> None:
    """Find a company that is linked, and give it another website on each side."""
    accounts = httpx.get(f"{SALESFORCE}/_simulator/records/Account").raise_for_status().json()
    linked = next(
        one for one in accounts if one[IDS] and one["Type"] == "Customer" and not one["IsDeleted"]
    )
    edit(SALESFORCE, "Account", linked["Id"], {"Website": "https://from-salesforce.example.com"})
    edit(SPOTIO, "Accounts", linked[IDS], {"Website": "https://from-spotio.example.com"})
    print(f"{linked['Name']} has a new website in Salesforce, and another one in SPOTIO.")  # noqa: T201 - for the reader


def edit(server: str, kind: str, record_id: str, values: dict[str, str]) -> None:
    """An edit as a person would make it in the web app."""
    body = {"object": kind, "id": record_id, "set": values}
    httpx.post(f"{server}/_simulator/edit", json=body).raise_for_status()


if __name__ == "__main__":
    main()
