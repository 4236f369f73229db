"""Fills a fresh tenant: its users always, and the demo world's records unless it is to be empty.

In SPOTIO already are the accounts that the world marks so, under their Salesforce Id, and the
leads that were born here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.demo_workflow import ACCOUNTS, LEADS
from reverse_sf.simulator.spotio.records import Member, Team, Territory, to_ticks
from reverse_sf.simulator.world import World, salesforce_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from reverse_sf.simulator.population import Account, SpotioLead, User
    from reverse_sf.simulator.spotio.workflow import RecordType, Workflow

FIRST_USER = 534601
INDUSTRIES = {"Telecommunications": "Telecom"}
RATINGS = {"Warm": "Lukewarm"}
SOURCES = {"Partner Referral": "Referral"}
_ROLES = {"System Administrator": "Admin", "Sales Manager": "Manager"}
OWN_USERS_FROM = 100
_OWN_USERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Rita", "Sales", {"readonly": True, "status": "readonly"}),
    ("Paul", "Sales", {"status": "pending", "phone": "+15125550117"}),
    ("Suzy", "Manager", {"suspended": True}),
    ("Fred", "Sales Rep 2", {}),
)
"""Read-only, not joined yet, suspended, and of the tenant's fourth role."""
Request = dict[str, Any]


def user_id(index: int) -> int:
    """SPOTIO's id of the world's user with that index."""
    return FIRST_USER + index


def record_id(kind: int, index: int) -> str:
    """A stable 24-digit id for a seeded record."""
    return f"65a1b2c3{kind:02x}0d0f{index:012x}"


def members(world: World) -> Iterator[Member]:
    """The tenant's users: those of the world, and in a full one some whom Salesforce lacks."""
    for index, user in enumerate(world.users):
        if user.in_spotio:
            yield _member(index, user)
    for number, (first, role, more) in enumerate(_OWN_USERS if world.accounts else ()):
        yield Member(
            id=FIRST_USER + OWN_USERS_FROM + number,
            email=f"{first.lower()}.spotio@example.com",
            first=first,
            last="Spotio",
            role=role,
            **more,
        )


def requests(world: World, workflow: Workflow) -> Iterator[tuple[str, Request, datetime, int]]:
    """The seeded records: id, request as for a create, last modified, and who did it."""
    accounts, leads = workflow.type(ACCOUNTS), workflow.type(LEADS)
    for index, account in enumerate(world.accounts):
        if account.already_in_spotio:
            request = _account(accounts, account, salesforce_id("001", index))
            yield record_id(1, index), request, account.modified, user_id(account.owner_index)
    for index, lead in enumerate(world.spotio_leads):
        yield (
            record_id(3, index),
            _lead(leads, lead),
            lead.modified,
            user_id(lead.owner_index),
        )


def _member(index: int, user: User) -> Member:
    external = salesforce_id("005", index) if user.matched_by == "external_id" else None
    return Member(
        id=user_id(index),
        email=user.email,
        first=user.first,
        last=user.last,
        role=_ROLES.get(user.profile, "Sales"),
        external_id=external,
    )


def _account(record_type: RecordType, account: Account, external_id: str) -> Request:
    texts: dict[str, Any] = {
        "Company": account.name,
        "Phone": account.spotio_phone,
        "Website": account.website,
        "Industry": INDUSTRIES.get(account.industry or "", account.industry),
        "Rating": RATINGS.get(account.rating or "", account.rating),
        "Annual Revenue": account.revenue,
        "Employees": account.employees,
        "Products": list(account.products),
        "Customer Since": account.customer_since,
        "Last Audit": _iso(account.last_audit),
        "Account Notes": account.notes,
        "Billing Email": account.billing_email,
    }
    return {
        "typeId": record_type.id,
        "stageId": _stage(record_type, account.type),
        "ownerId": user_id(account.owner_index),
        "externalDataObjectId": external_id,
        "source": "import",
        "pin": {**_place(account), "skipGeocoding": True},
        "fields": entries(record_type, texts),
    }


def _lead(record_type: RecordType, lead: SpotioLead) -> Request:
    texts: dict[str, Any] = {
        "First Name": lead.first,
        "Last Name": lead.last,
        "Company": lead.company,
        "Email": lead.email,
        "Phone": lead.phone,
        "Lead Source": SOURCES.get(lead.source or "", lead.source),
        "Temperature": lead.rating,
        "Interests": list(lead.interests),
        "Lead Notes": lead.notes,
    }
    return {
        "typeId": record_type.id,
        "stageId": _stage(record_type, lead.stage),
        "ownerId": user_id(lead.owner_index),
        "source": "web",
        "pin": _place(lead),
        "fields": entries(record_type, texts),
    }


def entries(record_type: RecordType, contents: dict[str, Any]) -> list[Request]:
    """The ``fields`` of a request from labels and plain values.

    Raises:
        KeyError: the type has no field with that label.
    """
    found = []
    for label, given in contents.items():
        field = record_type.named(label)
        if field is None:
            raise KeyError(label)
        entry: Request = {"fieldId": str(field.id)}
        if field.kind == "MultiChoice":
            entry["values"] = list(given) if given else []
        elif field.kind == "Attachment":
            entry["attachmentValue"] = given
        else:
            entry["value"] = None if given is None else str(given)
        found.append(entry)
    return found


def _stage(record_type: RecordType, name: str) -> int:
    return next(stage.id for stage in record_type.stages if stage.name == name)


def _place(row: Account | SpotioLead) -> Request:
    return {
        "street": row.street,
        "city": row.city,
        "state": row.state,
        "zip": row.zip,
        "country": row.country,
        "lat": row.lat,
        "lng": row.lng,
    }


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def seed(
    create: Callable[[Request, Member, str, int], object],
    world: World,
    workflow: Workflow,
    people: dict[int, Member],
) -> None:
    """Create the world's records as they were last modified."""
    for identifier, request, modified, actor in requests(world, workflow):
        create(request, people[actor], identifier, to_ticks(modified))


def teams() -> list[Team]:
    """The demo company's teams."""
    return [Team(id=1, name="Central"), Team(id=2, name="Coast")]


def territory() -> Territory:
    """The demo company's one territory, in which everybody works."""
    return Territory(id=1, title="All states", everywhere=True)
