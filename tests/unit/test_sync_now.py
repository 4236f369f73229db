"""What a person may say to sync-now, and what it makes of it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.cli.part import legs_of, legs_of_users, named_pairs, range_of
from reverse_sf.cli.sync_now import is_selected, literally
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.mapping.definition import Direction
from reverse_sf.mapping.document import parse

NOW = datetime(2026, 5, 6, 12, tzinfo=timezone.utc)
SYNC = """\
version: 1
objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true}
    to_salesforce: {enabled: true}
    fields: [{spotio: Company, salesforce: Name, rule: two_way}]
    activities:
      - {spotio: Visit, salesforce: Event, fields: {Subject: Subject}}
      - {spotio: Call, salesforce: Task, two_way: true, fields: {Subject: Subject}}
  - spotio: Leads
    salesforce: Account
    to_spotio: {enabled: false}
    to_salesforce: {enabled: true}
    fields: [{spotio: Company, salesforce: Name, rule: two_way}]
"""
DEFINITION = parse(SYNC)
WITH_USERS = parse(SYNC + "users: {roles: [{spotio_role: Sales}]}\n")


@pytest.mark.parametrize(
    ("begin", "end", "first", "last"),
    [
        ("2026-05-01", "2026-05-02", "2026-05-01T00:00:00", "2026-05-02T23:59:59.999"),
        ("2026-05-01", "2026-05-01", "2026-05-01T00:00:00", "2026-05-01T23:59:59.999"),
        ("2026-05-01T10:00Z", "2026-05-01T10:30:00Z", "2026-05-01T10:00:00", "2026-05-01T10:30:00"),
        ("2026-05-01T01:00:00+02:00", None, "2026-04-30T23:00:00", None),
        # Today and days to come are a range that ends with now.
        ("2026-05-06", "2026-05-09", "2026-05-06T00:00:00", "2026-05-09T23:59:59.999"),
    ],
)
def test_a_day_is_whole_and_its_last_moment_included(begin, end, first, last):
    found = range_of(begin, end, now=NOW)
    assert found.begin == datetime.fromisoformat(f"{first}+00:00")
    assert found.end == (None if last is None else datetime.fromisoformat(f"{last}+00:00"))


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("2026-05-02", "2026-05-01", "after --to 2026-05-01"),
        ("2026-05-07", None, "after --to now"),
        ("yesterday", None, "--from 'yesterday' is neither"),
        ("2026-02-30", None, "--from '2026-02-30' is neither"),
        ("2026-05-01", "01.06.2026", "--to '01.06.2026' is neither"),
    ],
)
def test_what_is_no_range_is_a_usage_error(begin, end, words):
    with pytest.raises(UsageError, match=words):
        range_of(begin, end, now=NOW)


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("accounts", ["Account:Accounts"]),
        ("ACCOUNT", ["Account:Accounts", "Account:Leads"]),
        ("account:leads", ["Account:Leads"]),
        ("visit", ["Event:Visit (Account:Accounts)"]),
        ("Task", ["Task:Call (Account:Accounts)"]),
    ],
)
def test_a_pair_is_found_by_any_of_its_names(name, pairs):
    assert [one.name for one in named_pairs(name, DEFINITION)] == pairs


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Acount", "did you mean Account?"),
        ("Visits", "did you mean Visit?"),
        ("Campaign", "it knows users, Account, Accounts, Leads, Visit, Call"),
    ],
)
def test_an_unknown_name_says_what_was_meant(name, words):
    with pytest.raises(ConfigurationError, match=words.replace("?", r"\?")):
        named_pairs(name, DEFINITION)


def test_a_name_of_records_and_of_an_activity_is_not_guessed():
    both = parse(SYNC.replace("spotio: Visit", "spotio: Leads"))
    with pytest.raises(ConfigurationError, match="say which") as caught:
        named_pairs("Leads", both)
    assert caught.value.problems == ("Account:Leads", "Event:Leads (Account:Accounts)")


def legs(name, *directions):
    found = legs_of(named_pairs(name, DEFINITION), directions or None, source="sync.yml")
    return [(one.direction.value, one.pairs, one.streams) for one in found]


def test_the_directions_are_those_that_the_definition_has_on():
    assert legs("Account") == [
        ("to_spotio", ("Account:Accounts",), ("Account",)),
        ("to_salesforce", ("Account:Accounts", "Account:Leads"), ("Accounts", "Leads")),
    ]
    visit = ("Event:Visit (Account:Accounts)",)
    assert legs("Visit") == [("to_salesforce", visit, ("activities", "appointments"))]
    assert [one[0] for one in legs("Call")] == ["to_spotio", "to_salesforce"]
    assert legs("Call", Direction.TO_SPOTIO)[0][2] == ("Task",)


def test_a_direction_that_is_off_is_refused_by_name():
    with pytest.raises(ConfigurationError, match=r"not synced toward SPOTIO: to_spotio is off"):
        legs("Visit", Direction.TO_SPOTIO)


def test_users_go_to_spotio_and_only_where_the_definition_syncs_them():
    (leg,) = legs_of_users(WITH_USERS, None)
    assert (leg.direction, leg.pairs, leg.people) == (
        Direction.TO_SPOTIO,
        ("User:users",),
        ("User",),
    )
    with pytest.raises(UsageError, match="from Salesforce to SPOTIO only"):
        legs_of_users(WITH_USERS, [Direction.TO_SALESFORCE])
    with pytest.raises(ConfigurationError, match="syncs no users"):
        legs_of_users(DEFINITION, None)


@pytest.mark.parametrize(
    ("patterns", "selected"),
    [
        (["*.*"], True),
        (["Account.Name"], True),
        (["Acc*"], True),
        (["Contact.*"], False),
        (["*.*", "!Account.*"], False),
        (["Account.*", "!Account.Phone"], True),
        (["!Account"], False),
    ],
)
def test_what_a_projects_selection_takes_in(patterns, selected):
    assert is_selected("Account", patterns) is selected


def test_a_name_with_signs_is_no_pattern():
    assert literally("Acme Inc. [old]*") == r"Acme Inc\. [[]old][*]"
    assert is_selected("Acme Inc. deals", [r"Acme Inc\. deals.*"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Account"], "say --from DATE"),
        (["Account", "--from", "2026-05-02", "--to", "2026-05-01"], "after --to"),
        (["Acount", "--from", "2026-05-02"], "did you mean Account"),
        (["users"], "syncs no users"),
    ],
)
def test_a_wrong_command_line_ends_before_anything_is_run(tmp_path, arguments, words):
    file = tmp_path / "sync.yml"
    file.write_text(SYNC)
    ended = CliRunner().invoke(cli, ["sync-now", *arguments, "--sync-file", str(file)])
    assert isinstance(ended.exception, ConfigurationError)
    assert words in str(ended.exception)
