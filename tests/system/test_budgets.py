"""How many API requests a sync may make: at rest, for one change, for many."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from reverse_sf.simulator.local import running
from tests.system.servers_fixture import in_a_sweep
from tests.system.sync import DIRECTIONS, OBJECTS, TO_SALESFORCE, TO_SPOTIO, Marks, Sync
from tests.system.two_way_fixtures import two_way_definition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServer

pytestmark = [pytest.mark.slow]

ACCOUNTS = """
version: 1
objects:
  - spotio: Accounts
    salesforce: Account
    to_spotio: {enabled: true}
    to_salesforce: {enabled: true}
    salesforce_external_id: SPOTIO_Id__c
    match: [external_id]
    fields:
      - {spotio: Company, salesforce: Name, rule: two_way}
      - {spotio: Website, salesforce: Website, rule: two_way}
"""
AN_HOUR = 3600
FEW, MANY = 200, 2000


def paths(server: LocalServer, since: int) -> list[str]:
    """Calls since a mark, as ``METHOD path`` below the API's root."""
    listed = [f"{one['method']} {one['path']}" for one in server.requests(since)]
    return [one.replace("/services/data/v62.0/", "") for one in listed]


def rest(sync: Sync, cycles: int) -> None:
    """Sync until nothing is left to do; nothing happened in the hours before and after."""
    servers = (sync.servers.salesforce, sync.servers.spotio)
    # With a login that lasts: Salesforce's end after two hours.
    sync.servers.salesforce.switches(session_seconds=100 * AN_HOUR)
    for server in servers:
        server.clock(advance=AN_HOUR)
    for _ in range(cycles):
        sync.cycle()
    for server in servers:
        server.clock(advance=AN_HOUR)
    sync.cycle()


def kept_in(folder: Path) -> dict[str, dict[str, object]]:
    """Settings that let all plugins keep things in one folder."""
    plugins = [name for commands in DIRECTIONS.values() for name in commands[::2]]
    return {name: {"cache_folder": str(folder / "cache")} for name in plugins}


@contextmanager
def linked(folder: Path, accounts: int, **target: object) -> Iterator[Sync]:
    """So many Accounts on both sides, all linked and at rest."""
    folder.mkdir()
    (folder / "sync.yml").write_text(ACCOUNTS)
    settings = kept_in(folder)
    settings["target-salesforce"] |= target
    with running(records=0, accounts=accounts) as servers:
        sync = Sync(folder, servers, folder / "sync.yml", settings=settings)
        sync.select = ("User", "Account")
        rest(sync, 2)
        assert len(servers.spotio.rows("Accounts")) == accounts
        yield sync


def test_an_idle_cycle_over_five_objects_is_twelve_requests_at_most(tmp_path: Path) -> None:
    (tmp_path / "sync.yml").write_text(two_way_definition())
    with running(records=120) as servers:
        sync = Sync(tmp_path, servers, tmp_path / "sync.yml", settings=kept_in(tmp_path))
        rest(sync, 3)
        for _ in range(3):
            marks = Marks.now(servers)
            sync.cycle()
            salesforce = paths(servers.salesforce, marks.salesforce)
            spotio = paths(servers.spotio, marks.spotio)
            assert [one for one in salesforce if not one.endswith("/deleted")] == [
                "GET queryAll"
            ] * len(OBJECTS)
            assert len(salesforce) == len(OBJECTS) + 1, "the deletion log of one object, in turn"
            assert spotio == [
                "GET /api/users",
                "GET /api/Teams/all",
                "GET /api/Territories/all",
                "GET /api/Exports/dataObjects/data",
                "GET /api/DataObjects/deleted",
            ]
            counted = servers.salesforce.calls(marks.salesforce) + servers.spotio.calls(
                marks.spotio
            )
            assert counted <= 12


def one_change_each_way(sync: Sync) -> dict[str, list[str]]:
    """The calls of the run that carries one change, by direction and side."""
    salesforce, spotio = sync.servers.salesforce, sync.servers.spotio
    rows = [row for row in salesforce.rows("Account") if not row["IsDeleted"]]
    salesforce.edit(object="Account", id=rows[0]["Id"], set={"Website": "https://s.example"})
    spotio.edit(object="Accounts", id=rows[1]["SPOTIO_Id__c"], set={"Website": "https://p.example"})
    made: dict[str, list[str]] = {}
    for mapping in DIRECTIONS:
        marks = Marks.now(sync.servers)
        ended = sync.run(mapping)
        assert ended.ended_well, str(ended)
        made[f"{mapping}, Salesforce"] = paths(salesforce, marks.salesforce)
        made[f"{mapping}, SPOTIO"] = [
            one.replace(rows[0]["SPOTIO_Id__c"], "ID") for one in paths(spotio, marks.spotio)
        ]
    at_rest = {row["Id"]: row["Website"] for row in salesforce.rows("Account")}
    assert at_rest[rows[1]["Id"]] == "https://p.example"
    in_spotio = {row["id"]: row["fields"].get("Website") for row in spotio.rows("Accounts")}
    assert in_spotio[rows[0]["SPOTIO_Id__c"]] == "https://s.example"
    return {
        name: [one.replace(rows[1]["Id"], "ID") for one in calls] for name, calls in made.items()
    }


def test_one_change_costs_the_same_few_requests_in_every_population(tmp_path: Path) -> None:
    with linked(tmp_path / "few", FEW) as sync:
        few = one_change_each_way(sync)
    with linked(tmp_path / "many", MANY) as sync:
        many = one_change_each_way(sync)
    assert many == few
    assert few[f"{TO_SPOTIO}, SPOTIO"] == [
        "GET /api/users",
        "GET /api/workflow/dataObjects/full",
        "GET /api/DataObjects/many",
        "PATCH /api/DataObjects/ID/jsonp",
    ]
    assert few[f"{TO_SALESFORCE}, Salesforce"] == [
        "POST composite/sobjects/Account",
        "PATCH sobjects/Account/ID",
        "POST composite/sobjects/Account",
    ]


@pytest.mark.parametrize("bulk_threshold", [0, pytest.param(MANY, marks=in_a_sweep)])
def test_an_update_of_many_linked_records_is_ten_requests_a_thousand_at_most(
    tmp_path: Path, bulk_threshold: int
) -> None:
    with linked(tmp_path / "project", MANY, bulk_threshold=bulk_threshold) as sync:
        salesforce, spotio = sync.servers.salesforce, sync.servers.spotio
        for number, row in enumerate(spotio.rows("Accounts")):
            website = f"https://{number}.example"
            spotio.edit(object="Accounts", id=row["id"], set={"Website": website})
        mark = salesforce.last()
        assert sync.run(TO_SALESFORCE).ended_well
        written = salesforce.calls(mark)
        assert sync.run(TO_SPOTIO).ended_well
        read_again = salesforce.calls(mark) - written
        websites = {row["Website"] for row in salesforce.rows("Account")}
        assert len(websites) == MANY, "all of them have arrived"
        assert 1000 * (written + read_again) / MANY <= 10, paths(salesforce, mark)
