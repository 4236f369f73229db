"""A value that a rule overruled, or that a run replaced, comes back, and stays."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.mapping.definition import Direction
from tests.unit.two_way_fixtures import SYNC, world

__all__ = ["world"]


@pytest.fixture
def call(world, tmp_path, monkeypatch):
    with world.open() as ledger:
        monkeypatch.setenv("REVERSE_SF_LEDGER_URI", f"sqlite:///{ledger.address.file}")
    file = tmp_path / "sync-of-the-command.yml"
    file.write_text(SYNC)

    def invoke(*words: str, definition: str = SYNC):
        file.write_text(definition)
        ended = CliRunner().invoke(cli, [*words, "--json"], standalone_mode=False)
        if ended.exception is not None:
            raise ended.exception
        return json.loads(ended.stdout)

    monkeypatch.setenv("REVERSE_SF_SYNC_FILE", str(file))
    return invoke


def values(world, p, label, field):
    spotio, salesforce = world.both(p)
    return spotio.get(label), salesforce.get(field)


def asked(world):
    with world.open() as ledger:
        return [ledger.asked(direction) for direction in Direction]


def ends(world):
    with world.open() as ledger:
        rows = ledger.log_rows(kind="restore")
    return [row.reason for row in rows if row.outcome == "settled"]


def quiet(world):
    """Nothing is written any more, and nobody waits for anything."""
    world.rest()
    assert world.cycle() == 0
    assert asked(world) == [{}, {}]


@pytest.mark.parametrize("field", ["Website", "Phone"], ids=["two_way", "salesforce_only"])
def test_the_value_that_lost_comes_back_on_both_sides_and_stays(world, call, field):
    label, mine, theirs = field, "1", "2"
    s, p = world.linked(**{field: "0"})
    world.in_spotio("Accounts", p, **{label: mine})
    world.in_salesforce("Account", s, **{field: theirs})
    world.rest()
    assert values(world, p, label, field) == (theirs, theirs)
    (row,) = call("conflicts")
    assert (row["losing_value"], row["winning_value"]) == (mine, theirs)

    call("conflicts", "restore", str(row["number"]), "--yes")
    quiet(world)
    assert values(world, p, label, field) == (mine, mine)
    assert ends(world) == [f"{label}: it is back"]
    newest = call("conflicts")[0]
    assert (newest["losing_value"], newest["rule"]) == (theirs, "restore")

    call("conflicts", "restore", str(newest["number"]), "--yes")
    quiet(world)
    assert values(world, p, label, field) == (theirs, theirs), "and it can be undone"


def test_a_value_that_somebody_has_changed_since_is_left_alone(world, call):
    s, p = world.linked(Website="0")
    world.in_spotio("Accounts", p, Website="mine")
    world.in_salesforce("Account", s, Website="theirs")
    world.rest()
    (row,) = call("conflicts")
    call("conflicts", "restore", str(row["number"]), "--yes")
    world.in_salesforce("Account", s, Website="newer")
    world.to_spotio()
    quiet(world)
    assert values(world, p, "Website", "Website") == ("newer", "newer")
    assert ends(world) == ["Website: it holds another value by now and was left alone"]


def test_a_value_that_the_system_refuses_is_tried_once(world, call):
    s, p = world.linked(Website="0")
    world.in_spotio("Accounts", p, Website="mine")
    world.in_salesforce("Account", s, Website="theirs")
    world.rest()
    (row,) = call("conflicts")
    call("conflicts", "restore", str(row["number"]), "--yes")
    world.refuses["Website"] = lambda value: value == "mine"
    quiet(world)
    assert world.refusals == 1
    assert values(world, p, "Website", "Website") == ("theirs", "theirs")
    assert ends(world) == ["Website: the system has refused it"]


def test_a_run_is_taken_back_where_its_values_still_stand_and_stays_so(world, call):
    s, p = world.linked(Website="w", Phone="1", Name="Ace")
    world.in_salesforce("Account", s, Website="new", Phone="2", Name="Better")
    world.to_spotio()
    with world.open() as ledger:
        run_id = ledger.last_run(Direction.TO_SPOTIO).run_id
    world.rest()
    world.in_spotio("Accounts", p, Company="Best")
    world.rest()

    shown = call("revert", run_id, "--dry-run")
    assert {one["key"] for one in shown["taken_back"]} == {"Website", "Phone", "Company"}
    assert asked(world) == [{}, {}], "a dry run asks for nothing"
    call("revert", run_id, "--yes")
    quiet(world)
    assert values(world, p, "Website", "Website") == ("w", "new")
    assert values(world, p, "Phone", "Phone") == ("1", "2")
    assert values(world, p, "Company", "Name") == ("Best", "Best"), "changed since: left alone"

    world.in_salesforce("Account", s, Phone="3")
    quiet(world)
    assert values(world, p, "Phone", "Phone") == ("3", "3"), "until the source changes"


def test_what_cannot_be_restored_is_told_and_nothing_is_asked_for(world, call):
    s, p = world.linked(Website="0")
    world.in_spotio("Accounts", p, Website="mine")
    world.in_salesforce("Account", s, Website="theirs")
    world.rest()
    (row,) = call("conflicts")
    off = SYNC.replace(
        "to_salesforce: {enabled: true, only_when: {Stage",
        "to_salesforce: {enabled: false, only_when: {Stage",
    )
    with pytest.raises(ConfigurationError, match="to_salesforce is off"):
        call("conflicts", "restore", str(row["number"]), "--yes", definition=off)
    with pytest.raises(UsageError, match="no conflict 99"):
        call("conflicts", "restore", "99", "--yes")
    with pytest.raises(UsageError, match="knows no run"):
        call("revert", "nobody", "--yes")
    assert asked(world) == [{}, {}]


def test_a_conflict_is_shown_with_both_values_and_the_way_back(world, call):
    s, p = world.linked(Website="0")
    world.in_spotio("Accounts", p, Website="mine")
    world.in_salesforce("Account", s, Website="theirs")
    world.rest()
    (row,) = call("conflicts")
    told = call("conflicts", "show", str(row["number"]))
    assert (told["losing_value"], told["link"]["spotio_id"]) == ("mine", p)
    text = CliRunner().invoke(cli, ["conflicts", "show", str(row["number"])]).stdout
    assert "- mine" in text
    assert "+ theirs" in text
