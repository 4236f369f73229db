from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import inspect

from reverse_sf.errors import LeaseHeldError, StopError
from reverse_sf.ledger.batches import Decisions, Outcomes
from reverse_sf.ledger.rows import (
    AwaitedOwner,
    Conflict,
    Count,
    Link,
    LinkState,
    LogRow,
    OperationStatus,
    Parked,
    Restore,
    UserRow,
)
from reverse_sf.ledger.tables import metadata
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.identity import link_id_of
from tests.contract.ledger_fixtures import (
    AT,
    PAIR,
    any_uri,
    created,
    decide,
    finish,
    image,
    intent,
    join,
    ledger,
    link,
    link_id,
    outcome,
    run,
)
from tests.postgresql import postgresql_server

if TYPE_CHECKING:
    from reverse_sf.ledger.store import Ledger

__all__ = ["any_uri", "ledger", "postgresql_server"]

TO_SPOTIO = Direction.TO_SPOTIO
TO_SALESFORCE = Direction.TO_SALESFORCE
LATER = "2026-05-06T13:00:00.000Z"


def replanned(
    ledger: Ledger, now: str = AT, fingerprint: str = "definition-1", batch: int = 500
) -> list[str]:
    pages = ledger.links_to_replan(
        TO_SPOTIO, now=now, definition_fingerprint=fingerprint, batch=batch
    )
    return [link_id for page in pages for link_id in page]


def withheld(name: str, key: str = "", **changes: object) -> Parked:
    return Parked(
        **{
            "link_id": link_id(name),
            "direction": TO_SPOTIO,
            "key": key,
            "pair": PAIR,
            "reason": "rejected",
            "message": "refused",
            "at": AT,
            "run_id": "run-1",
            **changes,
        }
    )


def next_run(ledger: Ledger, run_id: str = "run-2", fingerprint: str = "definition-1") -> None:
    latest = ledger.last_run(TO_SPOTIO)
    assert latest is not None
    ledger.finish_run(latest.run_id, "done")
    ledger.begin_run(run(run_id, started_at=LATER, fingerprint=fingerprint), ttl_seconds=600)


class TestSchema:
    def test_the_migrations_make_the_tables_that_the_code_uses(self, ledger):
        with ledger._reading() as connection:
            seen = inspect(connection)
            for table in metadata.tables.values():
                columns = {it["name"]: it for it in seen.get_columns(table.name)}
                assert set(columns) == {it.name for it in table.columns}
                for column in table.columns:
                    if not column.primary_key:
                        assert columns[column.name]["nullable"] == column.nullable, column
                keys = seen.get_pk_constraint(table.name)["constrained_columns"]
                assert keys == [it.name for it in table.primary_key.columns]
                indexes = {
                    (it["name"], tuple(it["column_names"]), bool(it["unique"]))
                    for it in seen.get_indexes(table.name)
                }
                assert indexes == {
                    (it.name, tuple(column.name for column in it.columns), bool(it.unique))
                    for it in table.indexes
                }

    def test_a_link_has_at_most_one_counterpart_by_the_database_itself(self, ledger):
        join(ledger, "a")
        with pytest.raises(StopError, match="belongs to another link"):
            ledger.commit_decisions(Decisions(run_id="run-1", links=[link("b", spotio_id="sp-a")]))
        with pytest.raises(StopError, match="belongs to another link"):
            ledger.commit_decisions(
                Decisions(run_id="run-1", links=[link("b", salesforce_id="sf-a")])
            )
        assert ledger.snapshots([link_id("b")]) == {}

    def test_one_salesforce_record_may_be_linked_in_two_pairs(self, ledger):
        decide(ledger, "a")
        other = link("b", salesforce_id="sf-a", pair="Account:Leads")
        ledger.commit_decisions(Decisions(run_id="run-1", links=[other]))
        assert ledger.link_ids("Account:Leads", ["sf-a"]) == {"sf-a": link_id("b")}
        assert ledger.link_ids(PAIR, ["sf-a"]) == {"sf-a": link_id("a")}


