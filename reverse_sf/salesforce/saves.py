"""What became of one record that was sent to Salesforce, whichever API carried it.

Sources: REST API Developer Guide, "sObject Collections" (``{id, success, errors: [{statusCode,
message, fields}]}``), "Status Codes and Error Responses"; Bulk API 2.0 guide, "Get Job Failed
Record Results" (``sf__Error``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.mapping import canon

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import requests

LOCKED = "UNABLE_TO_LOCK_ROW"
DUPLICATES = "DUPLICATES_DETECTED"
GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
"""Codes of an update whose record does not exist, where they name no field."""
_ORGANIZATION = re.compile(r"00D[A-Za-z0-9]{12}", re.ASCII)
_BULK_ERROR = re.compile(r"([A-Z][A-Z0-9_]*):(.*):([^:]*?)\s*--\s*", re.DOTALL)


@dataclass(frozen=True)
class Complaint:
    """One reason why a record was refused, in Salesforce's words.

    Attributes:
        code: such as ``STRING_TOO_LONG``.
        fields: API names of the fields at fault, maybe none.
        duplicates: Ids that a duplicate rule found; only calls on one record tell them.
    """

    code: str
    message: str
    fields: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Saved:
    """What became of one record.

    Attributes:
        id: the record's Id where Salesforce told it.
        created: whether it is new; None where the call does not tell.
        complaints: why it was refused.
        unknown: there was no answer: it may or may not have been written.
        modified: a precondition failed: somebody changed the record meanwhile.
    """

    id: str | None = None
    created: bool | None = None
    complaints: tuple[Complaint, ...] = ()
    unknown: bool = False
    modified: bool = False

    @property
    def success(self) -> bool:
        """Whether it was written."""
        return not (self.complaints or self.unknown or self.modified)

    @property
    def locked(self) -> bool:
        """Whether another transaction held the row."""
        return any(one.code == LOCKED for one in self.complaints)

    @property
    def duplicate(self) -> bool:
        """Whether a duplicate rule refused it."""
        return any(one.code == DUPLICATES for one in self.complaints)

    @property
    def gone(self) -> bool:
        """Whether the record to update does not exist."""
        return any(one.code in GONE and not one.fields for one in self.complaints)


@dataclass(frozen=True)
class SaveOptions:
    """What goes with every write.

    Attributes:
        auto_assign: whether the org's assignment rules give new records to someone. Salesforce
            runs them unless told otherwise (REST guide, "Assignment Rule Header").
        allow_duplicates: whether a record passes duplicate rules that only warn (REST guide,
            "Duplicate Rule Header").
    """

    auto_assign: bool = False
    allow_duplicates: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """As headers of a call."""
        allow = str(self.allow_duplicates).lower()
        return {
            "Sforce-Auto-Assign": str(self.auto_assign).upper(),
            "Sforce-Duplicate-Rule-Header": f"allowSave={allow}",
        }


def complaints_of(errors: Any) -> tuple[Complaint, ...]:
    """The complaints of an error list, of a call or of a collection's entry."""
    listed = errors if isinstance(errors, list) else [errors]
    return tuple(_complaint(one) for one in listed if isinstance(one, dict))


def complaints_in(response: requests.Response) -> tuple[Complaint, ...]:
    """The complaints of a refused call; one is made up from its status where it has none."""
    try:
        found = complaints_of(msgspec.json.decode(response.content))
    except msgspec.DecodeError:
        found = ()
    return found or (Complaint(str(response.status_code), response.reason or "refused"),)


def complaint_of_bulk(text: str) -> Complaint:
    """The complaint of ``sf__Error``, such as ``CODE:words:Field1,Field2 --``."""
    found = _BULK_ERROR.fullmatch(text.strip())
    if found is None:
        return Complaint("", text.strip() or "Salesforce gave no reason")
    fields = tuple(part.strip() for part in found[3].split(",") if part.strip())
    return Complaint(found[1], found[2].strip(), fields)


def saved_of(entry: Mapping[str, Any]) -> Saved:
    """From one entry of a collection's answer."""
    record_id, created = entry.get("id"), entry.get("created")
    if entry.get("success"):
        return Saved(record_id, created)
    found = complaints_of(entry.get("errors") or [])
    return Saved(record_id, created, found or (Complaint("", "Salesforce gave no reason"),))


def organization_of(session_id: str) -> str | None:
    """The org that a session id belongs to: it begins with the org's 15-character Id and ``!``.

    None for a session id of another form, such as a JWT.
    """
    head, mark, _ = session_id.partition("!")
    return str(canon.record_id(head)) if mark and _ORGANIZATION.fullmatch(head) else None


def words_of(complaints: Iterable[Complaint]) -> str:
    """All complaints in one sentence."""
    return "; ".join(
        f"{one.message} ({one.code})" if one.code else one.message for one in complaints
    )


def _complaint(error: Mapping[str, Any]) -> Complaint:
    code = str(error.get("statusCode") or error.get("errorCode") or "")
    found = error.get("duplicateResult") or {}
    matches = [
        str(match["record"]["Id"])
        for result in found.get("matchResults") or ()
        for match in result.get("matchRecords") or ()
        if isinstance(match.get("record"), dict) and match["record"].get("Id")
    ]
    fields = tuple(str(name) for name in error.get("fields") or ())
    return Complaint(code, str(error.get("message") or "refused"), fields, tuple(matches))
