"""The laws of C.1 and C.7, for every pair of field types and whatever values turn up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_sf.mapping import canon
from reverse_sf.mapping.address import compile_address
from reverse_sf.mapping.conversion import compile_field
from reverse_sf.mapping.definition import (
    AddressMapping,
    Comparison,
    Conversion,
    FieldMapping,
    SyncRule,
)
from reverse_sf.mapping.describe import PicklistValue, SalesforceField
from reverse_sf.mapping.kinds import SALESFORCE_KINDS, SPOTIO_KINDS
from reverse_sf.mapping.values import Undefined, is_blank
from reverse_sf.mapping.workflow import SpotioField

CHOICE = ("Hot", "Warm", "Cold", "Éclair", "0", "yes", "true")
SPELLED = (
    *CHOICE,
    "hot",
    "Hot;Cold",
    "Cold;Hot;Hot",
    "",
    " ",
    "0",
    "-0",
    "12.345",
    "1e3",
    "1e-999",
    ".5",
    "NaN",
    "1_000",
    "2026-02-29",
    "2024-02-29",
    "2024-02-29T00:00:00.000Z",
    "2024-02-29T00:00:00.000000Z",
    "2024-02-29T13:14:15.000+0000",
    "2024-02-29T13:14:15+05:30",
    "2024-02-29 13:14",
    "2026-W01-1",
    "0001-01-01T00:00:00+12:00",
    "9999-12-31T23:59:59-12:00",
    "001D000000IRFma",
    "001D000000IRFmaIAH",
    "+1 (415) 555-0100",
    "4155550100",
    "00 00 41",
    "A@Example.COM",
    "line\r\nline\rline",
    "e\u0301",
    "\u212b",
    "true",
    "FALSE",
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=50),
    st.sampled_from(SPELLED),
    st.lists(st.sampled_from(CHOICE), max_size=3),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
)
NORMALISERS = {
    "text": canon.text,
    "number": canon.number(None),
    "number at 2": canon.number(2),
    "number at 0": canon.number(0),
    "day": canon.day,
    "instant": canon.instant,
    "choices": canon.choices,
    "multipicklist": canon.multipicklist,
    "boolean": canon.boolean,
    "record_id": canon.record_id,
    "email_form": canon.email_form,
    "phone_form": canon.phone_form,
}


def same(left: Any, right: Any) -> bool:
    """Equal and of one type, as JSON sees it: True is not 1, 1 is not 1.0."""
    return type(left) is type(right) and left == right


@pytest.mark.parametrize("name", NORMALISERS)
@given(value=VALUES)
def test_a_normaliser_leaves_its_own_answer_alone(name, value):
    once = NORMALISERS[name](value)
    assert same(NORMALISERS[name](once), once)


@pytest.mark.parametrize("name", NORMALISERS)
@given(value=VALUES)
def test_a_normaliser_gives_none_for_blanks_and_only_for_blanks(name, value):
    if is_blank(value):
        assert NORMALISERS[name](value) is None
    elif not (isinstance(value, (str, list)) and canon.choices(value) is None):
        # "; ;" is a multi-select without a choice; everything else that is not blank stays.
        assert NORMALISERS[name](value) is not None


@given(st.integers(min_value=-(10**12), max_value=10**12), st.integers(0, 4))
def test_a_number_at_a_scale_is_off_by_at_most_half_a_step(thousandths, scale):
    value = thousandths / 1000
    rounded = canon.number(scale)(value)
    off = abs(Decimal(repr(rounded)) - Decimal(repr(value)))
    assert off <= Decimal(5).scaleb(-scale - 1)


facts_of_salesforce = st.builds(
    SalesforceField,
    name=st.just("Field__c"),
    type=st.sampled_from(sorted(SALESFORCE_KINDS)),
    length=st.sampled_from([0, 3, 18, 255]),
    precision=st.sampled_from([0, 6, 18]),
    scale=st.sampled_from([None, 0, 2]),
    restricted=st.booleans(),
    picklist=st.sampled_from([(), tuple(PicklistValue(one) for one in CHOICE[:4])]),
    stated=st.booleans(),
)
facts_of_spotio = st.builds(
    SpotioField,
    id=st.just("20"),
    label=st.just("Field"),
    type=st.sampled_from(sorted(SPOTIO_KINDS)),
    options=st.just(CHOICE),
    max_length=st.sampled_from([None, 4]),
)
mappings = st.builds(
    FieldMapping,
    spotio=st.sampled_from(["Field", "Stage"]),
    salesforce=st.just("Field__c"),
    rule=st.just(SyncRule.TWO_WAY),
    choices=st.one_of(
        st.none(),
        st.dictionaries(
            st.sampled_from(CHOICE), st.one_of(st.none(), st.sampled_from(CHOICE)), max_size=5
        ),
    ),
    conversion=st.sampled_from(Conversion),
    truncate=st.booleans(),
    compare=st.sampled_from(Comparison),
    salesforce_choices=st.dictionaries(
        st.sampled_from(CHOICE), st.one_of(st.none(), st.sampled_from(CHOICE)), max_size=2
    ),
)
converters = st.builds(
    compile_field,
    mappings,
    st.one_of(st.none(), facts_of_salesforce),
    st.one_of(st.none(), facts_of_spotio),
)


@given(converters, st.sampled_from([None, "", "  ", "\t\n", []]))
def test_the_image_of_blank_is_blank_in_both_directions(converter, blank):
    assert converter.to_salesforce(blank) is None
    assert converter.to_spotio(blank) is None
    assert converter.agrees(blank, None)


@given(converters, VALUES)
def test_a_value_agrees_with_its_image_in_both_directions(converter, value):
    image = converter.to_salesforce(value)
    if not isinstance(image, Undefined):
        assert converter.agrees(value, image)
    image = converter.to_spotio(value)
    if not isinstance(image, Undefined):
        assert converter.agrees(image, value)


@given(converters, VALUES)
def test_an_image_is_canonical_and_blank_only_for_blanks(converter, value):
    image = converter.to_salesforce(value)
    if not isinstance(image, Undefined):
        assert same(converter.canon_salesforce(image), image)
        assert (image is None) == (converter.canon_spotio(value) is None)
    image = converter.to_spotio(value)
    if not isinstance(image, Undefined):
        assert same(converter.canon_spotio(image), image)
        assert (image is None) == (converter.canon_salesforce(value) is None)


@given(converters, VALUES)
def test_a_conversion_says_the_same_of_a_value_and_of_its_canonical_form(converter, value):
    if converter.mapping.conversion is Conversion.KIND:
        canonical = converter.canon_salesforce(value)
        assert converter.to_spotio(canonical) == converter.to_spotio(value)
        canonical = converter.canon_spotio(value)
        assert converter.to_salesforce(canonical) == converter.to_salesforce(value)


@given(converters, VALUES)
def test_a_value_agrees_with_blank_only_if_it_is_blank(converter, value):
    assert converter.agrees(value, None) == (converter.canon_spotio(value) is None)
    assert converter.agrees(None, value) == (converter.canon_salesforce(value) is None)


COMPONENTS = {
    "street": "BillingStreet",
    "city": "BillingCity",
    "latitude": "BillingLatitude",
}
images = st.fixed_dictionaries(
    {},
    optional={
        "BillingStreet": st.one_of(st.none(), st.text(max_size=20), st.just("12 Elm\r\nSuite 3")),
        "BillingCity": st.sampled_from([None, "", " Zürich "]),
        "BillingLatitude": st.one_of(st.none(), st.floats(-90, 90), st.just("47.3768866123")),
        "Name": st.just("not an address"),
    },
)


@given(images)
def test_an_address_agrees_with_its_image(image):
    converter = compile_address(
        AddressMapping(COMPONENTS, skip_geocoding=False, rule=SyncRule.TWO_WAY)
    )
    salesforce = converter.read(image)
    if salesforce:
        spotio = converter.to_spotio(salesforce)
        assert converter.agrees(spotio, salesforce)
        assert converter.canon_spotio(spotio) == spotio
        assert converter.agrees(spotio, converter.to_salesforce(spotio))
