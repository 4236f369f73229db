"""The mapper from SPOTIO to Salesforce: what becomes of a record, a field, a whole run."""

from __future__ import annotations

import pytest

from reverse_sf.errors import ConfigurationError, StopError
from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.rows import LinkState, Parked, Run
from reverse_sf.mapper.course import TO_SALESFORCE, TO_SPOTIO
from reverse_sf.mapping.definition import Direction, Side
from reverse_sf.merge.identity import AMBIGUOUS, link_id_of
from tests.unit.mapper_fixtures import record
from tests.unit.two_way_fixtures import SYNC, TwoWay, spotio_schema, world

__all__ = ["world"]

PAIR = "Account:Accounts"
TO_S, TO_P = Direction.TO_SALESFORCE, Direction.TO_SPOTIO


def knows_salesforce(world):
    """The ledger knows Salesforce's describes, as after a first run of the other direction."""
    world.run(TO_SPOTIO)
    return world


def envelope_of(records):
    (one,) = records
    return one["_sync"]


def link(world, spotio_id):
    with world.open() as ledger:
        link_id = ledger.link_ids_of_spotio(PAIR, [spotio_id])[spotio_id]
        return ledger.snapshots([link_id])[link_id]


def flagged(world, direction):
    with world.open() as ledger:
        found = ledger.links_to_replan(
            direction,
            now="2026-01-01T00:00:00.000Z",
            definition_fingerprint=world.definition.fingerprint,
        )
        return [link_id for page in found for link_id in page]


# --- creates ---------------------------------------------------------------------------------


@pytest.mark.row("C4 0 candidates")
def test_a_new_record_in_scope_is_created_in_salesforces_own_terms(world):
    knows_salesforce(world)
    p = world.in_spotio(
        "Accounts",
        Company=" Acme ",
        Phone="1",
        Rating="Cool",
        Products=["Batteries", "Panels"],
        Secret="not synced",
        address={"house_number": "7", "street": "High Street", "city": "Akron"},
        **{"Annual Revenue": 12.5, "Last Audit": "2026-01-02T03:04:05Z"},
    )
    (one,) = world.run(TO_SALESFORCE).records
    envelope = one.pop("_sync")
    assert one == {
        "Name": "Acme",
        "Phone": "1",
        "Rating": "Warm",
        "Type": "Prospect",
        "Product_Interest__c": one["Product_Interest__c"],
        "AnnualRevenue": 12.5,
        "Last_Audit__c": "2026-01-02T03:04:05Z",
        "BillingStreet": "7 High Street",
        "BillingCity": "Akron",
        "OwnerId": {
            "spotio_id": "u1",
            "email": "rep@example.com",
            "default": "ops@example.com",
            "keep_on_update": True,
        },
        "SPOTIO_Id__c": p,
    }
    assert set(str(one["Product_Interest__c"]).replace("'", "").strip("[]").split(";")) == {
        "Batteries",
        "Panels",
    }
    assert envelope["action"] == "create"
    assert envelope["spotio_id"] == p
    assert envelope["link_id"] == link_id_of(PAIR, p, Side.SPOTIO)
    assert envelope["keys"]["Company"] == "Name"
    assert envelope["keys"]["address"] == {"street": "BillingStreet", "city": "BillingCity"}
    assert envelope["keys"]["owner"] == "OwnerId"
    assert "expected" not in envelope


@pytest.mark.row("create to_salesforce, on_create omit")
def test_a_field_with_on_create_omit_is_not_sent_to_the_side_that_it_may_not_write(world):
    world.in_spotio("Accounts", Company="A", Fax="1", Phone="2")
    (one,) = world.run(TO_SALESFORCE).records
    assert "Fax" not in one
    assert one["Phone"] == "2", "on creation a rule has no value to protect"


def test_the_same_decision_has_the_same_operation_id(world):
    world.in_spotio("Accounts", Company="A")
    first = world.run(TO_SALESFORCE)
    world.finish(first)
    again = world.run(TO_SALESFORCE)
    before, after = envelope_of(first.records), envelope_of(again.records)
    assert after["operation_id"] == before["operation_id"]
    assert after["reissued"]


