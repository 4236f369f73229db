"""What earlier runs left open, in a run that is about some of the records only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping.definition import Side
from reverse_sf.merge.plan import id_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import msgspec

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.course import Course


class Due:
    """Links that are to be decided again, handed out as the tap sends their records.

    A run over everything decides them all before its first record. One that is about a part of the
    records leaves to it whatever it was not asked for.

    Args:
        link_ids: all that are due in the run's direction.
        ledger: knows whose links they are.
        course: the run's direction.
    """

    def __init__(self, link_ids: Iterable[str], ledger: Ledger, course: Course) -> None:
        self._link_ids = set(link_ids)
        self._ledger = ledger
        self._course = course

    def among(self, pair: str, records: Iterable[msgspec.Raw]) -> list[str]:
        """The due links of a pair among records of the source; each link once a run."""
        if not self._link_ids:
            return []
        ids = list({id_of(one) for one in records})
        if self._course.source is Side.SALESFORCE:
            known = self._ledger.link_ids(pair, ids)
        else:
            known = self._ledger.link_ids_of_spotio(pair, ids)
        found = self._link_ids.intersection(known.values())
        self._link_ids -= found
        return sorted(found)
