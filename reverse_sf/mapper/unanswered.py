"""New records of Salesforce that may be the sync's own creates, of which no answer came.

Without an external id field nothing in Salesforce names the SPOTIO record that one was created
from. A create whose outcome is unknown may have made the very record that the tap tells now, and
creating a counterpart for it would make one thing two records in SPOTIO. So a record that came to
be while such a create was under way joins its link where it holds what the create has sent, and
nothing else could be meant; else it is parked until a person says what it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.encoding import moment
from reverse_sf.mapper.keys import OWNER_KEY, PARENT_KEY
from reverse_sf.mapper.matching import Match
from reverse_sf.mapper.observation import instant
from reverse_sf.mapper.subject import event_of
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import UNSET
from reverse_sf.matching.table import MOST_LISTED, Outcome
from reverse_sf.merge.decide import same
from reverse_sf.merge.identity import WAY_OUT
from reverse_sf.merge.lifecycle import Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.ledger.unanswered import UnansweredCreate
    from reverse_sf.mapper.observation import Observation
    from reverse_sf.mapper.parts import Part
    from reverse_sf.mapping.definition import ObjectMapping

RULE = "unanswered_create"
SKEW = timedelta(minutes=5)
"""So far the clocks of this machine and of Salesforce may be apart."""

Values = dict[str, Any]


class OwnCreates:
    """Recognises the unanswered creates of one object mapping.

    Args:
        mapping: a mapping whose creates toward Salesforce carry no external id.
        parts: its keys.
        ledger: knows the creates.
    """

    def __init__(self, mapping: ObjectMapping, parts: Sequence[Part], ledger: Ledger) -> None:
        self._name = mapping.name
        self._parts = [part for part in parts if part.key not in {OWNER_KEY, PARENT_KEY}]
        self._ledger = ledger

    def find(self, new: Sequence[Observation], values: Mapping[str, Values]) -> dict[str, Match]:
        """What new records of Salesforce may be, by their ids; the others are left out.

        Args:
            new: the records without a link.
            values: what was observed, by id.
        """
        creates = self._ledger.unanswered_creates(self._name) if new else []
        if not creates:
            return {}
        alone = self._ledger.alone(self._name, Side.SALESFORCE)
        maybe: dict[str, list[UnansweredCreate]] = {}
        fitting: dict[str, list[UnansweredCreate]] = {}
        for seen in new:
            possible = [one for one in creates if _is_during(seen, one)]
            if event_of(values[seen.record_id]) is not Event.PRESENT:
                continue
            if possible and seen.record_id not in alone:
                held = values[seen.record_id]
                fitting[seen.record_id] = [one for one in possible if self._fits(one, held)]
                # Of what is gone nobody need decide anything: only its very image is recognised.
                maybe[seen.record_id] = [one for one in possible if not one.source_is_gone]
        claims: dict[str, int] = {}
        for ones in fitting.values():
            for one in ones:
                claims[one.link_id] = claims.get(one.link_id, 0) + 1
        matches = {
            record_id: _only(fitting[record_id], claims) or (_doubt(possible) if possible else None)
            for record_id, possible in maybe.items()
        }
        return {record_id: match for record_id, match in matches.items() if match is not None}

    def may_be_one(self, record_id: str, snapshot: Snapshot) -> str:
        """Why a record whose age is not kept is not created in SPOTIO now; "" where it may be.

        A create of its own that was under way already is not held up: its answer will tell.
        """
        modified_at = snapshot.salesforce_modified_at
        creates = [
            one
            for one in self._ledger.unanswered_creates(self._name)
            if not one.source_is_gone
            and (modified_at is None or modified_at >= _shifted(one.begins, -SKEW))
        ]
        is_held_up = creates and snapshot.open_operation is None
        if not is_held_up or record_id in self._ledger.alone(self._name, Side.SALESFORCE):
            return ""
        return _words(creates)

    def _fits(self, create: UnansweredCreate, values: Values) -> bool:
        """Whether a record holds all that one of the attempts has sent."""
        return any(self._holds(values, sent) for sent in create.records)

    def _holds(self, values: Values, sent: Values) -> bool:
        compared = False
        for part in self._parts:
            names = [part.place] if isinstance(part.place, str) else list(part.place.values())
            if not any(name in sent for name in names):
                continue
            compared = True
            wanted = part.read({**dict.fromkeys(names), **sent})
            held = part.read(values)
            if held is UNSET or not same(held, wanted):
                return False
        return compared


def _is_during(seen: Observation, create: UnansweredCreate) -> bool:
    """Whether a record may have come to be while a create was under way."""
    created_at = instant(seen.created)
    latest = created_at or seen.modified_at
    if latest is not None and latest < _shifted(create.begins, -SKEW):
        return False
    return not (created_at and create.ends) or created_at <= _shifted(create.ends, SKEW)


def _shifted(at: str, by: timedelta) -> str:
    return moment(datetime.fromisoformat(at.replace("Z", "+00:00")) + by)


def _only(fitting: Sequence[UnansweredCreate], claims: Mapping[str, int]) -> Match | None:
    """The one create that a record fits, where no other record fits it."""
    if len(fitting) != 1 or claims[fitting[0].link_id] > 1:
        return None
    return Match(fitting[0].spotio_id, fitting[0].link_id, rule=RULE)


def _doubt(possible: Sequence[UnansweredCreate]) -> Match:
    words = _words(possible)
    return Match(possible[0].spotio_id, rule=RULE, outcome=Outcome.AMBIGUOUS, words=words)


def _words(possible: Sequence[UnansweredCreate]) -> str:
    listed = ", ".join(one.spotio_id for one in possible[:MOST_LISTED])
    return (
        f"it may be what the sync created for SPOTIO {listed}: a create that had no answer;"
        f" {WAY_OUT}"
    )
