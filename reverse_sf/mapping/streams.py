"""Which streams of a tap tell the records of a pair, and which tell users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping.activity_fields import ACTIVITIES, APPOINTMENTS
from reverse_sf.mapping.definition import Side

if TYPE_CHECKING:
    from reverse_sf.mapping.definition import ObjectMapping

USER_STREAMS = {
    Side.SALESFORCE: frozenset({"User"}),
    # The second name is for a tenant that has a record type of the first one.
    Side.SPOTIO: frozenset({"users", "spotio_users"}),
}


def streams_of(mapping: ObjectMapping, side: Side) -> tuple[str, ...]:
    """All streams of a side's tap that tell records of a pair."""
    name = mapping.salesforce if side is Side.SALESFORCE else mapping.spotio
    return (name, APPOINTMENTS) if name == ACTIVITIES else (name,)
