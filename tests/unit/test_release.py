"""What an administrator lets go of stays as it is, in silence, until it changes."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.errors import Exit, LeaseHeldError, UsageError
from reverse_sf.ledger.batches import Outcomes
from reverse_sf.ledger.rows import Parked, Run
from reverse_sf.mapping.definition import Direction
from tests.unit.two_way_fixtures import SYNC, world

__all__ = ["world"]


@pytest.fixture
def release(world, tmp_path, monkeypatch):
    with world.open() as ledger:
        monkeypatch.setenv("REVERSE_SF_LEDGER_URI", f"sqlite:///{ledger.address.file}")
    file = tmp_path / "sync-of-the-command.yml"
    file.write_text(SYNC)
    monkeypatch.setenv("REVERSE_SF_SYNC_FILE", str(file))

    def invoke(*words: str):
        ended = CliRunner().invoke(
            cli, ["parked", "release", *words, "--yes", "--json"], standalone_mode=False
        )
        if ended.exception is not None:
            raise ended.exception
        return json.loads(ended.stdout), ended.return_value

    return invoke


def parked(world):
    with world.open() as ledger:
        return {(one.direction.value, one.key): one.reason for one in ledger.parked_rows()}


def quiet(world):
    """Nothing is written and nothing is parked, even where the taps tell everything again."""
    assert world.cycle() == 0
    assert world.cycle(again=True) == 0
    assert parked(world) == {}


@pytest.mark.parametrize("way", ["to_spotio", "to_salesforce"])
def test_a_released_field_stays_as_it_is_and_follows_its_next_change(world, release, way):
    s, p = world.linked(Rating="Hot")
    world.in_salesforce("Account", s, Rating="Boiling")
    world.rest()
    assert parked(world) == {("to_spotio", "Rating"): "choice_unmapped"}
    (made, code) = release(s, "--key", "Rating", "--why", "marketing says so")
    assert code == Exit.DONE
    assert made["released"][0]["settled"] == {"Rating": ["Hot", "Boiling"]}
    quiet(world)

    world.in_salesforce("Account", s, Website="another field")
    world.rest()
    spotio, salesforce = world.both(p)
    assert (spotio["Website"], spotio["Rating"]) == ("another field", "Hot")
    quiet(world)
    if way == "to_spotio":
        world.in_salesforce("Account", s, Rating="Warm")
    else:
        world.in_spotio("Accounts", p, Rating="Lukewarm")
    world.rest()
    spotio, salesforce = world.both(p)
    assert (spotio["Rating"], salesforce["Rating"]) == ("Lukewarm", "Warm")


def test_the_log_says_who_let_go_of_what_and_why(world, release):
    s, p = world.linked(Rating="Hot")
    world.in_salesforce("Account", s, Rating="Boiling")
    world.rest()
    release(p, "--why", "marketing says so")
    with world.open() as ledger:
        (row,) = ledger.log_rows(kind="release")
    assert (row.salesforce_id, row.spotio_id, row.outcome) == (s, p, "released")
    assert row.reason.startswith("Rating: left as it is by ")
    assert row.reason.endswith(" (marketing says so); it was choice_unmapped")
    assert row.payload == {"Rating": ["Hot", "Boiling"]}


def test_both_values_of_a_manual_field_stand_and_both_rows_go(world, release):
    s, p = world.linked(Description="0")
    world.in_salesforce("Account", s, Description="theirs")
    world.in_spotio("Accounts", p, Notes="mine")
    world.rest()
    assert set(parked(world).values()) == {"manual"}
    release("--reason", "manual", "--direction", "to_spotio")
    quiet(world)
    spotio, salesforce = world.both(p)
    assert (spotio["Notes"], salesforce["Description"]) == ("mine", "theirs")


def test_a_refused_write_of_a_linked_record_is_not_tried_again_with_the_next_change(world, release):
    s, p = world.linked(Website="0", Phone="1")
    world.refuses["Website"] = lambda value: value == "bad"
    world.in_salesforce("Account", s, Website="bad")
    world.rest()
    assert parked(world) == {("to_spotio", ""): "rejected"}
    release(s)
    quiet(world)
    world.in_salesforce("Account", s, Phone="2")
    world.rest()
    spotio, _ = world.both(p)
    assert (spotio["Phone"], spotio["Website"]) == ("2", "0")
    assert world.refusals == 1
    quiet(world)


def test_a_record_that_waits_for_its_parent_is_set_aside_until_it_changes(world, release):
    outside = world.in_salesforce("Account", Name="Outside", Type="Former")
    child = world.in_salesforce("Contact", LastName="Doe", AccountId=outside)
    world.rest()
    assert parked(world) == {("to_spotio", ""): "waiting_for_parent"}
    release(child)
    quiet(world)

    world.in_salesforce("Account", outside, Type="Customer")
    world.rest()
    assert world.spotio.by_stream.get("Contacts", {}) == {}, "its parent's coming is not its change"
    world.in_salesforce("Contact", child, FirstName="Jane")
    world.rest()
    (made,) = world.spotio.by_stream["Contacts"].values()
    assert (made["First Name"], made["Last Name"]) == ("Jane", "Doe")


def test_what_was_set_aside_is_told_so_and_taken_up_again_when_a_person_asks(world, release):
    outside = world.in_salesforce("Account", Name="Outside", Type="Former")
    child = world.in_salesforce("Contact", LastName="Doe", AccountId=outside)
    world.rest()
    release(child)
    with pytest.raises(UsageError, match="was set aside with reverse-sf parked release"):
        release(child)

    def take_up(*words):
        ended = CliRunner().invoke(cli, ["parked", "retry", "--set-aside", *words, "--json"])
        return json.loads(ended.stdout)

    assert take_up("--pair", "Account:Accounts") == {"taken_up": 0}
    assert take_up("--record", child) == {"taken_up": 1}
    world.cycle(again=True)
    assert parked(world) == {("to_spotio", ""): "waiting_for_parent"}


def test_a_doubtful_record_is_matched_again_when_it_changes_and_never_made_twice(world, release):
    s, p = world.linked()
    double = world.in_salesforce("Account", Name="Acme again", SPOTIO_Id__c=p)
    world.rest()
    assert parked(world) == {("to_spotio", ""): "already_linked"}
    release("--reason", "already_linked")
    quiet(world)

    world.in_salesforce("Account", double, Name="Acme, again")
    world.rest()
    assert parked(world) == {("to_spotio", ""): "already_linked"}, "told again: it has changed"
    assert list(world.spotio.by_stream["Accounts"]) == [p]
    release(double)
    world.in_salesforce("Account", double, SPOTIO_Id__c=None)
    world.rest()
    assert {one["Company"] for one in world.spotio.by_stream["Accounts"].values()} == {
        "Acme",
        "Acme, again",
    }
    assert world.both(p)[1]["Id"] == s


def test_an_unanswered_create_stays_parked_and_the_way_out_is_told(world, release):
    outside = world.in_salesforce("Account", Name="Outside", Type="Former")
    child = world.in_salesforce("Contact", LastName="Doe", AccountId=outside)
    world.rest()
    with world.open() as ledger:
        (row,) = ledger.parked_rows()
        unknown = Parked(
            link_id=row.link_id,
            direction=row.direction,
            pair=row.pair,
            reason="unknown_outcome",
            message="no answer came",
            at=row.at,
            run_id=row.run_id,
        )
        ledger.commit_outcomes(
            Outcomes(run_id=row.run_id, direction=row.direction, parked=[unknown])
        )
    made, code = release(child)
    assert code == Exit.PARKED
    assert made["released"] == []
    assert "link --choose" in made["refused"][0]["why"]
    assert parked(world) == {("to_spotio", ""): "unknown_outcome"}


@pytest.mark.parametrize("direction", list(Direction))
def test_nothing_is_let_go_of_while_a_run_is_at_work(world, release, direction):
    s, _ = world.linked(Rating="Hot")
    world.in_salesforce("Account", s, Rating="Boiling")
    world.rest()
    with world.open() as ledger:
        begun = Run(
            run_id="at work",
            direction=direction,
            started_at=world.now(),
            definition_fingerprint="",
            holder="somebody",
        )
        ledger.begin_run(begun, ttl_seconds=600)
        with pytest.raises(LeaseHeldError) as refused:
            release(s)
        assert refused.value.exit_code == Exit.LEASE_HELD
        ledger.finish_run("at work", "done")
    assert parked(world) == {("to_spotio", "Rating"): "choice_unmapped"}
    with world.open() as ledger:
        before = [ledger.last_run(one) for one in Direction]
    release(s)
    with world.open() as ledger:
        assert [ledger.last_run(one) for one in Direction] == before, "no run, and no lease left"
    quiet(world)


def test_a_record_or_a_reason_must_be_named(release):
    with pytest.raises(UsageError, match="name a record"):
        release("--key", "Rating")


def test_nothing_is_let_go_of_without_a_yes(world, release):
    s, _ = world.linked(Rating="Hot")
    world.in_salesforce("Account", s, Rating="Boiling")
    world.rest()
    asked = CliRunner().invoke(cli, ["parked", "release", s], input="n\n")
    assert asked.exit_code != Exit.DONE
    assert "SPOTIO Hot beside Salesforce Boiling" in asked.stdout
    assert parked(world) == {("to_spotio", "Rating"): "choice_unmapped"}
