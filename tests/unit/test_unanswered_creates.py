"""A create that had no answer, and the direction back that sees what it made (I7, I8)."""

from __future__ import annotations

import pytest

from reverse_sf.ledger.batches import Outcomes
from reverse_sf.ledger.rows import OperationStatus, Outcome, Parked, Run
from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO
from reverse_sf.mapping.definition import Direction, Side
from tests.unit.two_way_fixtures import SYNC, TwoWay

UNNAMED = SYNC.replace("    salesforce_external_id: SPOTIO_Id__c\n", "")


@pytest.fixture
def world(tmp_path):
    return TwoWay(tmp_path, UNNAMED)


def killed_after_the_create(world, **values):
    """Salesforce has taken the create, and nobody heard of it; answers SPOTIO's id."""
    p = world.in_spotio("Accounts", **values)
    emitted = world.run(TO_SALESFORCE)
    assert len(emitted.records) == 1
    world.write_salesforce(emitted, commit=False)
    return p


def park(world):
    """The next run toward Salesforce cannot tell, and parks the create."""
    emitted = world.run(TO_SALESFORCE)
    (one,) = emitted.records
    sync = one["_sync"]
    with world.open() as ledger:
        ledger.commit_outcomes(
            Outcomes(
                run_id=emitted.run_id,
                direction=Direction.TO_SALESFORCE,
                outcomes=[
                    Outcome(
                        operation_id=sync["operation_id"],
                        link_id=sync["link_id"],
                        status=OperationStatus.REJECTED,
                        at=world.now(),
                        error_code="unknown_outcome",
                    )
                ],
                parked=[
                    Parked(
                        link_id=sync["link_id"],
                        direction=Direction.TO_SALESFORCE,
                        pair=sync["pair"],
                        reason="unknown_outcome",
                        message="no answer",
                        at=world.now(),
                        run_id=emitted.run_id,
                    )
                ],
            )
        )
        ledger.finish_run(emitted.run_id, "done")


def only(store, stream="Account"):
    (record_id,) = store.by_stream[stream]
    return record_id


@pytest.mark.parametrize("is_parked", [False, True])
def test_a_record_that_holds_what_the_create_sent_joins_its_link(world, is_parked):
    p = killed_after_the_create(world, Company="A", Website="w")
    if is_parked:
        park(world)
    s = only(world.salesforce)
    world.cycle()  # where the create is still open, its direction ends it first
    world.rest()
    assert list(world.spotio.by_stream["Accounts"]) == [p]
    assert list(world.salesforce.by_stream["Account"]) == [s]
    assert world.spotio.by_stream["Accounts"][p]["externalDataObjectId"] == s
    assert world.parked(Direction.TO_SALESFORCE) == {}
    world.in_salesforce("Account", s, Website="x")
    world.rest()
    assert world.both(p)[0]["Website"] == "x"


@pytest.mark.parametrize("is_parked", [False, True])
def test_a_record_that_was_edited_since_is_parked_and_both_are_named(world, is_parked):
    p = killed_after_the_create(world, Company="A", Website="w")
    if is_parked:
        park(world)
    s = only(world.salesforce)
    world.in_salesforce("Account", s, Name="Another", Website="x")
    world.to_spotio()
    assert list(world.spotio.by_stream["Accounts"]) == [p]
    with world.open() as ledger:
        (row,) = ledger.parked_rows(Direction.TO_SPOTIO)
        assert ledger.link_ids("Account:Accounts", [s]) == {s: row.link_id}
    assert p in row.message
    world.in_salesforce("Account", s, Website="y")
    world.to_spotio()
    assert list(world.spotio.by_stream["Accounts"]) == [p]


