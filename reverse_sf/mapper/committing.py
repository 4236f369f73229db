"""A batch of decisions is looked up at once, and committed before its records are emitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.batches import Decisions
from reverse_sf.mapper.batch import Batch
from reverse_sf.mapper.relations import parent_id_in
from reverse_sf.mapper.withheld import withheld_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from reverse_sf.ledger.rows import AwaitedOwner
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.batch import RunFacts, Tally
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.messages import Writer
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.streams import MappedPair
    from reverse_sf.mapper.withheld import Withheld


class Commits:
    """Commits the batches of a run and then emits their records.

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
        self._awaited: set[AwaitedOwner] = set()
        """Owners whom this run has noted already: each stands for many records."""
        self._restores = ledger.asked(course.direction)

    @property
    def wanted_back(self) -> list[str]:
        """Links with values that a person wants back in the destination."""
        return sorted(self._restores)

    def commit(self, batch: Batch, bookmarks: Sequence[str] = ()) -> None:
        """Commit a batch, then emit its records: never the other way round."""
        decisions = batch.decisions
        decisions.users, self._people.changed = self._people.changed, []
        decisions.awaited = [one for one in set(decisions.awaited) if one not in self._awaited]
        self._awaited.update(decisions.awaited)
        if batch.is_empty:
            return
        self._guard()
        decisions.counts = self._tally.take(self._run.run_id)
        for owner, link_id in batch.owners:
            own = owner and owner[self._course.own_id]
            if own and not owner["email"] and not owner.get("nobody"):
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