class TestLeases:
    def test_a_second_runner_is_told_who_works_and_since_when(self, ledger):
        with pytest.raises(LeaseHeldError, match=r"run run-1 of holder of run-1 .* since 20"):
            ledger.begin_run(run("run-2"), ttl_seconds=600)
        assert ledger.last_run(TO_SPOTIO).run_id == "run-1"

    def test_the_other_direction_has_its_own_lease(self, ledger):
        ledger.begin_run(run("other", TO_SALESFORCE), ttl_seconds=600)
        ledger.heartbeat("other", ttl_seconds=600)
        ledger.heartbeat("run-1", ttl_seconds=600)

    def test_a_finished_run_gives_its_lease_back(self, ledger):
        ledger.finish_run("run-1", "done")
        ledger.begin_run(run("run-2"), ttl_seconds=600)
        assert {it.run_id: it.status for it in ledger.runs()} == {
            "run-1": "done",
            "run-2": "running",
        }

    def test_an_expired_lease_is_taken_over_and_its_run_is_marked(self, ledger):
        ledger.heartbeat("run-1", ttl_seconds=-1)
        ledger.begin_run(run("run-2"), ttl_seconds=600)
        interrupted = {it.run_id: it for it in ledger.runs()}["run-1"]
        assert interrupted.status == "interrupted"
        assert interrupted.ended_at is not None

    def test_a_run_that_lost_its_lease_hears_it_at_its_next_heartbeat(self, ledger):
        ledger.heartbeat("run-1", ttl_seconds=-1)
        ledger.begin_run(run("run-2"), ttl_seconds=600)
        with pytest.raises(LeaseHeldError, match="run-2"):
            ledger.heartbeat("run-1", ttl_seconds=600)

    def test_a_run_that_lost_its_lease_decides_nothing_any_more(self, ledger):
        ledger.heartbeat("run-1", ttl_seconds=-1)
        ledger.begin_run(run("run-2"), ttl_seconds=600)
        with pytest.raises(LeaseHeldError, match="run-2"):
            decide(ledger, "a")
        assert ledger.observed(PAIR, ["sf-a"]) == {}

    def test_a_run_that_lost_its_lease_may_still_say_what_it_wrote(self, ledger):
        decide(ledger, "a")
        ledger.heartbeat("run-1", ttl_seconds=-1)
        ledger.begin_run(run("run-2"), ttl_seconds=600)
        finish(ledger, created("a"))
        assert ledger.counterparts([link_id("a")]) == {link_id("a"): "sp-a"}

    def test_an_expired_lease_that_nobody_took_is_kept_by_a_heartbeat(self, ledger):
        ledger.heartbeat("run-1", ttl_seconds=-1)
        ledger.heartbeat("run-1", ttl_seconds=600)
        with pytest.raises(LeaseHeldError):
            ledger.begin_run(run("run-2"), ttl_seconds=600)

    def test_a_run_that_failed_in_the_mapper_stays_failed_when_its_target_ends_well(self, ledger):
        ledger.finish_run("run-1", "failed")
        ledger.finish_run("run-1", "done")
        assert ledger.last_run(TO_SPOTIO).status == "failed"

    def test_a_run_of_another_ledger_is_refused(self, ledger):
        with pytest.raises(StopError, match="same ledger_uri"):
            ledger.heartbeat("elsewhere", ttl_seconds=600)
        with pytest.raises(StopError, match="same ledger_uri"):
            finish(ledger, run_id="elsewhere")

    def test_a_ledger_is_new_until_something_was_linked_or_a_run_ended_well(self, ledger):
        assert ledger.is_new
        ledger.finish_run("run-1", "failed")
        assert ledger.is_new
        ledger.begin_run(run("run-2"), ttl_seconds=600)
        ledger.finish_run("run-2", "done")
        assert not ledger.is_new

    def test_a_ledger_with_a_link_is_not_new(self, ledger):
        decide(ledger, "a")
        assert not ledger.is_new


