"""Activities of SPOTIO: changed and made as the mapper decided, while they are planned.

Each is read before it is changed: what is done by now is left alone, because SPOTIO's API lets only
planned ones be changed (OpenAPI, ``PUT /api/v2/activities``), and the guard compares what is about
to be overwritten. The API knows no condition on a write: an edit between that read and the write is
overwritten. Activities cannot be deleted, and nothing in one tells whose copy it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_sf.delivery.results import Exchange, Result, Withheld
from reverse_sf.delivery.verdict import Verdict, judge
from reverse_sf.errors import RetryError
from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.mapping import canon
from reverse_sf.mapping.activity_fields import (
    ACTIVITY_DATE,
    ACTIVITY_DONE,
    COMPLETED,
    FIELDS,
    NAME,
    TOO_LATE,
    Activity,
    values_of,
)
from reverse_sf.merge.envelope import Action
from reverse_sf.merge.identity import UNKNOWN_OUTCOME
from reverse_sf.spotio.activity_calls import ActivityCalls, Template
from reverse_sf.spotio.errors import AmbiguousOutcomeError, NotFoundError, WriteRefusedError
from target_spotio.operations import OWNER, PARENT
from target_spotio.sameness import same

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reverse_sf.spotio.errors import Call
    from target_spotio.operations import Operation
    from target_spotio.pool import Pool
    from target_spotio.tenant import Tenant

_LOOKS = 4
_NOTE_TYPE = "note"
_WHOLE_NUMBERS = frozenset({"duration", "durationSeconds"})


@dataclass
class _Task:
    """One activity on its way.

    Attributes:
        record: SPOTIO id of the record that it is on, where it is to be made.
        withheld: keys that are not written, and why.
        calls: calls that wrote, for the log.
        stand_ins: keys that get a value for want of a better one; they stay unsettled.
        awaited: Salesforce's user whom nobody stands for yet.
    """

    operation: Operation
    record: str | None
    withheld: list[Withheld] = field(default_factory=list)
    stand_ins: set[str] = field(default_factory=set)
    awaited: str | None = None
    calls: list[Exchange] = field(default_factory=list)

    def note(self, call: Call) -> None:
        """Keep a call for the log."""
        self.calls.append(Exchange.of(call))


class ActivityWrites:
    """Applies operations on activities to one tenant.

    Args:
        tenant: whose users may own them; they may change while the target runs.
        pool: runs single calls side by side.
        report: takes results.
    """

    def __init__(self, tenant: Tenant, pool: Pool, report: Callable[[Result], None]) -> None:
        self._calls = ActivityCalls(tenant.spotio.session)
        self._tenant = tenant
        self._pool = pool
        self._report = report
        self._templates: dict[str, Template] | None = None

    @property
    def templates(self) -> Mapping[str, Template]:
        """The tenant's templates, read once a run."""
        if self._templates is None:
            self._templates = self._calls.templates()
        return self._templates

    def apply(self, operations: Sequence[Operation], parents: Mapping[str, str]) -> None:
        """Apply operations.

        Args:
            operations: of activities.
            parents: SPOTIO ids of the records that they are on, by link id.

        Raises:
            RetryError: SPOTIO does not answer.
        """
        tasks = [_Task(one, parents.get(one.parent_link or "")) for one in operations]
        if tasks:
            # Read here, before several threads ask for them.
            self._templates = dict(self.templates)
            self._pool.run(self._applied, tasks, self._report)

    def _applied(self, task: _Task) -> Result:
        operation = task.operation
        if operation.action in {Action.DELETE, Action.SUSPEND, Action.RESTORE}:
            words = "SPOTIO's API has no way to delete an activity: delete it in SPOTIO"
            return _refused(task, Withheld("", "unsupported", words))
        if operation.spotio_id is None:
            return self._created(task)
        return self._changed(task, operation.spotio_id)

    # what is there

    def _changed(self, task: _Task, identity: str) -> Result:
        for _ in range(_LOOKS):
            current = self._calls.read(identity)
            if current is None:
                words = f"SPOTIO has no activity {identity} any more"
                return _refused(task, Withheld("", "missing_in_spotio", words))
            image = self._image(current)
            wanted = self._wanted(task, current)
            verdict = judge(wanted, image, _of_keys(task.operation.expected, wanted), same)
            if verdict.stale or not verdict.write:
                return _unwritten(task, identity, image, verdict)
            if current.get("done"):
                task.withheld += [Withheld(key, ACTIVITY_DONE, TOO_LATE) for key in verdict.write]
                return _result(task, OperationStatus.REJECTED, "rejected", identity, image)
            body = self._body({key: wanted[key] for key in verdict.write}, current)
            try:
                call = self._calls.change(current, identity, body)
            except (AmbiguousOutcomeError, NotFoundError) as error:
                # Look again whether it has happened, or whether the activity is still there.
                task.note(error.call)
                continue
            except WriteRefusedError as error:
                task.note(error.call)
                if self._withhold_named(task, error):
                    continue
                return _refused(task, Withheld("", "rejected", str(error)))
            task.note(call)
            return self._written(task, identity, wanted, verdict.write)
        raise RetryError(f"SPOTIO did not confirm the change of activity {identity}; run again")

    def _written(
        self, task: _Task, identity: str, wanted: Mapping[str, Any], keys: Sequence[str]
    ) -> Result:
        seen = self._calls.read(identity)
        image = self._image(seen) if seen is not None else {}
        result = _result(task, OperationStatus.APPLIED, "updated", identity, image)
        for key in keys:
            if same(key, image.get(key), wanted[key]):
                result.written += {key} - task.stand_ins
            else:
                words = f"SPOTIO accepted the change but kept {image.get(key)!r}"
                result.withheld.append(Withheld(key, "not_taken", words))
        return result

    # what is not

    def _created(self, task: _Task) -> Result:
        operation = task.operation
        if operation.parent_link is not None and task.record is None:
            words = "its record has no counterpart in SPOTIO yet"
            return Result(
                operation,
                OperationStatus.WAITING,
                "waiting",
                withheld=[Withheld("", "waiting_for_parent", words)],
                waiting_for=operation.parent_link,
            )
        if operation.envelope is not None and operation.envelope.reissued:
            return _refused(task, _in_doubt())
        template = self._template_named(str(operation.record.get(NAME) or ""))
        shape = {"activityTemplateId": template.id if template else None}
        while True:
            wanted = self._wanted(task, shape)
            body = self._body(wanted, shape)
            body |= {"dataObjectId": task.record, "done": bool(body.get("done"))}
            body |= {"activityTemplateId": template.id} if template else {"isNote": True}
            try:
                made, call = self._calls.create(body)
            except AmbiguousOutcomeError as error:
                task.note(error.call)
                return _refused(task, _in_doubt())
            except (NotFoundError, WriteRefusedError) as error:
                task.note(error.call)
                if isinstance(error, WriteRefusedError) and self._withhold_named(task, error):
                    continue
                return _refused(task, Withheld("", "rejected", str(error)))
            break
        task.note(call)
        image = self._image(made)
        result = _result(task, OperationStatus.APPLIED, "created", str(made["id"]), image)
        result.written = [
            key
            for key in wanted
            if key not in task.stand_ins and same(key, image.get(key), wanted[key])
        ]
        return result

    # vocabulary

    def _wanted(self, task: _Task, current: Mapping[str, Any]) -> dict[str, Any]:
        """The values to write, as images have them; what cannot be is withheld."""
        wanted: dict[str, Any] = {}
        template = self.templates.get(str(current.get("activityTemplateId")))
        withheld = {one.key for one in task.withheld}
        for key, value in task.operation.record.items():
            if key in withheld or key in {PARENT, NAME}:
                continue
            if key == OWNER:
                self._want_owner(task, value, wanted)
                continue
            known = FIELDS.get(key)
            words = ""
            if known is None or known.property is None:
                words = f"SPOTIO takes no {key} back"
            elif known.roles and (template is None or template.role not in known.roles):
                words = f"{key} is not a value of activities of this kind"
            elif known.property == "resultId" and value and _result_id(template, value) is None:
                name = template.name if template else "a note"
                words = f"{name} has no result {value}"
            if words:
                task.withheld.append(Withheld(key, "not_writable", words))
            else:
                wanted[key] = value
        return wanted

    def _want_owner(self, task: _Task, value: Any, wanted: dict[str, Any]) -> None:
        """The user whom an owner means, or the default owner, as for a record."""
        people = self._tenant.people
        told = value if isinstance(value, dict) else {}
        user = people.owner(value)
        is_new = task.operation.spotio_id is None
        if user is None and not is_new and told.get("keep_on_update", True):
            # "That means nothing": neither written nor settled.
            task.awaited = told.get("salesforce_id")
            return
        if user is None and not (told.get("email") or told.get("nobody")):
            # Once it is known who this is, the owner is decided again.
            task.stand_ins.add(OWNER)
            task.awaited = told.get("salesforce_id")
        user = user or people.by_email(told.get("default"))
        if user is not None:
            wanted[OWNER] = user
            return
        task.awaited = told.get("salesforce_id")
        who = told.get("email") or told.get("salesforce_id") or value
        task.withheld.append(Withheld(OWNER, "owner_unknown", f"no active SPOTIO user for {who}"))

    def _body(self, wanted: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
        """Some wanted values as a request has them."""
        template = self.templates.get(str(current.get("activityTemplateId")))
        body: dict[str, Any] = {}
        for key, value in wanted.items():
            if key == OWNER:
                body["ownerId"] = value
            elif key == ACTIVITY_DATE:
                body |= _date(value, all_day=bool(current.get("allDay")))
            else:
                name = FIELDS[key].property or ""
                body[name] = _spelled(name, value, template)
        return body

    def _image(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """What an answer tells of an activity, by key; what it does not show is left out."""
        template = self.templates.get(str(answer.get("activityTemplateId")))
        seconds = answer.get("durationSeconds")
        activity = Activity(
            id=str(answer["id"]),
            template=template.name if template else None,
            template_role=template.role if template else None,
            is_note=bool(answer.get("isNote")) or answer.get("type") == _NOTE_TYPE,
            done=bool(answer.get("done")),
            date=answer.get("date"),
            all_day=bool(answer.get("allDay")),
            all_day_date=answer.get("allDayDate"),
            title=answer.get("title"),
            notes=answer.get("notes"),
            duration=answer.get("duration"),
            duration_seconds=seconds,
            result=(template.results if template else {}).get(str(answer.get("resultId"))),
            direction=answer.get("direction"),
            email=answer.get("email"),
            phone_number=answer.get("phoneNumber"),
        )
        told = [name for name, one in FIELDS.items() if one.property is not None]
        if activity.template_role in FIELDS["Text"].roles:
            # The body of a message is the description then, and no single call shows it.
            told.remove("Description")
        image = values_of(activity, told)
        if answer.get("ownerId") is not None:
            image[OWNER] = str(answer["ownerId"])
        if answer.get("dataObjectId") is not None:
            image[PARENT] = str(answer["dataObjectId"])
        return image

    def _template_named(self, name: str) -> Template | None:
        return next((one for one in self.templates.values() if one.name == name), None)

    @staticmethod
    def _withhold_named(task: _Task, error: WriteRefusedError) -> bool:
        """Withhold the keys that SPOTIO complains of; whether the rest is worth an attempt."""
        if any(one.reason == "rejected" for one in task.withheld):
            return False
        names = {"ownerid": OWNER, "alldaydate": ACTIVITY_DATE} | {
            (FIELDS[key].property or "").lower(): key
            for key in task.operation.record
            if key in FIELDS
        }
        named = {
            names[name.lower()]: words
            for name, words in error.complaints.items()
            if name.lower() in names
        }
        task.withheld += [Withheld(key, "rejected", words) for key, words in named.items()]
        return bool(named)


def _date(value: Any, *, all_day: bool) -> dict[str, Any]:
    if canon.is_day(value):
        return {"allDay": True, "allDayDate": value, "date": f"{value}T00:00:00Z"}
    return {"date": value, **({"allDay": False, "allDayDate": None} if all_day else {})}


def _spelled(name: str, value: Any, template: Template | None) -> Any:
    """One property as a request has it."""
    if name == "done":
        return value == COMPLETED
    if name == "resultId":
        return _result_id(template, value) if value else None
    if name == "direction":
        return None if value is None else str(value).lower().removesuffix("bound")
    if name in _WHOLE_NUMBERS:
        return None if value is None else int(value)
    return value


def _result_id(template: Template | None, name: Any) -> str | None:
    results = template.results if template else {}
    return next((number for number, known in results.items() if known == name), None)


def _of_keys(expected: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in expected.items() if key in wanted}


def _in_doubt() -> Withheld:
    words = (
        "an attempt to make the activity had no answer, and nothing in SPOTIO tells whether it was"
        " made: look for it there; where it is missing, run reverse-sf parked retry"
    )
    return Withheld("", UNKNOWN_OUTCOME, words)


def _refused(task: _Task, why: Withheld) -> Result:
    result = _result(task, OperationStatus.REJECTED, "rejected", task.operation.spotio_id, None)
    result.withheld.append(why)
    return result


def _unwritten(task: _Task, identity: str, image: dict[str, Any], verdict: Verdict) -> Result:
    if verdict.stale:
        result = _result(task, OperationStatus.STALE, "stale", identity, image)
        result.stale = verdict.stale
        return result
    if task.withheld:
        return _result(task, OperationStatus.REJECTED, "rejected", identity, image)
    # A call without an answer turned out to have been carried out.
    status = OperationStatus.APPLIED if task.calls else OperationStatus.AGREED
    result = _result(task, status, "updated" if task.calls else "agreed", identity, image)
    result.written = [key for key in verdict.agreed if key not in task.stand_ins]
    return result


def _result(
    task: _Task,
    status: OperationStatus,
    counter: str,
    record_id: str | None,
    image: dict[str, Any] | None,
) -> Result:
    return Result(
        task.operation,
        status,
        counter,
        record_id=record_id,
        image=image,
        withheld=list(task.withheld),
        calls=task.calls,
        awaited=task.awaited,
    )
