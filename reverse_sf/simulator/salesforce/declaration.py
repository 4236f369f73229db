"""How metadata declarations are read: YAML in which a field is one line.

A field line is ``type(arguments) word … | Label``::

    Name: string(255) required name | Account Name
    AnnualRevenue: currency(18,0) | Annual Revenue
    OwnerId: reference to=User as=Owner defaulted | Owner ID
    Status: picklist(255) required default='Open - Not Contacted' | Status

``string(length)``, ``currency(precision,scale)``, ``int(digits)``. The words are listed in
``_WORDS`` and ``_SETTINGS``; a word that is not listed is refused. ``address(Billing)`` stands for
the eight parts and the compound field; ``person(Salutation)`` for the parts of a name. System
fields (``Id``, ``IsDeleted``, the audit fields) are added; ``standard: no_delete no_audit`` of an
object leaves some out. Picklist values are listed under ``picklists``, as ``Value`` or
``{Value: Label}``. ``record_types: [{name, developer_name, default}]`` gives an object record types
and the field ``RecordTypeId``; ``person_accounts: true`` makes people of the accounts whose record
type has ``person: true``.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.salesforce.metadata import Choice, Field, Schema, SObject
from reverse_sf.simulator.salesforce.person_accounts import CONTACT_LINES, FIELD_LINES, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_LINE = re.compile(r"^(?P<type>\w+)(?:\((?P<arguments>[^)]*)\))?(?P<words>[^|]*)\|(?P<label>.+)$")
_WORDS: Mapping[str, Mapping[str, Any]] = {
    "required": {"nillable": False},
    "defaulted": {"defaulted": True},
    "readonly": {"createable": False, "updateable": False},
    "create-only": {"updateable": False},
    "update-only": {"createable": False},
    "restricted": {"restricted": True},
    "external-id": {"external_id": True, "id_lookup": True},
    "unique": {"unique": True},
    "id-lookup": {"id_lookup": True},
    "name": {"is_name": True},
    "unfilterable": {"unfilterable": True},
    "unaggregated": {"unaggregated": True},
    "permitted": {"permissionable": True},
    "unpermitted": {"permissionable": False},
    "prefilter": {"prefilterable": True},
    "no-prefilter": {"prefilterable": False},
    "cascade": {"cascades": True},
    "restrict": {"restricts": True},
}
_SETTINGS = {
    "to": "refers_to",
    "as": "relationship",
    "children": "children",
    "in": "compound",
    "extra": "extra",
    "default": "default",
    "formula": "formula",
    "number": "auto_number",
}
_TEXT_LENGTH = {"picklist": 40, "phone": 40, "email": 80, "url": 255, "multipicklist": 4099}
RECORD_TYPE = "RecordTypeId"
_RECORD_TYPE_FIELD = (
    "reference to=RecordType as=RecordType no-prefilter unpermitted | Record Type ID"
)
_MASTER_RECORD = frozenset({"Account", "Contact", "Lead", "Case"})


def read_yaml(text: str) -> Any:
    """A YAML document as plain Python values."""
    return YAML(typ="safe").load(text)


@cache
def standard_schema() -> Schema:
    """The objects that every org has; copy it before changing it."""
    text = resources.files(__package__).joinpath("objects/standard.yml").read_text("utf-8")
    return extend(Schema(()), read_yaml(text))


def load_declarations(path: Path | None = None) -> dict[str, Any]:
    """The demo org's declarations, or those of another file of the same format."""
    if path is None:
        return dict(_demo_declarations())
    return dict(read_yaml(path.read_text("utf-8")) or {})


@cache
def _demo_declarations() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("objects/demo_org.yml").read_text("utf-8")
    return dict(read_yaml(text))


def extend(schema: Schema, declarations: Mapping[str, Any]) -> Schema:
    """A copy of the schema with declared objects added and declared fields added to known ones.

    Raises:
        ControlError: a declaration cannot be read; the message names object and field.
    """
    extended = schema.copy()
    shared = declarations.get("picklists", {})
    for name, body in declarations.get("objects", {}).items():
        known = extended.find(name)
        picklists = {**shared, **body.get("picklists", {})}
        if known is None:
            extended.replace(_new_object(name, body, picklists))
            continue
        fields = [
            replace(one, choices=_choices(body["picklists"][one.name], one.default))
            if one.name in body.get("picklists", {})
            else one
            for one in known.fields
        ]
        added = [f for n, line in body.get("fields", {}).items() for f in _fields(name, n, line)]
        fields += [_with_choices(one, picklists) for one in added]
        if body.get("person_accounts"):
            fields = _with_people(extended, fields, picklists)
        traits = dict(known.traits)
        if body.get("record_types"):
            traits["record_types"] = _record_types(name, body["record_types"])
            if not known.has(RECORD_TYPE):
                fields.append(parse_field(RECORD_TYPE, _RECORD_TYPE_FIELD))
        extended.replace(replace(known, fields=tuple(fields), traits=traits))
    return extended


