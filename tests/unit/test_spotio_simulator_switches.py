"""The local SPOTIO under its switches: patches, feeds, cursors, wire forms and bulk jobs."""

from __future__ import annotations

import pytest

from reverse_sf.simulator.errors import ControlError
from reverse_sf.simulator.spotio.quirks import SWITCHES
from tests.contract.spotio_server_fixtures import (
    ACCOUNTS,
    AUDIT,
    EMAIL,
    INTERESTS,
    LAST_NAME,
    LEADS,
    PHONE,
    SINCE,
    Api,
    api,
)

__all__ = ["api"]

COLLECTIONS = ("entries", "replaces", "rebuilds")
PATHS = ("index", "by_id", "collection")
FULL = {LAST_NAME: "Smith", PHONE: "512 555 0100", INTERESTS: ["Panels", "Fiber"]}


def entry(field_id, value):
    return {"fieldId": str(field_id), "value": value}


@pytest.fixture
def lead(api):
    """A lead of three fields: last name at index 0, phone at 1, interests at 2."""
    return api.create(LEADS, fields=FULL)["id"]


# Patches


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("paths", PATHS)
def test_the_whole_collection_may_be_sent_in_every_dialect(api, lead, collection, paths):
    api.switch(patch_fields=collection, patch_paths=paths)
    entries = api.read(lead)["fields"]
    entries[1]["value"] = "512 555 0199"
    for verb in ("replace", "add"):
        assert api.patch(lead, {"op": verb, "path": "/fields", "value": entries}).status_code == 200
        assert api.values(lead) == {**FULL, PHONE: "512 555 0199"}


def test_a_patch_by_index_changes_one_entry(api, lead):
    api.patch(lead, {"op": "replace", "path": "/fields/1/value", "value": "512 555 0199"})
    api.patch(lead, {"op": "add", "path": "/fields/-", "value": entry(EMAIL, "a@example.com")})
    api.patch(lead, {"op": "replace", "path": "/fields/3/values", "value": ["Alarms"]})
    assert api.values(lead) == {
        LAST_NAME: "Smith",
        EMAIL: "a@example.com",
        PHONE: "512 555 0199",
        INTERESTS: ["Alarms"],
    }
    api.patch(lead, {"op": "remove", "path": "/fields/1"})
    assert EMAIL not in api.values(lead)


def test_where_the_collection_is_replaced_only_touched_entries_survive_a_200(api, lead):
    api.switch(patch_fields="replaces")
    change = {"op": "replace", "path": "/fields/0/value", "value": "Jones"}
    assert api.patch(lead, change).status_code == 200
    assert api.values(lead) == {LAST_NAME: "Jones"}


def test_where_the_collection_is_rebuilt_index_paths_fail_and_what_is_sent_is_all_there_is(
    api, lead
):
    api.switch(patch_fields="rebuilds")
    change = {"op": "replace", "path": "/fields/0/value", "value": "Jones"}
    assert api.patch(lead, change).status_code == 400
    assert api.values(lead) == FULL
    addition = {"op": "add", "path": "/fields/-", "value": entry(LAST_NAME, "Jones")}
    assert api.patch(lead, addition).is_success
    assert api.values(lead) == {LAST_NAME: "Jones"}


def test_a_patch_without_fields_leaves_them_alone_in_every_dialect(api, lead):
    for collection in COLLECTIONS:
        api.switch(patch_fields=collection)
        assert api.patch(lead, {"op": "replace", "path": "/stageId", "value": 9}).status_code == 200
        assert api.values(lead) == FULL


def test_by_id_the_segment_is_the_fields_id(api, lead):
    api.switch(patch_paths="by_id")
    change = {"op": "replace", "path": f"/fields/{PHONE}/value", "value": "512 555 0199"}
    assert api.patch(lead, change).status_code == 200
    addition = {"op": "add", "path": f"/fields/{EMAIL}/value", "value": "a@example.com"}
    assert api.patch(lead, addition).status_code == 200
    assert api.values(lead) == {**FULL, PHONE: "512 555 0199", EMAIL: "a@example.com"}
    assert api.patch(lead, {**change, "path": "/fields/0/value"}).status_code == 400
    assert api.patch(lead, {"op": "add", "path": "/fields/-", "value": {}}).status_code == 400


