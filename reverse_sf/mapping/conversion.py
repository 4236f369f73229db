"""``toP``, ``toS`` and agreement of a field pair, compiled into fast callables (C.1).

:func:`compile_field` turns one field mapping and what is known of both sides into a converter;
``reverse_sf.mapping.pair`` does so for a whole object mapping. A conversion is partial: where a
value has no image on the other side the answer is an
:class:`~reverse_sf.mapping.values.Undefined` with a reason and a sentence, never a guess and never
an exception. ``None`` (blank) always converts to ``None``.

Canonical Salesforce values are what Salesforce's REST API takes: a multi-select picklist is
``A;B`` (sorted). Canonical SPOTIO values are those of the ``_sync`` envelope: a multiple choice is
a sorted list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.choices import choice_tables
from reverse_sf.mapping.definition import STAGE, Comparison, Conversion, FieldMapping, Side
from reverse_sf.mapping.describe import SalesforceField
from reverse_sf.mapping.images import End, converting, mismatch
from reverse_sf.mapping.kinds import (
    SALESFORCE_TYPE_FOR,
    SPOTIO_TYPE_FOR,
    Kind,
    aligned,
    convertible,
    salesforce_kind,
    spotio_kind,
)
from reverse_sf.mapping.limits import salesforce_limit, spotio_limit
from reverse_sf.mapping.workflow import SpotioField

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_sf.mapping.images import Converting, Normaliser


@dataclass(frozen=True)
class FieldConverter:
    """One field pair, compiled.

    Attributes:
        key: the record key, which is the SPOTIO field as ``sync.yml`` names it.
        field: the Salesforce field's API name.
        canon_spotio: normaliser of SPOTIO values.
        canon_salesforce: normaliser of Salesforce values.
        to_spotio: Salesforce value to canonical SPOTIO value, ``None`` or ``Undefined``.
        to_salesforce: SPOTIO value to canonical Salesforce value, ``None`` or ``Undefined``.
        agrees: ``agrees(spotio value, salesforce value)``, the relation E of C.1. The two arguments
            need not be canonical.
    """

    key: str
    field: str
    mapping: FieldMapping
    spotio_kind: Kind
    salesforce_kind: Kind
    canon_spotio: Normaliser
    canon_salesforce: Normaliser
    to_spotio: Converting
    to_salesforce: Converting
    agrees: Callable[[Any, Any], bool]


def compile_field(
    mapping: FieldMapping,
    salesforce: SalesforceField | None = None,
    spotio: SpotioField | None = None,
) -> FieldConverter:
    """Compile one field pair.

    Args:
        mapping: what the definition says.
        salesforce: facts of the Salesforce field; without them, or where they were inferred from
            another tap's schema, the SPOTIO field implies the type.
        spotio: facts of the SPOTIO field; without them the Salesforce field implies the type.
    """
    spotio, salesforce = _known_types(mapping, spotio, salesforce)
    p_kind, s_kind = spotio_kind(spotio.type), salesforce_kind(salesforce.type)
    scale = _scale(salesforce)
    canon_p = _normaliser(p_kind, scale, Side.SPOTIO)
    canon_s = _normaliser(s_kind, scale, Side.SALESFORCE)
    to_p_choices, to_s_choices = choice_tables(mapping, spotio, salesforce)
    strict = mapping.conversion is Conversion.STRICT
    p_side = End(p_kind, canon_p, spotio_limit(spotio, mapping), spotio.type, to_p_choices)
    s_side = End(
        s_kind, canon_s, salesforce_limit(salesforce, mapping), salesforce.type, to_s_choices
    )
    usable = (
        aligned(p_kind, s_kind) or (p_kind, s_kind) == (Kind.CHOICE, Kind.BOOLEAN)
        if strict
        else convertible(p_kind, s_kind)
    )
    if usable:
        to_spotio = converting(s_side, p_side, strict=strict)
        to_salesforce = converting(p_side, s_side, strict=strict)
    else:
        to_spotio = mismatch(canon_s, salesforce.type, spotio.type)
        to_salesforce = mismatch(canon_p, spotio.type, salesforce.type)
    return FieldConverter(
        key=mapping.spotio,
        field=mapping.salesforce,
        mapping=mapping,
        spotio_kind=p_kind,
        salesforce_kind=s_kind,
        canon_spotio=canon_p,
        canon_salesforce=canon_s,
        to_spotio=to_spotio,
        to_salesforce=to_salesforce,
        agrees=_agreement(
            p_side,
            s_side,
            to_spotio,
            to_salesforce,
            normal_form=_normal_form(mapping, spotio, salesforce),
        ),
    )


def _known_types(
    mapping: FieldMapping, spotio: SpotioField | None, salesforce: SalesforceField | None
) -> tuple[SpotioField, SalesforceField]:
    if spotio is None and mapping.spotio == STAGE:
        spotio = SpotioField(id="", label=STAGE, type=STAGE)
    if salesforce is None:
        implied = SALESFORCE_TYPE_FOR.get(spotio.type, "string") if spotio else "anyType"
        salesforce = SalesforceField(mapping.salesforce, type=implied, stated=False)
    elif not salesforce.stated and spotio is not None and salesforce.type != "boolean":
        # Another tap's schema tells a multi-select from a text, or a date from a date-time, no
        # better than this.
        implied = SALESFORCE_TYPE_FOR.get(spotio.type, salesforce.type)
        salesforce = SalesforceField(mapping.salesforce, type=implied, stated=False)
    if spotio is None:
        implied = SPOTIO_TYPE_FOR.get(salesforce.type, "Text")
        if mapping.choices is not None and implied == "Text":
            implied = "SingleChoice"
        spotio = SpotioField(id="", label=mapping.spotio, type=implied)
    return spotio, salesforce


def _scale(field: SalesforceField) -> int | None:
    """Digits right of the point, the coarser of the pair: SPOTIO states no scale of its own."""
    return 0 if field.type in {"int", "long"} else field.scale


def _normaliser(kind: Kind, scale: int | None, side: Side) -> Normaliser:
    if kind is Kind.NUMBER:
        return canon.number(scale)
    if kind is Kind.CHOICES:
        return canon.choices if side is Side.SPOTIO else canon.multipicklist
    by_kind: dict[Kind, Normaliser] = {
        Kind.DATE: canon.day,
        Kind.INSTANT: canon.instant,
        Kind.BOOLEAN: canon.boolean,
        Kind.ID: canon.record_id,
    }
    return by_kind.get(kind, canon.text)


def _normal_form(
    mapping: FieldMapping, spotio: SpotioField, salesforce: SalesforceField
) -> Normaliser | None:
    if mapping.compare is Comparison.EXACT:
        return None
    if "Email" in spotio.type or salesforce.type == "email":
        return canon.email_form
    if "Phone" in spotio.type or salesforce.type == "phone":
        return canon.phone_form
    return None


def _agreement(
    p_end: End,
    s_end: End,
    to_spotio: Converting,
    to_salesforce: Converting,
    *,
    normal_form: Normaliser | None,
) -> Callable[[Any, Any], bool]:
    """``p E s`` iff ``toS(p) = s`` or ``toP(s) = p`` (C.1): a relation, not equality of images."""
    canon_p, canon_s = p_end.canon, s_end.canon
    same = p_end.kind is s_end.kind and p_end.choices is None and s_end.choices is None

    def agrees(p: Any, s: Any) -> bool:
        p, s = canon_p(p), canon_s(s)
        if p is None or s is None:
            return p is s
        if same and p == s:
            return True
        if to_spotio(s) == p or to_salesforce(p) == s:
            return True
        return normal_form is not None and bool(normal_form(p) == normal_form(s))

    return agrees
