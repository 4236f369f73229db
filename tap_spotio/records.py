"""From SPOTIO's full record to the record of the stream. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.definition import STAGE
from reverse_sf.spotio.facts import record_keys
from reverse_sf.spotio.wire import decode
from tap_spotio.properties import NATIVES, identifier
from tap_spotio.schema import RESULT_KEYS
from tap_spotio.stamps import stamp_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reverse_sf.mapping.workflow import SpotioField, SpotioType
    from reverse_sf.spotio.feeds import Deleted
    from reverse_sf.spotio.record import Record


class Shape:
    """How the records of one type become records of its stream.

    Args:
        record_type: its fields and stages.
        results: result names by id, by the key that carries the name.
        selected: keys that are wanted.
    """

    def __init__(
        self,
        record_type: SpotioType,
        results: Mapping[str, Mapping[str, str]],
        selected: Collection[str],
    ) -> None:
        keys = record_keys(record_type)
        self._natives = [
            (one.key, one.read)
            for one in NATIVES
            if one.key in selected and (one.of != "address" or record_type.has_address)
        ]
        self._fields: list[tuple[str, SpotioField]] = [
            (keys[one.id], one) for one in record_type.fields if keys[one.id] in selected
        ]
        self._known = frozenset(keys)
        self._stages = {stage.id: stage.name for stage in record_type.stages}
        self._results = results
        self._selected = frozenset(selected)
        self._has_parent = record_type.parent_id is not None

    def is_unknown(self, record: Record, *, fields: bool) -> bool:
        """Whether a record has a stage, a result or a field that the shape has no name for.

        Args:
            record: the full record.
            fields: whether fields are looked at as well.
        """
        if record.stage_id and record.stage_id not in self._stages:
            return True
        if fields and any(str(one.get("fieldId")) not in self._known for one in record.entries):
            return True
        return any(
            key in self._selected
            and record.raw.get(source) not in {None, ""}
            and str(record.raw[source]) not in self._results[key]
            for key, source in RESULT_KEYS.items()
        )

    def record(self, record: Record, row: Mapping[str, Any]) -> dict[str, Any]:
        """The stream's record.

        A stage or result without a name is absent, not null: null would say that there is none.

        Args:
            record: the full record, with its parents where its type has parents.
            row: what the listing told.
        """
        full = record.raw
        made: dict[str, Any] = {"id": record.id}
        for key, read in self._natives:
            made[key] = read(full, row)
        if self._has_parent and "parentId" in self._selected:
            made["parentId"] = record.parents[0] if record.parents else None
        made |= self._names(record)
        entries = {str(entry.get("fieldId")): entry for entry in record.entries}
        for key, field in self._fields:
            entry = entries.get(field.id)
            if entry is None:
                made[key] = None
            elif field.type == "Attachment":
                made[key] = entry.get("attachmentValue") or None
            else:
                made[key] = decode(field, entry)
        return made

    def _names(self, record: Record) -> dict[str, str | None]:
        """Stage and results by name."""
        names: dict[str, str | None] = {}
        if STAGE in self._selected and record.stage_id in self._stages:
            names[STAGE] = self._stages[record.stage_id]
        for key, source in RESULT_KEYS.items():
            result = identifier(record.raw.get(source))
            if key in self._selected and (result is None or result in self._results[key]):
                names[key] = None if result is None else self._results[key][result]
        return names

    def deletion(self, deleted: Deleted) -> dict[str, Any]:
        """The record of a deletion: nothing but what is known of it."""
        at = stamp_of(deleted.deleted_at)
        known = {
            "id": deleted.id,
            "deleted": True,
            "deletedAt": at,
            "updatedAt": at,
            "externalDataObjectId": deleted.external_id,
        }
        return {key: value for key, value in known.items() if key in self._selected}
