"""What tap-salesforce reads, against the local Salesforce server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from reverse_sf.errors import ConfigurationError, QuotaError, RetryError
from reverse_sf.salesforce import client as client_module
from reverse_sf.salesforce.values import moment_of
from reverse_sf.tap.facts import FACTS
from tests.contract.tap_salesforce_fixtures import (  # noqa: F401 - fixtures are asked for by name
    discovered,
    org,
    run_tap,
    servers,
    settings_of,
)

SALES = ("Account", "Contact", "Lead", "Opportunity")


@pytest.fixture
def settings(org):  # noqa: F811 - a fixture
    return settings_of(org)


def stamp(output, stream="Account"):
    return output.state["bookmarks"][stream]["replication_key_value"]


def paths_of(server, since):
    return [f"{request['method']} {request['path']}" for request in server.requests(since=since)]


def test_a_first_run_brings_every_row_once_deleted_ones_too(org, settings):  # noqa: F811 - a fixture
    output = run_tap(settings)
    rows = {row["Id"]: row for row in org.rows("Account")}
    assert sorted(record["Id"] for record in output.records["Account"]) == sorted(rows)
    deleted = {record_id for record_id, row in rows.items() if row["IsDeleted"]}
    assert deleted
    assert {i for i, record in output.by_id("Account").items() if record["IsDeleted"]} == deleted


def test_the_first_message_is_the_state_that_the_run_started_from(settings):
    first = run_tap(settings)
    assert first.messages[0] == {"type": "STATE", "value": {}}
    second = run_tap(settings, state=first.state)
    assert second.messages[0] == {"type": "STATE", "value": first.state}


def test_the_schema_message_holds_the_selected_fields_with_their_facts(settings):
    catalog = discovered(settings)
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"]:
            entry["metadata"]["selected"] = entry["breadcrumb"][-1] in {"Name", "Industry"}
    output = run_tap(settings, catalog=catalog)
    message = output.schemas["Account"]
    fields = {"Id", "Name", "Industry", "IsDeleted", "SystemModstamp"}
    assert set(message["schema"]["properties"]) == fields
    assert message["schema"]["properties"]["Industry"][FACTS]["type"] == "picklist"
    assert message["key_properties"] == ["Id"]
    assert message["bookmark_properties"] == ["SystemModstamp"]
    assert {frozenset(record) for record in output.records["Account"]} == {frozenset(fields)}


@pytest.mark.parametrize(
    "switches",
    [{}, {"bulk_order": "always", "bulk_page_size": 37}, {"bulk_gzip": False, "bulk_polls": 2}],
    ids=str,
)
def test_rest_and_bulk_bring_the_same_records(org, switches):  # noqa: F811 - a fixture
    org.switches(**switches)
    org.edit(
        object="Account",
        create={"Name": "Müller & Söhne", "Description": 'a "quoted"\r\ntext, with\rreturns\n'},
    )
    rest = run_tap(settings_of(org, *SALES, api_type="REST"))
    bulk = run_tap(settings_of(org, *SALES, api_type="BULK2"))
    for stream in SALES:
        assert rest.by_id(stream) == bulk.by_id(stream)
        assert len(bulk.records[stream]) == len(rest.records[stream])
        # Both follow the clock, as each run read it.
        apart = moment_of(stamp(bulk, stream)) - moment_of(stamp(rest, stream))
        assert abs(apart) < timedelta(minutes=5)


def test_bulk_jobs_are_deleted_after_the_read(org):  # noqa: F811 - a fixture
    mark = org.last()
    run_tap(settings_of(org, api_type="BULK2"))
    calls = paths_of(org, mark)
    assert [call for call in calls if call.startswith("DELETE") and "/jobs/query/" in call]


def test_auto_reads_large_objects_by_bulk_and_small_ones_by_rest(org):  # noqa: F811 - a fixture
    mark = org.last()
    output = run_tap(settings_of(org, "Account", "Profile", bulk_threshold=50))
    assert output.records["Account"]
    assert output.records["Profile"]
    calls = paths_of(org, mark)
    assert sum(call.startswith("POST") and call.endswith("/jobs/query") for call in calls) == 1
    assert sum("/queryAll" in call for call in calls) == 1


def test_auto_turns_to_bulk_when_the_first_page_tells_of_many_rows(org):  # noqa: F811 - a fixture
    mark = org.last()
    output = run_tap(settings_of(org, bulk_threshold=50, start_date="2000-01-01T00:00:00Z"))
    assert len(output.by_id("Account")) == len(output.records["Account"]) > 50
    assert any(call.endswith("/jobs/query") for call in paths_of(org, mark))


def test_an_idle_run_with_a_catalog_asks_one_query_per_object_and_one_deletion_log(org):  # noqa: F811 - a fixture
    settings = settings_of(org, *SALES)
    catalog = discovered(settings)
    state = run_tap(settings, catalog=catalog).state
    mark = org.last()
    run_tap(settings, catalog=catalog, state=state)
    calls = paths_of(org, mark)
    assert sum("/oauth2/token" in call for call in calls) == 1
    assert sum("/queryAll" in call for call in calls) == len(SALES)
    assert sum(call.endswith("/deleted") for call in calls) == 1
    assert len(calls) == 1 + len(SALES) + 1


def logs_read(calls):
    return [call.split("/")[-2] for call in calls if call.endswith("/deleted")]


def test_deletion_logs_are_read_in_turn_and_no_purge_is_lost(org):  # noqa: F811 - a fixture
    settings = settings_of(org, *SALES)
    output = run_tap(settings)
    purged = {}
    for name in SALES:
        purged[name] = next(one["Id"] for one in output.records[name] if not one["IsDeleted"])
        org.edit(object=name, id=purged[name], delete=True)
        org.edit(object=name, id=purged[name], purge=True)
    read, told = [], {}
    for _ in SALES:
        org.clock(advance=600)
        mark = org.last()
        output = run_tap(settings, state=output.state)
        read += logs_read(paths_of(org, mark))
        told |= {
            name: record["Id"]
            for name in SALES
            for record in output.records[name]
            if record["Id"] == purged[name] and record["IsDeleted"]
        }
    assert sorted(read) == sorted(SALES), "one log a run"
    assert told == purged


def test_an_object_that_was_empty_is_not_counted_again_and_its_first_row_arrives(org):  # noqa: F811 - a fixture
    fields = {"Name": "string(80) defaulted name | Visit Name"}
    visits = {"label": "Visit / Visits", "prefix": "a09", "fields": fields}
    org.edit(declare={"objects": {"Visit__c": visits}})
    settings = settings_of(org, "Visit__c")
    first = run_tap(settings)
    assert not first.records["Visit__c"]
    state = first.state
    mark = org.last()
    state = run_tap(settings, state=state).state
    assert not [call for call in paths_of(org, mark) if call.endswith("/recordCount")]
    created = org.edit(object="Visit__c", create={"Name": "The first"})["id"]
    assert created in run_tap(settings, state=state).by_id("Visit__c")


def test_a_deletion_log_that_was_not_read_for_long_is_read_at_once(org):  # noqa: F811 - a fixture
    settings = settings_of(org, *SALES)
    state = run_tap(settings).state
    org.clock(advance=90_000)
    mark = org.last()
    run_tap(settings, state=state)
    assert sorted(logs_read(paths_of(org, mark))) == sorted(SALES)
    mark = org.last()
    run_tap(settings_of(org, *SALES, deletion_log_interval=0), state=state)
    assert sorted(logs_read(paths_of(org, mark))) == sorted(SALES)


def test_an_idle_run_with_a_cache_neither_logs_in_nor_describes(org, tmp_path):  # noqa: F811 - a fixture
    settings = settings_of(org, *SALES, cache_folder=str(tmp_path))
    state = run_tap(settings).state
    mark = org.last()
    run_tap(settings, state=state)
    calls = paths_of(org, mark)
    assert len(calls) == len(SALES) + 1, calls
    org.edit(sessions="expire")
    mark = org.last()
    run_tap(settings, state=state)
    assert len(paths_of(org, mark)) == len(calls) + 2, "one refused call, one login"


def test_a_field_that_went_away_since_the_describe_was_kept_is_left_out(org, tmp_path):  # noqa: F811 - a fixture
    settings = settings_of(org, "Account", "Contact", cache_folder=str(tmp_path))
    state = run_tap(settings).state
    org.edit(object="Account", remove_field="Website")
    edited = org.edit(object="Account", create={"Name": "After the change"})["id"]
    output = run_tap(settings, state=state)
    assert output.error is None
    assert "Website" not in output.schemas["Account"]["schema"]["properties"]
    assert output.by_id("Account")[edited]["Name"] == "After the change"


def test_a_clock_of_salesforce_that_moved_since_the_last_run_hides_no_row(org, tmp_path):  # noqa: F811 - a fixture
    settings = settings_of(org, "Account", cache_folder=str(tmp_path))
    state = run_tap(settings).state
    org.clock(advance=1800)
    created = org.edit(object="Account", create={"Name": "By the new clock"})["id"]
    mark = org.last()
    output = run_tap(settings, state=state)
    assert not [call for call in paths_of(org, mark) if "token" in call], "the login was kept"
    assert created in output.by_id("Account")


def test_edits_deletions_and_undeletions_arrive(org, settings):  # noqa: F811 - a fixture
    first = run_tap(settings)
    living = [record["Id"] for record in first.records["Account"] if not record["IsDeleted"]]
    edited, removed = living[:2]
    org.edit(object="Account", id=edited, set={"Phone": "+1 555 0100"})
    org.edit(object="Account", id=removed, delete=True)
    second = run_tap(settings, state=first.state)
    assert second.by_id("Account")[edited]["Phone"] == "+1 555 0100"
    assert second.by_id("Account")[removed]["IsDeleted"] is True
    org.edit(object="Account", id=removed, undelete=True)
    third = run_tap(settings, state=second.state)
    restored = [record for record in third.records["Account"] if record["Id"] == removed]
    assert [record["IsDeleted"] for record in restored] == [False]


def test_a_merged_record_arrives_with_its_winner(org, settings):  # noqa: F811 - a fixture
    first = run_tap(settings)
    living = [record["Id"] for record in first.records["Account"] if not record["IsDeleted"]]
    winner, loser = living[:2]
    org.edit(object="Account", merge={"winner": winner, "losers": [loser]})
    second = run_tap(settings, state=first.state)
    assert second.by_id("Account")[loser]["MasterRecordId"] == winner
    assert second.by_id("Account")[loser]["IsDeleted"] is True


def test_a_purged_record_arrives_from_the_deletion_log_and_no_other(org, settings):  # noqa: F811 - a fixture
    first = run_tap(settings)
    living = [record["Id"] for record in first.records["Account"] if not record["IsDeleted"]]
    purged, only_deleted = living[:2]
    org.edit(object="Account", id=only_deleted, delete=True)
    org.edit(object="Account", id=purged, delete=True)
    org.edit(object="Account", id=purged, purge=True)
    second = run_tap(settings, state=first.state)
    records = [r for r in second.records["Account"] if r["Id"] in {purged, only_deleted}]
    assert len(records) == 2, "one from the query, one from the log"
    gone = second.by_id("Account")[purged]
    assert set(gone) == {"Id", "IsDeleted", "SystemModstamp"}
    assert gone["IsDeleted"] is True
    assert len(second.by_id("Account")[only_deleted]) > 3


def test_the_deletion_log_can_be_left_unread(org):  # noqa: F811 - a fixture
    settings = settings_of(org, read_deletion_log=False)
    first = run_tap(settings)
    mark = org.last()
    run_tap(settings, state=first.state)
    assert not [call for call in paths_of(org, mark) if call.endswith("/deleted")]


def test_a_row_that_was_committed_late_arrives_by_the_overlap(org, settings):  # noqa: F811 - a fixture
    created = org.edit(object="Account", create={"Name": "Newest"})
    first = run_tap(settings)
    assert created["id"] in first.by_id("Account")
    late = org.edit(object="Account", create={"Name": "Late"}, late_s=300)
    second = run_tap(settings, state=first.state)
    assert second.by_id("Account")[late["id"]]["SystemModstamp"] < stamp(first)
    assert stamp(second) == stamp(first), "a late row does not move the bookmark back"


def test_a_load_that_was_written_last_is_not_read_again_by_every_run(org, settings):  # noqa: F811 - a fixture
    made = {org.edit(object="Account", create={"Name": f"Load {n}"})["id"] for n in range(5)}
    output = run_tap(settings)
    assert made <= set(output.by_id("Account"))
    for _ in range(2):
        org.clock(advance=3600)
        output = run_tap(settings, state=output.state)
    assert not made & set(output.by_id("Account"))


@pytest.mark.parametrize("page_size", [1, 2, 7])
def test_equal_stamps_across_pages_lose_no_row_when_a_run_is_cut_off(org, page_size):  # noqa: F811 - a fixture
    org.clock(frozen=True)
    for number in range(9):
        org.edit(object="Site__c", create={"Name": f"Same moment {number}"})
    org.clock(frozen=False)
    org.switches(query_page_size=page_size)
    settings = settings_of(org, "Site__c", state_message_threshold=1, api_type="REST")
    catalog = discovered(settings)
    expected = {row["Id"] for row in org.rows("Site__c")}
    seen: set[str] = set()
    state: dict = {}
    bookmarks = [""]
    for pages in range(1, 8):
        org.clear_faults()
        org.fault({"path": "/query/", "nth": pages}, {"status": 400, "times": 99, "body": BROKEN})
        output = run_tap(settings, catalog=catalog, state=state)
        seen |= set(output.by_id("Site__c"))
        state = output.state
        bookmarks.append(state["bookmarks"]["Site__c"].get("replication_key_value", ""))
    org.clear_faults()
    last = run_tap(settings, catalog=catalog, state=state)
    assert seen | set(last.by_id("Site__c")) == expected
    assert bookmarks == sorted(bookmarks), "never backwards"


BROKEN = [{"errorCode": "UNKNOWN_TROUBLE", "message": "not today"}]


def test_a_lost_cursor_is_taken_up_again_behind_the_last_row(org):  # noqa: F811 - a fixture
    org.switches(query_page_size=20)
    lost = [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]
    org.fault({"path": "/query/", "nth": 2, "every": 1}, {"status": 400, "body": lost, "times": 1})
    output = run_tap(settings_of(org, api_type="REST"))
    ids = [record["Id"] for record in output.records["Account"]]
    assert sorted(ids) == sorted(row["Id"] for row in org.rows("Account"))


def test_a_state_of_the_meltanolabs_tap_goes_on_where_that_one_ended(org, settings):  # noqa: F811 - a fixture
    first = run_tap(settings)
    old = {
        "bookmarks": {
            "Account": {"version": 1, "SystemModstamp": stamp(first).replace(".000Z", ".000000Z")}
        }
    }
    org.edit(object="Account", create={"Name": "After the switch"})
    second = run_tap(settings, state=old)
    assert 1 <= len(second.records["Account"]) < len(first.records["Account"])
    assert second.records["Account"][-1]["Name"] == "After the switch"


def test_a_bookmark_in_the_future_stays_and_the_overlap_is_still_read(org, settings):  # noqa: F811 - a fixture
    future = "2031-01-01T00:00:00.000Z"
    state = {
        "bookmarks": {
            "Account": {"replication_key": "SystemModstamp", "replication_key_value": future}
        }
    }
    edited = org.edit(object="Account", create={"Name": "Now"})
    output = run_tap(settings, state=state)
    assert edited["id"] in output.by_id("Account")
    assert stamp(output) == future


def test_start_and_end_date_bound_the_read(org):  # noqa: F811 - a fixture
    stamps = sorted(row["SystemModstamp"] for row in org.rows("Account"))
    low, high = stamps[len(stamps) // 4][:19] + "Z", stamps[len(stamps) // 2][:19] + "Z"
    output = run_tap(settings_of(org, start_date=low, end_date=high))
    read = [record["SystemModstamp"][:19] + "Z" for record in output.records["Account"]]
    assert read
    assert low <= min(read)
    assert max(read) <= high
    assert stamp(output)[:19] + "Z" <= high


def test_long_statements_are_split_and_their_rows_joined(org, monkeypatch):  # noqa: F811 - a fixture
    whole = run_tap(settings_of(org, "Account", "Contact", api_type="REST"))
    monkeypatch.setattr(client_module, "MOST_QUERY_CHARACTERS", 600)
    org.switches(query_page_size=13)
    mark = org.last()
    split = run_tap(settings_of(org, "Account", "Contact", api_type="REST"))
    assert len(paths_of(org, mark)) > 10
    for stream in ("Account", "Contact"):
        assert split.by_id(stream) == whole.by_id(stream)
        assert len(split.records[stream]) == len(whole.records[stream])


def test_a_failed_job_falls_back_to_rest(org):  # noqa: F811 - a fixture
    org.switches(bulk_fail_next=1)
    output = run_tap(settings_of(org, api_type="BULK2"))
    assert output.error is None
    assert set(output.by_id("Account")) == {row["Id"] for row in org.rows("Account")}


def test_an_aborted_job_is_an_error_that_says_so(org):  # noqa: F811 - a fixture
    org.switches(bulk_abort_next=1)
    output = run_tap(settings_of(org, api_type="BULK2"))
    assert isinstance(output.error, RetryError)
    assert "aborted" in str(output.error)
    assert not output.state.get("bookmarks", {}).get("Account", {}).get("replication_key_value")


def test_a_used_up_quota_stops_with_the_state_kept_and_the_next_run_goes_on(org):  # noqa: F811 - a fixture
    org.switches(query_page_size=10, daily_api_requests=100)
    settings = settings_of(org, api_type="REST", state_message_threshold=10)
    catalog = discovered(settings)
    settings["quota_percent_per_run"] = 6
    stopped = run_tap(settings, catalog=catalog)
    assert isinstance(stopped.error, QuotaError)
    assert stamp(stopped)
    org.switches(daily_api_requests=100_000)
    rest = run_tap(settings, catalog=catalog, state=stopped.state)
    assert rest.error is None
    assert set(stopped.by_id("Account")) | set(rest.by_id("Account")) == {
        row["Id"] for row in org.rows("Account")
    }


def test_salesforce_s_own_limit_stops_at_once(org):  # noqa: F811 - a fixture
    settings = settings_of(org)
    catalog = discovered(settings)
    limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    org.fault({"path": "/queryAll"}, {"status": 403, "body": limit})
    mark = org.last()
    output = run_tap(settings, catalog=catalog)
    assert isinstance(output.error, QuotaError)
    assert sum("/queryAll" in call for call in paths_of(org, mark)) == 1


def test_rotated_refresh_tokens_last_for_the_whole_run(org):  # noqa: F811 - a fixture
    org.switches(rotate_refresh_tokens=True)
    catalog = discovered(settings_of(org, *SALES))
    org.reset()
    org.switches(rotate_refresh_tokens=True, query_page_size=50)
    expired = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]
    org.fault({"path": "/query", "every": 3}, {"status": 401, "body": expired})
    output = run_tap(settings_of(org, *SALES, api_type="REST"), catalog=catalog)
    assert output.error is None
    for stream in SALES:
        assert len(output.by_id(stream)) == len(org.rows(stream))


def test_stream_maps_still_work(org):  # noqa: F811 - a fixture
    maps = {"Account": {"Shout": "Name.upper()", "__else__": None, "Id": "Id"}}
    output = run_tap(settings_of(org, stream_maps=maps))
    record = output.records["Account"][0]
    assert set(record) == {"Id", "Shout"}
    assert record["Shout"].isupper()


def test_a_selected_field_that_is_not_there_is_named_before_anything_is_read(org):  # noqa: F811 - a fixture
    settings = settings_of(org)
    catalog = discovered(settings)
    catalog["streams"][0]["metadata"].append(
        {"breadcrumb": ["properties", "Nmae"], "metadata": {"selected": True}}
    )
    mark = org.last()
    output = run_tap(settings, catalog=catalog)
    assert isinstance(output.error, ConfigurationError)
    assert output.error.problems == ("Account.Nmae; did you mean Name?",)
    assert paths_of(org, mark) == []


def test_a_catalog_without_facts_is_described_for_its_selected_streams_only(org):  # noqa: F811 - a fixture
    foreign = {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "schema": {"type": "object", "properties": {"Id": {"type": "string"}}},
                "metadata": [{"breadcrumb": [], "metadata": {"selected": name == "Account"}}],
            }
            for name in SALES
        ]
    }
    mark = org.last()
    output = run_tap(settings_of(org), catalog=foreign)
    assert output.error is None
    assert set(output.records) == {"Account"}
    assert sum(call.endswith("/describe") for call in paths_of(org, mark)) == 1


def test_a_full_table_read_keeps_no_bookmark(org):  # noqa: F811 - a fixture
    settings = settings_of(org)
    catalog = discovered(settings)
    catalog["streams"][0]["replication_method"] = "FULL_TABLE"
    output = run_tap(settings, catalog=catalog)
    assert len(output.records["Account"]) == len(org.rows("Account"))
    assert "replication_key_value" not in output.state["bookmarks"].get("Account", {})


def test_a_purge_log_that_begins_later_is_read_from_there(org, settings, caplog):  # noqa: F811 - a fixture
    first = run_tap(settings)
    long_ago = (datetime.now(timezone.utc) - timedelta(days=40)).strftime("%Y-%m-%dT%H:%M:%SZ")
    state = first.state
    state["bookmarks"]["Account"]["deletions_read_until"] = long_ago
    output = run_tap(settings, state=state)
    assert output.error is None
    assert "deletion log begins at" in caplog.text


def test_a_salesforce_clock_that_is_behind_ours_hides_no_row(org, settings):  # noqa: F811 - a fixture
    catalog = discovered(settings)
    org.clock(advance=-3 * 86_400)
    created = org.edit(object="Account", create={"Name": "By its own clock"})
    output = run_tap(settings, catalog=catalog)
    assert created["id"] in output.by_id("Account")
    assert stamp(output) == output.by_id("Account")[created["id"]]["SystemModstamp"]
