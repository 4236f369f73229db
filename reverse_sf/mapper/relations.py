"""Parents: which link a child's parent means, and whether it can be written yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reverse_sf.mapper.keys import PARENT_KEY
from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.values import Reason, Undefined
from reverse_sf.merge.identity import link_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from reverse_sf.ledger.rows import Parked
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapping.definition import ObjectMapping

WAITING_FOR_PARENT = "waiting_for_parent"
"""Reason of a record, or of its key for the parent, that needs the parent's counterpart first."""
MOST_REMEMBERED = 200_000
"""Out-of-scope parents that are remembered by reason; beyond it the reason is told in general."""


class LinkReader(Protocol):
    """What is asked of the ledger."""

    def link_ids(self, pair: str, salesforce_ids: Sequence[str]) -> dict[str, str]:
        """Answer link ids by Salesforce Id."""

    def link_ids_of_spotio(self, pair: str, spotio_ids: Sequence[str]) -> dict[str, str]:
        """Answer link ids by SPOTIO id."""

    def counterparts(self, link_ids: Sequence[str]) -> dict[str, str]:
        """Answer SPOTIO ids by link id."""

    def counterparts_in_salesforce(self, link_ids: Sequence[str]) -> dict[str, str]:
        """Answer Salesforce Ids by link id."""

    def parked(self, link_ids: Sequence[str]) -> dict[str, list[Parked]]:
        """Answer what is withheld, by link id."""

    def under_way(self, link_ids: Sequence[str]) -> set[str]:
        """Answer which links have a write whose outcome is open."""


@dataclass(frozen=True)
class Parent:
    """One parent, as far as it is known.

    Attributes:
        link_id: the parent's link, existing or to come.
        source_id: its id in the source.
        destination_id: its id in the destination, where it has one.
        withheld: why it will not come in this run, if that is known.
        is_linked: the ledger has a link for it, with or without a counterpart.
    """

    link_id: str
    source_id: str
    destination_id: str | None = None
    withheld: str | None = None
    is_linked: bool = False

    def named(self, course: Course) -> dict[str, Any]:
        """The parent as a record names it."""
        named = {"link_id": self.link_id, course.own_id: self.source_id}
        if course.destination is Side.SALESFORCE and self.destination_id:
            named["salesforce_id"] = self.destination_id
        return named


def absence_of(parent: Parent | None) -> str | None:
    """Why a parent has no counterpart and none under way; None where it has."""
    if parent is None or parent.destination_id is not None:
        return None
    if parent.withheld is None and not parent.is_linked:
        return (
            f"its parent {parent.source_id} is not linked: it is outside the filter, or the tap"
            " has not sent it yet"
        )
    return parent.withheld


def parent_id_in(values: dict[str, Any], field: str, course: Course) -> str | None:
    """The parent that an image of the source names.

    Args:
        values: the image.
        field: the lookup field in Salesforce.
        course: the run's direction.
    """
    if course.source is Side.SALESFORCE:
        found: str | None = canon.record_id(values.get(field))
    else:
        found = canon.text(values.get(PARENT_KEY))
    return found or None


