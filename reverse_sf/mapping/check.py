"""Check a definition against both systems' metadata before it writes anything (C.7). Pure.

Whatever is not known (``None``) is not checked: with nothing known this is the offline check, which
still knows what a definition leaves to chance. What is wrong within the file itself never comes
this far; ``reverse_sf.mapping.document`` refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_sf.mapping.check_activities import activity_problems
from reverse_sf.mapping.check_fields import field_problems, usable_salesforce, usable_spotio
from reverse_sf.mapping.check_proof import proof_problems
from reverse_sf.mapping.check_records import salesforce_problems, spotio_problems
from reverse_sf.mapping.check_required import required_problems
from reverse_sf.mapping.check_twins import twin_problems
from reverse_sf.mapping.check_users import user_problems
from reverse_sf.mapping.check_written import written_value_problems
from reverse_sf.mapping.definition import STAGE, SyncRule
from reverse_sf.mapping.match_rules import match_problems
from reverse_sf.mapping.problem import Problem, Severity, error, note, warning
from reverse_sf.mapping.proof import proofs
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition
    from reverse_sf.mapping.describe import SalesforceObject, SalesforceOrg
    from reverse_sf.mapping.known_users import Person, Users
    from reverse_sf.mapping.proof import FieldProof
    from reverse_sf.mapping.workflow import SpotioType, Workflow

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@dataclass(frozen=True)
class Coverage:
    """How much of a pair is mapped, of what could be."""

    pair: str
    spotio_mapped: int
    spotio_mappable: int | None
    salesforce_mapped: int
    salesforce_mappable: int | None


def check(
    definition: SyncDefinition,
    salesforce: SalesforceOrg | None = None,
    workflow: Workflow | None = None,
    users: Users | None = None,
    templates: Mapping[str, Collection[str]] | None = None,
) -> list[Problem]:
    """Everything that can be known before the first run, errors first.

    Args:
        definition: a definition without contradictions of its own.
        salesforce: facts of the mapped sObjects.
        workflow: SPOTIO's record types.
        users: the users of both sides.
        templates: SPOTIO's activity templates, with the names of their results.
    """
    found: list[Problem] = []
    found.extend(user_problems(definition.users, users))
    found.extend(twin_problems(definition))
    found.extend(activity_problems(definition, salesforce, templates))
    for one in definition.objects:
        found.extend(_object_problems(one, definition))
        sobject = salesforce.objects.get(one.salesforce) if salesforce else None
        if salesforce is not None and sobject is None:
            hint = did_you_mean(one.salesforce, salesforce.names)
            found.append(
                error(
                    f"{one.path}.salesforce",
                    f"Salesforce has no object {one.salesforce} that this user may see{hint}",
                    "correct the API name, or give the user access to the object",
                )
            )
        record_type = workflow.type(one.spotio) if workflow else None
        if workflow is not None and record_type is None:
            names = [known.name for known in workflow.types]
            found.append(
                error(
                    f"{one.path}.spotio",
                    f"SPOTIO has no record type '{one.spotio}'{did_you_mean(one.spotio, names)}",
                    f"use one of {', '.join(names)}, or create it in SPOTIO's settings",
                )
            )
        found.extend(field_problems(one, sobject, record_type))
        found.extend(proof_problems(one, sobject, record_type))
        found.extend(required_problems(one, sobject, record_type))
        found.extend(match_problems(one, sobject, record_type))
        found.extend(written_value_problems(one, sobject, record_type))
        if sobject is not None:
            found.extend(salesforce_problems(one, sobject, definition))
        if record_type is not None and workflow is not None:
            found.extend(spotio_problems(one, record_type, workflow))
        if users is not None:
            found.extend(_owner_problems(one, users))
    return sorted(dict.fromkeys(found), key=lambda one: _ORDER[one.severity])


def proofs_of(
    definition: SyncDefinition,
    salesforce: SalesforceOrg | None = None,
    workflow: Workflow | None = None,
) -> list[FieldProof]:
    """What is proven of every field pair whose two fields are known."""
    found: list[FieldProof] = []
    for one in definition.objects:
        sobject = salesforce.objects.get(one.salesforce) if salesforce else None
        record_type = workflow.type(one.spotio) if workflow else None
        if sobject is not None and record_type is not None:
            found.extend(proofs(one, sobject, record_type))
    return found


def coverage(
    definition: SyncDefinition,
    salesforce: SalesforceOrg | None = None,
    workflow: Workflow | None = None,
) -> list[Coverage]:
    """How many fields can be mapped, and how many are, pair by pair."""
    return [
        _coverage(
            one,
            salesforce.objects.get(one.salesforce) if salesforce else None,
            workflow.type(one.spotio) if workflow else None,
        )
        for one in definition.objects
    ]


def _coverage(
    one: ObjectMapping, sobject: SalesforceObject | None, record_type: SpotioType | None
) -> Coverage:
    synced = [mapping for mapping in one.fields if mapping.rule is not SyncRule.DO_NOT_SYNC]
    spotio = {mapping.spotio for mapping in synced if mapping.spotio != STAGE}
    salesforce = {mapping.salesforce for mapping in synced}
    if one.address is not None:
        salesforce |= set(one.address.components.values())
    return Coverage(
        pair=one.name,
        spotio_mapped=len(spotio),
        spotio_mappable=sum(map(usable_spotio, record_type.fields)) if record_type else None,
        salesforce_mapped=len(salesforce),
        salesforce_mappable=(
            sum(map(usable_salesforce, sobject.fields.values())) if sobject else None
        ),
    )


def _object_problems(one: ObjectMapping, definition: SyncDefinition) -> Iterator[Problem]:
    """What can be said without either system."""
    if not (one.to_spotio.enabled or one.to_salesforce.enabled):
        yield warning(
            one.path,
            f"{one.name} syncs nothing: no direction is enabled",
            "set enabled: true under to_spotio or to_salesforce",
        )
    twins = [
        other
        for other in definition.objects
        if other is not one and other.salesforce == one.salesforce
    ]
    if twins:
        yield note(
            one.path,
            f"{one.salesforce} is mapped to {one.spotio} and to {twins[0].spotio}: a record that "
            "passes the conditions of both becomes two records in SPOTIO",
        )
    if one.owner is None:
        yield note(
            one.path,
            "no owner is mapped: SPOTIO gives new records to the user of the API key",
            "add owner:",
        )
    elif one.to_spotio.enabled and one.owner.spotio_default is None:
        yield warning(
            one.owner.path,
            "there is no spotio_default: a record whose owner has no SPOTIO user is parked",
            "name a SPOTIO user's e-mail as spotio_default",
        )
    address = one.address
    if address is not None and address.skip_geocoding and "latitude" not in address.components:
        yield warning(
            address.path,
            "skip_geocoding without coordinates: the records appear at no place on SPOTIO's map",
            "map latitude and longitude, or set skip_geocoding: false",
        )
    if one.to_salesforce.enabled and one.salesforce_external_id is None:
        yield warning(
            one.path,
            "to_salesforce is enabled and there is no salesforce_external_id: a create whose answer"
            " got lost is parked until a person says whether Salesforce has it, because nothing"
            " there would tell",
            "create a unique external id text field in Salesforce and name it here",
        )


def _owner_problems(one: ObjectMapping, users: Users) -> Iterator[Problem]:
    if one.owner is None:
        return
    sides: Sequence[tuple[str, str | None, tuple[Person, ...], str]] = (
        ("spotio_default", one.owner.spotio_default, users.spotio, "SPOTIO"),
        ("salesforce_default", one.owner.salesforce_default, users.salesforce, "Salesforce"),
    )
    for key, name, people, system in sides:
        if name is None or not people:
            continue
        path = f"{one.owner.path}.{key}"
        found = [person for person in people if name.casefold() in _names(person)]
        if not found:
            known = [known for person in people for known in _names(person)]
            yield error(
                path,
                f"{system} has no user {name}{did_you_mean(name, known)}",
                "name a user's e-mail" + (" or username" if system == "Salesforce" else ""),
            )
        elif not any(person.active for person in found):
            yield error(path, f"{name} is not active in {system}", "name an active user")


def _names(person: Person) -> Iterable[str]:
    return [one.casefold() for one in (person.email, person.username) if one]
