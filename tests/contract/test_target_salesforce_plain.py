"""target-salesforce as a plain Singer target: any object, five actions, external ids."""

from __future__ import annotations

import json

import pytest

from reverse_sf.delivery.desk import RefusedRecordsError
from reverse_sf.errors import ConfigurationError, Exit
from reverse_sf.target.settings import SETTINGS
from tests.contract.target_salesforce_fixtures import (
    account,
    calls,
    org_fixture,
    record,
    rows,
    run_target,
    schema,
    server_fixture,
    settings,
    sync_fixture,
)

__all__ = ["org_fixture", "server_fixture", "sync_fixture"]

KEYED = {"external_id_fields": {"Account": "SPOTIO_Id__c"}}
STATE = {"type": "STATE", "value": {"at": 1}}
NAMES = ("Id", "Name", "Phone", "SPOTIO_Id__c", "Rating")


def deliver(org, *records, stream="Account", names=NAMES, **config):
    messages = [schema(stream, names), *(record(stream, **one) for one in records), STATE]
    return run_target(settings(org, **config), messages)


def made(org, **values):
    return org.edit(object="Account", create={"Name": "Was there", **values})["id"]


def test_insert_creates_and_state_follows(org):
    states = deliver(org, {"Name": "A"}, {"Name": "B", "Phone": None}, action="insert")
    assert {row["Name"] for row in rows(org, "Account")} == {"A", "B"}
    assert states == ['{"at": 1}']


@pytest.mark.parametrize("bulk_threshold", [0, 1])
def test_update_goes_by_id_and_null_clears_and_absent_leaves(org, bulk_threshold):
    first, second = made(org, Phone="1", Rating="Hot"), made(org, Phone="2", Rating="Hot")
    deliver(
        org,
        {"Id": first, "Phone": None},
        {"Id": second[:15], "Rating": "Cold"},
        bulk_threshold=bulk_threshold,
    )
    values = {row["Id"]: (row["Phone"], row["Rating"]) for row in rows(org, "Account")}
    assert values == {first: (None, "Hot"), second: ("2", "Cold")}


@pytest.mark.parametrize("bulk_threshold", [0, 1])
def test_upsert_goes_by_the_external_id_field(org, bulk_threshold):
    made(org, SPOTIO_Id__c="x1", Phone="1")
    deliver(
        org,
        {"SPOTIO_Id__c": "x1", "Phone": "2", "Name": "Was there"},
        {"SPOTIO_Id__c": "x/2 ü", "Name": "New"},
        action="upsert",
        bulk_threshold=bulk_threshold,
        **KEYED,
    )
    values = {row["SPOTIO_Id__c"]: (row["Name"], row["Phone"]) for row in rows(org, "Account")}
    assert values == {"x1": ("Was there", "2"), "x/2 ü": ("New", None)}


def test_upsert_without_an_external_id_goes_by_id(org):
    known = made(org, Phone="1")
    deliver(org, {"Id": known, "Phone": "2"}, {"Name": "New"}, action="upsert")
    assert {row["Name"]: row["Phone"] for row in rows(org, "Account")} == {
        "Was there": "2",
        "New": None,
    }


def test_update_by_external_id_never_creates(org):
    made(org, SPOTIO_Id__c="x1")
    with pytest.raises(RefusedRecordsError, match="0 Account records hold SPOTIO_Id__c x9"):
        deliver(org, {"SPOTIO_Id__c": "x1", "Phone": "2"}, {"SPOTIO_Id__c": "x9"}, **KEYED)
    (row,) = rows(org, "Account")
    assert row["Phone"] == "2"


@pytest.mark.parametrize("bulk_threshold", [0, 1])
def test_delete_goes_into_the_recycle_bin(org, bulk_threshold):
    first, second = made(org), made(org, SPOTIO_Id__c="x2")
    deliver(org, {"Id": first, "Name": "ignored"}, action="delete", bulk_threshold=bulk_threshold)
    assert [row["Id"] for row in rows(org, "Account")] == [second]
    deliver(org, {"SPOTIO_Id__c": "x2"}, action="delete", bulk_threshold=bulk_threshold, **KEYED)
    assert rows(org, "Account") == []
    assert len(org.rows("Account")) == 2


def test_hard_delete_leaves_nothing(org):
    deliver(org, {"Id": made(org)}, action="hard_delete")
    assert org.rows("Account") == []


def test_a_refused_update_never_becomes_a_create(org):
    known = made(org)
    rule = {"name": "R", "formula": 'Phone = "9"', "message": "No nines"}
    org.edit(declare={"objects": {"Account": {"validation_rules": [rule]}}})
    for action in ("update", "upsert"):
        with pytest.raises(RefusedRecordsError, match="No nines"):
            deliver(org, {"Id": known, "Name": "X", "Phone": "9"}, action=action)
    (row,) = rows(org, "Account")
    assert (row["Name"], row["Phone"]) == ("Was there", None)


