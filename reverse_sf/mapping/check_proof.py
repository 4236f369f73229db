"""What the proofs of a pair's fields have to say to its author, each with a counter-example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_sf.mapping import canon
from reverse_sf.mapping.conversion import compile_field
from reverse_sf.mapping.definition import Side, SyncRule
from reverse_sf.mapping.dependent import dependent_problems
from reverse_sf.mapping.kinds import Kind, salesforce_kind, spotio_kind
from reverse_sf.mapping.problem import Problem, error, warning
from reverse_sf.mapping.proof import proofs, told
from reverse_sf.mapping.values import Reason, Undefined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.mapping.definition import FieldMapping, ObjectMapping
    from reverse_sf.mapping.describe import SalesforceField, SalesforceObject
    from reverse_sf.mapping.losses import Loss
    from reverse_sf.mapping.workflow import SpotioField, SpotioType

_SYSTEM = {Side.SPOTIO: "SPOTIO", Side.SALESFORCE: "Salesforce"}
_OTHER = {Side.SPOTIO: Side.SALESFORCE, Side.SALESFORCE: Side.SPOTIO}


def proof_problems(
    one: ObjectMapping, sobject: SalesforceObject | None, record_type: SpotioType | None
) -> Iterator[Problem]:
    """Where the fields of a pair could lose something, or can never flow."""
    yield from _rules_without_their_direction(one)
    if sobject is not None:
        yield from dependent_problems(one, sobject, record_type)
    if sobject is None or record_type is None:
        return
    for proof in proofs(one, sobject, record_type):
        for loss in proof.losses:
            yield _of_loss(proof.path, proof.spotio, proof.salesforce, loss)
    for mapping in one.fields:
        salesforce = sobject.fields.get(mapping.salesforce)
        spotio = record_type.field(mapping.spotio)
        if mapping.rule is SyncRule.DO_NOT_SYNC or salesforce is None or spotio is None:
            continue
        yield from _names_with_semicolons(mapping, spotio, salesforce)
        if one.to_salesforce.enabled:
            yield from _choices_that_do_not_fit(mapping, spotio, salesforce)


def _of_loss(path: str, spotio: str, salesforce: str, loss: Loss) -> Problem:
    here, there = _SYSTEM[loss.side], _SYSTEM[_OTHER[loss.side]]
    names = {Side.SPOTIO: spotio, Side.SALESFORCE: salesforce}
    story = (
        f"{told(loss.before)} -> {told(loss.shown)}, edited to {told(loss.edited)} ->"
        f" {told(loss.after)}"
    )
    if isinstance(loss.before, str):
        return warning(
            path,
            f"an edit in {there} takes away what it does not see of {names[loss.side]} in {here}:"
            f" only the first {len(told_text(loss.shown))} characters travel, and after an edit"
            f" there they are all that is left ({story})",
            "take truncate: true away (a text that is too long is parked), or set a rule under"
            f" which {there} does not write to {here}",
        )
    return warning(
        path,
        f"an edit in {there} takes away what it does not see of {names[loss.side]} in {here}:"
        f" {story}; {told(loss.lost)} is gone",
        f"give {told(loss.lost)} an image of its own in {there}, or set a rule under which {there}"
        f" does not write to {here}",
    )


def told_text(value: object) -> str:
    """The text of a value that is one."""
    return value if isinstance(value, str) else ""


def _names_with_semicolons(
    mapping: FieldMapping, spotio: SpotioField, salesforce: SalesforceField
) -> Iterator[Problem]:
    """A set travels as ``A;B``, so no member may hold a semicolon itself."""
    kinds = {spotio_kind(spotio.type), salesforce_kind(salesforce.type)}
    if Kind.CHOICES not in kinds or spotio_kind(spotio.type) not in {Kind.CHOICES, Kind.CHOICE}:
        return
    mapped = mapping.choices
    for option in spotio.options:
        image = option if mapped is None else mapped.get(option)
        if image is not None and ";" in image:
            parts = " and ".join(f"'{part}'" for part in canon.choices(image) or ())
            yield error(
                mapping.path,
                f"'{option}' has a semicolon, and Salesforce reads {mapping.salesforce} ="
                f" '{image}' as {parts}",
                "rename the choice, or map it to a value without a semicolon",
            )


_NOT_FITTING = frozenset(
    {Reason.TOO_LONG, Reason.UNPARSABLE, Reason.OUT_OF_RANGE, Reason.TYPE_MISMATCH}
)


def _choices_that_do_not_fit(
    mapping: FieldMapping, spotio: SpotioField, salesforce: SalesforceField
) -> Iterator[Problem]:
    if spotio_kind(spotio.type) not in {Kind.CHOICE, Kind.CHOICES}:
        return
    converter = compile_field(mapping, salesforce, spotio)
    for option in spotio.options:
        image = converter.to_salesforce(option)
        if isinstance(image, Undefined) and image.reason in _NOT_FITTING:
            yield warning(
                mapping.path,
                f"the choice '{option}' of {mapping.spotio} is never sent: {image.message}",
                "map a field that can hold every choice, or set the choice to do_not_sync",
            )


def _rules_without_their_direction(one: ObjectMapping) -> Iterator[Problem]:
    directions = (
        (one.to_spotio.enabled, _FROM_SALESFORCE, "to_spotio", "to_salesforce"),
        (one.to_salesforce.enabled, _FROM_SPOTIO, "to_salesforce", "to_spotio"),
    )
    for enabled, rules, needed, other in directions:
        if enabled or not getattr(one, other).enabled:
            continue
        for mapping in one.fields:
            if mapping.rule in rules:
                yield warning(
                    f"{mapping.path}.rule",
                    f"{mapping.spotio} never changes after a record was created: its rule is"
                    f" {mapping.rule.value}, and {needed} is not enabled",
                    f"enable {needed}, or set another rule",
                )


_FROM_SALESFORCE = frozenset({SyncRule.SALESFORCE_ONLY})
_FROM_SPOTIO = frozenset({SyncRule.SPOTIO_ONLY})