@pytest.mark.row("create to_salesforce, required and not sent")
def test_a_record_without_a_required_value_is_parked_with_the_names_of_both_fields(world):
    knows_salesforce(world)
    p = world.in_spotio("Accounts", Phone="1")
    assert world.to_salesforce() == []
    assert world.parked(TO_S) == {"": "required_missing"}
    with world.open() as ledger:
        (row,) = ledger.parked_rows(TO_S)
    assert "Name (Company)" in row.message
    world.in_spotio("Accounts", p, Company="Named")
    assert len(world.to_salesforce()) == 1
    assert world.parked(TO_S) == {}


def test_a_value_without_an_image_parks_its_field_and_not_its_record(world):
    knows_salesforce(world)
    p = world.in_spotio("Accounts", Company="A", Website="https://far-too-long.example.com/page")
    (one,) = world.to_salesforce()
    assert "Website" not in one
    assert world.parked(TO_S) == {"Website": "too_long"}
    world.in_spotio("Accounts", p, Website="short")
    world.to_salesforce()
    assert world.both(p)[1]["Website"] == "short"
    assert world.parked(TO_S) == {}


@pytest.mark.row("create to_salesforce, a choice set to do not sync")
def test_a_choice_set_to_do_not_sync_is_not_sent_and_is_no_unfinished_work(world):
    world.in_spotio("Accounts", Company="A", Rating="Dead")
    (one,) = world.to_salesforce()
    assert "Rating" not in one
    assert world.parked(TO_S) == {}


# --- matching --------------------------------------------------------------------------------


def test_a_record_that_names_its_counterpart_joins_that_link(world):
    s = world.in_salesforce("Account", Name="Acme")
    world.run(TO_SPOTIO)  # the create was decided, and its outcome is lost
    with world.open() as ledger:
        ledger.finish_run(ledger.last_run(TO_P).run_id, "interrupted")
    p = world.in_spotio("Accounts", Company="Acme", externalDataObjectId=s)
    assert world.to_salesforce() == [], "the other direction's write is under way"
    assert link(world, p).link.salesforce_id == s
    world.rest()
    assert list(world.spotio.by_stream["Accounts"]) == [p]
    assert list(world.salesforce.by_stream["Account"]) == [s]


@pytest.mark.row("C4 1 candidate, unlinked")
def test_a_record_that_names_an_unknown_counterpart_is_linked_and_the_rest_decided_later(world):
    s = world.in_salesforce("Account", Name="Theirs", Site=None)
    world.salesforce.untold.clear()
    p = world.in_spotio("Accounts", Company="Mine", Suite="4 b", externalDataObjectId=s)
    (one,) = world.to_salesforce()
    envelope = one.pop("_sync")
    assert (envelope["action"], envelope["salesforce_id"]) == ("link", s)
    assert one == {"Site": "4 b", "SPOTIO_Id__c": p}, "spotio_only wins over whatever is there"
    world.rest()
    mine, theirs = world.both(p)
    assert mine["Company"] == theirs["Name"] == "Theirs", "row 11: Salesforce is the initial winner"


@pytest.mark.row("C4 1 candidate, linked to another record")
def test_two_records_that_name_one_counterpart_are_not_both_linked(world):
    s, p = world.linked()
    other = world.in_spotio("Accounts", Company="Copy", externalDataObjectId=s)
    assert world.to_salesforce() == []
    assert world.parked(TO_S) == {"": "already_linked"}
    assert link(world, other).link.state is LinkState.PENDING
    assert world.counterpart(p) == s
    world.in_spotio("Accounts", other, Company="Copy, edited")
    assert world.to_salesforce() == [], "an edit does not make it a record of its own"
    assert world.parked(TO_S) == {"": "already_linked"}


