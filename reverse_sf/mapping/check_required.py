"""Check that what a destination requires at create is mapped, and sent at create (C.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping.definition import STAGE, SyncRule
from reverse_sf.mapping.problem import Problem, error, note, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.definition import ObjectMapping
    from reverse_sf.mapping.describe import SalesforceObject
    from reverse_sf.mapping.workflow import SpotioType


def required_problems(
    one: ObjectMapping, sobject: SalesforceObject | None, record_type: SpotioType | None
) -> Iterator[Problem]:
    """Fields that a destination requires and that this mapping does not send at create."""
    if record_type is not None and one.to_spotio.enabled:
        yield from _required_by_spotio(one, record_type)
    if sobject is not None and one.to_salesforce.enabled:
        yield from _required_by_salesforce(one, sobject, record_type)


def _required_by_spotio(one: ObjectMapping, record_type: SpotioType) -> Iterator[Problem]:
    sent = {
        field.id
        for mapping in one.fields
        if mapping.rule is not SyncRule.DO_NOT_SYNC and not mapping.omit_on_create
        for field in record_type.fields_named(mapping.spotio)
    }
    for name in one.to_spotio.set_on_create or ():
        sent |= {field.id for field in record_type.fields_named(name)}
    addressed = one.address is not None and one.address.rule is not SyncRule.DO_NOT_SYNC
    stages = {stage.id: stage.name for stage in record_type.stages}
    for field in record_type.fields:
        has_value = field.id in sent or (
            addressed and (field.role == "Location" or field.system_role == "Address")
        )
        if has_value or field.read_only or field.inherited:
            continue
        if field.required:
            yield error(
                one.path,
                f"SPOTIO requires '{field.label}' for every record of type {record_type.name}, and "
                "it is not sent at create",
                f"map '{field.label}'",
            )
        elif field.required_in_stages:
            where = ", ".join(stages.get(one, one) for one in sorted(field.required_in_stages))
            yield warning(
                one.path,
                f"SPOTIO requires '{field.label}' in the stage {where}, and it is not "
                "mapped: records in that stage may be refused",
                f"map '{field.label}'",
            )
    names = [field for field in record_type.fields if field.role == "Name"]
    if names and not any(field.id in sent for field in names):
        yield error(
            one.path,
            f"none of the fields that name a record of type {record_type.name} is sent",
            f"map {' or '.join(repr(field.label) for field in names)}",
        )
    if not any(mapping.spotio == STAGE for mapping in one.fields) and stages:
        first = record_type.stages[0].name
        yield note(one.path, f"no Stage is mapped: new records start in '{first}'")


def _required_by_salesforce(
    one: ObjectMapping, sobject: SalesforceObject, record_type: SpotioType | None
) -> Iterator[Problem]:
    sent = {
        mapping.salesforce
        for mapping in one.fields
        if mapping.rule is not SyncRule.DO_NOT_SYNC and not mapping.omit_on_create
    }
    if one.parent is not None and one.parent.rule is not SyncRule.DO_NOT_SYNC:
        sent.add(one.parent.salesforce)
    if one.address is not None and one.address.rule is not SyncRule.DO_NOT_SYNC:
        sent.update(one.address.components.values())
    if one.owner is not None:
        sent.add("OwnerId")
    sent.update(one.to_salesforce.set_on_create or ())
    for field in sobject.fields.values():
        # A checkbox is never null: Salesforce says it is not nillable and takes its default.
        if field.required and field.name not in sent and field.type != "boolean":
            yield error(
                one.path,
                f"Salesforce requires {field.name} ({field.label}) for every {sobject.name}, and "
                "it is not sent at create",
                f"map {field.name}",
            )
    if record_type is not None:
        yield from _possibly_blank(one, sobject, record_type)


def _possibly_blank(
    one: ObjectMapping, sobject: SalesforceObject, record_type: SpotioType
) -> Iterator[Problem]:
    """Fields that Salesforce requires and SPOTIO may leave blank, or may not send (C.7)."""
    for mapping in one.fields:
        field = sobject.fields.get(mapping.salesforce)
        if field is None or not field.required or field.type == "boolean":
            continue
        if mapping.rule is SyncRule.DO_NOT_SYNC or mapping.omit_on_create:
            continue
        withheld = [choice for choice, value in (mapping.choices or {}).items() if value is None]
        if withheld:
            yield warning(
                f"{mapping.path}.choices",
                f"Salesforce requires {field.name}, and '{withheld[0]}' is not sent: a record of"
                " SPOTIO with that choice is parked where it would have to be created",
                f"map '{withheld[0]}' to a value",
            )
        source = record_type.field(mapping.spotio)
        if source is not None and mapping.spotio != STAGE and not source.required:
            yield note(
                mapping.path,
                f"Salesforce requires {field.name}, and SPOTIO lets '{mapping.spotio}' be blank: a"
                " record without it is parked until somebody fills it in",
            )
