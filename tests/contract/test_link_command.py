"""``reverse-sf link`` against both local servers: usage, refusals, exit codes, what is kept."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from reverse_sf.cli.main import cli
from reverse_sf.errors import ConfigurationError, Exit, LeaseHeldError, StopError, UsageError
from reverse_sf.ledger.rows import Run
from reverse_sf.ledger.store import Ledger
from reverse_sf.ledger.tables import match_keys
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.simulator.local import running
from tests.system.overlap import SYNC, Lead, add_to_salesforce, add_to_spotio

TWIN = "twin@example.com"


@pytest.fixture(scope="module")
def servers():
    """One pair that matches, and two twins of Salesforce's for one record of SPOTIO's."""
    with running(empty=True) as started:
        formula = Lead("=cmd()", email=TWIN)
        one = Lead("One", email="one@example.com")
        add_to_salesforce(started, [one, formula, Lead("Twin", email=TWIN)])
        add_to_spotio(started, [Lead("One", email="One@Example.com"), Lead("Twin", email=TWIN)])
        yield started


@pytest.fixture
def link(servers, monkeypatch, tmp_path):
    for name, value in servers.environment().items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "sync.yml"
    file.write_text(SYNC)

    def run(*options, definition=SYNC):
        file.write_text(definition)
        uri = f"sqlite:///{tmp_path}/ledger.db"
        words = ["link", "--sync-file", str(file), "--ledger-uri", uri, *options]
        return CliRunner().invoke(cli, words, standalone_mode=False)

    return run


def test_the_help_says_what_is_matched_what_is_written_and_how_it_ends():
    told = CliRunner().invoke(cli, ["link", "--help"]).output
    for words in (
        "external_id",
        "E.164",
        "Without --apply nothing is written",
        "--choose",
        "5 with",
    ):
        assert words in told


def test_the_table_names_the_doubtful_and_what_to_do_next(link):
    ran = link("--strict")
    assert ran.return_value == Exit.PARKED
    assert "2 + 1" in ran.output
    assert "by email it is SPOTIO" in ran.output
    assert "1 by email" in ran.output
    assert "reverse-sf link --apply" in ran.output


def test_without_strict_doubt_is_no_failure_and_json_holds_every_record(link):
    ran = link("--json")
    assert ran.return_value == Exit.DONE
    told = json.loads(ran.stdout)
    assert told["applied"] is False
    outcomes = sorted(one["outcome"] for one in told["records"])
    assert outcomes == ["ambiguous", "ambiguous", "ambiguous", "matched"]


def test_a_csv_is_safe_to_open_in_a_spreadsheet(link, tmp_path):
    link("--csv", str(tmp_path / "m.csv"))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "m.csv").read_text())))
    assert "'=cmd()" in {row["salesforce_name"] for row in rows}
    ran = link("--csv", str(tmp_path / "nowhere" / "m.csv"))
    assert isinstance(ran.exception, ConfigurationError)
    assert "nowhere" in str(ran.exception)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--pair", "Lead:Leeds"), "Lead:Leads"),
        (("--choose", "00Q000000000001"), "SALESFORCE_ID=SPOTIO_ID"),
        (("--choose", "00Q0000000000zzAAA=65a1"), "no pair has a Salesforce record"),
        (("--choose", "a=1", "--choose", "a=2"), "twice"),
        (("--choose", "a=new", "--choose", "a=2"), "twice"),
        (("--choose", "new=new"), "new=SPOTIO_ID"),
        (("--choose", "new="), "new=SPOTIO_ID"),
        (("--choose", "00Q0000000000zzAAA=new"), "no pair has a Salesforce record 00Q"),
        (("--choose", "new=65a1"), "no pair has a SPOTIO record 65a1"),
    ],
)
def test_wrong_options_are_one_clear_error(link, options, words):
    ran = link(*options)
    assert isinstance(ran.exception, UsageError)
    assert words in str(ran.exception)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("salesforce: Description}]", "salesforce: Descripton}]", "did you mean Description?"),
        ("{spotio: Lead Notes, salesforce: Description}]", "{spotio: Lead Nots, salesforce: Name}]",
         "did you mean Lead Notes?"),
        ("match: [external_id, email", "match: [external_id, emial", "did you mean email?"),
        ("      street: Street\n", "", "no street is mapped"),
        ("      - {spotio: Phone, salesforce: Phone, rule: salesforce_unless_blank}\n", "",
         "no phone field of Lead:Leads"),
        ("version: 1", "version: 1\nmatch_region: Utopia", "'Utopia' is not a country's"),
    ],
)  # fmt: skip
def test_a_rule_without_its_field_is_one_clear_error(link, old, new, words):
    ran = link(definition=SYNC.replace(old, new, 1))
    assert isinstance(ran.exception, ConfigurationError)
    assert len(ran.exception.problems) == 1
    assert words in ran.exception.problems[0]


def test_a_sync_at_work_is_named_and_nothing_is_written(link, tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.begin_run(
            Run(
                run_id="busy",
                direction=Direction.TO_SALESFORCE,
                started_at="2026-05-06T00:00:00.000Z",
                definition_fingerprint="f",
                holder="somebody@elsewhere (process 1)",
            ),
            ttl_seconds=300,
        )
    ran = link("--apply")
    assert isinstance(ran.exception, LeaseHeldError)
    assert "somebody@elsewhere" in str(ran.exception)
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        assert ledger.links_of_pair("Lead:Leads") == []
        # The lease of the other direction was not kept.
        ledger.begin_run(
            Run(
                run_id="free",
                direction=Direction.TO_SPOTIO,
                started_at="2026-05-06T00:00:00.000Z",
                definition_fingerprint="f",
            ),
            ttl_seconds=300,
        )


@pytest.mark.parametrize("options", [(), ("--apply",)])
@pytest.mark.parametrize("side", [Side.SALESFORCE, Side.SPOTIO])
def test_the_ledger_of_another_org_or_company_is_refused(link, tmp_path, side, options):
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.pin_identity(side, "00D00000000000XAAA")
    ran = link(*options)
    assert isinstance(ran.exception, StopError)
    assert "00D00000000000XAAA, but this run is connected to" in str(ran.exception)


def test_applying_twice_leaves_the_same_and_the_log_says_why(link, tmp_path):
    for _ in range(2):
        assert link("--apply").return_value == Exit.DONE
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        known = ledger.links_of_pair("Lead:Leads")
        assert (
            sum(one.salesforce_id is not None and one.spotio_id is not None for one in known) == 1
        )
        assert len(known) == 4
        assert ledger.matched_at("Lead:Leads") is not None
        assert [one.reason for one in ledger.parked_rows()] == ["ambiguous_match"] * 3
        assert [one.reason for one in ledger.log_rows(kind="match")] == [
            "C4 1 candidate, unlinked: email"
        ]


def named(servers, last):
    return next(one["Id"] for one in servers.salesforce.rows("Lead") if one["LastName"] == last)


def doubts_of(ran):
    told = json.loads(ran.stdout)
    return [one for one in told["records"] if one["outcome"] == "ambiguous"]


def test_a_twin_that_is_new_leaves_the_other_one_to_its_match_and_is_never_asked_again(
    link, servers, tmp_path
):
    link("--apply")
    twin, other = named(servers, "Twin"), named(servers, "=cmd()")
    looked = link("--json", "--choose", f"{twin}=new")
    assert doubts_of(looked) == []
    assert len(doubts_of(link("--json"))) == 3, "looking keeps nothing"
    assert link("--apply", "--choose", f"{twin}=new").return_value == Exit.DONE
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        linked = {one.salesforce_id for one in ledger.links_of_pair("Lead:Leads") if one.spotio_id}
        assert other in linked
        assert twin not in linked
        assert ledger.parked_rows() == []
        with ledger._reading() as connection:
            compared = set(connection.scalars(select(match_keys.c.record_id)))
        assert other in compared
        assert twin not in compared, "nobody that appears later is compared with it"
    again = link("--json", "--apply")
    (row,) = [one for one in json.loads(again.stdout)["records"] if one["salesforce_id"] == twin]
    assert (row["outcome"], row["remark"]) == (
        "unmatched",
        "a person said that it has no counterpart",
    )


def test_a_record_that_matched_may_be_called_new_and_be_given_a_counterpart_later(
    link, servers, tmp_path
):
    one = named(servers, "One")
    theirs = json.loads(link("--json").stdout)["records"]
    (theirs,) = [row["spotio_id"] for row in theirs if row["spotio_name"] == "One"]
    link("--apply", "--choose", f"new={theirs}")
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        assert all(
            not (it.salesforce_id and it.spotio_id) for it in ledger.links_of_pair("Lead:Leads")
        )
        assert ledger.alone("Lead:Leads", Side.SPOTIO) == {theirs}
    link("--apply", "--choose", f"{one}={theirs}")
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        assert ledger.alone("Lead:Leads", Side.SPOTIO) == set()
        assert (one, theirs) in {
            (it.salesforce_id, it.spotio_id) for it in ledger.links_of_pair("Lead:Leads")
        }
    for words in (f"{one}=new", f"new={theirs}"):
        ran = link("--choose", words)
        assert isinstance(ran.exception, UsageError)
        assert "is linked to" in str(ran.exception)
