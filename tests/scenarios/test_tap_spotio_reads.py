"""What tap-spotio reads: everything, once, whole, in few calls, under every switch."""

from __future__ import annotations

from collections import Counter

import pytest

from reverse_sf.simulator.connection import SPOTIO_CLIENT_ID, SPOTIO_SECRET
from reverse_sf.simulator.spotio.demo_workflow import demo_workflow
from reverse_sf.spotio.facts import FACTS
from reverse_sf.spotio.feeds import Feeds
from reverse_sf.spotio.session import Credentials
from tests.contract.tap_spotio_fixtures import (  # noqa: F401 - fixtures are asked for by name
    TYPES,
    calls,
    contact,
    discovered,
    run_tap,
    settings_of,
    spotio,
    started,
    upload,
    write,
)

FEED = "GET /api/Exports/dataObjects/data"
DELETED = "GET /api/DataObjects/deleted"
MANY = "GET /api/DataObjects/many"
SEARCH = "GET /api/DataObjectsSearch"
FILTER = "POST /api/v2/filters"
SWITCHES = [
    {"updated_after": "exclusive"},
    {"feed_order": "updated_desc"},
    {"feed_order": "random"},
    {"scroll_end": "absent"},
    {"scroll_end": "repeat"},
    {"feed_page": 7, "scroll_end": "repeat", "feed_order": "random"},
    {"export_window": 40, "feed_page": 20},
    {"export_window": 30, "feed_page": 10, "feed_order": "random", "scroll_end": "repeat"},
    {"multichoice_wire": "semicolon"},
    {"multichoice_wire": "json"},
    {"date_wire": "datetime"},
    {"date_wire": "us"},
    {"validation_status": 400},
]


def ids_of(switches):
    return ",".join(f"{key}={value}" for key, value in switches.items())


def number(text):
    return float(text)


CANONICAL = {"Number": number, "Currency": number, "MultiChoice": sorted}


def expectation(spotio):  # noqa: F811
    """Every living record, from what the server keeps rather than from what its API says."""
    user_ids = {row["email"]: row["id"] for row in spotio.rows("users")}
    rows = {row["id"]: row for row in spotio.rows("dataObjects") if not row["deleted"]}
    flow = demo_workflow()
    expected = {}
    for row in rows.values():
        record_type = flow.named(row["type"])
        fields = {}
        for field in record_type.fields:
            kept = row["fields"].get(field.name)
            if field.inherited:
                parent = rows.get(row["parentId"]) or {"fields": {}}
                kept = parent["fields"].get(field.name)
            fields[field.name] = kept and CANONICAL.get(field.kind, lambda value: value)(kept)
        pin = row["pin"]
        one = {
            **fields,
            "id": row["id"],
            "name": row["name"],
            "deleted": False,
            "Stage": row["stage"],
            "ownerId": user_ids[row["owner"]],
            "externalDataObjectId": row["externalDataObjectId"],
            "source": row["source"],
            "updatedById": row["updatedById"],
            "createdAt": stamp(row["createdAt"]),
            "updatedAt": stamp(row["updatedAt"]),
        }
        if record_type.parent_id:
            one["parentId"] = row["parentId"]
        if record_type.has_address:
            one["address"] = pin and {
                "house_number": pin["houseNumber"],
                "street": pin["street"],
                "city": pin["city"],
                "state": pin["state"],
                "zip": pin["zip"],
                "country": pin["country"],
                "latitude": pin["lat"],
                "longitude": pin["lng"],
            }
        one["phones"] = texts(record_type, row, "Phone")
        one["emails"] = texts(record_type, row, "Email")
        expected[row["id"]] = one
    return expected


def texts(record_type, row, kind):
    kept = (row["fields"].get(field.name) for field in record_type.of_kind(kind))
    return [text for text in kept if text]


def stamp(shown):
    """Six digits, of the server's up to seven."""
    day, _, rest = shown.removesuffix("+00:00").partition(".")
    return f"{day}.{rest[:6]:0<6}Z"


def shared_part(records, expected):
    """The records cut down to the keys that the expectation speaks of."""
    return {
        record_id: {key: record.get(key, "absent") for key in expected[record_id]}
        for record_id, record in records.items()
    }


