"""Which new records have a counterpart already: by an id, by a create of ours, or by the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.matching import Match, candidates
from reverse_sf.matching.table import Outcome
from reverse_sf.merge.identity import WAY_OUT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.batch import Batch
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.observation import Observation
    from reverse_sf.mapper.streams import MappedPair


def counterparts_of(
    new: Sequence[Observation],
    values: dict[str, dict[str, Any]],
    mapped: MappedPair,
    batch: Batch,
    *,
    ledger: Ledger,
    course: Course,
) -> dict[str, Match]:
    """The counterparts of new records, by the ids they carry and then by the match rules.

    Args:
        new: the records.
        values: what was observed, by id.
        mapped: the pair.
        batch: where the keys of the records go, if the pair has an index of them.
        ledger: what has happened.
        course: the run's direction.
    """
    known = candidates(ledger, mapped.pair.mapping, values, new, course)
    if mapped.own_creates is not None:
        unnamed = [seen for seen in new if seen.record_id not in known]
        known.update(mapped.own_creates.find(unnamed, values))
    if mapped.recognition is not None:
        unknown = [seen.record_id for seen in new if seen.record_id not in known]
        named = {one.other_id for one in known.values() if one.link_id is None}
        found = mapped.recognition.find({one: values[one] for one in unknown})
        known.update((one, _left(match, named)) for one, match in found.items())
        batch.decisions.match_keys.extend(mapped.recognition.index(values))
    return known


def _left(match: Match, named: Collection[str]) -> Match:
    """What a rule has found, as far as no other record of the batch names that very record."""
    if match.link_id is not None or match.other_id not in named or not match.is_free:
        return match
    words = f"by {match.rule} it is {match.other_id}, which another new record names; {WAY_OUT}"
    return Match(match.other_id, rule=match.rule, outcome=Outcome.AMBIGUOUS, words=words)
