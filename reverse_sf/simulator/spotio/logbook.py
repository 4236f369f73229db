"""What people log on records, and the counters of a record that follow from it.

Limits as SPOTIO's OpenAPI file has them (``ActivityRequest``): a title of 128 characters at most,
notes of 512; a note has neither template nor duration nor title; ``PUT`` changes planned activities
only (and ``PATCH``, see switch ``done_activities``). The text of a text message and the snippet of
an e-mail come from SPOTIO's own phone and mailbox, never from a request; ``verified`` is false only
for what a mobile client did too far from the record ("verified", ``ActivityResponse``). The
counters and last results of a record are never written: they follow from its activities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.spotio import distance
from reverse_sf.simulator.spotio.records import Activity, read_ticks
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal, not_found, read_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.spotio.diary import Diary
    from reverse_sf.simulator.spotio.quirks import Settings
    from reverse_sf.simulator.spotio.records import Member, Record
    from reverse_sf.simulator.spotio.store import Store
    from reverse_sf.simulator.spotio.workflow import Template, Workflow

Request = dict[str, Any]
LONGEST_TITLE, LONGEST_NOTES = 128, 512
VERIFIED_METRES = 150.0
"""The company's ``verifiedDistance``."""
_PLAIN = {
    "title": "title",
    "notes": "notes",
    "duration": "duration",
    "durationSeconds": "duration_seconds",
    "allDay": "all_day",
    "allDayDate": "all_day_date",
    "direction": "direction",
    "email": "email",
    "phoneNumber": "phone",
    "reference": "reference",
    "isRead": "is_read",
    "activityLat": "lat",
    "activityLng": "lng",
    "mobileId": "mobile_id",
}
_LIMITS = {"title": LONGEST_TITLE, "notes": LONGEST_NOTES}
_GLOBE = {"activityLat": 90, "activityLng": 180}