def test_every_record_is_as_the_server_keeps_it(spotio):  # noqa: F811
    spotio.edit(
        object="Accounts",
        id=spotio.rows("Accounts")[0]["id"],
        set={
            "Products": ["Panels", "Fiber"],
            "Employees": 12.5,
            "Annual Revenue": 1000,
            "Stage": "Customer",
            "Address": {"houseNumber": "12a", "street": "Main St", "city": "Austin"},
        },
    )
    output = run_tap(settings_of(spotio))
    expected = expectation(spotio)
    assert shared_part(output.by_id, expected) == expected
    sent = Counter(one["id"] for stream in TYPES for one in output.records[stream])
    assert set(sent.values()) == {1}
    for stream in TYPES:
        properties = set(output.schemas[stream]["properties"])
        assert all(set(one) == properties for one in output.records[stream])


@pytest.mark.parametrize("switches", SWITCHES, ids=ids_of)
def test_the_records_are_the_same_under_every_switch(spotio, switches):  # noqa: F811
    plain = run_tap(settings_of(spotio))
    spotio.switches(**switches)
    assert len(plain.by_id) > 100
    first = run_tap(settings_of(spotio, page_size=10))
    assert first.error is None
    assert first.by_id == plain.by_id
    changed = spotio.rows("Contacts")[0]["id"]
    spotio.edit(object="Contacts", id=changed, set={"Job Title": "Chief"})
    gone = spotio.rows("Leads")[0]["id"]
    spotio.edit(object="Leads", id=gone, delete=True)
    second = run_tap(settings_of(spotio, page_size=10), state=first.state)
    assert second.by_id[changed]["Job Title"] == "Chief"
    assert second.by_id[gone]["deleted"] is True
    # A search says less than the export feed, so that what it shows may be sent once more.
    assert {changed, gone} == set(second.by_id) or "export_window" in switches


def test_a_record_that_the_feed_shows_late_is_read_by_the_next_run(spotio):  # noqa: F811
    spotio.switches(feed_delay_s=120)
    late = contact(spotio, 99)
    first = run_tap(settings_of(spotio))
    assert late not in first.by_id
    spotio.clock(advance=200)
    second = run_tap(settings_of(spotio), state=first.state)
    assert late in second.by_id
    third = run_tap(settings_of(spotio), state=second.state)
    assert not third.by_id


@pytest.mark.parametrize("order", ["updated_asc", "updated_desc", "random"])
def test_what_happens_while_the_feed_is_read_is_not_lost(spotio, monkeypatch, order):  # noqa: F811
    spotio.switches(feed_page=10, feed_order=order)
    ids = [row["id"] for row in spotio.rows("Leads")]
    whole = Feeds.changed

    def busy(self, since):
        for place, row in enumerate(whole(self, since)):
            yield row
            if place == 15:
                spotio.edit(object="Leads", id=ids[0], set={"Lead Notes": "meanwhile"})
                spotio.edit(object="Leads", id=ids[-1], delete=True)
                spotio.edit(object="Leads", create={"Last Name": "Meanwhile"})

    monkeypatch.setattr(Feeds, "changed", busy)
    first = run_tap(settings_of(spotio, lookback_window=0))
    monkeypatch.undo()
    second = run_tap(settings_of(spotio, lookback_window=0), state=first.state)
    held = {**first.by_id, **second.by_id}
    expected = expectation(spotio)
    living = {record_id: one for record_id, one in held.items() if not one["deleted"]}
    assert shared_part(living, expected) == expected
    assert held.get(ids[-1], {"deleted": True})["deleted"] is True


@pytest.mark.slow
def test_more_records_than_the_window_of_ten_thousand_are_all_read(spotio):  # noqa: F811
    spotio.switches(export_window=10_000)
    jobs = "/api/jobs/dataObjects/bulk"
    parents = [row["id"] for row in spotio.rows("Accounts")]
    for part in range(2):
        job = write(spotio, "POST", jobs, {"operation": "create", "dataObjectTypeId": 2})["id"]
        lines = [
            {
                "typeId": 2,
                "parentId": parents[one % 7],
                "fields": [{"fieldId": "100003", "value": f"Case {part} {one}"}],
            }
            for one in range(6000)
        ]
        upload(spotio, f"{jobs}/{job}/data", lines)
        write(spotio, "POST", f"{jobs}/{job}/start", {})
        for _ in range(2):
            write(spotio, "GET", f"{jobs}/{job}/progress", None)
    output = run_tap(settings_of(spotio), catalog=discovered(settings_of(spotio), "Contacts"))
    assert output.error is None
    kept = {row["id"]: row["parentId"] for row in spotio.rows("Contacts")}
    assert len(kept) > 12_000
    assert {one["id"]: one["parentId"] for one in output.records["Contacts"]} == kept


