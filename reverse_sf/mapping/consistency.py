"""The rules of a definition that a JSON Schema cannot state, checked without any system (C.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phonenumbers import SUPPORTED_REGIONS

from reverse_sf.mapping.activities import activity_inconsistencies
from reverse_sf.mapping.definition import STAGE, DeletePolicy, MatchRule, SyncRule
from reverse_sf.mapping.users_document import user_inconsistencies
from reverse_sf.mapping.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reverse_sf.mapping.definition import (
        AddressMapping,
        FieldMapping,
        ObjectMapping,
        SyncDefinition,
    )
    from reverse_sf.mapping.wording import Problem

_CARRIED_OUT = frozenset({DeletePolicy.DELETE, DeletePolicy.ARCHIVE})
_ELSEWHERE = {
    "OwnerId": "the owner is mapped under owner:, not as a field",
    "Id": "the record's Id is kept by the link, not as a field",
    "IsDeleted": "deletion is handled under on_delete:, not as a field",
}


def inconsistencies(definition: SyncDefinition) -> Iterator[Problem]:
    """Every contradiction in what a definition says, each with its path."""
    pairs: dict[str, str] = {}
    for one in definition.pairs:
        if one.name in pairs:
            spotio = one.activity.template if one.activity else one.spotio
            yield one.path, f"{one.salesforce} and {spotio} are joined twice: see {pairs[one.name]}"
        pairs.setdefault(one.name, one.path)
    for one in definition.activities:
        yield from _doubled_targets(one)
    yield from activity_inconsistencies(definition)
    for one in definition.objects:
        yield from _doubled_targets(one)
        for mapping in one.fields:
            yield from _field_problems(mapping)
        yield from _union_problems(one)
        yield from _adoption_problems(one)
        yield from _archive_problems(one)
        yield from _resurrection_problems(one)
        yield from _parent_problems(one, definition)
        yield from _conversion_problems(one, definition)
        yield from _match_problems(one)
    yield from _parent_cycles(definition)
    yield from user_inconsistencies(definition.users)
    if definition.match_region not in SUPPORTED_REGIONS:
        sentence = f"'{definition.match_region}' is not a country's two capital letters, such as US"
        yield "match_region", sentence


def _union_problems(one: ObjectMapping) -> Iterator[Problem]:
    """A union takes both directions, and a field of several choices."""
    for name in ("address", "owner", "parent"):
        part = getattr(one, name)
        if part is not None and part.rule is SyncRule.UNION:
            words = "union is for a field that holds several choices: set another rule"
            yield f"{one.path}.{name}.rule", words
    for mapping in one.fields:
        if mapping.rule is SyncRule.UNION and mapping.omit_on_create:
            words = "a union holds what either side has, so it is not left out: remove on_create"
            yield f"{mapping.path}.on_create", words
    if one.to_spotio.enabled and one.to_salesforce.enabled:
        return
    for mapping in one.fields:
        if mapping.rule is SyncRule.UNION:
            words = "union needs both directions: enable to_spotio and to_salesforce"
            yield f"{mapping.path}.rule", f"{words}, or set another rule"


def _adoption_problems(one: ObjectMapping) -> Iterator[Problem]:
    """What is copied back needs a rule by which either side may write, and both directions."""
    parts: list[FieldMapping | AddressMapping] = [*one.fields]
    parts += [one.address] if one.address is not None else []
    both = one.to_spotio.enabled and one.to_salesforce.enabled
    for part in parts:
        if not part.adopt:
            continue
        path = f"{part.path}.on_normalised"
        if part.rule is not SyncRule.TWO_WAY:
            yield path, f"adopt is for two_way: under {part.rule.value} the difference is settled"
        elif not both:
            yield path, "adopt needs both directions: enable to_spotio and to_salesforce"


def _archive_problems(one: ObjectMapping) -> Iterator[Problem]:
    """What is archived needs values that mark it, in the system that keeps it."""
    ways = (
        (one.on_delete_in_salesforce, one.archive_in_spotio, "spotio", "in_salesforce"),
        (one.on_delete_in_spotio, one.archive_in_salesforce, "salesforce", "in_spotio"),
    )
    for policy, values, side, name in ways:
        path = f"{one.path}.on_delete"
        if policy is DeletePolicy.ARCHIVE and not values:
            words = f"archive needs values that mark the record: add archive: {{{side}: …}}"
            yield f"{path}.{name}", words
        elif values and policy is not DeletePolicy.ARCHIVE:
            yield f"{path}.archive.{side}", f"nothing is archived there: set {name}: archive"


def _resurrection_problems(one: ObjectMapping) -> Iterator[Problem]:
    """What is created anew needs a deletion that would be carried out, and a way to come back."""
    if not one.resurrect:
        return
    ways = (
        (one.on_delete_in_spotio, one.to_spotio, "to_spotio"),
        (one.on_delete_in_salesforce, one.to_salesforce, "to_salesforce"),
    )
    path = f"{one.path}.on_delete.resurrect"
    if not any(policy in _CARRIED_OUT for policy, _, _ in ways):
        yield path, "nothing is ever deleted: set in_salesforce or in_spotio to delete or archive"
    for policy, back, name in ways:
        if policy in _CARRIED_OUT and not (back.enabled and back.create):
            yield path, f"a deleted record cannot come back: {name} is not enabled, or creates none"


def _conversion_problems(one: ObjectMapping, definition: SyncDefinition) -> Iterator[Problem]:
    """A converted lead's link moves, and nothing is ever created for what it was converted to."""
    if one.on_convert is None:
        return
    if one.salesforce != "Lead":
        yield f"{one.path}.on_convert", "only a Lead is converted"
        return
    target = definition.conversion_of(one)
    if target is None:
        yield (
            f"{one.path}.on_convert",
            f"no mapping of {one.on_convert} and {one.spotio} is there to take over the links",
        )
        return
    for name in ("to_spotio", "to_salesforce"):
        settings = getattr(target, name)
        if settings.enabled and settings.create:
            words = (
                f"it takes over the links of converted leads and must say create: false, or each"
                f" {one.on_convert} and each of {one.spotio} would be created as well"
            )
            yield f"{target.path}.{name}", words


