"""The two directions, seen from the mapper: which side is read, which is written, who says so.

Deciding is one law for both directions (``reverse_sf.merge``); all that differs is named here, so
that no other module asks which direction a run has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.encoding import from_text
from reverse_sf.ledger.rows import Link
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.mapping.streams import USER_STREAMS, streams_of

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import LinkState, Snapshot
    from reverse_sf.mapping.criteria import Criteria
    from reverse_sf.mapping.definition import DeletePolicy, DirectionSettings, ObjectMapping
    from reverse_sf.mapping.pair import PairConverter


@dataclass(frozen=True)
class Course:
    """One direction.

    Attributes:
        direction: as the ledger and ``sync.yml`` name it.
        back: the other direction.
        source: the side that the tap reads.
        destination: the side that the target writes.
        source_name: for people.
        destination_name: for people.
        letter: of the source side in the truth tables.
        user_streams: streams of the tap that tell users.
        own_id: key of a source's id in envelopes, owners and references.
        other_id: key of a destination's id.
        command: reads everything once more, for messages.
    """

    direction: Direction
    back: Direction
    source: Side
    destination: Side
    source_name: str
    destination_name: str
    letter: str
    user_streams: frozenset[str]
    own_id: str
    other_id: str
    command: str

    def source_stream(self, mapping: ObjectMapping) -> str:
        """The tap's stream of a pair."""
        return mapping.salesforce if self.source is Side.SALESFORCE else mapping.spotio

    def source_streams(self, mapping: ObjectMapping) -> tuple[str, ...]:
        """All streams of the tap that tell records of a pair."""
        return streams_of(mapping, self.source)

    def destination_stream(self, mapping: ObjectMapping) -> str:
        """The target's stream of a pair."""
        return mapping.spotio if self.source is Side.SALESFORCE else mapping.salesforce

    def settings(self, mapping: ObjectMapping) -> DirectionSettings:
        """What a pair says of this direction."""
        return mapping.toward(self.direction)

    def is_answered(self, mapping: ObjectMapping) -> bool:
        """Whether the pair is synced in the other direction as well."""
        return mapping.toward(self.back).enabled

    def on_delete(self, mapping: ObjectMapping) -> DeletePolicy:
        """What a deletion in the source means for the destination."""
        if self.source is Side.SALESFORCE:
            return mapping.on_delete_in_salesforce
        return mapping.on_delete_in_spotio

    def in_scope(self, pair: PairConverter) -> Criteria:
        """The filter of a pair, judged on an image of the source."""
        if self.source is Side.SALESFORCE:
            return pair.in_scope_of_salesforce
        return pair.in_scope_of_spotio

    def source_id(self, link: Link) -> str | None:
        """Id of the source's record."""
        return link.salesforce_id if self.source is Side.SALESFORCE else link.spotio_id

    def destination_id(self, link: Link) -> str | None:
        """Id of the destination's record."""
        return link.spotio_id if self.source is Side.SALESFORCE else link.salesforce_id

    def link(
        self,
        pair: str,
        link_id: str,
        source_id: str,
        destination_id: str | None,
        state: LinkState,
    ) -> Link:
        """A link that begins with a record of the source."""
        from_salesforce = self.source is Side.SALESFORCE
        return Link(
            link_id=link_id,
            pair=pair,
            origin=self.source,
            state=state,
            salesforce_id=source_id if from_salesforce else destination_id,
            spotio_id=destination_id if from_salesforce else source_id,
        )

    def join(self, link: Link, source_id: str) -> None:
        """Give a link its record of the source."""
        if self.source is Side.SALESFORCE:
            link.salesforce_id = source_id
        else:
            link.spotio_id = source_id

    def source_image(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """What the source was last seen to hold."""
        if self.source is Side.SALESFORCE:
            return snapshot.salesforce_image
        return snapshot.spotio_image

    def destination_image(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """What the destination was last seen to hold."""
        if self.source is Side.SALESFORCE:
            return snapshot.spotio_image
        return snapshot.salesforce_image

    def source_differing(self, snapshot: Snapshot) -> dict[str, list[Any]] | None:
        """Since when the source's image differs from its base; None where nobody kept it."""
        kept = (
            snapshot.salesforce_differing
            if self.source is Side.SALESFORCE
            else snapshot.spotio_differing
        )
        found: dict[str, list[Any]] | None = from_text(kept)
        return found

    def destination_differing(self, snapshot: Snapshot) -> dict[str, list[Any]] | None:
        """Since when the destination's image differs from its base."""
        kept = (
            snapshot.spotio_differing
            if self.source is Side.SALESFORCE
            else snapshot.salesforce_differing
        )
        found: dict[str, list[Any]] | None = from_text(kept)
        return found

    def source_digest(self, snapshot: Snapshot) -> str | None:
        """Digest of the source's image; None where there is no image."""
        if self.source is Side.SALESFORCE:
            return snapshot.salesforce_digest
        return snapshot.spotio_digest

    def source_modified_at(self, snapshot: Snapshot) -> str | None:
        """When the source's record was modified, as its stored image says."""
        if self.source is Side.SALESFORCE:
            return snapshot.salesforce_modified_at
        return snapshot.spotio_modified_at

    def destination_observed_at(self, snapshot: Snapshot) -> str | None:
        """When the destination was last seen."""
        if self.source is Side.SALESFORCE:
            return snapshot.spotio_observed_at
        return snapshot.salesforce_observed_at

    def destination_deleted(self, snapshot: Snapshot) -> bool:
        """Whether the destination's record was last seen deleted."""
        if self.source is Side.SALESFORCE:
            return snapshot.spotio_deleted
        return snapshot.salesforce_deleted


TO_SPOTIO = Course(
    direction=Direction.TO_SPOTIO,
    back=Direction.TO_SALESFORCE,
    source=Side.SALESFORCE,
    destination=Side.SPOTIO,
    source_name="Salesforce",
    destination_name="SPOTIO",
    letter="S",
    user_streams=USER_STREAMS[Side.SALESFORCE],
    own_id="salesforce_id",
    other_id="spotio_id",
    command="meltano run --full-refresh tap-salesforce spotio-mapper target-spotio",
)
TO_SALESFORCE = Course(
    direction=Direction.TO_SALESFORCE,
    back=Direction.TO_SPOTIO,
    source=Side.SPOTIO,
    destination=Side.SALESFORCE,
    source_name="SPOTIO",
    destination_name="Salesforce",
    letter="P",
    user_streams=USER_STREAMS[Side.SPOTIO],
    own_id="spotio_id",
    other_id="salesforce_id",
    command="meltano run --full-refresh tap-spotio salesforce-mapper target-salesforce",
)
COURSES = {one.direction: one for one in (TO_SPOTIO, TO_SALESFORCE)}
