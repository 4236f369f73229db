"""The 25 fields of the native integration, each with the meaning of its table."""

from __future__ import annotations

import pytest

from reverse_sf.mapping.activity_fields import ALL_DAY, FIELDS, Activity, values_of

NATIVE = (
    *("Status", "Activity Date", "Description", "Subject", "Priority", "Duration"),
    *("Duration In Seconds", "OwnerEmail", "OwnerUserName", "Name", "Type", "Category", "Distance"),
    *("Location Verified", "Lat", "Lng", "VisitResult", "CallResult", "CallPhoneNumber"),
    *("CallDirection", "Email", "EmailSnippet", "EmailDirection", "Text", "TextPhoneNumber"),
    "TextDirection",
)


def activity(role: str | None = "Visit", **told) -> Activity:
    template = {"template": role, "template_role": role} if role else {"is_note": True}
    return Activity(**{"id": "1", "done": True, **template, **told})


def value(name: str, one: Activity):
    return values_of(one, [name])[name]


def test_every_field_of_the_native_integration_is_there_and_one_of_ours():
    assert set(FIELDS) == {*NATIVE, ALL_DAY}


@pytest.mark.parametrize(
    ("name", "one", "wanted"),
    [
        ("Status", activity(done=True), "Completed"),
        ("Status", activity(done=False), "Not Started"),
        ("Activity Date", activity(date="2026-03-04T15:30:00.1230000Z"), "2026-03-04T15:30:00Z"),
        (
            "Activity Date",
            activity(all_day=True, all_day_date="2026-03-04", date="2026-03-04T06:00:00Z"),
            "2026-03-04",
        ),
        ("Description", activity(notes="n"), "n"),
        ("Description", activity("Text", notes="n", text="See you"), "See you"),
        ("Subject", activity(title="t"), "t"),
        ("Priority", activity(), "Normal"),
        ("Duration", activity(duration=30), 30),
        ("Duration", activity(duration_seconds=95), 1),
        ("Duration In Seconds", activity(duration_seconds=95), 95),
        ("Duration In Seconds", activity(duration=2), 120),
        ("OwnerEmail", activity(owner_email="a@example.com"), "a@example.com"),
        ("OwnerUserName", activity(owner_name="Ada W"), "Ada W"),
        ("Name", activity("Visit"), "Visit"),
        ("Name", activity(None), "Note"),
        ("Type", activity(template_type="Event"), "event"),
        ("Type", activity(template_type="Task"), "task"),
        ("Category", activity(template_category="InPerson"), "In Person"),
        ("Category", activity(template_category="Virtual"), "Virtual"),
        ("Distance", activity(distance=12.5), 12.5),
        ("Distance", activity(distance=12.5, done=False), None),
        ("Location Verified", activity(verified=True), "true"),
        ("Location Verified", activity(verified=False), "false"),
        ("Lat", activity(activity_lat=40.7), 40.7),
        ("Lng", activity(activity_lng=-111.8), -111.8),
        ("VisitResult", activity(result="Not Home"), "Not Home"),
        ("VisitResult", activity(result="Not Home", done=False), None),
        ("VisitResult", activity("Call", result="Busy"), None),
        ("CallResult", activity("Call", result="Busy"), "Busy"),
        ("CallResult", activity("Call", result="Busy", done=False), None),
        ("CallResult", activity("Visit", result="Not Home"), None),
        ("CallPhoneNumber", activity("Call", phone_number="+18015550100"), "+18015550100"),
        ("CallDirection", activity("Call", direction="In"), "Inbound"),
        ("CallDirection", activity("Call", direction="out"), "Outbound"),
        ("CallDirection", activity("Email", direction="out"), None),
        ("Email", activity("Email", email="a@example.com"), "a@example.com"),
        ("EmailSnippet", activity("Email", snippet="Dear Ada"), "Dear Ada"),
        ("EmailDirection", activity("Email", direction="In"), "Inbound"),
        ("Text", activity("Text", text="See you"), "See you"),
        ("TextPhoneNumber", activity("Text", phone_number="+18015550100"), "+18015550100"),
        ("TextPhoneNumber", activity("Call", phone_number="+18015550100"), None),
        ("TextDirection", activity("Text", direction="out"), "Outbound"),
        ("All Day", activity(all_day=True), "true"),
        ("All Day", activity(), "false"),
    ],
)
def test_a_field_sends(name, one, wanted):
    assert value(name, one) == wanted
