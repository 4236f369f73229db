"""The local SPOTIO: tokens, rights, validation, addresses and what follows from a change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_sf.simulator.clock import Clock
from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.spotio.geocoder import Address, from_request, geocoded
from reverse_sf.simulator.spotio.shapes import pin_shape
from reverse_sf.simulator.spotio.tenant import Tenant
from reverse_sf.simulator.spotio.writing import EXTERNAL_ID_LIMIT
from reverse_sf.simulator.world import World
from tests.contract.spotio_server_fixtures import (
    ACCOUNTS,
    CONTACTS,
    EMAIL,
    LEADS,
    OPPORTUNITIES,
    PHONE,
    START,
    Api,
    api,
)

__all__ = ["api"]
OPS, REP = 534612, 534602


def errors(answer, status=422):
    assert answer.status_code == status, answer.text
    return answer.json()["errors"]


def refused(api, type_id, fields, **more):
    entries = [{"fieldId": str(key), "value": value} for key, value in fields.items()]
    body = {"dataObject": {"typeId": type_id, "fields": entries, **more}}
    return errors(api.post("/api/DataObjects", json=body))


# Tokens and rights


def test_a_wrong_secret_is_answered_with_the_services_own_sentence():
    answer = Api().post("/api/users/apitoken", json={"clientId": "demo-client", "secret": "no"})
    assert errors(answer, 400) == {"_": "ClientId and Secret do not exist"}


@pytest.mark.parametrize("kind", ["application/json", "application/merge-patch+json"])
def test_a_token_is_had_with_either_json_content_type(kind):
    body = '{"clientId": "demo-client", "secret": "demo-secret"}'
    answer = Api().post("/api/users/apitoken", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 200


def test_a_form_is_an_unsupported_media_type():
    answer = Api().post("/api/users/apitoken", data={"clientId": "demo-client"})
    assert answer.status_code == 415


def test_a_call_without_a_token_or_with_a_bad_one_is_unauthorized(api):
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer a.b.c"}):
        assert api.call("GET", "/api/workflow", headers=headers).status_code == 401


def test_a_token_lives_thirty_days_and_an_administrator_can_end_it_early(api):
    api.clock.advance(30 * 24 * 3600 - 60)
    assert api.get("/api/users").status_code == 200
    api.clock.advance(120)
    assert api.get("/api/users").status_code == 401
    api.login()
    api.tenant.edit({"tokens": "expire"})
    assert api.get("/api/users").status_code == 401


def test_a_key_dies_with_its_user(api):
    api.tenant.edit({"object": "users", "id": "admin.user@example.com", "set": {"suspended": True}})
    assert api.get("/api/users").status_code == 401


def test_paths_and_query_names_and_body_keys_have_no_case(api):
    made = api.post(
        "/API/dataobjects",
        json={"DataObject": {"TypeId": 3, "Fields": [{"FieldId": "100003", "Value": "Case"}]}},
    ).json()
    found = api.get("/api/DATAOBJECTS/Many", DATAOBJECTSIDS=made["id"]).json()
    assert [row["name"] for row in found] == ["Case"]


def test_a_sales_key_sees_and_edits_only_its_own_records():
    api = Api().login()
    others = api.create(LEADS, ownerId=REP)
    api.login("sales-client", "sales-secret")
    own = api.create(LEADS)
    assert api.get(f"/api/DataObjects/{others['id']}").status_code == 403
    edit = {"op": "replace", "path": "/stageId", "value": 9}
    assert api.patch(others["id"], edit).status_code == 403
    assert api.patch(own["id"], edit).status_code == 200
    assert (
        api.patch(own["id"], {"op": "replace", "path": "/ownerId", "value": REP}).status_code == 403
    )
    assert {item["ownerId"] for item in api.feed()} == {int(own["ownerId"])}
    assert api.get("/api/DataObjects/many", dataObjectsIds=others["id"]).json() == []


# Validation by the workflow


def test_a_new_record_has_the_documented_defaults(api):
    row = api.create(LEADS)
    assert (row["ownerId"], row["stageId"], row["typeId"]) == ("534611", "8", "3")
    assert row["createdById"] == row["updatedById"] == "534611"


def test_ids_may_travel_as_texts_or_numbers(api):
    row = api.create("3", stageId="9", ownerId=str(REP))
    assert (row["stageId"], row["ownerId"]) == ("9", str(REP))


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"stageId": 1}, "stageId"),
        ({"ownerId": 1}, "ownerId"),
        ({"parentId": "0123456789abcdef01234567"}, "parentId"),
        ({"externalDataObjectId": "x" * (EXTERNAL_ID_LIMIT + 1)}, "externalDataObjectId"),
        ({"pin": {"lat": 91, "lng": 0}}, "pin"),
    ],
)
def test_what_does_not_exist_is_named(api, more, key):
    assert set(refused(api, LEADS, {100003: "Smith"}, **more)) == {key}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (EMAIL, "o'hara@example.com"),
        (EMAIL, "nobody"),
        (PHONE, "ask at the desk"),
        (PHONE, "555"),
        (17, "Purchased List"),
        (17, "Cold Call"),
        (100004, "x" * 256),
        (20, "x" * 20_001),
        (999, "no such field"),
    ],
)
def test_a_value_that_its_field_refuses_is_named_by_the_fields_id(api, field, value):
    assert set(refused(api, LEADS, {100003: "Smith", field: value})) == {str(field)}


@pytest.mark.parametrize(
    ("field", "value"), [(5, "many"), (4, "1,000"), (7, "2026-13-01"), (8, "noon")]
)
def test_numbers_and_dates_must_be_such(api, field, value):
    assert set(refused(api, ACCOUNTS, {100004: "Firm", field: value})) == {str(field)}


def test_an_error_is_keyed_by_the_callers_own_field_name_where_it_gives_one(api):
    entry = {"fieldId": "100006", "fieldTempId": "mail", "value": "bad"}
    body = {"dataObject": {"typeId": 3, "fields": [entry, {"fieldId": "100003", "value": "A"}]}}
    assert set(errors(api.post("/api/DataObjects", json=body))) == {"mail"}


def test_fields_are_required_always_or_in_a_stage(api):
    assert set(refused(api, ACCOUNTS, {2: "Solar"})) == {"100004"}
    won = {"stageId": 16}
    assert set(refused(api, OPPORTUNITIES, {21: "Deal"}, **won)) == {"100007"}
    row = api.create(OPPORTUNITIES, fields={21: "Deal", 100007: "10.005"}, **won)
    assert row["value"] == 10.01


def test_a_patch_checks_required_fields_unless_it_is_told_not_to(api):
    row = api.create(LEADS)
    clear = {"op": "replace", "path": "/fields/0/value", "value": None}
    assert set(errors(api.patch(row["id"], clear))) == {"100003"}
    assert api.patch(row["id"], clear, validateRequiredFields="false").status_code == 200


def test_read_only_fields_are_refused_and_inherited_ones_follow_the_parent(api):
    assert set(refused(api, ACCOUNTS, {100004: "Firm", 12: "5"})) == {"12"}
    firm = api.create(ACCOUNTS)
    person = api.create(CONTACTS, parentId=firm["id"])
    assert api.values(person["id"])[100004] == "Smith"
    edit = {"op": "replace", "path": "/fields/0/value", "value": "Jones"}
    api.patch(firm["id"], edit)
    assert api.values(person["id"])[100004] == "Jones"


def test_a_parent_must_be_of_the_right_type_and_is_shown_only_in_the_single_read(api):
    lead, firm = api.create(LEADS), api.create(ACCOUNTS)
    assert set(refused(api, CONTACTS, {100003: "A"}, parentId=lead["id"])) == {"parentId"}
    person = api.create(CONTACTS, parentId=firm["id"])
    assert person["parentsInfo"] == [{"id": firm["id"], "name": "Smith"}]
    assert (
        "parentsInfo" not in api.get("/api/DataObjects/many", dataObjectsIds=person["id"]).json()[0]
    )


def test_validation_answers_with_the_status_of_the_switch(api):
    api.switch(validation_status=400)
    body = {"dataObject": {"typeId": 3, "stageId": 1, "fields": []}}
    assert set(errors(api.post("/api/DataObjects", json=body), 400)) == {"stageId", "100003"}


def test_values_of_the_world_that_are_odd_on_purpose_are_refused(api):
    world = World.generate(1)
    account = world.accounts[world.odd("accounts", "over_long")[0]]
    assert set(refused(api, ACCOUNTS, {100004: account.name, 9: account.notes})) == {"9"}
    for oddity, field, name in (
        ("invalid_phone", PHONE, "phone"),
        ("invalid_email", 10, "billing_email"),
    ):
        for index in world.odd("accounts", oddity):
            row = world.accounts[index]
            assert set(refused(api, ACCOUNTS, {100004: row.name, field: getattr(row, name)})) == {
                str(field)
            }


def test_every_other_value_of_the_world_is_accepted(api):
    world = World.generate(1, 400)
    for row in (row for row in world.contacts if not row.oddity):
        fields = {100002: row.first, 100003: row.last, EMAIL: row.email, PHONE: row.phone}
        fields |= {13: row.mobile, 14: row.title, 15: str(row.birthday), 16: row.notes}
        api.create(CONTACTS, fields=fields)


# What follows from a change


def test_white_space_is_blank_and_blank_fields_have_no_entry(api):
    row = api.create(LEADS, fields={100004: "  ", 20: " \n ", 19: []})
    assert set(api.values(row["id"])) == {100003}


def test_the_name_is_made_of_the_name_fields(api):
    assert api.create(LEADS, fields={100002: "Ana"})["name"] == "Ana Smith"


def test_every_change_moves_updated_at_and_stage_and_owner_have_their_own_instants(api):
    row = api.create(LEADS)
    api.clock.advance(10)
    api.patch(row["id"], {"op": "replace", "path": "/stageId", "value": 9})
    staged = api.read(row["id"])
    api.clock.advance(10)
    api.patch(row["id"], {"op": "replace", "path": "/ownerId", "value": REP})
    owned = api.read(row["id"])
    assert row["updatedAt"] < staged["updatedAt"] < owned["updatedAt"]
    assert row["stageUpdatedAt"] < staged["stageUpdatedAt"] == owned["stageUpdatedAt"]
    assert row["dateOfAssignment"] == staged["dateOfAssignment"] < owned["dateOfAssignment"]


def test_instants_have_seven_digits_and_an_offset(api):
    made = api.create(LEADS)["createdAt"]
    assert made.startswith("2026-05-06T12:00:00.000000")
    assert len(made) == len("2026-08-03T07:14:40.1579145+00:00")
    assert made.endswith("+00:00")


def test_the_service_notes_creation_stage_owner_and_field_changes_as_activities(api):
    row = api.create(LEADS)
    for path, value in (("/stageId", 9), ("/ownerId", REP), ("/fields/0/value", "Jones")):
        api.patch(row["id"], {"op": "replace", "path": path, "value": value})
    found = api.pages(f"/api/DataObjects/{row['id']}/activities/historical", "items")
    assert [entry["type"] for entry in found] == ["update", "ownerChanged", "transition", "create"]
    assert found[2]["transition"] == {"fromStageId": "8", "toStageId": "9"}


def test_a_visit_in_the_create_call_counts(api):
    body = {
        "dataObject": {"typeId": 3, "fields": [{"fieldId": "100003", "value": "A"}]},
        "activity": {"activityTemplateId": "1", "resultId": "3", "done": True},
    }
    row = api.post("/api/DataObjects", json=body).json()
    assert (row["visitsCount"], row["lastVisitResultId"]) == (1, "3")


def test_deleting_takes_the_children_along_or_reassigns_them(api):
    old, new = api.create(ACCOUNTS, externalDataObjectId="X1"), api.create(ACCOUNTS)
    kept = api.create(CONTACTS, parentId=old["id"])
    gone = api.create(OPPORTUNITIES, fields={21: "Deal"}, parentId=old["id"])
    body = {"mode": "deleteAndReassign", "reassignTypesIds": ["2"], "newParentId": new["id"]}
    assert api.call("DELETE", f"/api/DataObjects/{old['id']}", json=body).status_code == 200
    assert api.read(kept["id"])["parentsInfo"][0]["id"] == new["id"]
    api.call("DELETE", f"/api/DataObjects/{new['id']}")
    assert api.get(f"/api/DataObjects/{kept['id']}").status_code == 404
    feed = api.pages("/api/DataObjects/deleted", "deletedDataObjects")
    assert {row["id"] for row in feed} == {row["id"] for row in (old, new, kept, gone)}
    external = {row["id"]: row["dataObject"]["externalDataObjectId"] for row in feed}
    assert external[old["id"]] == "X1"


def test_the_deleted_feed_is_cut_by_its_dates(api):
    for _ in range(2):
        row = api.create(LEADS)
        api.clock.advance(100)
        api.call("DELETE", f"/api/DataObjects/{row['id']}")
    feed = "/api/DataObjects/deleted", "deletedDataObjects"
    assert len(api.pages(*feed)) == 2
    assert len(api.pages(*feed, startDate="2026-05-06T12:02:00Z")) == 1
    assert len(api.pages(*feed, endDate="2026-05-06T12:02:00Z")) == 1


# Addresses


def test_an_address_is_rewritten_by_the_geocoder_unless_it_is_skipped(api):
    typed = {"street": "12 oak st", "city": "austin", "state": "tx"}
    found = api.create(LEADS, pin=typed)["pin"]
    assert (found["houseNumber"], found["street"], found["city"]) == ("12", "Oak Street", "Austin")
    assert found["zip"]
    assert found["country"] == "United States"
    assert found["lat"]
    kept = api.create(LEADS, pin={**typed, "skipGeocoding": True, "lat": 1.5, "lng": 2.5})["pin"]
    assert (kept["street"], kept["city"], kept["zip"], kept["lat"]) == (
        "12 oak st",
        "austin",
        None,
        1.5,
    )


STREETS = st.builds(
    "{} {} {}".format,
    st.integers(1, 9999),
    st.sampled_from(["oak", "N Lamar", "St. Helena", "McAllister", "5th"]),
    st.sampled_from(["St", "st.", "Ave", "Blvd", "Street", "Hwy", ""]),
)


@given(
    street=STREETS,
    city=st.sampled_from(["austin", "Round Rock", "Nowhere", None]),
    state=st.sampled_from(["TX", "tx", "Texas", None]),
    code=st.sampled_from(["78701", None]),
)
def test_the_geocoder_leaves_alone_what_it_wrote(street, city, state, code):
    once = geocoded(Address(street=street, city=city, state=state, zip=code))
    assert geocoded(once) == once


def test_records_at_one_address_share_a_pin_and_are_each_others_duplicates(api):
    first = api.create(LEADS, pin={"address": "12 Oak St, Austin, TX 78701"})
    second = api.create(ACCOUNTS, pin={"street": "12 OAK STREET", "city": "Austin", "state": "TX"})
    assert first["pin"]["id"] == second["pin"]["id"]
    twins = api.get(f"/api/DataObjects/{first['id']}/duplicatesByAddress").json()
    assert [row["id"] for row in twins] == [second["id"]]


def test_moving_puts_a_record_at_another_pin(api):
    first, second = (
        api.create(ACCOUNTS, pin={"address": f"{n} Oak St, Austin, TX"}) for n in (1, 2)
    )
    moves = [{"id": first["id"], "unit": "7"}]
    api.post("/api/DataObjects/move", json={"dataObjects": moves, "pinId": second["pin"]["id"]})
    row = api.read(first["id"])
    assert (row["pin"]["id"], row["addressUnit"]) == (second["pin"]["id"], "7")
    assert (
        api.post("/api/DataObjects/move", json={"dataObjects": moves, "pinId": 1}).status_code
        == 404
    )


# A person in the web app, and a restart


def test_an_edit_is_validated_and_leaves_its_trace(api):
    row = api.tenant.edit(
        {
            "object": "Leads",
            "create": {"Last Name": "Web", "Stage": "Working", "Interests": ["Fiber"]},
        }
    )
    assert (row["stage"], row["fields"]) == (
        "Working",
        {"Last Name": "Web", "Interests": ["Fiber"]},
    )
    changed = api.tenant.edit(
        {"object": "Leads", "id": row["id"], "set": {"Phone": "512 555 0100", "Interests": None}}
    )
    assert changed["fields"] == {"Last Name": "Web", "Phone": "512 555 0100"}
    assert changed["updatedById"] == str(OPS)
    api.tenant.edit({"object": "Leads", "id": row["id"], "delete": True})
    rows = {one["id"]: one["deleted"] for one in api.tenant.rows("Leads")}
    assert rows[row["id"]]


@pytest.mark.parametrize(
    "body",
    [
        {"object": "Leads", "create": {"Last Name": "A", "Email": "bad"}},
        {"object": "Leads", "create": {"Nonsense": "A"}},
        {"object": "Nothing", "create": {}},
        {"object": "Leads", "id": "nothing", "set": {}},
        {"object": "users", "id": "nobody@example.com", "set": {}},
        {"frobnicate": 1},
    ],
)
def test_an_edit_that_cannot_be_is_refused_with_a_reason(api, body):
    with pytest.raises(ControlError):
        api.tenant.edit(body)


def test_rows_look_the_same_under_every_wire_switch(api):
    before = api.tenant.rows("dataObjects")
    api.switch(multichoice_wire="json", date_wire="us", email_case="lower")
    assert api.tenant.rows("dataObjects") == before


def test_an_option_can_be_taken_away_and_what_holds_it_stays(api):
    row = api.create(LEADS, fields={17: "Web"})
    options = {"activeOptions": ["Referral"]}
    api.tenant.edit({"object": "workflow", "id": "Leads", "field": "Lead Source", "set": options})
    assert set(refused(api, LEADS, {100003: "B", 17: "Web"})) == {"17"}
    api.patch(row["id"], {"op": "replace", "path": "/fields/0/value", "value": "Jones"})
    assert api.values(row["id"]) == {100003: "Jones", 17: "Web"}


def test_a_reset_goes_back_to_the_seed(api):
    before = api.tenant.rows("dataObjects")
    api.create(LEADS)
    api.switch(feed_page=7)
    api.tenant.reset()
    assert api.tenant.rows("dataObjects") == before
    assert api.tenant.switches["feed_page"] == 50


def test_a_tenant_with_a_file_goes_on_where_it_stopped(tmp_path):
    path = str(tmp_path / "spotio.db")
    first = Tenant(Clock(START, frozen=True), database=path, records=60)
    row = first.edit(
        {"object": "Leads", "create": {"Last Name": "Kept", "Address": "1 Oak St, Austin"}}
    )
    gone = first.edit({"object": "Leads", "create": {"Last Name": "Gone"}})
    first.edit({"object": "Leads", "id": gone["id"], "delete": True})
    expected = [first.rows(name) for name in ("dataObjects", "activities", "pins", "users")]
    first.close()
    again = Tenant(Clock(START, frozen=True), database=path, records=60)
    by_id = [sorted(rows, key=lambda one: one["id"]) for rows in expected]
    found = [again.rows(name) for name in ("dataObjects", "activities", "pins", "users")]
    assert [sorted(rows, key=lambda one: one["id"]) for rows in found] == by_id
    assert again.edit({"object": "Leads", "create": {"Last Name": "New"}})["id"] not in (
        row["id"],
        gone["id"],
    )
    again.close()


def test_an_empty_tenant_has_its_users_and_schema_only():
    tenant = Tenant(Clock(), empty=True)
    assert tenant.rows("dataObjects") == []
    assert len(tenant.rows("users")) == 12
    by_mail = [row for row in tenant.rows("users") if row["externalSystemUserId"] is None]
    assert len(by_mail) == 2


def test_an_address_of_a_request_reads_back_as_its_pin(api):
    row = api.create(LEADS, pin={"address": "12 Oak St, Austin, TX 78701"})
    pin = api.tenant.store.pins[int(row["pin"]["id"])]
    assert pin_shape(pin) == row["pin"]
    assert from_request(row["pin"]).street == "Oak Street"
