"""Deciding a batch: what the ledger has seen stops early, the rest is planned and committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import Decisions, Snapshot
from reverse_sf.mapper.batch import Batch
from reverse_sf.mapper.subject import Subject, event_of
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.lifecycle import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.batch import RunFacts, Tally
    from reverse_sf.mapper.messages import Writer
    from reverse_sf.mapper.observation import Observation
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.streams import MappedPair, Stream

TO_SPOTIO = Direction.TO_SPOTIO


class Decider:
    """Decides batches of observations and of links to plan again.

    Args:
        ledger: what has happened.
        writer: where decided records go after their commit.
        people: users of both sides; new ones are committed with the next batch.
        tally: counts; committed with the next batch.
        run: the run's facts.
        now: the clock, as UTC text.
    """

    def __init__(
        self,
        ledger: Ledger,
        writer: Writer,
        people: People,
        *,
        tally: Tally,
        run: RunFacts,
        now: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._writer = writer
        self._people = people
        self._tally = tally
        self._run = run
        self._now = now

    def records(self, stream: Stream) -> None:
        """Decide everything that waits in a stream's buffer."""
        waiting, stream.waiting = stream.waiting, []
        for mapped in stream.pairs:
            read = mapped.reader.read
            latest: dict[str, Observation] = {}
            for raw in waiting:
                seen = read(raw)
                known = latest.get(seen.salesforce_id)
                if known is None or (seen.modified_at or "") >= (known.modified_at or ""):
                    latest[seen.salesforce_id] = seen
            self._tally.add(mapped.name, "observed", number=len(waiting))
            repeated = len(waiting) - len(latest)
            if repeated:
                self._tally.add(mapped.name, "skipped", "sent twice by the tap", repeated)
            self._observations(mapped, latest, stream.bookmarks)

    def links(self, snapshots: dict[str, Snapshot], by_pair: dict[str, MappedPair]) -> None:
        """Decide links again from their stored images."""
        batch = self._batch()
        parked = self._parked(snapshots)
        by_name: dict[str, list[Snapshot]] = {}
        for snapshot in snapshots.values():
            by_name.setdefault(snapshot.link.pair, []).append(snapshot)
        for name, ones in by_name.items():
            mapped = by_pair.get(name)
            if mapped is None:
                continue
            self._look_up_parents(mapped, [one.salesforce_image or {} for one in ones])
            for snapshot in ones:
                if snapshot.salesforce_image is None or snapshot.salesforce_digest is None:
                    continue
                deletes = len(mapped.planner.deletes)
                mapped.planner.again(
                    snapshot,
                    _stored(snapshot),
                    batch,
                    parked=parked.get(snapshot.link.link_id, frozenset()),
                )
                if snapshot.link.flagged is TO_SPOTIO and deletes == len(mapped.planner.deletes):
                    batch.decisions.unflagged.append(snapshot.link.link_id)
        self.commit(batch)

    def deletes(self, mapped: MappedPair, link_ids: Sequence[str]) -> None:
        """Issue deletes that the run's guard has passed."""
        batch = self._batch()
        for snapshot in self._ledger.snapshots(link_ids, direction=TO_SPOTIO).values():
            mapped.planner.again(snapshot, _stored(snapshot), batch, deletes_allowed=True)
        self.commit(batch)

    def commit(self, batch: Batch, bookmarks: Sequence[str] = ()) -> None:
        """Commit a batch, then emit its records: never the other way round."""
        decisions = batch.decisions
        decisions.users, self._people.changed = self._people.changed, []
        if batch.is_empty:
            return
        decisions.counts = self._tally.take(self._run.run_id)
        for owner, link_id in batch.owners:
            if owner and not owner["email"]:
                self._people.asked_without_email(owner["salesforce_id"], link_id)
        self._ledger.commit_decisions(decisions)
        for pair, records in batch.records.values():
            self._writer.records_of(pair, records, bookmarks)
        self._writer.flush()

    def commit_counts(self) -> None:
        """Commit what was counted since the last batch, and users seen since."""
        batch = self._batch()
        batch.decisions.flagged = [
            (link_id, "its owner became known") for link_id in self._people.named_since()
        ]
        batch.decisions.users, self._people.changed = self._people.changed, []
        batch.decisions.counts = self._tally.take(self._run.run_id)
        if batch.decisions.counts or not batch.is_empty:
            self._ledger.commit_decisions(batch.decisions)

    def _batch(self) -> Batch:
        return Batch(self._run, self._now(), Decisions(run_id=self._run.run_id))

    def _observations(
        self, mapped: MappedPair, latest: dict[str, Observation], bookmarks: Sequence[str]
    ) -> None:
        new, changed, busy = self._compared(mapped, latest)
        if not new and not changed:
            return
        values = {seen.salesforce_id: seen.values for seen in new}
        values.update((seen.salesforce_id, seen.values) for seen, _ in changed)
        self._look_up_parents(mapped, values.values())
        batch = self._batch()
        moved = self._changed(mapped, changed, values, busy, batch) if changed else set()
        for seen in new:
            if seen.salesforce_id not in moved:
                mapped.planner.first_sight(seen, values[seen.salesforce_id], batch)
        self.commit(batch, bookmarks)
        again = {one: latest[one] for one in moved if one in latest}
        if again:
            # The winner of a merge took over the loser's link: it has one now.
            self._observations(mapped, again, bookmarks)

    def _compared(
        self, mapped: MappedPair, latest: dict[str, Observation]
    ) -> tuple[list[Observation], list[tuple[Observation, str]], set[str]]:
        """Compare with what the ledger has seen: new ones, changed ones, links under way."""
        new: list[Observation] = []
        changed: list[tuple[Observation, str]] = []
        busy: set[str] = set()
        known = self._ledger.observed(mapped.name, list(latest))
        unchanged = older = 0
        for seen in latest.values():
            before = known.get(seen.salesforce_id)
            if before is None:
                new.append(seen)
            elif before.digest == seen.digest:
                unchanged += 1
            elif before.modified_at and seen.modified_at and seen.modified_at < before.modified_at:
                older += 1
            else:
                changed.append((seen, before.link_id))
                if before.has_open_operation:
                    busy.add(before.link_id)
        if unchanged:
            self._tally.add(mapped.name, "unchanged", number=unchanged)
        if older:
            self._tally.add(mapped.name, "skipped", "older than what is known", older)
        return new, changed, busy

    def _changed(
        self,
        mapped: MappedPair,
        changed: Sequence[tuple[Observation, str]],
        values: dict[str, dict[str, Any]],
        busy: set[str],
        batch: Batch,
    ) -> set[str]:
        """Decide records that have a link; answer the Ids that links have moved to."""
        snapshots = self._snapshots(mapped, changed, values)
        parked = self._parked(snapshots)
        winners = self._winners(mapped, values)
        moved: set[str] = set()
        for seen, link_id in changed:
            snapshot = snapshots.pop(link_id)
            observed = values[seen.salesforce_id]
            master = observed.get("MasterRecordId")
            winner_id: str = canon.record_id(master) if master else ""
            before = snapshot.salesforce_image
            subject = Subject(
                link_id,
                seen.salesforce_id,
                {**before, **observed} if before else observed,
                seen.digest,
                seen.modified_at,
                content=None if before else seen.content,
            )
            if link_id in busy:
                mapped.planner.postpone(snapshot, subject, batch)
                continue
            winner = "moved in this batch" if winner_id in moved else winners.get(winner_id)
            if mapped.planner.again(
                snapshot,
                subject,
                batch,
                parked=parked.get(link_id, frozenset()),
                winner=winner,
            ):
                moved.add(winner_id)
        return moved

    def _snapshots(
        self,
        mapped: MappedPair,
        changed: Sequence[tuple[Observation, str]],
        values: dict[str, dict[str, Any]],
    ) -> dict[str, Snapshot]:
        """Read what is known of the links of changed records.

        The image before is left in the ledger where nobody will look at it: the new one lacks no
        value and takes part in the sync.
        """
        width, in_scope = mapped.reader.width, mapped.pair.in_scope_of_salesforce
        whole: list[str] = []
        partial: list[str] = []
        for seen, link_id in changed:
            observed = values[seen.salesforce_id]
            (whole if len(observed) == width and in_scope(observed) else partial).append(link_id)
        found = self._ledger.snapshots(whole, direction=TO_SPOTIO, without=Side.SALESFORCE)
        if partial:
            found.update(self._ledger.snapshots(partial, direction=TO_SPOTIO))
        return found

    def _winners(self, mapped: MappedPair, values: dict[str, dict[str, Any]]) -> dict[str, str]:
        wanted = sorted(
            {
                canon.record_id(one["MasterRecordId"])
                for one in values.values()
                if one.get("MasterRecordId") and event_of(one) is Event.MERGED
            }
        )
        return self._ledger.link_ids(mapped.name, wanted) if wanted else {}

    def _look_up_parents(self, mapped: MappedPair, images: Iterable[dict[str, Any]]) -> None:
        parent = mapped.pair.mapping.parent
        if mapped.parents is None or parent is None:
            return
        found = (canon.record_id(image.get(parent.salesforce)) for image in images)
        mapped.parents.look_up(one for one in found if one)

    def _parked(self, snapshots: dict[str, Snapshot]) -> dict[str, frozenset[str]]:
        return {
            link_id: frozenset(one.key for one in rows if one.direction is TO_SPOTIO)
            for link_id, rows in self._ledger.parked(list(snapshots)).items()
        }


def _stored(snapshot: Snapshot) -> Subject:
    return Subject(
        snapshot.link.link_id,
        snapshot.link.salesforce_id or "",
        snapshot.salesforce_image or {},
        snapshot.salesforce_digest or "",
        is_new=False,
    )
