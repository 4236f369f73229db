"""Operations on the tenant's schema: ``/api/workflow``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.logbook import VERIFIED_METRES
from reverse_sf.simulator.spotio.records import TICKS, shown
from reverse_sf.simulator.spotio.refusals import not_found
from reverse_sf.simulator.spotio.workflow import GROUPS

if TYPE_CHECKING:
    from reverse_sf.simulator.spotio.exchange import Exchange
    from reverse_sf.simulator.spotio.workflow import Field, RecordType, Template

_BORN = shown(1_700_000_000 * TICKS)
COMPANY_ID = "6650d0f0000f00000000c0de"
_COLORS = {"active": "#2f80ed", "won": "#27ae60", "lost": "#eb5757"}


def calendar(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/CalendarSettings``, which tells whose tenant this is."""
    exchange.touch(1)
    return {
        "companyId": COMPANY_ID,
        "allowForDoubleBooking": True,
        "daysPerWeek": "five",
        "defaultReminderInSeconds": 900,
    }


def settings(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/workflow``."""
    tenant = exchange.tenant
    return {
        "internalSettings": {
            "exampleCsvVersion": None,
            "minimumNumberOfDataObjectsInCluster": None,
            "geocoding": {
                "preferedGeocoder": "Google",
                "skipCachedLocations": False,
                "useOnlyGoogleProvider": True,
            },
            "applicationMode": "flexible",
            "isNew": False,
        },
        "userSettings": {
            "name": "Demo Field Sales",
            "timezone": "America/Chicago",
            "countryCode": "US",
            "currency": "USD",
            "extendedPhoneValidation": False,
            "verifiedDistance": VERIFIED_METRES,
            "permissionsMode": "territories",
            "defaultDataObjectId": str(tenant.workflow.types[0].id),
            "allowCollaborators": True,
            "recordHandlerId": str(min(tenant.store.members, default=0)),
            "allowMultipleRecordsAtTheSameAddress": True,
            "minDistanceBetweenRecords": 0.0,
        },
        "activities": [_template(template) for template in tenant.workflow.templates],
        "permissions": {
            "companyPermissions": {
                "multipleSalesforceIntegrationsAccess": False,
                "workatoAccess": False,
                "mcpAccess": False,
            },
            "salesPermissions": {"deleteOwnDataObjects": False, "canCreateDataObjects": True},
            "managerPermissions": {"canMergeRecords": True, "canExport": True},
        },
        "dataObjects": full(exchange),
    }


def full(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/workflow/dataObjects/full``."""
    return [
        {
            **_light(record_type),
            "hasAddress": record_type.has_address,
            "hasPhone": any(record_type.of_kind("Phone")),
            "hasEmail": any(record_type.of_kind("Email")),
            "fields": [_field(field) for field in record_type.fields],
            "stages": _stages(record_type),
        }
        for record_type in exchange.tenant.workflow.types
    ]


def light(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/workflow/dataObjects``."""
    return [_light(record_type) for record_type in exchange.tenant.workflow.types]


def one(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/workflow/dataObjects/{id}``."""
    return _light(_type(exchange, "id"))


def fields(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/workflow/dataobjects/{dataObjectId}/fields``."""
    return [_field(field) for field in _type(exchange, "dataObjectId").fields]


def stages(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/workflow/dataObjects/{dataObjectId}/stages``."""
    return _stages(_type(exchange, "dataObjectId"))


def templates(exchange: Exchange) -> list[dict[str, Any]]:
    """``GET /api/workflow/activityTemplates``."""
    return [_template(template) for template in exchange.tenant.workflow.templates]


def categorization(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/workflow/categorization``: what counts as won and as lost."""
    record_type = exchange.tenant.workflow.types[-1]
    found = {}
    for key, group in (("wonResult", "won"), ("lostResult", "lost")):
        stage = next(stage for stage in record_type.stages if stage.group == group)
        found[key] = {
            "type": "stageChange",
            "dataObjectTypeId": str(record_type.id),
            "stageId": str(stage.id),
            "activityTemplateId": None,
            "activityResultId": None,
        }
    return found


def _type(exchange: Exchange, name: str) -> RecordType:
    identifier = exchange.path(name)
    if not identifier.isdigit():
        raise not_found("DataObject type", identifier)
    return exchange.tenant.workflow.type(int(identifier))


def _light(record_type: RecordType) -> dict[str, Any]:
    return {
        "id": str(record_type.id),
        "name": record_type.name,
        "parentId": None if record_type.parent_id is None else str(record_type.parent_id),
        "extraSettings": {
            "allowAutoplays": False,
            "enableLeadMachine": False,
            "allowEcontracts": False,
        },
        "inheritOwnerFromParent": False,
        "scoringType": "lead",
        "parentRequired": record_type.parent_required,
    }


def _field(field: Field) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": str(field.id),
        "name": field.name,
        "type": _camel(field.kind),
        "stageConstraints": [str(stage) for stage in field.stage_constraints],
        "stageVisibility": [],
        "requiredWithoutStage": field.required,
        "readonly": field.readonly,
        "inherited": field.inherited,
        "inheritable": False,
        "useAsFilter": field.kind == "SingleChoice",
        "showInActivityFeed": False,
        "activeOptions": list(field.options),
        "removedOptions": list(field.removed),
        "createdAt": _BORN,
        "updatedAt": _BORN,
    }
    if field.role:
        row["role"] = _camel(field.role)
    if field.system_role:
        row["systemRole"] = _camel(field.system_role)
    return row


def _stages(record_type: RecordType) -> dict[str, Any]:
    return {
        group: {
            "active": True,
            "stages": [
                {
                    "id": str(stage.id),
                    "name": stage.name,
                    "color": _COLORS[group],
                    "lossReasons": ["Price", "Competitor", "No budget"] if group == "lost" else [],
                    "scoringType": "lead",
                }
                for stage in record_type.stages
                if stage.group == group
            ],
        }
        for group in GROUPS
    }


def _template(template: Template) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": str(template.id),
        "name": template.name,
        "defaultDuration": 30,
        "active": True,
        "creatable": True,
        "type": "event" if template.category == "InPerson" else "task",
        "category": _camel(template.category),
        "activityResults": [
            {
                "id": str(number),
                "name": name,
                "color": "#828282",
                "active": True,
                "isSystem": False,
            }
            for number, name in template.results
        ],
        "requiredFields": [],
        "primaryColor": "#2f80ed",
        "secondaryColor": "#56ccf2",
    }
    if template.system_role:
        row["systemRole"] = _camel(template.system_role)
    return row


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]