class TestDecisions:
    def test_what_was_decided_is_seen_at_the_next_observation(self, ledger):
        assert ledger.observed(PAIR, ["sf-a"]) == {}
        decide(ledger, "a")
        seen = ledger.observed(PAIR, ["sf-a", "sf-unknown"])
        assert set(seen) == {"sf-a"}
        assert seen["sf-a"].link_id == link_id("a")
        assert seen["sf-a"].state is LinkState.PENDING
        assert seen["sf-a"].digest == image("a").digest
        assert seen["sf-a"].modified_at == AT
        assert seen["sf-a"].has_open_operation

    def test_an_observation_of_another_pair_is_not_mixed_in(self, ledger):
        decide(ledger, "a")
        assert ledger.observed("Lead:Leads", ["sf-a"]) == {}

    def test_a_snapshot_holds_everything_that_was_committed(self, ledger):
        values = {"Name": "Café Ångström", "Score": 0, "Active": False, "Notes": None, "Set": ["a"]}
        ledger.commit_decisions(
            Decisions(
                run_id="run-1",
                links=[link("a", flagged=TO_SPOTIO, flag_reason="guard")],
                images=[
                    image("a", values),
                    image("a", {"Company": "x"}, side=Side.SPOTIO),
                ],
                rebased={link_id("a"): {"Company": ["x", "y"]}},
                intents=[intent("a")],
            )
        )
        snapshot = ledger.snapshots([link_id("a")])[link_id("a")]
        assert snapshot.link == link("a", flagged=TO_SPOTIO, flag_reason="guard")
        assert snapshot.salesforce_image == values
        assert snapshot.salesforce_digest == image("a", values).digest
        assert snapshot.spotio_image == {"Company": "x"}
        assert snapshot.base == {"Company": ["x", "y"]}
        assert snapshot.open_operation == "operation of a"
        assert snapshot.open_attempts == 1

    def test_the_same_decision_made_again_counts_one_more_attempt(self, ledger):
        decide(ledger, "a")
        next_run(ledger)
        decide(ledger, "a", run_id="run-2")
        snapshot = ledger.snapshots([link_id("a")])[link_id("a")]
        assert (snapshot.open_operation, snapshot.open_attempts) == ("operation of a", 2)

    def test_a_superseded_operation_is_not_open_any_more(self, ledger):
        decide(ledger, "a")
        ledger.commit_decisions(
            Decisions(
                run_id="run-1",
                intents=[intent("a", "second")],
                superseded=["operation of a"],
            )
        )
        snapshot = ledger.snapshots([link_id("a")])[link_id("a")]
        assert snapshot.open_operation == "second"
        finish(ledger, outcome("a", "second", status=OperationStatus.AGREED))
        assert not ledger.observed(PAIR, ["sf-a"])["sf-a"].has_open_operation

    def test_a_rebase_keeps_the_other_entries_of_the_base(self, ledger):
        decide(ledger, "a")
        one = link_id("a")
        ledger.commit_decisions(
            Decisions(run_id="run-1", rebased={one: {"X": [1, 1], "Y": [2, 2]}})
        )
        ledger.commit_decisions(Decisions(run_id="run-1", rebased={one: {"Y": [3, None]}}))
        assert ledger.snapshots([one])[one].base == {"X": [1, 1], "Y": [3, None]}

    def test_a_record_that_was_only_modified_keeps_its_image_and_is_as_new_as_told(self, ledger):
        decide(ledger, "a")
        before = ledger.observed(PAIR, ["sf-a"])["sf-a"]
        later = "2026-05-07T08:00:00.000Z"
        renewed = [(link_id("a"), Side.SALESFORCE, later)]
        ledger.commit_decisions(Decisions(run_id="run-1", renewed=renewed))
        after = ledger.observed(PAIR, ["sf-a"])["sf-a"]
        assert (after.modified_at, after.digest) == (later, before.digest)
        assert after.observed_at == before.observed_at

    def test_a_mapper_that_ran_ahead_does_not_undo_what_the_target_stored(self, ledger):
        decide(ledger, "a")
        stale = ledger.snapshots([link_id("a")])[link_id("a")].link
        finish(ledger, created("a"), flagged=[(link_id("a"), TO_SPOTIO, "guard")])
        ledger.commit_decisions(Decisions(run_id="run-1", links=[stale]))
        now = ledger.snapshots([link_id("a")])[link_id("a")].link
        assert (now.state, now.spotio_id, now.flagged) == (LinkState.LINKED, "sp-a", TO_SPOTIO)

    def test_a_link_may_become_a_tombstone_and_live_again(self, ledger):
        join(ledger, "a")
        for state in (LinkState.TOMBSTONE, LinkState.LINKED):
            ledger.commit_decisions(Decisions(run_id="run-1", links=[link("a", state=state)]))
            assert ledger.observed(PAIR, ["sf-a"])["sf-a"].state is state

    def test_a_link_moves_to_the_winner_of_a_merge(self, ledger):
        join(ledger, "a")
        moved = link("a", salesforce_id="sf-winner", state=LinkState.LINKED)
        ledger.commit_decisions(Decisions(run_id="run-1", links=[moved]))
        assert ledger.link_ids(PAIR, ["sf-a", "sf-winner"]) == {"sf-winner": link_id("a")}

    def test_a_commit_that_fails_leaves_nothing_behind(self, ledger):
        join(ledger, "a")
        with pytest.raises(StopError):
            ledger.commit_decisions(
                Decisions(
                    run_id="run-1",
                    links=[link("b"), link("c", spotio_id="sp-a")],
                    counts=[Count(run_id="run-1", pair=PAIR, counter="parked")],
                )
            )
        assert ledger.observed(PAIR, ["sf-b", "sf-c"]) == {}
        assert ledger.counts("run-1") == []

    def test_the_same_conflict_of_one_operation_is_in_the_journal_once(self, ledger):
        decide(ledger, "a")
        conflict = Conflict(
            link_id=link_id("a"),
            pair=PAIR,
            key="Phone",
            loser=Side.SPOTIO,
            losing_value="1",
            winning_value=None,
            rule="salesforce_only",
            row="C3-08",
            at=AT,
            run_id="run-1",
            operation_id="operation of a",
        )
        for _ in range(2):
            ledger.commit_decisions(Decisions(run_id="run-1", conflicts=[conflict]))
        (kept,) = ledger.conflicts()
        assert msgspec.structs.replace(kept, number=None) == conflict
        assert ledger.conflicts(number=kept.number) == [kept]
        assert ledger.conflicts(pair="Lead:Leads") == []

    def test_counts_add_up_over_batches(self, ledger):
        for number in (2, 3):
            ledger.commit_decisions(
                Decisions(
                    run_id="run-1",
                    counts=[
                        Count(run_id="run-1", pair=PAIR, counter="parked", reason="a"),
                        Count(run_id="run-1", pair=PAIR, counter="parked", reason="b"),
                        Count(
                            run_id="run-1", pair=PAIR, counter="parked", reason="b", number=number
                        ),
                    ],
                )
            )
        assert {(it.reason, it.number) for it in ledger.counts("run-1")} == {("a", 2), ("b", 7)}
        assert ledger.counts_by_pair("run-1") == {PAIR: {"parked": 9}}

    def test_an_empty_batch_is_nothing(self, ledger):
        ledger.commit_decisions(Decisions(run_id="run-1"))
        finish(ledger)
        assert ledger.is_new


class TestUnderWay:
    def test_a_link_is_under_way_until_its_write_has_an_outcome(self, ledger):
        decide(ledger, "a", "b")
        both = [link_id("a"), link_id("b"), link_id("unknown")]
        assert ledger.under_way(both) == {link_id("a"), link_id("b")}
        finish(ledger, created("a"))
        assert ledger.under_way(both) == {link_id("b")}
        assert ledger.under_way([]) == set()


