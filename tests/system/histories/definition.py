"""A random sync definition: which pairs, fields, rules, choices, owners, parents and policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

RULES = (
    "salesforce_only",
    "salesforce_unless_blank",
    "two_way",
    "two_way",
    "two_way",
    "do_not_sync",
    "spotio_only",
    "spotio_unless_blank",
    "manual",
)
ALWAYS_SENT = tuple(rule for rule in RULES if rule not in {"do_not_sync", "manual"})


@dataclass(frozen=True)
class Field:
    """A pair of fields that a definition may map.

    Attributes:
        kind: text, notes, phone, email, number, money, date, instant, choice, choices or stage.
        choices: SPOTIO's to Salesforce's.
        unmapped: values of Salesforce that no choice maps.
        required: it may not be blank, nor be left out on create.
    """

    spotio: str
    salesforce: str
    kind: str
    choices: tuple[tuple[str, str], ...] = ()
    unmapped: tuple[str, ...] = ()
    required: bool = False


RATINGS = (("Hot", "Hot"), ("Lukewarm", "Warm"), ("Cold", "Cold"))
TEMPERATURES = (("Hot", "Hot"), ("Warm", "Warm"), ("Cold", "Cold"))
PRODUCTS = ("Panels", "Batteries", "Inverters", "Alarms", "Fiber")
FIELDS: dict[str, tuple[Field, ...]] = {
    "Accounts": (
        Field("Company", "Name", "text", required=True),
        Field("Phone", "Phone", "phone"),
        Field("Website", "Website", "text"),
        Field("Billing Email", "Billing_Email__c", "email"),
        Field("Annual Revenue", "AnnualRevenue", "money"),
        Field("Employees", "NumberOfEmployees", "number"),
        Field("Products", "Product_Interest__c", "choices"),
        Field("Customer Since", "Customer_Since__c", "date"),
        Field("Last Audit", "Last_Audit__c", "instant"),
        Field("Account Notes", "Description", "notes"),
        Field(
            "Industry",
            "Industry",
            "choice",
            (
                ("Solar", "Solar"),
                ("Roofing", "Roofing"),
                ("Security", "Security"),
                ("Telecom", "Telecommunications"),
                ("Other", "Other"),
            ),
            ("Agriculture",),
        ),
        Field(
            "Rating", "Rating", "choice", (("Hot", "Hot"), ("Lukewarm", "Warm"), ("Cold", "Cold"))
        ),
        Field(
            "Stage",
            "Type",
            "stage",
            (("Prospect", "Prospect"), ("Customer", "Customer"), ("Former", "Prospect")),
            ("Partner",),
            required=True,
        ),
    ),
    "Contacts": (
        Field("First Name", "FirstName", "text"),
        Field("Last Name", "LastName", "text", required=True),
        Field("Email", "Email", "email"),
        Field("Phone", "Phone", "phone"),
        Field("Mobile", "MobilePhone", "phone"),
        Field("Job Title", "Title", "text"),
        Field("Birthday", "Birthdate", "date"),
        Field("Contact Notes", "Description", "notes"),
    ),
    "Leads": (
        Field("First Name", "FirstName", "text"),
        Field("Last Name", "LastName", "text", required=True),
        Field("Company", "Company", "text", required=True),
        Field("Email", "Email", "email"),
        Field("Phone", "Phone", "phone"),
        Field("Lead Notes", "Description", "notes"),
        Field("Interests", "Interests__c", "choices"),
        Field(
            "Lead Source",
            "LeadSource",
            "choice",
            (
                ("Web", "Web"),
                ("Referral", "Partner Referral"),
                ("Door Knock", "Door Knock"),
                ("Event", "Event"),
            ),
            ("Purchased List",),
        ),
        Field(
            "Temperature", "Rating", "choice", (("Hot", "Hot"), ("Warm", "Warm"), ("Cold", "Cold"))
        ),
        Field(
            "Stage",
            "Status",
            "stage",
            (
                ("New", "Open - Not Contacted"),
                ("Working", "Working - Contacted"),
                ("Nurturing", "Working - Contacted"),
                ("Qualified", "Closed - Converted"),
                ("Unqualified", "Closed - Not Converted"),
            ),
            required=True,
        ),
    ),
}
SALESFORCE = {"Accounts": "Account", "Contacts": "Contact", "Leads": "Lead"}
SELECTIONS = (("Accounts",), ("Leads",), ("Accounts", "Contacts"), ("Accounts", "Leads"))
ADDRESS = {
    "Accounts": {
        "street": "BillingStreet",
        "city": "BillingCity",
        "state": "BillingState",
        "zip": "BillingPostalCode",
        "country": "BillingCountry",
    },
    "Leads": {
        "street": "Street",
        "city": "City",
        "state": "State",
        "zip": "PostalCode",
        "country": "Country",
    },
}


@dataclass(frozen=True)
class Pair:
    """One object mapping of a random definition."""

    spotio: str
    salesforce: str
    fields: tuple[tuple[Field, str], ...]
    document: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.salesforce}:{self.spotio}"


def random_pairs(rng: random.Random) -> list[Pair]:
    """Draw a definition."""
    return [_pair(rng, spotio) for spotio in rng.choice(SELECTIONS)]


def document(pairs: list[Pair]) -> dict[str, Any]:
    """What stands in sync.yml."""
    return {"version": 1, "objects": [pair.document for pair in pairs]}


def _pair(rng: random.Random, spotio: str) -> Pair:
    known = FIELDS[spotio]
    chosen = [one for one in known if one.required or rng.random() < 0.5]
    fields = [(one, rng.choice(ALWAYS_SENT if one.required else RULES)) for one in chosen]
    salesforce = SALESFORCE[spotio]
    body: dict[str, Any] = {
        "spotio": spotio,
        "salesforce": salesforce,
        "to_spotio": {"enabled": True},
        "to_salesforce": {"enabled": True},
        "match": ["external_id"],
        "owner": {
            "spotio_default": "ops@example.com",
            "salesforce_default": "ops@example.com",
            "keep_on_update": rng.random() < 0.5,
            "rule": rng.choice(("salesforce_only", "two_way")),
        },
        "on_delete": {
            "in_salesforce": rng.choice(("ignore", "ignore", "unlink", "delete")),
            "in_spotio": rng.choice(("ignore", "ignore", "unlink", "delete")),
        },
        "fields": [_field(rng, one, rule) for one, rule in fields],
    }
    if rng.random() < 0.7:
        body["salesforce_external_id"] = "SPOTIO_Id__c"
    if spotio == "Contacts":
        body["parent"] = {"salesforce": "AccountId", "spotio": "Accounts"}
    elif rng.random() < 0.5:
        rule = rng.choice(("salesforce_only", "salesforce_unless_blank", "two_way"))
        geocoding = {"skip_geocoding": rng.random() < 0.5}
        body["address"] = {**ADDRESS[spotio], **geocoding, "rule": rule}
    if spotio == "Leads" and rng.random() < 0.3:
        scope = ["Open - Not Contacted", "Working - Contacted"]
        body["to_spotio"]["only_when"] = {"Status": scope}
    return Pair(spotio, salesforce, tuple(fields), body)


def _field(rng: random.Random, one: Field, rule: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"spotio": one.spotio, "salesforce": one.salesforce, "rule": rule}
    if one.choices:
        entry["choices"] = dict(one.choices)
    if one.kind in {"phone", "email"} and rng.random() < 0.3:
        entry["compare"] = "normal_form"
    return entry
