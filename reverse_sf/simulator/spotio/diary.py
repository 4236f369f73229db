"""The activities of records: what people log, and what the service notes by itself.

The service writes an activity for every creation, change of stage or owner and edit of fields, so
that the activities are its audit log too (SPOTIO OpenAPI file, ``ActivityRequest.type``).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.simulator.spotio.records import TICKS, Activity, to_ticks
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal, read_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.clock import Clock
    from reverse_sf.simulator.spotio.records import Member, Record
    from reverse_sf.simulator.spotio.store import Store
    from reverse_sf.simulator.spotio.workflow import Template, Workflow

Request = dict[str, Any]


class Diary:
    """Appends activities and keeps the counters that follow from them."""

    def __init__(self, store: Store, workflow: Workflow, clock: Clock) -> None:
        self._store = store
        self._workflow = workflow
        self._clock = clock
        self._last = 0
        self._held: int | None = None

    def now(self) -> int:
        """This instant, later than the last one unless the clock was moved back."""
        if self._held is not None:
            return self._held
        ticks = to_ticks(self._clock.now()) + 1
        if self._last - TICKS < ticks <= self._last:
            ticks = self._last + 1
        self._last = ticks
        return ticks

    @contextmanager
    def one_instant(self) -> Iterator[None]:
        """Let everything inside happen at one instant, as records written together do."""
        self._held = self.now()
        try:
            yield
        finally:
            self._held = None

    def log(self, record: Record, request: Request, actor: Member) -> Activity:
        """Add an activity that a person did, with the counters that follow from it.

        Raises:
            Refusal: the template or its result does not exist.
        """
        template = self._template(read_number(request.get("activityTemplateId")))
        result = read_number(request.get("resultId"))
        if result is not None and (
            template is None or result not in {number for number, _ in template.results}
        ):
            raise Refusal(VALIDATION, {"resultId": f"Result with id: {result} does not exist."})
        now = self.now()
        activity = self.note(
            record,
            "Note" if request.get("isNote") else "Event",
            actor,
            now,
            template_id=template.id if template else None,
            result_id=result,
            title=request.get("title"),
            notes=request.get("notes"),
            done=bool(request.get("done", True)),
        )
        if activity.done and template is not None:
            changed = msgspec.structs.replace(
                record, last_activity=now, last_activity_owner=actor.id
            )
            if template.system_role == "Visit":
                changed.visits, changed.last_visit = record.visits + 1, now
                changed.last_visit_result, changed.last_visit_note = result, activity.notes
            elif template.system_role == "Call":
                changed.calls, changed.last_call = record.calls + 1, now
                changed.last_call_result = result
            self._store.save_record(changed)
        return activity

    def note(self, record: Record, kind: str, actor: Member, at: int, **details: Any) -> Activity:
        """Append an activity."""
        activity = Activity(
            id=self._store.activity_count + 1,
            data_object_id=record.id,
            type=kind,
            owner_id=actor.id,
            date=at,
            created=at,
            **details,
        )
        self._store.add_activity(activity)
        return activity

    def _template(self, wanted: int | None) -> Template | None:
        if wanted is None:
            return None
        for template in self._workflow.templates:
            if template.id == wanted:
                return template
        message = f"Template with id: {wanted} does not exist."
        raise Refusal(VALIDATION, {"activityTemplateId": message})
