"""Changes to the text of sync.yml: what was asked for, and not a character more."""

from __future__ import annotations

from difflib import ndiff

import pytest

from reverse_sf.errors import UsageError
from reverse_sf.mapping.definition import Direction, SyncRule
from reverse_sf.mapping.document import parse
from reverse_sf.mapping.edits import (
    FieldEdit,
    choices_text,
    with_direction,
    with_field,
    with_new_field,
    with_rule,
    without_field,
)
from tests.conftest import ROOT

TEXT = """\
# What we sync.
version: 1
objects:
  # the companies
  - spotio: "Accounts"
    salesforce: Account
    to_spotio:
      enabled: true   # since May
    fields:
      # who they are
      - {spotio: Company, salesforce: Name, rule: salesforce_only}   # the name
      - {spotio: 'Website', salesforce: Website, rule: two_way}
      # how they are
      - spotio: Rating
        salesforce: Rating
        rule: two_way   # sales says
        choices:
          Hot: Hot      # warmest
          Lukewarm: Warm
          Cold: do_not_sync
    # who owns them
    owner: {spotio_default: ops@example.com}

  # the people
  - spotio: Contacts
    salesforce: Contact
    to_spotio: {enabled: true}
    fields:
      - spotio: Last Name
        salesforce: LastName
        rule: two_way
# the end
"""
COMPANY, WEBSITE, RATING = (f"objects[0].fields[{at}]" for at in range(3))
LAST_NAME = "objects[1].fields[0]"


def changed(new: str) -> list[str]:
    """The lines that went and the lines that came, in order; a comment keeps its column."""
    lines = ndiff(TEXT.splitlines(), new.splitlines())
    return [f"{one[0]} {' '.join(one[2:].split())}" for one in lines if one[0] in "+-"]


def rating(choices: str, rule: SyncRule = SyncRule.TWO_WAY) -> FieldEdit:
    return FieldEdit("Rating", "Rating", rule, choices=choices)


def test_a_rule_is_changed_and_the_comment_beside_it_stays():
    edit = FieldEdit("Company", "Name", SyncRule.TWO_WAY)
    assert changed(with_field(TEXT, COMPANY, edit)) == [
        "- - {spotio: Company, salesforce: Name, rule: salesforce_only} # the name",
        "+ - {spotio: Company, salesforce: Name, rule: two_way} # the name",
    ]


def test_what_is_asked_for_as_it_is_changes_nothing():
    same = rating(choices_text(TEXT, RATING))
    assert with_field(TEXT, RATING, same) == TEXT
    assert with_rule(TEXT, "objects[0].owner", SyncRule.SALESFORCE_ONLY) == TEXT
    assert with_direction(TEXT, "objects[0]", Direction.TO_SPOTIO, enabled=True) == TEXT
    assert with_direction(TEXT, "objects[0]", Direction.TO_SALESFORCE, enabled=False) == TEXT


def test_settings_come_and_go():
    edit = FieldEdit(
        "Website",
        "Website",
        SyncRule.TWO_WAY,
        omit_on_create=True,
        truncate=True,
        strict=True,
        normal_form=True,
    )
    new = with_field(TEXT, WEBSITE, edit)
    (one,) = [one for one in parse(new).objects[0].fields if one.spotio == "Website"]
    assert (one.omit_on_create, one.truncate) == (True, True)
    assert (one.conversion.value, one.compare.value) == ("strict", "normal_form")
    assert with_field(new, WEBSITE, FieldEdit("Website", "Website", SyncRule.TWO_WAY)) == TEXT


@pytest.mark.parametrize(
    ("choices", "lines"),
    [
        (
            "Hot: Hot\nLukewarm: [Warm, Tepid]\nCold: do_not_sync\n",
            ["- Lukewarm: Warm", "+ Lukewarm: [Warm, Tepid]"],
        ),
        ("Hot: Hot\nLukewarm: Warm\n", ["- Cold: do_not_sync"]),
        (
            "Hot: Hot\nLukewarm: Warm\nCold: do_not_sync\nIcy: Cold\n",
            ["+ Icy: Cold"],
        ),
    ],
)
def test_choices_are_changed_one_by_one(choices, lines):
    assert changed(with_field(TEXT, RATING, rating(choices))) == lines


def test_the_order_of_choices_is_the_one_that_is_asked_for():
    new = with_field(TEXT, RATING, rating("Lukewarm: Warm\nHot: Warm\n"))
    assert list(parse(new).objects[0].fields[2].choices) == ["Lukewarm", "Hot"]


def test_without_choices_the_comments_below_them_stay():
    new = with_field(TEXT, RATING, rating("", SyncRule.SPOTIO_ONLY))
    assert parse(new).objects[0].fields[2].choices is None
    assert "    # who owns them\n" in new


