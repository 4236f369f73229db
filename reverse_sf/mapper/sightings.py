"""Since when the source differs from its base, key by key, as one observation tells it (C.1)."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.ledger.encoding import from_text
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import UNSET
from reverse_sf.merge.decide import same
from reverse_sf.merge.evidence import Interval, Sighting, since, since_under_way

if TYPE_CHECKING:
    from reverse_sf.ledger.rows import Observed
    from reverse_sf.mapper.parts import Part


class Watch(msgspec.Struct):
    """One observation of the source, and the keys that it finds to differ from their base.

    Attributes:
        sighting: its moments.
        before: the image before; None where it was not read, because nothing in it differed, or
            where there was none.
        is_new: a tap has just told the values; else they are the ledger's own.
        found: what differs.
    """

    sighting: Sighting
    before: dict[str, Any] | None = None
    is_new: bool = True
    found: dict[str, list[Any]] = {}

    def note(self, part: Part, value: Any, base: Any, side: Side) -> None:
        """Note a key whose canonical value differs from its base.

        Args:
            part: the key.
            value: the source's value.
            base: the source's value in the base.
            side: the source.
        """
        key = part.key
        if not self.is_new:
            entry = (self.sighting.known or {}).get(key)
            if entry is not None:
                self.found[key] = entry
            return
        if self.before is None:
            was_equal = None if self.sighting.before_at is None else True
            self.found[key] = since(self.sighting, key, was_equal=was_equal, is_unchanged=False)
            return
        held = read_by(part, self.before, side)
        self.found[key] = since(
            self.sighting,
            key,
            was_equal=None if held is UNSET else same(held, base),
            is_unchanged=held is not UNSET and same(held, value),
        )

    def note_under_way(self, part: Part, value: Any, base: Any, side: Side) -> None:
        """Note a key while a write of the link is under way.

        Args:
            part: the key.
            value: the source's value.
            base: the source's value in the base; UNSET where the key has none.
            side: the source.
        """
        held = UNSET if self.before is None else read_by(part, self.before, side)
        if held is UNSET and base is not UNSET and same(value, base):
            return
        entry = since_under_way(
            self.sighting,
            part.key,
            was_equal=None if held is UNSET or base is UNSET else same(held, base),
            is_unchanged=held is not UNSET and same(held, value),
        )
        if entry is not None:
            self.found[part.key] = entry


def watch_of(seen_at: str, modified_at: str | None, known: Observed | None) -> Watch:
    """Watch what a tap has told now.

    Args:
        seen_at: when the tap read it.
        modified_at: when the record was modified, as its system says.
        known: what the ledger knew before.
    """
    if known is None:
        return Watch(Sighting(hi=modified_at or seen_at))
    return Watch(
        Sighting(
            hi=modified_at or seen_at,
            before_at=known.observed_at,
            known=from_text(known.differing_text),
        )
    )


def read_by(part: Part, image: dict[str, Any], side: Side) -> Any:
    """The canonical value of a key in an image of a side, or UNSET."""
    if side is Side.SALESFORCE:
        return part.read(image)
    held = image.get(part.key, UNSET)
    return held if held is UNSET else part.canon_spotio(held)


def interval_of(entry: list[Any] | None) -> Interval:
    """The bounds that are kept for a key; none where nobody has seen when it came to differ."""
    return Interval() if entry is None else Interval(_seconds(entry[0]), _seconds(entry[1]))


def _seconds(moment: str | None) -> float | None:
    """A UTC moment in seconds since the epoch; None for none, or for what is no moment."""
    if not moment:
        return None
    try:
        at = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()