def test_an_external_id_of_another_system_is_no_salesforce_id(world):
    world.in_spotio("Accounts", Company="A", externalDataObjectId="ERP-77")
    assert envelope_of(world.to_salesforce())["action"] == "create"


def matched_by_email(tmp_path):
    sync = SYNC.replace(
        "    salesforce_external_id: SPOTIO_Id__c\n",
        "    salesforce_external_id: SPOTIO_Id__c\n    match: [external_id, email]\n",
        1,
    )
    return TwoWay(tmp_path, sync)


@pytest.mark.parametrize("course", [TO_SALESFORCE, TO_SPOTIO], ids=lambda one: one.direction.value)
def test_with_match_rules_nothing_is_created_before_both_sides_were_matched(tmp_path, course):
    world = matched_by_email(tmp_path)
    world.in_spotio("Accounts", Company="A")
    world.in_salesforce("Account", Name="B")
    with pytest.raises(StopError, match="reverse-sf link"):
        world.run(course)
    with world.open() as ledger:
        ledger.set_matched(PAIR, "2026-05-06T00:00:00.000Z")
    assert len(world.run(course, again=True).records) == 1


EMAIL = {
    "kind": "email",
    "name": "email",
    "spotio": ["Billing Email"],
    "salesforce": ["Billing_Email__c"],
}
"""What ``reverse-sf link`` says of its index, with the one rule of :func:`matched_by_email`."""


@pytest.mark.parametrize("course", [TO_SALESFORCE, TO_SPOTIO], ids=lambda one: one.direction.value)
def test_rules_that_were_changed_since_the_last_matching_stop_before_the_first_create(
    tmp_path, course
):
    world = matched_by_email(tmp_path)
    world.in_spotio("Accounts", Company="A")
    world.in_salesforce("Account", Name="B")
    made_of = {"region": "US", "address": {}, "rules": [{**EMAIL, "name": "phone"}]}
    with world.open() as ledger:
        ledger.finish_matching(PAIR, "2026-05-06T00:00:00.000Z", made_of)
    with pytest.raises(StopError, match="reverse-sf link"):
        world.run(course)
    with world.open() as ledger:
        ledger.finish_matching(PAIR, "2026-05-06T00:00:00.000Z", {**made_of, "rules": [EMAIL]})
    assert len(world.run(course, again=True).records) == 1


def test_a_new_record_that_matches_a_linked_one_is_parked_and_not_created(tmp_path):
    world = matched_by_email(tmp_path)
    with world.open() as ledger:
        ledger.finish_matching(
            PAIR,
            "2026-05-06T00:00:00.000Z",
            {"region": "US", "address": {}, "rules": [EMAIL]},
        )
    world.in_salesforce("Account", Name="One", Billing_Email__c="a@example.com")
    world.rest()
    p = world.in_spotio("Accounts", Company="Two", **{"Billing Email": "A@example.com"})
    assert world.to_salesforce() == []
    assert world.parked(TO_S) == {"": "already_linked"}
    assert link(world, p).link.salesforce_id is None


def test_a_record_that_a_person_called_new_is_created_though_a_linked_one_is_like_it(tmp_path):
    world = matched_by_email(tmp_path)
    with world.open() as ledger:
        ledger.finish_matching(
            PAIR, "2026-05-06T00:00:00.000Z", {"region": "US", "address": {}, "rules": [EMAIL]}
        )
    world.in_salesforce("Account", Name="One", Billing_Email__c="a@example.com")
    world.rest()
    p = world.in_spotio("Accounts", Company="Two", **{"Billing Email": "a@example.com"})
    assert world.to_salesforce() == []
    assert world.parked(TO_S) == {"": "already_linked"}
    # What reverse-sf link --apply --choose new=ID leaves.
    with world.open() as ledger:
        runs = {}
        for direction in (TO_S, TO_P):
            runs[direction] = f"link {direction.value}"
            ledger.begin_run(
                Run(
                    run_id=runs[direction],
                    direction=direction,
                    started_at=world.now(),
                    definition_fingerprint=world.definition.fingerprint,
                ),
                ttl_seconds=60,
            )
        ledger.set_alone(runs[TO_P], PAIR, Side.SPOTIO, [p])
        ledger.park_doubts(runs, PAIR, [])
        for run_id in runs.values():
            ledger.finish_run(run_id, "done")
    assert [one["Name"] for one in world.to_salesforce()] == ["Two"]
    assert link(world, p).link.salesforce_id is not None
    assert world.rest() == 1


