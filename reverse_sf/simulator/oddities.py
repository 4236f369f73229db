"""What is in the demo world on purpose, and how often: the promises that tests may count on."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_RECORDS = 2600
PRODUCTS = ("Panels", "Batteries", "Inverters", "Alarms", "Fiber")
BEGINNING = datetime(2024, 1, 1, 8, 0, tzinfo=timezone.utc)
"""All times of the world lie in the eighteen months from here."""
EQUAL_TIME = datetime(2025, 5, 6, 11, 56, 44, tzinfo=timezone.utc)
"""When all ``equal_times`` accounts were modified."""
OVER_LONG_NOTES = 24_000
"""Characters of the notes of an ``over_long`` account: more than SPOTIO's MultiLine takes."""
IN_SPOTIO, OTHER_PHONE, SPOTIO_BORN = 120, 20, 80
"""In the default world: accounts in both systems, those with two phones, and SPOTIO's own leads."""

ODDITIES: Mapping[str, Mapping[str, int]] = {
    "accounts": {
        "out_of_scope": 100,  # Type Partner or Other
        "industry_unmapped": 6,  # Industry Agriculture
        "owner_unknown": 8,  # owned by a user who is not in SPOTIO
        "invalid_phone": 3,  # a phone that SPOTIO refuses and Salesforce takes
        "invalid_email": 2,  # an e-mail that SPOTIO refuses and Salesforce takes
        "whitespace": 4,  # website and notes of white space only
        "blank": 6,  # every optional field blank
        "accents": 3,
        "over_long": 2,  # notes beyond SPOTIO's limit for MultiLine
        "equal_times": 25,  # all modified in the same second
        "deleted": 6,  # in Salesforce's recycle bin
        "merged": 1,  # lost a merge; merged_into is the winner's index
        "merge_winner": 1,
        "conversion_target": 1,  # the converted lead became this account
    },
    "contacts": {
        "account_out_of_scope": 12,
        "no_account": 5,
        "owner_unknown": 4,
        "invalid_phone": 2,
        "invalid_email": 2,
        "blank": 5,
        "accents": 4,
        "deleted": 4,
        "conversion_target": 1,  # the converted lead became this contact
    },
    "leads": {
        "source_unmapped": 5,  # LeadSource Purchased List
        "owner_unknown": 5,
        "invalid_phone": 2,
        "invalid_email": 2,
        "whitespace": 3,  # notes and phone of white space only
        "blank": 4,
        "accents": 4,
        "deleted": 3,
        "converted": 1,  # became an account and a contact
    },
    "deals": {"account_out_of_scope": 3, "no_account": 2, "deleted": 2},
    "spotio_leads": {
        "over_long": 2,  # last name beyond Salesforce's 80 characters
        "accents": 2,
        "blank": 3,
    },
}
"""Oddity to how many records of the default world carry it."""
