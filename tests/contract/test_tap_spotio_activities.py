"""The streams ``activities`` and ``appointments``: everything once, whole, under every switch."""

from __future__ import annotations

import functools
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_sf.errors import ConfigurationError, ReverseSFError
from reverse_sf.simulator.local import running
from reverse_sf.simulator.spotio.demo_workflow import demo_workflow
from reverse_sf.spotio.activities import Activities
from reverse_sf.spotio.instants import parse_instant
from reverse_sf.spotio.session import Session
from tap_spotio import tap as tap_module
from tests.contract.tap_spotio_fixtures import calls, discovered, run_tap, settings_of, write

BOTH = ("activities", "appointments")
EXPORT = "POST /api/Exports/activities/data/flexible"
FEED = "GET /api/v2/activities/feed"
FILTER = "POST /api/v2/filters"
EXPIRED = {"status": 400, "body": {"errors": {"scrollId": "scrollId has expired."}}}
SWITCHES = {
    "feed_page": [50, 7],
    "scroll_end": ["null", "absent", "repeat"],
    "activity_order": ["asc", "desc", "random"],
    "activity_dates": ["date", "created", "updated"],
    "activity_period": ["inclusive", "exclusive"],
    "historical_distance": ["metres", "kilometres", "miles"],
    "export_window": [None, 30],
    "done_activities": ["refused", "changed"],
    "activity_touches": [True, False],
    "suspended_users": ["listed", "hidden"],
    "updated_after": ["inclusive", "exclusive"],
}
WEEKLY = {"periodicity": "weeks", "interval": 1, "count": 4}


@pytest.fixture(scope="module", name="started")
def started_fixture():
    with running(records=200) as servers:
        yield servers.spotio


@pytest.fixture(name="spotio")
def spotio_fixture(started, monkeypatch):
    monkeypatch.setattr(
        tap_module, "Session", functools.partial(Session, sleep=lambda _seconds: None)
    )
    started.reset()
    started.clear_faults()
    return started


def read(spotio, *streams, state=None, **more):
    """A run with these streams alone."""
    given_settings = settings_of(spotio, **more)
    catalog = discovered(given_settings, *(streams or ("activities",)))
    output = run_tap(given_settings, catalog=catalog, state=state)
    assert output.error is None
    return output


def sent(output, stream="activities"):
    """What was sent, by id; nothing is sent twice."""
    records = output.records[stream]
    by_id = {one["id"]: one for one in records}
    assert len(by_id) == len(records)
    return by_id


def record_of(spotio, object_name="Accounts", place=0):
    return spotio.rows(object_name)[place]["id"]


def series_on(spotio, record, **more):
    """A weekly appointment that begins in an hour; its upcoming ones, the first one stored."""
    begins = soon(spotio)
    body = {"dataObjectId": record, "date": begins, "title": "Weekly", "allDay": False, **more}
    write(spotio, "POST", "/api/v2/appointments", {**body, "recurringDefinition": WEEKLY})
    found = write(spotio, "GET", f"/api/DataObjects/{record}/appointments/upcoming")["items"]
    return [one for one in found if one["title"] == "Weekly"]


def soon(spotio):
    """Ten o'clock, the day after tomorrow."""
    return f"{parse_instant(spotio.clock()) + timedelta(days=2):%Y-%m-%d}T10:00:00Z"


def patch(spotio, appointment_id, **changes):
    headers = {"Content-Type": "application/merge-patch+json"}
    path = f"/api/v2/appointments/{appointment_id}"
    return write(spotio, "PATCH", path, changes, headers=headers)


# What a record says


