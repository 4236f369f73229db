"""A project whose records have activities: every template to Task and to Event, every field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.system.sync import TO_SALESFORCE, TO_SPOTIO, Marks, Sync

if TYPE_CHECKING:
    from tests.system.warm.runner import Ended

SHARED = {
    "Subject": "Subject",
    "OwnerEmail": "Owner_Email__c",
    "OwnerUserName": "Owner_Name__c",
    "Name": "Activity_Name__c",
    "Category": "Category__c",
    "Distance": "Distance__c",
    "Location Verified": "Location_Verified__c",
    "Lat": "Latitude__c",
    "Lng": "Longitude__c",
    "Duration In Seconds": "Seconds__c",
    "Type": "Activity_Type__c",
}
OF_TASKS = {
    **SHARED,
    "Status": "Status",
    "Priority": "Priority",
    "Activity Date": "ActivityDate",
    "Duration": "Minutes__c",
}
OF_EVENTS = {
    **SHARED,
    "Status": "Activity_Status__c",
    "Priority": "Activity_Priority__c",
    "Activity Date": "ActivityDateTime",
    "Duration": "DurationInMinutes",
}
OF_KIND = {
    "Visit": {"VisitResult": "Result__c", "Description": "Description"},
    "Appointment": {"VisitResult": "Result__c", "Description": "Description"},
    "Call": {
        "CallResult": "Result__c",
        "CallPhoneNumber": "Phone_Number__c",
        "CallDirection": "Direction__c",
        "Description": "Description",
    },
    "Email": {
        "Email": "Email_Address__c",
        "EmailSnippet": "Message__c",
        "EmailDirection": "Direction__c",
        "Description": "Description",
    },
    "Text": {
        "Text": "Message__c",
        "TextPhoneNumber": "Phone_Number__c",
        "TextDirection": "Direction__c",
        "Description": "Description",
    },
    "Note": {"Description": "Description"},
    "Site Survey": {"VisitResult": "Result__c", "Description": "Description"},
}
ACCOUNTS = """\
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true}
    salesforce_external_id: SPOTIO_Id__c
    match: [external_id]
    owner: {spotio_default: ops@example.com, salesforce_default: ops@example.com}
    fields:
      - {spotio: Company, salesforce: Name, rule: salesforce_only}
"""
CONTACTS = """\
  - spotio: Contacts
    salesforce: Contact
    to_spotio: {enabled: true}
    salesforce_external_id: SPOTIO_Id__c
    match: [external_id]
    parent: {salesforce: AccountId, spotio: Accounts}
    owner: {spotio_default: ops@example.com, salesforce_default: ops@example.com}
    fields:
      - {spotio: Last Name, salesforce: LastName, rule: salesforce_only}
"""


def entry(template: str, sobject: str, fields: dict[str, Any], **more: Any) -> str:
    """One entry under ``activities``, in YAML's flow style."""
    said = {"spotio": template, "salesforce": sobject, "fields": fields}
    said |= {"salesforce_external_id": "SPOTIO_Id__c", **more}
    return f"      - {json.dumps(said)}\n"


def whole(sobject: str) -> str:
    """Every template to one sObject, with every field that it has."""
    of_all = OF_TASKS if sobject == "Task" else OF_EVENTS
    return "".join(entry(name, sobject, {**of_all, **own}) for name, own in OF_KIND.items())


class Diary:
    """The two systems, and a project that syncs the activities of accounts and contacts."""

    def __init__(self, sync: Sync) -> None:
        self.sync = sync
        self.salesforce, self.spotio = sync.servers.salesforce, sync.servers.spotio

    def define(self, of_accounts: str = "", of_contacts: str = "") -> None:
        """Write the sync definition."""
        text = "version: 1\ntime_zone: America/Denver\nobjects:\n" + ACCOUNTS
        text += f"    activities:\n{of_accounts}" if of_accounts else ""
        text += CONTACTS
        text += f"    activities:\n{of_contacts}" if of_contacts else ""
        self.sync.sync_file.write_text(text)

    def run(self, mapping: str = TO_SALESFORCE, **how: Any) -> list[str]:
        """One run to its good end; the calls that it wrote with."""
        marks = Marks.now(self.sync.servers)
        ended = self.sync.run(mapping, **how)
        assert ended.ended_well, str(ended)
        return marks.writes(self.sync.servers)

    def cycle(self) -> list[str]:
        """Both directions; the calls that they wrote with."""
        return self.run(TO_SPOTIO) + self.run(TO_SALESFORCE)

    def rest(self) -> None:
        """Cycles until nothing is written, and one more."""
        for _ in range(4):
            if not self.cycle():
                assert self.cycle() == []
                return
        raise AssertionError("not at rest")

    def failed(self, mapping: str = TO_SALESFORCE) -> Ended:
        """One run to a bad end."""
        ended = self.sync.run(mapping)
        assert not ended.ended_well
        return ended

    def linked(self, sobject: str, number: int = 0) -> tuple[str, str]:
        """A record of Salesforce and its counterpart in SPOTIO."""
        stream = {"Account": "Accounts", "Contact": "Contacts"}[sobject]
        known = {one["externalDataObjectId"]: one["id"] for one in self.spotio.rows(stream)}
        rows = [one for one in self.salesforce.rows(sobject) if one["Id"] in known]
        row = sorted(rows, key=lambda one: str(one["Id"]))[number]
        return row["Id"], known[row["Id"]]

    def log(self, spotio_id: str, stream: str = "Accounts", **said: Any) -> str:
        """A rep logs or plans an activity; its id."""
        return str(self.spotio.log(stream, spotio_id, **said)["activity"])

    def activity(self, activity_id: str) -> dict[str, Any]:
        """An activity as SPOTIO keeps it."""
        rows = self.spotio.rows("activities")
        return next(one for one in rows if str(one["id"]) == activity_id)

    def made(self, sobject: str, activity_id: str) -> dict[str, Any]:
        """The one Task or Event of an activity."""
        rows = self.salesforce.rows(sobject)
        (found,) = [one for one in rows if one.get("SPOTIO_Id__c") == activity_id]
        return found
