"""target-salesforce with the mapper's envelope, against the local server."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ConfigurationError, RetryError, StopError
from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.rows import LinkState, UserRow
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.salesforce.client import SalesforceClient
from tests.contract.target_salesforce_fixtures import (
    account,
    calls,
    contact,
    link_of,
    org_fixture,
    rows,
    server_fixture,
    spotio_id,
    sync_fixture,
    update,
)

__all__ = ["org_fixture", "server_fixture", "sync_fixture"]


def row_of(sync, number):
    """The Account of a SPOTIO record."""
    return next(r for r in rows(sync.org, "Account") if r["SPOTIO_Id__c"] == spotio_id(number))


@pytest.fixture
def linked(sync):
    """A sync with one linked Account, and its Id."""
    sync.begin().decide(account(1, Industry="Solar")).deliver()
    return sync.begin(), row_of(sync, 1)["Id"]


# creates


def test_a_create_is_upserted_by_the_external_id_read_back_and_linked(sync):
    keys = {"Company": "Name", "Phone": "Phone", "Products": "Product_Interest__c"}
    one = account(1, Product_Interest__c=["Panels", "Batteries"]) | {"envelope": {"keys": keys}}
    sync.begin().decide(one).deliver()
    row = row_of(sync, 1)
    assert row["Name"] == "Company 1"
    assert row["Product_Interest__c"] == "Panels;Batteries"
    known = sync.snapshot(1)
    assert known.link.state is LinkState.LINKED
    assert known.link.salesforce_id == row["Id"]
    assert known.base["Company"] == ["source", "Company 1"]
    assert known.base["Products"] == ["source", "Batteries;Panels"]
    assert known.salesforce_image["Phone"] == "(512) 555-0001"
    assert sync.states
    assert sync.counts() == {"created": 1}


def test_parents_are_written_before_children_whatever_the_order_of_streams(sync):
    sync.begin().decide(contact(1, parent=1), contact(2), account(1)).deliver()
    parent = row_of(sync, 1)["Id"]
    children = {row["LastName"]: row["AccountId"] for row in rows(sync.org, "Contact")}
    assert children == {"Last 1": parent, "Last 2": None}
    assert sync.snapshot(100_001).base["AccountId"] == ["source", parent]


def test_a_child_in_an_earlier_batch_waits_for_its_parent(sync):
    sync.begin().decide(contact(1, parent=1), account(1)).deliver(batch_size_rows=1)
    assert [row["AccountId"] for row in rows(sync.org, "Contact")] == [row_of(sync, 1)["Id"]]
    assert sync.parked() == {}


def test_a_child_of_a_parent_that_never_comes_stays_parked_as_waiting(sync):
    sync.begin().decide(contact(1, parent=7)).deliver()
    assert rows(sync.org, "Contact") == []
    assert sync.parked() == {(link_of(spotio_id(100_001)), ""): "waiting_for_parent"}


def test_a_named_field_is_withheld_and_the_rest_is_created(sync):
    keys = {"Billing Email": "Billing_Email__c"}
    bad = account(1, Billing_Email__c="no e-mail") | {"envelope": {"keys": keys}}
    sync.begin().decide(bad, account(2)).deliver()
    assert row_of(sync, 1)["Billing_Email__c"] is None
    assert row_of(sync, 2)["Name"] == "Company 2"
    assert sync.parked() == {(link_of(spotio_id(1)), "Billing Email"): "rejected"}
    assert "invalid email address" in sync.parked_words()[0]
    assert "Billing_Email__c" not in sync.snapshot(1).base
    assert sync.counts() == {"created": 2, "parked": 1}


def test_a_record_without_a_required_field_is_parked_and_the_others_go_on(sync):
    sync.begin().decide(contact(1, LastName=None), account(2)).deliver()
    assert rows(sync.org, "Contact") == []
    assert row_of(sync, 2)
    assert sync.parked()[link_of(spotio_id(100_001)), ""] == "rejected"


def test_a_record_that_holds_the_external_id_already_is_linked_not_created(sync):
    made = sync.org.edit(
        object="Account",
        create={"Name": "Own name", "Phone": "1", "SPOTIO_Id__c": spotio_id(1)},
    )["id"]
    one = account(1) | {"envelope": {"on_link": ["Phone"]}}
    sync.begin().decide(one).deliver()
    (row,) = rows(sync.org, "Account")
    assert (row["Id"], row["Name"], row["Phone"]) == (made, "Own name", "(512) 555-0001")
    assert sync.counts() == {"journaled": 1, "linked": 1}
    with Ledger.open(sync.ledger_uri) as ledger:
        (conflict,) = ledger.conflicts()
    assert (conflict.key, conflict.loser, conflict.losing_value) == ("Phone", Side.SALESFORCE, "1")


def test_a_value_that_a_link_overwrites_outlives_a_crash_before_the_outcome(sync, monkeypatch):
    own = {"Name": "Own name", "Phone": "1", "SPOTIO_Id__c": spotio_id(1)}
    sync.org.edit(object="Account", create=own)
    one = account(1) | {"envelope": {"on_link": ["Phone"]}}
    sync.begin().decide(one)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "commit_outcomes", power_cut)
        with pytest.raises(PowerCutError):
            sync.deliver()
    assert row_of(sync, 1)["Phone"] == "(512) 555-0001"
    with Ledger.open(sync.ledger_uri) as ledger:
        (conflict,) = ledger.conflicts()
    assert (conflict.key, conflict.losing_value) == ("Phone", "1")


def test_a_value_that_a_link_could_not_overwrite_is_in_no_journal(sync):
    own = {"Name": "Own", "Billing_Email__c": "own@example.com", "SPOTIO_Id__c": spotio_id(1)}
    sync.org.edit(object="Account", create=own)
    on_link = {"on_link": ["Billing_Email__c", "Phone"], "keys": {"Email": "Billing_Email__c"}}
    one = account(1, Billing_Email__c="no e-mail") | {"envelope": on_link}
    sync.begin().decide(one).deliver()
    assert row_of(sync, 1)["Billing_Email__c"] == "own@example.com"
    assert sync.parked() == {(link_of(spotio_id(1)), "Email"): "rejected"}
    with Ledger.open(sync.ledger_uri) as ledger:
        assert ledger.conflicts() == []


class PowerCutError(Exception):
    """Stands for the end of the process."""


def power_cut(*_):
    raise PowerCutError


def test_a_record_that_carries_another_external_id_is_not_linked(sync):
    made = sync.org.edit(object="Account", create={"Name": "X", "SPOTIO_Id__c": "another"})["id"]
    one = account(1) | {"action": "link", "envelope": {"salesforce_id": made}}
    sync.begin().decide(one).deliver()
    assert rows(sync.org, "Account")[0]["SPOTIO_Id__c"] == "another"
    assert sync.parked() == {(link_of(spotio_id(1)), ""): "already_linked"}


def test_a_link_by_name_is_given_up_where_the_record_is_another_s_or_not_there(sync):
    made = sync.org.edit(object="Account", create={"Name": "X", "SPOTIO_Id__c": "another"})["id"]
    gone = sync.org.edit(object="Account", create={"Name": "Y"})["id"]
    sync.org.edit(object="Account", id=gone, delete=True)
    named = [
        account(number) | {"action": "link", "envelope": {"salesforce_id": one, "named": True}}
        for number, one in ((1, made), (2, gone))
    ]
    sync.begin().decide(*named).deliver()
    assert sync.parked() == {(link_of(spotio_id(1)), ""): "already_linked"}
    for number in (1, 2):
        known = sync.snapshot(number)
        assert (known.link.state, known.link.salesforce_id) == (LinkState.PENDING, None)
        assert known.salesforce_image is None
    assert sync.snapshot(2).link.flagged is Direction.TO_SALESFORCE
    assert [row["Name"] for row in rows(sync.org, "Account")] == ["X"]


def test_a_link_writes_the_external_id_and_what_was_decided(sync):
    made = sync.org.edit(object="Account", create={"Name": "Own", "Phone": "1"})["id"]
    one = account(1) | {
        "action": "link",
        "record": {"Name": "Company 1"},
        "envelope": {"salesforce_id": made, "expected": {"Name": "Own"}},
    }
    sync.begin().decide(one).deliver()
    (row,) = rows(sync.org, "Account")
    assert (row["Name"], row["Phone"], row["SPOTIO_Id__c"]) == ("Company 1", "1", spotio_id(1))
    assert sync.counts() == {"linked": 1, "journaled": 1}


def test_the_definitions_own_external_id_field_serves_as_key(sync):
    sync.config = {}
    one = account(1, SPOTIO_Id__c=spotio_id(1))
    mark = sync.org.last()
    sync.begin().decide(one, account(2, SPOTIO_Id__c=spotio_id(2))).deliver()
    assert "PATCH composite/sobjects/Account/SPOTIO_Id__c" in calls(sync.org, mark)


def test_duplicates_are_parked_with_the_matches_listed(sync):
    sync.org.edit(
        declare={
            "objects": {
                "Account": {
                    "duplicate_rules": [{"name": "Same", "fields": ["Phone"], "action": "alert"}]
                }
            }
        }
    )
    made = sync.org.edit(object="Account", create={"Name": "There", "Phone": "(512) 555-0001"})
    sync.begin().decide(account(1), account(2)).deliver()
    assert len(rows(sync.org, "Account")) == 2
    assert sync.parked() == {(link_of(spotio_id(1)), ""): "duplicates_detected"}
    assert made["id"] in sync.parked_words()[0]
    sync.begin().decide(account(1)).deliver(allow_duplicates=True)
    assert len(rows(sync.org, "Account")) == 3
    assert sync.parked() == {}


def test_assignment_rules_do_not_run_unless_asked(sync):
    assigned = {"objects": {"Account": {"assignment": "rep.two@example.com.demo"}}}
    sync.org.edit(declare=assigned)
    sync.begin().decide(account(1)).deliver()
    sync.begin().decide(account(2)).deliver(auto_assign=True)
    users = {row["Id"]: row["Username"] for row in sync.org.rows("User")}
    assert users[row_of(sync, 1)["OwnerId"]].startswith("integration.user")
    assert users[row_of(sync, 2)["OwnerId"]] == "rep.two@example.com.demo"


# updates


def test_an_update_writes_only_what_differs_and_keeps_what_comes_back(linked):
    sync, made = linked
    mark = sync.org.last()
    sync.decide(
        update(1, made, {"Phone": "(512) 555-0001"}, Phone=" 999 ", Name="Company 1")
    ).deliver()
    assert row_of(sync, 1)["Phone"] == "999"
    with Ledger.open(sync.ledger_uri) as ledger:
        (row,) = ledger.log_rows(run_id=sync.run_id)
    assert row.payload == {"Phone": " 999 "}
    base = sync.snapshot(1).base
    assert base["Phone"] == ["source", "999"]
    assert base["Name"] == ["source", "Company 1"]
    assert sync.counts() == {"updated": 1}
    assert [call.split("/")[0] for call in calls(sync.org, mark)].count("PATCH sobjects") == 1


def test_null_clears_and_an_absent_field_is_left_alone(linked):
    sync, made = linked
    sync.decide(update(1, made, {}, Phone=None)).deliver()
    row = row_of(sync, 1)
    assert row["Phone"] is None
    assert row["Industry"] == "Solar"
    assert sync.snapshot(1).base["Phone"] == ["source", None]


def test_a_changed_record_is_not_overwritten_and_decided_again(linked):
    sync, made = linked
    sync.org.edit(object="Account", id=made, set={"Phone": "777"})
    mark = sync.org.last()
    sync.decide(update(1, made, {"Phone": "(512) 555-0001"}, Phone="999")).deliver()
    assert row_of(sync, 1)["Phone"] == "777"
    assert not [call for call in calls(sync.org, mark) if call.startswith("PATCH")]
    known = sync.snapshot(1)
    assert known.link.flagged is Direction.TO_SALESFORCE
    assert known.salesforce_image["Phone"] == "777"
    assert sync.counts() == {"stale": 1}


def test_a_record_that_holds_the_values_already_is_agreed_without_a_write(linked):
    sync, made = linked
    sync.org.edit(object="Account", id=made, set={"Phone": "999"})
    mark = sync.org.last()
    sync.decide(update(1, made, {"Phone": "(512) 555-0001"}, Phone="999")).deliver()
    assert not [call for call in calls(sync.org, mark) if call.startswith("PATCH")]
    assert sync.snapshot(1).base["Phone"] == ["source", "999"]
    assert sync.counts() == {"agreed": 1}


def test_an_edit_between_guard_and_write_is_seen_by_a_single_write(linked):
    sync, made = linked
    sync.org.clock(advance=5)
    sync.org.fault({"path": f"sobjects/Account/{made}"}, {"status": 412, "body": [], "times": 1})
    sync.decide(update(1, made, {"Phone": "(512) 555-0001"}, Phone="999")).deliver()
    headers = [one["path"] for one in sync.org.requests() if "sobjects/Account/001" in one["path"]]
    assert len(headers) == 2
    assert row_of(sync, 1)["Phone"] == "999"


def test_a_refused_update_never_becomes_a_create(linked):
    sync, made = linked
    sync.org.edit(object="Account", id=made, delete=True)
    sync.decide(update(1, made, {}, Phone="999")).deliver()
    assert rows(sync.org, "Account") == []
    assert sync.parked() == {(link_of(spotio_id(1)), ""): "missing_in_salesforce"}


def test_a_named_field_of_an_update_is_withheld_and_the_rest_written(linked):
    sync, made = linked
    sync.decide(
        update(1, made, {}, Phone="999", Billing_Email__c="nonsense", Industry="Nonsense")
    ).deliver()
    row = row_of(sync, 1)
    assert (row["Phone"], row["Industry"]) == ("999", "Nonsense")
    link = link_of(spotio_id(1))
    assert sync.parked() == {(link, "Billing_Email__c"): "rejected"}
    assert "Billing_Email__c" not in sync.snapshot(1).base


def test_a_validation_rule_without_a_field_parks_the_record(linked):
    sync, made = linked
    rule = {"name": "No_nines", "formula": 'Phone = "999"', "message": "No nines"}
    sync.org.edit(declare={"objects": {"Account": {"validation_rules": [rule]}}})
    sync.decide(update(1, made, {}, Phone="999", Industry="Other"), account(2)).deliver()
    assert row_of(sync, 1)["Industry"] == "Solar"
    assert row_of(sync, 2)
    assert sync.parked_words() == ["No nines (FIELD_CUSTOM_VALIDATION_EXCEPTION)"]


def test_what_a_flow_makes_of_a_value_becomes_the_base(linked):
    sync, made = linked
    flow = {"on": "update", "when": 'Rating = "Hot"', "set": {"Rating": "Warm"}}
    sync.org.edit(declare={"objects": {"Account": {"flows": [flow]}}})
    sync.decide(update(1, made, {}, Rating="Hot")).deliver()
    assert sync.snapshot(1).base["Rating"] == ["source", "Warm"]


def test_an_address_is_settled_as_a_whole(linked):
    sync, made = linked
    place = {"street": "BillingStreet", "city": "BillingCity"}
    one = update(1, made, {}, BillingCity=" Austin ")
    one["envelope"]["keys"] = {"address": place}
    sync.decide(one).deliver()
    assert sync.snapshot(1).base["address"] == ["source", {"street": None, "city": "Austin"}]


def test_what_the_tap_knows_beyond_the_mapping_is_kept_in_the_image(linked):
    sync, made = linked
    sync.decide(update(1, made, {}, Phone="999")).deliver()
    image = sync.snapshot(1).salesforce_image
    assert image["Id"] == made
    assert image["SystemModstamp"].endswith("Z")


# owners


def test_owners_are_found_by_external_id_then_e_mail_then_default(sync):
    users = {row["Email"]: row["Id"] for row in sync.org.rows("User")}
    run = sync.begin().run_id
    with Ledger.open(sync.ledger_uri) as ledger:
        ledger.commit_decisions(
            Decisions(
                run_id=run,
                users=[
                    UserRow(
                        side=Side.SPOTIO,
                        user_id="534601",
                        external_id=users["rep.two@example.com"],
                    )
                ],
            )
        )
    ops = "ops@example.com"
    sync.decide(
        account(1, OwnerId={"spotio_id": "534601", "email": None, "default": ops}),
        account(2, OwnerId={"spotio_id": "1", "email": "Rep.Three@example.com", "default": ops}),
        account(3, OwnerId={"spotio_id": "2", "email": "nobody@example.com", "default": ops}),
        account(4, OwnerId={"spotio_id": "3", "email": None, "default": None}),
    )
    mark = sync.org.last()
    sync.deliver()
    owners = [row_of(sync, number)["OwnerId"] for number in (1, 2, 3)]
    assert owners == [
        users["rep.two@example.com"],
        users["rep.three@example.com"],
        users[ops],
    ]
    assert sync.parked() == {(link_of(spotio_id(4)), "OwnerId"): "owner_unknown"}
    user_queries = [one for one in sync.org.requests(mark) if "FROM User" in str(one.get("query"))]
    assert len(user_queries) == 1


def test_an_unknown_owner_leaves_an_updates_owner_alone(linked):
    sync, made = linked
    before = row_of(sync, 1)["OwnerId"]
    owner = {"spotio_id": "2", "email": "nobody@example.com", "default": "ops@example.com"}
    sync.decide(update(1, made, {}, OwnerId=owner | {"keep_on_update": True})).deliver()
    assert row_of(sync, 1)["OwnerId"] == before
    assert sync.counts() == {"agreed": 1}
    with Ledger.open(sync.ledger_uri) as ledger:
        (awaited,) = ledger.awaited_owners(Direction.TO_SALESFORCE)
    assert awaited.user_id == "2"
    sync.begin().decide(update(1, made, {}, OwnerId=owner | {"keep_on_update": False})).deliver()
    assert row_of(sync, 1)["OwnerId"] != before


# deletes


def test_a_deletion_is_carried_out_unless_the_record_changed(linked):
    sync, made = linked
    sync.org.edit(object="Account", id=made, set={"Phone": "777"})
    gone = {"action": "delete", "record": {}}
    sync.decide(update(1, made, {"Phone": "(512) 555-0001"}) | gone).deliver()
    assert row_of(sync, 1)
    assert sync.counts() == {"stale": 1}
    sync.begin().decide(update(1, made, {"Phone": "777"}) | gone).deliver(on_delete="ignore")
    assert row_of(sync, 1)
    sync.begin().decide(update(1, made, {"Phone": "777"}) | gone).deliver()
    assert rows(sync.org, "Account") == []
    assert sync.snapshot(1).link.state is LinkState.TOMBSTONE


# configuration


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("Nonsense__c", "no field Nonsense__c"),
        ("Phone", "Phone is no external id"),
        ("Loose__c", "Loose__c is not unique"),
    ],
)
def test_a_key_field_that_is_none_stops_before_anything_is_written(sync, key, words):
    loose = {"objects": {"Account": {"fields": {"Loose__c": "string(40) external-id | Loose"}}}}
    sync.org.edit(declare=loose)
    sync.begin().decide(account(1))
    with pytest.raises(ConfigurationError, match=words):
        sync.deliver(external_id_fields={"Account": key})
    assert rows(sync.org, "Account") == []
    assert sync.states == []


def test_the_ledger_of_another_org_is_refused_before_anything_is_written(sync):
    with Ledger.open(sync.ledger_uri) as ledger:
        ledger.pin_identity(Side.SALESFORCE, "00D000000000009AAA")
    sync.begin().decide(account(1))
    with pytest.raises(StopError, match="00D000000000009AAA"):
        sync.deliver()
    assert rows(sync.org, "Account") == []


def test_an_unknown_object_and_unknown_fields_are_named_at_once(sync):
    sync.begin().decide(account(1, Nonsense__c="x"))
    sync.messages[0]["schema"]["properties"]["Nonsense__c"] = {}
    with pytest.raises(ConfigurationError, match="fit the org") as caught:
        sync.deliver()
    assert caught.value.problems == ("Account.Nonsense__c: Account has no such field",)


def test_parked_work_is_released_when_the_object_changes(linked):
    sync, made = linked
    sync.org.edit(object="Account", alter_field={"name": "Phone", "length": 4})
    sync.decide(update(1, made, {}, Phone="55555")).deliver()
    assert sync.parked() == {(link_of(spotio_id(1)), "Phone"): "rejected"}

    def due():
        with Ledger.open(sync.ledger_uri) as ledger:
            return [row.next_attempt_at for row in ledger.parked_rows()]

    assert due() == [None]
    sync.org.edit(object="Account", alter_field={"name": "Phone", "length": 40})
    sync.begin().decide(account(2)).deliver()
    assert due() != [None]


def asked(sync, mark):
    return [one["path"].split("/data/v62.0/")[-1] for one in sync.org.requests(since=mark)]


def test_a_run_with_a_cache_goes_on_with_login_and_describe_of_the_last_one(sync, tmp_path):
    kept = {"cache_folder": str(tmp_path / "cache")}
    sync.begin().decide(account(1)).deliver(**kept)
    mark = sync.org.last()
    sync.begin().decide(account(2)).deliver(**kept)
    calls = asked(sync, mark)
    assert not [one for one in calls if "token" in one or "describe" in one]
    assert len(rows(sync.org, "Account")) == 2


def test_fields_and_keys_that_were_made_since_the_describe_was_kept_are_found(sync, tmp_path):
    kept = {"cache_folder": str(tmp_path / "cache")}
    loose = {"objects": {"Account": {"fields": {"Own_Id__c": "string(40) external-id | Own"}}}}
    sync.org.edit(declare=loose)
    sync.begin().decide(account(1)).deliver(**kept)
    fields = {"Own_Id__c": "string(40) external-id unique | Own", "Late__c": "string(40) | Late"}
    sync.org.edit(declare={"objects": {"Account": {"fields": fields}}})
    sync.begin().decide(account(2, Late__c="x"))
    sync.messages[0]["schema"]["properties"]["Late__c"] = {}
    mark = sync.org.last()
    sync.deliver(**kept, external_id_fields={"Account": "Own_Id__c"})
    (made,) = (row for row in rows(sync.org, "Account") if row["Late__c"])
    assert made["Late__c"] == "x"
    assert asked(sync, mark).count("sobjects/Account/describe") == 1


def test_after_a_refusal_the_next_run_describes_the_object_anew(sync, tmp_path):
    kept = {"cache_folder": str(tmp_path / "cache")}
    sync.begin().decide(account(1)).deliver(**kept)
    sync.org.edit(object="Account", alter_field={"name": "Phone", "length": 4})
    sync.begin().decide(account(2, Phone="55555")).deliver(**kept)
    sync.org.edit(object="Account", alter_field={"name": "Phone", "length": 40})
    mark = sync.org.last()
    sync.begin().decide(account(3)).deliver(**kept)
    assert asked(sync, mark).count("sobjects/Account/describe") == 1
    mark = sync.org.last()
    sync.begin().decide(account(4)).deliver(**kept)
    assert asked(sync, mark).count("sobjects/Account/describe") == 0


def test_a_missing_reference_that_is_not_named_is_told_from_a_missing_record(sync):
    sync.begin().decide(account(1), contact(1, parent=1)).deliver()
    (row,) = rows(sync.org, "Contact")
    refused = [
        {"errorCode": "INVALID_CROSS_REFERENCE_KEY", "message": "invalid cross reference id"}
    ]
    path = f"sobjects/Contact/{row['Id']}"
    sync.org.fault({"method": "PATCH", "path": path, "nth": 1}, {"status": 400, "body": refused})
    change = contact(1) | {
        "action": "update",
        "record": {"LastName": "New", "AccountId": None},
        "envelope": {"salesforce_id": row["Id"]},
    }
    sync.begin().decide(change).deliver()
    (row,) = rows(sync.org, "Contact")
    assert row["LastName"] == "New"
    assert row["AccountId"]
    assert sync.parked() == {(link_of(spotio_id(100_001)), "AccountId"): "rejected"}


def test_what_somebody_else_writes_while_an_answer_is_lost_is_never_overwritten(
    linked, monkeypatch
):
    sync, made = linked
    second = account(2)
    sync.decide(second).deliver()
    other = row_of(sync, 2)["Id"]
    send = SalesforceClient.answer

    def answer(self, method, path, **options):
        try:
            return send(self, method, path, **options)
        except RetryError:
            sync.org.edit(object="Account", id=made, set={"Phone": "777"})
            raise

    monkeypatch.setattr(SalesforceClient, "answer", answer)
    sync.org.fault({"method": "PATCH", "path": r"composite/sobjects$", "nth": 1}, {"drop": "after"})
    sync.begin().decide(
        update(1, made, {"Phone": "(512) 555-0001"}, Phone="999"),
        update(2, other, {"Phone": "(512) 555-0002"}, Phone="999"),
    ).deliver()
    assert row_of(sync, 1)["Phone"] == "777"
    assert row_of(sync, 2)["Phone"] == "999"
    assert sync.counts() == {"stale": 1, "updated": 1}


@pytest.mark.parametrize("threshold", [0, 3])
@pytest.mark.parametrize("key", ["SPOTIO_Id__c", None])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_run_that_dies_before_it_commits_creates_nothing_twice(
    sync, monkeypatch, threshold, key, nth
):
    sync.config = {"external_id_fields": {"Account": key}} if key else {}
    everything = [account(n) for n in range(1, 301)]
    commit, seen = Ledger.commit_outcomes, []

    def dying(self, outcomes):
        seen.append(1)
        if len(seen) >= nth:
            raise KeyboardInterrupt
        commit(self, outcomes)

    sync.begin().decide(*everything)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "commit_outcomes", dying)
        with pytest.raises(KeyboardInterrupt):
            sync.deliver(bulk_threshold=threshold)
    assert sync.states == []
    open_ones = [
        one | {"envelope": {"reissued": True}}
        for number, one in enumerate(everything, start=1)
        if sync.snapshot(number).link.salesforce_id is None
    ]
    assert open_ones
    sync.begin().decide(*open_ones).deliver(bulk_threshold=threshold)
    assert len(rows(sync.org, "Account")) == 300 or (key is None and not threshold)
    names = [row["Name"] for row in rows(sync.org, "Account")]
    assert len(names) == len(set(names))
    in_doubt = set(sync.parked().values())
    assert in_doubt == (set() if key or threshold else {"unknown_outcome"})
