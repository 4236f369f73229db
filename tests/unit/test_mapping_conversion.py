"""Conversions value by value: what is sent, and why something is not."""

from __future__ import annotations

import re

import pytest

from reverse_sf.mapping import canon
from reverse_sf.mapping.address import compile_address
from reverse_sf.mapping.conversion import compile_field
from reverse_sf.mapping.criteria import compile_criteria
from reverse_sf.mapping.definition import (
    AddressMapping,
    Comparison,
    Conversion,
    Criterion,
    FieldMapping,
    SyncRule,
)
from reverse_sf.mapping.describe import PicklistValue, SalesforceField, SalesforceObject
from reverse_sf.mapping.values import UNSET, Reason, Undefined, is_blank
from reverse_sf.mapping.workflow import SpotioField, Workflow


def pair(spotio=None, salesforce=None, *, options=(), picklist=(), **said):
    facts = {
        key: said.pop(key)
        for key in ("length", "precision", "scale", "digits", "restricted", "stated")
        if key in said
    }
    p = SpotioField("20", "Field", spotio, options=options) if spotio else None
    values = tuple(PicklistValue(one) for one in picklist)
    s = SalesforceField("Field__c", salesforce, picklist=values, **facts) if salesforce else None
    return compile_field(FieldMapping("Field", "Field__c", SyncRule.TWO_WAY, **said), s, p)


@pytest.mark.parametrize(
    ("spotio", "salesforce", "source", "image"),
    [
        ("Text", "string", "  Müller \r\n", "Müller"),
        ("Text", "string", "Mu\u0308ller", "Müller"),
        ("MultiLine", "textarea", "a\r\nb", "a\nb"),
        ("Number", "double", 12.0, 12),
        ("Number", "double", 0, 0),
        ("Number", "int", "7", 7),
        ("Currency", "currency", 12.345, 12.345),
        ("Date", "date", "2026-01-05", "2026-01-05"),
        ("Date", "date", "2026-01-05T00:00:00.000000Z", "2026-01-05"),
        ("Date", "datetime", "2026-01-05T00:00:00.000Z", "2026-01-05"),
        ("DateTime", "date", "2026-01-05", "2026-01-05T00:00:00Z"),
        ("DateTime", "datetime", "2026-05-06T11:56:44.000Z", "2026-05-06T11:56:44Z"),
        ("DateTime", "datetime", "2026-05-06T11:56:44.000+0000", "2026-05-06T11:56:44Z"),
        ("DateTime", "datetime", "2026-05-06T11:56:44+02:00", "2026-05-06T09:56:44Z"),
        ("Text", "boolean", False, "false"),
        ("Number", "boolean", True, 1),
        ("Text", "double", 5.0, "5"),
        ("Text", "multipicklist", "B;A", "A;B"),
        ("Text", "reference", "001D000000IRFma", "001D000000IRFmaIAH"),
        ("Number", "string", " 12.50 ", 12.5),
    ],
)
def test_a_value_becomes_the_destinations_value(spotio, salesforce, source, image):
    converted = pair(spotio, salesforce).to_spotio(source)
    assert (type(converted), converted) == (type(image), image)


@pytest.mark.parametrize(
    ("spotio", "salesforce", "source", "reason"),
    [
        ("Number", "string", "twelve", Reason.UNPARSABLE),
        ("Number", "string", "NaN", Reason.UNPARSABLE),
        ("Date", "string", "05.01.2026", Reason.UNPARSABLE),
        ("Date", "string", "2026-02-30", Reason.UNPARSABLE),
        ("Date", "datetime", "2026-01-05T13:00:00.000Z", Reason.UNPARSABLE),
        ("DateTime", "string", "soon", Reason.UNPARSABLE),
        ("Address", "string", "12 Elm", Reason.TYPE_MISMATCH),
        ("Date", "double", 5, Reason.TYPE_MISMATCH),
    ],
)
def test_a_value_that_does_not_convert_says_why(spotio, salesforce, source, reason):
    converted = pair(spotio, salesforce).to_spotio(source)
    assert isinstance(converted, Undefined)
    assert converted.reason is reason