@pytest.mark.row("C4 2 or more candidates")
def test_a_record_with_several_matches_is_not_created_until_a_person_chose(world):
    p = world.in_spotio("Accounts", Phone="1")
    knows_salesforce(world)
    world.to_salesforce()
    link_id = link_id_of(PAIR, p, Side.SPOTIO)
    with world.open() as ledger:
        run_id = "link"
        run = ledger.last_run(TO_S)
        run.run_id, run.status, run.ended_at = run_id, "running", None
        ledger.begin_run(run, ttl_seconds=60)
        ledger.commit_decisions(
            Decisions(
                run_id=run_id,
                parked=[
                    Parked(
                        link_id=link_id,
                        direction=TO_S,
                        pair=PAIR,
                        reason=AMBIGUOUS,
                        message="A and B",
                        at="2026-05-06T00:00:00.000Z",
                        run_id=run_id,
                    )
                ],
            )
        )
        ledger.finish_run(run_id, "done")
    world.in_spotio("Accounts", p, Company="Named now")
    assert world.to_salesforce() == []
    assert world.parked(TO_S) == {"": AMBIGUOUS}


# --- the truth table, seen through the mapper ------------------------------------------------


def situation(world, *, base, spotio, salesforce):
    """A linked pair whose field was settled at ``base`` and then changed on either side."""
    spotio_key, salesforce_key, settled = base
    s, p = world.linked(**{salesforce_key: settled})
    if spotio is not None:
        world.in_spotio("Accounts", p, **{spotio_key: spotio[0]})
    if salesforce is not None:
        world.in_salesforce("Account", s, **{salesforce_key: salesforce[0]})
        # Salesforce's image reaches the ledger first; what it would write does not happen.
        emitted = world.run(TO_SPOTIO)
        world.finish(emitted)
        with world.open() as ledger:
            for one in emitted.records:
                world_supersede(ledger, one["_sync"])
    return p


def world_supersede(ledger, envelope):
    """The write that the other direction decided was never tried."""
    run = ledger.last_run(TO_P)
    run.run_id, run.status, run.ended_at = f"undo-{envelope['operation_id']}", "running", None
    ledger.begin_run(run, ttl_seconds=60)
    ledger.commit_decisions(Decisions(run_id=run.run_id, superseded=[envelope["operation_id"]]))
    ledger.finish_run(run.run_id, "done")


