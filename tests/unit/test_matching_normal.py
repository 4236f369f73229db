"""In which form values are matched: what counts as the same, and what is no value at all."""

from __future__ import annotations

import pytest

from reverse_sf.mapping.describe import SalesforceField, SalesforceObject
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.match_rules import compared_fields
from reverse_sf.mapping.workflow import SpotioField, SpotioType
from reverse_sf.matching import normal
from reverse_sf.matching.keys import MatchKeys

OAK = {"street": "123 SW Oak St", "city": "Phoenix", "state": "AZ", "zip": "85016"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ann@Example.com ", "ann@example.COM"), ("a+b@x.io", "A+B@x.io")],
)
def test_emails_are_compared_without_case(one, other):
    assert normal.email(one) == normal.email(other) is not None


@pytest.mark.parametrize("value", [None, "", "  ", "n/a", "@", "ann@", "ann@home", "a b@x.io"])
def test_what_is_no_email_matches_nothing(value):
    assert normal.email(value) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(602) 555-3161", "+1 602.555.3161"),
        ("602 555 3161", "1-602-555-3161"),
        ("+44 20 7946 0018", "0044 20 7946 0018".replace("0044", "011 44")),
        ("602-555-3161 ext. 12", "(602) 5553161 x12"),
    ],
)
def test_phones_are_compared_in_e164(one, other):
    assert normal.phone(one, "US") == normal.phone(other, "US") is not None


def test_an_extension_and_the_region_are_part_of_a_phone():
    assert normal.phone("602-555-3161 x12", "US") != normal.phone("602-555-3161", "US")
    assert normal.phone("020 7946 0018", "GB") == "+442079460018"


@pytest.mark.parametrize("value", [None, "", "none", "555", "x12", "1234567890123456789"])
def test_what_is_no_phone_matches_nothing(value):
    assert normal.phone(value, "US") is None


@pytest.mark.parametrize(
    "other",
    [
        {**OAK, "street": "123 Southwest Oak Street"},
        {**OAK, "street": "123 S.W. Oak Street", "state": "Arizona"},
        {**OAK, "zip": "85016-1234"},
        {**OAK, "street": "SW Oak St", "house_number": "123"},
        {**OAK, "zip": None},
        {**OAK, "city": None, "state": None},
        {**OAK, "country": "United States"},
    ],
)
def test_addresses_are_compared_as_the_postal_service_spells_them(other):
    assert set(normal.address(OAK)) & set(normal.address(other))


@pytest.mark.parametrize(
    "other",
    [
        {**OAK, "street": "123 NW Oak St"},
        {**OAK, "street": "124 SW Oak St"},
        {**OAK, "street": "123 SW Oak St Apt 4"},
        {**OAK, "city": "Tucson", "zip": "85701"},
    ],
)
def test_another_street_unit_or_town_is_another_address(other):
    assert not set(normal.address(OAK)) & set(normal.address(other))


def test_units_are_the_same_whatever_they_are_called():
    apartment = normal.address({**OAK, "street": "123 SW Oak St Apartment 4"})
    assert apartment == normal.address({**OAK, "street": "123 SW Oak St #4"})


@pytest.mark.parametrize(
    "components",
    [
        {},
        {"city": "Phoenix", "state": "AZ"},
        {"zip": "85016"},
        {"street": "Oak Street", "city": "Phoenix", "state": "AZ"},
        {"street": "123 SW Oak St"},
        {"street": "remarks " * 60 + "12", "city": "Phoenix"},
    ],
)
def test_a_city_or_a_street_alone_is_no_address_to_match_by(components):
    assert normal.address(components) == ()


def test_an_address_that_the_postal_service_does_not_know_is_compared_as_words():
    one = {"street": "Hauptstraße 12", "city": "Köln", "zip": "50667"}
    other = {"street": "HAUPTSTRASSE 12,", "city": "Koln", "zip": " 50667"}
    assert set(normal.address(one)) & set(normal.address(other))


DEFINITION = """
version: 1
match_region: US
objects:
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: true}
    match: [external_id, email, phone, address, {spotio: Badge, salesforce: Badge__c}]
    fields:
      - {spotio: Email, salesforce: Email, rule: two_way}
      - {spotio: Phone, salesforce: Phone, rule: two_way}
      - {spotio: Mobile, salesforce: Cell__c, rule: two_way}
      - {spotio: Other Email, salesforce: Other_Email__c, rule: do_not_sync}
    address: {street: Street, city: City, zip: PostalCode, rule: salesforce_only}
"""
SOBJECT = SalesforceObject(
    "Lead",
    {
        name: SalesforceField(name, type=kind)
        for name, kind in (
            ("Email", "email"),
            ("Phone", "phone"),
            ("Cell__c", "string"),
            ("Other_Email__c", "email"),
            ("Badge__c", "double"),
        )
    },
)
KIND = SpotioType(
    "3",
    "Leads",
    tuple(
        SpotioField(str(at), label, kind)
        for at, (label, kind) in enumerate(
            [("Email", "Email"), ("Phone", "Phone"), ("Mobile", "Phone"), ("Badge", "Text")]
        )
    ),
    has_address=True,
)


def made():
    mapping = parse(DEFINITION).objects[0]
    return mapping, MatchKeys.of(mapping, compared_fields(mapping, SOBJECT, KIND), "US")


def test_a_rule_compares_every_synced_field_of_its_kind_crosswise():
    _, keys = made()
    ours = keys.of_salesforce({"Cell__c": "602-555-0100", "Other_Email__c": "a@x.io"})
    theirs = keys.of_spotio({"Phone": "(602) 555-0100", "Email": "a@x.io"})
    email, phone, *_ = zip(ours, theirs, strict=True)
    assert phone[0] == phone[1] != ()
    assert email[0] == (), "a field that is not synced is not compared"


def test_the_two_sides_make_the_same_keys_of_address_and_field_pair():
    _, keys = made()
    ours = keys.of_salesforce(
        {"Street": "12 Elm Street", "City": "Reno", "PostalCode": "89501", "Badge__c": 7.0}
    )
    theirs = keys.of_spotio({"address": {"street": "12 Elm St", "zip": "89501"}, "Badge": " 7 "})
    assert set(ours[2]) & set(theirs[2])
    assert ours[3] == theirs[3] != ()


def test_an_index_is_used_only_for_the_rules_that_it_was_made_for():
    mapping, keys = made()
    said = keys.document()
    assert MatchKeys.from_document(said, mapping, "US") == keys
    assert MatchKeys.from_document(None, mapping, "US") is None
    assert MatchKeys.from_document(said, mapping, "GB") is None, "phones mean other numbers"
    for before, after in (
        ("email, phone", "phone, email"),
        ("zip: PostalCode, ", ""),
        ("spotio: Mobile, salesforce: Cell__c", "spotio: Mobile, salesforce: MobilePhone"),
    ):
        changed = parse(DEFINITION.replace(before, after)).objects[0]
        assert MatchKeys.from_document(said, changed, "US") is None, after
    more = DEFINITION.replace(
        "    address:", "      - {spotio: X, salesforce: X, rule: two_way}\n    address:"
    )
    assert MatchKeys.from_document(said, parse(more).objects[0], "US") == keys