class TestOutcomes:
    def test_a_created_record_is_linked_with_the_value_read_back_as_base(self, ledger):
        ledger.commit_decisions(
            Decisions(
                run_id="run-1",
                links=[link("a")],
                images=[image("a")],
                intents=[
                    intent(
                        "a",
                        record={"Company": "  ACME "},
                        source={"Company": "  ACME ", "Phone": "1"},
                    )
                ],
            )
        )
        finish(
            ledger,
            outcome(
                "a",
                spotio_id="sp-a",
                image={"Company": "ACME", "Phone": "2", "Website": "w"},
                written=["Company"],
            ),
        )
        snapshot = ledger.snapshots([link_id("a")])[link_id("a")]
        assert snapshot.link.state is LinkState.LINKED
        assert snapshot.link.spotio_id == "sp-a"
        assert snapshot.spotio_image == {"Company": "ACME", "Phone": "2", "Website": "w"}
        assert snapshot.base == {"Company": ["ACME", "  ACME "]}
        assert snapshot.open_operation is None

    def test_the_base_keeps_the_order_of_sides_in_the_other_direction(self, ledger):
        ledger.begin_run(run("back", TO_SALESFORCE), ttl_seconds=600)
        join(ledger, "a")
        ledger.commit_decisions(
            Decisions(
                run_id="back",
                intents=[
                    intent(
                        "a",
                        "b",
                        direction=TO_SALESFORCE,
                        run_id="back",
                        source={"Company": "from SPOTIO"},
                    )
                ],
            )
        )
        ledger.commit_outcomes(
            outcomes_to_salesforce(
                outcome("a", "b", image={"Company": "in Salesforce"}, written=["Company"])
            )
        )
        snapshot = ledger.snapshots([link_id("a")])[link_id("a")]
        assert snapshot.base == {"Company": ["from SPOTIO", "in Salesforce"]}
        assert snapshot.salesforce_image == {"Company": "in Salesforce"}

    def test_a_key_that_was_not_read_back_gets_no_base(self, ledger):
        decide(ledger, "a")
        finish(ledger, outcome("a", spotio_id="sp-a", image={"Other": 1}, written=["Company"]))
        assert ledger.snapshots([link_id("a")])[link_id("a")].base == {}

    def test_a_stale_guard_stores_the_image_and_flags_but_moves_no_base(self, ledger):
        join(ledger, "a")
        base = ledger.snapshots([link_id("a")])[link_id("a")].base
        ledger.commit_decisions(Decisions(run_id="run-1", intents=[intent("a", "update")]))
        finish(
            ledger,
            outcome(
                "a", "update", status=OperationStatus.STALE, image={"Company": "edited meanwhile"}
            ),
            flagged=[(link_id("a"), TO_SPOTIO, "guard")],
        )
        snapshot = ledger.snapshots([link_id("a")])[link_id("a")]
        assert snapshot.base == base
        assert snapshot.spotio_image == {"Company": "edited meanwhile"}
        assert snapshot.open_operation is None
        assert replanned(ledger) == [link_id("a")]

    def test_a_key_that_somebody_changed_beside_a_write_is_decided_again(self, ledger):
        join(ledger, "a")
        for operation, city in (("first", "Ulm"), ("second", "Ulm"), ("third", "Bonn")):
            ledger.commit_decisions(
                Decisions(
                    run_id="run-1",
                    intents=[
                        intent("a", operation, action="update", source={"Company": operation})
                    ],
                )
            )
            image = {"Company": operation, "City": city}
            finish(ledger, outcome("a", operation, image=image, written=["Company"]))
            # Its own write is no news, nor is a key that was never read before.
            assert replanned(ledger) == ([link_id("a")] if operation == "third" else [])

    def test_an_id_of_another_link_rejects_that_operation_and_no_other(self, ledger):
        join(ledger, "a")
        decide(ledger, "b", "c", "d")
        finish(
            ledger,
            outcome("b", spotio_id="sp-a", image={"Company": "b"}, written=["Company"]),
            created("c"),
            outcome("d", spotio_id="sp-c"),
        )
        snapshots = ledger.snapshots([link_id(name) for name in "abcd"])
        assert {it.link.spotio_id for it in snapshots.values()} == {"sp-a", "sp-c", None}
        assert all(it.open_operation is None for it in snapshots.values())
        parked = ledger.parked_rows()
        assert {it.link_id for it in parked} == {link_id("b"), link_id("d")}
        assert {it.reason for it in parked} == {"already_linked"}
        assert any(link_id("a") in it.message for it in parked)

    def test_a_link_by_name_forgets_a_record_that_is_not_to_be_had(self, ledger):
        ledger.commit_decisions(
            Decisions(
                run_id="run-1",
                links=[link("a", spotio_id="sp-a"), link("b", spotio_id="sp-b")],
                intents=[intent("a", action="link"), intent("b", action="link")],
            )
        )
        finish(
            ledger,
            outcome("a", status=OperationStatus.STALE, parted=True),
            outcome("b", status=OperationStatus.REJECTED),
        )
        known = ledger.snapshots([link_id("a"), link_id("b")])
        assert known[link_id("a")].link == link("a")
        assert known[link_id("b")].link == link("b", spotio_id="sp-b"), "it is not linked yet"
        assert ledger.link_ids_of_spotio(PAIR, ["sp-a", "sp-b"]) == {"sp-b": link_id("b")}

    def test_a_link_that_parts_with_a_deleted_record_knows_nothing_of_it_any_more(self, ledger):
        join(ledger, "a")
        alias = link("old", salesforce_id=None, spotio_id="sp-a", state=LinkState.ALIAS)
        ledger.commit_decisions(
            Decisions(
                run_id="run-1",
                links=[link("a", flagged=TO_SPOTIO, flag_reason="deleted"), alias],
                parted=[(link_id("a"), Side.SPOTIO)],
            )
        )
        known = ledger.snapshots([link_id("a")])[link_id("a")]
        assert known.link == link("a", flagged=TO_SPOTIO, flag_reason="deleted")
        assert known.salesforce_image is not None
        assert known.spotio_image is None
        assert known.base_text is None
        assert ledger.link_ids_of_spotio(PAIR, ["sp-a"]) == {"sp-a": link_id("old")}

    def test_a_link_takes_over_another_one_in_the_batch_that_joins_its_record(self, ledger):
        alone = link("b", salesforce_id=None, spotio_id="sp-b", state=LinkState.TOMBSTONE)
        ledger.commit_decisions(Decisions(run_id="run-1", links=[link("a"), alone]))
        ledger.commit_decisions(
            Decisions(
                run_id="run-1",
                links=[link("a", spotio_id="sp-b", state=LinkState.LINKED)],
                taken_over=[(link_id("a"), link_id("b"))],
            )
        )
        assert ledger.link_ids_of_spotio(PAIR, ["sp-b"]) == {"sp-b": link_id("a")}
        assert list(ledger.snapshots([link_id("a"), link_id("b")])) == [link_id("a")]

    def test_a_delete_that_was_applied_leaves_a_tombstone(self, ledger):
        join(ledger, "a")
        ledger.commit_decisions(
            Decisions(run_id="run-1", intents=[intent("a", "gone", action="delete")])
        )
        finish(ledger, outcome("a", "gone"))
        assert ledger.observed(PAIR, ["sf-a"])["sf-a"].state is LinkState.TOMBSTONE

    def test_an_operation_of_another_ledger_is_refused(self, ledger):
        decide(ledger, "a")
        with pytest.raises(StopError, match="same ledger_uri"):
            finish(ledger, created("a"), outcome("a", "of another ledger"))
        assert ledger.counterparts([link_id("a")]) == {}

    def test_log_rows_are_found_by_every_filter(self, ledger):
        decide(ledger, "a")
        first = LogRow(at=AT, run_id="run-1", direction=TO_SPOTIO, pair=PAIR, outcome="created")
        second = LogRow(
            at=LATER,
            run_id="run-1",
            direction=TO_SPOTIO,
            pair=PAIR,
            link_id=link_id("a"),
            operation_id="operation of a",
            salesforce_id="sf-a",
            spotio_id="sp-a",
            method="PATCH",
            path="/api/records",
            status=422,
            outcome="rejected",
            reason="invalid_email",
            payload={"email": "x"},
            answer=["no"],
        )
        finish(ledger, log=[first])
        ledger.add_log([second])
        # A row has its number once it is kept.
        first.number, second.number = 1, 2
        assert ledger.log_rows() == [second, first]
        assert ledger.log_rows(limit=1) == [second]
        for found in (
            ledger.log_rows(outcome="rejected"),
            ledger.log_rows(link_id=link_id("a")),
            ledger.log_rows(salesforce_id="sf-a"),
            ledger.log_rows(spotio_id="sp-a", run_id="run-1", direction=TO_SPOTIO),
            ledger.log_rows(operation_id="operation of a", pair=PAIR, kind="object"),
            ledger.log_rows(since=LATER),
        ):
            assert found == [second]
        assert ledger.log_rows(direction=TO_SALESFORCE) == []


