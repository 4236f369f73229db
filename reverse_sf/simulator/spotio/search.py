"""Search with saved filters: which records a request means, and in which order.

What this server does not evaluate it refuses; no condition is silently ignored.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.spotio.records import read_ticks, shown
from reverse_sf.simulator.spotio.refusals import VALIDATION, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reverse_sf.simulator.spotio.quirks import Settings
    from reverse_sf.simulator.spotio.records import Member, Record
    from reverse_sf.simulator.spotio.store import Store
    from reverse_sf.simulator.spotio.workflow import Workflow

DATE_FIELDS: Mapping[str, Callable[[Record], int | None]] = {
    "dataobjectupdatedat": lambda record: record.updated,
    "leadupdatedat": lambda record: record.updated,
    "dataobjectcreatedat": lambda record: record.created,
    "leadcreatedat": lambda record: record.created,
    "stageupdatedat": lambda record: record.stage_updated,
    "lastvisitdate": lambda record: record.last_visit,
    "lastcalldate": lambda record: record.last_call,
    "lastactivitydate": lambda record: record.last_activity,
}
SORTS: Mapping[str, Callable[[Record], Any]] = {
    "updatedat": lambda record: record.updated,
    "visitscount": lambda record: record.visits,
    "lastvisitdate": lambda record: record.last_visit or 0,
    "lastvisitresult": lambda record: record.last_visit_result or 0,
    "name": lambda record: record.name.lower(),
}
_EVALUATED = {
    "title", "startDate", "endDate", "currentUser", "allUsers", "usersIds", "stageIds",
    "customFields", "dateField", "periodShortcut", "timezone", "filterType", "dataObjectTypeIds",
    "dashboardFilter", "position", "userField", "sortBy", "activityTemplateIds",
    "activityResultIds",
}  # fmt: skip
_OF_ACTIVITIES = ("activityTemplateIds", "activityResultIds")
"""Conditions that only activities are selected by here."""
_UNSUPPORTED = ("area", "polygon", "placeIds", "includeFilterOptionIds", "lat", "lng", "nba")


class Filters:
    """The saved filters of one tenant; one without a title is temporary, which changes nothing."""

    def __init__(self) -> None:
        self._filters: dict[str, dict[str, Any]] = {}

    def save(self, content: Mapping[str, Any], owner: Member) -> dict[str, Any]:
        """Keep a filter: ``Filter`` with its new id.

        Raises:
            Refusal: a condition that this server does not evaluate, or a bad one.
        """
        ignored = sorted(key for key, given in content.items() if given and key not in _EVALUATED)
        if ignored:
            message = f"The local server does not evaluate: {', '.join(ignored)}."
            raise Refusal(VALIDATION, message)
        _check(content)
        number = len(self._filters) + 1
        key = f"Filter-{zlib.crc32(str(number).encode()):08x}{number:04x}-{owner.id}-"
        saved = {
            "title": None,
            "currentUser": False,
            "allUsers": False,
            "dashboardFilter": False,
            "position": 0,
            **{name: given for name, given in content.items() if name in _EVALUATED},
            "id": key,
        }
        for name in ("startDate", "endDate"):
            at = instant(content, name)
            if at is not None:
                saved[name] = shown(at)
        self._filters[key.lower()] = saved
        return saved

    def get(self, identifier: str) -> dict[str, Any]:
        """The filter with that id.

        Raises:
            Refusal: 400, as the operation declares no 404.
        """
        saved = self._filters.get(identifier.lower())
        if saved is None:
            raise Refusal(400, {"filterId": f"Filter with id: {identifier} does not exist."})
        return saved

    def clear(self) -> None:
        """Forget all filters."""
        self._filters.clear()


class Search:
    """Finds records for ``DataObjectsSearch``."""

    def __init__(
        self, store: Store, workflow: Workflow, filters: Filters, switches: Settings
    ) -> None:
        self._store = store
        self._workflow = workflow
        self._filters = filters
        self._switches = switches

    def ids(self, request: Mapping[str, Any], viewer: Member, visible_before: int) -> list[str]:
        """Ids of the records that the request means, in its order.

        Raises:
            Refusal: a condition that this server does not evaluate, or a bad one.
        """
        refused = [key for key in _UNSUPPORTED if request.get(key) not in (None, "", [])]
        if refused:
            raise Refusal(400, f"The local server does not evaluate: {', '.join(refused)}.")
        tests = [lambda record: record.created <= visible_before, *self._conditions(request)]
        if viewer.limited:
            tests.append(lambda record: record.owner_id == viewer.id)
        if request.get("filterId"):
            tests += _tests(self._filters.get(str(request["filterId"])), viewer)
        found = [
            record for record in self._store.updated_since(0) if all(test(record) for test in tests)
        ]
        name = str(request.get("sortBy") or "-updatedAt")
        key = SORTS.get(name.lstrip("-").lower())
        if key is None:
            raise Refusal(400, {"sortBy": f"Sorting by {name} is not supported."})
        found.sort(key=lambda record: (key(record), record.id), reverse=name.startswith("-"))
        return [record.id for record in found]

    def _conditions(self, request: Mapping[str, Any]) -> list[Callable[[Record], bool]]:
        tests: list[Callable[[Record], bool]] = []
        type_id = request.get("singleType")
        if type_id not in (None, ""):
            tests.append(lambda record: str(record.type_id) == str(type_id))
        stage_id = request.get("stageId")
        if stage_id not in (None, ""):
            tests.append(lambda record: str(record.stage_id) == str(stage_id))
        if request.get("stageGroups"):
            groups = {group.strip().lower() for group in str(request["stageGroups"]).split(",")}
            stages = {
                stage.id
                for record_type in self._workflow.types
                for stage in record_type.stages
                if stage.group in groups
            }
            tests.append(lambda record: record.stage_id in stages)
        if str(request.get("hasAddress") or "").lower() == "true":
            tests.append(lambda record: record.pin_id is not None)
        for key, kinds in (
            ("hasPhone", ("Phone",)),
            ("hasEmail", ("Email",)),
            ("hasPhoneOrEmail", ("Phone", "Email")),
        ):
            if str(request.get(key) or "").lower() == "true":
                tests.append(lambda record, kinds=kinds: self._has(record, kinds))  # type: ignore[misc]
        text = str(request.get("q") or request.get("queryText") or "").strip().lower()
        if text:
            tests.append(lambda record: self._mentions(record, text))
        return tests

    def _has(self, record: Record, kinds: Iterable[str]) -> bool:
        record_type = self._workflow.type(record.type_id)
        return any(
            field.id in record.fields for kind in kinds for field in record_type.of_kind(kind)
        )

    def _mentions(self, record: Record, text: str) -> bool:
        """Whether ``q`` finds it: "address or other characteristic fields" (OpenAPI file)."""
        pin = self._store.pins.get(record.pin_id or 0)
        record_type = self._workflow.type(record.type_id)
        parts = [record.name, pin.address if pin else None]
        for kind in ("Phone", "Email"):
            parts += [record.fields.get(field.id) for field in record_type.of_kind(kind)]
        if self._switches["external_id_in_search"]:
            parts.append(record.external_id)
        return any(text in part.lower() for part in parts if part)


def _check(content: Mapping[str, Any]) -> None:
    """Refuse a filter that neither records nor activities could be selected by."""
    name = str(content.get("dateField") or "DataObjectCreatedAt").lower()
    dated = instant(content, "startDate") or instant(content, "endDate")
    if dated and name not in {
        *DATE_FIELDS,
        "activitydate",
        "activitycreatedat",
        "activityupdatedat",
    }:
        raise Refusal(VALIDATION, {"dateField": f"{content['dateField']} is not evaluated here."})
    for entry in content.get("customFields") or ():
        _custom(entry)


def _tests(content: Mapping[str, Any], viewer: Member) -> list[Callable[[Record], bool]]:
    refused = [key for key in _OF_ACTIVITIES if content.get(key)]
    if refused:
        message = f"Records are not selected by {', '.join(refused)} here."
        raise Refusal(VALIDATION, {"filterId": message})
    tests: list[Callable[[Record], bool]] = []
    for key, attribute in (
        ("dataObjectTypeIds", "type_id"),
        ("stageIds", "stage_id"),
        ("usersIds", "owner_id"),
    ):
        wanted = {str(identifier) for identifier in content.get(key) or ()}
        if wanted:
            tests.append(
                lambda record, attribute=attribute, wanted=wanted: (  # type: ignore[misc]
                    str(getattr(record, attribute)) in wanted
                )
            )
    if content.get("currentUser"):
        tests.append(lambda record: record.owner_id == viewer.id)
    start, end = instant(content, "startDate"), instant(content, "endDate")
    if start is not None or end is not None:
        name = str(content.get("dateField") or "DataObjectCreatedAt")
        read = DATE_FIELDS.get(name.lower())
        if read is None:
            raise Refusal(VALIDATION, {"dateField": f"{name} is not evaluated here."})
        tests.append(lambda record: between(read(record), start, end))
    tests += [_custom(entry) for entry in content.get("customFields") or ()]
    return tests


def _custom(entry: Mapping[str, Any]) -> Callable[[Record], bool]:
    try:
        field_id = int(str(entry.get("customFieldId")))
    except ValueError:
        raise Refusal(VALIDATION, {"customFieldId": "Field does not exist."}) from None
    selected = set(entry.get("selectedValues") or ())
    blank = bool(entry.get("noValue"))
    condition = entry.get("textFilter") or {}
    kind = str(condition.get("conditionType") or "").lower()
    texts = [str(text).lower() for text in condition.get("values") or ()]

    def test(record: Record) -> bool:
        kept = record.fields.get(field_id)
        if kept is None:
            return blank or kind == "areblank"
        present = set(kept) if isinstance(kept, list) else {kept}
        if kind:
            lowered = str(kept).lower()
            answers = {
                "contain": any(text in lowered for text in texts),
                "donotcontain": not any(text in lowered for text in texts),
                "exactlymatch": lowered in texts,
                "donotexactlymatch": lowered not in texts,
                "areblank": False,
                "arenotblank": True,
            }
            return answers.get(kind, False)
        return bool(present & selected)

    return test


def instant(content: Mapping[str, Any], key: str) -> int | None:
    """A date of a filter.

    Raises:
        Refusal: it is none.
    """
    given = content.get(key)
    if not given:
        return None
    try:
        return read_ticks(str(given))
    except ValueError:
        raise Refusal(VALIDATION, {key: f"{given} is not a date-time."}) from None


def between(at: int | None, start: int | None, end: int | None) -> bool:
    """Whether an instant lies in a period that may be open on either side."""
    return at is not None and (start is None or at >= start) and (end is None or at <= end)