def test_an_idle_run_is_two_calls_and_three_with_users(spotio):  # noqa: F811
    settings = settings_of(spotio)
    first = run_tap(settings)
    catalog = discovered(settings, *TYPES)
    mark = spotio.last()
    idle = run_tap(settings, catalog=catalog, state=first.state)
    assert calls(spotio, mark) == [FEED, DELETED]
    assert not idle.records
    catalog = discovered(settings, "users", *TYPES)
    mark = spotio.last()
    run_tap(settings, catalog=catalog, state=idle.state)
    assert calls(spotio, mark) == ["GET /api/users", FEED, DELETED]


def test_one_changed_record_costs_one_call_more(spotio):  # noqa: F811
    settings = settings_of(spotio)
    first = run_tap(settings)
    catalog = discovered(settings, *TYPES)
    child = spotio.rows("Contacts")[1]
    for changed, call in (
        (spotio.rows("Leads")[0], MANY),
        (child, f"GET /api/DataObjects/{child['id']}"),
    ):
        kind = {"Leads": "Lead Notes", "Contacts": "Contact Notes"}[changed["type"]]
        spotio.edit(object=changed["type"], id=changed["id"], set={kind: "news"})
        mark = spotio.last()
        first = run_tap(settings, catalog=catalog, state=first.state)
        assert calls(spotio, mark) == [FEED, call, DELETED]
        assert first.by_id[changed["id"]][kind] == "news"
        assert len(first.by_id) == 1
        if changed is child:
            assert first.by_id[child["id"]]["parentId"] == child["parentId"]


def test_parents_of_many_children_cost_one_search(spotio):  # noqa: F811
    settings = settings_of(spotio)
    first = run_tap(settings)
    catalog = discovered(settings, *TYPES)
    accounts = [row["id"] for row in spotio.rows("Accounts")]
    made = {contact(spotio, one, accounts[one % 5]): accounts[one % 5] for one in range(60)}
    mark = spotio.last()
    second = run_tap(settings, catalog=catalog, state=first.state)
    assert Counter(calls(spotio, mark)) == {FEED: 2, MANY: 1, SEARCH: 1, DELETED: 1}
    assert {one["id"]: one["parentId"] for one in second.records["Contacts"]} == made