def test_an_id_path_and_an_index_path_are_illegal_where_the_other_or_none_is_legal(api, lead):
    change = {"op": "replace", "path": f"/fields/{PHONE}/value", "value": "512 555 0199"}
    assert api.patch(lead, change).status_code == 400
    api.switch(patch_paths="collection")
    for path in (f"/fields/{PHONE}/value", "/fields/1/value", "/fields/1", "/fields/-"):
        assert api.patch(lead, {**change, "path": path}).status_code == 400
    assert api.values(lead) == FULL


def test_a_refused_operation_undoes_the_whole_patch(api, lead):
    before = api.read(lead)
    good = {"op": "replace", "path": "/stageId", "value": 9}
    for bad in (
        {"op": "replace", "path": "/fields/9/value", "value": "x"},
        {"op": "increment", "path": "/stageId"},
        {"op": "replace", "path": "/name", "value": "x"},
        {"op": "replace", "path": "/typeId", "value": 1},
        {"op": "replace", "path": "fields", "value": []},
    ):
        assert api.patch(lead, good, bad).status_code == 400
    assert api.read(lead) == before


@pytest.mark.parametrize(
    ("setting", "right", "wrong"),
    [("honoured", 200, 400), ("refused", 400, 400), ("ignored", 200, 200)],
)
def test_the_test_operation_is_honoured_refused_or_ignored(api, lead, setting, right, wrong):
    api.switch(patch_test=setting)
    change = {"op": "replace", "path": "/fields/1/value", "value": "512 555 0199"}
    for expected, value in ((wrong, "something else"), (right, FULL[PHONE])):
        before = api.values(lead)
        check = {"op": "test", "path": "/fields/1/value", "value": value}
        assert api.patch(lead, check, change).status_code == expected
        assert (api.values(lead) == before) is (expected == 400)
        api.patch(lead, {**change, "value": FULL[PHONE]})


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/json-patch+json", "application/merge-patch+json"],
)
def test_a_patch_is_taken_in_all_three_media_types_and_no_other(api, lead, kind):
    path = f"/api/DataObjects/{lead}/jsonp"
    body = '[{"op": "replace", "path": "/stageId", "value": 9}]'
    answer = api.call("PATCH", path, content=body, headers={"Content-Type": kind})
    assert answer.status_code == 200
    answer = api.call("PATCH", path, content=body, headers={"Content-Type": "text/json"})
    assert answer.status_code == 415


def test_an_address_patched_in_parts_is_put_together_anew(api):
    row = api.create(LEADS, pin={"address": "12 Oak St, Austin, TX 78701"})
    changes = [
        {"op": "replace", "path": "/pin/street", "value": "99 Elm Street"},
        {"op": "add", "path": "/pin/skipGeocoding", "value": True},
    ]
    pin = api.patch(row["id"], *changes).json()["pin"]
    assert pin["address"] == "99 Elm Street, Austin, TX 78701, United States"
    assert (pin["lat"], pin["city"]) == (row["pin"]["lat"], "Austin")
    assert (
        "pin" not in api.patch(row["id"], {"op": "replace", "path": "/pin", "value": None}).json()
    )


# Feeds and cursors


def test_updated_after_includes_its_instant_or_not(api):
    row = api.create(LEADS)
    at = row["updatedAt"]
    assert [item["id"] for item in api.feed(updatedAfter=at)] == [row["id"]]
    api.switch(updated_after="exclusive")
    assert api.feed(updatedAfter=at) == []


def test_the_feed_is_in_the_order_of_the_switch(api):
    instants = [item["updatedAt"] for item in api.feed()]
    assert instants == sorted(instants)
    api.switch(feed_order="updated_desc")
    assert [item["updatedAt"] for item in api.feed()] == instants[::-1]
    api.switch(feed_order="random")
    shuffled = [item["updatedAt"] for item in api.feed()]
    assert shuffled != instants
    assert sorted(shuffled) == instants


