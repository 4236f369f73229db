"""The tables beside the records: users, teams, territories, stages, activity templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.spotio.facts import stage_facts
from tap_spotio.properties import FLAG, MOMENT, OBJECTS, TEXT, TEXTS, WHOLE, identifier
from tap_spotio.stamps import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tap_spotio.tenant import TenantSetup

_ID = {"type": "string"}


@dataclass(frozen=True)
class Table:
    """One table: its columns, and the call that tells it."""

    columns: Mapping[str, Mapping[str, Any]]
    keys: tuple[str, ...] = ("id",)
    path: str = ""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its rows."""
        return {
            "type": "object",
            "properties": {name: dict(one) for name, one in self.columns.items()},
        }

    def row(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """A row as the stream has it."""
        return {name: _value(told.get(name), one) for name, one in self.columns.items()}


def _value(told: Any, declared: Mapping[str, Any]) -> Any:
    if declared is MOMENT:
        return stamp(told)
    if declared in (TEXT, _ID):
        return identifier(told)
    if declared is TEXTS:
        return [identifier(one) for one in told or ()]
    return told


TABLES: dict[str, Table] = {
    "users": Table(
        path="/api/users",
        columns={
            "id": _ID,
            "email": TEXT,
            "firstName": TEXT,
            "lastName": TEXT,
            "role": TEXT,
            "status": TEXT,
            "suspended": FLAG,
            "isReadonly": FLAG,
            "isInSalesforce": FLAG,
            "externalSystemUserId": TEXT,
            "territoryGlobalAccess": FLAG,
            "visible": FLAG,
            "visibleInReports": FLAG,
            "authorizationProvider": TEXT,
        },
    ),
    "teams": Table(
        path="/api/Teams/all",
        columns={"id": _ID, "name": TEXT, "parentId": TEXT, "visible": FLAG, "assignable": FLAG},
    ),
    "territories": Table(
        path="/api/Territories/all",
        columns={
            "id": _ID,
            "title": TEXT,
            "color": TEXT,
            "parentId": TEXT,
            "global": FLAG,
            "userIds": TEXTS,
            "updatedAt": MOMENT,
        },
    ),
    "stages": Table(
        keys=("typeId", "id"),
        columns={
            "typeId": _ID,
            "id": _ID,
            "recordType": TEXT,
            "name": TEXT,
            "group": TEXT,
            "position": WHOLE,
            "lossReasons": TEXTS,
        },
    ),
    "activity_templates": Table(
        columns={
            "id": _ID,
            "name": TEXT,
            "type": TEXT,
            "category": TEXT,
            "systemRole": TEXT,
            "active": FLAG,
            "creatable": FLAG,
            "defaultDuration": WHOLE,
            "activityResults": OBJECTS,
            "requiredFields": OBJECTS,
        },
    ),
}


def stage_rows(setup: TenantSetup) -> Iterator[dict[str, Any]]:
    """The rows of ``stages``; ids are told apart by record type, which may share them."""
    for record_type in setup.workflow.types:
        for position, one in enumerate(stage_facts(record_type)):
            yield TABLES["stages"].row(
                {
                    **one,
                    "typeId": record_type.id,
                    "recordType": record_type.name,
                    "position": position,
                }
            )


def template_rows(setup: TenantSetup) -> Iterable[dict[str, Any]]:
    """The rows of ``activity_templates``."""
    return map(TABLES["activity_templates"].row, setup.templates)
