"""A pair compiled from what is known of both sides, and its values read without a mapper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.mapping import canon
from reverse_sf.mapping.activity_fields import activity_type
from reverse_sf.mapping.activity_pair import standard_object, with_activity_values
from reverse_sf.mapping.address import ADDRESS_KEY
from reverse_sf.mapping.describe import SalesforceObject
from reverse_sf.mapping.pair import compile_pair
from reverse_sf.mapping.values import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_sf.mapping.definition import ObjectMapping
    from reverse_sf.mapping.pair import PairConverter
    from reverse_sf.mapping.workflow import SpotioType


def compile_known(
    mapping: ObjectMapping,
    facts: SalesforceObject | None,
    spotio: SpotioType | None,
    *,
    described: Mapping[str, Any] | None = None,
    time_zone: str | None = None,
) -> PairConverter:
    """Compile a pair of records or of activities.

    Args:
        mapping: what the definition says.
        facts: of the sObject, as its tap told them last.
        spotio: of the record type, as its tap told them last; activities need none.
        described: for activities, the sObject as the target has described it.
        time_zone: of the definition.
    """
    if mapping.activity is None:
        return compile_pair(mapping, facts, spotio)
    known = _described(mapping.salesforce, facts, described)
    return with_activity_values(compile_pair(mapping, known, activity_type()), time_zone, known)


def _described(
    name: str, facts: SalesforceObject | None, described: Mapping[str, Any] | None
) -> SalesforceObject:
    """Task or Event, as far as anybody has told it: the tap, the target, or every org."""
    written = SalesforceObject.from_schema(name, dict(described)).fields if described else {}
    fields = {**standard_object(name).fields, **written}
    # Another tap's schema knows less of a field than every org's does.
    fields |= {key: one for key, one in (facts.fields if facts else {}).items() if one.stated}
    return SalesforceObject(name, fields)


def salesforce_value(
    pair: PairConverter, key: str, place: str | Mapping[str, str], image: Mapping[str, Any]
) -> Any:
    """The canonical Salesforce value of a key, as a base keeps it; ``UNSET`` where not read.

    Args:
        pair: compiled.
        key: of a field, of the address, of the owner or of the parent.
        place: the Salesforce field behind it, or those of its components.
        image: Salesforce's values by field.
    """
    if key == ADDRESS_KEY:
        return UNSET if pair.address is None else pair.address.read(image)
    raw = image.get(place, UNSET) if isinstance(place, str) else UNSET
    if raw is UNSET:
        return UNSET
    field = pair.fields.get(key)
    # Owner and parent are the keys that are no fields: both are records.
    return canon.record_id(raw) if field is None else field.canon_salesforce(raw)
