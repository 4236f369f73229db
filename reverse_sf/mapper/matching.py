"""Records that the ledger does not know yet, and that name their counterpart by its id (C.4).

SPOTIO keeps the Salesforce Id of a record's counterpart in ``externalDataObjectId``; Salesforce
keeps SPOTIO's id in the external id field that the definition names. Either tells who belongs to
whom, also where a run ended between a create and its outcome. All further ways to match are
``reverse-sf link``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reverse_sf.mapper.keys import EXTERNAL_ID_KEY
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Side
from reverse_sf.matching.table import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.observation import Observation
    from reverse_sf.mapping.definition import ObjectMapping


class LinkReader(Protocol):
    """What is asked of the ledger."""

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
    rule: str = "external_id"
    outcome: Outcome = Outcome.MATCHED
    words: str = ""

    @property
    def is_free(self) -> bool:
        """Whether the counterpart may be had."""
        return self.outcome is Outcome.MATCHED and self.holder is None


def candidates(
    ledger: LinkReader,
    mapping: ObjectMapping,
    values: Mapping[str, Mapping[str, Any]],
    new: Sequence[Observation],
    course: Course,
) -> dict[str, Match]:
    """The counterparts that new records name, by the records' ids.

    Toward SPOTIO a counterpart without a link is left out: the create looks for it itself.

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
        if other is not None:
            named[seen.record_id] = other
    if not named:
        return {}
    wanted = sorted(set(named.values()))
    if from_salesforce:
        links = ledger.link_ids_of_spotio(mapping.name, wanted)
        holders = ledger.counterparts_in_salesforce(sorted(links.values()))
    else:
        links = ledger.link_ids(mapping.name, wanted)
        holders = ledger.counterparts(sorted(links.values()))
    found: dict[str, Match] = {}
    taken: set[str] = set()
    for record_id, other in named.items():
        link_id = links.get(other)
        if link_id is None and from_salesforce:
            continue
        holder = holders.get(link_id) if link_id is not None else None
        if holder is None and other in taken:
            holder = next(one for one, match in found.items() if match.other_id == other)
        taken.add(other)
        found[record_id] = Match(other, link_id, holder)
    return found


def _id_in(value: Any, *, from_salesforce: bool) -> str | None:
    if from_salesforce:
        told: str | None = canon.text(value)
        return told
    return canon.salesforce_id(value)
