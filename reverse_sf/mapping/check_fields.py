"""Check the field pairs: do the fields exist, do their types align, do their choices meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import DO_NOT_SYNC, STAGE, Conversion, SyncRule
from reverse_sf.mapping.kinds import Kind, aligned, convertible, salesforce_kind, spotio_kind
from reverse_sf.mapping.problem import Problem, error, note, warning
from reverse_sf.mapping.proof import prove
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.definition import FieldMapping, ObjectMapping
    from reverse_sf.mapping.describe import SalesforceField, SalesforceObject
    from reverse_sf.mapping.workflow import SpotioField, SpotioType

_CHOICE_KINDS = frozenset({Kind.CHOICE, Kind.CHOICES})


def usable_spotio(field: SpotioField) -> bool:
    """Whether a SPOTIO field can be mapped as a field."""
    supported = spotio_kind(field.type) is not Kind.UNSUPPORTED
    return supported and not (field.read_only or field.inherited)


def usable_salesforce(field: SalesforceField) -> bool:
    """Whether a Salesforce field can be mapped: not a system field, not a compound, not a file."""
    supported = salesforce_kind(field.type) not in {Kind.UNSUPPORTED, Kind.ID}
    return supported and (field.updateable or field.createable or field.calculated)


def field_problems(
    one: ObjectMapping, sobject: SalesforceObject | None, record_type: SpotioType | None
) -> Iterator[Problem]:
    """Problems of the field pairs of one object mapping."""
    if sobject is not None:
        yield from _lengths(one, sobject)
    resolved: dict[str, str] = {}
    for mapping in one.fields:
        salesforce = sobject.fields.get(mapping.salesforce) if sobject else None
        if sobject is not None and salesforce is None:
            yield error(
                f"{mapping.path}.salesforce",
                f"{sobject.name} has no field {mapping.salesforce} that this user may see"
                f"{did_you_mean(mapping.salesforce, sobject.fields)}",
                "correct the API name, or give the user access to the field",
            )
        spotio = None
        if record_type is not None:
            spotio = record_type.field(mapping.spotio)
            if spotio is None:
                yield _unresolved(mapping, record_type)
            elif spotio.id and spotio.id in resolved:
                yield error(
                    f"{mapping.path}.spotio",
                    f"'{mapping.spotio}' and '{resolved[spotio.id]}' are the same SPOTIO field",
                    "keep one of the two",
                )
            elif spotio.id:
                resolved[spotio.id] = mapping.spotio
        yield from _offline_choices(mapping)
        if mapping.rule is not SyncRule.DO_NOT_SYNC:
            yield from _pair_problems(one, mapping, spotio, salesforce)


def _unresolved(mapping: FieldMapping, record_type: SpotioType) -> Problem:
    path = f"{mapping.path}.spotio"
    several = record_type.fields_named(mapping.spotio)
    if several:
        ids = ", ".join(f"id:{one.id}" for one in several)
        return error(
            path, f"'{mapping.spotio}' names {len(several)} SPOTIO fields", f"use one of {ids}"
        )
    roles = [f"role:{one.system_role}" for one in record_type.fields if one.system_role]
    known = [STAGE, *(one.label for one in record_type.fields), *roles]
    return error(
        path,
        f"{record_type.name} has no field '{mapping.spotio}'{did_you_mean(mapping.spotio, known)}",
        "use the field's label as SPOTIO's settings show it, id:<field id> or role:<system role>",
    )


def _offline_choices(mapping: FieldMapping) -> Iterator[Problem]:
    """Several choices for one value: allowed (agreement is a relation), and worth knowing."""
    by_value: dict[str, list[str]] = {}
    for choice, value in (mapping.choices or {}).items():
        if value is not None:
            by_value.setdefault(value, []).append(choice)
    for value, several in by_value.items():
        if len(several) > 1:
            rest = ", ".join(f"'{one}'" for one in several[1:])
            yield note(
                f"{mapping.path}.choices",
                f"'{value}' is the image of {len(several)} choices: '{several[0]}' is written to "
                f"SPOTIO, and {rest} agrees with it and stays; a record that is created from it"
                f" gets '{several[0]}' ({several[1]} -> {value} -> {several[0]})",
            )


def _pair_problems(
    one: ObjectMapping,
    mapping: FieldMapping,
    spotio: SpotioField | None,
    salesforce: SalesforceField | None,
) -> Iterator[Problem]:
    if spotio is not None:
        yield from _spotio_end(one, mapping, spotio)
    if salesforce is not None:
        yield from _salesforce_end(one, mapping, salesforce)
    if spotio is None or salesforce is None:
        return
    p_kind, s_kind = spotio_kind(spotio.type), salesforce_kind(salesforce.type)
    types = f"{mapping.spotio} is {spotio.type} and {mapping.salesforce} is {salesforce.type}"
    if mapping.rule is SyncRule.UNION and not p_kind is s_kind is Kind.CHOICES:
        words = "union is for a multiple choice and a multi-select picklist"
        yield error(f"{mapping.path}.rule", f"{types}: {words}", "set another rule")
    if not convertible(p_kind, s_kind):
        yield error(mapping.path, f"{types}: the two do not fit", _remedy_for(spotio))
    elif not aligned(p_kind, s_kind):
        if mapping.conversion is Conversion.STRICT:
            yield error(
                mapping.path,
                f"{types}: the two do not align, and the conversion is strict",
                "map a field of the same type, or set conversion: kind",
            )
        else:
            yield warning(
                mapping.path,
                f"{types}: values that do not convert are parked"
                f"{_not_converting(one, mapping, spotio, salesforce)}",
                "map a field of the same type where there is one",
            )
    if (
        one.to_salesforce.enabled
        and p_kind is Kind.NUMBER
        and (salesforce.scale == 0 or salesforce.type in {"int", "long"})
    ):
        yield note(
            mapping.path, f"{mapping.salesforce} has no decimals: numbers are rounded (12.5 -> 13)"
        )
    if _CHOICE_KINDS & {p_kind, s_kind}:
        yield from _choice_problems(one, mapping, spotio, salesforce)


def _not_converting(
    one: ObjectMapping, mapping: FieldMapping, spotio: SpotioField, salesforce: SalesforceField
) -> str:
    """A value of each side that has no image, or that comes back as another one."""
    proof = prove(one, mapping, spotio, salesforce)
    ways = (
        (one.to_salesforce.enabled, "SPOTIO", proof.to_salesforce),
        (one.to_spotio.enabled, "Salesforce", proof.to_spotio),
    )
    examples = [
        f"from {system} {f'{way.undefined} -> nothing' if way.undefined else way.changed}"
        for enabled, system, way in ways
        if enabled and (way.undefined or way.changed)
    ]
    return f" ({'; '.join(examples)})" if examples else ""


def _remedy_for(spotio: SpotioField) -> str:
    if spotio.type == "Address":
        return "map an address under address:, component by component"
    return "map a field of a type that fits"


def _spotio_end(
    one: ObjectMapping, mapping: FieldMapping, spotio: SpotioField
) -> Iterator[Problem]:
    if one.to_spotio.enabled and (spotio.read_only or spotio.inherited):
        why = "read-only" if spotio.read_only else "inherited from the parent record"
        yield error(
            f"{mapping.path}.spotio",
            f"'{mapping.spotio}' is {why} in SPOTIO and cannot be written",
            "map another field, or set rule: do_not_sync",
        )


def _salesforce_end(
    one: ObjectMapping, mapping: FieldMapping, salesforce: SalesforceField
) -> Iterator[Problem]:
    path = f"{mapping.path}.salesforce"
    if salesforce.calculated and one.to_spotio.enabled:
        yield warning(
            path,
            f"{mapping.salesforce} is a formula: Salesforce does not report its changes, so they "
            "arrive when something else on the record changes",
        )
    if not one.to_salesforce.enabled:
        return
    writes_on_update = mapping.rule is not SyncRule.SALESFORCE_ONLY
    if writes_on_update and not salesforce.updateable:
        yield error(
            path,
            f"{mapping.salesforce} cannot be updated by this user",
            "set rule: salesforce_only, or give the user the right",
        )
    if not mapping.omit_on_create and not salesforce.createable:
        yield error(
            path,
            f"{mapping.salesforce} cannot be set when a record is created",
            "set on_create: omit",
        )


def _lengths(one: ObjectMapping, sobject: SalesforceObject) -> Iterator[Problem]:
    """How much the texts of Salesforce hold, in one sentence: SPOTIO states no limits."""
    if not one.to_salesforce.enabled:
        return
    fields = (
        sobject.fields.get(mapping.salesforce)
        for mapping in one.fields
        if mapping.rule is not SyncRule.DO_NOT_SYNC and not mapping.truncate
    )
    held = [
        f"{field.name} {field.length}"
        for field in fields
        if field is not None and salesforce_kind(field.type) is Kind.TEXT and field.length
    ]
    if held:
        yield note(
            f"{one.path}.fields",
            f"SPOTIO states no limits, and a text that is longer than Salesforce holds is parked:"
            f" {', '.join(held)} characters",
        )


def _choice_problems(
    one: ObjectMapping, mapping: FieldMapping, spotio: SpotioField, salesforce: SalesforceField
) -> Iterator[Problem]:
    options = {canon.text(option) for option in spotio.options}
    values = {canon.text(value) for value in salesforce.choices}
    has_options = spotio_kind(spotio.type) in _CHOICE_KINDS
    has_values = salesforce_kind(salesforce.type) in _CHOICE_KINDS and bool(values)
    if mapping.choices is None:
        if has_options and has_values:
            yield from _by_name_problems(one, mapping, options, values)
        return
    path = f"{mapping.path}.choices"
    for choice in mapping.choices:
        if has_options and canon.text(choice) not in options:
            yield error(
                f"{path}.{choice}",
                f"'{choice}' is not a choice of {mapping.spotio} in SPOTIO"
                f"{did_you_mean(choice, options)}",
                f"use one of {', '.join(spotio.options)}",
            )
    named = {value: choice for choice, value in mapping.choices.items() if value is not None}
    further = {value: one or DO_NOT_SYNC for value, one in mapping.salesforce_choices.items()}
    for value, choice in {**further, **named}.items():
        if has_values and canon.text(value) not in values:
            make = error if salesforce.restricted or not one.to_salesforce.enabled else warning
            yield make(
                f"{path}.{choice}",
                f"'{value}' is not an active value of {mapping.salesforce} in Salesforce"
                f"{did_you_mean(value, values)}",
                f"use one of {', '.join(salesforce.choices)}",
            )
    mapped = {canon.text(value) for value in [*named, *further]}
    ignored = {canon.text(choice) for choice, value in mapping.choices.items() if value is None}
    in_scope = next(
        (
            {value if value is None else canon.text(value) for value in criterion.values}
            for criterion in one.to_spotio.only_when
            if criterion.name == mapping.salesforce
        ),
        values,
    )
    unmapped_values = [
        value
        for value in salesforce.choices
        if canon.text(value) in in_scope and canon.text(value) not in mapped | ignored
    ]
    unmapped_options = [
        option
        for option in spotio.options
        if canon.text(option) not in {canon.text(choice) for choice in mapping.choices}
    ]
    if has_values and unmapped_values and one.to_spotio.enabled:
        yield warning(
            path,
            f"not mapped from Salesforce's {mapping.salesforce}: {', '.join(unmapped_values)}; a "
            "record with such a value has this field parked",
            "map it, or list it under do_not_sync: in choices",
        )
    if has_options and unmapped_options:
        make = warning if one.to_salesforce.enabled else note
        yield make(
            path,
            f"not mapped from SPOTIO's {mapping.spotio}: {', '.join(unmapped_options)}",
            "map it, or set it to do_not_sync",
        )


def _by_name_problems(
    one: ObjectMapping, mapping: FieldMapping, options: set[str], values: set[str]
) -> Iterator[Problem]:
    missing = (
        (one.to_spotio.enabled, values - options, mapping.spotio, "SPOTIO"),
        (one.to_salesforce.enabled, options - values, mapping.salesforce, "Salesforce"),
    )
    for enabled, absent, field, system in missing:
        if enabled and absent:
            yield warning(
                mapping.path,
                f"{field} in {system} does not offer: {', '.join(sorted(absent))}; a record with "
                "such a value has this field parked",
                "add choices:, or the option there",
            )
