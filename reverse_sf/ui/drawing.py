"""The mapping side by side: SPOTIO on the left, Salesforce on the right, between them the rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from reverse_sf.cli.rendering import in_words
from reverse_sf.mapping.definition import History, MatchRule, SyncRule
from reverse_sf.ui.wording import NOTHING, RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_sf.mapping.definition import (
        DirectionSettings,
        FieldMapping,
        ObjectMapping,
        SyncDefinition,
    )

_WORST = ("error", "warning", "note")
_WAY_WORDS = (
    ("total", "undefined", "every value has an image", "not"),
    ("one_to_one", "shared", "one-to-one", "shared:"),
    ("round_trip", "changed", "there and back", "changes:"),
)


@dataclass(frozen=True)
class Line:
    """One pair of fields, or of an address, owner or parent.

    Attributes:
        path: in the file.
        arrow: of the rule, or of the direction that is on.
        choices: SPOTIO's choice, arrow, Salesforce's value.
        more: what else is set.
        proof: what is proven of it, where both systems have been asked.
        findings: of the check.
    """

    path: str
    spotio: str
    salesforce: str
    arrow: str
    rule: str
    meaning: str
    choices: tuple[tuple[str, str, str], ...] = ()
    more: tuple[str, ...] = ()
    proof: Mapping[str, Any] | None = None
    findings: tuple[Mapping[str, Any], ...] = ()

    @property
    def edit(self) -> str:
        """The form that it is edited with."""
        form = "field" if self.path.endswith("]") else "rule"
        return f"/mapping/{form}?{urlencode({'path': self.path})}"

    @property
    def worst(self) -> str:
        """The gravest finding: ``error``, ``warning`` or ``note``; empty where there is none."""
        found = {one["severity"] for one in self.findings}
        return next((one for one in _WORST if one in found), "")


@dataclass(frozen=True)
class PairDrawing:
    """One object mapping, or one of activities.

    Attributes:
        is_editable: there are forms for it; activities are edited as a text.
    """

    name: str
    path: str
    spotio: str
    salesforce: str
    to_spotio: str
    to_salesforce: str
    match: str
    lines: tuple[Line, ...]
    findings: tuple[Mapping[str, Any], ...]
    coverage: Mapping[str, Any] | None
    is_editable: bool


def drawing(definition: SyncDefinition, report: Mapping[str, Any]) -> list[PairDrawing]:
    """The mapping as a page draws it.

    Args:
        definition: what the file says.
        report: what ``reverse-sf check --json`` says of it.
    """
    proofs = {one["path"]: one for one in report["proofs"]}
    coverage = {one["pair"]: one for one in report["coverage"]}
    return [
        _pair(one, report["problems"], proofs, coverage.get(one.name)) for one in definition.pairs
    ]


def beside(definition: SyncDefinition, report: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The findings that are of no object mapping, such as of the users."""
    paths = [one.path for one in definition.pairs]
    return tuple(
        one for one in report["problems"] if not any(_within(one["path"], path) for path in paths)
    )


def _within(path: str, around: str) -> bool:
    return path == around or path.startswith((f"{around}.", f"{around}["))


def _pair(
    one: ObjectMapping,
    problems: Sequence[Mapping[str, Any]],
    proofs: Mapping[str, Mapping[str, Any]],
    coverage: Mapping[str, Any] | None,
) -> PairDrawing:
    below = f"{one.path}.activities["
    mine = [
        each
        for each in problems
        if _within(each["path"], one.path) and not each["path"].startswith(below)
    ]
    lines = [_field(each, proofs.get(each.path)) for each in one.fields] + _rest(one)
    activity = one.activity
    # An activity's owner and parent stand nowhere: they follow from its record.
    lines = [
        replace(line, findings=_of(line.path, mine)) if line.path != one.path else line
        for line in lines
    ]
    told = {id(each) for line in lines for each in line.findings}
    return PairDrawing(
        name=one.name,
        path=one.path,
        spotio=one.spotio if activity is None else f"{activity.template} on {activity.record_type}",
        salesforce=one.salesforce,
        to_spotio=_direction(one.to_spotio),
        to_salesforce=_direction(one.to_salesforce),
        match=", ".join(
            each.value.replace("_", " ")
            if isinstance(each, MatchRule)
            else f"{each.spotio} = {each.salesforce}"
            for each in one.match
        ),
        lines=tuple(lines),
        findings=tuple(each for each in mine if id(each) not in told),
        coverage=coverage,
        is_editable=activity is None,
    )


