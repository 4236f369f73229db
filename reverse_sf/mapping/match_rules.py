"""Which fields each match rule compares, as far as the facts of both sides tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_sf.mapping.definition import MatchFields, MatchRule, SyncRule
from reverse_sf.mapping.problem import Problem, error
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.definition import ObjectMapping
    from reverse_sf.mapping.describe import SalesforceObject
    from reverse_sf.mapping.workflow import SpotioType

_TYPES = {MatchRule.EMAIL: ("email", "Email"), MatchRule.PHONE: ("phone", "Phone")}
"""Salesforce's and SPOTIO's type of the fields that a rule compares."""


@dataclass(frozen=True)
class Compared:
    """One match rule beyond the external id, and the fields that it compares.

    Attributes:
        kind: how values are compared: ``email``, ``phone``, ``address`` or ``fields``.
        name: the rule for people, such as ``email`` or ``Company = Name``.
        spotio: SPOTIO fields, as the definition names them; none for an address.
        salesforce: API names of Salesforce fields; of the components for an address.
    """

    kind: str
    name: str
    spotio: tuple[str, ...]
    salesforce: tuple[str, ...]


def rule_name(rule: MatchRule | MatchFields) -> str:
    """A rule's name for people."""
    if isinstance(rule, MatchFields):
        return f"{rule.spotio} = {rule.salesforce}"
    return rule.value


def compared_rules(mapping: ObjectMapping) -> tuple[str, ...]:
    """Names of the rules that need the records of both sides compared, in order."""
    return tuple(rule_name(one) for one in mapping.match if one is not MatchRule.EXTERNAL_ID)


def compared_fields(
    mapping: ObjectMapping,
    sobject: SalesforceObject | None,
    record_type: SpotioType | None,
) -> tuple[Compared, ...]:
    """What each rule beyond the external id compares, in order.

    Args:
        mapping: the object mapping.
        sobject: facts of the sObject.
        record_type: facts of the SPOTIO record type.
    """
    return tuple(
        _compared(one, mapping, sobject, record_type)
        for one in mapping.match
        if one is not MatchRule.EXTERNAL_ID
    )


def _compared(
    rule: MatchRule | MatchFields,
    mapping: ObjectMapping,
    sobject: SalesforceObject | None,
    record_type: SpotioType | None,
) -> Compared:
    name = rule_name(rule)
    if isinstance(rule, MatchFields):
        return Compared("fields", name, (rule.spotio,), (rule.salesforce,))
    if rule is MatchRule.ADDRESS:
        components = mapping.address.components if mapping.address is not None else {}
        return Compared(rule.value, name, (), tuple(components.values()))
    in_salesforce, in_spotio = _TYPES[rule]
    pairs = []
    for one in mapping.fields:
        if one.rule is SyncRule.DO_NOT_SYNC:
            continue
        salesforce = sobject.fields.get(one.salesforce) if sobject else None
        spotio = record_type.field(one.spotio) if record_type else None
        is_one = salesforce is not None and salesforce.type == in_salesforce
        if is_one or (spotio is not None and spotio.type == in_spotio):
            pairs.append((one.spotio, one.salesforce))
    return Compared(
        rule.value,
        name,
        tuple(spotio for spotio, _ in pairs),
        tuple(dict.fromkeys(salesforce for _, salesforce in pairs)),
    )


def match_problems(
    one: ObjectMapping, sobject: SalesforceObject | None, record_type: SpotioType | None
) -> Iterator[Problem]:
    """Problems of the match rules: fields that are not there, rules with nothing to compare."""
    known = sobject is not None and record_type is not None
    for at, rule in enumerate(one.match):
        path = f"{one.path}.match[{at}]"
        if isinstance(rule, MatchFields):
            yield from _unknown_ends(rule, path, sobject, record_type)
        elif rule in _TYPES and known and not _compared(rule, one, sobject, record_type).spotio:
            yield error(
                path,
                f"no {rule.value} field of {one.name} is mapped and synced, so there is nothing"
                " to match by",
                f"map one under fields:, or take {rule.value} out of match",
            )
        elif rule is MatchRule.ADDRESS and record_type is not None and not record_type.has_address:
            yield error(
                path,
                f"records of type {one.spotio} have no address to match by",
                "take address out of match",
            )


def _unknown_ends(
    rule: MatchFields, path: str, sobject: SalesforceObject | None, record_type: SpotioType | None
) -> Iterator[Problem]:
    if sobject is not None and rule.salesforce not in sobject.fields:
        yield error(
            f"{path}.salesforce",
            f"{sobject.name} has no field {rule.salesforce} that this user may see"
            f"{did_you_mean(rule.salesforce, sobject.fields)}",
            "correct the API name, or give the user access to the field",
        )
    if record_type is not None and record_type.field(rule.spotio) is None:
        several = record_type.fields_named(rule.spotio)
        labels = [one.label for one in record_type.fields]
        yield error(
            f"{path}.spotio",
            f"'{rule.spotio}' names {len(several)} SPOTIO fields"
            if several
            else f"{record_type.name} has no field '{rule.spotio}'"
            f"{did_you_mean(rule.spotio, labels)}",
            "use the field's label as SPOTIO's settings show it, id:<field id> or role:<role>",
        )
