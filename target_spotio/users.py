"""Users of SPOTIO: written as the mapper decided, where the decision still holds.

The mapper decides on what it has seen of SPOTIO's users. Before anything is written all of them are
read once more, and the same decision (``reverse_sf.merge.users``) is made on what they are now. It
is carried out where it is what the mapper wanted; a create may turn out to be a link. Otherwise
nothing is written: what a guard refuses is parked, and the rest is decided again by the next run.
After the writes all users are read again, and the ledger keeps them for that run.

What is not published of these calls is taken at its worst. A PUT is given everything that can be
read of the user, so that a missing key empties nothing; only phone and time zone cannot be read. A
suspended user may come back by a PUT, or by a second ``block``, or by people only: the calls are
tried in that order, and the list of users tells which of them did it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_sf.delivery.results import Exchange, Result, Withheld
from reverse_sf.ledger.rows import OperationStatus, UserRow
from reverse_sf.mapping.definition import Side
from reverse_sf.mapping.users import UserMatch, UserSync
from reverse_sf.merge.envelope import Action
from reverse_sf.merge.tenant_users import Member, Tenant
from reverse_sf.merge.users import UserAct, UserFacts, decide_users
from reverse_sf.merge.users import UserRow as Row
from reverse_sf.spotio.errors import AmbiguousOutcomeError, NotFoundError, WriteRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reverse_sf.ledger.store import Ledger
    from reverse_sf.merge.envelope import Envelope
    from reverse_sf.merge.users import UserDecision
    from reverse_sf.spotio.client import Spotio, User
    from reverse_sf.spotio.errors import Call
    from target_spotio.operations import Operation

SUSPENDED = "suspended"
_WANTED = {
    Action.CREATE: {UserAct.CREATE, UserAct.LINK},
    Action.LINK: {UserAct.LINK},
    Action.UPDATE: {UserAct.UPDATE},
    Action.SUSPEND: {UserAct.SUSPEND},
    Action.RESTORE: {UserAct.RESTORE, UserAct.UPDATE},
}
_DONE = {
    UserAct.CREATE: "created",
    UserAct.LINK: "linked",
    UserAct.UPDATE: "updated",
    UserAct.SUSPEND: "updated",
    UserAct.RESTORE: "updated",
}


@dataclass
class _Task:
    """One user on the way: the operation, what is done, and how it went."""

    operation: Operation
    envelope: Envelope
    decision: UserDecision
    user_id: str | None
    wanted: dict[str, Any]
    calls: list[Exchange] = field(default_factory=list)
    refusal: Withheld | None = None
    is_gone: bool = False

    def note(self, call: Call) -> None:
        """Keep a call for the log."""
        self.calls.append(Exchange.of(call))


class UserWrites:
    """Applies operations on users to one tenant.

    Args:
        spotio: the tenant's API.
        ledger: keeps the users that were read.
        report: takes results.
    """

    def __init__(
        self, spotio: Spotio, ledger: Ledger | None, report: Callable[[Result], None]
    ) -> None:
        self._spotio = spotio
        self._ledger = ledger
        self._report = report
        self._territories: dict[str, list[str]] | None = None

    def apply(self, operations: Sequence[Operation]) -> list[User]:
        """Apply operations, and answer all users as they are afterwards."""
        users = self._spotio.all_users()
        owner = self._spotio.key_owner(users)
        tenant = Tenant([_member(one) for one in users], owner.id if owner is not None else None)
        by_id = {one.id: one for one in users}
        tasks: list[_Task] = []
        try:
            for operation in operations:
                if operation.envelope is not None:
                    task = self._decided(operation, operation.envelope, tenant)
                    if task is not None:
                        tasks.append(task)
                        self._write(task, by_id)
            if tasks:
                users = self._restored(tasks)
        finally:
            # What an unanswered call has done is for the next run to see.
            if self._ledger is not None:
                keep_users(self._ledger, users)
        by_id = {one.id: one for one in users}
        for task in tasks:
            self._report(_result(task, by_id))
        return users

    def _decided(self, operation: Operation, envelope: Envelope, tenant: Tenant) -> _Task | None:
        """Decide once more; a task where there is something to write or to learn."""
        facts = msgspec.convert(envelope.user, UserFacts).answered
        sync = UserSync(
            match=UserMatch(envelope.match),
            create=envelope.action is Action.CREATE,
            suspend_when_removed=envelope.action is Action.SUSPEND,
        )
        (decision,) = decide_users([facts], sync, tenant)
        task = _Task(operation, envelope, decision, decision.member, dict(decision.writes))
        if decision.act in _WANTED.get(envelope.action, ()):
            if decision.act in {UserAct.SUSPEND, UserAct.RESTORE}:
                task.wanted[SUSPENDED] = decision.act is UserAct.SUSPEND
            return task
        if decision.act is UserAct.PARK:
            task.refusal = Withheld("", decision.row.value, decision.message)
            self._report(_result(task, {}))
        elif decision.act is UserAct.NOTHING:
            if decision.row is Row.OUT_ALREADY and facts.suspended_by_sync:
                # An earlier run sent this and never learnt of it: the suspension is the sync's.
                task.wanted[SUSPENDED] = True
                return task
            status = OperationStatus.AGREED
            self._report(Result(operation, status, "agreed", record_id=decision.member))
        else:
            status = OperationStatus.STALE
            self._report(Result(operation, status, "stale", stale=[decision.act.value]))
        return None

    def _write(self, task: _Task, known: dict[str, User]) -> None:
        act = task.decision.act
        try:
            if act is UserAct.CREATE:
                task.user_id = self._created(task)
            elif act is UserAct.SUSPEND and task.user_id is not None:
                self._block(task, task.user_id)
            elif task.wanted and task.user_id is not None and act is not UserAct.NOTHING:
                whole = self._whole(known[task.user_id])
                task.note(self._spotio.change_user(task.user_id, {**whole, **task.wanted}))
        except NotFoundError as error:
            task.note(error.call)
            task.is_gone = True
        except WriteRefusedError as error:
            task.note(error.call)
            task.refusal = Withheld("", "rejected", str(error))

    def _created(self, task: _Task) -> str | None:
        try:
            user, call = self._spotio.create_user(task.wanted)
        except AmbiguousOutcomeError as error:
            task.note(error.call)
            wanted = task.envelope.salesforce_id
            found = [one for one in self._spotio.all_users() if one.external_id == wanted]
            if not found:
                raise
            return found[0].id
        task.note(call)
        return user.id

    def _block(self, task: _Task, user_id: str) -> None:
        try:
            task.note(self._spotio.block_user(user_id))
        except AmbiguousOutcomeError as error:
            task.note(error.call)
            if not any(one.id == user_id and one.suspended for one in self._spotio.all_users()):
                raise

    def _whole(self, user: User) -> dict[str, Any]:
        """Everything that can be read of a user."""
        if self._territories is None:
            self._territories = self._spotio.territories_of_users()
        return {**user.raw, "territoryIds": self._territories.get(user.id, [])}

    def _restored(self, tasks: Iterable[_Task]) -> list[User]:
        """Read all users; where a PUT did not bring one back, try the other way."""
        users = self._spotio.all_users()
        out = {one.id for one in users if one.suspended}
        still = [
            one
            for one in tasks
            if one.decision.act is UserAct.RESTORE and one.user_id in out and one.refusal is None
        ]
        for task in still:
            self._block_once_more(task)
        return self._spotio.all_users() if still else users

    def _block_once_more(self, task: _Task) -> None:
        try:
            task.note(self._spotio.block_user(task.user_id or ""))
        except (NotFoundError, WriteRefusedError) as error:
            # Then the list of users, read once more, shows one suspended, or not at all.
            task.note(error.call)


def _result(task: _Task, users: dict[str, User]) -> Result:
    """What became of a user, as the list of users shows it."""
    user = users.get(task.user_id or "")
    if task.is_gone or (task.user_id is not None and user is None and task.calls):
        # Deleted since the users were read: the next run decides in full knowledge of it.
        stale = [task.decision.act.value]
        return Result(task.operation, OperationStatus.STALE, "stale", stale=stale, calls=task.calls)
    image = _image(user) if user is not None else None
    refusal = task.refusal
    taken = [key for key, value in task.wanted.items() if image and _same(value, image.get(key))]
    if refusal is None and len(taken) < len(task.wanted):
        left = ", ".join(key for key in task.wanted if key not in taken)
        words = f"SPOTIO accepted the write, and its list of users shows another {left}"
        if task.decision.act is UserAct.RESTORE and SUSPENDED not in taken:
            words = "SPOTIO did not restore the user: do it by hand, under Settings, Users"
        refusal = Withheld("", "user_not_written", words)
    if refusal is not None:
        return Result(
            task.operation,
            OperationStatus.REJECTED,
            "rejected",
            record_id=task.user_id if user is not None else None,
            image=image,
            withheld=[refusal],
            calls=task.calls,
        )
    wrote = bool(task.calls)
    return Result(
        task.operation,
        OperationStatus.APPLIED if wrote else OperationStatus.AGREED,
        _DONE.get(task.decision.act, "agreed"),
        record_id=task.user_id,
        image=image,
        written=[key for key in taken if key in task.operation.record],
        calls=task.calls,
    )


def _image(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "role": user.role,
        "externalSystemUserId": user.external_id,
        "firstName": user.raw.get("firstName"),
        "lastName": user.raw.get("lastName"),
        "isReadonly": user.read_only,
        SUSPENDED: user.suspended,
    }


def _same(wanted: Any, held: Any) -> bool:
    if isinstance(wanted, bool):
        return wanted is held
    return str(wanted or "").strip().casefold() == str(held or "").strip().casefold()


def _member(user: User) -> Member:
    return Member(
        id=user.id,
        email=user.email,
        role=user.role,
        external_id=user.external_id,
        read_only=user.read_only,
        suspended=user.suspended,
    )


def keep_users(ledger: Ledger, users: Iterable[User]) -> None:
    """Let the mapper know all users of the tenant, suspended ones too; no other is there."""
    ledger.replace_users(Side.SPOTIO, [_row(one) for one in users])


def _row(user: User) -> UserRow:
    """As the ledger keeps it, and as the mapper keeps what tap-spotio tells."""
    return UserRow(
        side=Side.SPOTIO,
        user_id=user.id,
        email=str(user.raw.get("email") or "") or None,
        external_id=user.external_id,
        name=user.name or None,
        active=not user.suspended,
        attributes={"role": user.role, "read_only": user.read_only},
    )
