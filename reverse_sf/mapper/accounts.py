"""The accounts of contacts: what an activity of a contact is related to besides the contact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapper.keys import PARENT_KEY
from reverse_sf.mapping import canon

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapper.course import Course
    from reverse_sf.mapper.relations import Parent, Parents
    from reverse_sf.mapping.definition import ObjectMapping


class Accounts:
    """Finds the parents of contacts, a batch at a time, from what was last seen of the contacts.

    Args:
        contacts: the mapping of the contacts, which has a parent.
        parents: resolves the parents of contacts.
        ledger: has the contacts' images.
        course: the run's direction, toward Salesforce.
    """

    def __init__(
        self, contacts: ObjectMapping, parents: Parents, ledger: Ledger, course: Course
    ) -> None:
        self._field = contacts.parent.salesforce if contacts.parent is not None else ""
        self._parents = parents
        self._ledger = ledger
        self._course = course
        self._known: dict[str, Any] = {}

    def look_up(self, contacts: Iterable[Parent]) -> None:
        """Resolve the accounts of a batch of contacts; forgets those of the batch before."""
        links = sorted({one.link_id for one in contacts if one.is_linked})
        snapshots = self._ledger.snapshots(links) if links else {}
        self._known = {}
        named: dict[str, str] = {}
        for link_id, snapshot in snapshots.items():
            held = canon.record_id((snapshot.salesforce_image or {}).get(self._field))
            parent = canon.text((snapshot.spotio_image or {}).get(PARENT_KEY))
            if held:
                self._known[link_id] = held
            elif parent:
                named[link_id] = parent
        self._parents.look_up(named.values())
        for link_id, parent_id in named.items():
            parent = self._parents.of(parent_id)
            if parent.is_linked:
                self._known[link_id] = parent.named(self._course)

    def of(self, contact: Parent) -> Any:
        """The account as a record names it; None where it is not known."""
        return self._known.get(contact.link_id)
