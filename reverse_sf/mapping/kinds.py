"""The field types of both systems, the groups they fall into, and which of them align.

SPOTIO's twelve types are ``CustomFieldType`` of its OpenAPI file; Salesforce's are the types of a
describe. The aligned pairs are those of SPOTIO's own Salesforce integration.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from reverse_sf.mapping.definition import STAGE


class Kind(str, Enum):
    """What a field holds, whichever system it is in."""

    TEXT = "text"
    CHOICE = "choice"
    CHOICES = "choices"
    NUMBER = "number"
    DATE = "date"
    INSTANT = "instant"
    BOOLEAN = "boolean"
    ID = "id"
    UNSUPPORTED = "unsupported"


SPOTIO_KINDS: Final[dict[str, Kind]] = {
    "Text": Kind.TEXT,
    "MultiLine": Kind.TEXT,
    "Email": Kind.TEXT,
    "Phone": Kind.TEXT,
    "SingleChoice": Kind.CHOICE,
    STAGE: Kind.CHOICE,
    "MultiChoice": Kind.CHOICES,
    "Number": Kind.NUMBER,
    "Currency": Kind.NUMBER,
    "Date": Kind.DATE,
    "DateTime": Kind.INSTANT,
    "Address": Kind.UNSUPPORTED,
    "Attachment": Kind.UNSUPPORTED,
}

SALESFORCE_KINDS: Final[dict[str, Kind]] = {
    "string": Kind.TEXT,
    "textarea": Kind.TEXT,
    "url": Kind.TEXT,
    "email": Kind.TEXT,
    "phone": Kind.TEXT,
    "encryptedstring": Kind.TEXT,
    "time": Kind.TEXT,
    "anyType": Kind.TEXT,
    "picklist": Kind.CHOICE,
    "combobox": Kind.CHOICE,
    "multipicklist": Kind.CHOICES,
    "int": Kind.NUMBER,
    "long": Kind.NUMBER,
    "double": Kind.NUMBER,
    "currency": Kind.NUMBER,
    "percent": Kind.NUMBER,
    "date": Kind.DATE,
    "datetime": Kind.INSTANT,
    "boolean": Kind.BOOLEAN,
    "id": Kind.ID,
    "reference": Kind.ID,
    "address": Kind.UNSUPPORTED,
    "location": Kind.UNSUPPORTED,
    "base64": Kind.UNSUPPORTED,
    "complexvalue": Kind.UNSUPPORTED,
}

SPOTIO_TYPE_FOR: Final[dict[str, str]] = {
    "textarea": "MultiLine",
    "email": "Email",
    "phone": "Phone",
    "picklist": "SingleChoice",
    "combobox": "SingleChoice",
    "multipicklist": "MultiChoice",
    "int": "Number",
    "long": "Number",
    "double": "Number",
    "percent": "Number",
    "currency": "Currency",
    "date": "Date",
    "datetime": "DateTime",
}
"""The SPOTIO type that a Salesforce type implies where nothing is known of the SPOTIO field."""

SALESFORCE_TYPE_FOR: Final[dict[str, str]] = {
    "Text": "string",
    "MultiLine": "textarea",
    "Email": "email",
    "Phone": "phone",
    "SingleChoice": "picklist",
    STAGE: "picklist",
    "MultiChoice": "multipicklist",
    "Number": "double",
    "Currency": "currency",
    "Date": "date",
    "DateTime": "datetime",
}
"""The Salesforce type that a SPOTIO type implies where nothing is known of the Salesforce field."""

_LOSSLESS: Final = frozenset(
    {
        (Kind.TEXT, Kind.TEXT),
        (Kind.CHOICE, Kind.CHOICE),
        (Kind.CHOICES, Kind.CHOICES),
        (Kind.NUMBER, Kind.NUMBER),
        (Kind.DATE, Kind.DATE),
        (Kind.INSTANT, Kind.INSTANT),
        (Kind.TEXT, Kind.CHOICE),
        (Kind.TEXT, Kind.ID),
    }
)


def spotio_kind(type_name: str) -> Kind:
    """The kind of a SPOTIO type; a type unknown to us is not supported."""
    return SPOTIO_KINDS.get(type_name, Kind.UNSUPPORTED)


def salesforce_kind(type_name: str) -> Kind:
    """The kind of a Salesforce type; a type unknown to us is not supported."""
    return SALESFORCE_KINDS.get(type_name, Kind.UNSUPPORTED)


def aligned(spotio: Kind, salesforce: Kind) -> bool:
    """Whether every value of either kind is a value of the other, without converting."""
    return (spotio, salesforce) in _LOSSLESS


def convertible(spotio: Kind, salesforce: Kind) -> bool:
    """Whether the kind conversion has a meaning for the pair, at least for some values."""
    return Kind.UNSUPPORTED not in {spotio, salesforce} and (spotio, salesforce) not in {
        (Kind.DATE, Kind.NUMBER),
        (Kind.DATE, Kind.BOOLEAN),
        (Kind.DATE, Kind.CHOICES),
        (Kind.DATE, Kind.ID),
        (Kind.INSTANT, Kind.NUMBER),
        (Kind.INSTANT, Kind.BOOLEAN),
        (Kind.INSTANT, Kind.CHOICES),
        (Kind.INSTANT, Kind.ID),
        (Kind.NUMBER, Kind.DATE),
        (Kind.NUMBER, Kind.INSTANT),
        (Kind.NUMBER, Kind.CHOICES),
        (Kind.NUMBER, Kind.ID),
        (Kind.CHOICES, Kind.NUMBER),
        (Kind.CHOICES, Kind.DATE),
        (Kind.CHOICES, Kind.INSTANT),
        (Kind.CHOICES, Kind.BOOLEAN),
        (Kind.CHOICES, Kind.ID),
    }
