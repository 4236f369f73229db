"""A value that a rule overruled, or that a run replaced, comes back, and stays."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.mapping.definition import Direction
from reverse_sf.mapping.document import parse
from tests.unit.two_way_fixtures import PEOPLE, SYNC, world

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
    assert ends(world) == ["Website: it has been changed since and was left alone"]


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


SPOTIO_WINS = re.sub(
    r"(skip_geocoding: true\n +|salesforce_default: ops@example.com, |spotio: Accounts, )"
    r"rule: two_way",
    r"\1rule: spotio_only",
    SYNC,
)
REP, OPS, LEAD = (PEOPLE[f"{name}@example.com"] for name in ("rep", "ops", "lead"))


def edit(world, side, s, p, value):
    """A person gives one of the record keys another value, in one system."""
    (key, (salesforce, spotio)) = value
    if key == "address":
        if side == "spotio":
            held = world.spotio.by_stream["Accounts"][p].get("address") or {}
            world.in_spotio("Accounts", p, address={**held, **spotio})
        else:
            world.in_salesforce("Account", s, **salesforce)
    elif key == "owner":
        if side == "spotio":
            world.in_spotio("Accounts", p, ownerId=spotio)
        else:
            world.in_salesforce("Account", s, OwnerId=salesforce)
    elif side == "spotio":
        world.in_spotio("Contacts", p, parentId=spotio)
    else:
        world.in_salesforce("Contact", s, AccountId=salesforce)


def held(world, p, key):
    """What both systems hold of a record key: SPOTIO first."""
    if key == "parent":
        spotio, salesforce = world.both(p, "Contacts")
        return spotio["parentId"], salesforce["AccountId"]
    spotio, salesforce = world.both(p)
    if key == "owner":
        return spotio["ownerId"], salesforce["OwnerId"]
    address = spotio["address"] or {}
    return (
        (address.get("street"), address.get("city")),
        (salesforce["BillingStreet"], salesforce["BillingCity"]),
    )


@pytest.fixture(params=["address", "owner", "parent"])
def record(request, world):
    """A key of a linked record and three values of it, each by Salesforce Id and by SPOTIO id.

    The key, the record's ids, what it holds and two other values; for an address what
    :func:`held` tells of each.
    """
    key = request.param
    if key == "parent":
        accounts = [world.in_salesforce("Account", Name=f"Acme {at}") for at in range(3)]
        s = world.in_salesforce("Contact", LastName="Doe", AccountId=accounts[0])
        world.rest()
        (p,) = world.spotio.by_stream["Contacts"]
        world.in_spotio("Contacts", p, **{"Last Visit Result": "Appointment Set"})
        world.rest()
        by_own = {row["externalDataObjectId"]: one for one, row in accounts_of(world)}
        return key, s, p, [(one, by_own[one]) for one in accounts]
    s, p = world.linked(BillingStreet="0 Main St", BillingCity="Salem", OwnerId=REP[0])
    if key == "owner":
        return key, s, p, [REP, OPS, LEAD]
    places = [("0 Main St", "Salem"), ("1 Oak St", "Bend"), ("2 Elm St", "Eugene")]
    return (
        key,
        s,
        p,
        [
            (
                {"BillingStreet": street, "BillingCity": city},
                {"street": street, "city": city},
            )
            for street, city in places
        ],
    )


def accounts_of(world):
    return world.spotio.by_stream["Accounts"].items()


def told(key, value):
    """A value as :func:`held` tells it of both systems."""
    salesforce, spotio = value
    if key == "address":
        return (spotio["street"], spotio["city"]), tuple(salesforce.values())
    return spotio, salesforce


@pytest.mark.parametrize("loser", ["spotio", "salesforce"])
def test_an_address_owner_or_parent_that_lost_comes_back_on_both_sides(world, call, record, loser):
    key, s, p, (_, lost, won) = record
    if loser == "salesforce":
        world.definition = parse(SPOTIO_WINS)
        world.rest()
    winner = "salesforce" if loser == "spotio" else "spotio"
    edit(world, loser, s, p, (key, lost))
    edit(world, winner, s, p, (key, won))
    world.rest()
    assert held(world, p, key) == told(key, won)
    (row,) = call("conflicts")
    assert (row["key"], row["loser"]) == (key, loser)

    call("conflicts", "restore", str(row["number"]), "--yes")
    quiet(world)
    assert held(world, p, key) == told(key, lost)
    assert ends(world) == [f"{key}: it is back"]

    newest = call("conflicts")[0]
    call("conflicts", "restore", str(newest["number"]), "--yes")
    quiet(world)
    assert held(world, p, key) == told(key, won), "and it can be undone"


@pytest.mark.parametrize("toward", ["spotio", "salesforce"])
def test_a_run_that_moved_an_address_owner_or_parent_is_taken_back(world, call, record, toward):
    key, s, p, (before, after, later) = record
    source = "salesforce" if toward == "spotio" else "spotio"
    direction = Direction.TO_SPOTIO if toward == "spotio" else Direction.TO_SALESFORCE
    edit(world, source, s, p, (key, after))
    run = world.to_spotio if toward == "spotio" else world.to_salesforce
    run()
    with world.open() as ledger:
        run_id = ledger.last_run(direction).run_id
    world.rest()
    assert held(world, p, key) == told(key, after)

    call("revert", run_id, "--yes")
    quiet(world)
    assert ends(world) == [f"{key}: it is back"]
    at = 0 if toward == "spotio" else 1
    assert held(world, p, key)[at] == told(key, before)[at]
    assert held(world, p, key)[1 - at] == told(key, after)[1 - at]

    edit(world, source, s, p, (key, later))
    quiet(world)
    assert held(world, p, key) == told(key, later), "until the source changes"


@pytest.mark.parametrize("toward", ["spotio", "salesforce"])
def test_of_an_address_only_what_the_run_wrote_is_taken_back(world, call, toward):
    s, p = world.linked(BillingStreet="0 Main St", BillingCity="Salem")
    if toward == "spotio":
        world.in_salesforce("Account", s, BillingStreet="1 Oak St")
        world.to_spotio()
    else:
        world.in_spotio("Accounts", p, address={"street": "1 Oak St", "city": "Salem"})
        world.to_salesforce()
    direction = Direction.TO_SPOTIO if toward == "spotio" else Direction.TO_SALESFORCE
    with world.open() as ledger:
        run_id = ledger.last_run(direction).run_id
    world.rest()
    world.in_salesforce("Account", s, BillingCity="Bend")
    world.rest()
    shown = call("revert", run_id, "--yes")
    assert [(one["key"], one["value"]) for one in shown["taken_back"]] == [
        ("address", {"street": "0 Main St"})
    ]
    quiet(world)
    at = 0 if toward == "spotio" else 1
    assert held(world, p, "address")[at] == ("0 Main St", "Bend")


def test_what_the_system_made_of_a_written_value_is_still_what_the_run_wrote(world, call):
    _, p = world.linked(BillingStreet="0 Main St", BillingCity="Salem", Website="w")
    world.normalise["BillingStreet"] = lambda value: value and value.replace(" St", " Street")
    world.normalise["Website"] = lambda value: value and f"https://{value}"
    world.in_spotio("Accounts", p, Website="new", address={"street": "1 Oak St", "city": "Salem"})
    world.to_salesforce()
    with world.open() as ledger:
        run_id = ledger.last_run(Direction.TO_SALESFORCE).run_id
    world.rest()
    _, salesforce = world.both(p)
    assert (salesforce["BillingStreet"], salesforce["Website"]) == ("1 Oak Street", "https://new")
    world.normalise.clear()
    call("revert", run_id, "--yes")
    quiet(world)
    _, salesforce = world.both(p)
    assert (salesforce["BillingStreet"], salesforce["Website"]) == ("0 Main St", "w")


def test_an_owner_who_has_moved_on_since_is_left_alone(world, call):
    s, p = world.linked(OwnerId=REP[0])
    world.in_salesforce("Account", s, OwnerId=OPS[0])
    world.to_spotio()
    with world.open() as ledger:
        run_id = ledger.last_run(Direction.TO_SPOTIO).run_id
    world.rest()
    world.in_salesforce("Account", s, OwnerId=LEAD[0])
    world.rest()
    shown = call("revert", run_id, "--yes")
    assert shown["taken_back"] == []
    assert shown["left"] == ["owner of Account:Accounts"]
    quiet(world)
    assert held(world, p, "owner") == (LEAD[1], LEAD[0])


def test_an_owner_without_a_counterpart_is_told_and_nobody_stands_in(world, call):
    s, p = world.linked(OwnerId=REP[0])
    nobody = "005000000000077AAA"
    world.in_salesforce("Account", s, OwnerId=nobody)
    world.in_spotio("Accounts", p, ownerId=LEAD[1])
    world.rest()
    for row in call("conflicts"):
        call("conflicts", "restore", str(row["number"]), "--yes")
    quiet(world)
    assert set(ends(world)) <= {
        "owner: it has no counterpart in that system by the definition of now",
        "owner: it is back",
    }
    assert OPS[1] not in held(world, p, "owner"), "the default owner does not stand in"
