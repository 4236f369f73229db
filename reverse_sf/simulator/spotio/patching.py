"""JSON Patch (RFC 6902) on a record, under the switches for what is not publicly known of it.

The model that may be patched is missing from SPOTIO's OpenAPI file; by its name it mirrors
``DataObjectRequest``. Which paths below ``/fields`` are legal and whether the collection survives
are the switches ``patch_paths`` and ``patch_fields``.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.simulator.spotio.quirks import Settings

OPERATIONS = ("add", "replace", "remove", "test")
TOP_LEVEL = (
    "stageId", "ownerId", "parentId", "externalDataObjectId", "source", "pin", "fields",
    "collaboratorIds", "typeId",
)  # fmt: skip
PIN_KEYS = (
    "id", "lat", "lng", "placeId", "address", "street", "houseNumber", "zip", "city", "state",
    "country", "shortAddress", "skipGeocoding",
)  # fmt: skip
ENTRY_KEYS = ("fieldId", "label", "value", "formattedValue", "values", "attachmentValue")
_DERIVED = ("placeId", "address", "shortAddress", "id")
_PARTS = ("street", "houseNumber", "zip", "city", "state", "country")
Entry = dict[str, Any]


def patched(document: Mapping[str, Any], operations: Any, switches: Settings) -> dict[str, Any]:
    """The top-level keys that the patch changes, with their new values; ``fields`` whole.

    Args:
        document: the record as a request would describe it.
        operations: body of the request.
        switches: settings of the tenant.

    Raises:
        Refusal: 400; an operation or path is not legal, or a test failed. Nothing is changed.
    """
    if not isinstance(operations, list) or not all(isinstance(o, dict) for o in operations):
        raise Refusal(400, "The patch must be a list of operations.")
    patch = _Patch(document, switches)
    for operation in operations:
        patch.apply(operation)
    return patch.changes()


class _Patch:
    """A document on its way through the operations."""

    def __init__(self, document: Mapping[str, Any], switches: Settings) -> None:
        self._switches = switches
        self._document = copy.deepcopy(dict(document))
        self._before = document
        self._changed: dict[str, None] = {}
        self._touched: set[str] = set()
        self._pin_whole = False

    def apply(self, operation: Mapping[str, Any]) -> None:
        """Apply one operation."""
        verb, path = _read(operation)
        if verb == "test" and self._switches["patch_test"] == "refused":
            raise Refusal(400, "The test operation is not supported.")
        if verb == "test" and self._switches["patch_test"] == "ignored":
            return
        segments = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
        top = _known(segments[0], TOP_LEVEL)
        if top is None:
            raise _missing(path)
        given = operation.get("value")
        if top == "fields":
            self._on_fields(verb, path, segments[1:], given)
        elif top == "pin" and len(segments) > 1:
            self._on_pin(verb, path, segments[1:], given)
        elif len(segments) > 1:
            raise _missing(path)
        elif verb == "test":
            _compare(path, self._document.get(top), given)
        else:
            self._set_top(verb, path, top, given)

    def changes(self) -> dict[str, Any]:
        """What is different, as a request."""
        changes: dict[str, Any] = {top: self._document.get(top) for top in self._changed}
        if "fields" in changes and self._switches["patch_fields"] == "replaces":
            changes["fields"] = [
                entry for entry in changes["fields"] if str(entry.get("fieldId")) in self._touched
            ]
        if changes.get("pin") is not None and not self._pin_whole:
            changes["pin"] = self._merged_pin(changes["pin"])
        return changes

    def _set_top(self, verb: str, path: str, top: str, given: Any) -> None:
        if top == "typeId":
            raise Refusal(400, {"typeId": "The type of a data object cannot be changed."})
        if top == "stageId" and verb == "remove":
            raise Refusal(400, {"stageId": "The stage cannot be removed."})
        if top == "pin":
            if given is not None and not isinstance(given, dict):
                raise Refusal(400, f"The value of {path} must be an object.")
            self._pin_whole = True
        self._document[top] = None if verb == "remove" else given
        self._changed[top] = None

    def _on_pin(self, verb: str, path: str, segments: Sequence[str], given: Any) -> None:
        key = _known(segments[0], PIN_KEYS)
        if key is None or len(segments) > 1:
            raise _missing(path)
        pin = dict(self._document.get("pin") or {})
        if verb == "test":
            _compare(path, pin.get(key), given)
            return
        pin[key] = None if verb == "remove" else given
        self._document["pin"] = pin
        self._changed["pin"] = None

    def _merged_pin(self, pin: Mapping[str, Any]) -> dict[str, Any]:
        """A pin patched in parts: what follows from the changed parts is worked out anew."""
        before = self._before.get("pin") or {}
        merged = dict(pin)
        touched = {key for key in PIN_KEYS if pin.get(key) != before.get(key)}
        if touched & set(_PARTS):
            stale: Sequence[str] = _DERIVED
            if "street" in touched and str(pin.get("street") or "")[:1].isdigit():
                stale = (*_DERIVED, "houseNumber")
        elif "address" in touched:
            stale = (*_PARTS, *_DERIVED)
        else:
            stale = ("id",)
        for key in stale:
            if key not in touched:
                merged[key] = None
        return merged

    def _on_fields(self, verb: str, path: str, segments: Sequence[str], given: Any) -> None:
        rebuilding = self._switches["patch_fields"] == "rebuilds"
        if rebuilding and "fields" not in self._changed:
            self._document["fields"] = []
        if verb != "test":
            self._changed["fields"] = None
        if not segments:
            self._whole_collection(verb, path, given)
            return
        legal = self._switches["patch_paths"]
        if legal == "collection" or len(segments) > 2:  # noqa: PLR2004 entry and property
            raise _missing(path)
        entries: list[Entry] = self._document["fields"]
        if segments[0] == "-":
            self._append(verb, path, segments, given)
            return
        index = (
            _by_id(entries, segments[0]) if legal == "by_id" else _by_index(entries, segments[0])
        )
        if index is None and legal == "by_id" and verb == "add" and segments[0].isdigit():
            entries.append({"fieldId": segments[0]})
            index = len(entries) - 1
        if index is None:
            raise _missing(path)
        if len(segments) == 1:
            self._on_entry(verb, path, index, given)
        else:
            self._on_property(verb, path, index, segments[1], given)

    def _whole_collection(self, verb: str, path: str, given: Any) -> None:
        if verb == "test":
            _compare(path, self._document["fields"], given)
            return
        collection = [] if verb == "remove" or given is None else given
        if not isinstance(collection, list) or not all(isinstance(e, dict) for e in collection):
            raise Refusal(400, f"The value of {path} must be a list of fields.")
        self._document["fields"] = collection
        self._touched |= {str(entry.get("fieldId")) for entry in collection}

    def _append(self, verb: str, path: str, segments: Sequence[str], given: Any) -> None:
        if verb != "add" or len(segments) > 1 or self._switches["patch_paths"] != "index":
            raise _missing(path)
        self._document["fields"].append(_entry(path, given))
        self._touched.add(str(given.get("fieldId")))

    def _on_entry(self, verb: str, path: str, index: int, given: Any) -> None:
        entries: list[Entry] = self._document["fields"]
        if verb == "test":
            _compare(path, entries[index], given)
            return
        if verb == "remove":
            self._touched.add(str(entries.pop(index).get("fieldId")))
            return
        entry = _entry(path, given)
        if self._switches["patch_paths"] == "by_id":
            entry = {"fieldId": entries[index].get("fieldId"), **entry}
            entries[index] = entry
        elif verb == "add":
            entries.insert(index, entry)
        else:
            entries[index] = entry
        self._touched.add(str(entry.get("fieldId")))

    def _on_property(self, verb: str, path: str, index: int, segment: str, given: Any) -> None:
        key = _known(segment, ENTRY_KEYS)
        entry: Entry = self._document["fields"][index]
        if key is None:
            raise _missing(path)
        if verb == "test":
            _compare(path, entry.get(key), given)
            return
        changed = {**entry, key: None if verb == "remove" else given}
        if key == "value":
            # A new text replaces whatever list of options was there.
            changed["values"] = None
        self._document["fields"][index] = changed
        self._touched.add(str(entry.get("fieldId")))


def _read(operation: Mapping[str, Any]) -> tuple[str, str]:
    verb = str(operation.get("op") or "").lower()
    path = operation.get("path")
    if verb not in OPERATIONS:
        raise Refusal(400, f"Invalid JsonPatch operation '{operation.get('op')}'.")
    if not isinstance(path, str) or not path.startswith("/"):
        raise Refusal(400, f"The path {path!r} is not a JSON pointer.")
    return verb, path


def _known(segment: str, names: Sequence[str]) -> str | None:
    return next((name for name in names if name.lower() == segment.lower()), None)


def _by_id(entries: Sequence[Entry], segment: str) -> int | None:
    wanted = (n for n, entry in enumerate(entries) if str(entry.get("fieldId")) == segment)
    return next(wanted, None)


def _by_index(entries: Sequence[Entry], segment: str) -> int | None:
    known = segment.isdigit() and int(segment) < len(entries)
    return int(segment) if known else None


def _entry(path: str, given: Any) -> Entry:
    if not isinstance(given, dict):
        raise Refusal(400, f"The value of {path} must be a field.")
    return given


def _missing(path: str) -> Refusal:
    return Refusal(400, f"The target location specified by path '{path}' was not found.")


def _compare(path: str, current: Any, expected: Any) -> None:
    same = current == expected
    if isinstance(current, (str, int, float)) and isinstance(expected, (str, int, float)):
        same = str(current) == str(expected)
    if not same:
        raise Refusal(400, f"The current value at path '{path}' is not equal to the test value.")
