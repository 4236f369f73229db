"""What one tenant has set up: record types with fields and stages, and results of activities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.workflow import Workflow
from reverse_sf.spotio.company import company_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_sf.spotio.session import Session

Row = dict[str, Any]


@dataclass(frozen=True)
class TenantSetup:
    """One tenant's setup.

    Attributes:
        visit_results: name of a visit's result by its id.
        call_results: name of a call's result by its id.
        templates: the activity templates as SPOTIO told them.
        types: the record types as SPOTIO told them.
        kept: whether it was told in an earlier run, so that SPOTIO may know better by now.
        company_id: whose setup it is.
    """

    workflow: Workflow
    visit_results: Mapping[str, str] = field(default_factory=dict)
    call_results: Mapping[str, str] = field(default_factory=dict)
    templates: Sequence[Row] = ()
    types: Sequence[Row] = ()
    kept: bool = False
    company_id: str | None = None

    @classmethod
    def read(cls, session: Session, *, anew: bool = False) -> TenantSetup:
        """Read it with two calls, or as an earlier run was told.

        Args:
            session: the conversation with SPOTIO.
            anew: ask SPOTIO, whatever was kept.
        """
        told, kept = session.get_kept("/api/workflow", anew=anew)
        answer = told or {}
        types = answer.get("dataObjects") or ()
        templates = answer.get("activities") or ()
        return cls(
            workflow=Workflow.from_api(types),
            visit_results=_results(templates, "visit"),
            call_results=_results(templates, "call"),
            templates=tuple(templates),
            types=tuple(types),
            kept=kept,
            company_id=company_id(session),
        )


def _results(templates: Sequence[Row], role: str) -> dict[str, str]:
    """Names by id; an id means something beside its template only, so the role's own come last."""
    found: dict[str, str] = {}
    for own in (False, True):
        for template in templates:
            if (str(template.get("systemRole") or "").lower() == role) is own:
                for one in template.get("activityResults") or ():
                    found[str(one["id"])] = str(one.get("name") or "")
    return found
