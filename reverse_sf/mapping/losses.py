"""How an edit on one side could destroy what its author cannot see: counter-examples.

Two kinds of value show only a part of themselves on the other side. A text that is cut to fit shows
its beginning; a set of choices does not show those set to ``do_not_sync``, and shows two choices
that share an image as one. While nobody edits the part that is shown, the two sides agree and all
is kept. The edit goes back as a whole value, and the hidden part is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.definition import Side, SyncRule
from reverse_sf.mapping.kinds import Kind
from reverse_sf.mapping.limits import TextLimit, salesforce_limit, spotio_limit
from reverse_sf.mapping.values import Reason, Undefined

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reverse_sf.mapping.conversion import FieldConverter
    from reverse_sf.mapping.definition import FieldMapping, ObjectMapping
    from reverse_sf.mapping.describe import SalesforceField
    from reverse_sf.mapping.images import Converting
    from reverse_sf.mapping.workflow import SpotioField

_KEEPS_SPOTIO = frozenset(
    # Under these an edit in Salesforce never replaces a value of SPOTIO's; a union changes
    # nothing but the choices that were added or taken away.
    {SyncRule.SPOTIO_ONLY, SyncRule.SPOTIO_UNLESS_BLANK, SyncRule.DO_NOT_SYNC, SyncRule.UNION}
)
_KEEPS_SALESFORCE = frozenset(
    {
        SyncRule.SALESFORCE_ONLY,
        SyncRule.SALESFORCE_UNLESS_BLANK,
        SyncRule.DO_NOT_SYNC,
        SyncRule.UNION,
    }
)


@dataclass(frozen=True)
class Loss:
    """One counter-example.

    Attributes:
        side: whose value loses something.
        before: that side's value, as its people know it.
        shown: what the other side's people see of it.
        edited: what one of them makes of that.
        after: what their edit makes of ``before``.
        lost: what has gone, though nobody saw it there.
    """

    side: Side
    before: Any
    shown: Any
    edited: Any
    after: Any
    lost: Any


@dataclass(frozen=True)
class _View:
    """One side's value as the other side shows it, and the way back."""

    side: Side
    kind: Kind
    shown_kind: Kind
    show: Converting
    back: Converting
    members: tuple[str, ...]
    shown_members: tuple[str, ...]
    cut: TextLimit | None
    """Where what is shown is cut."""
    longest: int | None
    """Characters that the side itself holds, where it states them."""


def losses_of(
    one: ObjectMapping,
    converter: FieldConverter,
    spotio: SpotioField,
    salesforce: SalesforceField,
) -> tuple[Loss, ...]:
    """The counter-examples of a field pair, at most one for each side and kind of loss."""
    mapping = converter.mapping
    s_limit, p_limit = salesforce_limit(salesforce, mapping), spotio_limit(spotio, mapping)
    found: list[Loss | None] = []
    if edits_reach(one, mapping.rule, Side.SPOTIO):
        found += _search(
            _View(
                side=Side.SPOTIO,
                kind=converter.spotio_kind,
                shown_kind=converter.salesforce_kind,
                show=converter.to_salesforce,
                back=converter.to_spotio,
                members=spotio_names(mapping, spotio),
                shown_members=salesforce_names(mapping, salesforce),
                cut=s_limit if isinstance(s_limit, TextLimit) else None,
                longest=spotio.max_length,
            )
        )
    if edits_reach(one, mapping.rule, Side.SALESFORCE):
        found += _search(
            _View(
                side=Side.SALESFORCE,
                kind=converter.salesforce_kind,
                shown_kind=converter.spotio_kind,
                show=converter.to_spotio,
                back=converter.to_salesforce,
                members=salesforce_names(mapping, salesforce),
                shown_members=spotio_names(mapping, spotio),
                cut=p_limit if isinstance(p_limit, TextLimit) else None,
                longest=salesforce.length or None,
            )
        )
    return tuple(loss for loss in found if loss is not None)


def edits_reach(one: ObjectMapping, rule: SyncRule, side: Side) -> bool:
    """Whether an edit on the other side may replace a value of this side's."""
    if side is Side.SPOTIO:
        return one.to_spotio.enabled and rule not in _KEEPS_SPOTIO
    return one.to_salesforce.enabled and rule not in _KEEPS_SALESFORCE


