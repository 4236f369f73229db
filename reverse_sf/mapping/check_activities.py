"""Check the activities: templates, results, and what Salesforce has of Task and Event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reverse_sf.mapping.activity_fields import ACTIVITY_DATE, ALL_DAY, NOTE, activity_type
from reverse_sf.mapping.check_fields import field_problems
from reverse_sf.mapping.check_records import external_id_problems
from reverse_sf.mapping.kinds import Kind, salesforce_kind
from reverse_sf.mapping.problem import Problem, error, warning
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition
    from reverse_sf.mapping.describe import SalesforceObject, SalesforceOrg

_OWN_WAYS = {
    ACTIVITY_DATE: frozenset({Kind.DATE, Kind.INSTANT, Kind.TEXT}),
    ALL_DAY: frozenset({Kind.BOOLEAN, Kind.TEXT, Kind.CHOICE}),
    "Location Verified": frozenset({Kind.BOOLEAN, Kind.TEXT, Kind.CHOICE}),
}
"""Fields that go to several kinds of Salesforce's, each in a way of its own."""
_RESULTS = ("VisitResult", "CallResult")


def activity_problems(
    definition: SyncDefinition,
    salesforce: SalesforceOrg | None,
    templates: Mapping[str, Collection[str]] | None,
) -> Iterator[Problem]:
    """Problems of everything under ``activities``.

    Args:
        definition: the definition.
        salesforce: facts of the org.
        templates: SPOTIO's activity templates, with the names of their results.
    """
    for one in definition.activities:
        sobject = salesforce.objects.get(one.salesforce) if salesforce else None
        if salesforce is not None and sobject is None:
            yield error(
                f"{one.path}.salesforce",
                f"Salesforce has no object {one.salesforce} that this user may see",
                "give the user access to activities",
            )
        if sobject is not None:
            plain = tuple(it for it in one.fields if it.spotio not in _OWN_WAYS)
            yield from field_problems(replace(one, fields=plain), sobject, activity_type())
            yield from _own_ways(one, sobject)
            yield from external_id_problems(one, sobject)
            date = next((it for it in one.fields if it.spotio == ACTIVITY_DATE), None)
            field = sobject.fields.get(date.salesforce) if date else None
            if (
                date is not None
                and field is not None
                and salesforce_kind(field.type) is Kind.DATE
                and definition.time_zone is None
            ):
                yield error(
                    date.path,
                    f"{field.name} holds a date, and which date a moment has depends on the zone",
                    "set time_zone at the top of the file to that of the Salesforce org",
                )
        if templates is not None:
            yield from _template_problems(one, templates)
        if one.salesforce_external_id is None:
            yield warning(
                one.path,
                "there is no salesforce_external_id: a create whose answer got lost is parked until"
                " a person says whether Salesforce has it",
                f"create a unique external id text field for {one.salesforce} and name it here",
            )
    zone = salesforce.time_zone if salesforce else None
    if definition.activities and zone and definition.time_zone not in {None, zone}:
        yield warning(
            "time_zone",
            f"the Salesforce org's time zone is {zone}, and the file says {definition.time_zone}:"
            " activities late in the evening get another date than people see",
            f"set time_zone: {zone}",
        )


def _own_ways(one: ObjectMapping, sobject: SalesforceObject) -> Iterator[Problem]:
    for mapping in one.fields:
        kinds = _OWN_WAYS.get(mapping.spotio)
        if kinds is None:
            continue
        field = sobject.fields.get(mapping.salesforce)
        if field is None:
            hint = did_you_mean(mapping.salesforce, sobject.fields)
            yield error(
                mapping.path,
                f"{sobject.name} has no field {mapping.salesforce} that this user may see{hint}",
                "correct the API name, or give the user access to the field",
            )
        elif salesforce_kind(field.type) not in kinds:
            yield error(
                mapping.path,
                f"{mapping.spotio} does not fit {field.name}, which is of type {field.type}",
                f"map a field that holds {' or '.join(sorted(it.value for it in kinds))}",
            )


def _template_problems(
    one: ObjectMapping, templates: Mapping[str, Collection[str]]
) -> Iterator[Problem]:
    source = one.activity
    if source is None or (source.template == NOTE and NOTE not in templates):
        return
    if source.template not in templates:
        names = [*templates, NOTE]
        yield error(
            f"{one.path}.spotio",
            f"SPOTIO has no activity template '{source.template}'"
            f"{did_you_mean(source.template, names)}",
            f"use one of {', '.join(dict.fromkeys(names))}",
        )
        return
    results = templates[source.template]
    for mapping in one.fields:
        if mapping.spotio not in _RESULTS:
            continue
        for name in mapping.choices or ():
            if name not in results:
                yield error(
                    f"{mapping.path}.choices",
                    f"{source.template} has no result '{name}'{did_you_mean(name, results)}",
                    f"use one of {', '.join(results) or 'none: it has no results'}",
                )
