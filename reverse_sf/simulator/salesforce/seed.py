"""The demo world as sObjects: the same seed gives the same rows, byte for byte."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.oddities import BEGINNING
from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce import seed_groups
from reverse_sf.simulator.salesforce.derivation import derive
from reverse_sf.simulator.salesforce.instants import stamp
from reverse_sf.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reverse_sf.simulator.population import Account, Contact, Deal, Lead, User
    from reverse_sf.simulator.salesforce.ground import Ground
    from reverse_sf.simulator.salesforce.surroundings import Surroundings

Row = dict[str, Any]
USERNAME_SUFFIX = ".demo"
_ADMIN = salesforce_id("005", 10)
_SUBJECTS = ("Call", "Send Quote", "Send Letter", "Follow up on proposal")
_VISITS = ("Site visit", "Demo", "Survey", "Contract signing")
_CONVERTED = "Closed - Converted"
_SCORED = 0.8
"""Share of accounts with a score; the others' health is unknown."""


def fill(org: Ground, around: Surroundings, *, seed: int, records: int) -> None:
    """Put the demo world into an org whose tables are empty."""
    world = World.generate(seed, records)
    filler = _Filler(org, around, world, random.Random(f"salesforce {seed}"))  # noqa: S311 - a toy world
    for name, rows in filler.all_rows():
        filler.insert(name, list(rows))


