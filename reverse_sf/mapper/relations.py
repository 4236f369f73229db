"""Parents: which link a child's lookup means, and whether it can be written yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Direction
from reverse_sf.mapping.values import Reason, Undefined

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reverse_sf.ledger.rows import Parked
    from reverse_sf.mapping.definition import ObjectMapping

MOST_REMEMBERED = 200_000
"""Out-of-scope parents that are remembered by reason; beyond it the reason is told in general."""


class LinkReader(Protocol):
    """What is asked of the ledger."""

    def link_ids(self, pair: str, salesforce_ids: Sequence[str]) -> dict[str, str]:
        """Answer link ids by Salesforce Id."""

    def counterparts(self, link_ids: Sequence[str]) -> dict[str, str]:
        """Answer SPOTIO ids by link id."""

    def parked(self, link_ids: Sequence[str]) -> dict[str, list[Parked]]:
        """Answer what is withheld, by link id."""


def link_id_of(pair: str, salesforce_id: str) -> str:
    """Name the link of a record first seen in Salesforce.

    Deterministic, so that a child can name its parent's link before the parent was seen.
    """
    return hashlib.blake2b(
        f"{pair}|salesforce|{salesforce_id}".encode(), digest_size=16
    ).hexdigest()


@dataclass(frozen=True)
class Parent:
    """One parent, as far as it is known.

    Attributes:
        link_id: the parent's link, existing or to come.
        salesforce_id: its Salesforce Id.
        spotio_id: its SPOTIO id, where it has one.
        withheld: why it will not come in this run, if that is known.
        is_linked: the ledger has a link for it, with or without a counterpart.
    """

    link_id: str
    salesforce_id: str
    spotio_id: str | None = None
    withheld: str | None = None
    is_linked: bool = False


class Parents:
    """Resolves the parents of one child mapping, a batch at a time.

    Args:
        child: the mapping of the children.
        candidates: the mappings whose links can be the parent.
        ledger: where links are looked up.
        out_of_scope: by pair, the records that this run saw and left out, with the reason.
    """

    def __init__(
        self,
        child: ObjectMapping,
        candidates: Sequence[ObjectMapping],
        ledger: LinkReader,
        out_of_scope: dict[str, dict[str, str]],
    ) -> None:
        self._child = child
        self._candidates = candidates
        self._ledger = ledger
        self._out_of_scope = out_of_scope
        self._known: dict[str, Parent] = {}

    def look_up(self, salesforce_ids: Iterable[str]) -> None:
        """Resolve the parents of a batch; forgets those of the batch before."""
        wanted = sorted(set(salesforce_ids))
        found: dict[str, str] = {}
        for pair in self._candidates:
            missing = [one for one in wanted if one not in found]
            found.update(self._ledger.link_ids(pair.name, missing) if missing else {})
        spotio = self._ledger.counterparts(sorted(found.values())) if found else {}
        pending = sorted(link for link in found.values() if link not in spotio)
        parked = self._ledger.parked(pending) if pending else {}
        self._known = {one: self._parent(one, found.get(one), spotio, parked) for one in wanted}

    def of(self, salesforce_id: str) -> Parent:
        """The parent with this Salesforce Id; :meth:`look_up` came first."""
        known = self._known.get(salesforce_id)
        return known if known is not None else self._parent(salesforce_id, None, {}, {})

    def _parent(
        self,
        salesforce_id: str,
        link: str | None,
        spotio: dict[str, str],
        parked: dict[str, list[Parked]],
    ) -> Parent:
        if link is not None and link in spotio:
            return Parent(link, salesforce_id, spotio[link], is_linked=True)
        withheld = None
        for pair in self._candidates:
            reason = self._out_of_scope.get(pair.name, {}).get(salesforce_id)
            if reason:
                withheld = f"its {pair.salesforce} {salesforce_id} is left out: {reason}"
        for row in parked.get(link or "", ()):
            if row.key == "" and row.direction is Direction.TO_SPOTIO:
                withheld = f"its parent {salesforce_id} is withheld itself: {row.message}"
        name = self._candidates[0].name if self._candidates else self._child.name
        return Parent(
            link or link_id_of(name, salesforce_id),
            salesforce_id,
            withheld=withheld,
            is_linked=link is not None,
        )


class ParentExchange:
    """How a parent travels: the SPOTIO parent's id on one side, the lookup's Id on the other."""

    def __init__(self, parents: Parents) -> None:
        self._parents = parents

    def to_spotio(self, value: Any) -> Any:
        """The parent's SPOTIO id; its Salesforce Id as a stand-in where it has none yet."""
        return self._parents.of(canon.record_id(value)).spotio_id or value

    def to_salesforce(self, value: Any) -> Any:
        """Salesforce's value is never written in this direction."""
        return Undefined(Reason.UNPARSABLE, f"the parent {value} is not carried over here")

    def agrees(self, spotio: Any, salesforce: Any) -> bool:
        """Whether both sides name the same parent."""
        if not spotio or not salesforce:
            return not spotio and not salesforce
        return bool(self._parents.of(canon.record_id(salesforce)).spotio_id == spotio)
