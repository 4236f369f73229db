"""What can be proven of a field pair before it runs: total, one-to-one, there and back, safe.

A pair of choices is proven choice by choice. Other types have no end of values, so those are tried
at which conversions part: the longest text and one more, one digit too many, a number with a
leading zero. The conversions that answer are the ones that a run uses
(``reverse_sf.mapping.conversion``).

A pair is *safe* where an edit on one side never destroys what its author could not see. A single
value that a person replaces is replaced, and nobody loses anything that way, however many choices
share its image. A text that was cut and a set that shows some of its members only are another
matter: who edits what is shown takes the rest away without a word. :class:`Loss` is the
counter-example.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.conversion import FieldConverter, compile_field
from reverse_sf.mapping.definition import Side, SyncRule
from reverse_sf.mapping.kinds import Kind
from reverse_sf.mapping.limits import TextLimit, salesforce_limit, spotio_limit
from reverse_sf.mapping.losses import Loss, losses_of
from reverse_sf.mapping.values import Undefined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_sf.mapping.definition import FieldMapping, ObjectMapping
    from reverse_sf.mapping.describe import SalesforceField, SalesforceObject
    from reverse_sf.mapping.images import Converting, Normaliser
    from reverse_sf.mapping.workflow import SpotioField, SpotioType


@dataclass(frozen=True)
class Way:
    """One direction of a pair, as far as its values tell.

    Attributes:
        total: every value has an image.
        one_to_one: no two values share an image.
        round_trip: every image leads back to its value.
        undefined: a value without an image.
        because: why it has none.
        shared: two values with one image.
        changed: a value that comes back as another one.
    """

    total: bool = True
    one_to_one: bool = True
    round_trip: bool = True
    undefined: str | None = None
    because: str | None = None
    shared: str | None = None
    changed: str | None = None


@dataclass(frozen=True)
class FieldProof:
    """One field pair, proven.

    Attributes:
        exhaustive: every value of both sides was tried, not some of them.
        losses: how an edit on one side destroys a hidden part of the other side's value.
    """

    pair: str
    path: str
    spotio: str
    salesforce: str
    rule: SyncRule
    exhaustive: bool
    to_spotio: Way
    to_salesforce: Way
    losses: tuple[Loss, ...] = ()

    @property
    def safe(self) -> bool:
        """Whether no edit destroys what its author cannot see."""
        return not self.losses


def proofs(
    one: ObjectMapping, sobject: SalesforceObject, record_type: SpotioType
) -> list[FieldProof]:
    """The proofs of an object mapping's field pairs, of those that exist on both sides."""
    found = []
    for mapping in one.fields:
        salesforce = sobject.fields.get(mapping.salesforce)
        spotio = record_type.field(mapping.spotio)
        if salesforce is not None and spotio is not None and mapping.rule is not _NEVER:
            found.append(prove(one, mapping, spotio, salesforce))
    return found


_NEVER = SyncRule.DO_NOT_SYNC


def prove(
    one: ObjectMapping, mapping: FieldMapping, spotio: SpotioField, salesforce: SalesforceField
) -> FieldProof:
    """Try a field pair's values and tell what holds for all of them."""
    converter = compile_field(mapping, salesforce, spotio)
    p_values, p_all = _pool(converter, Side.SPOTIO, spotio, salesforce, mapping)
    s_values, s_all = _pool(converter, Side.SALESFORCE, spotio, salesforce, mapping)
    return FieldProof(
        pair=one.name,
        path=mapping.path,
        spotio=mapping.spotio,
        salesforce=mapping.salesforce,
        rule=mapping.rule,
        exhaustive=p_all and s_all,
        to_spotio=_way(
            s_values, converter.to_spotio, converter.to_salesforce, converter.canon_salesforce
        ),
        to_salesforce=_way(
            p_values, converter.to_salesforce, converter.to_spotio, converter.canon_spotio
        ),
        losses=losses_of(one, converter, spotio, salesforce),
    )


