"""New records that match an existing one of the other side by the rules, beyond the external id.

``reverse-sf link`` compares all records once and leaves an index of their keys in the ledger. From
then on the mapper keeps the index up to date with what the taps tell, in and out of scope, and a
record that it sees for the first time is looked up there before it is created (C.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.matching import LinkReader, Match
from reverse_sf.mapper.subject import event_of
from reverse_sf.mapping.address import ADDRESS_KEY
from reverse_sf.mapping.definition import MatchRule, Side
from reverse_sf.matching.table import MOST_LISTED, Outcome, outcome_of
from reverse_sf.merge.identity import DOUBTS, WAY_OUT
from reverse_sf.merge.lifecycle import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reverse_sf.ledger.rows import KeysOfRecord
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.course import Course
    from reverse_sf.matching.keys import MatchKeys

Values = dict[str, Any]


class Recognition:
    """Recognises the new records of one object mapping.

    Args:
        pair: name of the object mapping.
        keys: makes the keys that the index is made of.
        ledger: holds the index.
        course: the run's direction.
    """

    def __init__(self, pair: str, keys: MatchKeys, ledger: Ledger, course: Course) -> None:
        self._pair = pair
        self._keys = keys
        self._ledger = ledger
        self._course = course
        self._from_salesforce = course.source is Side.SALESFORCE
        names = {name for one in keys.compared for name in self._names(one.kind, one)}
        self._needed = frozenset(names)
        self._alone = ledger.alone(pair, course.source)

    def _names(self, kind: str, rule: Any) -> Sequence[str]:
        if self._from_salesforce:
            named: Sequence[str] = rule.salesforce
            return named
        return (ADDRESS_KEY,) if kind == MatchRule.ADDRESS.value else rule.spotio

    def index(self, observed: Mapping[str, Values]) -> Iterator[KeysOfRecord]:
        """The keys of records as they are now; none for those that are gone or said to be alone."""
        side = self._course.source
        for record_id, values in observed.items():
            if record_id in self._alone or event_of(values) in (Event.DELETED, Event.MERGED):
                yield self._pair, side, record_id, {}
            elif values.keys() >= self._needed:
                yield self._pair, side, record_id, self._of(values)

    def _of(self, values: Values) -> dict[str, tuple[str, ...]]:
        of = self._keys.of_salesforce if self._from_salesforce else self._keys.of_spotio
        return dict(zip(self._keys.rules, of(values), strict=True))

    def find(self, observed: Mapping[str, Values]) -> dict[str, Match]:
        """What new records match, by their ids; those that match nobody are left out."""
        waiting = {
            record_id: self._of(values)
            for record_id, values in observed.items()
            if event_of(values) is Event.PRESENT
        }
        found: dict[str, Match] = {}
        for rule in self._keys.rules:
            hits = self._hits(rule, {one: keys[rule] for one, keys in waiting.items()})
            found.update(self._judged(rule, hits))
            waiting = {one: keys for one, keys in waiting.items() if one not in found}
        return found

    def _hits(self, rule: str, keys: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
        """Candidates by record, by one rule."""
        wanted = sorted({key for of_record in keys.values() for key in of_record})
        known = self._ledger.match_candidates(self._pair, self._course.destination, rule, wanted)
        return {
            one: sorted({each for key in of_record for each in known.get(key, ())})
            for one, of_record in keys.items()
            if any(key in known for key in of_record)
        }

    def _judged(self, rule: str, hits: Mapping[str, list[str]]) -> dict[str, Match]:
        single = {one: found[0] for one, found in hits.items() if len(found) == 1}
        candidates = sorted(set(single.values()))
        rivals = self._rivals(rule, single, candidates)
        links, holders, doubtful = self._links(candidates)
        judged: dict[str, Match] = {}
        for record_id, found in hits.items():
            other = found[0]
            link_id = links.get(other)
            holder = holders.get(link_id or "")
            own = rivals.get(other, set()) - {record_id}
            outcome = outcome_of(
                len(found),
                linked=holder is not None and holder != record_id,
                unique=not own and link_id not in doubtful,
            )
            words = self._words(rule, outcome, found, sorted(own))
            judged[record_id] = Match(other, link_id, holder, rule, outcome, words)
        return judged

    def _rivals(
        self, rule: str, single: Mapping[str, str], candidates: Sequence[str]
    ) -> dict[str, set[str]]:
        """The records of the source that have the same candidate, this batch's too."""
        side = self._course.destination
        known = self._ledger.match_rivals(self._pair, side, rule, candidates)
        rivals = {one: set(own) for one, own in known.items()}
        for record_id, other in single.items():
            rivals.setdefault(other, set()).add(record_id)
        return rivals

    def _links(self, candidates: Sequence[str]) -> tuple[dict[str, str], dict[str, str], set[str]]:
        """Links of the candidates, the source's records that hold them, and links in doubt."""
        ledger: LinkReader = self._ledger
        if self._from_salesforce:
            links = ledger.link_ids_of_spotio(self._pair, candidates)
            holders = ledger.counterparts_in_salesforce(sorted(links.values()))
        else:
            links = ledger.link_ids(self._pair, candidates)
            holders = ledger.counterparts(sorted(links.values()))
        withheld = self._ledger.parked(sorted(links.values()))
        doubtful = {
            link_id
            for link_id, rows in withheld.items()
            if any(one.reason in DOUBTS and not one.key for one in rows)
        }
        return links, holders, doubtful

    def _words(self, rule: str, outcome: Outcome, found: Sequence[str], own: Sequence[str]) -> str:
        name, source = self._course.destination_name, self._course.source_name
        listed = ", ".join(found[:MOST_LISTED])
        if outcome is Outcome.TAKEN:
            why = f"by {rule} it is {name} {listed}, which is linked to another record"
        elif len(found) > 1:
            why = f"by {rule} it may be any of {name} {listed}"
        else:
            rivals = ", ".join(own[:MOST_LISTED])
            also = f", and so is {source} {rivals}" if own else ", which is in doubt itself"
            why = f"by {rule} it is {name} {listed}{also}"
        return f"{why}; {WAY_OUT}"