def test_later_records_of_a_key_win_field_by_field(org):
    records = [
        {"SPOTIO_Id__c": "x", "Name": "A", "Phone": "1"},
        {"SPOTIO_Id__c": "X", "Phone": "2"},
    ]
    deliver(org, *records, action="upsert", **KEYED)
    (row,) = rows(org, "Account")
    assert (row["Name"], row["Phone"]) == ("A", "2")


@pytest.mark.parametrize("bulk_threshold", [0, 1])
def test_references_by_external_id(org, bulk_threshold):
    parent = made(org, SPOTIO_Id__c="p1")
    records = [
        {"LastName": "Child", "Account": {"SPOTIO_Id__c": "p1"}},
        {"LastName": "Orphan"},
    ]
    names = ("LastName", "Account")
    deliver(
        org, *records, stream="Contact", names=names, action="insert", bulk_threshold=bulk_threshold
    )
    children = {row["LastName"]: row["AccountId"] for row in rows(org, "Contact")}
    assert children == {"Child": parent, "Orphan": None}


def test_names_are_matched_without_regard_to_case(org):
    known = made(org)
    deliver(org, {"id": known, "PHONE": "7"}, names=("id", "PHONE"))
    assert rows(org, "Account")[0]["Phone"] == "7"


def test_the_part_after_the_last_hyphen_may_name_the_object(org):
    deliver(
        org, {"Name": "A"}, stream="public-account", action="insert", use_raw_stream_names=False
    )
    assert len(rows(org, "Account")) == 1


def test_everything_that_does_not_exist_is_named_at_once_and_nothing_written(org):
    with pytest.raises(ConfigurationError) as caught:
        deliver(org, {"Name": "A"}, names=("Name", "Nmae", "Fone"), action="insert")
    assert caught.value.problems == (
        "Account.Nmae: Account has no such field",
        "Account.Fone: Account has no such field",
    )
    with pytest.raises(ConfigurationError, match="fit the org") as caught:
        deliver(org, {"Name": "A"}, stream="Acount", names=("Name",), action="insert")
    assert "no such object" in caught.value.problems[0]
    assert rows(org, "Account") == []


def test_read_only_fields_are_named_unless_they_are_to_be_ignored(org):
    names = ("Name", "SystemModstamp", "Id")
    one = {"Id": "001000000000000AAA", "Name": "A", "SystemModstamp": "2026-01-01T00:00:00Z"}
    with pytest.raises(ConfigurationError, match="ignore_read_only") as caught:
        deliver(org, one, names=names, action="insert")
    assert len(caught.value.problems) == 2
    deliver(org, one, names=names, action="insert", ignore_read_only=True)
    assert len(rows(org, "Account")) == 1


def test_records_without_their_key_are_named(org):
    with pytest.raises(ConfigurationError, match="1 of 1 records have no Id"):
        deliver(org, {"Name": "A"})
    with pytest.raises(ConfigurationError, match="have no SPOTIO_Id__c"):
        deliver(org, {"Name": "A"}, action="upsert", **KEYED)


def test_a_refused_record_ends_the_run_before_its_state(org):
    states = []
    with pytest.raises(RefusedRecordsError, match="Required fields are missing"):
        states = deliver(org, {"Name": "A"}, {"Phone": "1"}, action="insert")
    assert states == []
    assert RefusedRecordsError.exit_code is Exit.UNEXPECTED


def test_with_allow_failures_refused_records_go_to_a_file(org, tmp_path):
    failures = tmp_path / "failures.jsonl"
    states = deliver(
        org,
        {"Name": "A"},
        {"Phone": "1"},
        action="insert",
        allow_failures=True,
        failures_file=str(failures),
    )
    assert states == ['{"at": 1}']
    (line,) = [json.loads(text) for text in failures.read_text("utf-8").splitlines()]
    assert (line["stream"], line["fields"], line["record"]) == ("Account", ["Name"], {"Phone": "1"})


def test_every_call_names_the_client_and_switches_assignment_off(org):
    mark = org.last()
    deliver(org, {"Name": "A"}, action="insert")
    assert {one["client"] for one in org.requests(mark)} == {"reverse-sf"}


def test_without_records_nobody_is_called(org):
    mark = org.last()
    assert deliver(org) == ['{"at": 1}']
    assert calls(org, mark) == []


def test_plain_and_decided_records_cannot_be_mixed(sync):
    sync.begin().decide(account(1))
    sync.messages.insert(1, record("Account", Name="Plain"))
    with pytest.raises(ConfigurationError, match="mixed"):
        sync.deliver()


def test_the_settings_tell_what_each_is_for():
    described = SETTINGS.to_dict()["properties"]
    assert all(one.get("title") and one.get("description") for one in described.values())
    secret = {name for name, one in described.items() if one.get("secret")}
    assert secret >= {"password", "client_secret", "refresh_token", "ledger_uri"}
