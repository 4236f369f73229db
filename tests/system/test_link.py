"""``reverse-sf link`` between two populated systems, with the real commands."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from reverse_sf.simulator.local import running
from tests.system.overlap import (
    SYNC,
    Lead,
    add_to_salesforce,
    add_to_spotio,
    delete_in_salesforce,
)
from tests.system.sync import Marks, Sync
from tests.system.warm.runner import Part, warm_parent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reverse_sf.simulator.local import LocalServers

PAIR = "Lead:Leads"
AMBIGUOUS = 50


@dataclass
class World:
    """Both systems, and who is who: pairs of one person, and who is alone or doubtful."""

    sync: Sync
    pairs: list[tuple[Lead, Lead]] = field(default_factory=list)
    doubtful: list[tuple[Lead, Lead]] = field(default_factory=list)
    only_salesforce: list[Lead] = field(default_factory=list)
    only_spotio: list[Lead] = field(default_factory=list)

    @property
    def servers(self) -> LocalServers:
        return self.sync.servers

    def fill(self) -> None:
        """Create everybody, Salesforce's in one order and SPOTIO's in the other."""
        ours = [*self.only_salesforce, *(one for one, _ in [*self.pairs, *self.doubtful])]
        theirs = [*(one for _, one in [*self.pairs, *self.doubtful]), *self.only_spotio]
        add_to_salesforce(self.servers, ours)
        add_to_spotio(self.servers, theirs[::-1])

    def link(self, *options: str, code: int = 0) -> str:
        """Run the command in a process of its own; answer what it prints."""
        part = Part("reverse-sf", self._words(options), environment=self.servers.environment())
        output = self.sync.folder / "link.out"
        started = warm_parent().start([part], folder=self.sync.folder, output=output, name="link")
        ended = started.wait()
        assert ended.codes == (code,), ended
        return output.read_text(encoding="utf-8")

    def link_as_a_user(self, *options: str, code: int = 0) -> str:
        """Run the console script itself; answer what it prints."""
        ended = subprocess.run(
            [str(Path(sys.executable).parent / "reverse-sf"), *self._words(options)],
            env={**os.environ, **self.servers.environment()},
            capture_output=True,
            text=True,
            check=False,
            cwd=self.sync.folder,
        )
        assert ended.returncode == code, ended.stderr[-3000:]
        return ended.stdout

    def _words(self, options: Sequence[str]) -> tuple[str, ...]:
        own = ("--sync-file", str(self.sync.sync_file), "--ledger-uri", self.sync.ledger_uri)
        return ("link", *own, *options)

    def report(self, *options: str) -> tuple[dict[str, int], list[dict[str, str]]]:
        """The numbers and the rows of a report as JSON."""
        told = json.loads(self.link("--json", *options))
        return told["pairs"][0], told["records"]

    def rest(self) -> None:
        """Sync until nothing is left to write."""
        for _ in range(6):
            mark = Marks.now(self.servers)
            self.sync.cycle()
            if not mark.writes(self.servers):
                return
        raise AssertionError(mark.writes(self.servers)[:20])

    def links(self) -> dict[str | None, str | None]:
        """SPOTIO's id by Salesforce Id, as the ledger has it."""
        with Ledger.open(self.sync.ledger_uri) as ledger:
            found = ledger.links_of_pair(PAIR)
        return {one.salesforce_id: one.spotio_id for one in found if one.spotio_id}

    def in_salesforce(self) -> dict[str, str | None]:
        """SPOTIO's id by Salesforce Id, of every lead that is there."""
        rows = self.servers.salesforce.rows("Lead")
        return {row["Id"]: row["SPOTIO_Id__c"] for row in rows if not row["IsDeleted"]}

    def in_spotio(self) -> dict[str, str | None]:
        """Salesforce's Id by SPOTIO's id, of every lead that is there."""
        return {
            row["id"]: row["externalDataObjectId"] or None
            for row in self.servers.spotio.rows("Leads")
            if not row.get("deleted")
        }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    file = tmp_path / "sync.yml"
    file.write_text(SYNC)
    with running(empty=True) as servers:
        yield World(Sync(tmp_path, servers, file))


def overlapping(number: int) -> tuple[Lead, Lead]:
    """One person as two systems write him, recognisable by one of the four rules."""
    ours, theirs = Lead(f"Person {number}"), Lead(f"Person {number}", company="Acme Inc")
    street, code = number // 10 + 100, f"{85000 + number % 10}"
    if number % 4 == 0:
        ours.email, theirs.email = f"P{number}@Example.com", f"p{number}@example.com"
    elif number % 4 == 1:
        line = f"{number // 1000:01d}{number % 1000:03d}"
        ours.phone, theirs.phone = f"(602) 555-{line}", f"+1 602.555.{line}"
    elif number % 4 == 2:
        place = {"city": "Phoenix", "state": "AZ", "zip": code}
        ours.address = {"street": f"{street} North Oak Street, Apt {number}", **place}
        theirs.address = {"street": f"{street} N Oak St #{number}", **place}
    else:
        ours.notes, theirs.notes = f"Badge no {number}", f" badge NO {number} "
    return ours, theirs


