"""The demo world: one field-sales company, as both local servers know it.

Everything follows from the seed; nothing depends on hashing, dictionary order or the time of day.
What a sync must survive is in the world on purpose: every record that carries such an oddity
names it in ``oddity``, and :meth:`World.odd` finds them. :data:`ODDITIES` says how many there are
in the default world of 2,600 records; other sizes have proportionally many, at least one of each
where the size allows.

Indices are stable names: account ``i`` is ``salesforce_id("001", i)`` in Salesforce, contact ``i``
``salesforce_id("003", i)``, lead ``i`` ``salesforce_id("00Q", i)``, deal ``i``
``salesforce_id("006", i)``, user ``i`` ``salesforce_id("005", i)``.
"""

from __future__ import annotations

from dataclasses import dataclass

from reverse_sf.simulator import generation
from reverse_sf.simulator.oddities import (
    DEFAULT_RECORDS,
    EQUAL_TIME,
    ODDITIES,
    OVER_LONG_NOTES,
    PRODUCTS,
)
from reverse_sf.simulator.population import (
    Account,
    Contact,
    Deal,
    Lead,
    SpotioLead,
    User,
    checksum,
    salesforce_id,
)

__all__ = [
    "DEFAULT_RECORDS",
    "EQUAL_TIME",
    "ODDITIES",
    "OVER_LONG_NOTES",
    "PRODUCTS",
    "Account",
    "Contact",
    "Deal",
    "Lead",
    "SpotioLead",
    "User",
    "World",
    "checksum",
    "salesforce_id",
]


@dataclass(frozen=True)
class World:
    """Everything both servers are seeded from.

    Attributes:
        users: 0 to 9 are sales people, 10 the administrator, 11 the manager ``ops``: these are on
            both sides. 12 and 13 are only in Salesforce; 14 is Salesforce's integration user.
        spotio_leads: Leads born in SPOTIO that Salesforce knows nothing of.
    """

    seed: int
    users: tuple[User, ...]
    accounts: tuple[Account, ...]
    contacts: tuple[Contact, ...]
    leads: tuple[Lead, ...]
    deals: tuple[Deal, ...]
    spotio_leads: tuple[SpotioLead, ...]

    @classmethod
    def generate(cls, seed: int = 1, records: int = DEFAULT_RECORDS) -> World:
        """Make the world of about ``records`` Salesforce records.

        40 % are accounts, 33 % contacts, 20 % leads and 7 % deals; the users come on top, and with
        0 records they are all there is.
        """
        parts = generation.Generation(seed, records)
        accounts = parts.accounts()
        contacts = parts.contacts(accounts)
        return cls(
            seed=seed,
            users=parts.users(),
            accounts=accounts,
            contacts=contacts,
            leads=parts.leads(accounts, contacts),
            deals=parts.deals(accounts),
            spotio_leads=parts.spotio_leads(),
        )

    def odd(self, kind: str, oddity: str) -> list[int]:
        """Indices of the records of ``kind`` (a key of :data:`ODDITIES`) with that oddity."""
        return [index for index, row in enumerate(getattr(self, kind)) if row.oddity == oddity]
