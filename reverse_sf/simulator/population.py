"""People, firms and deals of the demo world, as values, and the ids Salesforce knows them by.

Texts are as a person typed them into Salesforce (or, for :class:`SpotioLead`, into SPOTIO). All
instants are UTC. ``oddity`` names what is wrong with a record on purpose, ``""`` where nothing is
(``reverse_sf.simulator.world.ODDITIES``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def salesforce_id(prefix: str, index: int) -> str:
    """The 18-character Salesforce id number ``index`` under a three-character key prefix.

    The last three characters are Salesforce's checksum of the upper-case letters of each five
    (Salesforce help, "Convert 15-character IDs to 18-character IDs").
    """
    digits = ""
    while index:
        index, digit = divmod(index, 62)
        digits = _BASE62[digit] + digits
    short = prefix + digits.rjust(12, "0")
    return short + checksum(short)


def checksum(short: str) -> str:
    """The three characters that make a 15-character id safe where case is lost."""
    return "".join(
        _CHECKSUM[sum(1 << bit for bit in range(5) if short[start + bit].isupper())]
        for start in (0, 5, 10)
    )


@dataclass(frozen=True)
class User:
    """A user; ``matched_by`` says what joins the two sides: ``external_id``, ``email`` or none."""

    email: str
    first: str
    last: str
    profile: str
    role: str
    active: bool
    in_spotio: bool
    matched_by: str

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True)
class Account:
    """A Salesforce Account; some are in SPOTIO already, with or without the same phone."""

    name: str
    type: str
    industry: str | None
    rating: str | None
    phone: str | None
    website: str | None
    revenue: float | None
    employees: int | None
    products: tuple[str, ...]
    customer_since: date | None
    last_audit: datetime | None
    billing_email: str | None
    notes: str | None
    street: str
    city: str
    state: str
    zip: str
    country: str
    lat: float
    lng: float
    owner_index: int
    created: datetime
    modified: datetime
    already_in_spotio: bool = False
    spotio_phone: str | None = None
    deleted: bool = False
    merged_into: int | None = None
    oddity: str = ""


@dataclass(frozen=True)
class Contact:
    """A Salesforce Contact; ``account_index`` None is a private contact."""

    first: str | None
    last: str
    email: str | None
    phone: str | None
    mobile: str | None
    title: str | None
    birthday: date | None
    notes: str | None
    account_index: int | None
    owner_index: int
    created: datetime
    modified: datetime
    deleted: bool = False
    oddity: str = ""


@dataclass(frozen=True)
class Person:
    """What a Lead of either side has in common."""

    first: str | None
    last: str
    company: str
    email: str | None
    phone: str | None
    source: str | None
    rating: str | None
    interests: tuple[str, ...]
    notes: str | None
    street: str
    city: str
    state: str
    zip: str
    country: str
    lat: float
    lng: float
    owner_index: int
    created: datetime
    modified: datetime


@dataclass(frozen=True)
class Lead(Person):
    """A Salesforce Lead."""

    status: str = "Open - Not Contacted"
    converted: bool = False
    converted_account: int | None = None
    converted_contact: int | None = None
    deleted: bool = False
    oddity: str = ""


@dataclass(frozen=True)
class SpotioLead(Person):
    """A Lead born in SPOTIO that Salesforce knows nothing of; ``rating`` is its Temperature."""

    stage: str = "New"
    oddity: str = ""


@dataclass(frozen=True)
class Deal:
    """A Salesforce Opportunity."""

    name: str
    amount: float | None
    stage: str
    close_date: date
    probability: int
    next_step: str | None
    account_index: int | None
    owner_index: int
    created: datetime
    modified: datetime
    deleted: bool = False
    oddity: str = ""