def test_an_update_moves_a_record_in_the_feed_and_never_doubles_it(api):
    first = api.feed()[0]["id"]
    api.clock.advance(5)
    api.tenant.edit({"object": "dataObjects", "id": first, "set": {"Phone": "512 555 0199"}})
    ids = [item["id"] for item in api.feed()]
    assert ids[-1] == first
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("ending", ["null", "absent", "repeat"])
@pytest.mark.parametrize("page", [1, 2, 3, 50])
def test_cursors_end_in_three_ways_and_every_record_is_seen_once(ending, page):
    api = Api(records=30).login()
    everything = sorted(record for record in api.tenant.store.records)
    api.switch(scroll_end=ending, feed_page=page)
    assert sorted(item["id"] for item in api.feed()) == everything
    assert len(api.pages("/api/DataObjectsSearch", "items", perPage=page)) == len(everything)


def test_a_cursor_may_be_used_twice_and_a_foreign_one_is_refused(api):
    api.switch(feed_page=2)
    cursor = api.get("/api/Exports/dataObjects/data").json()["scrollId"]
    again = [api.get("/api/Exports/dataObjects/data", scrollId=cursor).json() for _ in range(2)]
    assert again[0] == again[1]
    answer = api.get("/api/Exports/dataObjects/data", scrollId="lXTD")
    assert answer.status_code == 400


def test_past_the_window_the_feed_and_the_search_answer_400(api):
    for _ in range(12):
        api.create(LEADS)
    api.switch(export_window=10, feed_page=5)
    for path in ("/api/Exports/dataObjects/data", "/api/DataObjectsSearch"):
        cursor, statuses = None, []
        for _ in range(3):
            answer = api.get(path, **({"scrollId": cursor} if cursor else {}))
            statuses.append(answer.status_code)
            cursor = answer.json().get("scrollId", cursor)
        assert statuses == [200, 200, 400]


def test_a_new_record_is_seen_in_the_feed_only_after_the_delay(api):
    api.switch(feed_delay_s=5)
    row = api.create(LEADS)
    assert api.get(f"/api/DataObjects/{row['id']}").status_code == 200
    assert row["id"] not in {item["id"] for item in api.feed()}
    api.clock.advance(6)
    assert row["id"] in {item["id"] for item in api.feed()}


def test_the_feed_lacks_what_it_is_documented_to_lack(api):
    firm = api.create(ACCOUNTS, fields={6: ["Panels"]}, pin={"address": "1 Oak St, Austin, TX"})
    item = next(item for item in api.feed() if item["id"] == firm["id"])
    assert not {"parentsInfo", "parentId", "phones", "emails", "collaboratorIds"} & set(item)
    assert set(item["pin"]) == {"id", "lat", "lng", "placeId", "address", "zip"}
    assert all(set(field) == {"fieldId", "value"} for field in item["fields"])
    assert all(isinstance(item[key], int) for key in ("typeId", "stageId", "ownerId"))


def test_search_finds_by_text_type_filter_and_fields_that_were_asked_for(api):
    row = api.create(LEADS, fields=FULL, externalDataObjectId="00QX")
    api.create(ACCOUNTS, fields={100004: "Unlike"})
    found = api.pages(
        "/api/DataObjectsSearch", "items", q="555 0100", includeCustomFieldIds=str(INTERESTS)
    )
    assert [item["id"] for item in found] == [row["id"]]
    assert found[0]["fields"] == [
        {"fieldId": str(INTERESTS), "value": None, "values": FULL[INTERESTS]}
    ]
    content = {
        "dateField": "DataObjectUpdatedAt",
        "startDate": row["updatedAt"],
        "dataObjectTypeIds": ["3"],
    }
    saved = api.post("/api/v2/filters", json=content).json()["id"]
    found = api.pages("/api/DataObjectsSearch", "items", filterId=saved)
    assert [item["id"] for item in found] == [row["id"]]


def test_the_external_id_is_searched_only_where_the_switch_says_so(api):
    api.create(LEADS, externalDataObjectId="00QX")
    assert api.pages("/api/DataObjectsSearch", "items", q="00qx") == []
    api.switch(external_id_in_search=True)
    assert len(api.pages("/api/DataObjectsSearch", "items", q="00qx")) == 1


