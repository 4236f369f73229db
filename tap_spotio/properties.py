"""What a record has besides its fields: each property with its JSON Schema and where it is read.

Most come from the full record; a few only the export feed has (OpenAPI, ``DataObject`` and
``DataObjectExportItem``).
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.spotio.address import PIN_KEYS, components_of
from tap_spotio.stamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Row = Mapping[str, Any]

TEXT = {"type": ["string", "null"]}
MOMENT = {"type": ["string", "null"], "format": "date-time"}
NUMBER = {"type": ["number", "null"]}
WHOLE = {"type": ["integer", "null"]}
FLAG = {"type": ["boolean", "null"]}
TEXTS = {"type": ["array", "null"], "items": {"type": ["string", "null"]}}
OBJECT = {"type": ["object", "null"], "additionalProperties": True}
OBJECTS = {"type": ["array", "null"], "items": OBJECT}
ADDRESS = {
    "type": ["object", "null"],
    "properties": {
        name: dict(NUMBER if name in {"latitude", "longitude"} else TEXT) for name in PIN_KEYS
    },
}


@dataclass(frozen=True)
class Native:
    """One property that is not a field.

    Attributes:
        read: its value, given the full record and its row in the listing.
        of: ``every`` record type has it, or only one with ``address`` or with a ``parent``.
    """

    key: str
    schema: Mapping[str, Any]
    read: Callable[[Row, Row], Any]
    of: str = "every"


def identifier(value: Any) -> str | None:
    """An id as text: SPOTIO sends the same ids as numbers and as texts."""
    return None if value is None or value == "" else str(value)


def _plain(key: str, schema: Mapping[str, Any], *, name: str | None = None) -> Native:
    source = name or key
    return Native(key, schema, lambda full, _row: full.get(source))


def _text(key: str) -> Native:
    return Native(key, TEXT, lambda full, _row: canon.text(full.get(key)))


def _id(key: str) -> Native:
    return Native(key, TEXT, lambda full, _row: identifier(full.get(key)))


def _moment(key: str) -> Native:
    return Native(key, MOMENT, lambda full, _row: stamp(full.get(key)))


def _pin(key: str, name: str) -> Native:
    def read(full: Row, _row: Row) -> Any:
        return identifier((full.get("pin") or {}).get(name))

    return Native(key, TEXT, read, of="address")


def _address(full: Row, _row: Row) -> dict[str, Any] | None:
    pin = full.get("pin")
    return components_of(pin, whole_street=False) if pin else None


def _list(key: str, pick: Callable[[Any], Any], *, name: str | None = None) -> Native:
    source = name or key

    def read(full: Row, _row: Row) -> list[Any]:
        return [pick(one) for one in full.get(source) or ()]

    return Native(key, TEXTS, read)


NATIVES = (
    _text("name"),
    Native(
        "externalDataObjectId", TEXT, lambda full, _row: full.get("externalDataObjectId") or None
    ),
    Native("deleted", {"type": "boolean"}, lambda _full, _row: False),
    Native("deletedAt", MOMENT, lambda _full, _row: None),
    _id("stageId"),
    _id("ownerId"),
    Native("address", ADDRESS, _address, of="address"),
    _pin("fullAddress", "address"),
    _pin("placeId", "placeId"),
    _pin("pinId", "id"),
    _text("addressUnit"),
    _plain("value", NUMBER),
    _text("source"),
    _list("phones", str),
    _list("emails", str),
    _plain("textOptedIn", FLAG),
    _moment("createdAt"),
    _id("createdById"),
    _moment("updatedAt"),
    _id("updatedById"),
    _moment("stageUpdatedAt"),
    _id("stageUpdatedById"),
    _moment("dateOfAssignment"),
    _id("territoryId"),
    _list("territoryIds", lambda one: identifier(itemgetter("id")(one)), name="territories"),
    _list("collaboratorIds", identifier),
    _plain("visitsCount", WHOLE),
    _moment("lastVisitDate"),
    _id("lastVisitResultId"),
    _text("lastVisitNote"),
    _plain("callsCount", WHOLE),
    _moment("lastCallDate"),
    _id("lastCallResultId"),
    _moment("lastActivityTime"),
    Native(
        "lastActivityOwnerId", TEXT, lambda _full, row: identifier(row.get("lastActivityOwnerId"))
    ),
    _moment("nextActivityTime"),
    _plain("lastLocationStatus", TEXT),
    Native(
        "lastContractSignedDate",
        MOMENT,
        lambda _full, row: stamp(row.get("lastContractSignedDate")),
    ),
)
