"""How the demo world is drawn from its seed, with everything odd that it holds on purpose.

Each kind of record has a random source of its own, seeded with text, so that a larger world does
not shuffle another kind's values.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator import vocabulary as words
from reverse_sf.simulator.oddities import (
    BEGINNING,
    DEFAULT_RECORDS,
    EQUAL_TIME,
    IN_SPOTIO,
    ODDITIES,
    OTHER_PHONE,
    OVER_LONG_NOTES,
    PRODUCTS,
    SPOTIO_BORN,
)
from reverse_sf.simulator.population import Account, Contact, Deal, Lead, SpotioLead, User

if TYPE_CHECKING:
    from collections.abc import Sequence

_SALES, _STRANGERS = 10, (12, 13)
_SPAN_MINUTES = 545 * 24 * 60

_ROOTLESS = frozenset({"out_of_scope", "deleted", "merged"})
"""Accounts that get children only where a child's oddity asks for them."""


class Generation:
    """Draws the parts of one world; see :class:`reverse_sf.simulator.world.World`."""

    def __init__(self, seed: int, records: int) -> None:
        self._seed = seed
        self._scale = records / DEFAULT_RECORDS
        self._sizes = {
            "accounts": records * 40 // 100,
            "contacts": records * 33 // 100,
            "leads": records * 20 // 100,
            "spotio_leads": self._scaled(SPOTIO_BORN),
        }
        rest = records - sum(self._sizes[kind] for kind in ("accounts", "contacts", "leads"))
        self._sizes["deals"] = rest

    def users(self) -> tuple[User, ...]:
        """The fifteen users, the same in every world."""
        numbers = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
        sales = [
            _user(f"rep.{number}", "Rep", number.title(), "Sales User", "Sales Rep")
            for number in numbers
        ]
        sales[3] = replace(sales[3], matched_by="email")
        sales[6] = replace(sales[6], matched_by="email")
        strangers = [
            _user(f"rep.{number}", "Rep", number.title(), "Sales User", "Sales Rep", known=False)
            for number in ("eleven", "twelve")
        ]
        return (
            *sales,
            _user("admin.user", "Admin", "User", "System Administrator", "Administrator"),
            _user("ops", "Olga", "Ops", "Sales Manager", "Sales Manager"),
            *strangers,
            _user("integration.user", "Integration", "User", "API Only", "", known=False),
        )

    def accounts(self) -> tuple[Account, ...]:
        """The accounts, with those that are in SPOTIO already."""
        source, oddities = self._source("accounts")
        rows = [self._account(source, number, oddity) for number, oddity in enumerate(oddities)]
        if "merge_winner" in oddities and "merged" in oddities:
            loser, winner = oddities.index("merged"), oddities.index("merge_winner")
            rows[loser] = replace(rows[loser], merged_into=winner, name=rows[winner].name)
        plain = [i for i, row in enumerate(rows) if not row.oddity and row.phone]
        shared = plain[: self._scaled(IN_SPOTIO)]
        for rank, index in enumerate(shared):
            phone = rows[index].phone
            if rank < self._scaled(OTHER_PHONE):
                phone = _phone(source)
            rows[index] = replace(rows[index], already_in_spotio=True, spotio_phone=phone)
        return tuple(rows)

    def _account(self, source: random.Random, number: int, oddity: str) -> Account:
        created, modified = self._times(source)
        name = (
            f"{source.choice(words.FIRM_WORDS)} {source.choice(words.FIRM_TRADES)} "
            f"{source.choice(words.FIRM_FORMS)} {number + 1}"
        )
        row = Account(
            name=name,
            type=source.choice(("Prospect", "Prospect", "Customer")),
            industry=source.choice(("Solar", "Roofing", "Security", "Telecommunications", "Other")),
            rating=source.choice(("Hot", "Warm", "Cold", None)),
            phone=_phone(source),
            website=f"https://www.{name.lower().replace(' ', '').replace('&', '')}.example.com",
            revenue=float(source.randrange(50, 20_000) * 1000) if source.random() < 0.9 else None,  # noqa: PLR2004 a share of the population
            employees=source.choice((0, 3, 8, 25, 60, 140, 900)),
            products=_some(source, PRODUCTS),
            customer_since=_day(source, 2005, 2024),
            last_audit=modified - timedelta(days=source.randrange(1, 90), seconds=17),
            billing_email=f"billing{number + 1}@example.com",
            notes=source.choice(words.NOTES),
            **_place(source),
            owner_index=source.randrange(_SALES),
            created=created,
            modified=modified,
            oddity=oddity,
        )
        return replace(row, **self._account_change(source, row, oddity))

    def _account_change(self, source: random.Random, row: Account, oddity: str) -> dict[str, Any]:
        notes = " ".join([row.notes or ""] * (OVER_LONG_NOTES // len(row.notes or "-") + 1))
        changes: dict[str, dict[str, Any]] = {
            "out_of_scope": {"type": source.choice(("Partner", "Other"))},
            "industry_unmapped": {"industry": "Agriculture"},
            "owner_unknown": {"owner_index": source.choice(_STRANGERS)},
            "invalid_phone": {"phone": "ask at the front desk"},
            "invalid_email": {"billing_email": "o'hara+billing!@example.com"},
            "whitespace": {"website": "   ", "notes": " \t \n "},
            "blank": dict.fromkeys(
                ("industry", "rating", "phone", "website", "revenue", "employees",
                 "customer_since", "last_audit", "billing_email", "notes")
            ) | {"products": ()},
            "accents": {"name": f"{source.choice(words.ACCENTED_FIRMS)} {row.name[-3:].strip()}"},
            "over_long": {"notes": notes[:OVER_LONG_NOTES]},
            "equal_times": {"modified": EQUAL_TIME},
            "deleted": {"deleted": True},
            "merged": {"deleted": True},
        }  # fmt: skip
        return changes.get(oddity, {})

    def contacts(self, accounts: Sequence[Account]) -> tuple[Contact, ...]:
        """The contacts, each with an account in scope unless its oddity says otherwise."""
        source, oddities = self._source("contacts")
        roots, strangers = _roots(accounts)
        rows = []
        for number, oddity in enumerate(oddities):
            created, modified = self._times(source)
            first, last = source.choice(words.FIRST_NAMES), source.choice(words.LAST_NAMES)
            row = Contact(
                first=first,
                last=last,
                email=f"{first.lower()}.{last.lower()}{number + 1}@example.com",
                phone=_phone(source),
                mobile=_phone(source) if source.random() < 0.7 else None,  # noqa: PLR2004 a share of the population
                title=source.choice(words.TITLES),
                birthday=_day(source, 1950, 2002),
                notes=source.choice((None, *words.NOTES)),
                account_index=source.choice(roots) if roots else None,
                owner_index=source.randrange(_SALES),
                created=created,
                modified=modified,
                oddity=oddity,
            )
            accented = source.choice(words.ACCENTED_PEOPLE)
            changes: dict[str, dict[str, Any]] = {
                "account_out_of_scope": {
                    "account_index": source.choice(strangers) if strangers else None
                },
                "no_account": {"account_index": None},
                "owner_unknown": {"owner_index": source.choice(_STRANGERS)},
                "invalid_phone": {"phone": "see notes"},
                "invalid_email": {"email": f"{last.lower()}!{number + 1}@example.com"},
                "blank": dict.fromkeys(
                    ("first", "email", "phone", "mobile", "title", "birthday", "notes")
                ),
                "accents": {"first": accented[0], "last": accented[1]},
                "deleted": {"deleted": True},
            }
            rows.append(replace(row, **changes.get(oddity, {})))
        if "conversion_target" in oddities:
            targets = [i for i, row in enumerate(accounts) if row.oddity == "conversion_target"]
            index = oddities.index("conversion_target")
            rows[index] = replace(rows[index], account_index=targets[0] if targets else None)
        return tuple(rows)

    def leads(self, accounts: Sequence[Account], contacts: Sequence[Contact]) -> tuple[Lead, ...]:
        """Salesforce's leads; the converted one shares its names with what it became."""
        source, oddities = self._source("leads")
        rows = []
        for number, oddity in enumerate(oddities):
            fields = self._person(source, number, "lead")
            accented = source.choice(words.ACCENTED_PEOPLE)
            stranger = source.choice(_STRANGERS)
            row = Lead(
                **fields,
                status=source.choice(
                    ("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted")
                ),
                oddity=oddity,
            )
            changes: dict[str, dict[str, Any]] = {
                "source_unmapped": {"source": "Purchased List"},
                "owner_unknown": {"owner_index": stranger},
                "invalid_phone": {"phone": "555"},
                "invalid_email": {"email": f"lead!{number + 1}@example.com"},
                "whitespace": {"phone": "  ", "notes": " \n "},
                "blank": dict.fromkeys(("first", "email", "phone", "source", "rating", "notes"))
                | {"interests": ()},
                "accents": {"first": accented[0], "last": accented[1]},
                "deleted": {"deleted": True},
                "converted": {"converted": True, "status": "Closed - Converted"},
            }
            rows.append(replace(row, **changes.get(oddity, {})))
        homes = [i for i, row in enumerate(accounts) if row.oddity == "conversion_target"]
        people = [i for i, row in enumerate(contacts) if row.oddity == "conversion_target"]
        if "converted" in oddities and homes and people:
            index, home, person = oddities.index("converted"), homes[0], people[0]
            rows[index] = replace(
                rows[index],
                first=contacts[person].first,
                last=contacts[person].last,
                company=accounts[home].name,
                converted_account=home,
                converted_contact=person,
            )
        return tuple(rows)

    def deals(self, accounts: Sequence[Account]) -> tuple[Deal, ...]:
        """The opportunities."""
        source, oddities = self._source("deals")
        roots, strangers = _roots(accounts)
        chances = {
            "Prospecting": 10,
            "Proposal/Price Quote": 50,
            "Negotiation/Review": 80,
            "Closed Won": 100,
            "Closed Lost": 0,
        }
        rows = []
        for number, oddity in enumerate(oddities):
            created, modified = self._times(source)
            stage = source.choice(tuple(chances))
            row = Deal(
                name=f"{source.choice(PRODUCTS)} {source.choice(words.FIRM_WORDS)} {number + 1}",
                amount=float(source.randrange(20, 4000) * 25) + source.choice((0.0, 0.5, 0.99)),
                stage=stage,
                close_date=created.date() + timedelta(days=source.randrange(10, 200)),
                probability=chances[stage],
                next_step=source.choice((None, *words.NEXT_STEPS)),
                account_index=source.choice(roots) if roots else None,
                owner_index=source.randrange(_SALES),
                created=created,
                modified=modified,
                oddity=oddity,
            )
            changes: dict[str, dict[str, Any]] = {
                "account_out_of_scope": {
                    "account_index": source.choice(strangers) if strangers else None
                },
                "no_account": {"account_index": None},
                "deleted": {"deleted": True},
            }
            rows.append(replace(row, **changes.get(oddity, {})))
        return tuple(rows)

    def spotio_leads(self) -> tuple[SpotioLead, ...]:
        """Leads that were born in SPOTIO."""
        source, oddities = self._source("spotio_leads")
        rows = []
        for number, oddity in enumerate(oddities):
            fields = self._person(source, number, "door")
            fields["source"] = "Door Knock"
            accented = source.choice(words.ACCENTED_PEOPLE)
            row = SpotioLead(
                **fields,
                stage=source.choice(("New", "Working", "Nurturing", "Qualified")),
                oddity=oddity,
            )
            changes: dict[str, dict[str, Any]] = {
                "over_long": {"last": "-".join([row.last] * (100 // len(row.last) + 1))},
                "accents": {"first": accented[0], "last": accented[1]},
                "blank": dict.fromkeys(("first", "email", "rating", "notes")) | {"interests": ()},
            }
            rows.append(replace(row, **changes.get(oddity, {})))
        return tuple(rows)

    def _person(self, source: random.Random, number: int, word: str) -> dict[str, Any]:
        created, modified = self._times(source)
        first, last = source.choice(words.FIRST_NAMES), source.choice(words.LAST_NAMES)
        return {
            "first": first,
            "last": last,
            "company": f"{source.choice(words.FIRM_WORDS)} {source.choice(words.FIRM_TRADES)}",
            "email": f"{word}{number + 1}.{last.lower()}@example.com",
            "phone": _phone(source),
            "source": source.choice(("Web", "Partner Referral", "Door Knock", "Event", "Other")),
            "rating": source.choice(("Hot", "Warm", "Cold", None)),
            "interests": _some(source, PRODUCTS),
            "notes": source.choice((None, *words.NOTES)),
            **_place(source),
            "owner_index": source.randrange(_SALES),
            "created": created,
            "modified": modified,
        }

    def _source(self, kind: str) -> tuple[random.Random, list[str]]:
        """The random source of a kind and the oddity of each of its records, spread evenly."""
        source = random.Random(f"{self._seed}/{kind}")  # noqa: S311 a repeatable world, no secret
        size = self._sizes[kind]
        wanted = ODDITIES[kind]
        if size < 2 * len(wanted):
            return source, [""] * size
        marks = [
            oddity
            for oddity, number in wanted.items()
            for _ in range(number if number == 1 else self._scaled(number))
        ]
        marks += [""] * (size - len(marks))
        source.shuffle(marks)
        return source, marks

    def _scaled(self, number: int) -> int:
        return max(1, round(number * self._scale)) if self._scale else 0

    @staticmethod
    def _times(source: random.Random) -> tuple[datetime, datetime]:
        created = BEGINNING + timedelta(minutes=source.randrange(_SPAN_MINUTES), seconds=11)
        left = BEGINNING + timedelta(minutes=_SPAN_MINUTES) - created
        later = timedelta(seconds=source.randrange(60, 60 + int(left.total_seconds())))
        return created, created + later


def _user(
    login: str, first: str, last: str, profile: str, role: str, *, known: bool = True
) -> User:
    return User(
        email=f"{login}@example.com",
        first=first,
        last=last,
        profile=profile,
        role=role,
        active=True,
        in_spotio=known,
        matched_by="external_id" if known else "",
    )


def _roots(accounts: Sequence[Account]) -> tuple[list[int], list[int]]:
    """Accounts that may have children, and those that are out of scope."""
    roots = [i for i, row in enumerate(accounts) if row.oddity not in _ROOTLESS]
    return roots, [i for i, row in enumerate(accounts) if row.oddity == "out_of_scope"]


def _phone(source: random.Random) -> str:
    """A North American number with a fictitious exchange (555)."""
    return (
        f"({source.choice(('512', '303', '602', '919', '614'))}) 555-{source.randrange(10_000):04d}"
    )


def _some(source: random.Random, options: Sequence[str]) -> tuple[str, ...]:
    return tuple(option for option in options if source.random() < 0.4)  # noqa: PLR2004 a share of the population


def _day(source: random.Random, first: int, last: int) -> date:
    return date(first, 1, 1) + timedelta(days=source.randrange((last - first) * 365))


def _place(source: random.Random) -> dict[str, Any]:
    city = source.choice(words.CITIES)
    number, direction = source.randrange(100, 9900), source.choice(words.DIRECTIONS)
    return {
        "street": f"{number} {direction}{source.choice(words.STREETS)}",
        "city": city.name,
        "state": city.state,
        "zip": source.choice(city.zips),
        "country": "United States",
        "lat": round(city.latitude + source.uniform(-0.06, 0.06), 6),
        "lng": round(city.longitude + source.uniform(-0.06, 0.06), 6),
    }
