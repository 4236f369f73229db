"""Saved filters as activities are selected by them: their own dates, templates, results, owners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal
from reverse_sf.simulator.spotio.search import DATE_FIELDS, between, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_sf.simulator.spotio.records import Activity, Member, Record

    Test = Callable[[Activity, Record], bool]

ACTIVITY_DATES = {
    "activitydate": "date",
    "activitycreatedat": "created",
    "activityupdatedat": "updated",
}
_OF_ACTIVITY = {"activityTemplateIds": "template_id", "activityResultIds": "result_id"}
_OF_RECORD = {"dataObjectTypeIds": "type_id", "stageIds": "stage_id"}


def tests(content: Mapping[str, Any], viewer: Member) -> list[Test]:
    """What a saved filter asks of an activity and its record.

    Raises:
        Refusal: a condition that this server does not evaluate of activities.
    """
    if content.get("customFields"):
        raise Refusal(VALIDATION, {"customFields": "Activities are not selected by fields here."})
    found: list[Test] = []
    for key, attribute in _OF_ACTIVITY.items():
        if content.get(key):
            found.append(_among(attribute, content[key], of_record=False))
    for key, attribute in _OF_RECORD.items():
        if content.get(key):
            found.append(_among(attribute, content[key], of_record=True))
    users = {str(each) for each in content.get("usersIds") or ()}
    if content.get("currentUser"):
        users.add(str(viewer.id))
    if users:
        found.append(lambda activity, _record: str(activity.owner_id) in users)
    start, end = instant(content, "startDate"), instant(content, "endDate")
    if start is not None or end is not None:
        found.append(_dated(str(content.get("dateField") or "ActivityDate"), start, end))
    return found


def _among(attribute: str, wanted: Any, *, of_record: bool) -> Test:
    ids = {str(each) for each in wanted}
    return lambda activity, record: (
        str(getattr(record if of_record else activity, attribute)) in ids
    )


def _dated(name: str, start: int | None, end: int | None) -> Test:
    attribute = ACTIVITY_DATES.get(name.lower())
    if attribute is not None:
        return lambda activity, _record: between(getattr(activity, attribute), start, end)
    read = DATE_FIELDS.get(name.lower())
    if read is None:
        raise Refusal(VALIDATION, {"dateField": f"{name} is not evaluated here."})
    return lambda _activity, record: between(read(record), start, end)
