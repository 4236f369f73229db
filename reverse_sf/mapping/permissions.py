"""Rights in Salesforce that a definition needs and the user does not have. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping.definition import Side, SyncRule
from reverse_sf.mapping.losses import edits_reach
from reverse_sf.mapping.pair import LIFE_FIELDS, SYSTEM_FIELDS, content_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition
    from reverse_sf.mapping.describe import SalesforceObject, SalesforceOrg


def missing_permissions(definition: SyncDefinition, org: SalesforceOrg) -> list[str]:
    """Every right that is missing, once, as a sentence for the org's administrator."""
    found: list[str] = []
    for one in definition.pairs:
        sobject = org.objects.get(one.salesforce)
        if sobject is None:
            found.append(f"read {one.salesforce}: the user does not see the object")
        else:
            found.extend(_of_object(one, sobject))
    return list(dict.fromkeys(found))


def _of_object(one: ObjectMapping, sobject: SalesforceObject) -> Iterator[str]:
    # Not every object has what says that a record was merged or converted.
    optional = SYSTEM_FIELDS.union(LIFE_FIELDS.get(one.salesforce, ()))
    unseen = sorted(content_fields(one) - optional - sobject.fields.keys())
    for name in unseen:
        yield f"read {sobject.name}.{name}: the user does not see the field"
    if not one.to_salesforce.enabled:
        return
    if one.to_salesforce.create and not sobject.createable:
        yield f"create {sobject.name} records"
    if not sobject.updateable:
        yield f"edit {sobject.name} records"
    for mapping in one.fields:
        field = sobject.fields.get(mapping.salesforce)
        if field is None or mapping.rule is SyncRule.DO_NOT_SYNC or field.calculated:
            continue
        fills = mapping.rule is SyncRule.SALESFORCE_UNLESS_BLANK
        if (fills or edits_reach(one, mapping.rule, Side.SALESFORCE)) and not field.updateable:
            yield f"edit {sobject.name}.{field.name}"