@pytest.mark.parametrize(
    ("facts", "source", "reason"),
    [
        ({"salesforce": "string", "length": 3}, "four", Reason.TOO_LONG),
        ({"salesforce": "double", "precision": 6, "scale": 2}, 10000, Reason.OUT_OF_RANGE),
        ({"salesforce": "int"}, 2**31, Reason.OUT_OF_RANGE),
        ({"salesforce": "date"}, "1600-01-01", Reason.OUT_OF_RANGE),
        ({"salesforce": "boolean", "spotio": "Text"}, "maybe", Reason.UNPARSABLE),
    ],
)
def test_what_salesforce_cannot_hold_is_known_before_it_is_sent(facts, source, reason):
    converted = pair(**facts).to_salesforce(source)
    assert isinstance(converted, Undefined)
    assert converted.reason is reason


def test_a_number_is_rounded_half_up_at_salesforces_scale():
    converter = pair("Number", "double", precision=6, scale=2)
    assert converter.to_salesforce("2.675") == 2.68
    assert converter.to_salesforce(9999.994) == 9999.99
    assert isinstance(converter.to_salesforce(9999.995), Undefined), "it rounds to 10,000"
    assert converter.agrees("2.675", 2.68)


def test_a_long_text_is_cut_only_where_the_definition_says_so():
    cut = pair("Text", "string", length=5, truncate=True)
    assert cut.to_salesforce("1234 678") == "1234"
    assert cut.agrees("1234 678", "1234")
    assert pair("Text", "string", length=5).to_salesforce("12345") == "12345"


def test_strict_takes_only_values_of_the_fields_own_type():
    strict = {"conversion": Conversion.STRICT}
    number = pair("Number", "double", **strict)
    assert number.to_spotio(5) == 5
    assert number.to_spotio("5").reason is Reason.UNPARSABLE
    assert number.to_spotio(" ") is None
    assert pair("Number", "string", **strict).to_spotio("5").reason is Reason.TYPE_MISMATCH
    date = pair("Date", "date", **strict)
    assert date.to_spotio("2026-01-05") == "2026-01-05"
    assert date.to_spotio("2026-01-05T00:00:00.000Z").reason is Reason.UNPARSABLE


CHOICES = {"Hot": "Hot", "Lukewarm": "Warm", "Mild": "Warm", "Dead": None}


def test_choices_are_mapped_and_nothing_is_guessed():
    converter = pair("SingleChoice", "picklist", choices=CHOICES, options=tuple(CHOICES))
    assert converter.to_spotio("Warm") == "Lukewarm", "the first of several is written"
    assert converter.to_salesforce("Mild") == "Warm"
    assert converter.to_salesforce("Dead").reason is Reason.DO_NOT_SYNC
    assert converter.to_spotio("Dead").reason is Reason.DO_NOT_SYNC
    assert converter.to_spotio("Freezing").reason is Reason.CHOICE_UNMAPPED
    assert "'Freezing'" in converter.to_spotio("Freezing").message


def test_a_finer_choice_agrees_with_the_coarser_one_it_is_mapped_to():
    converter = pair("SingleChoice", "picklist", choices=CHOICES)
    assert converter.agrees("Mild", "Warm")
    assert converter.agrees("Lukewarm", "Warm")
    assert not converter.agrees("Hot", "Warm")


def test_choices_that_trade_names_do_not_agree_by_spelling():
    converter = pair("SingleChoice", "picklist", choices={"A": "B", "B": "A"})
    assert converter.agrees("A", "B")
    assert not converter.agrees("A", "A")


def test_further_salesforce_values_are_read_and_never_written():
    converter = pair(
        "SingleChoice",
        "picklist",
        choices={"Other": "Other"},
        salesforce_choices={"Agriculture": "Other", "Purchased": None},
    )
    assert converter.to_spotio("Agriculture") == "Other"
    assert converter.to_salesforce("Other") == "Other"
    assert converter.agrees("Other", "Agriculture")
    assert converter.to_spotio("Purchased").reason is Reason.DO_NOT_SYNC


def test_without_a_choice_map_only_choices_of_the_destination_pass():
    converter = pair(
        "SingleChoice", "picklist", options=("Hot",), picklist=("Hot", "Warm"), restricted=True
    )
    assert converter.to_spotio("Hot") == "Hot"
    assert converter.to_spotio("hot") == "Hot"
    assert converter.to_spotio("Warm").reason is Reason.CHOICE_UNKNOWN
    assert converter.to_salesforce("Cold").reason is Reason.CHOICE_UNKNOWN


