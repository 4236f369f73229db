"""Activities and appointments of the demo tenant: of every kind some, done and planned.

All is dated by its record, so that the same seed gives the same tenant. Leads are visited in vain:
a better result would let them into the demo's sync.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.demo_workflow import ACCOUNTS
from reverse_sf.simulator.spotio.records import DAY, TICKS, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.spotio.records import Pin, Record
    from reverse_sf.simulator.spotio.tenant import Tenant

    Request = dict[str, Any]

_HOUR = 3600 * TICKS
_HELD = 7
"""The result of an appointment that took place."""
_NEAR, _FAR = 0.0004, 0.02
"""Degrees: at the door, and two kilometres off."""
_SAID = {
    "text": "Hi, is Thursday at ten still good for the survey?",
    "snippet": "Thank you for your time today. Attached is the quote that we talked about.",
}
_WEEKLY = {"periodicity": "weeks", "interval": 1, "repeatOn": ["tuesday"]}


def fill(tenant: Tenant) -> None:
    """Log and plan something on every record, by turns."""
    records = list(tenant.store.records.values())
    for place, record in enumerate(records):
        kind = _KINDS[place % len(_KINDS)]
        actor = tenant.store.members[record.owner_id]
        with tenant.diary.held(record.updated):
            pin = tenant.store.pins.get(record.pin_id or 0)
            for request in kind(record, pin):
                if "recurringDefinition" in request or request.get("activityTemplateId") == "5":
                    made = tenant.appointments.add(record, request, actor).activity
                    # An appointment's request has no result; the activity has.
                    made.result_id = _HELD if made.done else None
                    tenant.logbook.rewrite(made, actor)
                    continue
                said = {key: request.pop(key) for key in _SAID if key in request}
                draft = tenant.logbook.draft(record, request, actor)
                for key, words in said.items():
                    setattr(draft, key, words)
                tenant.logbook.keep(draft, actor)


def _visits(record: Record, pin: Pin | None) -> Iterator[Request]:
    """Two visits, the later one logged by a phone at the door or far from it."""
    good = record.type_id == ACCOUNTS
    at = record.updated - 30 * DAY
    yield _done("1", at, resultId="1", title="Visit", duration=5)
    mobile: Request = {"mobileId": f"m{record.id[-4:]}", "notes": "Spoke at the door."}
    if pin is not None:
        off = _FAR if (int(record.id[-6:], 16) // len(_KINDS)) % 2 else _NEAR
        mobile |= {"activityLat": round(pin.lat + off, 6), "activityLng": pin.lng}
    yield _done("1", at + 7 * DAY, resultId="2" if good else "4", duration=20, **mobile)


def _calls(record: Record, _pin: Pin | None) -> Iterator[Request]:
    at = record.updated - 20 * DAY
    line = {"phoneNumber": "+15125550123"}
    yield _done("2", at, resultId="6", title="Call", direction="out", durationSeconds=0, **line)
    yield _done(
        "2", at + DAY, resultId="5", title="Call", direction="in", durationSeconds=312, **line
    )
    yield _planned("2", record.updated + 3 * DAY, title="Call back", **line)


def _letters(record: Record, _pin: Pin | None) -> Iterator[Request]:
    """An e-mail, a text message and a note."""
    at = record.updated - 10 * DAY
    mail = {"email": "someone@example.com", "direction": "out", "title": "Your quote"}
    yield {**_done("3", at, **mail), "snippet": _SAID["snippet"]}
    line = {"phoneNumber": "+15125550123", "direction": "in"}
    yield {**_done("4", at + _HOUR, **line), "text": _SAID["text"]}
    yield {"isNote": True, "notes": "Ask for the facilities manager.", "date": shown(at + DAY)}


def _appointments(record: Record, _pin: Pin | None) -> Iterator[Request]:
    """One that was held, one to come, one that lasts all day."""
    yield _planned("5", record.updated - 5 * DAY, title="Demo", duration=60, done=True)
    yield _planned("5", record.updated + 5 * DAY, title="Contract signing", duration=45)
    day = shown(record.updated + 9 * DAY)[:10]
    yield {"activityTemplateId": "5", "allDay": True, "allDayDate": day, "title": "Installation"}


def _series(record: Record, _pin: Pin | None) -> Iterator[Request]:
    """A weekly appointment without an end, and a survey to do."""
    begins = record.updated + DAY
    weekly = {**_WEEKLY, "timezone": "America/Chicago"}
    yield _planned("5", begins, title="Weekly check", duration=30, recurringDefinition=weekly)
    yield _planned("6", record.updated + 2 * DAY, title="Roof survey", duration=90)


def _done(template: str, at: int, **more: Any) -> Request:
    return {"activityTemplateId": template, "done": True, "date": shown(at), **more}


def _planned(template: str, at: int, **more: Any) -> Request:
    return {"activityTemplateId": template, "done": False, "date": shown(at), **more}


_KINDS = (_visits, _calls, _letters, _appointments, _series)
