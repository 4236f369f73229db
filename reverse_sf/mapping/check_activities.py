"""Check the activities: templates, results, and what Salesforce has of Task and Event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping.activity_fields import ACTIVITY_DATE, NOTE, activity_type
from reverse_sf.mapping.check_fields import field_problems
from reverse_sf.mapping.check_records import external_id_problems
from reverse_sf.mapping.kinds import Kind, salesforce_kind
from reverse_sf.mapping.problem import Problem, error, warning
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition
    from reverse_sf.mapping.metadata import SalesforceOrg

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
        if sobject is not None:
            yield from field_problems(one, sobject, activity_type())
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