def expectation(spotio):
    """Every activity of people, from what the server keeps rather than from its feeds."""
    flow = demo_workflow()
    users = {row["id"]: row for row in spotio.rows("users")}
    types = {row["id"]: str(flow.named(row["type"]).id) for row in spotio.rows("dataObjects")}
    expected = {}
    for row in spotio.rows("activities"):
        if row["type"] not in ("event", "note"):
            continue
        template = flow.template(int(row["activityTemplateId"] or 0))
        results = {str(number): name for number, name in template.results} if template else {}
        owner = users[row["ownerId"]]
        expected[row["id"]] = {
            "activityId": row["id"],
            "dataObjectId": row["dataObjectId"],
            "dataObjectTypeId": types[row["dataObjectId"]],
            "activityTemplateId": row["activityTemplateId"],
            "template": template.name if template else None,
            "templateRole": (template.system_role or None) if template else None,
            "templateCategory": template.category if template else None,
            "type": row["type"],
            "isNote": row["type"] == "note",
            "done": row["done"],
            "date": f"{row['date'][:19]}.000000Z",
            "allDay": row["allDay"],
            "allDayDate": row["date"][:10] if row["allDay"] else None,
            "title": row["title"],
            "notes": row["notes"],
            "durationSeconds": row["durationSeconds"],
            "ownerId": row["ownerId"],
            "ownerEmail": owner["email"],
            "ownerName": f"{owner['firstName']} {owner['lastName']}",
            "resultId": row["resultId"],
            "result": results.get(row["resultId"]),
            "direction": {"in": "In", "out": "Out", None: None}[row.get("direction")],
            "email": row["email"],
            "phoneNumber": row["phoneNumber"],
            "text": row["text"],
            "snippet": row["snippet"],
            "verified": row["verified"],
            "distance": row["distance"],
        }
    return expected


def test_every_activity_is_as_the_server_keeps_it(spotio):
    expected = expectation(spotio)
    kinds = {(one["templateRole"], one["done"], one["isNote"]) for one in expected.values()}
    assert len(kinds) >= 8, "of every kind some"
    found = {one["activityId"]: one for one in sent(read(spotio)).values()}
    assert set(found) == set(expected)
    for activity_id, one in expected.items():
        assert {key: found[activity_id][key] for key in one} == one
    assert {one["templateType"] for one in found.values()} == {"Event", "Task", None}


def test_where_and_how_long_an_activity_was(spotio):
    record = record_of(spotio)
    pin = next(row["pin"] for row in spotio.rows("Accounts") if row["id"] == record)
    there = {"activityLat": pin["lat"] + 0.001, "activityLng": pin["lng"]}
    visit = {"template": "Visit", "result": "Interested", "duration": 25, **there}
    far = spotio.log("Accounts", record, **visit, mobileId="m1", done=True)["activity"]
    planned = spotio.log("Accounts", record, **visit, done=False)["activity"]
    found = sent(read(spotio))
    # A thousandth of a degree of latitude is 111.2 metres.
    assert found[far]["distance"] == pytest.approx(111.2, abs=0.1)
    assert found[far]["verified"] is True
    for one in (far, planned):
        assert found[one]["duration"] == 25
        assert found[one]["activityLat"] == pytest.approx(there["activityLat"])
        assert found[one]["activityLng"] == pytest.approx(there["activityLng"])
    assert found[planned]["distance"] is None


def test_what_spotio_notes_by_itself_is_read_only_where_asked_for(spotio):
    spotio.edit(object="Accounts", id=record_of(spotio), set={"Stage": "Customer"})
    kept = Counter(row["type"] for row in spotio.rows("activities"))
    assert {"create", "transition"} <= set(kept)
    plain = Counter(one["type"] for one in sent(read(spotio)).values())
    assert set(plain) == {"event", "note"}
    everything = Counter(
        one["type"] for one in sent(read(spotio, automatic_activities=True)).values()
    )
    assert everything == kept


def test_templates_choose_what_is_read_and_sent(spotio):
    mark = spotio.last()
    visits = sent(read(spotio, activity_templates=["Visit"]))
    expected = {key for key, one in expectation(spotio).items() if one["template"] == "Visit"}
    assert set(visits) == expected
    assert not [
        one for one in calls(spotio, mark) if "/activities/" in one and one not in {FEED, EXPORT}
    ]
    notes = sent(read(spotio, activity_templates=["Visit", "Note"]))
    assert {one["template"] for one in notes.values()} == {"Visit", None}
    wrong = run_tap(
        settings_of(spotio, activity_templates=["Vist"]),
        catalog=discovered(settings_of(spotio), "activities"),
    )
    assert isinstance(wrong.error, ConfigurationError)
    assert "did you mean Visit?" in wrong.error.problems[0]