def test_a_mapped_choice_that_the_destination_lost_is_not_sent():
    converter = pair("SingleChoice", "picklist", choices=CHOICES, options=("Hot",))
    assert converter.to_spotio("Warm").reason is Reason.CHOICE_UNKNOWN


def test_a_multi_select_is_a_set():
    converter = pair("MultiChoice", "multipicklist")
    assert converter.to_spotio("Panels;Alarms;Panels") == ["Alarms", "Panels"]
    assert converter.to_salesforce(["Panels", "Alarms"]) == "Alarms;Panels"
    assert converter.agrees(["Panels", "Alarms"], "Panels;Alarms")
    assert not converter.agrees(["Panels"], "Panels;Alarms")


def test_a_caller_may_change_the_list_it_got():
    converter = pair("MultiChoice", "multipicklist")
    converter.to_spotio("A;B").append("C")
    assert converter.to_spotio("A;B") == ["A", "B"]


def test_one_unmapped_part_withholds_the_field_and_a_do_not_sync_part_is_left_out():
    converter = pair("MultiChoice", "multipicklist", choices={"A": "A", "B": None})
    assert converter.to_spotio("A;B") == ["A"]
    assert converter.to_spotio("B").reason is Reason.DO_NOT_SYNC
    assert converter.to_spotio("A;C").reason is Reason.CHOICE_UNMAPPED


def test_several_values_do_not_fit_into_one():
    converter = pair("SingleChoice", "multipicklist")
    assert converter.to_spotio("A") == "A"
    assert converter.to_spotio("A;B").reason is Reason.SEVERAL_VALUES


def test_a_checkbox_maps_to_choices():
    converter = pair("SingleChoice", "boolean", choices={"Yes": "true", "No": "false"})
    unticked = False
    assert converter.to_spotio(unticked) == "No"
    assert converter.to_salesforce("Yes") is True
    assert converter.agrees("No", unticked)


def test_another_taps_schema_takes_its_types_from_spotio():
    text = SalesforceField.from_property("Products__c", {"type": ["null", "string"]})
    mapping = FieldMapping("Products", "Products__c", SyncRule.TWO_WAY)
    converter = compile_field(mapping, text, SpotioField("1", "Products", "MultiChoice"))
    assert converter.to_spotio("B;A") == ["A", "B"]
    date = SalesforceField.from_property(
        "Birthdate",
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]},
    )
    converter = compile_field(mapping, date, SpotioField("1", "Birthday", "Date"))
    assert converter.to_spotio("1980-01-05T00:00:00.000000Z") == "1980-01-05"


def test_without_any_facts_values_pass_in_their_own_type():
    converter = pair()
    assert converter.to_spotio("x ") == "x"
    assert pair(salesforce="datetime").to_spotio("2026-01-05T00:00:00.000Z") == (
        "2026-01-05T00:00:00Z"
    )


def test_normal_forms_compare_and_do_not_rewrite():
    phone = pair("Phone", "phone", compare=Comparison.NORMAL_FORM)
    assert phone.agrees("(415) 555-0100", "+1 415 555 0100")
    assert phone.to_spotio("(415) 555-0100") == "(415) 555-0100"
    assert not pair("Phone", "phone").agrees("(415) 555-0100", "4155550100")
    email = pair("Email", "email", compare=Comparison.NORMAL_FORM)
    assert email.agrees("A@Example.com", "a@example.com")


def test_the_checksum_of_an_id_is_salesforces(shared):
    recorded = {
        found
        for file in (shared / "data" / "fixtures_restforce").glob("*.json")
        for found in re.findall(r'"(00[0-9A-Za-z]{16})"', file.read_text())
    }
    assert recorded
    for one in recorded:
        assert canon.record_id(one[:15]) == one


@pytest.mark.parametrize("blank", [None, "", " \t\n", [], (), set(), {}])
def test_blank_is_null_empty_text_and_empty_collections(blank):
    assert is_blank(blank)


@pytest.mark.parametrize("value", [0, 0.0, False, "0", [0], UNSET])
def test_zero_false_and_absent_are_not_blank(value):
    assert not is_blank(value)


