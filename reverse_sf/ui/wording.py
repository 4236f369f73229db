"""How the page calls directions, rules and those who can help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping.definition import Direction, Side, SyncRule

if TYPE_CHECKING:
    from reverse_sf.cli.remedies import Remedy

WAYS = {
    Direction.TO_SPOTIO: "Salesforce to SPOTIO",
    Direction.TO_SALESFORCE: "SPOTIO to Salesforce",
}
TOWARD = {Direction.TO_SPOTIO: "SPOTIO", Direction.TO_SALESFORCE: "Salesforce"}
SIDES = {Side.SALESFORCE: "Salesforce", Side.SPOTIO: "SPOTIO"}
NOTHING = "\N{MULTIPLICATION X}"
RULES = {
    SyncRule.SALESFORCE_ONLY: ("←", "Salesforce only", "Salesforce's value always wins"),
    SyncRule.SALESFORCE_UNLESS_BLANK: (
        "⇠",
        "Salesforce unless blank",
        "Salesforce's value wins; where it is blank, SPOTIO's fills it",
    ),
    SyncRule.TWO_WAY: ("↔", "Two-way", "the most recent change wins"),
    SyncRule.UNION: ("⇔", "Union", "what either side adds or takes away counts for both"),
    SyncRule.SPOTIO_ONLY: ("→", "SPOTIO only", "SPOTIO's value always wins"),
    SyncRule.SPOTIO_UNLESS_BLANK: (
        "⇢",
        "SPOTIO unless blank",
        "SPOTIO's value wins; where it is blank, Salesforce's fills it",
    ),
    SyncRule.MANUAL: ("⇎", "Manual", "where both sides changed it, a person chooses"),
    SyncRule.DO_NOT_SYNC: (NOTHING, "Do not sync", "the pair is written down, nothing is sent"),
}
"""An arrow as the mapping is drawn (SPOTIO on the left), a name, and what the rule means."""


def who(remedy: Remedy | None) -> str:
    """Who can help, as the beginning of a sentence."""
    if remedy is None:
        return ""
    return remedy.who[:1].upper() + remedy.who[1:]