def test_a_condition_that_is_not_evaluated_is_refused(api):
    assert api.get("/api/DataObjectsSearch", area="1,2,3,4").status_code == 400
    assert api.get("/api/DataObjectsSearch", sortBy="distance").status_code == 400


# Wire forms


@pytest.mark.parametrize(
    ("wire", "value", "values"),
    [
        ("values", None, ["Panels", "Fiber"]),
        ("semicolon", "Panels;Fiber", None),
        ("json", '["Panels", "Fiber"]', None),
    ],
)
def test_a_multiple_choice_travels_as_the_switch_says_and_values_always_goes_in(
    api, wire, value, values
):
    api.switch(multichoice_wire=wire)
    row = api.create(LEADS, fields=FULL)
    shown = next(field for field in row["fields"] if field["fieldId"] == str(INTERESTS))
    assert (shown["value"], shown["values"]) == (value, values)
    again = [{**field, "values": field["values"]} for field in row["fields"]]
    assert api.patch(row["id"], {"op": "replace", "path": "/fields", "value": again}).is_success
    assert api.tenant.rows("Leads")[-1]["fields"]["Interests"] == FULL[INTERESTS]


@pytest.mark.parametrize(
    ("wire", "day", "instant"),
    [
        ("date", "2026-05-06", "2026-05-06T11:56:44Z"),
        ("datetime", "2026-05-06T00:00:00+00:00", "2026-05-06T11:56:44+00:00"),
        ("us", "05/06/2026", "05/06/2026 11:56:44 AM"),
    ],
)
def test_dates_are_shown_as_the_switch_says_and_all_forms_go_in(api, wire, day, instant):
    for form in ("2026-05-06", "2026-05-06T00:00:00+00:00", "05/06/2026"):
        row = api.create(ACCOUNTS, fields={SINCE: form, AUDIT: instant})
        api.switch(date_wire=wire)
        assert api.values(row["id"])[SINCE] == day
        assert api.values(row["id"])[AUDIT] == instant


def test_e_mails_keep_their_case_or_lose_it(api):
    assert (
        api.values(api.create(LEADS, fields={EMAIL: "A@Example.com"})["id"])[EMAIL]
        == "A@Example.com"
    )
    api.switch(email_case="lower")
    assert (
        api.values(api.create(LEADS, fields={EMAIL: "A@Example.com"})["id"])[EMAIL]
        == "a@example.com"
    )


# Bulk jobs


def line(name, **more):
    return {"TypeId": LEADS, "Fields": [{"FieldId": str(LAST_NAME), "Value": name}], **more}


def test_a_job_takes_as_many_polls_as_the_switch_says_and_reports_every_line_once(api):
    api.switch(bulk_polls=3)
    body = {"operation": "create", "dataObjectTypeId": LEADS}
    job = api.post("/api/jobs/dataObjects/bulk", json=body).json()["id"]
    base = f"/api/jobs/dataObjects/bulk/{job}"
    for lines in (
        "\n".join(f'{{"fields":[{{"fieldId":"{LAST_NAME}","value":"{n}"}}]}}' for n in range(4)),
        "{}",
    ):
        kind = {"Content-Type": "application/octet-stream"}
        assert api.call("PUT", f"{base}/data", content=lines, headers=kind).status_code == 200
    assert api.get(f"{base}/results/succeeded").status_code == 404
    api.post(f"{base}/start")
    assert [row["id"] for row in api.get("/api/jobs/dataObjects/bulk/inprogress").json()] == [job]
    seen = [api.get(f"{base}/progress").json() for _ in range(3)]
    assert [row["state"] for row in seen] == ["InProgress", "InProgress", "JobComplete"]
    done = [row["recordsProcessed"] for row in seen]
    assert done == sorted(done)
    assert (done[-1], seen[-1]["recordsFailed"]) == (5, 1)
    assert [file["state"] for file in seen[-1]["files"]] == ["Processed", "Processed"]