def _doubled_targets(one: ObjectMapping) -> Iterator[Problem]:
    """Two mappings that write one field: the last writer would win, and the two would take turns.

    A SPOTIO field is a record's key, so it stands once whatever the rule.
    """
    seen: dict[str, str] = {}
    for mapping in one.fields:
        if mapping.spotio in seen:
            yield (
                f"{mapping.path}.spotio",
                f"'{mapping.spotio}' is mapped already, in {seen[mapping.spotio]}",
            )
        seen.setdefault(mapping.spotio, mapping.path)
    if not one.to_salesforce.enabled:
        # One Salesforce field may feed several SPOTIO fields as long as nothing flows back.
        return
    writers = [
        (mapping.salesforce, f"{mapping.path}.salesforce")
        for mapping in one.fields
        if _writes_salesforce(mapping)
    ]
    if one.address is not None and one.address.rule is not SyncRule.DO_NOT_SYNC:
        writers += [
            (name, f"{one.address.path}.{component}")
            for component, name in one.address.components.items()
        ]
    if one.parent is not None and one.parent.rule is not SyncRule.DO_NOT_SYNC:
        writers.append((one.parent.salesforce, f"{one.parent.path}.salesforce"))
    written: dict[str, str] = {}
    for name, path in writers:
        if name in written:
            yield path, f"'{name}' in Salesforce is written already, by {written[name]}"
        written.setdefault(name, path)


def _writes_salesforce(mapping: FieldMapping) -> bool:
    if mapping.rule is SyncRule.DO_NOT_SYNC:
        return False
    # A precedence rule speaks of updates; a create sends the field all the same (C.3).
    return not (mapping.rule is SyncRule.SALESFORCE_ONLY and mapping.omit_on_create)


def _field_problems(mapping: FieldMapping) -> Iterator[Problem]:
    if mapping.salesforce in _ELSEWHERE:
        yield f"{mapping.path}.salesforce", _ELSEWHERE[mapping.salesforce]
    if mapping.spotio != STAGE and mapping.spotio.casefold() == STAGE.casefold():
        yield f"{mapping.path}.spotio", f"'{mapping.spotio}' is spelled {STAGE}"
    kind, colon, rest = mapping.spotio.partition(":")
    if colon and kind in {"id", "role"} and not rest.strip():
        yield f"{mapping.path}.spotio", f"'{mapping.spotio}' names no field"
    taken: dict[str, str] = {
        value: choice for choice, value in (mapping.choices or {}).items() if value is not None
    }
    for value, further in mapping.salesforce_choices.items():
        if value in taken and taken[value] != further:
            meant = "do_not_sync" if further is None else f"the choice '{further}'"
            yield (
                f"{mapping.path}.choices",
                f"the Salesforce value '{value}' is mapped to '{taken[value]}' and to {meant}",
            )


def _match_problems(one: ObjectMapping) -> Iterator[Problem]:
    address = one.address
    if MatchRule.ADDRESS in one.match and (
        address is None
        or address.rule is SyncRule.DO_NOT_SYNC
        or "street" not in address.components
    ):
        sentence = (
            "records are to be matched by address, and no street is mapped and synced under"
            " address:"
        )
        yield f"{one.path}.match[{one.match.index(MatchRule.ADDRESS)}]", sentence


def _parent_problems(one: ObjectMapping, definition: SyncDefinition) -> Iterator[Problem]:
    if one.parent is None:
        return
    if not definition.parents_of(one):
        known = [other.spotio for other in definition.objects]
        hint = did_you_mean(one.parent.spotio, known)
        sentence = (
            f"'{one.parent.spotio}' is not mapped in this file, so its records have no "
            f"counterparts that could be parents{hint}"
        )
        yield f"{one.parent.path}.spotio", sentence
    for mapping in one.fields:
        if mapping.salesforce == one.parent.salesforce:
            yield (
                f"{mapping.path}.salesforce",
                f"'{mapping.salesforce}' is the parent already, under parent:",
            )


def _parent_cycles(definition: SyncDefinition) -> Iterator[Problem]:
    # A record type that several sObjects feed may have a parent in each of its mappings.
    parents: dict[str, list[str]] = {}
    for one in definition.objects:
        if one.parent is not None:
            parents.setdefault(one.spotio, []).append(one.parent.spotio)
    for one in definition.objects:
        if one.parent is None:
            continue
        chain = _way_back(parents, one.parent.spotio, one.spotio)
        if chain:
            circle = " > ".join([one.spotio, *chain])
            yield (
                f"{one.parent.path}.spotio",
                f"parents go round in a circle ({circle}), so no record could be the first",
            )


def _way_back(parents: Mapping[str, list[str]], start: str, goal: str) -> list[str]:
    """The chain of parents from one type to another, both included; nothing if there is none."""
    chains = [[start]]
    seen = {start}
    while chains:
        chain = chains.pop()
        if chain[-1] == goal:
            return chain
        for further in parents.get(chain[-1], ()):
            if further not in seen:
                seen.add(further)
                chains.append([*chain, further])
    return []
