"""Property names of requests, which the service matches without regard to case.

Single-record documentation is camelCase, the bulk example PascalCase; both are understood.
"""

from __future__ import annotations

from typing import Any

_NAMES = (
    "activity", "activityTemplateId", "address", "attachmentValue", "city", "clientId",
    "collaboratorIds", "country", "createdAt", "currentUser", "customFieldId", "customFields",
    "conditionType", "dataObject", "dataObjectId", "dataObjects", "dataObjectTypeId",
    "dataObjectTypeIds", "dateField", "deleteResultFiles", "deleteUploadedFiles", "done",
    "dropDataTable", "email", "endDate", "externalDataObjectId", "externalSystemUserId", "fieldId",
    "fieldTempId", "fields", "filterId", "firstName", "formattedValue", "from", "hasAddress",
    "hasEmail", "hasPhone", "hasPhoneOrEmail", "houseNumber", "id", "impersonatedUserId",
    "includeCustomFieldIds", "includeOwnerExternalUserId", "includeParentData", "isNote",
    "isReadonly", "label", "lastName", "lat", "lng", "mode", "newParentId", "notes", "noValue",
    "op", "operation", "ownerId", "parentId", "path", "perPage", "permanently", "phone", "pin",
    "pinId", "placeId", "queryText", "reassignTypesIds", "resultId", "role", "scrollId", "secret",
    "selectedValues", "shortAddress", "singleType", "skipGeocoding", "sortBy", "source",
    "stageGroups", "stageId", "stageIds", "startDate", "state", "street", "suspended",
    "textFilter", "title", "typeId", "unit", "updatedAt", "usersIds", "value", "values", "zip",
)  # fmt: skip
_CANONICAL = {name.lower(): name for name in _NAMES}


def folded(body: Any) -> Any:
    """The same JSON with known property names as the documentation spells them."""
    if isinstance(body, dict):
        return {_CANONICAL.get(key.lower(), key): folded(value) for key, value in body.items()}
    if isinstance(body, list):
        return [folded(entry) for entry in body]
    return body
