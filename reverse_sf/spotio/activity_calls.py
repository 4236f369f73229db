"""Single activities: read, changed and made, by SPOTIO's API version 2.

An activity of a series of appointments is known by the series and its original start, as
``0-<series>-<ticks>``: SPOTIO stores it when somebody changes it first (OpenAPI, Appointments).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.spotio.errors import Call
    from reverse_sf.spotio.session import Session

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

    def read(self, identity: str) -> dict[str, Any] | None:
        """One activity; None where there is none (any more).

        Of a series, the appointment stands for it as long as SPOTIO does not store it.
        """
        try:
            if "-" not in identity:
                return dict(self._session.get(f"/api/v2/activities/{identity}").body)
            appointment = dict(self._session.get(f"/api/v2/appointments/{identity}").body)
            stored = appointment.get("activityId")
            if stored is None:
                return appointment
            return dict(self._session.get(f"/api/v2/activities/{stored}").body)
        except NotFoundError:
            return None

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

    def create(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], Call]:
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