class TestParked:
    def test_attempts_grow_while_the_same_thing_is_withheld(self, ledger):
        decide(ledger, "a")
        for _ in range(3):
            finish(ledger, parked=[withheld("a", "Phone")])
        assert [it.attempts for it in ledger.parked([link_id("a")])[link_id("a")]] == [3]

    def test_attempts_that_the_caller_counted_are_not_counted_twice(self, ledger):
        decide(ledger, "a")
        for attempts in (1, 2, 3):
            finish(ledger, parked=[withheld("a", "Phone", attempts=attempts)])
        assert [it.attempts for it in ledger.parked([link_id("a")])[link_id("a")]] == [3]

    def test_what_was_written_is_withheld_no_longer_and_the_rest_still_is(self, ledger):
        decide(ledger, "a")
        finish(
            ledger,
            parked=[withheld("a"), withheld("a", "Company"), withheld("a", "Phone")],
        )
        finish(ledger, created("a"))
        assert [it.key for it in ledger.parked_rows()] == ["Phone"]

    def test_a_rejected_record_stays_withheld(self, ledger):
        decide(ledger, "a")
        finish(ledger, parked=[withheld("a")])
        finish(ledger, outcome("a", status=OperationStatus.REJECTED, error="no"))
        assert [it.key for it in ledger.parked_rows()] == [""]

    def test_a_key_that_went_out_with_a_record_refused_as_a_whole_waits_as_part_of_it(self, ledger):
        decide(ledger, "a", source={"Company": "a", "Phone": "1"})
        finish(ledger, parked=[withheld("a", "Phone"), withheld("a", "Site")])
        ledger.retry_parked(TO_SPOTIO, now=AT)
        refused = outcome("a", status=OperationStatus.REJECTED, error="no")
        finish(ledger, refused, parked=[withheld("a")])
        assert {it.key for it in ledger.parked_rows()} == {"", "Site"}

    def test_a_record_refused_as_a_whole_is_not_due_where_only_a_key_of_it_is_refused(self, ledger):
        decide(ledger, "a", source={"Company": "a", "Phone": "1"})
        finish(ledger, parked=[withheld("a")])
        ledger.retry_parked(TO_SPOTIO, now=AT)
        refused = outcome("a", status=OperationStatus.REJECTED, error="no")
        finish(ledger, refused, parked=[withheld("a", "Phone")])
        assert {it.key for it in ledger.parked_rows()} == {"Phone"}

    def test_the_mapper_releases_keys_of_its_own_direction_only(self, ledger):
        decide(ledger, "a")
        finish(
            ledger,
            parked=[withheld("a", "Phone"), withheld("a", "Phone", direction=TO_SALESFORCE)],
        )
        ledger.commit_decisions(Decisions(run_id="run-1", unparked=[(link_id("a"), "Phone")]))
        assert [it.direction for it in ledger.parked_rows()] == [TO_SALESFORCE]
        assert ledger.parked_rows(TO_SPOTIO) == []
        assert len(ledger.parked_rows(TO_SALESFORCE, PAIR)) == 1
        assert ledger.parked_rows(pair="Lead:Leads") == []


