"""Many accounts at once, for benches: past validation, in one statement, values that vary."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.population import salesforce_id
from reverse_sf.simulator.salesforce.instants import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.salesforce.org import Org

_TRADES = ("Solar", "Roofing", "Security", "Telecom", "Supply", "Homes", "Foods", "Freight")
_CITIES = (
    ("Austin", "TX", "78701", 30.2672, -97.7431),
    ("Boise", "ID", "83702", 43.6150, -116.2023),
    ("Denver", "CO", "80202", 39.7392, -104.9903),
    ("Fresno", "CA", "93721", 36.7378, -119.7871),
    ("Omaha", "NE", "68102", 41.2565, -95.9345),
    ("Tampa", "FL", "33602", 27.9506, -82.4572),
)
_TYPES = ("Prospect", "Customer", "Prospect", "Customer", "Partner", "Other", "Customer")
_INDUSTRIES = ("Solar", "Roofing", "Security", "Telecommunications", "Other", None)
_RATINGS = ("Hot", "Warm", "Cold", None, "Warm")
_INTERESTS = ("Panels", "Batteries;Inverters", "Panels;Fiber", None, "Alarms", "Panels;Batteries")
_SPAN_SECONDS = 300 * 24 * 3600
_INSTANTS = 4096


def accounts(org: Org, count: int) -> None:
    """Add ``count`` accounts, modified in the 300 days before now."""
    entity = org.schema.typed("Account")
    now = org.clock.now().replace(microsecond=0)
    # Equal stamps are part of the load: there are fewer instants than rows.
    instants = [
        stamp(now - timedelta(seconds=_SPAN_SECONDS * (_INSTANTS - step) // _INSTANTS))
        for step in range(_INSTANTS)
    ]
    with org.store.transaction():
        first = org.store.reserve_numbers(entity.prefix, count)
        users = [row[0] for row in org.store.rows('SELECT "Id" FROM "User" ORDER BY rowid')]
        flags = [f.name for f in entity.stored if f.type == "boolean"]
        names = [*_NAMES, *(name for name in flags if name != "IsDeleted"), "IsDeleted"]
        listed = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join("?" * len(_NAMES)) + ", 0" * len(flags)
        org.store.execute_many(
            f'INSERT INTO "Account" ({listed}) VALUES ({marks})',
            _rows(first, count, users, instants),
        )


_NAMES = (
    *("Id", "Name", "Type", "Industry", "Rating", "Phone", "Website", "AnnualRevenue"),
    *("NumberOfEmployees", "Description", "BillingStreet", "BillingCity", "BillingState"),
    *("BillingPostalCode", "BillingCountry", "BillingLatitude", "BillingLongitude"),
    *("AccountNumber", "Site", "Product_Interest__c", "Customer_Since__c", "Last_Audit__c"),
    *("Billing_Email__c", "Score__c", "OwnerId", "CreatedDate", "CreatedById"),
    *("LastModifiedDate", "LastModifiedById", "SystemModstamp"),
)


def _rows(
    first: int, count: int, users: list[str], instants: list[str]
) -> Iterator[tuple[Any, ...]]:
    owners = users[:12] or users
    for number in range(first, first + count):
        city, state, code, latitude, longitude = _CITIES[number % len(_CITIES)]
        owner = owners[number % len(owners)]
        changed = instants[number * 2654435761 % _INSTANTS]
        trade = _TRADES[number % len(_TRADES)]
        yield (
            salesforce_id("001", number),
            f"{city} {trade} {number}",
            _TYPES[number % len(_TYPES)],
            _INDUSTRIES[number % len(_INDUSTRIES)],
            _RATINGS[number % len(_RATINGS)],
            f"(512) 555-{number % 10000:04d}",
            f"https://{trade.lower()}{number}.example.com",
            float(number * 37 % 9_000_000),
            number % 800 + 1,
            f"Door {number % 40} of the {trade.lower()} round",
            f"{number % 9000 + 1} Main Street",
            city,
            state,
            code,
            "United States",
            latitude,
            longitude,
            f"A-{number}",
            f"Unit {number % 50}",
            _INTERESTS[number % len(_INTERESTS)],
            f"20{number % 20 + 5:02d}-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
            instants[number * 97 % _INSTANTS],
            f"billing{number}@example.com",
            float(number % 9999) / 100,
            owner,
            instants[0],
            owner,
            changed,
            owner,
            changed,
        )