def test_a_suspended_owner_is_named_too(spotio):
    spotio.switches(suspended_users="hidden")
    owner = expectation(spotio)[max(expectation(spotio), key=int)]
    write(spotio, "POST", f"/api/users/{owner['ownerId']}/block")
    found = {one["ownerId"]: one["ownerEmail"] for one in sent(read(spotio)).values()}
    assert found[owner["ownerId"]] == owner["ownerEmail"]


# Everything, under every switch


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    switches=st.fixed_dictionaries({key: st.sampled_from(all_) for key, all_ in SWITCHES.items()})
)
def test_the_same_activities_are_sent_under_any_switches(started, switches):
    started.reset()
    plain = sent(read(started))
    started.switches(**switches)
    first = read(started)
    assert sent(first) == plain
    changed = started.log("Accounts", record_of(started), template="Call", result="Reached")
    later = read(started, state=first.state)
    assert set(sent(later)) == {changed["activity"]}


def test_an_activity_that_is_shown_late_is_read_by_the_next_run(spotio):
    spotio.switches(activity_delay_s=120)
    late = spotio.log("Accounts", record_of(spotio), template="Visit")["activity"]
    first = read(spotio)
    assert late not in sent(first)
    spotio.clock(advance=200)
    second = read(spotio, state=first.state)
    assert set(sent(second)) == {late}
    assert not sent(read(spotio, state=second.state))


def test_what_is_done_between_the_two_reads_is_whole_after_the_next_run(spotio, monkeypatch):
    record = record_of(spotio)
    planned = spotio.log("Accounts", record, template="Visit", done=False)["activity"]
    spotio.clock(advance=60)
    feed = Activities.fed

    def busy(self):
        done = {"done": True, "result": "Interested", "notes": "Meanwhile"}
        spotio.edit(object="activities", id=planned, set=done)
        spotio.log("Accounts", record, template="Call", notes="New")
        yield from feed(self)

    monkeypatch.setattr(Activities, "fed", busy)
    first = read(spotio, lookback_window=0)
    monkeypatch.undo()
    assert not sent(first).get(planned, {}).get("notes")
    second = sent(read(spotio, lookback_window=0, state=first.state))
    held = {**sent(first), **second}
    expected = expectation(spotio)
    assert {one["activityId"] for one in held.values()} == set(expected)
    assert held[planned]["result"] == "Interested"
    assert held[planned]["done"] is True


def test_an_activity_that_is_deleted_meanwhile_is_left_out(spotio, monkeypatch):
    planned = spotio.log("Accounts", record_of(spotio), template="Visit", done=False)["activity"]
    feed = Activities.fed

    def busy(self):
        yield from feed(self)
        spotio.edit(object="activities", id=planned, delete=True)

    monkeypatch.setattr(Activities, "fed", busy)
    assert planned not in sent(read(spotio))


def test_a_record_that_a_call_for_many_does_not_show_is_asked_for_by_itself(spotio):
    planned = spotio.log("Accounts", record_of(spotio), template="Visit", done=False)["activity"]
    spotio.fault({"path": "/DataObjects/many"}, {"status": 200, "body": []})
    found = sent(read(spotio))
    assert found[planned]["dataObjectTypeId"] == "1"
    assert {one["activityId"] for one in found.values()} == set(expectation(spotio))


def test_the_clock_of_a_service_that_is_behind_ours_loses_nothing(spotio):
    spotio.clock(set="2026-03-01T00:00:00Z")
    record = record_of(spotio)
    spotio.log("Accounts", record, template="Visit")
    first = read(spotio)
    late = spotio.log("Accounts", record, template="Call", done=False)["activity"]
    assert set(sent(read(spotio, state=first.state))) == {late}