def _direction(one: DirectionSettings) -> str:
    if not one.enabled:
        return "off"
    said = ["on"]
    if one.history is History.FUTURE_ONLY:
        said.append("changes from the first run on")
    if not one.create:
        said.append("creates nothing")
    said += [
        f"only when {each.name} is {' or '.join(map(in_words, each.values))}"
        for each in one.only_when
    ]
    return "; ".join(said)


def _of(path: str, problems: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple(one for one in problems if _within(one["path"], path))


def _field(one: FieldMapping, proof: Mapping[str, Any] | None) -> Line:
    more = []
    if one.omit_on_create:
        more.append("not sent on create")
    if one.truncate:
        more.append("cut where too long")
    if one.conversion.value != "kind":
        more.append(f"conversion: {one.conversion.value}")
    if one.compare.value != "exact":
        more.append(f"compared by {one.compare.value.replace('_', ' ')}")
    drawn = _line(one.path, one.spotio, one.salesforce, one.rule, more)
    return replace(drawn, choices=_choices(one), proof=_proven(proof) if proof else None)


def _choices(one: FieldMapping) -> tuple[tuple[str, str, str], ...]:
    there = [
        (spotio, "↔", salesforce) if salesforce is not None else (spotio, NOTHING, "not sent")
        for spotio, salesforce in (one.choices or {}).items()
    ]
    back = [
        (spotio, "←", salesforce) if spotio is not None else ("not sent", NOTHING, salesforce)
        for salesforce, spotio in one.salesforce_choices.items()
    ]
    return (*there, *back)


def _rest(one: ObjectMapping) -> list[Line]:
    """What is mapped beside the fields: address, owner, parent."""
    found = []
    if one.address is not None:
        named = ", ".join(one.address.components.values())
        more = ["SPOTIO keeps it as sent"] if one.address.skip_geocoding else []
        found.append(_line(one.address.path, "Address", named, one.address.rule, more))
    if one.owner is not None:
        defaults = [
            f"without a counterpart in {system}: {name}"
            for system, name in (
                ("SPOTIO", one.owner.spotio_default),
                ("Salesforce", one.owner.salesforce_default),
            )
            if name
        ]
        found.append(_line(one.owner.path, "Owner", "OwnerId", one.owner.rule, defaults))
    if one.parent is not None:
        named = f"Parent, of {one.parent.spotio}"
        found.append(_line(one.parent.path, named, one.parent.salesforce, one.parent.rule, ()))
    return found


def _line(path: str, spotio: str, salesforce: str, rule: SyncRule, more: Sequence[str]) -> Line:
    arrow, name, meaning = RULES[rule]
    return Line(path, spotio, salesforce, arrow, name, meaning, more=tuple(more))


def _proven(proof: Mapping[str, Any]) -> dict[str, Any]:
    """A proof in words, one way after the other, with the counter-example of what does not hold."""
    return {
        "safe": proof["safe"],
        "losses": [one["lost"] for one in proof["losses"]],
        "ways": [
            (
                way,
                [
                    (proof[key][holds], words if proof[key][holds] else f"{no} {proof[key][why]}")
                    for holds, why, words, no in _WAY_WORDS
                ],
            )
            for key, way in (("to_salesforce", "To Salesforce"), ("to_spotio", "To SPOTIO"))
        ],
    }
