"""A SPOTIO record as read: whatever call brought it, ids are text and moments are moments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.instants import parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True)
class Record:
    """One record (``DataObject``, ``DataObjectWithParent`` or ``DataObjectExportItem``).

    Attributes:
        entries: the record's ``fields`` in the order of the answer, as they came.
        parents: ids of the parents, nearest first; None where the call does not tell (``many``,
            the export feed and the answer of a patch do not).
        updated_at: None where the call does not tell.
    """

    id: str
    type_id: str
    stage_id: str | None = None
    owner_id: str | None = None
    external_id: str | None = None
    updated_at: datetime | None = None
    pin: Mapping[str, Any] | None = None
    entries: tuple[Mapping[str, Any], ...] = ()
    parents: tuple[str, ...] | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Record:
        """From one object of an answer."""
        updated, parents = answer.get("updatedAt"), answer.get("parentsInfo")
        return cls(
            id=str(answer["id"]),
            type_id=_id(answer.get("typeId")) or "",
            stage_id=_id(answer.get("stageId")),
            owner_id=_id(answer.get("ownerId")),
            external_id=answer.get("externalDataObjectId") or None,
            updated_at=parse_instant(updated) if updated else None,
            pin=answer.get("pin") or None,
            entries=tuple(answer.get("fields") or ()),
            parents=None if parents is None else tuple(str(one["id"]) for one in parents),
            raw=answer,
        )

    def entry(self, field_id: str) -> Mapping[str, Any]:
        """The entry of a field; an empty one where the record has none."""
        position = self.position(field_id)
        return {} if position is None else self.entries[position]

    def position(self, field_id: str) -> int | None:
        """Where the field stands in ``fields``, or None."""
        for position, entry in enumerate(self.entries):
            if str(entry.get("fieldId")) == field_id:
                return position
        return None


def _id(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def holds(entry: Mapping[str, Any]) -> bool:
    """Whether an entry holds anything at all."""
    return bool(entry.get("value") or entry.get("values") or entry.get("attachmentValue"))
