"""What a target has read back becomes the destination's image, beside the one that it replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.ledger.differing import (
    BESIDE,
    after_read_back,
    back_at_base,
    bases_of,
    changed_beside,
    replaced_images,
)
from reverse_sf.ledger.encoding import digest_of, to_text
from reverse_sf.ledger.facts import read_places
from reverse_sf.ledger.leases import Leases
from reverse_sf.mapping.definition import Direction, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from reverse_sf.ledger.rows import Outcome


class ReadBacks(Leases):
    """The part of the target's commit that looks at what was read back."""

    def _image_rows(
        self,
        connection: Connection,
        direction: Direction,
        read_back: Sequence[tuple[Outcome, Row[Any], dict[str, list[Any]]]],
    ) -> tuple[list[tuple[Any, ...]], list[tuple[str, str, str]]]:
        """Rows of what was read back, with what a person has changed there; and flags for that."""
        side = direction.destination
        replaced = replaced_images(connection, side.value, [row.link for _, row, _ in read_back])
        differing: list[dict[str, list[Any]] | None] = []
        flagged: list[tuple[str, str, str]] = []
        for outcome, row, base in read_back:
            places = self._places(connection, row.pair) if side is Side.SALESFORCE else None
            known = None
            if side is Side.SPOTIO or places is not None:
                hi = outcome.image_modified_at or outcome.at
                before, image = replaced.get(row.link), outcome.image or {}
                known = after_read_back(before, image, hi, set(base), places)
                beside = changed_beside(before, image, set(base), places)
                if beside:
                    flagged.append((row.link_id, direction.value, BESIDE + ", ".join(beside)))
            differing.append(known)
        of_links = [row.link for (_, row, _), one in zip(read_back, differing, strict=True) if one]
        bases = bases_of(connection, of_links)
        rows = []
        for (outcome, row, _), found in zip(read_back, differing, strict=True):
            left = found
            if found:
                places = self._places(connection, row.pair) if side is Side.SALESFORCE else None
                base = bases.get(row.link, {})
                left = back_at_base(found, outcome.image or {}, base, side, places)
            rows.append(_image_row(outcome, row, left))
        return rows, flagged

    def _places(self, connection: Connection, pair: str) -> dict[str, Any] | None:
        """The Salesforce fields behind the record keys of a pair, as the mapper has noted them."""
        if pair not in self._known_places:
            self._known_places[pair] = read_places(connection, pair)
        return self._known_places[pair]


def _image_row(
    outcome: Outcome, row: Row[Any], differing: dict[str, list[Any]] | None
) -> tuple[Any, ...]:
    """The image's row; it was read after the operation was issued, we know no better."""
    image = outcome.image or {}
    return (
        row.link,
        Direction(row.direction).destination.value,
        digest_of(image),
        outcome.image_modified_at,
        row.issued_at,
        False,
        to_text(image),
        None if differing is None else to_text(differing),
    )