class Logbook:
    """Logs, plans and changes the activities of one tenant."""

    def __init__(self, store: Store, workflow: Workflow, diary: Diary, switches: Settings) -> None:
        self._store = store
        self._workflow = workflow
        self._diary = diary
        self._switches = switches

    def get(self, identifier: str) -> Activity:
        """The activity with that id.

        Raises:
            Refusal: 404.
        """
        found = self._store.activity_by_id.get(int(identifier)) if identifier.isdigit() else None
        if found is None:
            raise not_found("Activity", identifier)
        return found

    def add(
        self, record: Record, request: Request, actor: Member, *, at: int | None = None
    ) -> Activity:
        """Log or plan an activity; the record's counters follow.

        Raises:
            Refusal: a template, result, owner or value is not accepted.
        """
        return self.keep(self.draft(record, request, actor, at=at), actor)

    def draft(
        self, record: Record, request: Request, actor: Member, *, at: int | None = None
    ) -> Activity:
        """The activity that a request describes, without an id and not kept yet.

        Raises:
            Refusal: a template, result, owner or value is not accepted.
        """
        kind = self._kind(request)
        now = self._diary.now() if at is None else at
        activity = Activity(
            id=0,
            data_object_id=record.id,
            type=kind,
            owner_id=actor.id,
            date=now,
            created=now,
            updated=now,
        )
        self._assign(activity, {"done": True, **request})
        self._locate(activity)
        if not activity.done:
            activity.planned = activity.date
        return activity

    def keep(self, draft: Activity, actor: Member) -> Activity:
        """Give a draft its id and keep it; the record's counters follow."""
        draft.id = self._store.next_activity_id()
        self._keep(draft, actor, draft.created)
        return draft

    def change(
        self,
        activity: Activity,
        request: Request,
        actor: Member,
        *,
        whole: bool,
        person: bool = False,
    ) -> Activity:
        """Change the keys that the request has, or with ``whole`` all of it.

        A ``person`` in the web app may change what is done as well.

        Raises:
            Refusal: it is done already, where the whole of it is sent; or a value is not accepted.
        """
        refused = whole or self._switches["done_activities"] == "refused"
        if activity.done and refused and not person:
            raise Refusal(VALIDATION, "Only planned activity could be changed.")
        if activity.type not in ("Note", "Event"):
            raise Refusal(VALIDATION, "An activity of the system cannot be changed.")
        changed = msgspec.structs.replace(activity)
        blank = dict.fromkeys(_PLAIN) | {"resultId": None} if whole else {}
        self._assign(changed, {**blank, **request})
        self._locate(changed)
        if not changed.done:
            changed.planned = changed.date
        self._keep(changed, actor, self._diary.now())
        return changed

    def rewrite(self, activity: Activity, actor: Member) -> None:
        """Keep an activity as it is; the record's counters follow."""
        self._keep(activity, actor, self._diary.now())

    def delete(self, activity: Activity, actor: Member) -> None:
        """Forget an activity, as a person does in the web app: the API has no such operation."""
        self._store.delete_activity(activity.id)
        self.recount(activity.data_object_id, actor, self._diary.now())

    def _locate(self, activity: Activity) -> None:
        """Note how far a done activity was from its record."""
        record = self._store.records.get(activity.data_object_id)
        pin = self._store.pins.get((record and record.pin_id) or 0)
        if pin is None or activity.lat is None or activity.lng is None or not activity.done:
            return
        activity.distance = round(distance.metres(activity.lat, activity.lng, pin.lat, pin.lng), 2)
        # "True by default for all activities except from mobile client."
        if activity.mobile_id is not None:
            activity.verified = activity.distance <= VERIFIED_METRES

    def recount(self, record_id: str, actor: Member, now: int) -> None:
        """Derive the record's counters and last results from its activities."""
        record = self._store.records.get(record_id)
        if record is None:
            return
        changed = msgspec.structs.replace(record, **self._derived(record_id))
        if self._switches["activity_touches"]:
            changed.updated, changed.updated_by = now, actor.id
        self._store.save_record(changed)

    def _keep(self, activity: Activity, actor: Member, now: int) -> None:
        activity.updated = now
        self._store.save_activity(activity)
        self.recount(activity.data_object_id, actor, now)

    def _derived(self, record_id: str) -> dict[str, Any]:
        logged = [row for row in self._store.logged_on(record_id) if row.type in ("Note", "Event")]
        done = [(self._role(row), row) for row in logged if row.done]
        visits = [row for role, row in done if role == "Visit"]
        calls = [row for role, row in done if role == "Call"]
        visit, call = _latest(visits), _latest(calls)
        last = _latest([row for _, row in done if row.template_id is not None])
        return {
            "visits": len(visits),
            "last_visit": visit.date if visit else None,
            "last_visit_result": visit.result_id if visit else None,
            "last_visit_note": visit.notes if visit else None,
            "calls": len(calls),
            "last_call": call.date if call else None,
            "last_call_result": call.result_id if call else None,
            "last_activity": last.date if last else None,
            "last_activity_owner": last.owner_id if last else None,
            "next_activity": min((row.date for row in logged if not row.done), default=None),
            "location": _location(visit),
        }

    def _role(self, activity: Activity) -> str:
        template = self._workflow.template(activity.template_id or 0)
        return template.system_role if template else ""

    @staticmethod
    def _kind(request: Mapping[str, Any]) -> str:
        given = str(request.get("type") or ("note" if request.get("isNote") else "event")).lower()
        if given not in ("note", "event"):
            # The others are the service's own notes.
            raise Refusal(VALIDATION, {"type": f"An activity of type {given} cannot be created."})
        return given.capitalize()

    def _assign(self, activity: Activity, request: Mapping[str, Any]) -> None:
        """Put what the request has into the activity.

        Raises:
            Refusal: with all that is wrong.
        """
        errors: dict[str, str] = {}
        for key, attribute in _PLAIN.items():
            if key in request:
                setattr(activity, attribute, _plain(key, request[key], errors))
        if "ownerId" in request:
            self._assign_owner(activity, request["ownerId"], errors)
        if request.get("date") is not None:
            try:
                activity.date = read_ticks(str(request["date"]))
            except ValueError:
                errors["date"] = f"The value '{request['date']}' is not valid."
        if "done" in request:
            activity.done = bool(request["done"])
        self._assign_template(activity, request, errors)
        if activity.type == "Note":
            # "If activity isNote then duration and title and activityTemplateId are blank."
            activity.template_id = activity.result_id = activity.duration = activity.title = None
        if errors:
            raise Refusal(VALIDATION, errors)

    def _assign_owner(self, activity: Activity, given: Any, errors: dict[str, str]) -> None:
        owner_id = read_number(given)
        if owner_id is None:
            return
        if owner_id not in self._store.members:
            errors["ownerId"] = f"User with id: {given} does not exist."
        activity.owner_id = owner_id

    def _assign_template(
        self, activity: Activity, request: Mapping[str, Any], errors: dict[str, str]
    ) -> None:
        if request.get("activityTemplateId") is not None:
            activity.template_id = read_number(request["activityTemplateId"])
        template: Template | None = None
        if activity.template_id is not None:
            template = self._workflow.template(activity.template_id)
            if template is None:
                errors["activityTemplateId"] = (
                    f"Template with id: {activity.template_id} does not exist."
                )
        if "resultId" in request:
            activity.result_id = read_number(request["resultId"])
        results = {number for number, _ in template.results} if template else set()
        if activity.result_id is not None and activity.result_id not in results:
            errors["resultId"] = f"Result with id: {activity.result_id} does not exist."


def _plain(key: str, given: Any, errors: dict[str, str]) -> Any:
    """A value as it is kept; what is wrong with it goes to ``errors``."""
    if given is None:
        return False if key == "allDay" else None
    if key in ("allDay", "isRead"):
        return bool(given)
    if key in _GLOBE:
        return _coordinate(key, given, errors)
    if key in ("duration", "durationSeconds"):
        kept: Any = read_number(given)
        if kept is not None and kept < 0:
            errors[key] = "The value must not be negative."
        return kept
    text = str(given).lower() if key == "direction" else str(given)
    if key == "direction" and text not in ("in", "out"):
        errors[key] = f"Direction {given} does not exist."
    if len(text) > _LIMITS.get(key, len(text)):
        errors[key] = f"The value must have {_LIMITS[key]} characters at most."
    return text


def _coordinate(key: str, given: Any, errors: dict[str, str]) -> float | None:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        errors[key] = "The value must be a number."
        return None
    if abs(given) > _GLOBE[key]:
        errors[key] = f"The value must be between -{_GLOBE[key]} and {_GLOBE[key]}."
    return float(given)


def _location(visit: Activity | None) -> str:
    if visit is None or visit.distance is None:
        return "unknown"
    return "verified" if visit.distance <= VERIFIED_METRES else "unverified"


def _latest(activities: list[Activity]) -> Activity | None:
    return max(activities, key=lambda row: (row.date, row.id), default=None)
