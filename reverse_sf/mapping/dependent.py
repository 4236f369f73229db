"""Dependent picklists: values that Salesforce offers beside some values of another field only."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.conversion import compile_field
from reverse_sf.mapping.definition import Side, SyncRule
from reverse_sf.mapping.losses import edits_reach
from reverse_sf.mapping.problem import Problem, note, warning
from reverse_sf.mapping.proof import told
from reverse_sf.mapping.values import Undefined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.definition import FieldMapping, ObjectMapping
    from reverse_sf.mapping.describe import SalesforceField, SalesforceObject
    from reverse_sf.mapping.workflow import SpotioType


def goes_with(field: SalesforceField, value: Any, controller: SalesforceField, ruling: Any) -> bool:
    """Whether a dependent picklist offers a value beside a value of its controller.

    Args:
        field: the dependent picklist.
        value: its value.
        controller: the controlling field, a picklist or a checkbox.
        ruling: the controlling field's value.
    """
    if controller.type == "boolean":
        at = int(ruling is True)
    else:
        known = [one.value for one in controller.picklist]
        if ruling not in known:
            return True
        at = known.index(ruling)
    bitmap = next((one.valid_for for one in field.picklist if one.value == value), "")
    if not bitmap:
        # A value that is not listed, or one of which nothing is said.
        return True
    try:
        octets = b64decode(bitmap, validate=True)
    except ValueError:
        return True
    return at // 8 < len(octets) and bool(octets[at // 8] & (0x80 >> at % 8))


def dependent_problems(
    one: ObjectMapping, sobject: SalesforceObject, record_type: SpotioType | None
) -> Iterator[Problem]:
    """Picklists whose values depend on another field's, where this mapping writes them."""
    if not one.to_salesforce.enabled:
        return
    by_name = {
        mapping.salesforce: mapping
        for mapping in one.fields
        if mapping.rule is not SyncRule.DO_NOT_SYNC
    }
    for name, mapping in by_name.items():
        field = sobject.fields.get(name)
        if field is None or not field.controller:
            continue
        if not (edits_reach(one, mapping.rule, Side.SALESFORCE) or not mapping.omit_on_create):
            continue
        controller = by_name.get(field.controller)
        if controller is None:
            yield note(
                mapping.path,
                f"the values of {name} depend on {field.controller}, which is not mapped: a value"
                " that does not go with the record's own can be sent",
                f"map {field.controller} as well",
            )
        elif record_type is not None:
            yield from _pairs_not_offered(mapping, controller, sobject, record_type)


def _pairs_not_offered(
    mapping: FieldMapping,
    controller: FieldMapping,
    sobject: SalesforceObject,
    record_type: SpotioType,
) -> Iterator[Problem]:
    """Two choices that SPOTIO allows together and whose images Salesforce does not offer so."""
    dependent, ruling = sobject.fields[mapping.salesforce], sobject.fields[controller.salesforce]
    p_dependent, p_ruling = record_type.field(mapping.spotio), record_type.field(controller.spotio)
    if p_dependent is None or p_ruling is None:
        return
    there = compile_field(mapping, dependent, p_dependent).to_salesforce
    ruled = compile_field(controller, ruling, p_ruling).to_salesforce
    for first in p_ruling.options or (True, False):
        for second in p_dependent.options:
            one, other = ruled(first), there(second)
            if isinstance(one, Undefined) or isinstance(other, Undefined):
                continue
            if not goes_with(dependent, other, ruling, one):
                yield warning(
                    mapping.path,
                    f"{controller.spotio} and {mapping.spotio} can be '{told(first)}' and"
                    f" '{second}' in SPOTIO, and in Salesforce '{other}' does not go with"
                    f" {controller.salesforce} = '{told(one)}'",
                    f"let {mapping.salesforce} be ruled by Salesforce (salesforce_only with"
                    " on_create: omit), or allow the pair in Salesforce's field dependency",
                )
                return