ADDRESS = AddressMapping(
    {"street": "Street", "city": "City", "latitude": "Latitude", "longitude": "Longitude"},
    skip_geocoding=True,
    rule=SyncRule.TWO_WAY,
)


def test_an_address_is_one_value_and_absent_components_are_not_known():
    converter = compile_address(ADDRESS)
    assert converter.read({"Name": "x"}) is UNSET
    assert converter.read({"Street": "", "City": None}) is None
    assert converter.read({"Street": "12 Elm St\r\nSuite 3", "City": " Bonn"}) == {
        "street": "12 Elm St\nSuite 3",
        "city": "Bonn",
    }
    assert converter.to_spotio({"street": "12 Elm St\nSuite 3"}) == {"street": "12 Elm St, Suite 3"}


def test_a_house_number_that_spotio_takes_off_belongs_to_the_street():
    converter = compile_address(ADDRESS)
    spotio = {"house_number": "12", "street": "Elm St", "city": "Bonn", "country": "Germany"}
    assert converter.canon_spotio(spotio) == {"street": "12 Elm St", "city": "Bonn"}
    assert converter.agrees(spotio, {"street": "12 Elm St", "city": "Bonn"})
    assert not converter.agrees(spotio, {"street": "12 Elm St", "city": "Berlin"})


def test_an_address_that_is_too_long_names_its_component():
    city = SalesforceField("City", "string", length=3)
    converter = compile_address(ADDRESS, SalesforceObject("Lead", {"City": city}))
    undefined = converter.to_salesforce({"city": "Bonn"})
    assert undefined.reason is Reason.TOO_LONG
    assert undefined.message.startswith("city:")
    assert converter.salesforce_fields({"city": "Ulm", "zip": "1"}) == {"City": "Ulm"}


def test_a_record_takes_part_when_every_condition_holds():
    criteria = compile_criteria(
        [Criterion("Type", ("Prospect", "Customer")), Criterion("Active__c", (True,))]
    )
    assert criteria({"Type": "Customer ", "Active__c": True})
    assert not criteria({"Type": "Customer", "Active__c": 1})
    assert criteria.refusal({"Type": "Customer", "Active__c": True}) is None
    assert criteria.refusal({"Type": "Partner", "Active__c": True}) == (
        "Type is Partner, not one of Prospect, Customer"
    )
    assert criteria.refusal({"Type": None}) == "Type is blank, not one of Prospect, Customer"
    assert criteria.refusal({"Type": "Customer", "Active__c": False}) == (
        "Active__c is false, not true"
    )
    assert "was not read" in criteria.refusal({"Type": "Customer"})


def test_a_multi_select_takes_part_when_it_contains_a_value_and_blank_only_where_asked():
    criteria = compile_criteria([Criterion("Products__c", ("Panels",))])
    assert criteria({"Products__c": "Alarms;Panels"})
    assert not criteria({"Products__c": ""})
    assert compile_criteria([Criterion("Products__c", (None,))])({"Products__c": " "})
    assert compile_criteria([])({})


def test_the_workflow_is_read_whatever_the_case_of_its_enumerations():
    answer = [
        {
            "id": 3,
            "name": "Leads",
            "hasAddress": True,
            "fields": [
                {"id": 100002, "name": "First", "type": "text", "systemRole": "firstName"},
                {"id": "20", "name": "Heat", "type": "SingleChoice", "activeOptions": ["Hot"]},
                {"id": 21, "name": "Heat", "type": "Number", "stageConstraints": [2]},
            ],
            "stages": {
                "active": {"stages": [{"id": 1, "name": "New"}]},
                "won": None,
                "lost": {"stages": [{"id": 2, "name": "Lost", "lossReasons": ["Price"]}]},
            },
        }
    ]
    leads = Workflow.from_api(answer).type("Leads")
    assert leads.id == "3"
    assert leads.field("role:FirstName").type == "Text"
    assert leads.field("Heat") is None, "the label is not unique"
    assert leads.field("id:20").options == ("Hot",)
    assert leads.field("Stage").options == ("New", "Lost")
    assert leads.stage("Lost").group == "lost"
    assert Workflow.from_api(answer).type_by_id("3") is leads or leads is not None
