"""sync.yml: what it becomes, and how every mistake in it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reverse_sf.errors import ConfigurationError
from reverse_sf.mapping import definition as d
from reverse_sf.mapping.document import parse, schema
from reverse_sf.mapping.pair import content_fields, needed_fields
from reverse_sf.sync_file import read_sync_file

ROOT = Path(__file__).resolve().parents[2]

SMALLEST = """\
version: 1
objects:
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: true}
    fields:
      - {spotio: Company, salesforce: Company, rule: two_way}
"""
CHILD = """\
  - spotio: Contacts
    salesforce: Contact
    parent: {salesforce: AccountId, spotio: %s}
    fields:
      - {spotio: Email, salesforce: Email, rule: two_way}
"""


def problems_of(text: str | bytes) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return list(caught.value.problems) or [str(caught.value)]


def with_field(field: str) -> str:
    return f"{SMALLEST}      - {field}\n"


def test_the_projects_own_sync_file_is_sound_and_maps_the_four_objects():
    definition = read_sync_file(ROOT / "sync.yml")
    assert [one.name for one in definition.objects] == [
        "Account:Accounts",
        "Contact:Contacts",
        "Lead:Leads",
        "Opportunity:Opportunities",
    ]
    assert all(one.to_spotio.enabled for one in definition.objects)
    assert all(one.to_salesforce.enabled for one in definition.objects)


def test_the_published_schema_is_a_schema_and_knows_the_same_words_as_the_definition():
    Draft202012Validator.check_schema(schema())
    defs = schema()["$defs"]
    direction, field = defs["direction"]["properties"], defs["field"]["properties"]
    for said, known in (
        (defs["rule"]["enum"], d.SyncRule),
        (direction["history"]["enum"], d.History),
        (field["conversion"]["enum"], d.Conversion),
        (field["compare"]["enum"], d.Comparison),
        (defs["on_delete"]["properties"]["in_spotio"]["enum"], d.DeletePolicy),
        (defs["match"]["items"]["then"]["enum"], d.MatchRule),
    ):
        assert sorted(said) == sorted(one.value for one in known)
    assert set(d.ADDRESS_COMPONENTS) < set(defs["address"]["properties"])


def test_defaults_are_the_safe_ones():
    one = parse(SMALLEST).objects[0]
    assert one.to_spotio.history is d.History.PAST_AND_FUTURE
    assert one.to_salesforce.enabled is False
    assert one.match == (d.MatchRule.EXTERNAL_ID,)
    assert one.on_delete_in_salesforce is d.DeletePolicy.IGNORE
    assert one.fields[0].truncate is False


def test_choices_may_name_several_salesforce_values_and_values_that_are_not_sent():
    field = (
        parse(
            with_field(
                "{spotio: Source, salesforce: LeadSource, rule: two_way, choices: "
                "{Web: [Web, Chat], Dead: do_not_sync, do_not_sync: [Purchased]}}"
            )
        )
        .objects[0]
        .fields[1]
    )
    assert field.choices == {"Web": "Web", "Dead": None}
    assert field.salesforce_choices == {"Chat": "Web", "Purchased": None}


def test_choices_that_look_like_yes_and_no_stay_text():
    field = (
        parse(
            with_field("{spotio: A, salesforce: A__c, rule: two_way, choices: {Yes: No, on: off}}")
        )
        .objects[0]
        .fields[1]
    )
    assert field.choices == {"Yes": "No", "on": "off"}


def test_an_image_needs_what_is_mapped_and_what_decides():
    accounts, contacts, leads, _ = read_sync_file(ROOT / "sync.yml").objects
    assert {"Id", "SystemModstamp", "IsDeleted", "OwnerId", "Type", "BillingLatitude"} <= (
        needed_fields(accounts)
    )
    assert "AccountId" in needed_fields(contacts)
    assert "Description" not in needed_fields(contacts), "do_not_sync is not read"
    assert {"IsConverted", "MasterRecordId"} <= needed_fields(leads)
    assert "SystemModstamp" not in content_fields(accounts)


def test_the_fingerprint_ignores_layout_and_order_and_sees_every_meaning():
    reordered = SMALLEST.replace(
        "    to_spotio: {enabled: true}\n", "    # a comment\n    to_spotio:\n      enabled: true\n"
    )
    before = parse(SMALLEST).objects[0].fingerprint
    assert parse(reordered).objects[0].fingerprint == before
    for changed in (
        SMALLEST.replace("two_way", "manual"),
        SMALLEST.replace("enabled: true", "enabled: false"),
        with_field("{spotio: Email, salesforce: Email, rule: two_way}"),
        SMALLEST.replace("rule: two_way", "rule: two_way, on_create: omit"),
        SMALLEST.replace("rule: two_way", "rule: two_way, choices: {A: B, C: B}"),
    ):
        assert parse(changed).objects[0].fingerprint != before
    swapped = SMALLEST.replace("rule: two_way", "rule: two_way, choices: {C: B, A: B}")
    one_way = SMALLEST.replace("rule: two_way", "rule: two_way, choices: {A: B, C: B}")
    assert parse(swapped).fingerprint != parse(one_way).fingerprint, "the first choice is written"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("objects: [a: b", "line 1"),
        ("version: 1\nobjects:\n\t- x", "tabs"),
        ("version: 1\nversion: 1\n", "line 2"),
        ("version: 1\nobjects:\n  - spotio: A: B\n", "line 3"),
        (b"version: 1\nobjects: # \xfc\n", "not UTF-8 text (line 2)"),
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("just words", "the file: 'just words'"),
        ("version: 1\x00", "not valid YAML"),
        ("a: &x [*y]", "not valid YAML"),
    ],
)
def test_what_is_not_yaml_is_told_in_one_sentence_with_its_line(text, words):
    (only,) = problems_of(text)
    assert words in only


def test_a_byte_order_mark_and_utf_16_are_read():
    assert parse(SMALLEST.encode("utf-8-sig")) == parse(SMALLEST)
    assert parse(SMALLEST.encode("utf-16")) == parse(SMALLEST)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: 1", "version: 2", "version (line 1): 2 is not supported"),
        (
            "enabled",
            "enable",
            "objects[0].to_spotio.enable (line 5): unknown key 'enable'; did",
        ),
        ("two_way", "two_ways", "objects[0].fields[0].rule (line 7): 'two_ways' is not one of"),
        ("two_way", "two_ways", "did you mean two_way?"),
        (", rule: two_way", "", "objects[0].fields[0] (line 7): 'rule' is missing"),
        ("spotio: Company", "spotio: 5", "put quotes around it"),
        ("salesforce: Lead", "salesforce: Lead Object", "is not an API name"),
        ("enabled: true", "enabled: Yes please", "true or false is expected"),
        ("enabled: true", "only_when: {Status: Open}", "'Open' stands where a list is expected"),
        ("enabled: true", "only_when: {Status: []}", "list at least one"),
        ("rule: two_way", "rule: two_way, choices: {1: Hot}", "1 is not text here"),
        ("rule: two_way", "rule: two_way, choices: {Hot: null}", "nothing stands where text"),
        ("spotio: Company", "spotio: stage", "is spelled Stage"),
        ("salesforce: Company", "salesforce: OwnerId", "owner:"),
        ("spotio: Company", "spotio: 'role:'", "names no field"),
        ("    fields:", "    activities: []\n    fields:", "it is empty"),
        ("    fields:", "    address: {rule: two_way}\n    fields:", "no component"),
        (
            "    fields:",
            "    address: {rule: two_way, latitude: Lat__c}\n    fields:",
            "'latitude' needs 'longitude'",
        ),
        ("    fields:", "    match: [email, email]\n    fields:", "twice"),
        (
            "rule: two_way",
            "rule: two_way, choices: {A: X, B: [Y, X]}",
            "'X' is mapped to 'A' and to the choice 'B'",
        ),
    ],
)
def test_a_mistake_is_told_with_its_path_its_line_and_a_remedy(old, new, words):
    assert old in SMALLEST
    assert any(words in one for one in problems_of(SMALLEST.replace(old, new, 1)))


def test_all_problems_are_told_at_once_and_in_the_order_of_the_file():
    text = SMALLEST.replace("version: 1", "version: 2").replace("enabled", "enable")
    text = text.replace("two_way", "to_way") + CHILD % "Accounts"
    found = problems_of(text)
    assert [one.split(" (")[0] for one in found] == [
        "version",
        "objects[0].to_spotio.enable",
        "objects[0].fields[0].rule",
        "objects[1].parent.spotio",
    ]


def test_a_pair_stands_once():
    (only,) = problems_of(SMALLEST + SMALLEST.partition("objects:\n")[2])
    assert "Lead and Leads are joined twice" in only


def test_a_spotio_field_is_mapped_once():
    (only,) = problems_of(with_field("{spotio: Company, salesforce: Name, rule: do_not_sync}"))
    assert "'Company' is mapped already, in objects[0].fields[0]" in only


def test_a_salesforce_field_may_feed_two_fields_but_is_written_by_one():
    fan_out = with_field("{spotio: Alias, salesforce: Company, rule: salesforce_only}")
    assert len(parse(fan_out).objects[0].fields) == 2
    both_ways = fan_out.replace("    fields:", "    to_salesforce: {enabled: true}\n    fields:")
    (only,) = problems_of(both_ways)
    assert "'Company' in Salesforce is written already" in only
    never_back = both_ways.replace("salesforce_only", "salesforce_only, on_create: omit")
    assert len(parse(never_back).objects[0].fields) == 2


def test_a_parent_must_be_mapped_and_a_close_name_is_offered():
    (only,) = problems_of(SMALLEST + CHILD % "Leeds")
    assert "'Leeds' is not mapped in this file" in only
    assert only.endswith("did you mean Leads?")


def test_parents_may_not_go_round_in_a_circle():
    text = SMALLEST.replace(
        "    fields:", "    parent: {salesforce: Contact__c, spotio: Contacts}\n    fields:"
    )
    found = problems_of(text + CHILD % "Leads")
    assert any("Leads > Contacts > Leads" in one for one in found)
    (own,) = problems_of(SMALLEST + CHILD % "Contacts")
    assert "circle" in own


def test_a_missing_file_says_how_to_name_another(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no sync definition at .*sync_file"):
        read_sync_file(tmp_path / "sync.yml")


def test_a_folder_in_place_of_the_file_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_sync_file(tmp_path)


def test_anchors_and_merge_keys_serve_to_say_a_thing_once():
    text = SMALLEST.replace("to_spotio: {enabled: true}", "to_spotio: &on {enabled: true}")
    text += (CHILD % "Leads").replace("    fields:", "    to_spotio:\n      <<: *on\n    fields:")
    assert parse(text).objects[1].to_spotio.enabled


def test_the_schema_is_published_with_a_description_for_every_key():
    def undescribed(node, path):
        if isinstance(node, dict):
            for name, one in node.get("properties", {}).items():
                target = one
                if "$ref" in one:
                    target = schema()["$defs"][one["$ref"].rpartition("/")[2]]
                if "description" not in target:
                    yield f"{path}.{name}"
            for name, one in node.items():
                yield from undescribed(one, f"{path}.{name}")

    assert list(undescribed(schema(), "")) == []
    assert json.loads(json.dumps(schema())) == schema()
