"""From a record without a counterpart to its creation, or to the reason why it is not created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.errors import StopError
from reverse_sf.ledger.rows import Link, LinkState, Snapshot
from reverse_sf.mapper.comparison import OLDER
from reverse_sf.mapper.matching import BY_ID, linked_by
from reverse_sf.mapper.relations import (
    MOST_REMEMBERED,
    WAITING_FOR_PARENT,
    Parent,
    absence_of,
    parent_id_in,
)
from reverse_sf.mapper.subject import Subject, event_of
from reverse_sf.mapper.withheld import BARRED
from reverse_sf.mapping.definition import History
from reverse_sf.mapping.match_rules import compared_rules
from reverse_sf.matching.table import Outcome
from reverse_sf.merge.envelope import Action
from reverse_sf.merge.guards import unmatched
from reverse_sf.merge.identity import ALREADY_LINKED, AMBIGUOUS, WAY_OUT, link_id_of
from reverse_sf.merge.lifecycle import Event

if TYPE_CHECKING:
    from reverse_sf.mapper.batch import Batch, Tally
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.draft import Prior
    from reverse_sf.mapper.entries import Entries
    from reverse_sf.mapper.fields import FieldDecisions
    from reverse_sf.mapper.matching import Match
    from reverse_sf.mapper.observation import Observation
    from reverse_sf.mapper.relations import Parents
    from reverse_sf.mapper.unanswered import OwnCreates
    from reverse_sf.mapping.pair import PairConverter


_NEVER_CREATED = "not linked, and create is false"


class Newcomers:
    """Decides the records of one object mapping that have no counterpart yet.

    Args:
        pair: the compiled mapping.
        fields: decides its fields.
        parents: parents of the batch, where the mapping has a parent.
        entries: writes down what is decided.
        course: the run's direction.
        tally: where reasons are counted.
        out_of_scope: the records of this mapping that were left out, with the reason.
        activation: with ``future_only``, the moment from which records count.
        is_matched: the records of both sides were matched, or need not be.
        own_creates: knows the creates that had no answer, where no external id would tell.
    """

    def __init__(
        self,
        pair: PairConverter,
        fields: FieldDecisions,
        parents: Parents | None,
        *,
        entries: Entries,
        course: Course,
        tally: Tally,
        out_of_scope: dict[str, str],
        activation: str | None,
        is_matched: bool,
        own_creates: OwnCreates | None = None,
    ) -> None:
        self._mapping = pair.mapping
        self._name = pair.mapping.name
        self._fields = fields
        self._parents = parents
        self._entries = entries
        self._course = course
        self._tally = tally
        self._out_of_scope = out_of_scope
        self._activation = activation
        self._is_matched = is_matched
        self._own_creates = own_creates
        self._in_scope = course.in_scope(pair)
        self._left_out: dict[str, str] = {}
        """When records were modified that this run left out: what comes late is older."""

    def first_sight(self, seen: Observation, values: dict[str, Any], batch: Batch) -> bool:
        """Decide a record that has no link yet; answer whether it has one now."""
        if (seen.modified_at or "") < self._left_out.get(seen.record_id, ""):
            self._tally.add(self._name, "skipped", OLDER)
            return False
        event = event_of(values)
        if event is not Event.PRESENT:
            word = "converted" if event is Event.CONVERTED else "deleted"
            self._tally.add(self._name, "skipped", word)
            return self._remember(seen, values, batch)
        refusal = self._in_scope.refusal(values)
        if refusal is not None:
            if len(self._out_of_scope) < MOST_REMEMBERED:
                self._out_of_scope[seen.record_id] = refusal
                self._left_out[seen.record_id] = seen.modified_at or ""
            self._tally.add(self._name, "skipped", f"out of scope: {refusal}")
            return False
        if self._is_past(seen.modified_at):
            self._tally.add(self._name, "skipped", "history: not modified since activation")
            return False
        if not self._course.settings(self._mapping).create:
            self._tally.add(self._name, "skipped", _NEVER_CREATED)
            return False
        subject = self._subject(seen, values)
        batch.decisions.links.append(self._new_link(subject))
        self.create(subject, None, batch)
        return True

    def _remember(self, seen: Observation, values: dict[str, Any], batch: Batch) -> bool:
        """Keep a record that is gone: what comes late of it from before must not be created."""
        if not self._course.settings(self._mapping).create:
            return False
        subject = self._subject(seen, values)
        batch.decisions.links.append(self._new_link(subject, state=LinkState.TOMBSTONE))
        self._entries.image(subject, batch, deleted=True)
        return True

    def meets(self, seen: Observation, values: dict[str, Any], match: Match, batch: Batch) -> None:
        """Decide an unlinked record with a counterpart that has no link either."""
        if (
            event_of(values) is not Event.PRESENT
            or not self._in_scope(values)
            or self._is_past(seen.modified_at)
        ):
            self.first_sight(seen, values, batch)
            return
        subject = self._subject(seen, values)
        # What is only named may not be there: the target makes it a link.
        state = LinkState.PENDING if match.rule == BY_ID else LinkState.LINKED
        link = self._new_link(subject, match.other_id, state)
        self._link(subject, link, match.rule, batch)
        self._entries.image(subject, batch)

    def matched(self, subject: Subject, prior: Prior, match: Match, batch: Batch) -> None:
        """Decide once more, by the match rules, a record that has named one that is not there."""
        link = prior.snapshot.link
        if not self._in_scope(subject.values) or event_of(subject.values) is not Event.PRESENT:
            return
        if match.is_free and match.link_id is None:
            joined = self._course.link(
                self._name, link.link_id, subject.source_id, match.other_id, LinkState.LINKED
            )
            joined.origin = link.origin
            self._link(subject, joined, match.rule, batch)
            return
        words = match.words or (
            f"by {match.rule} it is {self._course.destination_name} {match.other_id}, which waits"
            f" for a counterpart of its own; {WAY_OUT}"
        )
        self._entries.park(subject, ("", AMBIGUOUS, words), batch)

    def _link(self, subject: Subject, link: Link, rule: str, batch: Batch) -> None:
        batch.decisions.links.append(link)
        draft = self._fields.linked(subject.source_id, subject.values, rule)
        draft.named = link.state is LinkState.PENDING
        snapshot = Snapshot(link=link)
        self._entries.issue(Action.LINK, subject, draft, batch, snapshot=snapshot)
        # What the link does not write is decided once the target has read the other side.
        batch.decisions.flagged.append((subject.link_id, linked_by(rule)))
        self._tally.add(self._name, "decided_link")

    def doubted(
        self, seen: Observation, values: dict[str, Any], match: Match, batch: Batch
    ) -> None:
        """Park a record whose counterpart belongs to another link, or is one of several."""
        if event_of(values) is not Event.PRESENT or not self._in_scope(values):
            self.first_sight(seen, values, batch)
            return
        subject = self._subject(seen, values)
        batch.decisions.links.append(self._new_link(subject))
        self._doubt(subject, match, batch)
        self._entries.image(subject, batch)

    def returned(self, subject: Subject, link: Link, match: Match, batch: Batch) -> None:
        """Decide a record that was gone before it had a counterpart, is back, and matches one."""
        if match.is_free:
            state = LinkState.PENDING if match.rule == BY_ID else LinkState.LINKED
            joined = self._course.link(
                self._name, link.link_id, subject.source_id, match.other_id, state
            )
            self._link(subject, joined, match.rule, batch)
        else:
            self._entries.restate(link, LinkState.PENDING, batch)
            self._doubt(subject, match, batch)
        self._entries.image(subject, batch)

    def _doubt(self, subject: Subject, match: Match, batch: Batch) -> None:
        name = self._course.destination_name
        words = match.words or (
            f"it names a record of {name} that is linked to {match.holder} already; unlink or"
            " merge one of them"
        )
        reason = AMBIGUOUS if match.outcome is Outcome.AMBIGUOUS else ALREADY_LINKED
        self._entries.park(subject, ("", reason, words), batch)

    def _subject(self, seen: Observation, values: dict[str, Any]) -> Subject:
        return Subject(
            link_id_of(self._name, seen.record_id, self._course.source),
            seen.record_id,
            values,
            seen.digest,
            seen.modified_at,
        )

    def _new_link(
        self, subject: Subject, other_id: str | None = None, state: LinkState = LinkState.PENDING
    ) -> Link:
        return self._course.link(self._name, subject.link_id, subject.source_id, other_id, state)

    def create(
        self,
        subject: Subject,
        snapshot: Snapshot | None,
        batch: Batch,
        parked: frozenset[str] = frozenset(),
    ) -> frozenset[str]:
        """Create the counterpart, or say why not; answer the parked keys that this settles."""
        barred = self._barred(parked)
        if barred is not None:
            self._tally.add(self._name, "skipped", barred)
            return frozenset()
        if not self._is_matched:
            raise StopError(str(unmatched(self._name, compared_rules(self._mapping))))
        # A new record was looked at with its age; one that was held back may be a create still.
        if self._own_creates is not None and snapshot is not None:
            words = self._own_creates.may_be_one(subject.source_id, snapshot)
            if words:
                why = ("", AMBIGUOUS, words)
                return self._hold_back(subject, snapshot, why, batch, parked=parked)
        parent = self.parent_of(subject.values)
        absence = absence_of(parent)
        # A parent that nobody has seen yet may still come in this run; not so when replanning.
        if parent is not None and absence and (parent.withheld or not subject.is_new):
            why = ("", WAITING_FOR_PARENT, absence)
            return self._hold_back(subject, snapshot, why, batch, parked=parked, parent=parent)
        draft = self._fields.created(subject.source_id, subject.values, parent)
        if draft.refusal is not None:
            return self._hold_back(subject, snapshot, draft.refusal, batch, parked=parked)
        for withheld in draft.parked:
            self._entries.park(subject, withheld, batch)
        if self._course.is_answered(self._mapping):
            self._fields.mark_adopting(draft)
        self._entries.issue(
            Action.CREATE,
            subject,
            draft,
            batch,
            snapshot=snapshot,
            waiting_for=parent.link_id
            if parent is not None and not parent.destination_id
            else None,
        )
        self._tally.add(self._name, "decided_create")
        if snapshot is None:
            self._entries.image(subject, batch)
        return parked - {key for key, _, _ in draft.parked} - draft.source.keys() - {""}

    def _barred(self, parked: frozenset[str]) -> str | None:
        """Why a record is not created, whatever it holds and whatever its link once knew."""
        if not self._course.settings(self._mapping).create:
            return _NEVER_CREATED
        return "several records match: reverse-sf link" if BARRED in parked else None

    def _hold_back(
        self,
        subject: Subject,
        snapshot: Snapshot | None,
        withheld: tuple[str, str, str],
        batch: Batch,
        *,
        parked: frozenset[str],
        parent: Parent | None = None,
    ) -> frozenset[str]:
        """Park the whole record; answer the parked keys that are settled by it."""
        self._entries.park(subject, withheld, batch, parent)
        if snapshot is None:
            self._entries.image(subject, batch)
        else:
            self._entries.supersede(snapshot, batch)
        return parked - {""}

    def parent_of(self, values: dict[str, Any]) -> Parent | None:
        """The parent that a record names, where the mapping has one."""
        if self._parents is None or self._mapping.parent is None:
            return None
        source_id = parent_id_in(values, self._mapping.parent.salesforce, self._course)
        return self._parents.of(source_id) if source_id else None

    def _is_past(self, modified_at: str | None) -> bool:
        return (
            self._course.settings(self._mapping).history is History.FUTURE_ONLY
            and self._activation is not None
            and modified_at is not None
            and modified_at <= self._activation
        )
