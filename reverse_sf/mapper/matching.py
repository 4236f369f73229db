"""Records that the ledger does not know yet, and that name their counterpart by its id (C.4).

SPOTIO keeps the Salesforce Id of a record's counterpart in ``externalDataObjectId``; Salesforce
keeps SPOTIO's id in the external id field that the definition names. Either tells who belongs to
whom, also where a run ended between a create and its outcome. All further ways to match are
``reverse-sf link``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reverse_sf.ledger.rows import LinkState
from reverse_sf.mapper.keys import EXTERNAL_ID_KEY
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Side
from reverse_sf.matching.table import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.ledger.rows import Observed
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.observation import Observation
    from reverse_sf.mapping.definition import ObjectMapping


BY_ID = "external_id"
"""The rule that finds a counterpart because its id is named."""
_OBJECT_OF_PREFIX = {
    "001": "Account",
    "003": "Contact",
    "005": "User",
    "006": "Opportunity",
    "00Q": "Lead",
    "00T": "Task",
    "00U": "Event",
    "500": "Case",
    "701": "Campaign",
}
"""What an Id's first three characters tell of its object, the same in every org (Salesforce help,
"Standard Field Record ID Prefix Decoder"); those of custom objects are each org's own."""


class LinkReader(Protocol):
    """What is asked of the ledger."""

    def observed(self, pair: str, ids: Sequence[str], *, side: Side) -> dict[str, Observed]:
        """Answer what is known of records of a side, by their ids."""

    def link_ids(self, pair: str, salesforce_ids: Sequence[str]) -> dict[str, str]:
        """Answer link ids by Salesforce Id."""

    def link_ids_of_spotio(self, pair: str, spotio_ids: Sequence[str]) -> dict[str, str]:
        """Answer link ids by SPOTIO id."""

    def counterparts(self, link_ids: Sequence[str]) -> dict[str, str]:
        """Answer SPOTIO ids by link id."""

    def counterparts_in_salesforce(self, link_ids: Sequence[str]) -> dict[str, str]:
        """Answer Salesforce Ids by link id."""


@dataclass(frozen=True)
class Match:
    """The counterpart that a record names.

    Attributes:
        other_id: its id in the destination.
        link_id: the link of that counterpart; None where it has none.
        holder: the source's record that has this link already.
        rule: the match rule that found it.
        outcome: what the table of candidates says, where a rule found it.
        words: why it is not linked, for people.
    """

    other_id: str
    link_id: str | None = None
    holder: str | None = None
    rule: str = BY_ID
    outcome: Outcome = Outcome.MATCHED
    words: str = ""

    @property
    def is_free(self) -> bool:
        """Whether the counterpart may be had."""
        return self.outcome is Outcome.MATCHED and self.holder is None


def linked_by(rule: str) -> str:
    """Why a new link is decided again: the rest of it, once the other side was read."""
    return f"linked by {rule}"


def candidates(
    ledger: LinkReader,
    mapping: ObjectMapping,
    values: Mapping[str, Mapping[str, Any]],
    new: Sequence[Observation],
    course: Course,
) -> dict[str, Match]:
    """The counterparts that new records name, by the records' ids.

    One that is known to be gone is left out, for the match rules to go on; whether one that has no
    link is there at all only the target can tell.

    Args:
        ledger: where links are looked up.
        mapping: the object mapping.
        values: what was observed, by id.
        new: the records without a link.
        course: the run's direction.
    """
    from_salesforce = course.source is Side.SALESFORCE
    key = mapping.salesforce_external_id if from_salesforce else EXTERNAL_ID_KEY
    if not key:
        return {}
    named: dict[str, str] = {}
    for seen in new:
        other = _id_in(values[seen.record_id].get(key), from_salesforce=from_salesforce)
        if other is not None and (from_salesforce or _may_be_of(mapping.salesforce, other)):
            named[seen.record_id] = other
    if not named:
        return {}
    wanted = sorted(set(named.values()))
    holders_of = ledger.counterparts_in_salesforce if from_salesforce else ledger.counterparts
    known = ledger.observed(mapping.name, wanted, side=course.destination)
    holders = holders_of(sorted(one.link_id for one in known.values()))
    found: dict[str, Match] = {}
    taken: set[str] = set()
    for record_id, other in named.items():
        link_id = known[other].link_id if other in known else None
        if other in known and _is_gone(known[other], holders):
            continue
        holder = holders.get(link_id) if link_id is not None else None
        if holder is None and other in taken:
            holder = next(one for one, match in found.items() if match.other_id == other)
        taken.add(other)
        found[record_id] = Match(other, link_id, holder)
    return found


def _may_be_of(sobject: str, record_id: str) -> bool:
    """Whether an Id can be one of an object's.

    Where several objects share a record type, its records name a counterpart in one of them.
    """
    return _OBJECT_OF_PREFIX.get(record_id[:3], sobject) == sobject


def _is_gone(known: Observed, holders: Mapping[str, str]) -> bool:
    """Whether a record was deleted, and nothing is linked to it."""
    gone = (LinkState.TOMBSTONE, LinkState.ALIAS)
    return known.state in gone and known.link_id not in holders


def _id_in(value: Any, *, from_salesforce: bool) -> str | None:
    if from_salesforce:
        told: str | None = canon.text(value)
        return told
    return canon.salesforce_id(value)