def test_a_record_that_link_releases_stays_parked_while_the_create_is_in_doubt(world):
    p = killed_after_the_create(world, Company="A")
    park(world)
    world.in_salesforce("Account", only(world.salesforce), Name="Another")
    world.to_spotio()
    runs = {}
    with world.open() as ledger:
        for direction in Direction:
            runs[direction] = f"link {direction.value}"
            ledger.begin_run(
                Run(
                    run_id=runs[direction],
                    direction=direction,
                    started_at=world.now(),
                    definition_fingerprint="",
                    holder="test",
                ),
                ttl_seconds=60,
            )
        assert len(ledger.parked_rows(Direction.TO_SPOTIO)) == 1
        ledger.park_doubts(runs, "Account:Accounts", [])
        assert ledger.parked_rows(Direction.TO_SPOTIO) == []
        for run_id in runs.values():
            ledger.finish_run(run_id, "done")
    world.to_spotio()
    assert list(world.spotio.by_stream["Accounts"]) == [p]
    with world.open() as ledger:
        (row,) = ledger.parked_rows(Direction.TO_SPOTIO)
    assert p in row.message


def test_two_records_that_hold_the_same_are_both_parked(world):
    killed_after_the_create(world, Company="A")
    twin = dict(world.salesforce.by_stream["Account"][only(world.salesforce)])
    del twin["Id"]
    world.in_salesforce("Account", **twin)
    world.to_spotio()
    assert len(world.spotio.by_stream["Accounts"]) == 1
    with world.open() as ledger:
        assert len(ledger.parked_rows(Direction.TO_SPOTIO)) == 2


def test_a_record_from_before_the_create_is_new(world):
    world.in_salesforce("Account", Name="B", CreatedDate="2026-01-01T00:00:00.000Z")
    p = killed_after_the_create(world, Company="A")
    world.to_spotio()
    names = {row["Company"] for row in world.spotio.by_stream["Accounts"].values()}
    assert names == {"A", "B"}
    assert next(iter(world.spotio.by_stream["Accounts"])) == p


def test_a_record_that_a_person_calls_new_is_created(world):
    killed_after_the_create(world, Company="A")
    park(world)
    s = only(world.salesforce)
    world.in_salesforce("Account", s, Name="Another")
    emitted = world.run(TO_SALESFORCE)
    with world.open() as ledger:
        ledger.set_alone(emitted.run_id, "Account:Accounts", Side.SALESFORCE, [s])
        ledger.finish_run(emitted.run_id, "done")
    world.to_spotio()
    assert len(world.spotio.by_stream["Accounts"]) == 2


def test_a_create_toward_spotio_without_an_answer_is_found_by_the_id_it_carries(world):
    s = world.in_salesforce("Account", Name="A")
    emitted = world.run(TO_SPOTIO)
    assert len(emitted.records) == 1
    world.write_spotio(emitted, commit=False)
    p = only(world.spotio, "Accounts")
    world.in_spotio("Accounts", p, Company="Another")
    world.to_salesforce()
    assert list(world.salesforce.by_stream["Account"]) == [s]
    world.rest()
    assert list(world.spotio.by_stream["Accounts"]) == [p]
    assert list(world.salesforce.by_stream["Account"]) == [s]


@pytest.mark.parametrize("is_parked", [False, True])
def test_what_an_unanswered_create_made_for_a_record_that_is_gone_is_not_created_back(
    world, is_parked
):
    p = killed_after_the_create(world, Company="A", Website="w")
    if is_parked:
        park(world)
    world.delete_in_spotio(p)
    if not is_parked:
        park(world)
    world.run(TO_SALESFORCE)
    s = only(world.salesforce)
    world.rest()
    assert list(world.spotio.by_stream["Accounts"]) == [p]
    with world.open() as ledger:
        (link_id,) = ledger.link_ids("Account:Accounts", [s]).values()
        (link,) = (one.link for one in ledger.snapshots([link_id]).values())
    assert (link.spotio_id, link.state.value) == (p, "tombstone")


def test_another_new_record_is_created_beside_the_create_for_one_that_is_gone(world):
    p = killed_after_the_create(world, Company="A", Website="w")
    park(world)
    world.delete_in_spotio(p)
    world.run(TO_SALESFORCE)
    world.in_salesforce("Account", Name="Another")
    world.rest()
    rows = world.spotio.by_stream["Accounts"].values()
    assert [one["Company"] for one in rows if not one["deleted"]] == ["Another"]
