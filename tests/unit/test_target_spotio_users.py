"""Users toward SPOTIO: who is deleted there while a run writes."""

from __future__ import annotations

import pytest

from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.merge.envelope import USERS_PAIR, Action, Envelope
from reverse_sf.spotio.client import User
from reverse_sf.spotio.errors import Call, NotFoundError
from target_spotio.operations import Operation
from target_spotio.users import UserWrites

ANN = "005000000000001AAA"


class Tenant:
    """SPOTIO's calls on users; one of them is deleted as soon as all were read."""

    def __init__(self, gone: str) -> None:
        self.gone = gone
        self.users = [
            User("1", "root@example.com", "Admin"),
            User("2", "ann@example.com", "Sales", ANN, suspended=gone == "restored"),
        ]

    def all_users(self) -> list[User]:
        users = list(self.users)
        self.users = [one for one in self.users if one.id != "2"]
        return users

    def key_owner(self, users: list[User]) -> User:
        return users[0]

    def territories_of_users(self) -> dict[str, list[str]]:
        return {}

    def change_user(self, user_id: str, body: object) -> Call:
        call = Call("PUT", f"/api/users/{user_id}", 200, body)
        if self.gone == "changed":
            raise NotFoundError("no such user", call=call)
        return call

    def block_user(self, user_id: str) -> Call:
        raise NotFoundError("no such user", call=Call("POST", f"/api/users/{user_id}/block", 404))


@pytest.mark.parametrize(
    ("gone", "action", "facts"),
    [
        ("changed", Action.UPDATE, {"role": "Manager"}),
        ("blocked", Action.SUSPEND, {"role": None}),
        ("restored", Action.RESTORE, {"role": "Sales", "suspended_by_sync": True}),
    ],
)
def test_a_user_deleted_since_they_were_read_is_decided_anew_by_the_next_run(gone, action, facts):
    found = []
    user = {"id": ANN, "email": "ann@example.com", "linked": "2", **facts}
    envelope = Envelope(
        operation_id="o",
        action=action,
        link_id="l",
        run_id="r",
        pair=USERS_PAIR,
        salesforce_id=ANN,
        spotio_id="2",
        user=user,
        match="external_id",
    )
    left = UserWrites(Tenant(gone), None, found.append).apply([Operation("users", {}, envelope)])
    assert [one.id for one in left] == ["1"]
    (result,) = found
    assert (result.status, result.withheld) == (OperationStatus.STALE, [])
