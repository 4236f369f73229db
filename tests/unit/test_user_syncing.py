"""Users in the mapper: which taps are understood, who counts as removed, what is withheld."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.batches import Outcomes
from reverse_sf.ledger.rows import OperationStatus, Outcome, UserRow
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapper.messages import Writer
from reverse_sf.mapper.run import MappingRun
from reverse_sf.mapper.suspicion import Limits
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.mapping.describe import FACTS_KEY, WHOLE_LISTING
from reverse_sf.mapping.document import parse
from reverse_sf.merge.envelope import USERS_PAIR

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECTS = """\
version: 1
objects:
  - spotio: Leads
    salesforce: Lead
    to_spotio: {enabled: false}
    fields:
      - {spotio: Company, salesforce: Company, rule: two_way}
users:
  create: true
  suspend_when_removed: true
"""
BY_PROFILE = '  roles: [{spotio_role: Sales, only_when: {"Profile.Name": [Seller]}}]\n'
ANN, BOB = "005000000000001AAA", "005000000000002AAA"
FIELDS = ("Id", "Username", "Email", "IsActive", "IsFrozen")


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger.open("sqlite://") as opened:
        yield opened


def user(user_id: str = ANN, **values: Any) -> dict[str, Any]:
    name = {ANN: "ann", BOB: "bob"}.get(user_id, user_id)
    said = {"Id": user_id, "Username": f"{name}@x.co.org", "Email": f"{name}@x.co"}
    return {**said, "IsActive": True, "IsFrozen": False, "Profile.Name": "Seller", **values}


def decided(
    ledger: Ledger,
    *users: dict[str, Any],
    roles: str = BY_PROFILE,
    fields: tuple[str, ...] = (*FIELDS, "Profile.Name"),
    whole: bool = True,
    ends: bool = True,
    limits: Limits | None = None,
    pairs: frozenset[str] | None = None,
) -> list[dict[str, Any]]:
    """One run of the mapper on a tap that sends these users; what it emits."""
    schema = {"type": "object", "properties": {name: {} for name in fields}}
    facts = {FACTS_KEY: {WHOLE_LISTING: True}} if whole else {}
    lines: list[dict[str, Any]] = [
        {"type": "SCHEMA", "stream": "User", "schema": {**schema, **facts}, "key_properties": []},
        *({"type": "RECORD", "stream": "User", "record": one} for one in users),
    ]
    if ends:
        schema_of_next = {"type": "object", "properties": {}}
        lines.append({"type": "SCHEMA", "stream": "Account", "schema": schema_of_next})
    out = io.BytesIO()
    with MappingRun(
        parse(OBJECTS + roles),
        ledger,
        Writer(out),
        logger=logging.getLogger("test"),
        limits=limits or Limits(),
        pairs=pairs,
    ) as run:
        run.read(json.dumps(one).encode() for one in lines)
    said = [json.loads(line) for line in out.getvalue().splitlines()]
    ledger.finish_run(run.run_id, "done")
    return [one["record"] for one in said if one["type"] == "RECORD"]


def apply(ledger: Ledger, records: list[dict[str, Any]]) -> None:
    """What a target would do: everybody is there afterwards, as decided."""
    known = ledger.users(Side.SPOTIO)
    outcomes = []
    for record in records:
        told = record["_sync"]
        member = told.get("spotio_id") or str(100 + len(known))
        before = known.get(member, UserRow(side=Side.SPOTIO, user_id=member))
        known[member] = UserRow(
            side=Side.SPOTIO,
            user_id=member,
            email=record.get("email", before.email),
            external_id=record.get("externalSystemUserId", before.external_id),
            active=not record.get("suspended", not before.active),
            attributes={"role": record.get("role") or before.attributes.get("role")},
        )
        values = {key: value for key, value in record.items() if key != "_sync"}
        outcomes.append(
            Outcome(
                operation_id=told["operation_id"],
                link_id=told["link_id"],
                status=OperationStatus.APPLIED,
                at="2026-05-06T12:00:00.000Z",
                spotio_id=member,
                image=values,
                written=list(values),
            )
        )
    if outcomes:
        run_id = records[0]["_sync"]["run_id"]
        ledger.commit_outcomes(
            Outcomes(run_id=run_id, direction=Direction.TO_SPOTIO, outcomes=outcomes)
        )
    ledger.replace_users(Side.SPOTIO, list(known.values()))


def actions(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["_sync"]["action"], one["_sync"]["salesforce_id"]) for one in records]


def synced(ledger: Ledger, *users: dict[str, Any], **how: Any) -> None:
    records = decided(ledger, *users, **how)
    assert [action for action, _ in actions(records)] == ["create"] * len(users)
    apply(ledger, records)


def test_a_user_whom_a_whole_listing_shows_no_more_is_suspended_and_restored_when_shown(ledger):
    synced(ledger, user(ANN), user(BOB))
    gone = decided(ledger, user(BOB))
    assert actions(gone) == [("suspend", ANN)]
    apply(ledger, gone)
    assert decided(ledger, user(BOB)) == []
    assert actions(decided(ledger, user(ANN), user(BOB))) == [("restore", ANN)]


@pytest.mark.parametrize(
    "how",
    [{"ends": False}, {"whole": False}],
    ids=["a listing that broke off", "an incremental listing"],
)
def test_absence_from_a_listing_that_is_not_whole_is_no_removal(ledger, how):
    synced(ledger, user(ANN), user(BOB))
    assert decided(ledger, user(BOB), **how) == []


def test_a_run_about_users_alone_takes_nobody_for_gone_and_does_the_rest(ledger):
    synced(ledger, user(ANN), user(BOB))
    pairs = frozenset({USERS_PAIR})
    assert decided(ledger, user(BOB), pairs=pairs) == []
    left = decided(ledger, user(BOB, IsActive=False), pairs=pairs)
    assert actions(left) == [("suspend", BOB)]


def test_a_run_about_records_leaves_users_alone(ledger):
    synced(ledger, user(ANN), user(BOB))
    pairs = frozenset({"Lead:Leads"})
    assert decided(ledger, user(BOB, IsActive=False), pairs=pairs) == []
    assert actions(decided(ledger, user(ANN), user(BOB, IsActive=False))) == [("suspend", BOB)]


def test_a_listing_without_anybody_removes_nobody(ledger):
    synced(ledger, user(ANN), user(BOB))
    assert decided(ledger) == []


def test_who_is_not_shown_any_more_is_not_created_when_a_role_comes_to_select_them(ledger):
    clerk = user(ANN, **{"Profile.Name": "Clerk"})
    assert decided(ledger, clerk, user(BOB, IsActive=False)) == []
    assert decided(ledger, user(BOB, IsActive=False)) == []
    everybody = "  roles: [{spotio_role: Sales}]\n"
    assert decided(ledger, user(BOB, IsActive=False), roles=everybody) == []


def test_who_is_not_shown_any_more_is_suspended_though_a_role_asks_for_what_was_never_read(ledger):
    everybody = "  roles: [{spotio_role: Sales}]\n"
    without = tuple(one for one in FIELDS)
    synced(ledger, user(ANN), user(BOB), roles=everybody, fields=without)
    by_title = "  roles: [{spotio_role: Sales, only_when: {Title: [Rep]}}]\n"
    fields = (*FIELDS, "Title")
    gone = decided(ledger, user(BOB, Title="Rep"), roles=by_title, fields=fields)
    assert actions(gone) == [("suspend", ANN)]


def test_a_suspension_without_an_answer_is_taken_back_when_its_user_is_back(ledger):
    synced(ledger, user(ANN))
    assert actions(decided(ledger, user(ANN, IsActive=False))) == [("suspend", ANN)]
    assert actions(decided(ledger, user(ANN))) == [("restore", ANN)]


def test_more_suspensions_than_the_limit_are_withheld_and_go_out_when_it_is_raised(ledger):
    synced(ledger, user(ANN), user(BOB))
    leavers = [user(one, **{"Profile.Name": "Clerk"}) for one in (ANN, BOB)]
    assert decided(ledger, *leavers, limits=Limits(delete_limit=1)) == []
    parked = ledger.parked_rows(Direction.TO_SPOTIO)
    assert [one.reason for one in parked] == ["user_deselected"] * 2
    assert "2 users would be suspended in SPOTIO at once" in parked[0].message
    assert actions(decided(ledger, *leavers, limits=Limits(delete_limit=2))) == [
        ("suspend", ANN),
        ("suspend", BOB),
    ]


def test_an_attribute_of_a_parent_may_come_as_an_object_or_under_its_dotted_name(ledger):
    nested = user(BOB, Profile={"Name": "Seller"})
    del nested["Profile.Name"]
    clerk = user("005000000000003AAA", Profile={"Name": "Clerk"})
    del clerk["Profile.Name"]
    fields = (*FIELDS, "Profile")
    assert actions(decided(ledger, nested, clerk, fields=fields)) == [("create", BOB)]


def test_what_the_other_tap_sends_suffices_where_only_fields_of_user_are_asked_for(ledger, caplog):
    roles = "  roles: [{spotio_role: Sales, only_when: {Department: [Field]}}]\n"
    fields = ("Id", "Username", "Email", "IsActive", "Department")
    found = decided(
        ledger,
        {
            "Id": ANN,
            "Username": "a@x.co",
            "Email": "a@x.co",
            "IsActive": True,
            "Department": "Field",
        },
        {"Id": BOB, "Username": "b@x.co", "Email": "b@x.co", "IsActive": True, "Department": "Ops"},
        roles=roles,
        fields=fields,
        whole=False,
    )
    assert actions(found) == [("create", ANN)]
    assert "User.IsFrozen" in caplog.text


def test_what_a_tap_does_not_send_is_named_all_at_once(ledger):
    with pytest.raises(ConfigurationError) as refused:
        decided(ledger, fields=("Id", "Username"))
    assert refused.value.problems == ("User.Email", "User.IsActive", "User.Profile.Name")


def test_nobody_is_judged_by_an_attribute_that_was_never_read_of_them(ledger):
    """A new criterion with an incremental tap: who was not sent since is neither in nor out."""
    by_title = "  roles: [{spotio_role: Sales, only_when: {Title: [Rep]}}]\n"
    synced(ledger, user(ANN, Title="Rep"), user(BOB, Title="Rep"), whole=False)
    fields = (*FIELDS, "Title")
    again = decided(ledger, user(BOB, Title="Clerk"), roles=by_title, fields=fields, whole=False)
    assert actions(again) == [("suspend", BOB)], "nothing is known of Ann's title"


def test_what_is_withheld_is_not_decided_anew_until_something_changes(ledger):
    without = user(ANN, Email=None)
    assert decided(ledger, without) == []
    (first,) = ledger.parked_rows(Direction.TO_SPOTIO)
    assert (first.reason, first.attempts) == ("user_without_email", 1)
    assert decided(ledger, without) == []
    assert ledger.parked_rows(Direction.TO_SPOTIO) == [first]
    records = decided(ledger, user(ANN))
    assert actions(records) == [("create", ANN)]
    apply(ledger, records)
    assert ledger.parked_rows(Direction.TO_SPOTIO) == []


def test_a_user_who_leaves_while_withheld_is_withheld_no_more(ledger):
    decided(ledger, user(ANN, Email=None))
    decided(ledger, user(ANN, Email=None, IsActive=False))
    assert ledger.parked_rows(Direction.TO_SPOTIO) == []


def test_a_decision_whose_outcome_is_unknown_goes_out_again_under_its_name_as_reissued(ledger):
    (first,) = decided(ledger, user(ANN))
    (second,) = decided(ledger, user(ANN))
    assert first["_sync"]["operation_id"] == second["_sync"]["operation_id"]
    assert (first["_sync"].get("reissued"), second["_sync"]["reissued"]) == (None, True)
