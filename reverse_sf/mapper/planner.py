"""From what is known of a linked record to the write that is due, or to the reason why none is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.ledger.rows import AwaitedOwner, Link, LinkState, Snapshot
from reverse_sf.mapper.draft import Draft, Prior
from reverse_sf.mapper.entries import Entries
from reverse_sf.mapper.keys import EXTERNAL_ID_KEY, PARENT_KEY
from reverse_sf.mapper.matching import BY_ID, linked_by
from reverse_sf.mapper.newcomers import Newcomers
from reverse_sf.mapper.relations import WAITING_FOR_PARENT, absence_of
from reverse_sf.mapper.restoring import End
from reverse_sf.mapper.subject import Subject, event_of, standing_of
from reverse_sf.mapper.withheld import BARRED, PUT_OFF
from reverse_sf.merge.envelope import Action
from reverse_sf.merge.lifecycle import Act, Event, RecordFacts, Standing, record_decision

if TYPE_CHECKING:
    from reverse_sf.mapper.batch import Batch, Tally
    from reverse_sf.mapper.conversion import Conversion
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.fields import FieldDecisions
    from reverse_sf.mapper.relations import Parents
    from reverse_sf.mapper.unanswered import OwnCreates
    from reverse_sf.mapping.pair import PairConverter
    from reverse_sf.merge.lifecycle import RecordDecision

_ORDINARY = record_decision(RecordFacts(standing=Standing.LINKED))
"""What nearly every record comes to: linked, there, and in scope."""


class Planner:
    """Decides the records of one object mapping.

    Args:
        pair: the compiled mapping.
        fields: decides its fields.
        parents: parents of the batch, where the mapping has a parent.
        course: the run's direction.
        tally: where reasons are counted.
        out_of_scope: the records of this mapping that were left out, with the reason.
        activation: with ``future_only``, the moment from which records count.
        is_matched: the records of both sides were matched, or need not be.
        conversion: where the link of a converted lead moves to.
        own_creates: knows the creates that had no answer, where no external id would tell.
    """

    def __init__(
        self,
        pair: PairConverter,
        fields: FieldDecisions,
        parents: Parents | None,
        *,
        course: Course,
        tally: Tally,
        out_of_scope: dict[str, str],
        activation: str | None,
        is_matched: bool = True,
        conversion: Conversion | None = None,
        own_creates: OwnCreates | None = None,
    ) -> None:
        self.conversion = conversion
        self.pair = pair
        self.deletes: list[str] = []
        """Links whose counterpart is to be deleted, once the run's guard has counted them."""
        self.updates = 0
        """Records updated by this run that had a base: they have changed since."""
        self._mapping = pair.mapping
        self._name = pair.mapping.name
        self._course = course
        self._tally = tally
        self._fields = fields
        self._entries = Entries(pair, tally, course)
        self._in_scope = course.in_scope(pair)
        self.newcomers = Newcomers(
            pair,
            fields,
            parents,
            entries=self._entries,
            course=course,
            tally=tally,
            out_of_scope=out_of_scope,
            activation=activation,
            is_matched=is_matched,
            own_creates=own_creates,
        )
        self._flags_back = course.is_answered(pair.mapping)

    def again(
        self,
        prior: Prior,
        subject: Subject,
        batch: Batch,
        *,
        winner: str | None = None,
        deletes_allowed: bool = False,
    ) -> bool:
        """Decide a record that has a link; answer whether the link moved to another record.

        Args:
            prior: what the ledger knows of the link.
            subject: the record's values, new or as stored.
            batch: where decisions go.
            winner: link id of the winner, where the record lost a merge and the winner has a link.
            deletes_allowed: the run's guard has passed the deletes.
        """
        snapshot = prior.snapshot
        refusal, event, decision = self._as_a_whole(snapshot, subject, winner)
        link = snapshot.link
        settled = parked = prior.withheld.here
        act = decision.act
        if act is Act.CREATE:
            # Of one that was gone nobody takes a counterpart for free; this one is back.
            self._entries.restate(link, LinkState.PENDING, batch)
            settled = self.newcomers.create(subject, snapshot, batch, parked)
        elif act in (Act.FIELDS, Act.REVIVE):
            if act is Act.REVIVE:
                self._entries.restate(link, LinkState.LINKED, batch)
            settled = self._update(prior, subject, batch)
        elif act in (Act.DELETE, Act.ARCHIVE):
            self._delete(snapshot, subject, batch, act, allowed=deletes_allowed)
        else:
            self._stand_still(decision, event, refusal, (prior, subject), batch)
        self._unpark(link, parked, settled, batch)
        if act is Act.MOVE and event is Event.MERGED:
            # The link is the winner's now: what the loser held at last is no image of it.
            return True
        if act is Act.RESURRECT:
            # What is known of the deleted record went with it.
            return False
        if subject.is_new:
            if act not in (Act.FIELDS, Act.REVIVE):
                self._fields.differing(prior, subject.values)
            gone = event in (Event.DELETED, Event.MERGED)
            self._entries.image(subject, batch, deleted=gone, watch=prior.watch)
        return act is Act.MOVE

    def _stand_still(
        self,
        decision: RecordDecision,
        event: Event,
        refusal: str | None,
        work: tuple[Prior, Subject],
        batch: Batch,
    ) -> None:
        """Note what a record that is not written comes to."""
        prior, subject = work
        link = prior.snapshot.link
        reason = decision.row.removeprefix("C4 ")
        if refusal and event is Event.PRESENT:
            reason = f"out of scope: {refusal}"
        if decision.act is Act.MOVE and event is Event.CONVERTED and self.conversion is not None:
            self.conversion.move(prior.whole(), subject.values, batch)
            self._entries.restate(link, LinkState.UNLINKED, batch)
        else:
            self._entries.stand_still(decision.act, prior, subject, batch)
            self._hand_over(prior, subject, batch)
        self._tally.add(self._name, "skipped", reason)
        # Left open, a wish would have a record decided again that another one has taken over.
        wishes = [(link.link_id, one.key, End.NO_PART.value) for one in prior.restores]
        batch.decisions.ended += wishes
        if decision.journal:
            self._entries.outlived(prior.snapshot, decision.row, batch)
        self._entries.supersede(prior.snapshot, batch)

    def _hand_over(self, prior: Prior, subject: Subject, batch: Batch) -> None:
        """Tell the other direction of a change here that it may have to undo.

        A record out of scope sends nothing, but it receives: where the other side wins a field,
        nobody else would notice that this side has changed it. Not when deciding again, or two
        records out of scope would call each other for ever.
        """
        link = prior.snapshot.link
        if (
            not (self._flags_back and subject.is_new and link.state is LinkState.LINKED)
            or event_of(subject.values) is not Event.PRESENT
            or self._in_scope(subject.values)
        ):
            return
        unwished = msgspec.structs.replace(prior, restores=())
        won_back = self._fields.decided(unwished, subject.values).won_back
        won_back = self._fields.news(won_back, prior, subject.values)
        if won_back:
            reason = f"{self._course.destination_name} won {', '.join(won_back)}"
            self._entries.flag(link, self._course.back, reason, batch)

    def _unpark(
        self, link: Link, parked: frozenset[str], settled: frozenset[str], batch: Batch
    ) -> None:
        """Release what is settled; a doubt about the counterpart lasts until there is one."""
        if BARRED in parked and self._course.destination_id(link) is None:
            return
        batch.decisions.unparked.extend((link.link_id, key) for key in sorted(settled))

    def _as_a_whole(
        self, snapshot: Snapshot, subject: Subject, winner: str | None
    ) -> tuple[str | None, Event, RecordDecision]:
        """Decide the record, not its fields: why it is out of scope, what happened, what is due."""
        refusal = None if self._in_scope(subject.values) else self._in_scope.refusal(subject.values)
        event = event_of(subject.values)
        standing = standing_of(snapshot, self._course)
        other_deleted = self._course.destination_deleted(snapshot)
        if (
            refusal is None
            and event is Event.PRESENT
            and standing is Standing.LINKED
            and not other_deleted
        ):
            return None, event, _ORDINARY
        facts = RecordFacts(
            standing=standing,
            event=event,
            in_scope=refusal is None,
            was_in_scope=self._was_in_scope(refusal, snapshot, subject),
            # One that was only named so far was never read: nobody knows what would be lost.
            other_changed=event is not Event.PRESENT
            and (snapshot.link.state is LinkState.PENDING or self._fields.other_changed(snapshot)),
            other_deleted=other_deleted,
            winner_linked=winner is not None,
            converts=self.conversion is not None
            and self.conversion.target_id(subject.values) is not None,
            on_delete=self._course.on_delete(self._mapping),
            resurrect=self._mapping.resurrect,
            source=self._course.letter,
        )
        return refusal, event, record_decision(facts)

    def _was_in_scope(
        self, refusal: str | None, snapshot: Snapshot, subject: Subject
    ) -> bool | None:
        """Whether the image before took part; asked only where it tells two rows apart."""
        if refusal is None or not subject.is_new:
            return None
        before = self._course.source_image(snapshot)
        return None if before is None else self._in_scope(before)

    def finds_owner(self, user_id: str) -> bool:
        """Whether a record of this user's may be given to somebody by now, as far as is known."""
        return self._fields.finds_owner(user_id)

    def owner_in(self, image: dict[str, Any]) -> str | None:
        """Whose record an image of the source is."""
        return self._fields.owner_in(image)

    def postpone(self, prior: Prior, subject: Subject, batch: Batch) -> None:
        """Keep the new image; the link is decided again once the open operation has an outcome.

        Not where a tap only tells again what the ledger knew: what is under way was decided by it,
        and what an API has refused would go out once more.
        """
        self._fields.under_way(prior, subject.values)
        if not self._is_told_again(prior.watch.before, subject.values):
            self._entries.flag(prior.snapshot.link, self._course.direction, PUT_OFF, batch)
        self._tally.add(self._name, "waiting", "an earlier write is still under way")
        gone = event_of(subject.values) in (Event.DELETED, Event.MERGED)
        self._entries.image(subject, batch, deleted=gone, watch=prior.watch)

    def _is_told_again(self, before: dict[str, Any] | None, values: dict[str, Any]) -> bool:
        if before is None or event_of(before) is not event_of(values):
            return False
        names = (EXTERNAL_ID_KEY, self._mapping.salesforce_external_id)
        return (
            self._in_scope(before) == self._in_scope(values)
            and all(before[name] == values.get(name) for name in names if name in before)
            and self._fields.holds_the_same(before, values)
        )

    # --- updates -----------------------------------------------------------------------------

    def _update(self, prior: Prior, subject: Subject, batch: Batch) -> frozenset[str]:
        """Answer the parked keys that are settled by this decision."""
        snapshot = prior.snapshot
        draft = self._fields.decided(prior, subject.values)
        link = snapshot.link
        parked = prior.withheld.here
        seen_at = self._course.destination_observed_at(snapshot)
        if prior.withheld.vain and (
            subject.is_new or prior.withheld.nothing_since(seen_at, link.flag_reason)
        ):
            parked -= self._fields.hold_back(draft, prior, subject.values)
        is_moved = draft.source.get(PARENT_KEY) and not self._fields.brings_back(PARENT_KEY, draft)
        parent = self.newcomers.parent_of(subject.values) if is_moved else None
        absence = absence_of(parent)
        if absence:
            # The other fields of the record need not wait for the parent.
            self._fields.drop(PARENT_KEY, draft)
            self._entries.park(subject, (PARENT_KEY, WAITING_FOR_PARENT, absence), batch, parent)
            parked -= {PARENT_KEY}
        if draft.rebased:
            batch.decisions.rebased[link.link_id] = draft.rebased
        for withheld in draft.parked:
            self._entries.park(subject, withheld, batch)
        batch.decisions.awaited += [
            AwaitedOwner(direction, self._name, user_id) for direction, user_id in draft.awaited
        ]
        won_back = draft.won_back if self._flags_back else []
        won_back = self._fields.news(won_back, prior, subject.values)
        if won_back:
            winner = self._course.destination_name
            reason = f"{winner} won {', '.join(won_back)}"
            self._entries.flag(link, self._course.back, reason, batch)
            self._tally.add(self._name, "flagged", f"{winner}'s value won")
        batch.decisions.ended += [(link.link_id, key, how) for key, how in draft.ended]
        batch.decisions.issued += draft.restores
        if not draft.record and not draft.claims:
            self._leave(snapshot, batch)
            return parked - {key for key, _, _ in draft.parked}
        if self._flags_back:
            self._fields.mark_adopting(draft)
        waiting_for = None
        if parent is not None and not absence and not parent.destination_id:
            waiting_for = parent.link_id
        action = Action.LINK if draft.claims else Action.UPDATE
        draft.named = draft.claims and link.state is LinkState.PENDING
        operation_id = self._entries.issue(
            action, subject, draft, batch, snapshot=snapshot, waiting_for=waiting_for
        )
        self._tally.add(self._name, "decided_link" if draft.claims else "decided_update")
        if snapshot.base_text is not None and not draft.claims:
            self.updates += 1
        self._entries.overruled(link, draft, operation_id, batch)
        # What a link does not write is decided once the target has read the other side; one that
        # was refused is told of when it is tried again.
        is_sent_again = draft.named and snapshot.open_operation is not None
        batch.decisions.flagged += [(link.link_id, linked_by(BY_ID))] if is_sent_again else []
        return parked and parked - {key for key, _, _ in draft.parked} - draft.source.keys() - {""}

    def _leave(self, snapshot: Snapshot, batch: Batch) -> None:
        """Note that a record has nothing to write."""
        link = snapshot.link
        if link.state is LinkState.PENDING and self._fields.is_named(snapshot):
            # The write that was to join the two had no outcome, and nothing of it is left.
            self._entries.restate(link, LinkState.LINKED, batch)
        self._entries.supersede(snapshot, batch)
        self._tally.add(self._name, "unchanged", "nothing to write")

    # --- whole records -----------------------------------------------------------------------

    def _delete(
        self, snapshot: Snapshot, subject: Subject, batch: Batch, act: Act, *, allowed: bool
    ) -> None:
        row = f"C4 {self._course.letter} deleted"
        if not allowed:
            self._entries.flag(snapshot.link, self._course.direction, row, batch)
            self.deletes.append(snapshot.link.link_id)
            return
        archives = act is Act.ARCHIVE
        draft = self._fields.archived(subject.values) if archives else Draft()
        draft.expected = self._fields.guarded(snapshot)
        draft.decision[""] = {"row": row, "rule": self._course.on_delete(self._mapping).value}
        action = Action.ARCHIVE if archives else Action.DELETE
        self._entries.issue(action, subject, draft, batch, snapshot=snapshot)
        batch.decisions.unflagged.append(snapshot.link.link_id)
        self._tally.add(self._name, "decided_update" if archives else "decided_delete")