def spotio_names(mapping: FieldMapping, field: SpotioField) -> tuple[str, ...]:
    """The choices of a SPOTIO field: its own, or those that the mapping names where it has none."""
    return field.options or tuple(mapping.choices or ())


def salesforce_names(mapping: FieldMapping, field: SalesforceField) -> tuple[str, ...]:
    """The values of a Salesforce field: its picklist's, or those that the mapping names."""
    named = [one for one in (mapping.choices or {}).values() if one is not None]
    return field.choices or (*dict.fromkeys([*named, *mapping.salesforce_choices]),)


_COMPANY = 20
"""Which member keeps a hidden one company makes no difference; a few are enough."""
_SETS = frozenset({Kind.CHOICES, Kind.TEXT})


def _search(view: _View) -> list[Loss | None]:
    if Kind.CHOICES in {view.kind, view.shown_kind} and view.kind in _SETS:
        return _hidden_members(view)
    if view.kind is Kind.TEXT and view.cut is not None and view.cut.cut:
        return [_cut_text(view, view.cut)]
    return []


def _cut_text(view: _View, limit: TextLimit) -> Loss | None:
    if view.longest is not None and view.longest <= limit.longest:
        return None
    before = "x" * limit.longest + "y"
    shown = view.show(before)
    if isinstance(shown, Undefined):
        return None
    edited = "z" + shown[1:]
    after = view.back(edited)
    if isinstance(after, Undefined):
        return None
    return Loss(view.side, before, shown, edited, after, before[limit.longest :])


def _hidden_members(view: _View) -> list[Loss | None]:
    """Members that are not shown, and members that are shown as another one."""
    own = [one for one in map(canon.text, view.members) if one]
    images = {one: view.show([one]) for one in own}
    returns = {one: _back(view, images[one]) for one in own}
    shown = [one for one in own if not isinstance(images[one], Undefined)]
    offered = _offered(view, [images[one] for one in shown])
    unshown = [
        one
        for one in own
        if isinstance(image := images[one], Undefined) and image.reason is Reason.DO_NOT_SYNC
    ]
    found = [_first(_taken(view, hidden, shown, offered) for hidden in unshown)]
    if view.shown_kind in _SETS:
        # Where one value is shown, an edit replaces it; of several, it takes up what stays.
        disguised = [one for one in shown if returns[one] != [one]]
        found.append(_first(_taken(view, hidden, (), offered) for hidden in disguised))
    return found


def _first(losses: Iterable[Loss | None]) -> Loss | None:
    return next((one for one in losses if one is not None), None)


def _back(view: _View, image: Any) -> list[str] | None:
    if isinstance(image, Undefined):
        return None
    returned = view.back(image)
    return None if isinstance(returned, Undefined) else canon.choices(returned)


def _offered(view: _View, images: Sequence[Any]) -> list[str]:
    """What a person on the other side can choose, of what would not be parked."""
    listed = view.shown_members or [one for image in images for one in canon.choices(image) or ()]
    return [one for one in map(canon.text, listed) if one and not _is_parked(view, one)]


def _is_parked(view: _View, member: str) -> bool:
    returned = view.back(_shown(view, [member]))
    return isinstance(returned, Undefined) and returned.reason is not Reason.DO_NOT_SYNC


def _shown(view: _View, parts: Sequence[str]) -> Any:
    return list(parts) if view.shown_kind is Kind.CHOICES else ";".join(parts)


def _taken(view: _View, hidden: str, company: Sequence[str], offered: Sequence[str]) -> Loss | None:
    """An edit of what is shown of a value with this member, after which the member is gone.

    Args:
        view: the side and how it is shown.
        hidden: the member.
        company: members of which one must be there, so that something is shown at all; none where
            the member itself shows as another one.
        offered: what the editor may choose.
    """
    for other in company[:_COMPANY] or (None,):
        before = sorted({hidden, other} - {None}, key=str)
        shown = view.show(before)
        if isinstance(shown, Undefined):
            continue
        parts = canon.choices(shown) or []
        several = view.shown_kind in _SETS
        for added in offered:
            if added in parts:
                continue
            edited = _shown(view, sorted([*parts, added]) if several else [added])
            after = view.back(edited)
            if not isinstance(after, Undefined) and hidden not in (canon.choices(after) or ()):
                return Loss(view.side, before, shown, edited, after, hidden)
    return None