def test_a_start_date_leaves_out_what_was_updated_before(spotio):
    everything = sent(read(spotio))
    start = sorted(one["updatedAt"] for one in everything.values())[len(everything) // 2]
    found = sent(read(spotio, start_date=start))
    assert set(found) == {key for key, one in everything.items() if one["updatedAt"] >= start}


def test_an_end_date_leaves_out_what_was_updated_after_it_and_a_later_run_sends_it(spotio):
    everything = sent(read(spotio))
    end = sorted(one["updatedAt"] for one in everything.values())[len(everything) // 2]
    first = read(spotio, end_date=end)
    assert set(sent(first)) == {key for key, one in everything.items() if one["updatedAt"] <= end}
    assert first.state["bookmarks"]["activities"]["replication_key_value"] <= end
    rest = sent(read(spotio, state=first.state))
    assert set(rest) >= set(everything) - set(sent(first))


def test_appointments_count_as_updated_when_they_are_read(spotio):
    series_on(spotio, record_of(spotio))
    asked = {"upcoming_appointments": True}
    assert sent(read(spotio, "appointments", **asked), "appointments")
    ended = read(spotio, "appointments", end_date="2020-01-01", **asked)
    assert ended.records["appointments"] == []


def test_stream_maps_work_on_activities_too(spotio):
    maps = {"activities": {"id": "id", "what": "title", "__else__": None}}
    found = read(spotio, stream_maps=maps).records["activities"]
    assert {frozenset(one) for one in found} == {frozenset({"id", "what"})}


# Faults and restarts


@pytest.mark.parametrize("path", ["/Exports/activities", "/activities/feed"])
def test_a_lost_cursor_begins_the_list_again_and_sends_nothing_twice(spotio, path):
    spotio.switches(feed_page=10)
    expected = sent(read(spotio))
    for nth in (2, 3):
        spotio.clear_faults()
        spotio.fault({"path": path, "nth": nth}, EXPIRED)
        assert sent(read(spotio)) == expected


def test_a_list_that_loses_every_cursor_ends_in_an_error(spotio):
    spotio.switches(feed_page=10)
    catalog = discovered(settings_of(spotio), "activities")
    spotio.fault({"path": "scrollId"}, EXPIRED)
    assert isinstance(run_tap(settings_of(spotio), catalog=catalog).error, ReverseSFError)


def test_a_run_that_breaks_off_anywhere_is_completed_by_the_next(spotio):
    spotio.switches(feed_page=20)
    first = read(spotio)
    record = record_of(spotio)
    made = {
        spotio.log("Accounts", record, template="Visit", notes=str(number), done=number % 2 == 0)[
            "activity"
        ]
        for number in range(6)
    }
    given_settings = settings_of(spotio)
    catalog = discovered(given_settings, "activities")
    mark = spotio.last()
    run_tap(given_settings, catalog=catalog, state=first.state)
    whole = len(spotio.requests(since=mark))
    for nth in range(1, whole + 1):
        spotio.clear_faults()
        spotio.fault({"nth": nth, "every": 1}, {"status": 503, "times": 100})
        broken = run_tap(given_settings, catalog=catalog, state=first.state)
        spotio.clear_faults()
        assert isinstance(broken.error, ReverseSFError), f"call {nth}"
        rest = read(spotio, state=broken.states[-1] if broken.states else first.state)
        assert set(sent(rest)) == made, f"call {nth}"


# What it costs


def test_it_costs_nothing_unless_it_is_selected(spotio):
    mark = spotio.last()
    run_tap(settings_of(spotio))
    assert not [one for one in calls(spotio, mark) if "ctivities" in one or "appointments" in one]


def test_an_idle_run_is_two_calls(spotio):
    first = read(spotio)
    catalog = discovered(settings_of(spotio), "activities")
    mark = spotio.last()
    idle = run_tap(settings_of(spotio), catalog=catalog, state=first.state)
    assert calls(spotio, mark) == [FILTER, EXPORT]
    assert not idle.records


def test_a_thousand_done_activities_cost_their_pages(spotio):
    first = read(spotio)
    record = record_of(spotio)
    visit = {"dataObjectId": record, "activityTemplateId": "1", "resultId": "2", "done": True}
    write(spotio, "POST", "/api/v2/activities/many", [visit] * 1000)
    catalog = discovered(settings_of(spotio), "activities")
    mark = spotio.last()
    output = run_tap(settings_of(spotio), catalog=catalog, state=first.state)
    assert len(sent(output)) == 1000
    asked = Counter(calls(spotio, mark))
    assert asked.pop(EXPORT) == asked.pop(FEED) == 20
    assert asked == {
        FILTER: 1,
        "GET /api/workflow": 1,
        "GET /api/CalendarSettings": 1,
        "GET /api/users": 1,
    }


def test_appointments_are_off_unless_asked_for(spotio):
    catalog = discovered(settings_of(spotio), "appointments")
    mark = spotio.last()
    output = run_tap(settings_of(spotio), catalog=catalog)
    assert not output.records
    assert not [one for one in calls(spotio, mark) if "upcoming" in one]


# One identity for an occurrence


def both(spotio, state=None):
    return read(spotio, *BOTH, state=state, upcoming_appointments=True)


def test_an_occurrence_is_one_thing_from_before_it_is_stored_until_it_is_done(spotio):
    record = record_of(spotio)
    rows = series_on(spotio, record)
    stored, moved, at_once, _ = rows
    first = both(spotio)
    known = {one["id"] for name in BOTH for one in sent(first, name).values()}
    series = stored["recurringDefinition"]["id"]
    assert {moved["id"], at_once["id"]} <= known
    (head,) = (one for one in sent(first).values() if one["activityId"] == stored["activityId"])
    assert head["id"] == f"0-{series}-{ticks(stored['date'])}"
    assert head["appointmentId"] == stored["id"]
    # One is moved while it is planned, and done later; another is done at once, on another day.
    kept = patch(spotio, moved["id"], date=shifted(moved["date"]))
    second = both(spotio, first.state)
    assert {one["activityId"] for one in sent(second).values()} == {kept["activityId"]}
    assert set(sent(second)) == {moved["id"]}
    patch(spotio, kept["id"], done=True)
    now_done = patch(spotio, at_once["id"], done=True, date=shifted(at_once["date"]))
    third = both(spotio, second.state)
    assert {one["id"]: (one["done"], one["activityId"]) for one in sent(third).values()} == {
        moved["id"]: (True, kept["activityId"]),
        at_once["id"]: (True, now_done["activityId"]),
    }


def test_a_series_of_visits_is_known_when_its_visits_are_done(spotio):
    rows = series_on(spotio, record_of(spotio), activityTemplateId="1")
    first = both(spotio)
    done = patch(spotio, rows[1]["id"], done=True)
    second = sent(both(spotio, first.state))
    assert {one: found["activityId"] for one, found in second.items()} == {
        rows[1]["id"]: done["activityId"]
    }


def ticks(date):
    """As SPOTIO counts: tenths of a microsecond since the year 1."""
    since = parse_instant(date) - datetime(1, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86400 + since.seconds) * 10_000_000


def shifted(date):
    """A day and two hours later."""
    return (parse_instant(date) + timedelta(hours=26)).isoformat()


def test_appointments_and_activities_say_the_same_of_a_stored_one(spotio):
    series_on(spotio, record_of(spotio))
    alone = sent(read(spotio, "appointments", upcoming_appointments=True), "appointments")
    stored = {key: one for key, one in alone.items() if one["activityId"]}
    activities = sent(read(spotio))
    assert len(stored) > 3
    for key, one in stored.items():
        assert {**activities[key], "updatedAt": one["updatedAt"]} == {
            "createdAt": activities[key]["createdAt"],
            **one,
        }
    # Of both streams in one run, activities has them.
    together = both(spotio)
    assert not [one for one in sent(together, "appointments").values() if one["activityId"]]


def test_appointments_are_sent_when_they_are_new_and_of_chosen_types(spotio):
    accounts = {row["id"] for row in spotio.rows("Accounts")}
    chosen = {"upcoming_appointments": True, "appointment_types": ["Accounts"]}
    series_on(spotio, record_of(spotio))
    series_on(spotio, record_of(spotio, "Leads"))
    mark = spotio.last()
    first = read(spotio, "appointments", **chosen)
    found = sent(first, "appointments")
    assert {one["dataObjectId"] for one in found.values()} <= accounts
    assert {one["dataObjectTypeId"] for one in found.values()} == {"1"}
    asked = [one for one in calls(spotio, mark) if one.endswith("/upcoming")]
    assert len(asked) == len(set(asked)) == len(accounts)
    idle = read(spotio, "appointments", state=first.state, **chosen)
    assert not sent(idle, "appointments")
    added = series_on(spotio, record_of(spotio, place=1), title="Weekly")
    again = read(spotio, "appointments", state=idle.state, **chosen)
    new = sent(again, "appointments").values()
    assert {one["date"][:10] for one in new} == {one["date"][:10] for one in added}
