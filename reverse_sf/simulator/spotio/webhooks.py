"""Webhooks of one tenant: which events there are, who is told, and what an event says.

SPOTIO publishes the envelope, the signature and the events, not what ``data`` holds: its shape here
is the one seen in a live consumer (``objectId``, ``title``, ``values``), which differs from the
API's. Endpoints live in memory only; there is no worker and no cost without an active one.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.spotio.courier import Courier
from reverse_sf.simulator.spotio.records import shown
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.simulator.spotio.diary import Diary
    from reverse_sf.simulator.spotio.quirks import Settings
    from reverse_sf.simulator.spotio.records import Activity, Appointment, Record
    from reverse_sf.simulator.spotio.store import Store
    from reverse_sf.simulator.spotio.workflow import Workflow

SCOPES = (
    "activity.created",
    "activity.deleted",
    "activity.updated",
    "activity.done",
    "appointment.created",
    "appointment.updated",
    "appointment.deleted",
    "lead.added",
    "lead.deleted",
    "lead.updated",
)
SECRET = "demo-webhook-secret"
"""The demo company's; no real one."""
_ATTEMPTS = 10_000
"""Attempts that are remembered; the oldest are forgotten."""


class Endpoint(msgspec.Struct, kw_only=True):
    """Who is told of which events."""

    id: str
    callback: str
    scopes: list[str] = []
    active: bool = True
    headers: list[dict[str, Any]] = []

    def shape(self) -> dict[str, Any]:
        """``WebhookEndpointDto``."""
        return {
            "id": self.id,
            "callback": self.callback,
            "scopes": self.scopes,
            "active": self.active,
            "customHeaders": self.headers,
        }


