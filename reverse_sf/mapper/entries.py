"""What a decision leaves in the ledger and sends to the target: links, images, intents, reasons."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from reverse_sf.ledger.rows import Conflict, Image, Intent, Link, LinkState, Parked, Snapshot
from reverse_sf.mapper.keys import MOVED, OWNER_FIELD, OWNER_KEY
from reverse_sf.mapper.messages import as_object, joined, text_of, with_envelope
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Side
from reverse_sf.merge.identity import link_id_of
from reverse_sf.merge.lifecycle import Act

if TYPE_CHECKING:
    from reverse_sf.mapper.batch import Batch, Tally
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.draft import Draft, Prior
    from reverse_sf.mapper.relations import Parent
    from reverse_sf.mapper.sightings import Watch
    from reverse_sf.mapper.subject import Subject
    from reverse_sf.mapping.definition import Direction
    from reverse_sf.mapping.pair import PairConverter
    from reverse_sf.merge.envelope import Action


_OF_A_LOSER = ("IsDeleted", "MasterRecordId")

_STATES = {
    Act.TOMBSTONE: LinkState.TOMBSTONE,
    Act.UNLINK: LinkState.UNLINKED,
    Act.ALIAS: LinkState.ALIAS,
}


class Entries:
    """Writes down the decisions of one object mapping.

    Args:
        pair: the compiled mapping.
        tally: where what is written down is counted.
        course: the run's direction.
    """

    def __init__(self, pair: PairConverter, tally: Tally, course: Course) -> None:
        self._pair = pair
        self._course = course
        self._mapping = pair.mapping
        self._name = pair.mapping.name
        self._fingerprint = pair.mapping.fingerprint.encode()
        self._tally = tally

    def image(
        self,
        subject: Subject,
        batch: Batch,
        *,
        deleted: bool = False,
        watch: Watch | None = None,
    ) -> None:
        """Keep what the source holds now, and since when that differs from its base."""
        batch.decisions.images.append(
            Image(
                link_id=subject.link_id,
                side=self._course.source,
                values=subject.values if subject.content is None else Raw(subject.content),
                digest=subject.digest,
                modified_at=subject.modified_at,
                observed_at=batch.seen_at,
                deleted=deleted,
                differing=watch.found if watch is not None else {},
            )
        )

    def restate(self, link: Link, state: LinkState, batch: Batch) -> None:
        """Give a link another state."""
        if link.state is not state:
            link.state = state
            batch.decisions.links.append(link.changed())

    def stand_still(self, act: Act, prior: Prior, subject: Subject, batch: Batch) -> None:
        """Note what a record that is not written comes to; its link may change its state."""
        link = prior.snapshot.link
        if act is Act.MOVE:
            self._give_to_winner(prior, subject, batch)
            self._remember_loser(subject, batch)
        elif act is Act.RESURRECT:
            self._forget(link, subject, batch)
        elif act in _STATES:
            self.restate(link, _STATES[act], batch)

    def _give_to_winner(self, prior: Prior, subject: Subject, batch: Batch) -> None:
        """Move the link of a merge's loser to the winner, whose own record is decided against it.

        The winner may have been told before, without a link and so without a trace: the other
        direction writes SPOTIO's id there, and what the winner holds is read on that occasion.
        """
        snapshot = prior.whole()
        link, held = snapshot.link, snapshot.salesforce_image
        batch.decisions.links.append(
            link.changed(
                salesforce_id=canon.record_id(subject.values.get("MasterRecordId")),
                flagged=self._course.back if self._course.is_answered(self._mapping) else None,
                flag_reason="its record lost a merge",
            )
        )
        if held is None:
            return
        values = {name: one for name, one in held.items() if name not in _OF_A_LOSER}
        if self._mapping.salesforce_external_id:
            # Taken for empty, so that SPOTIO's id is written there; the guard looks first.
            values[self._mapping.salesforce_external_id] = None
        batch.decisions.images.append(
            Image(
                link_id=link.link_id,
                side=self._course.source,
                values=values,
                digest=MOVED,
                observed_at=snapshot.salesforce_observed_at or batch.seen_at,
            )
        )

    def _forget(self, link: Link, subject: Subject, batch: Batch) -> None:
        """Have a deleted record created anew by the other direction, from what has changed there.

        The old record is remembered as an alias: where it is undeleted a person decides.
        """
        source = self._course.source
        batch.decisions.parted.append((link.link_id, source))
        batch.decisions.links.append(
            link.changed(
                state=LinkState.PENDING,
                salesforce_id=None if source is Side.SALESFORCE else link.salesforce_id,
                spotio_id=None if source is Side.SPOTIO else link.spotio_id,
                flagged=self._course.back,
                flag_reason=f"deleted in {self._course.source_name}, and changed here",
            )
        )
        self._remember(subject, "deleted", LinkState.ALIAS, batch)

    def _remember_loser(self, subject: Subject, batch: Batch) -> None:
        """Keep a merge's loser under a link of its own, now that its link is the winner's.

        An event of it that comes late is older than this, and no newcomer that is created.
        """
        self._remember(subject, "merged", LinkState.TOMBSTONE, batch)

    def _remember(self, subject: Subject, word: str, state: LinkState, batch: Batch) -> None:
        own = link_id_of(self._name, f"{subject.source_id}|{word}", self._course.source)
        batch.decisions.links.append(
            self._course.link(self._name, own, subject.source_id, None, state)
        )
        batch.decisions.images.append(
            Image(
                link_id=own,
                side=self._course.source,
                values=subject.values,
                digest=subject.digest,
                modified_at=subject.modified_at,
                observed_at=batch.seen_at,
                deleted=True,
            )
        )

    def flag(self, link: Link, direction: Direction, reason: str, batch: Batch) -> None:
        """Have the link decided again at the start of a direction's next run."""
        batch.decisions.links.append(link.changed(flagged=direction, flag_reason=reason))

    def outlived(self, snapshot: Snapshot, row: str, batch: Batch) -> None:
        """Journal a deletion that lost to a change of the other side."""
        batch.decisions.conflicts.append(
            Conflict(
                link_id=snapshot.link.link_id,
                pair=self._name,
                key="",
                loser=self._course.source,
                losing_value="deleted",
                winning_value=self._course.destination_image(snapshot),
                rule=self._course.on_delete(self._mapping).value,
                row=row,
                at=batch.now,
                run_id=batch.run.run_id,
            )
        )
        self._tally.add(self._name, "journaled", row)

    def supersede(self, snapshot: Snapshot, batch: Batch) -> None:
        """Close an operation that nothing follows."""
        own = self._own_operation(snapshot)
        if own is not None:
            batch.decisions.superseded.append(own)

    def _own_operation(self, snapshot: Snapshot) -> str | None:
        """The open operation of this direction; the other direction's is not ours to touch."""
        if snapshot.open_direction is not self._course.direction:
            return None
        return snapshot.open_operation

    def park(
        self,
        subject: Subject,
        withheld: tuple[str, str, str],
        batch: Batch,
        parent: Parent | None = None,
    ) -> None:
        """Withhold a key, or with the key ``""`` the record: ``(key, reason, message)``."""
        key, reason, message = withheld
        batch.decisions.parked.append(
            Parked(
                link_id=subject.link_id,
                direction=self._course.direction,
                key=key,
                pair=self._name,
                reason=reason,
                message=message,
                at=batch.now,
                run_id=batch.run.run_id,
                waiting_for=parent.link_id if parent else None,
                definition_fingerprint=batch.run.definition_fingerprint,
            )
        )
        self._tally.add(self._name, "parked", f"{reason}: {key}" if key else reason)

    def issue(
        self,
        action: Action,
        subject: Subject,
        draft: Draft,
        batch: Batch,
        *,
        snapshot: Snapshot | None,
        waiting_for: str | None = None,
    ) -> str:
        """Add an intent and the record that carries it; answer the operation's id."""
        record = draft.record
        record_text = text_of(record)
        operation_id = hashlib.blake2b(
            joined(
                (
                    action.value.encode(),
                    subject.link_id.encode(),
                    self._fingerprint,
                    subject.digest.encode(),
                    record_text,
                    text_of(draft.expected),
                    # What a person wants back is a decision of its own, also where the rule has
                    # asked for the very same write before.
                    *(one.why.encode() for one in draft.restores),
                )
            ),
            digest_size=16,
        ).hexdigest()
        action_text = action.value
        envelope: dict[str, Any] = {
            "operation_id": operation_id,
            "action": action_text,
            "link_id": subject.link_id,
            "run_id": batch.run.run_id,
            "pair": self._name,
            self._course.own_id: subject.source_id,
        }
        open_operation = None
        if snapshot is not None:
            open_operation = self._own_operation(snapshot)
            known = self._course.destination_id(snapshot.link)
            if known:
                envelope[self._course.other_id] = known
        if draft.keys and self._course.destination is Side.SALESFORCE:
            envelope["keys"] = draft.keys
        for name in ("expected", "on_link", "settles"):
            told = getattr(draft, name)
            if told:
                envelope[name] = told
        if draft.named:
            envelope["named"] = True
        if open_operation is not None:
            envelope["reissued"] = True
            if open_operation != operation_id:
                batch.decisions.superseded.append(open_operation)
        envelope_text = text_of(envelope)
        batch.decisions.intents.append(
            Intent(
                operation_id=operation_id,
                link_id=subject.link_id,
                pair=self._name,
                direction=self._course.direction,
                action=action_text,
                run_id=batch.run.run_id,
                record=as_object(record_text),
                envelope=as_object(envelope_text),
                source=as_object(text_of(draft.source)),
                decision=as_object(text_of(draft.decision)),
                issued_at=batch.now,
                waiting_for=waiting_for,
            )
        )
        batch.emit(self._pair, with_envelope(record_text, envelope_text))
        owner = record.get(OWNER_KEY) or record.get(OWNER_FIELD)
        if owner:
            batch.owners.append((owner, subject.link_id))
        return operation_id

    def overruled(self, link: Link, draft: Draft, operation_id: str, batch: Batch) -> None:
        """Journal the values of the destination's users that a rule overrules."""
        for key, rule, row, lost, won in draft.overruled:
            batch.decisions.conflicts.append(
                Conflict(
                    link_id=link.link_id,
                    pair=self._name,
                    key=key,
                    loser=self._course.destination,
                    losing_value=lost,
                    winning_value=won,
                    rule=rule,
                    row=row,
                    at=batch.now,
                    run_id=batch.run.run_id,
                    operation_id=operation_id,
                )
            )
            self._tally.add(self._name, "journaled", row)