class TestReplanning:
    def test_nothing_is_due_in_a_ledger_at_rest(self, ledger):
        join(ledger, "a", "b")
        assert replanned(ledger) == []

    def test_an_operation_of_this_run_is_not_decided_again(self, ledger):
        decide(ledger, "a")
        assert replanned(ledger) == []

    def test_an_operation_of_an_earlier_run_without_an_outcome_is_decided_again(self, ledger):
        decide(ledger, "a", "b")
        finish(ledger, created("b"))
        next_run(ledger)
        assert replanned(ledger) == [link_id("a")]

    def test_an_operation_that_still_waits_after_its_run_is_decided_again(self, ledger):
        decide(ledger, "a", waiting_for=link_id("parent"))
        finish(ledger, outcome("a", status=OperationStatus.WAITING))
        next_run(ledger)
        assert replanned(ledger) == [link_id("a")]

    def test_a_flag_counts_for_its_direction_until_it_is_taken_away(self, ledger):
        join(ledger, "a", "b")
        finish(
            ledger,
            flagged=[
                (link_id("a"), TO_SPOTIO, "guard"),
                (link_id("a"), TO_SALESFORCE, "wins a field"),
                (link_id("b"), TO_SALESFORCE, "wins a field"),
            ],
        )
        assert replanned(ledger) == [link_id("a")]
        for direction, reason in ((TO_SPOTIO, "guard"), (TO_SALESFORCE, "wins a field")):
            shown = ledger.snapshots([link_id("a")], direction=direction)[link_id("a")].link
            assert (shown.flagged, shown.flag_reason) == (direction, reason)
        ledger.commit_decisions(Decisions(run_id="run-1", unflagged=[link_id("a"), link_id("b")]))
        assert replanned(ledger) == []
        left = ledger.snapshots([link_id("a"), link_id("b")]).values()
        assert {it.link.flagged for it in left} == {TO_SALESFORCE}

    @pytest.mark.parametrize(
        ("next_attempt_at", "due"),
        [
            (None, False),
            ("2026-05-06T11:56:44Z", True),
            ("2026-05-06T11:56:43.9+00:00", True),
            ("2026-05-06T11:56:44.001Z", False),
            ("2026-05-06T12:56:44+01:00", True),
        ],
    )
    def test_parked_work_is_due_when_its_time_has_come(self, ledger, next_attempt_at, due):
        join(ledger, "a")
        finish(ledger, parked=[withheld("a", "Phone", next_attempt_at=next_attempt_at)])
        assert replanned(ledger, now="2026-05-06T11:56:44Z") == ([link_id("a")] if due else [])

    def test_parked_work_is_due_under_another_definition(self, ledger):
        join(ledger, "a")
        finish(ledger, parked=[withheld("a", "Phone")])
        assert replanned(ledger) == []
        assert replanned(ledger, fingerprint="definition-2") == [link_id("a")]

    def test_the_mapper_may_flag_a_link_for_its_own_next_run(self, ledger):
        join(ledger, "a", "b")
        ledger.commit_decisions(Decisions(run_id="run-1", flagged=[(link_id("a"), "why")]))
        assert replanned(ledger) == [link_id("a")]
        shown = ledger.snapshots([link_id("a")])[link_id("a")].link
        assert (shown.flagged, shown.flag_reason) == (TO_SPOTIO, "why")

    def test_refused_work_may_be_released_and_nothing_else_with_it(self, ledger):
        join(ledger, "refused", "later", "child", "other direction")
        finish(
            ledger,
            parked=[
                withheld("refused", "Phone"),
                withheld("later", "Phone", next_attempt_at="2999-01-01T00:00:00Z"),
                withheld("child", waiting_for=link_id("nobody")),
                withheld("other direction", "Phone", direction=TO_SALESFORCE),
            ],
        )
        assert replanned(ledger) == []
        assert ledger.retry_parked(TO_SPOTIO, now=AT) == 1
        assert replanned(ledger) == [link_id("refused")]

    def test_a_child_is_due_once_its_parent_has_its_counterpart(self, ledger):
        decide(ledger, "parent", "child")
        ledger.commit_decisions(
            Decisions(
                run_id="run-1",
                parked=[
                    withheld("child", reason="waiting_for_parent", waiting_for=link_id("parent"))
                ],
            )
        )
        assert replanned(ledger) == []
        finish(ledger, created("parent"))
        assert replanned(ledger) == [link_id("child")]
        assert [it.next_attempt_at for it in ledger.parked_rows()] == [AT]

    def test_a_child_is_due_that_named_its_parent_by_the_other_sides_id(self, ledger):
        named = link_id_of(PAIR, created("parent").spotio_id, Side.SPOTIO)
        decide(ledger, "parent", "child")
        row = withheld("child", reason="waiting_for_parent", waiting_for=named)
        ledger.commit_decisions(Decisions(run_id="run-1", parked=[row]))
        finish(ledger, created("parent"))
        assert replanned(ledger) == [link_id("child")]

    def test_every_due_link_comes_once_in_pages_although_batches_are_committed(self, ledger):
        names = [f"link {n}" for n in range(23)]
        join(ledger, *names)
        finish(
            ledger,
            flagged=[(link_id(name), TO_SPOTIO, "guard") for name in names],
            parked=[withheld(name, next_attempt_at=AT) for name in names],
        )
        seen: list[str] = []
        for page in ledger.links_to_replan(
            TO_SPOTIO, now=AT, definition_fingerprint="definition-1", batch=5
        ):
            assert len(page) <= 5
            seen += page
            ledger.commit_decisions(Decisions(run_id="run-1", unflagged=page))
        assert sorted(seen) == sorted(link_id(name) for name in names)


