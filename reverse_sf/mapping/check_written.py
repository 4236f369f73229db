"""Check the values that a definition writes as they are: does the other system take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping.definition import STAGE
from reverse_sf.mapping.problem import Problem, error
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.definition import ObjectMapping
    from reverse_sf.mapping.describe import SalesforceObject
    from reverse_sf.mapping.workflow import SpotioType


def written_value_problems(
    one: ObjectMapping, sobject: SalesforceObject | None, record_type: SpotioType | None
) -> Iterator[Problem]:
    """Problems of ``on_delete.archive`` and ``set_on_create`` of one object mapping."""
    path, ways = f"{one.path}.on_delete.archive", (one.to_salesforce, one.to_spotio)
    constants = [way.set_on_create or {} for way in ways]
    if sobject is not None:
        for name, value in (one.archive_in_salesforce or {}).items():
            yield from _in_salesforce(f"{path}.salesforce.{name}", sobject, name, value)
        for name, value in constants[0].items():
            here = f"{one.path}.to_salesforce.set_on_create.{name}"
            yield from _in_salesforce(here, sobject, name, value, creating=True)
    if record_type is not None:
        for name, value in (one.archive_in_spotio or {}).items():
            yield from _in_spotio(f"{path}.spotio.{name}", record_type, name, value)
        for name, value in constants[1].items():
            here = f"{one.path}.to_spotio.set_on_create.{name}"
            yield from _in_spotio(here, record_type, name, value)


def _in_salesforce(
    path: str, sobject: SalesforceObject, name: str, value: Any, *, creating: bool = False
) -> Iterator[Problem]:
    field = sobject.fields.get(name)
    if field is None:
        yield error(
            path,
            f"{sobject.name} has no field {name} that this user may see"
            f"{did_you_mean(name, sobject.fields)}",
            "correct the API name, or give the user access to the field",
        )
    elif not (field.createable if creating else field.updateable):
        done = "set when a record is created" if creating else "updated by this user"
        yield error(path, f"{name} cannot be {done}", "name a field that can")
    elif field.restricted and field.choices and str(value) not in field.choices:
        yield error(
            path,
            f"'{value}' is not a value of {name}{did_you_mean(str(value), field.choices)}",
            f"use one of {', '.join(field.choices)}",
        )


def _in_spotio(path: str, record_type: SpotioType, name: str, value: Any) -> Iterator[Problem]:
    field = record_type.field(name)
    if field is None:
        known = [STAGE, *(one.label for one in record_type.fields)]
        yield error(
            path,
            f"{record_type.name} has no field '{name}'{did_you_mean(name, known)}",
            "use the field's label, id:<field id>, role:<system role> or Stage",
        )
    elif field.read_only or field.inherited:
        yield error(path, f"SPOTIO lets nobody write {name}", "name a field that can be written")
    elif field.options and str(value) not in field.options:
        yield error(
            path,
            f"'{value}' is not a choice of {name}{did_you_mean(str(value), field.options)}",
            f"use one of {', '.join(field.options)}",
        )
