"""target-spotio with the mapper's envelope, against the local server."""

from __future__ import annotations

from typing import Any

import pytest

from reverse_sf.ledger.rows import LinkState
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction
from reverse_sf.spotio.client import Spotio
from tests.contract.spotio_fixtures import (  # noqa: F401 - fixtures
    Sync,
    account,
    contact,
    link_of,
    salesforce_id,
    server_fixture,
    spotio_fixture,
    sync_fixture,
    update,
)


def test_a_create_is_written_read_back_and_linked(sync: Sync) -> None:
    sync.begin().decide(
        account(
            1,
            address={
                "street": "12 Main St",
                "city": "Austin",
                "state": "TX",
                "zip": "78701",
                "country": "United States",
                "skip_geocoding": True,
            },
        )
    )
    sync.deliver()
    (row,) = sync.rows("Accounts")
    assert row["fields"]["Company"] == "Company 1"
    assert row["fields"]["Products"] == ["Batteries", "Panels"]
    assert row["stage"] == "Customer"
    assert row["owner"] == "rep.one@example.com"
    assert (row["pin"]["houseNumber"], row["pin"]["street"]) == ("12", "Main St")
    known = sync.snapshot(salesforce_id(1))
    assert known.link.state is LinkState.LINKED
    assert known.link.spotio_id == row["id"]
    assert known.base["Company"] == ["Company 1", "source"]
    assert known.base["address"][0]["street"] == "12 Main St"
    assert known.spotio_image["Customer Since"] == "2020-05-06"
    assert sync.states
    assert sync.counts()["created"] == 1


def test_parents_are_written_before_children_whatever_the_order_of_streams(sync: Sync) -> None:
    sync.begin().decide(contact(1, parent=1), contact(2), account(1))
    sync.deliver()
    (parent,) = sync.rows("Accounts")
    children = {row["fields"]["Last Name"]: row["parentId"] for row in sync.rows("Contacts")}
    assert children == {"Last 1": parent["id"], "Last 2": None}
    assert sync.snapshot(salesforce_id(1, "003")).base["parent"] == [parent["id"], "source"]


def test_a_child_in_an_earlier_batch_waits_for_its_parent(sync: Sync) -> None:
    sync.begin().decide(contact(1, parent=1), account(1))
    sync.deliver(batch_size_rows=1)
    assert [row["parentId"] is not None for row in sync.rows("Contacts")] == [True]
    assert sync.parked() == {}


def test_a_child_of_a_parent_that_never_comes_stays_parked_as_waiting(sync: Sync) -> None:
    sync.begin().decide(contact(1, parent=7))
    sync.deliver()
    assert sync.rows("Contacts") == []
    assert sync.parked() == {(link_of(salesforce_id(1, "003")), ""): "waiting_for_parent"}


def test_a_bulk_job_creates_many_and_names_the_refused(sync: Sync) -> None:
    bad = account(7, **{"Billing Email": "no e-mail at all"})
    sync.begin().decide(*[account(n) for n in range(1, 7)], bad)
    mark = sync.spotio.last()
    sync.deliver(bulk_threshold=3)
    assert len(sync.rows("Accounts")) == 7
    assert sync.parked() == {(link_of(salesforce_id(7)), "Billing Email"): "rejected"}
    assert sum(path == "POST /api/DataObjects" for path in sync.writes(mark)) == 1
    assert sync.counts()["created"] == 7


def test_children_in_a_bulk_job_have_their_parent_in_the_image(sync: Sync) -> None:
    sync.begin().decide(account(1), *[contact(n, parent=1) for n in range(1, 6)])
    sync.deliver(bulk_threshold=3)
    (parent,) = sync.rows("Accounts")
    for number in range(1, 6):
        assert sync.snapshot(salesforce_id(number, "003")).spotio_image["parent"] == parent["id"]


@pytest.fixture
def linked(sync: Sync) -> tuple[Sync, str]:
    """A sync with one linked Account."""
    sync.begin().decide(account(1))
    sync.deliver()
    sync.begin()
    return sync, sync.rows("Accounts")[0]["id"]