def test_parents_of_more_children_than_a_page_cost_a_filter_and_its_pages(spotio):  # noqa: F811
    settings = settings_of(spotio, page_size=25)
    catalog = discovered(settings, "Contacts")
    accounts = [row["id"] for row in spotio.rows("Accounts")]
    before = len(spotio.rows("Contacts"))
    for one in range(60):
        contact(spotio, one, accounts[one % 5])
    mark = spotio.last()
    output = run_tap(settings, catalog=catalog)
    cost = Counter(calls(spotio, mark))
    assert cost[FILTER] == 1
    assert cost[SEARCH] == -(-(before + 60) // 25)
    expected = expectation(spotio)
    contacts = {one["id"]: one["parentId"] for one in output.records["Contacts"]}
    assert contacts == {one: expected[one]["parentId"] for one in contacts}
    assert len(contacts) == before + 60


def test_the_feed_is_read_once_for_all_record_types(spotio):  # noqa: F811
    mark = spotio.last()
    run_tap(settings_of(spotio))
    pages = -(-len(expectation(spotio)) // spotio.switches()["feed_page"])
    assert Counter(calls(spotio, mark))[FEED] == pages


def test_the_first_message_is_the_state_that_the_run_began_with(spotio):  # noqa: F811
    first = run_tap(settings_of(spotio))
    assert first.messages[0] == {"type": "STATE", "value": {}}
    second = run_tap(settings_of(spotio), state=first.state)
    begun = {name: one for name, one in first.state["bookmarks"].items() if one}
    assert second.messages[0] == {"type": "STATE", "value": {"bookmarks": begun}}


def test_the_state_comes_after_everything_that_it_stands_for(spotio):  # noqa: F811
    output = run_tap(settings_of(spotio))
    kinds = [message["type"] for message in output.messages]
    last_record = max(place for place, kind in enumerate(kinds) if kind == "RECORD")
    with_bookmark = [
        place
        for place, message in enumerate(output.messages)
        if message["type"] == "STATE"
        and any(
            one.get("replication_key_value")
            for one in message["value"].get("bookmarks", {}).values()
        )
    ]
    assert min(with_bookmark) > last_record


def test_a_newly_selected_type_is_read_whole_and_the_others_are_not_sent_again(spotio):  # noqa: F811
    settings = settings_of(spotio)
    first = run_tap(settings, catalog=discovered(settings, "Leads"))
    second = run_tap(settings, catalog=discovered(settings, "Leads", "Accounts"), state=first.state)
    assert len(second.records["Accounts"]) == len(spotio.rows("Accounts"))
    assert not second.records["Leads"]


def test_a_deletion_is_a_record_of_its_type_and_is_sent_once(spotio):  # noqa: F811
    settings = settings_of(spotio)
    first = run_tap(settings)
    account = next(row for row in spotio.rows("Accounts") if row["externalDataObjectId"])
    children = [row["id"] for row in spotio.rows("Contacts") if row["parentId"] == account["id"]]
    spotio.edit(object="Accounts", id=account["id"], delete=True)
    second = run_tap(settings, state=first.state)
    (sent,) = second.records["Accounts"]
    (kept,) = (row for row in spotio.rows("Accounts") if row["deleted"])
    at = stamp(kept["deletedAt"])
    assert sent == {
        "id": account["id"],
        "deleted": True,
        "deletedAt": at,
        "updatedAt": at,
        "externalDataObjectId": account["externalDataObjectId"],
    }
    assert {one["id"] for one in second.records["Contacts"] if one["deleted"]} == set(children)
    third = run_tap(settings, state=second.state)
    assert not third.by_id


def test_a_selection_is_kept_to_and_keys_come_all_the_same(spotio):  # noqa: F811
    settings = settings_of(spotio)
    catalog = discovered(settings, "Leads")
    (leads,) = (one for one in catalog["streams"] if one["stream"] == "Leads")
    for entry in leads["metadata"]:
        if entry["breadcrumb"]:
            name = entry["breadcrumb"][1]
            entry["metadata"]["selected"] = name in {"Company", "Stage"}
    output = run_tap(settings, catalog=catalog)
    wanted = {"id", "updatedAt", "deleted", "Company", "Stage"}
    assert {frozenset(one) for one in output.records["Leads"]} == {frozenset(wanted)}
    assert set(output.schemas["Leads"]["properties"]) == wanted


def test_a_start_date_leaves_out_what_is_older(spotio):  # noqa: F811
    stamps = {one["id"]: one["updatedAt"] for one in expectation(spotio).values()}
    start = sorted(stamps.values())[len(stamps) // 2]
    output = run_tap(settings_of(spotio, start_date=start))
    wanted = {record_id for record_id, at in stamps.items() if at >= start}
    assert wanted <= set(output.by_id)
    assert len(wanted) <= len(output.by_id) <= len(wanted) + 1, "a second more at most"


def test_an_end_date_leaves_out_what_is_newer_and_a_later_run_sends_it(spotio):  # noqa: F811
    gone = spotio.rows("Leads")[0]["id"]
    write(spotio, "DELETE", f"/api/DataObjects/{gone}")
    stamps = {one["id"]: one["updatedAt"] for one in expectation(spotio).values()}
    end = sorted(stamps.values())[len(stamps) // 2]
    first = run_tap(settings_of(spotio, end_date=end))
    assert set(first.by_id) == {record_id for record_id, at in stamps.items() if at <= end}
    kept = first.state["bookmarks"]
    assert all(kept[name]["replication_key_value"] <= end for name in ("Accounts", "Leads"))
    rest = run_tap(settings_of(spotio), state=first.state)
    assert set(rest.by_id) >= {gone, *stamps} - set(first.by_id)


def test_a_stage_that_the_catalog_does_not_know_is_looked_up(spotio):  # noqa: F811
    settings = settings_of(spotio)
    catalog = discovered(settings, "Accounts", "Leads")
    for one in catalog["streams"]:
        facts = one["schema"].get(FACTS)
        if facts:
            facts["stages"] = facts["stages"][:1]
    account = spotio.rows("Accounts")[0]["id"]
    spotio.edit(object="Accounts", id=account, set={"Stage": "Customer"})
    mark = spotio.last()
    output = run_tap(settings, catalog=catalog)
    assert calls(spotio, mark).count("GET /api/workflow") == 1
    assert output.by_id[account]["Stage"] == "Customer"
    assert len(output.schemas["Accounts"][FACTS]["stages"]) == 5


def test_an_idle_run_with_a_cache_neither_logs_in_nor_asks_for_the_workflow(spotio, tmp_path):  # noqa: F811
    settings = settings_of(spotio, cache_folder=str(tmp_path))
    state = run_tap(settings).state
    spotio.clock(advance=120)
    mark = spotio.last()
    output = run_tap(settings, state=state)
    asked = [one["path"] for one in spotio.requests(since=mark)]
    assert asked == [
        *("/api/users", "/api/Teams/all", "/api/Territories/all"),
        *(FEED.split()[1], DELETED.split()[1]),
    ]
    assert len(output.records["stages"]) == len(run_tap(settings_of(spotio)).records["stages"])
    moved = [output.state["bookmarks"][name]["replication_key_value"] for name in TYPES]
    assert min(moved) > state["bookmarks"]["Accounts"]["replication_key_value"]


@pytest.mark.parametrize("lost", ["fields", "stages"])
def test_what_a_kept_workflow_lacks_is_looked_up(spotio, tmp_path, lost):  # noqa: F811
    settings = settings_of(spotio, cache_folder=str(tmp_path), record_types=["Accounts"])
    first = run_tap(settings)
    key = Credentials(SPOTIO_CLIENT_ID, SPOTIO_SECRET)
    cache = key.cache(settings["api_url"], settings)
    older = cache.get("/api/workflow")
    accounts = next(one for one in older["dataObjects"] if one["name"] == "Accounts")
    if lost == "fields":
        accounts["fields"] = [one for one in accounts["fields"] if one["name"] != "Website"]
    else:
        accounts["stages"] = {group: [] for group in accounts["stages"]}
    cache.put("/api/workflow", older)
    account = spotio.rows("Accounts")[0]["id"]
    spotio.edit(
        object="Accounts", id=account, set={"Website": "https://new.example", "Stage": "Customer"}
    )
    mark = spotio.last()
    output = run_tap(settings, state=first.state)
    assert calls(spotio, mark).count("GET /api/workflow") == 1
    assert output.by_id[account]["Website"] == "https://new.example"
    assert output.by_id[account]["Stage"] == "Customer"
    assert "Website" in output.schemas["Accounts"]["properties"]
    mark = spotio.last()
    run_tap(settings, state=output.state)
    assert "GET /api/workflow" not in calls(spotio, mark), "the present one is kept"


def test_visits_tell_their_last_result(spotio):  # noqa: F811
    settings = settings_of(spotio)
    catalog = discovered(settings, "Leads")
    body = {
        "dataObject": {"typeId": 3, "fields": [{"fieldId": "100003", "value": "Visited"}]},
        "activity": {"activityTemplateId": 1, "resultId": 3, "notes": "At the door", "done": True},
    }
    made = write(spotio, "POST", "/api/DataObjects", body)
    record = run_tap(settings, catalog=catalog).by_id[made["id"]]
    assert record["Last Visit Result"] == "Appointment Set"
    assert record["lastVisitResultId"] == "3"
    assert record["lastVisitNote"] == "At the door"
    assert record["visitsCount"] == 1
    assert record["lastActivityOwnerId"]


def test_two_fields_of_one_name_are_told_apart_by_id(spotio):  # noqa: F811
    spotio.edit(object="workflow", id="Leads", field="Lead Notes", set={"name": "Temperature"})
    spotio.edit(object="workflow", id="Leads", field="Lead Source", set={"name": "id"})
    output = run_tap(settings_of(spotio))
    properties = output.schemas["Leads"]["properties"]
    assert "Temperature" not in properties
    assert {"id:17", "id:18", "id:20"} <= set(properties)
    assert properties["id"] == {"type": "string"}


def test_stream_maps_and_flattening_work_on_these_records_too(spotio):  # noqa: F811
    mapped = run_tap(
        settings_of(spotio, stream_maps={"Leads": {"id": "id", "who": "name", "__else__": None}})
    )
    assert all("who" in one and "Company" not in one for one in mapped.records["Leads"])
    flat = run_tap(settings_of(spotio, flattening_enabled=True, flattening_max_depth=1))
    assert all("address__city" in one for one in flat.records["Leads"])


def test_the_tables_are_whole(spotio):  # noqa: F811
    output = run_tap(settings_of(spotio))
    assert {one["email"]: one["id"] for one in output.records["users"]} == {
        row["email"]: row["id"] for row in spotio.rows("users")
    }
    flow = demo_workflow()
    assert {
        (one["typeId"], one["id"], one["recordType"], one["name"], one["group"])
        for one in output.records["stages"]
    } == {
        (str(kind.id), str(stage.id), kind.name, stage.name, stage.group)
        for kind in flow.types
        for stage in kind.stages
    }
    assert [one["name"] for one in output.records["activity_templates"]] == [
        one.name for one in flow.templates
    ]
    assert output.records["teams"]
    assert output.records["territories"]


def test_the_clock_of_a_service_that_is_behind_ours_loses_nothing(spotio):  # noqa: F811
    spotio.clock(set="2026-03-01T00:00:00Z")
    contact(spotio, 50)
    first = run_tap(settings_of(spotio))
    late = contact(spotio, 51)
    second = run_tap(settings_of(spotio), state=first.state)
    assert late in second.by_id