def test_choices_are_given_to_a_field_on_one_line():
    edit = FieldEdit("Website", "Website", SyncRule.TWO_WAY, choices="A: B\n")
    assert changed(with_field(TEXT, WEBSITE, edit))[1:] == [
        "+ - {spotio: 'Website', salesforce: Website, rule: two_way, choices: {A: B}}"
    ]


def test_a_field_is_added_below_the_others():
    new = with_new_field(TEXT, "objects[0]", FieldEdit("Phone", "Phone", SyncRule.TWO_WAY))
    assert changed(new) == ["+ - {spotio: Phone, salesforce: Phone, rule: two_way}"]
    lines = new.splitlines()
    at = lines.index("      - {spotio: Phone, salesforce: Phone, rule: two_way}")
    assert lines[at + 1] == "    # who owns them"


def test_a_field_is_added_with_its_choices():
    edit = FieldEdit("Stage", "Type", SyncRule.TWO_WAY, choices="New: Prospect\n")
    new = with_new_field(TEXT, "objects[1]", edit)
    assert parse(new).objects[1].fields[1].choices == {"New": "Prospect"}
    assert new.endswith("# the end\n")


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        (COMPANY, ["- - {spotio: Company, salesforce: Name, rule: salesforce_only} # the name"]),
        (WEBSITE, ["- - {spotio: 'Website', salesforce: Website, rule: two_way}"]),
        (
            RATING,
            [
                "- - spotio: Rating",
                "- salesforce: Rating",
                "- rule: two_way # sales says",
                "- choices:",
                "- Hot: Hot # warmest",
                "- Lukewarm: Warm",
                "- Cold: do_not_sync",
            ],
        ),
    ],
)
def test_a_field_is_taken_out_and_the_comments_around_it_stay(path, lines):
    assert changed(without_field(TEXT, path)) == lines


def test_the_last_field_of_a_pair_is_taken_out():
    assert parse_fields(without_field(TEXT, LAST_NAME)) == []


def parse_fields(text: str) -> list[object]:
    from ruamel.yaml import YAML  # noqa: PLC0415 - an empty list is no sound definition

    return YAML(typ="safe").load(text)["objects"][1]["fields"]


def test_a_field_whose_text_runs_over_lines_is_taken_out_whole():
    text = TEXT.replace(
        "rule: two_way   # sales says", 'rule: two_way\n        compare: "exa\\\n          ct"'
    )
    assert [one.spotio for one in parse(without_field(text, RATING)).objects[0].fields] == [
        "Company",
        "Website",
    ]


def test_a_direction_is_switched_and_one_that_is_not_there_is_written():
    off = with_direction(TEXT, "objects[0]", Direction.TO_SPOTIO, enabled=False)
    assert changed(off) == ["- enabled: true # since May", "+ enabled: false # since May"]
    on = with_direction(TEXT, "objects[1]", Direction.TO_SALESFORCE, enabled=True)
    assert changed(on) == ["+ to_salesforce: {enabled: true}"]
    assert on.endswith("# the end\n")


def test_the_rule_of_an_owner_is_changed():
    new = with_rule(TEXT, "objects[0].owner", SyncRule.SPOTIO_ONLY)
    assert parse(new).objects[0].owner.rule is SyncRule.SPOTIO_ONLY
    assert "  # the people\n" in new


def test_every_field_of_the_projects_own_definition_is_changed_alone():
    text = (ROOT / "sync.yml").read_text()
    definition = parse(text)
    for mapping in definition.objects:
        for one in mapping.fields:
            edit = FieldEdit(
                one.spotio,
                one.salesforce,
                SyncRule.DO_NOT_SYNC,
                choices=choices_text(text, one.path),
                omit_on_create=one.omit_on_create,
                truncate=one.truncate,
                strict=one.conversion.value == "strict",
                normal_form=one.compare.value == "normal_form",
            )
            new = with_field(text, one.path, edit)
            before, after = text.splitlines(), new.splitlines()
            assert len(before) == len(after)
            assert sum(a != b for a, b in zip(before, after, strict=True)) <= 1


@pytest.mark.parametrize(
    "path",
    [
        "",
        "objects[9]",
        "objects[0].fields[99]",
        "version",
        "objects[0].salesforce",
        "x y",
        "objects",
    ],
)
def test_a_place_that_is_not_there_is_told(path):
    with pytest.raises(UsageError):
        with_field(TEXT, path, FieldEdit("A", "B", SyncRule.TWO_WAY))


@pytest.mark.parametrize("choices", ["Hot", "- Hot", "Hot: [", "A: B\nA: C"])
def test_choices_that_are_no_lines_are_told(choices):
    with pytest.raises(UsageError, match="lines such as"):
        with_field(TEXT, RATING, rating(choices))