def doubtful(number: int) -> tuple[Lead, Lead]:
    """Two and two share an e-mail: nobody can tell who is whom."""
    email = f"info{number // 2}@example.com"
    return Lead(f"Twin {number}", email=email), Lead(f"Twin {number}", email=email)


@pytest.mark.slow
def test_two_populated_systems_are_linked_and_synced_without_a_duplicate(
    world: World, tmp_path: Path
) -> None:
    world.pairs = [overlapping(number) for number in range(2000 - AMBIGUOUS)]
    world.doubtful = [doubtful(number) for number in range(AMBIGUOUS)]
    world.only_salesforce = [Lead(f"Ours {number}") for number in range(30)]
    world.only_spotio = [Lead(f"Theirs {number}") for number in range(20)]
    # Records outside of the filters are matched too; nothing of them is ever written.
    frozen = {"salesforce": world.pairs[0], "spotio": world.pairs[1]}
    frozen["salesforce"][0].in_scope = frozen["spotio"][1].in_scope = False
    world.fill()
    mark = Marks.now(world.servers)

    looked, _ = world.report()
    assert looked["matched"] == 2000 - AMBIGUOUS
    assert looked["matched_by"].keys() == {"email", "phone", "address", "Lead Notes = Description"}
    assert not (tmp_path / "ledger.db").exists(), "looking writes nothing"
    file = tmp_path / "matches.csv"
    told = world.link_as_a_user("--apply", "--csv", str(file), "--strict", code=5)
    assert f"{AMBIGUOUS} + {AMBIGUOUS}" in told
    assert mark.writes(world.servers) == []

    world.rest()
    expected = {ours.id: theirs.id for ours, theirs in world.pairs}
    ours, theirs = world.in_salesforce(), world.in_spotio()
    assert len(ours) == len(theirs) == 2000 + 30 + 20, "nobody is doubled"
    in_ledger = world.links()
    assert {one: in_ledger[one] for one in expected} == expected
    apart = {one: other for one, other in expected.items() if ours[one] != other}
    assert apart == {frozen["spotio"][0].id: frozen["spotio"][1].id}
    apart = {one: other for one, other in expected.items() if theirs[other] != one}
    assert apart == {frozen["salesforce"][0].id: frozen["salesforce"][1].id}
    for own, other in world.doubtful:
        assert ours[own.id] is None
        assert theirs[other.id] is None

    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    named = {row["salesforce_id"]: row for row in rows if row["outcome"] == "ambiguous"}
    assert {own.id for own, _ in world.doubtful} == named.keys() - {""}
    twins = {own.id: other.id for own, other in world.doubtful}
    for own, other in twins.items():
        assert other in named[own]["candidates"].split(" ")
        assert named[own]["rule"] == "email"

    again, _ = world.report("--apply")
    assert (again["matched"], again["linked_before"]) == (0, 2000 - AMBIGUOUS + 50)
    assert again["ambiguous_salesforce"] == again["ambiguous_spotio"] == AMBIGUOUS
    mark = Marks.now(world.servers)
    world.sync.cycle()
    assert mark.writes(world.servers) == []


def test_a_person_settles_what_is_ambiguous(world: World) -> None:
    world.doubtful = [doubtful(number) for number in range(4)]
    world.fill()
    world.link("--apply")
    world.rest()
    (first, _), (_, second), (third, _), (_, fourth) = world.doubtful
    assert set(world.in_salesforce().values()) == {None}

    # By hand for one pair, by an edit for the other.
    world.link("--apply", "--choose", f"{first.id}={second.id}")
    world.servers.salesforce.edit(object="Lead", id=third.id, set={"Email": "own@example.com"})
    world.servers.spotio.edit(object="Leads", id=fourth.id, set={"Email": "own@example.com"})
    numbers, _ = world.report("--apply")
    world.rest()
    ours = world.in_salesforce()
    assert ours[first.id] == second.id
    assert ours[third.id] == fourth.id
    assert numbers["linked_before"] == 1
    assert len(ours) == len(world.in_spotio()) == 4
    # The other twins of the first pair still share their e-mail with both of it.
    left = world.doubtful[1][0].id
    with Ledger.open(world.sync.ledger_uri) as ledger:
        parked = {one.reason for one in ledger.parked_rows()}
    assert parked == {"ambiguous_match"}
    assert ours[left] is None


