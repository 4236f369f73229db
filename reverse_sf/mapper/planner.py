"""From what is known of one record to the write that is due, or to the reason why none is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import Link, LinkState, Snapshot
from reverse_sf.mapper.entries import TO_SPOTIO, Entries
from reverse_sf.mapper.fields import PARENT_KEY, Draft, FieldDecisions
from reverse_sf.mapper.relations import MOST_REMEMBERED, Parent, link_id_of
from reverse_sf.mapper.subject import Subject, event_of, standing_of
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import DeletePolicy, Direction, History, Side
from reverse_sf.merge.envelope import Action
from reverse_sf.merge.lifecycle import Act, Event, RecordFacts, Standing, record_decision

if TYPE_CHECKING:
    from reverse_sf.mapper.batch import Batch, Tally
    from reverse_sf.mapper.observation import Observation
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parents
    from reverse_sf.mapping.pair import PairConverter
    from reverse_sf.merge.lifecycle import RecordDecision

WAITING_FOR_PARENT = "waiting_for_parent"
_ORDINARY = record_decision(RecordFacts(standing=Standing.LINKED))
"""What nearly every record comes to: linked, there, and in scope."""


class Planner:
    """Decides the records of one object mapping.

    Args:
        pair: the compiled mapping.
        people: users of both sides.
        parents: parents of the batch, where the mapping has a parent.
        tally: where reasons are counted.
        out_of_scope: the records of this mapping that were left out, with the reason.
        activation: with ``future_only``, the moment from which records count.
    """

    def __init__(
        self,
        pair: PairConverter,
        people: People,
        parents: Parents | None,
        *,
        tally: Tally,
        out_of_scope: dict[str, str],
        activation: str | None,
    ) -> None:
        self.pair = pair
        self.deletes: list[str] = []
        """Links whose SPOTIO record is to be deleted, once the run's guard has counted them."""
        self._mapping = pair.mapping
        self._name = pair.mapping.name
        self._parents = parents
        self._tally = tally
        self._out_of_scope = out_of_scope
        self._activation = activation
        self._fields = FieldDecisions(pair, people, parents)
        self._entries = Entries(pair, tally)
        self._flags_salesforce = pair.mapping.to_salesforce.enabled

    def first_sight(self, seen: Observation, values: dict[str, Any], batch: Batch) -> None:
        """Decide a record that has no link yet."""
        event = event_of(values)
        if event is not Event.PRESENT:
            word = "converted" if event is Event.CONVERTED else "deleted"
            self._tally.add(self._name, "skipped", word)
            return
        refusal = self.pair.in_scope_of_salesforce.refusal(values)
        if refusal is not None:
            if len(self._out_of_scope) < MOST_REMEMBERED:
                self._out_of_scope[seen.salesforce_id] = refusal
            self._tally.add(self._name, "skipped", f"out of scope: {refusal}")
            return
        if self._is_past(seen.modified_at):
            self._tally.add(self._name, "skipped", "history: not modified since activation")
            return
        subject = Subject(
            link_id_of(self._name, seen.salesforce_id),
            seen.salesforce_id,
            values,
            seen.digest,
            seen.modified_at,
        )
        link = Link(
            link_id=subject.link_id,
            pair=self._name,
            origin=Side.SALESFORCE,
            salesforce_id=seen.salesforce_id,
        )
        batch.decisions.links.append(link)
        self._create(subject, None, batch)

    def again(
        self,
        snapshot: Snapshot,
        subject: Subject,
        batch: Batch,
        *,
        parked: frozenset[str] = frozenset(),
        winner: str | None = None,
        deletes_allowed: bool = False,
    ) -> bool:
        """Decide a record that has a link; answer whether the link moved to another record.

        Args:
            snapshot: what the ledger knows of the link.
            subject: the record's values, new or as stored.
            batch: where decisions go.
            parked: record keys that are withheld in this direction now.
            winner: link id of the winner, where the record lost a merge and the winner has a link.
            deletes_allowed: the run's guard has passed the deletes.
        """
        refusal, event, decision = self._as_a_whole(snapshot, subject, winner)
        link = snapshot.link
        settled = parked
        act = decision.act
        if act is Act.CREATE:
            settled = self._create(subject, snapshot, batch, parked)
        elif act in (Act.FIELDS, Act.REVIVE):
            if act is Act.REVIVE:
                self._entries.restate(link, LinkState.LINKED, batch)
            settled = self._update(snapshot, subject, batch, parked)
        elif act is Act.DELETE:
            self._delete(snapshot, subject, batch, allowed=deletes_allowed)
        else:
            reason = decision.row.removeprefix("C4 ")
            if refusal and event is Event.PRESENT:
                reason = f"out of scope: {refusal}"
            self._stand_still(act, link, subject, reason, batch)
            if decision.journal:
                self._entries.outlived(snapshot, decision.row, batch)
        if act not in (Act.FIELDS, Act.CREATE, Act.REVIVE, Act.DELETE):
            self._entries.supersede(snapshot, batch)
        batch.decisions.unparked.extend((link.link_id, key) for key in sorted(settled))
        if act is Act.MOVE:
            # The stored image stays: the winner's own record is decided against it.
            return True
        if subject.is_new:
            self._entries.image(subject, batch, deleted=event in (Event.DELETED, Event.MERGED))
        return False

    def _as_a_whole(
        self, snapshot: Snapshot, subject: Subject, winner: str | None
    ) -> tuple[str | None, Event, RecordDecision]:
        """Decide the record, not its fields: why it is out of scope, what happened, what is due."""
        criteria = self.pair.in_scope_of_salesforce
        refusal = None if criteria(subject.values) else criteria.refusal(subject.values)
        event = event_of(subject.values)
        standing = standing_of(snapshot)
        if refusal is None and event is Event.PRESENT and standing is Standing.LINKED:
            return None, event, _ORDINARY
        facts = RecordFacts(
            standing=standing,
            event=event,
            in_scope=refusal is None,
            was_in_scope=self._was_in_scope(refusal, snapshot, subject),
            other_changed=event is not Event.PRESENT and self._fields.spotio_changed(snapshot),
            winner_linked=winner is not None,
            on_delete=self._mapping.on_delete_in_salesforce,
        )
        return refusal, event, record_decision(facts)

    def _was_in_scope(
        self, refusal: str | None, snapshot: Snapshot, subject: Subject
    ) -> bool | None:
        """Whether the image before took part; asked only where it tells two rows apart."""
        before = snapshot.salesforce_image if refusal is not None and subject.is_new else None
        return None if before is None else self.pair.in_scope_of_salesforce(before)

    def postpone(self, snapshot: Snapshot, subject: Subject, batch: Batch) -> None:
        """Keep the new image; the link is decided again once the open operation has an outcome."""
        self._entries.flag(snapshot.link, TO_SPOTIO, "changed while a write was under way", batch)
        self._tally.add(self._name, "waiting", "an earlier write is still under way")
        self._entries.image(
            subject, batch, deleted=event_of(subject.values) in (Event.DELETED, Event.MERGED)
        )

    # --- creates -----------------------------------------------------------------------------

    def _create(
        self,
        subject: Subject,
        snapshot: Snapshot | None,
        batch: Batch,
        parked: frozenset[str] = frozenset(),
    ) -> frozenset[str]:
        """Answer the parked keys that are settled by this decision."""
        parent = self._parent_of(subject.values)
        absence = _absence(parent)
        # A parent that nobody has seen yet may still come in this run; not so when replanning.
        if parent is not None and absence and (parent.withheld or not subject.is_new):
            self._entries.park(subject, ("", WAITING_FOR_PARENT, absence), batch, parent)
            if snapshot is None:
                self._entries.image(subject, batch)
            else:
                self._entries.supersede(snapshot, batch)
            return parked - {""}
        draft = self._fields.created(subject.salesforce_id, subject.values, parent)
        for withheld in draft.parked:
            self._entries.park(subject, withheld, batch)
        self._entries.issue(
            Action.CREATE,
            subject,
            draft,
            batch,
            snapshot=snapshot,
            waiting_for=parent.link_id if parent is not None and not parent.spotio_id else None,
        )
        self._tally.add(self._name, "decided_create")
        if snapshot is None:
            self._entries.image(subject, batch)
        return parked - {key for key, _, _ in draft.parked} - draft.record.keys() - {""}

    def _parent_of(self, values: dict[str, Any]) -> Parent | None:
        if self._parents is None or self._mapping.parent is None:
            return None
        salesforce_id = canon.record_id(values.get(self._mapping.parent.salesforce))
        return self._parents.of(salesforce_id) if salesforce_id else None

    # --- updates -----------------------------------------------------------------------------

    def _update(
        self,
        snapshot: Snapshot,
        subject: Subject,
        batch: Batch,
        parked: frozenset[str],
    ) -> frozenset[str]:
        """Answer the parked keys that are settled by this decision."""
        draft = self._fields.decided(snapshot, subject.values)
        link = snapshot.link
        parent = self._parent_of(subject.values) if draft.record.get(PARENT_KEY) else None
        absence = _absence(parent)
        if absence:
            # The other fields of the record need not wait for the parent.
            draft.without(PARENT_KEY)
            self._entries.park(subject, (PARENT_KEY, WAITING_FOR_PARENT, absence), batch, parent)
            parked -= {PARENT_KEY}
        if draft.rebased:
            batch.decisions.rebased[link.link_id] = draft.rebased
        for withheld in draft.parked:
            self._entries.park(subject, withheld, batch)
        if draft.won_by_spotio and self._flags_salesforce:
            reason = f"SPOTIO won {', '.join(draft.won_by_spotio)}"
            self._entries.flag(link, Direction.TO_SALESFORCE, reason, batch)
            self._tally.add(self._name, "flagged", "SPOTIO's value won")
        if not draft.record:
            self._entries.supersede(snapshot, batch)
            self._tally.add(self._name, "unchanged", "nothing to write")
            return parked - {key for key, _, _ in draft.parked}
        waiting_for = None
        if parent is not None and not absence and not parent.spotio_id:
            waiting_for = parent.link_id
        operation_id = self._entries.issue(
            Action.UPDATE, subject, draft, batch, snapshot=snapshot, waiting_for=waiting_for
        )
        self._tally.add(self._name, "decided_update")
        self._entries.overruled(link, draft, operation_id, batch)
        return parked and parked - {key for key, _, _ in draft.parked} - draft.record.keys() - {""}

    # --- whole records -----------------------------------------------------------------------

    def _delete(self, snapshot: Snapshot, subject: Subject, batch: Batch, *, allowed: bool) -> None:
        if not allowed:
            self._entries.flag(snapshot.link, TO_SPOTIO, "C4 S deleted", batch)
            self.deletes.append(snapshot.link.link_id)
            return
        draft = Draft(expected=dict(snapshot.spotio_image or {}))
        draft.decision[""] = {"row": "C4 S deleted", "rule": DeletePolicy.DELETE.value}
        self._entries.issue(Action.DELETE, subject, draft, batch, snapshot=snapshot)
        batch.decisions.unflagged.append(snapshot.link.link_id)
        self._tally.add(self._name, "decided_delete")

    def _stand_still(
        self,
        act: Act,
        link: Link,
        subject: Subject,
        reason: str,
        batch: Batch,
    ) -> None:
        """Write nothing; the link may change its state."""
        if act is Act.TOMBSTONE:
            self._entries.restate(link, LinkState.TOMBSTONE, batch)
        elif act is Act.UNLINK:
            self._entries.restate(link, LinkState.UNLINKED, batch)
        elif act is Act.ALIAS:
            self._entries.restate(link, LinkState.ALIAS, batch)
        elif act is Act.MOVE:
            winner = canon.record_id(subject.values.get("MasterRecordId"))
            moved = Link(
                link_id=link.link_id,
                pair=link.pair,
                origin=link.origin,
                state=link.state,
                salesforce_id=winner,
                spotio_id=link.spotio_id,
            )
            batch.decisions.links.append(moved)
        self._tally.add(self._name, "skipped", reason)

    def _is_past(self, modified_at: str | None) -> bool:
        return (
            self._mapping.to_spotio.history is History.FUTURE_ONLY
            and self._activation is not None
            and modified_at is not None
            and modified_at <= self._activation
        )


def _absence(parent: Parent | None) -> str | None:
    """Why a parent has no counterpart and none under way; None where it has."""
    if parent is None or parent.spotio_id is not None:
        return None
    if parent.withheld is None and not parent.is_linked:
        return (
            f"its parent {parent.salesforce_id} is not linked: it is outside the filter, or the tap"
            " has not sent it yet"
        )
    return parent.withheld
