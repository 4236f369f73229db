"""Single activities and the appointments behind them: read, changed and made.

An activity of a series of appointments is known by the series and its original start, as
``0-<series>-<ticks>``: SPOTIO stores it when somebody changes it first (OpenAPI, Appointments).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.errors import NotFoundError
from reverse_sf.spotio.paging import pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reverse_sf.spotio.errors import Call
    from reverse_sf.spotio.session import Session

Row = dict[str, Any]

_MERGE_PATCH = "application/merge-patch+json"
_WORDS = {"event": "Event", "task": "Task", "inperson": "InPerson", "virtual": "Virtual"}


@dataclass(frozen=True)
class Template:
    """An activity template; ``results`` are names by id, which mean something beside it only."""

    id: str
    name: str
    role: str | None = None
    type: str | None = None
    category: str | None = None
    results: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Template:
        """From one of the workflow's templates; enumerations are read without regard to case."""
        role = str(answer.get("systemRole") or "")
        return cls(
            id=str(answer["id"]),
            name=str(answer.get("name") or ""),
            role=role[:1].upper() + role[1:] or None,
            type=_word(answer.get("type")),
            category=_word(answer.get("category")),
            results={
                str(one["id"]): str(one.get("name") or "")
                for one in answer.get("activityResults") or ()
            },
        )


def _word(told: Any) -> str | None:
    return _WORDS.get(str(told).lower(), str(told)) if told else None


class ActivityCalls:
    """The activities of one tenant, one at a time.

    Args:
        session: the authenticated conversation.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def templates(self) -> dict[str, Template]:
        """All activity templates, by id."""
        answers = self._session.get("/api/workflow/activityTemplates").body or ()
        return {one.id: one for one in map(Template.from_api, answers)}

    def read(self, identity: str) -> Row | None:
        """One activity; None where there is none (any more).

        Of a series, the appointment stands for it as long as SPOTIO does not store it.
        """
        if "-" not in identity:
            return self.stored(identity)
        appointment = self._one(f"/api/v2/appointments/{identity}")
        if appointment is None or appointment.get("activityId") is None:
            return appointment
        return self.stored(appointment["activityId"])

    def stored(self, activity_id: str) -> Row | None:
        """One activity that SPOTIO stores, planned or done; None where there is none."""
        return self._one(f"/api/v2/activities/{activity_id}")

    def appointment_of(self, activity_id: str) -> Row | None:
        """The appointment of an activity; None where it has none."""
        return self._one(f"/api/v2/appointments/byActivity/{activity_id}")

    def history_of(self, record_id: str, activity_id: str) -> Row | None:
        """A done activity as its record's history has it, which tells when it was planned."""
        return self._one(f"/api/DataObjects/{record_id}/activities/{activity_id}")

    def upcoming(self, record_id: str) -> Iterator[Row]:
        """The appointments of a record that are not done, those too that a series makes up."""
        path = f"/api/DataObjects/{record_id}/appointments/upcoming"
        try:
            for page in pages(
                lambda cursor: (
                    self._session.get(path, {} if cursor is None else {"scrollId": cursor}).body
                )
            ):
                yield from page
        except NotFoundError:
            return

    def _one(self, path: str) -> Row | None:
        try:
            found: Row | None = self._session.get(path).body
        except NotFoundError:
            return None
        return found

    def change(self, current: Mapping[str, Any], identity: str, body: Mapping[str, Any]) -> Call:
        """Change some properties of an activity as last read.

        Raises:
            WriteRefusedError: SPOTIO refuses.
            NotFoundError: it is gone.
            AmbiguousOutcomeError: no answer came; read it before repeating it.
        """
        path = f"/api/v2/activities/{current['id']}"
        wanted = dict(body)
        if "activityId" in current:
            path = f"/api/v2/appointments/{identity}"
            wanted["intention"] = "SingleFromRecurring"
        return self._session.request(
            "PATCH", path, payload=wanted, content_type=_MERGE_PATCH, repeatable=False
        ).call

    def create(self, body: Mapping[str, Any]) -> tuple[Row, Call]:
        """Make an activity.

        Raises:
            WriteRefusedError: SPOTIO refuses.
            NotFoundError: its record is gone.
            AmbiguousOutcomeError: no answer came, and nothing tells whether it was made.
        """
        reply = self._session.request(
            "POST", "/api/v2/activities", payload=dict(body), repeatable=False
        )
        return dict(reply.body), reply.call
