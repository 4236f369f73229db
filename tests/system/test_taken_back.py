"""Addresses, owners and parents that the real targets bring back, and that stay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from reverse_sf.cli.main import cli
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from tests.system.servers_fixture import in_a_sweep
from tests.system.sync import TO_SALESFORCE, TO_SPOTIO, Marks, Sync
from tests.system.two_way_fixtures import two_way_definition, world

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_sf.simulator.local import LocalServers

__all__ = ["world"]

pytestmark = [pytest.mark.slow]

KEYS = ["address", "owner", "parent"]


@pytest.fixture
def sync(world: LocalServers, tmp_path: Path) -> Sync:
    """A fresh project with a ledger in a file."""
    world.reset()
    file = tmp_path / "sync.yml"
    file.write_text(two_way_definition())
    return Sync(tmp_path, world, file, f"sqlite:///{tmp_path}/ledger.db")


def _call(sync: Sync, *words: str) -> Any:
    where = ["--sync-file", str(sync.sync_file), "--ledger-uri", sync.ledger_uri]
    given = [*words, *(where if words[-1] == "--yes" else where[2:]), "--json"]
    ended = CliRunner().invoke(cli, given, standalone_mode=False)
    if ended.exception is not None:
        raise ended.exception
    return json.loads(ended.stdout)


def _living(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if not row.get("deleted") and not row.get("IsDeleted")]


class Three:
    """An account with an address and an owner, and a contact with a parent, on both sides."""

    def __init__(self, sync: Sync) -> None:
        self._salesforce, self._spotio = sync.servers.salesforce, sync.servers.spotio
        accounts = {one["id"]: one for one in _living(self._spotio.rows("Accounts"))}
        contact = next(
            one
            for one in _living(self._spotio.rows("Contacts"))
            if one["externalDataObjectId"] and one["parentId"] in accounts
        )
        linked = [one for one in accounts.values() if one["externalDataObjectId"]]
        account = next(
            one
            for one in linked
            if one["stage"] == "Customer" and one["pin"] and one["owner"] == "rep.one@example.com"
        )
        self.parent = next(one for one in linked if one["id"] != contact["parentId"])
        self.account, self.contact = account["id"], contact["id"]
        self.of_account = account["externalDataObjectId"]
        self.of_contact = contact["externalDataObjectId"]

    def in_spotio(self) -> dict[str, Any]:
        account = self._row(self._spotio.rows("Accounts"), "id", self.account)
        contact = self._row(self._spotio.rows("Contacts"), "id", self.contact)
        pin = account["pin"]
        return {
            # SPOTIO may keep the house number apart from the street.
            "address": (
                " ".join(one for one in (pin["houseNumber"], pin["street"]) if one),
                pin["city"],
            ),
            "owner": account["owner"],
            "parent": contact["parentId"],
        }

    def in_salesforce(self) -> dict[str, Any]:
        account = self._row(self._salesforce.rows("Account"), "Id", self.of_account)
        contact = self._row(self._salesforce.rows("Contact"), "Id", self.of_contact)
        owner = self._row(self._salesforce.rows("User"), "Id", account["OwnerId"])
        parent = self._row(self._salesforce.rows("Account"), "Id", contact["AccountId"])
        return {
            "address": (account["BillingStreet"], account["BillingCity"]),
            "owner": owner["Email"],
            "parent": parent["SPOTIO_Id__c"],
        }

    @staticmethod
    def _row(rows: list[dict[str, Any]], name: str, value: str) -> dict[str, Any]:
        return next(row for row in rows if row[name] == value)


def _quiet(sync: Sync) -> None:
    for _ in range(2):
        sync.cycle()
    rest = Marks.now(sync.servers)
    sync.cycle()
    assert rest.writes(sync.servers) == []


@in_a_sweep
def test_a_run_toward_spotio_is_taken_back_and_what_people_lost_comes_back(sync: Sync) -> None:
    for _ in range(2):
        sync.cycle()
    three = Three(sync)
    before = three.in_spotio()
    assert three.in_salesforce() == before
    salesforce, spotio = sync.servers.salesforce, sync.servers.spotio
    moved = {
        "address": ("1 Oak St", before["address"][1]),
        "owner": "rep.two@example.com",
        "parent": three.parent["id"],
    }
    reps = {row["Email"]: row["Id"] for row in salesforce.rows("User")}
    edit = {"BillingStreet": moved["address"][0], "OwnerId": reps[moved["owner"]]}
    salesforce.edit(object="Account", id=three.of_account, set=edit)
    salesforce.edit(
        object="Contact",
        id=three.of_contact,
        set={"AccountId": three.parent["externalDataObjectId"]},
    )
    sync.run(TO_SPOTIO)
    assert three.in_spotio() == moved
    with Ledger.open(sync.ledger_uri) as ledger:
        run = ledger.last_run(Direction.TO_SPOTIO)
    assert run is not None
    taken = _call(sync, "revert", run.run_id, "--yes")
    assert sorted(one["key"] for one in taken["taken_back"]) == KEYS
    _quiet(sync)
    assert three.in_spotio() == before
    assert three.in_salesforce() == moved

    # What SPOTIO's people write is overruled, and comes back in both systems.
    spotio.edit(
        object="Accounts",
        id=three.account,
        set={"Address": {"street": "2 Elm St", "city": "Bend"}, "Owner": "rep.three@example.com"},
    )
    # As SPOTIO spells what a person has typed.
    mine = {key: three.in_spotio()[key] for key in ("address", "owner")}
    assert mine["address"][1] == "Bend"
    sync.run(TO_SALESFORCE)
    sync.cycle()
    assert three.in_spotio()["owner"] == moved["owner"]
    oldest_first = reversed(_call(sync, "conflicts"))
    lost = {one["key"]: one["number"] for one in oldest_first if one["loser"] == "spotio"}
    for key in ("address", "owner"):
        _call(sync, "conflicts", "restore", str(lost[key]), "--yes")
    _quiet(sync)
    for held in (three.in_spotio(), three.in_salesforce()):
        assert {key: held[key] for key in mine} == mine
