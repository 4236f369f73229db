"""Names of templates, which activities are wanted, ticks, and the halves of an activity."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_sf.errors import ConfigurationError
from reverse_sf.spotio.client import User
from reverse_sf.spotio.instants import ticks_of
from tap_spotio.activity_rows import Halves
from tap_spotio.activity_shape import PROPERTIES, ActivityShape, Standing
from tap_spotio.activity_templates import Choice, Vocabulary

VISIT = {
    "id": 1,
    "name": "Visit",
    "systemRole": "visit",
    "type": "event",
    "category": "inPerson",
    "activityResults": [{"id": 2, "name": "Interested"}],
}
LATER = {"id": "8", "name": "Update", "systemRole": None, "type": "Task", "category": "Virtual"}
VOCABULARY = Vocabulary([VISIT, LATER])
STAMP = "2026-05-06T12:00:00.1234567+00:00"


def test_ticks_are_counted_as_spotio_counts_them():
    # From the id 0-5173-638186040000000000 in SPOTIO's OpenAPI file.
    assert ticks_of("2023-05-02T06:00:00Z") == 638186040000000000
    assert ticks_of("2023-05-02T08:00:00.0000001+02:00") == 638186040000000001
    assert ticks_of("0001-01-01T00:00:00Z") == 0


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001 - the strategy adds the zone
)
def test_ticks_lose_nothing(moment):
    since = timedelta(microseconds=ticks_of(moment.isoformat()) // 10)
    assert datetime(1, 1, 1, tzinfo=timezone.utc) + since == moment


def test_templates_are_read_in_either_spelling():
    visit = VOCABULARY.get("1")
    assert (visit.role, visit.type, visit.category) == ("Visit", "Event", "InPerson")
    later = VOCABULARY.get("8")
    assert (later.role, later.type, later.category) == (None, "Task", "Virtual")
    assert VOCABULARY.knows({"activityTemplateId": 1, "resultId": "2"})
    assert not VOCABULARY.knows({"activityTemplateId": "1", "resultId": "3"})
    assert not VOCABULARY.knows({"activityTemplateId": "9"})


EVENT = {"type": "event", "activityTemplateId": "1"}
NOTE = {"type": "note", "isNote": True}
FREE = {"type": "event", "activityTemplateId": None}
MOVED = {"type": "transition"}


@pytest.mark.parametrize(
    ("names", "automatic", "wanted"),
    [
        ([], False, [EVENT, NOTE, FREE]),
        ([], True, [EVENT, NOTE, FREE, MOVED]),
        (["Visit"], False, [EVENT]),
        (["Update"], False, []),
        (["Update", "Note"], True, [NOTE, MOVED]),
    ],
)
def test_settings_choose_activities(names, automatic, wanted):
    choice = Choice.of(names, VOCABULARY, automatic=automatic)
    found = [one for one in (EVENT, NOTE, FREE, MOVED) if choice.wants(one, VOCABULARY)]
    assert found == wanted


def test_spotio_chooses_by_template_only_where_nothing_without_one_counts():
    assert Choice.of(["Visit"], VOCABULARY, automatic=False).template_ids(VOCABULARY) == ["1"]
    for names, automatic in ((["Visit", "Note"], False), (["Visit"], True), ([], False)):
        choice = Choice.of(names, VOCABULARY, automatic=automatic)
        assert choice.template_ids(VOCABULARY) == []


def test_a_row_of_the_export_is_passed_over_only_where_its_name_leaves_no_doubt():
    choice = Choice()
    for name in ("Owner Changed", "ownerChanged", "Transition", "Create"):
        assert not choice.may_want({"activityType": name}, VOCABULARY)
        assert Choice(automatic=True).may_want({"activityType": name}, VOCABULARY)
    # A template may be called as SPOTIO calls a change of its own, or be newer than the workflow.
    for row in ({"activityType": "Update"}, {"activityType": "New one"}, {"activityType": None}):
        assert choice.may_want(row, VOCABULARY)
    assert choice.may_want({"activityType": "Create", "activityTemplateType": "Visit"}, VOCABULARY)
    visits = Choice(frozenset({"Visit"}))
    assert not visits.may_want({"activityType": "Update"}, VOCABULARY)


def test_an_unknown_template_is_a_configuration_error():
    with pytest.raises(ConfigurationError) as raised:
        Choice.of(["Visits"], VOCABULARY, automatic=False)
    assert "did you mean Visit?" in raised.value.problems[0]


def shape(vocabulary=VOCABULARY):
    users = {"7": User(id="7", email="ann@example.com", name="Ann Rep")}
    return ActivityShape(vocabulary, users.get)


def test_an_activity_without_anything_has_all_properties_and_nothing_made_up():
    told = {
        "id": 5,
        "dataObjectId": "d",
        "type": "Event",
        "done": True,
        "ownerId": 9,
        "resultId": 2,
    }
    exported = {"updatedAt": STAMP, "owner": "Gone Rep", "result": "Called off"}
    made = shape().single(exported, told, Standing(), "3")
    assert set(made) == set(PROPERTIES) - {"dataObjectType"}, "which the stream adds"
    said = {key: value for key, value in made.items() if value is not None}
    assert said == {
        "id": "5",
        "activityId": "5",
        "dataObjectId": "d",
        "dataObjectTypeId": "3",
        "type": "event",
        "isNote": False,
        "done": True,
        "allDay": False,
        "ownerId": "9",
        "ownerName": "Gone Rep",
        "resultId": "2",
        "result": "Called off",
        "updatedAt": "2026-05-06T12:00:00.123456Z",
    }


def test_the_unit_of_the_feeds_distance_does_not_matter():
    told = {
        "id": "5",
        "dataObject": {"id": "d", "typeId": 1},
        "type": "ownerChanged",
        "distance": 0.1,
        "direction": "in",
        "ownerId": 7,
        "activityTemplateId": 1,
        "resultId": 2,
    }
    exported = {"updatedAt": STAMP, "distanceFromTheDataObjectInFeet": 328.08}
    made = shape().fed(exported, told, Standing(identity="0-1-2", appointment_id="4"))
    assert made["distance"] == 100.0
    assert (made["type"], made["direction"], made["result"]) == ("ownerChanged", "In", "Interested")
    assert (made["id"], made["activityId"], made["appointmentId"]) == ("0-1-2", "5", "4")
    assert (made["ownerEmail"], made["ownerName"]) == ("ann@example.com", "Ann Rep")


@pytest.mark.parametrize(
    ("told", "standing", "day"),
    [
        ({"allDay": True, "allDayDate": "2026-05-07T00:00:00"}, Standing(), "2026-05-07"),
        ({"allDay": True}, Standing(day="2026-05-08"), "2026-05-08"),
        ({"allDay": True, "date": "2026-05-06T00:00:00Z"}, Standing(), "2026-05-06"),
        ({"allDay": False, "date": "2026-05-06T00:00:00Z"}, Standing(), None),
    ],
)
def test_the_day_of_what_lasts_all_day(told, standing, day):
    row = {"id": 1, "dataObjectId": "d", "type": "event", **told}
    assert shape().single({"updatedAt": STAMP}, row, standing, "1")["allDayDate"] == day


def test_halves_find_each_other_in_any_order():
    with closing(Halves()) as halves:
        assert not halves
        for number in range(5):
            halves.add_exported({"id": str(number), "from": "export"})
        for number in (7, 3, 1):
            halves.add_fed({"id": number, "from": "feed"})
        assert halves
        done = [one for block in halves.done(1) for one in block]
        assert [(one["id"], other["id"]) for one, other in done] == [("1", 1), ("3", 3)]
        assert [len(block) for block in halves.alone(2)] == [2, 1]
        # What is listed again has changed: its other half does not count any more.
        halves.add_exported({"id": "3", "from": "export again"})
        assert [one["id"] for block in halves.alone(9) for one in block] == ["0", "2", "4", "3"]