def test_an_update_sends_only_what_differs(linked: tuple[Sync, str]) -> None:
    sync, spotio_id = linked
    sync.decide(
        update(
            1, spotio_id, {"Phone": "(512) 555-0001"}, Phone="(512) 555-9999", Company="Company 1"
        )
    )
    mark = sync.spotio.last()
    sync.deliver()
    (row,) = sync.rows("Accounts")
    assert row["fields"]["Phone"] == "(512) 555-9999"
    assert row["fields"]["Company"] == "Company 1"
    assert sync.writes(mark) == [f"PATCH /api/DataObjects/{spotio_id}/jsonp"]
    assert sync.snapshot(salesforce_id(1)).base["Phone"][0] == "(512) 555-9999"
    assert sync.counts() == {"updated": 1}


def test_a_blank_clears_and_an_absent_key_is_left_alone(linked: tuple[Sync, str]) -> None:
    sync, spotio_id = linked
    sync.decide(update(1, spotio_id, {}, Phone=None, Products=None))
    sync.deliver()
    fields = sync.rows("Accounts")[0]["fields"]
    assert not fields.get("Phone")
    assert not fields.get("Products")
    assert fields["Industry"] == "Solar"


def test_a_changed_record_is_not_overwritten_and_decided_again(linked: tuple[Sync, str]) -> None:
    sync, spotio_id = linked
    sync.spotio.edit(object="Accounts", id=spotio_id, set={"Phone": "(512) 555-7777"})
    sync.decide(update(1, spotio_id, {"Phone": "(512) 555-0001"}, Phone="(512) 555-9999"))
    mark = sync.spotio.last()
    sync.deliver()
    assert sync.writes(mark) == []
    known = sync.snapshot(salesforce_id(1))
    assert known.spotio_image["Phone"] == "(512) 555-7777"
    assert known.link.flagged is not None
    assert sync.counts() == {"stale": 1}


@pytest.mark.parametrize("carried", [salesforce_id(1), None])
def test_what_is_read_of_a_record_tells_whose_copy_it_is(linked: tuple[Sync, str], carried) -> None:
    """Otherwise the mapper could not know that an attempt has not brought the id there."""
    sync, spotio_id = linked
    edit = {"Phone": "(512) 555-7777", "External Id": carried}
    sync.spotio.edit(object="Accounts", id=spotio_id, set=edit)
    sync.decide(update(1, spotio_id, {"Phone": "(512) 555-0001"}, Phone="(512) 555-9999"))
    sync.deliver()
    assert sync.counts() == {"stale": 1}
    assert sync.snapshot(salesforce_id(1)).spotio_image["externalDataObjectId"] == carried


def test_agreement_writes_nothing_and_settles_the_base(linked: tuple[Sync, str]) -> None:
    sync, spotio_id = linked
    sync.spotio.edit(object="Accounts", id=spotio_id, set={"Phone": "(512) 555-9999"})
    sync.decide(update(1, spotio_id, {"Phone": "(512) 555-0001"}, Phone="(512) 555-9999"))
    mark = sync.spotio.last()
    sync.deliver()
    assert sync.writes(mark) == []
    assert sync.snapshot(salesforce_id(1)).base["Phone"] == ["(512) 555-9999", "source"]
    assert sync.counts() == {"agreed": 1}


def test_a_refused_field_is_withheld_and_the_rest_written(linked: tuple[Sync, str]) -> None:
    sync, spotio_id = linked
    sync.decide(
        update(1, spotio_id, {}, **{"Phone": "(512) 555-9999", "Billing Email": "nonsense"})
    )
    sync.deliver()
    fields = sync.rows("Accounts")[0]["fields"]
    assert fields["Phone"] == "(512) 555-9999"
    assert not fields.get("Billing Email")
    assert sync.parked() == {(link_of(salesforce_id(1)), "Billing Email"): "rejected"}


