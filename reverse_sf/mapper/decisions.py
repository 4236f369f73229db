"""Deciding a batch: what the ledger has seen stops early, the rest is planned and committed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import Link, LinkState, Observed
from reverse_sf.mapper.comparison import Comparison
from reverse_sf.mapper.counterparts import counterparts_of
from reverse_sf.mapper.draft import Prior
from reverse_sf.mapper.sightings import watch_of
from reverse_sf.mapper.stored_links import StoredLinks
from reverse_sf.mapper.subject import Subject, event_of, standing_of
from reverse_sf.mapper.winners import Winners
from reverse_sf.mapper.withheld import NOTHING
from reverse_sf.merge.lifecycle import Event, Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.mapper.batch import Batch
    from reverse_sf.mapper.matching import Match
    from reverse_sf.mapper.observation import Observation
    from reverse_sf.mapper.streams import MappedPair, Stream


class Decider(StoredLinks):
    """Decides batches of observations and of links to plan again."""

    @cached_property
    def _comparison(self) -> Comparison:
        return Comparison(self._ledger, self._course, self._tally)

    def records(self, stream: Stream) -> None:
        """Decide everything that waits in a stream's buffer."""
        waiting, stream.waiting = stream.waiting, []
        for mapped in stream.pairs:
            self._observations(mapped, self._comparison.latest(mapped, waiting), stream)
        stream.seen_at = None

    def _observations(
        self, mapped: MappedPair, latest: dict[str, Observation], stream: Stream
    ) -> None:
        news = self._comparison.news(mapped, latest)
        new, changed = news.new, news.changed
        if not new and not changed and not news.renewed:
            return
        values = {seen.record_id: seen.values for seen in new}
        values.update((seen.record_id, seen.values) for seen, _ in changed)
        self._look_up_parents(mapped, values.values())
        batch = self._batch(stream.seen_at)
        batch.decisions.renewed = news.renewed
        returned = self._returned(mapped, changed, values)
        unlinked = [*new, *returned]
        known = counterparts_of(
            unlinked, values, mapped, batch, ledger=self._ledger, course=self._course
        )
        joined = {
            record_id: match.link_id
            for record_id, match in known.items()
            if match.is_free and match.link_id is not None
        }
        moved: set[str] = set()
        if changed or joined:
            back = {one.record_id: known.get(one.record_id) for one in returned}
            left = _left(changed, joined, batch)
            left += [
                (one, _unseen(joined[one.record_id])) for one in unlinked if one.record_id in joined
            ]
            moved = self._changed(mapped, left, values, joined=joined, back=back, batch=batch)
        for seen in new:
            if seen.record_id in moved or seen.record_id in joined:
                continue
            observed = values[seen.record_id]
            match = known.get(seen.record_id)
            if match is None:
                mapped.planner.newcomers.first_sight(seen, observed, batch)
            elif match.is_free:
                mapped.planner.newcomers.meets(seen, observed, match, batch)
            else:
                mapped.planner.newcomers.doubted(seen, observed, match, batch)
        self.commit(batch, stream.bookmarks)
        again = {one: latest[one] for one in moved if one in latest}
        if again:
            # The winner of a merge took over the loser's link: it has one now.
            self._observations(mapped, again, stream)

    def _changed(
        self,
        mapped: MappedPair,
        changed: Sequence[tuple[Observation, Observed]],
        values: dict[str, dict[str, Any]],
        *,
        joined: dict[str, str],
        back: dict[str, Match | None],
        batch: Batch,
    ) -> set[str]:
        """Decide records that have a link; answer the ids that links have moved to.

        Args:
            mapped: the pair.
            changed: the records, with what was known of them.
            values: what was observed, by id.
            joined: the links that records join now, by id.
            back: what records match that are back and were never linked, by id.
            batch: where decisions go.
        """
        snapshots = self._snapshots(mapped, changed, values)
        withheld = self._withheld(snapshots)
        records = [(snapshots[it.link_id].link, values[seen.record_id]) for seen, it in changed]
        winners = Winners(self._ledger, mapped, records)
        moved: set[str] = set()
        for seen, known in changed:
            link_id = known.link_id
            snapshot = snapshots.pop(link_id)
            observed = values[seen.record_id]
            if seen.record_id in joined:
                self._join(snapshot.link, seen.record_id, batch)
            before = self._course.source_image(snapshot)
            subject = Subject(
                link_id,
                seen.record_id,
                {**before, **observed} if before else observed,
                seen.digest,
                seen.modified_at,
                content=None if before else seen.content,
            )
            watch = watch_of(batch.seen_at, seen.modified_at, known)
            watch.before = before
            prior = Prior(
                snapshot,
                watch,
                self._reread,
                withheld.get(link_id, NOTHING),
                self._restores.get(link_id, ()),
            )
            if known.has_open_operation or (seen.record_id in joined and snapshot.open_operation):
                mapped.planner.postpone(prior, subject, batch)
                continue
            match = back.get(seen.record_id)
            if match is not None and seen.record_id not in joined:
                mapped.planner.newcomers.returned(subject, snapshot.link, match, batch)
                continue
            winner = winners.link_of(snapshot.link, observed)
            if mapped.planner.again(prior, subject, batch, winner=winner):
                moved.add(winners.moved(snapshot.link, observed))
        return moved

    def _returned(
        self,
        mapped: MappedPair,
        changed: Sequence[tuple[Observation, Observed]],
        values: dict[str, dict[str, Any]],
    ) -> list[Observation]:
        """The records that were gone before they had a counterpart, and are back.

        They are matched as if nobody had heard of them before, by all that is known of them.
        """
        gone = [
            (seen, known)
            for seen, known in changed
            if known.state is LinkState.TOMBSTONE and not known.has_open_operation
        ]
        if not gone:
            return []
        in_scope = self._course.in_scope(mapped.pair)
        link_ids = [known.link_id for _, known in gone]
        snapshots = self._ledger.snapshots(link_ids, direction=self._course.direction)
        found: list[Observation] = []
        for seen, known in gone:
            snapshot = snapshots[known.link_id]
            whole = {**(self._course.source_image(snapshot) or {}), **values[seen.record_id]}
            if (
                standing_of(snapshot, self._course) is Standing.UNLINKED
                and event_of(whole) is Event.PRESENT
                and in_scope(whole)
            ):
                values[seen.record_id] = whole
                found.append(seen)
        return found

    def _join(self, link: Link, source_id: str, batch: Batch) -> None:
        """Give a link the record that names it; both sides are known now."""
        self._course.join(link, source_id)
        if link.state is LinkState.PENDING and self._course.destination_id(link):
            link.state = LinkState.LINKED
        batch.decisions.links.append(
            link.changed(
                # The other direction may have parked the create of this very record.
                flagged=self._course.back,
                flag_reason="its counterpart was found",
            )
        )

    def _reread(self, link_id: str) -> Snapshot:
        """All that the ledger holds of a link; read only where evidence is needed."""
        return self._ledger.snapshots([link_id])[link_id]

    def _snapshots(
        self,
        mapped: MappedPair,
        changed: Sequence[tuple[Observation, Observed]],
        values: dict[str, dict[str, Any]],
    ) -> dict[str, Snapshot]:
        """Read what is known of the links of changed records.

        The image before is left in the ledger where nobody will look at it: it was as its base
        says, no write is under way, and the new one lacks no value and takes part in the sync.
        """
        width, in_scope = mapped.reader.width, self._course.in_scope(mapped.pair)
        whole: list[str] = []
        rest: list[str] = []
        for seen, known in changed:
            observed = values[seen.record_id]
            is_plain = (
                known.is_as_its_base
                and not known.has_open_operation
                and len(observed) == width
                and in_scope(observed)
            )
            (whole if is_plain else rest).append(known.link_id)
        direction, source = self._course.direction, self._course.source
        found = self._ledger.snapshots(whole, direction=direction, without=source)
        if rest:
            found.update(self._ledger.snapshots(rest, direction=direction))
        return found


def _left(
    changed: Sequence[tuple[Observation, Observed]], joined: dict[str, str], batch: Batch
) -> list[tuple[Observation, Observed]]:
    """The records that stay in their links; one that joins another gives its own up to that."""
    batch.decisions.taken_over += [
        (joined[seen.record_id], known.link_id)
        for seen, known in changed
        if seen.record_id in joined
    ]
    return [(seen, known) for seen, known in changed if seen.record_id not in joined]


def _unseen(link_id: str) -> Observed:
    """What is known of a record that joins a link: nothing."""
    return Observed(
        link_id=link_id,
        state=LinkState.PENDING,
        digest=None,
        modified_at=None,
        has_open_operation=False,
    )