ONLY = ("Phone", "Phone")
FILLS = ("Billing Email", "Billing_Email__c")
TWO = ("Website", "Website")
MINE = ("Suite", "Site")
# rule's keys, base, SPOTIO's change, Salesforce's change, what is written to Salesforce, flagged
ROWS = {
    "C3-01 both changed alike": (TWO, "a", ("b",), ("b",), None, False),
    "C3-03 two_way": (TWO, "a", None, ("b",), None, True),
    "C3-04 two_way": (TWO, "a", None, (None,), None, True),
    "C3-05 salesforce_only": (ONLY, "1", ("2",), None, None, True),
    "C3-05 salesforce_unless_blank": (FILLS, "a@x.com", ("b@x.com",), None, None, True),
    "C3-05 two_way": (TWO, "a", ("b",), None, "b", False),
    "C3-05 spotio_only": (MINE, "a", ("b",), None, "b", False),
    "C3-06 salesforce_only": (ONLY, None, ("2",), None, None, True),
    "C3-06 salesforce_unless_blank": (FILLS, None, ("b@x.com",), None, "b@x.com", False),
    "C3-06 two_way": (TWO, None, ("b",), None, "b", False),
    "C3-07 salesforce_only": (ONLY, "1", (None,), None, None, True),
    "C3-07 salesforce_unless_blank": (FILLS, "a@x.com", (None,), None, None, True),
    "C3-07 two_way": (TWO, "a", (None,), None, "cleared", False),
    "C3-08 salesforce_only": (ONLY, "1", ("2",), ("3",), None, True),
    "C3-08 two_way, nobody can tell": (TWO, "a", ("b",), ("c",), None, True),
    "C3-09 salesforce_only": (ONLY, "1", ("2",), (None,), None, True),
    "C3-09 salesforce_unless_blank": (FILLS, "a@x.com", ("b@x.com",), (None,), "b@x.com", False),
    "C3-09 two_way, the filled side": (TWO, "a", ("b",), (None,), "b", False),
    "C3-10 two_way, the filled side": (TWO, "a", (None,), ("c",), None, True),
    "C3-10 salesforce_unless_blank": (FILLS, "a@x.com", (None,), ("c@x.com",), None, True),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_truth_table_through_the_mapper(world, row):
    keys, base, spotio, salesforce, written, goes_back = ROWS[row]
    if keys == MINE:
        # What only SPOTIO writes comes from there.
        _, p = world.linked()
        world.in_spotio("Accounts", p, **{keys[0]: base})
        world.rest()
        world.in_spotio("Accounts", p, **{keys[0]: spotio[0]})
    else:
        p = situation(world, base=(*keys, base), spotio=spotio, salesforce=salesforce)
    if spotio is None:
        # Something else has changed, or nobody would look at the record.
        world.in_spotio("Accounts", p, **{"Annual Revenue": 9})
    emitted = world.run(TO_SALESFORCE)
    told = [one for one in emitted.records if keys[1] in one]
    if written is None:
        assert told == []
    else:
        (one,) = told
        assert one[keys[1]] == (None if written == "cleared" else written)
        assert set(one) == {keys[1], "_sync"}, "only what was decided is sent"
        assert one["_sync"]["expected"][keys[1]] == (
            salesforce[0] if salesforce is not None else base
        )
    assert bool(set(flagged(world, TO_P))) is goes_back


def test_row_08_under_spotio_only_ends_with_the_value_of_spotio(world):
    s, p = world.linked()
    world.in_spotio("Accounts", p, Suite="a")
    world.rest()
    world.in_spotio("Accounts", p, Suite="b")
    world.in_salesforce("Account", s, Site="c")
    world.rest()
    assert world.both(p)[1]["Site"] == "b"
    assert [one[2] for one in world.conflicts()] == ["c"]


def test_row_14_parks_a_value_that_salesforce_cannot_hold_and_keeps_the_base(world):
    _, p = world.linked(Website="a")
    world.in_spotio("Accounts", p, Website="https://far-too-long.example.com/page")
    assert world.to_salesforce() == []
    assert world.parked(TO_S) == {"Website": "too_long"}
    assert link(world, p).base["Website"] == ["a", "a"]


def test_rows_12_and_13_fill_the_blank_side_of_two_records_that_are_linked(world):
    s = world.in_salesforce("Account", Name="Acme", Website="w", Phone=None)
    world.salesforce.untold.clear()
    p = world.in_spotio(
        "Accounts", Company="Acme", externalDataObjectId=s, Phone="kept", **{"Annual Revenue": 7}
    )
    world.rest()
    mine, theirs = world.both(p)
    assert (mine["Website"], theirs["AnnualRevenue"]) == ("w", 7), "rows 13 and 12 of two_way"
    assert (mine["Phone"], theirs["Phone"]) == ("kept", None), "row 12 of salesforce_only"


def test_a_manual_field_that_changed_on_both_sides_is_parked_for_a_person(world):
    p = situation(world, base=("Notes", "Description", "a"), spotio=("b",), salesforce=("c",))
    assert all("Description" not in one for one in world.run(TO_SALESFORCE).records)
    assert world.parked(TO_S)["Notes"] == "manual"
    assert p


def test_the_newer_change_wins_where_the_evidence_can_tell(world):
    s, p = world.linked(Website="a")
    world.in_salesforce("Account", s, Website="from salesforce")
    world.finish(emitted := world.run(TO_SPOTIO))
    with world.open() as ledger:
        for one in emitted.records:
            world_supersede(ledger, one["_sync"])
    # SPOTIO is read once more and is still as it was: its change comes after this moment.
    world.in_spotio("Accounts", p, Phone="noise")
    world.finish(world.run(TO_SALESFORCE))
    world.in_spotio("Accounts", p, Website="from spotio")
    told = [one for one in world.run(TO_SALESFORCE).records if "Website" in one]
    assert [one["Website"] for one in told] == ["from spotio"]


def test_a_value_that_salesforce_overrules_is_reverted_by_the_other_direction_and_journaled(world):
    _, p = world.linked(Phone="1")
    world.in_spotio("Accounts", p, Phone="mine")
    assert world.to_salesforce() == []
    assert flagged(world, TO_P) == [link(world, p).link.link_id]
    (one,) = world.to_spotio()
    assert one["Phone"] == "1"
    assert world.conflicts() == [("Phone", "C3-05", "mine", "1")]
    assert world.both(p)[0]["Phone"] == "1"
    assert world.rest() == 0


def test_what_overrules_a_salesforce_user_is_journaled_with_the_losing_value(world):
    _, p = world.linked()
    world.in_spotio("Accounts", p, Suite="mine")
    world.rest()
    world.in_salesforce("Account", world.counterpart(p), Site="theirs")
    world.rest()
    assert world.both(p)[1]["Site"] == "mine"
    assert ("role:Unit", "C3-03", "theirs", "mine") in world.conflicts()


def test_a_changed_address_sends_only_the_component_that_changed(world):
    _, p = world.linked(BillingStreet="1 Main Street", BillingCity="Dayton")
    world.in_spotio(
        "Accounts", p, address={"house_number": "1", "street": "Main Street", "city": "Akron"}
    )
    (one,) = world.to_salesforce()
    assert {key for key in one if key != "_sync"} == {"BillingCity"}
    assert one["_sync"]["expected"] == {"BillingCity": "Dayton", "BillingStreet": "1 Main Street"}
    assert world.rest() == 0


def test_an_address_that_spotio_lost_clears_every_component(world):
    _, p = world.linked(BillingStreet="1 Main Street", BillingCity="Dayton")
    world.in_spotio("Accounts", p, address=None)
    (one,) = world.to_salesforce()
    assert (one["BillingStreet"], one["BillingCity"]) == (None, None)


# --- owners and parents ----------------------------------------------------------------------


def test_an_owner_goes_by_the_spotio_user_and_the_target_finds_the_counterpart(world):
    _, p = world.linked()
    world.in_spotio("Accounts", p, ownerId="u9")
    (one,) = world.to_salesforce()
    assert one["OwnerId"]["spotio_id"] == "u9"
    assert one["OwnerId"]["email"] == "ops@example.com"
    world.rest()
    assert world.both(p)[1]["OwnerId"] == "005000000000009AAA"


@pytest.mark.row("owner on update to_salesforce, unknown")
def test_an_unknown_owner_never_replaces_the_one_that_is_there(world):
    _, p = world.linked()
    before = world.both(p)[1]["OwnerId"]
    world.in_spotio("Accounts", p, ownerId="u404")
    assert world.to_salesforce() == []
    world.rest()
    assert world.both(p)[1]["OwnerId"] == before
    with world.open() as ledger:
        assert ledger.parked_rows(TO_S) == [], "it means nothing, so it is no work to be done"


@pytest.mark.row("owner on update to_salesforce, unknown")
def test_a_record_follows_its_owner_once_somebody_stands_for_them(world):
    _, p = world.linked()
    world.in_spotio("Accounts", p, ownerId="u404")
    world.rest()
    world.run(TO_SALESFORCE, record("users", {"id": "u404", "email": "nobody@example.com"}))
    assert world.to_salesforce() == []
    user = {"id": "u404", "email": "ops@example.com"}
    world.run(TO_SALESFORCE, record("users", user))
    world.rest()
    assert world.both(p)[1]["OwnerId"] == "005000000000009AAA"
    with world.open() as ledger:
        assert ledger.awaited_owners(TO_S) == []


def test_the_users_stream_is_kept_for_both_directions(world):
    user = {
        "id": "u7",
        "email": "new@example.com",
        "firstName": "New",
        "lastName": "Rep",
        "externalSystemUserId": None,
        "suspended": True,
    }
    world.run(TO_SALESFORCE, record("users", user))
    with world.open() as ledger:
        row = ledger.users(Side.SPOTIO)["u7"]
    assert (row.email, row.name, row.active) == ("new@example.com", "New Rep", False)


def test_a_child_names_its_parent_by_link_and_waits_for_one_that_is_left_out(world):
    parent = world.in_spotio("Accounts", Company="Parent", Stage="Former")
    child = world.in_spotio(
        "Contacts",
        **{"Last Name": "C", "parentId": parent, "Last Visit Result": "Appointment Set"},
    )
    assert world.to_salesforce() == []
    with world.open() as ledger:
        (row,) = ledger.parked_rows(TO_S)
    assert row.reason == "waiting_for_parent"
    assert "Stage is Former" in row.message
    world.in_spotio("Accounts", parent, Stage="Customer")
    world.rest()
    assert world.both(child, "Contacts")[1]["AccountId"] == world.counterpart(parent)


# --- selective sync --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "goes"), [("Appointment Set", True), ("Not Home", False), (None, False)]
)
def test_a_record_goes_out_only_when_its_last_visit_ended_as_the_definition_asks(
    world, result, goes
):
    world.in_spotio("Contacts", **{"Last Name": "C", "Last Visit Result": result})
    assert bool(world.to_salesforce()) is goes


