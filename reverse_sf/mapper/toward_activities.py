"""Tasks toward SPOTIO: what is changed in Salesforce changes the activity, while it is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.keys import EXTERNAL_ID_KEY
from reverse_sf.mapper.toward_spotio import TowardSpotio
from reverse_sf.mapping.activity_fields import (
    ACTIVITY_DATE,
    ACTIVITY_DONE,
    COMPLETED,
    NAME,
    STATUS,
    TOO_LATE,
)
from reverse_sf.mapping.activity_pair import kept_time

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.draft import Draft, Prior
    from reverse_sf.mapper.parts import Part
    from reverse_sf.mapper.people import People
    from reverse_sf.mapper.relations import Parent, Parents
    from reverse_sf.mapping.pair import PairConverter


class TowardActivities(TowardSpotio):
    """Decides what goes from a Task to the activity that it came from.

    Args:
        pair: the compiled mapping.
        people: users of both sides.
        parents: parents of the batch.
        course: the run's direction.
        zone: name of the org's time zone, in which its days are meant.
    """

    def __init__(
        self,
        pair: PairConverter,
        people: People,
        parents: Parents | None,
        course: Course,
        zone: str | None,
    ) -> None:
        super().__init__(pair, people, parents, course)
        self._activity = pair.mapping.activity
        self._zone = zone

    def created(self, source_id: str, values: dict[str, Any], parent: Parent | None) -> Draft:
        """Draft an activity of the mapping's template."""
        draft = super().created(source_id, values, parent)
        del draft.record[EXTERNAL_ID_KEY]
        if self._activity is not None:
            draft.record[NAME] = self._activity.template
        return draft

    def decided(self, prior: Prior, values: dict[str, Any]) -> Draft:
        """Decide every field; of a done activity none is written (OpenAPI, ``PUT``)."""
        draft = super().decided(prior, values)
        held = prior.snapshot.spotio_image or {}
        if draft.record and held.get(STATUS) == COMPLETED:
            for key in list(draft.keys):
                if key in draft.record:
                    self.drop(key, draft)
                    draft.parked.append((key, ACTIVITY_DONE, TOO_LATE))
        return draft

    def is_named(self, snapshot: Snapshot) -> bool:
        """Never: see :meth:`_claim`."""
        del snapshot
        return False

    def _claim(self, other: dict[str, Any], prior: Prior, draft: Draft) -> None:
        """Nothing in an activity says whose it is: the ledger alone knows."""

    def _spell(
        self,
        part: Part,
        value: Any,
        spotio: Any,
        salesforce: Any,
        base: list[Any] | None,
    ) -> dict[str, Any] | None:
        if part.key == ACTIVITY_DATE:
            return {part.key: kept_time(value, spotio, self._zone)}
        return super()._spell(part, value, spotio, salesforce, base)
