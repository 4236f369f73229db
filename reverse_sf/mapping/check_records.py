"""Check what a pair says besides its fields: objects, conditions, parents, external id, address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping.definition import STAGE, SyncRule
from reverse_sf.mapping.kinds import Kind, salesforce_kind
from reverse_sf.mapping.problem import Problem, error
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.definition import (
        AddressMapping,
        Criterion,
        ObjectMapping,
        SyncDefinition,
    )
    from reverse_sf.mapping.describe import SalesforceField, SalesforceObject
    from reverse_sf.mapping.workflow import SpotioType, Workflow

_ID_LENGTH = 24
"""Characters of a SPOTIO record id."""


def salesforce_problems(
    one: ObjectMapping, sobject: SalesforceObject, definition: SyncDefinition
) -> Iterator[Problem]:
    """Problems of a pair's Salesforce side, besides its fields."""
    if one.to_salesforce.enabled and not (sobject.createable and sobject.updateable):
        yield error(
            f"{one.path}.to_salesforce",
            f"the user may not create and update {one.salesforce} records",
            "give the user the rights, or disable the direction",
        )
    for criterion in one.to_spotio.only_when:
        yield from _criterion_problems(criterion, f"{one.path}.to_spotio.only_when", sobject)
    if one.address is not None:
        for component, name in one.address.components.items():
            field = sobject.fields.get(name)
            path = f"{one.address.path}.{component}"
            if field is None:
                yield _unknown_field(path, name, sobject)
            else:
                yield from _component_problems(one, one.address, field, path)
    yield from external_id_problems(one, sobject)
    if one.owner is not None and "OwnerId" not in sobject.fields:
        yield error(
            one.owner.path,
            f"{one.salesforce} records have no owner of their own",
            "remove owner: from this pair",
        )
    if one.parent is not None:
        yield from _lookup_problems(one, sobject, definition)


def _component_problems(
    one: ObjectMapping, address: AddressMapping, field: SalesforceField, path: str
) -> Iterator[Problem]:
    """A part of an address that the way to Salesforce writes and the user may not."""
    if not one.to_salesforce.enabled or address.rule is SyncRule.DO_NOT_SYNC:
        return
    if not field.createable:
        yield error(
            path,
            f"{field.name} cannot be set when a record is created",
            "give the user the right, or leave the component out",
        )
    elif address.rule is not SyncRule.SALESFORCE_ONLY and not field.updateable:
        yield error(
            path,
            f"{field.name} cannot be updated by this user",
            "set rule: salesforce_only, or give the user the right",
        )


def _unknown_field(path: str, name: str, sobject: SalesforceObject) -> Problem:
    return error(
        path,
        f"{sobject.name} has no field {name} that this user may see"
        f"{did_you_mean(name, sobject.fields)}",
        "correct the API name, or give the user access to the field",
    )


def _criterion_problems(
    criterion: Criterion, path: str, sobject: SalesforceObject
) -> Iterator[Problem]:
    field = sobject.fields.get(criterion.name)
    here = f"{path}.{criterion.name}"
    if field is None:
        yield _unknown_field(here, criterion.name, sobject)
        return
    kind = salesforce_kind(field.type)
    if kind is Kind.BOOLEAN:
        for value in criterion.values:
            if not isinstance(value, bool):
                yield error(
                    here,
                    f"{criterion.name} is a checkbox, and {value} is not true or false",
                    "write true or false, without quotes",
                )
    elif kind in {Kind.CHOICE, Kind.CHOICES} and field.picklist:
        known = {one.value for one in field.picklist}
        for value in criterion.values:
            if value is not None and value not in known:
                yield error(
                    here,
                    f"'{value}' is not a value of {criterion.name}, so no record ever has it"
                    f"{did_you_mean(str(value), known)}",
                    f"use values of the picklist: {', '.join(field.choices)}",
                )


