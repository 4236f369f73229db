"""How records end: deleted with their children or without, or merged into another.

SPOTIO has no operation to merge; people do it in the web app. For the API a merge is one record
that is deleted and one that is updated (spotio_api.md 2.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.spotio.records import Deletion
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.simulator.spotio.diary import Diary
    from reverse_sf.simulator.spotio.logbook import Logbook
    from reverse_sf.simulator.spotio.quirks import Settings
    from reverse_sf.simulator.spotio.records import Member, Record
    from reverse_sf.simulator.spotio.store import Store
    from reverse_sf.simulator.spotio.workflow import Workflow
    from reverse_sf.simulator.spotio.writing import Writing

MODES = ("delete", "deleteandreassign")


class Succession:
    """Deletes and merges the records of one tenant."""

    def __init__(
        self,
        store: Store,
        workflow: Workflow,
        switches: Settings,
        *,
        writing: Writing,
        diary: Diary,
        logbook: Logbook,
    ) -> None:
        self._store = store
        self._workflow = workflow
        self._writing = writing
        self._diary = diary
        self._logbook = logbook
        self._switches = switches

    def delete(self, record: Record, actor: Member, request: Mapping[str, Any]) -> int:
        """Delete a record with its children, or hand those of some types to another parent.

        Returns:
            How many records were deleted or reassigned.

        Raises:
            Refusal: an unknown mode or type, or a new parent that cannot be one; nothing changed.
        """
        mode = str(request.get("mode") or "Delete").lower()
        if mode not in MODES:
            raise Refusal(400, {"mode": f"Mode {request.get('mode')} does not exist."})
        kept: list[Record] = []
        if mode == "deleteandreassign":
            kept = self._handed_on(record, request)
        for child in kept:
            self._reassign(child, request.get("newParentId") or None, actor)
        permanently = bool(request.get("permanently"))
        return len(kept) + self._delete_all(record, actor, permanently=permanently)

    def _handed_on(self, record: Record, request: Mapping[str, Any]) -> list[Record]:
        """The children that are to have another parent, who is checked."""
        types = {str(type_id) for type_id in request.get("reassignTypesIds") or ()}
        errors: dict[str, str] = {}
        for type_id in types:
            if not type_id.isdigit() or self._workflow.get(int(type_id)) is None:
                message = f"DataObject type with id: {type_id} does not exist."
                errors["reassignTypesIds"] = message
        children = [row for row in self._store.children(record.id) if str(row.type_id) in types]
        wanted = request.get("newParentId")
        parent = self._store.records.get(str(wanted or ""))
        if wanted and parent is None:
            errors["newParentId"] = f"DataObject with id: {wanted} does not exist."
        elif parent is not None and parent.id == record.id:
            errors["newParentId"] = "The new parent is the record that is deleted."
        for child in children:
            above = self._workflow.type(child.type_id)
            if parent is not None and parent.type_id != above.parent_id:
                errors["newParentId"] = f"DataObject with id: {wanted} cannot be a parent."
            elif parent is None and above.parent_required:
                errors["newParentId"] = "Parent is required."
        if errors:
            raise Refusal(VALIDATION, errors)
        return children

    def _delete_all(
        self, record: Record, actor: Member, *, permanently: bool, winner: str | None = None
    ) -> int:
        gone = 1
        for child in self._store.children(record.id):
            gone += self._delete_all(child, actor, permanently=permanently)
        self._store.delete_record(
            Deletion(
                record=record,
                at=self._diary.now(),
                by=actor.id,
                permanently=permanently,
                merged_into=winner,
            )
        )
        return gone

    def _reassign(self, child: Record, parent_id: str | None, actor: Member) -> None:
        changed = msgspec.structs.replace(child, parent_id=parent_id)
        if self._switches["reassign_touches"]:
            changed.updated, changed.updated_by = self._diary.now(), actor.id
        self._store.save_record(changed)

    def merge(
        self,
        winner: Record,
        losers: Sequence[Record],
        changes: Mapping[str, Any],
        actor: Member,
    ) -> Record:
        """Delete the losers in favour of the winner, who gets children, activities and values.

        Raises:
            Refusal: the records are not of one type, or a value is refused; nothing changed.
        """
        ids = [loser.id for loser in losers]
        if not losers or winner.id in ids or len(set(ids)) < len(ids):
            raise Refusal(VALIDATION, "Other records than the winner are needed for a merge.")
        if any(loser.type_id != winner.type_id for loser in losers):
            raise Refusal(VALIDATION, "Only records of one type can be merged.")
        if actor.limited:
            raise Refusal(403, "You are not allowed to merge data objects.")
        self._writing.change(winner, dict(changes), actor, validate_required=False)
        for loser in losers:
            for child in self._store.children(loser.id):
                self._reassign(child, winner.id, actor)
            for activity in self._store.logged_on(loser.id):
                moved = msgspec.structs.replace(activity, data_object_id=winner.id)
                self._store.save_activity(moved)
            self._store.hand_over_appointments(loser.id, winner.id)
            self._delete_all(loser, actor, permanently=False, winner=winner.id)
        now = self._diary.now()
        template = self._workflow.template_of("RecordMerge")
        self._diary.note(
            winner,
            "Event",
            actor,
            now,
            template_id=template.id if template else None,
            title="Merge Records",
        )
        self._logbook.recount(winner.id, actor, now)
        return self._store.records[winner.id]