class TestResolution:
    def test_only_known_counterparts_are_answered(self, ledger):
        join(ledger, "a")
        decide(ledger, "b")
        ids = [link_id("a"), link_id("b"), link_id("unknown")]
        assert ledger.counterparts(ids) == {link_id("a"): "sp-a"}
        assert ledger.counterparts_in_salesforce(ids) == {
            link_id("a"): "sf-a",
            link_id("b"): "sf-b",
        }
        assert ledger.link_ids_of_spotio(PAIR, ["sp-a", "sp-b"]) == {"sp-a": link_id("a")}

    def test_waiting_operations_are_released_by_their_parents_outcome(self, ledger):
        decide(ledger, "parent")
        decide(ledger, "one", "two", waiting_for=link_id("parent"))
        waiting = [outcome(name, status=OperationStatus.WAITING) for name in ("one", "two")]
        finish(ledger, *waiting)
        assert ledger.released("run-1", TO_SPOTIO) == []
        finish(ledger, created("parent"))
        released = ledger.released("run-1", TO_SPOTIO)
        assert {it.link_id for it in released} == {link_id("one"), link_id("two")}
        assert released[0].record == {"Company": "one"}
        assert released[0] == intent("one", waiting_for=link_id("parent"))
        finish(ledger, created("one"))
        assert [it.link_id for it in ledger.released("run-1", TO_SPOTIO)] == [link_id("two")]

    def test_an_operation_that_was_not_tried_yet_is_not_released(self, ledger):
        join(ledger, "parent")
        decide(ledger, "child", waiting_for=link_id("parent"))
        assert ledger.released("run-1", TO_SPOTIO) == []

    def test_an_external_id_on_two_records_is_ambiguous(self, ledger):
        ledger.store_external_ids("1", [("sf-a", "sp-1"), ("sf-a", "sp-2"), ("sf-b", "sp-3")])
        ledger.store_external_ids("2", [("sf-a", "sp-4")], watermark="page 7")
        assert ledger.external_ids("1", ["sf-a", "sf-b", "sf-c"]) == {
            "sf-a": ["sp-1", "sp-2"],
            "sf-b": ["sp-3"],
        }
        assert ledger.external_ids("2", ["sf-a"]) == {"sf-a": ["sp-4"]}
        assert ledger.watermark("external_ids:2") == "page 7"

    def test_a_record_has_its_latest_external_id(self, ledger):
        ledger.store_external_ids("1", [("old", "sp-1")])
        ledger.store_external_ids("1", [("new", "sp-1")])
        assert ledger.external_ids("1", ["old", "new"]) == {"new": ["sp-1"]}
        ledger.forget_external_ids(["sp-1"])
        assert ledger.external_ids("1", ["old", "new"]) == {}


class TestAwaitedOwners:
    def test_they_are_kept_by_direction_pair_and_user_until_found(self, ledger):
        one = AwaitedOwner(TO_SPOTIO, PAIR, "005000000000001AAA")
        back = AwaitedOwner(TO_SALESFORCE, PAIR, "7")
        ledger.commit_decisions(Decisions(run_id="run-1", awaited=[one, back, one]))
        (found,) = ledger.awaited_owners(TO_SPOTIO)
        assert found == AwaitedOwner(TO_SPOTIO, PAIR, "005000000000001AAA", "run-1")
        ledger.no_longer_awaited([found])
        assert ledger.awaited_owners(TO_SPOTIO) == []
        assert [one.user_id for one in ledger.awaited_owners(TO_SALESFORCE)] == ["7"]

    def test_a_target_that_finds_nobody_notes_it_too(self, ledger):
        one = AwaitedOwner(TO_SPOTIO, PAIR, "005000000000001AAA")
        ledger.commit_outcomes(Outcomes(run_id="run-1", direction=TO_SPOTIO, awaited=[one]))
        assert [one.user_id for one in ledger.awaited_owners(TO_SPOTIO)] == ["005000000000001AAA"]

    def test_who_is_asked_for_again_meanwhile_stays_awaited(self, ledger):
        one = AwaitedOwner(TO_SPOTIO, PAIR, "005000000000001AAA")
        ledger.commit_decisions(Decisions(run_id="run-1", awaited=[one]))
        (found,) = ledger.awaited_owners(TO_SPOTIO)
        next_run(ledger)
        ledger.commit_decisions(Decisions(run_id="run-2", awaited=[one]))
        ledger.no_longer_awaited([found])
        assert len(ledger.awaited_owners(TO_SPOTIO)) == 1

    def test_images_that_name_a_user_come_in_batches_of_one_pair_and_side(self, ledger):
        images = [
            image("a", {"OwnerId": "005100"}),
            image("b", {"OwnerId": "005200"}),
            image("c", {"Name": "of 005100"}),
            image("d", {"OwnerId": "005100"}, side=Side.SPOTIO),
        ]
        links = [link(name) for name in "abcd"]
        ledger.commit_decisions(Decisions(run_id="run-1", links=links, images=images))
        pages = list(ledger.images_naming(PAIR, Side.SALESFORCE, "005100", batch=1))
        assert [list(page) for page in pages] == [[link_id("a")], [link_id("c")]]
        assert list(ledger.images_naming("other", Side.SALESFORCE, "005100")) == []