class _Filler:
    def __init__(
        self, org: Ground, around: Surroundings, world: World, source: random.Random
    ) -> None:
        self.org = org
        self.around = around
        self.world = world
        self.source = source
        self.profiles = sorted({user.profile for user in world.users})
        self.roles = sorted({user.role for user in world.users if user.role})

    def insert(self, name: str, rows: list[Row]) -> None:
        """Store rows of one object as they are; only derived columns are added."""
        one = self.org.schema.find(name)
        if one is None or not rows:
            return
        flags = {f.name: int(bool(f.default)) for f in one.stored if f.type == "boolean"}
        names = [field.name for field in one.stored]
        lines = []
        for row in rows:
            full = {key: value for key, value in flags.items() if row.get(key) is None} | {
                key: value for key, value in row.items() if value is not None and one.has(key)
            }
            full.update(derive(one, None, full, full["SystemModstamp"], self.around) | row)
            lines.append([full.get(each) for each in names])
        listed = ", ".join(f'"{each}"' for each in names)
        marks = ", ".join("?" * len(names))
        store = self.org.store
        store.execute_many(f'INSERT INTO "{one.name}" ({listed}) VALUES ({marks})', lines)
        if name != "Organization":
            store.reserve_numbers(one.prefix, len(rows))
        for row in rows:
            if row.get("IsDeleted"):
                store.log_deleted(one.name, row["Id"], row["SystemModstamp"], None)

    def all_rows(self) -> Iterator[tuple[str, Iterable[Row]]]:
        """Every object's rows, parents first."""
        world = self.world
        yield "Organization", [self._organization()]
        yield "Profile", (self._named("00e", i, name) for i, name in enumerate(self.profiles))
        yield "UserRole", (self._role(i, name) for i, name in enumerate(self.roles))
        yield "User", (self._user(i, user) for i, user in enumerate(world.users))
        yield from seed_groups.rows(self.roles)
        yield "Account", (self._account(i, one) for i, one in enumerate(world.accounts))
        yield "Contact", (self._contact(i, one) for i, one in enumerate(world.contacts))
        yield "Opportunity", (self._deal(i, one) for i, one in enumerate(world.deals))
        yield "Lead", (self._lead(i, one) for i, one in enumerate(world.leads))
        if world.accounts:
            yield "Campaign", [self._campaign()]
        yield "Site__c", self._sites()
        yield "Task", self._tasks()
        yield "Event", self._events()

    # The org itself

    def _organization(self) -> Row:
        return {
            "Id": self.org.organization_id,
            "Name": "Demo Field Sales",
            "DefaultLocaleSidKey": "en_US",
            "LanguageLocaleKey": "en_US",
            "TimeZoneSidKey": "GMT",
            "FiscalYearStartMonth": 1,
            "OrganizationType": "Developer Edition",
            "InstanceName": "DEMO1",
            "IsSandbox": 0,
            **_audit(BEGINNING, BEGINNING, _ADMIN),
        }

    def _named(self, prefix: str, index: int, name: str, **more: Any) -> Row:
        row = {"Id": salesforce_id(prefix, index), "Name": name, "UserType": "Standard", **more}
        return row | _audit(BEGINNING, BEGINNING, _ADMIN)

    def _role(self, index: int, name: str) -> Row:
        developer_name = name.replace(" ", "_")
        access: Row = dict.fromkeys(
            ("OpportunityAccessForAccountOwner", "CaseAccessForAccountOwner"), "Edit"
        )
        # The roles are a chain: each reports to the one before.
        access["ParentRoleId"] = salesforce_id("00E", index - 1) if index else None
        return self._named("00E", index, name, DeveloperName=developer_name, **access)

    def _user(self, index: int, user: User) -> Row:
        return {
            "Id": salesforce_id("005", index),
            "Username": user.email + USERNAME_SUFFIX,
            "Email": user.email,
            "FirstName": user.first,
            "LastName": user.last,
            "Alias": (user.first[:1] + user.last).lower()[:8],
            "CommunityNickname": user.email.split("@")[0],
            "IsActive": int(user.active),
            "TimeZoneSidKey": "GMT",
            "LocaleSidKey": "en_US",
            "EmailEncodingKey": "UTF-8",
            "LanguageLocaleKey": "en_US",
            "UserType": "Standard",
            "ProfileId": salesforce_id("00e", self.profiles.index(user.profile)),
            "UserRoleId": salesforce_id("00E", self.roles.index(user.role)) if user.role else None,
            "CompanyName": "Demo Field Sales",
            **_audit(BEGINNING, BEGINNING, _ADMIN),
        }

    # The world's records

    def _account(self, index: int, one: Account) -> Row:
        entity = self.org.schema.typed("Account")
        interests = entity.find("Product_Interest__c")
        products = ";".join(one.products)
        merged = None if one.merged_into is None else salesforce_id("001", one.merged_into)
        return {
            "Id": salesforce_id("001", index),
            "Name": one.name,
            "Type": one.type,
            "Industry": one.industry,
            "Rating": one.rating,
            "Phone": one.phone,
            "Website": one.website,
            "AnnualRevenue": one.revenue,
            "NumberOfEmployees": one.employees,
            "Product_Interest__c": (
                interests.sorted_choices(products) if interests and products else None
            ),
            "Customer_Since__c": one.customer_since and one.customer_since.isoformat(),
            "Last_Audit__c": one.last_audit and stamp(one.last_audit),
            "Billing_Email__c": one.billing_email,
            "Description": one.notes,
            "Score__c": self._score(),
            **_address("Billing", one),
            "OwnerId": salesforce_id("005", one.owner_index),
            "IsDeleted": int(one.deleted or merged is not None),
            "MasterRecordId": merged,
            **self._stamped(one),
        }

    def _score(self) -> float | None:
        score = round(self.source.uniform(0, 100), 2)
        return score if self.source.random() < _SCORED else None

    def _contact(self, index: int, one: Contact) -> Row:
        return {
            "Id": salesforce_id("003", index),
            "FirstName": one.first,
            "LastName": one.last,
            "Email": one.email,
            "Phone": one.phone,
            "MobilePhone": one.mobile,
            "Title": one.title,
            "Birthdate": one.birthday and one.birthday.isoformat(),
            "Description": one.notes,
            "AccountId": _parent(one.account_index),
            "OwnerId": salesforce_id("005", one.owner_index),
            "IsDeleted": int(one.deleted),
            **self._stamped(one),
        }

    def _lead(self, index: int, one: Lead) -> Row:
        interests = self.org.schema.typed("Lead").find("Interests__c")
        chosen = ";".join(one.interests)
        row: Row = {
            "Id": salesforce_id("00Q", index),
            "FirstName": one.first,
            "LastName": one.last,
            "Company": one.company,
            "Email": one.email,
            "Phone": one.phone,
            "LeadSource": one.source,
            "Rating": one.rating,
            "Status": one.status,
            "Interests__c": interests.sorted_choices(chosen) if interests and chosen else None,
            "Description": one.notes,
            **_address("", one),
            "OwnerId": salesforce_id("005", one.owner_index),
            "IsDeleted": int(one.deleted),
            **self._stamped(one),
        }
        if one.converted:
            contact = one.converted_contact
            row |= {
                "IsConverted": 1,
                "Status": _CONVERTED,
                "ConvertedDate": one.modified.date().isoformat(),
                "ConvertedAccountId": _parent(one.converted_account),
                "ConvertedContactId": None if contact is None else salesforce_id("003", contact),
            }
        return row

    def _deal(self, index: int, one: Deal) -> Row:
        return {
            "Id": salesforce_id("006", index),
            "Name": one.name,
            "AccountId": _parent(one.account_index),
            "Amount": one.amount,
            "StageName": one.stage,
            "CloseDate": one.close_date.isoformat(),
            "Probability": float(one.probability),
            "NextStep": one.next_step,
            "OwnerId": salesforce_id("005", one.owner_index),
            "IsDeleted": int(one.deleted),
            **self._stamped(one),
        }

    @staticmethod
    def _stamped(one: Account | Contact | Lead | Deal) -> Row:
        return _audit(one.created, one.modified, salesforce_id("005", one.owner_index))

    # Around them

    def _campaign(self) -> Row:
        row: Row = {"Id": salesforce_id("701", 0), "Name": "Spring canvass", "Type": "Other"}
        row |= {"Status": "Planned", "IsActive": 1, "OwnerId": _ADMIN}
        return row | _audit(BEGINNING, BEGINNING, _ADMIN)

    def _visible(self) -> list[int]:
        """Accounts that may have children."""
        rows = self.world.accounts
        return [i for i, one in enumerate(rows) if not one.deleted and one.merged_into is None]

    def _sites(self) -> Iterator[Row]:
        for index, account in enumerate(self._visible()[::20]):
            parent = self.world.accounts[account]
            installed = parent.created.date() + timedelta(days=self.source.randrange(90))
            yield {
                "Id": salesforce_id("a00", index),
                "Name": f"{parent.city} roof {index + 1}",
                "Account__c": salesforce_id("001", account),
                "Status__c": self.source.choice(("Planned", "Active", "Retired")),
                "Installed_On__c": installed.isoformat(),
                "Capacity_kW__c": round(self.source.uniform(2, 400), 3),
                "OwnerId": salesforce_id("005", parent.owner_index),
                **self._stamped(parent),
            }

    def _tasks(self) -> Iterator[Row]:
        for index, account in enumerate(self._visible()[::15]):
            parent = self.world.accounts[account]
            yield {
                "Id": salesforce_id("00T", index),
                "WhatId": salesforce_id("001", account),
                "Subject": self.source.choice(_SUBJECTS),
                "Status": self.source.choice(("Not Started", "Completed", "In Progress")),
                "Priority": self.source.choice(("High", "Normal", "Low")),
                "ActivityDate": parent.modified.date().isoformat(),
                "OwnerId": salesforce_id("005", parent.owner_index),
                **self._stamped(parent),
            }

    def _events(self) -> Iterator[Row]:
        for index, account in enumerate(self._visible()[7::30]):
            parent = self.world.accounts[account]
            start = parent.modified.replace(minute=0, second=0) + timedelta(days=3)
            yield {
                "Id": salesforce_id("00U", index),
                "WhatId": salesforce_id("001", account),
                "Subject": self.source.choice(_VISITS),
                "Location": parent.street,
                "StartDateTime": stamp(start),
                "DurationInMinutes": self.source.choice((30, 60, 90)),
                "ShowAs": "Busy",
                "GroupEventType": "0",
                "OwnerId": salesforce_id("005", parent.owner_index),
                **self._stamped(parent),
            }


def _audit(created: datetime, modified: datetime, user: str) -> Row:
    return {
        "CreatedDate": stamp(created),
        "CreatedById": user,
        "LastModifiedDate": stamp(modified),
        "LastModifiedById": user,
        "SystemModstamp": stamp(modified),
    }


def _parent(account: int | None) -> str | None:
    return None if account is None else salesforce_id("001", account)


def _address(prefix: str, one: Account | Lead) -> Row:
    return {
        f"{prefix}Street": one.street,
        f"{prefix}City": one.city,
        f"{prefix}State": one.state,
        f"{prefix}PostalCode": one.zip,
        f"{prefix}Country": one.country,
        f"{prefix}Latitude": one.lat,
        f"{prefix}Longitude": one.lng,
    }