def test_an_unknown_choice_is_withheld_before_any_call(linked: tuple[Sync, str]) -> None:
    sync, spotio_id = linked
    sync.decide(update(1, spotio_id, {}, Industry="Agriculture"))
    mark = sync.spotio.last()
    sync.deliver()
    assert sync.writes(mark) == []
    assert sync.parked() == {(link_of(salesforce_id(1)), "Industry"): "choice_unknown"}


def test_an_unknown_owner_changes_nothing_on_update_where_the_owner_is_kept(
    linked: tuple[Sync, str],
) -> None:
    sync, spotio_id = linked
    user = "005000000000077AAA"
    owner = {"email": "nobody@example.com", "default": "ops@example.com", "keep_on_update": True}
    sync.decide(update(1, spotio_id, {}, owner=owner | {"salesforce_id": user}))
    sync.deliver()
    assert sync.rows("Accounts")[0]["owner"] == "rep.one@example.com"
    assert sync.parked() == {}
    with Ledger.open(sync.ledger_uri) as ledger:
        (awaited,) = ledger.awaited_owners(Direction.TO_SPOTIO)
    assert awaited.user_id == user


def test_an_unknown_owner_gives_way_to_the_default_on_create(sync: Sync) -> None:
    owner = {"email": "nobody@example.com", "default": "ops@example.com"}
    sync.begin().decide(account(1, owner=owner))
    sync.deliver()
    assert sync.rows("Accounts")[0]["owner"] == "ops@example.com"


def test_a_record_with_the_external_id_is_linked_and_only_winning_keys_written(sync: Sync) -> None:
    sync.begin().decide(account(1))
    sync.deliver()
    fresh = Sync(sync.spotio, sync.ledger_uri.replace("ledger.db", "other.db"))
    again = account(1, Phone="(512) 555-9999", Website="https://new.example.com")
    again["envelope"] = {"on_link": ["Phone"]}
    fresh.begin().decide(again)
    fresh.deliver()
    (row,) = fresh.rows("Accounts")
    assert row["fields"]["Phone"] == "(512) 555-9999"
    assert not row["fields"].get("Website")
    known = fresh.snapshot(salesforce_id(1))
    assert known.link.spotio_id == row["id"]
    assert known.base["Company"] == ["Company 1", "source"]
    assert "Website" not in known.base
    assert fresh.counts() == {"linked": 1, "journaled": 1}


def test_a_link_by_name_is_made_where_the_record_is_there_and_free_and_else_given_up(
    sync: Sync,
) -> None:
    free, taken = (
        sync.spotio.edit(object="Accounts", create={"Company": name, "External Id": own})["id"]
        for name, own in (("Free", None), ("Taken", "another"))
    )
    lead = sync.spotio.edit(object="Leads", create={"Last Name": "A lead"})["id"]
    named = (free, taken, lead, "6650d0f0000100000000ffff", "ERP 77, 78&x")
    sync.begin().decide(
        *(
            {
                "salesforce_id": salesforce_id(number),
                "pair": "Account:Accounts",
                "action": "link",
                "record": {"Phone": "(512) 555-0001"},
                "envelope": {"spotio_id": one, "named": True},
            }
            for number, one in enumerate(named)
        )
    )
    sync.deliver()
    assert sync.parked() == {(link_of(salesforce_id(1)), ""): "already_linked"}
    states = [sync.snapshot(salesforce_id(number)).link for number in range(len(named))]
    assert (states[0].state, states[0].spotio_id) == (LinkState.LINKED, free)
    for link in states[1:]:
        assert (link.state, link.spotio_id) == (LinkState.PENDING, None)
    assert [one.flagged for one in states[2:]] == [Direction.TO_SPOTIO] * 3
    assert len(sync.rows("Accounts")) == 2
    assert [row["fields"].get("Phone") for row in sync.rows("Accounts")] == [
        "(512) 555-0001",
        None,
    ]


def test_two_records_with_the_external_id_are_ambiguous_and_nothing_is_created(sync: Sync) -> None:
    for _ in range(2):
        sync.spotio.edit(
            object="Accounts",
            create={"Company": "Twin", "External Id": salesforce_id(1)},
        )
    sync.begin().decide(account(1))
    sync.deliver()
    assert len(sync.rows("Accounts")) == 2
    assert sync.parked() == {(link_of(salesforce_id(1)), ""): "ambiguous"}