def external_id_problems(one: ObjectMapping, sobject: SalesforceObject) -> Iterator[Problem]:
    """What keeps the external id field of a pair from telling its records apart."""
    name = one.salesforce_external_id
    if name is None:
        return
    path = f"{one.path}.salesforce_external_id"
    field = sobject.fields.get(name)
    if field is None:
        yield _unknown_field(path, name, sobject)
        return
    if not (field.external_id and field.unique):
        yield error(
            path,
            f"{name} is not a unique external id field",
            "tick External ID and Unique in the field's definition in Salesforce",
        )
    if salesforce_kind(field.type) is not Kind.TEXT or 0 < field.length < _ID_LENGTH:
        yield error(
            path,
            f"{name} cannot hold a SPOTIO id of {_ID_LENGTH} characters",
            "make it a text field of at least that length",
        )


def _lookup_problems(
    one: ObjectMapping, sobject: SalesforceObject, definition: SyncDefinition
) -> Iterator[Problem]:
    if one.parent is None:
        return
    path = f"{one.parent.path}.salesforce"
    field = sobject.fields.get(one.parent.salesforce)
    if field is None:
        yield _unknown_field(path, one.parent.salesforce, sobject)
        return
    parents = {parent.salesforce for parent in definition.parents_of(one)}
    if salesforce_kind(field.type) is not Kind.ID:
        yield error(
            path,
            f"{field.name} is of type {field.type}, and a parent is a lookup",
            "name a lookup or master-detail field",
        )
    elif field.reference_to and not parents.intersection(field.reference_to):
        yield error(
            path,
            f"{field.name} refers to {' or '.join(field.reference_to)}, but {one.parent.spotio} "
            f"comes from {' or '.join(sorted(parents))}",
            "name the lookup to that object, or the record type that comes from the other",
        )


def spotio_problems(
    one: ObjectMapping, record_type: SpotioType, workflow: Workflow
) -> Iterator[Problem]:
    """Problems of a pair's SPOTIO side, besides its fields."""
    if one.address is not None and not record_type.has_address:
        yield error(
            one.address.path,
            f"records of type {one.spotio} have no address in SPOTIO",
            "remove address:, or add the address field to the type in SPOTIO's settings",
        )
    if one.parent is not None:
        parent = workflow.type(one.parent.spotio)
        if parent is not None and record_type.parent_id != parent.id:
            actual = workflow.type_by_id(record_type.parent_id or "")
            whose = f"'{actual.name}'" if actual else "none"
            yield error(
                f"{one.parent.path}.spotio",
                f"the parent of {one.spotio} in SPOTIO is not '{one.parent.spotio}' but {whose}",
                "name that type, or change the parent in SPOTIO's settings",
            )
    elif record_type.parent_required and one.to_spotio.enabled:
        yield error(
            one.path,
            f"SPOTIO requires a parent for every record of type {one.spotio}",
            "add parent:",
        )
    for criterion in one.to_salesforce.only_when:
        yield from _spotio_criterion_problems(
            criterion, f"{one.path}.to_salesforce.only_when", record_type
        )


def _spotio_criterion_problems(
    criterion: Criterion, path: str, record_type: SpotioType
) -> Iterator[Problem]:
    if criterion.name == "Last Visit Result":
        return
    here = f"{path}.{criterion.name}"
    field = record_type.field(criterion.name)
    if field is None:
        known = [STAGE, *(one.label for one in record_type.fields)]
        yield error(
            here,
            f"{record_type.name} has no field '{criterion.name}'"
            f"{did_you_mean(criterion.name, known)}",
            "use a field of the record type, or the word Stage",
        )
    elif field.options:
        for value in criterion.values:
            if value is not None and value not in field.options:
                hint = did_you_mean(str(value), field.options)
                yield error(
                    here,
                    f"'{value}' is not a choice of {criterion.name}, so no record ever has it"
                    f"{hint}",
                    f"use one of {', '.join(field.options)}",
                )
