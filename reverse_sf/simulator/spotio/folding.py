"""Property names of requests, which the service matches without regard to case.

Single-record documentation is camelCase, the bulk example PascalCase; both are understood.
"""

from __future__ import annotations

from typing import Any

_NAMES = (
    "active", "activity", "activityId", "activityLat", "activityLng", "activityTemplateId",
    "activityTemplateIds", "address", "allDay", "allDayDate", "allowForDoubleBooking",
    "appendRecordNameToTitle", "appointment", "appointmentId", "appointments", "attachmentValue",
    "callback", "city", "clientId", "collaboratorIds", "color", "columns",
    "communicationTemplateId", "conditionType", "count", "country", "createdAt", "currentUser",
    "customFieldId", "customFields", "customHeaders", "dataObject", "dataObjectId", "dataObjectIds",
    "dataObjectLat", "dataObjectLng", "dataObjects", "dataObjectTypeId", "dataObjectTypeIds",
    "date", "dateField", "daysPerWeek", "defaultReminderInSeconds", "delete", "deleteResultFiles",
    "deleteUploadedFiles", "direction", "directions", "done", "dropDataTable", "duration",
    "durationSeconds", "email", "endDate", "externalDataObjectId", "externalSystemUserId",
    "fieldId", "fields", "fieldTempId", "filterId", "filterType", "firstName", "formattedValue",
    "from", "global", "groups", "hasAddress", "hasEmail", "hasPhone", "hasPhoneOrEmail",
    "hasSpotioPhone", "houseNumber", "id", "impersonatedUserId", "includeCallRecordings",
    "includeCustomFieldIds", "includeGhosts", "includeOwnerExternalUserId", "includeParentData",
    "intention", "interval", "invitationDescription", "isNote", "isRead", "isReadonly", "label",
    "lastName", "lat", "lng", "locations", "lossReasons", "mobileId", "mode", "name", "newParentId",
    "notes", "noValue", "op", "operation", "originalStartDate", "ownerChanged", "ownerId",
    "pageSize", "parent", "parentId", "path", "periodicity", "permanently", "perPage", "phone",
    "phoneNumber", "pin", "pinId", "placeId", "points", "polygons", "properties", "q", "queryText",
    "reassignTypesIds", "recurringDefinition", "reference", "remindBeforeInSeconds", "reminder",
    "repeatOn", "reportType", "resultId", "role", "scopes", "scrollId", "secret", "selectedValues",
    "sendInvitation", "shortAddress", "singleType", "skipGeocoding", "sortBy", "source",
    "stageGroups", "stageId", "stageIds", "startDate", "state", "street", "suspended", "teamsIds",
    "territoryGlobalAccess", "territoryIds", "textFilter", "timezone", "title", "transition",
    "type", "typeId", "unit", "until", "updatedAt", "userIds", "usersIds", "value", "values",
    "visible", "visibleInReports", "zip",
)  # fmt: skip
_CANONICAL = {name.lower(): name for name in _NAMES}


def folded(body: Any) -> Any:
    """The same JSON with known property names as the documentation spells them."""
    if isinstance(body, dict):
        return {_CANONICAL.get(key.lower(), key): folded(value) for key, value in body.items()}
    if isinstance(body, list):
        return [folded(entry) for entry in body]
    return body
