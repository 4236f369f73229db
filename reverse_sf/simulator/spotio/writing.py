"""Every change of a record: validation by the workflow, derived values, automatic activities.

Requests are dictionaries in the service's own (camelCase) vocabulary; ids may be numbers or texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.spotio import values
from reverse_sf.simulator.spotio.records import Record
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal, not_found, read_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.simulator.spotio.diary import Diary
    from reverse_sf.simulator.spotio.places import Places
    from reverse_sf.simulator.spotio.quirks import Settings
    from reverse_sf.simulator.spotio.records import Member
    from reverse_sf.simulator.spotio.store import Store
    from reverse_sf.simulator.spotio.workflow import Field, RecordType, Workflow

Request = dict[str, Any]
EXTERNAL_ID_LIMIT = 255
SOURCE = "api"


class Writing:
    """Creates, changes and moves the records of one tenant."""

    def __init__(
        self,
        store: Store,
        workflow: Workflow,
        places: Places,
        switches: Settings,
        diary: Diary,
    ) -> None:
        self._store = store
        self._diary = diary
        self._workflow = workflow
        self._places = places
        self._switches = switches

    def create(
        self, request: Request, actor: Member, *, identifier: str, at: int | None = None
    ) -> Record:
        """Add a record; what the request leaves out has the documented defaults.

        Raises:
            Refusal: the workflow or the actor's role does not allow it.
        """
        record_type = self._type_of(request)
        errors: dict[str, str] = {}
        now = self._diary.now() if at is None else at
        first = next(iter(record_type.stages)).id
        record = Record(
            id=identifier,
            type_id=record_type.id,
            stage_id=first,
            owner_id=actor.id,
            created=now,
            created_by=actor.id,
            updated=now,
            updated_by=actor.id,
            stage_updated=now,
            stage_updated_by=actor.id,
            assigned=now,
            source=SOURCE,
        )
        self._assign(record, record_type, request, actor, errors)
        self._check_required(record, record_type, errors)
        _raise_for(errors)
        record.name = derived_name(record, record_type)
        self._store.save_record(record)
        self._diary.note(record, "Create", actor, now)
        return record

    def change(
        self,
        record: Record,
        request: Request,
        actor: Member,
        *,
        validate_required: bool = True,
    ) -> Record:
        """Change just the top-level keys that the request has; ``fields`` is the whole collection.

        Raises:
            Refusal: the workflow or the actor's role does not allow it; nothing is changed.
        """
        record_type = self._workflow.type(record.type_id)
        if "typeId" in request and read_number(request["typeId"]) != record.type_id:
            raise Refusal(VALIDATION, {"typeId": "The type of a data object cannot be changed."})
        errors: dict[str, str] = {}
        changed = msgspec.structs.replace(record)
        self._assign(changed, record_type, request, actor, errors)
        if validate_required:
            self._check_required(changed, record_type, errors)
        _raise_for(errors)
        now = self._diary.now()
        changed.name = derived_name(changed, record_type)
        changed.updated, changed.updated_by = now, actor.id
        self._note_changes(record, changed, actor, now)
        self._store.save_record(changed)
        return changed

    def move(self, moves: Sequence[Mapping[str, Any]], pin_id: int, actor: Member) -> int:
        """Put records at another pin, each with its unit; how many."""
        if pin_id not in self._store.pins:
            raise not_found("Pin", pin_id)
        found = [(self.existing(str(move.get("id"))), move.get("unit")) for move in moves]
        for record, unit in found:
            changed = msgspec.structs.replace(record, pin_id=pin_id)
            unit_field = self._system_field(self._workflow.type(record.type_id), "Unit")
            if unit and unit_field is not None:
                changed.fields = {**record.fields, unit_field.id: str(unit)}
            changed.updated, changed.updated_by = self._diary.now(), actor.id
            self._store.save_record(changed)
        return len(found)

    def existing(self, identifier: str) -> Record:
        """The record with that id.

        Raises:
            Refusal: 404.
        """
        record = self._store.records.get(identifier)
        if record is None:
            raise not_found("DataObject", identifier)
        return record

    def _type_of(self, request: Request) -> RecordType:
        type_id = read_number(request.get("typeId"))
        record_type = self._workflow.get(type_id) if type_id is not None else None
        if record_type is None:
            raise Refusal(
                VALIDATION,
                {"typeId": f"DataObject type with id: {request.get('typeId')} does not exist."},
            )
        return record_type

    def _assign(
        self,
        record: Record,
        record_type: RecordType,
        request: Request,
        actor: Member,
        errors: dict[str, str],
    ) -> None:
        """Put everything that the request has into the record; messages go to ``errors``."""
        self._assign_plain(record, record_type, request, errors)
        self._assign_owner(record, request, actor, errors)
        location: Any = None
        if "fields" in request:
            record.fields, location = self._fields(
                record, record_type, request["fields"] or [], errors
            )
        pin = request.get("pin")
        if pin is None and location is not None:
            pin = {"address": location}
        if record_type.has_address and ("pin" in request or location is not None):
            try:
                record.pin_id = self._places.find(pin)
            except ValueError as error:
                errors["pin"] = str(error)

    def _assign_plain(
        self, record: Record, record_type: RecordType, request: Request, errors: dict[str, str]
    ) -> None:
        stage_id = read_number(request.get("stageId"))
        if stage_id is not None:
            if record_type.stage(stage_id) is None:
                errors["stageId"] = f"Stage with id: {request['stageId']} does not exist."
            record.stage_id = stage_id
        if "parentId" in request:
            record.parent_id = self._parent(record, record_type, request["parentId"], errors)
        if "externalDataObjectId" in request:
            external = request["externalDataObjectId"]
            record.external_id = str(external) if external not in (None, "") else None
            if len(record.external_id or "") > EXTERNAL_ID_LIMIT:
                errors["externalDataObjectId"] = "The value must have 255 characters at most."
        if request.get("source") is not None:
            record.source = str(request["source"])
        if "collaboratorIds" in request:
            numbers = [read_number(entry) for entry in request["collaboratorIds"] or ()]
            record.collaborators = [number for number in numbers if number is not None]

    def _assign_owner(
        self, record: Record, request: Request, actor: Member, errors: dict[str, str]
    ) -> None:
        owner_id = read_number(request.get("ownerId"))
        if owner_id is None:
            return
        owner = self._store.members.get(owner_id)
        if owner is None:
            errors["ownerId"] = f"User with id: {request['ownerId']} does not exist."
        elif owner.suspended and owner_id != record.owner_id:
            errors["ownerId"] = f"User with id: {owner_id} is suspended."
        elif actor.limited and owner_id != actor.id:
            raise Refusal(403, "You are not allowed to assign data objects to other users.")
        record.owner_id = owner_id

    def _parent(
        self, record: Record, record_type: RecordType, given: Any, errors: dict[str, str]
    ) -> str | None:
        if given in (None, ""):
            return None
        parent = self._store.records.get(str(given))
        if parent is None:
            errors["parentId"] = f"DataObject with id: {given} does not exist."
        elif parent.type_id != record_type.parent_id:
            errors["parentId"] = f"DataObject with id: {given} cannot be a parent of {record.name}."
        return str(given)

    def _fields(
        self,
        record: Record,
        record_type: RecordType,
        entries: Any,
        errors: dict[str, str],
    ) -> tuple[dict[int, Any], Any]:
        """The new collection and what the location field says, if it is there."""
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise Refusal(400, {"fields": "Fields must be a list of objects."})
        fields: dict[int, Any] = {}
        location = None
        for entry in entries:
            field_id = read_number(entry.get("fieldId"))
            field = record_type.field(field_id) if field_id is not None else None
            key = str(entry.get("fieldTempId") or entry.get("fieldId"))
            if field is None:
                errors[key] = f"Field with id: {entry.get('fieldId')} does not exist."
            elif field.inherited:
                continue
            elif field.role == "Location":
                location = entry.get("value")
            else:
                kept = self._content(field, entry, record.fields.get(field.id), key, errors)
                if kept is not None:
                    fields[field.id] = kept
        for field in record_type.fields:
            # What nobody may write is not lost with a collection that leaves it out.
            if field.readonly and field.id in record.fields:
                fields[field.id] = record.fields[field.id]
        return fields, location

    def _content(
        self, field: Field, entry: Request, old: Any, key: str, errors: dict[str, str]
    ) -> Any:
        if old is not None:
            seen = values.shape(field, old, self._switches)
            if all(seen.get(name) == entry.get(name) for name in ("value", "values")) and (
                field.kind != "Attachment"
            ):
                return old
        try:
            kept = values.content(field, entry, self._switches)
        except ValueError as error:
            errors[key] = str(error)
            return old
        if field.readonly and kept != old:
            errors[key] = f"Field {field.name} is read-only."
        return kept

    def _check_required(
        self, record: Record, record_type: RecordType, errors: dict[str, str]
    ) -> None:
        for field in record_type.fields:
            wanted = field.required or record.stage_id in field.stage_constraints
            if not wanted or field.inherited or field.id in record.fields:
                continue
            if field.role == "Location" and record.pin_id is not None:
                continue
            errors.setdefault(str(field.id), f"Field {field.name} is required.")
        if record_type.parent_required and record.parent_id is None:
            errors.setdefault("parentId", "Parent is required.")

    def _note_changes(self, old: Record, new: Record, actor: Member, now: int) -> None:
        if new.stage_id != old.stage_id:
            new.stage_updated, new.stage_updated_by = now, actor.id
            transition = {"fromStageId": str(old.stage_id), "toStageId": str(new.stage_id)}
            self._diary.note(new, "Transition", actor, now, transition=transition)
        if new.owner_id != old.owner_id:
            new.assigned = now
            owners = {
                "previousDataObjectOwnerId": str(old.owner_id),
                "newDataObjectOwnerId": str(new.owner_id),
            }
            self._diary.note(new, "OwnerChanged", actor, now, owner_changed=owners)
        for key in dict.fromkeys((*old.fields, *new.fields)):
            before, after = old.fields.get(key), new.fields.get(key)
            if before != after:
                self._note_update(new, actor, now, str(key), (_text(before), _text(after)))
        if new.pin_id != old.pin_id:
            places = (self._address(old.pin_id), self._address(new.pin_id))
            self._note_update(new, actor, now, "pin", places)

    def _note_update(
        self, record: Record, actor: Member, now: int, field: str, diff: tuple[str | None, ...]
    ) -> None:
        """The service notes each changed field by itself: an activity has one ``fieldDiff``."""
        before, after = diff
        self._diary.note(
            record, "Update", actor, now, changed_field=field, old_value=before, new_value=after
        )

    def _address(self, pin_id: int | None) -> str | None:
        pin = self._store.pins.get(pin_id or 0)
        return pin.address if pin else None

    @staticmethod
    def _system_field(record_type: RecordType, role: str) -> Field | None:
        return next((field for field in record_type.fields if field.system_role == role), None)


def derived_name(record: Record, record_type: RecordType) -> str:
    """A record's name: its Name-role fields, one after the other."""
    parts = (record.fields.get(field.id) for field in record_type.fields if field.role == "Name")
    return " ".join(str(part) for part in parts if part)


def _text(kept: Any) -> str | None:
    if kept is None or isinstance(kept, str):
        return kept
    return ", ".join(kept) if isinstance(kept, list) else str(kept.get("url", ""))


def _raise_for(errors: Mapping[str, str]) -> None:
    if errors:
        raise Refusal(VALIDATION, errors)
