"""The schema of the demo tenant."""

from __future__ import annotations

from dataclasses import replace

from reverse_sf.simulator.spotio.workflow import Field, RecordType, Stage, Template, Workflow

PRODUCTS = ("Panels", "Batteries", "Inverters", "Alarms", "Fiber")
ACCOUNTS, CONTACTS, LEADS, OPPORTUNITIES = 1, 2, 3, 4

_ADDRESS = Field(100001, "Address", "Address", role="Location", system_role="Address")
_FIRST = Field(100002, "First Name", "Text", role="Name", system_role="FirstName")
_LAST = Field(100003, "Last Name", "Text", role="Name", system_role="LastName", required=True)
_COMPANY = Field(100004, "Company", "Text", system_role="Company")
_PHONE = Field(100005, "Phone", "Phone", system_role="Phone")
_EMAIL = Field(100006, "Email", "Email", system_role="Email")
_VALUE = Field(100007, "Value", "Currency", system_role="Value")
_UNIT = Field(100008, "Unit", "Text", system_role="Unit")


def demo_workflow() -> Workflow:
    """Four record types; every one of the twelve field types occurs.

    Besides what a sync maps there are an attachment, a read-only score and an inherited field, and
    options that were removed.
    """
    return Workflow((_accounts(), _contacts(), _leads(), _opportunities()), _templates())


def _stages(first: int, active: str, won: str, lost: str) -> tuple[Stage, ...]:
    names = [
        (name, group)
        for group, text in (("active", active), ("won", won), ("lost", lost))
        for name in text.split(", ")
        if name
    ]
    return tuple(Stage(first + n, name, group) for n, (name, group) in enumerate(names))


def _accounts() -> RecordType:
    stages = _stages(1, "Prospect, Customer, Former", "Signed", "Lost")
    signed = next(stage.id for stage in stages if stage.name == "Signed")
    return RecordType(
        id=ACCOUNTS,
        name="Accounts",
        has_address=True,
        stages=stages,
        fields=(
            replace(_COMPANY, role="Name", required=True),
            _PHONE,
            Field(1, "Website", "Text"),
            Field(
                2,
                "Industry",
                "SingleChoice",
                ("Solar", "Roofing", "Security", "Telecom", "Other"),
                ("Utilities",),
            ),
            Field(3, "Rating", "SingleChoice", ("Hot", "Lukewarm", "Cold")),
            Field(4, "Annual Revenue", "Currency"),
            Field(5, "Employees", "Number"),
            Field(6, "Products", "MultiChoice", PRODUCTS, ("Heat Pumps",)),
            Field(7, "Customer Since", "Date"),
            Field(8, "Last Audit", "DateTime"),
            Field(9, "Account Notes", "MultiLine"),
            _ADDRESS,
            _UNIT,
            Field(10, "Billing Email", "Email", stage_constraints=(signed,)),
            Field(11, "Photo", "Attachment"),
            Field(12, "SPOTIO Score", "Number", readonly=True),
        ),
    )


def _contacts() -> RecordType:
    return RecordType(
        id=CONTACTS,
        name="Contacts",
        has_address=False,
        parent_id=ACCOUNTS,
        stages=_stages(6, "Active", "", "Left"),
        fields=(
            _FIRST,
            _LAST,
            _EMAIL,
            _PHONE,
            Field(13, "Mobile", "Phone"),
            Field(14, "Job Title", "Text"),
            Field(15, "Birthday", "Date"),
            Field(16, "Contact Notes", "MultiLine"),
            replace(_COMPANY, inherited=True),
        ),
    )


def _leads() -> RecordType:
    return RecordType(
        id=LEADS,
        name="Leads",
        has_address=True,
        stages=_stages(8, "New, Working, Nurturing", "Qualified", "Unqualified"),
        fields=(
            _FIRST,
            _LAST,
            _COMPANY,
            _EMAIL,
            _PHONE,
            Field(
                17,
                "Lead Source",
                "SingleChoice",
                ("Web", "Referral", "Door Knock", "Event", "Other"),
                ("Cold Call",),
            ),
            Field(18, "Temperature", "SingleChoice", ("Hot", "Warm", "Cold")),
            Field(19, "Interests", "MultiChoice", PRODUCTS),
            Field(20, "Lead Notes", "MultiLine"),
            _ADDRESS,
        ),
    )


def _opportunities() -> RecordType:
    stages = _stages(13, "Prospecting, Proposal, Negotiation", "Closed Won", "Closed Lost")
    won = next(stage.id for stage in stages if stage.group == "won")
    return RecordType(
        id=OPPORTUNITIES,
        name="Opportunities",
        has_address=False,
        parent_id=ACCOUNTS,
        stages=stages,
        fields=(
            Field(21, "Deal Name", "Text", role="Name", required=True),
            replace(_VALUE, stage_constraints=(won,)),
            Field(22, "Close Date", "Date"),
            Field(23, "Probability", "Number"),
            Field(24, "Next Step", "Text"),
        ),
    )


def _templates() -> tuple[Template, ...]:
    return (
        Template(
            1,
            "Visit",
            "Visit",
            "InPerson",
            ((1, "Not Home"), (2, "Interested"), (3, "Appointment Set"), (4, "Not Interested")),
        ),
        Template(2, "Call", "Call", "Virtual", ((5, "Reached"), (6, "No Answer"))),
        Template(3, "Email", "Email", "Virtual"),
        Template(4, "Text", "Text", "Virtual"),
        Template(5, "Appointment", "Appointment", "InPerson", ((7, "Held"), (8, "Canceled"))),
        Template(6, "Site Survey", "", "InPerson", ((9, "Passed"), (10, "Failed"))),
        Template(7, "Merge Records", "RecordMerge", "Virtual"),
    )