def _way(values: Sequence[Any], there: Converting, back: Converting, canonical: Normaliser) -> Way:
    undefined: tuple[str, str] | tuple[None, None] = (None, None)
    shared: str | None = None
    changed: str | None = None
    sources: dict[str, Any] = {}
    for given in values:
        value = canonical(given)
        image = there(value)
        if isinstance(image, Undefined):
            if undefined[0] is None:
                undefined = told(value), image.message
            continue
        if isinstance(given, float) and value != given:
            # Both sides are compared at the coarser scale, so that no difference shows later.
            changed = changed or f"{told(given)} -> {told(image)}"
        first = sources.setdefault(repr(image), value)
        if repr(first) != repr(value):
            shared = shared or f"{told(first)} and {told(value)} -> {told(image)}"
        returned = back(image)
        if isinstance(returned, Undefined):
            changed = changed or f"{told(value)} -> {told(image)} -> nothing"
        elif repr(canonical(returned)) != repr(value):
            changed = changed or f"{told(value)} -> {told(image)} -> {told(returned)}"
    return Way(
        total=undefined[0] is None,
        one_to_one=shared is None,
        round_trip=changed is None,
        undefined=undefined[0],
        because=undefined[1],
        shared=shared,
        changed=changed,
    )


_CHOICE_KINDS = frozenset({Kind.CHOICE, Kind.CHOICES})


def _pool(
    converter: FieldConverter,
    side: Side,
    spotio: SpotioField,
    salesforce: SalesforceField,
    mapping: FieldMapping,
) -> tuple[list[Any], bool]:
    """The values of one side that are tried, and whether they are all there are."""
    if side is Side.SPOTIO:
        kind, options, closed = converter.spotio_kind, spotio.options, True
        limit = salesforce_limit(salesforce, mapping)
    else:
        kind, options = converter.salesforce_kind, salesforce.choices
        # A picklist that is not restricted takes whatever an integration sends.
        closed = salesforce.restricted
        limit = spotio_limit(spotio, mapping)
    if kind in _CHOICE_KINDS and options:
        several = [list(options[:2])] if kind is Kind.CHOICES and options[1:] else []
        return [*options, *several], closed and kind is Kind.CHOICE
    if kind is Kind.BOOLEAN:
        return [True, False], True
    values = list(_SAMPLES.get(kind, ()))
    if kind is Kind.TEXT:
        # A text that stands opposite choices is tried with each of them.
        values += salesforce.choices if side is Side.SPOTIO else spotio.options
        if isinstance(limit, TextLimit):
            # Two that differ behind the cut, so that a cut is seen to merge them.
            values += ["x" * limit.longest + tail for tail in ("y", "z")]
    if kind is Kind.DATE and side is Side.SPOTIO:
        values.append("1066-10-14")
    if kind is Kind.NUMBER and side is Side.SALESFORCE:
        values = [one for one in values if converter.canon_salesforce(one) == one]
    if kind is Kind.NUMBER and side is Side.SPOTIO:
        values.append(10 ** max(salesforce.precision - (salesforce.scale or 0), 1))
    return values, False


_SAMPLES: dict[Kind, tuple[Any, ...]] = {
    Kind.TEXT: ("Harbor Tile", "007", "Yes", "2026-03-01", "2026-03-01T09:30:00Z"),
    Kind.CHOICE: ("Hot",),
    Kind.CHOICES: (["Hot"], ["Cold", "Hot"]),
    Kind.NUMBER: (0, 1, 12.5, -3, 0.12345),
    Kind.DATE: ("2026-03-01", "2024-02-29"),
    Kind.INSTANT: ("2026-03-01T00:00:00Z", "2026-03-01T09:30:00Z"),
    Kind.ID: ("001D000000IRFmaIAH",),
}


def told(value: Any) -> str:
    """A value as a counter-example names it."""
    if isinstance(value, (list, tuple)):
        return " + ".join(map(told, value)) or "blank"
    spelled = canon.spelling(value)
    longest = 40
    if len(spelled) > longest:
        return f"a text of {len(spelled)} characters"
    return spelled or "blank"