def _with_people(schema: Schema, fields: list[Field], picklists: Mapping[str, Any]) -> list[Field]:
    """The fields of Account with those of people; Contact gets its mark."""
    contact = schema.typed("Contact")
    marks = tuple(parse_field(name, line) for name, line in CONTACT_LINES.items())
    if not contact.has(marks[0].name):
        schema.replace(replace(contact, fields=(*contact.fields, *marks)))
    known = {field.name for field in fields}
    lines = FIELD_LINES.items()
    added = [one for name, line in lines for one in _fields("Account", name, line)]
    listed = {**picklists, "PersonLeadSource": picklists.get("LeadSource", ())}
    return [
        *(name_of(field) for field in fields),
        *(_with_choices(one, listed) for one in added if one.name not in known),
    ]


def _record_types(name: str, listed: Any) -> list[dict[str, Any]]:
    known = {"name", "developer_name", "default", "person"}
    for one in listed:
        if not set(one) <= known or "name" not in one:
            raise ControlError(f"{name}: a record type has a name, developer_name, default, person")
    return [
        {"developer_name": str(one["name"]).replace(" ", "_"), "default": False, **one}
        for one in listed
    ]


def parse_field(name: str, line: str) -> Field:
    """One field from its line.

    Raises:
        ControlError: the line cannot be read.
    """
    match = _LINE.match(line.strip())
    if match is None:
        raise ControlError(f"field {name}: {line!r} is not of the form 'type(arguments) … | Label'")
    kind = match["type"]
    numbers = [int(part) for part in (match["arguments"] or "").split(",") if part.strip()]
    settings: dict[str, Any] = {"name": name, "label": match["label"].strip(), "type": kind}
    settings.update(_sizes(name, kind, numbers))
    settings.update(_worded(name, kind, shlex.split(match["words"])))
    if kind == "boolean":
        settings["default"] = settings.get("default") == "true"
        settings.update(nillable=False, defaulted=True)
    if settings.get("formula"):
        settings.update(createable=False, updateable=False)
    if name.endswith("__c") and kind == "reference" and "relationship" not in settings:
        settings["relationship"] = name[:-1] + "r"
    return Field(**settings)


def _worded(name: str, kind: str, words: list[str]) -> dict[str, Any]:
    """What the words of a line say."""
    settings: dict[str, Any] = {}
    if name.endswith("__c") and kind in {"picklist", "multipicklist"}:
        settings["restricted"] = True
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key in _SETTINGS:
            settings[_SETTINGS[key]] = tuple(value.split(",")) if key == "to" else value
        elif word in _WORDS:
            settings.update(_WORDS[word])
        else:
            raise ControlError(f"field {name}: unknown word {word!r}")
    if "default" in settings:
        settings["defaulted"] = True
        if kind in {"int", "double", "percent", "currency"}:
            settings["default"] = float(settings["default"])
    return settings


def _sizes(name: str, kind: str, numbers: list[int]) -> dict[str, Any]:
    if kind in {"double", "currency", "percent"}:
        precision, scale = numbers or (18, 0)
        return {"precision": precision, "scale": scale}
    if kind == "int":
        return {"digits": numbers[0] if numbers else 8}
    if kind in {"id", "reference"}:
        return {"length": 18}
    if kind in {"string", "textarea", "combobox", "encryptedstring"}:
        return {"length": numbers[0] if numbers else 255}
    if kind in _TEXT_LENGTH:
        return {"length": numbers[0] if numbers else _TEXT_LENGTH[kind]}
    if kind in {"boolean", "date", "datetime", "address", "base64"}:
        return {}
    raise ControlError(f"field {name}: unknown type {kind}")


