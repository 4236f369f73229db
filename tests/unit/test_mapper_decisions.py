"""What the mapper makes of records: nothing, a create, an update of what changed, or a reason."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ConfigurationError, LeaseHeldError, StopError
from reverse_sf.ledger.rows import LinkState, Run
from reverse_sf.mapper.suspicion import Limits
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.mapping.document import parse
from reverse_sf.merge.envelope import Action
from reverse_sf.merge.identity import link_id_of
from tests.unit.mapper_fixtures import (
    LATER,
    OWNER,
    STAMP,
    SYNC,
    Bench,
    account,
    bench,
    contact,
    lead,
    lines,
    record,
    salesforce_id,
    schema,
    state,
)

__all__ = ["bench"]
A1 = salesforce_id("001", 1)
PAIR = "Account:Accounts"


def test_a_new_record_in_scope_is_created_with_every_mapped_field_that_is_not_blank(bench):
    emitted = bench.accounts(account())
    (one,) = emitted.records
    envelope = one.pop("_sync")
    assert one == {
        "Company": "Company 1",
        "Phone": "555 0100",
        "Annual Revenue": 1250.5,
        "Products": ["Batteries", "Panels"],
        "Customer Since": "2024-07-08",
        "Last Audit": "2026-01-02T03:04:05Z",
        "Industry": "Solar",
        "Rating": "Lukewarm",
        "address": {"street": "1 Main Street", "city": "Dayton", "skip_geocoding": True},
        "owner": {
            "salesforce_id": OWNER,
            "email": None,
            "default": "ops@example.com",
            "keep_on_update": True,
        },
        "externalDataObjectId": A1,
    }
    assert envelope["action"] == "create"
    assert envelope["link_id"] == link_id_of(PAIR, A1)
    assert envelope["run_id"] == emitted.run_id
    assert "expected" not in envelope
    assert "reissued" not in envelope


def test_on_link_names_the_keys_that_rows_11_to_13_let_win(bench):
    (envelope,) = bench.accounts(account()).envelopes()
    assert {"Company", "Phone", "Rating", "Products", "address", "owner"} <= set(envelope.on_link)
    assert "Website" not in envelope.on_link, "a blank never wins over an existing record"


def test_a_record_out_of_scope_is_left_out_and_counted_with_its_reason(bench):
    emitted = bench.accounts(account(Type="Partner"), account(2, Type=None))
    assert emitted.records == []
    skipped = {
        reason: number
        for (_, counter, reason), number in bench.counts(emitted).items()
        if counter == "skipped"
    }
    assert skipped == {
        "out of scope: Type is Partner, not one of Prospect, Customer": 1,
        "out of scope: Type is blank, not one of Prospect, Customer": 1,
    }


def test_a_second_run_over_the_same_records_emits_nothing_at_all(bench):
    bench.apply(bench.accounts(account(), account(2)))
    again = bench.accounts(account(), account(2))
    assert again.messages == []
    assert bench.counts(again)[PAIR, "unchanged", ""] == 2


def test_an_edit_of_an_unmapped_field_emits_nothing(bench):
    bench.apply(bench.accounts(account()))
    moved = account(SystemModstamp=LATER, Fax="555 0199", Description="not synced")
    assert bench.accounts(moved).messages == []


def test_an_edit_of_one_mapped_field_emits_just_that_field_and_its_guard(bench):
    bench.apply(bench.accounts(account()))
    emitted = bench.accounts(account(SystemModstamp=LATER, Phone="555 0111"))
    (one,) = emitted.records
    (envelope,) = emitted.envelopes()
    one.pop("_sync")
    assert one == {"Phone": "555 0111"}
    assert envelope.action is Action.UPDATE
    assert envelope.expected == {"Phone": "555 0100"}
    assert envelope.spotio_id == f"P-{A1}"


def test_a_cleared_field_is_sent_as_null(bench):
    bench.apply(bench.accounts(account()))
    (one,) = bench.accounts(account(SystemModstamp=LATER, Phone=" ")).records
    assert one["Phone"] is None
    assert set(one) == {"Phone", "_sync"}


def test_a_changed_address_sends_only_the_component_that_changed(bench):
    bench.apply(bench.accounts(account()))
    (one,) = bench.accounts(account(SystemModstamp=LATER, BillingCity="Akron")).records
    assert one["address"] == {"city": "Akron", "skip_geocoding": True}


def test_an_address_that_spotio_rewrote_is_settled_component_by_component(bench):
    bench.apply(bench.accounts(account()), address={"street": "1 Main St", "city": "Dayton"})
    assert bench.accounts(account(SystemModstamp=LATER, Fax="1")).records == []
    to_what_spotio_holds = account(SystemModstamp=LATER, BillingStreet="1 Main St")
    assert bench.accounts(to_what_spotio_holds).records == []
    (one,) = bench.accounts(account(SystemModstamp=LATER, BillingCity="Akron")).records
    assert one["address"]["city"] == "Akron"


def test_a_value_that_spotio_normalised_is_settled_and_never_sent_again(bench):
    bench.apply(bench.accounts(account()), Phone="+1 (555) 0100")
    (one,) = bench.accounts(account(SystemModstamp=LATER, Name="Renamed")).records
    assert set(one) == {"Company", "_sync"}


def test_many_to_one_choices_do_not_flap(bench):
    """The image holds the finer choice as long as both map to one Salesforce value."""
    bench.apply(bench.accounts(account()))
    assert bench.accounts(account(SystemModstamp=LATER, Rating="warm")).records == []


def test_a_record_that_leaves_the_filter_is_frozen_and_one_that_comes_back_is_not_created_twice(
    bench,
):
    bench.apply(bench.accounts(account()))
    assert bench.accounts(account(SystemModstamp=LATER, Type="Other", Phone="1")).records == []
    emitted = bench.accounts(account(SystemModstamp=LATER, Phone="555 0111"))
    (envelope,) = emitted.envelopes()
    assert envelope.action is Action.UPDATE
    assert set(emitted.records[0]) == {"Phone", "_sync"}


def test_an_observation_older_than_what_is_known_is_ignored(bench):
    bench.apply(bench.accounts(account(SystemModstamp=LATER)))
    assert (
        bench.accounts(account(SystemModstamp="2026-05-07T07:59:59.999Z", Name="Old")).records == []
    )


def test_equal_stamps_with_other_content_count_as_newer(bench):
    bench.apply(bench.accounts(account()))
    assert len(bench.accounts(account(Name="Second edit of that second")).records) == 1


@pytest.mark.parametrize("full_first", [True, False])
def test_a_partial_event_leaves_the_filter_to_the_full_one_beside_it(bench, full_first):
    told = [account(), {"Id": A1, "SystemModstamp": STAMP, "Name": "Company 1"}]
    emitted = bench.accounts(*(told if full_first else told[::-1]))
    (one,) = emitted.records
    assert one["Phone"] == "555 0100"


def test_absent_fields_are_left_alone(bench):
    bench.apply(bench.accounts(account()))
    partial = {"Id": A1, "SystemModstamp": LATER, "Name": "Renamed", "Type": "Customer"}
    (one,) = bench.accounts(partial).records
    assert set(one) == {"Company", "_sync"}


def test_the_same_record_twice_in_a_batch_is_decided_once_by_its_newest_version(bench):
    emitted = bench.accounts(
        account(SystemModstamp=LATER, Name="New"), account(Name="Old"), account(2)
    )
    assert [one["Company"] for one in emitted.records] == ["New", "Company 2"]


# --- fields that cannot travel ---------------------------------------------------------------


def test_a_choice_that_nothing_maps_parks_its_field_and_not_its_record(bench):
    emitted = bench.accounts(account(Industry="Agriculture"))
    assert "Industry" not in emitted.records[0]
    assert bench.parked() == {(A1, "Industry"): "choice_unmapped"}


@pytest.mark.row("create to_spotio, a choice set to do not sync")
def test_a_choice_set_to_do_not_sync_is_not_sent_and_is_no_unfinished_work(bench):
    emitted = bench.accounts(account(Industry="Other"))
    assert "Industry" not in emitted.records[0]
    assert bench.parked() == {}


def test_a_parked_field_is_released_when_its_value_becomes_sendable(bench):
    bench.apply(bench.accounts(account(Industry="Agriculture")))
    emitted = bench.accounts(account(SystemModstamp=LATER, Industry="Telecommunications"))
    assert emitted.records[0]["Industry"] == "Telecom"
    bench.apply(emitted)
    assert bench.parked() == {}


def test_a_parked_update_does_not_block_the_other_fields(bench):
    bench.apply(bench.accounts(account()))
    emitted = bench.accounts(account(SystemModstamp=LATER, Industry="Agriculture", Phone="1"))
    assert set(emitted.records[0]) == {"Phone", "_sync"}
    assert bench.parked() == {(A1, "Industry"): "choice_unmapped"}


def test_parked_work_is_tried_again_when_the_definition_changes(bench):
    bench.apply(bench.accounts(account(Industry="Agriculture")))
    bench.definition = parse(SYNC.replace("{Solar: Solar,", "{Solar: Solar, Farming: Agriculture,"))
    emitted = bench.run(state({}))
    assert emitted.records[0]["Industry"] == "Farming"
    bench.apply(emitted)
    assert bench.parked() == {}
    assert bench.run(state({})).records == []


# --- the other side --------------------------------------------------------------------------


def test_a_change_in_spotio_that_the_rule_overrules_is_reverted_and_journaled(bench):
    bench.apply(bench.accounts(account()))
    update = bench.accounts(account(SystemModstamp=LATER, Phone="555 0111"))
    bench.edit_in_spotio(update, Phone="mine")
    again = bench.run(state({}))
    (one,) = again.records
    assert one["Phone"] == "555 0111"
    assert again.envelopes()[0].expected == {"Phone": "mine"}
    with bench.open() as ledger:
        (conflict,) = ledger.conflicts()
    assert (conflict.row, conflict.losing_value, conflict.winning_value) == (
        "C3-08",
        "mine",
        "555 0111",
    )


def test_a_change_in_spotio_that_wins_is_left_and_flagged_for_the_other_direction(bench):
    bench.apply(bench.accounts(account(Website="https://a.example.com")))
    update = bench.accounts(
        account(SystemModstamp=LATER, Website="https://a.example.com", Phone="1")
    )
    bench.edit_in_spotio(update, Website="https://b.example.com")
    again = bench.run(state({}))
    assert set(again.records[0]) == {"Phone", "_sync"}
    with bench.open() as ledger:
        flagged = list(
            ledger.links_to_replan(
                Direction.TO_SALESFORCE,
                now=LATER,
                definition_fingerprint=bench.definition.fingerprint,
            )
        )
    assert flagged == [[link_id_of(PAIR, A1)]]


# --- replanning ------------------------------------------------------------------------------


def test_an_operation_without_an_outcome_goes_out_again_with_the_same_id(bench):
    first = bench.accounts(account())
    bench.finish(first)
    again = bench.run(state({}))
    (before,), (after,) = first.envelopes(), again.envelopes()
    assert after.operation_id == before.operation_id
    assert after.reissued
    assert not before.reissued


def test_a_record_that_changed_after_an_unknown_outcome_is_decided_anew_and_still_looked_for(bench):
    first = bench.accounts(account())
    bench.finish(first)
    bench.finish(bench.run(state({})))
    third = bench.run(
        schema("Account"), record("Account", account(SystemModstamp=LATER, Name="Renamed"))
    )
    assert [one["Company"] for one in third.records] == ["Company 1"]
    bench.finish(third)
    fourth = bench.run(state({}))
    (envelope,) = fourth.envelopes()
    assert fourth.records[0]["Company"] == "Renamed"
    assert envelope.reissued
    assert envelope.operation_id != first.envelopes()[0].operation_id


def test_replanning_comes_before_the_first_record(bench):
    bench.finish(bench.accounts(account()))
    emitted = bench.run(
        state({"bookmarks": {}}), schema("Account"), record("Account", account(2)), state({"a": 1})
    )
    assert emitted.kinds == ["STATE", "SCHEMA", "RECORD", "RECORD", "STATE"]
    assert [one["Company"] for one in emitted.records] == ["Company 1", "Company 2"]


# --- parents ---------------------------------------------------------------------------------


def family(*messages):
    return (schema("Account"), schema("Contact"), *messages)


def test_a_child_names_its_parent_by_link_whatever_comes_first(bench):
    emitted = bench.run(*family(record("Contact", contact()), record("Account", account())))
    parent = {"link_id": link_id_of(PAIR, A1), "salesforce_id": A1}
    assert [one.get("parent") for one in emitted.records if "First Name" in one] == [parent]
    with bench.open() as ledger:
        snapshot = bench.snapshot("Contact:Contacts", salesforce_id("003", 1))
        assert snapshot.open_operation is not None
        assert ledger.counterparts([parent["link_id"]]) == {}


def test_a_child_of_a_parent_that_is_left_out_waits_with_a_reason_that_names_it(bench):
    emitted = bench.run(
        *family(record("Account", account(Type="Partner")), state({}), record("Contact", contact()))
    )
    assert emitted.records == []
    with bench.open() as ledger:
        (row,) = ledger.parked_rows(Direction.TO_SPOTIO)
    assert row.reason == "waiting_for_parent"
    assert row.waiting_for == link_id_of(PAIR, A1)
    assert A1 in row.message
    assert "Type is Partner" in row.message


def test_a_waiting_child_goes_out_once_its_parent_has_a_counterpart(bench):
    bench.run(
        *family(record("Account", account(Type="Partner")), state({}), record("Contact", contact()))
    )
    bench.apply(bench.accounts(account(SystemModstamp=LATER)))
    emitted = bench.run(state({}))
    assert [one["Last Name"] for one in emitted.records] == ["Name 1"]
    bench.apply(emitted)
    assert bench.parked() == {}


def test_a_child_without_a_parent_is_created_without_one(bench):
    emitted = bench.run(schema("Contact"), record("Contact", contact(account_number=None)))
    assert "parent" not in emitted.records[0]


def test_a_child_that_moves_to_another_parent_sends_just_that(bench):
    bench.apply(bench.run(*family(record("Account", account()), record("Account", account(2)))))
    bench.apply(bench.run(schema("Contact"), record("Contact", contact())))
    moved = contact(account_number=2, SystemModstamp=LATER)
    (one,) = bench.run(schema("Contact"), record("Contact", moved)).records
    assert set(one) == {"parent", "_sync"}
    assert one["parent"]["salesforce_id"] == salesforce_id("001", 2)


# --- owners ----------------------------------------------------------------------------------


def test_the_user_stream_is_kept_and_gives_owners_their_email(bench):
    user = {"Id": OWNER, "Email": "rep.one@example.com", "Username": "rep", "IsActive": True}
    emitted = bench.run(
        {
            "type": "SCHEMA",
            "stream": "User",
            "schema": {"properties": {}},
            "key_properties": ["Id"],
        },
        record("User", user),
        schema("Account"),
        record("Account", account()),
    )
    (one,) = emitted.records
    assert one["owner"]["email"] == "rep.one@example.com"


# --- deletes, merges, conversions ------------------------------------------------------------


def test_a_deleted_record_that_was_never_linked_is_left_out(bench):
    assert bench.accounts(account(IsDeleted=True)).records == []


def test_a_deletion_follows_the_policy_and_guards_every_field(bench):
    bench.apply(bench.accounts(account()))
    emitted = bench.accounts(account(SystemModstamp=LATER, IsDeleted=True))
    (envelope,) = emitted.envelopes()
    assert envelope.action is Action.DELETE
    assert envelope.expected["Company"] == "Company 1"
    assert set(emitted.records[0]) == {"_sync"}


@pytest.mark.row("C4 S hard delete")
def test_a_purged_row_with_three_fields_counts_as_a_deletion(bench):
    bench.apply(bench.accounts(account()))
    emitted = bench.accounts({"Id": A1, "IsDeleted": True, "SystemModstamp": LATER})
    assert [one.action for one in emitted.envelopes()] == [Action.DELETE]


def test_a_deletion_with_the_policy_ignore_leaves_a_tombstone_that_an_undelete_revives(bench):
    bench.definition = parse(SYNC.replace("in_salesforce: delete", "in_salesforce: ignore"))
    bench.apply(bench.accounts(account()))
    assert bench.accounts(account(SystemModstamp=LATER, IsDeleted=True)).records == []
    assert bench.snapshot(PAIR, A1).link.state is LinkState.TOMBSTONE
    emitted = bench.accounts(account(SystemModstamp=LATER, Phone="1"))
    (envelope,) = emitted.envelopes()
    assert envelope.action is Action.UPDATE
    assert bench.snapshot(PAIR, A1).link.state is LinkState.LINKED


@pytest.mark.row("C4 stop: deletes above a count")
def test_more_deletes_than_the_limit_stop_the_run_and_delete_nothing(bench):
    bench.apply(bench.accounts(account(), account(2), account(3)))
    bench.limits = Limits(delete_limit=2)
    gone = [account(one, SystemModstamp=LATER, IsDeleted=True) for one in (1, 2, 3)]
    with pytest.raises(StopError, match=r"3 records would be deleted .* limit is 2"):
        bench.accounts(*gone)
    bench.limits = Limits(delete_limit=3)
    emitted = bench.run(state({}))
    assert [one.action for one in emitted.envelopes()] == [Action.DELETE] * 3


def test_a_deletion_loses_to_a_change_in_spotio(bench):
    bench.apply(bench.accounts(account()))
    deletion = bench.accounts(account(SystemModstamp=LATER, IsDeleted=True))
    bench.edit_in_spotio(deletion, Phone="mine")
    assert bench.run(state({})).records == []
    assert bench.snapshot(PAIR, A1).link.state is LinkState.UNLINKED
    with bench.open() as ledger:
        (conflict,) = ledger.conflicts()
    assert conflict.row == "C4 S deleted, other changed"


@pytest.mark.row("C4 S merge loser, winner unlinked")
def test_the_link_of_a_merge_loser_moves_to_a_winner_that_has_none(bench):
    bench.apply(bench.accounts(account()))
    loser = account(SystemModstamp=LATER, IsDeleted=True, MasterRecordId=salesforce_id("001", 2))
    winner = account(2, SystemModstamp=LATER, Phone="555 0222")
    emitted = bench.accounts(winner, loser)
    (envelope,) = emitted.envelopes()
    assert envelope.action is Action.UPDATE
    assert envelope.spotio_id == f"P-{A1}"
    assert envelope.salesforce_id == salesforce_id("001", 2)


@pytest.mark.row("C4 S merge loser, winner unlinked")
def test_a_late_event_of_a_merge_loser_whose_link_moved_creates_nothing(bench):
    bench.apply(bench.accounts(account()))
    loser = account(SystemModstamp=LATER, IsDeleted=True, MasterRecordId=salesforce_id("001", 2))
    bench.apply(bench.accounts(account(2, SystemModstamp=LATER), loser))
    assert bench.accounts(account()).records == []
    assert bench.snapshot(PAIR, A1).link.state is LinkState.TOMBSTONE
    assert bench.snapshot(PAIR, salesforce_id("001", 2)).link.spotio_id == f"P-{A1}"


@pytest.mark.row("C4 S merge loser, winner linked")
def test_the_partner_of_a_merge_loser_becomes_an_alias_where_the_winner_has_its_own(bench):
    bench.apply(bench.accounts(account(), account(2)))
    loser = account(SystemModstamp=LATER, IsDeleted=True, MasterRecordId=salesforce_id("001", 2))
    assert bench.accounts(loser).records == []
    assert bench.snapshot(PAIR, A1).link.state is LinkState.ALIAS


def test_a_late_event_of_a_record_that_was_first_seen_deleted_creates_nothing(bench):
    assert bench.accounts(account(SystemModstamp=LATER, IsDeleted=True)).records == []
    assert bench.accounts(account()).records == []
    undeleted = bench.accounts(account(SystemModstamp="2026-05-08T08:00:00.000Z"))
    assert [one.action for one in undeleted.envelopes()] == [Action.CREATE]


def test_a_converted_lead_is_neither_created_nor_written_and_is_counted(bench):
    def leads(*ones):
        return bench.run(schema("Lead"), *(record("Lead", one) for one in ones))

    bench.apply(leads(lead()))
    emitted = leads(
        lead(IsConverted=True, LastName="X", SystemModstamp=LATER), lead(2, IsConverted=True)
    )
    assert emitted.records == []
    counts = bench.counts(emitted)
    assert counts["Lead:Leads", "skipped", "lead converted"] == 1
    assert counts["Lead:Leads", "skipped", "converted"] == 1


# --- history ---------------------------------------------------------------------------------


def test_future_only_leaves_out_what_was_not_modified_since_activation(bench):
    bench.definition = parse(
        SYNC.replace(
            "{enabled: true, only_when", "{enabled: true, history: future_only, only_when", 1
        )
    )
    assert bench.accounts(account()).records == []
    emitted = bench.accounts(account(SystemModstamp="2999-01-01T00:00:00.000Z"))
    assert len(emitted.records) == 1


# --- guards and the run ----------------------------------------------------------------------

OLD_STATE = {
    "bookmarks": {"Account": {"replication_key": "SystemModstamp", "replication_key_value": LATER}}
}
OLDER_SHAPE = {"bookmarks": {"Account": {"version": 1, "SystemModstamp": LATER}}}


@pytest.mark.parametrize("value", [OLD_STATE, OLDER_SHAPE])
def test_an_old_state_over_a_new_ledger_stops_before_anything_is_written(bench, value):
    with pytest.raises(StopError, match="meltano run --full-refresh"):
        bench.run(state(value), schema("Account"), record("Account", account()))
    with bench.open() as ledger:
        assert ledger.is_new
    assert len(bench.run(state({}), schema("Account"), record("Account", account())).records) == 1


def test_an_old_state_over_a_ledger_that_knows_the_stream_is_fine(bench):
    bench.apply(bench.accounts(account()))
    assert bench.run(state(OLD_STATE), schema("Account")).kinds == ["STATE"]


def test_an_object_that_was_mapped_after_the_tap_had_read_it_is_noticed(bench):
    bench.apply(bench.accounts(account()))
    old = {"bookmarks": {"Lead": {"SystemModstamp": LATER}}}
    with pytest.raises(StopError, match="Lead"):
        bench.run(state(old))


def test_a_field_that_the_tap_does_not_send_is_named_with_the_line_to_add(bench):
    with pytest.raises(ConfigurationError, match="select") as caught:
        bench.run(schema("Account", without=("Phone", "OwnerId")))
    assert caught.value.problems == ("Account.OwnerId", "Account.Phone")


def test_a_stream_that_nothing_maps_is_dropped_and_counted(bench):
    emitted = bench.run(
        {"type": "SCHEMA", "stream": "Case", "schema": {}, "key_properties": []},
        record("Case", {"Id": "500"}),
        record("Case", {"Id": "501"}),
    )
    assert emitted.messages == []
    assert bench.counts(emitted)["Case", "skipped", "not mapped"] == 2


def test_a_second_runner_is_told_who_holds_the_lease(bench):
    with bench.open() as ledger:
        ledger.begin_run(
            Run(
                run_id="other",
                direction=Direction.TO_SPOTIO,
                started_at=LATER,
                definition_fingerprint="x",
                holder="somebody@somewhere",
            ),
            ttl_seconds=60,
        )
        with pytest.raises(LeaseHeldError, match="somebody@somewhere"):
            bench.run(state({}))


def test_the_lease_stays_with_a_target_that_has_records_to_finish(bench):
    emitted = bench.accounts(account())
    with pytest.raises(LeaseHeldError):
        bench.run(state({}))
    bench.finish(emitted)
    bench.finish(bench.run(state({})))


def test_a_run_that_emits_no_record_ends_itself(bench):
    emitted = bench.run(state({}), schema("Account"))
    with bench.open() as ledger:
        last = ledger.last_run(Direction.TO_SPOTIO)
    assert (last.run_id, last.status) == (emitted.run_id, "done")


def test_a_failed_run_gives_its_lease_back(bench):
    with pytest.raises(ConfigurationError):
        bench.run(schema("Account", without=("Phone",)))
    with bench.open() as ledger:
        assert ledger.last_run(Direction.TO_SPOTIO).status == "failed"
    bench.run(state({}))


def test_an_interrupted_run_keeps_what_it_committed(bench):
    def interrupted():
        yield from (
            b'{"type":"STATE","value":{}}\n',
            *lines(schema("Account"), record("Account", account())),
            b'{"type":"STATE","value":{"bookmarks":{}}}\n',
        )
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(raw=interrupted())
    with bench.open() as ledger:
        assert ledger.last_run(Direction.TO_SPOTIO).status == "interrupted"
    (envelope,) = bench.run(state({})).envelopes()
    assert envelope.reissued


def test_users_are_kept_before_the_state_that_says_they_were_read(bench):
    def gone_after_the_users():
        yield from lines(
            state({}), record("User", {"Id": OWNER, "Email": "ops@example.com", "IsActive": True})
        )
        yield from lines(state({"bookmarks": {"User": {"replication_key_value": LATER}}}))
        with bench.open() as ledger:
            assert ledger.users(Side.SALESFORCE).keys() == {OWNER}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(raw=gone_after_the_users())


def test_runs_over_a_fresh_ledger_are_deterministic(tmp_path):
    ids = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        emitted = Bench(folder).accounts(account(), account(2))
        ids.append([one.operation_id for one in emitted.envelopes()])
    assert ids[0] == ids[1]


# --- children that wait ------------------------------------------------------------------------


def test_a_child_left_waiting_by_a_run_is_not_sent_again_until_its_parent_is_on_its_way(bench):
    """Its parent may be outside the filter for good: no run should carry it along for nothing."""
    first = bench.run(schema("Contact"), record("Contact", contact()))
    assert len(first.records) == 1
    bench.finish(first)
    again = bench.run(state({}))
    assert again.records == []
    assert bench.parked() == {(salesforce_id("003", 1), ""): "waiting_for_parent"}
    assert bench.run(state({})).records == []
    bench.apply(bench.accounts(account()))
    (envelope,) = bench.run(state({})).envelopes()
    assert envelope.pair == "Contact:Contacts"


def test_a_child_whose_parent_is_being_created_goes_out_again_beside_it(bench):
    first = bench.run(*family(record("Account", account()), record("Contact", contact())))
    bench.finish(first)
    again = bench.run(state({}))
    assert {one.pair for one in again.envelopes()} == {PAIR, "Contact:Contacts"}
    assert all(one.reissued for one in again.envelopes())


def test_a_missing_parent_holds_back_its_key_and_not_the_rest_of_an_update(bench):
    bench.apply(bench.accounts(account()))
    bench.apply(bench.run(schema("Contact"), record("Contact", contact())))
    moved = contact(account_number=9, SystemModstamp=LATER, LastName="Other")
    (one,) = bench.run(schema("Contact"), record("Contact", moved)).records
    assert set(one) == {"Last Name", "_sync"}
    assert bench.parked() == {(salesforce_id("003", 1), "parent"): "waiting_for_parent"}