class Webhooks:
    """The endpoints of one tenant; the store tells it of every change while one is active."""

    def __init__(self, store: Store, workflow: Workflow, diary: Diary, switches: Settings) -> None:
        self._store = store
        self._workflow = workflow
        self._diary = diary
        self._switches = switches
        self._endpoints: dict[str, Endpoint] = {}
        self._couriers: dict[str, Courier] = {}
        self._number = 0
        self.attempts: deque[dict[str, Any]] = deque(maxlen=_ATTEMPTS)

    def listed(self) -> list[Endpoint]:
        """All endpoints, oldest first."""
        return list(self._endpoints.values())

    def add(self, request: Mapping[str, Any]) -> Endpoint:
        """Register an endpoint, which is active at once.

        Raises:
            Refusal: the callback is not on this machine, or a scope or header is not accepted.
        """
        self._number += 1
        return self._save(_changed(Endpoint(id=str(self._number), callback=""), request))

    def change(self, identifier: str, request: Mapping[str, Any]) -> Endpoint:
        """Change what the request names of an endpoint.

        Raises:
            Refusal: as for :meth:`add`, or 404.
        """
        return self._save(_changed(self._get(identifier), request))

    def remove(self, identifier: str) -> None:
        """Forget an endpoint with all that waits for it.

        Raises:
            Refusal: 404.
        """
        self._dismiss(self._get(identifier).id)
        del self._endpoints[identifier]
        self._watch()

    def clear(self) -> None:
        """Forget all endpoints, attempts and what waits."""
        for identifier in list(self._couriers):
            self._dismiss(identifier)
        self._endpoints.clear()
        self._watch()
        self.attempts.clear()

    def control(self, body: dict[str, Any] | None) -> dict[str, Any]:
        """``/_simulator/webhooks``: what waits and every attempt.

        A POST of ``{duplicate: n}`` sends each endpoint's next n deliveries twice, ``{reorder: n}``
        waits for its next n events and sends them last first.

        Raises:
            ControlError: anything else.
        """
        asked = body or {}
        unknown = sorted(set(asked) - {"duplicate", "reorder"})
        wrong = [key for key, n in asked.items() if type(n) is not int or n < 0]
        if unknown or wrong:
            listed = ", ".join(unknown or wrong)
            raise ControlError(f"not understood: {listed}; known are: duplicate, reorder (numbers)")
        for courier in self._couriers.values():
            courier.ask(duplicate=asked.get("duplicate"), reorder=asked.get("reorder"))
        waiting = {key: courier.waiting for key, courier in self._couriers.items()}
        return {"waiting": waiting, "attempts": list(self.attempts)}

    # What the store tells.

    def record_saved(self, record: Record, before: Record | None) -> None:
        """A record is new or, where its ``updatedAt`` moved, changed."""
        if before is None:
            self._tell_of_record("lead.added", record)
        elif before.updated != record.updated:
            self._tell_of_record("lead.updated", record)

    def record_deleted(self, record: Record) -> None:
        """A record is gone, by deletion or merge."""
        self._tell_of_record("lead.deleted", record)

    def activity_saved(self, activity: Activity, before: Activity | None) -> None:
        """An activity is new or changed, and maybe done by that."""
        self._tell_of_activity(
            "activity.created" if before is None else "activity.updated", activity
        )
        if activity.done and (before is None or not before.done):
            self._tell_of_activity("activity.done", activity)

    def activity_deleted(self, activity: Activity) -> None:
        """An activity is gone."""
        self._tell_of_activity("activity.deleted", activity)

    def appointment_saved(self, appointment: Appointment, before: Appointment | None) -> None:
        """An appointment is new or changed."""
        self._tell_of_appointment(
            "appointment.created" if before is None else "appointment.updated", appointment
        )

    def appointment_deleted(self, appointment: Appointment) -> None:
        """An appointment is gone."""
        self._tell_of_appointment("appointment.deleted", appointment)

    def _tell_of_appointment(self, kind: str, appointment: Appointment) -> None:
        record = self._store.records.get(appointment.data_object_id)
        activity = self._store.activity_by_id.get(appointment.activity_id)
        data: dict[str, Any] = {
            "id": str(appointment.id),
            "activityId": str(appointment.activity_id),
            "title": activity.title if activity else None,
            "notes": activity.notes if activity else None,
            "date": shown(activity.date) if activity else None,
        }
        self._tell(kind, data if record is None else {**data, "dataObject": self._record(record)})

    def _tell_of_record(self, kind: str, record: Record) -> None:
        child = self._workflow.type(record.type_id).parent_id is not None
        if not (child and self._switches["webhook_children"] == "silent"):
            self._tell(kind, self._record(record))

    def _tell_of_activity(self, kind: str, activity: Activity) -> None:
        record = self._store.records.get(activity.data_object_id)
        data = {
            "id": str(activity.id),
            "type": activity.type[0].lower() + activity.type[1:],
            "notes": activity.notes,
            "date": shown(activity.date),
            "done": activity.done,
        }
        self._tell(kind, data if record is None else {**data, "dataObject": self._record(record)})

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        event = {"data": data, "type": kind, "date": shown(self._diary.now())}
        for identifier, courier in self._couriers.items():
            if kind in self._endpoints[identifier].scopes:
                courier.take(event)

    def _record(self, record: Record) -> dict[str, Any]:
        record_type = self._workflow.type(record.type_id)
        owner = self._store.members.get(record.owner_id)
        pin = self._store.pins.get(record.pin_id or 0)
        fields = []
        for field in record_type.fields:
            kept = record.fields.get(field.id)
            if kept is not None:
                entries = kept if isinstance(kept, list) else [kept]
                fields.append({"id": field.id, "title": field.name, "values": entries})
        return {
            "objectId": record.id,
            "createdAt": shown(record.created),
            "assignedUserEmail": owner.email if owner else None,
            "address": {"fullAddress": pin.address if pin else None},
            "fields": fields,
        }

    def _get(self, identifier: str) -> Endpoint:
        if identifier not in self._endpoints:
            raise not_found("Webhook", identifier)
        return self._endpoints[identifier]

    def _save(self, endpoint: Endpoint) -> Endpoint:
        known = self._endpoints.get(endpoint.id)
        self._endpoints[endpoint.id] = endpoint
        kept = self._couriers.get(endpoint.id)
        if kept is not None and (
            not endpoint.active
            or known is None
            or (known.callback, known.headers) != (endpoint.callback, endpoint.headers)
        ):
            self._dismiss(endpoint.id)
        if endpoint.active and endpoint.id not in self._couriers:
            self._couriers[endpoint.id] = Courier(
                endpoint.id,
                endpoint.callback,
                {str(each["name"]): str(each.get("value") or "") for each in endpoint.headers},
                secret=SECRET,
                switches=self._switches,
                attempts=self.attempts,
            )
        self._watch()
        return endpoint

    def _dismiss(self, identifier: str) -> None:
        courier = self._couriers.pop(identifier, None)
        if courier is not None:
            courier.stop()

    def _watch(self) -> None:
        self._store.watcher = self if self._couriers else None


def _changed(endpoint: Endpoint, request: Mapping[str, Any]) -> Endpoint:
    errors: dict[str, str] = {}
    changed = msgspec.structs.replace(endpoint)
    if request.get("callback") is not None or not endpoint.callback:
        changed.callback = str(request.get("callback") or "")
        if not _on_this_machine(changed.callback):
            errors["callback"] = "The local server calls http(s) addresses of this machine only."
    if request.get("scopes") is not None:
        scopes = request["scopes"]
        if not isinstance(scopes, list) or not set(map(str, scopes)) <= set(SCOPES):
            errors["scopes"] = f"Scopes must be of: {', '.join(SCOPES)}."
        else:
            changed.scopes = scopes
    if request.get("customHeaders") is not None:
        headers = request["customHeaders"]
        if not isinstance(headers, list) or not all(
            isinstance(each, dict) and each.get("name") for each in headers
        ):
            errors["customHeaders"] = "Custom headers must have a name."
        else:
            changed.headers = headers
    if "active" in request:
        changed.active = bool(request["active"])
    if errors:
        raise Refusal(VALIDATION, errors)
    return changed


def _on_this_machine(callback: str) -> bool:
    try:
        parts = urlsplit(callback)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False