def _new_object(name: str, body: Mapping[str, Any], picklists: Mapping[str, Any]) -> SObject:
    label, _, plural = body["label"].partition("/")
    label, plural = label.strip(), plural.strip() or f"{label.strip()}s"
    without = set(str(body.get("standard", "")).split())
    lines: list[Field] = [
        Field(
            "Id",
            body.get("id_label", "Record ID" if name.endswith("__c") else f"{label} ID"),
            "id",
            length=18,
            nillable=False,
            createable=False,
            updateable=False,
            defaulted=True,
            id_lookup=True,
        )
    ]
    if "no_delete" not in without:
        lines.append(_system("IsDeleted", "Deleted", "boolean", default=False))
    if name in _MASTER_RECORD:
        lines.append(
            Field(
                "MasterRecordId",
                "Master Record ID",
                "reference",
                length=18,
                createable=False,
                updateable=False,
                refers_to=(name,),
                relationship="MasterRecord",
            )
        )
    if name.endswith("__c"):
        owner = "reference to=Group,User as=Owner defaulted required | Owner ID"
        lines.append(parse_field("OwnerId", owner))
        if "Name" not in body.get("fields", {}):
            lines.append(parse_field("Name", f"string(80) defaulted name id-lookup | {label} Name"))
    for field_name, line in body.get("fields", {}).items():
        lines.extend(_fields(name, field_name, line))
    lines.extend(_audit(without))
    fields = tuple(_with_choices(one, picklists) for one in lines)
    return SObject(name, label, plural, body["prefix"], fields, dict(body.get("describe", {})))


def _system(name: str, label: str, kind: str, **more: Any) -> Field:
    return Field(
        name,
        label,
        kind,
        nillable=False,
        createable=False,
        updateable=False,
        defaulted=True,
        **more,
    )


def _audit(without: set[str]) -> Iterator[Field]:
    if "no_created" not in without:
        yield _system("CreatedDate", "Created Date", "datetime")
        yield _user_stamp("CreatedById", "Created By ID", "CreatedBy")
    if "no_modified" not in without:
        yield _system("LastModifiedDate", "Last Modified Date", "datetime")
        yield _user_stamp("LastModifiedById", "Last Modified By ID", "LastModifiedBy")
    if "no_modstamp" not in without:
        yield _system("SystemModstamp", "System Modstamp", "datetime")


def _user_stamp(name: str, label: str, relationship: str) -> Field:
    return _system(
        name, label, "reference", length=18, refers_to=("User",), relationship=relationship
    )


def _fields(object_name: str, name: str, line: Any) -> Iterator[Field]:
    """The field, or all fields of a composite declaration."""
    if not isinstance(line, str):
        raise ControlError(f"{object_name}.{name}: a field is one line of text")
    if line.startswith("address("):
        prefix, label = (part.strip() for part in line[8:].split(")", 1))
        yield from _address(name, prefix, label.lstrip("| "))
    elif line.startswith("person"):
        yield from _person(line)
    else:
        yield parse_field(name, line)


def _address(name: str, prefix: str, label: str) -> Iterator[Field]:
    words = f"{label.removesuffix('Address').strip()} ".lstrip()
    parts = {
        "Street": f"textarea(255) extra=plaintextarea | {words}Street",
        "City": f"string(40) | {words}City",
        "State": f"string(80) | {words}State/Province",
        "PostalCode": f"string(20) | {words}Zip/Postal Code",
        "Country": f"string(80) | {words}Country",
        "Latitude": f"double(18,15) | {words}Latitude",
        "Longitude": f"double(18,15) | {words}Longitude",
        "GeocodeAccuracy": f"picklist restricted | {words}Geocode Accuracy",
    }
    for part, line in parts.items():
        yield replace(parse_field(prefix + part, line), compound=name)
    yield parse_field(name, f"address readonly | {label}")


def _person(line: str) -> Iterator[Field]:
    last = "string(80) required in=Name extra=personname | Last Name"
    yield parse_field("LastName", last)
    yield parse_field("FirstName", "string(40) in=Name extra=personname | First Name")
    if "Salutation" in line:
        yield parse_field("Salutation", "picklist in=Name extra=personname | Salutation")
    name = "string(121) readonly required name extra=personname | Full Name"
    yield parse_field("Name", name)


def _with_choices(one: Field, picklists: Mapping[str, Any]) -> Field:
    if one.type not in {"picklist", "multipicklist", "combobox"} or one.choices:
        return one
    key = one.name
    if key not in picklists and key.endswith("GeocodeAccuracy"):
        key = "GeocodeAccuracy"
    return replace(one, choices=_choices(picklists.get(key, ()), one.default))


def _choices(listed: Any, default: Any) -> tuple[Choice, ...]:
    choices = []
    for entry in listed:
        value, label = next(iter(entry.items())) if isinstance(entry, dict) else (entry, entry)
        choices.append(Choice(str(value), str(label), default=str(value) == default))
    return tuple(choices)
