"""Describe answers: 45 keys an object, 57 keys a field (REST Developer Guide, "sObject Describe").

Most keys follow from a field's type; the rules were read off describes of real orgs, and a
contract test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.salesforce.metadata import NUMBER_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.simulator.salesforce.metadata import Field, Schema, SObject

MASTER_RECORD_TYPE = "012000000000000AAA"
_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
} | dict.fromkeys(NUMBER_TYPES, "xsd:double")
_GLOBAL_KEYS = (
    "activateable",
    "associateEntityType",
    "associateParentEntity",
    "createable",
    "custom",
    "customSetting",
    "deepCloneable",
    "deletable",
    "deprecatedAndHidden",
    "feedEnabled",
    "hasSubtypes",
    "isInterface",
    "isSubtype",
    "keyPrefix",
    "label",
    "labelPlural",
    "layoutable",
    "mergeable",
    "mruEnabled",
    "name",
    "queryable",
    "replicateable",
    "retrieveable",
    "searchable",
    "triggerable",
    "undeletable",
    "updateable",
    "urls",
)
_NEVER_PERMISSIONABLE = frozenset(
    {"Name", "RecordTypeId", "Status", "Priority", "OwnerId", "IsPrivate", "ShowAs", "Subject"}
)


def describe_global(schema: Schema, version: str) -> dict[str, Any]:
    """The answer of ``/sobjects``."""
    listed = []
    for one in schema:
        full = _traits(one, version)
        listed.append({key: full[key] for key in _GLOBAL_KEYS})
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed}


def describe_object(
    schema: Schema,
    one: SObject,
    *,
    version: str,
    record_types: Sequence[tuple[str, str, str, bool]] = (),
    instance_url: str = "",
) -> dict[str, Any]:
    """The answer of ``/sobjects/X/describe``.

    ``record_types`` are Id, Name and DeveloperName of each active one, and whether it is what a new
    record gets; ``instance_url`` is the
    address that UI links start with.
    """
    described = _traits(one, version)
    urls = described["urls"]
    if urls:
        urls |= {
            "uiDetailTemplate": f"{instance_url}/{{ID}}",
            "uiEditTemplate": f"{instance_url}/{{ID}}/e",
            "uiNewRecord": f"{instance_url}/{one.prefix}/e",
        }
    described |= {
        "actionOverrides": [],
        "childRelationships": _children(schema, one),
        "compactLayoutable": bool(described["layoutable"]),
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [describe_field(field) for field in one.fields],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(one, version, record_types),
        "searchLayoutable": bool(described["searchable"]),
        "sobjectDescribeOption": "FULL",
        "supportedScopes": _scopes(one),
    }
    return {key: described[key] for key in sorted(described)}


def describe_field(field: Field) -> dict[str, Any]:
    """The 57 keys of one field."""
    length = field.length
    if field.is_text and not (field.name == "Fiscal" and field.type == "string"):
        byte_length = length * 3
    else:
        byte_length = length
    return {
        "aggregatable": field.aggregatable,
        "aiPredictionField": False,
        "autoNumber": field.auto_number is not None,
        "byteLength": byte_length,
        "calculated": field.calculated,
        "calculatedFormula": field.formula,
        "cascadeDelete": False,
        "caseSensitive": False,
        "compoundFieldName": field.compound,
        "controllerName": None,
        "createable": field.createable,
        "custom": field.custom,
        "defaultValue": field.default if field.type != "percent" else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.defaulted,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.digits,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.external_id,
        "extraTypeInfo": field.extra,
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.groupable,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.id_lookup,
        "inlineHelpText": None,
        "label": field.label,
        "length": length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.is_name,
        "namePointing": field.polymorphic,
        "nillable": field.nillable,
        "permissionable": _permissionable(field),
        "picklistValues": [
            {
                "active": one.active,
                "defaultValue": one.default,
                "label": one.label,
                "validFor": None,
                "value": one.value,
            }
            for one in field.choices
        ],
        "polymorphicForeignKey": field.polymorphic,
        "precision": field.precision,
        "queryByDistance": field.type == "address",
        "referenceTargetField": None,
        "referenceTo": list(field.refers_to),
        "relationshipName": field.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "searchPrefilterable": _prefilterable(field),
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": field.sortable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable,
        "writeRequiresMasterRead": False,
    }


def _prefilterable(field: Field) -> bool:
    if field.prefilterable is not None:
        return field.prefilterable
    return field.type == "reference" and field.nillable and field.createable


def _permissionable(field: Field) -> bool:
    if field.permissionable is not None:
        return field.permissionable
    if field.custom:
        return field.nillable or field.defaulted
    if field.name in _NEVER_PERMISSIONABLE or field.type == "id" or field.compound == "Name":
        return False
    if field.type == "address":
        return True
    return field.createable and field.updateable and field.nillable


def _traits(one: SObject, version: str) -> dict[str, Any]:
    """The object-level keys that global describe and describe share."""
    traits: dict[str, Any] = {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": True,
        "custom": one.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": True,
        "deprecatedAndHidden": False,
        "feedEnabled": not one.custom,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": one.prefix,
        "label": one.label,
        "labelPlural": one.plural,
        "layoutable": True,
        "mergeable": False,
        "mruEnabled": True,
        "name": one.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": one.has("IsDeleted"),
        "updateable": True,
    }
    traits |= {key: value for key, value in one.traits.items() if key in traits}
    base = f"/services/data/v{version}/sobjects/{one.name}"
    urls = {
        "compactLayouts": f"{base}/describe/compactLayouts",
        "rowTemplate": f"{base}/{{ID}}",
        "approvalLayouts": f"{base}/describe/approvalLayouts",
        "defaultValues": f"{base}/defaultValues?recordTypeId&fields",
        "listviews": f"{base}/listviews",
        "describe": f"{base}/describe",
        "quickActions": f"{base}/quickActions",
        "layouts": f"{base}/describe/layouts",
        "sobject": base,
    }
    if not traits["layoutable"]:
        urls = {key: urls[key] for key in ("rowTemplate", "describe", "sobject")}
    return traits | {"urls": urls}


def _children(schema: Schema, one: SObject) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": relation.field.cascades,
            "childSObject": relation.child,
            "deprecatedAndHidden": False,
            "field": relation.field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": relation.field.children,
            "restrictedDelete": relation.field.restricts,
        }
        for relation in schema.relations(one.name)
        if relation.field.name != "MasterRecordId"
    ]


def _record_types(
    one: SObject, version: str, record_types: Sequence[tuple[str, str, str, bool]]
) -> list[dict[str, Any]]:
    base = f"/services/data/v{version}/sobjects/{one.name}/describe/layouts"
    chosen = any(default for *_, default in record_types)
    master = (MASTER_RECORD_TYPE, "Master", "Master", not chosen)
    return [
        {
            "active": True,
            "available": True,
            "defaultRecordTypeMapping": default,
            "developerName": developer_name,
            "master": record_type_id == MASTER_RECORD_TYPE,
            "name": name,
            "recordTypeId": record_type_id,
            "urls": {"layout": f"{base}/{record_type_id}"},
        }
        for record_type_id, name, developer_name, default in (*record_types, master)
    ]


def _scopes(one: SObject) -> list[dict[str, str]]:
    listed = one.traits.get("scopes") or [
        f"everything=All {one.plural.lower()}",
        *([f"mine=My {one.plural.lower()}"] if one.has("OwnerId") else []),
    ]
    pairs = (scope.split("=", 1) for scope in listed)
    return [{"label": label, "name": name} for name, label in pairs]
