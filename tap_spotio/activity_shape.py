"""What a record of the streams ``activities`` and ``appointments`` is made of. Pure.

Both streams have the same properties, so that an appointment that SPOTIO has not stored yet and the
activity that becomes of it are one thing to whoever reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_spotio.properties import FLAG, MOMENT, NUMBER, TEXT, WHOLE, identifier
from tap_spotio.stamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.spotio.activity_calls import Template
    from reverse_sf.spotio.client import User
    from tap_spotio.activity_templates import Vocabulary

    Row = Mapping[str, Any]

METRES_PER_FOOT = 0.3048
_TEXTS = {"Text", "OptInText"}
_DAY = {"type": ["string", "null"], "format": "date"}
_YES_OR_NO = {"type": "boolean"}

PROPERTIES: dict[str, Mapping[str, Any]] = {
    "id": {
        "type": "string",
        "description": (
            "What the activity is known by: 0-<series>-<original start in ticks> for an occurrence"
            " of a recurring appointment, stored or not; else the activity's id."
        ),
    },
    "activityId": {**TEXT, "description": "The id that SPOTIO stores it under; null: not stored."},
    "appointmentId": TEXT,
    "dataObjectId": {"type": "string"},
    "dataObjectTypeId": {"type": "string"},
    "dataObjectType": {**TEXT, "description": "The name of the record's type."},
    "activityTemplateId": TEXT,
    "template": TEXT,
    "templateRole": TEXT,
    "templateType": TEXT,
    "templateCategory": TEXT,
    "type": {"type": "string"},
    "isNote": _YES_OR_NO,
    "done": _YES_OR_NO,
    "date": MOMENT,
    "allDay": _YES_OR_NO,
    "allDayDate": _DAY,
    "title": TEXT,
    "notes": TEXT,
    "duration": {**WHOLE, "description": "Minutes."},
    "durationSeconds": WHOLE,
    "ownerId": TEXT,
    "ownerEmail": TEXT,
    "ownerName": TEXT,
    "resultId": TEXT,
    "result": TEXT,
    "direction": TEXT,
    "email": TEXT,
    "phoneNumber": TEXT,
    "text": {**TEXT, "description": "What a text message says."},
    "snippet": {**TEXT, "description": "What an e-mail says."},
    "verified": FLAG,
    "distance": {**NUMBER, "description": "Metres from the record's address."},
    "activityLat": NUMBER,
    "activityLng": NUMBER,
    "createdAt": MOMENT,
    "updatedAt": {"type": "string", "format": "date-time"},
}


@dataclass(frozen=True)
class Standing:
    """An activity's place among the appointments.

    Attributes:
        identity: of an occurrence of a series; None for what does not recur.
        appointment_id: None without an appointment, or where it was not asked for.
        type_id: the type of its record, where the appointment told it.
        day: the day of an appointment that lasts all day.
    """

    identity: str | None = None
    appointment_id: str | None = None
    type_id: str | None = None
    day: str | None = None


class ActivityShape:
    """Makes the records of one run.

    Args:
        vocabulary: the tenant's templates and results.
        owner: the user with an id, as far as SPOTIO tells.
    """

    def __init__(self, vocabulary: Vocabulary, owner: Callable[[str], User | None]) -> None:
        self._vocabulary = vocabulary
        self._owner = owner

    def fed(self, exported: Row, told: Row, standing: Standing) -> dict[str, Any]:
        """A done activity, as the export and the feed tell it together."""
        return {
            **self._common(exported, told, standing, str(told["id"])),
            "dataObjectId": str(told["dataObject"]["id"]),
            "dataObjectTypeId": str(told["dataObject"]["typeId"]),
            "text": told.get("text"),
            "snippet": told.get("snippet"),
            "activityLat": exported.get("latitude"),
            "activityLng": exported.get("longitude"),
            "createdAt": stamp(told.get("createdAt")),
        }

    def single(
        self, exported: Row, told: Row, standing: Standing, type_id: str | None
    ) -> dict[str, Any]:
        """An activity that was read by itself, beside its row in the export."""
        role = self._vocabulary.role(identifier(told.get("activityTemplateId")))
        content = exported.get("content")
        return {
            **self._common(exported, told, standing, str(told["id"])),
            "dataObjectId": str(told["dataObjectId"]),
            "dataObjectTypeId": type_id,
            "text": content if role in _TEXTS else None,
            "snippet": content if role == "Email" else None,
            "activityLat": told.get("activityLat"),
            "activityLng": told.get("activityLng"),
            "createdAt": stamp(exported.get("createdAt")),
        }

    def stored(self, row: Row, told: Row, standing: Standing, read_at: str) -> dict[str, Any]:
        """A stored appointment of a record, with its activity; when it was made is not told."""
        made = self.single({"updatedAt": read_at}, told, standing, standing.type_id)
        del made["createdAt"]
        return {**made, "dataObjectId": str(row["dataObject"]["id"])}

    def made_up(self, row: Row, standing: Standing, read_at: str) -> dict[str, Any]:
        """An occurrence that a series makes up: planned, and not stored yet."""
        told = {**row, "type": "event", "isNote": False, "done": False, "id": None}
        return {
            **self._common({"updatedAt": read_at}, told, standing, None),
            "dataObjectId": str(row["dataObject"]["id"]),
            "dataObjectTypeId": standing.type_id,
            **dict.fromkeys(("text", "snippet", "activityLat", "activityLng", "createdAt")),
        }

    def _common(
        self, exported: Row, told: Row, standing: Standing, activity_id: str | None
    ) -> dict[str, Any]:
        template_id = identifier(told.get("activityTemplateId"))
        template = self._vocabulary.get(template_id)
        result_id = identifier(told.get("resultId"))
        date, all_day = stamp(told.get("date")), bool(told.get("allDay"))
        day = told.get("allDayDate") or standing.day or date if all_day else None
        return {
            "id": standing.identity or activity_id,
            "activityId": activity_id,
            "appointmentId": standing.appointment_id,
            "activityTemplateId": template_id,
            "template": template.name if template else None,
            "templateRole": template.role if template else None,
            "templateType": template.type if template else None,
            "templateCategory": template.category if template else None,
            "type": _lower_first(str(told.get("type") or "event")),
            "isNote": bool(told.get("isNote")) or str(told.get("type")).lower() == "note",
            "done": bool(told.get("done")),
            "date": date,
            "allDay": all_day,
            "allDayDate": str(day)[:10] if day else None,
            "title": told.get("title"),
            "notes": told.get("notes"),
            "duration": told.get("duration"),
            "durationSeconds": told.get("durationSeconds"),
            **self._owned(told, exported),
            "resultId": result_id,
            "result": _result(template, result_id, exported),
            "direction": _direction(told.get("direction")),
            "email": told.get("email"),
            "phoneNumber": told.get("phoneNumber"),
            "verified": told.get("verified"),
            "distance": _metres(exported.get("distanceFromTheDataObjectInFeet")),
            "updatedAt": stamp(exported["updatedAt"]),
        }

    def _owned(self, told: Row, exported: Row) -> dict[str, str | None]:
        owner_id = identifier(told.get("ownerId"))
        owner = self._owner(owner_id) if owner_id else None
        return {
            "ownerId": owner_id,
            "ownerEmail": (owner.email or None) if owner else None,
            "ownerName": (owner.name if owner else None) or exported.get("owner"),
        }


def _result(template: Template | None, result_id: str | None, exported: Row) -> str | None:
    if result_id is None:
        return None
    return (template.results.get(result_id) if template else None) or exported.get("result")


def _metres(feet: Any) -> float | None:
    # SPOTIO rounds the feet: less than a centimetre of it is true.
    return None if feet is None else round(float(feet) * METRES_PER_FOOT, 2)


def _direction(told: Any) -> str | None:
    return str(told).capitalize() if told else None


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]
