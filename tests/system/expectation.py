"""What SPOTIO must hold after a sync of the demo world, worked out by hand from sync.yml.

It shares no code with the product: a second, naive reading of the same file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reverse_sf.simulator.local import LocalServers

Row = dict[str, Any]

INDUSTRIES = {
    "Solar": "Solar",
    "Roofing": "Roofing",
    "Security": "Security",
    "Telecommunications": "Telecom",
    "Other": "Other",
}
RATINGS = {"Hot": "Hot", "Warm": "Lukewarm", "Cold": "Cold"}
SOURCES = {
    "Web": "Web",
    "Partner Referral": "Referral",
    "Door Knock": "Door Knock",
    "Event": "Event",
}
STATUSES = {"Open - Not Contacted": "New", "Working - Contacted": "Working"}
STAGES = {
    "Prospecting": "Prospecting",
    "Proposal/Price Quote": "Proposal",
    "Negotiation/Review": "Negotiation",
    "Closed Won": "Closed Won",
    "Closed Lost": "Closed Lost",
}
SPOTIO_NOTES_LIMIT = 20000


def selected(servers: LocalServers) -> dict[str, tuple[str, Row]]:
    """Salesforce Id to SPOTIO type and row, of all records that belong into SPOTIO."""
    accounts = {
        row["Id"]: row
        for row in servers.salesforce.rows("Account")
        if row["Type"] in {"Prospect", "Customer"} and not row["IsDeleted"]
    }
    chosen = {key: ("Accounts", row) for key, row in accounts.items()}
    for sobject, name in (("Contact", "Contacts"), ("Opportunity", "Opportunities")):
        for row in servers.salesforce.rows(sobject):
            if not row["IsDeleted"] and (row["AccountId"] is None or row["AccountId"] in accounts):
                chosen[row["Id"]] = (name, row)
    for row in servers.salesforce.rows("Lead"):
        if row["Status"] in STATUSES and not row["IsDeleted"] and not row["IsConverted"]:
            chosen[row["Id"]] = ("Leads", row)
    return chosen


def linked(servers: LocalServers) -> dict[str, list[Row]]:
    """Salesforce Id to all living SPOTIO records that carry it."""
    found: dict[str, list[Row]] = {}
    for row in servers.spotio.rows("dataObjects"):
        if row["externalDataObjectId"] and not row["deleted"]:
            found.setdefault(row["externalDataObjectId"], []).append(row)
    return found


def differences(servers: LocalServers) -> list[str]:
    """Everything in which SPOTIO is not what it should be, a sentence each."""
    wanted, held = selected(servers), linked(servers)
    wrong = [f"{key} is missing" for key in wanted.keys() - held.keys()]
    wrong += [f"{key} should not be there" for key in held.keys() - wanted.keys()]
    wrong += [f"{key} is there {len(rows)} times" for key, rows in held.items() if len(rows) > 1]
    ids = {key: rows[0]["id"] for key, rows in held.items()}
    emails = _owner_emails(servers)
    for key in wanted.keys() & held.keys():
        kind, row = wanted[key]
        record = held[key][0]
        if record["type"] != kind:
            wrong.append(f"{key} is of type {record['type']}, not {kind}")
            continue
        expected = FIELDS[kind](row) | {"owner": emails[row["OwnerId"]]}
        if kind in {"Contacts", "Opportunities"}:
            expected["parent"] = ids.get(row["AccountId"])
        actual = _actual(record, expected)
        wrong += [
            f"{key} {kind} {name}: {actual[name]!r} should be {value!r}"
            for name, value in expected.items()
            if value is not ANY and actual[name] != value
        ]
    return wrong


ANY = object()
"""A value that SPOTIO refuses or that no choice maps: parked, so nothing is expected of it."""


def _account(row: Row) -> Row:
    return {
        "Company": _text(row["Name"]),
        "Phone": _phone(row["Phone"]),
        "Website": _text(row["Website"]),
        "Billing Email": _email(row["Billing_Email__c"]),
        "Annual Revenue": row["AnnualRevenue"],
        "Employees": row["NumberOfEmployees"],
        "Products": _several(row["Product_Interest__c"]),
        "Customer Since": row["Customer_Since__c"],
        "Last Audit": _instant(row["Last_Audit__c"]),
        "Account Notes": _notes(row["Description"]),
        "Industry": _choice(INDUSTRIES, row["Industry"]),
        "Rating": _choice(RATINGS, row["Rating"]),
        "stage": row["Type"],
        "street": _text(row["BillingStreet"]),
        "city": _text(row["BillingCity"]),
        "zip": _text(row["BillingPostalCode"]),
    }


def _contact(row: Row) -> Row:
    return {
        "First Name": _text(row["FirstName"]),
        "Last Name": _text(row["LastName"]),
        "Email": _email(row["Email"]),
        "Phone": _phone(row["Phone"]),
        "Mobile": _phone(row["MobilePhone"]),
        "Job Title": _text(row["Title"]),
        "Birthday": row["Birthdate"],
        "Contact Notes": None,
    }


def _lead(row: Row) -> Row:
    return {
        "First Name": _text(row["FirstName"]),
        "Last Name": _text(row["LastName"]),
        "Company": _text(row["Company"]),
        "Email": _email(row["Email"]),
        "Phone": _phone(row["Phone"]),
        "Lead Notes": _notes(row["Description"]),
        "Interests": _several(row["Interests__c"]),
        "Lead Source": None
        if row["LeadSource"] == "Other"
        else _choice(SOURCES, row["LeadSource"]),
        "Temperature": row["Rating"],
        "stage": STATUSES[row["Status"]],
    }


def _deal(row: Row) -> Row:
    return {
        "Deal Name": _text(row["Name"]),
        "Value": row["Amount"],
        "Close Date": row["CloseDate"],
        "Probability": row["Probability"],
        "Next Step": _text(row["NextStep"]),
        "stage": STAGES[row["StageName"]],
    }


FIELDS = {"Accounts": _account, "Contacts": _contact, "Leads": _lead, "Opportunities": _deal}


def _actual(record: Row, names: Iterable[str]) -> Row:
    held: Row = {}
    pin = record["pin"] or {}
    for name in names:
        if name in {"stage", "owner"}:
            held[name] = record[name]
        elif name == "parent":
            held[name] = record["parentId"]
        elif name == "street":
            parts = (pin.get("houseNumber"), pin.get("street"))
            held[name] = _text(" ".join(part for part in parts if part))
        elif name in {"city", "zip"}:
            held[name] = pin.get(name) or None
        else:
            held[name] = _plain(name, record["fields"].get(name))
    return held


def _plain(name: str, value: Any) -> Any:
    if value in (None, "", []):
        return None
    if name in {"Annual Revenue", "Employees", "Value", "Probability"}:
        return float(value)
    if name in {"Products", "Interests"}:
        return sorted(value)
    return value


def _owner_emails(servers: LocalServers) -> dict[str, str]:
    """Salesforce user Id to the e-mail of the SPOTIO user who owns that person's records."""
    spotio = servers.spotio.rows("users")
    by_external = {user["externalSystemUserId"]: user["email"] for user in spotio}
    known = {user["email"].lower(): user["email"] for user in spotio}
    return {
        user["Id"]: by_external.get(user["Id"])
        or known.get(user["Email"].lower())
        or "ops@example.com"
        for user in servers.salesforce.rows("User")
    }


def _text(value: str | None) -> str | None:
    return (value or "").strip() or None


def _notes(value: str | None) -> Any:
    return ANY if value and len(value) > SPOTIO_NOTES_LIMIT else _text(value)


def _phone(value: str | None) -> Any:
    text = _text(value)
    digits = re.sub(r"\D", "", text or "")
    return ANY if text and not 7 <= len(digits) <= 15 else text


def _email(value: str | None) -> Any:
    text = _text(value)
    return text if text is None or re.fullmatch(r"[^@\s!]+@[^@\s.]+(\.[^@\s.]+)+", text) else ANY


def _choice(choices: dict[str, str], value: str | None) -> Any:
    return choices.get(value, ANY) if value else None


def _several(value: str | None) -> list[str] | None:
    return sorted(value.split(";")) if value else None


def _instant(value: str | None) -> str | None:
    return value.replace(".000+0000", "Z") if value else None