def test_a_linked_record_that_leaves_the_filter_is_frozen_and_comes_back_to_its_kept_base(world):
    _, p = world.linked(Website="a", Type="Customer")
    world.in_spotio("Accounts", p, Stage="Former", Website="frozen")
    assert world.to_salesforce() == []
    assert world.both(p)[1]["Website"] == "a"
    world.in_spotio("Accounts", p, Stage="Customer")
    (one,) = world.to_salesforce()
    assert {key for key in one if key != "_sync"} == {"Website"}
    assert one["_sync"]["action"] == "update"


def test_a_record_that_is_out_of_scope_and_unlinked_leaves_no_trace_but_a_count(world):
    p = world.in_spotio("Accounts", Company="A", Stage="Former")
    emitted = world.run(TO_SALESFORCE)
    assert emitted.records == []
    with world.open() as ledger:
        assert ledger.link_ids_of_spotio(PAIR, [p]) == {}
        reasons = {one.reason for one in ledger.counts(emitted.run_id)}
    assert "out of scope: Stage is Former, not one of Prospect, Customer" in reasons


def test_future_only_leaves_out_what_was_not_modified_since_activation(tmp_path):
    sync = SYNC.replace(
        "to_salesforce: {enabled: true, only_when: {Stage: [Prospect, Customer]}}",
        "to_salesforce: {enabled: true, history: future_only}",
    )
    world = TwoWay(tmp_path, sync)
    world.in_spotio("Accounts", Company="old")
    assert world.to_salesforce() == [], "the fixture's clock lies before the activation"


