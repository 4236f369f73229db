"""Deciding a batch: what the ledger has seen stops early, the rest is planned and committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import Decisions, Link, LinkState, Observed, Snapshot
from reverse_sf.mapper.batch import Batch
from reverse_sf.mapper.draft import Prior
from reverse_sf.mapper.matching import BY_ID, Match, candidates, linked_by
from reverse_sf.mapper.observation import completed, instant
from reverse_sf.mapper.relations import parent_id_in
from reverse_sf.mapper.sightings import Watch, watch_of
from reverse_sf.mapper.subject import Subject
from reverse_sf.mapper.winners import winner_of, winners_of
from reverse_sf.mapper.withheld import NOTHING, withheld_of
from reverse_sf.matching.table import Outcome
from reverse_sf.merge.evidence import Sighting
from reverse_sf.merge.identity import NOT_THERE, WAY_OUT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.batch import RunFacts, Tally
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.messages import Writer
    from reverse_sf.mapper.observation import Observation
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.streams import MappedPair, Stream
    from reverse_sf.mapper.withheld import Withheld


_NAMED_IN_VAIN = (NOT_THERE, linked_by(BY_ID))
"""Flags of a link whose counterpart was only named, and which has none."""


class Decider:
    """Decides batches of observations and of links to plan again.

    Args:
        ledger: what has happened.
        writer: where decided records go after their commit.
        people: users of both sides; new ones are committed with the next batch.
        tally: counts; committed with the next batch.
        run: the run's facts.
        course: the run's direction.
        now: the clock, as UTC text.
        guard: looks at what was decided before it is committed; it may refuse to go on.
    """

    def __init__(
        self,
        ledger: Ledger,
        writer: Writer,
        people: People,
        *,
        tally: Tally,
        run: RunFacts,
        course: Course,
        now: Callable[[], str],
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self._guard = guard
        self._ledger = ledger
        self._writer = writer
        self._people = people
        self._tally = tally
        self._run = run
        self._course = course
        self._now = now
        self._restores = ledger.asked(course.direction)
        self._aside: dict[str, dict[str, str]] = {}

    @property
    def wanted_back(self) -> list[str]:
        """Links with values that a person wants back in the destination."""
        return sorted(self._restores)

    def records(self, stream: Stream) -> None:
        """Decide everything that waits in a stream's buffer."""
        waiting, stream.waiting = stream.waiting, []
        for mapped in stream.pairs:
            read = mapped.reader.read
            latest: dict[str, Observation] = {}
            observed = 0
            for raw in waiting:
                seen = read(raw)
                if seen is None:
                    continue
                observed += 1
                known = latest.get(seen.record_id)
                if known is None:
                    latest[seen.record_id] = seen
                elif (seen.modified_at or "") >= (known.modified_at or ""):
                    latest[seen.record_id] = completed(seen, known)
                else:
                    latest[seen.record_id] = completed(known, seen)
            if not mapped.only_linked and observed:
                self._tally.add(mapped.name, "observed", number=observed)
            repeated = observed - len(latest)
            if repeated:
                self._tally.add(mapped.name, "skipped", "sent twice by the tap", repeated)
            self._observations(mapped, latest, stream)
        stream.seen_at = None

    def links(self, snapshots: dict[str, Snapshot], by_pair: dict[str, MappedPair]) -> None:
        """Decide links again from their stored images."""
        self.commit(self.decided(snapshots, by_pair))

    def decided(self, snapshots: dict[str, Snapshot], by_pair: dict[str, MappedPair]) -> Batch:
        """What is to become of links by their stored images; nothing of it has happened yet."""
        batch = self._batch()
        withheld = self._withheld(snapshots)
        by_name: dict[str, list[Snapshot]] = {}
        for snapshot in snapshots.values():
            by_name.setdefault(snapshot.link.pair, []).append(snapshot)
        for name, ones in by_name.items():
            mapped = by_pair.get(name)
            if mapped is None:
                continue
            images = [self._course.source_image(one) or {} for one in ones]
            self._look_up_parents(mapped, images)
            winners = winners_of(self._ledger, mapped, images)
            for snapshot, image in zip(ones, images, strict=True):
                if self._course.source_digest(snapshot) is None or not image:
                    continue
                if self._is_under_way(mapped, snapshot) or mapped.lacks(image):
                    # The other direction has not finished with it, or the tap must say more.
                    continue
                deletes = len(mapped.planner.deletes)
                link_id = snapshot.link.link_id
                winner_id = winner_of(mapped, image)
                winner = winners.get(winner_id)
                prior = self._stored_prior(snapshot)
                prior.withheld = withheld.get(link_id, NOTHING)
                subject = self._stored(snapshot, image)
                match = self._named_in_vain(mapped, snapshot, subject)
                if match is not None:
                    mapped.planner.newcomers.matched(subject, prior, match, batch)
                elif mapped.planner.again(
                    prior, subject, batch, winner=winner if winner != link_id else None
                ):
                    winners[winner_id] = link_id
                is_flagged = snapshot.link.flagged is self._course.direction
                if is_flagged and deletes == len(mapped.planner.deletes):
                    batch.decisions.unflagged.append(snapshot.link.link_id)
        return batch

    def _named_in_vain(
        self, mapped: MappedPair, snapshot: Snapshot, subject: Subject
    ) -> Match | None:
        """What a record matches that has named one that is not there: rules come after ids."""
        link = snapshot.link
        if (
            mapped.recognition is None
            or link.flag_reason not in _NAMED_IN_VAIN
            or self._course.destination_id(link) is not None
        ):
            return None
        return mapped.recognition.find({subject.source_id: subject.values}).get(subject.source_id)

    def _is_under_way(self, mapped: MappedPair, snapshot: Snapshot) -> bool:
        """Whether the other direction writes this link, or left it without an outcome.

        A direction that was switched off will never finish: it holds nobody up.
        """
        back = self._course.back
        return snapshot.open_direction is back and self._course.is_answered(mapped.pair.mapping)

    def deletes(self, mapped: MappedPair, link_ids: Sequence[str]) -> None:
        """Issue deletes that the run's guard has passed."""
        batch = self._batch()
        found = self._ledger.snapshots(link_ids, direction=self._course.direction)
        for snapshot in found.values():
            image = self._course.source_image(snapshot) or {}
            mapped.planner.again(
                self._stored_prior(snapshot),
                self._stored(snapshot, image),
                batch,
                deletes_allowed=True,
            )
        self.commit(batch)

    def commit(self, batch: Batch, bookmarks: Sequence[str] = ()) -> None:
        """Commit a batch, then emit its records: never the other way round."""
        decisions = batch.decisions
        decisions.users, self._people.changed = self._people.changed, []
        if batch.is_empty:
            return
        self._guard()
        decisions.counts = self._tally.take(self._run.run_id)
        for owner, link_id in batch.owners:
            own = owner and owner[self._course.own_id]
            if own and not owner["email"]:
                self._people.asked_without_email(own, link_id)
        self._ledger.commit_decisions(decisions)
        for link_id in (
            *(one.link_id for one in decisions.issued),
            *(one[0] for one in decisions.ended),
        ):
            # Once a run: what came of it is looked at by the next one.
            self._restores.pop(link_id, None)
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

    def _batch(self, seen_at: str | None = None) -> Batch:
        now = self._now()
        return Batch(self._run, now, seen_at or now, Decisions(run_id=self._run.run_id))

    def _observations(
        self, mapped: MappedPair, latest: dict[str, Observation], stream: Stream
    ) -> None:
        new, changed = self._compared(mapped, latest)
        if not new and not changed:
            return
        values = {seen.record_id: seen.values for seen in new}
        values.update((seen.record_id, seen.values) for seen, _ in changed)
        self._look_up_parents(mapped, values.values())
        batch = self._batch(stream.seen_at)
        known = self._recognised(mapped, values, new, batch)
        joined: dict[str, str] = {}
        for seen in new:
            match = known.get(seen.record_id)
            if match is not None and match.is_free and match.link_id is not None:
                joined[seen.record_id] = match.link_id
                changed.append((seen, _unseen(match.link_id)))
        moved: set[str] = set()
        if changed:
            moved = self._changed(mapped, changed, values, joined, batch)
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

    def _recognised(
        self,
        mapped: MappedPair,
        values: dict[str, dict[str, Any]],
        new: Sequence[Observation],
        batch: Batch,
    ) -> dict[str, Match]:
        """The counterparts of new records, by the ids they carry and then by the match rules."""
        known = candidates(self._ledger, mapped.pair.mapping, values, new, self._course)
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

    def _compared(
        self, mapped: MappedPair, latest: dict[str, Observation]
    ) -> tuple[list[Observation], list[tuple[Observation, Observed]]]:
        """Compare with what the ledger has seen: new ones and changed ones."""
        new: list[Observation] = []
        changed: list[tuple[Observation, Observed]] = []
        known = self._ledger.observed(mapped.name, list(latest), side=self._course.source)
        unchanged = older = 0
        for seen in latest.values():
            before = known.get(seen.record_id)
            if before is None:
                new.append(seen)
            elif before.digest == seen.digest:
                unchanged += 1
            elif _is_older(seen.modified_at, before.modified_at):
                older += 1
            else:
                changed.append((seen, before))
        if new:
            new = self._not_set_aside(mapped.name, new)
        if mapped.only_linked:
            # Those without a link are of another mapping, or of nobody's.
            new = []
            if known:
                self._tally.add(mapped.name, "observed", number=len(known))
        if unchanged:
            self._tally.add(mapped.name, "unchanged", number=unchanged)
        if older:
            self._tally.add(mapped.name, "skipped", "older than what is known", older)
        return new, changed

    def _not_set_aside(self, pair: str, new: list[Observation]) -> list[Observation]:
        """Leave out what a person has set aside, as long as it holds what it held then."""
        if pair not in self._aside:
            self._aside[pair] = self._ledger.set_aside(pair, self._course.source)
        aside = self._aside[pair]
        left = [seen for seen in new if aside.get(seen.record_id) != seen.digest]
        if len(left) < len(new):
            number = len(new) - len(left)
            self._tally.add(pair, "skipped", "set aside until it changes", number)
        return left

    def _changed(
        self,
        mapped: MappedPair,
        changed: Sequence[tuple[Observation, Observed]],
        values: dict[str, dict[str, Any]],
        joined: dict[str, str],
        batch: Batch,
    ) -> set[str]:
        """Decide records that have a link; answer the ids that links have moved to.

        Args:
            mapped: the pair.
            changed: the records, with what was known of them.
            values: what was observed, by id.
            joined: the links that records join now, by id.
            batch: where decisions go.
        """
        snapshots = self._snapshots(mapped, changed, values)
        withheld = self._withheld(snapshots)
        winners = winners_of(self._ledger, mapped, values.values())
        moved: set[str] = set()
        for seen, known in changed:
            link_id = known.link_id
            snapshot = snapshots.pop(link_id)
            observed = values[seen.record_id]
            if seen.record_id in joined:
                self._join(snapshot.link, seen.record_id, batch)
            winner_id = winner_of(mapped, observed)
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
            winner = "moved in this batch" if winner_id in moved else winners.get(winner_id)
            if mapped.planner.again(prior, subject, batch, winner=winner):
                moved.add(winner_id)
        return moved

    def _join(self, link: Link, source_id: str, batch: Batch) -> None:
        """Give a link the record that names it; both sides are known now."""
        self._course.join(link, source_id)
        if link.state is LinkState.PENDING and self._course.destination_id(link):
            link.state = LinkState.LINKED
        batch.decisions.links.append(
            Link(
                link_id=link.link_id,
                pair=link.pair,
                origin=link.origin,
                state=link.state,
                salesforce_id=link.salesforce_id,
                spotio_id=link.spotio_id,
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

    def _look_up_parents(self, mapped: MappedPair, images: Iterable[dict[str, Any]]) -> None:
        parent = mapped.pair.mapping.parent
        if mapped.parents is None or parent is None:
            return
        found = (parent_id_in(image, parent.salesforce, self._course) for image in images)
        wanted = {one for one in found if one}
        mapped.parents.look_up(wanted)
        if mapped.accounts is not None:
            mapped.accounts.look_up(map(mapped.parents.of, wanted))

    def _withheld(self, link_ids: Collection[str]) -> dict[str, Withheld]:
        found = self._ledger.parked(list(link_ids))
        fingerprint = self._run.definition_fingerprint
        return {
            link_id: withheld_of(rows, self._course, fingerprint) for link_id, rows in found.items()
        }

    def _stored(self, snapshot: Snapshot, image: dict[str, Any]) -> Subject:
        return Subject(
            snapshot.link.link_id,
            self._course.source_id(snapshot.link) or "",
            image,
            self._course.source_digest(snapshot) or "",
            self._course.source_modified_at(snapshot),
            is_new=False,
        )

    def _stored_prior(self, snapshot: Snapshot) -> Prior:
        """Decide from the stored image: what differs in it was noted when it came."""
        kept = self._course.source_differing(snapshot)
        wanted = self._restores.get(snapshot.link.link_id, ())
        return Prior(snapshot, Watch(Sighting(hi="", known=kept), is_new=False), restores=wanted)


def _left(match: Match, named: Collection[str]) -> Match:
    """What a rule has found, as far as no other record of the batch names that very record."""
    if match.link_id is not None or match.other_id not in named or not match.is_free:
        return match
    words = f"by {match.rule} it is {match.other_id}, which another new record names; {WAY_OUT}"
    return Match(match.other_id, rule=match.rule, outcome=Outcome.AMBIGUOUS, words=words)


def _unseen(link_id: str) -> Observed:
    """What is known of a record that joins a link: nothing."""
    return Observed(
        link_id=link_id,
        state=LinkState.PENDING,
        digest=None,
        modified_at=None,
        has_open_operation=False,
    )


def _is_older(stamp: str | None, known: str | None) -> bool:
    """Whether an observation is older than what is known; who writes stamps spells them freely."""
    if not stamp or not known or stamp >= known:
        return False
    return stamp < (instant(known) or known)