class TestFacts:
    def test_settings_are_json_and_kept_apart_from_watermarks(self, ledger):
        assert ledger.setting("dialect") is None
        ledger.set_setting("dialect", {"path": "/fields/-", "tested": [1, None]})
        ledger.set_watermark("dialect", "7")
        ledger.set_watermark("dialect", "8")
        assert ledger.setting("dialect") == {"path": "/fields/-", "tested": [1, None]}
        assert ledger.watermark("dialect") == "8"

    def test_a_ledger_belongs_to_one_org(self, ledger):
        assert ledger.identity(Side.SALESFORCE) is None
        ledger.pin_identity(Side.SALESFORCE, "00D1")
        ledger.pin_identity(Side.SALESFORCE, "00D1")
        ledger.pin_identity(Side.SPOTIO, "company")
        with pytest.raises(StopError, match=r"Salesforce org 00D1.*connected to 00D2"):
            ledger.pin_identity(Side.SALESFORCE, "00D2")
        assert ledger.identity(Side.SALESFORCE) == "00D1"

    def test_the_activation_moment_is_the_first_one(self, ledger):
        assert ledger.activation(PAIR, TO_SPOTIO, now=AT) == AT
        assert ledger.activation(PAIR, TO_SPOTIO, now=LATER) == AT
        assert ledger.activation(PAIR, TO_SALESFORCE, now=LATER) == LATER

    def test_users_are_kept_as_last_seen(self, ledger):
        user = UserRow(side=Side.SALESFORCE, user_id="005", email="a@example.com")
        gone = UserRow(side=Side.SALESFORCE, user_id="005", name="A", active=False)
        ledger.commit_decisions(Decisions(run_id="run-1", users=[user]))
        ledger.commit_decisions(Decisions(run_id="run-1", users=[gone]))
        assert ledger.users(Side.SALESFORCE) == {"005": gone}
        assert ledger.users(Side.SPOTIO) == {}

    def test_what_the_sync_of_users_asks_for_is_kept_with_them(self, ledger):
        attributes = {"Profile.Name": "Sales", "Group": ["A", "B"], "IsFrozen": False}
        user = UserRow(side=Side.SALESFORCE, user_id="005", attributes=attributes)
        ledger.commit_decisions(Decisions(run_id="run-1", users=[user]))
        assert ledger.users(Side.SALESFORCE)["005"].attributes == attributes
        ledger.commit_decisions(
            Decisions(run_id="run-1", users=[UserRow(side=Side.SALESFORCE, user_id="005")])
        )
        assert ledger.users(Side.SALESFORCE)["005"].attributes == {}

    def test_the_joined_records_of_a_pair_are_told_by_their_salesforce_id(self, ledger):
        joined = Link(
            link_id="a",
            pair="User:users",
            origin=Side.SALESFORCE,
            state=LinkState.LINKED,
            salesforce_id="005A",
            spotio_id="7",
        )
        pending = Link(link_id="b", pair="User:users", origin=Side.SALESFORCE, salesforce_id="005B")
        other = Link(
            link_id="c",
            pair=PAIR,
            origin=Side.SALESFORCE,
            state=LinkState.LINKED,
            salesforce_id="001A",
            spotio_id="8",
        )
        ledger.commit_decisions(Decisions(run_id="run-1", links=[joined, pending, other]))
        assert ledger.linked_pairs("User:users") == {"005A": "7"}

    def test_all_users_of_a_side_take_the_place_of_those_before(self, ledger):
        one, two, three = (UserRow(side=Side.SPOTIO, user_id=name) for name in "123")
        other = UserRow(side=Side.SALESFORCE, user_id="005")
        ledger.commit_decisions(Decisions(run_id="run-1", users=[one, two, other]))
        renamed = UserRow(side=Side.SPOTIO, user_id="2", name="Two", attributes={"role": "Sales"})
        ledger.replace_users(Side.SPOTIO, [renamed, three])
        assert ledger.users(Side.SPOTIO) == {"2": renamed, "3": three}
        assert ledger.users(Side.SALESFORCE) == {"005": other}
        ledger.replace_users(Side.SPOTIO, [])
        assert ledger.users(Side.SPOTIO) == {}

    def test_a_catalog_is_replaced_by_the_next(self, ledger):
        assert ledger.catalog(Side.SALESFORCE, "Account") is None
        for schema in ({"properties": {}}, {"properties": {"Name": {"type": "string"}}}):
            ledger.store_catalog(Side.SALESFORCE, "Account", schema)
            assert ledger.catalog(Side.SALESFORCE, "Account") == schema

    def test_a_bulk_job_is_open_until_it_is_closed(self, ledger):
        ledger.record_bulk_job("job-1", "run-1")
        ledger.record_bulk_job("job-1", "run-1")
        ledger.record_bulk_job("job-2", "run-1")
        assert sorted(ledger.bulk_jobs_open()) == ["job-1", "job-2"]
        ledger.close_bulk_job("job-1")
        assert ledger.bulk_jobs_open() == ["job-2"]


class TestBatches:
    def test_a_thousand_records_cost_as_many_statements_as_ten(self, ledger):
        spent = []
        for first, size in ((0, 10), (10, 1000)):
            names = [str(n) for n in range(first, first + size)]
            before = ledger.statements
            decide(ledger, *names)
            assert len(ledger.observed(PAIR, [f"sf-{name}" for name in names])) == size
            assert len(ledger.snapshots([link_id(name) for name in names])) == size
            finish(
                ledger,
                *(created(name) for name in names),
                parked=[withheld(name, "Phone") for name in names],
            )
            spent.append(ledger.statements - before)
        assert spent[0] == spent[1]
        assert spent[1] <= 30

    def test_an_unchanged_thousand_costs_one_statement(self, ledger):
        names = [str(n) for n in range(1000)]
        join(ledger, *names)
        before = ledger.statements
        ledger.observed(PAIR, [f"sf-{name}" for name in names])
        assert ledger.statements - before == 1


def outcomes_to_salesforce(*outcomes):
    return Outcomes(run_id="back", direction=TO_SALESFORCE, outcomes=list(outcomes))


class TestRestores:
    def wanted(self, **changes):
        values = {
            "link_id": link_id("a"),
            "pair": PAIR,
            "key": "Phone",
            "value": "1",
            "own": False,
            "expected": "2",
            "settles": False,
            "why": "conflict 1",
        }
        return Restore(**values | changes)

    def test_what_a_person_wants_back_is_kept_flagged_and_logged_until_it_is_settled(self, ledger):
        join(ledger, "a")
        ledger.ask(TO_SPOTIO, [self.wanted(), self.wanted(value="3")])
        assert ledger.asked(TO_SPOTIO) == {link_id("a"): [self.wanted(value="3")]}
        assert ledger.asked(TO_SALESFORCE) == {}
        assert ledger.snapshots([link_id("a")])[link_id("a")].link.flagged is TO_SPOTIO
        ledger.commit_decisions(
            Decisions(run_id="run-1", issued=[self.wanted(value="3", issued=True)])
        )
        (one,) = ledger.asked(TO_SPOTIO)[link_id("a")]
        assert one.issued
        ended = [(link_id("a"), "Phone", "it is back")]
        ledger.commit_decisions(Decisions(run_id="run-1", ended=ended))
        assert ledger.asked(TO_SPOTIO) == {}
        told = [(row.outcome, row.reason) for row in ledger.log_rows(kind="restore")]
        assert told[0] == ("settled", "Phone: it is back")
        assert len(told) == 3
