"""A record type in the record's own vocabulary: keys and values there, ids and wire values here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.delivery.results import Withheld
from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping.values import is_blank
from reverse_sf.spotio.address import PIN_KEYS, SKIP_GEOCODING, components_of, pin_request
from reverse_sf.spotio.patches import Change
from reverse_sf.spotio.wire import decode
from target_spotio.operations import ADDRESS, EXTERNAL_ID, OWNER, PARENT, STAGE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reverse_sf.mapping.workflow import SpotioField, SpotioType
    from reverse_sf.spotio.record import Record
    from reverse_sf.spotio.wire import Spelling
    from target_spotio.operations import Operation
    from target_spotio.people import People

_SPECIAL = {ADDRESS, OWNER, PARENT, EXTERNAL_ID}
_NAMED_FIELD = re.compile(r"(?:dataobject\.)?fields[\[./](\d+)", re.IGNORECASE)
_PROPERTY = {STAGE: "stageId", OWNER: "ownerId", PARENT: "parentId", ADDRESS: "pin"}
_PROPERTY[EXTERNAL_ID] = EXTERNAL_ID


@dataclass
class Wanted:
    """What a record asks for, in the vocabulary of images.

    Attributes:
        values: record key to canonical value; ``owner`` and ``parent`` are SPOTIO ids.
        withheld: keys that cannot be written.
        stand_ins: keys that get a value for want of a better one; they stay unsettled.
        awaited: Salesforce's user whom nobody stands for yet.
        skip_geocoding: SPOTIO shall keep the address as sent.
    """

    values: dict[str, Any] = field(default_factory=dict)
    withheld: list[Withheld] = field(default_factory=list)
    stand_ins: set[str] = field(default_factory=set)
    awaited: str | None = None
    skip_geocoding: bool = False


def field_of(record_type: SpotioType, key: str) -> SpotioField | None:
    """The one field that a key means: a label, ``id:<field id>`` or ``role:<system role>``."""
    if ":" in key:
        return record_type.field(key) or _labelled(record_type, key)
    return _labelled(record_type, key)


def _labelled(record_type: SpotioType, label: str) -> SpotioField | None:
    found = [one for one in record_type.fields if one.label == label]
    return found[0] if len(found) == 1 else None


class Vocabulary:
    """The keys of one stream, resolved against its record type.

    Args:
        record_type: from the workflow.
        properties: the stream's properties, from its SCHEMA message.
        people: users who may own records.
        spelling: how this tenant spells values.
        child_types: ids of the types whose records may be children of these.

    Raises:
        ConfigurationError: keys that the record type does not have, all of them at once.
    """

    def __init__(
        self,
        record_type: SpotioType,
        properties: Mapping[str, Any],
        people: People,
        spelling: Spelling,
        *,
        child_types: Sequence[str] = (),
    ) -> None:
        self.type = record_type
        self.child_types = tuple(child_types)
        self.keys = tuple(key for key in properties if key != EXTERNAL_ID)
        self._people = people
        self._spelling = spelling
        self._stages = {stage.id: stage.name for stage in record_type.stages}
        self._fields: dict[str, SpotioField] = {}
        problems = []
        for key in properties:
            if key in _SPECIAL or (key == STAGE and record_type.stages):
                continue
            found = field_of(record_type, key)
            if found is None:
                problems.append(
                    f"{key}: record type {record_type.name} has no such field, or several"
                )
            else:
                self._fields[key] = found
        if ADDRESS in properties and not record_type.has_address:
            problems.append(f"{ADDRESS}: record type {record_type.name} has no address")
        if problems:
            raise ConfigurationError(
                f"stream {record_type.name} does not fit the SPOTIO record type", problems
            )
        shape = (properties.get(ADDRESS) or {}).get("properties") or {}
        self._components = tuple(name for name in PIN_KEYS if name in shape)
        self._whole_street = "house_number" not in self._components

    @property
    def first_stage(self) -> str | None:
        """Id of the stage in which a record begins that names none."""
        active = [stage.id for stage in self.type.stages if stage.group == "active"]
        return active[0] if active else None

    # toward SPOTIO

    def wanted(self, operation: Operation, *, creating: bool, parent: str | None) -> Wanted:
        """What a record asks for.

        Args:
            operation: the record.
            creating: whether the record is about to be created.
            parent: SPOTIO id of the parent that the record names.
        """
        wanted = Wanted()
        for key, value in operation.record.items():
            if key == OWNER:
                self._want_owner(wanted, value, creating=creating)
            elif key == PARENT:
                wanted.values[key] = parent
            elif key == ADDRESS:
                given = value or dict.fromkeys(self._components or PIN_KEYS)
                wanted.skip_geocoding = bool(given.get(SKIP_GEOCODING))
                wanted.values[key] = self._address(self._pin(given, None, skip=True), given)
            elif key == STAGE:
                self._want_stage(wanted, value)
            elif key in self._fields:
                self._want_field(wanted, key, value)
        return wanted

    def _want_owner(self, wanted: Wanted, value: Any, *, creating: bool) -> None:
        user = self._people.owner(value)
        told = value if isinstance(value, dict) else {"email": value, "keep_on_update": False}
        default = told.get("default")
        if user is None and not creating and told.get("keep_on_update", True):
            # "That means nothing": neither written nor settled.
            wanted.awaited = told.get("salesforce_id")
            return
        stand_in = self._people.by_email(default)
        user = user or stand_in
        if user is None:
            wanted.awaited = told.get("salesforce_id")
            words = f"no active SPOTIO user for {told.get('email') or told.get('salesforce_id')}"
            words += f", and the default owner {default} is none either" if default else ""
            wanted.withheld.append(Withheld(OWNER, "owner_unknown", words))
            return
        if user == stand_in and not (told.get("email") or told.get("nobody")):
            # Who this is was not known yet; once it is, the owner is decided again.
            wanted.stand_ins.add(OWNER)
            wanted.awaited = told.get("salesforce_id")
        wanted.values[OWNER] = user

    def _want_stage(self, wanted: Wanted, value: Any) -> None:
        stage = None if is_blank(value) else self.type.stage(str(value))
        if stage is None:
            words = f"record type {self.type.name} has no stage {value!r}"
            wanted.withheld.append(Withheld(STAGE, "stage_unknown", words))
        else:
            wanted.values[STAGE] = stage.name

    def _want_field(self, wanted: Wanted, key: str, value: Any) -> None:
        spotio_field = self._fields[key]
        canonical = decode(spotio_field, self._spelling.encode(spotio_field, value))
        chosen = canonical if isinstance(canonical, list) else [canonical]
        if spotio_field.type in {"SingleChoice", "MultiChoice"}:
            unknown = [one for one in chosen if one and one not in spotio_field.options]
            if unknown:
                words = f"{spotio_field.label} has no active choice {', '.join(unknown)}"
                wanted.withheld.append(Withheld(key, "choice_unknown", words))
                return
        wanted.values[key] = canonical

    def change(self, wanted: Wanted, keys: Collection[str], current: Record | None) -> Change:
        """The change that writes some of the wanted keys.

        Args:
            wanted: what the record asks for.
            keys: which of it to write.
            current: the record as last read, None for one to be created.
        """
        entries: dict[str, Mapping[str, Any]] = {}
        properties: dict[str, Any] = {}
        for key in keys:
            value = wanted.values[key]
            if key in self._fields:
                spotio_field = self._fields[key]
                entries[spotio_field.id] = self._spelling.encode(spotio_field, value)
            elif key == STAGE:
                stage = self.type.stage(value)
                properties["stageId"] = int(stage.id) if stage else None
            elif key == OWNER:
                properties["ownerId"] = int(value)
            elif key == ADDRESS:
                pin = current.pin if current else None
                properties["pin"] = self._pin(value, pin, skip=wanted.skip_geocoding)
            else:
                properties[_PROPERTY[key]] = value
        return Change(entries, properties)

    def body(self, wanted: Wanted, external_id: str | None) -> dict[str, Any]:
        """The body of a create, single or in a bulk job: blank values are left out."""
        filled = [key for key, value in wanted.values.items() if not is_blank(value)]
        if ADDRESS in filled and not any(
            not is_blank(value) for value in wanted.values[ADDRESS].values()
        ):
            filled.remove(ADDRESS)
        change = self.change(wanted, filled, None)
        body: dict[str, Any] = {"typeId": int(self.type.id), **change.properties}
        if "stageId" not in body and self.first_stage:
            body["stageId"] = int(self.first_stage)
        if external_id is not None:
            body[EXTERNAL_ID] = external_id
        return body | {"fields": list(change.entries.values())}

    def _pin(
        self, components: Mapping[str, Any], current: Mapping[str, Any] | None, *, skip: bool
    ) -> dict[str, Any]:
        whole = {**components, SKIP_GEOCODING: skip}
        return pin_request(whole, current=current, whole_street=self._whole_street)

    def _address(self, pin: Mapping[str, Any], only: Iterable[str]) -> dict[str, Any]:
        return components_of(pin, whole_street=self._whole_street, only=tuple(only))

    # from SPOTIO

    def image(self, record: Record, *, parent: str | None = None) -> dict[str, Any]:
        """All mapped keys of a record as read, and whose copy it says it is.

        Args:
            record: as read.
            parent: id of the parent where it is known from elsewhere; most calls do not tell it.
        """
        image: dict[str, Any] = {EXTERNAL_ID: record.external_id}
        for key in self.keys:
            if key in self._fields:
                spotio_field = self._fields[key]
                image[key] = decode(spotio_field, record.entry(spotio_field.id))
            elif key == STAGE:
                image[key] = self._stages.get(record.stage_id or "")
            elif key == OWNER:
                image[key] = record.owner_id
            elif key == ADDRESS:
                image[key] = self._address(record.pin or {}, self._components)
            elif key == PARENT and (record.parents is not None or parent is not None):
                image[key] = record.parents[0] if record.parents else parent
        return image

    def learn(self, record: Record) -> None:
        """Look at how the tenant spells the values of a full read."""
        for spotio_field in self._fields.values():
            self._spelling.learn(spotio_field, record.entry(spotio_field.id))

    # SPOTIO's complaints

    def keys_named(self, complaints: Mapping[str, str], operation: Operation) -> dict[str, str]:
        """Record key to SPOTIO's words, for the keys of the record that SPOTIO complains of."""
        names: dict[str, str] = {}
        for key in operation.record:
            if key in self._fields:
                one = self._fields[key]
                aliases = {one.id, one.label, one.system_role or one.id}
            else:
                aliases = {key, _PROPERTY.get(key, key)}
            names.update({alias.lower(): key for alias in aliases})
        found: dict[str, str] = {}
        for name, words in complaints.items():
            match = _NAMED_FIELD.match(name)
            spoken = match[1] if match else name.removeprefix("dataObject.")
            named = names.get(spoken.lower()) or names.get(spoken.lower().partition(".")[0])
            if named:
                found[named] = words
        return found

    def complaints_in_text(self, text: str) -> dict[str, str]:
        """Complaints by name in a sentence such as ``20: is no e-mail; stageId: is unknown``."""
        known = {one.id.lower() for one in self.type.fields}
        known |= {one.label.lower() for one in self.type.fields}
        known |= {name.lower() for name in _PROPERTY.values()}
        complaints: dict[str, str] = {}
        for part in text.split("; "):
            name, colon, words = part.partition(": ")
            if colon and name.strip().lower().partition(".")[0] in known:
                complaints[name.strip()] = words
            else:
                complaints["_"] = "; ".join(filter(None, (complaints.get("_", ""), part)))
        return complaints
