"""Members of campaigns: a lead or a contact, in a campaign once (Object Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.refusal import ApiFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.salesforce.surroundings import Surroundings

    Row = dict[str, Any]

_COPIED = ("Salutation", "Name", "FirstName", "LastName", "Title", "Phone", "MobilePhone", "Email")
_RESPONDED = "Responded"


def member(old: Mapping[str, Any] | None, new: Row, now: str, around: Surroundings) -> Row:
    """The derived columns of a member: who it is, and whether there was an answer.

    Raises:
        ApiFault: it is nobody, or in the campaign already.
    """
    who = new.get("ContactId") or new.get("LeadId")
    if who is None:
        raise ApiFault(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LeadId or ContactId]",
            fields=("LeadId", "ContactId"),
        )
    if old is None and around.rows_where(
        "CampaignMember", {"CampaignId": new["CampaignId"], "LeadOrContactId": who}
    ):
        raise ApiFault("DUPLICATE_VALUE", "This entity is already attached to this campaign")
    person = around.row(who) or {}
    account = around.row(person.get("AccountId")) or {}
    responded = new.get("Status") == _RESPONDED
    changes: Row = {
        "LeadOrContactId": who,
        "LeadOrContactOwnerId": person.get("OwnerId"),
        "Type": "Contact" if who.startswith("003") else "Lead",
        "CompanyOrAccount": person.get("Company") or account.get("Name"),
        "HasResponded": int(responded),
        **{name: person.get(name) for name in _COPIED},
    }
    if responded and not (old and old.get("FirstRespondedDate")):
        changes["FirstRespondedDate"] = now[:10]
    if old is None and new.get("Status") is None:
        changes["Status"] = "Sent"
    return changes