def test_a_job_that_nobody_polls_is_finished_by_the_clock(api):
    before = len(api.tenant.store.records)
    body = {"operation": "create", "dataObjectTypeId": LEADS}
    job = api.post("/api/jobs/dataObjects/bulk", json=body).json()["id"]
    base = f"/api/jobs/dataObjects/bulk/{job}"
    kind = {"Content-Type": "application/x-ndjson"}
    content = f'{{"fields":[{{"fieldId":"{LAST_NAME}","value":"A"}}]}}'
    api.call("PUT", f"{base}/data", content=content, headers=kind)
    api.post(f"{base}/start")
    assert len(api.tenant.store.records) == before
    api.clock.advance(3)
    assert len(api.feed()) == before + 1


def test_records_of_one_slice_of_a_job_share_one_instant(api):
    api.switch(bulk_polls=1)
    api.job("create", LEADS, [line(name) for name in "ABC"])
    made = [item["updatedAt"] for item in api.feed()][-3:]
    assert len(set(made)) == 1
    assert len(api.feed(updatedAfter=made[0])) == 3


def test_a_query_longer_than_iis_allows_is_not_found(api):
    wanted = ",".join(["0" * 24] * 100)
    assert api.get("/api/DataObjects/many", dataObjectsIds=wanted).status_code == 404


@pytest.mark.parametrize(
    ("setting", "applied", "results"), [("before", 0, 200), ("half", 1, 200), ("lost", 1, 404)]
)
def test_a_job_may_fail_with_part_of_its_records_applied(api, setting, applied, results):
    api.switch(bulk_fail=setting)
    before = len(api.tenant.store.records)
    body = {"operation": "create", "dataObjectTypeId": LEADS}
    job = api.post("/api/jobs/dataObjects/bulk", json=body).json()["id"]
    base = f"/api/jobs/dataObjects/bulk/{job}"
    content = "\n".join(f'{{"fields":[{{"fieldId":"{LAST_NAME}","value":"{n}"}}]}}' for n in "AB")
    api.call(
        "PUT", f"{base}/data", content=content, headers={"Content-Type": "application/x-ndjson"}
    )
    api.post(f"{base}/start")
    states = [api.get(f"{base}/progress").json() for _ in range(2)]
    assert (states[-1]["state"], states[-1]["recordsProcessed"]) == ("Failed", applied)
    assert states[-1]["errorMessage"]
    assert len(api.tenant.store.records) == before + applied
    assert api.get(f"{base}/results/succeeded").status_code == results


@pytest.mark.parametrize(
    ("meaning", "operation", "keeps_phone", "keeps_external"),
    [
        ("whole", "update", False, False),
        ("whole", "patch", True, True),
        ("keys", "update", False, True),
        ("keys", "patch", False, True),
        ("entries", "update", True, True),
        ("entries", "patch", True, True),
    ],
)
def test_update_and_patch_mean_what_the_switch_says(
    api, meaning, operation, keeps_phone, keeps_external
):
    api.switch(bulk_update=meaning)
    row = api.create(LEADS, fields=FULL, externalDataObjectId="00QX")
    _, good, _ = api.job(operation, LEADS, [line("Jones", Id=row["id"])])
    assert [one["DataObjectId"] for one in good] == [row["id"]]
    kept = api.values(row["id"])
    assert kept[LAST_NAME] == "Jones"
    assert (PHONE in kept) is keeps_phone
    assert (api.read(row["id"])["externalDataObjectId"] == "00QX") is keeps_external


def test_a_line_with_an_id_is_no_create_and_one_without_no_update(api):
    row = api.create(LEADS)
    assert api.job("create", LEADS, [line("A", Id=row["id"])])[2]
    assert api.job("update", LEADS, [line("A")])[2]
    assert api.job("create", ACCOUNTS, [line("A")])[2][0]["Error"].startswith("typeId")


# The switches themselves


def test_every_switch_accepts_each_of_its_choices_and_nothing_else(api):
    for switch in SWITCHES:
        for setting in switch.choices or (switch.default,):
            api.switch(**{switch.name: setting})
        with pytest.raises(ControlError):
            api.switch(**{switch.name: object()})
    with pytest.raises(ControlError, match="known are"):
        api.switch(no_such_switch=1)


def test_the_default_of_a_switch_is_its_first_choice():
    assert all(switch.choices[0] == switch.default for switch in SWITCHES if switch.choices)