# --- deletions -------------------------------------------------------------------------------


def deleted(world, spotio_id):
    """What tap-spotio tells of a deletion: its id, and little else."""
    row = world.spotio.by_stream["Accounts"].pop(spotio_id)
    stamp = world.now().replace("000Z", "000000Z")
    told = {"id": spotio_id, "deleted": True, "updatedAt": stamp}
    told["externalDataObjectId"] = row["externalDataObjectId"]
    world.spotio.by_stream["Accounts"][spotio_id] = told
    world.spotio.untold.append(("Accounts", spotio_id))


def test_a_deletion_follows_the_policy_and_guards_every_mapped_field(world):
    s, p = world.linked(Website="a")
    deleted(world, p)
    (one,) = world.to_salesforce()
    envelope = one["_sync"]
    assert set(one) == {"_sync"}
    assert (envelope["action"], envelope["salesforce_id"]) == ("delete", s)
    assert envelope["expected"]["Website"] == "a"
    assert "SystemModstamp" not in envelope["expected"]
    assert world.salesforce.by_stream["Account"][s]["IsDeleted"] is True
    assert world.rest() == 0


def test_a_deletion_loses_to_a_change_in_salesforce(world):
    s, p = world.linked(Phone="1")
    world.in_salesforce("Account", s, Website="kept", Type="Other")
    world.run(TO_SPOTIO)
    deleted(world, p)
    assert world.to_salesforce() == []
    assert link(world, p).link.state is LinkState.UNLINKED
    assert world.salesforce.by_stream["Account"][s]["IsDeleted"] is False


