"""Links are decided again from the images that the ledger holds, without a new observation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.committing import Commits
from reverse_sf.mapper.draft import Prior
from reverse_sf.mapper.matching import BY_ID, linked_by
from reverse_sf.mapper.sightings import Watch
from reverse_sf.mapper.subject import Subject
from reverse_sf.mapper.winners import Winners
from reverse_sf.mapper.withheld import NOTHING
from reverse_sf.merge.evidence import Sighting
from reverse_sf.merge.identity import NOT_THERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.mapper.batch import Batch
    from reverse_sf.mapper.matching import Match
    from reverse_sf.mapper.streams import MappedPair

_NAMED_IN_VAIN = (NOT_THERE, linked_by(BY_ID))
"""Flags of a link whose counterpart was only named, and which has none."""


class StoredLinks(Commits):
    """The part of deciding that starts from links, not from what a tap has sent."""

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
            links = [one.link for one in ones]
            winners = Winners(self._ledger, mapped, list(zip(links, images, strict=True)))
            for snapshot, image in zip(ones, images, strict=True):
                if self._course.source_digest(snapshot) is None or not image:
                    continue
                if self._is_under_way(mapped, snapshot) or mapped.lacks(image):
                    # The other direction has not finished with it, or the tap must say more.
                    continue
                deletes = len(mapped.planner.deletes)
                link_id = snapshot.link.link_id
                winner = winners.link_of(snapshot.link, image)
                prior = self._stored_prior(snapshot)
                prior.withheld = withheld.get(link_id, NOTHING)
                subject = self._stored(snapshot, image)
                match = self._named_in_vain(mapped, snapshot, subject)
                if match is not None:
                    mapped.planner.newcomers.matched(subject, prior, match, batch)
                elif mapped.planner.again(prior, subject, batch, winner=winner):
                    winners.moved(snapshot.link, image)
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
