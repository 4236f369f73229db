"""A converted lead: its link moves to the contact or account that it became (C.4).

SPOTIO's record stays what it is, so the link moves to the mapping of the same record type and the
other object. What both mappings sync keeps its base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.rows import Image, Link, LinkState
from reverse_sf.mapper.keys import MOVED
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Direction, Side, SyncRule
from reverse_sf.merge.identity import link_id_of

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import Snapshot
    from reverse_sf.mapper.batch import Batch
    from reverse_sf.mapping.definition import ObjectMapping


@dataclass(frozen=True)
class Conversion:
    """Where the links of one mapping's converted leads move to.

    Attributes:
        pair: name of the mapping that takes over.
        id_field: the lead's field that names the record it became.
        places: by record key that both mappings sync, the field of the lead and of the target.
        own_id: the target's field for SPOTIO's id, if there is one.
        goes_back: the target's mapping is synced toward Salesforce.
    """

    pair: str
    id_field: str
    places: dict[str, tuple[str, str]]
    goes_back: bool
    own_id: str | None = None

    @classmethod
    def between(cls, lead: ObjectMapping, target: ObjectMapping) -> Conversion:
        """The conversion of a lead mapping's records to another mapping's."""
        mine = {one.spotio: one for one in lead.fields if one.rule is not SyncRule.DO_NOT_SYNC}
        return cls(
            pair=target.name,
            id_field=f"Converted{target.salesforce}Id",
            places={
                one.spotio: (mine[one.spotio].salesforce, one.salesforce)
                for one in target.fields
                if one.rule is not SyncRule.DO_NOT_SYNC and one.spotio in mine
            },
            goes_back=target.to_salesforce.enabled,
            own_id=target.salesforce_external_id,
        )

    def target_id(self, values: dict[str, Any]) -> str | None:
        """Id of the record that a lead became."""
        found: str | None = canon.record_id(values.get(self.id_field))
        return found or None

    def move(self, snapshot: Snapshot, values: dict[str, Any], batch: Batch) -> None:
        """Join the target and the lead's counterpart.

        Args:
            snapshot: all that is known of the lead's link.
            values: the lead.
            batch: where decisions go.
        """
        target_id = self.target_id(values)
        link_id = link_id_of(self.pair, target_id or "", Side.SALESFORCE)
        decisions = batch.decisions
        decisions.links.append(
            Link(
                link_id=link_id,
                pair=self.pair,
                origin=snapshot.link.origin,
                state=LinkState.LINKED,
                salesforce_id=target_id,
                spotio_id=snapshot.link.spotio_id,
                flagged=Direction.TO_SALESFORCE if self.goes_back else None,
                flag_reason="its lead was converted",
            )
        )
        base = snapshot.base
        decisions.rebased[link_id] = {key: base[key] for key in self.places if key in base}
        held = snapshot.spotio_image
        if held is not None:
            # SPOTIO's record goes on to name the lead: no target takes a record from its owner.
            decisions.images.append(self._image(link_id, Side.SPOTIO, held, batch))
        # The conversion copies the lead; what it changed is found by the guard, or by the tap.
        copied = {place: values[mine] for mine, place in self.places.values() if mine in values}
        if self.own_id:
            # Taken for empty, so that SPOTIO's id is written there; the guard looks first.
            copied[self.own_id] = None
        decisions.images.append(self._image(link_id, Side.SALESFORCE, copied, batch))

    @staticmethod
    def _image(link_id: str, side: Side, values: dict[str, Any], batch: Batch) -> Image:
        """An image that any observation replaces."""
        return Image(
            link_id=link_id, side=side, values=values, digest=MOVED, observed_at=batch.seen_at
        )