def test_what_a_person_calls_new_is_created_and_the_rest_is_matched_without_it(
    world: World,
) -> None:
    world.doubtful = [doubtful(0)]
    twin = Lead("Twin of 0", email="INFO0@example.com")
    world.only_salesforce = [twin]
    world.fill()
    world.link("--apply", "--strict", code=5)
    world.rest()
    ((ours, theirs),) = world.doubtful
    assert world.in_spotio() == {theirs.id: None}
    world.link("--apply", "--strict", "--choose", f"{twin.id}=new")
    world.rest()
    now = world.in_spotio()
    assert now.pop(theirs.id) == ours.id
    assert list(now.values()) == [twin.id], "created once"
    assert world.in_salesforce() == {ours.id: theirs.id, twin.id: next(iter(now))}
    # Three records share the e-mail now, and nobody is asked again.
    world.link("--apply", "--strict")
    mark = Marks.now(world.servers)
    world.sync.cycle()
    assert mark.writes(world.servers) == []


def test_a_record_that_carries_another_systems_id_is_parked_once_and_nothing_is_doubled(
    world: World,
) -> None:
    ours, theirs = Lead("Foreign", email="a@example.com"), Lead("Foreign", email="a@example.com")
    theirs.external_id = "LEGACY-42"
    world.pairs = [(ours, theirs), overlapping(0)]
    world.fill()
    world.link("--apply")
    world.rest()
    for again in (False, True):
        mark = Marks.now(world.servers)
        world.sync.cycle(again=again)
        assert mark.writes(world.servers) == []
    with Ledger.open(world.sync.ledger_uri) as ledger:
        (row,) = ledger.parked_rows()
    assert (row.reason, row.direction) == ("already_linked", Direction.TO_SPOTIO)
    assert "carries LEGACY-42, the id of another system" in row.message
    assert world.in_spotio()[theirs.id] == "LEGACY-42", "another system's id is never overwritten"
    assert world.in_salesforce()[ours.id] == theirs.id
    assert len(world.in_spotio()) == len(world.in_salesforce()) == 2
    # Its fields are synced; and who takes the id out lets the next change write ours.
    edit = {"object": "Lead", "id": ours.id}
    world.servers.salesforce.edit(**edit, set={"Email": "b@example.com"})
    world.rest()
    record = next(one for one in world.servers.spotio.rows("Leads") if one["id"] == theirs.id)
    assert "b@example.com" in json.dumps(record)
    world.servers.spotio.edit(object="Leads", id=theirs.id, set={"External Id": None})
    world.servers.salesforce.edit(**edit, set={"Email": "c@example.com"})
    world.rest()
    assert world.in_spotio()[theirs.id] == ours.id
    with Ledger.open(world.sync.ledger_uri) as ledger:
        assert ledger.parked_rows() == []


def test_a_deleted_record_is_nobodys_match_and_a_linked_one_keeps_its_link(world: World) -> None:
    world.pairs = [overlapping(0), overlapping(4)]
    world.fill()
    gone, alone = world.pairs[0]
    delete_in_salesforce(world.servers, gone)
    numbers, rows = world.report("--apply")
    assert numbers["matched"] == 1
    assert [one["spotio_id"] for one in rows if one["outcome"] == "unmatched"] == [alone.id]
    # An edit after the link does not undo it.
    kept = world.pairs[1]
    world.servers.spotio.edit(object="Leads", id=kept[1].id, set={"Email": "x@example.com"})
    again, _ = world.report("--apply")
    assert (again["matched"], again["linked_before"]) == (0, 1)
    world.rest()
    assert world.in_salesforce()[kept[0].id] == kept[1].id


def test_records_that_appear_later_are_matched_before_they_are_created(world: World) -> None:
    alone, theirs = Lead("Early", email="late@example.com"), Lead("Bird", email="bird@example.com")
    out = Lead("Aside", email="aside@example.com", in_scope=False)
    world.pairs = [overlapping(0)]
    world.only_salesforce, world.only_spotio = [alone], [theirs, out]
    world.fill()
    world.link("--apply")
    world.rest()
    known = set(world.in_spotio())
    # One matches a record that is linked, one a record that is out of scope, one nobody, and two
    # are alike: the first sync sees them all at once.
    double = Lead("Double", email="LATE@example.com")
    aside = Lead("Aside", email="aside@example.com")
    fresh = Lead("Fresh", email="fresh@example.com")
    add_to_salesforce(world.servers, [double, aside, fresh])
    also = Lead("Also", phone="602-555-0199")
    add_to_spotio(world.servers, [also])
    world.sync.cycle()
    new = Lead("New", phone="+1 (602) 555-0199")
    add_to_salesforce(world.servers, [new])
    world.rest()
    ours, now = world.in_salesforce(), world.in_spotio()
    assert ours[double.id] is None
    assert world.links()[aside.id] == out.id
    made = {one for one in now if one not in known} - {also.id}
    assert [now[one] for one in made] == [fresh.id], "only who matches nobody is created"
    assert list(ours.values()).count(also.id) == 1
    assert ours[new.id] is None, "SPOTIO's record went to Salesforce first"
    with Ledger.open(world.sync.ledger_uri) as ledger:
        withheld = {one.reason for one in ledger.parked_rows(Direction.TO_SPOTIO)}
    assert withheld == {"already_linked"}
