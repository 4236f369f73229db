"""What the online check finds, one fact of either system at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reverse_sf.mapping.check import check, coverage
from reverse_sf.mapping.describe import (
    PicklistValue,
    SalesforceField,
    SalesforceObject,
    SalesforceOrg,
)
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.known_users import Person, Users
from reverse_sf.mapping.problem import Severity
from reverse_sf.mapping.workflow import SpotioField, SpotioType, Stage, Workflow

WRITABLE = {"createable": True, "updateable": True, "nillable": True}
DEFINITION = """\
version: 1
objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true, only_when: {Type: [Customer]}}
    owner: {spotio_default: ops@example.com, salesforce_default: ops@example.com.demo}
    fields:
      - {spotio: Company, salesforce: Name, rule: two_way}
      - {spotio: Stage, salesforce: Type, rule: salesforce_only, choices: {New: Customer}}
"""
CHILD = """\
  - spotio: Contacts
    salesforce: Contact
    to_spotio: {enabled: true}
    owner: {spotio_default: ops@example.com}
    parent: {salesforce: AccountId, spotio: Accounts}
    fields:
      - {spotio: Name, salesforce: LastName, rule: two_way}
      - {spotio: Stage, salesforce: Level__c, rule: two_way}
"""


def field(name, kind="string", **facts):
    values = tuple(PicklistValue(one) for one in facts.pop("picklist", ()))
    return SalesforceField(name, kind, picklist=values, **{**WRITABLE, **facts})


def org(*extra, **changed):
    fields = {
        "Name": field("Name", length=255, nillable=False),
        "Type": field("Type", "picklist", picklist=("Customer", "Partner")),
        "OwnerId": field(
            "OwnerId", "reference", reference_to=("User",), nillable=False, defaulted_on_create=True
        ),
        **{one.name: one for one in extra},
    }
    account = replace(SalesforceObject("Account", fields), **changed)
    contact = SalesforceObject(
        "Contact",
        {
            "LastName": field("LastName"),
            "Level__c": field("Level__c", "picklist"),
            "Rank__c": field("Rank__c", "double"),
            "OwnerId": field("OwnerId", "reference"),
            "AccountId": field("AccountId", "reference", reference_to=("Account",)),
        },
    )
    return SalesforceOrg({"Account": account, "Contact": contact}, ("Account", "Contact", "Lead"))


def workflow(*extra, **changed):
    fields = (SpotioField("1", "Company", "Text", role="Name", system_role="Company"), *extra)
    accounts = SpotioType("1", "Accounts", fields, (Stage("1", "New", "active"),), has_address=True)
    contacts = SpotioType(
        "2", "Contacts", (SpotioField("9", "Name", "Text", role="Name"),), parent_id="1"
    )
    return Workflow((replace(accounts, **changed), contacts))


USERS = Users(
    spotio=(Person("5", "ops@example.com"), Person("6", "gone@example.com", active=False)),
    salesforce=(Person("005x", "ops@example.com", "ops@example.com.demo"),),
)


def findings(text=DEFINITION, salesforce=None, spotio=None, users=USERS):
    return check(parse(text), salesforce or org(), spotio or workflow(), users)


def errors(*args, **kwargs):
    return [one for one in findings(*args, **kwargs) if one.severity is Severity.ERROR]


def with_field(said, text=DEFINITION):
    return f"{text}      - {said}\n"


def both_ways(text=DEFINITION):
    return text.replace(
        "    owner:",
        "    to_salesforce: {enabled: true}\n    salesforce_external_id: SPOTIO_Id__c\n    owner:",
    )


EXTERNAL_ID = field("SPOTIO_Id__c", length=40, external_id=True, unique=True)


def test_a_definition_that_fits_both_systems_has_no_findings():
    assert findings() == []
    assert errors(DEFINITION + CHILD) == []
    assert errors(both_ways(), org(EXTERNAL_ID)) == []


def test_every_finding_but_a_note_says_what_to_do():
    text = with_field("{spotio: Nope, salesforce: Nope__c, rule: two_way}")
    for one in findings(text, users=Users(spotio=(Person("1"),))):
        assert one.path
        assert one.remedy or one.severity is not Severity.ERROR


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("salesforce: Account", "salesforce: Acount", "did you mean Account?"),
        ("spotio: Accounts", "spotio: Acounts", "did you mean Accounts?"),
        ("spotio: Company", "spotio: Compny", "did you mean Company?"),
        ("spotio: Company", "spotio: 'role:Compny'", "did you mean role:Company?"),
        ("salesforce: Name", "salesforce: Nmae", "did you mean Name?"),
        ("{Type:", "{Typ:", "did you mean Type?"),
        ("[Customer]", "[Costumer]", "did you mean Customer?"),
        ("New: Customer", "New: Costumer", "did you mean Customer?"),
        ("New: Customer", "Nwe: Customer", "did you mean New?"),
        ("ops@example.com,", "opps@example.com,", "did you mean ops@example.com?"),
        ("ops@example.com.demo", "op@example.com.demo", "did you mean ops@example.com.demo?"),
        ("ops@example.com,", "gone@example.com,", "not active"),
    ],
)
def test_a_misspelt_name_is_an_error_and_a_close_one_is_offered(old, new, words):
    assert old in DEFINITION
    found = errors(DEFINITION.replace(old, new, 1))
    assert any(words in one.message for one in found)


def test_a_label_that_two_fields_have_asks_for_the_id():
    twins = (SpotioField("7", "Heat", "Text"), SpotioField("8", "Heat", "Text"))
    text = with_field("{spotio: Heat, salesforce: Heat__c, rule: two_way}")
    (only,) = errors(text, org(field("Heat__c")), workflow(*twins))
    assert "id:7, id:8" in only.remedy
    text = text.replace("spotio: Heat", "spotio: 'id:7'")
    assert errors(text, org(field("Heat__c")), workflow(*twins)) == []


def test_one_field_under_two_spellings_is_found():
    text = with_field("{spotio: 'role:Company', salesforce: Alias__c, rule: two_way}")
    (only,) = errors(text, org(field("Alias__c")))
    assert "are the same SPOTIO field" in only.message


@pytest.mark.parametrize(
    ("spotio", "salesforce", "severity"),
    [
        ("Text", "string", None),
        ("Email", "email", None),
        ("Number", "currency", None),
        ("Number", "string", Severity.WARNING),
        ("Date", "datetime", Severity.WARNING),
        ("Date", "double", Severity.ERROR),
        ("Address", "string", Severity.ERROR),
        ("Attachment", "base64", Severity.ERROR),
    ],
)
def test_types_fit_or_convert_or_do_not(spotio, salesforce, severity):
    text = with_field("{spotio: X, salesforce: X__c, rule: two_way}")
    facts = org(field("X__c", salesforce)), workflow(SpotioField("7", "X", spotio))
    found = [one.severity for one in findings(text, *facts) if one.path == "objects[0].fields[2]"]
    assert found == ([severity] if severity else [])
    strict = text.replace("X__c, rule", "X__c, conversion: strict, rule")
    assert bool(errors(strict, *facts)) == (severity is not None)


def test_read_only_and_inherited_fields_of_spotio_cannot_be_written():
    text = with_field("{spotio: X, salesforce: X__c, rule: two_way}")
    for facts in ({"read_only": True}, {"inherited": True}):
        spotio = workflow(SpotioField("7", "X", "Text", **facts))
        (only,) = errors(text, org(field("X__c")), spotio)
        assert only.path == "objects[0].fields[2].spotio"


def test_what_spotio_requires_must_be_sent_at_create():
    required = workflow(SpotioField("7", "Segment", "Text", required=True))
    (only,) = errors(spotio=required)
    assert "requires 'Segment'" in only.message
    mapped = with_field("{spotio: Segment, salesforce: Name, rule: salesforce_only}")
    assert errors(mapped, spotio=required) == []
    omitted = mapped.replace("rule: salesforce_only}", "rule: salesforce_only, on_create: omit}")
    assert len(errors(omitted, spotio=required)) == 1
    later = workflow(SpotioField("7", "Segment", "Text", required_in_stages=frozenset({"1"})))
    (only,) = findings(spotio=later)
    assert only.severity is Severity.WARNING
    assert "in the stage New" in only.message


def test_a_record_type_needs_one_of_its_name_fields():
    text = DEFINITION.replace("rule: two_way", "rule: do_not_sync")
    (only,) = errors(text)
    assert "none of the fields that name a record" in only.message


def test_what_salesforce_requires_must_be_sent_at_create():
    needy = org(EXTERNAL_ID, field("Region__c", nillable=False))
    (only,) = errors(both_ways(), needy)
    assert "requires Region__c" in only.message
    assert errors(DEFINITION, needy) == [], "nothing is created there"
    ticked = org(EXTERNAL_ID, field("Active__c", "boolean", nillable=False))
    assert errors(both_ways(), ticked) == []


def test_a_field_that_the_user_cannot_write_is_found_in_the_direction_that_writes_it():
    formula = field("Health__c", calculated=True, createable=False, updateable=False)
    text = with_field("{spotio: X, salesforce: Health__c, rule: two_way}")
    spotio = workflow(SpotioField("7", "X", "Text"))
    assert len(errors(both_ways(text), org(EXTERNAL_ID, formula), spotio)) == 2
    (only,) = findings(text, org(formula), spotio)
    assert "is a formula" in only.message
    assert only.severity is Severity.WARNING


def test_the_way_to_salesforce_without_an_external_id_is_a_warning():
    text = both_ways().replace("    salesforce_external_id: SPOTIO_Id__c\n", "")
    assert errors(text) == []
    (only,) = [one for one in findings(text) if "no salesforce_external_id" in one.message]
    assert only.severity is Severity.WARNING


def test_an_external_id_of_the_way_to_salesforce_must_be_unique():
    text = both_ways()
    for facts in ({"unique": False}, {"external_id": False}, {"length": 18}):
        assert len(errors(text, org(replace(EXTERNAL_ID, **facts)))) == 1
    assert any("no field SPOTIO_Id__c" in one.message for one in errors(text, org()))


def test_an_object_that_cannot_be_created_is_found():
    assert any(
        "may not create" in one.message
        for one in errors(both_ways(), org(EXTERNAL_ID, createable=False))
    )


def test_choices_that_nothing_maps_are_a_warning_unless_they_are_out_of_scope():
    wide = DEFINITION.replace(", only_when: {Type: [Customer]}", "")
    (only,) = findings(wide)
    assert only.severity is Severity.WARNING
    assert "Partner" in only.message
    assert findings(DEFINITION) == []
    listed = wide.replace("{New: Customer}", "{New: Customer, do_not_sync: [Partner]}")
    assert findings(listed) == []


def test_choices_by_name_that_the_other_side_lacks_are_a_warning():
    text = with_field("{spotio: Heat, salesforce: Heat__c, rule: two_way}")
    heat = field("Heat__c", "picklist", picklist=("Hot", "Warm"))
    (only,) = findings(
        text, org(heat), workflow(SpotioField("7", "Heat", "SingleChoice", options=("Hot",)))
    )
    assert "Warm" in only.message


def test_two_choices_for_one_value_are_noted():
    text = DEFINITION.replace("{New: Customer}", "{New: Customer, Old: Customer}")
    (only,) = check(parse(text))
    assert only.severity is Severity.NOTE
    assert "'New' is written" in only.message


def test_a_parent_must_be_spotios_parent_and_the_lookups_object():
    text = DEFINITION + CHILD
    lonely = workflow()
    lonely = Workflow((lonely.types[0], replace(lonely.types[1], parent_id=None)))
    assert any("is not 'Accounts' but none" in one.message for one in errors(text, spotio=lonely))
    wrong = text.replace("AccountId", "Rank__c")
    assert any("a parent is a lookup" in one.message for one in errors(wrong))
    elsewhere = text.replace("AccountId", "OwnerId")
    facts = org()
    contact = facts.objects["Contact"]
    owner = field("OwnerId", "reference", reference_to=("User",))
    objects = {
        **facts.objects,
        "Contact": replace(contact, fields={**contact.fields, "OwnerId": owner}),
    }
    found = errors(elsewhere, replace(facts, objects=objects))
    assert any("refers to User" in one.message for one in found)


def test_a_parent_that_spotio_requires_must_be_mapped():
    (only,) = errors(spotio=workflow(parent_required=True))
    assert "requires a parent" in only.message


def test_an_address_needs_a_type_that_has_one_and_coordinates_if_it_is_not_looked_up():
    text = DEFINITION.replace(
        "    fields:",
        "    address: {street: Street__c, skip_geocoding: true, rule: two_way}\n    fields:",
    )
    found = findings(text, org(field("Street__c")))
    assert [one.severity for one in found] == [Severity.WARNING]
    assert "skip_geocoding without coordinates" in found[0].message
    assert any(
        "have no address" in one.message
        for one in errors(text, org(field("Street__c")), workflow(has_address=False))
    )
    assert any("no field Street__c" in one.message for one in errors(text))


def test_a_condition_on_a_checkbox_takes_true_or_false():
    text = DEFINITION.replace("{Type: [Customer]}", "{Active__c: ['true']}")
    (only,) = errors(text, org(field("Active__c", "boolean")))
    assert "is a checkbox" in only.message


def test_a_condition_on_spotios_side_is_checked_against_its_stages():
    text = both_ways().replace(
        "to_salesforce: {enabled: true}",
        "to_salesforce: {enabled: true, only_when: {Stage: [Nwe], Heet: [x]}}",
    )
    found = [one.message for one in errors(text, org(EXTERNAL_ID))]
    assert any("did you mean New?" in one for one in found)
    assert any("no field 'Heet'" in one for one in found)


def test_a_pair_without_a_direction_and_without_an_owner_is_told_offline():
    text = DEFINITION.replace("enabled: true", "enabled: false")
    assert any("no direction is enabled" in one.message for one in check(parse(text)))
    lines = [one for one in DEFINITION.splitlines() if "owner:" not in one]
    (only,) = check(parse("\n".join(lines)))
    assert "no owner is mapped" in only.message
    no_default = DEFINITION.replace("spotio_default: ops@example.com, ", "")
    (only,) = check(parse(no_default))
    assert "there is no spotio_default" in only.message


def test_coverage_counts_what_can_be_mapped_and_what_is():
    spotio = workflow(
        SpotioField("7", "X", "Text"),
        SpotioField("8", "Fixed", "Text", read_only=True),
        SpotioField("9", "Address", "Address"),
    )
    (counted,) = coverage(parse(DEFINITION), org(), spotio)
    assert (counted.spotio_mapped, counted.spotio_mappable) == (1, 2)
    assert (counted.salesforce_mapped, counted.salesforce_mappable) == (2, 2)
    (counted,) = coverage(parse(DEFINITION))
    assert counted.spotio_mappable is None


def test_errors_come_first():
    text = with_field("{spotio: Nope, salesforce: Nope__c, rule: two_way}").replace(
        ", only_when: {Type: [Customer]}", ""
    )
    order = [Severity.ERROR, Severity.WARNING, Severity.NOTE]
    severities = [order.index(one.severity) for one in findings(text)]
    assert severities == sorted(severities)