def test_a_deletion_is_carried_out_only_where_nothing_changed(linked: tuple[Sync, str]) -> None:
    sync, spotio_id = linked
    envelope = {"spotio_id": spotio_id, "expected": {"Phone": "another"}}
    deletion: dict[str, Any] = {
        "salesforce_id": salesforce_id(1),
        "pair": "Account:Accounts",
        "action": "delete",
        "record": {},
        "envelope": envelope,
    }
    sync.decide(deletion)
    sync.deliver()
    assert len(sync.rows("Accounts")) == 1
    envelope["expected"] = {"Phone": "(512) 555-0001"}
    sync.begin().decide(deletion)
    sync.deliver()
    assert sync.rows("Accounts") == []
    assert sync.snapshot(salesforce_id(1)).link.state is LinkState.TOMBSTONE


def test_every_write_is_logged_without_a_secret(linked: tuple[Sync, str]) -> None:
    sync, spotio_id = linked
    sync.decide(update(1, spotio_id, {}, Phone="(512) 555-9999"))
    sync.deliver()
    with Ledger.open(sync.ledger_uri) as ledger:
        rows = list(ledger.log_rows(run_id=sync.run_id))
    assert [(row.method, row.status, row.outcome) for row in rows] == [("PATCH", 200, "updated")]
    assert "demo-secret" not in repr(rows)


def test_the_run_ends_and_gives_its_lease_back(linked: tuple[Sync, str]) -> None:
    sync, spotio_id = linked
    sync.decide(update(1, spotio_id, {}, Phone="(512) 555-9999"))
    sync.deliver()
    with Ledger.open(sync.ledger_uri) as ledger:
        run = ledger.last_run(Direction.TO_SPOTIO)
    assert run is not None
    assert run.status == "done"
    sync.begin()


@pytest.mark.parametrize("switches", [{}, {"patch_test": "ignored"}, {"patch_fields": "rebuilds"}])
def test_an_edit_between_guard_and_write_is_not_overwritten(
    linked: tuple[Sync, str], monkeypatch: pytest.MonkeyPatch, switches: dict[str, str]
) -> None:
    sync, spotio_id = linked
    sync.spotio.switches(**switches)
    sync.decide(update(1, spotio_id, {}, Website="https://one.example.com"))
    sync.deliver()
    real = Spotio.many

    def edited(self: Spotio, record_ids: Any) -> Any:
        found = list(real(self, record_ids))
        changed = {"Phone": "(512) 555-7777", "Account Notes": "by hand"}
        sync.spotio.edit(object="Accounts", id=spotio_id, set=changed)
        return found

    sync.begin().decide(update(1, spotio_id, {"Phone": "(512) 555-0001"}, Phone="(512) 555-9999"))
    with monkeypatch.context() as patch:
        patch.setattr(Spotio, "many", edited)
        sync.deliver()
    fields = sync.rows("Accounts")[0]["fields"]
    assert fields["Phone"] == "(512) 555-7777"
    assert fields["Account Notes"] == "by hand"
    assert sync.counts() == {"stale": 1}


def test_a_value_that_a_link_overwrites_outlives_a_crash_before_the_outcome(
    sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"Company": "Own", "Phone": "(801) 555-0100"}
    sync.spotio.edit(object="Accounts", create={**own, "External Id": salesforce_id(1)})
    sync.begin()
    sync.decide(account(1) | {"envelope": {"on_link": ["Phone"]}})

    def power_cut(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "commit_outcomes", power_cut)
        with pytest.raises(KeyboardInterrupt):
            sync.deliver()
    (row,) = sync.rows("Accounts")
    assert row["fields"]["Phone"] != "(801) 555-0100"
    with Ledger.open(sync.ledger_uri) as ledger:
        (conflict,) = ledger.conflicts()
    assert (conflict.key, conflict.losing_value) == ("Phone", "(801) 555-0100")
