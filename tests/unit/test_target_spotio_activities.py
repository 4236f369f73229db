"""Activities toward SPOTIO: who owns what Salesforce's people have changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from reverse_sf.ledger.rows import OperationStatus
from reverse_sf.merge.envelope import Action, Envelope
from reverse_sf.spotio.client import User
from reverse_sf.spotio.errors import Call
from target_spotio import activities
from target_spotio.activities import ActivityWrites
from target_spotio.operations import OWNER, PARENT, Operation
from target_spotio.people import People

OPS, REP, STRANGER = "ops@example.com", "rep@example.com", "nobody@example.com"


class Calls:
    """SPOTIO's single calls on activities, over a dictionary."""

    def __init__(self, _session: object) -> None:
        self.rows: dict[str, dict[str, Any]] = {"a1": {"id": "a1", "ownerId": "2", "done": False}}

    def templates(self) -> dict[str, Any]:
        return {}

    def read(self, identity: str) -> dict[str, Any] | None:
        return self.rows.get(identity)

    def change(self, _current: object, identity: str, body: dict[str, Any]) -> Call:
        self.rows[identity] = {**self.rows[identity], **body}
        return Call("PATCH", identity, 200, body)

    def create(self, body: dict[str, Any]) -> tuple[dict[str, Any], Call]:
        return {"id": "a2", **body}, Call("POST", "", 200, body)


@pytest.fixture
def applied(monkeypatch):
    monkeypatch.setattr(activities, "ActivityCalls", Calls)
    people = People([User("1", OPS), User("2", REP)])
    tenant = SimpleNamespace(spotio=SimpleNamespace(session=None), people=people)
    pool = SimpleNamespace(run=lambda do, ones, report: [report(do(one)) for one in ones])

    def apply(owner, spotio_id="a1"):
        found = []
        writes = ActivityWrites(tenant, pool, found.append)
        action = Action.UPDATE if spotio_id else Action.CREATE
        envelope = Envelope(
            operation_id="o", action=action, link_id="l", run_id="r", pair="p", spotio_id=spotio_id
        )
        record = {OWNER: owner, **({} if spotio_id else {PARENT: {"link_id": "of"}})}
        writes.apply([Operation("activities", record, envelope)], {"of": "9"})
        return found[0]

    return apply


def owner(email, *, keep, default=OPS):
    return {
        "salesforce_id": "005000000000001AAA",
        "email": email,
        "default": default,
        "keep_on_update": keep,
    }


def test_a_known_owner_owns_the_activity(applied):
    result = applied(owner(OPS, keep=True))
    assert (result.image[OWNER], result.written) == ("1", [OWNER])


def test_the_default_owner_steps_in_where_nobody_knows_the_owner(applied):
    result = applied(owner(STRANGER, keep=False))
    assert result.status is OperationStatus.APPLIED
    assert (result.image[OWNER], result.written) == ("1", [OWNER])


def test_an_owner_that_is_to_be_kept_is_left_alone(applied):
    result = applied(owner(STRANGER, keep=True))
    assert (result.image[OWNER], result.status) == ("2", OperationStatus.AGREED)
    assert (result.written, result.awaited) == ([], "005000000000001AAA")


def test_a_new_activity_of_a_stranger_is_the_default_owners(applied):
    result = applied(owner(STRANGER, keep=True), spotio_id=None)
    assert (result.image[OWNER], result.awaited) == ("1", None)


def test_a_new_activity_that_nobody_may_own_says_so(applied):
    result = applied(owner(STRANGER, keep=True, default=None), spotio_id=None)
    assert [one.reason for one in result.withheld] == ["owner_unknown"]
    assert result.awaited == "005000000000001AAA"


def test_a_stand_in_is_not_settled_before_it_is_known_who_the_owner_is(applied):
    result = applied(owner(None, keep=False))
    assert (result.image[OWNER], result.written) == ("1", [])
    assert result.awaited == "005000000000001AAA"


def test_a_stand_in_is_settled_where_nothing_is_to_tell_who_the_owner_is(applied):
    result = applied(owner(None, keep=False) | {"nobody": True})
    assert (result.image[OWNER], result.written, result.awaited) == ("1", [OWNER], None)