@pytest.mark.row("C4 stop: deletes above a count")
def test_more_deletes_than_the_limit_stop_the_run_and_name_salesforce(tmp_path):
    world = TwoWay(tmp_path)
    ids = [world.in_spotio("Accounts", Company=f"A{number}") for number in range(52)]
    world.rest()
    for one in ids[:51]:
        deleted(world, one)
    with pytest.raises(StopError, match="51 records would be deleted in Salesforce"):
        world.run(TO_SALESFORCE)


def test_a_tombstone_of_one_side_is_not_revived_by_the_other(world):
    s, p = world.linked(Website="a")
    world.in_salesforce("Account", s, IsDeleted=True)
    assert world.cycle() == 0, "the policy of Salesforce's deletions is ignore"
    world.in_spotio("Accounts", p, Website="b")
    assert world.cycle() == 0, "nothing is written to a record that is gone"
    world.in_salesforce("Account", s, IsDeleted=False)
    world.rest()
    assert world.both(p)[1]["Website"] == "b"


# --- the run ---------------------------------------------------------------------------------


def test_a_field_that_the_tap_does_not_send_is_named(world):
    with pytest.raises(ConfigurationError) as caught:
        world.run(TO_SALESFORCE, spotio_schema("Accounts", without=("Website", "Suite")))
    assert caught.value.problems == ("Accounts.Website", "Accounts.role:Unit")


def test_a_write_of_the_other_direction_under_way_is_never_superseded(world):
    s, p = world.linked(Website="a", Phone="1")
    world.in_salesforce("Account", s, Phone="2")
    lost = world.run(TO_SPOTIO)
    world.finish(lost)
    world.in_spotio("Accounts", p, Website="b")
    assert world.to_salesforce() == []
    known = link(world, p)
    assert known.open_operation == envelope_of(lost.records)["operation_id"]
    world.rest()
    mine, theirs = world.both(p)
    assert (mine["Phone"], theirs["Website"]) == ("2", "b")


def test_a_schema_is_declared_once_with_every_field_that_may_be_written(world):
    world.in_spotio("Accounts", Company="A")
    emitted = world.run(TO_SALESFORCE)
    (declared,) = [one for one in emitted.messages if one["type"] == "SCHEMA"]
    assert declared["stream"] == "Account"
    names = set(declared["schema"]["properties"])
    assert {"Name", "BillingCity", "OwnerId", "SPOTIO_Id__c", "_sync"} <= names
    assert "Secret__c" not in names


def test_a_role_and_a_label_that_mean_one_field_are_refused(tmp_path):
    sync = SYNC.replace(
        "      - {spotio: Secret, salesforce: Secret__c, rule: do_not_sync}\n",
        "      - {spotio: Suite, salesforce: Secret__c, rule: two_way}\n",
    )
    with pytest.raises(ConfigurationError, match="in two ways"):
        TwoWay(tmp_path, sync).run(TO_SALESFORCE)