class Parents:
    """Resolves the parents of one child mapping, a batch at a time.

    Args:
        child: the mapping of the children.
        candidates: the mappings whose links can be the parent.
        ledger: where links are looked up.
        out_of_scope: by pair, the records that this run saw and left out, with the reason.
        course: the run's direction.
    """

    def __init__(
        self,
        child: ObjectMapping,
        candidates: Sequence[ObjectMapping],
        ledger: LinkReader,
        out_of_scope: dict[str, dict[str, str]],
        course: Course,
    ) -> None:
        self._child = child
        self._candidates = candidates
        self._ledger = ledger
        self._out_of_scope = out_of_scope
        self._course = course
        from_salesforce = course.source is Side.SALESFORCE
        self._links_of: Callable[[str, Sequence[str]], dict[str, str]] = (
            ledger.link_ids if from_salesforce else ledger.link_ids_of_spotio
        )
        self._counterparts: Callable[[Sequence[str]], dict[str, str]] = (
            ledger.counterparts if from_salesforce else ledger.counterparts_in_salesforce
        )
        self._known: dict[str, Parent] = {}

    def look_up(self, ids: Iterable[str]) -> None:
        """Resolve the parents of a batch by the source's ids; forgets those of the batch before."""
        wanted = sorted(set(ids))
        found: dict[str, str] = {}
        for pair in self._candidates:
            missing = [one for one in wanted if one not in found]
            found.update(self._links_of(pair.name, missing) if missing else {})
        others = self._counterparts(sorted(found.values())) if found else {}
        pending = sorted(link for link in found.values() if link not in others)
        parked = self._ledger.parked(pending) if pending else {}
        idle = set(pending) - self._ledger.under_way(pending) if pending else set()
        self._known = {
            one: self._parent(one, found.get(one), others, parked, idle) for one in wanted
        }

    def sought(self, source_id: str) -> Parent:
        """The parent with this id in the source, looked up now; for a single one."""
        for pair in self._candidates:
            for link in self._links_of(pair.name, [source_id]).values():
                return self._parent(source_id, link, self._counterparts([link]), {})
        return self._parent(source_id, None, {}, {})

    def at(self, destination_id: str) -> Parent | None:
        """The linked parent with this id in the destination; None where there is none."""
        in_spotio = self._course.destination is Side.SPOTIO
        ledger = self._ledger
        links_of = ledger.link_ids_of_spotio if in_spotio else ledger.link_ids
        ids_of = ledger.counterparts_in_salesforce if in_spotio else ledger.counterparts
        for pair in self._candidates:
            for link in links_of(pair.name, [destination_id]).values():
                source_id = ids_of([link]).get(link)
                if source_id is not None:
                    return Parent(link, source_id, destination_id, is_linked=True)
        return None

    def of(self, source_id: str) -> Parent:
        """The parent with this id in the source; :meth:`look_up` came first."""
        known = self._known.get(source_id)
        return known if known is not None else self._parent(source_id, None, {}, {})

    def _parent(
        self,
        source_id: str,
        link: str | None,
        others: dict[str, str],
        parked: dict[str, list[Parked]],
        idle: Collection[str] = (),
    ) -> Parent:
        if link is not None and link in others:
            return Parent(link, source_id, others[link], is_linked=True)
        course = self._course
        withheld = None
        if link in idle:
            # One that left the filter before it had a counterpart is parked nowhere.
            withheld = f"its parent {source_id} has no counterpart, and none is under way"
        for pair in self._candidates:
            reason = self._out_of_scope.get(pair.name, {}).get(source_id)
            if reason:
                stream = course.source_stream(pair)
                withheld = f"its {stream} {source_id} is left out: {reason}"
        for row in parked.get(link or "", ()):
            if row.key == "" and row.direction is course.direction:
                withheld = f"its parent {source_id} is withheld itself: {row.message}"
        name = self._candidates[0].name if self._candidates else self._child.name
        if self._child.activity is not None:
            # One that is not linked yet is no converted lead.
            name = self._child.activity.of
        return Parent(
            link or link_id_of(name, source_id, course.source),
            source_id,
            withheld=withheld,
            is_linked=link is not None,
        )


class ParentExchange:
    """How a parent travels: the SPOTIO parent's id on one side, the lookup's Id on the other.

    Only parents of the source are looked up; the other way the id stands for itself, which is
    enough to say who wins.
    """

    def __init__(self, parents: Parents, course: Course) -> None:
        self._parents = parents
        self._from_salesforce = course.source is Side.SALESFORCE

    def to_spotio(self, value: Any) -> Any:
        """The parent's SPOTIO id; its Salesforce Id as a stand-in where it has none yet."""
        return self._carried(canon.record_id(value)) if self._from_salesforce else value

    def to_salesforce(self, value: Any) -> Any:
        """The parent's Salesforce Id; its SPOTIO id as a stand-in where it has none yet."""
        return value if self._from_salesforce else self._carried(value)

    def exactly(self, value: str) -> Any:
        """The destination's id of a parent that is wanted back, by its id in the source."""
        found = self._parents.sought(value).destination_id
        return found or Undefined(Reason.UNPARSABLE, f"the parent {value} is not linked")

    def at(self, value: str | None) -> Parent | None:
        """The parent with this id in the destination; None for no id, or where it is not linked."""
        return self._parents.at(value) if value else None

    def _carried(self, value: str) -> str:
        return self._parents.of(value).destination_id or value

    def agrees(self, spotio: Any, salesforce: Any) -> bool:
        """Whether both sides name the same parent."""
        if not spotio or not salesforce:
            return not spotio and not salesforce
        if self._from_salesforce:
            known = self._parents.of(canon.record_id(salesforce)).destination_id
            return bool(known == spotio)
        return bool(self._parents.of(spotio).destination_id == canon.record_id(salesforce))
